"""Pictures drawn for tests: a street with a car's rear, and plates or other things put on it; no font file is needed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.records import Image

WIDTH, HEIGHT = 1280, 720


def without_fonts(patch: pytest.MonkeyPatch) -> None:
    """Whatever fonts are installed for training, letter everything by strokes and Pillow's own font."""
    from models.train import scenes_distractors

    for module in ("fonts", "plates_ink", "plates_serial"):
        patch.setattr(f"models.train.{module}.families", lambda kind: ())
    scenes_distractors._font.cache_clear()


def street(rng: np.random.Generator) -> Image:
    """A BGR frame: sky, wall, asphalt, and a plain car body in the middle."""
    rows = np.linspace(rng.uniform(150, 220), rng.uniform(60, 110), HEIGHT, dtype=np.float32)
    coarse = cv2.resize(rng.normal(0, 14, (9, 16)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    frame = cv2.cvtColor(np.clip(rows[:, None] + coarse, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    body = rng.uniform(20, 200, 3)
    top = int(rng.integers(160, 240))
    frame[top:620, 240:1040] = (body * np.linspace(1.1, 0.7, 620 - top)[:, None, None]).astype(np.uint8)
    frame[top + 40 : top + 150, 340:940] = 35  # the window
    frame[620:660, 260:1020] = 25  # the shadow under the car
    return noisy(rng, np.asarray(frame, np.uint8))


def noisy(rng: np.random.Generator, frame: Image) -> Image:
    """The frame with a sensor's noise, another one in every call."""
    grain = rng.integers(-5, 6, (HEIGHT // 4, WIDTH // 4, 1), np.int16)
    return np.clip(frame + np.tile(grain, (4, 4, 1)), 0, 255).astype(np.uint8)


def put(
    frame: Image,
    drawn: NDArray[np.uint8],
    alpha: NDArray[np.uint8] | None,
    centre: tuple[float, float],
    width: float,
    roll: float,
) -> None:
    """Lay a drawn thing (grey or BGR) over the frame, ``width`` pixels wide and turned by ``roll`` degrees."""
    colour = cv2.cvtColor(drawn, cv2.COLOR_GRAY2BGR) if drawn.ndim == 2 else drawn
    h, w = colour.shape[:2]
    opaque = np.full((h, w), 255, np.uint8) if alpha is None else alpha
    if width < w:  # shrink first: a warp alone would alias
        size = (max(2, round(width)), max(2, round(h * width / w)))
        colour, opaque = (cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (colour, opaque))
        h, w = size[1], size[0]
    reach = int(np.hypot(w, h) * width / w / 2) + 2
    left, top = max(0, int(centre[0]) - reach), max(0, int(centre[1]) - reach)
    under = frame[top : int(centre[1]) + reach, left : int(centre[0]) + reach]
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), roll, width / w)
    turn[:, 2] += np.array(centre) - (left + w / 2, top + h / 2)
    size = (under.shape[1], under.shape[0])
    seen = cv2.warpAffine(colour, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(opaque, turn, size, flags=cv2.INTER_LINEAR)[:, :, None] / np.float32(255)
    under[:] = (under * (1 - share) + seen * share).astype(np.uint8)
