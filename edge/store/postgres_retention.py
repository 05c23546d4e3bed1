"""Deleting and holding in the PostgreSQL store.  Partitions are dropped; no row is deleted where it lies, but for the few that
were held.

A partition first leaves the table, which takes a moment and keeps everybody out meanwhile; what is held has gone to its own
partition in the same transaction.  What follows, counting and dropping, nobody else sees, and a run that is cut off is
finished by the next.
"""

from __future__ import annotations

import contextlib
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime

import msgspec
import psycopg
from psycopg import sql

from edge.store import postgres_schema as schema
from edge.store.batch import Slot
from edge.store.interface import Deleted, Deletion, Event, Hold, HoldOrder, HoldOver, HoldPlaced, Notary, Signed
from edge.store.postgres_link import Db, keep_quick
from edge.store.retention import Found, check_clock, check_order, check_over, deleted_under, deletion, in_store, numbers_of
from edge.store.row import stored_read, utc
from edge.store.shelf import HELD, day_of, ends, is_day

#: Who deletes or holds keeps this lock ("PLSR").
RETENTION_LOCK = 0x504C5352
#: Whoever waits for the whole table keeps all writers waiting behind: not for longer than this.  The next run tries again.
_LOCK_TIMEOUT = "5s"
_GOING = "going_"
_HALF_HOUR = """to_char(date_bin('30 minutes', delete_after AT TIME ZONE 'UTC', '2000-01-01'), 'YYYY-MM-DD"T"HH24:MI')"""
_COLUMNS_BUT_SHELF = sql.SQL(", ").join(
    sql.Identifier(name) for name in (*(name for name, _ in schema.COLUMNS if name != "shelf"), *schema.PICTURES)
)

_hold = msgspec.json.Decoder(Hold)


@contextlib.contextmanager
def alone(db: Db) -> Iterator[None]:
    """Keep other runs of retention out, not those who store.  Ends with the connection, however that ends."""
    db.execute("SET statement_timeout = '10min'")
    db.execute("SELECT pg_advisory_lock(%s)", (RETENTION_LOCK,))
    try:
        db.execute("SET statement_timeout = 0")
        db.execute("SET enable_seqscan = on")
        yield
    finally:
        if not db.closed:
            db.execute("SELECT pg_advisory_unlock(%s)", (RETENTION_LOCK,))
            keep_quick(db)


def expire(db: Db, at: datetime, notary: Notary) -> Deletion | None:
    """See :meth:`edge.store.interface.RetentionStore.expire`."""
    at = utc(at)
    _begin(db, at, notary)
    for shelf in schema.shelves(db):
        if shelf != HELD and is_day(shelf) and day_of(shelf) == at.date():
            _split(db, day_of(shelf))
    for shelf in schema.shelves(db):
        if shelf != HELD and ends(shelf) <= at:
            _take_away(db, shelf, at)
    _drop_what_goes(db)
    _thin_held(db, at)
    if db.execute("SELECT FROM pending LIMIT 1").fetchone() is None:
        return None
    cleared, beyond = _clear(db)
    with db.transaction():
        pending = [words for (words,) in db.execute("SELECT words FROM pending ORDER BY id", binary=True)]
        event = deletion(pending, cleared, beyond)
        if event is not None:
            write_book(db, notary, at, event)
        db.execute("TRUNCATE pending")
    return event


def place_hold(db: Db, order: HoldOrder, at: datetime, notary: Notary) -> Hold:
    """See :meth:`edge.store.interface.RetentionStore.hold`."""
    hold = Hold(id=secrets.token_hex(6), order=order, placed=at)
    with db.transaction():
        names = epoch_names(db)
        found = {read_id: find(db, read_id, names) for read_id in order.reads}
        check_order(order, found, _kept(db, at), at)
        slots = sorted({each.slot for many in found.values() for each in many})
        db.execute("INSERT INTO holds (id, words) VALUES (%s, %s)", (hold.id, msgspec.json.encode(hold)))
        db.cursor().executemany("INSERT INTO held VALUES (%s, %s, %s)", [(hold.id, *slot) for slot in slots])
        event = HoldPlaced(hold=hold.id, order=order, numbers=numbers_of(slots, names))
        write_book(db, notary, at, event)
    return hold


def release_hold(db: Db, hold_id: str, by: str, reason: str, at: datetime, notary: Notary) -> Hold:
    """See :meth:`edge.store.interface.RetentionStore.release`."""
    with db.transaction():
        hold = check_over(next((hold for hold in holds(db) if hold.id == hold_id), None), hold_id)
        write_book(db, notary, at, HoldOver(hold=hold_id, by=by, reason=reason))
        return _end_hold(db, hold, at)


