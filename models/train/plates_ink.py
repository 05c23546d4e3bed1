"""Ink on a sheet: the drawing tools that all parts of a rendered plate share."""

from __future__ import annotations

import functools
import string

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.train.fonts import families
from models.train.formats import COLOURS
from models.train.strokes import Die, draw_glyph

ALPHABET = string.digits + string.ascii_uppercase
Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]


def jitter(rng: np.random.Generator, name: str, spread: float = 12.0) -> Colour:
    values = np.clip(np.array(COLOURS[name]) + rng.normal(0, spread, 3), 0, 255)
    return int(values[0]), int(values[1]), int(values[2])


def blend(image: Pixels, mask: Pixels, x: int, y: int, colour: Colour, strength: float = 1.0) -> None:
    """Paints `colour` into `image` through `mask` placed at (x, y); parts outside the image are dropped."""
    height, width = image.shape[:2]
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + mask.shape[1], width), min(y + mask.shape[0], height)
    if left >= right or top >= bottom:
        return
    part = mask[top - y : bottom - y, left - x : right - x].astype(np.int32)[:, :, None]
    if strength < 1.0:
        part = (part * strength).astype(np.int32)
    area = image[top:bottom, left:right].astype(np.int32)
    image[top:bottom, left:right] = area + ((np.array(colour, np.int32) - area) * part + 127) // 255


@functools.lru_cache(maxsize=512)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@functools.lru_cache(maxsize=8192)
def _text_mask(font_path: str, size: int, text: str) -> Pixels:
    font = _font(font_path, size)
    left, top, right, bottom = font.getbbox(text)
    canvas = Image.new("L", (max(1, int(right - left) + 2), max(1, int(bottom - top) + 2)), 0)
    ImageDraw.Draw(canvas).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(canvas)


@functools.lru_cache(maxsize=4096)
def type_glyph(font_path: str, char: str) -> tuple[Pixels, float]:
    """Glyph mask cut to its ink at a capital height of about 90 px, and its width relative to that height."""
    mask = _text_mask(font_path, 126, char)
    ys, xs = np.flatnonzero(mask.max(axis=1) > 60), np.flatnonzero(mask.max(axis=0) > 60)
    mask = mask[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
    return mask, mask.shape[1] / mask.shape[0]


def words_mask(rng: np.random.Generator, kind: str, text: str, height: float, max_width: float) -> Pixels:
    """Mask of a line of small lettering about `height` high and at most `max_width` wide."""
    if not text:
        return np.zeros((1, 1), np.uint8)
    fonts = families(kind) or families("sans")
    if fonts:
        mask = _text_mask(fonts[int(rng.integers(len(fonts)))], 40, text)
    else:
        letters = [draw_glyph(_PLAIN_DIE, c, 18, 30) if c in ALPHABET else np.zeros((30, 10), np.uint8) for c in text.upper()]
        mask = np.hstack([np.pad(m, ((0, 30 - m.shape[0]), (1, 2))) for m in letters])
    scale = height / mask.shape[0]
    width = min(mask.shape[1] * scale * float(rng.uniform(0.85, 1.3)), max_width)
    return cv2.resize(mask, (max(1, int(width)), max(1, int(height))), interpolation=cv2.INTER_AREA)


_PLAIN_DIE = Die(dict.fromkeys("&" + ALPHABET, 0), 0.3, 0.14, 0.0)


@functools.lru_cache(maxsize=1)
def _smooth_fields() -> NDArray[np.float32]:
    """48 smooth random fields (48, 160, 320), zero mean and unit spread, shared by wear, dirt and pictures."""
    rng = np.random.default_rng(20)
    fields = []
    for _ in range(48):
        coarse = int(rng.choice([3, 5, 9, 17, 40]))
        field = cv2.resize(rng.normal(0, 1, (coarse, 2 * coarse)).astype(np.float32), (320, 160), interpolation=cv2.INTER_CUBIC)
        fields.append(field / (field.std() + 1e-6))
    return np.stack(fields)


def smooth_field(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    bank = _smooth_fields()
    field = bank[int(rng.integers(len(bank)))]
    if rng.random() < 0.5:
        field = field[:, ::-1]
    if rng.random() < 0.5:
        field = field[::-1]
    if field.shape != shape:
        field = cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(field)


def mix(a: Colour, b: Colour, t: float) -> Colour:
    """The colour a share `t` of the way from `a` to `b`."""
    mixed = [int(x + (y - x) * t) for x, y in zip(a, b, strict=True)]
    return mixed[0], mixed[1], mixed[2]
