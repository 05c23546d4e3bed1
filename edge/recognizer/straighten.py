"""From a plate's four corners to the upright picture that the reader takes."""

from __future__ import annotations

import cv2
import numpy as np

from edge.records import Detection, Image

#: Room left round the plate on each side, as a share of its width and height: corners are a few per cent off.
MARGIN = 0.05


def straighten(image: Image, detection: Detection, width: int, height: int) -> Image:
    """The plate of ``detection`` warped upright to ``(height, width)``, colour as in ``image``.

    Large plates are warped to a multiple of the size and averaged down, since a plain warp would alias their strokes.
    """
    (tlx, tly), (trx, _), _, _ = detection.corners
    factor = max(1, min(4, round(float(np.hypot(trx - tlx, detection.corners[1][1] - tly)) / width)))
    w, h = width * factor, height * factor
    mx, my = w * MARGIN, h * MARGIN
    target = np.array([(mx, my), (w - mx, my), (w - mx, h - my), (mx, h - my)], np.float32)
    source = np.array(detection.corners, np.float32)
    upright = cv2.warpPerspective(
        image, cv2.getPerspectiveTransform(source, target), (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if factor > 1:
        upright = cv2.resize(upright, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(upright, np.uint8)


def sharpness(image: Image) -> float:
    """Variance of the Laplacian over the variance of the picture: how crisp the strokes are, independent of contrast.

    Only good for comparing pictures of the same plate (Pertuz et al., Pattern Recognition 46, 2013, operator LAP4)."""
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    spread = _variance(grey)
    return _variance(cv2.Laplacian(grey, cv2.CV_16S)) / spread if spread > 1 else 0.0


def _variance(plane: cv2.typing.MatLike) -> float:
    """In one pass over whole numbers; numpy makes two pictures of floats for it, and takes more than twice as long."""
    return float(cv2.meanStdDev(plane)[1][0, 0]) ** 2
