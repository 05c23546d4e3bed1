"""The unit's memory of what has left lane 1 and is not yet known to be stored by the agency."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from edge.records import Dropped, Envelope, Head, Slot


class Backlog(Struct, frozen=True, kw_only=True):
    """What waits in the outbox, and the account of this epoch: ``committed`` = ``waiting`` + ``pruned`` + ``expired`` +
    ``dropped``, all of them reads.  ``copies`` are those that wait with their reads, for parties beside the owner;
    ``dropped_copies`` those that had to make room.  ``oldest`` is when the oldest waiting envelope was kept, None when nothing
    waits; ``bytes`` counts wire bytes, copies included."""

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
