"""ECDSA over P-256 with SHA-256, in the one form in which it cannot be rewritten: 64 bytes ``r || s``, ``s`` low.

Of every valid (r, s) there is a twin (r, n - s) that verifies too (SEC 1, 4.1.4).  A broker that turned one into the other
would make bytes that differ from those in the store although the device signed both: a false alarm about a cloned device.
So the low one is made and only the low one is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from edge.errors import EnvelopeError

SIGNATURE_BYTES = 64

# The order of the group of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ECDSA = ec.ECDSA(hashes.SHA256())


def sign(key: ec.EllipticCurvePrivateKey, domain: bytes, message: bytes) -> bytes:
    """Sign ``domain || message``; ``domain`` ends in a zero byte and says what kind of message this is."""
    r, s = decode_dss_signature(key.sign(domain + message, _ECDSA))
    return r.to_bytes(32, "big") + min(s, _ORDER - s).to_bytes(32, "big")


def verified_by(
    keys: Sequence[ec.EllipticCurvePublicKey], domain: bytes, message: bytes, signature: bytes
) -> ec.EllipticCurvePublicKey:
    """Which of ``keys`` signed ``domain || message``.  Raises EnvelopeError(``signature``) if none did."""
    if len(signature) != SIGNATURE_BYTES:
        raise EnvelopeError("signature", f"verify signature: {len(signature)} bytes instead of {SIGNATURE_BYTES}")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if s > _ORDER // 2:
        raise EnvelopeError("signature", "verify signature: it is a rewritten form of another one")
    der = encode_dss_signature(r, s)
    for key in reversed(keys):  # files of keys have the newest last
        try:
            key.verify(der, domain + message, _ECDSA)
        except InvalidSignature:
            continue
        return key
    raise EnvelopeError("signature", "verify signature: no enrolled key of the device made it")
