"""How a plate is turned, from a pose or from four corners alone, and how far the latter can be believed.

A rotation is ``Rz(roll)·Rx(pitch)·Ry(yaw)``, plate to camera: the heading of an upright plate, then the camera's tilt down,
then its own roll.  Camera: x right, y down, z forward.  Plate: x right and y down as it is read, z away from the reader.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from calibration.records import Angles, Corners, Interval
from calibration.thresholds import PLATE_HEIGHT_MM, PLATE_WIDTH_MM

Matrix = npt.NDArray[np.float64]

#: Corners as the bundled detector gives them are off by about this share of the plate's width (models/README.md: 3.4 % between
#: points in the median, of which half is a shift of all four, which turns nothing), and never by less than half a pixel.
DETECTOR_SIGMA_SHARE = 0.015
LEAST_SIGMA_PX = 0.5
#: How many disturbed copies of the corners are tried, and how much worse (in χ²) the mirror solution may fit and still count.
TRIALS = 100
MIRROR_CHI2 = 9.0
#: An interval wider than this says nothing that a technician could act on.
TELLS_DEG = 25.0
#: Where no focal length is known: that of a lens with about 19° across, a plate camera's; a wider lens turns less by corners.
FOCAL_WIDTHS = 3.0


def rotation(yaw: float, pitch: float, roll: float) -> Matrix:
    """The rotation of these angles in degrees."""
    y, p, r = np.deg2rad((yaw, pitch, roll))
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


def angles_of(turn: Matrix) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees of a rotation: the inverse of :func:`rotation`."""
    pitch = math.asin(float(np.clip(turn[2, 1], -1, 1)))
    roll = math.atan2(-float(turn[0, 1]), float(turn[1, 1]))
    yaw = math.atan2(float(turn[2, 0]), float(turn[2, 2]))
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def from_line_of_sight(turn: Matrix, place: npt.NDArray[np.float64]) -> Matrix:
    """The same rotation against the line of sight to ``place`` (camera coordinates) instead of the optical axis."""
    x, y, z = (float(v) for v in place / np.linalg.norm(place))
    pan = math.atan2(x, z)
    tilt = -math.asin(y)
    about_y = np.array([[math.cos(pan), 0, -math.sin(pan)], [0, 1, 0], [math.sin(pan), 0, math.cos(pan)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(tilt), math.sin(tilt)], [0, -math.sin(tilt), math.cos(tilt)]])
    return np.asarray(about_x @ about_y @ turn)


def camera_matrix(focal_px: float, frame_size: tuple[int, int]) -> Matrix:
    """Square pixels, the axis through the middle of the picture."""
    return np.array([[focal_px, 0, (frame_size[0] - 1) / 2], [0, focal_px, (frame_size[1] - 1) / 2], [0, 0, 1]], np.float64)


def sheet_corners_mm(width_mm: float = PLATE_WIDTH_MM, height_mm: float = PLATE_HEIGHT_MM) -> Matrix:
    """The corners of a sheet about its middle, TL TR BR BL, as SOLVEPNP_IPPE likes them."""
    w, h = width_mm / 2, height_mm / 2
    return np.array([[-w, -h, 0], [w, -h, 0], [w, h, 0], [-w, h, 0]], np.float64)


def angles_from_corners(
    corners: Corners,
    frame_size: tuple[int, int],
    focal_px: float | None = None,
    sigma_px: float | None = None,
    *,
    trials: int = TRIALS,
    plate_mm: tuple[float, float] = (PLATE_WIDTH_MM, PLATE_HEIGHT_MM),
) -> Angles:
    """Intervals for the angles of a plate against the line of sight, from its four corners alone.

    The corners are disturbed by ``sigma_px`` (the detector's own error unless told) many times; of each, both solutions of the
    planar pose (Collins and Bartoli 2014, IPPE) count unless one fits clearly worse.  At 130 px corners that are good to half a
    pixel leave 23 to 63° of doubt: such an interval is given as it is, and :func:`tells` says that nothing can be told from it.
    """
    width = float(np.linalg.norm(np.array(corners[1]) - np.array(corners[0])))
    sigma = max(LEAST_SIGMA_PX, DETECTOR_SIGMA_SHARE * width) if sigma_px is None else sigma_px
    matrix = camera_matrix(FOCAL_WIDTHS * frame_size[0] if focal_px is None else focal_px, frame_size)
    sheet = sheet_corners_mm(*plate_mm)
    rng = np.random.default_rng(4)
    seen: list[tuple[float, float, float]] = []
    for trial in range(trials):
        disturbed = np.array(corners, np.float64) + (rng.normal(0, sigma, (4, 2)) if trial else 0.0)
        seen += _solutions(sheet, disturbed, matrix, sigma)
    if not seen:
        nothing = Interval(low=-90.0, high=90.0)
        return Angles(yaw=nothing, pitch=nothing, roll=Interval(low=-180.0, high=180.0), source="corners")
    table = np.array(seen)
    return Angles(yaw=_hull(table[:, 0]), pitch=_hull(table[:, 1]), roll=_hull(table[:, 2]), source="corners")


def tells(angle: Interval) -> bool:
    """Whether an interval is narrow enough to act on."""
    return angle.high - angle.low <= TELLS_DEG


def certain(yaw: float, pitch: float, roll: float, error_deg: float) -> Angles:
    """Angles that a card gives, with an error of ``error_deg`` each way."""
    yaws, pitches, rolls = (Interval(low=a - error_deg, high=a + error_deg, best=a) for a in (yaw, pitch, roll))
    return Angles(yaw=yaws, pitch=pitches, roll=rolls, source="card")


def _solutions(sheet: Matrix, corners: Matrix, matrix: Matrix, sigma: float) -> list[tuple[float, float, float]]:
    """The angles of every pose that explains the corners."""
    try:
        count, turns, places, _ = cv2.solvePnPGeneric(sheet, corners, matrix, None, flags=cv2.SOLVEPNP_IPPE)
    except cv2.error:
        return []
    poses = []
    for k in range(count):
        turn, _ = cv2.Rodrigues(turns[k])
        seen, _ = cv2.projectPoints(sheet, turns[k], places[k], matrix, None)
        squares = float(((seen.reshape(-1, 2) - corners) ** 2).sum())
        place = np.asarray(places[k], np.float64).ravel()
        poses.append((squares, angles_of(from_line_of_sight(np.asarray(turn, np.float64), place))))
    if not poses:
        return []
    best = min(squares for squares, _ in poses)
    return [angles for squares, angles in poses if (squares - best) / sigma**2 <= MIRROR_CHI2]


def _hull(values: npt.NDArray[np.float64]) -> Interval:
    """All but the tails, and a seventh more on each side, since a hundred trials seldom meet the worst; in tenths."""
    low, high = (float(v) for v in np.percentile(values, (0.5, 99.5)))
    more = (high - low) / 7
    return Interval(low=math.floor((low - more) * 10) / 10, high=math.ceil((high + more) * 10) / 10)
