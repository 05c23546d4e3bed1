"""The folders of units, agencies and people who sign: made once, and shown."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from edge.envelope.keyring import key_id, load_enrolled, load_private_keys
from edge.errors import ConfigError
from edge.keys.authority import (
    CERTIFICATE_DAYS,
    Authority,
    certificate_pem,
    issue,
    load_authority,
    load_certificate,
    new_certificate,
)
from edge.keys.files import (
    new_key,
    new_pair,
    private_pem,
    put,
    refuse_existing,
    replace_secret,
    require_name,
    write,
)

INGEST_PREFIX = "ingest-"
COMMON_NAME_LONGEST = 64  # RFC 5280, appendix A.1; the whole name stands in the certificate's alternative names

_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*\.?")


class KeyDescription(Struct, frozen=True, kw_only=True):
    """One key or certificate file: what it is, the id or SHA-256 fingerprint to compare by telephone, when it ends."""

    file: str
    kind: str
    subject: str
    fingerprint: str
    expires: datetime | None = None


def make_device(folder: Path, ca: Path, device: str, agency: str) -> None:
    """Make a unit's signing key and its TLS key and certificate.  Raises ConfigError (bad name, already there)."""
    require_name(device)
    require_name(agency)
    if device.startswith(INGEST_PREFIX):
        raise ConfigError(f"make keys of `{device}`: names that begin with `{INGEST_PREFIX}` belong to agency ends")
    authority = load_authority(ca)  # before anything is written: a mistake must not leave half a folder
    refuse_existing(folder, "sign.key", "sign.pem", "tls.key", "tls.pem", "ca.pem")
    new_pair(folder, "sign")
    make_certificate(folder, authority, device, agency, ExtendedKeyUsageOID.CLIENT_AUTH)


def make_agency(folder: Path, ca: Path, agency: str) -> None:
    """Make an agency's sealing and receipt keys, its TLS key and certificate, and an empty folder of devices."""
    require_name(agency)
    if len(INGEST_PREFIX + agency) > COMMON_NAME_LONGEST:
        longest = COMMON_NAME_LONGEST - len(INGEST_PREFIX)
        raise ConfigError(f"make keys of agency `{agency}`: its name is too long for a certificate; at most {longest} letters")
    authority = load_authority(ca)
    refuse_existing(folder, "seal.key", "seal.pem", "receipt.key", "receipt.pem", "tls.key", "tls.pem", "ca.pem")
    new_pair(folder, "seal")
    new_pair(folder, "receipt")
    make_certificate(folder, authority, INGEST_PREFIX + agency, agency, ExtendedKeyUsageOID.CLIENT_AUTH)
    (folder / "devices").mkdir(exist_ok=True)


def make_policy_signer(folder: Path) -> None:
    """Make the key with which one person signs policy bundles.  Raises ConfigError if there is one already."""
    refuse_existing(folder, "policy.key", "policy.pem")
    new_pair(folder, "policy")


def make_certificate(
    folder: Path,
    authority: Authority,
    name: str,
    organisation: str,
    usage: x509.ObjectIdentifier,
    hosts: Sequence[str] = (),
) -> None:
    """``tls.key``, ``tls.pem`` and ``ca.pem`` in ``folder``; ``name`` is the common name, ``organisation`` the agency."""
    key = new_key(folder / "tls.key")
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    builder = new_certificate(subject, authority.certificate.subject, key.public_key(), CERTIFICATE_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    write(folder / "tls.pem", certificate_pem(issue(authority, builder)), private=False)
    write(folder / "ca.pem", certificate_pem(authority.certificate), private=False)


def renew_certificate(folder: Path, ca: Path) -> datetime:
    """Make a new TLS key and certificate for the unit, agency or broker whose folder this is, with the names of the old one.

    Returns when it ends.  Whoever connects takes it up with its next connection, mosquitto with `plate-edge keys take-up`.
    Raises ConfigError if the old certificate is another authority's or says not what it is for."""
    authority, old = load_authority(ca), load_certificate(folder / "tls.pem")
    if old.issuer != authority.certificate.subject:
        raise ConfigError(f"renew certificate in {folder}: another authority issued it than the one in {ca}")
    key = ec.generate_private_key(ec.SECP256R1())
    builder = new_certificate(old.subject, old.issuer, key.public_key(), CERTIFICATE_DAYS)
    for extension in old.extensions:
        if not isinstance(extension.value, x509.AuthorityKeyIdentifier):
            builder = builder.add_extension(extension.value, extension.critical)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    fresh = issue(authority, builder.add_extension(issuer, critical=False))
    replace_secret(folder / "tls.key", private_pem(key))
    put(folder / "tls.pem", certificate_pem(fresh), private=False)
    return fresh.not_valid_after_utc


def who(folder: Path) -> tuple[str, str]:
    """Common name and agency in the certificate of a device's or an agency's folder.  Raises ConfigError."""
    subject = load_certificate(folder / "tls.pem").subject
    values = [
        attribute.value
        for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
        for attribute in subject.get_attributes_for_oid(oid)
    ]
    if len(values) != 2:
        raise ConfigError(f"read certificate {folder / 'tls.pem'}: it does not name one device and one agency")
    name, agency = (str(value) for value in values)
    require_name(name)
    require_name(agency)
    return name, agency


def require_host(host: str) -> None:
    """A name of letters, digits, hyphens and dots, or an address: what a certificate can hold as it stands."""
    if not (_HOST.fullmatch(host) or _is_address(host)):
        raise ConfigError(f"make keys of a broker: `{host}` is neither a host name in ASCII nor an address")


def describe(folder: Path) -> list[KeyDescription]:
    """Every key and certificate in a folder and its ``devices``, without a secret.  Raises ConfigError if there is none."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".pem", ".key"} and path.is_file())
    shown = [entry for path in files if path.name != "crl.pem" for entry in _describe(path, str(path.relative_to(folder)))]
    if not shown:
        raise ConfigError(f"show keys in {folder}: there are none; make some with `plate-edge keys`")
    return shown


def _describe(path: Path, name: str) -> list[KeyDescription]:
    if path.suffix == ".key":
        return [
            KeyDescription(file=name, kind="private key", subject="", fingerprint=key_id(key.public_key()).hex())
            for key in load_private_keys(path)
        ]
    if b"BEGIN CERTIFICATE" not in path.read_bytes():
        return [
            KeyDescription(
                file=name,
                kind="revoked key" if each.revoked else "public key",
                subject="",
                fingerprint=key_id(each.key).hex(),
                expires=each.until,
            )
            for each in load_enrolled(path)
        ]
    certificate = load_certificate(path)
    return [
        KeyDescription(
            file=name,
            kind="certificate",
            subject=certificate.subject.rfc4514_string(),
            fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
            expires=certificate.not_valid_after_utc,
        )
    ]


def _general_name(host: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(host)) if _is_address(host) else x509.DNSName(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
