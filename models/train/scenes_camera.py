"""What light, weather, lens, sensor and codec make of a scene: shadows, head lamps, infra-red, rain, blur, noise, blocks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]


# --- the light, before the lens ---


def light(rng: np.random.Generator, grey: Floats, quads: Sequence[Floats], exact: Sequence[bool]) -> Floats:
    """Shadows with edges, and plates that throw a lamp's light back while all round them is dark."""
    if rng.random() < 0.16:
        grey = _shadow(rng, grey)
    if quads and all(exact) and rng.random() < 0.14:
        grey = _thrown_back(rng, grey, quads)
    return grey


def _shadow(rng: np.random.Generator, grey: Floats) -> Floats:
    """Of a roof, a pole or a tree: dark on one side of a line, in a band, or in patches."""
    height, width = grey.shape
    kind = rng.random()
    if kind < 0.75:
        y, x = np.ogrid[:height, :width]
        turn = rng.uniform(0, 2 * np.pi)
        along = ((x - rng.uniform(0, width)) * np.cos(turn) + (y - rng.uniform(0, height)) * np.sin(turn)).astype(np.float32)
        soft = float(np.exp(rng.uniform(np.log(0.5), np.log(8))))
        lit = along if kind < 0.5 else np.abs(along) - np.float32(rng.uniform(3, 60))
    else:
        cells = (int(rng.integers(4, 40)), int(rng.integers(6, 60)))
        lit = cv2.resize(rng.standard_normal(cells).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        soft = float(rng.uniform(0.1, 0.6))
    share = 1 / (1 + np.exp(np.clip(lit / soft, -30, 30)))
    return (grey * (1 - rng.uniform(0.25, 0.75) * share)).astype(np.float32)


def _thrown_back(rng: np.random.Generator, grey: Floats, quads: Sequence[Floats]) -> Floats:
    """Infra-red light or head lamps on a plate's reflecting sheet, the world round it nearly black; now and then the sheet
    burns out and blooms."""
    mask = np.zeros(grey.shape, np.uint8)
    for quad in quads:
        cv2.fillConvexPoly(mask, np.round(quad * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    share = mask.astype(np.float32) / 255
    white = max(40.0, float(np.percentile(grey[mask > 128], 90)) if (mask > 128).any() else 128.0)
    gain = float(rng.uniform(110, 330)) / white
    dark = float(np.exp(rng.uniform(np.log(0.06), np.log(0.6))))
    grey = (grey * (dark + (gain - dark) * share)).astype(np.float32)
    if rng.random() < 0.3:
        sigma = float(rng.uniform(1.5, 8))
        grey = grey + cv2.GaussianBlur(grey, (0, 0), sigma).astype(np.float32) * np.float32(rng.uniform(0.1, 0.5))
    return grey


# --- the camera ---


def expose(rng: np.random.Generator, grey: Floats) -> Floats:
    """Gamma, contrast, haze, too much light, night, infra-red light fall-off, lamps that dazzle."""
    height, width = grey.shape
    kind = rng.random()
    if kind < 0.22:  # night: little light, what there is falls off from a point
        y, x = np.ogrid[:height, :width]
        cx, cy, radius = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.35, 1.2) * width
        fall = 1 / (1 + ((x - cx) ** 2 + (y - cy) ** 2) / radius**2)
        grey = grey * (rng.uniform(0.12, 0.7) * fall + rng.uniform(0.03, 0.25)).astype(np.float32)
    if rng.random() < 0.75:
        top = max(40.0, float(grey.max()))
        grey = cv2.pow(np.clip(grey / top, 0, 1), float(np.exp(rng.normal(0, 0.38)))).astype(np.float32) * top
        contrast = float(np.exp(rng.normal(-0.1, 0.35)))
        middle = float(rng.uniform(40, 170))
        grey = (grey - middle) * contrast + middle + float(rng.normal(0, 22))
    extreme = rng.random()
    if extreme < 0.05:  # haze, a low sun, a misted lens
        grey = grey + (float(rng.uniform(90, 230)) - grey) * np.float32(rng.uniform(0.2, 0.65))
    elif extreme < 0.12:  # pale things burn out
        grey = np.minimum(grey * np.float32(rng.uniform(1.2, 2.4)) + np.float32(rng.uniform(0, 50)), 262)
    elif extreme < 0.15:  # nearly dark
        grey = np.clip(grey, 0, 255) * np.float32(rng.uniform(0.1, 0.35))
    for _ in range(int(rng.integers(1, 4)) if rng.random() < 0.18 else 0):
        y, x = np.ogrid[:height, :width]
        cx, cy, radius = (
            rng.uniform(0, width),
            rng.uniform(0, height),
            np.exp(rng.uniform(np.log(2), np.log(30))),
        )
        squared = ((x - cx) ** 2 + (y - cy) ** 2) / radius**2
        grey = grey + (rng.uniform(60, 400) / (1 + squared) ** rng.uniform(0.9, 2)).astype(np.float32)
    return grey


def blur(rng: np.random.Generator, grey: Floats, smallest_px: float) -> Floats:
    """Focus, motion, low resolution: as strong as the smallest plate bears and still be found by a person."""
    kind = rng.random()
    if kind < 0.3:
        return cv2.GaussianBlur(grey, (0, 0), float(rng.uniform(0.4, max(0.6, 0.035 * smallest_px)))).astype(np.float32)
    if kind < 0.54:
        length = float(rng.uniform(2, max(3.0, 0.17 * smallest_px)))
        angle = float(rng.normal(0, 25) if rng.random() < 0.8 else rng.uniform(0, 180))
        return _motion(grey, length, angle)
    if kind < 0.69:
        height, width = grey.shape
        factor = float(rng.uniform(max(0.4, min(0.9, 14 / smallest_px)), 0.95))
        small = cv2.resize(grey, (int(width * factor), int(height * factor)), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    if kind < 0.8:
        soft = cv2.GaussianBlur(grey, (0, 0), 1.2).astype(np.float32)
        return grey + (grey - soft) * float(rng.uniform(0.3, 1.5))
    return grey


def _motion(grey: Floats, length: float, angle_deg: float) -> Floats:
    size = int(np.ceil(length)) | 1
    kernel = np.zeros((size, size), np.float32)
    middle = size // 2
    step = np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))]) * length / 2
    a, b = np.round((middle - step) * 16).astype(int), np.round((middle + step) * 16).astype(int)
    cv2.line(kernel, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 1.0, 1, cv2.LINE_8, 4)
    return cv2.filter2D(grey, -1, kernel / max(1.0, float(kernel.sum()))).astype(np.float32)


