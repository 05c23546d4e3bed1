"""The plate comes out upright, whichever way the camera stood."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.recognizer.straighten import MARGIN, sharpness, straighten
from edge.records import Box, Detection, Point

PLATE = np.zeros((100, 200, 3), np.uint8)
PLATE[:, :100] = (255, 255, 255)  # left half white
PLATE[:50, 100:] = (0, 0, 255)  # upper right red

QUADS: dict[str, tuple[Point, Point, Point, Point]] = {
    "level": ((300, 200), (500, 200), (500, 300), (300, 300)),
    "rolled 15 degrees": ((300, 200), (493, 252), (467, 348), (274, 296)),
    "seen from the side": ((300, 200), (420, 220), (420, 300), (300, 330)),
    "large": ((50, 50), (1050, 60), (1040, 560), (60, 550)),
    "cut by the frame": ((-60, 200), (140, 200), (140, 300), (-60, 300)),
}


@pytest.mark.parametrize("name", QUADS)
def test_a_plate_is_straightened_to_its_own_proportions(name: str) -> None:
    """White on the left, red above black on the right, at the places that the margin leaves."""
    quad = QUADS[name]
    corners = np.array(quad, np.float32)
    source = np.array([(0, 0), (200, 0), (200, 100), (0, 100)], np.float32)
    image = np.full((720, 1280, 3), 60, np.uint8)
    transform = cv2.getPerspectiveTransform(source, corners)
    cv2.warpPerspective(PLATE, transform, (1280, 720), dst=image, borderMode=cv2.BORDER_TRANSPARENT)
    found = Detection(box=Box(x=0, y=0, w=1, h=1), corners=quad, confidence=1.0)
    upright = straighten(image, found, 128, 64)
    assert upright.shape == (64, 128, 3)

    def at(x: float, y: float) -> list[int]:
        """The colour at a place given in shares of the plate."""
        inner = 1 - 2 * MARGIN
        return [int(v) for v in upright[int(64 * (MARGIN + y * inner)), int(128 * (MARGIN + x * inner))]]

    if name != "cut by the frame":
        assert min(at(0.2, 0.5)) > 200
    assert at(0.75, 0.25)[2] > 200
    assert max(at(0.75, 0.25)[:2]) < 60
    assert max(at(0.75, 0.75)) < 60


def test_a_sharp_picture_scores_above_its_blurred_copy_and_a_flat_one_zero() -> None:
    """The vote trusts the crisper of two pictures of one plate, at any contrast."""
    noise = np.random.default_rng(3).integers(0, 255, (64, 128), np.uint8)
    faint = (noise // 4 + 90).astype(np.uint8)
    assert sharpness(noise) > 2 * sharpness(np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.5), np.uint8))
    assert sharpness(faint) == pytest.approx(sharpness(noise), rel=0.1)
    assert sharpness(np.full((64, 128), 90, np.uint8)) == 0.0
