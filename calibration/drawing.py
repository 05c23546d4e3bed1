"""Pictures for people: the prediction's curves, the lane on the scene, the card as it was found.  BGR."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from calibration.records import CardPose, Curve, Geometry, Prediction
from edge.records import Image, Point

_INK, _PALE, _GRID = (60, 50, 40), (150, 140, 130), (230, 228, 225)
_LINE, _BAND, _TODAY = (150, 90, 20), (240, 222, 200), (40, 40, 210)
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _RIGHT = 440, 320, 54, 34, 46, 16
_TITLES = {"width_px": "plate width, px", "yaw": "horizontal angle, degrees", "blur_px": "blur of edges, px"}


def curves_picture(prediction: Prediction) -> Image:
    """Predicted exact rate over width, angle and blur, with its interval, today's point in red."""
    panels = [_panel(curve, prediction.exact.share) for curve in prediction.curves]
    return np.hstack(panels) if panels else np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)


def lane_picture(scene: Image, geometry: Geometry) -> Image:
    """Lane, masks, direction of travel and the card's places on a picture of the scene."""
    picture = scene.copy()
    height, width = picture.shape[:2]

    def px(points: Sequence[Point]) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
        return np.array([(round(x * width), round(y * height)) for x, y in points], np.int32)

    for mask in geometry.masks:
        shade = picture.copy()
        cv2.fillPoly(shade, [px(mask)], (40, 40, 40))
        picture = np.asarray(cv2.addWeighted(shade, 0.65, picture, 0.35, 0), np.uint8)
    if geometry.lane:
        cv2.polylines(picture, [px(geometry.lane)], True, (80, 200, 60), 2, cv2.LINE_AA)
    for pose in geometry.poses:
        _outline(picture, pose, width / _frame_width(geometry, width))
    if geometry.direction is not None:
        middle = np.array([width / 2, height / 2])
        tip = middle + np.array(geometry.direction) * min(width, height) / 5
        cv2.arrowedLine(picture, _at(middle), _at(tip), (60, 180, 240), 3, cv2.LINE_AA, tipLength=0.3)
    return picture


def card_picture_of(image: Image, pose: CardPose) -> Image:
    """A picture of the card with its outline, distance and angles."""
    picture = image.copy() if image.ndim == 3 else np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
    _outline(picture, pose, 1.0)
    scale = min(1.0, 960 / picture.shape[1])
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _frame_width(geometry: Geometry, otherwise: int) -> float:
    return float(geometry.frame_size[0] or otherwise)


def _outline(picture: Image, pose: CardPose, scale: float) -> None:
    points = np.array(pose.outline) * scale
    cv2.polylines(picture, [np.round(points).astype(np.int32)], True, (60, 180, 240), 2, cv2.LINE_AA)
    yaw, pitch = pose.seen.yaw.best or 0.0, pose.seen.pitch.best or 0.0
    words = f"{pose.distance_m:.1f} m  {pose.width_px:.0f} px  yaw {yaw:.0f}  pitch {pitch:.0f}"
    (width, height), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
    x = int(np.clip(points[:, 0].min(), 2, max(2, picture.shape[1] - width - 6)))
    y = max(height + 6, int(points[:, 1].min()) - 8)
    cv2.rectangle(picture, (x - 2, y - height - 4), (x + width + 4, y + 5), (255, 255, 255), -1)
    cv2.putText(picture, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)


def _panel(curve: Curve, today_share: float) -> Image:
    picture = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    values = [point.value for point in curve.points]
    least, most = min(*values, curve.today), max(*values, curve.today)

    def at(value: float, share: float) -> tuple[int, int]:
        x = _LEFT + (value - least) / max(1e-9, most - least) * (_WIDTH - _LEFT - _RIGHT)
        return round(x), round(_TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM))

    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        cv2.line(picture, at(least, share), at(most, share), _GRID, 1)
        _write(picture, f"{share:.0%}", (6, at(least, share)[1] + 4), _PALE)
    band = [at(p.value, p.exact.high) for p in curve.points] + [at(p.value, p.exact.low) for p in reversed(curve.points)]
    cv2.fillPoly(picture, [np.array(band, np.int32)], _BAND, cv2.LINE_AA)
    line = np.array([at(p.value, p.exact.share) for p in curve.points], np.int32)
    cv2.polylines(picture, [line], False, _LINE, 2, cv2.LINE_AA)
    last = -100
    for value in values:
        x, y = at(value, 0.0)
        cv2.line(picture, (x, y), (x, y + 4), _PALE, 1)
        if x - last >= 34:
            _write(picture, f"{value:g}", (x - 4 * len(f"{value:g}"), y + 18), _PALE)
            last = x
    cv2.circle(picture, at(curve.today, today_share), 6, _TODAY, -1, cv2.LINE_AA)
    _write(picture, f"plates read whole, by {_TITLES.get(curve.quantity, curve.quantity)}", (_LEFT, 18), _INK)
    _write(picture, f"today {curve.today:.1f}: {today_share:.0%}", (_LEFT, _HEIGHT - 8), _TODAY)
    return picture


def _write(picture: Image, words: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    cv2.putText(picture, words, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)


def _at(point: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
