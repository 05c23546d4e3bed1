"""What a camera's calibration record tells the line: where to look, where not, how large plates are, how the scene looked.

The record is made by ``plate-edge calibrate`` and signed with the unit's own key; the file is JSON:

    {"plate_edge_calibration": 1, "id": "…", "key": "…", "signature": "…", "record": {…}}

``signature`` (hex) is over the exact bytes of ``record`` as they stand in the file, ``id`` the first 16 hex digits of their
SHA-256: it goes into every read, so that anybody who has the file can tell which set-up a read was made with.  Polygons are
in shares of the picture's width and height (0 to 1), so that they hold for every stream of the camera.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from edge.envelope.keyring import key_id
from edge.envelope.signature import sign, verified_by
from edge.errors import ConfigError, EnvelopeError
from edge.records import Point

VERSION = 1
DOMAIN = b"plate-edge calibration record 1\x00"
MAX_BYTES = 8 << 20

#: Visible light, or infra-red (three equal channels): focus, brightness and the look of the scene differ.
Light = Literal["day", "infrared"]
Polygon = tuple[Point, ...]


class SceneLook(Struct, frozen=True, kw_only=True):
    """How the still scene looked: a small grey picture without passing vehicles (PNG), by which a move is noticed, and how much
    fine detail the whole picture had, by which a dirty lens is."""

    light: Light
    png: bytes
    detail: float


class CameraSetup(Struct, frozen=True, kw_only=True):
    """One camera's part in the line.  ``lane`` and ``masks`` in shares of width and height; ``plate_px`` the narrowest and the
    widest plate that can be real here, pixels of a frame ``frame_size`` (w, h) large; ``direction`` unit vector of travel in
    the picture (x right, y down); ``focal_px`` for frames of that size."""

    frame_size: tuple[int, int]
    lane: Polygon = ()
    masks: tuple[Polygon, ...] = ()
    plate_px: tuple[float, float] | None = None
    direction: Point | None = None
    focal_px: float | None = None
    scenes: tuple[SceneLook, ...] = ()


class RecordHead(Struct, frozen=True, kw_only=True):
    """What the line reads of a record; everything else in it is for people."""

    camera: str
    device: str
    made: datetime
    setup: CameraSetup


class SignedRecord(Struct, frozen=True, kw_only=True):
    """The file."""

    plate_edge_calibration: int
    id: str
    key: str
    signature: str
    record: msgspec.Raw


class Verified(Struct, frozen=True, kw_only=True):
    """A record whose signature held: its id, what the line needs, and its exact bytes."""

    id: str
    head: RecordHead
    record: bytes


def record_id(record: bytes) -> str:
    """The id of a record: the first 16 hex digits of the SHA-256 of its bytes."""
    return hashlib.sha256(record).hexdigest()[:16]


def sign_record(record: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The file for a record's JSON bytes."""
    signed = SignedRecord(
        plate_edge_calibration=VERSION,
        id=record_id(record),
        key=key_id(key.public_key()).hex(),
        signature=sign(key, DOMAIN, record).hex(),
        record=msgspec.Raw(record),
    )
    return msgspec.json.encode(signed) + b"\n"


def load_record(path: Path, keys: Sequence[ec.EllipticCurvePublicKey]) -> Verified:
    """Read and verify a record's file.  Raises ConfigError saying what is wrong with it and what to do."""
    what = f"read calibration record {path}"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{what}: larger than {MAX_BYTES >> 20} MiB; it is no such record")
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{what}: {error.strerror or error}; make it with `plate-edge calibrate report`") from error
    return verify_record(data, keys, what)


def verify_record(data: bytes, keys: Sequence[ec.EllipticCurvePublicKey], what: str) -> Verified:
    """Verify a record's file first, parse the same bytes after; ``what`` begins each error.  Raises ConfigError."""
    try:
        signed = msgspec.json.decode(data, type=SignedRecord)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{what}: it is no calibration record; make one with `plate-edge calibrate report`") from error
    if signed.plate_edge_calibration != VERSION:
        raise ConfigError(f"{what}: version {signed.plate_edge_calibration} is not known to this program; make it again")
    record = bytes(signed.record)
    try:
        verified_by(keys, DOMAIN, record, bytes.fromhex(signed.signature))
    except (EnvelopeError, ValueError) as error:
        raise ConfigError(
            f"{what}: this unit's key did not sign what stands in it: it was altered, or made on another unit; calibrate again"
        ) from error
    if signed.id != record_id(record):
        raise ConfigError(f"{what}: its id is not that of its contents; calibrate again")
    try:
        head = msgspec.json.decode(record, type=RecordHead)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{what}: {error}; calibrate again") from error
    return Verified(id=signed.id, head=head, record=record)
