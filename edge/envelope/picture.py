"""Pictures: sealed to the read's owner on the unit, named by their hash in the signed read, sent in pieces that are signed.

In pieces, because a read that comes while a picture is on its way must not wait for all of it on a slow line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from edge.envelope import wire as framing
from edge.envelope.interface import PartHeader, PictureFile, PicturePart
from edge.envelope.keyring import key_id, refuse_ended
from edge.envelope.open import DeviceKeys
from edge.envelope.signature import sign, verified_by
from edge.envelope.suite import SUITE
from edge.errors import EnvelopeError
from edge.records import LabeledRead, Picture, PictureKind, PictureRef, SealedPicture

VERSION = 1
#: One piece takes a second on a line of 64 kbit/s.
PIECE_BYTES = 8 << 10
FILE_LIMIT_BYTES = 256 << 10
_DOMAIN = "plate-edge picture v1"
_JPEG = b"\xff\xd8\xff"

_encoder = msgspec.msgpack.Encoder()
_file = msgspec.msgpack.Decoder(PictureFile)
_header = msgspec.msgpack.Decoder(PartHeader)


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def seal(made: Picture, read_id: str, *, agency: str, device: str, key: ec.EllipticCurvePublicKey) -> SealedPicture:
    """The file of a picture, bound to its read."""
    sealed = SUITE.encrypt(made.jpeg, key, info=_info(agency, device, read_id, made.kind))
    file = _encoder.encode(PictureFile(agency=agency, device=device, seal_key=key_id(key), sealed=sealed))
    if len(file) > FILE_LIMIT_BYTES:
        raise EnvelopeError("size", f"seal picture of read {read_id}: {len(file)} bytes are more than a picture may have")
    return SealedPicture(kind=made.kind, sha256=hashlib.sha256(file).digest(), sealed=file)


def ref(made: Picture, sealed: SealedPicture) -> PictureRef:
    """What the signed read says of a picture."""
    return PictureRef(
        kind=made.kind,
        sealed_sha256=sealed.sha256.hex(),
        jpeg_sha256=hashlib.sha256(made.jpeg).hexdigest(),
        bytes=len(made.jpeg),
    )


class PartSigner:
    """See :class:`edge.envelope.interface.PartWriter`.  Signs with the device's key."""

    def __init__(self, *, device: str, agency: str, sign_key: ec.EllipticCurvePrivateKey) -> None:
        self._device, self._agency, self._key = device, agency, sign_key

    def parts(self, epoch: str, seq: int, file: bytes) -> tuple[bytes, ...]:
        """The signed wire bytes of the pieces of a picture's file, in order."""
        pieces = [file[at : at + PIECE_BYTES] for at in range(0, len(file), PIECE_BYTES)]
        digest = hashlib.sha256(file).digest()
        return tuple(self._part(epoch, seq, digest, at, len(pieces), piece) for at, piece in enumerate(pieces))

    def _part(self, epoch: str, seq: int, digest: bytes, at: int, of: int, piece: bytes) -> bytes:
        header = _encoder.encode(
            PartHeader(agency=self._agency, device=self._device, epoch=epoch, seq=seq, sha256=digest, part=at, parts=of)
        )
        signature = sign(self._key, framing.PICTURE_DOMAIN, header + hashlib.sha256(piece).digest())
        return framing.join(framing.Parts(VERSION, header, piece, signature))


class HpkePictureOpener:
    """See :class:`edge.envelope.interface.PictureOpener`."""

    def __init__(
        self,
        *,
        agency: str,
        device_keys: DeviceKeys,
        seal_keys: Sequence[ec.EllipticCurvePrivateKey],
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._agency, self._device_keys, self._seal_keys, self._now = agency, device_keys, tuple(seal_keys), now

    def part(self, device: str, wire: bytes) -> PicturePart:
        """The piece in ``wire``, if ``device``, one of the agency's own, signed it.  Raises EnvelopeError (size, framing,
        version, unknown-device, signature, revoked, ended, header, device, agency)."""
        parts = framing.split(wire)
        if parts.version != VERSION:
            raise EnvelopeError("version", f"take picture: version {parts.version} is not known here")
        own = [each for each in self._device_keys(device) if each.owner is None]
        if not own:
            raise EnvelopeError("unknown-device", f"take picture: `{device}` is not enrolled here")
        signed = parts.signed + hashlib.sha256(parts.sealed).digest()
        signer = verified_by([each.key for each in own], framing.PICTURE_DOMAIN, signed, parts.signature)
        refuse_ended(device, next(each for each in own if each.key == signer), self._now())
        try:
            header = _header.decode(parts.signed)
        except framing.UNREADABLE as error:
            raise EnvelopeError("header", "take picture: signed, but not of a form that is known here") from error
        if header.device != device:
            raise EnvelopeError("device", f"take picture: it came as `{device}` and names another device")
        if header.agency != self._agency:
            raise EnvelopeError("agency", "take picture: it is another agency's")
        if header.part >= header.parts or len(parts.sealed) > PIECE_BYTES:
            raise EnvelopeError("header", "take picture: there are not so many pieces, or one is too large")
        return PicturePart(header=header, piece=parts.sealed)

    def open(self, file: bytes, read: LabeledRead, ref: PictureRef) -> bytes:
        """The JPEG in a picture's file, if it is what ``ref`` of ``read`` names.  Raises EnvelopeError (picture, framing,
        device, seal-key, seal)."""
        if hashlib.sha256(file).hexdigest() != ref.sealed_sha256:
            raise EnvelopeError("picture", "open picture: it is not the one that the signed read names")
        try:
            of = _file.decode(file)
        except framing.UNREADABLE as error:
            raise EnvelopeError("framing", "open picture: it is not framed as this format says") from error
        if (of.device, of.agency) != (read.capture.device, read.label.owner):
            raise EnvelopeError("device", "open picture: it names another device or agency than its read")
        key = next((key for key in self._seal_keys if key_id(key.public_key()) == of.seal_key), None)
        if key is None:
            raise EnvelopeError("seal-key", "open picture: it is sealed to a key that this agency does not have")
        try:
            jpeg = SUITE.decrypt(of.sealed, key, info=_info(of.agency, of.device, read.read.id, ref.kind))
        except (InvalidTag, ValueError) as error:
            raise EnvelopeError("seal", "open picture: the seal is broken or made for another read") from error
        if (hashlib.sha256(jpeg).hexdigest(), len(jpeg)) != (ref.jpeg_sha256, ref.bytes) or not jpeg.startswith(_JPEG):
            raise EnvelopeError("picture", "open picture: what was sealed is not the picture that the signed read names")
        return jpeg


def _info(agency: str, device: str, read_id: str, kind: PictureKind) -> bytes:
    """What a sealed picture is bound to: opened as any other read's it yields nothing."""
    return _encoder.encode((_DOMAIN, agency, device, read_id, kind))
