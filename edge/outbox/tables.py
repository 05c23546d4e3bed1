"""The tables in an outbox file: made, upgraded from older versions, and checked for damage."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from edge.errors import OutboxError
from edge.outbox import picture_rows
from edge.outbox.interface import Backlog, PictureAccount
from edge.records import Began, Head, Instant
from edge.sqlite import run, transaction

#: "PLOB"
APPLICATION_ID = 0x504C4F42
#: 2 came with copies; 3 with tombstones, and with what an epoch knows of those before it; 4 with pictures.
VERSION = 4
GENESIS = bytes(32)
# The numbers of older epochs that a file carries on: enough for an agency that missed some of them.
_BEFORE_AT_MOST = 8

_COPIES = """
CREATE TABLE copies (
  seq INTEGER NOT NULL REFERENCES envelopes ON DELETE CASCADE,
  party TEXT NOT NULL,
  wire BLOB NOT NULL
);
CREATE INDEX copies_by_seq ON copies (seq);
"""
_TOMBSTONES = """
CREATE TABLE tombstones (
  id INTEGER PRIMARY KEY,
  wire BLOB NOT NULL
);
CREATE INDEX hits ON envelopes (seq) WHERE hit;
"""
_PICTURES = """
CREATE TABLE pictures (
  sha256 BLOB PRIMARY KEY,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  hit INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  asked INTEGER NOT NULL DEFAULT 0,
  aged INTEGER NOT NULL,
  expires TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  ends_ns INTEGER NOT NULL
);
CREATE INDEX pictures_in_order ON pictures (hit, seq);
CREATE INDEX pictures_by_read ON pictures (seq);
CREATE INDEX pictures_asked ON pictures (seq) WHERE asked;
CREATE INDEX pictures_by_end ON pictures (boot_id, ends_ns);
CREATE INDEX pictures_by_expires ON pictures (expires);
CREATE TABLE picture_account (
  made INTEGER NOT NULL,
  stored INTEGER NOT NULL,
  dropped INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  unwanted INTEGER NOT NULL,
  disk INTEGER NOT NULL
);
INSERT INTO picture_account VALUES (0, 0, 0, 0, 0, 0);
"""
_SCHEMA = f"""
CREATE TABLE chain (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch TEXT NOT NULL,
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL,
  pruned INTEGER NOT NULL DEFAULT 0,
  expired INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  copies INTEGER NOT NULL DEFAULT 0,
  dropped INTEGER NOT NULL DEFAULT 0,
  dropped_copies INTEGER NOT NULL DEFAULT 0,
  began TEXT NOT NULL DEFAULT 'first',
  before TEXT NOT NULL DEFAULT ''
);
CREATE TABLE envelopes (
  seq INTEGER PRIMARY KEY,
  read_id TEXT NOT NULL,
  previous BLOB NOT NULL,
  hit INTEGER NOT NULL,
  kept TEXT NOT NULL,
  expires TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  boottime_ns INTEGER NOT NULL,
  lives_ns INTEGER NOT NULL,
  wire BLOB NOT NULL
);
{_COPIES}
{_TOMBSTONES}
{_PICTURES}
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""
#: What makes the next version of each.
UPGRADES = {
    1: f"""
ALTER TABLE chain ADD COLUMN copies INTEGER NOT NULL DEFAULT 0;
{_COPIES}
PRAGMA user_version = 2;
""",
    2: f"""
ALTER TABLE chain ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chain ADD COLUMN dropped_copies INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chain ADD COLUMN began TEXT NOT NULL DEFAULT 'first';
ALTER TABLE chain ADD COLUMN before TEXT NOT NULL DEFAULT '';
{_TOMBSTONES}
PRAGMA user_version = 3;
""",
    3: f"""
{_PICTURES}
PRAGMA user_version = 4;
""",
}


class Damaged(Exception):
    """The file opens, but what is in it contradicts itself."""


