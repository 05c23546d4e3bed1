"""The rows of an outbox file, inside a transaction that somebody else began."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Literal

from msgspec import Struct

from edge.outbox.interface import Bury
from edge.ranges import Range
from edge.records import Dropped, Envelope, Instant, SealedCopy, Slot

#: Clocks that may say that something is over.
SYNCHRONISED = frozenset({"ntp", "gps", "gps-pps"})
# A card may change any byte; a row that is not as it was written goes out all the same, so it must not stop whoever reads it.
_ENVELOPE = (
    "SELECT seq, CAST(previous AS BLOB), CAST(read_id AS TEXT), CAST(expires AS TEXT), hit, CAST(wire AS BLOB) FROM envelopes"
)
_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)
_LATEST = datetime.max.replace(tzinfo=timezone.utc)


def keep(db: sqlite3.Connection, envelope: Envelope, now: Instant) -> None:
    """Insert a read and its copies."""
    seq = envelope.slot.seq
    db.execute(
        "INSERT INTO envelopes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            seq,
            envelope.read_id,
            envelope.slot.previous,
            envelope.hit,
            now.utc.isoformat(),
            # One spelling, so that text order is time order.
            envelope.expires.astimezone(timezone.utc).isoformat(timespec="microseconds"),
            now.boot_id,
            now.boottime_ns,
            lives_ns(envelope.expires, now),
            envelope.wire,
        ),
    )
    db.executemany("INSERT INTO copies VALUES (?, ?, ?)", [(seq, copy.party, copy.wire) for copy in envelope.copies])


def read(db: sqlite3.Connection, where: str, *values: int) -> list[Envelope]:
    """The reads that ``where``, an SQL condition with order and limit, says, each with its copies."""
    (epoch,) = db.execute("SELECT epoch FROM chain").fetchone()
    rows = db.execute(f"{_ENVELOPE} WHERE {where}", values).fetchall()
    copies = _copies(db, [seq for seq, *_ in rows])
    return [
        Envelope(
            slot=Slot(epoch=epoch, seq=seq, previous=previous),
            read_id=read_id,
            expires=_moment(expires, _LATEST),
            hit=bool(hit),
            wire=wire,
            copies=tuple(copies.get(seq, ())),
        )
        for seq, previous, read_id, expires, hit, wire in rows
    ]


def wires(envelope: Envelope) -> Iterator[bytes]:
    """Every message that ``envelope`` consists of."""
    yield envelope.wire
    yield from (copy.wire for copy in envelope.copies)


def numbers_in(db: sqlite3.Connection, ranges: Iterable[Range], at_most: int) -> list[int]:
    """The first numbers of ``ranges`` that are there."""
    found: list[int] = []
    for first, last in ranges:
        query = "SELECT seq FROM envelopes WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"
        found += [seq for (seq,) in db.execute(query, (first, last, at_most - len(found)))]
        if len(found) == at_most:
            break
    return found


def forget(db: sqlite3.Connection, ranges: Iterable[Range]) -> int:
    """Delete the reads in ``ranges``, with which their copies go, and take both off the account; returns how many reads."""
    gone = 0
    for numbers in ranges:
        reads, read_bytes = _weigh(db, "envelopes", numbers)
        copies, copy_bytes = _weigh(db, "copies", numbers)
        db.execute("DELETE FROM envelopes WHERE seq BETWEEN ? AND ?", numbers)
        db.execute("UPDATE chain SET bytes = bytes - ?, copies = copies - ?", (read_bytes + copy_bytes, copies))
        gone += reads
    return gone


def forget_copies(db: sqlite3.Connection, ranges: Iterable[Range]) -> int:
    """Delete the copies of the reads in ``ranges``, which stay; returns how many."""
    gone = 0
    for numbers in ranges:
        copies, copy_bytes = _weigh(db, "copies", numbers)
        db.execute("DELETE FROM copies WHERE seq BETWEEN ? AND ?", numbers)
        db.execute("UPDATE chain SET bytes = bytes - ?, copies = copies - ?", (copy_bytes, copies))
        gone += copies
    return gone


def bury(db: sqlite3.Connection, bury: Bury, dropped: Dropped) -> None:
    """Put what was dropped into a tombstone: into the newest, as long as it takes more."""
    newest = db.execute("SELECT id, wire FROM tombstones ORDER BY id DESC LIMIT 1").fetchone()
    made = bury(dropped, newest[1] if newest else None)
    if newest:
        db.execute("DELETE FROM tombstones WHERE id = ?", newest[:1])
    db.executemany("INSERT INTO tombstones (wire) VALUES (?)", [(wire,) for wire in made])


class Deadline(Struct, frozen=True):
    """Before when no read's time is over, so that not every look costs a walk over a full outbox: by the boot clock for reads
    of ``boot_id``, by the wall clock for those of earlier boots; None where there is none of them."""

    boot_id: str
    boottime_ns: int | None
    utc: datetime | None

    def reached(self, now: Instant) -> bool:
        """Whether there may be something to delete."""
        if self.boottime_ns is not None and now.boottime_ns >= self.boottime_ns:
            return True
        return self.utc is not None and now.quality.source in SYNCHRONISED and now.utc >= self.utc

    def with_one(self, expires: datetime, now: Instant) -> Deadline:
        """With a read that was kept ``now``."""
        if self.boot_id != now.boot_id:
            return Deadline(self.boot_id, self.boottime_ns, min(filter(None, (self.utc, expires))))
        ends_ns = now.boottime_ns + lives_ns(expires, now)
        return Deadline(self.boot_id, ends_ns if self.boottime_ns is None else min(self.boottime_ns, ends_ns), self.utc)


def deadline(db: sqlite3.Connection, boot_id: str) -> Deadline:
    """That of everything kept."""
    query = "SELECT min(boottime_ns + lives_ns) FROM envelopes WHERE boot_id = ?"
    (ends_ns,) = db.execute(query, (boot_id,)).fetchone()
    (expires,) = db.execute("SELECT min(expires) FROM envelopes WHERE boot_id != ?", (boot_id,)).fetchone()
    return Deadline(boot_id, ends_ns, _moment(expires, _EARLIEST) if expires else None)


def due(db: sqlite3.Connection, now: Instant) -> list[int]:
    """The number of every read whose time is over."""
    found = db.execute(
        "SELECT seq FROM envelopes WHERE boot_id = ? AND ? - boottime_ns >= lives_ns", (now.boot_id, now.boottime_ns)
    ).fetchall()
    if now.quality.source in SYNCHRONISED:
        earlier = db.execute("SELECT seq, expires FROM envelopes WHERE boot_id != ?", (now.boot_id,))
        found += [(seq,) for seq, expires in earlier if _moment(expires, _LATEST) <= now.utc]
    return [seq for (seq,) in found]


def lives_ns(expires: datetime, now: Instant) -> int:
    """How much longer something that ``expires`` then may be kept, by a clock that cannot jump."""
    return max(0, int((expires - now.utc).total_seconds() * 1e9))


def _moment(written: object, unreadable: datetime) -> datetime:
    """What a row has as a moment; ``unreadable`` where the card has changed it."""
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        return unreadable
    return found if found.tzinfo is not None else unreadable


def _copies(db: sqlite3.Connection, seqs: Sequence[int]) -> dict[int, list[SealedCopy]]:
    """The copies of the reads ``seqs``, which ascend, by the read's number."""
    found: dict[int, list[SealedCopy]] = {seq: [] for seq in seqs}
    if seqs:
        query = "SELECT seq, CAST(party AS TEXT), CAST(wire AS BLOB) FROM copies WHERE seq BETWEEN ? AND ? ORDER BY rowid"
        for seq, party, wire in db.execute(query, (seqs[0], seqs[-1])):
            if seq in found:
                found[seq].append(SealedCopy(party=party, wire=wire))
    return found


def _weigh(db: sqlite3.Connection, table: Literal["envelopes", "copies"], numbers: Range) -> tuple[int, int]:
    """How many messages of ``numbers`` lie in ``table``, and their wire bytes."""
    query = f"SELECT count(*), coalesce(sum(length(wire)), 0) FROM {table} WHERE seq BETWEEN ? AND ?"  # noqa: S608
    count, size = db.execute(query, numbers).fetchone()
    return count, size
