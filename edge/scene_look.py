"""How a camera's still scene looks, and whether it has moved since.

A look is a small grey picture, the median of several that lie seconds apart, so that what drives by is not in it.  Two looks
are laid over each other on their edges, which daylight, lamps and weather change least: first by phase correlation (Kuglin and
Hines 1975), then shifted, turned and scaled until they agree best (Evangelidis and Psarakis 2008, ECC).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from edge.camera_setup import Light, SceneLook
from edge.errors import CameraError
from edge.records import Image

#: Width of a look in pixels: enough to tell half a degree through a lens of 60° across.
LOOK_PX = 240
#: Mean difference of a picture's channels below which it has no colour: infra-red, or set to black and white.
GREY_CHROMA = 2.0
#: Agreement of the edges (correlation) from which two looks show the same scene: others reach 0.53 in 99 of 100 pairs.
SAME_SCENE = 0.55
#: Where no focal length is known: a lens of about 37° across.
FOCAL_WIDTHS = 1.5
#: Width at which fine detail is measured, pixels: a film on the lens takes it away, a look is too small to show it.
_DETAIL_PX = 960

Plane = npt.NDArray[np.float32]
_cv: Any = cv2  # OpenCV's type stubs know fewer forms of a call than the library takes


class Moved(Struct, frozen=True, kw_only=True):
    """How the camera has turned since a look: degrees across the picture, about its axis, and the picture's growth.

    ``agreement`` is how well the two then fit, 0 to 1; below ``SAME_SCENE`` nothing is known."""

    turn_deg: float
    roll_deg: float
    scale: float
    agreement: float

    @property
    def known(self) -> bool:
        """Whether both looks show the same scene."""
        return self.agreement >= SAME_SCENE

    @property
    def degrees(self) -> float:
        """The larger of both angles."""
        return max(self.turn_deg, abs(self.roll_deg))


class Glimpse(Struct, frozen=True, kw_only=True):
    """One frame's part in a look: the small grey picture, and the fine detail in the whole one."""

    small: Image
    detail: float
    light: Light


def light_of(image: Image) -> Light:
    """Day, or infra-red where the picture has no colour."""
    if image.ndim == 2:
        return "infrared"
    small = cv2.resize(image, (64, 36), interpolation=cv2.INTER_AREA).astype(np.int16)
    return "infrared" if float((small.max(axis=2) - small.min(axis=2)).mean()) < GREY_CHROMA else "day"


def glimpse(image: Image) -> Glimpse:
    """Take one: about a millisecond for a frame of 1280x720."""
    height, width = image.shape[:2]
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    fine = grey if width <= _DETAIL_PX else cv2.resize(
        grey, (_DETAIL_PX, round(height * _DETAIL_PX / width)), interpolation=cv2.INTER_AREA
    )  # fmt: skip
    small = cv2.resize(grey, (LOOK_PX, max(8, round(height * LOOK_PX / width))), interpolation=cv2.INTER_AREA)
    edges = np.abs(cv2.Laplacian(fine, cv2.CV_16S))
    # Some hundredths of a picture are edges; the median of all of it is noise.
    detail = float(np.percentile(edges, 97)) - 3 * float(np.median(edges))
    return Glimpse(small=np.asarray(small, np.uint8), detail=max(0.0, detail), light=light_of(image))


def look_of(glimpses: Sequence[Glimpse]) -> SceneLook:
    """The look of several glimpses of one light, of which passing cars fill less than half."""
    middle = np.median(np.stack([each.small for each in glimpses]), axis=0).astype(np.uint8)
    coded = cv2.imencode(".png", middle)[1]
    return SceneLook(light=glimpses[0].light, png=coded.tobytes(), detail=float(np.median([each.detail for each in glimpses])))


def picture_of(look: SceneLook) -> Image:
    """The small grey picture.  Raises CameraError if it is none."""
    picture = cv2.imdecode(np.frombuffer(look.png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None or picture.shape[1] != LOOK_PX:
        raise CameraError("read look of a scene: it is no picture of this program; calibrate again")
    return np.asarray(picture, np.uint8)


def moved(before: Image, now: Image, focal_widths: float = FOCAL_WIDTHS) -> Moved:
    """How the camera has turned between two small pictures; ``focal_widths`` is its focal length over the picture's width."""
    nothing = Moved(turn_deg=0.0, roll_deg=0.0, scale=1.0, agreement=0.0)
    if before.shape != now.shape or float(before.std()) < 2 or float(now.std()) < 2:
        return nothing
    old, new = _edges(before), _edges(now)
    window = cv2.createHanningWindow((old.shape[1], old.shape[0]), cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(old, new, window)
    best = nothing
    for start in ((x, y), (0.0, 0.0)):
        found = _aligned(old, new, start, focal_widths)
        if found.agreement > best.agreement:
            best = found
    return best


def _aligned(old: Plane, new: Plane, start: tuple[float, float], focal_widths: float) -> Moved:
    """Shift, turn and scale from a first guess of the shift."""
    height, width = old.shape
    warp = np.array([[1, 0, start[0]], [0, 1, start[1]]], np.float32)
    try:
        agreement, warp = _cv.findTransformECC(
            old, new, warp, cv2.MOTION_AFFINE, (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 80, 1e-5), None, 5
        )
    except cv2.error:  # it did not converge
        return Moved(turn_deg=0.0, roll_deg=0.0, scale=1.0, agreement=0.0)
    middle = warp @ np.array([width / 2, height / 2, 1.0]) - (width / 2, height / 2)
    scale = math.sqrt(abs(float(warp[0, 0] * warp[1, 1] - warp[0, 1] * warp[1, 0])))
    roll = math.degrees(math.atan2(float(warp[1, 0] - warp[0, 1]), float(warp[0, 0] + warp[1, 1])))
    turn = math.degrees(math.atan(float(np.hypot(*middle)) / (focal_widths * width)))
    # A camera turns, and a lens zooms, by less than this without showing another scene.
    sane = 0.6 < scale < 1.7 and abs(roll) < 25
    return Moved(turn_deg=turn, roll_deg=roll, scale=scale, agreement=float(agreement) if sane else 0.0)


def _edges(picture: Image) -> Plane:
    """Gradients over the local contrast: what stays when the light changes."""
    plane = picture.astype(np.float32)
    size = np.hypot(cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1))
    return np.asarray(size / (cv2.GaussianBlur(size, (0, 0), 12) + 6), np.float32)
