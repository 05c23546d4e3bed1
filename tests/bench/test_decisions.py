"""What the benchmark of decisions measures."""

from __future__ import annotations

import itertools

from edge.bench.decisions import ROUNDS, time_decisions
from edge.policy.load import bundled_packs, load_pack


def test_every_read_is_timed_and_the_first_stands_apart() -> None:
    """With a clock that ticks a microsecond at each look, each read takes one, and the first is told by itself."""
    ticks = itertools.count(0, 1000)
    times = time_decisions(load_pack("us-ct"), lambda: next(ticks))
    assert (times.reads, times.median_us, times.p99_us, times.first_us) == (ROUNDS, 1.0, 1.0, 1.0)


def test_every_bundled_pack_can_be_timed() -> None:
    """No pack makes label or decision raise."""
    assert {time_decisions(load_pack(name)).pack for name in bundled_packs()} == set(bundled_packs())
