"""Plate letters drawn as strokes: squarish, narrow, round-ended, as the embossing dies of US states cut them.

Each glyph is one or more open or closed paths on the unit square (x right, y down). A vertex is ``(x, y)`` for a sharp
corner or ``(x, y, 1)`` for one rounded by the die's corner radius. Variants of a glyph (plain-bar 1, open 4, ...) are
what the dies differ in, and what a reader trained on type fonts confuses.
"""

# ruff: noqa: E501  (tables: one design or glyph a line)
from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

Path = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Glyph:
    """Strokes of one letter shape: `paths` on the unit square, `closed` per path, `width` relative to a full letter."""

    paths: tuple[Path, ...]
    closed: tuple[bool, ...]
    width: float = 1.0


def _g(*paths: Path, closed: tuple[int, ...] = (), width: float = 1.0) -> Glyph:
    return Glyph(paths, tuple(i in closed for i in range(len(paths))), width)


_O: Path = ((0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))
_BAR: Path = ((0.5, 0), (0.5, 1))
_ONE_FLAG: Path = ((0.05, 0.2), (0.5, 0.0), (0.5, 1))
_SIX: Path = ((1, 0.24), (1, 0, 1), (0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 0.46, 1), (0.02, 0.46))
_SIX_SLANT: Path = ((0.78, 0), (0.0, 0.58, 1), (0, 1, 1), (1, 1, 1), (1, 0.42, 1), (0.12, 0.46))
_SIX_ROUND: Path = ((0.85, 0.0), (0.0, 0.1, 1), (0, 1, 1), (1, 1, 1), (1, 0.42, 1), (0, 0.44, 1), (0, 0.6))


def _turn(path: Path) -> Path:
    return tuple((1 - p[0], 1 - p[1], *p[2:]) for p in path)


def _bowl_b(upper: float, waist: float) -> Path:
    """B with an upper bowl `upper` wide and its waist at the height `waist`."""
    return (
        (0, waist), (0, 0), (upper, 0, 1), (upper, waist, 1), (0, waist), (1, waist, 1), (1, 1, 1), (0, 1), (0, waist - 0.08)
    )  # fmt: skip


_BOWL_B = _bowl_b(0.94, 0.48)
_S: Path = ((1, 0.25), (1, 0, 1), (0, 0, 1), (0, 0.49, 1), (1, 0.49, 1), (1, 1, 1), (0, 1, 1), (0, 0.75))
_S_DIAGONAL: Path = ((1, 0.22), (1, 0, 1), (0, 0, 1), (0, 0.36, 1), (1, 0.62, 1), (1, 1, 1), (0, 1, 1), (0, 0.78))
_P: Path = ((0, 1), (0, 0), (1, 0, 1), (1, 0.54, 1), (0, 0.54))
_THREE: Path = ((0, 0.24), (0, 0, 1), (1, 0, 1), (1, 0.48, 1), (0.35, 0.48), (1, 0.48, 1), (1, 1, 1), (0, 1, 1), (0, 0.76))
_FIVE: Path = ((0.95, 0), (0.06, 0), (0.0, 0.45), (0.1, 0.40), (1, 0.40, 1), (1, 1, 1), (0, 1, 1), (0, 0.76))
_FIVE_SQUARE: Path = ((0.95, 0), (0, 0), (0, 0.45), (1, 0.45, 1), (1, 1, 1), (0, 1, 1), (0, 0.78))

