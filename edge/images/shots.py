"""The best moment of each pass that is under way, so that pictures can be made of it should its read be released.

Remembered is only what some read may take along under the policy in force, in memory, for no longer than a pass is followed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from edge.records import Box, Detection, Frame, Image, ImageScope, Reading

#: Room left round the plate, in its own width and height on each side: the frame of the plate, no more of the car.
CROP_MARGIN = (0.15, 0.3)
#: Beyond these widths a crop and a frame are made smaller, px.
CROP_WIDTH, FRAME_WIDTH = 480, 1280
#: A pass is reported after half a minute at the latest; what is older than this belongs to none that is still to come (s).
LONGEST_S = 60.0
#: So many passes at once are remembered, the newest; a frame is 2.8 MB.
AT_MOST = 16


class Shot(Struct, frozen=True, kw_only=True):
    """One moment of a pass.  ``crop`` is the plate with a little round it.  ``frame`` is the whole picture where policy might
    let it leave, else None; ``others`` are the boxes, in its pixels, of the other plates on it."""

    score: float
    media_s: float
    crop: Image
    frame: Image | None = None
    others: tuple[Box, ...] = ()


class Shots:
    """The shots of one camera, by the number of the track; not thread-safe."""

    def __init__(self) -> None:
        self._best: dict[int, Shot] = {}

    def see(
        self,
        frame: Frame,
        detections: Sequence[Detection],
        readings: Sequence[Reading],
        tracks: Sequence[int],
        scope: ImageScope,
    ) -> None:
        """Look at what was read in ``frame``: ``tracks`` are the tracks to which ``readings`` belong, ``detections`` all that
        was found.  Nothing is kept beyond ``scope``, the most that may leave with any read."""
        if scope == "none":
            self._best.clear()
            return
        self._best = {number: shot for number, shot in self._best.items() if frame.media_s - shot.media_s <= LONGEST_S}
        for reading, number in zip(readings, tracks, strict=True):
            before = self._best.get(number)
            if reading.is_plate and (before is None or score(reading) > before.score):
                self._best.pop(number, None)
                self._best[number] = _shot(frame, detections, reading, scope)
        for number in list(self._best)[:-AT_MOST]:
            del self._best[number]

    def take(self, track: int) -> Shot | None:
        """The best shot of a pass that has ended, which is forgotten here; None if there is none."""
        return self._best.pop(track, None)

    def forget(self) -> None:
        """Nothing that was seen is remembered."""
        self._best.clear()


def score(reading: Reading) -> float:
    """How good a picture this would be, among those of the same plate: wide, crisp, and read without doubt."""
    return reading.detection.box.w * reading.sharpness * reading.confidence


def _shot(frame: Frame, detections: Sequence[Detection], reading: Reading, scope: ImageScope) -> Shot:
    crop = _narrowed(_around(frame.image, reading.detection.box), CROP_WIDTH)
    if scope != "crop-and-frame":
        return Shot(score=score(reading), media_s=frame.media_s, crop=crop)
    whole = _narrowed(frame.image, FRAME_WIDTH)
    factor = whole.shape[1] / frame.image.shape[1]
    others = [each.box for each in detections if each is not reading.detection]
    return Shot(
        score=score(reading),
        media_s=frame.media_s,
        crop=crop,
        frame=whole,
        others=tuple(Box(x=b.x * factor, y=b.y * factor, w=b.w * factor, h=b.h * factor) for b in others),
    )


def _around(image: Image, box: Box) -> Image:
    """A copy, so that the frame can be forgotten."""
    height, width = image.shape[:2]
    mx, my = CROP_MARGIN[0] * box.w, CROP_MARGIN[1] * box.h
    left, right = min(max(0, int(box.x - mx)), width - 1), min(width, int(np.ceil(box.x + box.w + mx)))
    top, bottom = min(max(0, int(box.y - my)), height - 1), min(height, int(np.ceil(box.y + box.h + my)))
    return image[top : max(bottom, top + 1), left : max(right, left + 1)].copy()


def _narrowed(image: Image, width: int) -> Image:
    if image.shape[1] <= width:
        return image
    import cv2  # here, as in ``evidence``

    size = (width, max(1, round(image.shape[0] * width / image.shape[1])))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
