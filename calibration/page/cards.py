"""The cards that were taken in the lane, and the lane's geometry that follows from them."""

from __future__ import annotations

import math
from typing import Literal

from msgspec import Struct

from calibration.drawing import card_picture_of
from calibration.folder import PLACE, Folder
from calibration.page.feed import encode
from calibration.page.glance import Sight
from calibration.page.judged import plain
from calibration.page.messages import Drawing, Settings
from calibration.page.state import TakenCard
from calibration.place import place_lane
from calibration.records import CardView, Finding, Geometry
from calibration.steps import Optics
from calibration.target import Card
from edge.errors import ConfigError, PlateEdgeError
from edge.records import Image, Point

AT_MOST = 12
_THUMB_PX = 320

Place = Literal["near", "far", "between"]


class _Taken(Struct, frozen=True, kw_only=True):
    """A card as it was taken."""

    place: Place
    view: CardView
    image: Image


class Cards:
    """Not thread-safe: the hour's lock is held by whoever calls."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self._taken: list[_Taken] = []
        self.geometry: Geometry | None = None

    def take(self, place: Place, sight: Sight, optics: Optics, settings: Settings, drawing: Drawing) -> None:
        """Take the card as it is seen.  Raises ConfigError saying what is wrong with it; then nothing is taken."""
        if isinstance(sight.card, Finding):
            raise ConfigError(plain(sight.card))
        if len(self._taken) >= AT_MOST:
            raise ConfigError(f"{AT_MOST} cards are enough: forget them and begin again, or go on.")
        if optics.focal_px(sight.size[0]) is None:
            raise ConfigError("Type first how many degrees the camera sees across: distances follow from it.")
        self._taken.append(_Taken(place=place, view=sight.card, image=sight.image))
        try:
            self.measure(optics, settings, drawing)
        except PlateEdgeError:
            self._taken.pop()
            raise

    def forget(self) -> None:
        """Begin again."""
        self._taken, self.geometry = [], None

    def measure(self, optics: Optics, settings: Settings, drawing: Drawing) -> None:
        """The geometry from all cards, after one came or what is known of the place changed."""
        if not self._taken:
            return
        size = self._taken[0].view.frame_size
        self.geometry = place_lane(
            [(taken.place, taken.view) for taken in self._taken],
            self._card,
            lens=optics.lens,
            focal_px=optics.focal_px(size[0]),
            lane=drawing.lane or (),
            masks=drawing.masks,
            direction=_direction(drawing, size),
            ruler_mm=settings.ruler_mm,
            tape_m=settings.tape_m,
        )

    def picture(self, number: int) -> bytes | None:
        """A card and a little round it, as JPEG; None if there is none of this number."""
        return encode(_around(self._taken[number]), _THUMB_PX) if 0 <= number < len(self._taken) else None

    def shown(self) -> tuple[TakenCard, ...]:
        """For the page."""
        return tuple(map(self._shown, range(len(self._taken))))

    def keep(self, folder: Folder) -> None:
        """Leave in the folder what `plate-edge calibrate place` leaves."""
        geometry = self.geometry
        if geometry is None:
            return
        folder.keep(PLACE, geometry)
        for taken, pose in zip(self._taken, geometry.poses, strict=True):
            if pose in (geometry.near, geometry.far):
                name = f"card-{'near' if pose == geometry.near else 'far'}.jpg"
                folder.picture(name, card_picture_of(taken.image, pose))

    def _shown(self, number: int) -> TakenCard:
        taken = self._taken[number]
        pose = self.geometry.poses[number] if self.geometry is not None else None
        angles = ""
        if pose is not None:
            yaw, pitch = pose.seen.yaw.best or 0.0, pose.seen.pitch.best or 0.0
            angles = f"{abs(yaw):.0f}° sideways, {abs(pitch):.0f}° {'from above' if pitch >= 0 else 'from below'}"
        return TakenCard(
            number=number,
            place=taken.place,
            width_px=taken.view.width_px,
            distance_m=None if pose is None else pose.distance_m,
            angles=angles,
        )


def _direction(drawing: Drawing, size: tuple[int, int]) -> Point | None:
    """The arrow as a unit vector in pixels."""
    if drawing.travel is None:
        return None
    (x1, y1), (x2, y2) = drawing.travel
    dx, dy = (x2 - x1) * size[0], (y2 - y1) * size[1]
    length = math.hypot(dx, dy)
    return dx / length, dy / length


def _around(taken: _Taken) -> Image:
    """The card and a little round it."""
    xs, ys = [x for x, _ in taken.view.outline], [y for _, y in taken.view.outline]
    pad = taken.view.width_px * 0.4
    height, width = taken.image.shape[:2]
    left, right = max(0, int(min(xs) - pad)), min(width, int(max(xs) + pad))
    top, bottom = max(0, int(min(ys) - pad)), min(height, int(max(ys) + pad))
    return taken.image[top:bottom, left:right]
