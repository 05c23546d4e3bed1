"""Cars: a smooth shell lofted along the length, with everything on it painted as labels into three flat maps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.traffic.scene import (
    CARSHELL,
    CHROME,
    DIFFUSE,
    GLASS,
    LAMP,
    PAINT,
    PLATE,
    Floats,
    Image,
    Mesh,
    Surfaces,
    grid_mesh,
    merge,
    quad,
)

PLATE_WIDTH_M = 0.3048  # US plates are 12 by 6 inches
PLATE_HEIGHT_M = 0.1524
# Labels painted into the side, rear and front maps of a car; they index the car's palette of surfaces.
(
    L_PAINT,
    L_GLASS,
    L_PLASTIC,
    L_CHROME,
    L_RED,
    L_CLEAR,
    L_AMBER,
    L_SEAM,
    L_RECESS,
    L_TAIL,
    L_HEAD,
    L_SEAT,
    L_RUBBER,
    L_GRILLE,
    L_RIM,
) = range(15)
SIDE_PX_PER_M = 500.0
END_PX_PER_M = 400.0
MAP_TOP_M = 2.1  # the maps reach from the road to this height
END_HALF_WIDTH_M = 1.1


@dataclass(frozen=True)
class Shape:
    """A body style: size, height of the top line along the length, where plates sit (heights in metres)."""

    name: str
    length_m: float
    width_m: float
    top: tuple[tuple[float, float], ...]
    belt: float
    rear_plate_m: float
    front_plate_m: float
    wheel_m: float
    axles: tuple[float, float]
    glass_rear: tuple[float, float, float, float]  # bottom, top, half width at bottom, half width at top
    glass_front: tuple[float, float, float, float]
    lamp: str


SHAPES = {
    "sedan": Shape(
        "sedan",
        4.75,
        1.83,
        (
            (0, 0.97),
            (0.03, 1.04),
            (0.10, 1.09),
            (0.165, 1.12),
            (0.31, 1.39),
            (0.40, 1.455),
            (0.50, 1.46),
            (0.60, 1.39),
            (0.74, 1.03),
            (0.80, 0.99),
            (0.93, 0.87),
            (1.0, 0.74),
        ),
        0.94,
        0.80,
        0.46,
        0.33,
        (0.215, 0.805),
        (1.13, 1.38, 0.62, 0.50),
        (1.02, 1.37, 0.66, 0.52),
        "wrap",
    ),
    "hatch": Shape(
        "hatch",
        4.2,
        1.77,
        (
            (0, 1.0),
            (0.02, 1.08),
            (0.05, 1.16),
            (0.14, 1.43),
            (0.22, 1.50),
            (0.48, 1.52),
            (0.60, 1.42),
            (0.75, 1.05),
            (0.82, 1.0),
            (0.94, 0.88),
            (1.0, 0.74),
        ),
        0.96,
        0.84,
        0.46,
        0.32,
        (0.17, 0.80),
        (1.12, 1.42, 0.58, 0.47),
        (1.04, 1.40, 0.64, 0.50),
        "tall",
    ),
    "suv": Shape(
        "suv",
        4.7,
        1.88,
        (
            (0, 1.06),
            (0.015, 1.14),
            (0.035, 1.22),
            (0.09, 1.58),
            (0.15, 1.67),
            (0.30, 1.70),
            (0.52, 1.69),
            (0.62, 1.58),
            (0.75, 1.15),
            (0.82, 1.10),
            (0.95, 1.0),
            (1.0, 0.86),
        ),
        1.06,
        0.92,
        0.55,
        0.37,
        (0.18, 0.80),
        (1.19, 1.56, 0.66, 0.55),
        (1.14, 1.57, 0.70, 0.56),
        "tall",
    ),
    "van": Shape(
        "van",
        5.1,
        1.95,
        (
            (0, 1.08),
            (0.012, 1.16),
            (0.028, 1.26),
            (0.06, 1.66),
            (0.11, 1.77),
            (0.30, 1.80),
            (0.62, 1.76),
            (0.72, 1.58),
            (0.86, 1.12),
            (0.91, 1.05),
            (0.97, 0.95),
            (1.0, 0.80),
        ),
        1.05,
        0.90,
        0.50,
        0.34,
        (0.19, 0.82),
        (1.22, 1.64, 0.72, 0.62),
        (1.12, 1.62, 0.76, 0.62),
        "tall",
    ),
    "pickup": Shape(
        "pickup",
        5.6,
        1.96,
        (
            (0, 1.12),
            (0.01, 1.17),
            (0.03, 1.19),
            (0.385, 1.20),
            (0.40, 1.30),
            (0.43, 1.70),
            (0.46, 1.80),
            (0.62, 1.80),
            (0.67, 1.68),
            (0.75, 1.24),
            (0.80, 1.20),
            (0.96, 1.12),
            (1.0, 0.95),
        ),
        1.14,
        0.60,
        0.55,
        0.40,
        (0.19, 0.80),
        (1.34, 1.66, 0.62, 0.56),
        (1.24, 1.67, 0.72, 0.60),
        "stack",
    ),
}


def _curve(points: tuple[tuple[float, float], ...], at: NDArray[Any]) -> NDArray[Any]:
    """Smooth (monotone, Catmull-like) interpolation by blurring a piecewise line a little."""
    xs, ys = np.array(points).T
    fine = np.linspace(0, 1, 801)
    line = np.interp(fine, xs, ys)
    kernel = np.hanning(29)
    padded = np.pad(line, 14, mode="edge")
    smooth = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return np.interp(at, fine, smooth)


_REAR_SHEAR = (
    (0.0, 0.16),
    (0.22, 0.10),
    (0.32, 0.015),
    (0.40, 0.0),
    (0.56, 0.0),
    (0.61, 0.05),
    (0.68, 0.075),
    (1.0, 0.095),
    (1.2, 0.13),
    (2.1, 0.16),
)
_FRONT_SHEAR = (
    (0.0, 0.20),
    (0.2, 0.12),
    (0.32, 0.02),
    (0.42, 0.0),
    (0.55, 0.01),
    (0.66, 0.07),
    (0.8, 0.16),
    (1.0, 0.24),
    (2.1, 0.3),
)


def _end_z(shape: Shape, y: NDArray[Any], x: NDArray[Any], front: bool) -> NDArray[Any]:
    """How far the face of the car's end lies inside its length at height y and side x (metres)."""
    half = shape.width_m / 2
    s = np.minimum(np.abs(x) / half, 1.0)
    bow = 0.09 * s**2 + 0.07 * s**10
    table = np.array(_FRONT_SHEAR if front else _REAR_SHEAR)
    lift = (shape.rear_plate_m - 0.80) if shape.name in ("suv", "van") else 0.0
    return bow + np.interp(y - lift * 0.8, table[:, 0], table[:, 1])