GLYPHS: dict[str, tuple[Glyph, ...]] = {
    "A": (_g(((0, 1), (0.5, 0), (1, 1)), ((0.18, 0.68), (0.82, 0.68))), _g(((0, 1), (0.46, 0), (0.54, 0), (1, 1)), ((0.15, 0.72), (0.85, 0.72))),
          _g(((0, 1), (0.43, 0), (0.57, 0), (1, 1)), ((0.2, 0.64), (0.8, 0.64))),
          _g(((0, 1), (0.4, 0), (0.6, 0), (1, 1)), ((0.14, 0.7), (0.86, 0.7))),
          _g(((0, 1), (0, 0, 1), (1, 0, 1), (1, 1)), ((0, 0.58), (1, 0.58)))),
    "B": (_g(_BOWL_B), _g(_bowl_b(0.84, 0.46)), _g(_bowl_b(0.9, 0.5)), _g(_bowl_b(1.0, 0.5))),
    "C": (_g(((1, 0.28), (1, 0, 1), (0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 0.72))),
          _g(((1, 0.2), (1, 0, 1), (0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 0.8))),
          _g(((1, 0.36), (1, 0, 1), (0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 0.64))),
          _g(((1, 0.12), (0.9, 0, 1), (0, 0, 1), (0, 1, 1), (0.9, 1, 1), (1, 0.88)))),
    "D": (_g(((0, 0), (1, 0, 1), (1, 1, 1), (0, 1)), closed=(0,)), _g(((0, 0), (0.96, 0, 1), (0.96, 1, 1), (0, 1)), closed=(0,), width=0.92),
          _g(((0, 0), (0.6, 0), (1, 0.28, 1), (1, 0.72, 1), (0.6, 1), (0, 1)), closed=(0,)),
          _g(((0.12, 0), (1, 0, 1), (1, 1, 1), (0.12, 1)), ((0, 0), (0.2, 0)), ((0, 1), (0.2, 1)), closed=(0,))),
    "E": (_g(((1, 0), (0, 0), (0, 1), (1, 1)), ((0, 0.49), (0.82, 0.49)), width=0.92), _g(((1, 0), (0, 0), (0, 1), (1, 1)), ((0, 0.46), (0.96, 0.46)), width=0.96),
          _g(((1, 0), (0, 0), (0, 1), (1, 1)), ((0, 0.5), (0.66, 0.5)), width=0.86)),
    "F": (_g(((1, 0), (0, 0), (0, 1)), ((0, 0.49), (0.82, 0.49)), width=0.9), _g(((1, 0), (0, 0), (0, 1)), ((0, 0.44), (0.95, 0.44)), width=0.95),
          _g(((1, 0), (0, 0), (0, 1)), ((0, 0.54), (0.7, 0.54)), width=0.84)),
    "G": (_g(((1, 0.28), (1, 0, 1), (0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 0.54), (0.55, 0.54))),
          _g(((1, 0.24), (1, 0, 1), (0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 0.6), (0.62, 0.6))),
          _g(((1, 0.26), (1, 0, 1), (0, 0, 1), (0, 1, 1), (0.8, 1, 1), (1, 0.85)), ((0.6, 0.56), (1, 0.56), (1, 1)))),
    "H": (_g(((0, 0), (0, 1)), ((1, 0), (1, 1)), ((0, 0.5), (1, 0.5))),),
    "I": (_g(_BAR, width=0.25), _g(_BAR, ((0, 0), (1, 0)), ((0, 1), (1, 1)), width=0.6),
          _g(_BAR, ((0, 0), (1, 0)), ((0, 1), (1, 1)), width=0.45), _g(_BAR, ((0, 0), (1, 0)), ((0, 1), (1, 1)), width=0.75), _g(_BAR, ((0, 0), (1, 0)), ((0, 1), (1, 1)), width=0.9)),
    "J": (_g(((1, 0), (1, 1, 1), (0, 1, 1), (0, 0.7))),
          _g(((0.4, 0), (1, 0), (1, 1, 1), (0, 1, 1), (0, 0.75)))),
    "K": (_g(((0, 0), (0, 1)), ((1, 0), (0, 0.6)), ((0.32, 0.42), (1, 1))),
          _g(((0, 0), (0, 1)), ((1, 0), (0.1, 0.5), (1, 1)))),
    "L": (_g(((0, 0), (0, 1), (1, 1)), width=0.9), _g(((0, 0), (0, 1), (1, 1)), width=0.78), _g(((0, 0), (0, 1), (1, 1), (1, 0.86)))),
    "M": (_g(((0, 1), (0, 0), (0.5, 0.62), (1, 0), (1, 1)), width=1.12),
          _g(((0, 1), (0, 0), (0.5, 0.4), (1, 0), (1, 1)), width=1.08),
          _g(((0, 1), (0, 0), (0.5, 1), (1, 0), (1, 1)), width=1.15)),
    "N": (_g(((0, 1), (0, 0), (1, 1), (1, 0))),),
    "O": (_g(_O, closed=(0,)),),
    "P": (_g(_P),),
    "Q": (_g(_O, ((0.58, 0.72), (1.04, 1.06)), closed=(0,)),
          _g(_O, ((0.5, 0.62), (0.95, 0.97)), closed=(0,)),
          _g(_O, ((0.68, 0.8), (0.8, 1.12)), closed=(0,))),
    "R": (_g(_P, ((0.42, 0.54), (1, 1))), _g(_P, ((0.6, 0.54), (1, 0.72, 1), (1, 1)))),
    "S": (_g(_S), _g(_S_DIAGONAL)),
    "T": (_g(((0, 0), (1, 0)), ((0.5, 0), (0.5, 1))), _g(((0, 0), (1, 0)), ((0.5, 0), (0.5, 1)), width=0.84), _g(((0, 0), (1, 0)), ((0.5, 0), (0.5, 1)), width=1.08),
          _g(((0, 0.12), (0, 0), (1, 0), (1, 0.12)), ((0.5, 0), (0.5, 1)))),
    "U": (_g(((0, 0), (0, 1, 1), (1, 1, 1), (1, 0))), _g(((0, 0), (0, 0.8), (0.25, 1), (0.75, 1), (1, 0.8), (1, 0)))),
    "V": (_g(((0, 0), (0.5, 1), (1, 0))), _g(((0, 0), (0.42, 1), (0.58, 1), (1, 0))), _g(((0, 0), (0.36, 1), (0.64, 1), (1, 0))),
          _g(((0, 0), (0.08, 0.4), (0.5, 1), (0.92, 0.4), (1, 0))),
          _g(((0, 0), (0.05, 0.5), (0.4, 1), (0.6, 1), (0.95, 0.5), (1, 0))), _g(((0, 0), (0, 0.3), (0.44, 1), (0.56, 1), (1, 0.3), (1, 0))), _g(((0, 0), (0.5, 1), (1, 0)), width=1.1)),
    "W": (_g(((0, 0), (0.24, 1), (0.5, 0.3), (0.76, 1), (1, 0)), width=1.15),
          _g(((0, 0), (0, 1), (0.5, 0.4), (1, 1), (1, 0)), width=1.1),
          _g(((0, 0), (0.25, 1), (0.5, 0), (0.75, 1), (1, 0)), width=1.2),
          _g(((0, 0), (0.12, 1), (0.5, 0.5), (0.88, 1), (1, 0)), width=1.12)),
    "X": (_g(((0, 0), (1, 1)), ((1, 0), (0, 1))),),
    "Y": (_g(((0, 0), (0.5, 0.5), (1, 0)), ((0.5, 0.5), (0.5, 1))), _g(((0, 0), (0.5, 0.6), (1, 0)), ((0.5, 0.6), (0.5, 1))),
          _g(((0, 0), (0.5, 0.42), (1, 0)), ((0.5, 0.42), (0.5, 1))), _g(((0, 0), (0, 0.3, 1), (0.5, 0.56), (1, 0.3, 1), (1, 0)), ((0.5, 0.56), (0.5, 1)))),
    "Z": (_g(((0, 0), (1, 0), (0, 1), (1, 1))), _g(((0.06, 0), (0.96, 0), (0, 1), (1, 1)), width=0.92), _g(((0, 0.14), (0, 0), (1, 0), (0, 1), (1, 1), (1, 0.86)))),
    "0": (_g(_O, closed=(0,)), _g(_O, closed=(0,), width=0.92), _g(_O, closed=(0,), width=0.84)),
    "1": (_g(_BAR, width=0.25), _g(_ONE_FLAG, width=0.5), _g(_ONE_FLAG, width=0.38),
          _g(((0.1, 0.16), (0.5, 0.0), (0.5, 1)), ((0, 1), (1, 1)), width=0.55), _g(((0, 0.24), (0.5, 0.0), (0.5, 1)), width=0.6), _g(((0.3, 0.14), (0.62, 0), (0.62, 1)), width=0.5),
          _g(((0.02, 0.24), (0.5, 0.0), (0.5, 1)), ((0, 1), (1, 1)), width=0.62), _g(((0.14, 0.1), (0.5, 0.0), (0.5, 1)), ((0.05, 1), (0.95, 1)), width=0.5),
          _g(_ONE_FLAG, ((0, 1), (1, 1)), width=0.7), _g(((0.1, 0.02), (0.55, 0.0), (0.55, 1)), width=0.45)),
    "2": (_g(((0, 0.26), (0, 0, 1), (1, 0, 1), (1, 0.44, 1), (0, 1), (1, 1))),
          _g(((0, 0.26), (0, 0, 1), (1, 0, 1), (1, 0.5, 1), (0, 0.62, 1), (0, 1), (1, 1))),
          _g(((0, 0.2), (0, 0, 1), (1, 0, 1), (1, 0.32, 1), (0, 0.92), (0, 1), (1, 1)))),
    "3": (_g(_THREE), _g(((0.05, 0), (0.98, 0), (0.45, 0.4), (1, 0.42, 1), (1, 1, 1), (0, 1, 1), (0, 0.78)))),
    "4": (_g(((0.72, 1), (0.72, 0), (0, 0.7), (1, 0.7))), _g(((0.78, 1), (0.78, 0), (0, 0.74), (1, 0.74))),
          _g(((0.68, 1), (0.68, 0), (0.6, 0), (0, 0.66), (0, 0.72), (1, 0.72))), _g(((0.82, 1), (0.82, 0), (0.74, 0), (0, 0.76), (1, 0.76))), _g(((0.8, 1), (0.8, 0), (0.68, 0), (0, 0.68), (1, 0.68))),
          _g(((0.15, 0), (0, 0.64), (1, 0.64)), ((0.74, 0.32), (0.74, 1))),
          _g(((0.05, 0), (0.05, 0.62), (1, 0.62)), ((0.8, 0), (0.8, 1)))),
    "5": (_g(_FIVE), _g(_FIVE_SQUARE)),
    "6": (_g(_SIX), _g(_SIX_SLANT), _g(_SIX_ROUND)),
    "7": (_g(((0, 0), (1, 0), (0.38, 1))), _g(((0, 0), (1, 0), (1, 0.12), (0.5, 0.6), (0.42, 1))), _g(((0, 0.14), (0, 0), (1, 0), (0.4, 1))),
          _g(((0, 0), (1, 0), (0.25, 1))), _g(((0, 0), (1, 0), (0.55, 0.5), (0.5, 1))), _g(((0, 0), (1, 0), (1, 0.25), (0.62, 1)))),
    "8": (_g(((0.06, 0, 1), (0.94, 0, 1), (0.94, 0.47, 1), (0.06, 0.47, 1)), ((0, 0.47, 1), (1, 0.47, 1), (1, 1, 1), (0, 1, 1)),
             closed=(0, 1)),
          _g(((0.14, 0, 1), (0.86, 0, 1), (0.86, 0.44, 1), (0.14, 0.44, 1)), ((0, 0.44, 1), (1, 0.44, 1), (1, 1, 1), (0, 1, 1)), closed=(0, 1)),
          _g(((0, 0, 1), (1, 0, 1), (1, 0.5, 1), (0, 0.5, 1)), ((0, 0.5, 1), (1, 0.5, 1), (1, 1, 1), (0, 1, 1)), closed=(0, 1))),
    "9": (_g(_turn(_SIX)), _g(_turn(_SIX_SLANT)), _g(_turn(_SIX_ROUND))),
    "&": (_g(((1, 1), (0.2, 0.25), (0.3, 0, 1), (0.7, 0, 1), (0.7, 0.25, 1), (0, 0.6, 1), (0, 1, 1), (0.7, 1, 1), (1, 0.6))),),
}  # fmt: skip


