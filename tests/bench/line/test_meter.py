"""What a run took of the machine."""

from __future__ import annotations

import pytest

from edge.bench.line.meter import Meter
from edge.bench.line.monitor import CpuTimes, used
from edge.bench.line.record import NOT_MEASURED, Sample


def samples(seconds: int, mb: object) -> list[Sample]:
    return [Sample(at_s=float(n), frames=n, dropped=0, rss_mb=mb(n), cpu_cores=1.0) for n in range(seconds)]  # type: ignore[operator]


def test_memory_that_fills_up_first_and_then_stays_does_not_grow() -> None:
    """50 MB in the first two minutes of ten, none after: no slope.  One that goes on has it."""
    meter = Meter()
    meter.stop()
    assert meter.load(samples(600, lambda n: 150 + 50 * min(1, n / 120))).rss_slope_mb_h == pytest.approx(0)
    assert meter.load(samples(600, lambda n: 150 + n / 60)).rss_slope_mb_h == pytest.approx(60)


def test_minutes_tell_no_slope() -> None:
    """Five minutes say nothing about an hour."""
    meter = Meter()
    meter.stop()
    assert meter.load(samples(300, lambda n: 150 + n)).rss_slope_mb_h == NOT_MEASURED


def test_what_others_took_is_what_was_busy_and_not_ours() -> None:
    """Two cores for ten seconds, 15 s of them busy, 9 ours: others took 3 of 10 s a core.  A clock that was set shows."""
    before = CpuTimes(at_s=100.0, utc_s=5000.0, own_s=1.0, busy_s=(50.0, 60.0))
    after = CpuTimes(at_s=110.0, utc_s=5013.0, own_s=10.0, busy_s=(60.0, 65.0))
    use = used(before, after)
    assert use.own == pytest.approx(0.9)
    assert use.busy == pytest.approx((1.0, 0.5))
    assert use.background == pytest.approx(0.3)
    assert use.stepped_s == pytest.approx(3.0)
