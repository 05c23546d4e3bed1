"""How much faster the line searches and reads a frame than its peer, both on one thread, on the same frame, by turns."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from statistics import median

import cv2
from msgspec import Struct

from edge.bench.peer import Peer
from edge.camera.interface import Camera
from edge.detector.interface import Detector
from edge.errors import CameraError
from edge.recognizer.interface import Recognizer
from edge.records import Detection, Frame, Image

ROUNDS, WARM_UP = 60, 5
NARROWEST_PX = 80.0
"""The frame is one on which the plate is at least so wide: a plate that a unit would read."""


class Speed(Struct, frozen=True, kw_only=True):
    """Milliseconds a frame (medians over ``rounds``; what a busy machine makes of them) and the median of the rounds'
    ratios, which load on both alike leaves alone."""

    rounds: int
    ours_ms: float
    peer_ms: float
    ratio: float


class Line(Struct, frozen=True, kw_only=True):
    """A detector and a reader."""

    detector: Detector
    recognizer: Recognizer


def frame_with_plate(camera: Camera, detector: Detector) -> tuple[Frame, Detection]:
    """The first frame with exactly one plate, of a width worth reading.  Raises CameraError if there is none."""
    for frame in camera.frames(threading.Event()):
        if isinstance(frame, Frame):
            found = detector.detect(frame)
            if len(found) == 1 and found[0].sure and found[0].box.w >= NARROWEST_PX:
                return frame, found[0]
    raise CameraError("measure speed: no frame of the clip has exactly one plate that the detector is sure of")


def compare(lines: Sequence[Line], frame: Frame, plate: Detection) -> tuple[Speed, ...]:
    """The speed of each line against the peer, all of them by turns in one loop.

    One turn of a line is what it does with a frame that holds one plate: shrink, search, straighten, read.  One of the peer
    is the same work in its way (:class:`edge.bench.peer.Peer`).  Raises ConfigError if the peer cannot be drawn."""
    peer, cut = Peer(), _cut(frame.image, plate)
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        spent = by_turns([lambda: peer(frame.image, cut), *(_turn(line, frame, plate) for line in lines)])
    finally:
        cv2.setNumThreads(before)
    return tuple(
        Speed(
            rounds=ROUNDS,
            ours_ms=1e3 * median(ours),
            peer_ms=1e3 * median(spent[0]),
            ratio=median(theirs / mine for theirs, mine in zip(spent[0], ours, strict=True)),
        )
        for ours in spent[1:]
    )


def by_turns(works: Sequence[Callable[[], None]]) -> list[list[float]]:
    """Seconds of each work in each round, after a few rounds to warm up."""
    spent: list[list[float]] = [[] for _ in works]
    for number in range(WARM_UP + ROUNDS):
        for work, seconds in zip(works, spent, strict=True):
            begun = time.perf_counter()
            work()
            if number >= WARM_UP:
                seconds.append(time.perf_counter() - begun)
    return spent


def _turn(line: Line, frame: Frame, plate: Detection) -> Callable[[], None]:
    def work() -> None:
        line.detector.detect(frame)
        line.recognizer.read(frame, [plate])

    return work


def _cut(image: Image, plate: Detection) -> Image:
    box = plate.box
    top, left = max(0, int(box.y)), max(0, int(box.x))
    return image[top : int(box.y + box.h) + 1, left : int(box.x + box.w) + 1]
