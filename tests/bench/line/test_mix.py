"""Clips with a chosen share of plates."""

from __future__ import annotations

import pytest

from edge.bench.line.mix import Stretch, choose, stretches


def test_busy_and_empty_stretches_keep_their_distance() -> None:
    """A car comes and goes around a plate: such frames are in neither kind, and what is too short is in none."""
    shows = [False] * 40 + [True] * 30 + [False] * 40 + [True] * 3 + [False] * 40
    busy, empty = stretches(shows)
    assert busy == [Stretch(first=40, last=69)]
    assert all(not any(shows[max(0, s.first - 8) : s.last + 9]) for s in empty)
    assert empty


def test_a_plate_that_is_lost_for_a_frame_does_not_end_its_stretch() -> None:
    """The detector may miss one."""
    busy, _ = stretches([True] * 15 + [False] + [True] * 15)
    assert busy == [Stretch(first=0, last=30)]


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_the_share_is_met_with_as_many_frames_as_there_are(share: float) -> None:
    """Within a frame or two, in the clip's order."""
    busy = [Stretch(first=0, last=99), Stretch(first=200, last=299)]
    empty = [Stretch(first=100, last=199), Stretch(first=300, last=349)]
    chosen = choose(busy, empty, share)
    of_busy = sum(s.frames for s in chosen if any(b.first <= s.first <= b.last for b in busy))
    total = sum(s.frames for s in chosen)
    assert of_busy / total == pytest.approx(share, abs=0.01)
    assert total >= 150
    assert chosen == sorted(chosen, key=lambda s: s.first)
