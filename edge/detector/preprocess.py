"""From a camera frame to what a detector's network takes, and the way back for its coordinates."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from edge.records import Image, Point

#: Frames within this share of the network's aspect ratio are stretched (no pixel wasted); others are padded.
ASPECT_TOLERANCE = 0.12
#: The neutral grey that pads, as in the YOLO family.
PAD = 114

#: Shrinking by less than this is no shrinking.
LITTLE = 1.1

#: Sides of an input that is free to choose are multiples of this: the network halves its picture five times.
STEP = 32
#: Such an input may have this much less or more pixels than asked for, so that common aspects are met closely …
FEWER, MORE = 0.94, 1.03
#: … and is at most so many times as long as wide: a longer strip is padded.
LONGEST = 3.0


class Placement(Struct, frozen=True, kw_only=True):
    """Where the frame lies on the network's input: ``input = frame * scale + offset``, per axis."""

    scale_x: float
    scale_y: float
    offset_x: float = 0.0
    offset_y: float = 0.0

    def to_frame(self, x: float, y: float) -> Point:
        """A point of the network's input, in full-frame pixels."""
        return ((x - self.offset_x) / self.scale_x, (y - self.offset_y) / self.scale_y)


@lru_cache(maxsize=64)
def input_size(frame_width: int, frame_height: int, pixels: int) -> tuple[int, int]:
    """Width and height of the input, about ``pixels`` in all, whose aspect is nearest to the frame's.

    The same work whatever the aspect, and no pixel of it spent on padding: with 225,280 pixels a 16:9 frame gets 640x352, 4:3
    544x416, a square 480x480, a portrait 3:4 416x544.  All frames there are share some twenty sizes.
    """
    aspect = min(max(frame_width / frame_height, 1 / LONGEST), LONGEST)
    fitting = [
        (width, height)
        for height in range(STEP, math.isqrt(int(LONGEST * MORE * pixels)) + STEP, STEP)
        for width in range(STEP * math.ceil(FEWER * pixels / height / STEP), int(MORE * pixels / height) + 1, STEP)
    ]
    return min(fitting, key=lambda size: (abs(math.log(aspect * size[1] / size[0])), -size[0] * size[1]))


def grey_input(image: Image, width: int, height: int) -> tuple[Image, Placement]:
    """One grey plane ``(1, 1, height, width)``: the whole frame, stretched; or padded right or bottom where its aspect is
    too far from the network's (a portrait photograph would otherwise be squeezed beyond what the network has seen)."""
    grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    h, w = grey.shape
    aspect = (w / h) / (width / height)
    if abs(aspect - 1) <= ASPECT_TOLERANCE:
        used_w, used_h = width, height
    elif aspect > 1:
        used_w, used_h = width, max(1, round(height / aspect))
    else:
        used_w, used_h = max(1, round(width * aspect)), height
    halved = _halved(grey, used_w, used_h)
    plane = cv2.resize(halved, (used_w, used_h), interpolation=_interpolation(halved.shape[1], used_w))
    if (used_w, used_h) != (width, height):
        plane = cv2.copyMakeBorder(plane, 0, height - used_h, 0, width - used_w, cv2.BORDER_CONSTANT, value=(float(PAD),))
    return np.asarray(plane, np.uint8)[None, None], Placement(scale_x=used_w / w, scale_y=used_h / h)


def letterbox_rgb(image: Image, width: int, height: int) -> tuple[npt.NDArray[np.float32], Placement]:
    """RGB ``(1, 3, height, width)`` float32 in 0 to 1, frame centred on grey: what the YOLOv9 end-to-end export takes."""
    colour = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image
    h, w = colour.shape[:2]
    scale = min(width / w, height / h)
    used_w, used_h = max(1, round(w * scale)), max(1, round(h * scale))
    left, top = (width - used_w) // 2, (height - used_h) // 2
    canvas = np.full((height, width, 3), PAD, np.uint8)
    canvas[top : top + used_h, left : left + used_w] = cv2.resize(
        colour, (used_w, used_h), interpolation=_interpolation(w, used_w)
    )
    planes = np.ascontiguousarray(canvas[:, :, ::-1].transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    return planes, Placement(scale_x=used_w / w, scale_y=used_h / h, offset_x=left, offset_y=top)


def _halved(grey: Image, width: int, height: int) -> Image:
    """``grey`` halved, by the mean of four pixels, as often as it stays at least as large as ``width`` x ``height``: a step
    that OpenCV does many times as fast as any other averaging."""
    while grey.shape[1] >= 2 * width and grey.shape[0] >= 2 * height:
        grey = np.asarray(cv2.resize(grey, (grey.shape[1] // 2, grey.shape[0] // 2), interpolation=cv2.INTER_AREA), np.uint8)
    return grey


def _interpolation(source: int, target: int) -> int:
    """Averaging when shrinking, so that thin strokes do not alias; linear when growing, and where so little is left to shrink
    that there is nothing to average: there it is three times as fast and gives the same (1280x720 comes here as 640x360)."""
    return cv2.INTER_AREA if target * LITTLE < source else cv2.INTER_LINEAR