def _body(shape: Shape, material: int) -> Mesh:
    """The outer shell: cross-sections along the length, closed by rounded ends; own coordinates in `aux`."""
    stations = np.unique(np.concatenate([np.linspace(0, 0.12, 15), np.linspace(0.12, 0.9, 44), np.linspace(0.9, 1, 13)]))
    top = _curve(shape.top, stations)
    half = shape.width_m / 2
    sections = []
    for u, t in zip(stations, top, strict=True):
        belt = shape.belt + 0.05 * (0.5 - u)
        w = half * (1 - 0.05 * max(0.0, (u - 0.72) / 0.28) ** 2 - 0.03 * max(0.0, (0.2 - u) / 0.2) ** 2)
        shoulder = min(belt, t - 0.05)
        cabin = max(t - belt, 0.0)
        roof = w * (0.955 - 0.42 * min(cabin, 0.62))
        key = [
            (0.0, 0.20),
            (0.55 * w, 0.20),
            (0.90 * w, 0.21),
            (0.965 * w, 0.27),
            (0.985 * w, 0.36),
            (0.995 * w, 0.52),
            (1.0 * w, 0.62),
            (0.995 * w, shoulder - 0.12),
            (0.985 * w, shoulder - 0.05),
            (0.955 * w, shoulder),
        ]
        rise = t - 0.045 - shoulder
        edge = 0.955 * w if cabin < 0.02 else roof
        key += [(0.955 * w + (edge - 0.955 * w) * k, shoulder + rise * k) for k in (0.12, 0.3, 0.5, 0.7, 0.88)]
        key += [
            (edge, t - 0.045),
            (edge * 0.955, t - 0.02),
            (edge * 0.86, t - 0.004),
            (edge * 0.6, t + 0.008),
            (edge * 0.3, t + 0.016),
            (0.0, t + 0.018),
        ]
        pts = np.array(key)
        chord = np.arange(len(pts))
        fine = np.linspace(0, len(pts) - 1, 42)
        xs, ys = np.interp(fine, chord, pts[:, 0]), np.interp(fine, chord, pts[:, 1])
        xs[1:-1] = 0.25 * xs[:-2] + 0.5 * xs[1:-1] + 0.25 * xs[2:]
        ys[1:-1] = 0.25 * ys[:-2] + 0.5 * ys[1:-1] + 0.25 * ys[2:]
        sections.append(np.stack([xs, ys], 1))
    side = np.stack(sections)  # stations, points, (x, y), right half from bottom to top
    full = np.concatenate([side, side[:, -2::-1] * np.array([-1, 1])], axis=1)
    length = shape.length_m
    z = np.repeat((stations * length)[:, None], full.shape[1], axis=1)
    rear = np.clip(1 - stations / 0.10, 0, 1)[:, None] ** 1.5
    nose = np.clip(1 - (1 - stations) / 0.12, 0, 1)[:, None] ** 1.5
    z = z + rear * (_end_z(shape, full[..., 1], full[..., 0], False)) - nose * _end_z(shape, full[..., 1], full[..., 0], True)
    points = np.stack([full[..., 0], full[..., 1], z], -1)

    def cap(section: NDArray[Any], front: bool) -> NDArray[Any]:
        rings = []
        for s in (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.88, 0.94, 0.97, 0.985, 0.995):
            x, y = section[:, 0] * s, section[:, 1]
            inset = _end_z(shape, y, x, front)
            rings.append(np.stack([x, y, length - inset if front else inset], 1))
        return np.stack(rings[::-1] if front else rings)

    points = np.concatenate([cap(full[0], False), points, cap(full[-1], True)])
    mesh = grid_mesh(points.astype(np.float32), points, material)
    mesh.nrm = -mesh.nrm  # outwards: the surface map is chosen by it
    return mesh


