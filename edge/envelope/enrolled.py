"""The public keys of enrolled devices: a folder with one file a device, looked at again when it changes.

Enrolling puts a file there and revoking takes it away; both are in force within ``LOOK_EVERY_S``, without a restart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from edge.envelope.keyring import load_public_keys
from edge.errors import ConfigError

LOOK_EVERY_S = 5.0
# A file is known by its identity, size and time of change.
_Stamp = tuple[int, int, int]
_Entry = tuple[float, _Stamp | None, tuple[ec.EllipticCurvePublicKey, ...]]


class EnrolledDevices:
    """Looks up a device's keys by its name; a name that is not enrolled has none."""

    def __init__(self, folder: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Raises ConfigError if there is no such folder or a key in it cannot be read: better at start than at night."""
        self._folder, self._monotonic = folder, monotonic
        self._known: dict[str, _Entry] = {}
        if not folder.is_dir():
            raise ConfigError(f"read enrolled devices {folder}: there is no such folder; enrol a device first")
        for path in sorted(folder.glob("*.pem")):
            load_public_keys(path)

    def __call__(self, device: str) -> Sequence[ec.EllipticCurvePublicKey]:
        """The keys of ``device``, which is a name without a slash, as a topic or header has it."""
        entry = self._known.get(device)
        if entry is None or self._monotonic() - entry[0] >= LOOK_EVERY_S:
            entry = self._look(device, entry)
        return entry[2]

    def _look(self, device: str, before: _Entry | None) -> _Entry:
        path = self._folder / f"{device}.pem"
        stamp = _stamp(path)
        if before is not None and before[1] == stamp:
            entry = (self._monotonic(), stamp, before[2])
        else:
            entry = (self._monotonic(), stamp, _load(path) if stamp is not None else ())
        if stamp is None:
            # Strangers may make up names without end; only enrolled ones are remembered.
            self._known.pop(device, None)
        else:
            self._known[device] = entry
        return entry


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _load(path: Path) -> tuple[ec.EllipticCurvePublicKey, ...]:
    """The keys in ``path``; a file that was damaged after the start enrols nobody."""
    try:
        return load_public_keys(path)
    except ConfigError:
        return ()
