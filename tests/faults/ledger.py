"""The truth ledger: what a unit was promised, noted the moment that it was promised.

One line a step, each in one write to a file, so that what was written survives a SIGKILL.  Kept in the folder that
``shadow.c`` watches, its lines stand in that log at their place in time.

    ? <epoch> <seq> <read id> <SHA-256 of the wire bytes>    put is about to be called
    = <epoch> <seq>                                          put returned
    ! <epoch> <seq>                                          put raised
    - <epoch> <first> <last>                                 prune is about to be called
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from edge.records import Envelope

Number = tuple[str, int]


class Kept(Struct, frozen=True):
    """What lies under a number: the read's id, and the SHA-256 of its wire bytes in hexadecimal."""

    read_id: str
    sha256: str


class Truth:
    """What the ledger's lines say, as far as they were read."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self.tried: dict[Number, list[Kept]] = {}
        self.committed: dict[Number, Kept] = {}
        self.refused = 0
        self.pruned: set[Number] = set()
        for line in lines:
            self.take(line)

    def take(self, line: str) -> None:
        """Read one more line; the last may be cut off by a kill."""
        kind, *rest = line.split() or [""]
        if kind == "?" and len(rest) == 4 and len(rest[3]) == 64:
            self.tried.setdefault((rest[0], int(rest[1])), []).append(Kept(rest[2], rest[3]))
        elif kind == "=" and line.endswith("\n"):
            number = (rest[0], int(rest[1]))
            assert number not in self.committed, f"two puts returned under one number: {number}"
            self.committed[number] = self.tried[number][-1]
        elif kind == "!":
            self.refused += 1
        elif kind == "-" and line.endswith("\n"):
            self.pruned |= {(rest[0], seq) for seq in range(int(rest[1]), int(rest[2]) + 1)}

    @classmethod
    def of(cls, path: Path) -> Truth:
        """The whole ledger; empty if none was begun."""
        return cls(path.read_text().splitlines(keepends=True) if path.exists() else ())


class Ledger:
    """Writes the lines."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def trying(self, envelope: Envelope) -> None:
        slot = envelope.slot
        self._write(f"? {slot.epoch} {slot.seq} {envelope.read_id} {hashlib.sha256(envelope.wire).hexdigest()}")

    def committed(self, envelope: Envelope) -> None:
        self._write(f"= {envelope.slot.epoch} {envelope.slot.seq}")

    def refused(self, envelope: Envelope) -> None:
        self._write(f"! {envelope.slot.epoch} {envelope.slot.seq}")

    def pruning(self, epoch: str, first: int, last: int) -> None:
        self._write(f"- {epoch} {first} {last}")

    def close(self) -> None:
        os.close(self._file)

    def _write(self, line: str) -> None:
        data = line.encode() + b"\n"
        # A ledger on a disk that is full must fail aloud: everything that is concluded rests on it.
        assert os.write(self._file, data) == len(data)
