"""Renders licence plates: the training material of the recognizer, the detector's scenes and the demo clip.

    plate = render_plate(np.random.default_rng(7), region="US-CT")
    plate.image   # uint8 RGB, 320x160 for a 12x6 in plate
    plate.text    # "251RGF": the serial alone, A-Z0-9, no separators, no small stacked letters

Every picture is drawn here from facts (`formats`), free fonts (`fonts`, optional) and our own strokes (`strokes`);
nothing is cut from a photograph. About 2 ms a plate on one core.
"""

from __future__ import annotations

import functools
import string
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.train.fonts import families
from models.train.formats import (
    COLOURS,
    DEALERS,
    DESIGNS,
    EUROPEAN,
    MONTHS,
    REGIONS,
    SMALL_PAIRS,
    WORDS,
    Design,
)  # fmt: skip
from models.train.strokes import Die, draw_glyph, random_die

__all__ = ["ALPHABET", "REGIONS", "RenderedPlate", "infrared", "render_plate"]

ALPHABET = string.digits + string.ascii_uppercase
MAX_CHARS = 10
INVENTED_EMBLEMS = (
    "outline", "star", "pine", "diamond", "tower", "seal", "sun", "shield", "oranges", "blob", "rider", "anchor",
    "flag", "wave",
)  # fmt: skip

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class RenderedPlate:
    """One drawn plate, head-on and clean of any camera effect.

    `image` uint8 RGB (H, W, 3); `text` the serial; `region` one of `REGIONS`; `char_boxes` float32 (len(text), 4), x y w h
    in pixels of `image`, in reading order; `header_visible` false where a frame hides the region's name.
    """

    image: Pixels
    text: str
    region: str
    char_boxes: NDArray[np.float32]
    header_visible: bool = True


# --- small drawing tools -------------------------------------------------------------------------------------------


def _jitter(rng: np.random.Generator, name: str, spread: float = 12.0) -> Colour:
    values = np.clip(np.array(COLOURS[name]) + rng.normal(0, spread, 3), 0, 255)
    return int(values[0]), int(values[1]), int(values[2])


