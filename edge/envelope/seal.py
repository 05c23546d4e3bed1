"""Sign and seal, on the unit: the last step of lane 1 before the outbox."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timezone
from functools import lru_cache

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from edge.envelope import compact, picture, wire
from edge.envelope.interface import Header
from edge.envelope.keyring import key_id, public_key_from
from edge.envelope.precision import rounded
from edge.envelope.signature import sign
from edge.envelope.suite import SUITE
from edge.errors import ConfigError, EnvelopeError
from edge.records import (
    KINDS_OF,
    CopyFor,
    Envelope,
    LabeledRead,
    Picture,
    Release,
    SealedCopy,
    SealedPicture,
    Slot,
    enc_hook,
)

_header = msgspec.msgpack.Encoder()
_plaintext = msgspec.json.Encoder(enc_hook=enc_hook)


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class HpkeSealer:
    """Seals to the agency's public key, a copy each to the keys of the parties that the release names, and signs with the
    device's own.  Nothing is kept that could open any of them."""

    def __init__(
        self,
        *,
        device: str,
        agency: str,
        sign_key: ec.EllipticCurvePrivateKey,
        agency_seal: ec.EllipticCurvePublicKey,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._device, self._agency, self._now = device, agency, now
        self._sign_key, self._sign_key_id = sign_key, key_id(sign_key.public_key())
        self._owner = _Addressee(name=agency, key=agency_seal, key_id=key_id(agency_seal))

    def seal(self, release: Release, slot: Slot) -> Envelope:
        """Seal, sign and bind to ``slot``.  Raises EnvelopeError if the read is not this device's own, is too large, is for a
        party without a usable key, or has a picture that the decision does not let leave."""
        labeled = release.labeled
        if (labeled.capture.device, labeled.capture.agency) != (self._device, self._agency):
            raise EnvelopeError("device", f"seal read {labeled.read.id}: it names another device or agency than this one")
        pictures = [self._picture(each, release) for each in release.pictures]
        content = self._content(msgspec.structs.replace(labeled, pictures=tuple(map(picture.ref, release.pictures, pictures))))
        parties = [_party(copy) for copy in release.copies]
        return Envelope(
            slot=slot,
            read_id=labeled.read.id,
            expires=labeled.label.delete_after,
            hit=labeled.hit is not None,
            wire=self._message(self._owner, content, slot),
            copies=tuple(SealedCopy(party=party.name, wire=self._message(party, content, slot)) for party in parties),
            pictures=tuple(pictures),
        )

    def _picture(self, made: Picture, release: Release) -> SealedPicture:
        """Sealed to the owner alone: a party that got a copy of the read asks the owner."""
        if made.kind not in KINDS_OF[release.images]:
            raise EnvelopeError("images", f"seal picture of read {release.labeled.read.id}: the decision does not let it leave")
        return picture.seal(made, release.labeled.read.id, agency=self._agency, device=self._device, key=self._owner.key)

    def _content(self, labeled: LabeledRead) -> _Content:
        plaintext = _plaintext.encode(rounded(labeled))
        if len(plaintext) > wire.PLAINTEXT_LIMIT_BYTES:
            raise EnvelopeError("size", f"seal read {labeled.read.id}: {len(plaintext)} bytes are more than an envelope takes")
        created, delete_after = self._now(), labeled.label.delete_after
        known = compact.known_text(owner=self._agency, device=self._device, created=created, delete_after=delete_after)
        return _Content(
            read_id=labeled.read.id,
            plaintext=plaintext,
            packed=compact.shrink(plaintext, known),
            created=created,
            delete_after=delete_after,
        )

    def _message(self, to: _Addressee, content: _Content, slot: Slot) -> bytes:
        """The wire bytes for one addressee; each gets a salt of its own, so that nobody's says anything about another's."""
        owner = None if to is self._owner else self._agency
        salt = os.urandom(wire.SALT_BYTES)
        info = wire.seal_info(to.name, self._device, slot.epoch, slot.seq, owner)
        sealed = SUITE.encrypt(wire.pack(salt, content.packed), to.key, info=info)
        header = _header.encode(
            Header(
                version=wire.ENVELOPE_VERSION,
                kind="read" if owner is None else "copy",
                agency=to.name,
                device=self._device,
                epoch=slot.epoch,
                seq=slot.seq,
                previous=slot.previous,
                seal_key=to.key_id,
                sign_key=self._sign_key_id,
                sealed_sha256=None,
                commitment=wire.commitment(salt, content.plaintext),
                created=content.created,
                delete_after=content.delete_after,
                owner=owner,
            )
        )
        signature = sign(self._sign_key, *wire.envelope_signs(wire.ENVELOPE_VERSION, header, sealed))
        message = wire.join(wire.Parts(wire.ENVELOPE_VERSION, header, sealed, signature))
        if len(message) > wire.WIRE_LIMIT_BYTES:
            raise EnvelopeError("size", f"seal read {content.read_id}: {len(message)} bytes are more than a message takes")
        return message


class _Content(Struct, frozen=True, kw_only=True):
    """What every addressee of one read gets."""

    read_id: str
    plaintext: bytes
    packed: bytes
    created: datetime
    delete_after: datetime


class _Addressee(Struct, frozen=True, kw_only=True):
    """Who can open a message."""

    name: str
    key: ec.EllipticCurvePublicKey
    key_id: bytes


@lru_cache(maxsize=256)
def _party(copy: CopyFor) -> _Addressee:
    """The party of a copy with its key, read once and not with every passing vehicle."""
    try:
        key = public_key_from(f"of party `{copy.party}`", copy.seal_key.encode())
    except ConfigError as error:
        raise EnvelopeError("seal-key", f"seal copy: {error}; put the party's `seal.pem` into its agreement") from error
    return _Addressee(name=copy.party, key=key, key_id=key_id(key))
