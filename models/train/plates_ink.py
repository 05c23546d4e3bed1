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


@functools.lru_cache(maxsize=8192)
def _line_glyph(font_path: str, char: str) -> tuple[Pixels, int, float]:
    """A letter at 40 px on a strip of 72 rows with one baseline: its columns, where they begin from the pen, its advance."""
    font = _font(font_path, 40)
    advance = font.getlength(char)
    canvas = Image.new("L", (int(advance) + 60, 72), 0)
    ImageDraw.Draw(canvas).text((30, 50), char, fill=255, font=font, anchor="ls")
    mask = np.asarray(canvas)
    columns = np.flatnonzero(mask.max(axis=0))
    if not len(columns):
        return mask[:, :0], 0, advance
    return mask[:, columns[0] : columns[-1] + 1].copy(), int(columns[0]) - 30, advance


@functools.lru_cache(maxsize=1024)
def _spaced_mask(font_path: str, text: str, tracking: int) -> Pixels:
    """A line of text at 40 px with `tracking` px between its letters, cut to its ink."""
    glyphs = [_line_glyph(font_path, char) for char in text]
    line = np.zeros((72, int(sum(step + tracking for _, _, step in glyphs)) + 80), np.uint8)
    pen = 30.0
    for mask, off, step in glyphs:
        x = int(pen) + off
        part = line[:, x : x + mask.shape[1]]
        np.maximum(part, mask, out=part)
        pen += step + tracking
    rows, columns = np.flatnonzero(line.max(axis=1) > 20), np.flatnonzero(line.max(axis=0) > 20)
    return line[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else np.zeros((1, 1), np.uint8)


def words_mask(rng: np.random.Generator, kind: str, text: str, height: float, max_width: float) -> Pixels:
    """Mask of a line of small lettering about `height` high and at most `max_width` wide.

    `kind`: sans, serif, script or condensed. Face, spacing, slant and stretch are drawn anew for each line.
    """
    if not text:
        return np.zeros((1, 1), np.uint8)
    fonts = families("serial" if kind == "condensed" else kind) or families("sans")
    tracking = 0 if kind == "script" or rng.random() < 0.5 else int(rng.choice([2, 4, 8, 12]))
    if fonts:
        mask = _spaced_mask(fonts[int(rng.integers(len(fonts)))], text, tracking)
    else:
        letters = [draw_glyph(_PLAIN_DIE, c, 18, 30) if c in ALPHABET else np.zeros((30, 10), np.uint8) for c in text.upper()]
        mask = np.hstack([np.pad(m, ((0, 30 - m.shape[0]), (1, 2))) for m in letters])
    scale = height / mask.shape[0]
    wanted = mask.shape[1] * scale * float(rng.uniform(0.85, 1.3))
    width = max(1, int(min(wanted, max_width)))
    if wanted > 1.25 * max_width:  # a long name gets lower rather than ever narrower
        height *= max(0.7, 1.25 * max_width / wanted)
    mask = cv2.resize(mask, (width, max(1, int(height))), interpolation=cv2.INTER_AREA)
    if kind in ("sans", "condensed") and rng.random() < 0.12:
        lean = float(rng.uniform(0.1, 0.35)) * mask.shape[0]
        shear = np.array([[1, -lean / mask.shape[0], lean], [0, 1, 0]], np.float32)
        mask = cv2.warpAffine(mask, shear, (mask.shape[1] + int(lean) + 1, mask.shape[0]))
    return mask


def _arched(mask: Pixels, lift: int) -> Pixels:
    """The line bent upwards in its middle by `lift` px."""
    height, width = mask.shape
    result = np.zeros((height + lift, width), np.uint8)
    for x0 in range(0, width, 4):
        y = round(lift * ((2 * x0 + 4) / width - 1.0) ** 2)
        result[y : y + height, x0 : x0 + 4] = mask[:, x0 : x0 + 4]
    return result


def write_name(rng: np.random.Generator, image: Pixels, mask: Pixels, x: float, y: float, colour: Colour) -> tuple[int, int]:
    """Paints a line's mask with its middle at (x, y) px, inside the plate; returns the rows it takes, first and past the last.

    Now and then with an outline, a shadow, an arch or an embossed edge, as headers have.
    """
    height, width = image.shape[:2]
    if rng.random() < 0.06 and mask.shape[1] > 60:
        mask = _arched(mask, int(rng.integers(2, 7)))
    left = int(min(max(x - mask.shape[1] / 2, 3), max(3, width - 3 - mask.shape[1])))
    top = int(min(max(y - mask.shape[0] / 2, 2), height - 2 - mask.shape[0]))
    style = rng.random()
    if style < 0.12:
        bright = sum(colour) > 380
        other: Colour = (20, 24, 50) if bright else (240, 242, 242)
        if style < 0.06:
            blend(image, cv2.dilate(mask, np.ones((3, 3), np.uint8)), left, top, other)
        else:
            blend(image, mask, left + int(rng.integers(1, 3)), top + int(rng.integers(1, 3)), other, 0.8)
    blend(image, mask, left, top, colour, float(rng.uniform(0.75, 1.0)) if rng.random() < 0.3 else 1.0)
    return top, top + mask.shape[0]


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
