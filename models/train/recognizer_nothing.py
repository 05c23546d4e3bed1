"""What a detector takes for a plate and is none: lamps, grilles, badges, shop signs, phone numbers, bumpers, kerbs.

The reader is shown every box of the detector, so it learns to answer these with no character at all. Real ones are cut
from the training frames: the boxes in ``recognizer_nothing.jsonl``, which an early detector scored 0.2 and more away from
every labelled plate and which were looked at one by one, and random boxes elsewhere. Drawn ones are the detector's own
(`scenes_distractors`). A plate that is blurred, dark or tiny never comes from here: it keeps its text as the target.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.degrade import degrade_patch, degrade_sheet
from models.train.plates_ink import Pixels
from models.train.scenes_distractors import Patch, draw, text_mask

FOUND = Path(__file__).with_name("recognizer_nothing.jsonl")
"""`image` and `quads`, TL TR BR BL as eight numbers in the frame's own px, each a false box of a detector."""
REVIEWED = Path(__file__).with_name("detector_reviewed.jsonl")
FRAME_WIDTH = 1280
SMALLEST_PX = 56.0
"""Smaller things are not shrunk to: a pale patch of thirty pixels may be a plate, and a reader cannot tell."""

_FOUND_SHARE, _ANYWHERE_SHARE = 0.45, 0.2  # the rest is drawn


@dataclass(frozen=True)
class Surroundings:
    """A training frame, RGB: `found` (N, 4, 2) false boxes and `taken` (M, 4) x0 y0 x1 y1 that hold or may hold a plate."""

    picture: Pixels
    found: NDArray[np.float32]
    taken: NDArray[np.float32]


def surroundings(folder: Path) -> list[Surroundings]:
    """The training frames of `folder/manifest.jsonl`, at most 1280 px wide."""
    found = {row["image"]: row["quads"] for row in map(json.loads, FOUND.read_text().splitlines())}
    doubtful = {row["image"]: row["unlabelled"] for row in map(json.loads, REVIEWED.read_text().splitlines())}
    frames = []
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        picture = cv2.cvtColor(cv2.imread(str(folder / row["image"])), cv2.COLOR_BGR2RGB)
        scale = min(1.0, FRAME_WIDTH / picture.shape[1])
        if scale < 1:
            picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        boxes = np.array(row["boxes"] + doubtful.get(row["image"], []), np.float32).reshape(-1, 4) * scale
        quads = np.array(found.get(row["image"], []), np.float32).reshape(-1, 4, 2) * scale
        quads = quads[np.ptp(quads[:, :, 0], axis=1) >= 0.6 * SMALLEST_PX]
        margin = boxes[:, 2:] * 0.5
        taken = np.concatenate([boxes[:, :2] - margin, boxes[:, :2] + boxes[:, 2:] + margin], 1)
        frames.append(Surroundings(picture.astype(np.uint8), quads, taken))
    return frames


def nothing(rng: np.random.Generator, frames: list[Surroundings], severity: float) -> Pixels:
    """One crop (64, 128, 3) without a plate, through the same camera and cut as a plate's; `frames` may be empty."""
    kind = rng.random()
    if frames and kind < _FOUND_SHARE:
        with_some = [frame for frame in frames if len(frame.found)]
        frame = with_some[int(rng.integers(len(with_some)))]
        return _cut(rng, frame, frame.found[int(rng.integers(len(frame.found)))], severity)
    if frames and kind < _FOUND_SHARE + _ANYWHERE_SHARE:
        for _ in range(5):
            frame = frames[int(rng.integers(len(frames)))]
            quad = free_quad(rng, frame)
            if quad is not None:
                return _cut(rng, frame, quad, severity)
    return degrade_sheet(rng, _drawn(rng), 0.6 * severity).image


def free_quad(rng: np.random.Generator, frame: Surroundings) -> NDArray[np.float32] | None:
    """A box of a plate's proportions that touches nothing that may be one, or None."""
    height, width = frame.picture.shape[:2]
    wide = float(np.exp(rng.uniform(np.log(SMALLEST_PX), np.log(min(260, width / 2)))))
    high = wide / float(rng.uniform(1.6, 4.8))
    x, y = rng.uniform(0, width - wide), rng.uniform(0, max(1.0, height - high))
    taken = frame.taken
    if ((taken[:, 0] < x + wide) & (taken[:, 2] > x) & (taken[:, 1] < y + high) & (taken[:, 3] > y)).any():
        return None
    lean = float(rng.normal(0, 0.05)) * wide
    return np.array([[x, y], [x + wide, y + lean], [x + wide, y + high + lean], [x, y + high]], np.float32)