def begin_epoch(db: sqlite3.Connection, now: Instant, began: Began, before: Sequence[str]) -> None:
    """An epoch is the life of one file.  Its name sorts by time for people; the random part makes it unique.  ``before`` are
    the epochs that this unit had, newest first."""
    epoch = f"{now.utc:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    with transaction(db):
        run(db, _SCHEMA)
        db.execute(
            "INSERT INTO chain (one, epoch, seq, hash, began, before) VALUES (1, ?, 0, ?, ?, ?)",
            (epoch, GENESIS, began, " ".join(before[:_BEFORE_AT_MOST])),
        )


def upgrade(db: sqlite3.Connection) -> None:
    """Bring an older file to this version where it stands, with everything that waits in it, in one transaction."""
    version = pragma(db, "user_version")
    if version < VERSION:
        with transaction(db):
            for step in range(version, VERSION):
                run(db, UPGRADES[step])


def check(db: sqlite3.Connection, path: Path) -> None:
    """Look for damage: SQLite's own check, then whether the chain's head fits the last envelope.  Raises Damaged, or
    OutboxError for what is no outbox."""
    if pragma(db, "application_id") != APPLICATION_ID or pragma(db, "user_version") not in (*UPGRADES, VERSION):
        raise OutboxError(f"open outbox {path}: it is not an outbox of this version; name another file or upgrade")
    found = db.execute("PRAGMA quick_check(1)").fetchone()
    if found != ("ok",):
        raise Damaged(found[0])
    head = db.execute("SELECT seq, hash FROM chain").fetchone()
    if head is None:
        raise Damaged("the head of the chain is missing")
    last = db.execute("SELECT seq, wire FROM envelopes ORDER BY seq DESC LIMIT 1").fetchone()
    if last is None:
        return
    if last[0] > head[0] or (last[0] == head[0] and hashlib.sha256(last[1]).digest() != head[1]):
        raise Damaged("the head of the chain does not fit the last envelope")


def read_head(db: sqlite3.Connection) -> Head:
    """Where the chain ends."""
    epoch, seq, digest, began, before = db.execute("SELECT epoch, seq, hash, began, before FROM chain").fetchone()
    return Head(epoch=epoch, seq=seq, hash=digest, began=began, before=tuple(before.split()))


def read_backlog(db: sqlite3.Connection) -> Backlog:
    """The account in an open outbox file, also in one that waits for its upgrade."""
    epoch, seq, pruned, expired, size = db.execute("SELECT epoch, seq, pruned, expired, bytes FROM chain").fetchone()
    version = pragma(db, "user_version")
    (copies,) = db.execute("SELECT copies FROM chain").fetchone() if version > 1 else (0,)
    columns = "SELECT dropped, dropped_copies FROM chain"
    dropped, dropped_copies = db.execute(columns).fetchone() if version > 2 else (0, 0)
    first = db.execute("SELECT kept FROM envelopes ORDER BY seq LIMIT 1").fetchone()
    return Backlog(
        epoch=epoch,
        waiting=seq - pruned - expired - dropped,
        bytes=size,
        oldest=datetime.fromisoformat(first[0]) if first else None,
        pruned=pruned,
        expired=expired,
        dropped=dropped,
        committed=seq,
        copies=copies,
        dropped_copies=dropped_copies,
        pictures=picture_rows.account(db) if version > 3 else PictureAccount(),
    )


def holds_copies(db: sqlite3.Connection) -> bool:
    """Whether the file is of a version that has copies."""
    return pragma(db, "user_version") > 1


def holds_pictures(db: sqlite3.Connection) -> bool:
    """Whether the file is of a version that has pictures."""
    return pragma(db, "user_version") > 3


def forgiving(text: bytes) -> str:
    """For a connection's ``text_factory``: a byte that the card has changed is no reason not to read the others."""
    return text.decode("utf-8", "replace")


def pragma(db: sqlite3.Connection, name: str) -> int:
    """The number that a PRAGMA answers."""
    (value,) = db.execute(f"PRAGMA {name}").fetchone()
    return int(value)
