"""The files of the SQLite store: one for each shelf, holding content; deleting it is deleting everything on it.

A file never gets the name of one that is gone: a process that still has the old one open can then do nothing to the new.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.errors import StoreError
from edge.records import PictureKind
from edge.sqlite import run, transaction
from edge.store.batch import Slot
from edge.store.row import LONGEST_TEXT, Row

_APPLICATION_ID = 0x504C5353  # "PLSS"
#: 2 came with pictures: the last columns of a read's row, so that they lie, are held and go with it.
_SCHEMA_VERSION = 2
_UPGRADE = f"""
ALTER TABLE reads ADD COLUMN crop BLOB;
ALTER TABLE reads ADD COLUMN frame BLOB;
PRAGMA user_version = {_SCHEMA_VERSION};
"""
_SCHEMA = f"""
CREATE TABLE reads (
  epoch_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  wire_sha256 BLOB NOT NULL,
  ruling_id INTEGER NOT NULL,
  read_id TEXT NOT NULL,
  received TEXT NOT NULL,
  delete_after TEXT NOT NULL,
  text TEXT NOT NULL,
  region TEXT NOT NULL,
  first_utc TEXT NOT NULL,
  hit INTEGER NOT NULL,
  labeled BLOB NOT NULL,
  wire BLOB NOT NULL,
  crop BLOB,
  frame BLOB,
  PRIMARY KEY (epoch_id, seq)
);
CREATE INDEX reads_by_text ON reads (text, first_utc);
CREATE INDEX reads_by_id ON reads (read_id);
CREATE INDEX reads_by_delete_after ON reads (delete_after);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_SCHEMA_VERSION};
"""
_SUFFIXES = ("", "-wal", "-shm", "-journal")

_PICTURE: dict[PictureKind, str] = {
    "crop": "SELECT crop FROM reads WHERE epoch_id = ? AND seq = ? AND wire_sha256 = ?",
    "frame": "SELECT frame FROM reads WHERE epoch_id = ? AND seq = ? AND wire_sha256 = ?",
}
_PUT_PICTURE: dict[PictureKind, str] = {
    "crop": "UPDATE reads SET crop = ? WHERE epoch_id = ? AND seq = ? AND wire_sha256 = ?",
    "frame": "UPDATE reads SET frame = ? WHERE epoch_id = ? AND seq = ? AND wire_sha256 = ?",
}

#: All columns of a row, in the order of the table.
Columns = tuple[Any, ...]


class ShelfFile:
    """One file, open.  Whoever uses it holds the store's lock."""

    def __init__(self, path: Path) -> None:
        """Open a file that is there.  Raises StoreError if it is not, or is none of ours; sqlite3.Error."""
        if not path.is_file():
            raise StoreError(f"open shelf {path}: it is not there; restore it from a backup")
        self._db = connect(path, "rw")
        try:
            upgrade(self._db, _APPLICATION_ID, 1, _UPGRADE)
            check_version(self._db, path, _APPLICATION_ID, _SCHEMA_VERSION)
        except BaseException:
            self._db.close()
            raise

    @classmethod
    def make(cls, path: Path) -> ShelfFile:
        """A new, empty file, which is still there after a power cut.  Raises OSError, sqlite3.Error."""
        make_file(path, _SCHEMA)
        return cls(path)

    def put(self, rows: Iterable[Columns]) -> None:
        """Write rows and wait for the disk.  A row of the same slot, left there by a batch that was cut off, is replaced."""
        with transaction(self._db):
            self._db.executemany("INSERT OR REPLACE INTO reads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def keys(self) -> list[tuple[int, int, bytes, int, str, int]]:
        """Epoch, number, hash, ruling, delete_after and number of pictures of every row, in order of epoch and number."""
        return self._db.execute(
            "SELECT epoch_id, seq, wire_sha256, ruling_id, delete_after, (crop IS NOT NULL) + (frame IS NOT NULL) "
            "FROM reads ORDER BY epoch_id, seq"
        ).fetchall()

    def picture(self, slot: Slot, wire_sha256: bytes, kind: PictureKind) -> bytes | None:
        """A picture of the row with this hash; None if there is no such row or no such picture."""
        row = self._db.execute(_PICTURE[kind], (*slot, wire_sha256)).fetchone()
        return None if row is None else row[0]

    def put_picture(self, slot: Slot, wire_sha256: bytes, kind: PictureKind, jpeg: bytes) -> bool:
        """Put a picture to the row with this hash and wait for the disk; whether there is such a row."""
        with transaction(self._db):
            return bool(self._db.execute(_PUT_PICTURE[kind], (jpeg, *slot, wire_sha256)).rowcount)

    def count(self) -> int:
        """How many rows there are."""
        (number,) = self._db.execute("SELECT count(*) FROM reads").fetchone()
        return int(number)

    def rows(self, slots: Iterable[Slot]) -> Iterator[Columns]:
        """The rows of some slots, those that are there."""
        for slot in slots:
            yield from self._db.execute("SELECT * FROM reads WHERE epoch_id = ? AND seq = ?", slot)

    def rows_until(self, begins: str, ends: str) -> Iterator[Columns]:
        """The rows that are to be deleted from ``begins`` up to, not including, ``ends`` (as :func:`moment` writes them)."""
        return self._db.execute("SELECT * FROM reads WHERE delete_after >= ? AND delete_after < ?", (begins, ends))

    def page(self, epoch_id: int, first: int, last: int) -> list[tuple[int, bytes, str, bytes]]:
        """Number, hash, time of arrival and content of an epoch's rows from ``first`` to ``last``."""
        return self._db.execute(
            "SELECT seq, wire_sha256, received, labeled FROM reads WHERE epoch_id = ? AND seq BETWEEN ? AND ? ORDER BY seq",
            (epoch_id, first, last),
        ).fetchall()

    def find(self, read_id: str) -> list[tuple[int, int, bytes, str, bytes]]:
        """Epoch, number, hash, time of arrival and content of the rows of a read's id."""
        return self._db.execute(
            "SELECT epoch_id, seq, wire_sha256, received, labeled FROM reads WHERE read_id = ?", (read_id[:LONGEST_TEXT],)
        ).fetchall()

    def close(self) -> None:
        """Close; not the end of the file."""
        self._db.close()


def columns(slot: Slot, wire: bytes, wire_sha256: bytes, ruling_id: int, row: Row) -> Columns:
    """One row in the order of the table."""
    return (
        *slot, wire_sha256, ruling_id, row.read_id, row.received.isoformat(), moment(row.delete_after), row.text, row.region,
        moment(row.first_utc), row.hit, row.labeled, wire, None, None,
    )  # fmt: skip


def new_name(shelf: str) -> str:
    """A name for a shelf's file that no file ever had."""
    return f"{shelf.replace(':', '')}.{secrets.token_hex(6)}.sqlite"


def moment(at: datetime) -> str:
    """One spelling for every instant (UTC), so that text order is time order."""
    return at.isoformat(timespec="microseconds")


def delete_file(path: Path) -> None:
    """Remove a database and what SQLite keeps beside it.  Raises OSError."""
    for suffix in _SUFFIXES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def make_file(path: Path, schema: str) -> None:
    """A new database, readable by its owner alone, which is still there after a power cut."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with contextlib.closing(connect(path, "rw")) as db, transaction(db):
        run(db, schema)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the folder's list of files is on the disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Ask for durability and look whether it was granted.  Raises sqlite3.Error; StoreError if it was not."""
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False, timeout=5.0
    )
    try:
        for name, value in (("journal_mode", "wal"), ("synchronous", 2)):
            db.execute(f"PRAGMA {name} = {value}").fetchall()
            (granted,) = db.execute(f"PRAGMA {name}").fetchone()
            if granted != value:
                raise StoreError(f"open store {path}: asked SQLite for {name} = {value}, got {granted}")
    except BaseException:
        db.close()
        raise
    return db


def upgrade(db: sqlite3.Connection, application_id: int, version: int, script: str) -> None:
    """Bring a file of ``version`` to the next where it stands, in one transaction."""
    found = (*db.execute("PRAGMA application_id").fetchone(), *db.execute("PRAGMA user_version").fetchone())
    if found != (application_id, version):
        return
    with transaction(db):
        run(db, script)


def check_version(db: sqlite3.Connection, path: Path, application_id: int, version: int) -> None:
    """Raises StoreError unless ``path`` is what it should be."""
    found = (*db.execute("PRAGMA application_id").fetchone(), *db.execute("PRAGMA user_version").fetchone())
    if found != (application_id, version):
        raise StoreError(f"open store {path}: it is not a store of this version; name another file or upgrade")


def unpacked(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The only column of rows."""
    return [value for (value,) in rows]
