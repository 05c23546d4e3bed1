"""The store in one SQLite file, for a town: write-ahead log, ``synchronous=FULL``, one connection behind a lock.

Unlike the outbox this file holds plates in the clear; it belongs on the agency's own, encrypted disk.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from edge.errors import StoreError
from edge.records import LabeledRead
from edge.store.folder_lock import FolderLock
from edge.store.interface import Arrival, Outcome, StoredRead
from edge.store.ranges import without
from edge.store.row import row_of

_APPLICATION_ID = 0x504C5354  # "PLST"
_SCHEMA_VERSION = 1
_PAGE_OF_READS = 500
_LARGEST = 2**63 - 1
_LOCK_TIMEOUT_S = 10.0

# ``received`` holds ranges without holes, kept up to date by each insert: a receipt must not cost a walk over a year.
_SCHEMA = f"""
CREATE TABLE reads (
  device TEXT NOT NULL,
  epoch TEXT NOT NULL,
  seq INTEGER NOT NULL,
  received TEXT NOT NULL,
  text TEXT NOT NULL,
  region TEXT NOT NULL,
  first_utc TEXT NOT NULL,
  delete_after TEXT NOT NULL,
  hit INTEGER NOT NULL,
  labeled BLOB NOT NULL,
  wire BLOB NOT NULL,
  wire_sha256 BLOB NOT NULL,
  PRIMARY KEY (device, epoch, seq)
);
CREATE INDEX reads_by_text ON reads (text, first_utc);
CREATE INDEX reads_by_delete_after ON reads (delete_after);
CREATE TABLE received (
  device TEXT NOT NULL,
  epoch TEXT NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (device, epoch, first)
) WITHOUT ROWID;
CREATE UNIQUE INDEX received_by_last ON received (device, epoch, last);
CREATE TABLE conflicts (
  device TEXT NOT NULL,
  epoch TEXT NOT NULL,
  seq INTEGER NOT NULL,
  wire_sha256 BLOB NOT NULL,
  seen TEXT NOT NULL,
  PRIMARY KEY (device, epoch, seq, wire_sha256)
) WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_SCHEMA_VERSION};
"""

_decoder = msgspec.json.Decoder(LabeledRead)


class SqliteStore:
    """See :class:`edge.store.interface.Store`."""

    def __init__(self, path: Path) -> None:
        """Open or create ``path``.  Raises StoreError naming the cure."""
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files = FolderLock(path.with_name(path.name + ".lock"))
            with self._files.held(_LOCK_TIMEOUT_S):
                self._db: sqlite3.Connection | None = _open(path)
        except OSError as error:
            raise StoreError(f"open store {path}: {error}; look at its folder and its owner") from error

    def add(self, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
        """Store all in one transaction and commit; one outcome each, in order."""
        with self._using("store reads in") as db, _transaction(db):
            return [_add_one(db, arrival) for arrival in arrivals]

    def received(self, device: str, epoch: str) -> Sequence[tuple[int, int]]:
        """What is stored for a device and epoch, as ranges without the numbers in conflict."""
        with self._using("read") as db:
            ranges = db.execute(
                "SELECT first, last FROM received WHERE device = ? AND epoch = ? ORDER BY first", (device, epoch)
            ).fetchall()
            disputed = _conflicts(db, device, epoch)
        return list(without(ranges, disputed))

    def conflicts(self, device: str, epoch: str) -> Sequence[int]:
        """The numbers, ascending, under which other bytes were sent than are stored."""
        with self._using("read") as db:
            return _conflicts(db, device, epoch)

    def reads(self) -> Iterator[StoredRead]:
        """Every read, in order; a page at a time, so that reading does not keep reads from being stored."""
        after = ("", "", 0)
        while True:
            with self._using("read") as db:
                rows = db.execute(
                    "SELECT device, epoch, seq, received, labeled FROM reads WHERE (device, epoch, seq) > (?, ?, ?) "
                    "ORDER BY device, epoch, seq LIMIT ?",
                    (*after, _PAGE_OF_READS),
                ).fetchall()
            if not rows:
                return
            yield from map(self._stored_read, rows)
            after = rows[-1][:3]

    def close(self) -> None:
        """Close; further calls raise StoreError."""
        with self._lock:
            if self._db is not None:
                with self._files.held(_LOCK_TIMEOUT_S):
                    self._db.close()
                self._files.close()
                self._db = None

    def _stored_read(self, row: tuple[str, str, int, str, bytes]) -> StoredRead:
        device, epoch, seq, received, labeled = row
        try:
            return StoredRead(
                device=device,
                epoch=epoch,
                seq=seq,
                received=datetime.fromisoformat(received),
                labeled=_decoder.decode(labeled),
            )
        except msgspec.DecodeError:
            # The library's message may quote the row, and this one may be logged.
            raise StoreError(f"read store {self._path}: row {device}/{epoch}/{seq} is damaged") from None

    @contextlib.contextmanager
    def _using(self, verb: str) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._db is None:
                raise StoreError(f"{verb} store {self._path}: it is closed")
            try:
                with self._files.held(_LOCK_TIMEOUT_S):
                    yield self._db
            except (sqlite3.Error, UnicodeError, OverflowError, OSError) as error:
                raise StoreError(f"{verb} store {self._path}: {error}; look at its disk") from error


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"open store {path}: {error}; look at its folder and its owner") from error
    try:
        _configure(db, path)
        if db.execute("PRAGMA user_version").fetchone() == (0,):
            with _transaction(db):
                for statement in filter(None, map(str.strip, _SCHEMA.split(";"))):
                    db.execute(statement)
        found = (*db.execute("PRAGMA application_id").fetchone(), *db.execute("PRAGMA user_version").fetchone())
        if found != (_APPLICATION_ID, _SCHEMA_VERSION):
            raise StoreError(f"open store {path}: it is not a store of this version; name another file or upgrade")
    except sqlite3.Error as error:
        db.close()
        raise StoreError(f"open store {path}: {error}; look at its disk, restore it if it is damaged") from error
    except StoreError:
        db.close()
        raise
    return db


def _configure(db: sqlite3.Connection, path: Path) -> None:
    """Ask for durability and look whether it was granted.  ``secure_delete`` because an expired plate must be gone."""
    for name, value in (("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1)):
        db.execute(f"PRAGMA {name} = {value}").fetchall()
        (granted,) = db.execute(f"PRAGMA {name}").fetchone()
        if granted != value:
            raise StoreError(f"open store {path}: asked SQLite for {name} = {value}, got {granted}")


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _add_one(db: sqlite3.Connection, arrival: Arrival) -> Outcome:
    key = (arrival.device, arrival.epoch, arrival.seq)
    row = row_of(arrival)
    inserted = db.execute(
        "INSERT INTO reads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            *key,
            row.received.isoformat(),
            row.text,
            row.region,
            row.first_utc.isoformat(timespec="microseconds"),
            row.delete_after.isoformat(timespec="microseconds"),
            row.hit,
            row.labeled,
            arrival.wire,
            arrival.wire_sha256,
        ),
    ).rowcount
    if inserted:
        _extend(db, *key)
        return "stored"
    query = "SELECT wire_sha256 FROM reads WHERE device = ? AND epoch = ? AND seq = ?"
    if db.execute(query, key).fetchone() == (arrival.wire_sha256,):
        return "duplicate"
    db.execute(
        "INSERT INTO conflicts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (*key, arrival.wire_sha256, arrival.received.isoformat()),
    )
    return "conflict"


def _extend(db: sqlite3.Connection, device: str, epoch: str, seq: int) -> None:
    """Put ``seq`` into the ranges: join it to the one that ends before it and the one that begins after it."""
    where = "device = ? AND epoch = ?"
    follower = min(seq + 1, _LARGEST)
    before = db.execute(f"SELECT first FROM received WHERE {where} AND last = ?", (device, epoch, seq - 1)).fetchone()  # noqa: S608
    after = db.execute(f"SELECT last FROM received WHERE {where} AND first = ?", (device, epoch, follower)).fetchone()  # noqa: S608
    first, last = before[0] if before else seq, after[0] if after else seq
    db.execute(f"DELETE FROM received WHERE {where} AND first IN (?, ?)", (device, epoch, first, follower))  # noqa: S608
    db.execute("INSERT INTO received VALUES (?, ?, ?, ?)", (device, epoch, first, last))


def _conflicts(db: sqlite3.Connection, device: str, epoch: str) -> list[int]:
    rows = db.execute(
        "SELECT DISTINCT seq FROM conflicts WHERE device = ? AND epoch = ? ORDER BY seq", (device, epoch)
    ).fetchall()
    return [seq for (seq,) in rows]
