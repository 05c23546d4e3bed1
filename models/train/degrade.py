"""What a camera, the weather and a detector do to a plate before the recognizer sees it.

A rendered plate is put into a small patch of scene by a perspective, blurred, exposed, lit and compressed at the
sensor's resolution, and cut out again the way the unit does it: straightened from four slightly wrong corners, or by
an upright box with some margin. Real training crops go through the same second half, `view_of_patch`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.plates import Pixels, RenderedPlate, infrared

CROP_WIDTH, CROP_HEIGHT = 128, 64
TINY_SHARE = 0.025
"""Plates too small to be read: the reader shall still see that characters stand there, and be unsure which."""


@dataclass(frozen=True)
class Crop:
    """One recognizer input: `image` uint8 RGB (64, 128, 3); `centres_x` float32 of the characters in crop pixels, or
    None where they are not known; `sensor_width_px` of the plate before it was cut out."""

    image: Pixels
    centres_x: NDArray[np.float32] | None
    sensor_width_px: float


def _corners(width: float, height: float) -> NDArray[np.float32]:
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def _apply(matrix: NDArray[np.float64], points: NDArray[np.float32]) -> NDArray[np.float32]:
    moved = np.concatenate([points, np.ones((len(points), 1), np.float32)], 1) @ matrix.T
    return (moved[:, :2] / moved[:, 2:]).astype(np.float32)


def _tilted_quad(rng: np.random.Generator, width: float, height: float, severity: float) -> NDArray[np.float32]:
    """Corners of a plate of about this size seen from the side, above and rolled; centred on the origin."""
    yaw, pitch = rng.normal(0, 16) * severity + rng.normal(0, 4), rng.normal(0, 13) * severity
    roll = rng.normal(0, 6.5) * severity + rng.normal(0, 1.2)
    yaw, pitch, roll = (np.deg2rad(np.clip(angle, -limit, limit)) for angle, limit in ((yaw, 50), (pitch, 38), (roll, 18)))
    flat = np.array(
        [[-width / 2, -height / 2, 0], [width / 2, -height / 2, 0], [width / 2, height / 2, 0], [-width / 2, height / 2, 0]]
    )
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    turn = (
        np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    )
    points = flat @ turn.T
    distance = width * rng.uniform(5, 30)
    seen = points[:, :2] * (distance / (distance + points[:, 2:]))
    if rng.random() < 0.12:  # a rolling shutter: rows read later have moved on
        seen[:, 0] += seen[:, 1] * rng.normal(0, 0.14)
    return seen.astype(np.float32)


def _background(rng: np.random.Generator, width: int, height: int) -> Pixels:
    """A bumper, more or less: one colour, a shading, a few edges."""
    base = rng.integers(5, 120 if rng.random() < 0.6 else 250)
    colour = np.clip(base + rng.normal(0, 18 if rng.random() < 0.7 else 60, 3), 0, 255)
    shade = np.linspace(rng.uniform(0.5, 1.3), rng.uniform(0.5, 1.3), height)[:, None, None]
    image = np.clip(np.broadcast_to(colour * shade, (height, width, 3)), 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(0, 4))):
        y, slope = int(rng.integers(height)), int(rng.integers(-6, 7))
        grey = int(rng.integers(0, 256))
        cv2.line(image, (0, y), (width, y + slope), (grey, grey, grey), int(rng.integers(1, 4)), cv2.LINE_AA)
    return image


def _beside(rng: np.random.Generator, patch: Pixels, quad: NDArray[np.float32], other: Pixels) -> None:
    """Draws another plate next to, above or under the one that will stand at `quad`, in place: it must not be read."""
    right, down = quad[1] - quad[0], quad[3] - quad[0]
    gap = float(rng.uniform(1.02, 1.15))
    shift = [right * gap, -right * gap, down * gap, -down * gap][int(rng.integers(4))]
    where = quad + shift + right * float(rng.normal(0, 0.08))
    matrix = cv2.getPerspectiveTransform(_corners(other.shape[1], other.shape[0]), where.astype(np.float32))
    cv2.warpPerspective(
        other, matrix, (patch.shape[1], patch.shape[0]), dst=patch, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
    )


def _framed(rng: np.random.Generator, image: Pixels, boxes: NDArray[np.float32]) -> Pixels:
    """A plate in a frame that is too large for it: up to a tenth of the characters' height is covered, above or below."""
    height, width = image.shape[:2]
    image = image.copy()
    grey = int(rng.integers(0, 70)) if rng.random() < 0.7 else int(rng.integers(150, 240))
    colour = tuple(int(np.clip(grey + rng.normal(0, 8), 0, 255)) for _ in range(3))
    high = float(np.median(boxes[:, 3]))
    if rng.random() < 0.7:
        cv2.rectangle(
            image, (0, int((boxes[:, 1] + boxes[:, 3]).min() - high * rng.uniform(-0.12, 0.1))), (width, height), colour, -1
        )
    if rng.random() < 0.5:
        cv2.rectangle(image, (0, 0), (width, int(boxes[:, 1].max() + high * rng.uniform(-0.12, 0.1))), colour, -1)
    return image


