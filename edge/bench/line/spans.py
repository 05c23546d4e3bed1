"""How long things took: percentiles in a memory that does not grow, medians with their spread, slopes.  Pure.

A run of hours must not be what makes the memory grow that it watches, so durations are counted in bins a hundredth apart
instead of being kept.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Callable, Sequence
from statistics import median

from msgspec import Struct

FINEST_S, LONGEST_S = 1e-7, 1e4
STEP = 1.01
_BINS = math.ceil(math.log(LONGEST_S / FINEST_S) / math.log(STEP))
_LOG_STEP = math.log(STEP)
DRAWS = 2000


class Latency(Struct, frozen=True, kw_only=True):
    """Milliseconds.  ``count`` durations, exact mean and longest, percentiles to one per cent of themselves."""

    count: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


class Band(Struct, frozen=True, kw_only=True):
    """The median of ``repeats`` measurements, and between which bounds it lies in 95 of 100 redraws of them (the percentile
    bootstrap; Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13)."""

    median: float
    low: float
    high: float
    repeats: int


class Spans:
    """Durations, counted.  One thread adds."""

    def __init__(self) -> None:
        self._bins = array("q", bytes(8 * _BINS))
        self.count = 0
        self.total_s = 0.0
        self.longest_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration; what is out of range counts as the nearest that is in it."""
        self.count += 1
        self.total_s += seconds
        if seconds > self.longest_s:
            self.longest_s = seconds
        place = int(math.log(seconds / FINEST_S) / _LOG_STEP) if seconds > FINEST_S else 0
        self._bins[min(place, _BINS - 1)] += 1

    def take_in(self, other: Spans) -> None:
        """Count what another one counted."""
        self._bins = array("q", (a + b for a, b in zip(self._bins, other._bins, strict=True)))
        self.count += other.count
        self.total_s += other.total_s
        self.longest_s = max(self.longest_s, other.longest_s)

    def percentile_s(self, percent: float) -> float:
        """The duration that ``percent`` of all do not exceed, to one per cent; 0 where nothing was counted."""
        due = max(1, math.ceil(self.count * percent / 100))
        seen = 0
        for place, number in enumerate(self._bins):
            seen += number
            if number and seen >= due:
                return min(float(FINEST_S * STEP ** (place + 0.5)), self.longest_s)
        return 0.0

    def latency(self) -> Latency:
        """What was counted, in milliseconds."""
        p50, p90, p95, p99 = (1e3 * self.percentile_s(percent) for percent in (50, 90, 95, 99))
        mean = 1e3 * self.total_s / self.count if self.count else 0.0
        return Latency(
            count=self.count, mean_ms=mean, p50_ms=p50, p90_ms=p90, p95_ms=p95, p99_ms=p99, max_ms=1e3 * self.longest_s
        )


def band(values: Sequence[float], of: Callable[[Sequence[float]], float] = median) -> Band:
    """The median of ``values`` and its 95 % interval; always the same for the same values."""
    draw = random.Random(0)
    redrawn = sorted(of(draw.choices(values, k=len(values))) for _ in range(DRAWS))
    low, high = redrawn[round(0.025 * (DRAWS - 1))], redrawn[round(0.975 * (DRAWS - 1))]
    return Band(median=of(values), low=low, high=high, repeats=len(values))


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The median slope between all pairs of points (Theil, 1950; Sen, 1968): a single jump does not tilt it.

    At most some 300 points, evenly taken, are paired.  0 for fewer than two."""
    step = max(1, len(xs) // 300)
    points = list(zip(xs, ys, strict=True))[::step]
    rises = [(y1 - y0) / (x1 - x0) for i, (x0, y0) in enumerate(points) for x1, y1 in points[i + 1 :] if x1 > x0]
    return median(rises) if rises else 0.0
