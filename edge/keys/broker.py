"""A broker's folder: its certificate and its configuration, for mosquitto and for EMQX."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from pathlib import Path

from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.errors import ConfigError
from edge.keys.authority import CRL, Authority, load_authority, read_revoked, write_crl
from edge.keys.files import refuse_existing, require_name, write
from edge.keys.folders import COMMON_NAME_LONGEST, make_certificate, require_host
from edge.keys.rights import emqx_acl, mosquitto_acl, rights

#: The socket by which connections of revoked certificates are ended; only the broker's own account gets into its folder.
DOOR = "door"
EMQX_ACL = "emqx-acl.conf"

# sockaddr_un(7): the path of a socket, with its end.
_SOCKET_PATH_LONGEST = 107
# mosquitto drops what does not fit its queues without a word; the units send it again, but late.
_QUEUE_MESSAGES = 20_000
_MESSAGE_LIMIT_BYTES = 1 << 17
_IN_FLIGHT = 200


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
        require_name(agency)
    for host in hosts:
        require_host(host)
    if not 0 < port < 65536:
        raise ConfigError(f"make keys of a broker: port {port} must be between 1 and 65535")
    whole = folder.absolute()
    if len(os.fsencode(whole / DOOR)) > _SOCKET_PATH_LONGEST:
        raise ConfigError(
            f"make keys of a broker in {folder}: the folder's path is too long for a socket in it; use a shorter one"
        )
    authority = load_authority(ca)
    files = {
        "acl": mosquitto_acl(rights(agencies)),
        "acl-door": "# Whoever comes by the door may neither say nor hear anything.\ntopic deny #\n",
        EMQX_ACL: emqx_acl(rights(agencies)),
        "emqx.conf": _emqx(whole, port, bind),
        "mosquitto.conf": _mosquitto(whole, port, bind, user),
    }
    refuse_existing(folder, "tls.key", "tls.pem", "ca.pem", CRL, *files)
    folder.chmod(0o700)  # the door stands in it
    make_certificate(folder, authority, hosts[0][:COMMON_NAME_LONGEST], "broker", ExtendedKeyUsageOID.SERVER_AUTH, hosts)
    write(folder / CRL, _crl(authority), private=False)
    for name, text in files.items():
        write(folder / name, text.encode(), private="acl" in name)
    _hand_over(folder, user)
    return folder / "mosquitto.conf"


def make_demo_broker(folder: Path, ca: Path, agencies: Sequence[str], port: int) -> Path:
    """``make_broker`` for this machine alone: the loopback address, and the account that runs it now."""
    user = "root" if os.geteuid() == 0 else "mosquitto"
    return make_broker(folder, ca, agencies, port=port, bind="127.0.0.1", user=user)


def _crl(authority: Authority) -> bytes:
    path = authority.folder / CRL
    if not path.exists():  # an authority made before there were such lists
        write_crl(authority, read_revoked(path))
    return path.read_bytes()


def _mosquitto(folder: Path, port: int, bind: str | None, user: str) -> str:
    """A broker that keeps nothing on disk: it is a pipe that may lose, and what it does not hold cannot be stolen."""
    listener = f"listener {port}" + (f" {bind}" if bind else "")
    return "\n".join(
        [
            "# Made by `plate-edge keys broker`; needs mosquitto 2.0 or later.",
            f"user {user}",
            "per_listener_settings true",
            "persistence false",
            f"max_queued_messages {_QUEUE_MESSAGES}",
            f"max_inflight_messages {_IN_FLIGHT}",
            f"max_packet_size {_MESSAGE_LIMIT_BYTES}",
            "retain_available false",
            "connection_messages true",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "log_type notice",
            "log_timestamp_format %Y-%m-%dT%H:%M:%S",
            "",
            listener,
            f"cafile {folder / 'ca.pem'}",
            f"certfile {folder / 'tls.pem'}",
            f"keyfile {folder / 'tls.key'}",
            "# Read again on SIGHUP; it keeps revoked certificates out and does not end connections that are there.",
            f"crlfile {folder / CRL}",
            "tls_version tlsv1.2",
            "require_certificate true",
            "use_identity_as_username true",
            "# A client id of one's own choosing could throw another unit off the broker.",
            "use_username_as_clientid true",
            "allow_anonymous false",
            f"acl_file {folder / 'acl'}",
            "",
            "# By this door `plate-edge keys take-up` ends them: it takes over the client id.  Only this account gets here.",
            f"listener 0 {folder / DOOR}",
            "allow_anonymous true",
            f"acl_file {folder / 'acl-door'}",
            "",
        ]
    )


def _emqx(folder: Path, port: int, bind: str | None) -> str:
    """The same for EMQX 5: keys of its configuration reference.  Written by the book: no EMQX has run it here."""
    return "\n".join(
        [
            "# Made by `plate-edge keys broker` for EMQX 5, to be included from its emqx.conf.",
            "# Revoked units: EMQX fetches lists of revoked certificates by HTTP only, so `plate-edge keys revoke` denies them",
            f"# by name in {EMQX_ACL}; load that file anew and end the connection with `emqx ctl clients kick NAME`.",
            "listeners.ssl.default {",
            f'  bind = "{bind}:{port}"' if bind else f"  bind = {port}",
            "  ssl_options {",
            f'    cacertfile = "{folder / "ca.pem"}"',
            f'    certfile = "{folder / "tls.pem"}"',
            f'    keyfile = "{folder / "tls.key"}"',
            '    versions = ["tlsv1.3", "tlsv1.2"]',
            "    verify = verify_peer",
            "    fail_if_no_peer_cert = true",
            "  }",
            "}",
            "listeners.tcp.default.enable = false",
            "listeners.ws.default.enable = false",
            "listeners.wss.default.enable = false",
            "mqtt {",
            "  peer_cert_as_username = cn",
            "  peer_cert_as_clientid = cn",
            "  retain_available = false",
            f"  max_packet_size = {_MESSAGE_LIMIT_BYTES >> 10}KB",
            f"  max_inflight = {_IN_FLIGHT}",
            f"  max_mqueue_len = {_QUEUE_MESSAGES}",
            "}",
            "authorization {",
            "  no_match = deny",
            "  deny_action = disconnect",
            "  cache.enable = false",
            f'  sources = [{{type = file, enable = true, path = "{folder / EMQX_ACL}"}}]',
            "}",
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
