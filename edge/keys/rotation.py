"""New keys in the place of old ones while reads are under way.

An agency's sealing key: the new one is added to the old, units are given its public half, and when no read that is sealed to
the old can still come, the old one is destroyed (``retire``).

A device's signing key: the unit makes the next one and a handover, signed by the old key and by the new; each agency that
knows the device accepts the handover and from then on believes both, the old one until a date; then the unit switches, and the
old private key is destroyed at once.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Meta, Struct

from edge.envelope.keyring import key_id, load_private_key, load_public_keys, public_key_from
from edge.envelope.marked import MarkedKey, marked_text, read_marked
from edge.envelope.signature import sign, verified_by
from edge.errors import ConfigError, EnvelopeError
from edge.keys.enrolment import enrolment, read_keys
from edge.keys.files import destroy, new_key, private_pem, public_pem, put, replace_secret, require_name, write
from edge.keys.folders import who

#: How long reads that were made under an old key may still be under way: a unit's outbox holds a month.
WINDOW = timedelta(days=30)

NEXT_KEY, HANDOVER = "next-sign.key", "sign.handover"
_OLD_SIGNS, _NEW_SIGNS = b"plate-edge handover v1\0", b"plate-edge handover taken v1\0"
_ARMOUR = re.compile(r"-----BEGIN PLATE-EDGE HANDOVER-----\s+(?P<body>[A-Za-z0-9+/=\s]+?)\s*-----END PLATE-EDGE HANDOVER-----")


class Handover(Struct, frozen=True, kw_only=True, array_like=True, forbid_unknown_fields=True):
    """``device`` of ``agency`` goes over from one signing key to ``key`` (SubjectPublicKeyInfo)."""

    agency: str
    device: str
    key: Annotated[bytes, Meta(max_length=256)]
    created: Annotated[datetime, Meta(tz=True)]


class _Signed(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A handover as bytes, the old key's signature over them and the new key's: nobody can be given another's key."""

    body: bytes
    by_old: bytes
    by_new: bytes


def rotate_agency(folder: Path, at: datetime | None = None) -> str:
    """Make the sealing key that units shall use from now on; the old ones go on opening.  Returns the new key's id.

    Raises ConfigError if the folder is no agency's."""
    path, now = folder / "seal.key", at or datetime.now(timezone.utc)
    old = [msgspec.structs.replace(each, superseded=each.superseded or now) for each in _private_keys(path)]
    key = ec.generate_private_key(ec.SECP256R1())
    put(path, marked_text([*old, MarkedKey(pem=private_pem(key))]), private=True)
    put(folder / "seal.pem", public_pem(key.public_key()), private=False)
    return key_id(key.public_key()).hex()


def rotate_device(folder: Path, at: datetime | None = None) -> Path:
    """Make a unit's next signing key and the handover to it; the unit goes on signing with the old one until ``switch_device``.

    Returns the handover's path.  Raises ConfigError if one is under way already."""
    device, agency = who(folder)
    if (folder / NEXT_KEY).exists():
        raise ConfigError(
            f"rotate key of `{device}`: a handover is under way already; have the agency accept {folder / HANDOVER}, then "
            f"run `plate-edge keys switch {folder}`"
        )
    old, key = load_private_key(folder / "sign.key"), new_key(folder / NEXT_KEY)
    body = msgspec.msgpack.encode(
        Handover(agency=agency, device=device, key=_spki(key.public_key()), created=at or datetime.now(timezone.utc))
    )
    signed = msgspec.msgpack.encode(_Signed(body, sign(old, _OLD_SIGNS, body), sign(key, _NEW_SIGNS, body)))
    (folder / HANDOVER).unlink(missing_ok=True)
    write(folder / HANDOVER, _armoured(signed), private=False)
    return folder / HANDOVER


def accept(agency_folder: Path, handover: Path, *, window: timedelta = WINDOW, at: datetime | None = None) -> Handover:
    """Believe a device's new key, and its old one until ``window`` is over.

    Raises ConfigError unless a key that this agency believes handed over, and the new key agreed."""
    now = at or datetime.now(timezone.utc)
    signed = _read_armoured(handover)
    try:
        says = msgspec.msgpack.decode(signed.body, type=Handover)
    except msgspec.DecodeError as error:
        raise ConfigError(f"accept handover {handover}: it is damaged") from error
    for name in (says.agency, says.device):  # they become a path before anybody has vouched for them
        require_name(name)
    path = enrolment(agency_folder, says.agency, says.device)
    known = read_keys(path)
    _check(handover, signed, says, _believed(path, known, now))
    new = _public_key(handover, says.key)
    ids = [key_id(public_key_from(str(path), each.pem)) for each in known]
    if key_id(new) not in ids:
        old = [msgspec.structs.replace(each, until=each.until or now + window) for each in known]
        put(path, marked_text([*old, MarkedKey(pem=public_pem(new))]), private=False)
    return says