def _disc(x: float, y: float, z: float, radius: float, out: float, material: int) -> Mesh:
    """A wheel's face, seen from the side, looking along x; uv over its square."""
    angle = np.linspace(0, 2 * math.pi, 37)
    rings = []
    auxs = []
    for s, depth in ((0.02, -0.01), (0.6, -0.025), (0.72, 0.0), (0.95, 0.0), (1.0, -0.03)):
        rings.append(
            np.stack([np.full_like(angle, x + out * depth), y + radius * s * np.sin(angle), z + radius * s * np.cos(angle)], 1)
        )
        auxs.append(np.stack([0.5 + 0.5 * s * np.cos(angle), 0.5 - 0.5 * s * np.sin(angle), np.zeros_like(angle)], 1))
    return grid_mesh(np.stack(rings).astype(np.float32), np.stack(auxs), material)


def _tread(x0: float, x1: float, y: float, z: float, radius: float, material: int) -> Mesh:
    angle = np.linspace(0, 2 * math.pi, 37)
    rings = [
        np.stack([np.full_like(angle, x), y + r * np.sin(angle), z + r * np.cos(angle)], 1)
        for x, r in ((x0, radius * 0.96), (x0 + 0.02, radius), (x1 - 0.02, radius), (x1, radius * 0.96))
    ]
    return grid_mesh(np.stack(rings).astype(np.float32), np.zeros((4, 37, 3)), material)


def _end_px(x: float, y: float) -> tuple[int, int]:
    return round((x + END_HALF_WIDTH_M) * END_PX_PER_M), round((MAP_TOP_M - y) * END_PX_PER_M)


def _fill(image: Image, points: list[tuple[float, float]], label: int, mirror: bool = True) -> None:
    """Fill a polygon given in metres (x from the middle, y above the road) and, if asked, its mirror image."""
    for sign in (1, -1) if mirror else (1,):
        cv2.fillPoly(image, [np.array([_end_px(sign * x, y) for x, y in points], np.int32)], label)


def _line(image: Image, points: list[tuple[float, float]], label: int, width: int = 3, mirror: bool = True) -> None:
    for sign in (1, -1) if mirror else (1,):
        cv2.polylines(image, [np.array([_end_px(sign * x, y) for x, y in points], np.int32)], False, label, width)


def _round(points: list[tuple[float, float]], radius: float = 0.03) -> list[tuple[float, float]]:
    """The polygon with its corners cut into short curves."""
    out = []
    n = len(points)
    for i in range(n):
        p, a, b = np.array(points[i]), np.array(points[i - 1]), np.array(points[(i + 1) % n])
        da, db = (a - p), (b - p)
        ka, kb = min(radius / np.linalg.norm(da), 0.5), min(radius / np.linalg.norm(db), 0.5)
        for t in (0, 0.25, 0.5, 0.75, 1):
            q = (1 - t) ** 2 * (p + da * ka) + 2 * t * (1 - t) * p + t * t * (p + db * kb)
            out.append((float(q[0]), float(q[1])))
    return out


