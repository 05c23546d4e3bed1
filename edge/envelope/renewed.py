"""Parts that are made anew when a file of keys has changed, so that keys are rotated without a restart.

What cannot be made from the files as they are now leaves the former part at work, and is said once: a key file that was damaged
at night must not cost the reads of that night.  (Enrolments are the exception, see ``enrolled.py``.)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from edge.envelope.interface import Notice, Opened, Opener, Receipt, ReceiptReader, Sealer, Tombstone
from edge.envelope.notice import NoticeSigner
from edge.errors import ConfigError, EnvelopeError
from edge.ranges import Range
from edge.records import Dropped, Envelope, Head, Instant, Release, Slot

LOOK_EVERY_S = 5.0

_T = TypeVar("_T")
_Stamp = tuple[int, int, int]


class Renewed(Generic[_T]):
    """The part that ``make`` makes of ``files``, as they are now.  Threads may share it."""

    def __init__(
        self,
        make: Callable[[], _T],
        files: Sequence[Path],
        tell: Callable[[str], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``tell`` hears why a change could not be taken up.  Raises ConfigError if the first part cannot be made."""
        self._make, self._files, self._tell, self._monotonic = make, tuple(files), tell, monotonic
        self._lock = threading.Lock()
        self._stamps = self._look()
        self._part = make()
        self._looked_s = monotonic()

    def now(self, *, at_once: bool = False) -> _T:
        """The part; files are looked at every few seconds, or ``at_once``."""
        with self._lock:
            if at_once or self._monotonic() - self._looked_s >= LOOK_EVERY_S:
                self._looked_s = self._monotonic()
                self._renew()
            return self._part

    def _renew(self) -> None:
        stamps = self._look()
        if stamps == self._stamps:
            return
        self._stamps = stamps
        try:
            self._part = self._make()
        except ConfigError as error:
            self._tell(str(error))

    def _look(self) -> tuple[_Stamp | None, ...]:
        return tuple(_stamp(path) for path in self._files)


class RenewedSealer:
    """See :class:`edge.envelope.interface.Sealer`."""

    def __init__(self, part: Renewed[Sealer]) -> None:
        self._part = part

    def seal(self, release: Release, slot: Slot) -> Envelope:
        """See the interface."""
        return self._part.now().seal(release, slot)


class RenewedNotices:
    """See :class:`edge.envelope.interface.NoticeWriter`, and :meth:`edge.envelope.notice.NoticeSigner.bury`."""

    def __init__(self, part: Renewed[NoticeSigner]) -> None:
        self._part = part

    def standing(self, head: Head, to_come: Iterable[Range], altered: Iterable[int]) -> bytes:
        """See the interface."""
        return self._part.now().standing(head, to_come, altered)

    def anchor(self, at: Instant, error_ms: float) -> bytes:
        """See the interface."""
        return self._part.now().anchor(at, error_ms)

    def bury(self, dropped: Dropped, newest: bytes | None) -> tuple[bytes, ...]:
        """See the signer."""
        return self._part.now().bury(dropped, newest)

    def buried(self, wire: bytes) -> Tombstone:
        """See the interface."""
        return self._part.now().buried(wire)

    def slot(self, wire: bytes) -> Slot:
        """See the interface."""
        return self._part.now().slot(wire)


class RenewedReceipts:
    """See :class:`edge.envelope.interface.ReceiptReader`."""

    def __init__(self, part: Renewed[ReceiptReader]) -> None:
        self._part = part

    def read(self, wire: bytes) -> Receipt:
        """See the interface."""
        return self._part.now().read(wire)


class RenewedOpener:
    """See :class:`edge.envelope.interface.Opener`."""

    def __init__(self, part: Renewed[Opener]) -> None:
        self._part = part

    def open(self, device: str, wire: bytes) -> Opened | Notice:
        """See the interface.  A key that is not known yet may have been made a second ago: that is looked up at once."""
        opener = self._part.now()
        try:
            return opener.open(device, wire)
        except EnvelopeError as error:
            newer = self._part.now(at_once=error.reason == "seal-key")
            if newer is opener:
                raise
        return newer.open(device, wire)


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
