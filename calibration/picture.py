"""What one picture of one plate measures: focus, blur, exposure, contrast, noise; on the grey plane, in full-frame pixels.

No absolute figure of focus carries from one scene to another, so focus is only ever compared with itself (peak-hold);
the absolute check is the slanted edge of the card (:mod:`calibration.slanted_edge`).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from calibration.formulas import stroke_px
from calibration.records import Corners, PlatePicture
from edge.errors import CameraError
from edge.records import Image
from edge.scene_look import light_of

#: Of 256 levels: at or above nothing can be told from white, at or below nothing from black (video keeps 16 to 235 at worst).
WHITE, BLACK = 250, 6
#: The least plate that is worth measuring, pixels.
SMALLEST_PX = 16
#: A Gaussian's 10-90 % rise in standard deviations.
RISE_SIGMAS = 2.563
#: What a bilinear warp at native size adds to a picture's blur, as a variance in pixels².
_WARP_VARIANCE = 0.17
#: Immerkær (1996): the difference of two Laplacians is blind to edges of first order; its gain on white noise is 6.
_IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
#: Energy of the 3x3 Sobel kernel and of the 4-neighbour Laplacian on white noise of unit variance.
_SOBEL_GAIN, _LAPLACE_GAIN = 12.0, 20.0


def grey_plane(image: Image) -> Image:
    """The grey plane of a BGR or GRAY picture."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def plate_width_px(corners: Corners) -> float:
    """Mean length of the upper and the lower edge."""
    tl, tr, br, bl = (np.array(corner) for corner in corners)
    return float((np.linalg.norm(tr - tl) + np.linalg.norm(br - bl)) / 2)


def plate_height_px(corners: Corners) -> float:
    """Mean length of the left and the right edge."""
    tl, tr, br, bl = (np.array(corner) for corner in corners)
    return float((np.linalg.norm(bl - tl) + np.linalg.norm(br - tr)) / 2)


def upright(grey: Image, corners: Corners) -> Image:
    """The plate at its own size in pixels, straightened."""
    width, height = max(8, round(plate_width_px(corners))), max(4, round(plate_height_px(corners)))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - np.float32(0.5)
    matrix = cv2.getPerspectiveTransform(np.array(corners, np.float32), target)
    return np.asarray(
        cv2.warpPerspective(grey, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def measure_plate(image: Image, corners: Corners) -> PlatePicture:
    """Measure the plate at ``corners`` (TL, TR, BR, BL).  Raises CameraError if it is too small or outside the picture."""
    width, height = plate_width_px(corners), plate_height_px(corners)
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    inside = min(xs) < image.shape[1] and max(xs) > 0 and min(ys) < image.shape[0] and max(ys) > 0
    if not (math.isfinite(width + height) and width >= SMALLEST_PX and height >= SMALLEST_PX / 4 and inside):
        raise CameraError(f"measure plate: {width:.0f} x {height:.0f} px at this place is no plate; aim the camera at one")
    grey = grey_plane(image)
    plate = upright(grey, corners)
    middle = _middle(plate)
    noise = noise_of(_box(grey, corners))
    dark, bright = (float(v) for v in np.percentile(middle, (5, 95)))
    step = max(1.0, bright - dark)
    laplacian, tenengrad = focus_of(plate, step, noise)
    return PlatePicture(
        width_px=width,
        height_px=height,
        stroke_px=stroke_px(width),
        laplacian=laplacian,
        tenengrad=tenengrad,
        clipped=float((plate >= WHITE).mean()),
        crushed=float((plate <= BLACK).mean()),
        contrast=(bright - dark) / max(1.0, bright + dark),
        step=step,
        noise=noise,
        blur_x_px=edge_width(middle, step, noise, axis=1),
        blur_y_px=edge_width(middle, step, noise, axis=0),
        brightness=float(plate.mean()),
        light=light_of(image),
    )


def focus_of(grey: Image, step: float, noise: float) -> tuple[float, float]:
    """Laplacian's variance and Tenengrad (mean squared Sobel gradient) over contrast², the noise's own share taken off.

    The Laplacian is the steeper of the two near the best focus, the gradient bears noise better (Stanford psych221, 1999)."""
    plane = grey.astype(np.float32)
    dx, dy = cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)
    gradient = float((dx**2 + dy**2).mean()) - 2 * _SOBEL_GAIN * noise**2
    laplacian = float(cv2.Laplacian(plane, cv2.CV_32F).var()) - _LAPLACE_GAIN * noise**2
    return max(0.0, laplacian) / step**2, max(0.0, gradient) / step**2


def noise_of(grey: Image) -> float:
    """Standard deviation of the noise in grey levels (Immerkær 1996, with the median in place of the mean, which edges and
    fine print would raise); 0 where the picture is too small."""
    if min(grey.shape) < 5:
        return 0.0
    residue = cv2.filter2D(grey.astype(np.float32), cv2.CV_32F, _IMMERKAER)[1:-1, 1:-1]
    return float(np.median(np.abs(residue)) / 0.6745 / 6)


def edge_width(grey: Image, step: float, noise: float, axis: int) -> float | None:
    """The 10-90 % width in pixels of the strongest edges along ``axis`` (1: across upright strokes); None without contrast.

    An edge of height ``step`` blurred by a Gaussian of σ rises by step/(σ√2π) a pixel at most; a motion blur or a lens behaves
    alike to this measure.  The warp's own share is taken off."""
    if step < 4 * noise + 4 or min(grey.shape) < 4:
        return None
    plane = grey.astype(np.float32)
    slopes = np.abs(np.diff(plane, axis=axis))
    # Every row of a serial crosses upright strokes; of the columns only some cross level ones.
    steepest = float(np.percentile(slopes.max(axis=axis), 60 if axis == 1 else 75))
    slope = max(1e-3, math.sqrt(max(0.0, steepest**2 - 2 * noise**2)))
    # A difference of neighbours is the mean slope over one pixel: that, too, is blur, of variance 1/12.
    variance = (step / (slope * math.sqrt(2 * math.pi))) ** 2 - 1 / 12 - _WARP_VARIANCE
    return RISE_SIGMAS * math.sqrt(max(0.0, variance))


def _middle(plate: Image) -> Image:
    """Where the serial stands: without rims, name and slogan."""
    height, width = plate.shape
    return plate[
        int(height * 0.25) : max(int(height * 0.25) + 2, int(height * 0.78)), int(width * 0.06) : int(width * 0.94) + 1
    ]


def _box(grey: Image, corners: Corners) -> Image:
    """The upright box round the corners, unwarped: a warp would smooth the noise that is to be measured."""
    points: npt.NDArray[np.float64] = np.array(corners)
    x0, y0 = np.maximum(0, np.floor(points.min(axis=0))).astype(int)
    x1, y1 = np.ceil(points.max(axis=0)).astype(int)
    return grey[y0 : y1 + 1, x0 : x1 + 1]