class Camera:
    """Exposure, weather, optics, sensor noise and compression; holds a bank of noise, which is slow to draw."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._noise = [rng.standard_normal((700, 1100)).astype(np.float32) for _ in range(2)]
        self._noise.append(cv2.GaussianBlur(self._noise[0], (0, 0), 1.0).astype(np.float32) * 3)

    def take(self, rng: np.random.Generator, grey: Floats, smallest_px: float) -> Grey:
        grey = expose(rng, grey)
        if rng.random() < 0.05:
            grey = self._rain(rng, grey)
        grey = blur(rng, grey, smallest_px)
        if rng.random() < 0.7:
            grey = grey + self._some_noise(rng, grey.shape) * np.float32(abs(rng.normal(0, 5)))
        picture = np.clip(grey, 0, 255).astype(np.uint8)
        kind = rng.random()
        if kind < 0.36:
            picture = _jpeg(picture, int(rng.integers(18, 90)))
        elif kind < 0.46:  # a stream at a low bit rate: coarse blocks, smoothed again by the decoder
            picture = _jpeg(picture, int(rng.integers(7, 20)))
            picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, 0.9))).astype(np.uint8)
        return picture

    def _some_noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        bank = self._noise[int(rng.integers(len(self._noise)))]
        y, x = int(rng.integers(bank.shape[0] - shape[0])), int(rng.integers(bank.shape[1] - shape[1]))
        return bank[y : y + shape[0], x : x + shape[1]]

    def _rain(self, rng: np.random.Generator, grey: Floats) -> Floats:
        """Streaks in the air and drops on the glass."""
        streaks = (self._some_noise(rng, grey.shape) > rng.uniform(2.2, 3.0)).astype(np.float32)
        streaks = _motion(streaks, float(rng.uniform(5, 18)), float(rng.normal(90, 12)))
        grey = grey + streaks * np.float32(rng.uniform(150, 700))
        if rng.random() < 0.5:
            drops = np.zeros(grey.shape, np.uint8)
            for _ in range(int(rng.integers(3, 25))):
                centre = (int(rng.integers(grey.shape[1])), int(rng.integers(grey.shape[0])))
                cv2.circle(drops, centre, int(rng.integers(2, 14)), 255, -1, cv2.LINE_AA)
            through = cv2.GaussianBlur(grey, (0, 0), float(rng.uniform(2, 5))) + np.float32(rng.uniform(-20, 30))
            grey = grey + (through - grey) * (drops.astype(np.float32) / 255)
        return grey.astype(np.float32)


def _jpeg(picture: Grey, quality: int) -> Grey:
    coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE).astype(np.uint8)
