"""A photograph of a flat sheet by a camera that is known exactly: what predictions are made with, and what proves the tool.

Every pixel is traced back through the lens onto the sheet, at several places in each pixel; then the lens's blur, the motion's,
and the sensor's noise are added.  Pictures have the colours of the sheet.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from calibration.angles import Matrix, camera_matrix, rotation, sheet_corners_mm
from calibration.records import Corners
from edge.records import Image

Plane = npt.NDArray[np.float32]

#: Places a pixel and axis; the sheet is softened to that, so that nothing aliases.
OVERSAMPLING = 3


class Eye(Struct, frozen=True, kw_only=True):
    """A camera: focal length in pixels, axis (the picture's middle unless told), distortion k1 k2 p1 p2 k3."""

    frame_size: tuple[int, int]
    focal_px: float
    axis: tuple[float, float] | None = None
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)

    @property
    def matrix(self) -> Matrix:
        """The 3x3 matrix of the intrinsics."""
        matrix = camera_matrix(self.focal_px, self.frame_size)
        if self.axis is not None:
            matrix[0, 2], matrix[1, 2] = self.axis
        return matrix


class Pose(Struct, frozen=True, kw_only=True):
    """Where a sheet is: its middle in metres (camera: x right, y down, z forward), and its angles in degrees."""

    z_m: float
    x_m: float = 0.0
    y_m: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0


class Sensor(Struct, frozen=True, kw_only=True):
    """What lens and sensor do: blur (σ, pixels), motion (length in pixels, direction in degrees), noise (σ, grey levels), and
    the grey levels that the sheet's black and white come to."""

    blur_px: float = 0.5
    motion_px: float = 0.0
    motion_deg: float = 90.0
    noise: float = 1.0
    black: float = 20.0
    white: float = 220.0


def photograph(
    sheet: Image, size_mm: tuple[float, float], pose: Pose, eye: Eye, sensor: Sensor, seed: int = 0, ground: Image | None = None
) -> Image:
    """The picture of ``sheet`` (GRAY or BGR, ``size_mm`` wide and high) on ``ground``.

    The ground is a picture of the frame's size with the sheet's channels, mid-grey unless given."""
    reach = 3 * sensor.blur_px + sensor.motion_px
    return developed(projected(sheet, size_mm, pose, eye, reach, ground), sensor, seed)


def projected(
    sheet: Image, size_mm: tuple[float, float], pose: Pose, eye: Eye, reach_px: float, ground: Image | None = None
) -> Plane:
    """The light (0 to 1) that reaches lens and sensor, which then spread it by ``reach_px`` at most."""
    width, height = eye.frame_size
    corners = np.array(corners_of(size_mm, pose, eye))
    margin = 8 + reach_px
    x0, y0 = (int(v) for v in np.clip(np.floor(corners.min(axis=0) - margin), 0, (width - 1, height - 1)))
    x1, y1 = (int(v) for v in np.clip(np.ceil(corners.max(axis=0) + margin), (1, 1), (width, height)))
    shape = (height, width, *sheet.shape[2:])
    light: Plane = np.full(shape, 0.45, np.float32) if ground is None else ground.astype(np.float32) / np.float32(255)
    if x1 > x0 and y1 > y0:
        colour, cover = _traced(sheet, size_mm, pose, eye, (x0, y0, x1, y1))
        part = light[y0:y1, x0:x1]
        part += (colour - part) * cover.reshape(*cover.shape, *([1] * (light.ndim - 2)))
    return light


def developed(light: Plane, sensor: Sensor, seed: int = 0) -> Image:
    """What lens and sensor make of ``light`` (0 to 1)."""
    light = as_plane(sensor.black + (sensor.white - sensor.black) * light)
    if sensor.blur_px > 0.05:
        light = as_plane(cv2.GaussianBlur(light, (0, 0), sensor.blur_px, borderType=cv2.BORDER_REPLICATE))
    if sensor.motion_px > 0.1:
        kernel = motion_kernel(sensor.motion_px, sensor.motion_deg)
        light = as_plane(cv2.filter2D(light, -1, kernel, borderType=cv2.BORDER_REPLICATE))
    if sensor.noise > 0:
        # The same in all channels: what is measured, and asked for here, is the noise of the grey plane.
        grain = np.random.default_rng(seed).normal(0, sensor.noise, light.shape[:2]).astype(np.float32)
        light = light + grain.reshape(*grain.shape, *([1] * (light.ndim - 2)))
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)


def corners_of(size_mm: tuple[float, float], pose: Pose, eye: Eye) -> Corners:
    """The sheet's corners in the picture, TL TR BR BL."""
    turn, _ = cv2.Rodrigues(rotation(pose.yaw, pose.pitch, pose.roll))
    place = np.array([pose.x_m, pose.y_m, pose.z_m]) * 1000
    seen, _ = cv2.projectPoints(sheet_corners_mm(*size_mm), turn, place, eye.matrix, np.array(eye.distortion))
    tl, tr, br, bl = ((float(x), float(y)) for x, y in seen.reshape(-1, 2))
    return tl, tr, br, bl