@dataclass(frozen=True)
class Die:
    """One state's set of dies: which variant of every letter, how round the corners, how heavy the stroke."""

    variants: dict[str, int]
    radius: float  # of the corners, in letter widths, 0.15 squarish .. 0.5 round
    stroke: float  # in letter heights
    slant: float  # shear, x per y


def random_die(rng: np.random.Generator) -> Die:
    """Draws one set of dies; every letter keeps its variant within a plate, as real plates do."""
    picks = rng.random(len(GLYPHS))
    variants = {name: int(pick * len(shapes)) for pick, (name, shapes) in zip(picks, GLYPHS.items(), strict=True)}
    slant = float(rng.normal(0, 0.05)) if rng.random() < 0.1 else 0.0
    return Die(variants, float(rng.uniform(0.22, 0.5)), float(rng.uniform(0.09, 0.165)), slant)


def british_die(rng: np.random.Generator) -> Die:
    """The heavy, plain letters of British plates: I and 1 are the same bare bar, O and 0 the same ring."""
    die = random_die(rng)
    plain = dict.fromkeys("IO01", 0)
    return replace(die, variants={**die.variants, **plain}, stroke=float(rng.uniform(0.14, 0.185)), slant=0.0)


def _corner(
    before: NDArray[np.float32], at: NDArray[np.float32], after: NDArray[np.float32], radius: float
) -> list[NDArray[np.float32]]:
    """Replaces a corner by a quadratic arc that starts and ends at most `radius` pixels from it."""
    to_before, to_after = before - at, after - at
    len_before, len_after = float(np.hypot(*to_before)) + 1e-6, float(np.hypot(*to_after)) + 1e-6
    start = at + to_before * min(radius / len_before, 0.5)
    end = at + to_after * min(radius / len_after, 0.5)
    return [(1 - t) ** 2 * start + 2 * t * (1 - t) * at + t * t * end for t in (0.0, 0.17, 0.33, 0.5, 0.67, 0.83, 1.0)]


