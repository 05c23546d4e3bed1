"""A window on the line: the calibration page looks at the frames that the unit works on, without opening the camera or decoding
anything a second time.

A Unix socket in the unit's data folder, open to the unit's own account and to root, for one onlooker at a time.  The onlooker
names a camera, is given a piece of shared memory, and asks for each frame (``n``); the line copies the next one into it and
sends where the plates are.  A frame that nobody has asked for costs the line one comparison.  What the policy forbids to
capture is not shown either, and the line never waits for an onlooker.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec
import numpy as np
from msgspec import Struct

from edge.errors import CameraError
from edge.journal import Journal
from edge.records import Detection, Frame, Image, Point, Read, Reading

SOCKET_FILE = "window.sock"
_WISH = b"n"
_MESSAGE_BYTES = 1 << 16
_PLATES_AT_MOST = 64
_LOOK_S = 0.5
_SILENT_S = 10.0  # without a word from the line: its camera or the unit stands still


class FoundPlate(Struct, frozen=True, kw_only=True):
    """A plate of one frame: corners in full-frame pixels, the detector's confidence, and the text where it was read."""

    corners: tuple[Point, Point, Point, Point]
    confidence: float
    text: str = ""
    text_confidence: float = 0.0


class Passed(Struct, frozen=True, kw_only=True, tag="passed"):
    """A vehicle has passed and this is what was read of its plate, before any decision about it."""

    text: str
    confidence: float
    readings: int
    frames: int
    plate_width_px: float

    @classmethod
    def of(cls, read: Read) -> Passed:
        """What is told of a read."""
        return cls(
            text=read.text,
            confidence=read.confidence,
            readings=read.readings,
            frames=read.frames,
            plate_width_px=read.plate_width_px,
        )


class Blind(Struct, frozen=True, kw_only=True, tag="blind"):
    """There is nothing to see: the camera was ``lost``, or a rule (``why``) forbids capture here and now."""

    kind: Literal["lost", "barred"]
    why: str


class View(Struct, frozen=True, kw_only=True):
    """One frame as the line saw it."""

    image: Image
    number: int
    media_s: float
    plates: tuple[FoundPlate, ...]


class _Shown(Struct, frozen=True, kw_only=True, tag="shown"):
    """What is told of a frame that lies in the shared memory now."""

    shape: tuple[int, ...]
    number: int
    media_s: float
    plates: tuple[FoundPlate, ...]


class _Refused(Struct, frozen=True, kw_only=True, tag="refused"):
    why: str


class Window(Protocol):
    """What a line tells whoever looks on."""

    def show(self, frame: Frame, detections: Sequence[Detection], readings: Sequence[Reading]) -> None:
        """A frame was captured and this was found on it."""
        ...

    def passed(self, read: Read) -> None:
        """A pass has ended."""
        ...

    def blind(self, camera: str, kind: Literal["lost", "barred"], why: str) -> None:
        """There is nothing to show of this camera."""
        ...

    def close(self) -> None:
        """The unit has ended; whoever looks on is told."""
        ...


