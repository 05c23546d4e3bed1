"""Requests for pictures: the agency's signed word that it wants those of some reads.  Like a receipt, a body and a signature;
played again it brings nothing but what the agency may have anyway."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from edge.envelope import wire as framing
from edge.envelope.interface import PictureRequest
from edge.envelope.signature import sign, verified_by
from edge.errors import EnvelopeError

VERSION = 1

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PictureRequest)


class RequestSigner:
    """Signs with the agency's receipt key."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    def request(self, request: PictureRequest) -> bytes:
        """The signed wire bytes of ``request``."""
        body = _encoder.encode(request)
        return framing.join(framing.Parts(VERSION, body, b"", sign(self._key, framing.REQUEST_DOMAIN, body)))


class RequestVerifier:
    """Takes requests of one agency for one device, and no other."""

    def __init__(self, *, agency: str, device: str, keys: Sequence[ec.EllipticCurvePublicKey]) -> None:
        self._agency, self._device, self._keys = agency, device, tuple(keys)

    def request(self, wire: bytes) -> PictureRequest:
        """The request in ``wire``.  Raises EnvelopeError (size, framing, version, signature, request, agency, device)."""
        parts = framing.split(wire)
        if parts.version != VERSION or parts.sealed:
            raise EnvelopeError("version", "read request: it is no request of a version that is known here")
        verified_by(self._keys, framing.REQUEST_DOMAIN, parts.signed, parts.signature)
        try:
            request = _decoder.decode(parts.signed)
        except framing.UNREADABLE as error:
            raise EnvelopeError("request", "read request: signed, but not of a form that is known here") from error
        if request.agency != self._agency:
            raise EnvelopeError("agency", "read request: it is another agency's")
        if request.device != self._device:
            raise EnvelopeError("device", "read request: it is for another device")
        return request
