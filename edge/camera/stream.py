"""Live sources: a network stream (RTSP over TCP) or a USB camera, read by a process of its own (``reader.py``).

The line takes the newest frame; older ones are counted as ``late``.  A reader that does not answer in time is killed.  A
lost stream is opened again for ever, with growing pauses of random length so that a street of cameras does not come
back in one moment; how long it was away is counted.

Why a process with OpenCV and not a thread, nor an ``ffmpeg`` program: a thread that hangs in native code cannot be
ended, and its memory growth is ours; ``ffmpeg`` takes the address with its password as an argument that every process
of the host can read, and gives no time stamps with raw frames.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
from msgspec import Struct

from edge.camera import reader
from edge.camera.grey import grey_of
from edge.camera.interface import CameraCounts, GapBegan
from edge.camera.source import SecretUrl, check_device, source_kind, stream_url
from edge.clock import Clock
from edge.config import CameraConfig
from edge.errors import CameraError
from edge.records import Frame, Image, Instant

START_S = 30.0  # a cold Raspberry Pi needs seconds to start Python and load OpenCV
STEADY_S = 10.0  # a connection that held this long starts again with the shortest pause
FIRST_PAUSE_S = 0.5
GROWTH_BYTES = 256 << 20  # then the reader is replaced; OpenCV's RTSP capture is known to grow by 1 to 30 MB an hour
MEASURE_EVERY = 500  # frames between two looks at the reader's memory
EARLY_S = 0.01  # frames of a stream come unevenly; one that comes so little before its time is taken
_LOOK_S = 0.2
_CLOSE_S = 0.6
_JUMP_S = 10.0  # a time stamp further than this from the one before it is not believed


class _Lost(Exception):
    """The connection is gone; ``why`` is one of the reader's fixed sentences."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _Message(Struct, frozen=True):
    """One record of the reader, see ``reader.MESSAGE``."""

    kind: bytes
    number: int
    rested: int
    grabbed_ns: int
    stream_s: float
    width: int
    height: int
    why: int


