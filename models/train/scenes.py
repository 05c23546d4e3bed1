"""Training pictures for the plate detector: real frames, rendered plates put into them, and things that are no plates.

Everything is one grey plane, as the detector sees it. A scene is made in three steps: a crop of a real frame (or a
rendered background), objects put into it by homography with their exposure taken from the place they land on, and the
camera: gamma, glare, blur, resolution, noise, JPEG.

Real plates bring axis-aligned boxes only; rendered ones bring their corners. `Scene.exact` says which is which.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.plates import render_plate
from models.train.scenes_camera import Camera, light
from models.train.scenes_distractors import Patch, draw, text_mask

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "train"
REVIEWED = Path(__file__).with_name("detector_reviewed.jsonl")
"""What a person saw in boxes that an early model found beside the labels of the training frames: `unlabelled` holds a
plate or may hold one (neither plate nor background), `others` holds something else. x y w h in the frame's own px."""

FRAME_WIDTH = 1280
"""Frames are kept at most this wide: the network never sees them larger."""

SMALLEST_PX = 13.0
"""Plates narrower than this at the network's input are ignored: too little is left to tell them by."""

VISIBLE_SHARE = 0.85
"""A plate less visible than this inside the picture is ignored: partial plates are neither required nor wrong."""


LEAST_CONTRAST = 5.0
"""Standard deviation in grey levels under which nobody would see a plate, or the writing on it."""

WRITING_FROM_PX = 28
"""Plates at least this wide must show some of their writing."""


@dataclass(frozen=True)
class Scene:
    """One training picture with its truth, everything in px of the picture.

    `image` (H, W) uint8; `quads` (N, 4, 2) TL TR BR BL; `exact` (N,) whether the corners are known or only the box;
    `ignore` (M, 4) x0 y0 x1 y1, where nothing may be learnt.
    """

    image: Grey
    quads: Floats
    exact: NDArray[np.bool_]
    ignore: Floats


@dataclass(frozen=True)
class TrainFrame:
    """One real frame with boxes as (N, 4) x0 y0 x1 y1 in px of `levels[0]`; `levels` halve the resolution each time.

    `quads` (N, 4, 2) are the plates' corners, trustworthy where `known` (N,) says so; `others` are boxes that were
    taken for plates once and are none.
    """

    name: str
    group: str
    levels: tuple[Grey, ...]
    plates: Floats
    quads: Floats
    known: NDArray[np.bool_]
    ignore: Floats
    others: Floats


@dataclass
class Canvas:
    """A picture in the making: grey levels as float32 and the truth so far."""

    grey: Floats
    quads: list[Floats] = field(default_factory=list)
    exact: list[bool] = field(default_factory=list)
    ignore: list[Floats] = field(default_factory=list)
    taken: list[Floats] = field(default_factory=list)


def _corners(box: Sequence[float]) -> Floats:
    x0, y0, x1, y1 = box
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def _bounds(quad: Floats) -> Floats:
    return np.concatenate([quad.min(0), quad.max(0)])