def holds(db: Db) -> list[Hold]:
    """Every hold, the oldest first."""
    return [_hold.decode(words) for (words,) in db.execute("SELECT words FROM holds ORDER BY number", binary=True)]


def note_run(db: Db, at: datetime) -> None:
    """Retention looks at the clock; inside a transaction."""
    db.execute("DELETE FROM last_run")
    db.execute("INSERT INTO last_run VALUES (%s)", (utc(at),))


def _begin(db: Db, at: datetime, notary: Notary) -> None:
    """Look at the clock, end the holds whose time has come."""
    with db.transaction():
        (last,) = db.execute("SELECT at FROM last_run").fetchone() or (None,)
        check_clock(last, at)
        note_run(db, at if last is None else max(at, last))
        for hold in holds(db):
            if hold.over is None and not hold.keeps(at):
                write_book(db, notary, at, HoldOver(hold=hold.id, by="", reason="its time has come"))
                _end_hold(db, hold, at)


def _split(db: Db, day: date) -> None:
    """Spread a day that has come over its half hours, so that each can go in its turn."""
    names = {
        "leaf": sql.Identifier(schema.shelf_table(day.isoformat())),
        "half_hour": sql.SQL(_HALF_HOUR),
        "columns": _COLUMNS_BUT_SHELF,
    }
    for (shelf,) in db.execute(sql.SQL("SELECT DISTINCT {half_hour} FROM {leaf}").format(**names)).fetchall():
        schema.make_shelf(db, shelf)
    copy = sql.SQL("INSERT INTO reads (shelf, {columns}) SELECT {half_hour}, {columns} FROM {leaf} AS s ").format(**names)
    rest = sql.SQL(
        "WHERE NOT EXISTS (SELECT FROM reads r WHERE r.epoch_id = s.epoch_id AND r.seq = s.seq AND r.tableoid <> s.tableoid)"
    )
    with db.transaction():
        copied = db.execute(copy).rowcount
        _lock_out_everybody(db)
        if db.execute(sql.SQL("SELECT count(*) FROM {leaf}").format(**names)).fetchone() != (copied,):
            # Reads of the last second before midnight came in while we copied.  Where one of them needs a half hour that is not
            # there, this run fails and the next begins anew.
            db.execute(copy + rest)
        db.execute(sql.SQL("DROP TABLE {leaf}").format(**names))


def _take_away(db: Db, shelf: str, at: datetime) -> None:
    """Let a partition leave the table, after what is held was taken from it."""
    table = schema.shelf_table(shelf)
    names = {"leaf": sql.Identifier(table), "going": sql.Identifier(_GOING + table), "columns": _COLUMNS_BUT_SHELF}
    move = sql.SQL("INSERT INTO reads (shelf, {columns}) SELECT %s, {columns} FROM {leaf} ").format(**names)
    leave = sql.SQL("DELETE FROM {leaf} ").format(**names)
    held = sql.SQL("WHERE (epoch_id, seq) IN (SELECT epoch_id, seq FROM held WHERE hold = ANY(%s))")
    with db.transaction():
        _lock_out_everybody(db)
        keeping = _keeping(db, at)
        db.execute(move + held, (HELD, keeping))
        db.execute(leave + held, (keeping,))
        db.execute(sql.SQL("ALTER TABLE reads DETACH PARTITION {leaf}").format(**names))
        db.execute(sql.SQL("ALTER TABLE {leaf} RENAME TO {going}").format(**names))


def _drop_what_goes(db: Db) -> None:
    """Count and drop the tables that have left, of this run and of one that was cut off."""
    found = db.execute(
        "SELECT relname FROM pg_class WHERE relname ^@ %s AND relkind = 'r' AND pg_table_is_visible(oid)", (_GOING,)
    ).fetchall()
    for (table,) in found:
        with db.transaction():
            islands = sql.SQL(
                "SELECT ruling_id, epoch_id, min(seq), max(seq), sum(pictures)::int FROM (SELECT ruling_id, epoch_id, seq, "
                "num_nonnulls(crop, frame) AS pictures, "
                "seq - row_number() OVER (PARTITION BY ruling_id, epoch_id ORDER BY seq) AS island "
                "FROM {}) AS numbered GROUP BY ruling_id, epoch_id, island"
            ).format(sql.Identifier(table))
            _note_deleted(db, db.execute(islands).fetchall())
            db.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(table)))


def _thin_held(db: Db, at: datetime) -> None:
    """Delete what lies among the held reads and no hold keeps."""
    with db.transaction():
        gone = db.execute(
            "DELETE FROM reads_held r WHERE delete_after <= %s AND NOT EXISTS "
            "(SELECT FROM held h WHERE h.hold = ANY(%s) AND h.epoch_id = r.epoch_id AND h.seq = r.seq) "
            "RETURNING ruling_id, epoch_id, seq, seq, num_nonnulls(crop, frame)",
            (at, _keeping(db, at)),
        ).fetchall()
        _note_deleted(db, gone)