def _blend(image: Pixels, mask: Pixels, x: int, y: int, colour: Colour, strength: float = 1.0) -> None:
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
def _type_glyph(font_path: str, char: str) -> tuple[Pixels, float]:
    """Glyph mask cut to its ink at a capital height of about 90 px, and its width relative to that height."""
    mask = _text_mask(font_path, 126, char)
    ys, xs = np.flatnonzero(mask.max(axis=1) > 60), np.flatnonzero(mask.max(axis=0) > 60)
    mask = mask[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
    return mask, mask.shape[1] / mask.shape[0]


def _words(rng: np.random.Generator, kind: str, text: str, height: float, max_width: float) -> Pixels:
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


def _field(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    bank = _smooth_fields()
    field = bank[int(rng.integers(len(bank)))]
    if rng.random() < 0.5:
        field = field[:, ::-1]
    if rng.random() < 0.5:
        field = field[::-1]
    if field.shape != shape:
        field = cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(field)


# --- ground, scenery, emblems ------------------------------------------------------------------------------------------


def _ground(rng: np.random.Generator, stops: tuple[str, ...], width: int, height: int) -> Pixels:
    colours = np.array([_jitter(rng, name) for name in stops], np.float32)
    if len(stops) == 1:
        return np.broadcast_to(colours[0].astype(np.uint8), (height, width, 3)).copy()
    at = np.linspace(0, len(stops) - 1, height)
    column = np.stack([np.interp(at, np.arange(len(stops)), colours[:, c]) for c in range(3)], axis=1)
    return np.repeat(column.astype(np.uint8)[:, None, :], width, axis=1)


def _blob(rng: np.random.Generator, cx: float, cy: float, rx: float, ry: float, spikes: float = 0.35) -> NDArray[np.int32]:
    count = int(rng.integers(7, 22))
    angle = np.sort(rng.uniform(0, 2 * np.pi, count))
    reach = 1 + rng.uniform(-spikes, spikes * 0.4, count)
    return np.stack([cx + rx * reach * np.cos(angle), cy + ry * reach * np.sin(angle)], axis=1).astype(np.int32)


def _ridge(rng: np.random.Generator, width: int, base: float, rise: float, steps: int, height: int) -> NDArray[np.int32]:
    xs = np.linspace(0, width, steps)
    ys = base - rise * rng.random(steps)
    return np.concatenate([np.stack([xs, ys], 1), [[width, height], [0, height]]]).astype(np.int32)


def _mix(a: Colour, b: Colour, t: float) -> Colour:
    mixed = [int(x + (y - x) * t) for x, y in zip(a, b, strict=True)]
    return mixed[0], mixed[1], mixed[2]


def _scenery(rng: np.random.Generator, image: Pixels, kind: str) -> None:
    height, width = image.shape[:2]
    base = tuple(int(v) for v in image[height // 2, width // 2])
    colour: Colour = _jitter(
        rng, str(rng.choice(["sky", "silver", "sage", "lilac", "tan", "mint", "ice", "purple", "teal", "grey"])), 20
    )
    tint = _mix((base[0], base[1], base[2]), colour, float(rng.uniform(0.25, 0.8)))
    fill, line = cv2.fillPoly, cv2.LINE_AA
    if kind in ("mountains", "mountains_dark", "hills", "forest", "desert", "city"):
        steps = {"hills": 6, "city": 24}.get(kind, 13)
        rise = float(rng.uniform(0.12, 0.4)) * height
        dark = (
            _jitter(rng, "forest", 15) if kind == "mountains_dark" else _jitter(rng, "purple", 20) if kind == "desert" else tint
        )
        level = float(rng.uniform(0.45, 0.95)) * height
        if kind == "mountains_dark":  # the region's own: ground pale above, dark ridge at the top
            ridge = _ridge(rng, width, height * 0.42, height * 0.2, 11, 0)
            fill(image, [ridge], dark, line)
            return
        fill(image, [_ridge(rng, width, level, rise, steps, height)], dark, line)
        if rng.random() < 0.5:
            fill(image, [_ridge(rng, width, level + rise * 0.6, rise, steps, height)], _mix(dark, (255, 255, 255), 0.35), line)
    elif kind == "rainbow":
        for i, name in enumerate(("red", "orange", "yellow", "lime", "sky", "lilac")):
            faded = _mix(_jitter(rng, name), (240, 244, 246), 0.55)
            cv2.ellipse(
                image,
                (width // 2, int(height * 0.95)),
                (int(width * 0.46) - i * 4, int(height * 0.75) - i * 4),
                0,
                180,
                360,
                faded,
                4,
                line,
            )
    elif kind == "waves":
        for _ in range(int(rng.integers(1, 4))):
            xs = np.linspace(0, width, 24)
            ys = height * rng.uniform(0.35, 0.8) + height * 0.15 * np.sin(xs / width * rng.uniform(3, 9) + rng.uniform(0, 6))
            shape = np.concatenate([np.stack([xs, ys], 1), [[width, height], [0, height]]]).astype(np.int32)
            fill(image, [shape], _mix(tint, colour, float(rng.random())), line)
    elif kind == "stars":
        for _ in range(30):
            cv2.circle(
                image,
                (int(rng.integers(width)), int(rng.integers(height // 5))),
                int(rng.integers(1, 4)),
                _jitter(rng, "royal"),
                -1,
                line,
            )
    elif kind in ("picture", "blobs", "plane", "outline", "letters", "strip"):
        for _ in range(int(rng.integers(2, 7))):
            patch = image.copy()
            name = str(rng.choice(list(COLOURS)))
            fill(
                patch,
                [
                    _blob(
                        rng,
                        float(rng.integers(width)),
                        float(rng.integers(height)),
                        width * float(rng.uniform(0.05, 0.3)),
                        height * float(rng.uniform(0.05, 0.4)),
                    )
                ],
                _jitter(rng, name),
                line,
            )
            share = float(rng.uniform(0.1, 0.5))
            cv2.addWeighted(patch, share, image, 1 - share, 0, dst=image)
        if kind in ("plane", "letters"):
            for _ in range(int(rng.integers(4, 12))):
                a, b = rng.integers(0, [width, height]), rng.integers(0, [width, height])
                cv2.line(image, (int(a[0]), int(a[1] // 2)), (int(b[0]), int(b[1] // 2)), tint, 1, line)


def _emblem(rng: np.random.Generator, image: Pixels, kind: str, colour: Colour, cx: float, cy: float, size: float) -> None:
    """Draws the picture between, behind or beside the characters; `size` is its full height in pixels."""
    line, half = cv2.LINE_AA, size / 2
    centre = (int(cx), int(cy))
    if kind in ("star",):
        angle = np.arange(10) * np.pi / 5 - np.pi / 2
        reach = np.where(np.arange(10) % 2 == 0, half, half * 0.4)
        cv2.fillPoly(
            image, [np.stack([cx + reach * np.cos(angle), cy + reach * np.sin(angle)], 1).astype(np.int32)], colour, line
        )
    elif kind in ("oranges", "peach"):
        for dx in (-0.3, 0.3) if kind == "oranges" else (0.0,):
            cv2.circle(image, (int(cx + dx * size * 0.7), int(cy + 0.1 * size)), max(2, int(half * 0.6)), colour, -1, line)
        cv2.fillPoly(image, [_blob(rng, cx, cy - half * 0.5, half * 0.7, half * 0.3)], _jitter(rng, "green"), line)
    elif kind == "diamond":
        points = np.array(
            [
                [cx - half, cy - half * 0.3],
                [cx - half * 0.5, cy - half * 0.8],
                [cx + half * 0.5, cy - half * 0.8],
                [cx + half, cy - half * 0.3],
                [cx, cy + half],
            ],
            np.int32,
        )
        cv2.fillPoly(image, [points], _mix(colour, (255, 255, 255), 0.5), line)
        cv2.polylines(image, [points], True, colour, 2, line)
        cv2.line(image, (int(cx - half), int(cy - half * 0.3)), (int(cx + half), int(cy - half * 0.3)), colour, 1, line)
    elif kind in ("pine", "pinebird", "palm"):
        trunk = _jitter(rng, "brown")
        cv2.line(image, (int(cx), int(cy - half)), (int(cx), int(cy + half)), trunk, max(2, int(size * 0.07)), line)
        for level in range(5 if kind != "palm" else 2):
            y = cy - half + size * 0.19 * level
            reach = half * (0.18 + 0.12 * level) if kind != "palm" else half * 0.7
            cv2.fillPoly(image, [_blob(rng, cx, y + size * 0.1, reach, size * 0.1, 0.5)], colour, line)
    elif kind in ("tower", "lighthouse", "torch"):
        wide = size * 0.13
        points = np.array(
            [
                [cx - wide * 0.6, cy - half * 0.7],
                [cx + wide * 0.6, cy - half * 0.7],
                [cx + wide, cy + half],
                [cx - wide, cy + half],
            ],
            np.int32,
        )
        cv2.fillPoly(image, [points], _mix(colour, (255, 255, 255), 0.45), line)
        cv2.polylines(image, [points], True, colour, 1, line)
        cv2.rectangle(
            image, (int(cx - wide * 0.5), int(cy - half)), (int(cx + wide * 0.5), int(cy - half * 0.7)), colour, -1, line
        )
    elif kind == "dcflag":
        for dy in (0.0, 0.22):
            cv2.rectangle(
                image, (int(cx - half), int(cy + dy * size)), (int(cx + half), int(cy + (dy + 0.12) * size)), colour, -1
            )
        for dx in (-0.55, 0.0, 0.55):
            cv2.circle(image, (int(cx + dx * half), int(cy - 0.2 * size)), max(2, int(size * 0.08)), colour, -1, line)
    elif kind == "sun":
        cv2.circle(image, centre, max(2, int(half * 0.35)), colour, 2, line)
        for dx, dy in ((1, 0), (0, 1), (-1, 0), (0, -1)):
            for offset in (-0.12, 0.0, 0.12):
                start = (int(cx + dx * half * 0.45 + dy * offset * size), int(cy + dy * half * 0.45 + dx * offset * size))
                cv2.line(image, start, (int(start[0] + dx * half * 0.5), int(start[1] + dy * half * 0.5)), colour, 1, line)
    elif kind in ("shield", "keystone"):
        points = np.array(
            [
                [cx - half * 0.8, cy - half],
                [cx + half * 0.8, cy - half],
                [cx + half * 0.6, cy + half * 0.4],
                [cx, cy + half],
                [cx - half * 0.6, cy + half * 0.4],
            ],
            np.int32,
        )
        cv2.fillPoly(image, [points], colour, line)
        cv2.line(
            image, (int(cx), int(cy - half)), (int(cx), int(cy + half)), _jitter(rng, "gold"), max(1, int(size * 0.15)), line
        )
    elif kind in ("seal", "portrait", "crown"):
        pale = _mix(colour, (255, 255, 255), float(rng.uniform(0, 0.5)))
        cv2.ellipse(image, centre, (int(half * 0.85), int(half)), 0, 0, 360, pale, int(rng.choice([-1, 1, 2])), line)
        for _ in range(int(rng.integers(3, 9))):
            cv2.polylines(
                image,
                [_blob(rng, cx, cy, half * float(rng.uniform(0.2, 0.8)), half * float(rng.uniform(0.2, 0.9)))],
                bool(rng.random() < 0.5),
                colour,
                1,
                line,
            )
    elif kind == "wave":
        xs = np.linspace(-half, half, 12)
        for dy, name in ((-0.12, "red"), (0.0, "white"), (0.12, "blue")):
            ys = cy + dy * size + size * 0.06 * np.sin(xs / half * 3 + 1)
            cv2.polylines(
                image, [np.stack([cx + xs, ys], 1).astype(np.int32)], False, _jitter(rng, name), max(2, int(size * 0.12)), line
            )
    elif kind in ("flag", "block"):
        cv2.rectangle(image, (int(cx - half), int(cy - half * 0.6)), (int(cx + half), int(cy + half * 0.6)), colour, -1)
        for _ in range(5):
            cv2.circle(
                image,
                (int(cx + half * rng.uniform(-0.8, 0.8)), int(cy + half * rng.uniform(-0.5, 0.5))),
                max(1, int(size * 0.05)),
                _jitter(rng, "gold"),
                -1,
                line,
            )
    elif kind == "anchor":
        cv2.line(image, (int(cx), int(cy - half)), (int(cx), int(cy + half)), colour, 2, line)
        cv2.line(
            image, (int(cx - half * 0.4), int(cy - half * 0.5)), (int(cx + half * 0.4), int(cy - half * 0.5)), colour, 2, line
        )
        cv2.ellipse(image, centre, (int(half * 0.7), int(half)), 0, 20, 160, colour, 2, line)
    else:  # outline, bird, blob, flower, rider, arch: some silhouette
        for _ in range(1 if kind == "outline" else int(rng.integers(1, 5))):
            stretch = float(rng.uniform(0.5, 1.0))
            dx, dy = (0.0, 0.0) if kind == "outline" else rng.uniform(-0.25, 0.25, 2) * size
            shape = _blob(rng, cx + dx, cy + dy, half * stretch, half * float(rng.uniform(0.4, 1.0)), 0.6)
            if rng.random() < 0.75:
                cv2.fillPoly(image, [shape], colour, line)
            else:
                cv2.polylines(image, [shape], True, colour, 2, line)


# --- the serial ----------------------------------------------------------------------------------------------------------

Token = tuple[str, str]  # ("char", "A"), ("gap", "-"), ("small", "CT"), ("emblem", "")


def _tokens(rng: np.random.Generator, pattern: str) -> list[Token]:
    """Expands a serial pattern of `formats` into what stands on one plate."""
    tokens: list[Token] = []
    i = 0
    while i < len(pattern):
        sign = pattern[i]
        if sign == "!":
            i += 1
            tokens.append(("char", pattern[i]))
        elif sign == "[":
            end = pattern.index("]", i)
            inner = pattern[i + 1 : end]
            tokens.append(("small", str(rng.choice(SMALL_PAIRS)) if "?" in inner or inner == "NL" else inner))
            i = end
        elif sign == "L":
            tokens.append(("char", string.ascii_uppercase[int(rng.integers(26))]))
        elif sign == "N":
            tokens.append(("char", string.digits[int(rng.integers(10))]))
        elif sign == "*":
            tokens.append(("emblem", ""))
        elif sign in "-. ":
            tokens.append(("gap", sign))
        else:
            tokens.append(("char", sign))
        i += 1
    return tokens


def _vanity(rng: np.random.Generator) -> list[Token]:
    kind = rng.random()
    if kind < 0.25:
        text = str(rng.choice(WORDS))
    else:
        count = int(rng.choice([2, 3, 4, 5, 6, 7, 8], p=[0.08, 0.16, 0.2, 0.2, 0.16, 0.14, 0.06]))
        letters = rng.random() < 0.6
        pool = string.ascii_uppercase if letters else ALPHABET
        text = "".join(pool[int(i)] for i in rng.integers(0, len(pool), count))
    tokens: list[Token] = [("char", c) for c in text]
    if len(tokens) > 3 and rng.random() < 0.25:
        tokens.insert(int(rng.integers(2, len(tokens) - 1)), ("gap", str(rng.choice(["-", " ", "."]))))
    return tokens


def _fit_text(rng: np.random.Generator, pattern: str, text: str) -> list[Token]:
    """The given serial, with the pattern's separators where the counts agree."""
    shape = _tokens(rng, pattern)
    if sum(kind == "char" for kind, _ in shape) != len(text):
        return [("char", c) for c in text]
    letters = iter(text)
    return [("char", next(letters)) if kind == "char" else (kind, value) for kind, value in shape]


@dataclass(frozen=True)
class _Lettering:
    """How the serial is drawn on one plate: our dies or a type font, size, stretch, relief."""

    die: Die | None
    font: str
    height: float
    relief: int


def _lettering(rng: np.random.Generator, height: float, european: bool) -> _Lettering:
    fonts = families("serial")
    use_die = not fonts or rng.random() < (0.3 if european else 0.6)
    die = random_die(rng) if use_die else None
    font = "" if use_die else fonts[int(rng.integers(len(fonts)))]
    return _Lettering(die, font, height, int(rng.choice([0, 1, 2], p=[0.4, 0.35, 0.25])))


def _glyph_mask(style: _Lettering, char: str, letter_width: float, height: float) -> Pixels:
    if style.die is not None:
        return draw_glyph(style.die, char, letter_width, height)
    mask, ratio = _type_glyph(style.font, char)
    reference = _type_glyph(style.font, "H")[1]
    width = letter_width * min(max(ratio / reference, 0.2), 1.3)
    return cv2.resize(mask, (max(2, round(width)), max(2, round(height))), interpolation=cv2.INTER_AREA)


def _stamp(image: Pixels, mask: Pixels, x: int, y: int, colour: Colour, relief: int) -> None:
    """Paints one embossed letter: a light edge up left and a shadow down right, then the ink."""
    if relief:
        base = image[min(max(y, 0), image.shape[0] - 1), min(max(x, 0), image.shape[1] - 1)]
        light, dark = (
            _mix((int(base[0]), int(base[1]), int(base[2])), (255, 255, 255), 0.6),
            _mix((int(base[0]), int(base[1]), int(base[2])), (0, 0, 0), 0.45),
        )
        _blend(image, mask, x + relief, y + relief, dark, 0.6)
        _blend(image, mask, x - relief, y - relief, light, 0.7)
    _blend(image, mask, x, y, colour)


@dataclass(frozen=True)
class _Field:
    """The part of the plate the serial may take, pixels."""

    left: float
    right: float
    top: float
    bottom: float


def _place_serial(
    rng: np.random.Generator,
    image: Pixels,
    tokens: list[Token],
    design: Design,
    field: _Field,
    colour: Colour,
    european: bool = False,
) -> tuple[str, NDArray[np.float32]]:
    """Draws the serial centred in `field`; returns the text and the boxes of its characters."""
    height = field.bottom - field.top
    style = _lettering(rng, height, european)
    ratio = float(rng.uniform(0.40, 0.62)) if not european else float(rng.uniform(0.48, 0.66))
    spacing = float(rng.uniform(0.10, 0.34))
    gap_widths = {" ": float(rng.uniform(0.35, 0.9)), "-": float(rng.uniform(0.5, 0.8)), ".": float(rng.uniform(0.4, 0.7))}
    emblem_units = float(rng.uniform(0.8, 1.5))

    def units(token: Token) -> float:
        kind, value = token
        return {"char": 1.0, "gap": gap_widths.get(value, 0.5), "small": 0.6, "emblem": emblem_units}[kind]

    letter = height * ratio
    total = sum(units(token) for token in tokens) + spacing * (len(tokens) - 1)
    letter = min(letter, (field.right - field.left) / total)
    step = letter * spacing
    masks = [_glyph_mask(style, value, letter, height) if kind == "char" else None for kind, value in tokens]
    monospaced = rng.random() < 0.55
    widths = []
    for token, mask in zip(tokens, masks, strict=True):
        own = letter * units(token)
        widths.append(own if mask is None else (max(own, mask.shape[1]) if monospaced else float(mask.shape[1])))
    run = sum(widths) + step * (len(tokens) - 1)
    slack = (field.right - field.left) - run
    x = field.left + slack * (0.5 if rng.random() < 0.85 else float(rng.uniform(0.1, 0.9)))
    text, boxes = "", []
    for (kind, value), mask, width in zip(tokens, masks, widths, strict=True):
        middle, centre_y = x + width / 2, (field.top + field.bottom) / 2
        if mask is not None:
            left, top = round(middle - mask.shape[1] / 2), round(field.top)
            _stamp(image, mask, left, top, colour, style.relief)
            boxes.append((left, top, mask.shape[1], mask.shape[0]))
            text += value
        elif kind == "gap" and value != " ":
            thick = max(2, round(height * float(rng.uniform(0.07, 0.13))))
            if value == "-":
                cv2.line(
                    image,
                    (int(middle - width * 0.3), int(centre_y)),
                    (int(middle + width * 0.3), int(centre_y)),
                    colour,
                    thick,
                    cv2.LINE_AA,
                )
            else:
                cv2.circle(image, (int(middle), int(centre_y)), thick, colour, -1, cv2.LINE_AA)
        elif kind == "small":
            small_h = height * 0.42
            for row, char in enumerate(value[:3]):
                share = small_h if len(value) < 3 else height * 0.29
                small = _glyph_mask(style, char, letter * 0.5, share)
                pitch = height * (0.56 if len(value) < 3 else 0.35)
                _blend(image, small, int(x + 1), int(field.top + row * pitch), colour)
        elif kind == "emblem":
            _emblem(
                rng,
                image,
                design.emblem or "outline",
                _jitter(rng, design.emblem_colour),
                middle,
                centre_y,
                min(width * 1.15, height * 1.1),
            )
        x += width + step
    return text, np.array(boxes, np.float32).reshape(-1, 4)


# --- everything round the serial ---------------------------------------------------------------------------------------


def _sticker(rng: np.random.Generator, image: Pixels, x: float, y: float) -> None:
    height, width = image.shape[:2]
    w, h = width * float(rng.uniform(0.07, 0.14)), height * float(rng.uniform(0.09, 0.17))
    ground = _jitter(
        rng, str(rng.choice(["white", "red", "yellow", "sky", "green", "orange", "pink", "blue", "black", "mint"])), 20
    )
    corner = (int(x - w / 2), int(y - h / 2))
    cv2.rectangle(image, corner, (int(x + w / 2), int(y + h / 2)), ground, -1)
    ink: Colour = (20, 20, 20) if sum(ground) > 330 else (240, 240, 240)
    label = (
        str(rng.choice(MONTHS))
        if rng.random() < 0.4
        else str(rng.integers(0, 99)).zfill(2)
        if rng.random() < 0.6
        else str(rng.integers(1995, 2027))
    )
    mask = _words(rng, "sans", label, h * 0.7, w * 0.9)
    _blend(image, mask, int(x - mask.shape[1] / 2), int(y - mask.shape[0] / 2), ink)


def _bolts(rng: np.random.Generator, image: Pixels) -> None:
    height, width = image.shape[:2]
    inset_x, inset_y = float(rng.uniform(0.19, 0.25)), float(rng.uniform(0.055, 0.1))
    for fx in (inset_x, 1 - inset_x):
        for fy in (inset_y, 1 - inset_y):
            if rng.random() < (0.7 if fy < 0.5 else 0.45):
                at = (int(fx * width), int(fy * height))
                size = max(2, int(height * rng.uniform(0.018, 0.04)))
                grey = int(rng.integers(20, 210))
                cv2.circle(image, at, size, (grey, grey, min(255, grey + 4)), -1, cv2.LINE_AA)
                if rng.random() < 0.4:
                    cv2.circle(image, at, max(1, size // 2), (min(255, grey + 60),) * 3, -1, cv2.LINE_AA)


def _frame(rng: np.random.Generator, image: Pixels, top: float, bottom: float) -> bool:
    """A dealer's frame round the plate, at most `top`/`bottom` px wide; true where it hides the region's name."""
    height, width = image.shape[:2]
    colour = _jitter(rng, str(rng.choice(["black", "black", "silver", "grey", "navy", "maroon", "white"])), 12)
    edge = int(rng.integers(3, 9))
    above = int(rng.uniform(0.25, 1.0) * top) if rng.random() < 0.6 else edge
    below = int(rng.uniform(0.4, 1.0) * bottom) if rng.random() < 0.7 else edge
    cv2.rectangle(image, (0, 0), (width, above), colour, -1)
    cv2.rectangle(image, (0, height - below), (width, height), colour, -1)
    cv2.rectangle(image, (0, 0), (edge, height), colour, -1)
    cv2.rectangle(image, (width - edge, 0), (width, height), colour, -1)
    ink: Colour = (235, 235, 235) if sum(colour) < 360 else (25, 25, 30)
    for y, room in ((above / 2, above), (height - below / 2, below)):
        if room > 12 and rng.random() < 0.7:
            mask = _words(rng, str(rng.choice(["sans", "serif"])), str(rng.choice(DEALERS)), room * 0.6, width * 0.8)
            _blend(image, mask, int(width / 2 - mask.shape[1] / 2), int(y - mask.shape[0] / 2), ink)
    return above > 0.55 * top


def _rim(rng: np.random.Generator, image: Pixels, colour: Colour) -> None:
    height, width = image.shape[:2]
    inset = int(rng.integers(2, 7))
    cv2.rectangle(image, (inset, inset), (width - 1 - inset, height - 1 - inset), colour, int(rng.integers(1, 4)), cv2.LINE_AA)


def _wear(rng: np.random.Generator, image: Pixels) -> Pixels:
    """Shading of a bent sheet, fading, dirt."""
    height, width = image.shape[:2]
    gain = 1.0 + float(rng.uniform(0.01, 0.06)) * _field(rng, (height, width))
    if rng.random() < 0.35:
        gain *= np.linspace(1 + rng.uniform(-0.2, 0.2), 1 + rng.uniform(-0.2, 0.2), height, dtype=np.float32)[:, None]
    result = cv2.multiply(image, cv2.merge([gain.astype(np.float32)] * 3), dtype=cv2.CV_8U)
    if rng.random() < 0.25:  # sun-bleached
        share = float(rng.uniform(0.05, 0.4))
        grey = np.full_like(result, int(rng.integers(150, 235)))
        result = cv2.addWeighted(result, 1 - share, grey, share, 0)
    if rng.random() < 0.2:  # mud and salt
        amount = np.clip(_field(rng, (height, width)) - float(rng.uniform(0.6, 1.8)), 0, 1) * float(rng.uniform(0.2, 0.7))
        mud = np.array(_jitter(rng, str(rng.choice(["tan", "grey", "brown", "silver"])), 20), np.float32)
        result = (result + (mud - result) * amount[:, :, None]).astype(np.uint8)
    return result


def _bend(rng: np.random.Generator, image: Pixels, boxes: NDArray[np.float32]) -> Pixels:
    """Moves rows and columns by a few pixels, as a bent sheet does; the boxes stay good within those pixels."""
    height, width = image.shape[:2]
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    amplitude = float(rng.uniform(0.5, 3.0))
    map_y = ys + amplitude * np.sin(xs / width * float(rng.uniform(2, 7)) + float(rng.uniform(0, 6)))
    map_x = xs + amplitude * 0.6 * np.sin(ys / height * float(rng.uniform(2, 5)) + float(rng.uniform(0, 6)))
    return cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


# --- whole plates ------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1)
def _weights() -> NDArray[np.float64]:
    weight = np.array([design.weight for design in DESIGNS])
    return np.cumsum(weight / weight.sum())


@functools.lru_cache(maxsize=128)
def _designs_of(region: str) -> tuple[Design, ...]:
    return tuple(design for design in DESIGNS if design.region == region)


def _random_design(rng: np.random.Generator) -> Design:
    """An invented design: random colours and words, so that no ground or emblem is new to the reader later."""
    names = list(COLOURS)
    stops = [
        str(
            rng.choice(
                ["white", "cream", "ice", "pale", "lemon", "mint", "sky", "pink", "lilac", "peach", "gold", "yellow", "silver"]
            )
        )
        for _ in range(int(rng.integers(1, 4)))
    ]
    ink = str(rng.choice(["black", "navy", "blue", "maroon", "red", "green", "forest", "purple", "brown", "teal"]))
    if rng.random() < 0.2:
        stops, ink = (
            [str(rng.choice(["navy", "black", "green", "blue", "maroon", "teal", "royal", "red"]))],
            str(rng.choice(["white", "yellow", "gold", "cream"])),
        )
    count = int(rng.choice([3, 4, 5, 6, 7, 8], p=[0.08, 0.1, 0.17, 0.3, 0.28, 0.07]))
    pattern = "".join(str(rng.choice(["L", "N"])) for _ in range(count))
    if rng.random() < 0.75:
        cut = int(rng.integers(1, count))
        pattern = pattern[:cut] + str(rng.choice(["-", ".", " ", "*", "*", " "])) + pattern[cut:]
    if rng.random() < 0.15:
        pattern = "[?]" + pattern if rng.random() < 0.6 else pattern + "[?]"
    scenes = ["", "", "mountains", "hills", "waves", "city", "picture", "picture", "plane", "rainbow", "desert"]
    return Design(
        "unknown",
        str(rng.choice(DEALERS)),
        str(rng.choice(["sans", "serif", "script"])),
        str(rng.choice(names)),
        tuple(stops),
        ink,
        (pattern,),
        slogan=str(rng.choice(DEALERS)),
        top_band=str(rng.choice(names)) if rng.random() < 0.2 else "",
        bottom_band=str(rng.choice(names)) if rng.random() < 0.15 else "",
        emblem=str(rng.choice(INVENTED_EMBLEMS)),
        emblem_colour=str(rng.choice(names)),
        scenery=str(rng.choice(scenes)),
        header_low=bool(rng.random() < 0.2),
    )


def _render_north_american(rng: np.random.Generator, design: Design, text: str | None) -> RenderedPlate:
    motorcycle = rng.random() < 0.04
    width, height = (280, 160) if motorcycle else (320, 160)
    image = _ground(rng, design.ground, width, height)
    if design.scenery:
        _scenery(rng, image, design.scenery)
    elif rng.random() < 0.04:
        _scenery(rng, image, "picture")
    top = height * float(rng.uniform(0.19, 0.27))
    bottom = height * float(rng.uniform(0.17, 0.24))
    if design.top_band:
        cv2.rectangle(image, (0, 0), (width, int(top)), _jitter(rng, design.top_band), -1)
    if design.bottom_band:
        cv2.rectangle(image, (0, int(height - bottom * 0.85)), (width, height), _jitter(rng, design.bottom_band), -1)
    pattern = str(rng.choice(design.patterns))
    if text is not None:
        tokens = _fit_text(rng, pattern, text)
    elif rng.random() < 0.14:
        tokens = _vanity(rng)
    else:
        tokens = _tokens(rng, pattern)
    left, right = width * float(rng.uniform(0.03, 0.06)), width * float(rng.uniform(0.94, 0.97))
    colour = _jitter(rng, design.serial_colour)
    has_gap_emblem = any(kind == "emblem" for kind, _ in tokens)
    if design.emblem and not has_gap_emblem and rng.random() < 0.7:
        size = height * float(rng.uniform(0.3, 0.6))
        side = rng.random()
        ink = _jitter(rng, design.emblem_colour)
        if side < 0.35 and len(tokens) <= 6:  # beside the serial, which moves over
            _emblem(rng, image, design.emblem, ink, width * 0.12, height * float(rng.uniform(0.45, 0.6)), size)
            left = width * 0.22
        elif side < 0.7:  # behind the characters, pale
            pale = _mix(ink, tuple(int(v) for v in image[height // 2, width // 2]), float(rng.uniform(0.45, 0.75)))  # type: ignore[arg-type]
            _emblem(rng, image, design.emblem, pale, width * float(rng.uniform(0.2, 0.8)), height * 0.52, size * 1.3)
        else:  # up in a corner
            _emblem(rng, image, design.emblem, ink, width * float(rng.choice([0.08, 0.92])), height * 0.14, height * 0.16)
    serial_h = height * float(rng.uniform(0.40, 0.53))
    middle = (top + (height - bottom)) / 2 + float(rng.normal(0, 1.5))
    field = _Field(left, right, middle - serial_h / 2, middle + serial_h / 2)
    serial, boxes = _place_serial(rng, image, tokens, design, field, colour)
    header_visible = _lettering_round_serial(rng, image, design, top, bottom)
    if rng.random() < 0.4:
        _rim(rng, image, colour if rng.random() < 0.6 else (200, 200, 200))
    for fx in (0.09, 0.91):
        for fy in (0.13, 0.9):
            if rng.random() < 0.35:
                _sticker(rng, image, fx * width, fy * height)
    _bolts(rng, image)
    if rng.random() < 0.28:
        header_visible = not _frame(rng, image, top * 0.95, bottom * 0.9) and header_visible
    if rng.random() < 0.3:
        image = _bend(rng, image, boxes)
    return RenderedPlate(_wear(rng, image), serial, design.region, boxes, header_visible)


def _lettering_round_serial(rng: np.random.Generator, image: Pixels, design: Design, top: float, bottom: float) -> bool:
    height, width = image.shape[:2]
    above, below = (design.slogan, design.header) if design.header_low else (design.header, design.slogan)
    name_colour = _jitter(rng, design.header_colour)
    slogan_colour = name_colour if rng.random() < 0.5 else _jitter(rng, design.serial_colour)
    if design.bottom_band and not design.header_low:
        slogan_colour = (235, 235, 235) if sum(COLOURS[design.bottom_band]) < 330 else (30, 30, 60)
    upper = _words(rng, design.header_kind, above, top * float(rng.uniform(0.6, 0.95)), width * 0.72)
    _blend(
        image,
        upper,
        int(width / 2 - upper.shape[1] / 2 + rng.normal(0, 3)),
        max(1, int(top / 2 - upper.shape[0] / 2)),
        slogan_colour if design.header_low else name_colour,
    )
    if below and rng.random() < 0.92:
        lower = _words(
            rng,
            design.header_kind if rng.random() < 0.6 else "sans",
            below,
            bottom * float(rng.uniform(0.45, 0.8)),
            width * 0.72,
        )
        _blend(
            image,
            lower,
            int(width / 2 - lower.shape[1] / 2),
            int(height - bottom / 2 - lower.shape[0] / 2 + 1),
            name_colour if design.header_low else slogan_colour,
        )
    return True


def _render_european(rng: np.random.Generator, text: str | None) -> RenderedPlate:
    weights = np.array([entry[3] for entry in EUROPEAN])
    ground, ink, patterns, _ = EUROPEAN[int(rng.choice(len(EUROPEAN), p=weights / weights.sum()))]
    pattern = str(rng.choice(patterns))
    tokens = _fit_text(rng, pattern, text) if text is not None else _tokens(rng, pattern)
    two_rows = rng.random() < 0.0
    width, height = (520, 110) if not two_rows else (280, 200)
    image = _ground(rng, (ground,), width, height)
    left = width * 0.03
    if rng.random() < 0.75:
        band = int(width * float(rng.uniform(0.07, 0.1)))
        cv2.rectangle(image, (0, 0), (band, height), _jitter(rng, "blue"), -1)
        cv2.circle(image, (band // 2, height // 3), band // 4, _jitter(rng, "gold"), 2, cv2.LINE_AA)
        mask = _words(
            rng, "sans", str(rng.choice(["RO", "D", "F", "GB", "NL", "E", "S", "PL", "H"])), height * 0.22, band * 0.8
        )
        _blend(image, mask, band // 2 - mask.shape[1] // 2, int(height * 0.65), (235, 235, 235))
        left = band + width * 0.02
    high = height * float(rng.uniform(0.64, 0.78))
    field = _Field(left, width * 0.975, (height - high) / 2, (height + high) / 2)
    design = Design(
        "unknown",
        "",
        "sans",
        "black",
        (ground,),
        ink,
        patterns,
        emblem="seal",
        emblem_colour=str(rng.choice(["red", "blue", "grey", "gold"])),
    )
    serial, boxes = _place_serial(rng, image, tokens, design, field, _jitter(rng, ink), european=True)
    if rng.random() < 0.6:
        _rim(rng, image, (30, 30, 32))
    if rng.random() < 0.3:
        cv2.rectangle(image, (0, height - int(height * 0.1)), (width, height), _jitter(rng, "black"), -1)
    return RenderedPlate(_wear(rng, image), serial, "unknown", boxes, False)


def render_plate(
    rng: np.random.Generator, region: str | None = None, text: str | None = None, style: str = "random"
) -> RenderedPlate:
    """Draws one plate.

    `region`: one of `REGIONS`, or None for a random one (of which 10 % are European rows and 14 % invented designs, both
    region "unknown"). `text`: the serial to show (A-Z0-9, at most 10), or None for a random one in the region's formats.
    `style`: "random", "us" (12x6 in and motorcycle plates only) or "european" (520x110 mm rows only).
    Raises ValueError for an unknown region or style or a serial that cannot be drawn.
    """
    if region is not None and region not in REGIONS:
        raise ValueError(f"draw plate: region {region!r} is none of models.train.plates.REGIONS")
    if style not in ("random", "us", "european"):
        raise ValueError(f"draw plate: style {style!r} is none of random, us, european")
    if text is not None and not (0 < len(text) <= MAX_CHARS and set(text) <= set(ALPHABET)):
        raise ValueError("draw plate: the serial must be 1 to 10 of A-Z and 0-9")
    named = region is not None and region != "unknown"
    if style == "european" or (style == "random" and not named and rng.random() < (0.5 if region == "unknown" else 0.1)):
        return _render_european(rng, text)
    if region == "unknown" or (region is None and rng.random() < 0.14):
        return _render_north_american(rng, _random_design(rng), text)
    if region is None:
        design = DESIGNS[int(np.searchsorted(_weights(), rng.random()))]
    else:
        choices = _designs_of(region)
        design = choices[int(rng.integers(len(choices)))]
    if rng.random() < 0.06:  # a specialty plate: the region's name and colours, other pictures
        design = replace(
            design,
            scenery=str(rng.choice(["picture", "waves", "mountains"])),
            emblem=str(rng.choice(["seal", "blob", "bird", "shield"])),
        )
    return _render_north_american(rng, design, text)


def infrared(image: Pixels, rng: np.random.Generator) -> Pixels:
    """What an infra-red plate camera sees of a rendered plate: three equal channels, bright sheet, dark letters.

    The sheet is retro-reflective and pale inks are nearly clear in infra-red, so ground and pictures go to bright grey
    while dark inks stay dark; white letters on a dark sheet stay white.
    """
    weights = rng.dirichlet(np.array([6.0, 3.0, 1.0])).astype(np.float32)  # red carries most of what near infra-red shows
    grey = cv2.transform(image, weights[None, :])
    level = float(rng.uniform(95, 140))
    table = 255.0 / (1.0 + np.exp(-(np.arange(256) - level) / float(rng.uniform(12, 30))))
    low, high = float(rng.uniform(15, 70)), float(rng.uniform(190, 255))
    table = low + (high - low) * table / 255.0
    single = cv2.LUT(grey, np.clip(table, 0, 255).astype(np.uint8))
    return np.repeat(single[:, :, None] if single.ndim == 2 else single, 3, axis=2)
