"""The detector as a calibrated camera uses it: plates in the lane, off the masks, of a size that can be real there."""

from __future__ import annotations

from collections.abc import Sequence

from edge.camera_setup import CameraSetup, Polygon
from edge.detector.interface import Detector
from edge.journal import Journal
from edge.records import Detection, Frame


class LaneDetector:
    """A detector whose findings elsewhere than in the lane are dropped and counted (``plates_set_aside``: ``mask``, ``lane``,
    ``size``).  Thread-safe as far as the detector is."""

    def __init__(self, detector: Detector, setup: CameraSetup, journal: Journal) -> None:
        self._detector, self._setup, self._journal = detector, setup, journal

    @property
    def sha256(self) -> str:
        """Hash of the model file."""
        return self._detector.sha256

    def detect(self, frame: Frame) -> tuple[Detection, ...]:
        """The plates of one frame that can be real ones."""
        kept = []
        for found in self._detector.detect(frame):
            reason = why_aside(found, self._setup, frame.image.shape[1], frame.image.shape[0])
            if reason is None:
                kept.append(found)
            else:
                self._journal.count("plates_set_aside", reason)
        return tuple(kept)


def why_aside(found: Detection, setup: CameraSetup, width: int, height: int) -> str | None:
    """Why a detection in a frame of this size is no plate of this camera's lane; None where it may be one."""
    box = found.box
    x, y = (box.x + box.w / 2) / width, (box.y + box.h / 2) / height
    if any(inside(mask, x, y) for mask in setup.masks):
        return "mask"
    if setup.lane and not inside(setup.lane, x, y):
        return "lane"
    if setup.plate_px is not None:
        least, most = (side * width / setup.frame_size[0] for side in setup.plate_px)
        if not least <= box.w <= most:
            return "size"
    return None


def inside(polygon: Polygon, x: float, y: float) -> bool:
    """Whether a point lies in a polygon: an odd number of its edges crosses the line to the right of the point."""
    odd = False
    for (x0, y0), (x1, y1) in _edges(polygon):
        if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
            odd = not odd
    return odd


def _edges(polygon: Polygon) -> Sequence[tuple[tuple[float, float], tuple[float, float]]]:
    return list(zip(polygon, (*polygon[1:], *polygon[:1]), strict=True))
