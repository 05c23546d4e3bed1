"""How the parts of a message lie next to each other, and what of it is signed.  Pure; keys and meaning are elsewhere."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec
from msgspec import Struct

from edge.envelope import compact
from edge.envelope.interface import Header
from edge.errors import EnvelopeError

# Units write version 2; version 1, which repeated the hash of the sealed part in the header, may still lie in outboxes.
ENVELOPE_VERSION: Final = 2
RECEIPT_VERSION: Final = 1
NOTICE_VERSION: Final = 1
WIRE_LIMIT_BYTES = 64 * 1024
PLAINTEXT_LIMIT_BYTES = 256 * 1024
SALT_BYTES = 16

_ENVELOPE_DOMAINS = {1: b"plate-edge envelope v1\0", 2: b"plate-edge envelope v2\0"}
RECEIPT_DOMAIN = b"plate-edge receipt v1\0"
NOTICE_DOMAIN = b"plate-edge notice v1\0"
PICTURE_DOMAIN = b"plate-edge picture v1\0"
REQUEST_DOMAIN = b"plate-edge request v1\0"
_COMMITMENT_DOMAIN = b"plate-edge commitment v1\0"
_SEAL_DOMAIN = "plate-edge seal v1"

# Bundles are filled up to whole blocks, so that the length on the wire says little about what is in it.
_PAD_BYTES = 32


class Parts(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The outermost array of all messages; receipts and notices have no ``sealed`` part and leave it empty."""

    version: int
    signed: bytes
    sealed: bytes
    signature: bytes


_parts = msgspec.msgpack.Decoder(Parts)

# Everything msgspec raises on bytes that are not what they should be; text that is not UTF-8 is an error of its own.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def join(parts: Parts) -> bytes:
    """The wire bytes of a message."""
    return msgspec.msgpack.encode(parts)


def envelope_signs(version: int, header: bytes, sealed: bytes) -> tuple[bytes, bytes]:
    """Domain and message of an envelope's signature."""
    return _ENVELOPE_DOMAINS[version], header if version == 1 else header + hashlib.sha256(sealed).digest()


def split(wire: bytes) -> Parts:
    """The parts of a message, nothing in them believed yet.  Raises EnvelopeError (size, framing, version)."""
    if len(wire) > WIRE_LIMIT_BYTES:
        raise EnvelopeError("size", f"take message: {len(wire)} bytes are more than {WIRE_LIMIT_BYTES}")
    try:
        parts = _parts.decode(wire)
    except UNREADABLE as error:
        raise EnvelopeError("framing", "take message: it is not framed as this format says") from error
    if parts.version not in _ENVELOPE_DOMAINS:
        raise EnvelopeError("version", f"take message: version {parts.version} is not known here")
    if msgspec.msgpack.encode(parts) != wire:
        raise EnvelopeError("framing", "take message: the same parts can be framed in one way only, and this is another")
    return parts


def seal_info(agency: str, device: str, epoch: str, seq: int, owner: str | None = None) -> bytes:
    """What a sealed part is bound to: opened under any other agency, device or number it yields nothing.  A copy is bound to
    its ``owner`` too."""
    bound = (_SEAL_DOMAIN, agency, device, epoch, seq)
    return msgspec.msgpack.encode(bound if owner is None else (*bound, owner))


def header_info(header: Header) -> bytes:
    """``seal_info`` of the addressee and the slot that ``header`` names."""
    return seal_info(header.agency, header.device, header.epoch, header.seq, header.owner)


def commitment(salt: bytes, plaintext: bytes) -> bytes:
    """SHA-256 over the salt and the plaintext.  Without the salt the few plates there are could be tried one by one."""
    return hashlib.sha256(_COMMITMENT_DOMAIN + salt + plaintext).digest()


def known_text(header: Header) -> bytes:
    """What ``header`` says already of the text that is sealed under it."""
    return compact.known_text(
        owner=header.belongs_to, device=header.device, created=header.created, delete_after=header.delete_after
    )


def pack(salt: bytes, packed: bytes) -> bytes:
    """The bundle that is sealed: salt, packed plaintext, zeros up to a whole block."""
    bundle = salt + packed
    return bundle + bytes(-len(bundle) % _PAD_BYTES)


def unpack(bundle: bytes, known: bytes) -> tuple[bytes, bytes]:
    """Salt and plaintext of a bundle; never makes more than the limit.  Raises EnvelopeError (form, bundle)."""
    return bundle[:SALT_BYTES], compact.restore(bundle[SALT_BYTES:], known, PLAINTEXT_LIMIT_BYTES)
