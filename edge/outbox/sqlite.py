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
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol, TypeVar

from edge.errors import OutboxError
from edge.outbox import epochs, rows, tables
from edge.outbox.ballast import Ballast, reserve
from edge.outbox.interface import Backlog, Bury
from edge.outbox.picture_files import SUFFIX as PICTURES_SUFFIX
from edge.outbox.picture_files import pictures_folder
from edge.outbox.pictures import Pictures
from edge.outbox.room import Room
from edge.ranges import runs
from edge.records import Began, Dropped, Envelope, Head, Instant, Slot
from edge.sqlite import transaction

_PAGE_BYTES = 4096
_SHARED_MEMORY_BYTES = 64 * 1024
# Pages that a put may need beyond its wire bytes: splits of the tables' trees, the chain row.
_SLACK_PAGES = 16
# What lies with a message in its row and in the indexes.
_ROW_BYTES = 256
# A full outbox makes room for this share of itself at once, so that not every put drops something.
_SPARE_SHARE = 64


#: How long a picture waits for an agency that does not take it or ask for it, unless told.
PICTURES_FOR = timedelta(days=7)

_T = TypeVar("_T")


class Now(Protocol):
    """As much of a clock as the outbox needs."""

    def now(self) -> Instant:
        """This moment."""
        ...


