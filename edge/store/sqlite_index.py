"""The index of the SQLite store: which reads ever came, where their content lies, holds and the book.  It holds no plate."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from edge.ranges import joined, runs
from edge.store.batch import Slot
from edge.store.interface import Arrival, Event, Hold, Notary, Signed
from edge.store.shelf import HELD, day_of
from edge.store.sqlite_shelf import check_version, connect, delete_file, make_file, sync_folder, unpacked, upgrade

APPLICATION_ID = 0x504C5354  # "PLST"
#: Version 1 was one file with everything in it; 3 came with pictures.
VERSION = 3
# Reads whose pictures are wanted; numbers alone.
_ASKED = """
CREATE TABLE asked (
  epoch_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (epoch_id, seq)
) WITHOUT ROWID;
"""
_LARGEST = 2**63 - 1

# ``slots`` is for ever: it makes a replay a duplicate.  ``ranges`` says the same without holes, kept up to date by each insert:
# a receipt must not cost a walk over a year.  ``leaving`` names files that are to be deleted, or are not yet in use;
# ``pending`` holds what was deleted and is not in the book yet.
_SCHEMA = f"""
CREATE TABLE epochs (
  id INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  epoch TEXT NOT NULL,
  UNIQUE (device, epoch)
);
CREATE TABLE slots (
  epoch_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  day INTEGER NOT NULL,
  wire_sha256 BLOB NOT NULL,
  PRIMARY KEY (epoch_id, seq)
) WITHOUT ROWID;
CREATE TABLE ranges (
  epoch_id INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (epoch_id, first)
) WITHOUT ROWID;
CREATE UNIQUE INDEX ranges_by_last ON ranges (epoch_id, last);
CREATE TABLE conflicts (
  epoch_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  wire_sha256 BLOB NOT NULL,
  seen TEXT NOT NULL,
  PRIMARY KEY (epoch_id, seq, wire_sha256)
) WITHOUT ROWID;
CREATE TABLE rulings (id INTEGER PRIMARY KEY, words BLOB NOT NULL UNIQUE);
CREATE TABLE shelves (shelf TEXT PRIMARY KEY, day INTEGER NOT NULL, file TEXT NOT NULL UNIQUE) WITHOUT ROWID;
CREATE TABLE leaving (file TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE pending (id INTEGER PRIMARY KEY, words BLOB NOT NULL);
CREATE TABLE holds (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, words BLOB NOT NULL);
CREATE TABLE held (
  hold TEXT NOT NULL,
  epoch_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (hold, epoch_id, seq)
) WITHOUT ROWID;
CREATE TABLE book (number INTEGER PRIMARY KEY, body BLOB NOT NULL, signature BLOB NOT NULL);
CREATE TABLE last_run (at TEXT NOT NULL);
{_ASKED}
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""

_hold = msgspec.json.Decoder(Hold)


def make(path: Path) -> None:
    """A new, empty index, which is there whole or not at all.  Raises OSError, sqlite3.Error."""
    making = path.with_name(path.name + ".making")
    delete_file(making)
    make_file(making, _SCHEMA)
    making.replace(path)
    sync_folder(path.parent)


def open_index(path: Path) -> sqlite3.Connection:
    """Open an index that is there.  Raises sqlite3.Error; StoreError if it is none of this version."""
    db = connect(path, "rw")
    try:
        upgrade(db, APPLICATION_ID, 2, f"{_ASKED} PRAGMA user_version = {VERSION}")
        check_version(db, path, APPLICATION_ID, VERSION)
    except BaseException:
        db.close()
        raise
    return db


def shelf_day(shelf: str) -> int:
    """What ``slots`` and ``shelves`` have as the day of a shelf; 0 for reads that are held."""
    return 0 if shelf == HELD else day_of(shelf).toordinal()


def epoch_ids(db: sqlite3.Connection, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The numbers of epochs; those that are new are made."""
    found: dict[tuple[str, str], int] = {}
    for key in sorted(set(wanted)):
        row = db.execute("SELECT id FROM epochs WHERE device = ? AND epoch = ?", key).fetchone()
        insert = "INSERT INTO epochs (device, epoch) VALUES (?, ?) RETURNING id"
        (found[key],) = row or db.execute(insert, key).fetchone()
    return found


def epoch_names(db: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    """Device and epoch of each number, in order of device and epoch."""
    rows = db.execute("SELECT id, device, epoch FROM epochs ORDER BY device, epoch")
    return {number: (device, epoch) for number, device, epoch in rows}


def ruling_ids(db: sqlite3.Connection, wanted: Iterable[bytes]) -> dict[bytes, int]:
    """The numbers of rulings; those that are new are made."""
    found: dict[bytes, int] = {}
    for words in sorted(set(wanted)):
        row = db.execute("SELECT id FROM rulings WHERE words = ?", (words,)).fetchone()
        (found[words],) = row or db.execute("INSERT INTO rulings (words) VALUES (?) RETURNING id", (words,)).fetchone()
    return found


def ruling_words(db: sqlite3.Connection) -> dict[int, bytes]:
    """The words of each ruling's number."""
    return dict(db.execute("SELECT id, words FROM rulings").fetchall())


def hashes(db: sqlite3.Connection, slots: Iterable[Slot]) -> dict[Slot, bytes]:
    """The hash of what ever was stored in each of ``slots``."""
    query = "SELECT wire_sha256 FROM slots WHERE epoch_id = ? AND seq = ?"
    found = ((slot, db.execute(query, slot).fetchone()) for slot in slots)
    return {slot: row[0] for slot, row in found if row is not None}


def take_slots(db: sqlite3.Connection, new: Mapping[Slot, tuple[str, bytes]]) -> None:
    """Enter slots that were free, each with shelf and hash, and join their numbers to the ranges."""
    db.executemany(
        "INSERT INTO slots VALUES (?, ?, ?, ?)",
        [(*slot, shelf_day(shelf), digest) for slot, (shelf, digest) in sorted(new.items())],
    )
    by_epoch: dict[int, list[int]] = {}
    for epoch_id, seq in new:
        by_epoch.setdefault(epoch_id, []).append(seq)
    for epoch_id, numbers in by_epoch.items():
        _join(db, epoch_id, runs(numbers))


def _join(db: sqlite3.Connection, epoch_id: int, fresh: Sequence[tuple[int, int]]) -> None:
    beside: set[tuple[int, int]] = set()
    for first, last in fresh:
        beside.update(
            db.execute(
                "SELECT first, last FROM ranges WHERE epoch_id = ?1 AND last = ?2 "
                "UNION SELECT first, last FROM ranges WHERE epoch_id = ?1 AND first = ?3",
                (epoch_id, first - 1, min(last + 1, _LARGEST)),
            )
        )
    db.executemany("DELETE FROM ranges WHERE epoch_id = ? AND first = ?", [(epoch_id, first) for first, _ in beside])
    merged = joined([*fresh, *beside])
    db.executemany("INSERT INTO ranges VALUES (?, ?, ?)", [(epoch_id, first, last) for first, last in merged])


def note_conflicts(db: sqlite3.Connection, found: Iterable[tuple[Slot, Arrival]]) -> None:
    """Remember what was sent under numbers that others have."""
    db.executemany(
        "INSERT INTO conflicts VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(*slot, arrival.wire_sha256, arrival.received.isoformat()) for slot, arrival in found],
    )


def ranges(db: sqlite3.Connection, device: str, epoch: str) -> list[tuple[int, int]]:
    """The numbers that ever came of an epoch."""
    return db.execute(
        "SELECT first, last FROM ranges JOIN epochs ON id = epoch_id WHERE device = ? AND epoch = ? ORDER BY first",
        (device, epoch),
    ).fetchall()


def conflicts(db: sqlite3.Connection, device: str, epoch: str) -> list[int]:
    """The numbers of an epoch under which other bytes came too."""
    return unpacked(
        db.execute(
            "SELECT DISTINCT seq FROM conflicts JOIN epochs ON id = epoch_id WHERE device = ? AND epoch = ? ORDER BY seq",
            (device, epoch),
        ).fetchall()
    )


def holds(db: sqlite3.Connection) -> list[Hold]:
    """Every hold, the oldest first."""
    return [_hold.decode(words) for (words,) in db.execute("SELECT words FROM holds ORDER BY number")]


def keep_hold(db: sqlite3.Connection, hold: Hold, slots: Iterable[Slot]) -> None:
    """Enter a hold and what it keeps."""
    db.execute("INSERT INTO holds (id, words) VALUES (?, ?)", (hold.id, msgspec.json.encode(hold)))
    db.executemany("INSERT INTO held VALUES (?, ?, ?)", [(hold.id, *slot) for slot in slots])


def end_hold(db: sqlite3.Connection, hold: Hold, at: datetime) -> Hold:
    """The same hold, over since ``at``."""
    over = msgspec.structs.replace(hold, over=at)
    db.execute("UPDATE holds SET words = ? WHERE id = ?", (msgspec.json.encode(over), hold.id))
    return over


def kept(db: sqlite3.Connection, at: datetime) -> set[Slot]:
    """The slots that a hold keeps at ``at``."""
    keeping = [hold.id for hold in holds(db) if hold.keeps(at)]
    return {slot for hold in keeping for slot in db.execute("SELECT epoch_id, seq FROM held WHERE hold = ?", (hold,))}


def write_book(db: sqlite3.Connection, notary: Notary, at: datetime, event: Event) -> None:
    """Add an entry to the book."""
    row = db.execute("SELECT body, signature FROM book ORDER BY number DESC LIMIT 1").fetchone()
    entry = notary.write(None if row is None else Signed(body=row[0], signature=row[1]), at, event)
    db.execute("INSERT INTO book (body, signature) VALUES (?, ?)", (entry.body, entry.signature))


def last_run(db: sqlite3.Connection) -> datetime | None:
    """When retention last looked at the clock."""
    row = db.execute("SELECT at FROM last_run").fetchone()
    return None if row is None else datetime.fromisoformat(row[0])


def note_run(db: sqlite3.Connection, at: datetime) -> None:
    """Retention looks at the clock."""
    db.execute("DELETE FROM last_run")
    db.execute("INSERT INTO last_run VALUES (?)", (at.isoformat(),))


def place(db: sqlite3.Connection, device: str, epoch: str, seq: int) -> tuple[Slot, int, bytes] | None:
    """The slot of a read that came, the day under which its content lies if it still does, and its hash."""
    row = db.execute(
        "SELECT epoch_id, seq, day, wire_sha256 FROM slots JOIN epochs ON id = epoch_id "
        "WHERE device = ? AND epoch = ? AND seq = ?",
        (device, epoch, seq),
    ).fetchone()
    return None if row is None else ((row[0], row[1]), row[2], row[3])


def ask(db: sqlite3.Connection, slot: Slot, at: datetime) -> None:
    """Note that the pictures of a read are wanted."""
    db.execute("INSERT INTO asked VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (*slot, at.isoformat()))


def asked(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """Device, epoch and number of each read whose pictures are wanted."""
    return db.execute(
        "SELECT device, epoch, seq FROM asked JOIN epochs ON id = epoch_id ORDER BY device, epoch, seq"
    ).fetchall()


def no_longer_asked(db: sqlite3.Connection, slot: Slot) -> None:
    """The pictures of a read are there, or will never be."""
    db.execute("DELETE FROM asked WHERE epoch_id = ? AND seq = ?", slot)
