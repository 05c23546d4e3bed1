"""Pictures in the SQLite store: two columns of their read's row, so that whatever moves, keeps or deletes it takes them too."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime

from edge.errors import StoreError
from edge.records import PictureKind
from edge.sqlite import transaction
from edge.store import sqlite_index as index
from edge.store.interface import Notary, PictureArrival, PictureHandedOut, PictureOrder, PictureOutcome, StoredRead
from edge.store.retention import check_hand_out, numbers_of
from edge.store.row import stored_read
from edge.store.sqlite_files import SqliteFiles
from edge.store.sqlite_retention import find
from edge.store.sqlite_shelf import ShelfFile


def read(files: SqliteFiles, db: sqlite3.Connection, device: str, epoch: str, seq: int) -> StoredRead | None:
    """One read, None if it is not there or not any more."""
    place = index.place(db, device, epoch, seq)
    if place is None:
        return None
    (epoch_id, _), day, digest = place
    for file in _in_use(files, db, day):
        for _, wire_sha256, received, labeled in file.page(epoch_id, seq, seq):
            if wire_sha256 == digest:
                return stored_read(device, epoch, seq, datetime.fromisoformat(received), labeled)
    return None


def add(files: SqliteFiles, db: sqlite3.Connection, picture: PictureArrival) -> PictureOutcome:
    """Put a picture to its read, in every file in which that lies: while a day is split it lies in two."""
    place = index.place(db, picture.device, picture.epoch, picture.seq)
    if place is None:
        return "gone"
    slot, day, digest = place
    if _of(files, db, picture.device, picture.epoch, picture.seq, picture.kind) is not None:
        return "duplicate"
    put = [file.put_picture(slot, digest, picture.kind, picture.jpeg) for file in _in_use(files, db, day)]
    return "stored" if any(put) else "gone"


def of(files: SqliteFiles, db: sqlite3.Connection, read: StoredRead, kind: PictureKind) -> bytes | None:
    """A picture of a read; None if it is not there."""
    return _of(files, db, read.device, read.epoch, read.seq, kind)


def hand_out(files: SqliteFiles, db: sqlite3.Connection, order: PictureOrder, at: datetime, notary: Notary) -> bytes:
    """See :meth:`edge.store.interface.PictureStore.hand_out`."""
    names = index.epoch_names(db)
    found = find(files, db, order.read, names)
    check_hand_out(order, [each.read for each in found], at)
    for each in found:
        jpeg = of(files, db, each.read, order.kind)
        if jpeg is not None:
            with transaction(db):
                numbers = numbers_of([each.slot], names)
                index.write_book(db, notary, at, PictureHandedOut(order=order, numbers=numbers))
            return jpeg
    raise StoreError(f"hand out picture of read {order.read}: its {order.kind} is not in this store")


def _of(files: SqliteFiles, db: sqlite3.Connection, device: str, epoch: str, seq: int, kind: PictureKind) -> bytes | None:
    place = index.place(db, device, epoch, seq)
    if place is None:
        return None
    slot, day, digest = place
    found = (file.picture(slot, digest, kind) for file in _in_use(files, db, day))
    return next((jpeg for jpeg in found if jpeg is not None), None)


def _in_use(files: SqliteFiles, db: sqlite3.Connection, day: int) -> Iterator[ShelfFile]:
    """Where content of a day may lie."""
    return files.of_day(db, day)
