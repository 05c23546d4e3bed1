"""The reader process of a live source: opens it, decodes every frame, keeps the newest, hands it over when asked.

Every frame is decoded, since later ones need it; only those that may be wanted are turned into pictures.

A process of its own, because a decoder that hangs in native code cannot be interrupted and one that grows cannot be
emptied; both can be killed.  It imports nothing of the project, knows the address only from its standard input (never
from its arguments or environment, which others can read), writes no core, and what FFmpeg says is turned into a fixed
word here, because FFmpeg repeats addresses with their passwords.

Standard input: one JSON line (``_order`` in ``stream.py`` writes it), then one :data:`WISH` for each frame wanted, which says
from when on (boot time) a frame may be one; end of input means stop.  Standard output: fixed records of :data:`MESSAGE`.  The
picture lies in a shared memory file, and is left alone until the next wish.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import mmap
import os
import resource
import select
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

MESSAGE = struct.Struct("<cqqqdiii")  # kind, number, rested, grabbed_ns (boot time), stream_s, width, height, why
WISH = struct.Struct("<q")  # not_before_ns (boot time)
STARTED, OPENED, FRAME, ENDED = b"S", b"O", b"F", b"E"

SILENT, REFUSED, NO_STREAM, NO_ANSWER, UNKNOWN_HOST, NO_ROUTE, CLOSED, OVER, GROWN, LARGE = range(10)
WORDS = {
    SILENT: "no picture came",
    REFUSED: "the camera refuses the user or the password",
    NO_STREAM: "the camera has no such stream",
    NO_ANSWER: "no answer in time",
    UNKNOWN_HOST: "the host name is unknown",
    NO_ROUTE: "there is no route to the camera",
    CLOSED: "the camera refuses the connection",
    OVER: "the stream ended",
    GROWN: "the reader outgrew its memory and was replaced",
    LARGE: "the picture is larger than 8192x4320",
}
_SAID = (  # what FFmpeg writes, lower case, and what it means
    (b"401 ", REFUSED),
    (b"403 ", REFUSED),
    (b"404 ", NO_STREAM),
    (b"connection refused", CLOSED),
    (b"failed to resolve", UNKNOWN_HOST),
    (b"name or service not known", UNKNOWN_HOST),
    (b"no route to host", NO_ROUTE),
    (b"network is unreachable", NO_ROUTE),
    (b"timed out", NO_ANSWER),
    (b"timeout", NO_ANSWER),
)
_MAX_PIXELS = 8192 * 4320
_LOOK_S = 0.25
_CLOSE_S = 1.0


class _Newest:
    """The newest frame of the grabbing thread, or why there will be none."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.frame: Any = None
        self.number = -1
        self.rested = 0  # frames that nobody wanted when they came
        self.grabbed_ns = 0
        self.stream_s = 0.0
        self.why: int | None = None
        self.not_before_ns = 0  # of the last wish
        self.wished = False  # it is open

    def wish(self, not_before_ns: int) -> None:
        """Somebody waits for a frame; one that came too early for it is one that nobody wanted."""
        with self.condition:
            self.not_before_ns, self.wished = not_before_ns, True
            if self.frame is not None and self.grabbed_ns < not_before_ns:
                self.frame = None
                self.rested += 1

    def passes_over(self, now_ns: int) -> bool:
        """Whether the frame that was just grabbed is one that nobody wants: count it, and leave it as it is."""
        with self.condition:
            if not self.wished or now_ns >= self.not_before_ns:
                return False  # a line that is busy yet may want it in a moment
            self.number += 1
            self.rested += 1
            return True

    def put(self, image: Any, grabbed_ns: int, stream_s: float) -> None:
        """A newer one."""
        with self.condition:
            self.frame, self.grabbed_ns, self.stream_s = image, grabbed_ns, stream_s
            self.number += 1
            self.condition.notify()


