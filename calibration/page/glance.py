"""What is measured on picture after picture while the technician turns and looks: plate, card, light, pictures a second.

Measuring takes a quarter of the time at most, so that the picture stays live on a small board.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from calibration.card import NO_CARD, CardFinder
from calibration.picture import light_of, measure_plate, plate_width_px
from calibration.records import CardView, Corners, Finding, PlatePicture
from edge.camera_setup import Light
from edge.errors import CameraError
from edge.window import FoundPlate, View

_SHARE = 0.25
_REMEMBER_S = 6.0  # a plate that has passed counts for so long
_OVER_S = 5.0


class Sight(Struct, frozen=True, kw_only=True):
    """What one picture showed: its light, the card (or why there is none), and the plate or card as a plate is measured.

    ``of`` says whose ``picture`` that is, ``at_s`` when (monotonic)."""

    at_s: float
    size: tuple[int, int]
    light: Light
    card: CardView | Finding
    picture: PlatePicture | None
    corners: Corners | None
    of: str


class Glance:
    """Looks at each picture for as long as it may.  One thread calls :meth:`see`; what it keeps is replaced whole."""

    def __init__(self, finder: CardFinder, now: Callable[[], float] = time.monotonic) -> None:
        self._finder, self._now = finder, now
        self._rest_until = 0.0
        self._times: deque[tuple[float, int]] = deque()
        self._plate: tuple[float, PlatePicture, Corners] | None = None
        self.last: Sight | None = None
        self.fps: float | None = None

    def see(self, view: View) -> Sight | None:
        """Measure the picture, unless the last one took so long that it is too early; then None."""
        self._count(view)
        began = self._now()
        if began < self._rest_until:
            return None
        card = self._finder.find(view.image)
        sight = self._sight(began, view, card)
        self.last = sight
        self._rest_until = self._now() + (self._now() - began) * (1 / _SHARE - 1)
        return sight

    def _sight(self, at_s: float, view: View, card: CardView | Finding) -> Sight:
        size = (view.image.shape[1], view.image.shape[0])
        picture, corners, of = None, None, ""
        if isinstance(card, CardView):
            corners, of = card.outline, "card"
            picture = _measured(view, corners)
        else:
            plate = widest(view.plates)
            if plate is not None and (measured := _measured(view, plate.corners)) is not None:
                self._plate = (at_s, measured, plate.corners)
            if self._plate is not None and at_s - self._plate[0] < _REMEMBER_S:
                _, picture, corners = self._plate
                of = "plate"
        return Sight(at_s=at_s, size=size, light=light_of(view.image), card=card, picture=picture, corners=corners, of=of)

    def _count(self, view: View) -> None:
        """The camera's frame rate, from the numbers of frames, dropped ones too."""
        if self._times and view.number <= self._times[-1][1]:
            self._times.clear()
        self._times.append((view.media_s, view.number))
        while self._times[-1][0] - self._times[0][0] > _OVER_S:
            self._times.popleft()
        (from_s, first), (to_s, last) = self._times[0], self._times[-1]
        if to_s - from_s > 0.5:
            self.fps = (last - first) / (to_s - from_s)


def widest(plates: Sequence[FoundPlate]) -> FoundPlate | None:
    """The plate that is nearest, None if there is none."""
    return max(plates, key=lambda plate: plate_width_px(plate.corners), default=None)


def why_no_card(sight: Sight | None) -> Finding | None:
    """Why the card cannot be taken now, None where it can."""
    if sight is None:
        return NO_CARD
    return sight.card if isinstance(sight.card, Finding) else None


def _measured(view: View, corners: Corners) -> PlatePicture | None:
    try:
        return measure_plate(view.image, corners)
    except CameraError:
        return None
