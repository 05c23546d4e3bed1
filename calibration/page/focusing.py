"""Focus while the lens turns, on a patch that a finger chose, or on the card or plate wherever it is."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from calibration.focus import Patch as PixelPatch
from calibration.focus import PeakHold, focus_measures, patch_of
from calibration.page.glance import Sight
from calibration.page.messages import Patch
from calibration.page.state import FocusState
from calibration.records import FocusPoint, FocusRun, Measure
from edge.errors import CameraError
from edge.records import Image

_COURSE = 120  # points of the line that is drawn


class Focusing:
    """Peak-hold that is measured while the tablet shows that step; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hold = PeakHold()
        self._patch = Patch()
        self._of = ""
        self._last: FocusPoint | None = None
        self.why = ""

    def choose(self, patch: Patch) -> None:
        """Measure here from now on; another place begins anew, since only the same scene can be compared."""
        with self._lock:
            self._patch = patch
            self._begin()

    def begin(self) -> None:
        """Forget the best so far."""
        with self._lock:
            self._begin()

    def see(self, at_s: float, image: Image, sight: Sight | None) -> None:
        """Measure a picture; why it could not be stands in ``why``."""
        with self._lock:
            patch = self._place(image, sight)
            if patch is None:
                self.why = "Hold the card where plates will be, or choose a patch on something with edges."
                return
            try:
                self._last = self._hold.see(at_s, image, patch)
                self.why = ""
            except CameraError as error:
                self.why = str(error).removesuffix(" (--patch)").partition(": ")[2].capitalize() + "."

    def runs(self) -> tuple[FocusRun, ...]:
        """What was seen so far, for the record."""
        with self._lock:
            return self._hold.runs()

    def measures(self) -> tuple[Measure, ...]:
        """Where focus stands, and its shift between day and infra-red where both were seen."""
        return focus_measures(self.runs())

    def state(self) -> FocusState:
        """For the page."""
        runs = self.runs()
        with self._lock:
            now = [run for run in runs if self._last is not None and run.light == self._last.light]
            course = _thinned([point.of_best for point in now[0].points]) if now else ()
            corner, size = self._patch.corner, self._patch.size
            return FocusState(
                of_best=course[-1] if course else None,
                course=course,
                patch=None if corner is None or size is None else (*corner, *size),
            )

    def _begin(self) -> None:
        self._hold, self._of, self._last = PeakHold(), "", None

    def _place(self, image: Image, sight: Sight | None) -> PixelPatch | None:
        """The chosen patch, or the card (a plate where no card was seen yet) in the newest sight."""
        height, width = image.shape[:2]
        if self._patch.corner is not None and self._patch.size is not None:
            (x, y), (w, h) = self._patch.corner, self._patch.size
            return round(x * width), round(y * height), max(1, round(w * width)), max(1, round(h * height))
        if sight is None or sight.corners is None or (self._of == "card" and sight.of == "plate"):
            return None
        self._of = sight.of
        return patch_of(sight.corners, image)


def _thinned(course: Sequence[float]) -> tuple[float, ...]:
    """The last points, no more than can be drawn."""
    return tuple(course[-_COURSE:])