def _boxes(rows: Sequence[Sequence[float]], scale: float) -> Floats:
    """x y w h rows to x0 y0 x1 y1."""
    boxes = np.array(rows, np.float32).reshape(-1, 4) * scale
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def load_frames(folder: Path = DATA) -> list[TrainFrame]:
    """The real training frames with truth; raises FileNotFoundError where the data is not at hand."""
    reviewed = {}
    if REVIEWED.is_file():
        reviewed = {entry["image"]: entry for entry in map(json.loads, REVIEWED.read_text().splitlines())}
    frames = []
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        record = json.loads(line)
        picture = cv2.imread(str(folder / record["image"]), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise FileNotFoundError(f"read training frame {folder / record['image']}: not a picture")
        scale = min(1.0, FRAME_WIDTH / picture.shape[1])
        if scale < 1:
            picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        levels = [picture.astype(np.uint8)]
        for _ in range(2):
            half = (levels[-1].shape[1] // 2, levels[-1].shape[0] // 2)
            levels.append(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA).astype(np.uint8))
        boxes = _boxes(record["boxes"], scale)
        partial = np.array(record.get("partial") or [False] * len(boxes), bool)
        characters = _boxes([entry[1:] for entry in record.get("chars") or []], scale)
        corners = [_real_corners(box, characters, record["set"]) for box in boxes[~partial]]
        seen = reviewed.get(record["image"], {"unlabelled": [], "others": []})
        frames.append(
            TrainFrame(
                record["image"],
                record["set"],
                tuple(levels),
                boxes[~partial],
                np.array([quad for quad, _ in corners], np.float32).reshape(-1, 4, 2),
                np.array([known for _, known in corners], bool),
                np.concatenate([boxes[partial], _boxes(seen["unlabelled"], scale)]),
                _boxes(seen["others"], scale),
            )
        )
    return frames


def _real_corners(box: Floats, characters: Floats, group: str) -> tuple[Floats, bool]:
    """Corners of a real plate and whether they are known.

    Where the serial's characters are labelled, their centres give the slope, and the plate is taken as its box sheared
    along it. A long European plate that fills a box of its own proportions is level. Of others only the box is known.
    """
    width, height = box[2] - box[0], box[3] - box[1]
    centres = (characters[:, :2] + characters[:, 2:]) / 2
    mine = centres[((centres > box[:2]) & (centres < box[2:])).all(1)]
    if len(mine) >= 4 and np.ptp(mine[:, 0]) > 0.4 * width:
        rise = float(np.polyfit(mine[:, 0], mine[:, 1], 1)[0]) * width
        if abs(rise) < 0.5 * height:
            left, right = (max(0.0, -rise), max(0.0, rise))
            quad = _corners(box)
            quad[:, 1] += np.array([left, right, -left, -right], np.float32)
            return quad, True
    return _corners(box), bool(group == "robertlucian" and width > 3.8 * height)


# --- the real part of a picture ---


def crop_frame(
    rng: np.random.Generator,
    frame: TrainFrame,
    centre: Floats,
    scale: float,
    size: tuple[int, int],
    under: Canvas | None = None,
) -> Canvas:
    """A (width, height) crop of a frame around a point, scaled, a little stretched, mirrored half of the time.

    What the frame does not cover shows `under`, or the grey the preprocessor pads with.
    """
    width, height = size
    spread, squeeze = (0.25, 0.12) if frame.group == "oi350" else (0.09, 0.0)
    stretch = float(np.exp(rng.normal(squeeze, spread) / 2))
    scales = np.array([scale * stretch, scale / stretch])
    to_crop = _aim(rng, frame, centre, scales, size)
    tilted = bool(frame.known.any()) and rng.random() < 0.5
    if tilted:
        to_crop = _tilt(rng, size) @ np.vstack([to_crop, [0, 0, 1]])
    mirrored = to_crop[0, 0] < 0
    level = int(np.clip(np.floor(-np.log2(scales.max()) + 0.3), 0, len(frame.levels) - 1))
    from_level = to_crop.copy()
    from_level[:, :2] *= 2**level
    canvas = Canvas(np.full((height, width), 114, np.float32)) if under is None else under
    x0, y0, x1, y1 = _bounds(_move(_corners((0, 0, *frame.levels[0].shape[::-1])), to_crop))
    part = np.array([max(0, np.ceil(x0)), max(0, np.ceil(y0)), min(width, x1), min(height, y1)]).astype(int)
    if part[2] <= part[0] or part[3] <= part[1]:
        return canvas
    grey = cv2.warpAffine(frame.levels[level], from_level, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    canvas.grey[part[1] : part[3], part[0] : part[2]] = grey[part[1] : part[3], part[0] : part[2]]
    _cover(canvas, part.astype(np.float32))
    for quad, known in zip(frame.quads, frame.known, strict=True):
        moved = _move(quad[[1, 0, 3, 2]] if mirrored else quad, to_crop)
        if tilted and not known:
            _add_ignore(canvas, _bounds(moved))  # the box of a turned box is too large
        else:
            _add_truth(canvas, moved if known else _bounds(moved), exact=bool(known))
    for box in frame.ignore:
        _add_ignore(canvas, _bounds(_move(_corners(box), to_crop)))
    return canvas


def _aim(
    rng: np.random.Generator,
    frame: TrainFrame,
    centre: Floats,
    scales: NDArray[np.float64],
    size: tuple[int, int],
) -> NDArray[np.float64]:
    """The affine map (2, 3) from frame to crop: the point off the middle, the crop inside the frame where it fits."""
    mirror = rng.random() < 0.5
    frame_size = np.array(frame.levels[0].shape[::-1]) * scales
    point = centre * scales
    if mirror:
        point[0] = frame_size[0] - point[0]
    offset = point - np.array(size) * (0.5 + rng.uniform(-0.4, 0.4, 2))
    if rng.random() < 0.85:
        spare = frame_size - size
        offset = np.where(spare > 0, np.clip(offset, 0, np.maximum(spare, 0)), offset)
    matrix = np.array([[scales[0], 0, -offset[0]], [0, scales[1], -offset[1]]])
    if mirror:
        matrix[0] = [-scales[0], 0, frame_size[0] - offset[0]]
    return matrix


def _tilt(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float64]:
    """Roll of the camera, and the shear that a look from the side gives level edges; (2, 3), about the middle."""
    roll, shear = np.deg2rad(np.clip(rng.normal(0, (6, 6)), -16, 16))
    matrix = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]]) @ np.array([[1, 0], [np.tan(shear), 1]])
    middle = np.array(size) / 2
    return np.hstack([matrix, (middle - matrix @ middle)[:, None]])


def _cover(canvas: Canvas, part: Floats) -> None:
    """Forget the truth that a picture laid over the canvas hides, and ignore what it cuts."""
    quads, exact = canvas.quads, canvas.exact
    canvas.quads, canvas.exact = [], []
    canvas.ignore = [box for box in canvas.ignore if not _within(box, part)]
    canvas.taken = [box for box in canvas.taken if not _within(box, part)]
    for quad, known in zip(quads, exact, strict=True):
        box = _bounds(quad)
        if not _touch(box, part):
            canvas.quads.append(quad)
            canvas.exact.append(known)
        elif not _within(box, part):
            canvas.ignore.append(box)


def _within(box: Floats, part: Floats) -> bool:
    return bool(box[0] >= part[0] and box[1] >= part[1] and box[2] <= part[2] and box[3] <= part[3])


