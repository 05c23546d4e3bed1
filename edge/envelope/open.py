"""Verify and open, at the agency.  The order is the point: the signature is checked over bytes, and only those same bytes
are parsed afterwards, so that what was verified is what is believed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from edge.envelope import wire as framing
from edge.envelope.interface import Header, Notice, Opened
from edge.envelope.keyring import EnrolledKey, key_id, refuse_ended
from edge.envelope.notice import is_notice, read_notice
from edge.envelope.signature import verified_by
from edge.envelope.suite import SUITE
from edge.errors import EnvelopeError
from edge.records import LabeledRead

DeviceKeys = Callable[[str], Sequence[EnrolledKey]]

_header = msgspec.msgpack.Decoder(Header)
_plaintext = msgspec.json.Decoder(LabeledRead)


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Verified(Struct, frozen=True, kw_only=True):
    """An envelope that its device surely signed, with ``signer``, still sealed."""

    header: Header
    signer: ec.EllipticCurvePublicKey
    sealed: bytes
    wire_sha256: bytes


def verify(device: str, wire: bytes, keys: Sequence[ec.EllipticCurvePublicKey]) -> Verified:
    """Check that one of ``keys`` signed ``wire`` and that it is what it says about itself.

    ``device`` is who it is believed to come from and whose ``keys`` are given.  Raises EnvelopeError (size, framing,
    version, unknown-device, signature, header, device, sign-key, sealed).
    """
    parts = framing.split(wire)
    if not keys:
        raise EnvelopeError("unknown-device", f"verify envelope: `{device}` is not enrolled here")
    signer = verified_by(keys, *framing.envelope_signs(parts.version, parts.signed, parts.sealed), signature=parts.signature)
    header = _parse_header(parts.signed)
    if header.version != parts.version:
        raise EnvelopeError("header", "verify envelope: its header and its frame are of different versions")
    if header.device != device:
        raise EnvelopeError("device", f"verify envelope: it came as `{device}` and names another device")
    if header.sign_key != key_id(signer):
        raise EnvelopeError("sign-key", "verify envelope: it names another signing key than the one that signed it")
    if header.version == 1 and header.sealed_sha256 != hashlib.sha256(parts.sealed).digest():
        raise EnvelopeError("sealed", "verify envelope: the sealed part is not the one that was signed")
    return Verified(header=header, signer=signer, sealed=parts.sealed, wire_sha256=hashlib.sha256(wire).digest())


def open_sealed(verified: Verified, seal_keys: Sequence[ec.EllipticCurvePrivateKey]) -> LabeledRead:
    """Open with the agency's key and check the content against the header.

    Raises EnvelopeError (seal-key, seal, form, bundle, commitment, plaintext, content, recipient).
    """
    header = verified.header
    key = next((key for key in seal_keys if key_id(key.public_key()) == header.seal_key), None)
    if key is None:
        raise EnvelopeError("seal-key", "open envelope: it is sealed to a key that this agency does not have")
    try:
        bundle = SUITE.decrypt(verified.sealed, key, info=framing.header_info(header))
    except (InvalidTag, ValueError) as error:
        raise EnvelopeError("seal", "open envelope: the seal is broken or made for another place in the chain") from error
    salt, plaintext = framing.unpack(bundle, framing.known_text(header))
    if framing.commitment(salt, plaintext) != header.commitment:
        raise EnvelopeError("commitment", "open envelope: the content is not the one that the header commits to")
    return _parse_plaintext(plaintext, header)


class HpkeOpener:
    """Opens what is addressed to one agency: its own devices' reads, and the copies of reads of others' that are enrolled here;
    ``device_keys`` returns no key for a device that is not."""

    def __init__(
        self,
        *,
        agency: str,
        device_keys: DeviceKeys,
        seal_keys: Sequence[ec.EllipticCurvePrivateKey],
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._agency, self._device_keys, self._seal_keys, self._now = agency, device_keys, tuple(seal_keys), now

    def open(self, device: str, wire: bytes) -> Opened | Notice:
        """Verify that ``device`` signed ``wire``, then open it.  Raises EnvelopeError with a reason word."""
        enrolled = self._device_keys(device)
        if is_notice(wire):
            return self._read_notice(device, wire, enrolled)
        verified = verify(device, wire, [each.key for each in enrolled])
        header = verified.header
        if header.agency != self._agency:
            raise EnvelopeError("agency", "open envelope: it is another agency's")
        # Several owners may have a device of this name; each speaks for its own reads only.
        signer = next((each for each in enrolled if (each.owner, each.key) == (header.owner, verified.signer)), None)
        if signer is None:
            raise EnvelopeError(
                "owner", "open envelope: the device that signed it is not one of the agency whose read it says it is"
            )
        refuse_ended(device, signer, self._now())
        labeled = open_sealed(verified, self._seal_keys)
        return Opened(header=header, wire_sha256=verified.wire_sha256, labeled=labeled)

    def _read_notice(self, device: str, wire: bytes, enrolled: Sequence[EnrolledKey]) -> Notice:
        """Of one's own devices only: what another agency's unit did with its chain is that agency's concern."""
        own = [each for each in enrolled if each.owner is None]
        notice, key = read_notice(device, wire, [each.key for each in own])
        refuse_ended(device, next(each for each in own if each.key == key), self._now())
        if notice.agency != self._agency:
            raise EnvelopeError("agency", "read notice: it is another agency's")
        return notice


def _parse_header(signed: bytes) -> Header:
    try:
        header = _header.decode(signed)
    except framing.UNREADABLE as error:
        raise EnvelopeError("header", "verify envelope: signed, but of a version or kind that is not known here") from error
    if (header.version == 1) != (header.sealed_sha256 is not None):
        raise EnvelopeError("header", "verify envelope: headers of version 1 hold the hash of the sealed part, and only they")
    if (header.kind == "copy") != (header.owner is not None) or header.owner == header.agency:
        raise EnvelopeError("header", "verify envelope: a copy names its owner, who is not its addressee, and a read does not")
    return header


def _parse_plaintext(plaintext: bytes, header: Header) -> LabeledRead:
    try:
        labeled = _plaintext.decode(plaintext)
    except framing.UNREADABLE:
        # The library's message may quote the content, so the chain of causes is cut: this error may be logged.
        raise EnvelopeError("plaintext", "open envelope: the content is not a labelled read") from None
    says = (labeled.capture.agency, labeled.label.owner, labeled.capture.device, labeled.label.delete_after)
    if says != (header.belongs_to, header.belongs_to, header.device, header.delete_after):
        raise EnvelopeError("content", "open envelope: the content names another owner, device or expiry than the header")
    if header.kind == "copy" and not any(each.now and each.party == header.agency for each in labeled.label.recipients):
        raise EnvelopeError(
            "recipient", "open envelope: the label does not admit this party at capture, so the copy is not its"
        )
    return labeled
