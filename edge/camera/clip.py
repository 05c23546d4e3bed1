"""A recorded clip as a source of frames, through OpenCV's FFmpeg.

Every frame is handed out, or, with ``realtime``, the clip plays at its own speed like a camera: the newest frames win.

How a damaged clip behaves (tried with H.264, MPEG-4 and MJPEG in MP4, MKV, AVI and TS): slight damage is concealed and
cannot be told from a whole picture; beyond that ``grab`` fails once or more and then goes on, or pictures silently stay
out, or come behind their time.  So a failure does not end a clip until many come in a row, and what is missing is
seen from the time stamps: where they lie on the grid of the clip's frame rate, the grid's empty places are the pictures
that were lost.  A clip whose stamps are on no grid (variable frame rate, AVI, raw streams) is counted by its failures
alone, and what its container left out in silence is not known.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.camera.grey import grey_of
from edge.camera.interface import CameraCounts
from edge.camera.newest import NewestFrames
from edge.clock import Clock
from edge.config import CameraConfig
from edge.errors import CameraError
from edge.records import Frame, Image

MAX_FAILURES = 5000  # in a row: a damaged stretch of three minutes at 25 fps; at the end of a clip they cost microseconds
MAX_PIXELS = 8192 * 4320
MAX_LAG_S = 0.5  # a decoder further behind real time than this loses frames, as a camera's would
_GRID_SLACK = 0.08  # frames: stamps in whole milliseconds are off by up to 0.06 of a frame at 120 fps
_REORDER = 16  # frames: H.264 and H.265 reorder no deeper than this
_NO_FPS_S = 1 / 25  # the step between frames of a clip that tells neither stamps nor frame rate
_MP4 = (b"ftyp", b"moov")  # its index counts the frames; other containers estimate
_AVI = b"AVI "  # knows no presentation times and often states twice the frame rate


class _Grid:
    """Turns a clip's time stamps into frame numbers and strictly increasing times, and finds what was lost."""

    def __init__(self, fps: float, stamped: bool) -> None:
        self._fps = fps if 0 < fps < 1000 else 0.0
        self.regular = stamped and self._fps > 0
        self.next = 0
        self._failures = 0
        self._lost_by_failure = 0
        self._left_out = 0
        self._backward = 0
        self._last_s: float | None = None

    @property
    def lost(self) -> int:
        """Frames that should have come before the last one and did not."""
        return self._lost_by_failure + self._left_out

    def failed(self, times: int) -> None:
        """``times`` reads failed before the frame that comes next."""
        self._failures += times

    def place(self, media_s: float) -> tuple[int, float] | None:
        """The frame's number and its time; numbers of lost frames are left out.

        None for a picture that comes behind its time, which only damage makes: its place was given up as lost already.
        """
        failures, self._failures = self._failures, 0
        in_order = self._last_s is None or media_s > self._last_s
        self._backward = 0 if in_order else self._backward + 1
        if self.next == 1 and media_s == self._last_s:
            self.regular = False  # a raw stream: every stamp is 0
        if self.regular and not in_order and self._backward <= _REORDER:
            return None
        step = self._step(media_s)
        if self.regular and not failures and (abs(step - round(step)) > _GRID_SLACK or not in_order):
            self.regular = False
            self._left_out = 0  # uneven steps are how this clip was made
        lost = self._lost(step, failures)
        if failures:
            self._lost_by_failure += lost
        else:
            self._left_out += lost
        number = self.next + lost
        self.next = number + 1
        if self._last_s is not None and not in_order:
            media_s = self._last_s + (1 / self._fps if self._fps else _NO_FPS_S)
        self._last_s = media_s
        return number, media_s

    def _step(self, media_s: float) -> float:
        """How many places after the last frame this one stands; the first frame should stand at 0."""
        return media_s * self._fps + 1 if self._last_s is None else (media_s - self._last_s) * self._fps

    def _lost(self, step: float, failures: int) -> int:
        """How many frames are missing before this one.  A broken stamp may say anything; not everything is believed."""
        if not self.regular:
            return failures
        return max(0, round(step) - 1) if step <= MAX_FAILURES else 0