def _rect(x0: float, x1: float, y0: float, y1: float) -> list[tuple[float, float]]:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _rear_map(shape: Shape, badge: str) -> Image:
    """Labels of everything seen on the back of a car."""
    image = np.zeros((round(MAP_TOP_M * END_PX_PER_M), round(2 * END_HALF_WIDTH_M * END_PX_PER_M)), np.uint8)
    half = shape.width_m / 2
    low, high, w0, w1 = shape.glass_rear
    _fill(
        image,
        _round(
            [(-w0 - 0.035, low - 0.03), (w0 + 0.035, low - 0.03), (w1 + 0.03, high + 0.03), (-w1 - 0.03, high + 0.03)], 0.06
        ),
        L_PLASTIC,
        False,
    )
    _fill(image, _round([(-w0, low), (w0, low), (w1, high), (-w1, high)], 0.05), L_GLASS, False)
    for x in (-0.36, 0.36):
        _fill(image, _round(_rect(x - 0.12, x + 0.12, low - 0.02, low + (high - low) * 0.42), 0.05), L_SEAT, False)
    _fill(image, _round([(-w0, low), (w0, low), (w0, low + 0.012), (-w0, low + 0.012)], 0.004), L_PLASTIC, False)
    if shape.name in ("suv", "hatch", "van"):
        _line(image, [(0, low + 0.02), (0.28, low + 0.05)], L_PLASTIC, 5, False)  # wiper
        _fill(image, _rect(-0.16, 0.16, high + 0.045, high + 0.06), L_RED, False)
    y = shape.rear_plate_m
    _fill(image, _rect(0, half + 0.1, 0.0, 0.30), L_PLASTIC)
    if shape.name == "pickup":
        _fill(image, _round(_rect(-0.80, 0.80, 0.72, 1.13), 0.03), L_SEAM, False)
        _fill(image, _round(_rect(-0.79, 0.79, 0.73, 1.12), 0.03), L_PAINT, False)
        _fill(image, _round(_rect(-half, half, 0.50, 0.69), 0.03), L_CHROME, False)
        _fill(image, _rect(-0.26, 0.26, 0.50, 0.70), L_PLASTIC, False)
        _fill(image, _rect(-half, half, 0.30, 0.50), L_PLASTIC, False)
        _fill(image, _round(_rect(-0.14, 0.14, 0.98, 1.03), 0.02), L_PLASTIC, False)
        _fill(image, _round(_rect(0.815, half + 0.05, 0.74, 1.10), 0.02), L_SEAM)
        _fill(image, _round(_rect(0.822, half + 0.05, 0.92, 1.09), 0.02), L_TAIL)
        _fill(image, _round(_rect(0.822, half + 0.05, 0.84, 0.915), 0.01), L_CLEAR)
        _fill(image, _round(_rect(0.822, half + 0.05, 0.75, 0.835), 0.01), L_RED)
    else:
        top = shape.top[1][1]
        seam = [(0.0, 0.605), (0.52, 0.605), (0.57, 0.66), (0.60, 0.80)]
        if shape.lamp == "tall":
            seam = [(0.0, 0.63), (0.60, 0.63), (0.66, 0.70), (0.68, 1.0), (w0 + 0.06, low), (w1 + 0.05, high + 0.03)]
        _line(image, seam, L_SEAM, 3)
        _line(image, [(0, 0.585), (half, 0.60)], L_SEAM, 2)
        # Recess of the plate, shaded, with a strip of trim and two small lamps above.
        _fill(
            image, _round([(-0.27, y - 0.115), (0.27, y - 0.115), (0.235, y + 0.115), (-0.235, y + 0.115)], 0.03), L_SEAM, False
        )
        _fill(
            image, _round([(-0.262, y - 0.108), (0.262, y - 0.108), (0.23, y + 0.11), (-0.23, y + 0.11)], 0.03), L_RECESS, False
        )
        _fill(
            image,
            _round(_rect(-0.29, 0.29, y + 0.105, y + 0.14), 0.012),
            L_CHROME if shape.name != "hatch" else L_PLASTIC,
            False,
        )
        if shape.lamp == "wrap":
            lens = [
                (0.50, top - 0.22),
                (0.56, top - 0.09),
                (half + 0.05, top - 0.08),
                (half + 0.05, top - 0.27),
                (0.62, top - 0.27),
            ]
            _fill(image, _round([(x - 0.008 if x < 0.7 else x, v) for x, v in lens], 0.03), L_SEAM)
            _fill(image, _round(lens, 0.03), L_RED)
            for step in range(3):  # ribs of the lens
                _line(image, [(0.56 + 0.01 * step, top - 0.11 - 0.035 * step), (half, top - 0.105 - 0.035 * step)], L_SEAM, 1)
            _fill(image, _round(_rect(0.60, half, top - 0.145, top - 0.115), 0.008), L_TAIL)
            _fill(image, _round(_rect(0.56, 0.70, top - 0.22, top - 0.18), 0.01), L_CLEAR)
            _fill(image, _round(_rect(0.72, half, top - 0.245, top - 0.195), 0.008), L_TAIL)
        else:
            base = 0.74 if shape.name != "van" else 0.85
            peak = min(low + (0.12 if shape.name != "suv" else 0.02), 1.34)
            lens = [
                (0.66, base),
                (0.69, peak - 0.05),
                (half - 0.06, peak),
                (half + 0.05, peak - 0.02),
                (half + 0.05, base + 0.02),
            ]
            _fill(image, _round([(x - 0.008 if x < 0.7 else x, v) for x, v in lens], 0.03), L_SEAM)
            _fill(image, _round(lens, 0.03), L_RED)
            _fill(image, _round(_rect(0.72, half, base + 0.20, base + 0.25), 0.01), L_TAIL)
            _fill(image, _round(_rect(0.70, half, base + 0.05, base + 0.10), 0.01), L_CLEAR)
            _fill(image, _round(_rect(0.72, half, base + 0.13, base + 0.16), 0.008), L_AMBER)
        _fill(image, _round([(0, 0.30), (0.62, 0.30), (0.56, 0.40), (0, 0.40)], 0.03), L_PLASTIC)
        _fill(image, _round(_rect(0.60, 0.80, 0.43, 0.465), 0.01), L_RED)
        for side in (-1, 1) if shape.name == "suv" else (1,):  # tail pipe
            cv2.ellipse(image, _end_px(side * 0.50, 0.285), (17, 12), 0, 0, 360, L_CHROME, -1)
            cv2.ellipse(image, _end_px(side * 0.50, 0.284), (14, 9), 0, 0, 360, L_SEAM, -1)
    cv2.circle(image, _end_px(0, min(y + 0.21, 1.06)), 13, L_CHROME, -1)
    cv2.circle(image, _end_px(0, min(y + 0.21, 1.06)), 8, L_SEAM, 2)
    cv2.putText(
        image,
        badge,
        _end_px(-0.54, y - 0.02 if shape.name != "pickup" else 0.82),
        cv2.FONT_HERSHEY_DUPLEX,
        0.5,
        L_CHROME,
        1,
        cv2.LINE_8,
    )
    cv2.putText(
        image,
        "AWD",
        _end_px(0.40, y - 0.02 if shape.name != "pickup" else 0.82),
        cv2.FONT_HERSHEY_DUPLEX,
        0.45,
        L_CHROME,
        1,
        cv2.LINE_8,
    )
    return image


