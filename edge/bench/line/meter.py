"""What a stretch of time took of the machine: CPU, memory, swap, disk."""

from __future__ import annotations

from collections.abc import Sequence

from edge.bench.line import host
from edge.bench.line.monitor import Use, cpu_times, peak_rss_mb, rss_mb, used
from edge.bench.line.record import NOT_MEASURED, Figure, Load, Sample
from edge.bench.line.spans import slope

#: Memory first grows to what the clips ask for (networks get room for the most plates that come at once): the slope is that of
#: what comes after this share of the run, and told from so many seconds on, since a minute says nothing about an hour.
SETTLED_AFTER, SLOPE_FROM_S = 0.4, 240.0


class Meter:
    """Begins when it is made, ends with :meth:`stop`."""

    def __init__(self) -> None:
        self._rss_mb, self._swapped, self._written = rss_mb(), host.swapped_pages(), host.disk_written_mb()
        self._before = self._after = cpu_times()

    def stop(self) -> None:
        """What comes later does not count."""
        self._after = cpu_times()

    @property
    def seconds(self) -> float:
        """From the beginning to the end."""
        return self._after.at_s - self._before.at_s

    @property
    def use(self) -> Use:
        """CPU time, and by how much the wall clock jumped."""
        return used(self._before, self._after)

    def load(self, samples: Sequence[Sample] = ()) -> Load:
        """The account; ``samples`` were taken meanwhile."""
        use, written = self.use, host.disk_written_mb()
        return Load(
            cpu_cores=use.own,
            per_core_busy=use.busy,
            background=use.background,
            rss_start_mb=self._rss_mb,
            rss_peak_mb=peak_rss_mb(),
            rss_end_mb=rss_mb(),
            rss_slope_mb_h=_rss_slope([s for s in samples if s.at_s >= 0]),
            swap_mb=host.swap_mb(),
            swapped_pages=host.swapped_pages() - self._swapped,
            disk_written_mb=NOT_MEASURED if self._written is None or written is None else written - self._written,
            network_mb=NOT_MEASURED,
        )


def _rss_slope(samples: Sequence[Sample]) -> Figure:
    """MB an hour, once it has settled."""
    begin_s = SETTLED_AFTER * samples[-1].at_s if samples else 0.0
    settled = [s for s in samples if s.at_s >= begin_s]
    if len(settled) < 2 or settled[-1].at_s - settled[0].at_s < SLOPE_FROM_S:
        return NOT_MEASURED
    return 3600 * slope([s.at_s for s in settled], [s.rss_mb for s in settled])
