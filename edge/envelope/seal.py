"""Sign and seal, on the unit: the last step of lane 1 before the outbox."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import datetime, timezone

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from edge.envelope import wire
from edge.envelope.interface import Header
from edge.envelope.keyring import key_id
from edge.envelope.signature import sign
from edge.errors import EnvelopeError
from edge.records import Envelope, Release, Slot, enc_hook

# RFC 9180 base mode; all three parts are on NIST's list, and P-256 is what secure elements hold.
SUITE = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)

_header = msgspec.msgpack.Encoder()
_plaintext = msgspec.json.Encoder(enc_hook=enc_hook)


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class HpkeSealer:
    """Seals to the agency's public key and signs with the device's own."""

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
        self._seal_key, self._seal_key_id = agency_seal, key_id(agency_seal)

    def seal(self, release: Release, slot: Slot) -> Envelope:
        """Seal, sign and bind to ``slot``.  Raises EnvelopeError if the read is not this device's own or is too large."""
        labeled = release.labeled
        if (labeled.capture.device, labeled.capture.agency) != (self._device, self._agency):
            raise EnvelopeError("device", f"seal read {labeled.read.id}: it names another device or agency than this one")
        plaintext = _plaintext.encode(labeled)
        if len(plaintext) > wire.PLAINTEXT_LIMIT_BYTES:
            raise EnvelopeError("size", f"seal read {labeled.read.id}: {len(plaintext)} bytes are more than an envelope takes")
        salt = os.urandom(wire.SALT_BYTES)
        info = wire.seal_info(self._agency, self._device, slot.epoch, slot.seq)
        sealed = SUITE.encrypt(wire.pack(salt, plaintext), self._seal_key, info=info)
        header = _header.encode(
            Header(
                version=1,
                kind="read",
                agency=self._agency,
                device=self._device,
                epoch=slot.epoch,
                seq=slot.seq,
                previous=slot.previous,
                seal_key=self._seal_key_id,
                sign_key=self._sign_key_id,
                sealed_sha256=hashlib.sha256(sealed).digest(),
                commitment=wire.commitment(salt, plaintext),
                created=self._now(),
                delete_after=labeled.label.delete_after,
            )
        )
        message = wire.join(header, sealed, sign(self._sign_key, wire.ENVELOPE_DOMAIN, header))
        if len(message) > wire.WIRE_LIMIT_BYTES:
            raise EnvelopeError("size", f"seal read {labeled.read.id}: {len(message)} bytes are more than a message takes")
        return Envelope(
            slot=slot,
            read_id=labeled.read.id,
            expires=labeled.label.delete_after,
            hit=labeled.hit is not None,
            wire=message,
        )