def _front_map(shape: Shape) -> Image:
    """Labels of everything seen on the front of a car."""
    image = np.zeros((round(MAP_TOP_M * END_PX_PER_M), round(2 * END_HALF_WIDTH_M * END_PX_PER_M)), np.uint8)
    half = shape.width_m / 2
    low, high, w0, w1 = shape.glass_front
    _fill(
        image,
        _round([(-w0 - 0.04, low - 0.05), (w0 + 0.04, low - 0.05), (w1 + 0.03, high + 0.02), (-w1 - 0.03, high + 0.02)], 0.06),
        L_PLASTIC,
        False,
    )
    _fill(image, _round([(-w0, low), (w0, low), (w1, high), (-w1, high)], 0.05), L_GLASS, False)
    for x in (-0.36, 0.36):
        _fill(image, _round(_rect(x - 0.13, x + 0.13, low + 0.02, low + (high - low) * 0.55), 0.05), L_SEAT, False)
    _line(image, [(-0.5, low + 0.01), (0.05, low + 0.03)], L_PLASTIC, 4, False)
    _line(image, [(0.0, low + 0.01), (0.5, low + 0.03)], L_PLASTIC, 4, False)
    nose = shape.top[-1][1]
    y = shape.front_plate_m
    _line(image, [(0, nose + 0.01), (0.55, nose - 0.01), (0.72, nose - 0.04)], L_SEAM, 4)
    grille = [(-0.50, nose - 0.05), (0.50, nose - 0.05), (0.42, nose - 0.20), (-0.42, nose - 0.20)]
    _fill(image, _round([(x * 1.03, v + (0.01 if i < 2 else -0.01)) for i, (x, v) in enumerate(grille)], 0.04), L_CHROME, False)
    _fill(image, _round(grille, 0.04), L_GRILLE, False)
    for k in range(1, 4):
        _line(image, [(-0.47, nose - 0.05 - 0.037 * k), (0.47, nose - 0.05 - 0.037 * k)], L_PLASTIC, 3, False)
    cv2.circle(image, _end_px(0, nose - 0.12), 20, L_CHROME, -1)
    cv2.circle(image, _end_px(0, nose - 0.12), 13, L_SEAM, 3)
    lens = [
        (0.50, nose - 0.16),
        (0.54, nose - 0.04),
        (half + 0.05, nose + 0.02),
        (half + 0.05, nose - 0.13),
        (0.72, nose - 0.19),
    ]
    _fill(image, _round([(x * 0.985 if x < 0.7 else x, v) for x, v in lens], 0.03), L_SEAM)
    _fill(image, _round(lens, 0.03), L_CLEAR)
    cv2.circle(image, _end_px(0.66, nose - 0.105), 24, L_HEAD, -1)
    cv2.circle(image, _end_px(-0.66, nose - 0.105), 24, L_HEAD, -1)
    _fill(image, _round(_rect(0.74, half + 0.03, nose - 0.10, nose - 0.07), 0.01), L_AMBER)
    _fill(image, _round([(0, 0.24), (0.58, 0.24), (0.50, y - 0.10), (0, y - 0.10)], 0.03), L_GRILLE)
    _fill(image, _round(_rect(0.64, 0.84, 0.30, 0.40), 0.03), L_PLASTIC)
    cv2.circle(image, _end_px(0.73, 0.35), 14, L_CLEAR, -1)
    cv2.circle(image, _end_px(-0.73, 0.35), 14, L_CLEAR, -1)
    _fill(image, _rect(0, half + 0.1, 0.0, 0.22), L_PLASTIC)
    return image


