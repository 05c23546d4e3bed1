"""Photographs of the card with known truth."""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np

from calibration.card import CardFinder
from calibration.scene import Eye, Pose, Sensor, photograph
from calibration.target import card_picture, make_card
from edge.records import Image

CARD = make_card()
SIZE_MM = (CARD.width_mm, CARD.height_mm)
EYE = Eye(frame_size=(960, 540), focal_px=1500.0)


@functools.cache
def sheet() -> Image:
    """The card's print."""
    return card_picture(CARD)


@functools.cache
def finder() -> CardFinder:
    """For that card."""
    return CardFinder(CARD)


@functools.cache
def street(size: tuple[int, int], seed: int = 1) -> Image:
    """Something behind the card: shades and boxes."""
    rng = np.random.default_rng(seed)
    ground = cv2.resize(rng.uniform(40, 200, (9, 16)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    ground = np.clip(ground, 0, 255).astype(np.uint8)
    for _ in range(30):
        x, y = (int(v) for v in rng.integers((0, 0), size))
        w, h = (int(v) for v in rng.integers((5, 5), (120, 80)))
        cv2.rectangle(ground, (x, y), (x + w, y + h), int(rng.integers(255)), -1)
    return np.asarray(ground, np.uint8)


def seen(pose: Pose, eye: Eye = EYE, *, blur_px: float = 0.7, noise: float = 2.0, seed: int = 0) -> Image:
    """The card at ``pose``."""
    return photograph(sheet(), SIZE_MM, pose, eye, Sensor(blur_px=blur_px, noise=noise), seed, street(eye.frame_size))


def at_width(width_px: float, eye: Eye = EYE, **angles: float) -> Pose:
    """In the middle, so far away that the card is about so wide head-on."""
    return Pose(z_m=eye.focal_px * CARD.width_mm / 1000 / width_px, **angles)


def save(path: Path, image: Image) -> Path:
    """As a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
    return path


def lens_views(eye: Eye, count: int = 12, seed: int = 1) -> list[Image]:
    """Cards in every part of the picture, tilted every way."""
    rng = np.random.default_rng(seed)
    width, height = eye.frame_size
    pictures = []
    for number in range(count):
        z = eye.focal_px * CARD.width_mm / 1000 / (width * rng.uniform(0.22, 0.42))
        x, y = rng.uniform(-0.5, 0.5, 2) * (width * 0.6, height * 0.5) / eye.focal_px * z
        yaw, pitch, roll = rng.uniform(-35, 35), rng.uniform(-35, 35), rng.uniform(-15, 15)
        pose = Pose(z_m=z, x_m=float(x), y_m=float(y), yaw=yaw, pitch=pitch, roll=roll)
        pictures.append(seen(pose, eye, seed=number))
    return pictures
