"""What is lost or stolen counts no more, in a minute: the authority says so, the broker ends the connection and takes no other,
the agency refuses what the device's key signs.

Measured with Debian's mosquitto 2.0.11: on SIGHUP it reads ``crlfile`` again and refuses the certificate from the next
handshake on; a connection that is there lives on, and goes on writing and reading.  It ends when somebody takes over its client
id, which only the broker's own account can do here, by the door (see ``broker.py``).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import time
from datetime import datetime, timezone
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.envelope.marked import marked_text
from edge.errors import ConfigError
from edge.keys.authority import CRL, Revoked, issued_to, load_authority, load_certificate, read_revoked, write_crl
from edge.keys.broker import DOOR, EMQX_ACL
from edge.keys.enrolment import read_keys
from edge.keys.files import put, require_name

_ANSWER_S = 5.0
# mosquitto reads the list at its next turn.  Whoever comes back in that moment is told to go once more.
_TURN_S = 0.5
_CONNACK, _DISCONNECT = 0x20, bytes([0xE0, 0x00])


class TakenUp(Struct, frozen=True, kw_only=True):
    """What a broker took up: the process that did, and the names whose connections were ended."""

    broker_pid: int
    ended: tuple[str, ...]


def revoke(ca: Path, name: str, *, certificate: Path | None = None, at: datetime | None = None) -> list[Revoked]:
    """Put every certificate that was issued to ``name`` on the authority's list, and ``certificate`` if it is one of before
    there was a record.  Returns those that are new on it.  Raises ConfigError if none is known."""
    authority, path = load_authority(ca), ca / CRL
    known = issued_to(authority, name) + ([load_certificate(certificate)] if certificate is not None else [])
    if not known:
        raise ConfigError(
            f"revoke `{name}`: {ca / 'issued'} knows no certificate of this name; name its tls.pem as --certificate"
        )
    before, now = read_revoked(path), at or datetime.now(timezone.utc)
    listed = {each.serial for each in before}
    new = [Revoked(name, each.serial_number, now) for each in known if each.serial_number not in listed]
    if new:
        write_crl(authority, [*before, *new])
    return new


def refuse_at_agency(agency_folder: Path, device: str, at: datetime | None = None) -> int:
    """Mark every key of ``device`` in an agency's folder as revoked; another owner's device is ``<owner>/<device>``.

    What they signed goes into quarantine from then on.  Returns how many keys.  Raises ConfigError if there is none."""
    for part in device.split("/", 1):
        require_name(part)
    path = agency_folder / "devices" / f"{device}.pem"
    keys, now = read_keys(path), at or datetime.now(timezone.utc)
    put(path, marked_text(msgspec.structs.replace(each, revoked=each.revoked or now) for each in keys), private=False)
    return len(keys)


def hand_to_broker(ca: Path, broker: Path) -> None:
    """Give a broker's folder the authority's list, and EMQX the names on it.  Raises ConfigError."""
    if not (broker / "mosquitto.conf").is_file():
        raise ConfigError(f"hand list of revoked certificates to {broker}: that is no folder of `plate-edge keys broker`")
    put(broker / CRL, (ca / CRL).read_bytes(), private=False)
    acl = broker / EMQX_ACL
    if acl.exists():
        names = dict.fromkeys(each.name for each in read_revoked(broker / CRL))
        kept = [line for line in acl.read_text(encoding="ascii").splitlines() if not line.startswith("{deny, {username,")]
        kept[1:1] = [f'{{deny, {{username, "{name}"}}, all, ["#"]}}.' for name in names]
        put(acl, ("\n".join(kept) + "\n").encode(), private=True)


def take_up(broker: Path) -> TakenUp:
    """Make the mosquitto that runs with this folder read its list again, and end the connections of whoever is named there.
    A device that got a new certificate under its old name connects again at once.  Raises ConfigError if none runs."""
    names = tuple(dict.fromkeys(each.name for each in read_revoked(broker / CRL)))
    pid = _broker_pid(broker)
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        raise ConfigError(f"tell the broker {broker}: {error.strerror}; run this as root or as the broker's account") from error
    for _ in range(2):
        time.sleep(_TURN_S)
        for name in names:
            _end(broker, name)
    return TakenUp(broker_pid=pid, ended=names)


def _broker_pid(broker: Path) -> int:
    """Who listens at the door: the kernel says (unix(7), SO_PEERCRED)."""
    with _door(broker) as door:
        pid, _, _ = struct.unpack("3i", door.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(pid)


def _end(broker: Path, name: str) -> None:
    """Take over the client id ``name`` and leave: the connection that had it is closed, its session forgotten."""
    client = name.encode()
    variable = b"\x00\x04MQTT\x05\x02\x00\x0a\x00" + len(client).to_bytes(2, "big") + client  # MQTT 5, 3.1: clean start
    with _door(broker) as door:
        door.sendall(b"\x10" + bytes([len(variable)]) + variable)
        with contextlib.suppress(OSError):
            if door.recv(1)[:1] == bytes([_CONNACK]):
                door.sendall(_DISCONNECT)


def _door(broker: Path) -> socket.socket:
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.settimeout(_ANSWER_S)
    try:
        door.connect(str(broker.absolute() / DOOR))
    except OSError as error:
        door.close()
        raise ConfigError(
            f"speak to the broker {broker}: {error.strerror}; if none runs, it reads the list when it starts; else run "
            "this as root or as the broker's account"
        ) from error
    return door