def _side_map(shape: Shape) -> Image:
    """Labels of everything seen from the side, from the rear (left edge) to the front."""
    length = shape.length_m
    image = np.zeros((round(MAP_TOP_M * SIDE_PX_PER_M), round(length * SIDE_PX_PER_M) + 1), np.uint8)

    def px(z: float, y: float) -> tuple[int, int]:
        return round(z * SIDE_PX_PER_M), round((MAP_TOP_M - y) * SIDE_PX_PER_M)

    def fill(points: list[tuple[float, float]], label: int) -> None:
        cv2.fillPoly(image, [np.array([px(*p) for p in points], np.int32)], label)

    us = np.linspace(0, 1, 240)
    top = _curve(shape.top, us)
    belt = shape.belt + 0.05 * (0.5 - us) + 0.02
    roof = top - 0.10
    ok = roof - belt > 0.06
    if ok.any():
        zs = us[ok] * length
        if shape.name == "pickup":
            zs = zs
        outline = [*zip(zs, belt[ok], strict=True), *list(zip(zs, roof[ok], strict=True))[::-1]]
        fill([(float(a), float(b)) for a, b in outline], L_GLASS)
        start, end = float(zs[0]), float(zs[-1])
        pillars = {
            "sedan": (0.33, 0.62),
            "hatch": (0.33, 0.62),
            "suv": (0.22, 0.42, 0.66),
            "van": (0.22, 0.46, 0.70),
            "pickup": (0.5,),
        }
        for share in pillars[shape.name]:
            z = start + (end - start) * share
            fill([(z - 0.045, 0.9), (z + 0.045, 0.9), (z + 0.01, 2.0), (z - 0.07, 2.0)], L_PLASTIC)
        mask = np.zeros_like(image)
        cv2.fillPoly(mask, [np.array([px(float(a), float(b)) for a, b in outline], np.int32)], 1)
        image[(mask == 0)] = L_PAINT
        door_top = float(belt[ok].mean())
        cuts = [start + (end - start) * s for s in pillars[shape.name]]
        for z in [*cuts, min(end + 0.02, shape.axles[1] * length - 0.42)]:
            cv2.line(image, px(z, 0.34), px(z, door_top), L_SEAM, 4)
        for z in cuts:
            fill(
                [
                    (z + 0.06, door_top - 0.12),
                    (z + 0.24, door_top - 0.12),
                    (z + 0.24, door_top - 0.09),
                    (z + 0.06, door_top - 0.09),
                ],
                L_SEAM,
            )
    cv2.line(image, px(0.2, 0.34), px(length - 0.2, 0.34), L_SEAM, 4)
    fill([(0, 0), (length, 0), (length, 0.27), (0, 0.27)], L_PLASTIC)
    for share in shape.axles:
        cv2.circle(image, px(share * length, shape.wheel_m), round((shape.wheel_m + 0.055) * SIDE_PX_PER_M), L_SEAM, -1)
    rear_top = shape.top[1][1]
    if shape.lamp == "wrap":
        fill(_rect(0, 0.30, rear_top - 0.26, rear_top - 0.09), L_RED)
    elif shape.lamp == "tall":
        fill(_rect(0, 0.24, 0.78, min(shape.glass_rear[0] + 0.08, 1.3)), L_RED)
    else:
        fill(_rect(0, 0.14, 0.76, 1.09), L_RED)
    nose = shape.top[-1][1]
    fill([(length - 0.46, nose + 0.03), (length, nose + 0.02), (length, nose - 0.14), (length - 0.22, nose - 0.13)], L_CLEAR)
    fill(_rect(length - 0.16, length, 0.45, 0.49), L_AMBER)
    return image


