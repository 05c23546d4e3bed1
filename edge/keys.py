"""Make, enrol and show the keys of units, agencies and brokers.

Each folder belongs to one owner.  A private key never leaves the folder it was made in; `enrol` copies public ones.

    device/  sign.key sign.pem · tls.key tls.pem · ca.pem · (enrol:) agency-seal.pem agency-receipt.pem
    agency/  seal.key seal.pem · receipt.key receipt.pem · tls.key tls.pem · ca.pem · (enrol:) devices/<device>.pem
             · (admit:) devices/<owner>/<device>.pem
    broker/  tls.key tls.pem · ca.pem · mosquitto.conf acl
    ca/      ca.key ca.pem        keep it offline: whoever has it can connect as any unit
    alice/   policy.key policy.pem  one folder a person who signs policy bundles; units are told policy.pem

Private files have mode 0600.  Nothing is ever overwritten.
"""

from __future__ import annotations

import ipaddress
import os
import pwd
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from edge.envelope.keyring import key_id, load_private_key, load_public_keys
from edge.errors import ConfigError

INGEST_PREFIX = "ingest-"
CA_DAYS = 3650
CERTIFICATE_DAYS = 825

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*\.?")
_Authority = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]
_COMMON_NAME_LONGEST = 64  # RFC 5280, appendix A.1; the whole name stands in the certificate's alternative names
# A unit without a battery-backed clock may wake up a little in the past; its certificate is valid from then on.
_BACKDATED = timedelta(days=1)
# mosquitto drops what does not fit its queues without a word; the units send it again, but late.
_MOSQUITTO_QUEUE_MESSAGES = 20_000
_MESSAGE_LIMIT_BYTES = 1 << 17


class KeyDescription(Struct, frozen=True, kw_only=True):
    """One key or certificate file: what it is, the id or SHA-256 fingerprint to compare by telephone, when it ends."""

    file: str
    kind: str
    subject: str
    fingerprint: str
    expires: datetime | None = None


