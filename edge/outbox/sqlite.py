"""The outbox in one SQLite file: write-ahead log, ``synchronous=FULL``, exactly one connection that writes.

Facts it stands on: WAL with NORMAL loses committed rows in a power cut, FULL loses none; and SQLite up to 3.51.2 can
corrupt a file that two connections write or checkpoint at once.  So both lanes share one connection behind a lock, and a
lock file keeps a second process out.  What lies in the file is ciphertext.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, Protocol

from edge.errors import OutboxError
from edge.outbox import epochs, tables
from edge.outbox.interface import Backlog
from edge.ranges import runs
from edge.records import Began, Envelope, Head, Instant, SealedCopy, Slot

_PAGE_BYTES = 4096
_SHARED_MEMORY_BYTES = 64 * 1024
# Pages that a put may need beyond its wire bytes: splits of the tables' trees, the chain row.
_SLACK_PAGES = 16
# A message may begin a page and leave another half empty.
_PAGES_BEGUN = 2
_SYNCHRONISED = frozenset({"ntp", "gps", "gps-pps"})


class Now(Protocol):
    """As much of a clock as the outbox needs."""

    def now(self) -> Instant:
        """This moment."""
        ...


class SqliteOutbox:
    """See :class:`edge.outbox.interface.Outbox`.  ``damaged`` is where an unreadable file was put aside at opening, or
    None; whoever opens the outbox must say so aloud."""

    def __init__(self, path: Path, *, clock: Now, budget_bytes: int, reserve_bytes: int) -> None:
        """Open or create ``path``.  ``budget_bytes`` bounds all its files together; a put is refused while the disk has less
        than ``reserve_bytes`` free, so that pruning still has room.  Raises OutboxError naming the cure."""
        self._path, self._clock = path, clock
        self._reserve_bytes = reserve_bytes
        self._wal_pages = max(16, min(1000, budget_bytes // 8 // _PAGE_BYTES))
        self._main_pages = (budget_bytes - 2 * self._wal_pages * _PAGE_BYTES - _SHARED_MEMORY_BYTES) // _PAGE_BYTES
        if self._main_pages <= 2 * _SLACK_PAGES:
            raise OutboxError(f"open outbox {path}: a budget of {budget_bytes} bytes is too small; give it at least 1048576")
        self._lock = threading.Lock()
        self._holds = _hold_alone(path)
        self.damaged: Path | None = None
        try:
            self._require_disk("open")
            self._db: sqlite3.Connection | None = self._open()
        except BaseException:
            os.close(self._holds)
            raise

    def next_slot(self) -> Slot:
        """The place in the chain that the next envelope must take."""
        with self._using("read") as db:
            epoch, seq, head = db.execute("SELECT epoch, seq, hash FROM chain").fetchone()
        return Slot(epoch=epoch, seq=seq + 1, previous=head)

    def put(self, envelope: Envelope) -> None:
        """Keep one envelope and its copies, all in one transaction; they are on the medium when this returns."""
        now = self._clock.now()
        lives_ns = max(0, int((envelope.expires - now.utc).total_seconds() * 1e9))
        with self._using("keep a read in") as db:
            self._require_disk("keep a read in")
            self._require_budget(db, envelope)
            with tables.transaction(db):
                self._take_slot(db, envelope)
                db.execute(
                    "INSERT INTO envelopes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        envelope.slot.seq,
                        envelope.read_id,
                        envelope.slot.previous,
                        envelope.hit,
                        now.utc.isoformat(),
                        envelope.expires.isoformat(),
                        now.boot_id,
                        now.boottime_ns,
                        lives_ns,
                        envelope.wire,
                    ),
                )
                db.executemany(
                    "INSERT INTO copies VALUES (?, ?, ?)",
                    [(envelope.slot.seq, copy.party, copy.wire) for copy in envelope.copies],
                )

    def waiting(self, after: int, limit: int) -> Sequence[Envelope]:
        """Up to ``limit`` kept envelopes with a sequence number above ``after``, in order, each with its copies."""
        with self._using("read") as db:
            (epoch,) = db.execute("SELECT epoch FROM chain").fetchone()
            rows = db.execute(
                "SELECT seq, previous, read_id, expires, hit, wire FROM envelopes WHERE seq > ? ORDER BY seq LIMIT ?",
                (after, limit),
            ).fetchall()
            copies = _copies(db, rows[0][0], rows[-1][0]) if rows else {}
        return [
            Envelope(
                slot=Slot(epoch=epoch, seq=seq, previous=previous),
                read_id=read_id,
                expires=datetime.fromisoformat(expires),
                hit=bool(hit),
                wire=wire,
                copies=tuple(copies.get(seq, ())),
            )
            for seq, previous, read_id, expires, hit, wire in rows
        ]

    def waiting_numbers(self) -> Iterator[int]:
        """The sequence numbers of everything kept, ascending, as of this call."""
        with self._using("read") as db:
            rows = db.execute("SELECT seq FROM envelopes ORDER BY seq").fetchall()
        return iter([seq for (seq,) in rows])

    def prune(self, epoch: str, stored: Sequence[tuple[int, int]]) -> int:
        """Forget what a verified receipt names."""
        with self._using("prune") as db:
            if db.execute("SELECT epoch FROM chain").fetchone() != (epoch,):
                return 0
            if not any(_some(db, first, last) for first, last in stored):
                return 0
            with tables.transaction(db):
                gone = _forget(db, stored)
                db.execute("UPDATE chain SET pruned = pruned + ?", (gone,))
        return gone

    def expire(self) -> int:
        """Forget what its label says must be deleted by now.

        Within one boot the age counts, by a clock that cannot jump; a row of an earlier boot goes by the wall clock, and
        only while that is synchronised.
        """
        now = self._clock.now()
        with self._using("expire reads in") as db:
            due = _due(db, now)
            if not due:
                return 0
            with tables.transaction(db):
                gone = _forget(db, runs(due))
                db.execute("UPDATE chain SET expired = expired + ?", (gone,))
        return gone

    def head(self) -> Head:
        """Where the chain ends, and what was before this epoch."""
        with self._using("read") as db:
            return tables.read_head(db)

    def backlog(self) -> Backlog:
        """What waits now."""
        with self._using("read") as db:
            return tables.read_backlog(db)

    def close(self) -> None:
        """Flush and close; further calls raise OutboxError."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None
                os.close(self._holds)

    def _take_slot(self, db: sqlite3.Connection, envelope: Envelope) -> None:
        """Move the chain's head onto ``envelope``, in the transaction that keeps it."""
        slot = envelope.slot
        head = db.execute("SELECT epoch, seq + 1, hash FROM chain").fetchone()
        if head != (slot.epoch, slot.seq, slot.previous):
            raise OutboxError(f"keep a read in outbox: it takes number {slot.seq}, the chain's next is {head[1]}")
        size = sum(map(len, _wires(envelope)))
        db.execute(
            "UPDATE chain SET seq = ?, hash = ?, bytes = bytes + ?, copies = copies + ?",
            (slot.seq, hashlib.sha256(envelope.wire).digest(), size, len(envelope.copies)),
        )

    def _require_budget(self, db: sqlite3.Connection, envelope: Envelope) -> None:
        used = tables.pragma(db, "page_count") - tables.pragma(db, "freelist_count")
        wanted = sum(len(wire) // _PAGE_BYTES for wire in _wires(envelope)) + len(envelope.copies) * _PAGES_BEGUN
        if used + wanted + _SLACK_PAGES > self._main_pages:
            raise OutboxError(
                f"keep a read in outbox {self._path}: its budget is used up; reads wait for receipts: bring the agency's "
                "end within reach or give `outbox.budget_bytes` more"
            )

    def _require_disk(self, verb: str) -> None:
        try:
            disk = os.statvfs(self._path.parent)
        except OSError as error:
            raise OutboxError(f"{verb} outbox {self._path}: {error.strerror}") from error
        free = disk.f_bavail * disk.f_frsize
        if free < self._reserve_bytes:
            raise OutboxError(
                f"{verb} outbox {self._path}: the disk is full: {free} bytes are free and {self._reserve_bytes} must stay "
                "free (`outbox.reserve_bytes`); make room on it"
            )

    @contextlib.contextmanager
    def _using(self, verb: str) -> Iterator[sqlite3.Connection]:
        """The one connection, alone, with SQLite's errors translated."""
        with self._lock:
            if self._db is None:
                raise OutboxError(f"{verb} outbox {self._path}: it is closed")
            try:
                yield self._db
            except sqlite3.Error as error:
                raise OutboxError(f"{verb} outbox {self._path}: {error}; look at its disk") from error

    def _open(self) -> sqlite3.Connection:
        try:
            return self._open_checked("missing" if epochs.remembered(self._path) else "first")
        except (sqlite3.OperationalError, OSError) as error:
            raise OutboxError(f"open outbox {self._path}: {error}; look at its disk and its owner") from error
        except (sqlite3.DatabaseError, tables.Damaged):
            self.damaged = _put_aside(self._path)
        try:
            return self._open_checked("damaged")
        except (sqlite3.Error, OSError, tables.Damaged) as error:
            raise OutboxError(f"open outbox {self._path}: cannot begin a new one: {error}; look at its disk") from error

    def _open_checked(self, began: Began) -> sqlite3.Connection:
        """``began`` is how an epoch comes to be that this begins."""
        created = not self._path.exists()
        if created:
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            self._configure(db)
            if tables.pragma(db, "user_version") == 0:
                tables.begin_epoch(db, self._clock.now(), began, epochs.remembered(self._path))
            tables.check(db, self._path)
            tables.upgrade(db)
            # Only now, so that a file which is full can still be upgraded.
            fence = max(self._main_pages, tables.pragma(db, "page_count"))
            db.execute(f"PRAGMA max_page_count = {fence}").fetchall()
        except BaseException:
            db.close()
            raise
        if created:
            _fsync_folder(self._path.parent)
        epochs.remember(self._path, tables.read_head(db).epoch)
        return db

    def _configure(self, db: sqlite3.Connection) -> None:
        """Ask for durability and look whether it was granted: never weaker than promised without a word."""
        db.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        wanted = {
            "journal_mode": "wal",
            "synchronous": 2,
            "wal_autocheckpoint": self._wal_pages,
            "journal_size_limit": self._wal_pages * _PAGE_BYTES,
            "cell_size_check": 1,
            "foreign_keys": 1,
        }
        for name, value in wanted.items():
            db.execute(f"PRAGMA {name} = {value}").fetchall()
            (granted,) = db.execute(f"PRAGMA {name}").fetchone()
            if granted != value:
                raise OutboxError(f"open outbox {self._path}: asked SQLite for {name} = {value}, got {granted}")


def _copies(db: sqlite3.Connection, first: int, last: int) -> dict[int, list[SealedCopy]]:
    """The copies of the reads from ``first`` to ``last``, by the read's number."""
    found: dict[int, list[SealedCopy]] = {}
    rows = db.execute("SELECT seq, party, wire FROM copies WHERE seq BETWEEN ? AND ? ORDER BY rowid", (first, last))
    for seq, party, wire in rows:
        found.setdefault(seq, []).append(SealedCopy(party=party, wire=wire))
    return found


def _wires(envelope: Envelope) -> Iterator[bytes]:
    yield envelope.wire
    yield from (copy.wire for copy in envelope.copies)


def _some(db: sqlite3.Connection, first: int, last: int) -> bool:
    return db.execute("SELECT 1 FROM envelopes WHERE seq BETWEEN ? AND ? LIMIT 1", (first, last)).fetchone() is not None


def _forget(db: sqlite3.Connection, ranges: Iterable[tuple[int, int]]) -> int:
    """Delete the reads in ``ranges``, with which their copies go, and take both off the account; returns how many reads."""
    gone = 0
    for numbers in ranges:
        reads, read_bytes = _weigh(db, "envelopes", numbers)
        copies, copy_bytes = _weigh(db, "copies", numbers)
        db.execute("DELETE FROM envelopes WHERE seq BETWEEN ? AND ?", numbers)
        db.execute("UPDATE chain SET bytes = bytes - ?, copies = copies - ?", (read_bytes + copy_bytes, copies))
        gone += reads
    return gone


def _weigh(db: sqlite3.Connection, table: Literal["envelopes", "copies"], numbers: tuple[int, int]) -> tuple[int, int]:
    """How many messages of ``numbers`` lie in ``table``, and their wire bytes."""
    query = f"SELECT count(*), coalesce(sum(length(wire)), 0) FROM {table} WHERE seq BETWEEN ? AND ?"  # noqa: S608
    count, size = db.execute(query, numbers).fetchone()
    return count, size


def _due(db: sqlite3.Connection, now: Instant) -> list[int]:
    """The number of every read whose time is over."""
    due = db.execute(
        "SELECT seq FROM envelopes WHERE boot_id = ? AND ? - boottime_ns >= lives_ns", (now.boot_id, now.boottime_ns)
    ).fetchall()
    if now.quality.source in _SYNCHRONISED:
        earlier = db.execute("SELECT seq, expires FROM envelopes WHERE boot_id != ?", (now.boot_id,))
        due += [(seq,) for seq, expires in earlier if datetime.fromisoformat(expires) <= now.utc]
    return [seq for (seq,) in due]


def _hold_alone(path: Path) -> int:
    """Lock out every other process that would write this outbox; the lock goes with the process, however it ends."""
    try:
        _make_folder(path.parent)
        lock = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise OutboxError(f"open outbox {path}: {error.strerror}; look at its folder and its disk") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise OutboxError(f"open outbox {path}: another process writes it; stop that first") from error
    return lock


def _put_aside(path: Path) -> Path:
    """Rename a damaged outbox with its log, for recovery by hand; nothing is deleted."""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(timezone.utc):%Y%m%dT%H%M%S.%fZ}")
    try:
        for suffix in ("-wal", "-shm", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        _fsync_folder(path.parent)
    except OSError as error:
        raise OutboxError(f"put damaged outbox {path} aside: {error.strerror}; look at its folder") from error
    return aside


def _make_folder(folder: Path) -> None:
    """Make ``folder`` and those above it that are missing; what is synced in a folder whose own name is lost, is lost."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _fsync_folder(folder.parent)


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