def _rim_texture(rng: np.random.Generator) -> Image:
    """A tyre and an alloy wheel whose spokes are smeared by turning."""
    size = 256
    y, x = np.mgrid[0:size, 0:size]
    r = np.hypot(x - 127.5, y - 127.5) / 127.5
    a = np.arctan2(y - 127.5, x - 127.5)
    spokes = 0.5 + 0.5 * np.cos(a * int(rng.integers(5, 11)))
    value = np.where(r > 0.70, 30.0, 60 + 110 * spokes)
    value = np.where((r > 0.66) & (r < 0.70), 185.0, value)
    value = np.where(r < 0.13, 140.0, value)
    value = np.where((r > 0.93), 24.0, value)
    image = np.repeat(value[..., None], 3, axis=2) + rng.normal(0, 3, (size, size, 1))
    return cv2.GaussianBlur(np.clip(image, 0, 255).astype(np.uint8), (0, 0), 1.2)


@dataclass
class Car:
    """One vehicle: where it is, how fast, what plate it shows. `heading` +1 drives away (rear seen), -1 towards us."""

    shape: Shape
    lane_x: float
    heading: int
    speed_mps: float
    passing_s: float  # the moment its plate is `passing_z` metres ahead of the camera
    passing_z: float
    plate: Image
    rgb: tuple[float, float, float]
    badge: str = "ORVANE"
    dirt: float = 0.25
    plate_offset: tuple[float, float] = (0.0, 0.0)
    plate_roll_deg: float = 0.0
    lamps_on: bool = False
    mesh: Mesh | None = field(default=None, repr=False)
    plate_local: Floats | None = field(default=None, repr=False)

    def plate_z(self, time_s: float) -> float:
        return self.passing_z + self.heading * self.speed_mps * (time_s - self.passing_s)

    def origin_z(self, time_s: float) -> float:
        """World z of the rear of the body."""
        return self.plate_z(time_s) + (-0.1 if self.heading > 0 else self.shape.length_m - 0.1)

    def place(self, points: Floats, time_s: float) -> Floats:
        """Own coordinates (x, y, z from the rear) to world."""
        out = points.copy()
        out[:, 0] = self.lane_x + self.heading * points[:, 0]
        out[:, 2] = self.origin_z(time_s) + self.heading * points[:, 2]
        return out

    def plate_world(self, time_s: float) -> Floats:
        """World corners of the plate as its reader sees them: top left, top right, bottom right, bottom left."""
        assert self.plate_local is not None
        return self.place(self.plate_local, time_s)


def _palette(surfaces: Surfaces, rgb: tuple[float, float, float], dirt: float, *, lamps_on: bool) -> int:
    """Add the surfaces that the labels stand for; returns the row of the first."""
    base, night, d = len(surfaces.rows), lamps_on, dirt
    palette = {
        L_PAINT: (PAINT, rgb, 1.0, d, 0.0),
        L_GLASS: (GLASS, (0.012, 0.014, 0.014), 1.0, 0.0, 0.0),
        L_PLASTIC: (PAINT, (0.022, 0.022, 0.023), 0.35, d, 0.0),
        L_CHROME: (CHROME, (0.75, 0.76, 0.78), 1.0, d * 0.5, 0.0),
        L_RED: (LAMP, (0.24, 0.008, 0.008), 1.0, d * 0.4, 1.1 if night else 0.0),
        L_CLEAR: (LAMP, (0.26, 0.265, 0.27), 1.0, d * 0.4, 0.10 if night else 0.0),
        L_AMBER: (LAMP, (0.5, 0.16, 0.01), 1.0, d * 0.4, 0.5 if night else 0.0),
        L_SEAM: (DIFFUSE, (0.012, 0.012, 0.012), 0.0, 0.0, 0.0),
        L_RECESS: (PAINT, (rgb[0] * 0.5, rgb[1] * 0.5, rgb[2] * 0.5), 0.5, d, 0.0),
        L_TAIL: (LAMP, (0.42, 0.014, 0.012), 1.0, d * 0.4, 7.0 if night else 0.05),
        L_HEAD: (LAMP, (0.62, 0.64, 0.66), 1.0, 0.0, 22.0 if night else 0.0),
        L_SEAT: (GLASS, (0.035, 0.034, 0.033), 1.0, 0.0, 0.0),
        L_RUBBER: (DIFFUSE, (0.02, 0.02, 0.02), 0.0, d * 2, 0.0),
        L_GRILLE: (DIFFUSE, (0.02, 0.02, 0.021), 0.0, d * 0.6, 0.0),
        L_RIM: (CHROME, (0.5, 0.5, 0.52), 0.5, d, 0.0),
    }
    for label in range(15):
        kind, colour, gloss, soil, glow = palette[label]
        surfaces.add(kind, colour, gloss, dirt=soil, glow=glow)
    return base