def make_ca(folder: Path, name: str = "plate-edge CA") -> None:
    """Make a certificate authority of our own.  Raises ConfigError if there is one already."""
    _refuse_existing(folder, "ca.key", "ca.pem")
    key = _new_key(folder / "ca.key")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = _certificate(subject, subject, key.public_key(), CA_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    _write(folder / "ca.pem", _pem(builder.sign(key, hashes.SHA256())), private=False)


def make_device(folder: Path, ca: Path, device: str, agency: str) -> None:
    """Make a unit's signing key and its TLS key and certificate.  Raises ConfigError (bad name, already there)."""
    _require_name(device)
    _require_name(agency)
    if device.startswith(INGEST_PREFIX):
        raise ConfigError(f"make keys of `{device}`: names that begin with `{INGEST_PREFIX}` belong to agency ends")
    authority = _load_authority(ca)  # before anything is written: a mistake must not leave half a folder
    _refuse_existing(folder, "sign.key", "sign.pem", "tls.key", "tls.pem", "ca.pem")
    _new_pair(folder, "sign")
    _new_certificate(folder, authority, device, agency, ExtendedKeyUsageOID.CLIENT_AUTH)


def make_agency(folder: Path, ca: Path, agency: str) -> None:
    """Make an agency's sealing and receipt keys, its TLS key and certificate, and an empty folder of devices."""
    _require_name(agency)
    if len(INGEST_PREFIX + agency) > _COMMON_NAME_LONGEST:
        longest = _COMMON_NAME_LONGEST - len(INGEST_PREFIX)
        raise ConfigError(f"make keys of agency `{agency}`: its name is too long for a certificate; at most {longest} letters")
    authority = _load_authority(ca)
    _refuse_existing(folder, "seal.key", "seal.pem", "receipt.key", "receipt.pem", "tls.key", "tls.pem", "ca.pem")
    _new_pair(folder, "seal")
    _new_pair(folder, "receipt")
    _new_certificate(folder, authority, INGEST_PREFIX + agency, agency, ExtendedKeyUsageOID.CLIENT_AUTH)
    (folder / "devices").mkdir(exist_ok=True)


def make_policy_signer(folder: Path) -> None:
    """Make the key with which one person signs policy bundles.  Raises ConfigError if there is one already."""
    _refuse_existing(folder, "policy.key", "policy.pem")
    _new_pair(folder, "policy")


def make_broker(
    folder: Path,
    ca: Path,
    agencies: Sequence[str],
    *,
    hosts: Sequence[str] = ("localhost", "127.0.0.1"),
    port: int = 8883,
    bind: str | None = None,
    user: str = "mosquitto",
) -> Path:
    """Make a broker's TLS key and certificate for ``hosts`` (names or addresses) and its configuration.

    ``bind`` is the address to listen on (all, unless told); ``user`` is the account mosquitto changes to when started by
    root, which then owns the folder where it is known here.  Returns the path of ``mosquitto.conf``.  Raises ConfigError.
    """
    for agency in agencies:
        _require_name(agency)
    for host in hosts:
        _require_host(host)
    if not 0 < port < 65536:
        raise ConfigError(f"make keys of a broker: port {port} must be between 1 and 65535")
    authority = _load_authority(ca)
    _refuse_existing(folder, "tls.key", "tls.pem", "ca.pem", "mosquitto.conf", "acl")
    _new_certificate(folder, authority, hosts[0][:_COMMON_NAME_LONGEST], "broker", ExtendedKeyUsageOID.SERVER_AUTH, hosts)
    _write(folder / "acl", _acl(agencies).encode(), private=True)
    configuration = folder / "mosquitto.conf"
    _write(configuration, _mosquitto(folder.absolute(), port, bind, user).encode(), private=False)
    _hand_over(folder, user)
    return configuration


def make_demo_broker(folder: Path, ca: Path, agencies: Sequence[str], port: int) -> Path:
    """``make_broker`` for this machine alone: the loopback address, and the account that runs it now."""
    user = "root" if os.geteuid() == 0 else "mosquitto"
    return make_broker(folder, ca, agencies, port=port, bind="127.0.0.1", user=user)


def enrol(agency_folder: Path, device_folder: Path) -> str:
    """Let an agency take reads of a device, and tell the device the agency's public keys.

    A device that is enrolled with another signing key already gets the new one *beside* the old, so that reads in flight
    stay readable.  Returns the device's name.  Raises ConfigError if the two folders name different agencies.
    """
    device, agency = _who(device_folder)
    owner = _who(agency_folder)[1]
    if agency != owner:
        raise ConfigError(f"enrol `{device}`: it was made for agency `{agency}`, not for `{owner}`")
    load_public_keys(device_folder / "sign.pem")
    enrolled = agency_folder / "devices" / f"{device}.pem"
    enrolled.parent.mkdir(exist_ok=True)
    _append_key(enrolled, (device_folder / "sign.pem").read_bytes())
    for name in ("seal", "receipt"):
        load_public_keys(agency_folder / f"{name}.pem")
        _append_key(device_folder / f"agency-{name}.pem", (agency_folder / f"{name}.pem").read_bytes())
    return device


def admit(agency_folder: Path, device_folder: Path) -> str:
    """Let an agency take the copies that another agency's device makes for it; of that device, ``sign.pem`` and ``tls.pem``
    are enough.  Returns ``<owner>/<device>``.  Raises ConfigError if the device is the agency's own."""
    device, owner = _who(device_folder)
    agency = _who(agency_folder)[1]
    if owner == agency:
        raise ConfigError(f"admit `{device}`: it is a device of `{agency}` itself; use `plate-edge keys enrol`")
    load_public_keys(device_folder / "sign.pem")
    admitted = agency_folder / "devices" / owner / f"{device}.pem"
    admitted.parent.mkdir(parents=True, exist_ok=True)
    _append_key(admitted, (device_folder / "sign.pem").read_bytes())
    return f"{owner}/{device}"


def describe(folder: Path) -> list[KeyDescription]:
    """Every key and certificate in a folder and its ``devices``, without a secret.  Raises ConfigError if there is none."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".pem", ".key"} and path.is_file())
    if not files:
        raise ConfigError(f"show keys in {folder}: there are none; make some with `plate-edge keys`")
    return [entry for path in files for entry in _describe(path, str(path.relative_to(folder)))]


def _describe(path: Path, name: str) -> list[KeyDescription]:
    if path.suffix == ".key":
        public = load_private_key(path).public_key()
        return [KeyDescription(file=name, kind="private key", subject="", fingerprint=key_id(public).hex())]
    data = path.read_bytes()
    if b"BEGIN CERTIFICATE" not in data:
        return [
            KeyDescription(file=name, kind="public key", subject="", fingerprint=key_id(key).hex())
            for key in load_public_keys(path)
        ]
    certificate = _load_certificate(path)
    return [
        KeyDescription(
            file=name,
            kind="certificate",
            subject=certificate.subject.rfc4514_string(),
            fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
            expires=_not_after(certificate),
        )
    ]


def _acl(agencies: Sequence[str]) -> str:
    """Who may do what, by the certificate's common name (%u).  What is not named is refused."""
    lines = [
        "# A unit writes its own reads and reads its own receipts, nothing else.",
        "pattern write plate-edge/v1/+/+/%u/reads",
        "pattern read plate-edge/v1/+/+/%u/receipts",
    ]
    for agency in agencies:
        lines += [
            "",
            f"# {agency}: its agency end reads its own reads and writes its own receipts.",
            f"user {INGEST_PREFIX}{agency}",
            f"topic read plate-edge/v1/{agency}/+/+/reads",
            f"topic write plate-edge/v1/{agency}/+/+/receipts",
        ]
    return "\n".join(lines) + "\n"


def _mosquitto(folder: Path, port: int, bind: str | None, user: str) -> str:
    """A broker that keeps nothing on disk: it is a pipe that may lose, and what it does not hold cannot be stolen."""
    listener = f"listener {port}" + (f" {bind}" if bind else "")
    return "\n".join(
        [
            "# Made by `plate-edge keys broker`; needs mosquitto 2.0 or later.",
            f"user {user}",
            listener,
            f"cafile {folder / 'ca.pem'}",
            f"certfile {folder / 'tls.pem'}",
            f"keyfile {folder / 'tls.key'}",
            "tls_version tlsv1.2",
            "require_certificate true",
            "use_identity_as_username true",
            "# A client id of one's own choosing could throw another unit off the broker.",
            "use_username_as_clientid true",
            "allow_anonymous false",
            f"acl_file {folder / 'acl'}",
            "persistence false",
            f"max_queued_messages {_MOSQUITTO_QUEUE_MESSAGES}",
            "max_inflight_messages 200",
            f"max_packet_size {_MESSAGE_LIMIT_BYTES}",
            "retain_available false",
            "connection_messages true",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "log_type notice",
            "log_timestamp_format %Y-%m-%dT%H:%M:%S",
            "",
        ]
    )


def _hand_over(folder: Path, user: str) -> None:
    """Root's private files are closed to the account that mosquitto changes to, so they become that account's."""
    if os.geteuid() != 0:
        return
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return  # made here for another machine; whoever copies the folder there gives it to the account
    for path in (folder, *folder.iterdir()):
        os.chown(path, account.pw_uid, account.pw_gid)


def _load_authority(ca: Path) -> _Authority:
    key = load_private_key(ca / "ca.key")
    return key, _load_certificate(ca / "ca.pem")


def _new_certificate(
    folder: Path, ca: _Authority, name: str, organisation: str, usage: x509.ObjectIdentifier, hosts: Sequence[str] = ()
) -> None:
    """``tls.key``, ``tls.pem`` and ``ca.pem`` in ``folder``; ``name`` is the common name, ``organisation`` the agency."""
    issuer_key, issuer = ca
    key = _new_key(folder / "tls.key")
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    builder = _certificate(subject, issuer.subject, key.public_key(), CERTIFICATE_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    _write(folder / "tls.pem", _pem(builder.sign(issuer_key, hashes.SHA256())), private=False)
    _write(folder / "ca.pem", _pem(issuer), private=False)


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
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


def _general_name(host: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(host)) if _is_address(host) else x509.DNSName(host)


def _who(folder: Path) -> tuple[str, str]:
    """Common name and agency in the certificate of a device's or an agency's folder."""
    subject = _load_certificate(folder / "tls.pem").subject
    values = [
        attribute.value
        for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
        for attribute in subject.get_attributes_for_oid(oid)
    ]
    if len(values) != 2:
        raise ConfigError(f"read certificate {folder / 'tls.pem'}: it does not name one device and one agency")
    name, agency = (str(value) for value in values)
    _require_name(name)
    _require_name(agency)
    return name, agency


def _load_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"read certificate {path}: {error.strerror}; make it with `plate-edge keys`") from error
    except ValueError as error:
        raise ConfigError(f"read certificate {path}: not a PEM certificate") from error


def _not_after(certificate: x509.Certificate) -> datetime:
    return certificate.not_valid_after_utc


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"make keys: `{name}` is not a name; use lower-case letters, digits and hyphens, at most 63")


