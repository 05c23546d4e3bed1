"""Looks at the machine once a second while something is measured: memory, CPU time, clock, temperature."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from edge.bench.line.record import Sample
from edge.bench.line.sensors import Look

EVERY_S = 1.0
#: So many looks are kept; of a longer run every second, fourth … look.
MOST_SAMPLES = 2000
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class CpuTimes(Struct, frozen=True, kw_only=True):
    """Seconds since the start: of this process and what it started, of each core busy (what the hypervisor gave away
    included), and of the clocks."""

    at_s: float
    utc_s: float
    own_s: float
    busy_s: tuple[float, ...]


class Use(Struct, frozen=True, kw_only=True):
    """What was used between two moments, in cores; ``stepped_s`` is by how much the wall clock jumped meanwhile."""

    own: float
    busy: tuple[float, ...]
    background: float
    stepped_s: float


def cpu_times() -> CpuTimes:
    """Now."""
    own = os.times()
    return CpuTimes(
        at_s=time.monotonic(),
        utc_s=time.time(),
        own_s=own.user + own.system + _children_s(os.getpid()),
        busy_s=_cores(Path("/proc/stat").read_text()),
    )


def used(before: CpuTimes, after: CpuTimes) -> Use:
    """Pure: what was used in between."""
    seconds = max(1e-9, after.at_s - before.at_s)
    busy = tuple((b - a) / seconds for a, b in zip(before.busy_s, after.busy_s, strict=True))
    own = (after.own_s - before.own_s) / seconds
    return Use(
        own=own,
        busy=busy,
        background=max(0.0, sum(busy) - own) / len(busy),
        stepped_s=(after.utc_s - before.utc_s) - (after.at_s - before.at_s),
    )


def _cores(stat: str) -> tuple[float, ...]:
    """Seconds each core was busy, from /proc/stat (proc(5)): all but idle and waiting for the disk; a guest's are in user's."""
    lines = [line.split() for line in stat.splitlines() if line.startswith("cpu") and line[3].isdigit()]
    return tuple((sum(map(int, f[1:4])) + sum(map(int, f[6:9]))) / _TICKS_PER_S for f in lines)


def _children_s(pid: int) -> float:
    """CPU seconds of what ``pid`` started, ended ones that were waited for included."""
    total = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            children = (task / "children").read_text().split()
        except OSError:
            continue
        for child in children:
            try:
                fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            total += sum(int(fields[at]) for at in (11, 12, 13, 14)) / _TICKS_PER_S + _children_s(int(child))
    ended = os.times()
    return total + (ended.children_user + ended.children_system if pid == os.getpid() else 0.0)


def rss_mb() -> float:
    """Resident memory of this process, MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 1e6


def peak_rss_mb() -> float:
    """The most that this process ever held, MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


class Monitor:
    """A thread that looks every second.  ``counts`` gives frames processed and dropped so far."""

    def __init__(
        self,
        counts: Callable[[], tuple[int, int]],
        sensors: Callable[[], Look],
        show: Callable[[Sample], None] = lambda sample: None,
    ) -> None:
        self._counts, self._sensors, self._show = counts, sensors, show
        self._samples: list[Sample] = []
        self._over = threading.Event()
        self._began_s = time.monotonic()
        self._every = 1
        self._thread = threading.Thread(target=self._look, name="monitor", daemon=True)

    def start(self) -> None:
        """Begin to look; what is seen before :meth:`zero` has negative times."""
        self._thread.start()

    def zero(self) -> None:
        """Counting begins now: warm-up is over."""
        self._shift(time.monotonic())

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    @property
    def samples(self) -> Sequence[Sample]:
        """What was seen, in order."""
        return tuple(self._samples)

    def _shift(self, now_s: float) -> None:
        late = now_s - self._began_s
        self._began_s = now_s
        self._samples = [
            Sample(
                at_s=round(s.at_s - late, 2),
                frames=0,
                dropped=0,
                rss_mb=s.rss_mb,
                cpu_cores=s.cpu_cores,
                temperature_c=s.temperature_c,
                clock_mhz=s.clock_mhz,
            )
            for s in self._samples
        ]

    def _look(self) -> None:
        before, looks = cpu_times(), 0
        while not self._over.wait(EVERY_S):
            now = cpu_times()
            frames, dropped = self._counts()
            seen = self._sensors()
            sample = Sample(
                at_s=round(now.at_s - self._began_s, 2),
                frames=frames,
                dropped=dropped,
                rss_mb=round(rss_mb(), 2),
                cpu_cores=round(used(before, now).own, 3),
                temperature_c=seen.temperature_c,
                clock_mhz=seen.clock_mhz,
            )
            before, looks = now, looks + 1
            self._show(sample)
            if looks % self._every == 0:
                self._samples.append(sample)
            if len(self._samples) > MOST_SAMPLES:
                self._samples, self._every = self._samples[::2], 2 * self._every
