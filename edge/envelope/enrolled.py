"""The public keys of enrolled devices: a folder with one file a device, looked at again when it changes.

    <device>.pem            one's own devices
    <owner>/<device>.pem    devices of another agency, whose reads come here as copies

Two agencies may have a device of the same name; each has its own file.  Enrolling puts a key there, revoking and handing over
write above it since or until when it counts; all of it is in force within ``LOOK_EVERY_S``, without a restart.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from edge.envelope.keyring import EnrolledKey, load_enrolled
from edge.errors import ConfigError

LOOK_EVERY_S = 5.0
# A file is known by its owner, identity, size and time of change.
_Stamp = tuple[str | None, int, int, int]
_Entry = tuple[float, tuple[_Stamp, ...], tuple[EnrolledKey, ...]]


class EnrolledDevices:
    """Looks up the keys under a device's name; a name that is not enrolled has none."""

    def __init__(self, folder: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Raises ConfigError if there is no such folder or a key in it cannot be read: better at start than at night."""
        self._folder, self._monotonic = folder, monotonic
        self._known: dict[str, _Entry] = {}
        if not folder.is_dir():
            raise ConfigError(f"read enrolled devices {folder}: there is no such folder; enrol a device first")
        for path in sorted((*folder.glob("*.pem"), *folder.glob("*/*.pem"))):
            load_enrolled(path)

    def __call__(self, device: str) -> Sequence[EnrolledKey]:
        """The keys under ``device``, which is a name without a slash, as a topic or header has it."""
        entry = self._known.get(device)
        if entry is None or self._monotonic() - entry[0] >= LOOK_EVERY_S:
            entry = self._look(device, entry)
        return entry[2]

    def _look(self, device: str, before: _Entry | None) -> _Entry:
        found = list(self._files(device))
        stamps = tuple(stamp for stamp, _ in found)
        if before is not None and before[1] == stamps:
            keys = before[2]
        else:
            keys = tuple(each for stamp, path in found for each in _load(path, stamp[0]))
        entry = (self._monotonic(), stamps, keys)
        if stamps:
            self._known[device] = entry
        else:
            # Strangers may make up names without end; only enrolled ones are remembered.
            self._known.pop(device, None)
        return entry

    def _files(self, device: str) -> Iterator[tuple[_Stamp, Path]]:
        """Every file that enrols a device of this name, one's own first."""
        try:
            owners = sorted(entry.name for entry in os.scandir(self._folder) if entry.is_dir())
        except OSError:
            return
        for owner in (None, *owners):
            path = self._folder / (owner or "") / f"{device}.pem"
            try:
                found = path.stat()
            except OSError:
                continue
            yield (owner, found.st_ino, found.st_size, found.st_mtime_ns), path


def _load(path: Path, owner: str | None) -> tuple[EnrolledKey, ...]:
    """The keys in ``path``; a file that was damaged after the start enrols nobody."""
    try:
        return load_enrolled(path, owner)
    except ConfigError:
        return ()
