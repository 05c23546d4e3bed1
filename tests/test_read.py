"""What `plate-edge read` calls a plate."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge import build
from edge.clock import Clock
from edge.config import RecognizerConfig
from edge.read import read_crop
from tests.readings import detection, reading

CASES = [
    ("sure detector, doubtful text", True, "AB12", 0.02, True),
    ("sure detector, certain word", True, "AUNTIE", 0.9, True),
    ("candidate, certain text", False, "AB12", 0.9, True),
    ("candidate, doubtful text", False, "AB12", 0.02, False),
    ("candidate, certain word", False, "BAKERY", 0.9, False),
    ("candidate, no text", False, "", 0.9, False),
    ("sure detector, no text", True, "", 0.9, False),
    ("sure detector, doubtful short text", True, "A1", 0.6, False),
    ("sure detector, certain short text", True, "A1", 0.9, True),
    ("candidate, certain short text", False, "A1", 0.99, False),
    ("sure detector, telephone number", True, "6045550123", 0.9, False),
    ("sure detector, a part of a telephone number", True, "04555012", 0.9, False),
    ("the longest number that a plate bears", True, "4826719", 0.9, True),
    ("candidate, telephone number", False, "6045550123", 0.99, False),
    ("sure detector, longest plate", True, "AB1234567", 0.9, True),
]


@pytest.mark.parametrize(("sure", "text", "probability", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_plate_has_a_text_and_a_sure_detector_or_a_text_that_vouches_for_it(
    sure: bool, text: str, probability: float, expected: bool
) -> None:
    """No characters, or more than a plate has, are no plate; else one of two witnesses must be convinced; a word is none."""
    found = reading(text, probability, detection(0, 0, sure=sure))
    assert found.is_plate is expected


def test_a_crop_is_one_plate_whatever_is_found_on_it(tmp_path: Path) -> None:
    """Of a picture that is one plate something is said even where the reader finds no character: an even grey."""
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((64, 128), 90, np.uint8))
    models = Path(__file__).resolve().parents[1] / "models"
    (plate,) = read_crop(tmp_path / "grey.png", build.recognizer(models, RecognizerConfig()), Clock()).plates
    assert plate.box == (0, 0, 128, 64)
