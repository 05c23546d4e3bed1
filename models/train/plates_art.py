"""Grounds, scenery and emblems: the pictures on a plate, which must not be read as characters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    dark = jitter(rng, "forest", 15) if kind == "mountains_dark" else jitter(rng, "purple", 20) if kind == "desert" else tint
    level = float(rng.uniform(0.45, 0.95)) * height
    if kind == "mountains_dark":  # the ground is pale above a dark ridge at the top
        cv2.fillPoly(image, [_ridge(rng, width, height * 0.42, height * 0.2, 11, 0)], dark, cv2.LINE_AA)
        return
    cv2.fillPoly(image, [_ridge(rng, width, level, rise, steps, height)], dark, cv2.LINE_AA)
    if rng.random() < 0.5:
        farther = _ridge(rng, width, level + rise * 0.6, rise, steps, height)
        cv2.fillPoly(image, [farther], mix(dark, (255, 255, 255), 0.35), cv2.LINE_AA)


def _rainbow(rng: np.random.Generator, image: Pixels) -> None:
    height, width = image.shape[:2]
    for i, name in enumerate(("red", "orange", "yellow", "lime", "sky", "lilac")):
        faded = mix(jitter(rng, name), (240, 244, 246), 0.55)
        axes = (int(width * 0.46) - i * 4, int(height * 0.75) - i * 4)
        cv2.ellipse(image, (width // 2, int(height * 0.95)), axes, 0, 180, 360, faded, 4, cv2.LINE_AA)


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


SCENERY_TINTS = ("sky", "silver", "sage", "lilac", "tan", "mint", "ice", "purple", "teal", "grey")


def scenery(rng: np.random.Generator, image: Pixels, kind: str) -> None:
    """Draws a landscape or picture of `kind` over the ground, in place."""
    red, green, blue = (int(v) for v in image[image.shape[0] // 2, image.shape[1] // 2])
    colour = jitter(rng, str(rng.choice(SCENERY_TINTS)), 20)
    tint = mix((red, green, blue), colour, float(rng.uniform(0.25, 0.8)))
    if kind == "rainbow":
        _rainbow(rng, image)
    elif kind == "waves":
        _waves(rng, image, tint, colour)
    elif kind == "stars":
        _stars(rng, image)
    elif kind in ("picture", "blobs", "plane", "outline", "letters", "strip"):
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


_EMBLEMS: dict[str, Callable[[_Easel], None]] = {
    "star": _star, "oranges": lambda e: _fruit(e, (-0.42, 0.42)), "peach": lambda e: _fruit(e, (0.0,)), "diamond": _diamond,
    "pine": lambda e: _tree(e, False), "pinebird": lambda e: _tree(e, False), "palm": lambda e: _tree(e, True),
    "tower": _tower, "lighthouse": _tower, "torch": _tower, "dcflag": _bars_and_stars, "sun": _sun, "shield": _shield,
    "keystone": _shield, "seal": _seal, "portrait": _seal, "crown": _seal, "wave": _waving_flag, "flag": _flag,
    "block": _flag, "anchor": _anchor, "outline": lambda e: _silhouette(e, 1), "figure": _figure,
    "rider": _figure,
}  # fmt: skip


def emblem(rng: np.random.Generator, image: Pixels, kind: str, colour: Colour, cx: float, cy: float, size: float) -> None:
    """Draws the picture between, behind or beside the characters, in place; `size` is its full height in pixels.

    A kind that has no drawing of its own (bird, rider, flower, arch, ...) becomes a silhouette of several parts.
    """
    easel = _Easel(rng, image, colour, cx, cy, size / 2)
    draw = _EMBLEMS.get(kind)
    if draw is None:
        _silhouette(easel, int(rng.integers(1, 5)))
    else:
        draw(easel)
