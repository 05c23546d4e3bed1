"""The clips that a benchmark runs on: each is looked through before anything is measured, and refused if a figure of it would
mean nothing."""

from __future__ import annotations

import hashlib
import itertools
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
from msgspec import Struct

from edge import build
from edge.camera.interface import Camera
from edge.clock import Clock
from edge.config import CameraConfig
from edge.errors import CameraError, ConfigError
from edge.journal import Journal
from edge.records import Frame

#: Frame rates outside this are what a container says that knows none.
SLOWEST_FPS, FASTEST_FPS = 1.0, 240.0
#: A clip with fewer frames is a picture.
FEWEST_FRAMES = 10


class Clip(Struct, frozen=True, kw_only=True):
    """A clip that may be measured on: every frame of it was decoded once."""

    path: Path
    sha256: str
    width: int
    height: int
    fps: float
    codec: str
    frames: int

    @property
    def seconds(self) -> float:
        """How long it is at its own frame rate."""
        return self.frames / self.fps


def open_clip(path: Path) -> Clip:
    """Look through a clip.

    Raises ConfigError, saying what to do, if it is missing, empty, no clip, of changing size, without a frame rate, too short,
    or damaged: then the figure would be that of another clip."""
    if not path.is_file():
        raise ConfigError(f"measure on {path}: no such file")
    if path.stat().st_size == 0:
        raise ConfigError(f"measure on {path}: the file is empty")
    fps, codec = _stated(path)
    if not SLOWEST_FPS <= fps <= FASTEST_FPS:
        raise ConfigError(
            f"measure on {path}: the clip states no frame rate; put it into a container that does, such as MP4: "
            "ffmpeg -r 30 -i IN -c copy OUT.mp4"
        )
    sizes = _sizes(path)
    if len(sizes) > 1:
        words = ", then ".join(f"{width}x{height}" for width, height in sizes)
        raise ConfigError(f"measure on {path}: its size changes, {words}; a figure would be of neither: cut it there")
    camera = _camera(path)
    size, frames = _look_through(path, camera)
    lost = camera.counts().dropped.get("undecodable", 0)
    if lost:
        raise ConfigError(
            f"measure on {path}: {lost} of {frames + lost} frames are missing or cannot be decoded; take a whole clip of even "
            "pace"
        )
    if frames < FEWEST_FRAMES:
        raise ConfigError(f"measure on {path}: it has {frames} frames; take one of {FEWEST_FRAMES} or more")
    return Clip(path=path, sha256=_sha256(path), width=size[0], height=size[1], fps=fps, codec=codec, frames=frames)


def _stated(path: Path) -> tuple[float, str]:
    """The frame rate that the file states, 0 where its frames bear no times, and the codec."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise ConfigError(f"measure on {path}: it is not a clip that can be decoded")
        code = int(capture.get(cv2.CAP_PROP_FOURCC))
        codec = bytes((code >> shift) & 0xFF for shift in (0, 8, 16, 24)).decode("ascii", "replace").strip("\0 ")
        stamps = [capture.get(cv2.CAP_PROP_POS_MSEC) for _ in range(3) if capture.grab()]
        timed = len(set(stamps)) == len(stamps)
        return (float(capture.get(cv2.CAP_PROP_FPS)) if timed else 0.0), codec
    finally:
        capture.release()


def _sizes(path: Path) -> list[tuple[int, int]]:
    """The sizes of the key frames in order, each new one once; OpenCV would silently scale all to the first.

    Raises ConfigError if ffprobe is missing or cannot read the clip."""
    command = [
        "ffprobe",
        "-v",
        "error",
        "-skip_frame",
        "nokey",
        "-select_streams",
        "v:0",
        "-show_entries",
        "frame=width,height",
    ]
    try:
        done = subprocess.run([*command, "-of", "csv=p=0", str(path)], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise ConfigError("look through a clip: ffprobe is not installed; on Debian: apt-get install ffmpeg") from error
    pairs = re.findall(rb"^(\d+),(\d+)", done.stdout, re.MULTILINE)
    return [size for size, _ in itertools.groupby((int(width), int(height)) for width, height in pairs)]


def each_frame(path: Path) -> Iterator[Frame]:
    """The frames of a clip, all that can be decoded, in order."""
    return (frame for frame in _camera(path).frames(threading.Event()) if isinstance(frame, Frame))


def _camera(path: Path) -> Camera:
    return build.camera(CameraConfig(name="clip", source=str(path)), Clock(), Journal())


def _look_through(path: Path, camera: Camera) -> tuple[tuple[int, int], int]:
    """Size and number of the frames.  Raises ConfigError."""
    size, frames = (0, 0), 0
    try:
        for frame in camera.frames(threading.Event()):
            if not isinstance(frame, Frame):
                continue
            height, width = frame.image.shape[:2]
            size, frames = (width, height), frames + 1
    except CameraError as error:
        raise ConfigError(f"measure on {path}: {error}") from error
    return size, frames


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def retimed(clip: Clip, fps: float, folder: Path) -> Clip:
    """The same pictures at another frame rate, as a file in ``folder``; nothing is decoded.

    Raises ConfigError if ffmpeg is missing or cannot."""
    path = folder / f"{clip.path.stem}-{clip.sha256[:8]}-{fps:g}.mp4"
    command = ["ffmpeg", "-v", "error", "-y", "-itsscale", str(clip.fps / fps), "-i", str(clip.path)]
    command += ["-map", "0:v:0", "-c", "copy", "-video_track_timescale", str(round(fps * 1000)), str(path)]
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=300)
    except FileNotFoundError as error:
        raise ConfigError("play clips at another frame rate: ffmpeg is not installed; apt-get install ffmpeg") from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"play {clip.path} at {fps:g} frames a second: ffmpeg cannot; take a clip in an MP4") from error
    return open_clip(path)