def _cut(rng: np.random.Generator, frame: Surroundings, quad: NDArray[np.float32], severity: float) -> Pixels:
    """The quad with its surroundings, mirrored, stretched or moved a little, sent through the camera."""
    height, width = frame.picture.shape[:2]
    span = np.ptp(quad, axis=0)
    quad = quad + rng.normal(0, 0.05, 2).astype(np.float32) * span
    low = np.maximum(quad.min(0) - 0.4 * span - 3, 0).astype(int)
    high = np.minimum(quad.max(0) + 0.4 * span + 3, (width, height)).astype(int)
    if (high - low < 8).any():
        return degrade_sheet(rng, _drawn(rng), 0.6 * severity).image
    patch = frame.picture[low[1] : high[1], low[0] : high[0]]
    quad = quad - low.astype(np.float32)
    if rng.random() < 0.3:  # a mirrored word is no plate either, and teaches no more of this one
        patch, quad = patch[:, ::-1], quad[[1, 0, 3, 2]] * np.float32([-1, 1]) + np.float32([patch.shape[1] - 1, 0])
    scale = 1.0
    if rng.random() < 0.5:
        scale = float(np.exp(rng.uniform(np.log(min(1.0, SMALLEST_PX / span[0])), 0.0)))
    scale = min(scale, 330 / float(span[0]))
    if scale < 0.95:
        patch = cv2.resize(patch, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return degrade_patch(rng, np.ascontiguousarray(patch), quad * np.float32(scale), float(span[0]) * scale, severity)


_STARTS = ("B", "BL", "BR", "C", "CH", "CR", "D", "F", "FL", "G", "GR", "H", "J", "K", "L", "M", "N", "P", "R", "S", "T", "W")
_VOWELS = ("A", "E", "I", "O", "U", "EE", "OU", "AI")
_ENDS = ("", "", "", "N", "R", "S", "T", "L", "X", "ND", "RT", "SS", "CK")


def _word(rng: np.random.Generator) -> str:
    """A name that nobody bears: what a word says must not tell that it is none of a plate's."""
    text = "".join(str(rng.choice(_STARTS)) + str(rng.choice(_VOWELS)) for _ in range(int(rng.integers(1, 4))))
    text += str(rng.choice(_ENDS))
    return text.title() if rng.random() < 0.3 else text


def _phone(rng: np.random.Generator) -> str:
    digits = "".join(str(digit) for digit in rng.integers(0, 10, 10))
    shape = str(rng.choice(["{}-{}-{}", "{}.{}.{}", "({}) {}-{}", "{} {} {}", "1-{}-{}-{}", "{}{}{}"]))
    return shape.format(digits[:3], digits[3:6], digits[6:])


def lettering(rng: np.random.Generator) -> Patch:
    """Names on fascias, doors and bodies, lease and sale boards with a telephone number: text and no plate round it."""
    kind = rng.random()
    if kind < 0.35:
        lines = [_word(rng)]
    elif kind < 0.55:
        lines = [f"{_word(rng)} {_word(rng)}"]
    elif kind < 0.65:
        lines = [f"{_word(rng)} {_word(rng)}", _word(rng)]
    else:
        call = str(rng.choice(["FOR LEASE", "FOR SALE", "CALL", "FOR RENT", "NOW HIRING", "", "", _word(rng)]))
        lines = [call, _phone(rng)] if call else [_phone(rng)]
    masks = [text_mask(rng, line, None, 48) for line in lines]
    if len(masks) == 2 and rng.random() < 0.7:  # the line above is smaller
        masks[0] = cv2.resize(masks[0], None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA).astype(np.uint8)
    width, gap = max(mask.shape[1] for mask in masks) + 16, int(rng.integers(4, 16))
    grey = np.zeros((sum(mask.shape[0] + gap for mask in masks) + gap, width), np.uint8)
    y = gap
    for mask in masks:
        x = (width - mask.shape[1]) // 2
        grey[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
        y += mask.shape[0] + gap
    grey = grey if rng.random() < 0.4 else 255 - grey
    return Patch(grey, np.full(grey.shape, 255, np.uint8))


def _drawn(rng: np.random.Generator) -> Pixels:
    """Lettering or one of the detector's distractors in two colours, with more or less of what it sits on, RGB."""
    patch = lettering(rng) if rng.random() < 0.4 else draw(rng)
    size = patch.grey.shape
    scale = 160 / size[0] if size[0] * 2 > size[1] else 320 / size[1]
    wide, high = max(24, round(size[1] * scale)), max(16, round(size[0] * scale))
    grey = cv2.resize(patch.grey, (wide, high), interpolation=cv2.INTER_AREA).astype(np.float32)[:, :, None] / 255
    alpha = cv2.resize(patch.alpha, (wide, high), interpolation=cv2.INTER_AREA).astype(np.float32)[:, :, None] / 255
    dark = np.clip(rng.uniform(0, 90) + rng.normal(0, 25, 3), 0, 255).astype(np.float32)
    light = np.clip(rng.uniform(170, 250) + rng.normal(0, 30, 3), 0, 255).astype(np.float32)
    body = np.clip(rng.uniform(10, 245) + rng.normal(0, 20, 3), 0, 255).astype(np.float32)
    sheet = body + (dark + (light - dark) * grey - body) * alpha
    pad_x, pad_y = int(wide * rng.uniform(0, 0.2)), int(high * rng.uniform(0, 0.35))
    colour = tuple(float(value) for value in body)
    return cv2.copyMakeBorder(sheet.astype(np.uint8), pad_y, pad_y, pad_x, pad_x, cv2.BORDER_CONSTANT, value=colour).astype(
        np.uint8
    )
