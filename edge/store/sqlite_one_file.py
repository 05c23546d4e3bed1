"""SQLite stores of version 1, which were one file with everything in it: read, to be taken over."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from edge.errors import StoreError
from edge.store.interface import Arrival
from edge.store.row import stored_read
from edge.store.sqlite_shelf import connect

_APPLICATION_ID = 0x504C5354  # "PLST"
_PAGE = 500


def is_one_file(path: Path) -> bool:
    """Whether there is a store of version 1 at ``path``."""
    if not path.is_file():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            found = (*db.execute("PRAGMA application_id").fetchone(), *db.execute("PRAGMA user_version").fetchone())
    except sqlite3.Error:
        return False  # whoever opens it next says what is wrong with it
    return found == (_APPLICATION_ID, 1)


class OneFile:
    """An open store of version 1.  The caller keeps other processes out."""

    def __init__(self, path: Path) -> None:
        """Raises sqlite3.Error; StoreError if it is in use."""
        self._path = path
        self._db = connect(path, "rw")

    def pages(self) -> Iterator[list[Arrival]]:
        """Everything in it, as it once arrived, a few hundred at a time.  Raises StoreError if a row is damaged."""
        after = ("", "", 0)
        while True:
            rows = self._db.execute(
                "SELECT device, epoch, seq, received, labeled, wire, wire_sha256 FROM reads "
                "WHERE (device, epoch, seq) > (?, ?, ?) ORDER BY device, epoch, seq LIMIT ?",
                (*after, _PAGE),
            ).fetchall()
            if not rows:
                return
            yield [_arrival(*row) for row in rows]
            after = rows[-1][:3]

    def conflicts(self) -> list[tuple[str, str, int, bytes, str]]:
        """Device, epoch, number, hash and time of everything that was sent under a number that another read had."""
        return self._db.execute("SELECT device, epoch, seq, wire_sha256, seen FROM conflicts").fetchall()

    def close(self) -> None:
        """Close, with everything in the file itself.  Raises StoreError if something was left beside it."""
        self._db.close()
        beside = self._path.with_name(self._path.name + "-wal")
        if beside.exists():
            raise StoreError(f"take over store {self._path}: another program has it open; stop that one first")


def _arrival(device: str, epoch: str, seq: int, received: str, labeled: bytes, wire: bytes, wire_sha256: bytes) -> Arrival:
    came = datetime.fromisoformat(received)
    return Arrival(
        device=device,
        epoch=epoch,
        seq=seq,
        received=came,
        wire=wire,
        wire_sha256=wire_sha256,
        labeled=stored_read(device, epoch, seq, came, labeled).labeled,
    )
