"""Notices: a unit's signed word about its own chain.  They hold no plate, so they are not sealed; like receipts they are a body
and a signature.  They take no number of the chain: they say which numbers there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from edge.envelope import wire as framing
from edge.envelope.interface import Anchor, Header, Notice, Standing, Tombstone
from edge.envelope.signature import sign, verified_by
from edge.errors import EnvelopeError
from edge.ranges import Range, ascending, few, joined
from edge.records import Dropped, Head, Instant, Slot

_RANGES_AT_MOST = 512
_ALTERED_AT_MOST = 64

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Notice] = msgspec.msgpack.Decoder(Notice)
_header = msgspec.msgpack.Decoder(Header)


class NoticeSigner:
    """See :class:`edge.envelope.interface.NoticeWriter`.  Signs with the device's key; ``former`` are the public halves of
    those that it had before, under which tombstones may still lie in the outbox."""

    def __init__(
        self,
        *,
        device: str,
        agency: str,
        sign_key: ec.EllipticCurvePrivateKey,
        now: Callable[[], Instant],
        former: Sequence[ec.EllipticCurvePublicKey] = (),
    ) -> None:
        self._device, self._agency, self._now = device, agency, now
        self._key, self._former = sign_key, tuple(former)

    def standing(self, head: Head, to_come: Iterable[Range], altered: Iterable[int]) -> bytes:
        """The signed wire bytes of where the chain stands now."""
        now = self._now()
        return self._signed(
            Standing(
                agency=self._agency,
                device=self._device,
                epoch=head.epoch,
                seq=head.seq,
                hash=head.hash,
                to_come=tuple(few(list(to_come), _RANGES_AT_MOST)),
                altered=tuple(sorted(altered)[:_ALTERED_AT_MOST]),
                began=head.began,
                before=head.before,
                created=now.utc,
                boot_id=now.boot_id,
                boottime_ns=now.boottime_ns,
            )
        )

    def anchor(self, at: Instant, error_ms: float) -> bytes:
        """The signed wire bytes of what the clock since boot means."""
        return self._signed(
            Anchor(
                agency=self._agency,
                device=self._device,
                boot_id=at.boot_id,
                boottime_ns=at.boottime_ns,
                utc=at.utc,
                error_ms=error_ms,
                source=at.quality.source,
            )
        )

    def bury(self, dropped: Dropped, newest: bytes | None) -> tuple[bytes, ...]:
        """The tombstones that take the place of ``newest``: itself with ``dropped`` in it too, or, where it is full or not this
        epoch's or not signed by us, itself and another."""
        fresh = self._carved(dropped)
        if newest is None:
            return (self._signed(fresh),)
        try:
            before = self.buried(newest)
        except EnvelopeError:
            return (newest, self._signed(fresh))
        both = self._carved(
            Dropped(
                epoch=dropped.epoch,
                budget=tuple(joined([*before.budget, *dropped.budget])),
                expired=tuple(joined([*before.expired, *dropped.expired])),
                copies=tuple(joined([*before.copies, *dropped.copies])),
                pictures=tuple(joined([*before.pictures, *dropped.pictures])),
            )
        )
        ranges = sum(map(len, (both.budget, both.expired, both.copies, both.pictures)))
        if before.epoch != dropped.epoch or ranges > _RANGES_AT_MOST:
            return (newest, self._signed(fresh))
        return (self._signed(both),)

    def buried(self, wire: bytes) -> Tombstone:
        """What a tombstone says that this unit signed.  Raises EnvelopeError if it did not."""
        notice, _ = read_notice(self._device, wire, [self._key.public_key(), *self._former])
        if not isinstance(notice, Tombstone):
            raise EnvelopeError("notice", "read tombstone: it is a notice of another kind")
        return notice

    def slot(self, wire: bytes) -> Slot:
        """The place in the chain that an envelope says it takes, not verified.  Raises EnvelopeError (size, framing, version,
        header)."""
        try:
            header = _header.decode(framing.split(wire).signed)
        except framing.UNREADABLE as error:
            raise EnvelopeError("header", "read envelope: its header cannot be read") from error
        return Slot(epoch=header.epoch, seq=header.seq, previous=header.previous)

    def _carved(self, dropped: Dropped) -> Tombstone:
        return Tombstone(
            agency=self._agency,
            device=self._device,
            epoch=dropped.epoch,
            budget=dropped.budget,
            expired=dropped.expired,
            copies=dropped.copies,
            pictures=dropped.pictures,
            created=self._now().utc,
        )

    def _signed(self, notice: Notice) -> bytes:
        body = _encoder.encode(notice)
        signature = sign(self._key, framing.NOTICE_DOMAIN, body)
        return framing.join(framing.Parts(framing.NOTICE_VERSION, body, b"", signature))


def is_notice(wire: bytes) -> bool:
    """Whether ``wire`` says of itself that it is a notice: nothing is sealed in it.  Raises EnvelopeError (size, framing,
    version)."""
    return not framing.split(wire).sealed


def read_notice(
    device: str, wire: bytes, keys: Sequence[ec.EllipticCurvePublicKey]
) -> tuple[Notice, ec.EllipticCurvePublicKey]:
    """The notice in ``wire`` and which of ``keys`` signed it, if one did and it is about ``device``.

    Raises EnvelopeError (size, framing, version, unknown-device, signature, notice, device)."""
    parts = framing.split(wire)
    if parts.version != framing.NOTICE_VERSION:
        raise EnvelopeError("version", f"read notice: version {parts.version} is not known here")
    if parts.sealed:
        raise EnvelopeError("framing", "read notice: a notice has no sealed part")
    if not keys:
        raise EnvelopeError("unknown-device", f"read notice: `{device}` is not enrolled here")
    signer = verified_by(keys, framing.NOTICE_DOMAIN, parts.signed, parts.signature)
    try:
        notice = _decoder.decode(parts.signed)
    except framing.UNREADABLE as error:
        raise EnvelopeError("notice", "read notice: signed, but not of a kind or form that is known here") from error
    if notice.device != device:
        raise EnvelopeError("device", f"read notice: it came as `{device}` and names another device")
    if not all(ascending(each) for each in _ranges(notice)):
        raise EnvelopeError("notice", "read notice: its ranges are not ascending")
    return notice, signer


def _ranges(notice: Notice) -> Sequence[Sequence[Range]]:
    if isinstance(notice, Standing):
        return [notice.to_come]
    if isinstance(notice, Tombstone):
        return [notice.budget, notice.expired, notice.copies, notice.pictures]
    return []