class ClipCamera:
    """One recorded clip.  Raises CameraError when made if there is no such file."""

    def __init__(self, config: CameraConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._path = Path(config.source)
        if not self._path.is_file():
            raise CameraError(f"open camera `{config.name}`: no such file {self._path}")
        self._handed = self._late = self._undecodable = self._rested = 0
        self._rest_until_s = 0.0

    @property
    def name(self) -> str:
        """The camera's name in the configuration."""
        return self._config.name

    @property
    def live(self) -> bool:
        """True if the clip plays at its own speed."""
        return self._config.realtime

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """The clip's frames.  Raises CameraError if the file is no clip or no frame can be decoded."""
        self._handed = self._late = self._undecodable = self._rested = 0
        self._rest_until_s = 0.0
        capture = self._open()
        frames = self._paced(capture, stop) if self._config.realtime else self._decoded(capture, stop)
        with closing(frames):
            for frame in frames:
                self._handed += 1
                yield frame

    def rest(self, until_s: float) -> None:
        """Frames before ``until_s`` are decoded, since later ones need them, and not turned into pictures."""
        self._rest_until_s = until_s

    def counts(self) -> CameraCounts:
        """The accounts so far."""
        dropped = {"late": self._late, "undecodable": self._undecodable}
        received = self._handed + self._rested + sum(dropped.values())
        return CameraCounts(received=received, dropped=dropped, rested=self._rested)

    def _open(self) -> cv2.VideoCapture:
        """One decoding thread: the line has the other cores, and frame threads would add latency."""
        capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        if not capture.isOpened():
            raise CameraError(f"open camera `{self.name}`: {self._path} is not a clip that can be decoded")
        width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if width * height > MAX_PIXELS:
            capture.release()
            raise CameraError(f"open camera `{self.name}`: {self._path} is larger than 8192x4320")
        return capture

    def _decoded(
        self, capture: cv2.VideoCapture, stop: threading.Event, began_ns: int | None = None
    ) -> Generator[Frame, None, None]:
        """Every frame that is wanted, in order; ``began_ns`` is the boot time at which a clip played in real time began: then
        each when it is due."""
        grid = _Grid(capture.get(cv2.CAP_PROP_FPS), stamped=_AVI not in _head(self._path))
        failed_ever = False
        decoded = blank = 0
        try:
            while not stop.is_set():
                failures = _failures_before_frame(capture)
                if failures is None:
                    break
                failed_ever |= failures > 0
                grid.failed(failures)
                decoded += 1
                place = grid.place(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
                if place is None:
                    continue
                number, media_s = place
                self._undecodable = grid.lost + blank
                if began_ns is not None and not self._is_in_time(began_ns, media_s, stop):
                    self._late += 1
                    continue
                if media_s < self._rest_until_s:
                    self._rested += 1
                    continue
                image = _retrieve(capture)
                blank += image is None
                self._undecodable = grid.lost + blank
                if image is not None:
                    yield self._frame(number, image, media_s)
            if decoded == 0 and not stop.is_set():
                raise CameraError(f"read camera `{self.name}`: no frame of {self._path} can be decoded")
            if grid.regular and not stop.is_set():
                self._undecodable += _lost_tail(self._path, capture, grid.next, failed_ever)
        finally:
            capture.release()

    def _frame(self, number: int, image: Image, media_s: float) -> Frame:
        at = self._clock.now()
        return Frame(camera=self.name, number=number, image=image, at=at, media_s=media_s, grey=grey_of(image))

    def _is_in_time(self, began_ns: int, media_s: float, stop: threading.Event) -> bool:
        """Wait until the frame is due; whether that is now, and neither long ago nor never."""
        behind_s = (self._clock.now().boottime_ns - began_ns) / 1e9 - media_s
        if behind_s < 0:
            return not stop.wait(-behind_s)
        return behind_s <= MAX_LAG_S

    def _paced(self, capture: cv2.VideoCapture, stop: threading.Event) -> Generator[Frame, None, None]:
        """Play the clip at its own speed from a thread; the line takes the newest frames."""
        newest = NewestFrames()
        over = threading.Event()
        failures: list[CameraError] = []
        thread = threading.Thread(
            target=self._play, args=(capture, newest, over, failures), name=f"play {self.name}", daemon=True
        )
        thread.start()
        try:
            while (frame := newest.take(stop)) is not None:
                yield frame
            if failures:
                raise failures[0]
        finally:
            over.set()
            thread.join()
            self._late += newest.discard()

    def _play(
        self, capture: cv2.VideoCapture, newest: NewestFrames, over: threading.Event, failures: list[CameraError]
    ) -> None:
        try:
            for frame in self._decoded(capture, over, self._clock.now().boottime_ns):
                self._late += newest.put(frame)
        except CameraError as error:
            failures.append(error)
        finally:
            newest.end()


def _failures_before_frame(capture: cv2.VideoCapture) -> int | None:
    """Grab the next frame; how many grabs failed before it, or None at the end of the clip."""
    for failures in range(MAX_FAILURES):
        if capture.grab():
            return failures
    return None


def _retrieve(capture: cv2.VideoCapture) -> Image | None:
    """The grabbed frame as BGR in memory of its own, or None if it is no picture."""
    try:
        good, image = capture.retrieve()
    except cv2.error:
        return None
    return np.asarray(image, np.uint8) if good and image is not None and image.ndim == 3 else None


def _head(path: Path) -> bytes:
    """The bytes in which a container says its kind."""
    with path.open("rb") as file:
        return file.read(16)


def _lost_tail(path: Path, capture: cv2.VideoCapture, seen: int, failed: bool) -> int:
    """How many frames after the last decoded one the container's index promises.

    An MP4 cut without re-encoding also lists frames before the cut, which are not meant to be shown; so a difference
    counts only if a read failed or the file holds fewer packets than its index says.
    """
    promised = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    if promised <= seen or not any(word in _head(path) for word in _MP4):
        return 0
    return promised - seen if failed or _packets(path) < promised else 0


def _packets(path: Path) -> int:
    """How many packets of the video stream the file really holds; nothing is decoded."""
    raw: list[Any] = [cv2.CAP_PROP_FORMAT, -1]
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, raw)
    packets = 0
    try:
        while _failures_before_frame(capture) is not None:
            packets += 1
    finally:
        capture.release()
    return packets
