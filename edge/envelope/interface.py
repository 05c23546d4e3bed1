"""What lane 1, lane 2 and the agency end need of the wire format; the bytes themselves are described in README.md."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from edge.records import Began, Envelope, Head, Instant, LabeledRead, PictureRef, Release, Slot, TimeSource

Digest = Annotated[bytes, Meta(min_length=32, max_length=32, description="SHA-256")]
KeyId = Annotated[bytes, Meta(min_length=8, max_length=8, description="first 8 bytes of the SHA-256 of the key's SPKI")]
Name = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
Sequence = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Range = tuple[Sequence, Sequence]


class Header(Struct, frozen=True, kw_only=True, array_like=True):
    """The signed, readable part of an envelope, an array in this order because every byte is paid for by the SIM card.

    ``agency`` is the addressee, who alone can open it: the owner of a ``read``, the party that a ``copy`` is for.
    ``previous`` is the SHA-256 of the read's wire bytes one number earlier; ``commitment`` is SHA-256 over a random salt and
    the plaintext, so that one read can be proved later without any private key.  ``owner`` is whose read it is; a ``read``
    leaves it out, because it is the addressee's.  ``sealed_sha256`` stands in version 1 only; from version 2 on the hash of the
    sealed part is signed after the header and not sent.
    """

    version: Literal[1, 2]
    kind: Literal["read", "copy"]
    agency: Name
    device: Name
    epoch: Annotated[str, Meta(min_length=1, max_length=64)]
    seq: Sequence
    previous: Digest
    seal_key: KeyId
    sign_key: KeyId
    sealed_sha256: Digest | None
    commitment: Digest
    created: Annotated[datetime, Meta(tz=True)]
    delete_after: Annotated[datetime, Meta(tz=True)]
    owner: Name | None = None

    @property
    def belongs_to(self) -> str:
        """The agency whose unit captured the read."""
        return self.owner or self.agency


class Opened(Struct, frozen=True, kw_only=True):
    """An envelope whose signature, seal and commitment were all found good, and what was in it."""

    header: Header
    wire_sha256: bytes
    labeled: LabeledRead


class Receipt(Struct, frozen=True, kw_only=True):
    """The agency's word that reads are committed to its store.

    ``stored``: inclusive ascending ranges (the end of the first is the highest number without a hole before it; what lies
    between ranges are the holes).  ``conflicts``: numbers under which the store holds *other* bytes than it was sent; they
    are never in ``stored``.  ``buried``: numbers of which the agency keeps a tombstone.  ``pictures``: the SHA-256 of files of
    pictures that are stored; ``unwanted``: of those that never will be, because their read is deleted or does not name them.
    Each may name a part of the truth, never more than it.
    """

    version: Literal[1] = 1
    agency: Name
    device: Name
    epoch: Annotated[str, Meta(min_length=1, max_length=64)]
    stored: Annotated[tuple[Range, ...], Meta(max_length=1024)]
    issued: Annotated[datetime, Meta(tz=True)]
    conflicts: Annotated[tuple[Sequence, ...], Meta(max_length=1024)] = ()
    buried: Annotated[tuple[Range, ...], Meta(max_length=2048)] = ()
    pictures: Annotated[tuple[Digest, ...], Meta(max_length=1024)] = ()
    unwanted: Annotated[tuple[Digest, ...], Meta(max_length=1024)] = ()


class PictureFile(Struct, frozen=True, kw_only=True, array_like=True):
    """A picture as it lies on the unit and goes over the wire, an array in this order; its SHA-256 stands in the signed read.
    ``sealed`` opens for ``agency``, the read's owner, to the JPEG."""

    version: Literal[1] = 1
    agency: Name
    device: Name
    seal_key: KeyId
    sealed: bytes


class PartHeader(Struct, frozen=True, kw_only=True, array_like=True):
    """What is signed of one piece of a picture on its way: of which read (epoch, seq), of which file (``sha256``), and which
    of how many pieces it is, from 0."""

    version: Literal[1] = 1
    agency: Name
    device: Name
    epoch: Annotated[str, Meta(min_length=1, max_length=64)]
    seq: Sequence
    sha256: Digest
    part: Annotated[int, Meta(ge=0, le=63)]
    parts: Annotated[int, Meta(ge=1, le=64)]


class PicturePart(Struct, frozen=True, kw_only=True):
    """A piece of a picture that its device surely signed."""

    header: PartHeader
    piece: bytes


class PictureRequest(Struct, frozen=True, kw_only=True):
    """The agency's word that it wants the pictures of some of a device's reads, by their numbers."""

    version: Literal[1] = 1
    agency: Name
    device: Name
    epoch: Annotated[str, Meta(min_length=1, max_length=64)]
    reads: Annotated[tuple[Sequence, ...], Meta(max_length=256)]
    issued: Annotated[datetime, Meta(tz=True)]


