"""Small clips and pictures whose frames carry their own number, for every test that needs a source."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.records import Image

_BITS = 8
_RTSP = Path(__file__).resolve().parents[1] / "rtsp_server.py"
_SYSTEM_PYTHON = Path("/usr/bin/python3")


def numbered(number: int, size: tuple[int, int] = (160, 96)) -> Image:
    """A grey picture with ``number`` (0 to 255) written as eight black or white bars, high bit first."""
    width, height = size
    image = np.full((height, width, 3), 90, np.uint8)
    bar = width // _BITS
    for bit in range(_BITS):
        image[:, bit * bar : (bit + 1) * bar] = 230 if number >> (_BITS - 1 - bit) & 1 else 25
    return image


def number_in(image: Image) -> int:
    """The number that :func:`numbered` wrote, read from a decoded picture."""
    bar = image.shape[1] // _BITS
    middles = (image[:, bit * bar + bar // 4 : (bit + 1) * bar - bar // 4].mean() for bit in range(_BITS))
    return sum(1 << (_BITS - 1 - bit) for bit, middle in enumerate(middles) if middle > 128)


def write_clip(path: Path, frames: int = 40, fps: float = 20.0) -> Path:
    """An MPEG-4 clip of numbered frames, written by OpenCV alone; ``path`` ends in ``.mp4``, ``.mkv`` or ``.avi``."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (160, 96))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(numbered(number))
    writer.release()
    return path


def write_h264(path: Path, frames: int = 60, options: tuple[str, ...] = ()) -> Path:
    """An H.264 clip with B-frames and a key frame every 20 frames, in any container that ``ffmpeg`` knows."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("the program ffmpeg, which writes H.264 clips, is not installed")
    raw = b"".join(numbered(number).tobytes() for number in range(frames))
    command = [ffmpeg, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", "160x96", "-r", "20"]
    command += ["-i", "-", "-c:v", "libx264", "-g", "20", "-bf", "2", "-pix_fmt", "yuv420p", *options, str(path)]
    done = subprocess.run(command, input=raw, capture_output=True)
    if done.returncode:
        pytest.skip(f"ffmpeg cannot write H.264 here: {done.stderr.decode()[:200]}")
    return path


def write_pictures(folder: Path, count: int = 5) -> Path:
    """A folder of numbered pictures in the four kinds of suffix."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        suffix = (".jpg", ".png", ".bmp", ".jpeg")[number % 4]
        assert cv2.imwrite(str(folder / f"{number:03d}{suffix}"), numbered(number))
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def rtsp_camera(port: int, *credentials: str) -> Iterator[subprocess.Popen[str]]:
    """A real RTSP server on the loopback address with the stream ``/live``; skips where Debian's server is missing."""
    probe = "import gi; gi.require_version('GstRtspServer', '1.0')"
    if not _SYSTEM_PYTHON.exists() or subprocess.run([_SYSTEM_PYTHON, "-c", probe], capture_output=True).returncode:
        pytest.skip("python3-gi with gir1.2-gst-rtsp-server-1.0 is not installed")
    command = [str(_SYSTEM_PYTHON), str(_RTSP), str(port), *credentials]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert server.stdout.readline().strip() == "ready"
        yield server
    finally:
        server.kill()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()
