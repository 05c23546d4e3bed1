"""The tables of the PostgreSQL store, and its partitions: one a shelf."""

from __future__ import annotations

import re

from psycopg import sql

from edge.errors import StoreError
from edge.records import PictureKind
from edge.store.postgres_link import Db
from edge.store.shelf import HELD

#: 2 came with pictures.
VERSION = 2
#: Any number, the same for all of us: who makes or drops tables holds this lock ("PLST").
TABLES_LOCK = 0x504C5354
_TABLES = """
CREATE TABLE plate_edge_store (version integer NOT NULL);
CREATE TABLE epochs (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device text COLLATE "C" NOT NULL,
  epoch text COLLATE "C" NOT NULL,
  UNIQUE (device, epoch)
);
CREATE TABLE slots (
  epoch_id integer NOT NULL,
  seq bigint NOT NULL,
  wire_sha256 bytea NOT NULL,
  PRIMARY KEY (epoch_id, seq)
);
CREATE TABLE ranges (
  epoch_id integer NOT NULL,
  first bigint NOT NULL,
  last bigint NOT NULL,
  PRIMARY KEY (epoch_id, first),
  UNIQUE (epoch_id, last)
);
CREATE TABLE conflicts (
  epoch_id integer NOT NULL,
  seq bigint NOT NULL,
  wire_sha256 bytea NOT NULL,
  seen timestamptz NOT NULL,
  PRIMARY KEY (epoch_id, seq, wire_sha256)
);
CREATE TABLE rulings (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  words text NOT NULL,
  digest bytea NOT NULL UNIQUE
);
CREATE TABLE reads (
  shelf text COLLATE "C" NOT NULL,
  epoch_id integer NOT NULL,
  seq bigint NOT NULL,
  ruling_id integer NOT NULL,
  read_id text COLLATE "C" NOT NULL,
  received timestamptz NOT NULL,
  delete_after timestamptz NOT NULL,
  text text COLLATE "C" NOT NULL,
  region text NOT NULL,
  first_utc timestamptz NOT NULL,
  hit boolean NOT NULL,
  labeled bytea NOT NULL,
  wire bytea NOT NULL,
  crop bytea,
  frame bytea
) PARTITION BY LIST (shelf);
CREATE TABLE pending (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, words bytea NOT NULL);
CREATE TABLE holds (number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL UNIQUE, words bytea NOT NULL);
CREATE TABLE held (
  hold text NOT NULL,
  epoch_id integer NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (hold, epoch_id, seq)
);
CREATE TABLE book (number bigint PRIMARY KEY, body bytea NOT NULL, signature bytea NOT NULL);
CREATE TABLE last_run (at timestamptz NOT NULL);
CREATE TABLE asked (
  epoch_id integer NOT NULL,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (epoch_id, seq)
);
CREATE INDEX reads_by_slot ON reads (epoch_id, seq);
CREATE INDEX reads_by_text ON reads (text, first_utc);
CREATE INDEX reads_by_id ON reads (read_id);
CREATE INDEX reads_by_delete_after ON reads (delete_after);
"""
_UPGRADE = """
ALTER TABLE reads ADD COLUMN crop bytea, ADD COLUMN frame bytea;
CREATE TABLE asked (epoch_id integer NOT NULL, seq bigint NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (epoch_id, seq));
UPDATE plate_edge_store SET version = 2;
"""
#: The columns of a read's row in which its pictures lie, so that they are moved, held and dropped with it.
PICTURES: tuple[PictureKind, ...] = ("crop", "frame")
#: The columns that a read has when it arrives.
COLUMNS = (
    ("shelf", "text"),
    ("epoch_id", "int4"),
    ("seq", "int8"),
    ("ruling_id", "int4"),
    ("read_id", "text"),
    ("received", "timestamptz"),
    ("delete_after", "timestamptz"),
    ("text", "text"),
    ("region", "text"),
    ("first_utc", "timestamptz"),
    ("hit", "bool"),
    ("labeled", "bytea"),
    ("wire", "bytea"),
)


def make_or_check(db: Db, name: str) -> None:
    """Make the tables in an empty schema.  Raises StoreError if what is there is no store of this version."""
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(%s)", (TABLES_LOCK,))
        (there,) = db.execute("SELECT to_regclass('plate_edge_store') IS NOT NULL").fetchone() or (False,)
        if not there:
            db.execute(_TABLES)
            _learn_nothing(db, sql.Identifier("reads"))
            _make_partition(db, HELD)
            db.execute("INSERT INTO plate_edge_store VALUES (%s)", (VERSION,))
        found = db.execute("SELECT version FROM plate_edge_store").fetchall()
        if found == [(1,)]:
            db.execute(_UPGRADE)
            for name in ["reads", *map(shelf_table, shelves(db))]:
                _learn_nothing(db, sql.Identifier(name))
            found = [(VERSION,)]
    if found != [(VERSION,)]:
        raise StoreError(f"open store {name}: it is not a store of this version; name another database or upgrade")


def make_shelf(db: Db, shelf: str) -> None:
    """The partition of ``shelf``, if there is none; part of the transaction in which this is called."""
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(%s)", (TABLES_LOCK,))
        _make_partition(db, shelf)


def shelves(db: Db) -> list[str]:
    """The shelves that there are."""
    rows = db.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'reads'::regclass"
    )
    return sorted(_shelf_of(name) for (name,) in rows)


def shelf_table(shelf: str) -> str:
    """The name of the partition of ``shelf``."""
    return "reads_" + shelf.replace("-", "").replace(":", "").lower()


def _shelf_of(table: str) -> str:
    name = table.removeprefix("reads_")
    if name == HELD:
        return HELD
    day = f"{name[:4]}-{name[4:6]}-{name[6:8]}"
    return f"{day}T{name[9:11]}:{name[11:13]}" if len(name) > 8 else day


def _make_partition(db: Db, shelf: str) -> None:
    name = sql.Identifier(shelf_table(shelf))
    (there,) = db.execute("SELECT to_regclass(%s) IS NOT NULL", (shelf_table(shelf),)).fetchone() or (False,)
    if not there:
        # Attached, not made as a partition: that would wait for everybody who reads or writes, and keep others waiting behind.
        db.execute(sql.SQL("CREATE TABLE {} (LIKE reads)").format(name))
        _learn_nothing(db, name)
        db.execute(sql.SQL("ALTER TABLE reads ATTACH PARTITION {} FOR VALUES IN ({})").format(name, sql.Literal(shelf)))


def _learn_nothing(db: Db, table: sql.Identifier) -> None:
    """What PostgreSQL learns of a column to plan queries it keeps in its catalogue, beyond the life of a partition: it must not
    learn plates."""
    columns = sql.SQL(", ").join(
        sql.SQL("ALTER {} SET STATISTICS 0").format(sql.Identifier(name))
        for name in ("read_id", "text", "labeled", "wire", *PICTURES)
    )
    db.execute(sql.SQL("ALTER TABLE {} {}").format(table, columns))


def written(epoch: str) -> str:
    """An epoch may hold any character, PostgreSQL's texts any but zero."""
    return epoch.replace("\\", "\\\\").replace("\0", "\\0")


def as_sent(written: str) -> str:
    """The epoch that was written so."""
    return re.sub(r"\\(.)", lambda found: "\0" if found[1] == "0" else "\\", written)
