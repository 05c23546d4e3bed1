"""The store in PostgreSQL, for a county or a state: several workers side by side, content in partitions by time of deletion.

Two kinds of table.  ``slots`` holds the key and the hash of every read that ever came, for ever: it is what makes a replay a
duplicate, over all partitions, and it holds no plate.  ``reads`` holds the content, one partition for each shelf: by the
day of deletion and not by that of arrival, because labels differ in how long they let a read live, and only so does a whole
partition end at once and can be dropped.

Content goes in by COPY: its values then stand in no statement, so that no slow-query log can hold a plate.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql

from edge.errors import StoreError
from edge.ranges import joined, minus, runs
from edge.records import PictureKind
from edge.store import postgres_pictures as pictures
from edge.store import postgres_retention as retention
from edge.store import postgres_schema as schema
from edge.store.batch import Slot, first_of_each, outcomes
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
from edge.store.postgres_link import Db, PostgresLink
from edge.store.row import Row, row_of, stored_read

_PAGE_OF_READS = 500
_LARGEST = 2**63 - 1
_COPY = sql.SQL("COPY reads ({}) FROM STDIN (FORMAT BINARY)").format(
    sql.SQL(", ").join(sql.Identifier(name) for name, _ in schema.COLUMNS)
)

_Key = tuple[str, str]


class PostgresStore:
    """See :class:`edge.store.interface.RetentionStore`."""

    def __init__(self, dsn: str, password: Path | None = None) -> None:
        """Connect, and make the tables if there are none.  Raises StoreError naming the cure."""
        self._link = PostgresLink(dsn, password)
        self._ids: dict[_Key, int] = {}
        self._rulings: dict[bytes, int] = {}
        try:
            with self._link.using("open") as db:
                schema.make_or_check(db, self._link.name)
        except StoreError:
            self._link.close()
            raise

    def add(self, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
        """Store all in one transaction and commit; one outcome each, in order."""
        if not arrivals:
            return []
        with self._link.using("store reads in") as db:
            try:
                return self._add(db, arrivals, ())
            except _NoShelf as missing:
                # Made in the same transaction as the rows that need them, so that retention cannot drop them in between.
                return self._add(db, arrivals, missing.shelves)

    def received(self, device: str, epoch: str) -> Sequence[tuple[int, int]]:
        """What is stored for a device and epoch, as ranges without the numbers in conflict."""
        with self._link.using("read") as db, db.transaction():
            ranges = db.execute(
                "SELECT first, last FROM ranges JOIN epochs ON id = epoch_id WHERE device = %s AND epoch = %s ORDER BY first",
                (device, schema.written(epoch)),
            ).fetchall()
            disputed = _conflicts(db, device, epoch)
        return minus(ranges, runs(disputed))

    def conflicts(self, device: str, epoch: str) -> Sequence[int]:
        """The numbers, ascending, under which other bytes were sent than are stored."""
        with self._link.using("read") as db:
            return _conflicts(db, device, epoch)

    def reads(self) -> Iterator[StoredRead]:
        """Every read, in order; a page at a time, so that reading does not keep reads from being stored."""
        with self._link.using("read") as db:
            epochs = db.execute("SELECT id, device, epoch FROM epochs ORDER BY device, epoch").fetchall()
        for epoch_id, device, epoch in epochs:
            after = 0
            while True:
                with self._link.using("read") as db:
                    rows = db.execute(
                        "SELECT seq, received, labeled FROM reads WHERE epoch_id = %s AND seq > %s ORDER BY seq LIMIT %s",
                        (epoch_id, after, _PAGE_OF_READS),
                        binary=True,
                    ).fetchall()
                for seq, received, labeled in rows:
                    yield stored_read(device, schema.as_sent(epoch), seq, received, labeled)
                if len(rows) < _PAGE_OF_READS:
                    break
                after = rows[-1][0]

    def read(self, device: str, epoch: str, seq: int) -> StoredRead | None:
        """One read, None if it is not there or not any more."""
        with self._link.using("read") as db:
            return pictures.read(db, device, epoch, seq)

    def add_picture(self, picture: PictureArrival) -> PictureOutcome:
        """Store one and commit; the first of a read and kind is kept."""
        with self._link.using("store a picture in") as db:
            return pictures.add(db, picture)

    def has_picture(self, read: StoredRead, kind: PictureKind) -> bool:
        """Whether this picture of the read is there."""
        with self._link.using("read") as db:
            return pictures.has(db, read, kind)

    def find(self, read_id: str) -> Sequence[StoredRead]:
        """Every read of an id."""
        with self._link.using("read") as db:
            return [each.read for each in retention.find(db, read_id, retention.epoch_names(db))]

    def hand_out(self, order: PictureOrder, at: datetime, notary: Notary) -> bytes:
        """The picture that ``order`` asks for, after the book has it."""
        with self._link.using("hand out a picture of") as db, retention.alone(db):
            return pictures.hand_out(db, order, at, notary)

    def ask(self, device: str, epoch: str, seq: int, at: datetime) -> None:
        """Note that the pictures of a read are wanted."""
        with self._link.using("note a request in") as db:
            pictures.ask(db, device, epoch, seq, at)

    def asked(self) -> Sequence[tuple[str, str, int]]:
        """Device, epoch and number of every read whose pictures are wanted."""
        with self._link.using("read") as db:
            return pictures.asked(db)

    def no_longer_asked(self, device: str, epoch: str, seq: int) -> None:
        """The pictures of a read are there, or will never be."""
        with self._link.using("note a request in") as db:
            pictures.no_longer_asked(db, device, epoch, seq)

    def expire(self, at: datetime, notary: Notary) -> Deletion | None:
        """Delete every read whose time has passed and that no hold keeps; None if there was none."""
        with self._link.using("delete expired reads in") as db, retention.alone(db):
            return retention.expire(db, at, notary)

    def trust_clock(self, at: datetime) -> None:
        """The next run may be far beyond the last."""
        with self._link.using("note the time in") as db, db.transaction():
            retention.note_run(db, at)

    def hold(self, order: HoldOrder, at: datetime, notary: Notary) -> Hold:
        """Keep reads longer."""
        with self._link.using("place hold in") as db, retention.alone(db):
            return retention.place_hold(db, order, at, notary)

    def release(self, hold: str, by: str, reason: str, at: datetime, notary: Notary) -> Hold:
        """End a hold."""
        with self._link.using("release hold in") as db, retention.alone(db):
            return retention.release_hold(db, hold, by, reason, at, notary)

    def holds(self) -> Sequence[Hold]:
        """Every hold, the oldest first."""
        with self._link.using("read") as db:
            return retention.holds(db)

    def book(self) -> Iterator[Signed]:
        """Every entry of the book, in order."""
        with self._link.using("read") as db:
            entries = db.execute("SELECT body, signature FROM book ORDER BY number", binary=True).fetchall()
        return (Signed(body=body, signature=signature) for body, signature in entries)

    def close(self) -> None:
        """Close; further calls raise StoreError."""
        self._link.close()

    def _add(self, db: Db, arrivals: Sequence[Arrival], make: Sequence[str]) -> list[Outcome]:
        """Store in one transaction, in which the shelves ``make`` are made first.  Raises _NoShelf."""
        _number_epochs(db, {(arrival.device, arrival.epoch) for arrival in arrivals}, self._ids)
        slots = [(self._ids[arrival.device, arrival.epoch], arrival.seq) for arrival in arrivals]
        first = first_of_each(slots)
        before = _hashes(db, first)
        rows = {slot: row_of(arrivals[at]) for slot, at in first.items() if slot not in before}
        _number_rulings(db, {row.ruling for row in rows.values()}, self._rulings)
        with db.transaction() if rows else contextlib.nullcontext():
            # Whoever writes under an epoch holds its row: two workers with reads of one device go one after the other, and
            # ascending, so that they cannot wait for each other.
            epochs = sorted({epoch_id for epoch_id, _ in rows})
            db.execute("SELECT FROM epochs WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", (epochs,))
            new = _take_slots(db, {slot: arrivals[first[slot]].wire_sha256 for slot in rows})
            before |= _hashes(db, rows.keys() - new)  # of those that another worker stored meanwhile
            found = outcomes(slots, arrivals, before)
            _join_ranges(db, new)
            _note_conflicts(db, [(*slots[at], arrivals[at]) for at, each in enumerate(found) if each == "conflict"])
            for shelf in make:
                schema.make_shelf(db, shelf)
            _copy(
                db, [(slot, self._rulings[rows[slot].ruling], rows[slot], arrivals[first[slot]].wire) for slot in sorted(new)]
            )
        return found


class _NoShelf(StoreError):
    """Partitions are missing; nothing was stored."""

    def __init__(self, shelves: set[str]) -> None:
        super().__init__(f"store reads: PostgreSQL has no partition for {', '.join(sorted(shelves))}; look at the server")
        self.shelves = sorted(shelves)


def _number_epochs(db: Db, wanted: set[_Key], ids: dict[_Key, int]) -> None:
    """Put the ids of ``wanted`` into ``ids``; those that are new are made."""
    missing = sorted(wanted - ids.keys())
    if missing:
        columns = [device for device, _ in missing], [schema.written(epoch) for _, epoch in missing]
        db.execute(
            "INSERT INTO epochs (device, epoch) SELECT * FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING", columns
        )
        found = db.execute(
            "SELECT device, epoch, id FROM epochs JOIN unnest(%s::text[], %s::text[]) AS w(device, epoch) "
            "USING (device, epoch)",
            columns,
        )
        ids.update({(device, schema.as_sent(epoch)): number for device, epoch, number in found})


def _number_rulings(db: Db, wanted: set[bytes], ids: dict[bytes, int]) -> None:
    missing = {hashlib.sha256(words).digest(): words for words in wanted - ids.keys()}
    if missing:
        digests = sorted(missing)
        db.execute(
            "INSERT INTO rulings (words, digest) SELECT * FROM unnest(%s::text[], %b::bytea[]) ON CONFLICT DO NOTHING",
            ([missing[digest].decode() for digest in digests], digests),
        )
        found = db.execute("SELECT digest, id FROM rulings WHERE digest = ANY(%b)", (digests,), binary=True)
        ids.update({missing[digest]: number for digest, number in found})


def _take_slots(db: Db, digests: Mapping[Slot, bytes]) -> set[Slot]:
    """Enter slots with their hashes where there are none yet; which of them that were."""
    if not digests:
        return set()
    taken = sorted(digests)
    rows = db.execute(
        "INSERT INTO slots SELECT * FROM unnest(%b::int[], %b::bigint[], %b::bytea[]) ON CONFLICT DO NOTHING "
        "RETURNING epoch_id, seq",
        (*_unzipped(taken), [digests[slot] for slot in taken]),
    )
    return {(epoch_id, seq) for epoch_id, seq in rows}


def _hashes(db: Db, slots: Collection[Slot]) -> dict[Slot, bytes]:
    """The hash of what ever was stored in each of ``slots``."""
    if not slots:
        return {}
    rows = db.execute(
        "SELECT epoch_id, seq, wire_sha256 FROM slots JOIN unnest(%b::int[], %b::bigint[]) AS w(epoch_id, seq) "
        "USING (epoch_id, seq)",
        _unzipped(slots),
        binary=True,
    )
    return {(epoch_id, seq): digest for epoch_id, seq, digest in rows}


def _join_ranges(db: Db, new: Iterable[Slot]) -> None:
    """Put new numbers into the ranges of their epochs, whose rows we hold."""
    by_epoch: dict[int, list[int]] = {}
    for epoch_id, seq in new:
        by_epoch.setdefault(epoch_id, []).append(seq)
    fresh = [(epoch_id, first, last) for epoch_id, numbers in by_epoch.items() for first, last in runs(numbers)]
    if not fresh:
        return
    ids = [epoch_id for epoch_id, _, _ in fresh]
    befores, afters = [first - 1 for _, first, _ in fresh], [min(last + 1, _LARGEST) for _, _, last in fresh]
    beside = db.execute(
        "SELECT epoch_id, first, r.last FROM ranges r JOIN unnest(%b::int[], %b::bigint[]) AS w(epoch_id, last) "
        "USING (epoch_id, last) UNION "
        "SELECT epoch_id, first, r.last FROM ranges r JOIN unnest(%b::int[], %b::bigint[]) AS w(epoch_id, first) "
        "USING (epoch_id, first)",
        (ids, befores, ids, afters),
    ).fetchall()
    if beside:
        db.execute(
            "DELETE FROM ranges USING unnest(%b::int[], %b::bigint[]) AS w(epoch_id, first) "
            "WHERE ranges.epoch_id = w.epoch_id AND ranges.first = w.first",
            _unzipped([(epoch_id, first) for epoch_id, first, _ in beside]),
        )
    merged = [
        (epoch_id, first, last)
        for epoch_id in by_epoch
        for first, last in joined((first, last) for number, first, last in (*fresh, *beside) if number == epoch_id)
    ]
    db.execute("INSERT INTO ranges SELECT * FROM unnest(%b::int[], %b::bigint[], %b::bigint[])", _unzipped(merged))


def _note_conflicts(db: Db, found: Sequence[tuple[int, int, Arrival]]) -> None:
    if found:
        db.cursor().executemany(
            "INSERT INTO conflicts VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [(epoch_id, seq, arrival.wire_sha256, arrival.received) for epoch_id, seq, arrival in found],
        )


def _conflicts(db: Db, device: str, epoch: str) -> list[int]:
    rows = db.execute(
        "SELECT DISTINCT seq FROM conflicts JOIN epochs ON id = epoch_id WHERE device = %s AND epoch = %s ORDER BY seq",
        (device, schema.written(epoch)),
    )
    return [seq for (seq,) in rows]


def _copy(db: Db, found: Sequence[tuple[Slot, int, Row, bytes]]) -> None:
    """Write content.  Raises _NoShelf if a partition is missing."""
    if not found:
        return
    try:
        with db.cursor().copy(_COPY) as copy:
            copy.set_types([kind for _, kind in schema.COLUMNS])
            for slot, ruling_id, row, wire in found:
                copy.write_row(
                    (
                        row.shelf, *slot, ruling_id, row.read_id, row.received, row.delete_after, row.text, row.region,
                        row.first_utc, row.hit, row.labeled, wire,
                    )
                )  # fmt: skip
    except psycopg.errors.CheckViolation as error:
        if error.diag.constraint_name is not None:
            raise
        raise _NoShelf({row.shelf for *_, row, _ in found}) from None


def _unzipped(rows: Iterable[tuple[int, ...]]) -> tuple[list[int], ...]:
    return tuple(map(list, zip(*rows, strict=True)))
