"""The unit's memory of what has left lane 1 and is not yet known to be stored by the agency."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from edge.records import Dropped, Envelope, Head, PictureKind, Slot


class PictureAccount(Struct, frozen=True, kw_only=True):
    """Where the pictures of this epoch are: ``made`` = ``waiting`` + ``stored`` + ``dropped`` + ``expired`` + ``unwanted``.
    ``bytes`` are those of the files that wait; ``dropped`` made room, or could not be kept or read again; ``expired`` went with
    the time of their label; ``unwanted`` are those that the agency will not take, because their read is deleted there."""

    made: int = 0
    waiting: int = 0
    bytes: int = 0
    stored: int = 0
    dropped: int = 0
    expired: int = 0
    unwanted: int = 0


class Backlog(Struct, frozen=True, kw_only=True):
    """What waits in the outbox, and the account of this epoch: ``committed`` = ``waiting`` + ``pruned`` + ``expired`` +
    ``dropped``, all of them reads.  ``copies`` are those that wait with their reads, for parties beside the owner;
    ``dropped_copies`` those that had to make room; ``pictures`` lie beside the reads and have an account of their own.
    ``oldest`` is when the oldest waiting envelope was kept, None when nothing waits; ``bytes`` counts wire bytes, copies
    included."""

    epoch: str
    waiting: int
    bytes: int
    oldest: datetime | None
    pruned: int
    expired: int
    committed: int
    copies: int = 0
    dropped: int = 0
    dropped_copies: int = 0
    pictures: PictureAccount = PictureAccount()


#: Signs that something was dropped: what was, and the newest tombstone that waits, if any; returns the wire bytes that take the
#: place of that one, which are that one with more in it, or that one and another behind it.
Bury = Callable[[Dropped, bytes | None], Sequence[bytes]]


class Outbox(Protocol):
    """Keeps sealed envelopes until the agency's signed receipt says that they are stored, and never more than its budget."""

    def next_slot(self) -> Slot:
        """The place in the chain that the next envelope must take."""
        ...

    def put(self, envelope: Envelope) -> None:
        """Keep one envelope durably: when this returns, a power cut does not lose it (on media that honour flush).  Its copies
        are kept with it, all or none, and go when it goes, whether by a receipt or by its label.

        Where the budget is used up, others make room: copies first, then the oldest reads that are no hits, then the oldest
        hits; a tombstone that goes with them names each.

        Raises OutboxError if it cannot be kept so, or if the envelope does not take the next slot.
        """
        ...

    def put_all(self, envelopes: Sequence[Envelope]) -> None:
        """Keep several as :meth:`put` does, all or none, for the price of one: each takes the slot after the one before it."""
        ...

    def waiting(self, after: int, limit: int) -> Sequence[Envelope]:
        """Up to ``limit`` kept envelopes with a sequence number above ``after``, in order, each with its copies."""
        ...

    def waiting_hits(self, after: int, limit: int) -> Sequence[Envelope]:
        """As :meth:`waiting`, of hits alone."""
        ...

    def waiting_numbers(self) -> Iterator[int]:
        """The sequence numbers of everything kept, ascending."""
        ...

    def prune(self, epoch: str, stored: Sequence[tuple[int, int]]) -> int:
        """Forget the envelopes that a verified receipt names, as inclusive ranges; returns how many were there.

        Ranges, because that is what a receipt holds and a week's backlog is one of them.  Another epoch's are ignored.
        """
        ...

    def expire(self) -> int:
        """Forget what its label says must be deleted by now, and name it in a tombstone; returns how many.  Never because a
        clock jumped."""
        ...

    def tombstones(self) -> Sequence[bytes]:
        """The tombstones that wait, oldest first, as they were signed."""
        ...

    def let_go(self, tombstone: bytes) -> None:
        """Forget a tombstone that the agency keeps by now; one that has grown since stays."""
        ...

    def head(self) -> Head:
        """Where the chain ends, and what was before this epoch."""
        ...

    def backlog(self) -> Backlog:
        """What waits now."""
        ...

    def close(self) -> None:
        """Flush and close; further calls raise OutboxError."""
        ...


class WaitingPicture(Struct, frozen=True, kw_only=True):
    """A picture whose read the agency has: its file, of which read it is, and how large the file is."""

    sha256: bytes
    seq: int
    kind: PictureKind
    hit: bool
    bytes: int


class PictureBox(Protocol):
    """The pictures of an outbox's reads: kept with their read, sealed, and gone when the agency has them."""

    def due(self, limit: int) -> Sequence[WaitingPicture]:
        """Up to ``limit`` pictures whose read the agency has, in the order in which they are to go: hits first, then the
        oldest."""
        ...

    def asked_for(self, limit: int) -> Sequence[WaitingPicture]:
        """As :meth:`due`, of those that the agency has asked for."""
        ...

    def file(self, picture: WaitingPicture) -> bytes | None:
        """The sealed file; None if it is not there as it was written, in which case it is dropped here and named in a
        tombstone."""
        ...

    def ask(self, epoch: str, reads: Sequence[int]) -> int:
        """The agency wants the pictures of some reads; returns how many of them are here and were not asked for before."""
        ...

    def settle(self, stored: Sequence[bytes], unwanted: Sequence[bytes]) -> int:
        """Forget the pictures that a verified receipt names, by the SHA-256 of their files; how many were there."""
        ...

    def account(self) -> PictureAccount:
        """Where all pictures of this epoch are."""
        ...
