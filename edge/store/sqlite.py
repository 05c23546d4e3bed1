"""The store in SQLite files, for a town: an index without a plate, and beside it one file for each shelf of content.

Unlike the outbox these files hold plates in the clear; they belong on the agency's own, encrypted disk.

A batch is written in two steps, each of which waits for the disk: content into its shelves, then its slots into the index.
The second is the commit.  Content without a slot, left by a batch that was cut off between them, is nobody's: no listing shows
it, the same read replaces it when it comes again, and it goes with its shelf.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from edge.errors import StoreError
from edge.ranges import minus, runs
from edge.records import PictureKind
from edge.sqlite import transaction
from edge.store import sqlite_index as index
from edge.store import sqlite_pictures as pictures
from edge.store import sqlite_retention as retention
from edge.store.batch import first_of_each, outcomes
from edge.store.folder_lock import FolderLock
from edge.store.interface import (
    Arrival,
    Deletion,
    Hold,
    HoldOrder,
    Notary,
    Outcome,
    PictureArrival,
    PictureOrder,
    PictureOutcome,
    Signed,
    StoredRead,
)
from edge.store.row import row_of, stored_read, utc
from edge.store.sqlite_files import SqliteFiles
from edge.store.sqlite_one_file import OneFile, is_one_file
from edge.store.sqlite_shelf import Columns, columns, delete_file, sync_folder

_PAGE_OF_READS = 500
_TAKE_OVER_TIMEOUT_S = 3600.0
_RETENTION_TIMEOUT_S = 300.0


class SqliteStore:
    """See :class:`edge.store.interface.RetentionStore`."""

    def __init__(self, path: Path) -> None:
        """Open or create the index at ``path`` and the folder ``<path>.shelves``; a store of one file, as version 0.1 of this
        program made them, is taken over.  Raises StoreError naming the cure."""
        folder = path.with_name(path.name + ".shelves")
        if is_one_file(path):
            _take_over(path, folder)
        self._path = path
        self._files = SqliteFiles(path, folder)
        self._retention = threading.Lock()

    def add(self, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
        """Store all in one transaction and commit; one outcome each, in order."""
        with self._files.using("store reads in") as db:
            return _add(self._files, db, arrivals)

    def received(self, device: str, epoch: str) -> Sequence[tuple[int, int]]:
        """What is stored for a device and epoch, as ranges without the numbers in conflict."""
        with self._files.using("read") as db:
            return minus(index.ranges(db, device, epoch), runs(index.conflicts(db, device, epoch)))

    def conflicts(self, device: str, epoch: str) -> Sequence[int]:
        """The numbers, ascending, under which other bytes were sent than are stored."""
        with self._files.using("read") as db:
            return index.conflicts(db, device, epoch)

    def reads(self) -> Iterator[StoredRead]:
        """Every read, in order; a page at a time, so that reading does not keep reads from being stored."""
        with self._files.using("read") as db:
            epochs = index.epoch_names(db)
        for epoch_id, (device, epoch) in epochs.items():
            after: int | None = 0
            while after is not None:
                with self._files.using("read") as db:
                    page, after = _page(self._files, db, epoch_id, after)
                for seq, received, labeled in page:
                    yield stored_read(device, epoch, seq, datetime.fromisoformat(received), labeled)

    def read(self, device: str, epoch: str, seq: int) -> StoredRead | None:
        """One read, None if it is not there or not any more."""
        with self._files.using("read") as db:
            return pictures.read(self._files, db, device, epoch, seq)

    def add_picture(self, picture: PictureArrival) -> PictureOutcome:
        """Store one and commit; the first of a read and kind is kept."""
        with self._files.using("store a picture in") as db:
            return pictures.add(self._files, db, picture)

    def has_picture(self, read: StoredRead, kind: PictureKind) -> bool:
        """Whether this picture of the read is there."""
        with self._files.using("read") as db:
            return pictures.of(self._files, db, read, kind) is not None

    def find(self, read_id: str) -> Sequence[StoredRead]:
        """Every read of an id."""
        with self._files.using("read") as db:
            return [each.read for each in retention.find(self._files, db, read_id, index.epoch_names(db))]

    def hand_out(self, order: PictureOrder, at: datetime, notary: Notary) -> bytes:
        """The picture that ``order`` asks for, after the book has it."""
        with self._files.using("hand out a picture of") as db:
            return pictures.hand_out(self._files, db, order, at, notary)

    def ask(self, device: str, epoch: str, seq: int, at: datetime) -> None:
        """Note that the pictures of a read are wanted."""
        with self._files.using("note a request in") as db, transaction(db):
            place = index.place(db, device, epoch, seq)
            if place is not None:
                index.ask(db, place[0], at)

    def asked(self) -> Sequence[tuple[str, str, int]]:
        """Device, epoch and number of every read whose pictures are wanted."""
        with self._files.using("read") as db:
            return index.asked(db)

    def no_longer_asked(self, device: str, epoch: str, seq: int) -> None:
        """The pictures of a read are there, or will never be."""
        with self._files.using("note a request in") as db, transaction(db):
            place = index.place(db, device, epoch, seq)
            if place is not None:
                index.no_longer_asked(db, place[0])

    def expire(self, at: datetime, notary: Notary) -> Deletion | None:
        """Delete every read whose time has passed and that no hold keeps; None if there was none."""
        with self._alone("delete expired reads in"):
            return retention.expire(self._files, at, notary)

    def trust_clock(self, at: datetime) -> None:
        """The next run may be far beyond the last."""
        with self._files.using("note the time in") as db, transaction(db):
            index.note_run(db, utc(at))

    def hold(self, order: HoldOrder, at: datetime, notary: Notary) -> Hold:
        """Keep reads longer."""
        with self._alone("place hold in"):
            return retention.place_hold(self._files, order, at, notary)

    def release(self, hold: str, by: str, reason: str, at: datetime, notary: Notary) -> Hold:
        """End a hold."""
        with self._alone("release hold in"):
            return retention.release_hold(self._files, hold, by, reason, at, notary)

    def holds(self) -> Sequence[Hold]:
        """Every hold, the oldest first."""
        with self._files.using("read") as db:
            return index.holds(db)

    def book(self) -> Iterator[Signed]:
        """Every entry of the book, in order."""
        with self._files.using("read") as db:
            entries = db.execute("SELECT body, signature FROM book ORDER BY number").fetchall()
        return (Signed(body=body, signature=signature) for body, signature in entries)

    def close(self) -> None:
        """Close; further calls raise StoreError."""
        self._files.close()

    @contextlib.contextmanager
    def _alone(self, verb: str) -> Iterator[None]:
        """Keep other runs of retention out, not those who store."""
        with self._retention, contextlib.ExitStack() as stack:
            try:
                lock = FolderLock(self._path.with_name(self._path.name + ".retention.lock"))
                stack.callback(lock.close)
                stack.enter_context(lock.held(_RETENTION_TIMEOUT_S))
            except OSError as error:
                raise StoreError(f"{verb} store {self._path}: {error}; try again later") from error
            yield


def _add(files: SqliteFiles, db: sqlite3.Connection, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
    with transaction(db):
        epochs = index.epoch_ids(db, ((arrival.device, arrival.epoch) for arrival in arrivals))
    slots = [(epochs[arrival.device, arrival.epoch], arrival.seq) for arrival in arrivals]
    first = first_of_each(slots)
    before = index.hashes(db, first)
    found = outcomes(slots, arrivals, before)
    rows = {slot: row_of(arrivals[at]) for slot, at in first.items() if slot not in before}
    with transaction(db):
        rulings = index.ruling_ids(db, (row.ruling for row in rows.values()))
    content: dict[str, list[Columns]] = {}
    for slot, row in rows.items():
        arrival = arrivals[first[slot]]
        stored = columns(slot, arrival.wire, arrival.wire_sha256, rulings[row.ruling], row)
        content.setdefault(row.shelf, []).append(stored)
    made = files.put(db, content)
    with transaction(db):
        files.enter(db, made)
        index.take_slots(db, {slot: (row.shelf, arrivals[first[slot]].wire_sha256) for slot, row in rows.items()})
        index.note_conflicts(db, [(slots[at], arrivals[at]) for at, each in enumerate(found) if each == "conflict"])
    return found


def _page(
    files: SqliteFiles, db: sqlite3.Connection, epoch_id: int, after: int
) -> tuple[list[tuple[int, str, bytes]], int | None]:
    """Number, time of arrival and content of the next reads of an epoch, and after which number to go on; None at the end."""
    slots = db.execute(
        "SELECT seq, day, wire_sha256 FROM slots WHERE epoch_id = ? AND seq > ? AND day IN (SELECT day FROM shelves) "
        "ORDER BY seq LIMIT ?",
        (epoch_id, after, _PAGE_OF_READS),
    ).fetchall()
    if not slots:
        return [], None
    digests = {seq: digest for seq, _, digest in slots}
    found: dict[int, tuple[int, str, bytes]] = {}
    for day in {day for _, day, _ in slots}:
        for file in files.of_day(db, day):
            for seq, digest, received, labeled in file.page(epoch_id, slots[0][0], slots[-1][0]):
                if digests.get(seq) == digest:
                    found[seq] = (seq, received, labeled)
    return [found[seq] for seq in sorted(found)], slots[-1][0]


def _take_over(path: Path, folder: Path) -> None:
    """Put everything of a store of one file into files of today's kind, and these in its place.

    Whatever cuts it off, the old file is whole until the new index takes its name, and the next start begins anew."""
    new = path.with_name(path.name + ".new")
    try:
        lock = FolderLock(path.with_name(path.name + ".lock"))
        with lock.held(_TAKE_OVER_TIMEOUT_S):
            if not is_one_file(path):
                return
            delete_file(new)
            for left in folder.glob("*"):
                left.unlink()
            one = OneFile(path)
            files = SqliteFiles(new, folder)
            for arrivals in one.pages():
                with files.using("take over") as db:
                    _add(files, db, arrivals)
            with files.using("take over") as db, transaction(db):
                db.executemany(
                    "INSERT INTO conflicts SELECT id, ?3, ?4, ?5 FROM epochs WHERE device = ?1 AND epoch = ?2", one.conflicts()
                )
            files.close()
            one.close()
            new.replace(path)
            sync_folder(path.parent)
            new.with_name(new.name + ".lock").unlink()
        lock.close()
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"take over store {path}: {error}; look at its disk, which must hold it twice meanwhile") from error
