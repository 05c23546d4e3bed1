"""Deleting and holding in the SQLite store.  Nothing is wiped inside a file: what is to go goes with its file.

Each step holds the files for a moment only, so that reads can be stored in between; a run that is cut off after any of them is
finished by the next, and nothing is stated twice.  Other runs are kept out by the caller.
"""

from __future__ import annotations

import itertools
import secrets
import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timezone
from typing import NamedTuple

from edge.sqlite import transaction
from edge.store import sqlite_index as index
from edge.store.batch import Slot
from edge.store.interface import Deletion, Hold, HoldOrder, HoldOver, HoldPlaced, Notary
from edge.store.retention import (
    Found,
    Span,
    check_clock,
    check_order,
    check_over,
    deleted_under,
    deletion,
    in_store,
    numbers_of,
)
from edge.store.row import stored_read, utc
from edge.store.shelf import HELD, SLICE, day_of, ends, is_day, slices_of
from edge.store.sqlite_files import SqliteFiles
from edge.store.sqlite_shelf import ShelfFile, moment

_VERB = "delete expired reads in"
_HELD_DAY = 0
_CLEARED = ("files removed",)


def expire(files: SqliteFiles, at: datetime, notary: Notary) -> Deletion | None:
    """See :meth:`edge.store.interface.RetentionStore.expire`."""
    at = utc(at)
    _begin(files, at, notary)
    for shelf in _shelves(files):
        if shelf != HELD and is_day(shelf) and day_of(shelf) == at.date():
            _split(files, day_of(shelf))
    for shelf in _shelves(files):
        if shelf != HELD and ends(shelf) <= at:
            _drop(files, shelf, at)
    _thin_held(files, at)
    with files.using(_VERB) as db:
        files.sweep(db)
        pending = [words for (words,) in db.execute("SELECT words FROM pending ORDER BY id")]
        event = deletion(pending, _CLEARED)
        if event is not None:
            with transaction(db):
                index.write_book(db, notary, at, event)
                db.execute("DELETE FROM pending")
    return event


def place_hold(files: SqliteFiles, order: HoldOrder, at: datetime, notary: Notary) -> Hold:
    """See :meth:`edge.store.interface.RetentionStore.hold`."""
    hold = Hold(id=secrets.token_hex(6), order=order, placed=at)
    with files.using("place hold in") as db:
        names = index.epoch_names(db)
        found = {read_id: find(files, db, read_id, names) for read_id in order.reads}
        check_order(order, found, index.kept(db, at), at)
        slots = sorted({each.slot for many in found.values() for each in many})
        with transaction(db):
            index.keep_hold(db, hold, slots)
            event = HoldPlaced(hold=hold.id, order=order, numbers=numbers_of(slots, names))
            index.write_book(db, notary, at, event)
    return hold


def release_hold(files: SqliteFiles, hold_id: str, by: str, reason: str, at: datetime, notary: Notary) -> Hold:
    """See :meth:`edge.store.interface.RetentionStore.release`."""
    with files.using("release hold in") as db, transaction(db):
        hold = check_over(next((hold for hold in index.holds(db) if hold.id == hold_id), None), hold_id)
        index.write_book(db, notary, at, HoldOver(hold=hold_id, by=by, reason=reason))
        return index.end_hold(db, hold, at)


def _shelves(files: SqliteFiles) -> list[str]:
    with files.using(_VERB) as db:
        return files.shelves(db)


def _begin(files: SqliteFiles, at: datetime, notary: Notary) -> None:
    """Look at the clock, finish what was begun, end the holds whose time has come."""
    with files.using(_VERB) as db:
        last = index.last_run(db)
        check_clock(last, at)
        files.sweep(db)
        with transaction(db):
            index.note_run(db, at if last is None else max(at, last))
            for hold in index.holds(db):
                if hold.over is None and not hold.keeps(at):
                    index.write_book(db, notary, at, HoldOver(hold=hold.id, by="", reason="its time has come"))
                    index.end_hold(db, hold, at)


def _split(files: SqliteFiles, day: date) -> None:
    """Spread a day that has come over its half hours, so that each can go in its turn."""
    copied = 0
    for begins in slices_of(day):
        with files.using(_VERB) as db:
            copied += _copy_slice(files, db, day, begins)
    with files.using(_VERB) as db:
        if _there(files, db, day.isoformat()).count() != copied:
            # Reads of the last second before midnight came in while we were at it.
            for begins in slices_of(day):
                _copy_slice(files, db, day, begins)
        with transaction(db):
            files.retire(db, day.isoformat())
        files.sweep(db)