def _touch(box: Floats, part: Floats) -> bool:
    return bool(box[0] < part[2] and box[1] < part[3] and box[2] > part[0] and box[3] > part[1])


def _move(points: Floats, affine: NDArray[np.float64]) -> Floats:
    return (points @ affine[:, :2].T + affine[:, 2]).astype(np.float32)


def _add_truth(canvas: Canvas, box_or_quad: Floats, exact: bool) -> None:
    """Enter a plate, or ignore it where it is cut by the border or too small to learn from."""
    quad = box_or_quad if exact else _corners(box_or_quad)
    box = _bounds(quad)
    height, width = canvas.grey.shape
    inside = np.clip(box, 0, (width, height, width, height))
    shown = max(0.0, inside[2] - inside[0]) * max(0.0, inside[3] - inside[1])
    if shown <= 0:
        return
    canvas.taken.append(box)
    whole = shown >= VISIBLE_SHARE * (box[2] - box[0]) * (box[3] - box[1])
    if whole and box[2] - box[0] >= SMALLEST_PX and box[3] - box[1] >= 4:
        canvas.quads.append(quad)
        canvas.exact.append(exact)
    else:
        canvas.ignore.append(box)


def _add_ignore(canvas: Canvas, box: Floats) -> None:
    canvas.ignore.append(box)
    canvas.taken.append(box)


# --- the rendered part ---


def to_grey(rng: np.random.Generator, rgb: NDArray[np.uint8]) -> Grey:
    """A colour picture as some camera's grey: the usual mix, or what a sensor with a filter would see."""
    mix = np.array([0.299, 0.587, 0.114], np.float32)
    if rng.random() < 0.35:
        mix = rng.dirichlet((1.0, 1.0, 0.7)).astype(np.float32)
    return cv2.transform(rgb, mix[None]).astype(np.uint8)


def long_plate(rng: np.random.Generator) -> Grey:
    """A plate of other proportions than the American: one long row, or two rows on a near square."""
    letters, digits = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"

    def some(pool: str, low: int, high: int) -> str:
        return "".join(rng.choice(list(pool), int(rng.integers(low, high))))

    two_rows = rng.random() < 0.25
    ground, ink = (int(rng.integers(175, 256)), int(rng.integers(0, 60)))
    if rng.random() < 0.15:
        ground, ink = int(rng.integers(0, 50)), int(rng.integers(170, 256))
    height, width = (160, int(rng.integers(200, 300))) if two_rows else (80, int(rng.integers(300, 400)))
    grey = np.full((height, width), ground, np.uint8)
    texts = [some(letters, 1, 4) + some(digits, 1, 4), some(digits, 1, 3) + some(letters, 1, 4)]
    texts = texts if two_rows else [(" " if rng.random() < 0.5 else "").join(texts)]
    band = int(rng.uniform(0, 0.1) * width) if rng.random() < 0.6 else 0
    row = height // len(texts)
    for index, text in enumerate(texts):
        mask = text_mask(rng, text, "serial", 64)
        target = (max(20, int((width - band) * rng.uniform(0.7, 0.92))), int(row * rng.uniform(0.55, 0.78)))
        mask = cv2.resize(mask, target, interpolation=cv2.INTER_AREA).astype(np.uint8)
        x, y = band + (width - band - target[0]) // 2, index * row + (row - target[1]) // 2
        part = grey[y : y + target[1], x : x + target[0]]
        part[:] = (part + (ink - part.astype(np.float32)) * (mask / 255.0)).astype(np.uint8)
    if band:
        grey[:, :band] = int(rng.integers(20, 110))
    if rng.random() < 0.7:
        inset = int(rng.integers(0, 4))
        cv2.rectangle(grey, (inset, inset), (width - 1 - inset, height - 1 - inset), ink, int(rng.integers(1, 4)))
    return grey


