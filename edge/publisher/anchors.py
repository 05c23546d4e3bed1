"""What a unit's clock since boot means: signed once for each boot, as soon as the wall clock is right, and kept over the next
boots, since reads of this one may wait for weeks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.records import Instant

# Of so many boots, the newest; each is a quarter of a kilobyte on every connection.
_BOOTS_AT_MOST = 8
#: Where a clock is disciplined and nobody says how well.
_UNKNOWN_ERROR_MS = 1000.0
# What the clock says where the kernel has no name for a boot: one boot's time would be taken for another's.
_NO_BOOT = "unknown"


class _Kept(Struct, frozen=True, array_like=True):
    boot_id: str
    wire: bytes


_decoder = msgspec.msgpack.Decoder(list[_Kept])


class Anchors:
    """The anchors of the last boots, in a small file.  Should it be lost, or the disk be full, reads lose no more than a
    correction of their time: nothing here ever stands in the way of a read."""

    def __init__(self, path: Path, now: Callable[[], Instant], sign: Callable[[Instant, float], bytes]) -> None:
        """``sign`` makes the wire bytes of an anchor, of a moment and its error in milliseconds."""
        self._path, self._now, self._sign = path, now, sign
        self._kept = _read(path)

    @property
    def wires(self) -> Sequence[bytes]:
        """What is to be told, oldest boot first."""
        return [each.wire for each in self._kept]

    def look(self) -> bool:
        """Make this boot's anchor if there is none and the clock is right by now; whether there is one more."""
        now = self._now()
        if not now.quality.synchronised or now.boot_id == _NO_BOOT or any(each.boot_id == now.boot_id for each in self._kept):
            return False
        error_ms = _UNKNOWN_ERROR_MS if now.quality.error_ms is None else now.quality.error_ms
        self._kept = [*self._kept, _Kept(now.boot_id, self._sign(now, error_ms))][-_BOOTS_AT_MOST:]
        with contextlib.suppress(OSError):
            self._write()
        return True

    def _write(self) -> None:
        fresh = self._path.with_name(self._path.name + ".new")
        handle = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        try:
            os.write(handle, msgspec.msgpack.encode(self._kept))
            os.fsync(handle)
        finally:
            os.close(handle)
        fresh.replace(self._path)


def _read(path: Path) -> list[_Kept]:
    try:
        return _decoder.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return []