def switch_device(folder: Path) -> str:
    """Sign with the next key from now on and destroy the old private one.  Call it when every agency has accepted the handover.

    Returns the new key's id.  A unit that runs takes it up by itself.  Raises ConfigError if there is no next key."""
    following = folder / NEXT_KEY
    if not following.exists():
        raise ConfigError(f"switch key in {folder}: there is no next one; make it with `plate-edge keys rotate {folder}`")
    key = load_private_key(following)
    old = load_public_keys(folder / "sign.pem")
    # First what is believed of this unit's own rows, then what it signs with: never a row that its own check calls forged.
    if key_id(key.public_key()) not in {key_id(each) for each in old}:
        put(folder / "sign.pem", b"".join(public_pem(each) for each in (*old, key.public_key())), private=False)
    replace_secret(folder / "sign.key", private_pem(key))
    destroy(following)
    return key_id(key.public_key()).hex()


def retire(folder: Path, *, window: timedelta = WINDOW, at: datetime | None = None) -> list[str]:
    """Destroy an agency's sealing keys that were superseded longer than ``window`` ago.  Returns their ids.

    What units sealed to them and did not deliver by then can be opened by nobody, ever.  Raises ConfigError."""
    path, now = folder / "seal.key", at or datetime.now(timezone.utc)
    keys = _private_keys(path)
    over = [each for each in keys if each.superseded is not None and each.superseded + window <= now]
    if over:
        replace_secret(path, marked_text(each for each in keys if each not in over))
    return [key_id(_private_public(each)).hex() for each in over]


def _check(handover: Path, signed: _Signed, says: Handover, believed: Sequence[ec.EllipticCurvePublicKey]) -> None:
    try:
        verified_by(believed, _OLD_SIGNS, signed.body, signed.by_old)
    except EnvelopeError as error:
        raise ConfigError(
            f"accept handover {handover}: no key that is believed here signed it; if `{says.device}` lost its key, "
            "enrol it anew"
        ) from error
    try:
        verified_by([_public_key(handover, says.key)], _NEW_SIGNS, signed.body, signed.by_new)
    except EnvelopeError as error:
        raise ConfigError(f"accept handover {handover}: the new key did not agree to it") from error


def _believed(path: Path, keys: Sequence[MarkedKey], now: datetime) -> list[ec.EllipticCurvePublicKey]:
    return [
        public_key_from(str(path), each.pem)
        for each in keys
        if each.revoked is None and (each.until is None or now < each.until)
    ]


def _public_key(handover: Path, spki: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key = serialization.load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"accept handover {handover}: it is damaged") from error
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        raise ConfigError(f"accept handover {handover}: the new key is no P-256 key")
    return key


def _armoured(data: bytes) -> bytes:
    body = base64.encodebytes(data)
    return b"-----BEGIN PLATE-EDGE HANDOVER-----\n" + body + b"-----END PLATE-EDGE HANDOVER-----\n"


def _read_armoured(path: Path) -> _Signed:
    try:
        found = _ARMOUR.search(path.read_text(encoding="ascii"))
        if found is None:
            raise ConfigError(f"accept handover {path}: there is none in it; it is made by `plate-edge keys rotate`")
        return msgspec.msgpack.decode(base64.b64decode(found["body"]), type=_Signed)
    except OSError as error:
        raise ConfigError(f"accept handover {path}: {error.strerror}") from error
    except ValueError as error:  # no text, no base64, no message
        raise ConfigError(f"accept handover {path}: it is damaged") from error


def _private_keys(path: Path) -> tuple[MarkedKey, ...]:
    try:
        keys = read_marked(path, path.read_bytes(), "PRIVATE")
    except OSError as error:
        raise ConfigError(f"read private key {path}: {error.strerror}; is this an agency's folder?") from error
    if not keys:
        raise ConfigError(f"read private key {path}: no PEM private key in it")
    return keys


def _private_public(key: MarkedKey) -> ec.EllipticCurvePublicKey:
    private = serialization.load_pem_private_key(key.pem, password=None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return private.public_key()


def _spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
