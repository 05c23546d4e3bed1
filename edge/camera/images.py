"""Pictures as a source of frames: one file, or a folder in the order of its names.

A picture's header is read before a decoder sees the file, because a JPEG of 258 bytes can ask for gigabytes: size in
pixels, size in bytes and the number of progressive scans are bounded.  OpenCV's own limit stands behind it.
"""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from edge.camera.interface import CameraCounts
from edge.camera.source import PICTURE_SUFFIXES
from edge.clock import Clock
from edge.config import CameraConfig
from edge.errors import CameraError
from edge.records import Frame, Image

MAX_PIXELS = 20_000_000
MAX_BYTES = 16 << 20
MAX_SEGMENTS = 4096  # a photograph with every profile and preview there is has some hundred
MAX_SCANS = 64  # progressive encoders write about ten; each scan costs the decoder a pass over the whole picture

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_BMP = b"BM"
_JPEG_SIZES = frozenset({0xC0, 0xC1, 0xC2})  # ITU T.81 B.1.1.3: baseline, extended, progressive, with Huffman's codes
_JPEG_OTHER_SIZES = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8}  # lossless, hierarchical, arithmetic
# A marker with a length: not in entropy-coded data (FF 00, restarts), no fill byte, none of those that stand alone.
_JPEG_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")
_SOS, _EOI = 0xDA, 0xD9


def read_image(path: Path) -> Image:
    """Decode one picture into BGR ``(h, w, 3)``, turned upright where its EXIF data say so.

    Raises CameraError if the file is missing, too large (20 megapixels, 16 MiB), of another kind, or damaged.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CameraError(f"read picture {path}: larger than {MAX_BYTES >> 20} MiB; make it smaller")
        data = path.read_bytes()
    except OSError as error:
        raise CameraError(f"read picture {path}: {error.strerror or error}") from error
    return decode_image(data, str(path))


def decode_image(data: bytes, what: str) -> Image:
    """Decode the bytes of one JPEG, PNG or BMP into BGR ``(h, w, 3)``; ``what`` names them in errors.

    Raises CameraError as :func:`read_image` does.
    """
    width, height = _size(data, what)
    if width <= 0 or height <= 0 or width * height > MAX_PIXELS:
        raise CameraError(f"read picture {what}: {width}x{height} is over {MAX_PIXELS // 10**6} megapixels or empty")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise CameraError(f"read picture {what}: it cannot be decoded") from error
    if image is None:
        raise CameraError(f"read picture {what}: it cannot be decoded")
    return np.asarray(image, np.uint8)


def _size(data: bytes, what: str) -> tuple[int, int]:
    """Width and height in pixels as the header says, whatever the file's name says."""
    try:
        if data.startswith(_PNG):
            width, height = struct.unpack_from(">II", data, 16)
            return int(width), int(height)
        if data.startswith(_BMP):
            return _bmp_size(data)
        if data.startswith(_JPEG):
            return _jpeg_size(data)
    except (struct.error, IndexError) as error:
        raise CameraError(f"read picture {what}: the header is damaged") from error
    raise CameraError(f"read picture {what}: not a JPEG, PNG or BMP")


def _bmp_size(data: bytes) -> tuple[int, int]:
    """A BMP's height is negative where its rows run downwards; headers of 12 bytes hold 16-bit sizes."""
    if struct.unpack_from("<I", data, 14)[0] == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return abs(int(width)), abs(int(height))


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Walk the segments: the largest of the frame headers counts, and so does the number of scans."""
    at, width, height, scans, segments = 2, 0, 0, 0, 0
    while (found := _JPEG_MARKER.search(data, at)) is not None:
        at, marker = found.end(), data[found.end() - 1]
        if marker == _EOI:
            break
        segments, scans = segments + 1, scans + (marker == _SOS)
        if segments > MAX_SEGMENTS or scans > MAX_SCANS:
            raise struct.error(f"more than {MAX_SEGMENTS} segments or {MAX_SCANS} scans")
        if marker in _JPEG_OTHER_SIZES:
            raise struct.error("coded in a way that no camera uses")
        if marker in _JPEG_SIZES:
            h, w = struct.unpack_from(">HH", data, at + 3)
            width, height = max(width, w), max(height, h)
        at += int(struct.unpack_from(">H", data, at)[0])
    return width, height


class ImageCamera:
    """A picture or a folder of pictures.  Pictures carry no time, so they are set one second apart.

    Raises CameraError when made if there is no picture there.
    """

    def __init__(self, config: CameraConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._paths = _pictures(config)
        self._handed = 0
        self._undecodable = 0

    @property
    def name(self) -> str:
        """The camera's name in the configuration."""
        return self._config.name

    @property
    def live(self) -> bool:
        """Pictures wait."""
        return False

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Every picture that can be decoded, in the order of the names; the others are counted as ``undecodable``."""
        self._handed = self._undecodable = 0
        for number, path in enumerate(self._paths):
            if stop.is_set():
                return
            try:
                image = read_image(path)
            except CameraError:
                self._undecodable += 1
                continue
            self._handed += 1
            yield Frame(camera=self.name, number=number, image=image, at=self._clock.now(), media_s=float(number))

    def rest(self, until_s: float) -> None:
        """Every picture of a folder is handed out."""

    def counts(self) -> CameraCounts:
        """The accounts so far."""
        return CameraCounts(received=self._handed + self._undecodable, dropped={"undecodable": self._undecodable})


def _pictures(config: CameraConfig) -> tuple[Path, ...]:
    path = Path(config.source)
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise CameraError(f"open camera `{config.name}`: no such picture or folder {path}")
    paths = sorted(each for each in path.iterdir() if each.suffix.lower() in PICTURE_SUFFIXES and each.is_file())
    if not paths:
        raise CameraError(f"open camera `{config.name}`: no JPEG, PNG or BMP picture in {path}")
    return tuple(paths)
