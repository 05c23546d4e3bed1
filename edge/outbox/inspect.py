"""Look into an outbox without writing it, also while the unit runs: ``plate-edge outbox status`` and ``verify``."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from edge.errors import EnvelopeError, OutboxError
from edge.outbox.interface import Backlog
from edge.outbox.picture_files import PictureFiles, pictures_folder
from edge.outbox.tables import forgiving, holds_copies, holds_pictures, read_backlog


class ChainFinding(Struct, frozen=True, kw_only=True):
    """What is wrong at one number: ``gap`` is no finding, since receipts prune; a wrong link, a wrong signature is."""

    seq: int
    wrong: str


class ChainReport(Struct, frozen=True, kw_only=True):
    """How many reads were looked at, how many copies and pictures beside them, and what was wrong with any."""

    epoch: str
    checked: int
    copies: int
    pictures: int = 0
    findings: tuple[ChainFinding, ...]


def status(path: Path) -> Backlog:
    """What waits in the outbox at ``path``.  Raises OutboxError if there is none or it cannot be read."""
    with _reading(path) as db:
        return read_backlog(db)


def verify(path: Path, check: Callable[[bytes], None] | None = None) -> ChainReport:
    """Follow the chain over everything kept; copies hang beside it, each at its read.

    ``check`` is given each envelope's wire bytes and raises EnvelopeError if the device did not sign them.
    Raises OutboxError if the outbox cannot be read.
    """
    findings: list[ChainFinding] = []
    checked, before, digest = 0, -1, b""
    with _reading(path) as db:
        db.execute("BEGIN")
        epoch, head_seq, head = db.execute("SELECT epoch, seq, hash FROM chain").fetchone()
        for seq, previous, wire in db.execute(
            "SELECT seq, CAST(previous AS BLOB), CAST(wire AS BLOB) FROM envelopes ORDER BY seq"
        ):
            if seq == before + 1 and previous != digest:
                findings.append(ChainFinding(seq=seq, wrong="it does not follow the envelope before it"))
            checked, before, digest = checked + 1, seq, hashlib.sha256(wire).digest()
            findings += _check_one(seq, wire, check)
        if before > head_seq or (before == head_seq and digest != head):
            findings.append(ChainFinding(seq=before, wrong="it is not the head of the chain that was recorded"))
        copies, found = _verify_copies(db, check) if holds_copies(db) else (0, [])
        pictures, unlike = _verify_pictures(db, path) if holds_pictures(db) else (0, [])
    return ChainReport(epoch=epoch, checked=checked, copies=copies, pictures=pictures, findings=(*findings, *found, *unlike))


def _verify_pictures(db: sqlite3.Connection, path: Path) -> tuple[int, list[ChainFinding]]:
    """How many pictures there are, and which of them are not as they were written."""
    files = PictureFiles(pictures_folder(path))
    rows = db.execute("SELECT seq, kind, sha256 FROM pictures ORDER BY seq, kind").fetchall()
    return len(rows), [
        ChainFinding(seq=seq, wrong=f"its {kind} is not there as it was written")
        for seq, kind, sha256 in rows
        if files.read(sha256) is None
    ]


def _verify_copies(db: sqlite3.Connection, check: Callable[[bytes], None] | None) -> tuple[int, list[ChainFinding]]:
    """How many copies there are, and what is wrong with them."""
    findings: list[ChainFinding] = []
    checked = 0
    rows = db.execute(
        "SELECT c.seq, c.party, CAST(c.wire AS BLOB), e.seq FROM copies c LEFT JOIN envelopes e USING (seq) ORDER BY c.rowid"
    )
    for seq, party, wire, original in rows:
        checked += 1
        if original is None:
            findings.append(ChainFinding(seq=seq, wrong=f"the copy for `{party}` is here without its read"))
        findings += _check_one(seq, wire, check, f"the copy for `{party}`: ")
    return checked, findings


def _check_one(seq: int, wire: bytes, check: Callable[[bytes], None] | None, whose: str = "") -> list[ChainFinding]:
    try:
        if check is not None:
            check(wire)
    except EnvelopeError as error:
        return [ChainFinding(seq=seq, wrong=f"{whose}{error}")]
    return []


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can neither write nor checkpoint."""
    if not path.exists():
        raise OutboxError(f"read outbox {path}: there is none; has the unit run yet?")
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5.0)
        ) as db:
            db.text_factory = forgiving
            yield db
    except sqlite3.Error as error:
        raise OutboxError(f"read outbox {path}: {error}") from error
