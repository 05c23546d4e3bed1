"""Receipts: the agency's signed word that reads are stored.  Nothing else lets a unit forget a read."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from edge.envelope import wire as framing
from edge.envelope.interface import Receipt
from edge.envelope.signature import sign, verified_by
from edge.errors import EnvelopeError
from edge.ranges import ascending

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Receipt)


class ReceiptSigner:
    """Signs with the agency's receipt key."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    def write(self, receipt: Receipt) -> bytes:
        """The signed wire bytes of ``receipt``."""
        body = _encoder.encode(receipt)
        signature = sign(self._key, framing.RECEIPT_DOMAIN, body)
        return framing.join(framing.Parts(framing.RECEIPT_VERSION, body, b"", signature))


class ReceiptVerifier:
    """Takes receipts of one agency for one device, and no other."""

    def __init__(self, *, agency: str, device: str, keys: Sequence[ec.EllipticCurvePublicKey]) -> None:
        self._agency, self._device, self._keys = agency, device, tuple(keys)

    def read(self, wire: bytes) -> Receipt:
        """The receipt in ``wire``.  Raises EnvelopeError (size, framing, version, signature, receipt, agency, device)."""
        parts = framing.split(wire)
        if parts.version != framing.RECEIPT_VERSION:
            raise EnvelopeError("version", f"read receipt: version {parts.version} is not known here")
        if parts.sealed:
            raise EnvelopeError("framing", "read receipt: a receipt has no sealed part")
        verified_by(self._keys, framing.RECEIPT_DOMAIN, parts.signed, parts.signature)
        try:
            receipt = _decoder.decode(parts.signed)
        except framing.UNREADABLE as error:
            raise EnvelopeError("receipt", "read receipt: signed, but not of a form that is known here") from error
        if receipt.agency != self._agency:
            raise EnvelopeError("agency", "read receipt: it is another agency's")
        if receipt.device != self._device:
            raise EnvelopeError("device", "read receipt: it is for another device")
        if not (ascending(receipt.stored) and ascending(receipt.buried)):
            raise EnvelopeError("receipt", "read receipt: its ranges are not ascending")
        return receipt
