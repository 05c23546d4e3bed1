"""The certificate authority: it issues certificates, remembers them, and names those that no longer count.

    ca/  ca.key ca.pem · issued/<serial>.pem · crl.pem

``crl.pem`` is a signed list (RFC 5280, section 5) with the names in plain text above it, for people and for a broker that has
to end the connections of those it names; OpenSSL steps over the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct

from edge.envelope.keyring import load_private_key
from edge.errors import ConfigError
from edge.keys.files import new_key, put, refuse_existing, write

CA_DAYS = 3650
CERTIFICATE_DAYS = 825
CRL = "crl.pem"

# A unit without a battery-backed clock may wake up a little in the past; its certificate is valid from then on.
_BACKDATED = timedelta(days=1)
_NAMED = re.compile(r"^Revoked: (?P<name>\S+) (?P<serial>[0-9a-f]+) (?P<at>\S+)$", re.MULTILINE)


class Authority(Struct, frozen=True):
    """Who signs certificates; ``folder`` is where it remembers them."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


class Revoked(Struct, frozen=True):
    """One certificate that counts no more: its common name, serial number and since when."""

    name: str
    serial: int
    at: datetime


def make_ca(folder: Path, name: str = "plate-edge CA") -> None:
    """Make a certificate authority of our own.  Raises ConfigError if there is one already."""
    refuse_existing(folder, "ca.key", "ca.pem")
    key = new_key(folder / "ca.key")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = new_certificate(subject, subject, key.public_key(), CA_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    write(folder / "ca.pem", certificate_pem(certificate), private=False)
    write_crl(Authority(folder, key, certificate), [])


def load_authority(ca: Path) -> Authority:
    """Raises ConfigError if there is none."""
    return Authority(ca, load_private_key(ca / "ca.key"), load_certificate(ca / "ca.pem"))


def new_certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    """The fields that every certificate has."""
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
    )


def issue(authority: Authority, builder: x509.CertificateBuilder) -> x509.Certificate:
    """Sign a certificate and remember it: whoever revokes it later may no longer have it."""
    certificate = builder.sign(authority.key, hashes.SHA256())
    issued = authority.folder / "issued"
    try:
        issued.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"remember certificate in {issued}: {error.strerror}") from error
    write(issued / f"{certificate.serial_number:x}.pem", certificate_pem(certificate), private=False)
    return certificate


def issued_to(authority: Authority, name: str) -> list[x509.Certificate]:
    """Every certificate that was ever issued to ``name``."""
    found = [load_certificate(path) for path in sorted((authority.folder / "issued").glob("*.pem"))]
    return [certificate for certificate in found if common_name(certificate) == name]


def read_revoked(path: Path) -> list[Revoked]:
    """The names on a list of revoked certificates, oldest first; none if there is no such file.  Raises ConfigError."""
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"read list of revoked certificates {path}: {error}") from error
    return [
        Revoked(found["name"], int(found["serial"], 16), datetime.fromisoformat(found["at"])) for found in _NAMED.finditer(text)
    ]


def write_crl(authority: Authority, revoked: list[Revoked]) -> None:
    """Sign the list anew.  It has no date by which there must be another: were it forgotten, nobody could connect."""
    now = datetime.now(timezone.utc)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - _BACKDATED)
        .next_update(authority.certificate.not_valid_after_utc)
        .add_extension(x509.CRLNumber(int(now.timestamp() * 1000)), critical=False)
    )
    for each in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(each.serial).revocation_date(each.at)
        builder = builder.add_revoked_certificate(entry.build())
    signed = builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    put(authority.folder / CRL, "".join(_lines(revoked)).encode() + signed, private=False)


def load_certificate(path: Path) -> x509.Certificate:
    """Raises ConfigError."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"read certificate {path}: {error.strerror}; make it with `plate-edge keys`") from error
    except ValueError as error:
        raise ConfigError(f"read certificate {path}: not a PEM certificate") from error


def common_name(certificate: x509.Certificate) -> str:
    """Whose certificate it is; empty if it does not say."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else ""


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """The certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def _lines(revoked: list[Revoked]) -> Iterator[str]:
    for each in revoked:
        yield f"Revoked: {each.name} {each.serial:x} {each.at.isoformat(timespec='seconds')}\n"
