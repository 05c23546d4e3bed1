"""Where an agency keeps the reads that its units delivered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from edge.records import LabeledRead, PictureKind

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


class PictureArrival(Struct, frozen=True, kw_only=True):
    """A picture that was opened and is what its read names: whose read, under which number, and the JPEG."""

    device: str
    epoch: str
    seq: int
    kind: PictureKind
    jpeg: bytes


#: ``gone``: its read is not there, or not any more; ``later``: the store is at something else that must not be disturbed.
PictureOutcome = Literal["stored", "duplicate", "gone", "later"]


class PictureOrder(Struct, frozen=True, kw_only=True):
    """Who wants to see which picture of a read, by its id, and why; for the book."""

    read: str
    kind: PictureKind
    by: str
    reason: str
    case: str = ""


class Ruling(Struct, frozen=True, kw_only=True):
    """The rules under which a read is deleted: the packs (id and version) whose label set the time, their hash, and every rule
    that had a say."""

    jurisdiction: str
    packs: tuple[str, ...]
    pack_sha256: str
    rules: tuple[str, ...]


class HoldOrder(Struct, frozen=True, kw_only=True):
    """What lets an agency keep some reads longer: ``authority``, one of the words that their labels name as ``lifts``, in which
    case, approved by whom, from when until when.  ``reads`` are the reads' ids."""

    authority: str
    case: str
    approver: str
    reads: tuple[str, ...]
    begins: datetime
    ends: datetime


class Hold(Struct, frozen=True, kw_only=True):
    """An order in the store.  It keeps its reads until it is ``over``: released, or ended by itself."""

    id: str
    order: HoldOrder
    placed: datetime
    over: datetime | None = None

    def keeps(self, at: datetime) -> bool:
        """Whether its reads must be kept at ``at``."""
        return self.over is None and at < self.order.ends


class Numbers(Struct, frozen=True, kw_only=True):
    """Reads of one device and epoch, as inclusive ascending ranges of their numbers."""

    device: str
    epoch: str
    ranges: tuple[tuple[int, int], ...]


class Deleted(Struct, frozen=True, kw_only=True):
    """How many reads were deleted under the same rules, and which; how many pictures went with them."""

    ruling: Ruling
    reads: int
    numbers: tuple[Numbers, ...]
    pictures: int = 0


class Deletion(Struct, frozen=True, kw_only=True, tag="deletion", tag_field="what"):
    """Reads whose time had passed were deleted, with their pictures.  ``cleared`` says what was done so that nothing of them
    stays in this store's files, ``beyond`` where copies may be that this store cannot reach."""

    reads: int
    deleted: tuple[Deleted, ...]
    cleared: tuple[str, ...]
    beyond: tuple[str, ...] = ()
    pictures: int = 0


class HoldPlaced(Struct, frozen=True, kw_only=True, tag="hold-placed", tag_field="what"):
    """Reads are kept beyond their time from now on."""

    hold: str
    order: HoldOrder
    numbers: tuple[Numbers, ...]


class HoldOver(Struct, frozen=True, kw_only=True, tag="hold-over", tag_field="what"):
    """A hold keeps nothing any more: ``by`` released it for ``reason``; ``by`` is empty where its time had come."""

    hold: str
    by: str
    reason: str


class PictureHandedOut(Struct, frozen=True, kw_only=True, tag="picture-handed-out", tag_field="what"):
    """A picture was given to somebody."""

    order: PictureOrder
    numbers: tuple[Numbers, ...]


Event = Deletion | HoldPlaced | HoldOver | PictureHandedOut


class Signed(Struct, frozen=True, kw_only=True):
    """One entry of the book: the exact bytes and the agency's signature over them."""

    body: bytes
    signature: bytes


class Notary(Protocol):
    """Writes the agency's book of holds and deletions."""

    def write(self, before: Signed | None, at: datetime, event: Event) -> Signed:
        """The entry that follows ``before`` (None for the first)."""
        ...


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


class PictureStore(Store, Protocol):
    """A store that keeps pictures with their reads: they lie with them, are held with them and go with them."""

    def read(self, device: str, epoch: str, seq: int) -> StoredRead | None:
        """One read, None if it is not there or not any more."""
        ...

    def add_picture(self, picture: PictureArrival) -> PictureOutcome:
        """Store one and commit; the first of a read and kind is kept.  Raises StoreError if the commit failed."""
        ...

    def has_picture(self, read: StoredRead, kind: PictureKind) -> bool:
        """Whether this picture of the read is there."""
        ...

    def find(self, read_id: str) -> Sequence[StoredRead]:
        """Every read of an id: one's own, and copies under which it came from others."""
        ...

    def hand_out(self, order: PictureOrder, at: datetime, notary: Notary) -> bytes:
        """The picture that ``order`` asks for, after the book has it.  Raises StoreError if it is not there, the order does not
        say who or why, or the label lets its owner not search it any more at ``at``."""
        ...

    def ask(self, device: str, epoch: str, seq: int, at: datetime) -> None:
        """Note that the pictures of a read are wanted, until they are there or the read is gone."""
        ...

    def asked(self) -> Sequence[tuple[str, str, int]]:
        """Device, epoch and number of every read whose pictures are wanted, in order."""
        ...

    def no_longer_asked(self, device: str, epoch: str, seq: int) -> None:
        """The pictures of a read are there, or will never be."""
        ...


class RetentionStore(PictureStore, Protocol):
    """A store that deletes what its time has come for, unless a hold keeps it, and can prove both.

    The key and the hash of a read stay for ever, so that a replay of a deleted read is a duplicate and not a new read."""

    def expire(self, at: datetime, notary: Notary) -> Deletion | None:
        """Delete every read whose ``delete_after`` has passed at ``at`` and that no hold keeps; holds whose time has come end
        first.  None if there was nothing to delete.

        What was begun by a run that was cut off is finished and stated first.  Raises StoreError; also if ``at`` lies far
        beyond the last run, since a clock that has jumped would delete everything."""
        ...

    def trust_clock(self, at: datetime) -> None:
        """A person has looked at the clock: the next run may be far beyond the last."""
        ...

    def hold(self, order: HoldOrder, at: datetime, notary: Notary) -> Hold:
        """Keep reads longer.  Raises StoreError if a read is not there, its time has passed, or its label does not let this
        authority keep it."""
        ...

    def release(self, hold: str, by: str, reason: str, at: datetime, notary: Notary) -> Hold:
        """End a hold; its reads go with the next :meth:`expire` if their time has passed.  Raises StoreError if there is no
        such hold or it is over."""
        ...

    def holds(self) -> Sequence[Hold]:
        """Every hold that was ever placed, the oldest first."""
        ...

    def book(self) -> Iterator[Signed]:
        """Every entry of the book, in order."""
        ...
