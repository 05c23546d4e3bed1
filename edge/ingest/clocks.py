"""When reads were captured that bear the time of a clock nobody had set: by what the unit said later of the same boot.

A unit without a battery wakes up in the past.  Its clock since boot goes on counting all the same, and every read is signed
with it; once the wall clock is right, the unit says, signed, which moment since boot was which moment of UTC.  What is signed
stays as it is; the corrected time stands here, beside it, and goes when the read must go.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta, timezone

from msgspec import Struct

from edge.envelope.interface import Anchor

#: Crystals of small computers are off by 20 to 50 millionths, more in frost and heat.
DRIFT = 1e-4

TABLES = """
CREATE TABLE anchors (
  device TEXT NOT NULL, boot_id TEXT NOT NULL, boottime_ns INTEGER NOT NULL, utc TEXT NOT NULL, error_ms REAL NOT NULL,
  source TEXT NOT NULL, received TEXT NOT NULL, wire BLOB NOT NULL, PRIMARY KEY (device, boot_id)
);
CREATE TABLE times (
  device TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, boot_id TEXT NOT NULL, boottime_ns INTEGER NOT NULL,
  signed TEXT NOT NULL, delete_after TEXT NOT NULL, utc TEXT, error_ms REAL, PRIMARY KEY (device, epoch, seq)
) WITHOUT ROWID;
CREATE INDEX times_by_boot ON times (device, boot_id);
CREATE INDEX times_by_end ON times (delete_after);
CREATE INDEX times_by_utc ON times (utc)
"""


class Unset(Struct, frozen=True, kw_only=True):
    """That a read bears the time of a clock that nobody had set: what is ``signed``, the moment since boot, which boot, and
    when the read must be deleted."""

    signed: datetime
    boottime_ns: int
    boot_id: str
    delete_after: datetime


class Known(Struct, frozen=True, kw_only=True):
    """Which moment of UTC one moment since boot was, right within ``error_ms``."""

    boottime_ns: int
    utc: datetime
    error_ms: float


class CorrectedTime(Struct, frozen=True, kw_only=True):
    """When a read was captured, as far as is known by now: ``utc`` is right within ``error_ms``, and both are None as long as
    the unit has not said what its clock since boot means.  ``signed`` is what stands in the read."""

    device: str
    epoch: str
    seq: int
    signed: datetime
    utc: datetime | None
    error_ms: float | None


def corrected(boottime_ns: int, known: Known) -> tuple[datetime, float]:
    """Which moment ``boottime_ns`` of the same boot was, and how far that may be off, in milliseconds."""
    since_ns = boottime_ns - known.boottime_ns
    # Whole microseconds: a float does not keep the nanoseconds of a day apart.
    return known.utc + timedelta(microseconds=since_ns // 1000), known.error_ms + abs(since_ns) / 1e6 * DRIFT


def note(db: sqlite3.Connection, device: str, epoch: str, seq: int, unset: Unset, now: datetime) -> None:
    """Remember a read whose clock was not set, and its time, if its boot has an anchor already.  What is to be deleted by now
    goes."""
    db.execute("DELETE FROM times WHERE delete_after <= ?", (_text(now),))
    db.execute(
        "INSERT INTO times VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL) ON CONFLICT DO NOTHING",
        (device, epoch, seq, unset.boot_id, unset.boottime_ns, _text(unset.signed), _text(unset.delete_after)),
    )
    known = _known(db, device, unset.boot_id)
    if known is not None:
        _correct(db, device, epoch, seq, unset.boottime_ns, known)


def take(db: sqlite3.Connection, anchor: Anchor, wire: bytes, received: datetime) -> None:
    """Keep an anchor, ``wire`` as evidence, unless a better one of the same boot is there; correct what it is for."""
    key = (anchor.device, anchor.boot_id)
    before = _known(db, *key)
    if before is not None and before.error_ms <= anchor.error_ms:
        return
    values = (*key, anchor.boottime_ns, _text(anchor.utc), anchor.error_ms, anchor.source, _text(received), wire)
    db.execute("INSERT OR REPLACE INTO anchors VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    known = Known(boottime_ns=anchor.boottime_ns, utc=anchor.utc, error_ms=anchor.error_ms)
    query = "SELECT epoch, seq, boottime_ns FROM times WHERE device = ? AND boot_id = ?"
    for epoch, seq, boottime_ns in db.execute(query, key).fetchall():
        _correct(db, anchor.device, epoch, seq, boottime_ns, known)


def read_times(db: sqlite3.Connection) -> list[CorrectedTime]:
    """Every read whose clock was not set, by unit, epoch and number."""
    query = "SELECT device, epoch, seq, signed, utc, error_ms FROM times ORDER BY device, epoch, seq"
    return [
        CorrectedTime(
            device=device,
            epoch=epoch,
            seq=seq,
            signed=datetime.fromisoformat(signed),
            utc=None if utc is None else datetime.fromisoformat(utc),
            error_ms=error_ms,
        )
        for device, epoch, seq, signed, utc, error_ms in db.execute(query)
    ]


def _correct(db: sqlite3.Connection, device: str, epoch: str, seq: int, boottime_ns: int, known: Known) -> None:
    utc, error_ms = corrected(boottime_ns, known)
    statement = "UPDATE times SET utc = ?, error_ms = ? WHERE device = ? AND epoch = ? AND seq = ?"
    db.execute(statement, (_text(utc), error_ms, device, epoch, seq))


def _known(db: sqlite3.Connection, device: str, boot_id: str) -> Known | None:
    query = "SELECT boottime_ns, utc, error_ms FROM anchors WHERE device = ? AND boot_id = ?"
    row = db.execute(query, (device, boot_id)).fetchone()
    return None if row is None else Known(boottime_ns=row[0], utc=datetime.fromisoformat(row[1]), error_ms=row[2])


def _text(moment: datetime) -> str:
    """One spelling, so that the order of texts is the order of times."""
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds")
