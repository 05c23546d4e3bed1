"""From a network's rows to plates in full-frame pixels: threshold, corners, and one detection per plate."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge.detector.preprocess import Placement
from edge.records import Box, Detection, Point

#: Two detections that overlap more than this are the same plate; plates of different vehicles never do.
SAME_PLATE_IOU = 0.4
#: … and one that lies inside the other by this share is, too (a box on the serial inside the box on the plate).
SAME_PLATE_INSIDE = 0.7


def plates_from_corners(rows: npt.NDArray[np.float32], placement: Placement, threshold: float) -> list[Detection]:
    """Rows of ``plate-edge-detector/1``: score, then x, y of the four corners (TL, TR, BR, BL) in input pixels."""
    found = []
    for row in rows[rows[:, 0] >= threshold]:
        corners = tuple(placement.to_frame(float(row[1 + 2 * i]), float(row[2 + 2 * i])) for i in range(4))
        found.append(_detection(corners, float(row[0])))
    return found


def plates_from_boxes(rows: npt.NDArray[np.float32], placement: Placement, threshold: float) -> list[Detection]:
    """Rows of the YOLOv9 end-to-end export: image index, x1, y1, x2, y2, class, score, in input pixels."""
    found = []
    for _, x1, y1, x2, y2, _, score in rows[rows[:, 6] >= threshold].tolist():
        left, top = placement.to_frame(x1, y1)
        right, bottom = placement.to_frame(x2, y2)
        found.append(_detection(((left, top), (right, top), (right, bottom), (left, bottom)), score))
    return found


def one_per_plate(found: Sequence[Detection], width: int, height: int) -> tuple[Detection, ...]:
    """Most confident first; what overlaps a more confident one goes, and so does what is no area inside the frame."""
    kept: list[Detection] = []
    for detection in sorted(found, key=lambda d: -d.confidence):
        box = detection.box
        if not all(map(math.isfinite, (box.x, box.y, box.w, box.h))) or box.w < 4 or box.h < 2:
            continue
        if box.x >= width or box.y >= height or box.x + box.w <= 0 or box.y + box.h <= 0:
            continue
        if not any(_same_plate(box, other.box) for other in kept):
            kept.append(detection)
    return tuple(kept)


def _detection(corners: tuple[Point, ...], confidence: float) -> Detection:
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    box = Box(x=min(xs), y=min(ys), w=max(xs) - min(xs), h=max(ys) - min(ys))
    return Detection(box=box, corners=(corners[0], corners[1], corners[2], corners[3]), confidence=confidence)


def _same_plate(a: Box, b: Box) -> bool:
    w = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    h = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    if w <= 0 or h <= 0:
        return False
    common, area_a, area_b = w * h, a.w * a.h, b.w * b.h
    return common / (area_a + area_b - common) > SAME_PLATE_IOU or common / min(area_a, area_b) > SAME_PLATE_INSIDE
