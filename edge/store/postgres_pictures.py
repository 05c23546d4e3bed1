"""Pictures in the PostgreSQL store: two columns of their read's row, so that whatever moves, keeps or drops it takes them too.

They come in by COPY into a table of this session, so that they stand in no statement that a log of slow queries could hold.
"""

from __future__ import annotations

from datetime import datetime

from psycopg import sql

from edge.errors import StoreError
from edge.records import PictureKind
from edge.store import postgres_schema as schema
from edge.store.batch import Slot
from edge.store.interface import Notary, PictureArrival, PictureHandedOut, PictureOrder, PictureOutcome, StoredRead
from edge.store.postgres_link import Db
from edge.store.postgres_retention import RETENTION_LOCK, epoch_names, find, write_book
from edge.store.retention import check_hand_out, numbers_of
from edge.store.row import stored_read

_INCOMING = "CREATE TEMPORARY TABLE IF NOT EXISTS incoming_picture (jpeg bytea) ON COMMIT DELETE ROWS"


def read(db: Db, device: str, epoch: str, seq: int) -> StoredRead | None:
    """One read, None if it is not there or not any more."""
    row = db.execute(
        "SELECT received, labeled FROM reads JOIN epochs ON id = epoch_id WHERE device = %s AND epoch = %s AND seq = %s",
        (device, schema.written(epoch), seq),
        binary=True,
    ).fetchone()
    return None if row is None else stored_read(device, epoch, seq, row[0], row[1])


def add(db: Db, picture: PictureArrival) -> PictureOutcome:
    """Put a picture to its read, unless retention is at work: it copies rows, and what is put to one meanwhile were lost."""
    with db.transaction():
        (quiet,) = db.execute("SELECT pg_try_advisory_xact_lock_shared(%s)", (RETENTION_LOCK,)).fetchone() or (False,)
        if not quiet:
            return "later"
        found = _slot(db, picture.device, picture.epoch, picture.seq, picture.kind)
        if found is None:
            return "gone"
        slot, there = found
        if there:
            return "duplicate"
        db.execute(_INCOMING)
        with db.cursor().copy("COPY incoming_picture (jpeg) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["bytea"])
            copy.write_row((picture.jpeg,))
        put = sql.SQL(
            "UPDATE reads SET {kind} = jpeg FROM incoming_picture WHERE epoch_id = %s AND seq = %s AND {kind} IS NULL"
        )
        return "stored" if db.execute(put.format(kind=sql.Identifier(picture.kind)), slot).rowcount else "duplicate"


def has(db: Db, read: StoredRead, kind: PictureKind) -> bool:
    """Whether this picture of the read is there."""
    found = _slot(db, read.device, read.epoch, read.seq, kind)
    return found is not None and found[1]


def hand_out(db: Db, order: PictureOrder, at: datetime, notary: Notary) -> bytes:
    """See :meth:`edge.store.interface.PictureStore.hand_out`."""
    with db.transaction():
        names = epoch_names(db)
        found = find(db, order.read, names)
        check_hand_out(order, [each.read for each in found], at)
        take = sql.SQL("SELECT {} FROM reads WHERE epoch_id = %s AND seq = %s").format(sql.Identifier(order.kind))
        for each in found:
            (jpeg,) = db.execute(take, each.slot, binary=True).fetchone() or (None,)
            if jpeg is not None:
                write_book(db, notary, at, PictureHandedOut(order=order, numbers=numbers_of([each.slot], names)))
                return bytes(jpeg)
    raise StoreError(f"hand out picture of read {order.read}: its {order.kind} is not in this store")


def ask(db: Db, device: str, epoch: str, seq: int, at: datetime) -> None:
    """Note that the pictures of a read are wanted."""
    db.execute(
        "INSERT INTO asked SELECT id, %s, %s FROM epochs WHERE device = %s AND epoch = %s ON CONFLICT DO NOTHING",
        (seq, at, device, schema.written(epoch)),
    )


def asked(db: Db) -> list[tuple[str, str, int]]:
    """Device, epoch and number of each read whose pictures are wanted."""
    rows = db.execute("SELECT device, epoch, seq FROM asked JOIN epochs ON id = epoch_id ORDER BY device, epoch, seq")
    return [(device, schema.as_sent(epoch), seq) for device, epoch, seq in rows]


def no_longer_asked(db: Db, device: str, epoch: str, seq: int) -> None:
    """The pictures of a read are there, or will never be."""
    db.execute(
        "DELETE FROM asked USING epochs WHERE id = epoch_id AND device = %s AND epoch = %s AND seq = %s",
        (device, schema.written(epoch), seq),
    )


def _slot(db: Db, device: str, epoch: str, seq: int, kind: PictureKind) -> tuple[Slot, bool] | None:
    """Where a read lies and whether a picture is there; None if the read is not."""
    query = sql.SQL(
        "SELECT epoch_id, {} IS NOT NULL FROM reads JOIN epochs ON id = epoch_id WHERE device = %s AND epoch = %s AND seq = %s"
    ).format(sql.Identifier(kind))
    row = db.execute(query, (device, schema.written(epoch), seq)).fetchone()
    return None if row is None else ((row[0], seq), row[1])
