"""Who knows whose public key: an agency its devices', a device its agency's, a party those of the agencies it has agreements
with."""

from __future__ import annotations

from pathlib import Path

from edge.envelope.keyring import key_id, load_public_keys, public_key_from
from edge.envelope.marked import MarkedKey, marked_text, read_marked
from edge.errors import ConfigError
from edge.keys.files import public_pem, put
from edge.keys.folders import who


def enrol(agency_folder: Path, device_folder: Path) -> str:
    """Let an agency take reads of a device, and tell the device the agency's public keys.

    A device that is enrolled with another signing key already gets the new one *beside* the old, so that reads in flight
    stay readable.  Returns the device's name.  Raises ConfigError if the two folders name different agencies.
    """
    device, agency = who(device_folder)
    owner = who(agency_folder)[1]
    if agency != owner:
        raise ConfigError(f"enrol `{device}`: it was made for agency `{agency}`, not for `{owner}`")
    enrolled = enrolment(agency_folder, owner, device)
    enrolled.parent.mkdir(exist_ok=True)
    add_keys(enrolled, device_folder / "sign.pem")
    for name in ("seal", "receipt"):
        add_keys(device_folder / f"agency-{name}.pem", agency_folder / f"{name}.pem")
    return device


def admit(agency_folder: Path, device_folder: Path) -> str:
    """Let an agency take the copies that another agency's device makes for it; of that device, ``sign.pem`` and ``tls.pem``
    are enough.  Returns ``<owner>/<device>``.  Raises ConfigError if the device is the agency's own."""
    device, owner = who(device_folder)
    if owner == who(agency_folder)[1]:
        raise ConfigError(f"admit `{device}`: it is a device of `{owner}` itself; use `plate-edge keys enrol`")
    admitted = enrolment(agency_folder, owner, device)
    admitted.parent.mkdir(parents=True, exist_ok=True)
    add_keys(admitted, device_folder / "sign.pem")
    return f"{owner}/{device}"


def enrolment(agency_folder: Path, owner: str, device: str) -> Path:
    """The file in which an agency keeps the keys of a device: its own, or another ``owner``'s."""
    devices = agency_folder / "devices"
    return devices / f"{device}.pem" if owner == who(agency_folder)[1] else devices / owner / f"{device}.pem"


def add_keys(path: Path, source: Path) -> None:
    """Add the public keys of ``source`` to ``path``, those that are not there.  What is said of the others stays: a key that
    was revoked does not come back.  Raises ConfigError."""
    present = read_keys(path) if path.exists() else ()
    known = {key_id(public_key_from(str(path), each.pem)) for each in present}
    new = [MarkedKey(pem=public_pem(key)) for key in load_public_keys(source) if key_id(key) not in known]
    if new:
        put(path, marked_text((*present, *new)), private=False)


def read_keys(path: Path) -> tuple[MarkedKey, ...]:
    """The public keys of a file with what is said of each.  Raises ConfigError."""
    try:
        return read_marked(path, path.read_bytes(), "PUBLIC")
    except OSError as error:
        raise ConfigError(f"read public key {path}: {error.strerror}; is the device enrolled here?") from error