def _place(
    rng: np.random.Generator, image: Pixels, severity: float, other: Pixels | None = None
) -> tuple[Pixels, NDArray[np.float32], NDArray[np.float64], float]:
    """Puts the plate into a patch of scene; returns the patch, the corners in it, plate→patch, and the sensor width."""
    height, width = image.shape[:2]
    low, high = (150.0, 300.0) if severity < 0.2 else (38.0, 260.0)
    sensor = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    if severity >= 0.2 and rng.random() < TINY_SHARE:
        sensor = float(rng.uniform(20, low))
    if width / height > 3:
        sensor *= 1.25
    quad = _tilted_quad(rng, sensor, sensor * height / width, severity)
    span = quad.max(0) - quad.min(0)
    margin = span * 0.3 + 2
    patch_w, patch_h = (int(v) for v in np.ceil(span + 2 * margin))
    quad = quad - quad.min(0) + margin
    if sensor < width * 0.75:  # shrink first, so that the perspective does not alias
        image = cv2.resize(
            image, (max(8, round(sensor * 1.15)), max(4, round(sensor * 1.15 * height / width))), interpolation=cv2.INTER_AREA
        )
    scaled = cv2.getPerspectiveTransform(_corners(image.shape[1], image.shape[0]), quad)
    patch = _background(rng, patch_w, patch_h)
    if other is not None:
        _beside(rng, patch, quad, other)
    if rng.random() < 0.35:  # holder or rim round the plate
        grow = (quad - quad.mean(0)) * float(rng.uniform(1.03, 1.14)) + quad.mean(0)
        grey = rng.integers(0, 60 if rng.random() < 0.7 else 230, 3)
        cv2.fillPoly(patch, [grow.astype(np.int32)], (int(grey[0]), int(grey[1]), int(grey[2])), cv2.LINE_AA)
    cv2.warpPerspective(image, scaled, (patch_w, patch_h), dst=patch, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
    full = cv2.getPerspectiveTransform(_corners(width, height), quad)
    return patch, quad, full, sensor


def _motion(rng: np.random.Generator, patch: Pixels, length: float) -> Pixels:
    """Smears along the road: mostly sideways or down the picture."""
    size = max(3, int(np.ceil(length)) | 1)
    angle = float(rng.choice([0.0, 90.0, 90.0])) + float(rng.normal(0, 20))
    kernel = np.zeros((size, size), np.float32)
    centre = (size - 1) / 2
    dx, dy = np.cos(np.deg2rad(angle)) * length / 2, np.sin(np.deg2rad(angle)) * length / 2
    start, end = ((centre - dx) * 16, (centre - dy) * 16), ((centre + dx) * 16, (centre + dy) * 16)
    cv2.line(kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), 1.0, 1, cv2.LINE_AA, 4)
    return cv2.filter2D(patch, -1, kernel / max(float(kernel.sum()), 1e-6))


def _optics(rng: np.random.Generator, patch: Pixels, sensor: float, severity: float) -> Pixels:
    stroke = sensor * 0.025  # a letter's stroke in sensor pixels, about 1/40 of the plate
    if rng.random() < 0.75:
        sigma = float(rng.uniform(0.2, 0.7)) + float(rng.uniform(0, 0.55)) * stroke * severity
        patch = cv2.GaussianBlur(patch, (0, 0), sigma)
    if rng.random() < 0.3 * severity + 0.05:
        patch = _motion(rng, patch, float(rng.uniform(1.0, 2.2 * max(stroke, 1.0))))
    return patch