def _vehicle(
    shape: Shape, base: int, facing: float, badge: str, dirt: float, surfaces: Surfaces, rng: np.random.Generator
) -> Mesh:
    """Shell, wheels and mirrors in the car's own coordinates; `facing` tells the kernel which way the shell stands."""
    maps = (
        surfaces.texture(_side_map(shape)),
        surfaces.texture(_rear_map(shape, badge)),
        surfaces.texture(_front_map(shape)),
    )
    shell = surfaces.add(CARSHELL, shell=(*maps, facing, shape.length_m, base, 1.26 if shape.name == "pickup" else 0.0))
    wheel = surfaces.add(DIFFUSE, texture=surfaces.texture(_rim_texture(rng)), dirt=dirt * 0.8)
    parts = [_body(shape, shell)]
    half = shape.width_m / 2
    for share in shape.axles:
        for sign in (-1, 1):
            parts.append(_disc(sign * (half + 0.004), shape.wheel_m, share * shape.length_m, shape.wheel_m, sign, wheel))
            x0, x1 = sorted((sign * (half - 0.22), sign * (half + 0.0)))
            parts.append(_tread(x0, x1, shape.wheel_m, share * shape.length_m, shape.wheel_m, base + L_RUBBER))
    mirror_z = shape.length_m * 0.69
    for sign in (-1, 1):  # door mirrors: small ellipsoids
        th, ph = np.meshgrid(np.linspace(0.01, math.pi - 0.01, 9), np.linspace(0, 2 * math.pi, 13), indexing="ij")
        pts = np.stack(
            [
                sign * (half + 0.09) + 0.11 * np.sin(th) * np.cos(ph),
                shape.belt + 0.06 + 0.07 * np.cos(th),
                mirror_z + 0.06 * np.sin(th) * np.sin(ph),
            ],
            -1,
        )
        m = grid_mesh(pts.astype(np.float32), np.zeros((9, 13, 3)), base + L_PAINT)
        m.nrm = -m.nrm
        parts.append(m)
    return merge(parts)


def build_car(car: Car, surfaces: Surfaces, rng: np.random.Generator) -> None:
    """Make the mesh and materials of a car (once), its plate last."""
    shape, d = car.shape, car.dirt
    base = _palette(surfaces, car.rgb, d, lamps_on=car.lamps_on)
    vehicle = _vehicle(shape, base, float(car.heading), car.badge, d, surfaces, rng)
    front = car.heading < 0
    dx, dy = car.plate_offset
    y = (shape.front_plate_m if front else shape.rear_plate_m) + dy
    inset = float(_end_z(shape, np.array([y]), np.array([0.0]), front)[0])
    roll = math.radians(car.plate_roll_deg)
    # A plate hangs square to the road; its lower edge may stand a centimetre off the sloping panel.
    edges = _end_z(shape, np.array([y - 0.076, y, y + 0.076]), np.array([0.0]), front)
    z = float(edges.min()) - 0.012
    side = -1.0 if front else 1.0

    def corners(wide: float, tall: float, depth: float) -> list[tuple[float, float, float]]:
        out = []
        for sx, sy in ((-1, 1), (1, 1), (1, -1), (-1, -1)):
            a, b = sx * wide / 2, sy * tall / 2
            rx, ry = a * math.cos(roll) - b * math.sin(roll), a * math.sin(roll) + b * math.cos(roll)
            zz = shape.length_m - depth if front else depth
            out.append((side * (rx + dx), y + ry, zz))
        return out

    del inset
    first = surfaces.texture(car.plate)
    for shrink in (2, 4):
        surfaces.texture(cv2.resize(car.plate, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA))
    plate = surfaces.add(PLATE, (0.88, 0.88, 0.88), texture=first, dirt=d * 0.25)
    frame = [
        quad(
            corners(PLATE_WIDTH_M + 0.02, PLATE_HEIGHT_M + 0.018, z + 0.004),
            base + (L_SEAM if rng.random() < 0.6 else L_CHROME),
        ),
        quad(corners(PLATE_WIDTH_M, PLATE_HEIGHT_M, z), plate),
    ]
    car.plate_local = np.array(corners(PLATE_WIDTH_M, PLATE_HEIGHT_M, z), np.float32)
    for q in frame:
        q.nrm[:] = (0, 0, 1 if front else -1)
    car.mesh = merge([vehicle, *frame])


def parked_car(shape: Shape, rgb: tuple[float, float, float], rear: tuple[float, float], side: int, surfaces: Surfaces) -> Mesh:
    """A car without plates that stands across the road's direction, nose to the road; `rear` is x, z of its rear's middle."""
    palette = _palette(surfaces, rgb, 0.2, lamps_on=False)
    mesh = _vehicle(shape, palette, 2.0 * side, "KESTIN", 0.2, surfaces, np.random.default_rng(5))
    x, y, z = mesh.pos.T.copy()
    nx, ny, nz = mesh.nrm.T.copy()
    mesh.pos = np.stack([rear[0] + side * z, y, rear[1] - side * x], 1).astype(np.float32)
    mesh.nrm = np.stack([side * nz, ny, -side * nx], 1).astype(np.float32)
    return mesh
