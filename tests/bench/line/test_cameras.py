"""Simulated cameras: a clip that never ends."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import pytest

from edge import build
from edge.bench.line.cameras import LoopedCamera, RecalledCamera
from edge.bench.line.watch import Watch
from edge.camera.interface import Camera, GapBegan
from edge.clock import Clock
from edge.config import CameraConfig
from edge.journal import Journal
from edge.records import Frame
from tests.camera.clips import number_in, write_clip


@pytest.fixture
def inner(tmp_path: Path) -> Camera:
    """A clip of twelve numbered frames, 20 a second."""
    path = write_clip(tmp_path / "a.mp4", frames=12, fps=20.0)
    return build.camera(CameraConfig(name="north", source=str(path)), Clock(), Journal())


def test_the_stream_goes_on_where_the_clip_begins_again(inner: Camera) -> None:
    """Numbers and times grow over the seam, at which the line hears of an interruption; every frame of each round is there."""
    over = threading.Event()
    rounds: list[tuple[float, float, int]] = []
    looped = LoopedCamera(inner, over, Watch(), lambda name, began, ends, frames: rounds.append((began, ends, frames)))
    seen = list(itertools.islice(looped.frames(over), 3 * 13))
    over.set()
    frames = [each for each in seen if isinstance(each, Frame)]
    assert [isinstance(each, GapBegan) for each in seen] == ([False] * 12 + [True]) * 3
    assert [each.number for each in frames] == list(range(36))
    assert [number_in(each.image) for each in frames] == [*range(12)] * 3
    assert all(a.media_s < b.media_s for a, b in itertools.pairwise(frames))
    assert [frames for _, _, frames in rounds] == [12, 12, 12]
    assert all(ends == began for (_, ends, _), (began, _, _) in itertools.pairwise(rounds))


def test_what_the_line_does_not_want_is_passed_over_in_every_round(inner: Camera) -> None:
    """Rest counts in seconds of the endless stream; what rested is in the accounts and in the watch's count."""
    over, watch = threading.Event(), Watch()
    watch.begin()
    looped = LoopedCamera(inner, over, watch)
    handed = 0
    for frame in looped.frames(over):
        if isinstance(frame, Frame):
            handed += 1
            looped.rest(frame.media_s + 0.12)
            if frame.number > 24:
                over.set()
    counts = looped.counts()
    assert counts.received == handed + counts.rested
    assert counts.rested > handed
    assert watch.frames == counts.received


def test_recalled_frames_are_those_that_were_decoded(inner: Camera) -> None:
    """As many as fit, the same pictures again in every round, and nothing is decoded meanwhile."""
    frame = next(iter(inner.frames(threading.Event())))
    assert isinstance(frame, Frame)
    assert frame.grey is not None
    recalled = RecalledCamera(inner, 5 * (frame.image.nbytes + frame.grey.nbytes))
    assert recalled.frames_kept == 5
    for _ in range(2):
        assert [number_in(each.image) for each in recalled.frames(threading.Event())] == [0, 1, 2, 3, 4]
    assert recalled.counts().received == 5