def _weather(rng: np.random.Generator, patch: Pixels, severity: float) -> Pixels:
    height, width = patch.shape[:2]
    if rng.random() < 0.12 * severity:  # drops on the glass
        soft = cv2.GaussianBlur(patch, (0, 0), max(1.0, width / 40))
        for _ in range(int(rng.integers(1, 8))):
            at = (int(rng.integers(width)), int(rng.integers(height)))
            mask = np.zeros((height, width), np.uint8)
            cv2.circle(mask, at, max(1, int(width * rng.uniform(0.01, 0.05))), 255, -1)
            patch[mask > 0] = soft[mask > 0]
    if rng.random() < 0.05 * severity:  # rain, drawn out by the shutter
        slope, tone = float(rng.normal(0, 0.25)), int(rng.integers(120, 256))
        veil = patch.copy()
        for _ in range(int(rng.integers(6, 30))):
            x, y, long = (
                int(rng.integers(width)),
                int(rng.integers(-height // 3, height)),
                height * float(rng.uniform(0.15, 0.6)),
            )
            cv2.line(veil, (x, y), (int(x + slope * long), int(y + long)), (tone, tone, tone), 1, cv2.LINE_AA)
        share = float(rng.uniform(0.2, 0.7))
        patch = cv2.addWeighted(veil, share, patch, 1 - share, 0)
    if rng.random() < 0.06:  # something in front, at the edge
        grey = int(rng.integers(0, 200))
        if rng.random() < 0.5:
            cv2.circle(
                patch,
                (int(rng.uniform(0.2, 0.8) * width), int(height * rng.uniform(0.86, 1.0))),
                max(2, int(height * rng.uniform(0.08, 0.2))),
                (grey, grey, grey),
                -1,
                cv2.LINE_AA,
            )
        else:
            y = int(height * rng.uniform(0.15, 0.3))
            cv2.line(
                patch,
                (0, y),
                (width, y + int(rng.integers(-4, 5))),
                (grey, grey, grey),
                max(1, int(height * 0.03)),
                cv2.LINE_AA,
            )
    return patch


def _light(rng: np.random.Generator, patch: Pixels, severity: float) -> NDArray[np.float32]:
    """Shadow, glare, exposure, colour of the light; returns float32 0..255 not yet clipped."""
    height, width = patch.shape[:2]
    light = patch.astype(np.float32)
    if rng.random() < 0.25:  # a shadow's edge across the plate
        nx, ny = np.cos(angle := rng.uniform(0, np.pi)), np.sin(angle)
        xs, ys = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
        side = ((xs - width * rng.uniform(0.2, 0.8)) * nx + (ys - height * rng.uniform(0.2, 0.8)) * ny) / max(
            1.0, width * float(rng.uniform(0.005, 0.1))
        )
        low = float(rng.uniform(0.35, 0.85))
        light *= (low + (1 - low) / (1 + np.exp(-np.clip(side, -20, 20))))[:, :, None].astype(np.float32)
    if rng.random() < 0.12 * severity + 0.02:  # glare
        xs, ys = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
        spread = width * float(rng.uniform(0.08, 0.5))
        glow = np.exp(-((xs - rng.uniform(0, width)) ** 2 + (1.5 * (ys - rng.uniform(0, height))) ** 2) / (2 * spread**2))
        light += (glow * float(rng.uniform(40, 170)))[:, :, None].astype(np.float32)
    if rng.random() < 0.3 * severity + 0.05:  # fog, backlight: contrast lost towards one level
        share = float(rng.uniform(0.1, 0.7))
        light = light * (1 - share) + float(rng.uniform(30, 220)) * share
    if rng.random() < 0.25:
        gain = rng.normal(1, 0.09, 3) if rng.random() < 0.7 else rng.uniform(0.45, 1.25, 3)
        light *= gain.astype(np.float32)
    kind = rng.random()
    if kind < 0.16 * (0.4 + severity):  # night or a short shutter
        light *= float(rng.uniform(0.14, 0.5))
    elif kind < 0.28:  # burnt out
        light = light * float(rng.uniform(1.2, 1.9)) + float(rng.uniform(0, 30))
    else:
        light *= float(rng.uniform(0.6, 1.25))
    mean = float(light.mean())  # beyond these nothing is left to read
    return light * (min(max(mean, 14.0), 215.0) / max(mean, 1e-3))


@functools.lru_cache(maxsize=1)
def _grain_bank() -> NDArray[np.float32]:
    return np.random.default_rng(21).standard_normal((700, 900, 3), dtype=np.float32)


def _grain(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Unit white noise (height, width, 3), a window of one fixed sheet: drawing it anew would cost half the time."""
    bank = _grain_bank()
    if height > bank.shape[0] or width > bank.shape[1]:
        return rng.standard_normal((height, width, 3), dtype=np.float32)
    y, x = int(rng.integers(bank.shape[0] - height + 1)), int(rng.integers(bank.shape[1] - width + 1))
    return bank[y : y + height, x : x + width] * float(rng.choice([-1.0, 1.0]))


def _video(rng: np.random.Generator, image: Pixels) -> Pixels:
    """A thrifty video coder: colour at a quarter of the resolution, coarse blocks, their edges smoothed away."""
    height, width = image.shape[:2]
    planes = list(cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)))
    small = (max(1, width // 4), max(1, height // 4))
    for i in (1, 2):
        coarse = cv2.resize(planes[i], small, interpolation=cv2.INTER_AREA)
        planes[i] = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    image = cv2.cvtColor(cv2.merge(planes), cv2.COLOR_YCrCb2RGB)
    quality = int(rng.uniform(10, 40) if width > 90 else rng.uniform(25, 60))
    image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return cv2.bilateralFilter(image, 5, 18, 2.0) if rng.random() < 0.6 else image


def _sensor(rng: np.random.Generator, light: NDArray[np.float32], severity: float) -> Pixels:
    """Noise, sharpening, 8 bits, JPEG or video compression."""
    if rng.random() < 0.7:
        level = float(rng.gamma(1.2, 3.0)) * (0.4 + severity)
        light = light + _grain(rng, light.shape[0], light.shape[1]) * min(level, 22.0)
    image = cv2.convertScaleAbs(np.maximum(light, 0, out=light))
    if rng.random() < 0.15:
        soft = cv2.GaussianBlur(image, (0, 0), 1.2)
        image = cv2.addWeighted(image, 2.0, soft, -1.0, 0)
    if rng.random() < 0.08 + 0.08 * severity:
        image = _video(rng, image)
    elif rng.random() < 0.55:
        quality = int(rng.uniform(25 if severity > 0.6 else 50, 95))
        image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return image


def _view(
    rng: np.random.Generator, patch: Pixels, quad: NDArray[np.float32], straighten: float, severity: float
) -> tuple[Pixels, NDArray[np.float64]]:
    """Cuts the plate out as the unit does; returns the crop and patch→crop."""
    target = _corners(CROP_WIDTH, CROP_HEIGHT)
    if rng.random() < straighten:
        size = quad.max(0) - quad.min(0)
        # The detector's corners are off by 4 % of the width in the median, its box by more now and then.
        margin = rng.normal(0.06, 0.03) if rng.random() < 0.85 else rng.uniform(0.08, 0.28)
        wrong = quad + rng.normal(0, 1, (4, 2)) * size * (0.014 + 0.022 * severity)
        wrong = wrong + rng.normal(0, 1, 2) * size * (0.008 + 0.014 * severity)
        if rng.random() < 0.12:  # the corners of an upright box, not of the plate
            wrong = _corners(*size) + quad.min(0) + rng.normal(0, 0.02, (4, 2)) * size
        source = wrong + (wrong - wrong.mean(0)) * 2 * np.clip(margin, -0.02, 0.28)
    else:
        low, high = quad.min(0), quad.max(0)
        size = high - low
        tight = rng.random() < 0.55
        margins = rng.normal(0.03, 0.035, 4) if tight else rng.uniform(0.0, 0.25, 4)
        low, high = low - size * margins[:2], high + size * margins[2:]
        source = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
    matrix = cv2.getPerspectiveTransform(source.astype(np.float32), target)
    crop = cv2.warpPerspective(
        patch, matrix, (CROP_WIDTH, CROP_HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return crop, matrix


def view_of_patch(
    rng: np.random.Generator, patch: Pixels, quad: NDArray[np.float32], sensor: float, severity: float, straighten: float = 0.5
) -> tuple[Pixels, NDArray[np.float64]]:
    """Camera and cut for a patch of scene with a plate at `quad`; returns the crop (64, 128, 3) and patch→crop.

    `sensor` is the plate's width in pixels of `patch`, `severity` 0 (kind) to 1, `straighten` the share cut by corners.
    """
    patch = _weather(rng, _optics(rng, patch, sensor, severity), severity)
    image = _sensor(rng, _light(rng, patch, severity), severity)
    grey = rng.random() < 0.22
    if grey:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    crop, matrix = _view(rng, image, quad, straighten, severity)
    return crop, matrix


def degrade_crop(
    rng: np.random.Generator, plate: RenderedPlate, severity: float | None = None, other: Pixels | None = None
) -> Crop:
    """One recognizer input from a rendered plate. `severity` None draws it; about 30 % come out grey or infra-red.
    `other`: the picture of another plate, which then stands beside this one and is not to be read."""
    hard = float(rng.beta(1.3, 1.3)) if severity is None else severity
    boxes = plate.char_boxes
    image = _framed(rng, plate.image, boxes) if rng.random() < 0.06 else plate.image
    image = infrared(image, rng) if rng.random() < 0.12 else image
    crop, to_crop, sensor = _photograph(rng, image, hard, other)
    middles = np.stack([boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3] / 2], 1)
    return Crop(crop, _apply(to_crop, middles)[:, 0], sensor)


def degrade_sheet(rng: np.random.Generator, image: Pixels, severity: float) -> Crop:
    """As `degrade_crop`, for any flat thing: `image` RGB (H, W, 3)."""
    crop, _, sensor = _photograph(rng, image, severity)
    return Crop(crop, None, sensor)


def degrade_patch(rng: np.random.Generator, patch: Pixels, quad: NDArray[np.float32], sensor: float, severity: float) -> Pixels:
    """The same camera and cut for a piece of a real picture with something at `quad` (4, 2), `sensor` px wide."""
    return view_of_patch(rng, patch, quad.astype(np.float32), sensor, severity * 0.7)[0]


def _photograph(
    rng: np.random.Generator, image: Pixels, severity: float, other: Pixels | None = None
) -> tuple[Pixels, NDArray[np.float64], float]:
    """The crop of a sheet seen from somewhere, sheet→crop, and the sheet's width at the sensor."""
    patch, quad, to_patch, sensor = _place(rng, image, severity, other)
    crop, to_crop = view_of_patch(rng, patch, quad, sensor, severity)
    return crop, to_crop @ to_patch, sensor


def degrade_real(
    rng: np.random.Generator,
    picture: Pixels,
    box: tuple[float, float, float, float],
    chars_x: NDArray[np.float32] | None = None,
) -> Crop:
    """One recognizer input from a real plate: `box` x y w h in `picture` (RGB), `chars_x` the characters' centres in it.

    The plate is turned a little, shrunk or not, and sent through the same camera and cut as a rendered one.
    """
    x, y, w, h = box
    pad_x, pad_y = w * 0.4 + 3, h * 0.4 + 3
    scale = 1.0
    if rng.random() < 0.5:
        least = 22.0 if rng.random() < TINY_SHARE else 44.0
        scale = float(np.exp(rng.uniform(np.log(min(1.0, least / w)), 0.0)))
    if w * scale > 330:
        scale = 330 / w
    hard = float(rng.beta(1.0, 2.2))
    angle = float(rng.normal(0, 2.5)) if rng.random() < 0.6 else 0.0
    stretch = 1 + float(rng.normal(0, 0.06))
    shear = float(rng.normal(0, 0.08)) if rng.random() < 0.4 else 0.0
    centre = np.array([x + w / 2, y + h / 2])
    cos, sin = np.cos(np.deg2rad(angle)) * scale, np.sin(np.deg2rad(angle)) * scale
    linear = np.array([[cos * stretch, -sin], [sin, cos]]) @ np.array([[1, shear], [0, 1]])
    patch_w, patch_h = int((w + 2 * pad_x) * scale), int((h + 2 * pad_y) * scale)
    offset = np.array([patch_w / 2, patch_h / 2]) - linear @ centre
    affine = np.concatenate([linear, offset[:, None]], 1)
    if scale < 0.7:
        picture = _soften(picture, box, scale)
    patch = cv2.warpAffine(picture, affine, (patch_w, patch_h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    corners = (_corners(w, h) + np.array([x, y], np.float32)) @ linear.T.astype(np.float32) + offset.astype(np.float32)
    crop, to_crop = view_of_patch(rng, patch, corners.astype(np.float32), w * scale, hard * 0.7, straighten=0.3)
    centres = None
    if chars_x is not None:
        row = np.stack([chars_x, np.full_like(chars_x, y + h / 2)], 1) @ linear.T + offset
        centres = _apply(to_crop, row.astype(np.float32))[:, 0]
    return Crop(crop, centres, w * scale)


def _soften(picture: Pixels, box: tuple[float, float, float, float], scale: float) -> Pixels:
    """Blurs the plate's surroundings before shrinking them by `scale`, against aliasing."""
    x, y, w, h = box
    height, width = picture.shape[:2]
    left, top, right, bottom = max(0, int(x - w)), max(0, int(y - h)), min(width, int(x + 2 * w)), min(height, int(y + 2 * h))
    softened = picture.copy()
    softened[top:bottom, left:right] = cv2.GaussianBlur(picture[top:bottom, left:right], (0, 0), 0.45 / scale)
    return softened
