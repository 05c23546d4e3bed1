"""Recorded clips: whole, damaged, cut off, empty, no clip at all; as fast as taken or in real time."""

from __future__ import annotations

import itertools
import random
import subprocess
import threading
import time
from pathlib import Path

import cv2
import pytest

from edge.camera import clip
from edge.camera.clip import ClipCamera
from edge.clock import Clock
from edge.config import CameraConfig
from edge.errors import CameraError
from edge.records import Frame
from tests.camera.clips import number_in, write_clip, write_h264


def read(path: Path) -> tuple[list[Frame], ClipCamera]:
    camera = ClipCamera(CameraConfig(name="north", source=str(path)), Clock())
    return list(camera.frames(threading.Event())), camera


def damage(path: Path, start: float, end: float) -> None:
    """Zero the bytes between two shares of the file."""
    data = bytearray(path.read_bytes())
    a, z = int(len(data) * start), int(len(data) * end)
    data[a:z] = bytes(z - a)
    path.write_bytes(data)


def test_every_frame_of_a_clip_is_handed_out_with_its_own_time(tmp_path: Path) -> None:
    """Forty frames at 20 a second are frames 0 to 39, 50 ms apart, and nothing is dropped."""
    frames, camera = read(write_clip(tmp_path / "a.mp4", frames=40, fps=20))
    assert [number_in(frame.image) for frame in frames] == list(range(40))
    assert [frame.number for frame in frames] == list(range(40))
    assert [frame.media_s for frame in frames] == pytest.approx([n / 20 for n in range(40)], abs=1e-3)
    assert camera.counts().received == 40
    assert sum(camera.counts().dropped.values()) == 0


@pytest.mark.parametrize("container", ["mp4", "mkv", "avi", "ts"])
def test_an_h264_clip_is_complete_in_every_container(tmp_path: Path, container: str) -> None:
    """B-frames come in the order in which they are shown, and no container makes frames look lost."""
    frames, camera = read(write_h264(tmp_path / f"a.{container}"))
    assert [number_in(frame.image) for frame in frames] == list(range(60))
    assert camera.counts().dropped == {"late": 0, "undecodable": 0}


def test_a_clip_without_time_stamps_gets_increasing_times(tmp_path: Path) -> None:
    """A raw H.264 stream carries no times; number and frame rate take their place."""
    frames, camera = read(write_h264(tmp_path / "a.h264"))
    assert len(frames) == camera.counts().received == 60
    assert all(a.media_s < b.media_s for a, b in itertools.pairwise(frames))


def test_frames_lost_to_damage_are_counted_and_the_rest_keep_their_numbers(tmp_path: Path) -> None:
    """Where bytes in the middle are gone, the reading goes on behind them and no number slips."""
    path = write_h264(tmp_path / "a.mp4", options=("-movflags", "+faststart"))
    damage(path, 0.5, 0.6)
    frames, camera = read(path)
    counts = camera.counts()
    assert 0 < counts.dropped["undecodable"] < 60
    assert counts.received == len(frames) + counts.dropped["undecodable"] == 60
    whole = [frame for frame in frames if frame.number < 5 or frame.number >= 40]  # before and two key frames behind
    assert len(whole) == 25
    assert [number_in(frame.image) for frame in whole] == [frame.number for frame in whole]