class Standing(Struct, frozen=True, kw_only=True, tag_field="kind", tag="standing"):
    """A unit's signed word on where its chain stands, given at each connection and from then on as it changes.

    ``seq`` and ``hash`` are the last read's number and the SHA-256 of its wire bytes, 0 and zeros before the first.
    ``to_come`` names every number of which something is still to come, be it the read or a tombstone, and may name others
    too; of the rest the unit believes that the agency has it.  ``altered``: numbers at which its outbox is not as it was
    written.  ``began`` says how the epoch came to be and ``before`` what was before it, newest first, as far as the unit
    remembers.  ``boot_id`` and ``boottime_ns`` are a clock that cannot be set.
    """

    version: Literal[1] = 1
    agency: Name
    device: Name
    epoch: Annotated[str, Meta(min_length=1, max_length=64)]
    seq: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    hash: Digest
    to_come: Annotated[tuple[Range, ...], Meta(max_length=1024)]
    altered: Annotated[tuple[Sequence, ...], Meta(max_length=64)] = ()
    began: Began = "first"
    before: Annotated[tuple[str, ...], Meta(max_length=64)] = ()
    created: Annotated[datetime, Meta(tz=True)]
    boot_id: Annotated[str, Meta(max_length=64)]
    boottime_ns: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Tombstone(Struct, frozen=True, kw_only=True, tag_field="kind", tag="tombstone"):
    """A unit's signed word that it dropped reads undelivered: for want of space (``budget``), or because their label's time
    was over (``expired``); inclusive ascending ranges of numbers.  Of ``copies`` the copies for parties were dropped, and of
    ``pictures`` the pictures that were not delivered yet, whatever became of the reads."""

    version: Literal[1] = 1
    agency: Name
    device: Name
    epoch: Annotated[str, Meta(min_length=1, max_length=64)]
    budget: Annotated[tuple[Range, ...], Meta(max_length=1024)] = ()
    expired: Annotated[tuple[Range, ...], Meta(max_length=1024)] = ()
    copies: Annotated[tuple[Range, ...], Meta(max_length=1024)] = ()
    pictures: Annotated[tuple[Range, ...], Meta(max_length=1024)] = ()
    created: Annotated[datetime, Meta(tz=True)]


class Anchor(Struct, frozen=True, kw_only=True, tag_field="kind", tag="anchor"):
    """A unit's signed word, once for each boot when its clock has been set, that the moment ``boottime_ns`` since the boot
    ``boot_id`` was ``utc``, right within ``error_ms`` by ``source``.  By it the time of a read of the same boot follows, whose
    clock was not set yet."""

    version: Literal[1] = 1
    agency: Name
    device: Name
    boot_id: Annotated[str, Meta(min_length=1, max_length=64)]
    boottime_ns: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    utc: Annotated[datetime, Meta(tz=True)]
    error_ms: Annotated[float, Meta(ge=0)]
    source: TimeSource


Notice = Standing | Tombstone | Anchor


class Sealer(Protocol):
    """Turns a decision to release into bytes that only the owner, and for each copy only its party, can open."""

    def seal(self, release: Release, slot: Slot) -> Envelope:
        """Seal, sign and bind to ``slot``.  Raises EnvelopeError if the read is not this device's own."""
        ...


class Opener(Protocol):
    """The agency end of the envelope."""

    def open(self, device: str, wire: bytes) -> Opened | Notice:
        """Verify that ``device`` signed ``wire``, then open it.  Raises EnvelopeError with a reason word."""
        ...


class NoticeWriter(Protocol):
    """The unit's end of the notices about itself."""

    def standing(self, head: Head, to_come: Iterable[Range], altered: Iterable[int]) -> bytes:
        """The signed wire bytes of where the chain stands now."""
        ...

    def anchor(self, at: Instant, error_ms: float) -> bytes:
        """The signed wire bytes of what the clock since boot means."""
        ...

    def buried(self, wire: bytes) -> Tombstone:
        """What a tombstone says that this unit signed.  Raises EnvelopeError if it did not."""
        ...

    def slot(self, wire: bytes) -> Slot:
        """The place in the chain that an envelope says it takes, not verified.  Raises EnvelopeError."""
        ...


class ReceiptWriter(Protocol):
    """The agency end of the receipt."""

    def write(self, receipt: Receipt) -> bytes:
        """The signed wire bytes of ``receipt``."""
        ...


class ReceiptReader(Protocol):
    """The unit's end of the receipt."""

    def read(self, wire: bytes) -> Receipt:
        """The receipt in ``wire`` if the agency signed it and it is for this device.  Raises EnvelopeError."""
        ...


class PartWriter(Protocol):
    """The unit's end of a picture's way."""

    def parts(self, epoch: str, seq: int, file: bytes) -> tuple[bytes, ...]:
        """The signed wire bytes of the pieces of a picture's file, in order."""
        ...


class PictureOpener(Protocol):
    """The agency end of a picture's way."""

    def part(self, device: str, wire: bytes) -> PicturePart:
        """The piece in ``wire``, if ``device``, one of the agency's own, signed it.  Raises EnvelopeError."""
        ...

    def open(self, file: bytes, read: LabeledRead, ref: PictureRef) -> bytes:
        """The JPEG in a picture's file, if it is what ``ref`` of ``read`` names.  Raises EnvelopeError with a reason word."""
        ...


class RequestWriter(Protocol):
    """The agency end of a request for pictures."""

    def request(self, request: PictureRequest) -> bytes:
        """The signed wire bytes of ``request``."""
        ...


class RequestReader(Protocol):
    """The unit's end of a request for pictures."""

    def request(self, wire: bytes) -> PictureRequest:
        """The request in ``wire`` if the agency signed it and it is for this device.  Raises EnvelopeError."""
        ...
