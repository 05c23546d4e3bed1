"""The disk after a power cut, at any moment of what ``shadow.c`` noted.

The model: what was written to a file may be lost until the file is synced; that a name was made, renamed or removed may be
lost until its folder is synced.  A sync that failed loses for good what it should have saved, as Linux does.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

Kind = Literal["synced", "some", "killed"]
"""What of the unsynced is there after the cut: nothing; a random part, writes torn at 512 bytes; all of it (no power cut but
a SIGKILL between two system calls)."""

_HEAD = struct.Struct("=cIIQ")
_SECTOR = 512


class Step(NamedTuple):
    """One record of the log; see shadow.c."""

    kind: str
    at: int
    name: str
    data: bytes


def steps(log: Path) -> Iterator[Step]:
    """Everything in ``log``; a record cut off at its end is left out."""
    content, here = log.read_bytes(), 0
    while here + _HEAD.size <= len(content):
        kind, name_size, data_size, at = _HEAD.unpack_from(content, here)
        here += _HEAD.size
        end = here + name_size + data_size
        if end > len(content):
            return
        yield Step(kind.decode(), at, content[here : here + name_size].decode(), content[here + name_size : end])
        here = end


class _File:
    """``safe`` is what is on the medium, ``waiting`` what was asked since, ``cached`` what the process sees."""

    def __init__(self) -> None:
        self.safe, self.waiting, self.cached = bytearray(), list[Step](), bytearray()

    def ask(self, step: Step) -> None:
        self.waiting.append(step)
        _apply(self.cached, step)

    def synced(self) -> None:
        for step in self.waiting:
            _apply(self.safe, step)
        self.waiting.clear()


class _Change(NamedTuple):
    """A change of names in one folder, to be had as a whole."""

    gone: str | None
    come: str | None
    file: _File | None


class Disk:
    """The state of the watched folder; ``take`` the steps in order, look in between."""

    def __init__(self) -> None:
        self._names: dict[str, _File | None] = {}
        self._safe_names: dict[str, _File | None] = {}
        self._changes: dict[str, list[_Change]] = {}

    def take(self, step: Step) -> None:
        """Follow one step."""
        if step.kind in "WT":
            file = self._names[step.name]
            assert file is not None
            file.ask(step)
        elif step.kind == "C":
            self._change(step.name, _Change(None, step.name, _File()))
        elif step.kind == "M":
            self._change(step.name, _Change(None, step.name, None))
        elif step.kind == "U":
            self._change(step.name, _Change(step.name, None, None))
        elif step.kind == "R":
            self._change(step.name, _Change(step.name, step.data.decode(), self._names[step.name]))
        elif step.kind == "S" and (file := self._names[step.name]):
            file.synced()
        elif step.kind == "E" and (file := self._names.get(step.name)):
            file.waiting.clear()
        elif step.kind == "D":
            _rename(self._safe_names, self._changes.pop(step.name, []))

    def after_cut(self, kind: Kind, chance: random.Random) -> dict[str, bytes]:
        """Name → content of every file that is there."""
        names = dict(self._names)
        if kind != "killed":
            names = dict(self._safe_names)
            for changes in self._changes.values():
                _rename(names, changes[: chance.randint(0, len(changes)) if kind == "some" else 0])
        found = {name: _content(file, kind, chance) for name, file in names.items() if file is not None}
        folders = {name for name, file in names.items() if file is None}
        made = {name for name, file in self._names.items() if file is None}
        # A file in a folder that was made, and whose own name is lost, is lost.
        return {name: data for name, data in found.items() if _parents(name) & made <= folders}

    def _change(self, name: str, change: _Change) -> None:
        _rename(self._names, [change])
        self._changes.setdefault(name.rpartition("/")[0], []).append(change)


def _rename(names: dict[str, _File | None], changes: list[_Change]) -> None:
    for change in changes:
        if change.gone is not None:
            names.pop(change.gone, None)
        if change.come is not None:
            names[change.come] = change.file


def _content(file: _File, kind: Kind, chance: random.Random) -> bytes:
    if kind == "killed":
        return bytes(file.cached)
    content = bytearray(file.safe)
    for step in file.waiting if kind == "some" else ():
        if chance.random() < 0.5:
            _apply(content, step)
        elif step.kind == "W" and chance.random() < 0.3:
            torn = chance.randint(0, len(step.data) // _SECTOR) * _SECTOR
            _apply(content, step._replace(data=step.data[:torn]))
    return bytes(content)


def _apply(content: bytearray, step: Step) -> None:
    if step.kind == "T":
        del content[step.at :]
    if len(content) < step.at:
        content.extend(bytes(step.at - len(content)))
    if step.kind == "W":
        content[step.at : step.at + len(step.data)] = step.data


def _parents(name: str) -> set[str]:
    parts = name.split("/")
    return {"/".join(parts[:n]) for n in range(1, len(parts))}
