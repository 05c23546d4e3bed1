"""The rows of the table that are ratios."""

from __future__ import annotations

import msgspec
import pytest

from edge.bench.line.duel import ClipDuel, Duel, Turn, of_turns
from edge.bench.line.record import NOT_MEASURED, Verdict
from edge.bench.line.targets import ratio_rows
from tests.bench.line.records import CLIP, HOST, record


def turns(ms: float) -> list[Turn]:
    """Five turns on a machine that grows slower all the time: CPU time does not."""
    return [Turn(wall_s=ms / 1000 * slower, cpu_s=ms / 1000) for slower in (1.0, 1.5, 2.0, 3.0, 4.0)]


def clip_duel(name: str, share: float, line_ms: float) -> ClipDuel:
    return of_turns(msgspec.structs.replace(CLIP, sha256=name), share, turns(line_ms), turns(1.5), turns(35.0))


def some_duel(verdict: Verdict) -> Duel:
    return Duel(
        host=HOST,
        software=record().software,
        rounds=5,
        seconds=60.0,
        background=0.5,
        clips=(
            clip_duel("empty", 0.0, 1.6),
            clip_duel("none", 0.0, 2.0),
            clip_duel("half", 0.5, 3.5),
            clip_duel("all", 1.0, 4.0),
        ),
        verdict=verdict,
    )


def test_neighbours_in_time_have_the_same_ratio_however_slow_the_machine_grows() -> None:
    """35 ms over 3.5 are ten times, 1.5 over 1.6 fifteen sixteenths, and 2 against 4 half the speed."""
    peer, busy, empty, plates = ratio_rows(some_duel(Verdict(valid=True)), "empty", "none", "half", "all")
    assert peer.value == pytest.approx(10)
    assert busy.value == pytest.approx(1.5 / 3.5)
    assert empty.value == pytest.approx(1.5 / 1.6)
    assert plates.value == pytest.approx(-0.5)
    assert [row.standing for row in (peer, busy, empty, plates)] == ["in the end", "short", "to reach", "short"]


def test_turns_on_a_machine_that_throttled_give_no_ratio() -> None:
    """The reason stands in each row."""
    spoilt = some_duel(Verdict(valid=False, reasons=("throttled (after the run)",)))
    rows = ratio_rows(spoilt, "empty", "none", "half", "all")
    assert {row.value for row in rows} == {NOT_MEASURED}
    assert all("throttled" in row.note for row in rows)