def _copy_slice(files: SqliteFiles, db: sqlite3.Connection, day: date, begins: str) -> int:
    start = datetime.fromisoformat(begins).replace(tzinfo=timezone.utc)
    rows = _there(files, db, day.isoformat()).rows_until(moment(start), moment(start + SLICE))
    first = next(rows, None)
    if first is None:
        return 0
    counter = itertools.count()
    made = files.put(db, {begins: (row for row, _ in zip(itertools.chain([first], rows), counter, strict=False))})
    with transaction(db):
        files.enter(db, made)
    return next(counter)


def _drop(files: SqliteFiles, shelf: str, at: datetime) -> None:
    """Delete a shelf, after what is held was taken from it."""
    with files.using(_VERB) as db:
        file = _there(files, db, shelf)
        rows = _own_rows(db, file)
        kept = index.kept(db, at)
        stay = [slot for slot in rows if slot in kept]
        made = files.put(db, {HELD: file.rows(stay)} if stay else {})
        with transaction(db):
            files.enter(db, made)
            db.executemany("UPDATE slots SET day = ? WHERE epoch_id = ? AND seq = ?", [(_HELD_DAY, *slot) for slot in stay])
            _note_deleted(db, {slot: row for slot, row in rows.items() if slot not in kept})
            files.retire(db, shelf)
        files.sweep(db)


def _thin_held(files: SqliteFiles, at: datetime) -> None:
    """Delete what lies on the shelf of held reads and no hold keeps: a new file takes what stays, the old one goes."""
    with files.using(_VERB) as db:
        file = files.shelf(db, HELD)
        if file is None:
            return
        kept = index.kept(db, at)
        rows = _own_rows(db, file)
        go = {slot: row for slot, row in rows.items() if slot not in kept and row.delete_after <= moment(at)}
        if not go:
            return
        stay = [slot for slot in rows if slot not in go]
        made = {HELD: files.make(db, HELD)} if stay else {}
        if stay:
            files.opened(made[HELD]).put(file.rows(stay))
        with transaction(db):
            files.retire(db, HELD)
            files.enter(db, made)
            _note_deleted(db, go)
        files.sweep(db)


def _there(files: SqliteFiles, db: sqlite3.Connection, shelf: str) -> ShelfFile:
    """The file of a shelf that only retention takes away."""
    file = files.shelf(db, shelf)
    assert file is not None
    return file


class _Row(NamedTuple):
    """What must be known of a row that may go."""

    ruling_id: int
    delete_after: str
    pictures: int


def _own_rows(db: sqlite3.Connection, file: ShelfFile) -> dict[Slot, _Row]:
    """The rows that are a slot's; others were left by a batch that was cut off."""
    rows = file.keys()
    digests = index.hashes(db, ((epoch_id, seq) for epoch_id, seq, *_ in rows))
    return {
        (epoch_id, seq): _Row(ruling_id, delete_after, pictures)
        for epoch_id, seq, digest, ruling_id, delete_after, pictures in rows
        if digests.get((epoch_id, seq)) == digest
    }


def _note_deleted(db: sqlite3.Connection, rows: dict[Slot, _Row]) -> None:
    """Write down what goes, for the book; inside the transaction that lets it go.  Nobody waits for its pictures any more."""
    if not rows:
        return
    names, words = index.epoch_names(db), index.ruling_words(db)
    by_ruling: dict[int, list[Span]] = {}
    pictures: Counter[int] = Counter()
    for (epoch_id, seq), row in rows.items():
        by_ruling.setdefault(row.ruling_id, []).append((epoch_id, seq, seq))
        pictures[row.ruling_id] += row.pictures
        index.no_longer_asked(db, (epoch_id, seq))
    deleted = [deleted_under(words[each], spans, names, pictures[each]) for each, spans in by_ruling.items()]
    db.execute("INSERT INTO pending (words) VALUES (?)", (in_store(deleted),))


def find(files: SqliteFiles, db: sqlite3.Connection, read_id: str, names: dict[int, tuple[str, str]]) -> Sequence[Found]:
    """Every read of an id, wherever it lies."""
    found: dict[Slot, Found] = {}
    for shelf in files.shelves(db):
        file = files.shelf(db, shelf)
        for epoch_id, seq, digest, received, labeled in () if file is None else file.find(read_id):
            if index.hashes(db, [(epoch_id, seq)]).get((epoch_id, seq)) == digest:
                read = stored_read(*names[epoch_id], seq, datetime.fromisoformat(received), labeled)
                found[epoch_id, seq] = Found(slot=(epoch_id, seq), read=read)
    return list(found.values())
