"""What stands round and over a plate's serial: stickers, bolts, dealers' frames, wear, bent sheets."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.formats import DEALERS, MONTHS
from models.train.plates_ink import Colour, Pixels, blend, jitter, smooth_field, words_mask


def sticker(rng: np.random.Generator, image: Pixels, x: float, y: float) -> None:
    """A month or year sticker with its middle at (x, y) px, or the empty frame struck for one."""
    height, width = image.shape[:2]
    w, h = width * float(rng.uniform(0.07, 0.14)), height * float(rng.uniform(0.09, 0.17))
    ground = jitter(
        rng, str(rng.choice(["white", "red", "yellow", "sky", "green", "orange", "pink", "blue", "black", "mint"])), 20
    )
    corner, far = (int(x - w / 2), int(y - h / 2)), (int(x + w / 2), int(y + h / 2))
    kind = rng.random()
    if kind < 0.12:
        cv2.rectangle(image, corner, far, (60, 60, 70), 1, cv2.LINE_AA)
        return
    if kind < 0.75:
        cv2.rectangle(image, corner, far, ground, -1)
    else:  # struck into the sheet: letters only
        red, green, blue = (int(v) for v in image[min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)])
        ground = (red, green, blue)
    ink: Colour = (20, 20, 20) if sum(ground) > 330 else (240, 240, 240)
    label = (
        str(rng.choice(MONTHS))
        if rng.random() < 0.4
        else str(rng.integers(0, 99)).zfill(2)
        if rng.random() < 0.6
        else str(rng.integers(1995, 2027))
    )
    mask = words_mask(rng, "sans", label, h * 0.7, w * 0.9)
    blend(image, mask, int(x - mask.shape[1] / 2), int(y - mask.shape[0] / 2), ink)
    if kind < 0.3:
        small = words_mask(rng, "sans", f"{int(rng.integers(10**6)):06}", h * 0.25, w * 0.8)
        blend(image, small, int(x - small.shape[1] / 2), int(y + h * 0.22), ink)


def county(rng: np.random.Generator, image: Pixels, colour: Colour, x: float, y: float, mask: Pixels) -> None:
    """A box behind the line `mask` with its middle at (x, y) px: a county's name on its own ground."""
    wide = mask.shape[1] / 2 + float(rng.uniform(4, 40))
    high = mask.shape[0] / 2 + float(rng.uniform(1, 5))
    corner, far = (int(x - wide), int(y - high)), (int(x + wide), int(y + high))
    cv2.rectangle(image, corner, far, colour, -1)
    if rng.random() < 0.4:
        cv2.rectangle(image, corner, far, (70, 74, 84), 1, cv2.LINE_AA)


def bolts(rng: np.random.Generator, image: Pixels) -> None:
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


def dealer_frame(rng: np.random.Generator, image: Pixels, top: float, bottom: float) -> tuple[int, int]:
    """A dealer's frame round the plate, at most `top`/`bottom` px wide; returns how many rows it covers above and below."""
    height, width = image.shape[:2]
    colour = jitter(rng, str(rng.choice(["black", "black", "silver", "grey", "navy", "maroon", "white"])), 12)
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
            mask = words_mask(rng, str(rng.choice(["sans", "serif"])), str(rng.choice(DEALERS)), room * 0.6, width * 0.8)
            blend(image, mask, int(width / 2 - mask.shape[1] / 2), int(y - mask.shape[0] / 2), ink)
    return above, below


def rim(rng: np.random.Generator, image: Pixels, colour: Colour) -> None:
    height, width = image.shape[:2]
    inset = int(rng.integers(2, 7))
    cv2.rectangle(image, (inset, inset), (width - 1 - inset, height - 1 - inset), colour, int(rng.integers(1, 4)), cv2.LINE_AA)


def wear(rng: np.random.Generator, image: Pixels) -> Pixels:
    """Shading of a bent sheet, fading, dirt."""
    height, width = image.shape[:2]
    gain = 1.0 + float(rng.uniform(0.005, 0.045)) * smooth_field(rng, (height, width))
    if rng.random() < 0.35:
        gain *= np.linspace(1 + rng.uniform(-0.2, 0.2), 1 + rng.uniform(-0.2, 0.2), height, dtype=np.float32)[:, None]
    result = cv2.multiply(image, cv2.merge([gain.astype(np.float32)] * 3), dtype=cv2.CV_8U)
    if rng.random() < 0.25:  # sun-bleached
        share = float(rng.uniform(0.05, 0.4))
        grey = np.full_like(result, int(rng.integers(150, 235)))
        result = cv2.addWeighted(result, 1 - share, grey, share, 0)
    if rng.random() < 0.4:  # inks fade and cameras see colours more or less strongly, one channel more than another
        keep = float(rng.uniform(0.45, 1.25))
        luma = np.array([[0.3, 0.59, 0.11]], np.float32).repeat(3, 0)
        cast = np.diag(rng.uniform(0.92, 1.06, 3).astype(np.float32))
        result = cv2.transform(result, cast @ (keep * np.eye(3, dtype=np.float32) + (1 - keep) * luma))
    if rng.random() < 0.2:  # mud and salt
        amount = np.clip(smooth_field(rng, (height, width)) - float(rng.uniform(0.6, 1.8)), 0, 1) * float(rng.uniform(0.2, 0.7))
        mud = np.array(jitter(rng, str(rng.choice(["tan", "grey", "brown", "silver"])), 20), np.float32)
        result = (result + (mud - result) * amount[:, :, None]).astype(np.uint8)
    return result


def bend(rng: np.random.Generator, image: Pixels, boxes: NDArray[np.float32]) -> Pixels:
    """Moves rows and columns by a few pixels, as a bent sheet does; the boxes stay good within those pixels."""
    height, width = image.shape[:2]
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    amplitude = float(rng.uniform(0.5, 3.0))
    map_y = ys + amplitude * np.sin(xs / width * float(rng.uniform(2, 7)) + float(rng.uniform(0, 6)))
    map_x = xs + amplitude * 0.6 * np.sin(ys / height * float(rng.uniform(2, 5)) + float(rng.uniform(0, 6)))
    return cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
