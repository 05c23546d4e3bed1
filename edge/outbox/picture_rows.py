"""What an outbox knows of its pictures: a row for each file, and an account of all that there ever were in this epoch.

Every function runs inside a transaction that somebody else began, and returns the names of the files that go with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import timedelta, timezone
from typing import Literal

from msgspec import Struct

from edge.outbox import rows
from edge.outbox.interface import PictureAccount, WaitingPicture
from edge.outbox.picture_files import on_disk
from edge.records import Envelope, Instant, SealedPicture

#: What became of a picture that is not here any more, as the account calls it.
Fate = Literal["stored", "dropped", "expired", "unwanted"]

_AT_ONCE = 16
_WAITING = (
    "SELECT sha256, seq, kind, hit, bytes FROM pictures p WHERE NOT EXISTS (SELECT 1 FROM envelopes e WHERE e.seq = p.seq) "
    "ORDER BY hit DESC, seq, kind LIMIT ?"
)
_WAITING_ASKED = _WAITING.replace("ORDER", "AND asked ORDER")


class Gone(Struct, frozen=True):
    """Pictures that went: the numbers of their reads, and their files."""

    seqs: tuple[int, ...] = ()
    files: tuple[bytes, ...] = ()


def enter(db: sqlite3.Connection, envelope: Envelope, kept: bool, now: Instant, longest: timedelta) -> None:
    """Take in the pictures of a read; those that could not be ``kept`` are accounted for as dropped."""
    count = len(envelope.pictures)
    db.execute("UPDATE picture_account SET made = made + ?, dropped = dropped + ?", (count, 0 if kept else count))
    for picture in envelope.pictures if kept else ():
        _enter(db, envelope, picture, now, longest)


def _enter(db: sqlite3.Connection, envelope: Envelope, picture: SealedPicture, now: Instant, longest: timedelta) -> None:
    limit = now.utc + longest
    expires = min(envelope.expires, limit)
    db.execute(
        "INSERT INTO pictures (sha256, seq, kind, hit, bytes, aged, expires, boot_id, ends_ns) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            picture.sha256,
            envelope.slot.seq,
            picture.kind,
            envelope.hit,
            len(picture.sealed),
            limit < envelope.expires,
            expires.astimezone(timezone.utc).isoformat(timespec="microseconds"),
            now.boot_id,
            now.boottime_ns + rows.lives_ns(expires, now),
        ),
    )
    db.execute("UPDATE picture_account SET disk = disk + ?", (on_disk(len(picture.sealed)),))


def waiting(db: sqlite3.Connection, asked: bool, limit: int) -> list[WaitingPicture]:
    """Pictures whose read the agency has, in the order in which they are to go: of those that were ``asked`` for, or of all,
    hits first, and then the oldest first."""
    found = db.execute(_WAITING_ASKED if asked else _WAITING, (limit,))
    return [
        WaitingPicture(sha256=sha256, seq=seq, kind=kind, hit=bool(hit), bytes=size) for sha256, seq, kind, hit, size in found
    ]


def oldest(db: sqlite3.Connection, hits: bool) -> list[int]:
    """The oldest reads that have pictures here and are hits, or are none."""
    query = "SELECT DISTINCT seq FROM pictures WHERE hit = ? ORDER BY seq LIMIT ?"
    return [seq for (seq,) in db.execute(query, (hits, _AT_ONCE))]


def over(db: sqlite3.Connection, now: Instant, limit: int) -> list[tuple[int, bool]]:
    """Reads whose pictures' time is over, each with whether the unit's own limit ended it and not the label; never because a
    clock jumped."""
    found = db.execute(
        "SELECT seq, min(aged) FROM pictures WHERE boot_id = ? AND ends_ns <= ? GROUP BY seq LIMIT ?",
        (now.boot_id, now.boottime_ns, limit),
    ).fetchall()
    if now.quality.source in rows.SYNCHRONISED:
        moment = now.utc.astimezone(timezone.utc).isoformat(timespec="microseconds")
        found += db.execute(
            "SELECT seq, min(aged) FROM pictures WHERE expires <= ? AND boot_id != ? GROUP BY seq LIMIT ?",
            (moment, now.boot_id, limit),
        ).fetchall()
    return [(seq, bool(aged)) for seq, aged in found]


def forget_of(db: sqlite3.Connection, seqs: Iterable[int], fate: Fate) -> Gone:
    """Delete all pictures of some reads."""
    gone = list[tuple[int, bytes]]()
    for seq in seqs:
        gone += db.execute("SELECT seq, sha256 FROM pictures WHERE seq = ?", (seq,)).fetchall()
    return _forget(db, gone, fate)


def forget(db: sqlite3.Connection, files: Iterable[bytes], fate: Fate) -> Gone:
    """Delete the pictures that lie in ``files``, as far as they are here."""
    gone = list[tuple[int, bytes]]()
    for sha256 in files:
        gone += db.execute("SELECT seq, sha256 FROM pictures WHERE sha256 = ?", (sha256,)).fetchall()
    return _forget(db, gone, fate)


def _forget(db: sqlite3.Connection, gone: Sequence[tuple[int, bytes]], fate: Fate) -> Gone:
    disk = 0
    for _, sha256 in gone:
        (size,) = db.execute("DELETE FROM pictures WHERE sha256 = ? RETURNING bytes", (sha256,)).fetchone()
        disk += on_disk(size)
    db.execute(f"UPDATE picture_account SET {fate} = {fate} + ?, disk = disk - ?", (len(gone), disk))  # noqa: S608
    return Gone(tuple(dict.fromkeys(seq for seq, _ in gone)), tuple(sha256 for _, sha256 in gone))


def ask(db: sqlite3.Connection, seqs: Iterable[int]) -> int:
    """Note that the agency wants the pictures of some reads; how many pictures these are."""
    asked = "UPDATE pictures SET asked = 1 WHERE seq = ? AND NOT asked"
    return sum(db.execute(asked, (seq,)).rowcount for seq in seqs)


def files(db: sqlite3.Connection) -> set[bytes]:
    """The names of all files that there should be."""
    return {sha256 for (sha256,) in db.execute("SELECT sha256 FROM pictures")}


def disk(db: sqlite3.Connection) -> int:
    """How many bytes of the disk the files take."""
    (size,) = db.execute("SELECT disk FROM picture_account").fetchone()
    return int(size)


def account(db: sqlite3.Connection) -> PictureAccount:
    """Where the pictures of this epoch are."""
    made, stored, dropped, expired, unwanted = db.execute(
        "SELECT made, stored, dropped, expired, unwanted FROM picture_account"
    ).fetchone()
    waiting, size = db.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM pictures").fetchone()
    return PictureAccount(
        made=made, waiting=waiting, bytes=size, stored=stored, dropped=dropped, expired=expired, unwanted=unwanted
    )
