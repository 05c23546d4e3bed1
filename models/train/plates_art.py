"""Grounds, scenery and emblems: the pictures on a plate, which must not be read as characters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.formats import COLOURS
from models.train.plates_ink import Colour, Pixels, jitter, mix


def ground(rng: np.random.Generator, stops: tuple[str, ...], width: int, height: int) -> Pixels:
    colours = np.array([jitter(rng, name) for name in stops], np.float32)
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


def _land(rng: np.random.Generator, image: Pixels, tint: Colour, kind: str) -> None:
    """Hills, mountains or a skyline across the lower part of the plate."""
    height, width = image.shape[:2]
    steps = {"hills": 6, "city": 24}.get(kind, 13)
    rise = float(rng.uniform(0.12, 0.4)) * height
    dark = jitter(rng, "purple", 20) if kind == "desert" else tint
    level = float(rng.uniform(0.45, 0.95)) * height
    cv2.fillPoly(image, [_ridge(rng, width, level, rise, steps, height)], dark, cv2.LINE_AA)
    if rng.random() < 0.5:
        farther = _ridge(rng, width, level + rise * 0.6, rise, steps, height)
        cv2.fillPoly(image, [farther], mix(dark, (255, 255, 255), 0.35), cv2.LINE_AA)


def _rainbow(rng: np.random.Generator, image: Pixels) -> None:
    """An arch across the whole plate, its crown behind the name, its feet low on both sides."""
    height, width = image.shape[:2]
    fade, thick = float(rng.uniform(0.1, 0.6)), int(rng.integers(4, 8))
    crown, reach = float(rng.uniform(0.55, 0.9)), float(rng.uniform(0.44, 0.52))
    for i, name in enumerate(("pink", "orange", "yellow", "lime", "sky", "lilac")):
        faded = mix(jitter(rng, name), (240, 244, 246), fade)
        axes = (int(width * reach) - i * thick, int(height * crown) - i * thick)
        cv2.ellipse(image, (width // 2, int(height * 0.95)), axes, 0, 180, 360, faded, thick, cv2.LINE_AA)


def _waves(rng: np.random.Generator, image: Pixels, tint: Colour, colour: Colour) -> None:
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        xs = np.linspace(0, width, 24)
        ys = height * rng.uniform(0.35, 0.8) + height * 0.15 * np.sin(xs / width * rng.uniform(3, 9) + rng.uniform(0, 6))
        shape = np.concatenate([np.stack([xs, ys], 1), [[width, height], [0, height]]]).astype(np.int32)
        cv2.fillPoly(image, [shape], mix(tint, colour, float(rng.random())), cv2.LINE_AA)


def _stars(rng: np.random.Generator, image: Pixels) -> None:
    height, width = image.shape[:2]
    for _ in range(30):
        at = (int(rng.integers(width)), int(rng.integers(height // 5)))
        cv2.circle(image, at, int(rng.integers(1, 4)), jitter(rng, "royal"), -1, cv2.LINE_AA)


def _picture(rng: np.random.Generator, image: Pixels, tint: Colour, with_lines: bool) -> None:
    """Faint patches of any colour anywhere, and thin lines over the upper half."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(2, 7))):
        patch = image.copy()
        name = str(rng.choice(list(COLOURS)))
        at = float(rng.integers(width)), float(rng.integers(height))
        size = width * float(rng.uniform(0.05, 0.3)), height * float(rng.uniform(0.05, 0.4))
        cv2.fillPoly(patch, [_blob(rng, *at, *size)], jitter(rng, name), cv2.LINE_AA)
        share = float(rng.uniform(0.1, 0.5))
        cv2.addWeighted(patch, share, image, 1 - share, 0, dst=image)
    for _ in range(int(rng.integers(4, 12)) if with_lines else 0):
        a, b = rng.integers(0, [width, height]), rng.integers(0, [width, height])
        cv2.line(image, (int(a[0]), int(a[1] // 2)), (int(b[0]), int(b[1] // 2)), tint, 1, cv2.LINE_AA)


@dataclass(frozen=True)
class _Sheet:
    """The whole plate as a drawing ground: shapes in shares of its width and height, each corner a little off."""

    rng: np.random.Generator
    image: Pixels
    inks: tuple[Colour, ...]

    @property
    def ink(self) -> Colour:
        return self.inks[0]

    def at(self, x: float, y: float) -> tuple[int, int]:
        return int(x * self.image.shape[1]), int(y * self.image.shape[0])

    def fill(self, points: list[tuple[float, float]], colour: Colour | None = None, loose: float = 0.008) -> None:
        shape = np.array(points, np.float32) + self.rng.normal(0, loose, (len(points), 2))
        shape *= (self.image.shape[1], self.image.shape[0])
        cv2.fillPoly(self.image, [shape.astype(np.int32)], colour or self.ink, cv2.LINE_AA)

    def line(self, points: list[tuple[float, float]], thick: int, colour: Colour | None = None) -> None:
        shape = np.array([self.at(x, y) for x, y in points], np.int32)
        cv2.polylines(self.image, [shape], False, colour or self.ink, thick, cv2.LINE_AA)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour | None = None) -> None:
        cv2.rectangle(self.image, self.at(left, top), self.at(right, bottom), colour or self.ink, -1)

    def disc(self, x: float, y: float, radius: float, colour: Colour | None = None) -> None:
        """`radius` in shares of the height."""
        cv2.circle(self.image, self.at(x, y), max(1, int(radius * self.image.shape[0])), colour or self.ink, -1, cv2.LINE_AA)

    def near(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def pale(self, share: float = 0.5) -> Colour:
        return mix(self.ink, (242, 244, 244), share)

    def tone(self, name: str, spread: float = 14.0) -> Colour:
        return jitter(self.rng, name, spread)


def _ridge_line(sheet: _Sheet, base: float, rise: float, steps: int) -> list[tuple[float, float]]:
    xs = np.linspace(-0.02, 1.02, steps) + sheet.rng.normal(0, 0.3 / steps, steps)
    ys = base - rise * np.where(np.arange(steps) % 2 == 1, sheet.rng.uniform(0.5, 1, steps), sheet.rng.uniform(0, 0.5, steps))
    return list(zip(np.sort(xs).tolist(), ys.tolist(), strict=True))


def _skyridge(sheet: _Sheet) -> None:
    """A dark sky cut by a jagged ridge."""
    ridge = _ridge_line(sheet, sheet.near(0.24, 0.34), sheet.near(0.12, 0.2), int(sheet.rng.integers(9, 17)))
    sheet.fill([(-0.05, -0.05), *ridge, (1.05, -0.05)])


def _snowpeaks(sheet: _Sheet) -> None:
    """White peaks with shaded flanks behind the name, fading into the sheet."""
    base = sheet.near(0.3, 0.45)
    ridge = _ridge_line(sheet, base - 0.05, sheet.near(0.15, 0.28), int(sheet.rng.integers(7, 14)))
    sheet.fill([(-0.05, base + 0.08), *ridge, (1.05, base + 0.08)], sheet.tone("white"))
    for x, y in ridge[1::2]:
        half = sheet.near(0.03, 0.08)
        sheet.fill(
            [(x, y), (x + half, base), (x + half * 0.3, base), (x + half * 0.2, (y + base) / 2)], sheet.pale(sheet.near(0, 0.6))
        )


def _peak(sheet: _Sheet) -> None:
    """One wide mountain with a snow cap in the middle of the plate."""
    x, top, base, reach = sheet.near(0.35, 0.65), sheet.near(0.12, 0.32), sheet.near(0.75, 0.98), sheet.near(0.28, 0.5)
    sheet.fill([(x - reach, base), (x - reach * 0.4, (top + base) / 2), (x - 0.03, top), (x + 0.05, top + 0.02),
                (x + reach * 0.5, (top + base) / 2 + 0.03), (x + reach, base)], sheet.pale(sheet.near(0.1, 0.6)))  # fmt: skip
    sheet.fill([(x - 0.03, top), (x + 0.05, top + 0.02), (x + 0.14, top + 0.22), (x + 0.04, top + 0.14), (x, top + 0.24),
                (x - 0.06, top + 0.15), (x - 0.11, top + 0.2)], sheet.tone("white"))  # fmt: skip


def _saguaro(sheet: _Sheet) -> None:
    """Purple desert hills along the bottom and a tall cactus at the left."""
    purple = mix(sheet.tone("purple"), sheet.tone("maroon"), sheet.near(0, 0.5))
    ridge = _ridge_line(sheet, sheet.near(0.78, 0.86), sheet.near(0.06, 0.14), 9)
    sheet.box(0, 0.74, 1, 0.84, mix(sheet.tone("gold"), (245, 235, 220), sheet.near(0.2, 0.8)))
    sheet.fill([(-0.05, sheet.near(0.86, 0.95)), *ridge, (1.05, sheet.near(0.82, 0.92))], purple)
    if sheet.rng.random() < 0.8:
        x, top, thick = sheet.near(0.04, 0.1), sheet.near(0.4, 0.6), int(sheet.rng.integers(4, 8))
        sheet.line([(x, 0.95), (x, top)], thick, purple)
        sheet.line([(x - 0.028, top + 0.1), (x - 0.028, top + 0.22), (x, top + 0.24)], max(2, thick - 2), purple)
        sheet.line([(x + 0.028, top + 0.06), (x + 0.028, top + 0.18), (x, top + 0.2)], max(2, thick - 2), purple)
    sheet.box(0, sheet.near(0.9, 0.96), 1, 1, sheet.tone("peach"))


def _lincoln(sheet: _Sheet) -> None:
    """A pale bearded head in the middle or at the left."""
    x, y, size = (
        (0.5 if sheet.rng.random() < 0.65 else 0.16) + sheet.near(-0.03, 0.03),
        sheet.near(0.45, 0.55),
        sheet.near(0.24, 0.34),
    )
    tone = sheet.pale(sheet.near(0, 0.5))
    dark = mix(tone, (40, 60, 110), sheet.near(0.1, 0.35))
    wide = size * 0.36
    sheet.fill([(x - wide, y - size * 0.5), (x + wide, y - size * 0.6), (x + wide * 1.1, y), (x + wide * 0.6, y + size),
                (x - wide * 0.5, y + size * 1.1), (x - wide, y + size * 0.2)], tone)  # fmt: skip
    sheet.fill([(x - wide, y - size * 0.5), (x, y - size), (x + wide, y - size * 0.7), (x + wide * 0.6, y - size * 0.45)], dark)
    sheet.fill(
        [
            (x - wide * 0.9, y + size * 0.1),
            (x + wide, y + size * 0.1),
            (x + wide * 0.5, y + size * 0.9),
            (x - wide * 0.3, y + size),
        ],
        dark,
    )
    sheet.line([(x - wide * 0.4, y - size * 0.2), (x + wide * 0.4, y - size * 0.25)], 2, dark)


def _farmstrip(sheet: _Sheet) -> None:
    """Little pictures right of the name (sun, hills, sail, barn, geese) and two thin lines below them."""
    y = sheet.near(0.2, 0.25)
    for off, name in ((0.0, "red"), (0.022, "blue" if sheet.rng.random() < 0.6 else "red")):
        sheet.line([(0.03, y + off), (0.97, y + off)], 1, sheet.tone(name))
    x = sheet.near(0.56, 0.62)
    sheet.disc(x + 0.03, 0.13, 0.05, sheet.tone("orange"))
    sheet.fill([(x + 0.06, 0.19), (x + 0.11, 0.09), (x + 0.16, 0.14), (x + 0.22, 0.1), (x + 0.36, 0.19)], sheet.tone("green"))
    sheet.fill([(x + 0.17, 0.16), (x + 0.19, 0.06), (x + 0.2, 0.16)], sheet.tone("white"))
    sheet.fill([(x + 0.24, 0.19), (x + 0.24, 0.12), (x + 0.275, 0.08), (x + 0.31, 0.12), (x + 0.31, 0.19)], sheet.tone("red"))
    sheet.box(x + 0.31, 0.1, x + 0.33, 0.19, sheet.tone("grey"))
    for bird in range(int(sheet.rng.integers(0, 3))):
        at = x - 0.02 + bird * 0.07
        sheet.line([(at, 0.07), (at + 0.02, 0.05), (at + 0.04, 0.07)], 2, sheet.tone("navy"))


def _cliff(sheet: _Sheet) -> None:
    """A rock face in pale relief over the right part of the plate."""
    x = sheet.near(0.55, 0.75)
    tone = sheet.pale(sheet.near(0.1, 0.6))
    sheet.fill([(1.03, 0.18), (x + 0.12, 0.2), (x + 0.06, 0.3), (x + 0.08, 0.36), (x, 0.46), (x + 0.06, 0.5), (x + 0.04, 0.58),
                (x + 0.1, 0.64), (x - 0.05, 0.85), (1.03, 0.85)], tone, 0.015)  # fmt: skip
    for _ in range(7):
        a, b = sheet.near(x + 0.08, 1), sheet.near(0.22, 0.75)
        sheet.line(
            [(a, b), (a + sheet.near(-0.05, 0.05), b + 0.1), (a + sheet.near(-0.08, 0.08), b + 0.18)],
            int(sheet.rng.integers(1, 4)),
            mix(tone, (60, 100, 100), sheet.near(0.1, 0.4)),
        )


def _lake(sheet: _Sheet) -> None:
    """A band of sky with a dark wood along one side, blue water lines below it."""
    y = sheet.near(0.18, 0.24)
    sheet.box(0, 0, 1, y, mix(sheet.tone("sky"), (242, 244, 244), sheet.near(0, 0.4)))
    left = sheet.near(0.6, 0.85)
    xs = np.linspace(left, 1.02, 10)
    wood = [(float(x), y - sheet.near(0.02, 0.09)) for x in xs]
    sheet.fill([(left - 0.15, y), *wood, (1.02, y)], sheet.tone("forest" if sheet.rng.random() < 0.6 else "teal"))
    if sheet.rng.random() < 0.4:
        sheet.fill([(-0.02, y), (-0.02, y - 0.07), (0.1, y - 0.05), (0.25, y)], sheet.tone("forest"))
    sheet.line([(0, y), (1, y)], 2, sheet.tone("blue"))
    if sheet.rng.random() < 0.5:
        sheet.line([(0, 0.83), (1, 0.83)], 2, sheet.tone("blue"))


def _pines(sheet: _Sheet) -> None:
    """A row of trees along the bottom."""
    base = sheet.near(0.8, 0.92)
    xs = np.arange(-0.02, 1.03, sheet.near(0.022, 0.05))
    tops = base - sheet.rng.uniform(0.01, sheet.near(0.05, 0.16), len(xs))
    zigzag = [(float(x + (0.012 if k else 0)), float(base if k else y)) for x, y in zip(xs, tops, strict=True) for k in (0, 1)]
    sheet.fill([(-0.05, 1.05), *zigzag, (1.05, 1.05)], sheet.pale(sheet.near(0, 0.5)), 0.002)


def _pinesides(sheet: _Sheet) -> None:
    """Groups of small trees in the lower corners, hills between them."""
    for _ in range(int(sheet.rng.integers(5, 10))):
        x = sheet.near(0.02, 0.38) if sheet.rng.random() < 0.5 else sheet.near(0.62, 0.98)
        top = sheet.near(0.76, 0.88)
        sheet.fill([(x, top), (x + 0.025, 0.99), (x - 0.025, 0.99)], sheet.ink, 0.004)


def _treetops(sheet: _Sheet) -> None:
    """Twigs across the top."""
    for _ in range(int(sheet.rng.integers(6, 14))):
        x, y = sheet.near(0, 1), sheet.near(0.05, 0.24)
        sheet.line([(x, y), (x + sheet.near(0.05, 0.2), y + sheet.near(-0.05, 0.05))], int(sheet.rng.integers(1, 3)))


def _flyer(sheet: _Sheet) -> None:
    """An old double-decker aeroplane, drawn in lines behind the name."""
    x, y, tilt = sheet.near(0.35, 0.5), sheet.near(0.06, 0.12), sheet.near(-0.16, 0.0)
    tone = sheet.pale(sheet.near(0, 0.4))
    for off in (0.0, sheet.near(0.09, 0.14)):
        sheet.line([(x, y + off), (x + 0.38, y + off + tilt)], int(sheet.rng.integers(2, 6)), tone)
    for k in range(6):
        a = x + 0.06 * k + 0.02
        sheet.line([(a, y + tilt * k / 6), (a + 0.01, y + 0.12 + tilt * k / 6)], 1, tone)
    sheet.line([(x + 0.3, y + 0.1), (x + 0.45, y + 0.02)], 2, tone)


def _reeds(sheet: _Sheet) -> None:
    """Blades of grass growing from the bottom."""
    for _ in range(int(sheet.rng.integers(14, 34))):
        x, top = sheet.near(0, 1), sheet.near(0.55, 0.85)
        sheet.line([(x, 1), (x + sheet.near(-0.04, 0.04), top)], int(sheet.rng.integers(1, 4)), sheet.pale(sheet.near(0, 0.6)))


def _wheat(sheet: _Sheet) -> None:
    """Ears on bent stalks at one or both sides."""
    for side in (0.02, 0.98) if sheet.rng.random() < 0.5 else (0.98,):
        for _ in range(int(sheet.rng.integers(3, 7))):
            x, top = side + sheet.near(-0.08, 0.08), sheet.near(0.3, 0.7)
            bend = x + sheet.near(-0.06, 0.06)
            sheet.line([(x, 1), ((x + bend) / 2, (1 + top) / 2), (bend, top)], 1)
            cv2.ellipse(sheet.image, sheet.at(bend, top), (4, 13), sheet.near(-30, 30), 0, 360, sheet.ink, -1, cv2.LINE_AA)


def _bison(sheet: _Sheet) -> None:
    """A humped animal at the lower left and golden grass below."""
    sheet.box(0, sheet.near(0.84, 0.9), 1, 1, mix(sheet.tone("gold"), sheet.tone("tan"), sheet.near(0, 1)))
    x, y = sheet.near(0.05, 0.12), sheet.near(0.82, 0.88)
    tone = sheet.tone("brown")
    back = [(x, y), (x + 0.01, y - 0.07), (x + 0.05, y - 0.13), (x + 0.1, y - 0.08), (x + 0.14, y - 0.06), (x + 0.14, y + 0.08)]
    legs = [(x + 0.12, y + 0.01), (x + 0.06, y + 0.02), (x + 0.05, y + 0.09), (x + 0.02, y + 0.05)]
    sheet.fill(back + legs, tone)


def _plinth(sheet: _Sheet) -> None:
    """A dark block at the bottom that carries the name."""
    sheet.box(sheet.near(0.22, 0.3), sheet.near(0.78, 0.81), sheet.near(0.72, 0.78), sheet.near(0.9, 0.94))


def _bigwave(sheet: _Sheet) -> None:
    """A breaking wave as one pale curve from the lower left over the whole plate."""
    tone = sheet.pale(sheet.near(0.1, 0.6))
    crest, width = sheet.near(0.2, 0.35), sheet.image.shape[1]
    xs = np.linspace(0, 0.6, 14)
    back = [(float(x), 0.75 - (0.75 - crest) * float(x / 0.6) ** 2) for x in xs]
    sheet.fill([(-0.05, 1), (-0.05, 0.75), *back, (0.8, crest + 0.05), (0.7, 0.55), (1.05, 0.85), (1.05, 1)], tone)
    red, green, blue = (int(v) for v in sheet.image[4, width // 2])
    cv2.ellipse(
        sheet.image,
        sheet.at(sheet.near(0.6, 0.68), 0.55),
        (int(width * 0.14), int(width * 0.11)),
        0,
        0,
        360,
        (red, green, blue),
        -1,
        cv2.LINE_AA,
    )


def _swoosh(sheet: _Sheet) -> None:
    """Curved bands along the top, the bottom or both."""
    xs = np.linspace(-0.03, 1.03, 16)
    for top in ((True, False), (True,), (False,))[int(sheet.rng.choice(3, p=[0.5, 0.25, 0.25]))]:
        lift, phase = sheet.near(0.03, 0.14), sheet.near(0, 6)
        level = sheet.near(0.05, 0.2) if top else sheet.near(0.8, 0.95)
        curve = [(float(x), level + lift * float(np.sin(3 * x + phase))) for x in xs]
        edge = -0.05 if top else 1.05
        sheet.fill([(-0.05, edge), *curve, (1.05, edge)], sheet.pale(sheet.near(0, 0.7)), 0.0)


def _flagfield(sheet: _Sheet) -> None:
    """Waving stripes, and stars on blue at a corner, more or less pale."""
    fade = sheet.near(0.1, 0.75)
    xs = np.linspace(-0.03, 1.03, 14)
    low, phase = sheet.near(0.55, 0.8), sheet.near(0, 6)
    for k in range(int(sheet.rng.integers(2, 5))):
        ys = low + k * 0.1 + 0.03 * np.sin(xs * 6 + phase)
        sheet.line(list(zip(xs.tolist(), ys.tolist(), strict=True)), 6, mix(sheet.tone("red"), (242, 244, 244), fade))
    right = sheet.near(0.15, 0.4)
    sheet.fill(
        [(-0.05, -0.05), (right, -0.05), (right - 0.1, 0.55), (-0.05, 0.7)], mix(sheet.tone("navy"), (242, 244, 244), fade)
    )
    for _ in range(9):
        sheet.disc(sheet.near(0, right), sheet.near(0, 0.5), 0.02, sheet.tone("white"))


def _bridge(sheet: _Sheet) -> None:
    """Two towers, a deck and hanging cables, and a low sun."""
    deck, thick = sheet.near(0.6, 0.75), int(sheet.rng.integers(1, 4))
    if sheet.rng.random() < 0.5:
        sheet.disc(sheet.near(0.4, 0.6), sheet.near(0.3, 0.5), sheet.near(0.08, 0.16), sheet.tone("orange"))
    tone = sheet.pale(sheet.near(0, 0.5))
    left, right, top = sheet.near(0.15, 0.3), sheet.near(0.7, 0.85), sheet.near(0.25, 0.45)
    sheet.line([(0, deck), (1, deck)], thick + 1, tone)
    for x in (left, right):
        sheet.line([(x, deck + 0.1), (x, top)], thick + 2, tone)
    t = np.linspace(0, 1, 10)
    sag = top + (deck - top) * 0.85 * (1 - (2 * t - 1) ** 2)
    sheet.line(list(zip((left + (right - left) * t).tolist(), sag.tolist(), strict=True)), thick, tone)
    sheet.line([(0, deck), (left, top)], thick, tone)
    sheet.line([(right, top), (1, deck)], thick, tone)


def _sunburst(sheet: _Sheet) -> None:
    """Pale rays from a point low in the middle."""
    x, y = sheet.near(0.3, 0.7), sheet.near(0.75, 1.0)
    tone = sheet.pale(sheet.near(0, 0.5))
    rays = int(sheet.rng.integers(7, 15))
    for k in range(rays):
        angle = np.pi * (k + 0.5) / rays
        for off in (-0.06,):
            a, b = angle + off, angle - off
            sheet.fill(
                [
                    (x, y),
                    (x + 1.1 * float(np.cos(a)), y - 1.6 * float(np.sin(a))),
                    (x + 1.1 * float(np.cos(b)), y - 1.6 * float(np.sin(b))),
                ],
                tone,
            )


def _rushmore(sheet: _Sheet) -> None:
    """Four heads side by side in pale relief."""
    x, y = sheet.near(0.05, 0.4), sheet.near(0.3, 0.5)
    for k in range(4):
        tone = sheet.pale(sheet.near(0.1, 0.5))
        at = x + 0.11 * k
        sheet.fill(
            [(at, y), (at + 0.05, y - 0.13), (at + 0.1, y), (at + 0.09, y + 0.2), (at + 0.05, y + 0.28), (at + 0.01, y + 0.2)],
            tone,
            0.012,
        )
        sheet.line([(at + 0.03, y + 0.02), (at + 0.08, y + 0.03), (at + 0.05, y + 0.14)], 2, mix(tone, (60, 70, 90), 0.3))


def _redrock(sheet: _Sheet) -> None:
    """Flat-topped rocks and steps of red stone at the sides."""
    for _ in range(int(sheet.rng.integers(2, 5))):
        x, wide, top = sheet.near(-0.1, 0.9), sheet.near(0.1, 0.3), sheet.near(0.4, 0.75)
        tone = mix(sheet.tone("orange"), sheet.tone("brown"), sheet.near(0.1, 0.8))
        sheet.fill(
            [(x, 1), (x + wide * 0.2, top), (x + wide * 0.8, top + 0.02), (x + wide, 1)],
            mix(tone, (240, 230, 215), sheet.near(0, 0.6)),
        )


def _stateline(sheet: _Sheet) -> None:
    """A region's outline, large, as a line or a pale field."""
    x, y = sheet.near(0.4, 0.6), sheet.near(0.45, 0.6)
    shape = _blob(sheet.rng, x * sheet.image.shape[1], y * sheet.image.shape[0], sheet.near(0.25, 0.48) * sheet.image.shape[1],
                  sheet.near(0.3, 0.42) * sheet.image.shape[0], 0.3)  # fmt: skip
    if len(sheet.inks) > 1 or sheet.rng.random() < 0.5:  # a second colour asks for the line
        cv2.polylines(sheet.image, [shape], True, sheet.pale(sheet.near(0, 0.4)), int(sheet.rng.integers(1, 4)), cv2.LINE_AA)
    else:
        cv2.fillPoly(sheet.image, [shape], sheet.pale(sheet.near(0.2, 0.7)), cv2.LINE_AA)


def _great_seal(sheet: _Sheet) -> None:
    """A large pale round seal behind the serial."""
    at, radius = sheet.at(sheet.near(0.4, 0.65), 0.52), sheet.near(0.28, 0.42) * sheet.image.shape[0]
    for share in (1.0, 0.78):
        cv2.circle(
            sheet.image, at, int(radius * share), sheet.pale(sheet.near(0.2, 0.6)), int(sheet.rng.integers(1, 5)), cv2.LINE_AA
        )
    for _ in range(6):
        shape = _blob(sheet.rng, at[0], at[1], radius * sheet.near(0.2, 0.7), radius * sheet.near(0.2, 0.7))
        cv2.polylines(sheet.image, [shape], True, sheet.pale(sheet.near(0.2, 0.6)), 1, cv2.LINE_AA)


def _edges(sheet: _Sheet) -> None:
    """A stripe along the top and one along the bottom."""
    sheet.box(0, 0, 1, sheet.near(0.03, 0.09))
    sheet.box(0, sheet.near(0.84, 0.93), 1, 1, sheet.inks[-1])


def _corner(sheet: _Sheet) -> None:
    sheet.fill([(0.75, -0.05), (1.05, -0.05), (1.05, sheet.near(0.3, 0.6))])


def _border(sheet: _Sheet) -> None:
    height, width = sheet.image.shape[:2]
    cv2.rectangle(sheet.image, (1, 1), (width - 2, height - 2), sheet.ink, int(sheet.rng.integers(4, 12)))


def _rulebands(sheet: _Sheet) -> None:
    """Wavy red and blue bands at the top and the bottom."""
    xs = np.linspace(-0.03, 1.03, 14)
    for y, name in ((0.04, "red"), (0.96, "blue")):
        ys = y + 0.02 * np.sin(xs * 5)
        sheet.line(list(zip(xs.tolist(), ys.tolist(), strict=True)), 9, sheet.tone(name))


def _starband(sheet: _Sheet) -> None:
    """A dark band of stars along the top, with a pale field for words in it."""
    y = sheet.near(0.14, 0.22)
    sheet.box(0, 0, 1, y, sheet.tone("blue"))
    for _ in range(26):
        sheet.disc(sheet.near(0, 1), sheet.near(0, y), sheet.near(0.008, 0.025), sheet.tone("white"))
    sheet.box(0.28, 0.04, 0.72, y, sheet.tone("ice"))


def _nyband(sheet: _Sheet) -> None:
    """Pale silhouettes inside the dark band at the top: falls at the left, a skyline at the right."""
    tone = sheet.tone("sky")
    sheet.fill([(0.0, 0.2), (0.03, 0.08), (0.1, 0.06), (0.14, 0.12), (0.22, 0.2)], tone)
    for k in range(7):
        x = 0.78 + k * 0.03
        sheet.box(x, sheet.near(0.05, 0.14), x + 0.02, 0.21, tone)


def _texcorner(sheet: _Sheet) -> None:
    sheet.fill([(-0.05, -0.05), (0.22, -0.05), (0.1, 0.32), (-0.05, 0.4)], sheet.tone("royal"))
    sheet.disc(0.08, 0.13, 0.07, sheet.tone("white"))


def _archersky(sheet: _Sheet) -> None:
    """A patch of blue behind the figure at the left."""
    sheet.fill([(-0.05, 0.05), (0.12, 0.02), (0.2, 0.3), (0.12, 0.5), (0.24, 0.85), (-0.05, 0.9)], sheet.tone("sky"), 0.02)


def _mdflag(sheet: _Sheet) -> None:
    """Quarters of black, gold, red and white in a wavy band along the bottom."""
    y, step = sheet.near(0.68, 0.8), 0.125
    for k in range(9):
        name = ("gold", "black", "red", "white")[int(sheet.rng.integers(4))]
        x = (k - 0.5) * step
        sheet.fill([(x, y + 0.03), (x + step, y), (x + step + 0.03, 1.02), (x - 0.03, 1.02)], sheet.tone(name), 0.015)


def _balloon(sheet: _Sheet) -> None:
    x, y = (sheet.near(0.06, 0.16) if sheet.rng.random() < 0.7 else 0.86), sheet.near(0.4, 0.55)
    sheet.disc(x, y, sheet.near(0.14, 0.22), sheet.tone("red"))
    sheet.disc(x, y, 0.1, sheet.tone("yellow"))
    sheet.box(x - 0.015, y + 0.26, x + 0.015, y + 0.33, sheet.tone("brown"))


SCENERY_TINTS = ("sky", "silver", "sage", "lilac", "tan", "mint", "ice", "purple", "teal", "grey")
_SCENES: dict[str, Callable[[_Sheet], None]] = {
    "skyridge": _skyridge, "snowpeaks": _snowpeaks, "peak": _peak, "saguaro": _saguaro, "lincoln": _lincoln,
    "farmstrip": _farmstrip, "cliff": _cliff, "lake": _lake, "pines": _pines, "pinesides": _pinesides, "treetops": _treetops,
    "flyer": _flyer, "reeds": _reeds, "wheat": _wheat, "bison": _bison, "bigwave": _bigwave, "plinth": _plinth,
    "swoosh": _swoosh,
    "flagfield": _flagfield, "bridge": _bridge, "sunburst": _sunburst, "rushmore": _rushmore, "redrock": _redrock,
    "stateline": _stateline, "seal": _great_seal, "edges": _edges, "corner": _corner, "border": _border,
    "rulebands": _rulebands, "starband": _starband, "nyband": _nyband, "texcorner": _texcorner, "archersky": _archersky,
    "mdflag": _mdflag, "balloon": _balloon,
}  # fmt: skip
_LANDS = (
    "rainbow",
    "waves",
    "stars",
    "picture",
    "blobs",
    "plane",
    "outline",
    "letters",
    "hills",
    "mountains",
    "city",
    "desert",
)
# What a specialty plate of any region may show.
ANY_SCENE = (
    "peak", "snowpeaks", "pines", "pinesides", "treetops", "reeds", "wheat", "swoosh", "flagfield", "bridge", "sunburst",
    "redrock", "stateline", "seal", "edges", "corner", "border", "waves", "mountains", "hills", "city", "picture", "picture",
    "lake", "stars", "bigwave", "skyridge", "balloon",
)  # fmt: skip


def scenery(rng: np.random.Generator, image: Pixels, kinds: str) -> None:
    """Draws landscapes or pictures over the ground, in place: names with a comma between, each with colours after a colon.

    Raises ValueError for a name that has no drawing.
    """
    for part in kinds.split(","):
        kind, *names = part.split(":")
        red, green, blue = (int(v) for v in image[image.shape[0] // 2, image.shape[1] // 2])
        colours = [jitter(rng, name, 16) for name in names] or [jitter(rng, str(rng.choice(SCENERY_TINTS)), 20)]
        if kind in _SCENES:
            _SCENES[kind](_Sheet(rng, image, tuple(colours)))
            continue
        tint = mix((red, green, blue), colours[0], float(rng.uniform(0.25, 0.8)))
        if kind not in _LANDS:
            raise ValueError(f"draw scenery: there is no picture called {kind!r}")
        if kind == "rainbow":
            _rainbow(rng, image)
        elif kind == "waves":
            _waves(rng, image, tint, colours[0])
        elif kind == "stars":
            _stars(rng, image)
        elif kind in ("picture", "blobs", "plane", "outline", "letters"):
            _picture(rng, image, tint, kind in ("plane", "letters"))
        else:
            _land(rng, image, tint, kind)


@dataclass(frozen=True)
class _Easel:
    """Where an emblem is drawn: centre and half its height in pixels of `image`, in `colour`."""

    rng: np.random.Generator
    image: Pixels
    colour: Colour
    cx: float
    cy: float
    half: float

    def at(self, x: float, y: float) -> tuple[int, int]:
        """The pixel at (x, y) in halves of the emblem's height from its centre."""
        return int(self.cx + x * self.half), int(self.cy + y * self.half)

    def polygon(self, points: list[tuple[float, float]]) -> NDArray[np.int32]:
        return np.array([self.at(x, y) for x, y in points], np.int32)

    def fill(self, shape: NDArray[np.int32], colour: Colour | None = None) -> None:
        cv2.fillPoly(self.image, [shape], colour or self.colour, cv2.LINE_AA)

    def line(self, a: tuple[float, float], b: tuple[float, float], thick: int, colour: Colour | None = None) -> None:
        cv2.line(self.image, self.at(*a), self.at(*b), colour or self.colour, thick, cv2.LINE_AA)

    def disc(self, x: float, y: float, radius: float, colour: Colour | None = None) -> None:
        cv2.circle(self.image, self.at(x, y), max(1, int(self.half * radius)), colour or self.colour, -1, cv2.LINE_AA)


def _star(easel: _Easel) -> None:
    angle = np.arange(10) * np.pi / 5 - np.pi / 2
    reach = np.where(np.arange(10) % 2 == 0, 1.0, 0.4)
    easel.fill(easel.polygon(list(zip(reach * np.cos(angle), reach * np.sin(angle), strict=True))))


def _fruit(easel: _Easel, places: tuple[float, ...]) -> None:
    for x in places:
        easel.disc(x, 0.2, 0.6)
    easel.fill(
        _blob(easel.rng, easel.cx, easel.cy - easel.half * 0.5, easel.half * 0.7, easel.half * 0.3), jitter(easel.rng, "green")
    )


def _diamond(easel: _Easel) -> None:
    shape = easel.polygon([(-1, -0.3), (-0.5, -0.8), (0.5, -0.8), (1, -0.3), (0, 1)])
    easel.fill(shape, mix(easel.colour, (255, 255, 255), 0.5))
    cv2.polylines(easel.image, [shape], True, easel.colour, 2, cv2.LINE_AA)
    easel.line((-1, -0.3), (1, -0.3), 1)


def _tree(easel: _Easel, palm: bool) -> None:
    easel.line((0, -1), (0, 1), max(2, int(easel.half * 0.14)), jitter(easel.rng, "brown"))
    for level in range(2 if palm else 5):
        y = easel.cy + easel.half * (-0.8 + 0.38 * level)
        reach = easel.half * (0.7 if palm else 0.18 + 0.12 * level)
        easel.fill(_blob(easel.rng, easel.cx, y, reach, easel.half * 0.2, 0.5))


def _tower(easel: _Easel) -> None:
    shape = easel.polygon([(-0.16, -0.7), (0.16, -0.7), (0.26, 1), (-0.26, 1)])
    easel.fill(shape, mix(easel.colour, (255, 255, 255), 0.45))
    cv2.polylines(easel.image, [shape], True, easel.colour, 1, cv2.LINE_AA)
    cv2.rectangle(easel.image, easel.at(-0.13, -1), easel.at(0.13, -0.7), easel.colour, -1)


def _bars_and_stars(easel: _Easel) -> None:
    for y in (0.0, 0.44):
        cv2.rectangle(easel.image, easel.at(-1, y), easel.at(1, y + 0.24), easel.colour, -1)
    for x in (-0.55, 0.0, 0.55):
        easel.disc(x, -0.4, 0.16)


def _sun(easel: _Easel) -> None:
    cv2.circle(easel.image, easel.at(0, 0), max(2, int(easel.half * 0.35)), easel.colour, 2, cv2.LINE_AA)
    for dx, dy in ((1, 0), (0, 1), (-1, 0), (0, -1)):
        for off in (-0.24, 0.0, 0.24):
            easel.line((dx * 0.45 + dy * off, dy * 0.45 + dx * off), (dx * 0.95 + dy * off, dy * 0.95 + dx * off), 1)


def _shield(easel: _Easel) -> None:
    easel.fill(easel.polygon([(-0.8, -1), (0.8, -1), (0.6, 0.4), (0, 1), (-0.6, 0.4)]))
    easel.line((0, -1), (0, 1), max(1, int(easel.half * 0.3)), jitter(easel.rng, "gold"))


def _seal(easel: _Easel) -> None:
    rng, half = easel.rng, easel.half
    pale = mix(easel.colour, (255, 255, 255), float(rng.uniform(0, 0.5)))
    thick = int(rng.choice([-1, 1, 2]))
    cv2.ellipse(easel.image, easel.at(0, 0), (int(half * 0.85), int(half)), 0, 0, 360, pale, thick, cv2.LINE_AA)
    for _ in range(int(rng.integers(3, 9))):
        shape = _blob(rng, easel.cx, easel.cy, half * float(rng.uniform(0.2, 0.8)), half * float(rng.uniform(0.2, 0.9)))
        cv2.polylines(easel.image, [shape], bool(rng.random() < 0.5), easel.colour, 1, cv2.LINE_AA)


def _waving_flag(easel: _Easel) -> None:
    xs = np.linspace(-1, 1, 12)
    for y, name in ((-0.24, "red"), (0.0, "white"), (0.24, "blue")):
        shape = easel.polygon(list(zip(xs, y + 0.12 * np.sin(xs * 3 + 1), strict=True)))
        cv2.polylines(easel.image, [shape], False, jitter(easel.rng, name), max(2, int(easel.half * 0.24)), cv2.LINE_AA)


def _flag(easel: _Easel) -> None:
    cv2.rectangle(easel.image, easel.at(-1, -0.6), easel.at(1, 0.6), easel.colour, -1)
    for _ in range(5):
        easel.disc(easel.rng.uniform(-0.8, 0.8), easel.rng.uniform(-0.5, 0.5), 0.1, jitter(easel.rng, "gold"))


def _anchor(easel: _Easel) -> None:
    easel.line((0, -1), (0, 1), 2)
    easel.line((-0.4, -0.5), (0.4, -0.5), 2)
    axes = (int(easel.half * 0.7), int(easel.half))
    cv2.ellipse(easel.image, easel.at(0, 0), axes, 0, 20, 160, easel.colour, 2, cv2.LINE_AA)


def _silhouette(easel: _Easel, parts: int) -> None:
    """A state's outline, a bird, a rider: some irregular shape, filled or drawn."""
    rng, half = easel.rng, easel.half
    for _ in range(parts):
        stretch = float(rng.uniform(0.5, 1.0))
        dx, dy = (0.0, 0.0) if parts == 1 else rng.uniform(-0.5, 0.5, 2) * half
        shape = _blob(rng, easel.cx + dx, easel.cy + dy, half * stretch, half * float(rng.uniform(0.4, 1.0)), 0.6)
        if rng.random() < 0.75:
            easel.fill(shape)
        else:
            cv2.polylines(easel.image, [shape], True, easel.colour, 2, cv2.LINE_AA)


def _figure(easel: _Easel) -> None:
    """A busy picture the size of a character or two: limbs, patches and thin lines in two or three colours.

    Riders, archers, lighthouses, trees and statues on real plates share just this with letters: dark strokes of about a
    letter's weight at a letter's height. A reader that has not seen many of them spells them out.
    """
    rng = easel.rng
    wide = float(rng.uniform(0.35, 1.0))
    inks = [
        easel.colour,
        jitter(rng, str(rng.choice(list(COLOURS))), 25),
        mix(easel.colour, (255, 255, 255), float(rng.uniform(0.2, 0.7))),
    ]

    def spot() -> tuple[float, float]:
        return float(rng.uniform(-wide, wide)), float(rng.uniform(-1, 1))

    def ink() -> Colour:
        return inks[int(rng.integers(len(inks)))]

    for _ in range(int(rng.integers(1, 4))):
        x, y = spot()
        size = float(rng.uniform(0.15, 0.6)) * easel.half
        shape = _blob(
            rng, easel.cx + x * 0.6 * easel.half, easel.cy + y * 0.6 * easel.half, size, size * float(rng.uniform(0.6, 2)), 0.5
        )
        easel.fill(shape, ink())
    for _ in range(int(rng.integers(2, 9))):
        start, bend, end = spot(), spot(), spot()
        thick = max(1, int(easel.half * float(rng.uniform(0.03, 0.22))))
        colour = ink()
        easel.line(start, bend, thick, colour)
        easel.line(bend, end, thick, colour)
    for _ in range(int(rng.integers(0, 4))):
        cv2.circle(easel.image, easel.at(*spot()), max(2, int(easel.half * rng.uniform(0.1, 0.4))), ink(), 2, cv2.LINE_AA)


def _rider(easel: _Easel) -> None:
    """A rearing horse and the one who sits on it."""
    easel.fill(
        easel.polygon(
            [(-0.9, 0.1), (-0.5, -0.3), (0.1, -0.1), (0.5, -0.5), (0.75, -0.35), (0.5, 0.1), (0.3, 0.35), (-0.3, 0.4)]
        )
    )
    for a, b, c in (((-0.4, 0.3), (-0.6, 0.6), (-0.3, 0.98)), ((-0.2, 0.3), (-0.1, 0.65), (-0.2, 0.98)),
                    ((0.3, 0.2), (0.6, 0.35), (0.5, 0.65)), ((0.2, 0.3), (0.35, 0.5), (0.2, 0.7))):  # fmt: skip
        easel.line(a, b, max(1, int(easel.half * 0.12)))
        easel.line(b, c, max(1, int(easel.half * 0.1)))
    easel.line((-0.15, -0.1), (-0.1, -0.7), max(2, int(easel.half * 0.2)))
    easel.disc(-0.05, -0.8, 0.14)
    easel.line((-0.1, -0.6), (-0.55, -0.95), max(1, int(easel.half * 0.1)))


def _archer(easel: _Easel) -> None:
    """One who kneels and shoots an arrow at the sky, a rock below."""
    easel.fill(
        easel.polygon([(-0.5, 1), (-0.4, 0.5), (-0.1, 0.2), (-0.15, -0.3), (0.1, -0.4), (0.25, 0.1), (0.5, 0.5), (0.55, 1)])
    )
    easel.disc(0.0, -0.5, 0.17)
    easel.line((0.0, -0.2), (0.5, -0.7), max(1, int(easel.half * 0.1)))
    easel.line((-0.3, 0.1), (0.7, -0.95), 1)
    cv2.ellipse(
        easel.image,
        easel.at(0.25, -0.45),
        (int(easel.half * 0.6), int(easel.half * 0.4)),
        -45,
        -80,
        80,
        easel.colour,
        2,
        cv2.LINE_AA,
    )
    easel.fill(easel.polygon([(-0.9, 1), (-0.6, 0.7), (0.6, 0.75), (0.9, 1)]), mix(easel.colour, (150, 180, 210), 0.5))


def _pelican(easel: _Easel) -> None:
    """A long-billed bird in profile."""
    easel.fill(
        easel.polygon(
            [
                (-0.5, 0.9),
                (-0.3, 0.1),
                (-0.05, -0.1),
                (-0.1, -0.6),
                (0.1, -0.85),
                (0.25, -0.7),
                (0.15, -0.2),
                (0.3, 0.3),
                (0.1, 0.8),
            ]
        )
    )
    easel.fill(easel.polygon([(0.2, -0.8), (0.5, -0.2), (0.45, 0.0), (0.15, -0.55)]), jitter(easel.rng, "gold"))


def _arch(easel: _Easel) -> None:
    """A natural arch of stone."""
    cv2.ellipse(easel.image, easel.at(0, 0.6), (int(easel.half * 0.55), int(easel.half * 1.2)), 0, 180, 360, easel.colour,
                max(3, int(easel.half * 0.35)), cv2.LINE_AA)  # fmt: skip
    easel.fill(easel.polygon([(-1, 1), (-0.8, 0.6), (0.8, 0.65), (1, 1)]))


def _cactus(easel: _Easel) -> None:
    thick = max(2, int(easel.half * 0.22))
    easel.line((0, -1), (0, 1), thick)
    for side in (-1.0, 1.0):
        easel.line((0, 0.3), (side * 0.5, 0.2), thick)
        easel.line((side * 0.5, 0.2), (side * 0.5, -0.4), thick)


def _wheelchair(easel: _Easel) -> None:
    """The sign of access, with or without its square: strokes of a letter's weight at a letter's height."""
    ink = easel.colour
    if easel.rng.random() < 0.4:
        cv2.rectangle(easel.image, easel.at(-0.8, -1), easel.at(1, 1), ink, -1)
        ink = (240, 240, 240)
    thick = max(1, int(easel.half * float(easel.rng.uniform(0.1, 0.2))))
    easel.disc(-0.2, -0.8, 0.16, ink)
    joints = [(-0.2, -0.55), (-0.12, 0.05), (0.42, 0.05), (0.62, 0.6), (0.85, 0.52)]
    for start, end in pairwise(joints):
        easel.line(start, end, thick, ink)
    easel.line((-0.17, -0.28), (0.3, -0.28), thick, ink)
    wheel = (int(easel.half * 0.52), int(easel.half * 0.52))
    cv2.ellipse(easel.image, easel.at(-0.02, 0.36), wheel, 0, 25, 265, ink, thick, cv2.LINE_AA)


# Outlines of the regions whose plates carry a small one between the characters, very roughly, in halves of the emblem's height.
_OUTLINES: dict[str, list[tuple[float, float]]] = {
    "outline_ny": [(-1, 0.35), (-0.95, 0.15), (-0.3, 0.1), (-0.1, -0.2), (0.1, -0.7), (0.45, -0.75), (0.5, 0.5), (0.9, 0.75),
                   (0.4, 0.7), (0.2, 0.35)],
    "outline_nj": [(-0.1, -1), (0.35, -0.7), (0.25, -0.3), (0.4, 0), (0.1, 0.7), (-0.1, 1), (-0.4, 0.6), (0, 0.1),
                   (-0.3, -0.3)],
    "outline_mn": [(-0.7, -0.8), (-0.1, -0.8), (0, -0.95), (0.05, -0.75), (0.8, -0.6), (0.3, -0.1), (0.25, 0.4), (0.6, 0.95),
                   (-0.6, 0.95), (-0.6, 0.3), (-0.7, 0)],
    "outline_tx": [(-0.3, -1), (0.1, -1), (0.1, -0.5), (0.8, -0.3), (0.9, 0.2), (0.35, 0.6), (0.3, 1), (0, 0.75), (-0.2, 0.35),
                   (-0.5, 0.4), (-1, -0.1), (-0.3, -0.1)],
    "outline_ky": [(-1, 0.4), (-0.7, 0.1), (-0.3, 0), (0.2, -0.5), (0.6, -0.4), (1, 0), (0.7, 0.4)],
    "outline_tn": [(-1, 0.25), (-0.8, -0.2), (1, -0.25), (0.7, 0.2)],
    "outline_ct": [(-0.8, -0.6), (0.8, -0.7), (0.8, 0.2), (-0.3, 0.4), (-0.8, 0.8)],
    "keystone": [(-0.5, -0.75), (0.5, -0.75), (0.42, -0.3), (0.3, 0.75), (-0.3, 0.75), (-0.42, -0.3)],
}  # fmt: skip


def _outline(easel: _Easel, points: list[tuple[float, float]]) -> None:
    shape = np.array(points) + easel.rng.normal(0, 0.04, (len(points), 2))
    easel.fill(easel.polygon([(float(x), float(y)) for x, y in shape]))


_EMBLEMS: dict[str, Callable[[_Easel], None]] = {
    "star": _star, "oranges": lambda e: _fruit(e, (-0.42, 0.42)), "peach": lambda e: _fruit(e, (0.0,)), "diamond": _diamond,
    "pine": lambda e: _tree(e, False), "pinebird": lambda e: _tree(e, False), "palm": lambda e: _tree(e, True),
    "tower": _tower, "lighthouse": _tower, "torch": _tower, "dcflag": _bars_and_stars, "sun": _sun, "shield": _shield,
    "seal": _seal, "portrait": _seal, "crown": _seal, "wave": _waving_flag, "flag": _flag,
    "block": _flag, "anchor": _anchor, "outline": lambda e: _silhouette(e, 1), "figure": _figure,
    "rider": lambda e: (_rider if e.rng.random() < 0.6 else _figure)(e),
    "archer": lambda e: (_archer if e.rng.random() < 0.75 else _figure)(e),
    "pelican": _pelican, "arch": _arch, "cactus": _cactus, "wheelchair": _wheelchair,
}  # fmt: skip


def emblem(rng: np.random.Generator, image: Pixels, kind: str, colour: Colour, cx: float, cy: float, size: float) -> None:
    """Draws the picture between, behind or beside the characters, in place; `size` is its full height in pixels.

    A kind that has no drawing of its own (bird, rider, flower, arch, ...) becomes a silhouette of several parts.
    """
    easel = _Easel(rng, image, colour, cx, cy, size / 2)
    draw = _EMBLEMS.get(kind)
    if kind in _OUTLINES:
        _outline(easel, _OUTLINES[kind])
    elif draw is None:
        _silhouette(easel, int(rng.integers(1, 5)))
    else:
        draw(easel)
