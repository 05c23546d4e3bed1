"""Simulated cameras: a clip that never ends, at the line's pace or at its own, and one whose frames come from memory.

Each stands around the camera that :mod:`edge.build` made of the clip: decoding, pace, rest and what is dropped are the unit's
own.  Where a clip begins again the line is told that the stream was interrupted, so that passes do not run over the seam.
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
    """The clip over and over until ``over`` is set."""

    def __init__(
        self,
        inner: Camera,
        over: threading.Event,
        watch: Watch,
        looped: Callable[[str, float, float, int], None] = lambda name, began_s, next_s, frames: None,
        start_after_s: float = 0.0,
        before_round: Callable[[], None] = lambda: None,
    ) -> None:
        """``looped`` is told, whenever the clip has ended, the camera's name, when the clip began and when it begins again
        (seconds of the endless stream), and how many frames it had.  Cameras that begin one after the other do not show the
        same at the same time.  ``before_round`` is called before each round, the first too."""
        self._inner, self._over, self._watch, self._looped = inner, over, watch, looped
        self._start_after_s, self._before_round = start_after_s, before_round
        self._began_s = 0.0
        self._handed = self._rested = 0
        self._dropped: dict[str, int] = {}
        self._told = (0, 0)
        self._earliest_s = float("inf")

    @property
    def name(self) -> str:
        """The camera's name in the configuration."""
        return self._inner.name

    @property
    def live(self) -> bool:
        """True where the clip plays at its own speed."""
        return self._inner.live

    def frames(self, stop: threading.Event) -> Iterator[Frame | GapBegan]:
        """Frames until ``stop`` is set.  Raises CameraError if the clip cannot be decoded."""
        number = 0
        self._over.wait(self._start_after_s)
        while not self._ends(stop):
            self._before_round()
            if self._ends(stop):
                break
            first, end_s = number, self._began_s
            self._told, self._earliest_s = (0, 0), float("inf")
            for frame, asked_s in self._timed(stop):
                number, end_s = first + frame.number + 1, self._began_s + frame.media_s
                self._handed += 1
                self._watch.handed(self.name, self._due_s(frame, asked_s))
                yield msgspec.structs.replace(frame, number=first + frame.number, media_s=end_s)
                self._watch.done()
                if self._ends(stop):
                    break
            self._close_accounts()
            if not self._ends(stop):
                self._watch.round_over(number - first)
                self._looped(self.name, self._began_s, end_s + SEAM_S, number - first)
                yield GapBegan()
            self._began_s = end_s + SEAM_S

    def rest(self, until_s: float) -> None:
        """No frame before ``until_s`` of the endless stream is wanted."""
        self._inner.rest(until_s - self._began_s)

    def counts(self) -> CameraCounts:
        """The accounts so far."""
        received = self._handed + self._rested + sum(self._dropped.values())
        return CameraCounts(received=received, dropped=dict(self._dropped), rested=self._rested)

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
                if not self.live:  # else it was waited for, and decoded beside the line
                    self._watch.took("camera", time.monotonic() - asked_s)
                self._tell()
                yield frame, asked_s

    def _due_s(self, frame: Frame, asked_s: float) -> float:
        """When the frame was due, monotonic.  At its own pace: as long after the clip's begin as it stands in the clip, the
        frame that came soonest being the one in time.  Else: when the line asked for it."""
        if not self.live:
            return asked_s
        came_s = time.monotonic() - (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - frame.at.boottime_ns) / 1e9
        self._earliest_s = min(self._earliest_s, came_s - frame.media_s)
        return self._earliest_s + frame.media_s

    def _tell(self) -> None:
        """Tell the watch what went by without being handed out."""
        counts = self._inner.counts()
        rested, dropped = counts.rested, sum(counts.dropped.values())
        self._watch.passed_by(rested - self._told[0], dropped - self._told[1])
        self._told = rested, dropped

    def _close_accounts(self) -> None:
        self._tell()
        counts = self._inner.counts()
        self._rested += counts.rested
        for reason, lost in counts.dropped.items():
            self._dropped[reason] = self._dropped.get(reason, 0) + lost


class RecalledCamera:
    """Frames that were decoded before: what the line does without decoding.  Decodes when made."""

    def __init__(self, inner: Camera, budget_bytes: int) -> None:
        """Keep the clip's first frames, as many as fit.  Raises CameraError if none can be decoded."""
        self._name = inner.name
        self._frames: list[Frame] = []
        self._rest_until_s, self._rested, self._handed = 0.0, 0, 0
        self._clock = Clock()
        stop, room = threading.Event(), budget_bytes
        for frame in inner.frames(stop):
            if isinstance(frame, Frame):
                room -= sum(plane.nbytes for plane in (frame.image, frame.grey) if plane is not None)
                if room < 0:
                    break
                self._frames.append(msgspec.structs.replace(frame, image=frame.image.copy()))

    @property
    def name(self) -> str:
        """The camera's name in the configuration."""
        return self._name

    @property
    def live(self) -> bool:
        """Nothing is lost while the line is busy."""
        return False

    @property
    def frames_kept(self) -> int:
        """How many fitted."""
        return len(self._frames)

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """The frames that are wanted, once, each with the time at which it is handed out."""
        self._rest_until_s, self._rested, self._handed = 0.0, 0, 0
        for frame in self._frames:
            if stop.is_set():
                return
            if frame.media_s < self._rest_until_s:
                self._rested += 1
                continue
            self._handed += 1
            yield msgspec.structs.replace(frame, at=self._clock.now())

    def rest(self, until_s: float) -> None:
        """Frames before ``until_s`` are passed over."""
        self._rest_until_s = until_s

    def counts(self) -> CameraCounts:
        """Nothing is dropped."""
        return CameraCounts(received=self._handed + self._rested, dropped={}, rested=self._rested)