def test_scattered_damage_never_ends_a_clip_early(tmp_path: Path) -> None:
    """With hundreds of broken bytes in the middle the last frames still come, and the accounts close."""
    path = write_h264(tmp_path / "a.mp4", options=("-movflags", "+faststart"))
    data, dice = bytearray(path.read_bytes()), random.Random(7)
    for _ in range(600):
        data[dice.randrange(len(data) * 3 // 10, len(data) * 6 // 10)] = dice.randrange(256)
    path.write_bytes(data)
    frames, camera = read(path)
    assert frames[-1].number >= 58
    assert camera.counts().received == len(frames) + camera.counts().dropped["undecodable"]
    assert camera.counts().received in (60, 61)


@pytest.mark.parametrize("b_frames", ["0", "2"])
def test_a_clip_cut_off_in_transfer_counts_its_missing_tail(tmp_path: Path, b_frames: str) -> None:
    """An MP4 whose index promises sixty frames but whose file ends early tells sixty, not what is left."""
    path = write_h264(tmp_path / "a.mp4", options=("-movflags", "+faststart", "-bf", b_frames))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 7 // 10])
    frames, camera = read(path)
    assert 0 < len(frames) < 60
    assert camera.counts().received == 60


def test_frames_cut_away_on_purpose_are_not_counted_as_lost(tmp_path: Path) -> None:
    """A cut without re-encoding keeps hidden frames before its start in the file; they were never meant to be seen."""
    path = write_h264(tmp_path / "a.mp4")
    cut = tmp_path / "cut.mp4"
    subprocess.run(["ffmpeg", "-y", "-loglevel", "error", "-ss", "1.6", "-i", str(path), "-c", "copy", str(cut)], check=True)
    frames, camera = read(cut)
    assert len(frames) < 40
    assert camera.counts().dropped["undecodable"] == 0


def test_a_variable_frame_rate_is_not_taken_for_loss(tmp_path: Path) -> None:
    """A clip that leaves pictures out on purpose has uneven steps and no losses."""
    path = write_h264(tmp_path / "a.mp4", options=("-vf", "select='not(mod(n,3))+gt(random(1),0.5)'", "-vsync", "vfr"))
    frames, camera = read(path)
    steps = {round(b.media_s - a.media_s, 3) for a, b in itertools.pairwise(frames)}
    assert len(steps) > 1
    assert camera.counts().dropped["undecodable"] == 0


def test_a_missing_clip_refuses_the_start(tmp_path: Path) -> None:
    """The camera cannot even be made, and the error says which file."""
    with pytest.raises(CameraError, match=r"north.*no such file.*gone\.mp4"):
        ClipCamera(CameraConfig(name="north", source=str(tmp_path / "gone.mp4")), Clock())


@pytest.mark.parametrize("content", [b"", b"no clip at all\n" * 100, bytes(5000)])
def test_a_file_that_is_no_clip_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty files, text and zeros raise CameraError rather than giving no frames in silence."""
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(CameraError, match="not a clip"):
        read(path)


def test_a_clip_without_any_picture_is_refused(tmp_path: Path) -> None:
    """A container whose every picture is destroyed raises CameraError."""
    path = write_h264(tmp_path / "a.mp4", frames=20, options=("-movflags", "+faststart"))
    data = path.read_bytes()
    start = data.index(b"mdat") + 4
    path.write_bytes(data[:start] + bytes(len(data) - start))
    with pytest.raises(CameraError, match=r"no frame|not a clip"):
        read(path)


def test_damage_is_quiet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What FFmpeg has to say of a damaged clip does not flood the journal."""
    path = write_h264(tmp_path / "a.mp4", options=("-movflags", "+faststart"))
    damage(path, 0.4, 0.6)
    read(path)
    output = capfd.readouterr()
    assert output.out == output.err == ""


@pytest.mark.parametrize("realtime", [False, True])
def test_a_clip_passes_over_what_is_not_wanted(tmp_path: Path, realtime: bool) -> None:
    """While the line rests, frames are decoded and counted but not turned into pictures; none is late or lost for it."""
    path = write_clip(tmp_path / "a.mp4", frames=40, fps=20)
    camera = ClipCamera(CameraConfig(name="north", source=str(path), realtime=realtime), Clock())
    handed = []
    for frame in camera.frames(threading.Event()):
        handed.append(frame)
        camera.rest(frame.media_s + 0.49)
    counts = camera.counts()
    assert [number_in(frame.image) for frame in handed] == [frame.number for frame in handed]
    assert len(handed) <= 4
    assert counts.received == 40 == len(handed) + counts.rested + counts.dropped["late"]
    if not realtime:
        assert [frame.number for frame in handed] == [0, 10, 20, 30]
        assert counts.rested == 36


def test_a_frame_brings_its_grey_plane(tmp_path: Path) -> None:
    """Gate and detector share one conversion: the grey picture is that of the colour picture."""
    frames, _ = read(write_clip(tmp_path / "a.mp4", frames=3))
    for frame in frames:
        assert frame.grey is not None
        assert (frame.grey == cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)).all()


def test_in_real_time_a_slow_line_gets_the_newest_frame_and_the_rest_is_late(tmp_path: Path) -> None:
    """A line that pauses loses frames, each counted, and what it gets next is not old."""
    path = write_clip(tmp_path / "a.mp4", frames=30, fps=30)
    camera = ClipCamera(CameraConfig(name="north", source=str(path), realtime=True), Clock())
    frames = []
    began = time.monotonic()
    for frame in camera.frames(threading.Event()):
        frames.append(frame)
        if len(frames) == 3:
            time.sleep(0.6)
    assert time.monotonic() - began >= 29 / 30
    counts = camera.counts()
    assert counts.dropped["late"] >= 8
    assert counts.received == 30 == len(frames) + counts.dropped["late"]
    assert frames[3].number >= frames[2].number + 9


def test_in_real_time_a_decoder_that_cannot_keep_up_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames that are decoded long after they were due are late, even if the line waited for them."""
    retrieve = clip._failures_before_frame

    def slow(capture: object) -> int | None:
        time.sleep(0.08)
        return retrieve(capture)

    monkeypatch.setattr(clip, "_failures_before_frame", slow)
    path = write_clip(tmp_path / "a.mp4", frames=12, fps=120)
    camera = ClipCamera(CameraConfig(name="north", source=str(path), realtime=True), Clock())
    frames = list(camera.frames(threading.Event()))
    assert camera.counts().dropped["late"] > 3
    assert camera.counts().received == 12 == len(frames) + camera.counts().dropped["late"]
