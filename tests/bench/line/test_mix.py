"""Clips with a chosen share of plates."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edge.bench.line.clips import open_clip
from edge.bench.line.mix import Stretch, choose, empty, moves, stretches
from edge.errors import ConfigError


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


def clip_of(path: Path, picture: str) -> Path:
    """Ten seconds of a picture that ffmpeg makes, with a camera's noise."""
    chain = f"{picture},noise=alls=6:allf=t"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        chain,
        "-t",
        "10",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        str(path),
    ]
    subprocess.run(command, check=True)
    return path


def test_an_empty_clip_is_one_in_which_nothing_moves(tmp_path: Path) -> None:
    """A square drives through from the fourth second to the sixth: noise is no movement, the square is, and where there is
    nothing but movement there is no empty clip."""
    square = "color=white:s=32x32:r=15[s];[b][s]overlay=x='if(between(t,4,6),(t-4)*140,-50)':y=80"
    street = f"color=gray:s=320x180:r=15[b];{square}"
    clip = open_clip(clip_of(tmp_path / "street.mp4", street))
    moving = moves(clip)
    assert all(moving[60:90])
    assert not any(moving[8:58]) and not any(moving[100:])
    cut = empty(clip, [False] * clip.frames, tmp_path)
    assert cut.fps == 30 and cut.frames >= 900
    assert not any(moves(cut)[15:60])
    with pytest.raises(ConfigError, match=r"nothing moves: .* too few"):
        empty(open_clip(clip_of(tmp_path / "wild.mp4", "testsrc2=s=320x180:r=15")), [False] * 150, tmp_path)