def _require_host(host: str) -> None:
    """A name of letters, digits, hyphens and dots, or an address: what a certificate can hold as it stands."""
    if not (_HOST.fullmatch(host) or _is_address(host)):
        raise ConfigError(f"make keys of a broker: `{host}` is neither a host name in ASCII nor an address")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refuse_existing(folder: Path, *names: str) -> None:
    present = [name for name in names if (folder / name).exists()]
    if present:
        raise ConfigError(f"make keys in {folder}: {', '.join(present)} is there already and is not overwritten")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"make keys in {folder}: {error.strerror}") from error


def _new_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(path, pem, private=True)
    return key


def _new_pair(folder: Path, name: str) -> None:
    public = _new_key(folder / f"{name}.key").public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _write(folder / f"{name}.pem", pem, private=False)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _append_key(path: Path, pem: bytes) -> None:
    """Add a public key to a file of keys unless it is there; the file is replaced whole, never seen half written."""
    present = path.read_bytes() if path.exists() else b""
    if pem.strip() in present:
        return
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    _write(fresh, present + pem, private=False)
    fresh.replace(path)


def _write(path: Path, data: bytes, *, private: bool) -> None:
    """Create ``path`` with ``data``; the mode is right from the first moment on.  Raises ConfigError if it is there."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o644)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigError(f"write {path}: {error.strerror}") from error