def motion_kernel(length: float, direction_deg: float) -> Plane:
    """A line of ``length`` pixels through the middle, its energy shared between neighbouring pixels."""
    size = int(np.ceil(length)) // 2 * 2 + 3
    kernel = np.zeros((size, size), np.float32)
    along = np.linspace(-length / 2, length / 2, 64)
    xs = (size - 1) / 2 + along * np.cos(np.deg2rad(direction_deg))
    ys = (size - 1) / 2 + along * np.sin(np.deg2rad(direction_deg))
    for x, y in zip(xs, ys, strict=True):
        i, j = int(x), int(y)
        across, down = np.array([1 - x + i, x - i]), np.array([1 - y + j, y - j])
        part = kernel[j : j + 2, i : i + 2]
        part += np.outer(down, across)[: part.shape[0], : part.shape[1]].astype(np.float32)
    return as_plane(kernel / kernel.sum())


def as_plane(values: npt.NDArray[Any]) -> Plane:
    """For the type checker: OpenCV gives arrays of no known type."""
    return np.asarray(values, np.float32)


def _traced(
    sheet: Image, size_mm: tuple[float, float], pose: Pose, eye: Eye, box: tuple[int, int, int, int]
) -> tuple[Plane, Plane]:
    """Colour and cover, both 0 to 1, of the sheet in the pixels of ``box`` (x0, y0, x1, y1)."""
    x0, y0, x1, y1 = box
    corners = np.array(corners_of(size_mm, pose, eye))
    scale = sheet.shape[1] / max(1.0, float(np.linalg.norm(corners[1] - corners[0]))) / OVERSAMPLING
    soft = cv2.GaussianBlur(sheet, (0, 0), 0.45 * scale) if scale > 1.2 else sheet
    colour = as_plane(soft.astype(np.float32) / 255)
    if any(eye.distortion):
        colour, cover = _through_a_lens(colour, size_mm, pose, eye, box)
    else:
        colour, cover = _through_a_pinhole(colour, corners, box)
    size = (x1 - x0, y1 - y0)
    covered = cv2.resize(cover, size, interpolation=cv2.INTER_AREA)
    channels = [1] * (sheet.ndim - 2)
    mixed = cv2.resize(colour * cover.reshape(*cover.shape, *channels), size, interpolation=cv2.INTER_AREA)
    return as_plane(mixed / np.maximum(covered, 1e-6).reshape(y1 - y0, x1 - x0, *channels)), as_plane(covered)


def _through_a_pinhole(colour: Plane, corners: Matrix, box: tuple[int, int, int, int]) -> tuple[Plane, Plane]:
    """Colour and cover in ``OVERSAMPLING`` times the pixels of ``box``: one perspective map."""
    x0, y0, x1, y1 = box
    height, width = colour.shape[:2]
    sheet = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5
    target = (corners - (x0, y0) + 0.5) * OVERSAMPLING - 0.5
    matrix = cv2.getPerspectiveTransform(sheet.astype(np.float32), target.astype(np.float32))
    size = ((x1 - x0) * OVERSAMPLING, (y1 - y0) * OVERSAMPLING)
    seen = cv2.warpPerspective(colour, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = np.zeros(size[::-1], np.uint8)
    cv2.fillConvexPoly(cover, np.round(target * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    return as_plane(seen), as_plane(cover.astype(np.float32) / 255)


def _through_a_lens(
    colour: Plane, size_mm: tuple[float, float], pose: Pose, eye: Eye, box: tuple[int, int, int, int]
) -> tuple[Plane, Plane]:
    """The same where the lens bends lines: each place is traced back for itself."""
    x0, y0, x1, y1 = box
    wide, high = (x1 - x0) * OVERSAMPLING, (y1 - y0) * OVERSAMPLING
    xs = x0 + (np.arange(wide) + 0.5) / OVERSAMPLING - 0.5
    ys = y0 + (np.arange(high) + 0.5) / OVERSAMPLING - 0.5
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 1, 2)
    rays = cv2.undistortPoints(grid, eye.matrix, np.array(eye.distortion)).reshape(-1, 2)
    turn = rotation(pose.yaw, pose.pitch, pose.roll)
    place = np.array([pose.x_m, pose.y_m, pose.z_m]) * 1000
    # ray · s = turn · (u, v, 0) + place  →  (u, v, 1)/s by the inverse of [turn_x, turn_y, place].
    to_sheet = np.linalg.inv(np.stack([turn[:, 0], turn[:, 1], place], axis=1))
    u, v, w = to_sheet @ np.concatenate([rays, np.ones((len(rays), 1))], axis=1).T
    height, width = colour.shape[:2]
    map_x = as_plane((u / w / size_mm[0] + 0.5) * width - 0.5).reshape(high, wide)
    map_y = as_plane((v / w / size_mm[1] + 0.5) * height - 0.5).reshape(high, wide)
    seen = cv2.remap(colour, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = (map_x > -0.5) & (map_x < width - 0.5) & (map_y > -0.5) & (map_y < height - 0.5)
    return as_plane(seen), as_plane(inside)
