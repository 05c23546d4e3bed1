"""Where the page's pictures come from: the running unit's window, or a camera or clip that nobody else has open."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from edge.camera.interface import Camera, GapBegan
from edge.detector.interface import Detector
from edge.errors import CameraError
from edge.recognizer.interface import Recognizer
from edge.records import Frame, Track
from edge.tracker.interface import Tracker
from edge.tracker.vote import vote
from edge.window import Blind, Looking, Passed, View, found_plates

PICTURES_A_SECOND = 8.0  # more than a person who turns a lens can follow
_AGAIN_S = 1.0

Seen = View | Passed | Blind


class Source(Protocol):
    """Hands out what is seen, for ever; pictures only while ``wanted`` is set."""

    def seen(self, stop: threading.Event, wanted: threading.Event) -> Iterator[Seen]:
        """What is seen, until ``stop`` is set.  A camera that is lost is said once and waited for."""
        ...


class UnitWindow:
    """The running unit: its line decodes, finds and reads; this looks on."""

    def __init__(self, folder: Path, camera: str) -> None:
        self._folder, self._camera = folder, camera

    def seen(self, stop: threading.Event, wanted: threading.Event) -> Iterator[Seen]:
        """Comes back by itself when the unit does."""
        while not stop.is_set():
            try:
                looking = Looking(self._folder, self._camera)
            except CameraError as error:
                yield Blind(kind="lost", why=f"the unit cannot be looked into ({error}); it is tried again by itself")
                stop.wait(_AGAIN_S)
                continue
            try:
                for each in looking.views(stop, wanted):
                    yield each
                    if isinstance(each, View):
                        stop.wait(1 / PICTURES_A_SECOND)
            finally:
                looking.close()


class OwnLine:
    """A camera of our own with the unit's models behind it: the same stages as the line, without policy and outbox.

    A clip is played over and over.  Frames that nobody wants are not looked into."""

    def __init__(
        self,
        camera: Callable[[], Camera],
        detector: Detector,
        tracker: Callable[[], Tracker],
        recognizer: Recognizer,
    ) -> None:
        self._camera, self._detector, self._tracker, self._recognizer = camera, detector, tracker, recognizer

    def seen(self, stop: threading.Event, wanted: threading.Event) -> Iterator[Seen]:
        """Opens the camera again whenever it ends or fails."""
        while not stop.is_set():
            try:
                yield from self._once(stop, wanted)
            except CameraError as error:
                yield Blind(kind="lost", why=str(error))
                stop.wait(_AGAIN_S)

    def _once(self, stop: threading.Event, wanted: threading.Event) -> Iterator[Seen]:
        tracker = self._tracker()
        for frame in self._camera().frames(stop):
            if isinstance(frame, GapBegan):
                yield Blind(kind="lost", why="the camera sends nothing; it is tried again by itself")
                yield from map(_passed, tracker.flush())
                continue
            if wanted.is_set():
                yield self._view(frame, tracker)
                yield from map(_passed, tracker.finished())
        yield from map(_passed, tracker.flush())

    def _view(self, frame: Frame, tracker: Tracker) -> View:
        detections = self._detector.detect(frame)
        readings = self._recognizer.read(frame, tracker.follow(frame, detections))
        tracker.add(readings)
        plates = found_plates(detections, readings)
        return View(image=frame.image, number=frame.number, media_s=frame.media_s, plates=plates)


def _passed(track: Track) -> Passed:
    return Passed.of(vote(track))