class _Reader:
    """One reader process and the shared memory in which it leaves pictures."""

    def __init__(self, config: CameraConfig, url: SecretUrl | None) -> None:
        self._config = config
        self._shared = os.memfd_create(f"frames-{config.name}")
        self._room: mmap.mmap | None = None
        root = str(Path(__file__).parents[2])
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
            "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;tcp",
            "OPENCV_FFMPEG_LOGLEVEL": "16",  # AV_LOG_ERROR, read and judged inside the reader
            "OPENCV_LOG_LEVEL": "WARNING",  # the same for OpenCV's own time-outs
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", reader.__name__, str(self._shared)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[self._shared],
            env=environment,
            start_new_session=True,
            bufsize=0,
        )
        self._write(_order(config, url))

    @property
    def pid(self) -> int:
        """The process id, so that a test can stop it."""
        return self._process.pid

    def open(self, stop: threading.Event) -> None:
        """Wait until the source is open.  Raises _Lost with the reason if it cannot be opened in time."""
        self._receive(stop, START_S, reader.STARTED)
        self._receive(stop, self._config.open_timeout_s, reader.OPENED)

    def next(self, stop: threading.Event, timeout_s: float, not_before_ns: int) -> tuple[_Message, Image]:
        """The newest frame, BGR in memory of its own, if it came at ``not_before_ns`` or later, else the next one that does.
        Raises _Lost."""
        self._write(reader.WISH.pack(not_before_ns))
        message = self._receive(stop, timeout_s, reader.FRAME)
        size = message.width * message.height * 3
        if self._room is None or len(self._room) != size:
            self._room = mmap.mmap(self._shared, size, access=mmap.ACCESS_READ)
        image = np.frombuffer(self._room, np.uint8).reshape(message.height, message.width, 3).copy()
        return message, image

    def close(self) -> None:
        """Let the process say good-bye to the camera; kill it if it does not."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._room is not None:
            self._room.close()
        os.close(self._shared)

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
        except OSError as error:
            raise _Lost("the reader process ended") from error

    def _receive(self, stop: threading.Event, timeout_s: float, wanted: bytes) -> _Message:
        """The next message, looking at ``stop`` five times a second."""
        assert self._process.stdout is not None
        left_s = timeout_s
        while not select.select([self._process.stdout], [], [], min(_LOOK_S, max(left_s, 0)))[0]:
            left_s -= _LOOK_S
            if stop.is_set():
                raise _Lost("told to stop")
            if left_s <= 0:
                raise _Lost(reader.WORDS[reader.NO_ANSWER])
        data = self._process.stdout.read(reader.MESSAGE.size)
        if not data:
            raise _Lost("the reader process ended")
        message = _Message(*reader.MESSAGE.unpack(data))
        if message.kind != wanted:
            raise _Ended(reader.WORDS[message.why], message.number, message.rested)
        return message


class _Ended(_Lost):
    """The reader says that the source is over; ``number`` is the last frame it decoded, ``rested`` how many nobody wanted."""

    def __init__(self, why: str, number: int, rested: int) -> None:
        super().__init__(why)
        self.number, self.rested = number, rested


def _order(config: CameraConfig, url: SecretUrl | None) -> bytes:
    order = {
        "source": url.reveal() if url else config.source,
        "device": url is None,
        "open_timeout_s": config.open_timeout_s,
        "read_timeout_s": config.read_timeout_s,
        "growth_bytes": GROWTH_BYTES,
        "measure_every": MEASURE_EVERY,
    }
    return json.dumps(order).encode() + b"\n"


class StreamCamera:
    """One live source.  Raises ConfigError (address, credentials) or CameraError (no such device) when made."""

    def __init__(self, config: CameraConfig, clock: Clock, tell: Callable[[str], None] | None = None) -> None:
        self._config = config
        self._clock = clock
        self._tell = tell or (lambda words: None)
        self._device = source_kind(config.source) == "device"
        self._url = None if self._device else stream_url(config)
        if self._device:
            check_device(config)
        self._last_s, self._last_ns, self._not_before_ns = -1.0, 0, 0
        self._reset()

    def __repr__(self) -> str:
        return f"StreamCamera({self._config.name!r}, {self._config.source!r})"

    @property
    def name(self) -> str:
        """The camera's name in the configuration."""
        return self._config.name

    @property
    def live(self) -> bool:
        """A stream goes on by itself."""
        return True

    @property
    def reader_pid(self) -> int | None:
        """The process that reads at this moment, for a health check; None between connections."""
        return self._reader.pid if self._reader else None

    def frames(self, stop: threading.Event) -> Iterator[Frame | GapBegan]:
        """The newest frames, for ever.  Raises CameraError if a device that is there cannot be opened."""
        self._reset()
        pause_s = FIRST_PAUSE_S
        while not stop.is_set():
            began_ns = self._now_ns()
            try:
                yield from self._connection(stop)
            except _Lost as lost:
                if stop.is_set():
                    break
                if self._device and self._handed == 0:
                    raise CameraError(f"open camera `{self.name}`: {self._config.source}: {lost.why}") from lost
                if self._begin_gap(lost.why) and self._handed:
                    yield GapBegan()
            if self._now_ns() - began_ns > STEADY_S * 1e9:
                pause_s = FIRST_PAUSE_S
            stop.wait(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(pause_s * 2, self._config.backoff_max_s)
        self._end_gap(resumed=False)

    def rest(self, until_s: float) -> None:
        """Frames that come before are decoded by the reader and not turned into pictures."""
        rest_s = until_s - self._last_s - EARLY_S
        self._not_before_ns = self._last_ns + int(rest_s * 1e9) if 0 < rest_s < self._config.read_timeout_s / 2 else 0

    def counts(self) -> CameraCounts:
        """The accounts so far.  Frames that came while nobody waited for one before the end are not known."""
        gap_ns = self._gap_ns + (self._now_ns() - self._gap_began_ns if self._gap_began_ns is not None else 0)
        return CameraCounts(
            received=self._known,
            dropped={"late": self._known - self._rested - self._handed},
            gaps=self._gaps,
            gap_s=gap_ns / 1e9,
            rested=self._rested,
        )

    def _reset(self) -> None:
        self._known = self._handed = self._rested = self._gaps = self._gap_ns = 0
        self._last_ns = self._not_before_ns = 0
        self._gap_began_ns: int | None = None
        self._why = ""
        self._reader: _Reader | None = None
        self._began_ns: int | None = None
        self._last_s = -1.0
        self._gap_from_ns = 0

    def _connection(self, stop: threading.Event) -> Iterator[Frame]:
        """One connection from opening to loss.  Raises _Lost."""
        lost_from_ns = self._now_ns()
        self._reader = link = _Reader(self._config, self._url)
        base, rested = self._known, self._rested
        stamps = _Stamps()
        timeout_s = self._config.open_timeout_s  # the first picture may have to wait for a key frame
        try:
            link.open(stop)
            while not stop.is_set():
                message, image = link.next(stop, timeout_s, self._not_before_ns)
                timeout_s = self._config.read_timeout_s
                self._end_gap(resumed=True)
                self._known, self._rested = base + message.number + 1, rested + message.rested
                frame = self._frame(base + message.number, image, message, stamps)
                self._handed += 1
                yield frame
                lost_from_ns = self._now_ns()
        except _Lost as lost:
            if isinstance(lost, _Ended) and lost.number >= 0:
                self._known = max(self._known, base + lost.number + 1)
                self._rested = max(self._rested, rested + lost.rested)
            self._gap_from_ns = lost_from_ns
            raise
        finally:
            self._reader = None
            link.close()

    def _frame(self, number: int, image: Image, message: _Message, stamps: _Stamps) -> Frame:
        at = self._instant(message.grabbed_ns)
        if self._began_ns is None:
            self._began_ns = message.grabbed_ns
        media_s = stamps.place(message.stream_s, (message.grabbed_ns - self._began_ns) / 1e9)
        self._last_s = media_s = max(media_s, self._last_s + 1e-6)
        self._last_ns, self._not_before_ns = message.grabbed_ns, 0
        return Frame(camera=self.name, number=number, image=image, at=at, media_s=media_s, grey=grey_of(image))

    def _instant(self, grabbed_ns: int) -> Instant:
        """The moment at which the reader got the frame, which is before this one."""
        now = self._clock.now()
        age_ns = max(0, now.boottime_ns - grabbed_ns)
        return Instant(
            utc=now.utc - timedelta(microseconds=age_ns / 1000),
            boottime_ns=now.boottime_ns - age_ns,
            boot_id=now.boot_id,
            quality=now.quality,
        )

    def _begin_gap(self, why: str) -> bool:
        """Count and tell a gap; whether it is a new one and not the old one that goes on."""
        new = self._gap_began_ns is None
        if new:
            self._gaps += 1
            self._gap_began_ns = self._gap_from_ns
        if why != self._why:
            self._tell(f"camera `{self.name}`: {why}; trying again for ever")
            self._why = why
        return new

    def _end_gap(self, resumed: bool) -> None:
        if self._gap_began_ns is None:
            return
        gap_ns = self._now_ns() - self._gap_began_ns
        self._gap_ns, self._gap_began_ns, self._why = self._gap_ns + gap_ns, None, ""
        if resumed:
            self._tell(f"camera `{self.name}`: pictures come again after {gap_ns / 1e9:.1f} s")

    def _now_ns(self) -> int:
        return self._clock.now().boottime_ns


class _Stamps:
    """The stream's own time stamps, fitted to the arrival of a connection's first frame; arrival where they are broken."""

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self._last_s = 0.0

    def place(self, stream_s: float, arrival_s: float) -> float:
        """Seconds since the camera's first frame; ``arrival_s`` counts from there too."""
        if self._offset_s is None or not 0 < stream_s - self._last_s < _JUMP_S:
            self._offset_s = arrival_s - stream_s
        self._last_s = stream_s
        return stream_s + self._offset_s
