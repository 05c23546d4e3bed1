"""Key files: P-256 keys in PEM, read with the checks that a start-up owes, and the short ids by which messages name them.

A file of public keys may hold several, one after the other, so that a key can be replaced while reads are in flight.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from edge.errors import ConfigError

_PUBLIC_BLOCK = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n?", re.DOTALL)
_READABLE_BY_OTHERS = 0o007


class EnrolledKey(Struct, frozen=True, kw_only=True):
    """A public key that may sign, and ``owner``, the agency whose device holds the other half; None for one's own devices."""

    key: ec.EllipticCurvePublicKey
    owner: str | None = None


def key_id(key: ec.EllipticCurvePublicKey) -> bytes:
    """The first 8 bytes of the SHA-256 of the key's SubjectPublicKeyInfo: names a key, proves nothing."""
    return hashlib.sha256(_spki(key)).digest()[:8]


def load_private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read one private P-256 key.  Raises ConfigError if it is absent, readable by others, or no such key."""
    data = _read(path, "private key")
    if path.stat().st_mode & _READABLE_BY_OTHERS:
        raise ConfigError(f"read private key {path}: everybody on this machine may read it; run `chmod 600` on it")
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"read private key {path}: not an unencrypted PEM private key") from error
    if not (isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)):
        raise ConfigError(f"read private key {path}: not a P-256 key; make one with `plate-edge keys`")
    return key


def load_public_keys(path: Path) -> tuple[ec.EllipticCurvePublicKey, ...]:
    """Read the public P-256 keys in a file, at least one.  Raises ConfigError naming what is wrong with it."""
    blocks = _PUBLIC_BLOCK.findall(_read(path, "public key"))
    if not blocks:
        raise ConfigError(f"read public key {path}: no PEM public key in it")
    return tuple(public_key_from(str(path), block) for block in blocks)


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