class SqliteOutbox:
    """See :class:`edge.outbox.interface.Outbox`; ``pictures`` is its :class:`edge.outbox.interface.PictureBox`.  ``damaged``
    is where an unreadable file was put aside at opening, or None; whoever opens the outbox must say so aloud."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Now,
        budget_bytes: int,
        reserve_bytes: int,
        bury: Bury | None = None,
        pictures_bytes: int | None = None,
        pictures_for: timedelta = PICTURES_FOR,
    ) -> None:
        """Open or create ``path``.  ``budget_bytes`` bounds all its files together; a put is refused while the disk has less
        than ``reserve_bytes`` free, so that pruning still has room.  ``bury`` signs that reads were dropped; without it none is
        dropped to make room, a full outbox refuses, and nobody is told of what expires.  Of the budget pictures take no more
        than ``pictures_bytes``, a quarter unless told, and none stays for longer than ``pictures_for``.  Raises OutboxError
        naming the cure."""
        self._path, self._clock, self._bury = path, clock, bury
        self._room = None if bury is None else Room(bury)
        self._reserve_bytes = reserve_bytes
        self._deadline: rows.Deadline | None = None
        self._wal_pages = max(16, min(1000, budget_bytes // 16 // _PAGE_BYTES))
        # So many reads go in one transaction, which may need twice as many pages beyond those at which the log is written back.
        self._part = min(256, self._wal_pages) // 2
        self._log_bytes = (self._wal_pages + 2 * self._part) * _PAGE_BYTES
        self._ballast = Ballast(path.with_name(path.name + ".ballast"), self._log_bytes)
        self._main_pages = (budget_bytes - 2 * self._log_bytes - _SHARED_MEMORY_BYTES) // _PAGE_BYTES
        if self._main_pages <= 2 * _SLACK_PAGES:
            raise OutboxError(f"open outbox {path}: a budget of {budget_bytes} bytes is too small; give it at least 1048576")
        self.pictures = Pictures(
            pictures_folder(path),
            self._using,
            self._shrink,
            bury,
            quota_bytes=budget_bytes // 4 if pictures_bytes is None else pictures_bytes,
            longest=pictures_for,
        )
        self._lock = threading.Lock()
        self._holds = _hold_alone(path)
        self.damaged: Path | None = None
        try:
            self._require_disk()
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
        """Keep one envelope and its copies; they are on the medium when this returns."""
        self.put_all([envelope])

    def put_all(self, envelopes: Sequence[Envelope]) -> None:
        """Keep several and their copies, all in one transaction with one flush; they are on the medium when this returns."""
        with self._using("keep a read in") as db:
            pictures_fit = self.pictures.give_way(db, envelopes, lambda more: self._holds_too(db, envelopes, more))
            self._require_disk(db)
            self._ballast.take()
            now = self._clock.now()
            pictures_kept = pictures_fit and self.pictures.write(envelopes)
            try:
                with transaction(db):
                    self._make_room(db, envelopes)
                    for envelope in envelopes:
                        self._take_slot(db, envelope)
                        rows.keep(db, envelope, now)
                    self.pictures.enter(db, envelopes, pictures_kept, now)
            except BaseException:
                if pictures_kept:
                    self.pictures.take_back(envelopes)
                raise
            for envelope in envelopes:
                if self._deadline is not None:
                    self._deadline = self._deadline.with_one(envelope.expires, now)

    def waiting(self, after: int, limit: int) -> Sequence[Envelope]:
        """Up to ``limit`` kept envelopes with a sequence number above ``after``, in order, each with its copies."""
        with self._using("read") as db:
            return rows.read(db, "seq > ? ORDER BY seq LIMIT ?", after, limit)

    def waiting_hits(self, after: int, limit: int) -> Sequence[Envelope]:
        """As :meth:`waiting`, of hits alone."""
        with self._using("read") as db:
            return rows.read(db, "hit AND seq > ? ORDER BY seq LIMIT ?", after, limit)

    def waiting_numbers(self) -> Iterator[int]:
        """The sequence numbers of everything kept, ascending, as of this call."""
        with self._using("read") as db:
            rows = db.execute("SELECT seq FROM envelopes ORDER BY seq").fetchall()
        return iter([seq for (seq,) in rows])

    def prune(self, epoch: str, stored: Sequence[tuple[int, int]]) -> int:
        """Forget what a verified receipt names, a part at a time: each must find room in the log on a full disk, and lane 1
        does not wait until a week's backlog is gone."""
        gone = 0
        while part := self._shrink("prune", lambda db: self._prune_part(db, epoch, stored)):
            gone += part
        return gone

    def expire(self) -> int:
        """Forget what its label says must be deleted by now.

        Within one boot the age counts, by a clock that cannot jump; a row of an earlier boot goes by the wall clock, and
        only while that is synchronised.
        """
        now, gone = self._clock.now(), 0
        while part := self._shrink("expire reads in", lambda db: self._expire_part(db, now)):
            gone += part
        self.pictures.expire(now)
        return gone

    def tombstones(self) -> Sequence[bytes]:
        """The tombstones that wait, oldest first, as they were signed."""
        with self._using("read") as db:
            return [wire for (wire,) in db.execute("SELECT wire FROM tombstones ORDER BY id")]

    def let_go(self, tombstone: bytes) -> None:
        """Forget a tombstone that the agency keeps by now; one that has grown since stays."""

        def forget(db: sqlite3.Connection) -> None:
            with transaction(db):
                db.execute("DELETE FROM tombstones WHERE wire = ?", (tombstone,))

        self._shrink("forget a tombstone in", forget)

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

    def _prune_part(self, db: sqlite3.Connection, epoch: str, stored: Sequence[tuple[int, int]]) -> int:
        if db.execute("SELECT epoch FROM chain").fetchone() != (epoch,):
            return 0
        found = rows.numbers_in(db, stored, self._part)
        if found:
            with transaction(db):
                rows.forget(db, runs(found))
                db.execute("UPDATE chain SET pruned = pruned + ?", (len(found),))
        return len(found)

    def _expire_part(self, db: sqlite3.Connection, now: Instant) -> int:
        if self._deadline is None or self._deadline.boot_id != now.boot_id:
            self._deadline = rows.deadline(db, now.boot_id)
        if not self._deadline.reached(now):
            return 0
        self._deadline = None
        found = rows.due(db, now)[: self._part]
        if found:
            with transaction(db):
                rows.forget(db, runs(found))
                pictures = self.pictures.leave_with(db, found, "expired")
                db.execute("UPDATE chain SET expired = expired + ?", (len(found),))
                if self._bury is not None:
                    (epoch,) = db.execute("SELECT epoch FROM chain").fetchone()
                    rows.bury(db, self._bury, Dropped(epoch=epoch, expired=tuple(runs(found))))
            self.pictures.remove(pictures)
        return len(found)

    def _shrink(self, verb: str, do: Callable[[sqlite3.Connection], _T]) -> _T:
        """``do`` what makes the outbox smaller, also where somebody else has filled the disk: then the ballast goes, and what
        the log holds is written back in its place, so that the log begins anew where it lies."""
        with self._using(verb) as db:
            try:
                return do(db)
            except sqlite3.OperationalError:
                if not self._ballast.throw():
                    raise
                db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                return do(db)

    def _take_slot(self, db: sqlite3.Connection, envelope: Envelope) -> None:
        """Move the chain's head onto ``envelope``, in the transaction that keeps it."""
        slot = envelope.slot
        head = db.execute("SELECT epoch, seq + 1, hash FROM chain").fetchone()
        if head != (slot.epoch, slot.seq, slot.previous):
            raise OutboxError(f"keep a read in outbox: it takes number {slot.seq}, the chain's next is {head[1]}")
        size = sum(map(len, rows.wires(envelope)))
        db.execute(
            "UPDATE chain SET seq = ?, hash = ?, bytes = bytes + ?, copies = copies + ?",
            (slot.seq, hashlib.sha256(envelope.wire).digest(), size, len(envelope.copies)),
        )

    def _make_room(self, db: sqlite3.Connection, envelopes: Sequence[Envelope]) -> None:
        """Keep the promise about the budget: where reads may be dropped they make room for a few more than these."""
        wanted = _pages(envelopes)
        if not self._fits(db, wanted) and self._room is not None:
            self._room.make(db, lambda: self._fits(db, wanted + self._main_pages // _SPARE_SHARE))
        if not self._fits(db, wanted):
            raise OutboxError(
                f"keep a read in outbox {self._path}: its budget is used up; reads wait for receipts: bring the agency's "
                "end within reach or give `outbox.budget_bytes` more"
            )

    def _fits(self, db: sqlite3.Connection, pages: int) -> bool:
        used = tables.pragma(db, "page_count") - tables.pragma(db, "freelist_count") + self.pictures.disk(db) // _PAGE_BYTES
        return used + pages + _SLACK_PAGES <= self._main_pages

    def _holds_too(self, db: sqlite3.Connection, envelopes: Sequence[Envelope], more_bytes: int) -> bool:
        """Whether ``envelopes`` and so many bytes more can be kept, by the budget and by the disk."""
        if not self._fits(db, _pages(envelopes) + more_bytes // _PAGE_BYTES):
            return False
        try:
            disk = os.statvfs(self._path.parent)
        except OSError:
            return True  # for whoever looks at the disk next to say
        return disk.f_bavail * disk.f_frsize >= self._reserve_bytes + more_bytes

    def _require_disk(self, db: sqlite3.Connection | None = None) -> None:
        """Refuse to take what is left of the disk: receipts prune, and that takes room too."""
        verb = "open" if db is None else "keep a read in"
        try:
            disk = os.statvfs(self._path.parent)
        except OSError as error:
            raise OutboxError(f"{verb} outbox {self._path}: {error.strerror}") from error
        free = disk.f_bavail * disk.f_frsize
        if free < self._reserve_bytes:
            if db is not None:
                # While there still is room for it: a log that is written back begins anew in the place it has.
                with contextlib.suppress(sqlite3.Error):
                    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
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
        db.text_factory = tables.forgiving
        try:
            self._configure(db)
            if tables.pragma(db, "user_version") == 0:
                tables.begin_epoch(db, self._clock.now(), began, epochs.remembered(self._path))
            tables.check(db, self._path)
            tables.upgrade(db)
            self.pictures.tidy(db)
            # Only now, so that a file which is full can still be upgraded.
            fence = max(self._main_pages, tables.pragma(db, "page_count"))
            db.execute(f"PRAGMA max_page_count = {fence}").fetchall()
            reserve(self._path.with_name(self._path.name + "-wal"), self._log_bytes)
            self._ballast.take()
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
            "journal_size_limit": self._log_bytes,
            "cell_size_check": 1,
            "foreign_keys": 1,
        }
        for name, value in wanted.items():
            db.execute(f"PRAGMA {name} = {value}").fetchall()
            (granted,) = db.execute(f"PRAGMA {name}").fetchone()
            if granted != value:
                raise OutboxError(f"open outbox {self._path}: asked SQLite for {name} = {value}, got {granted}")


def _pages(envelopes: Sequence[Envelope]) -> int:
    """How many pages ``envelopes`` may need: none is left more than half empty."""
    messages = [len(wire) + _ROW_BYTES for envelope in envelopes for wire in rows.wires(envelope)]
    pictures = [_ROW_BYTES for envelope in envelopes for _ in envelope.pictures]
    return 2 * (sum(messages) + 2 * sum(pictures)) // _PAGE_BYTES


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
        for suffix in ("-wal", "-shm", PICTURES_SUFFIX, ""):
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