def main() -> None:
    """Serve one connection.  ``sys.argv[1]`` is the descriptor of the shared memory file."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a sandbox may forbid it, and forbids cores itself
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE, as edge.memory says
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    order = json.loads(sys.stdin.buffer.readline())
    shared = int(sys.argv[1])
    said = os.memfd_create("said")
    answers = os.dup(1)
    os.dup2(said, 1)  # OpenCV prints what FFmpeg says on standard output
    os.dup2(said, 2)
    import cv2  # after its outputs went where nobody reads them

    _send(answers, STARTED)
    capture = _open(cv2, order)
    if not capture.isOpened():
        _send(answers, ENDED, why=_meaning(said))
        return
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    os.close(said)
    _send(answers, OPENED)
    newest = _Newest()
    stop = threading.Event()
    thread = threading.Thread(target=_grab, args=(cv2, capture, newest, stop, order), daemon=True)
    thread.start()
    _serve(newest, shared, answers)
    stop.set()
    thread.join(_CLOSE_S)  # a camera that is told good-bye frees its session at once
    os._exit(0)


def _open(cv2: Any, order: dict[str, Any]) -> Any:
    if order["device"]:
        return cv2.VideoCapture(order["source"], cv2.CAP_V4L2)
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        int(order["open_timeout_s"] * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        int(order["read_timeout_s"] * 1000),
        cv2.CAP_PROP_N_THREADS,
        1,  # frame threads would delay every picture by one frame each
    ]
    return cv2.VideoCapture(order["source"], cv2.CAP_FFMPEG, limits)


def _grab(cv2: Any, capture: Any, newest: _Newest, stop: threading.Event, order: dict[str, Any]) -> None:
    """Decode for ever; the newest frame replaces the one before it."""
    first_rss, why = 0, OVER
    while not stop.is_set() and capture.grab():
        grabbed_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if not newest.passes_over(grabbed_ns):
            good, image = capture.retrieve()
            if not good or image is None:
                break
            if image.shape[0] * image.shape[1] > _MAX_PIXELS:
                why = LARGE
                break
            newest.put(image, grabbed_ns, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        if (newest.number + 1) % order["measure_every"] == 0:
            rss = _rss_bytes()
            first_rss = first_rss or rss
            if rss - first_rss > order["growth_bytes"]:
                why = GROWN
                break
    capture.release()
    with newest.condition:
        newest.why = why
        newest.condition.notify()


def _serve(newest: _Newest, shared: int, answers: int) -> None:
    """Answer each wish with the newest frame that was not handed over yet; return at the end of input or stream."""
    room: mmap.mmap | None = None
    while (not_before_ns := _next_wish()) is not None:
        newest.wish(not_before_ns)
        while True:
            with newest.condition:
                if newest.frame is None and newest.why is None:
                    newest.condition.wait(_LOOK_S)
                frame, newest.frame = newest.frame, None
                newest.wished = frame is None
                number, rested = newest.number, newest.rested
                grabbed_ns, stream_s, why = newest.grabbed_ns, newest.stream_s, newest.why
            if frame is not None or why is not None:
                break
            if _input_ended():
                return
        if frame is None:
            _send(answers, ENDED, number=number, rested=rested, why=SILENT if number < 0 else why or OVER)
            return
        if frame.ndim == 2:
            frame = frame[:, :, None].repeat(3, axis=2)
        if room is None or len(room) != frame.nbytes:
            os.ftruncate(shared, frame.nbytes)
            room = mmap.mmap(shared, frame.nbytes)
        room[:] = memoryview(frame).cast("B")
        _send(answers, FRAME, number, rested, grabbed_ns, stream_s, frame.shape[1], frame.shape[0])


def _next_wish() -> int | None:
    """From when on a frame is wanted, boot time; None at the end of input."""
    data = os.read(0, WISH.size)
    return int(WISH.unpack(data)[0]) if len(data) == WISH.size else None


def _input_ended() -> bool:
    """Nothing is asked while a wish is open, so readable input means its end."""
    return bool(select.select([0], [], [], 0)[0])


def _send(
    answers: int,
    kind: bytes,
    number: int = -1,
    rested: int = 0,
    grabbed_ns: int = 0,
    stream_s: float = 0.0,
    width: int = 0,
    height: int = 0,
    why: int = SILENT,
) -> None:
    os.write(answers, MESSAGE.pack(kind, number, rested, grabbed_ns, stream_s, width, height, why))


def _meaning(said: int) -> int:
    """The fixed word for what FFmpeg wrote; the text itself goes nowhere."""
    size = os.fstat(said).st_size
    text = os.pread(said, 1 << 16, max(0, size - (1 << 16))).lower()
    return next((why for phrase, why in _SAID if phrase in text), NO_ANSWER if not text.strip() else SILENT)


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    main()