def _blotted(rng: np.random.Generator, grey: Grey, least: float) -> Grey:
    """The plate with at least this share of its serial painted over, as people do before they show a picture of their car."""
    height, width = grey.shape
    left = float(rng.uniform(0, 0.8 * (1 - least)))
    right = float(rng.uniform(left + least, 1))
    top, bottom = rng.uniform(0, 0.3), rng.uniform(0.7, 1)
    inset = rng.uniform(0, 0.06)
    part = grey[int(top * height) : int(bottom * height), int((left + inset) * width) : int((right - inset) * width)]
    if rng.random() < 0.3:
        part[:] = cv2.blur(part, (max(1, width // 4), max(1, height // 3)))
    else:
        tone = float(np.median(grey)) if rng.random() < 0.6 else float(rng.uniform(0, 255))
        part[:] = int(np.clip(tone + rng.normal(0, 12), 0, 255))
    return grey


class Stock:
    """Objects drawn once and used several times: drawing is the slow part. One is redrawn at every `take`."""

    def __init__(self, rng: np.random.Generator, make: Callable[[np.random.Generator], Patch], count: int) -> None:
        self._make = make
        self._items = [make(rng) for _ in range(count)]
        self._next = 0
        self._taken = 0

    def take(self, rng: np.random.Generator, redraw_every: int = 2) -> Patch:
        self._taken += 1
        if self._taken % redraw_every == 0:
            self._items[self._next] = self._make(rng)
            self._next = (self._next + 1) % len(self._items)
        return self._items[int(rng.integers(len(self._items)))]


def plate_patch(rng: np.random.Generator) -> Patch:
    """A plate to its very edge, with rounded corners."""
    grey = long_plate(rng) if rng.random() < 0.22 else to_grey(rng, render_plate(rng).image)
    grey = _blotted(rng, grey, 0.3) if rng.random() < 0.05 else grey
    alpha = np.full(grey.shape, 255, np.uint8)
    if rng.random() < 0.8:
        radius = int(grey.shape[0] * rng.uniform(0.03, 0.13))
        for x, y, dx, dy in ((0, 0, 1, 1), (1, 0, -1, 1), (1, 1, -1, -1), (0, 1, 1, -1)):
            corner = (x * (grey.shape[1] - 1), y * (grey.shape[0] - 1))
            cv2.rectangle(alpha, corner, (corner[0] + dx * radius, corner[1] + dy * radius), 0, -1)
            cv2.circle(alpha, (corner[0] + dx * radius, corner[1] + dy * radius), radius, 255, -1)
    return Patch(grey, alpha)


def project(rng: np.random.Generator, aspect: float, width_px: float, steep: float = 1.0) -> Floats:
    """Corners (4, 2) around the origin of a flat thing seen by a camera that is not square to it.

    `steep` 1 gives what cameras beside and above a lane see: yaw mostly under 40°, pitch under 25°, roll under 8°.
    """
    yaw = np.deg2rad(np.clip(rng.normal(0, 24), -60, 60)) * steep
    pitch = np.deg2rad(np.clip(rng.normal(8, 11), -35, 40)) * steep
    roll = np.deg2rad(np.clip(rng.normal(0, 4.5) if rng.random() < 0.78 else rng.normal(0, 15), -35, 35))
    cy, sy, cp, sp, cr, sr = (
        np.cos(yaw),
        np.sin(yaw),
        np.cos(pitch),
        np.sin(pitch),
        np.cos(roll),
        np.sin(roll),
    )
    points = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * [0.5, 0.5 / aspect, 0]
    turn_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    turn_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    turn_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    space = points @ (turn_z @ turn_x @ turn_y).T
    distance = rng.uniform(4, 25)
    flat = space[:, :2] * (distance / (distance + space[:, 2:]))
    return (flat * (width_px / np.ptp(flat[:, 0]))).astype(np.float32)


def _shrunk(patch: Patch, height_px: float) -> Patch:
    """The patch at no more than about twice the size it will have: warping does not average."""
    factor = max(0.05, 1.6 * height_px / patch.grey.shape[0])
    if factor >= 0.8:
        return patch
    size = (max(2, round(patch.grey.shape[1] * factor)), max(2, round(patch.grey.shape[0] * factor)))
    grey = cv2.resize(patch.grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return Patch(grey, cv2.resize(patch.alpha, size, interpolation=cv2.INTER_AREA).astype(np.uint8), patch.level)


def paste(canvas: Canvas, patch: Patch, quad: Floats, gain: float, lift: float, ramp: tuple[float, float]) -> None:
    """Put a patch onto the quad: grey * gain + lift, shaded linearly by `ramp` across and down."""
    height, width = canvas.grey.shape
    x0, y0 = np.maximum(np.floor(quad.min(0)).astype(int) - 1, 0)
    x1, y1 = np.minimum(np.ceil(quad.max(0)).astype(int) + 2, (width, height))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    patch = _shrunk(patch, float(np.ptp(quad[:, 1])))
    rows, columns = patch.grey.shape
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(source, (quad - 0.5 - (x0, y0)).astype(np.float32))
    size = (int(x1 - x0), int(y1 - y0))
    grey = cv2.warpPerspective(patch.grey, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpPerspective(patch.alpha, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    shade = (
        np.linspace(-ramp[0], ramp[0], size[0], dtype=np.float32)[None]
        + np.linspace(-ramp[1], ramp[1], size[1], dtype=np.float32)[:, None]
    )
    seen = grey.astype(np.float32) * (gain * (1 + shade)) + lift
    part = canvas.grey[y0:y1, x0:x1]
    part += (seen - part) * (alpha.astype(np.float32) / 255)


def _light(rng: np.random.Generator, canvas: Canvas, quad: Floats) -> tuple[float, float]:
    """Gain and lift that make a thing look lit as the place it lands on, now and then brighter or darker."""
    height, width = canvas.grey.shape
    size = np.ptp(quad, axis=0)
    x0, y0 = np.clip((quad.min(0) - size).astype(int), 0, (width - 2, height - 2))
    x1, y1 = np.clip((quad.max(0) + size).astype(int), (x0 + 2, y0 + 2), (width, height))
    around = canvas.grey[y0:y1:2, x0:x1:2]
    low, high = float(np.min(around)), float(np.max(around))
    white = np.clip(max(0.45 * low + 0.55 * high, 30) * np.exp(rng.normal(0.15, 0.33)), 25, 265)
    lift = np.clip(low * rng.uniform(0, 0.8), 0, 0.6 * white)
    return float((white - lift) / 255), float(lift)


def _mount(rng: np.random.Generator, canvas: Canvas, quad: Floats) -> None:
    """What a plate is screwed to: a recess, a bumper, a dealer's frame with its name."""
    centre = quad.mean(0)
    tone = float(np.clip(canvas.grey[_inside(canvas, centre)] * rng.uniform(0.2, 1.2) + rng.normal(0, 25), 0, 255))
    kind = rng.random()
    if kind < 0.45:
        around = centre + (quad - centre) * rng.uniform((1.1, 1.05), (2.4, 2.0)).astype(np.float32)
        _fill(canvas, around, tone, float(rng.uniform(0.3, 2.5)))
    if kind < 0.2 or kind > 0.65:
        rim = centre + (quad - centre) * (1 + rng.uniform((0.02, 0.03), (0.12, 0.22)).astype(np.float32))
        _fill(canvas, rim, float(rng.uniform(0, 90) if rng.random() < 0.7 else rng.uniform(120, 230)), 0.0)


def _inside(canvas: Canvas, point: Floats) -> tuple[int, int]:
    height, width = canvas.grey.shape
    return int(np.clip(point[1], 0, height - 1)), int(np.clip(point[0], 0, width - 1))


def _fill(canvas: Canvas, quad: Floats, tone: float, soft: float) -> None:
    """A plain quadrilateral with soft edges."""
    height, width = canvas.grey.shape
    x0, y0 = np.maximum(np.floor(quad.min(0)).astype(int) - 4, 0)
    x1, y1 = np.minimum(np.ceil(quad.max(0)).astype(int) + 5, (width, height))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    alpha = np.zeros((y1 - y0, x1 - x0), np.uint8)
    points = np.round((quad - (x0, y0)) * 16).astype(np.int32)
    cv2.fillConvexPoly(alpha, points, 255, cv2.LINE_AA, 4)
    if soft > 0.5:
        alpha = cv2.GaussianBlur(alpha, (0, 0), soft).astype(np.uint8)
    part = canvas.grey[y0:y1, x0:x1]
    part += (tone - part) * (alpha.astype(np.float32) / 255)


def _free(canvas: Canvas, quad: Floats) -> bool:
    """Whether nothing that counts lies under the quad."""
    bounds = _bounds(quad)
    return not any(_touch(bounds, box) for box in canvas.taken)


def _panel(rng: np.random.Generator, canvas: Canvas, quad: Floats, material: Patch) -> None:
    """Something else than this car behind a plate: a trailer, rust, wood, a wall, as far as nothing that counts is covered."""
    centre = quad.mean(0)
    around = centre + (quad - centre) * rng.uniform((1.5, 1.5), (5.0, 5.0)).astype(np.float32)
    if _free(canvas, around):
        tone = float(canvas.grey[_inside(canvas, centre)])
        gain = float(np.exp(rng.normal(0, 0.3)))
        lift = (tone - gain * float(material.grey.mean())) * float(rng.uniform(0, 1))
        paste(canvas, material, around, gain, lift, (float(rng.normal(0, 0.1)), float(rng.normal(0, 0.1))))


def _faded(rng: np.random.Generator, canvas: Canvas, quad: Floats, gain: float, lift: float) -> tuple[float, float]:
    """Exposure of a sheet whose writing is pale in the sun, or lost in dirt or darkness; some look like what they hang on."""
    weaker = gain * float(rng.uniform(0.12, 0.5))
    kind = rng.random()
    if kind < 0.45:  # the ground stays, the writing pales
        return weaker, lift + 255 * (gain - weaker)
    if kind < 0.7:  # the writing stays, the ground darkens
        return weaker, lift
    tone = float(canvas.grey[_inside(canvas, quad[0] + (quad[0] - quad.mean(0)) * 0.2)])
    return weaker, tone + float(rng.normal(0, 12)) - 190 * weaker


def put_plate(rng: np.random.Generator, canvas: Canvas, patch: Patch, quad: Floats, material: Patch | None = None) -> None:
    """A rendered plate with its mount, and its corners as truth; `material` is what it is screwed to, if not the car."""
    if material is not None:
        _panel(rng, canvas, quad, material)
    if rng.random() < (0.75 if material is None else 0.4):
        _mount(rng, canvas, quad)
    gain, lift = _light(rng, canvas, quad)
    if rng.random() < 0.17:
        gain, lift = _faded(rng, canvas, quad, gain, lift)
    ramp = (float(rng.normal(0, 0.12)), float(rng.normal(0, 0.12)))
    paste(canvas, patch, quad, gain, lift, ramp)
    if rng.random() < 0.08:  # a hitch, a bike rack or a branch before it
        x = float(rng.uniform(quad[:, 0].min(), quad[:, 0].max()))
        y = float(rng.uniform(quad[:, 1].min(), quad[:, 1].max()))
        half = np.ptp(quad, axis=0) * rng.uniform(0.03, 0.14, 2)
        _fill(
            canvas,
            _corners((x - half[0], y - half[1], x + half[0], y + 3 * half[1])),
            float(rng.uniform(0, 160)),
            0.8,
        )
    _add_truth(canvas, quad, exact=True)


def put_beside(rng: np.random.Generator, canvas: Canvas, patch: Patch) -> None:
    """A thing that is no plate close to one and about as large: badges, lamps, stickers and numbers on the same car."""
    if not canvas.quads or patch.level:
        return
    plate = canvas.quads[int(rng.integers(len(canvas.quads)))]
    width = float(np.ptp(plate[:, 0]))
    aspect = patch.grey.shape[1] / patch.grey.shape[0]
    quad = project(rng, aspect, width * float(np.exp(rng.uniform(np.log(0.4), np.log(1.8)))), 0.7)
    turn, far = rng.uniform(0, 2 * np.pi), width * rng.uniform(0.8, 2.6)
    quad += (plate.mean(0) + far * np.array([np.cos(turn), 0.7 * np.sin(turn)])).astype(np.float32)
    if _free(canvas, quad):
        paste(canvas, patch, quad, *_light(rng, canvas, quad), (float(rng.normal(0, 0.08)), float(rng.normal(0, 0.08))))


def put_distractor(rng: np.random.Generator, canvas: Canvas, patch: Patch) -> None:
    """A thing that is no plate, somewhere free; stamps stay level near the top or the bottom, as cameras burn them in."""
    height, width = canvas.grey.shape
    aspect = patch.grey.shape[1] / patch.grey.shape[0]
    if patch.level:
        size = float(rng.uniform(0.15, 0.75)) * width
        half = np.array([size / 2, size / aspect / 2], np.float32)
        y = half[1] + 2 if rng.random() < 0.5 else height - half[1] - 2
        centre = np.array([rng.uniform(half[0], max(half[0] + 1, width - half[0])), y])
        quad = _corners((*(centre - half), *(centre + half)))
    else:
        size = float(np.exp(rng.uniform(np.log(16), np.log(0.7 * width)))) * min(1.0, np.sqrt(aspect / 2))
        quad = project(rng, aspect, max(6.0, size)) + rng.uniform((0, 0), (width, height)).astype(np.float32)
    if not _free(canvas, quad):
        return
    gain, lift = (1.0, 0.0) if patch.level else _light(rng, canvas, quad)
    paste(canvas, patch, quad, gain, lift, (float(rng.normal(0, 0.08)), float(rng.normal(0, 0.08))))


def material_patch(rng: np.random.Generator) -> Patch:
    """A piece of rust, wood, sheet, tread or mesh: noise at several scales, drawn out or ribbed."""
    height, width = int(rng.integers(60, 140)), int(rng.integers(120, 260))
    grey = np.full((height, width), rng.uniform(25, 215), np.float32)
    drawn_out = float(np.exp(rng.normal(0, 0.9)))
    for cells in (3, 9, 27, 70):
        shape = (max(2, int(cells / drawn_out)), max(2, int(cells * drawn_out)))
        coarse = rng.normal(0, rng.uniform(1, 26), shape).astype(np.float32)
        grey += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    kind = rng.random()
    step, depth = int(rng.integers(5, 40)), float(rng.uniform(10, 90)) * float(rng.choice((-1, 1)))
    if kind < 0.4:  # planks, ribs, slats
        grey[(np.arange(height) % step) < max(1, step // int(rng.integers(2, 8)))] += depth
    if 0.3 < kind < 0.55:
        grey[:, (np.arange(width) % step) < max(1, step // int(rng.integers(2, 8)))] += depth
    for _ in range(int(rng.integers(0, 9))):  # bolts, holes, round lamps
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(grey, centre, int(rng.integers(2, 12)), float(rng.uniform(0, 255)), -1, cv2.LINE_AA)
    grey8 = np.clip(grey, 0, 255).astype(np.uint8)
    return Patch(grey8, np.full(grey8.shape, 255, np.uint8))


def rendered_background(rng: np.random.Generator, size: tuple[int, int]) -> Canvas:
    """Sky, road, noise at several scales and a few plain shapes: places no training frame shows."""
    width, height = size
    grey = np.full((height, width), rng.uniform(10, 230), np.float32)
    for cells in (2, 5, 12, 40):
        coarse = rng.normal(0, rng.uniform(2, 34), (cells, cells + 2)).astype(np.float32)
        grey += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(2, 16))):
        quad = project(rng, float(rng.uniform(0.3, 5)), float(rng.uniform(10, width)))
        quad += rng.uniform((0, 0), (width, height)).astype(np.float32)
        canvas = Canvas(grey)
        _fill(canvas, quad, float(rng.uniform(0, 255)), float(rng.uniform(0, 3)))
    return Canvas(np.clip(grey, 0, 255))


def put_vehicle(rng: np.random.Generator, canvas: Canvas, patch: Patch, stock: Stock, width_px: float) -> None:
    """The end of a car in a few shapes (body, window, lamps, bumper, badge) with a plate where it belongs."""
    height, width = canvas.grey.shape
    centre = rng.uniform((0.2 * width, 0.25 * height), (0.8 * width, 0.85 * height)).astype(np.float32)
    unit = width_px  # one plate width, about 30 cm
    body, glass = float(rng.uniform(10, 245)), float(rng.uniform(5, 120))
    lean = rng.normal(0, 0.12)

    def part(x0: float, y0: float, x1: float, y1: float) -> Floats:
        corners = _corners((x0, y0, x1, y1))
        corners[:, 1] += corners[:, 0] * lean
        return (centre + corners * unit).astype(np.float32)

    high = float(rng.uniform(0, 1.2))
    _fill(canvas, part(-2.9, -2.2 - high, 2.9, 1.6), body, 1.0)
    _fill(canvas, part(-2.3, -2.0 - high, 2.3, -1.0 - high), glass, 0.6)
    _fill(canvas, part(-2.9, 0.7, 2.9, 1.7), float(np.clip(body * rng.uniform(0.2, 1.1), 0, 255)), 0.8)
    _fill(canvas, part(-3.0, 1.6, 3.0, 2.1), float(rng.uniform(0, 50)), 2.0)
    for side in (-1, 1):
        lamp = part(min(side * 1.9, side * 2.8), -0.9, max(side * 1.9, side * 2.8), -0.2)
        _fill(canvas, lamp, float(rng.uniform(40, 255)), 0.8)
    quad = project(rng, patch.grey.shape[1] / patch.grey.shape[0], width_px, 0.6) + centre
    if _free(canvas, quad):
        put_plate(rng, canvas, patch, quad)
    for _ in range(int(rng.integers(0, 4))):
        extra = stock.take(rng)
        if extra.level:
            continue
        aspect = extra.grey.shape[1] / extra.grey.shape[0]
        at = centre + rng.uniform((-2.2, -2.2), (2.2, 1.5)).astype(np.float32) * unit
        spot = project(rng, aspect, float(rng.uniform(0.3, 1.8)) * unit, 0.6) + at
        if _free(canvas, spot):
            paste(canvas, extra, spot, *_light(rng, canvas, spot), (0.0, 0.0))


def _visible(image: Grey, quad: Floats) -> bool:
    """Whether a person would still see a plate: contrast against its surroundings and, where it is large, writing on it.

    A plain bright or dark rectangle is what lamps and vents look like; taught as a plate it makes false ones.
    """
    height, width = image.shape
    x0, y0, x1, y1 = np.clip(_bounds(quad) + np.array((-2, -2, 2, 2)), 0, (width, height, width, height)).astype(int)
    seen = cv2.blur(image[y0:y1, x0:x1], (3, 3))  # noise is no contrast
    if np.std(seen) < LEAST_CONTRAST:
        return False
    if x1 - x0 < WRITING_FROM_PX:
        return True
    inset_x, inset_y = (x1 - x0) // 5, (y1 - y0) // 4
    return bool(np.std(seen[inset_y : y1 - y0 - inset_y, inset_x : x1 - x0 - inset_x]) >= LEAST_CONTRAST)


# --- the mixture ---


@dataclass(frozen=True)
class Mined:
    """A place on a training frame where an earlier model saw a plate that is none, x0 y0 x1 y1 in the frame's px."""

    frame: int
    box: Floats
    score: float


class SceneMaker:
    """Makes training scenes; without real frames only rendered ones."""

    def __init__(self, rng: np.random.Generator, frames: Sequence[TrainFrame], stock: int = 500) -> None:
        self.frames = list(frames)
        self.mined: list[Mined] = []
        self._plates = Stock(rng, plate_patch, stock)
        self._things = Stock(rng, draw, stock)
        self._materials = Stock(rng, material_patch, max(1, stock // 5))
        self._camera = Camera(rng)
        self._with_plates = [i for i, frame in enumerate(self.frames) if len(frame.plates)]
        groups = [frame.group for frame in self.frames]
        share = np.array([1.0 / groups.count(group) for group in groups])
        self._share = share / share.sum() if len(share) else share
        self._plate_share = self._share[self._with_plates]
        self._plate_share = self._plate_share / self._plate_share.sum() if len(self._plate_share) else share

    def make(self, rng: np.random.Generator, size: tuple[int, int]) -> Scene:
        """One scene of (width, height) px."""
        kind = rng.random()
        largest = 0.82 * size[0]
        if not self.frames or kind < 0.08:
            canvas = rendered_background(rng, size)
            if rng.random() < 0.75:
                put_vehicle(rng, canvas, self._plates.take(rng), self._things, self._width(rng, min(largest, 110)))
        elif kind < 0.55:
            canvas = self._around_plate(rng, size, replace=kind > 0.38)
        elif kind < 0.74 and self.mined:
            canvas = self._around_mined(rng, size)
        else:
            canvas = self._anywhere(rng, size)
            for _ in range(int(rng.integers(0, 3))):
                self._loose_plate(rng, canvas, largest)
        for _ in range(int(rng.integers(1, 3)) if rng.random() < 0.35 else 0):
            put_beside(rng, canvas, self._things.take(rng))
        for _ in range(int(rng.integers(0, 4)) if rng.random() < 0.6 else 0):
            put_distractor(rng, canvas, self._things.take(rng))
        return self._finish(rng, canvas)

    def _material(self, rng: np.random.Generator) -> Patch | None:
        """What a plate hangs on: mostly the car in the picture, else a made material or a piece of another frame."""
        kind = rng.random()
        if kind < 0.7:
            return None
        return self._materials.take(rng) if kind < 0.84 or not self.frames else self._swatch(rng)

    def _swatch(self, rng: np.random.Generator) -> Patch | None:
        """A piece of a real frame in which nothing is or may be a plate."""
        frame = self.frames[int(rng.integers(len(self.frames)))]
        picture = frame.levels[1]
        height, width = (int(side * rng.uniform(0.1, 0.4)) for side in picture.shape)
        x, y = int(rng.integers(picture.shape[1] - width)), int(rng.integers(picture.shape[0] - height))
        place = 2 * np.array([x, y, x + width, y + height], np.float32)
        if any(_touch(place, box) for box in (*frame.plates, *frame.ignore)):
            return None
        grey = picture[y : y + height, x : x + width]
        return Patch(grey, np.full(grey.shape, 255, np.uint8))

    @staticmethod
    def _width(rng: np.random.Generator, largest: float) -> float:
        """Plate widths at the network's input: two in three under 60 px, where the work is."""
        if rng.random() < 0.66:
            return float(np.exp(rng.uniform(np.log(16), np.log(60))))
        return float(np.exp(rng.uniform(np.log(50), np.log(largest))))

    def _around_plate(self, rng: np.random.Generator, size: tuple[int, int], replace: bool) -> Canvas:
        frame = self.frames[int(rng.choice(self._with_plates, p=self._plate_share))]
        box = frame.plates[int(rng.integers(len(frame.plates)))]
        native = float(box[2] - box[0])
        wanted = self._width(rng, 0.82 * size[0])
        scale = min(wanted / native, 1.6 if native > 30 else 1.0)  # no detail comes from enlarging
        small = scale * frame.levels[0].shape[1] < size[0] or scale * frame.levels[0].shape[0] < size[1]
        under = self._under(rng, size) if small else None
        canvas = crop_frame(rng, frame, (box[:2] + box[2:]) / 2, scale, size, under)
        return self._replaced(rng, canvas) if replace else canvas

    def _replaced(self, rng: np.random.Generator, canvas: Canvas) -> Canvas:
        """Rendered plates over the real ones: the car stays, the corners become known."""
        boxes = [_bounds(quad) for quad in canvas.quads]
        kept = [box for box in canvas.taken if not any(np.array_equal(box, other) for other in boxes)]
        fresh = Canvas(canvas.grey, ignore=canvas.ignore, taken=kept)
        for box in boxes:
            patch = self._plates.take(rng)
            size = box[2:] - box[:2]
            quad = project(rng, patch.grey.shape[1] / patch.grey.shape[0], float(size[0]) * 1.05, 0.7)
            quad[:, 1] *= max(1.0, float(size[1] * 1.03 / np.ptp(quad[:, 1])))
            if rng.random() < 0.03:  # an empty sheet is a plate where a car has its plate, and nowhere else
                patch = Patch(_blotted(rng, patch.grey.copy(), 1.0), patch.alpha)
            put_plate(rng, fresh, patch, quad + (box[:2] + box[2:]) / 2, self._material(rng))
        return fresh

    def _around_mined(self, rng: np.random.Generator, size: tuple[int, int]) -> Canvas:
        share = np.array([spot.score**2 for spot in self.mined])
        spot = self.mined[int(rng.choice(len(self.mined), p=share / share.sum()))]
        native = max(8.0, float(spot.box[2] - spot.box[0]))
        scale = float(np.clip(self._width(rng, 0.5 * size[0]) / native, 0.2, 1.6))
        return crop_frame(rng, self.frames[spot.frame], (spot.box[:2] + spot.box[2:]) / 2, scale, size)

    def _under(self, rng: np.random.Generator, size: tuple[int, int]) -> Canvas | None:
        """What shows beside a small frame: mostly another frame."""
        kind = rng.random()
        if kind < 0.35:
            return None
        return self._anywhere(rng, size) if kind < 0.85 else rendered_background(rng, size)

    def _anywhere(self, rng: np.random.Generator, size: tuple[int, int], under: Canvas | None = None) -> Canvas:
        frame = self.frames[int(rng.choice(len(self.frames), p=self._share))]
        height, width = frame.levels[0].shape
        scale = float(np.exp(rng.uniform(np.log(0.3), np.log(1.2)))) * (1.4 if frame.group == "oi350" else 1.0)
        return crop_frame(rng, frame, rng.uniform((0, 0), (width, height)).astype(np.float32), scale, size, under)

    def _loose_plate(self, rng: np.random.Generator, canvas: Canvas, largest: float) -> None:
        height, width = canvas.grey.shape
        patch = self._plates.take(rng)
        quad = project(rng, patch.grey.shape[1] / patch.grey.shape[0], self._width(rng, largest))
        quad += rng.uniform((0, 0), (width, height)).astype(np.float32)
        if _free(canvas, quad):
            put_plate(rng, canvas, patch, quad, self._material(rng))

    def _finish(self, rng: np.random.Generator, canvas: Canvas) -> Scene:
        widths = [float(np.ptp(quad[:, 0])) for quad in canvas.quads]
        lit = light(rng, canvas.grey, canvas.quads, canvas.exact)
        image = self._camera.take(rng, lit, min(widths, default=60.0))
        seen = np.array([_visible(image, quad) for quad in canvas.quads], bool)
        quads = np.array(canvas.quads, np.float32).reshape(-1, 4, 2)
        lost = [_bounds(quad) for quad in quads[~seen]]
        ignore = np.array(canvas.ignore + lost, np.float32).reshape(-1, 4)
        return Scene(image, quads[seen], np.array(canvas.exact, bool)[seen], ignore)
