"""Simulated cameras: a clip that never ends, its frames from memory, and one paced by the monotonic clock.

Each stands around the camera that :mod:`edge.build` made of the clip, so decoding is the real one.  Where a clip begins again
the line is told that the stream was interrupted: passes do not run over the seam.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import msgspec

from edge.bench.line.watch import Watch
from edge.camera.interface import Camera, CameraCounts, GapBegan
from edge.clock import Clock
from edge.records import Frame

#: A clip that begins again goes on this long after its end, in seconds of the stream.
SEAM_S = 1.0


class LoopedCamera:
    """The clip over and over, the next frame when the line wants it."""

    def __init__(
        self,
        inner: Camera,
        over: threading.Event,
        watch: Watch,
        looped: Callable[[str], None] = lambda name: None,
    ) -> None:
        """Ends when ``over`` is set; ``looped`` is told the camera's name whenever the clip has ended."""
        self._inner, self._over, self._watch, self._looped = inner, over, watch, looped
        self._handed = 0
        self._dropped: dict[str, int] = {}

    @property
    def name(self) -> str:
        """The camera's name in the configuration."""
        return self._inner.name

    @property
    def live(self) -> bool:
        """A clip: nothing is lost while the line is busy."""
        return False

    def frames(self, stop: threading.Event) -> Iterator[Frame | GapBegan]:
        """Frames until ``stop`` is set.  Raises CameraError if the clip cannot be decoded."""
        number, began_s = 0, 0.0
        while not self._ends(stop):
            first, end_s = number, began_s
            for frame, asked_s in self._timed(stop):
                number, end_s = first + frame.number + 1, began_s + frame.media_s
                moved = msgspec.structs.replace(frame, number=first + frame.number, media_s=end_s)
                self._handed += 1
                self._watch.handed(moved, asked_s)
                yield moved
                self._watch.done()
                if self._ends(stop):
                    break
            for reason, lost in self._inner.counts().dropped.items():
                self._dropped[reason] = self._dropped.get(reason, 0) + lost
            if not self._ends(stop):
                self._looped(self.name)
                yield GapBegan()
            began_s = end_s + SEAM_S

    def counts(self) -> CameraCounts:
        """The accounts so far."""
        return CameraCounts(received=self._handed + sum(self._dropped.values()), dropped=dict(self._dropped))

    def _ends(self, stop: threading.Event) -> bool:
        return stop.is_set() or self._over.is_set()

    def _timed(self, stop: threading.Event) -> Iterator[tuple[Frame, float]]:
        """The clip's frames, each with the moment at which it was asked for; notes what getting it took."""
        frames = iter(self._inner.frames(stop))
        while True:
            asked_s = time.monotonic()
            frame = next(frames, None)
            if frame is None:
                return
            if isinstance(frame, Frame):
                self._watch.took("camera", time.monotonic() - asked_s)
                yield frame, asked_s


class RecalledCamera:
    """Frames that were decoded before: what the line does without decoding.  Made around a camera; decodes when made."""

    def __init__(self, inner: Camera, budget_bytes: int) -> None:
        """Decode the clip's first frames, as many as fit.  Raises CameraError if there are none."""
        self._name = inner.name
        self._frames: list[Frame] = []
        stop = threading.Event()
        room = budget_bytes
        for frame in inner.frames(stop):
            if not isinstance(frame, Frame):
                continue
            room -= frame.image.nbytes
            if room < 0:
                break
            self._frames.append(msgspec.structs.replace(frame, image=frame.image.copy()))
        stop.set()
        self._clock = Clock()

    @property
    def name(self) -> str:
        """The camera's name in the configuration."""
        return self._name

    @property
    def live(self) -> bool:
        """Nothing is lost while the line is busy."""
        return False

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """The frames, once, each with the time at which it is handed out."""
        for frame in self._frames:
            if stop.is_set():
                return
            yield msgspec.structs.replace(frame, at=self._clock.now())

    def counts(self) -> CameraCounts:
        """Nothing is dropped."""
        return CameraCounts(received=len(self._frames), dropped={})
