"""Faster, slower or the same, and which stage it was."""

from __future__ import annotations

import msgspec
import pytest

from edge.bench.line.comparing import compare
from edge.bench.line.record import Verdict
from edge.errors import ConfigError
from tests.bench.line.records import record

BUSY = Verdict(valid=False, reasons=("background load: others took 50% of the machine, 10% at most may be taken",))


@pytest.mark.parametrize(
    ("fps", "spread", "verdict"),
    [(100, 0.01, "the same"), (101, 0.01, "the same"), (120, 0.01, "faster"), (80, 0.01, "slower"), (120, 0.5, "the same")],
)
def test_a_difference_counts_only_beyond_the_noise(fps: float, spread: float, verdict: str) -> None:
    """Twenty per cent are faster between rounds that differ by one, and nothing between rounds that differ by fifty."""
    result = compare(record(100, spread), record(fps, spread))
    assert result.verdict == verdict
    assert result.low <= result.ratio <= result.high
    assert result.by == "the clock"


def test_the_stage_that_grew_is_named() -> None:
    """The detector takes twice as long; nothing else changed."""
    result = compare(record(100), record(80, detector_ms=10))
    assert result.changed == "detector"
    assert next(s for s in result.stages if s.stage == "detector").grown_ms == pytest.approx(5)


def test_on_a_busy_machine_cpu_time_is_compared() -> None:
    """What a frame costs can be told there, how long it takes cannot."""
    result = compare(record(100, verdict=BUSY), record(150, verdict=BUSY))
    assert (result.verdict, result.by) == ("faster", "CPU time")
    assert result.doubts


def test_a_run_that_throttled_gets_no_verdict() -> None:
    """However large the difference."""
    hot = record(50, verdict=Verdict(valid=False, reasons=("throttled (after the run)",)))
    assert compare(record(100), hot).verdict == "no verdict"


def test_what_differs_between_the_runs_is_said() -> None:
    """Another clip, another machine: compared all the same, and said."""
    a = record()
    b = msgspec.structs.replace(a, clips=(msgspec.structs.replace(a.clips[0], sha256="ef" * 32),))
    assert compare(a, b).doubts == ("the clips differ",)


def test_runs_of_different_modes_are_not_compared() -> None:
    """Cameras and frames a second have no ratio."""
    with pytest.raises(ConfigError, match="of mode single, the other offline"):
        compare(record(), record(mode="offline"))
