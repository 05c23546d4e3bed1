"""The unit's memory of what has left lane 1 and is not yet known to be stored by the agency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from edge.records import Envelope, Slot


class Backlog(Struct, frozen=True, kw_only=True):
    """What waits in the outbox; ``oldest`` is None when it is empty."""

    waiting: int
    bytes: int
    oldest: datetime | None
    pruned: int
    committed: int


class Outbox(Protocol):
    """Keeps sealed envelopes until the agency's signed receipt says that they are stored."""

    def next_slot(self) -> Slot:
        """The place in the chain that the next envelope must take."""
        ...

    def put(self, envelope: Envelope) -> None:
        """Keep one envelope durably: when this returns, a power cut does not lose it (on media that honour flush).

        Raises OutboxError if it cannot be kept so, or if the envelope does not take the next slot.
        """
        ...

    def waiting(self, after: int, limit: int) -> Sequence[Envelope]:
        """Up to ``limit`` kept envelopes with a sequence number above ``after``, in order."""
        ...

    def waiting_numbers(self) -> Iterator[int]:
        """The sequence numbers of everything kept, ascending."""
        ...

    def prune(self, epoch: str, seqs: Sequence[int]) -> int:
        """Forget envelopes that a verified receipt names; returns how many were there."""
        ...

    def backlog(self) -> Backlog:
        """What waits now."""
        ...

    def close(self) -> None:
        """Flush and close; further calls raise OutboxError."""
        ...
