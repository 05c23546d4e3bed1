"""What time it is, how sure that is, and which boot this is.

The wall clock is only ever *recorded*; order comes from (epoch, seq) and durations from the boot clock, because a
Raspberry Pi without a battery wakes up in the past.
"""

from __future__ import annotations

import ctypes
import time
from datetime import datetime, timezone
from pathlib import Path

from edge.records import Instant, TimeQuality

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR = 5  # adjtimex(2): TIME_ERROR, the clock is not synchronised


class _Timex(ctypes.Structure):
    """``struct timex`` of adjtimex(2), as far as it is read here; the tail is padding of sufficient size."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("padding", ctypes.c_char * 256),
    )


def boot_id() -> str:
    """The kernel's random id of this boot, or ``unknown`` where there is none."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return "unknown"


def time_quality() -> TimeQuality:
    """Ask the kernel (adjtimex(2), read only) whether the clock is disciplined, and its estimated error."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (AttributeError, OSError):
        return TimeQuality(source="unset")
    if state < 0 or state == _TIME_ERROR:
        return TimeQuality(source="unset")
    return TimeQuality(source="ntp", error_ms=timex.esterror / 1000)


class Clock:
    """The real clock.  Time quality is asked once a minute: it changes slowly and frames come fast."""

    _QUALITY_TTL_NS = 60 * 10**9

    def __init__(self) -> None:
        self._boot_id = boot_id()
        self._quality = time_quality()
        self._quality_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def now(self) -> Instant:
        """This moment."""
        boottime_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if boottime_ns - self._quality_ns > self._QUALITY_TTL_NS:
            self._quality, self._quality_ns = time_quality(), boottime_ns
        return Instant(utc=datetime.now(timezone.utc), boottime_ns=boottime_ns, boot_id=self._boot_id, quality=self._quality)
