"""Key files: P-256 keys in PEM, read with the checks that a start-up owes, and the short ids by which messages name them.

A file may hold several, one after the other, the newest last, so that a key can be replaced while reads are in flight.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from edge.envelope.marked import read_marked
from edge.errors import ConfigError, EnvelopeError

_READABLE_BY_OTHERS = 0o007


PublicKey = ec.EllipticCurvePublicKey


class EnrolledKey(Struct, frozen=True, kw_only=True):
    """A public key that may sign, and ``owner``, the agency whose device holds the other half; None for one's own devices.

    From ``until`` on it no longer may, and not at all if it was ``revoked``."""

    key: ec.EllipticCurvePublicKey
    owner: str | None = None
    until: datetime | None = None
    revoked: bool = False


def refuse_ended(device: str, signer: EnrolledKey, now: datetime) -> None:
    """Raises EnvelopeError (revoked, ended) if what ``signer`` signed is no longer taken, by this end's clock: what a message
    says of its own time is the word of whoever has the key."""
    if signer.revoked:
        raise EnvelopeError("revoked", f"take message: `{device}` was revoked here")
    if signer.until is not None and now >= signer.until:
        raise EnvelopeError(
            "ended", f"take message: `{device}` signed it with a key that it handed over and whose time is over"
        )


def key_id(key: ec.EllipticCurvePublicKey) -> bytes:
    """The first 8 bytes of the SHA-256 of the key's SubjectPublicKeyInfo: names a key, proves nothing."""
    return hashlib.sha256(_spki(key)).digest()[:8]


def load_private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read the private P-256 key that is in use from now on: the last in the file.  Raises ConfigError if there is none, it is
    readable by others, or no such key."""
    return load_private_keys(path)[-1]


def load_private_keys(path: Path) -> tuple[ec.EllipticCurvePrivateKey, ...]:
    """Read the private P-256 keys in a file, at least one.  Raises ConfigError as ``load_private_key`` does."""
    data = _read(path, "private key")
    if path.stat().st_mode & _READABLE_BY_OTHERS:
        raise ConfigError(f"read private key {path}: everybody on this machine may read it; run `chmod 600` on it")
    blocks = [each.pem for each in read_marked(path, data, "PRIVATE")] or [data]
    return tuple(_private_key(path, block) for block in blocks)


def _private_key(path: Path, pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"read private key {path}: not an unencrypted PEM private key") from error
    if not (isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)):
        raise ConfigError(f"read private key {path}: not a P-256 key; make one with `plate-edge keys`")
    return key


def load_public_keys(path: Path) -> tuple[ec.EllipticCurvePublicKey, ...]:
    """Read the public P-256 keys in a file, at least one.  Raises ConfigError naming what is wrong with it."""
    return tuple(each.key for each in load_enrolled(path))


def load_enrolled(path: Path, owner: str | None = None) -> tuple[EnrolledKey, ...]:
    """Read the keys in a file with what is said of each: until when it may sign, whether it was revoked.

    Raises ConfigError."""
    blocks = read_marked(path, _read(path, "public key"), "PUBLIC")
    if not blocks:
        raise ConfigError(f"read public key {path}: no PEM public key in it")
    return tuple(
        EnrolledKey(key=public_key_from(str(path), each.pem), owner=owner, until=each.until, revoked=each.revoked is not None)
        for each in blocks
    )


def load_public_key(path: Path) -> ec.EllipticCurvePublicKey:
    """Read the one public key that is in use from now on: the last in the file."""
    return load_public_keys(path)[-1]


def public_key_from(source: str, pem: bytes) -> ec.EllipticCurvePublicKey:
    """The public P-256 key in ``pem``; ``source`` names it in errors.  Raises ConfigError."""
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"read public key {source}: damaged PEM") from error
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        raise ConfigError(f"read public key {source}: not a P-256 key")
    return key


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"read {what} {path}: {error.strerror or error}; make it with `plate-edge keys`") from error


def _spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