def _clear(db: Db) -> tuple[list[str], list[str]]:
    """Take what was deleted out of the server's files; what was done, and what this role or this server does not let us do."""
    cleared, beyond = ["partitions dropped"], []
    db.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
    try:
        db.execute("VACUUM FULL reads_held")
        db.execute("SELECT pg_switch_wal()")
        db.execute("CHECKPOINT")
        cleared.append("write-ahead log switched, checkpoint done")
    except psycopg.errors.InsufficientPrivilege:
        beyond.append("write-ahead log until the next checkpoint: this role may not call pg_switch_wal and CHECKPOINT")
    finally:
        db.execute("RESET lock_timeout")
    found: dict[str, str] = dict(
        db.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('wal_recycle', 'wal_keep_size', 'archive_mode') UNION ALL "
            "SELECT 'slots', count(*)::text FROM pg_replication_slots"
        ).fetchall()
    )
    if found["wal_recycle"] != "off":
        beyond.append("old write-ahead log until it is overwritten: wal_recycle is on")
    if found["wal_keep_size"] != "0":
        beyond.append("old write-ahead log: wal_keep_size keeps it")
    if found["archive_mode"] != "off":
        beyond.append("the archive of the write-ahead log")
    if found["slots"] != "0":
        beyond.append("write-ahead log that replication slots keep, and standbys")
    return cleared, beyond


def _lock_out_everybody(db: Db) -> None:
    """The whole table for the rest of this transaction; writers take it first too, so nobody waits in a circle."""
    db.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
    db.execute("LOCK TABLE ONLY reads IN ACCESS EXCLUSIVE MODE")


def _note_deleted(db: Db, ranges: Sequence[tuple[int, int, int, int, int]]) -> None:
    """Write down ruling, epoch, first and last number of what goes and how many pictures with it, for the book; inside the
    transaction that lets it go.  Nobody waits for these pictures any more."""
    if not ranges:
        return
    names = epoch_names(db)
    words: dict[int, str] = dict(db.execute("SELECT id, words FROM rulings").fetchall())
    by_ruling: dict[int, list[tuple[int, int, int]]] = {}
    pictures: Counter[int] = Counter()
    for ruling_id, epoch_id, first, last, shown in ranges:
        by_ruling.setdefault(ruling_id, []).append((epoch_id, first, last))
        pictures[ruling_id] += shown
        db.execute("DELETE FROM asked WHERE epoch_id = %s AND seq BETWEEN %s AND %s", (epoch_id, first, last))
    deleted: list[Deleted] = [
        deleted_under(words[each].encode(), spans, names, pictures[each]) for each, spans in by_ruling.items()
    ]
    db.execute("INSERT INTO pending (words) VALUES (%s)", (in_store(deleted),))


def find(db: Db, read_id: str, names: dict[int, tuple[str, str]]) -> list[Found]:
    """Every read of an id."""
    rows = db.execute(
        "SELECT epoch_id, seq, received, labeled FROM reads WHERE read_id = %s", (read_id,), binary=True
    ).fetchall()
    return [
        Found(slot=(epoch_id, seq), read=stored_read(*names[epoch_id], seq, received, labeled))
        for epoch_id, seq, received, labeled in rows
    ]


def _keeping(db: Db, at: datetime) -> list[str]:
    """The ids of the holds that keep at ``at``."""
    return [hold.id for hold in holds(db) if hold.keeps(at)]


def _kept(db: Db, at: datetime) -> set[Slot]:
    rows = db.execute("SELECT epoch_id, seq FROM held WHERE hold = ANY(%s)", (_keeping(db, at),))
    return {(epoch_id, seq) for epoch_id, seq in rows}


def _end_hold(db: Db, hold: Hold, at: datetime) -> Hold:
    over = msgspec.structs.replace(hold, over=at)
    db.execute("UPDATE holds SET words = %s WHERE id = %s", (msgspec.json.encode(over), hold.id))
    return over


def write_book(db: Db, notary: Notary, at: datetime, event: Event) -> None:
    """Add an entry to the book."""
    row = db.execute("SELECT number, body, signature FROM book ORDER BY number DESC LIMIT 1", binary=True).fetchone()
    before, number = (None, 0) if row is None else (Signed(body=row[1], signature=row[2]), row[0])
    entry = notary.write(before, at, event)
    db.execute("INSERT INTO book VALUES (%s, %s, %s)", (number + 1, entry.body, entry.signature))


def epoch_names(db: Db) -> dict[int, tuple[str, str]]:
    """Device and epoch of each number."""
    rows = db.execute("SELECT id, device, epoch FROM epochs")
    return {number: (device, schema.as_sent(epoch)) for number, device, epoch in rows}
