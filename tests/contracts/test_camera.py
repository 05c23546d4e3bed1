"""What every camera promises, whatever it reads from."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.camera.interface import Camera, CameraCounts
from edge.camera.open import make_camera
from edge.clock import Clock
from edge.config import CameraConfig
from edge.records import Frame
from tests.camera.clips import free_port, rtsp_camera, write_clip, write_pictures

KINDS = ("clip", "clip in real time", "folder", "picture", "stream")


@pytest.fixture(params=KINDS)
def camera(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Camera]:
    """One camera of each kind, called ``north``, that has at least one frame."""
    if request.param == "stream":
        port = free_port()
        with rtsp_camera(port):
            yield make_camera(CameraConfig(name="north", source=f"rtsp://127.0.0.1:{port}/live"), Clock())
        return
    folder = write_pictures(tmp_path / "pictures")
    source = {"folder": folder, "picture": folder / "001.png"}.get(request.param) or write_clip(tmp_path / "a.mp4")
    config = CameraConfig(name="north", source=str(source), realtime=request.param == "clip in real time")
    yield make_camera(config, Clock())


def take(camera: Camera, most: int) -> list[Frame]:
    """Up to ``most`` frames, then the generator is closed as a line does that is told to end."""
    frames = []
    with closing(camera.frames(threading.Event())) as source:  # type: ignore[type-var]
        for frame in source:
            frames.append(frame)
            if len(frames) == most:
                break
    return frames


def assert_adds_up(counts: CameraCounts, handed: int) -> None:
    assert counts.received == handed + counts.rested + sum(counts.dropped.values())
    assert all(n >= 0 for n in counts.dropped.values())


def test_frames_come_in_order_with_the_cameras_name(camera: Camera) -> None:
    """Numbers and times strictly increase, every frame says which camera it is of, and its moment is aware UTC."""
    frames = take(camera, 15)
    assert frames
    assert camera.name == "north"
    assert {frame.camera for frame in frames} == {"north"}
    assert all(a.number < b.number and a.media_s < b.media_s for a, b in itertools.pairwise(frames))
    assert all(frame.at.utc.tzinfo is not None for frame in frames)


def test_pictures_are_colour_and_belong_to_the_taker(camera: Camera) -> None:
    """An image is BGR uint8 and stays what it was when later frames are taken."""
    frames, copies = [], []
    with closing(camera.frames(threading.Event())) as source:  # type: ignore[type-var]
        for frame, _ in zip(source, range(5), strict=False):
            frames.append(frame)
            copies.append(frame.image.copy())
    for frame, copy in zip(frames, copies, strict=True):
        assert frame.image.dtype == "uint8"
        assert frame.image.ndim == 3
        assert frame.image.flags.writeable
        assert (frame.image == copy).all()


def test_every_frame_is_handed_out_or_counted(camera: Camera) -> None:
    """received = handed out + rested + dropped, after an early end too."""
    frames = take(camera, 4)
    assert_adds_up(camera.counts(), len(frames))


def test_frames_that_nobody_wants_are_handed_out_or_counted_as_rested(camera: Camera) -> None:
    """A line that rests a tenth of a second after each frame gets its next one, and what was passed over is in the accounts."""
    handed: list[Frame] = []
    with closing(camera.frames(threading.Event())) as source:  # type: ignore[type-var]
        for frame in source:
            assert isinstance(frame, Frame)
            handed.append(frame)
            camera.rest(frame.media_s + 0.1)
            if len(handed) == 4:
                break
    assert handed
    assert all(a.number < b.number and a.media_s < b.media_s for a, b in itertools.pairwise(handed))
    assert_adds_up(camera.counts(), len(handed))


def test_a_stopped_camera_ends_within_a_second(camera: Camera) -> None:
    """After ``stop`` is set the iterator ends by itself, within a second, and the accounts add up."""
    stop = threading.Event()
    source = camera.frames(stop)
    next(source)
    stop.set()
    began = time.monotonic()
    rest = list(source)
    assert time.monotonic() - began < 1.0
    assert len(rest) <= 1
    assert_adds_up(camera.counts(), 1 + len(rest))


def test_a_camera_stopped_before_it_began_hands_out_nothing(camera: Camera) -> None:
    """A stop that was set already wins over everything."""
    stop = threading.Event()
    stop.set()
    assert list(camera.frames(stop)) == []
    assert_adds_up(camera.counts(), 0)


def test_a_camera_can_be_read_again_from_the_start(camera: Camera) -> None:
    """A second call begins anew, counts included."""
    first = take(camera, 1)
    again = take(camera, 1)
    if not camera.live:
        assert first[0].number == again[0].number == 0
    assert_adds_up(camera.counts(), 1)
