"""Percentiles, medians with their noise, slopes: the harness's own arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from edge.bench.line.spans import Spans, band, slope


@pytest.mark.parametrize("shape", ["lognormal", "two peaks", "constant", "one"])
def test_percentiles_agree_with_numpy(shape: str) -> None:
    """To one per cent and a bin, over microseconds to seconds; count, mean and longest are exact."""
    random = np.random.default_rng(7)
    values = {
        "lognormal": random.lognormal(-6, 1.5, 5000),
        "two peaks": np.concatenate([random.normal(2e-3, 1e-4, 900), random.normal(0.2, 1e-2, 100)]),
        "constant": np.full(300, 0.004),
        "one": np.array([0.03]),
    }[shape]
    spans = Spans()
    for value in values:
        spans.add(float(value))
    told = spans.latency()
    for percent, ours in ((50, told.p50_ms), (90, told.p90_ms), (95, told.p95_ms), (99, told.p99_ms)):
        true = 1e3 * float(np.percentile(values, percent, method="inverted_cdf"))
        assert ours == pytest.approx(true, rel=0.011)
    assert told.count == len(values)
    assert told.mean_ms == pytest.approx(1e3 * values.mean())
    assert told.max_ms == pytest.approx(1e3 * values.max())


def test_threads_counts_add_up_to_those_of_all() -> None:
    """What two lanes counted is what one would have counted."""
    one, two, both = Spans(), Spans(), Spans()
    for number in range(1, 200):
        (one if number % 3 else two).add(number / 1000)
        both.add(number / 1000)
    one.take_in(two)
    assert one.latency() == both.latency()


def test_a_duration_out_of_range_is_counted_all_the_same() -> None:
    """Nothing falls out of the bins: neither a zero nor a day."""
    spans = Spans()
    for seconds in (0.0, 1e-9, 86_400.0):
        spans.add(seconds)
    assert spans.latency().count == 3
    assert spans.latency().max_ms == 86_400_000


def test_nothing_counted_is_zero_times() -> None:
    """An empty count has no percentile to invent."""
    assert Spans().latency().count == 0
    assert Spans().latency().p99_ms == 0


def test_a_band_covers_the_true_median_about_as_often_as_it_says() -> None:
    """Of 200 samples of a known distribution, at least 85 in 100 bands hold the true median (a bootstrap of 15 is a little
    short of its 95)."""
    random = np.random.default_rng(3)
    bands = [band(list(random.normal(10, 2, 15))) for _ in range(40)]
    assert sum(each.low <= 10 <= each.high for each in bands) >= 34
    assert all(each.low <= each.median <= each.high for each in bands)


def test_the_same_values_give_the_same_band() -> None:
    """A verdict does not depend on the draw."""
    values = [1.0, 2.0, 4.0, 7.0, 9.0]
    assert band(values) == band(values)


def test_a_slope_is_found_and_a_single_jump_is_none() -> None:
    """Memory that grows steadily has its slope; a cache that is filled once has none."""
    seconds = [float(n) for n in range(100)]
    assert slope(seconds, [50 + 0.5 * s for s in seconds]) == pytest.approx(0.5)
    assert slope(seconds, [50.0] * 20 + [90.0] * 80) == pytest.approx(0.0)
    assert slope([1.0], [2.0]) == 0.0
