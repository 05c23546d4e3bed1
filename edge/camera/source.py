"""What a camera's ``source`` names, and how the user and password of a stream get into its address.

Everything here is decided before anything is opened, so that a wrong address or an unreadable credentials file refuses
the start.  The address with credentials exists only as :class:`SecretUrl`, whose text forms are masked.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from edge.config import CameraConfig
from edge.errors import CameraError, ConfigError
from edge.masking import hide

SourceKind = Literal["clip", "pictures", "stream", "device"]

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})

_SCHEMES = ("rtsp", "rtsps")
_FORBIDDEN = re.compile(r"[\s\x00-\x1f\x7f]")


class SecretUrl:
    """An address that may hold a password: ``str``, ``repr`` and format show the address without it."""

    __slots__ = ("_plain", "_secret")

    def __init__(self, plain: str, secret: str) -> None:
        self._plain = plain
        self._secret = secret

    def reveal(self) -> str:
        """The address with user and password, for the reader process alone."""
        return self._secret

    def __str__(self) -> str:
        return self._plain

    def __repr__(self) -> str:
        return f"SecretUrl({self._plain!r})"


def source_kind(source: str) -> SourceKind:
    """Which implementation reads ``source``.  Raises ConfigError for an address of a kind that is not supported."""
    scheme, colon, _ = source.partition("://")
    if colon:
        if scheme.lower() not in _SCHEMES:
            # Not the address: whatever stands before its last @ may be a password, slashes included.
            raise ConfigError("open camera: use an address with rtsp:// or rtsps://, a file, or /dev/video0")
        return "stream"
    if source.startswith("/dev/"):
        return "device"
    path = Path(source)
    return "pictures" if path.is_dir() or path.suffix.lower() in PICTURE_SUFFIXES else "clip"


def check_device(config: CameraConfig) -> None:
    """Raise CameraError unless the device file exists and is a character device."""
    try:
        mode = Path(config.source).stat().st_mode
    except OSError as error:
        raise CameraError(f"open camera `{config.name}`: no such device {config.source}; is the camera plugged in?") from error
    if not stat.S_ISCHR(mode):
        raise CameraError(f"open camera `{config.name}`: {config.source} is not a device")


def stream_url(config: CameraConfig) -> SecretUrl:
    """The stream's address with the user and password of the credentials file, percent-encoded.

    Raises ConfigError for a malformed address and for a credentials file that is missing, malformed or open to others.
    """
    plain = config.source
    _check_address(config.name, plain)
    if config.credentials is None:
        return SecretUrl(plain, plain)
    user, password = _read_credentials(config.name, config.credentials)
    hide(password, user)
    scheme, _, rest = plain.partition("://")
    return SecretUrl(plain, f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{rest}")


def _check_address(name: str, address: str) -> None:
    if "@" in address:
        raise ConfigError(
            f"open camera `{name}`: its address holds a password; put `user:password` into a file and name it as `credentials`"
        )
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"open camera `{name}`: the address is malformed; write rtsp://host:554/path") from error
    if not host or port == 0 or _FORBIDDEN.search(address):
        raise ConfigError(f"open camera `{name}`: the address is malformed; write rtsp://host:554/path")


def _read_credentials(name: str, path: Path) -> tuple[str, str]:
    """The user and the password; no error repeats any of the file's content."""
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"read credentials of camera `{name}` from {path}: {why}") from None
    if mode & 0o007:
        raise ConfigError(f"read credentials of camera `{name}`: {path} is open to everybody; chmod 0640 it")
    user, colon, password = lines[0].partition(":") if len(lines) == 1 else ("", "", "")
    if not (user and colon):
        raise ConfigError(f"read credentials of camera `{name}`: {path} must hold one line `user:password`")
    return user, password