def draw_glyph(die: Die, char: str, width: float, height: float) -> NDArray[np.uint8]:
    """Mask of one letter, uint8 (height, width') with 255 on the stroke; `width` is that of a full letter such as H."""
    shapes = GLYPHS[char]
    glyph = shapes[die.variants[char] % len(shapes)]
    thick = max(1.5, die.stroke * height)
    full_w = max(width * glyph.width, thick + 1)
    low_y = 1.12 if char == "Q" and die.variants[char] == 2 else 1.0
    canvas = np.zeros((int(np.ceil(height)), int(np.ceil(full_w + abs(die.slant) * height)) + 1), np.uint8)
    span = np.array([full_w - thick, (height - thick) / low_y], np.float32)
    origin = np.array([thick / 2, thick / 2], np.float32)
    radius = die.radius * width
    for path, closed in zip(glyph.paths, glyph.closed, strict=True):
        points = [origin + span * np.array(p[:2], np.float32) for p in path]
        line: list[NDArray[np.float32]] = []
        for i, (p, vertex) in enumerate(zip(points, path, strict=True)):
            if len(vertex) == 3 and (closed or 0 < i < len(path) - 1):
                line += _corner(points[i - 1], p, points[(i + 1) % len(points)], radius)
            else:
                line.append(p)
        pixels = np.array(line)
        if die.slant:
            pixels[:, 0] += (height - pixels[:, 1]) * die.slant if die.slant > 0 else -pixels[:, 1] * die.slant
        cv2.polylines(canvas, [np.round(pixels * 16).astype(np.int32)], bool(closed), 255, max(1, round(thick)), cv2.LINE_AA, 4)
    return canvas
