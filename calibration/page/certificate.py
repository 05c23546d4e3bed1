"""The page's TLS certificate: made on the spot for one run, or one that somebody put on the unit."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from edge.errors import ConfigError

# The unit's clock may be wrong by years before anybody set it, and the tablet's is what counts; the key lives for a run only.
_VALID = timedelta(days=398)
_BACKDATED = timedelta(days=30)


class Tls(Struct, frozen=True, kw_only=True):
    """What the server speaks with, and the SHA-256 of its certificate to compare on the tablet; ``made`` if on the spot."""

    context: ssl.SSLContext
    fingerprint: str
    made: bool


def make_certificate(host: str) -> Tls:
    """A key and a self-signed certificate for ``host`` and this machine's name, kept in memory only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "plate-edge calibration")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = _context()
    # ssl takes a file only: one without a name, in memory, gone when this block ends.
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    return Tls(context=context, fingerprint=_fingerprint(certificate), made=True)


def load_certificate(certificate: Path, key: Path) -> Tls:
    """The certificate and key that somebody put on the unit.  Raises ConfigError."""
    context = _context()
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ssl.SSLError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "not a certificate and its key, in PEM"
        raise ConfigError(f"serve calibration page: read {certificate} and {key}: {why}") from error
    return Tls(context=context, fingerprint=_fingerprint(found), made=False)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _names(host: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    with contextlib.suppress(ValueError):
        names.append(x509.DNSName(socket.gethostname()))
    try:
        address = ipaddress.ip_address(host)
        names.append(x509.IPAddress(address))
    except ValueError:
        names.append(x509.DNSName(host))
    return names


def _fingerprint(certificate: x509.Certificate) -> str:
    """In pairs, as browsers show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()
