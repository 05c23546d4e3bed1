"""Where an agency keeps the reads that its units delivered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from edge.records import LabeledRead

Outcome = Literal["stored", "duplicate", "conflict"]


class Arrival(Struct, frozen=True, kw_only=True):
    """A verified and opened envelope on its way into the store: who sent it, its slot, the signed bytes as received (kept
    as evidence) and what was in them.  ``device`` is the device's name, ``<owner>/<device>`` for a copy of another's read."""

    device: str
    epoch: str
    seq: int
    received: datetime
    wire: bytes
    wire_sha256: bytes
    labeled: LabeledRead


class StoredRead(Struct, frozen=True, kw_only=True):
    """One row of the store."""

    device: str
    epoch: str
    seq: int
    received: datetime
    labeled: LabeledRead


class Ruling(Struct, frozen=True, kw_only=True):
    """The rules under which a read is deleted: the packs (id and version) whose label set the time, their hash, and every rule
    that had a say."""

    jurisdiction: str
    packs: tuple[str, ...]
    pack_sha256: str
    rules: tuple[str, ...]


class Store(Protocol):
    """The agency's table of reads: one row per (device, epoch, seq), for ever."""

    def add(self, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
        """Store all in one transaction and commit; one outcome each, in order.

        ``duplicate``: the same bytes are there already; ``conflict``: other bytes are there under the same number, which
        is an alarm (a cloned device) and changes nothing but what ``received`` and ``conflicts`` say of that number.
        Raises StoreError if the commit failed: nothing was stored.
        """
        ...

    def received(self, device: str, epoch: str) -> Sequence[tuple[int, int]]:
        """The sequence numbers stored for a device and epoch, as inclusive ascending ranges without those in conflict:
        of two units that use one number, neither may take the other's for its own."""
        ...

    def conflicts(self, device: str, epoch: str) -> Sequence[int]:
        """The numbers, ascending, under which other bytes were sent than are stored."""
        ...

    def reads(self) -> Iterator[StoredRead]:
        """Every read, in order of device, epoch and number."""
        ...

    def close(self) -> None:
        """Close; further calls raise StoreError."""
        ...
