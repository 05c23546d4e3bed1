"""How everything is sealed: HPKE (RFC 9180), base mode."""

from __future__ import annotations

from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

#: All three parts are on NIST's list, and P-256 is what secure elements hold.
SUITE = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
