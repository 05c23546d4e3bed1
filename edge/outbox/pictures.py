"""The pictures that lie beside an outbox: their files, the rows that name them, and what makes room for what.

Pictures have a quota of their own and lie inside the outbox's budget all the same; they make room for reads, never reads for
them.  Of two pictures that of a read that is no hit goes first, then the older one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from edge.outbox import picture_rows, rows
from edge.outbox.interface import Bury, PictureAccount, WaitingPicture
from edge.outbox.picture_files import PictureFiles, on_disk
from edge.outbox.picture_rows import Fate, Gone
from edge.ranges import runs
from edge.records import Dropped, Envelope, Instant
from edge.sqlite import transaction

_AT_ONCE = 64

_T = TypeVar("_T")


class Shrink(Protocol):
    """Does what makes the outbox smaller, with its one connection, also on a full disk."""

    def __call__(self, verb: str, do: Callable[[sqlite3.Connection], _T]) -> _T:
        """Returns what ``do`` returns.  Raises OutboxError that begins with ``verb``."""
        ...


class Pictures:
    """See :class:`edge.outbox.interface.PictureBox`.  What takes a connection is called inside the outbox's lock."""

    def __init__(
        self,
        folder: Path,
        using: Callable[[str], AbstractContextManager[sqlite3.Connection]],
        shrink: Shrink,
        bury: Bury | None,
        *,
        quota_bytes: int,
        longest: timedelta,
    ) -> None:
        self._files, self._using, self._shrink, self._bury = PictureFiles(folder), using, shrink, bury
        self._quota_bytes, self._longest = quota_bytes, longest

    def due(self, limit: int) -> Sequence[WaitingPicture]:
        """Up to ``limit`` pictures whose read the agency has, hits first, then the oldest."""
        with self._using("read") as db:
            return picture_rows.waiting(db, False, limit)

    def asked_for(self, limit: int) -> Sequence[WaitingPicture]:
        """As :meth:`due`, of those that the agency has asked for."""
        with self._using("read") as db:
            return picture_rows.waiting(db, True, limit)

    def file(self, picture: WaitingPicture) -> bytes | None:
        """The sealed file; None if it is not there as it was written, which is accounted for."""
        data = self._files.read(picture.sha256)
        if data is None:
            self._shrink("forget a picture in", lambda db: self._drop(db, [picture.seq]))
        return data

    def ask(self, epoch: str, reads: Sequence[int]) -> int:
        """The agency wants the pictures of some reads; how many are here and were not asked for before."""
        with self._using("note a request in") as db, transaction(db):
            return picture_rows.ask(db, reads) if _epoch(db) == epoch else 0

    def settle(self, stored: Sequence[bytes], unwanted: Sequence[bytes]) -> int:
        """Forget the pictures that a verified receipt names; how many were there."""

        def forget(db: sqlite3.Connection) -> int:
            with transaction(db):
                taken = picture_rows.forget(db, stored, "stored")
                left = picture_rows.forget(db, unwanted, "unwanted")
            self._files.remove((*taken.files, *left.files))
            return len(taken.files) + len(left.files)

        return self._shrink("prune pictures in", forget)

    def account(self) -> PictureAccount:
        """Where all pictures of this epoch are."""
        with self._using("read") as db:
            return picture_rows.account(db)

    def tidy(self, db: sqlite3.Connection) -> None:
        """Remove what a power cut has left.  Raises OutboxError."""
        self._files.keep_only(picture_rows.files(db))

    def disk(self, db: sqlite3.Connection) -> int:
        """How many bytes of the disk the files take."""
        return picture_rows.disk(db)

    def give_way(self, db: sqlite3.Connection, envelopes: Sequence[Envelope], fits: Callable[[int], bool]) -> bool:
        """Drop pictures until the reads of ``envelopes`` fit, and then until their pictures do too; whether these do.  ``fits``
        says whether there is room for the reads and so many bytes more."""
        while not fits(0) and self._drop_some(db, hits=True):
            pass
        wanted = sum(on_disk(len(picture.sealed)) for envelope in envelopes for picture in envelope.pictures)
        if not wanted:
            return True
        for_a_hit = any(envelope.hit for envelope in envelopes if envelope.pictures)
        while not (found := fits(wanted) and self.disk(db) + wanted <= self._quota_bytes):
            if not self._drop_some(db, hits=for_a_hit):
                break
        return found

    def write(self, envelopes: Sequence[Envelope]) -> bool:
        """Put the files of ``envelopes`` on the medium; false if it does not take them."""
        try:
            self._files.write(picture for envelope in envelopes for picture in envelope.pictures)
        except OSError:
            return False
        return True

    def take_back(self, envelopes: Sequence[Envelope]) -> None:
        """The reads of ``envelopes`` were not kept, so nobody names their pictures."""
        self._files.remove(picture.sha256 for envelope in envelopes for picture in envelope.pictures)

    def enter(self, db: sqlite3.Connection, envelopes: Sequence[Envelope], kept: bool, now: Instant) -> None:
        """Take in the pictures of ``envelopes``, whose files are there if ``kept``; inside the transaction of their reads."""
        lost = list[int]()
        for envelope in envelopes:
            if envelope.pictures:
                picture_rows.enter(db, envelope, kept, now, self._longest)
                lost += [] if kept else [envelope.slot.seq]
        self._bury_all(db, lost)

    def leave_with(self, db: sqlite3.Connection, reads: Sequence[int], fate: Fate) -> Gone:
        """Forget the pictures of reads that go undelivered, inside the transaction in which they do; :meth:`remove` what this
        returns behind it."""
        return picture_rows.forget_of(db, reads, fate)

    def remove(self, gone: Gone) -> None:
        """Remove the files of what is forgotten for good."""
        self._files.remove(gone.files)

    def expire(self, now: Instant) -> int:
        """Forget the pictures whose time is over, by their label or by the unit's own limit; how many reads had some."""
        gone = 0
        while part := self._shrink("expire pictures in", lambda db: self._expire_part(db, now)):
            gone += part
        return gone

    def _expire_part(self, db: sqlite3.Connection, now: Instant) -> int:
        found = picture_rows.over(db, now, _AT_ONCE)
        if not found:
            return 0
        with transaction(db):
            aged = picture_rows.forget_of(db, [seq for seq, aged in found if aged], "dropped")
            expired = picture_rows.forget_of(db, [seq for seq, aged in found if not aged], "expired")
            self._bury_all(db, [*aged.seqs, *expired.seqs])
        self.remove(aged)
        self.remove(expired)
        return len(found)

    def _drop_some(self, db: sqlite3.Connection, *, hits: bool) -> bool:
        """Drop the pictures of a few reads, of hits only where ``hits`` and no others are left; whether there were any."""
        if self._bury is None:
            return False
        found = picture_rows.oldest(db, False) or (picture_rows.oldest(db, True) if hits else [])
        if found:
            self._drop(db, found)
        return bool(found)

    def _drop(self, db: sqlite3.Connection, reads: Sequence[int]) -> None:
        with transaction(db):
            gone = picture_rows.forget_of(db, reads, "dropped")
            self._bury_all(db, gone.seqs)
        self.remove(gone)

    def _bury_all(self, db: sqlite3.Connection, reads: Sequence[int]) -> None:
        """Sign that the pictures of ``reads`` will not come."""
        if reads and self._bury is not None:
            rows.bury(db, self._bury, Dropped(epoch=_epoch(db), pictures=tuple(runs(reads))))


def _epoch(db: sqlite3.Connection) -> str:
    (epoch,) = db.execute("SELECT epoch FROM chain").fetchone()
    return str(epoch)