class NoWindow:
    """For a unit that nobody may look into."""

    def show(self, frame: Frame, detections: Sequence[Detection], readings: Sequence[Reading]) -> None:
        """Nothing."""

    def passed(self, read: Read) -> None:
        """Nothing."""

    def blind(self, camera: str, kind: Literal["lost", "barred"], why: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def found_plates(detections: Sequence[Detection], readings: Sequence[Reading]) -> tuple[FoundPlate, ...]:
    """The plates of one frame, with the texts of those that were read in it; what nothing vouches for is left out."""
    read = {id(each.detection): each for each in readings if each.is_plate}
    shown = [(each, read.get(id(each))) for each in detections if each.sure or id(each) in read]
    return tuple(
        FoundPlate(
            corners=detection.corners,
            confidence=float(detection.confidence),
            text="" if reading is None else reading.text,
            text_confidence=0.0 if reading is None else float(reading.confidence),
        )
        for detection, reading in shown[:_PLATES_AT_MOST]
    )


class _Onlooker:
    """The one who looks: its camera, its connection, the memory it shares with us, and whether it wants a frame."""

    def __init__(self, connection: socket.socket, camera: str) -> None:
        self.camera, self._connection = camera, connection
        self._memory = os.memfd_create("window", os.MFD_CLOEXEC)
        self._room: mmap.mmap | None = None
        self._sending = threading.Lock()
        self.wants = False
        socket.send_fds(connection, [msgspec.json.encode(Blind(kind="lost", why="no picture yet"))], [self._memory])

    def give(self, image: Image, told: _Shown) -> None:
        if self._room is None or len(self._room) < image.nbytes:
            os.ftruncate(self._memory, image.nbytes)
            self._room = mmap.mmap(self._memory, image.nbytes)
        np.frombuffer(self._room, np.uint8, image.nbytes).reshape(image.shape)[...] = image
        self.tell(told)

    def tell(self, message: Struct) -> None:
        """Send without waiting.  Raises OSError if the onlooker is gone or takes nothing."""
        with self._sending:
            self._connection.send(msgspec.json.encode(message), socket.MSG_DONTWAIT)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


class SocketWindow:
    """The unit's end; a thread of its own waits for onlookers.  Raises OSError if the socket cannot be made."""

    def __init__(self, folder: Path, cameras: Sequence[str], journal: Journal) -> None:
        self._cameras, self._journal = tuple(cameras), journal
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with _short_path(folder) as short:
            (folder / SOCKET_FILE).unlink(missing_ok=True)  # of a run that was killed; the outbox lets only one unit run
            before = os.umask(0o177)
            try:
                self._listener.bind(short)
            finally:
                os.umask(before)
        self._listener.listen(2)
        self._onlooker: _Onlooker | None = None
        threading.Thread(target=self._wait, name="window", daemon=True).start()

    def show(self, frame: Frame, detections: Sequence[Detection], readings: Sequence[Reading]) -> None:
        """Give the frame to the onlooker, if one of this camera has asked for it."""
        onlooker = self._onlooker
        if onlooker is None or not onlooker.wants or onlooker.camera != frame.camera:
            return
        onlooker.wants = False
        image = frame.image
        shown = _Shown(shape=image.shape, number=frame.number, media_s=frame.media_s, plates=found_plates(detections, readings))
        with contextlib.suppress(OSError):  # its own thread notices that it is gone
            onlooker.give(image, shown)

    def passed(self, read: Read) -> None:
        """Tell the onlooker of this camera what was read."""
        self._tell(read.camera, Passed.of(read))

    def blind(self, camera: str, kind: Literal["lost", "barred"], why: str) -> None:
        """Tell the onlooker of this camera why it sees nothing; where it asked for a frame, once for each time it asks."""
        onlooker = self._onlooker
        if onlooker is None or onlooker.camera != camera or (kind == "barred" and not onlooker.wants):
            return
        if kind == "barred":
            onlooker.wants = False
        self._tell(camera, Blind(kind=kind, why=why))

    def close(self) -> None:
        """Let nobody in any more, and send away who is."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        onlooker = self._onlooker
        if onlooker is not None:
            onlooker.close()

    def _tell(self, camera: str, message: Struct) -> None:
        onlooker = self._onlooker
        if onlooker is not None and onlooker.camera == camera:
            try:
                onlooker.tell(message)
            except OSError:
                onlooker.close()

    def _wait(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(connection,), name="onlooker", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        """One onlooker, from its first word to its last."""
        with connection, contextlib.suppress(OSError):
            camera = connection.recv(256).decode(errors="replace")
            if camera not in self._cameras:
                connection.send(msgspec.json.encode(_Refused(why=f"the unit has no camera of this name; it has {self._names}")))
                return
            if self._onlooker is not None:
                connection.send(msgspec.json.encode(_Refused(why="somebody else looks through the unit's window already")))
                return
            onlooker = self._onlooker = _Onlooker(connection, camera)
            self._journal.info("window opened", camera=camera)
            try:
                while connection.recv(16):
                    onlooker.wants = True
            finally:
                self._onlooker = None
                self._journal.info("window closed", camera=camera)

    @property
    def _names(self) -> str:
        return ", ".join(self._cameras)


class Looking:
    """The page's end: what the line of one camera sees, while the unit runs."""

    def __init__(self, folder: Path, camera: str) -> None:
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with _short_path(folder) as short:
                self._connection.connect(short)
            self._connection.settimeout(_LOOK_S)
            self._connection.send(camera.encode())
            message, descriptors, _, _ = socket.recv_fds(self._connection, _MESSAGE_BYTES, 1)
        except OSError as error:
            self._connection.close()
            raise CameraError(f"look at camera `{camera}` through the unit: {error.strerror or error}") from error
        if not descriptors:
            self._connection.close()
            refused = msgspec.json.decode(message, type=_Refused)
            raise CameraError(f"look at camera `{camera}` through the unit: {refused.why}")
        self._memory = descriptors[0]

    def views(self, stop: threading.Event, wanted: threading.Event) -> Iterator[View | Passed | Blind]:
        """What comes, frames only while ``wanted`` is set.  Ends with a last :class:`Blind` when the unit ends; the caller sets
        the pace by how fast it takes frames."""
        asked, silent_s = False, 0.0
        while not stop.is_set():
            if wanted.is_set() and not asked:
                asked = self._ask()
            message = self._receive()
            if message is None:
                silent_s = silent_s + _LOOK_S if asked else 0.0
                if silent_s >= _SILENT_S:
                    silent_s = 0.0
                    yield Blind(kind="lost", why="the unit runs, but its camera sends nothing")
                continue
            silent_s = 0.0
            if isinstance(message, _Refused):
                yield Blind(kind="lost", why=message.why)
                return
            if isinstance(message, _Shown):
                asked = False
                yield View(
                    image=self._image(message.shape), number=message.number, media_s=message.media_s, plates=message.plates
                )
            else:
                asked = asked and not (isinstance(message, Blind) and message.kind == "barred")
                yield message

    def close(self) -> None:
        """Look no more."""
        self._connection.close()
        os.close(self._memory)

    def _ask(self) -> bool:
        with contextlib.suppress(OSError):  # the end of the unit is heard when we listen
            self._connection.send(_WISH)
        return True

    def _receive(self) -> _Shown | Passed | Blind | _Refused | None:
        """The next message, None where none came for a while."""
        try:
            data = self._connection.recv(_MESSAGE_BYTES)
        except TimeoutError:
            return None
        except OSError:
            data = b""
        if not data:
            return _Refused(why="the unit has stopped")
        return msgspec.json.decode(data, type=_Shown | Passed | Blind | _Refused)

    def _image(self, shape: tuple[int, ...]) -> Image:
        size = int(np.prod(shape))
        with mmap.mmap(self._memory, size, access=mmap.ACCESS_READ) as room:
            return np.frombuffer(room[:], np.uint8).reshape(shape)


def is_open(folder: Path) -> bool:
    """Whether a unit runs that lets somebody look on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        try:
            with _short_path(folder) as short:
                probe.connect(short)
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _short_path(folder: Path) -> Iterator[str]:
    """The socket's path by way of its folder's descriptor: a socket's address holds 107 characters, a path may have more."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET_FILE}"
    finally:
        os.close(descriptor)
