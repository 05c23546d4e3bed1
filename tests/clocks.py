"""A clock that tests set by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

from edge.records import Instant, TimeQuality, TimeSource
from tests.labeled import START


class HandClock:
    """Stands still unless told; ``jump`` moves the wall clock alone, ``wait`` moves both, ``reboot`` begins a new boot."""

    def __init__(self, utc: datetime = START, source: TimeSource = "ntp") -> None:
        self.utc, self.source = utc, source
        self.boottime_ns, self.boot = 10**12, 1

    def now(self) -> Instant:
        quality = TimeQuality(source=self.source)
        return Instant(utc=self.utc, boottime_ns=self.boottime_ns, boot_id=f"boot-{self.boot}", quality=quality)

    def wait(self, time: timedelta) -> None:
        self.utc += time
        self.boottime_ns += int(time.total_seconds() * 1e9)

    def jump(self, time: timedelta) -> None:
        self.utc += time

    def reboot(self) -> None:
        self.boot += 1
        self.boottime_ns = 0
