"""What `plate-edge read` calls a plate."""

from __future__ import annotations

import pytest

from tests.readings import detection, reading

CASES = [
    ("sure detector, doubtful text", True, "AB12", 0.02, True),
    ("sure detector, certain word", True, "AUNTIE", 0.9, True),
    ("candidate, certain text", False, "AB12", 0.9, True),
    ("candidate, doubtful text", False, "AB12", 0.02, False),
    ("candidate, certain word", False, "BAKERY", 0.9, False),
    ("candidate, no text", False, "", 0.9, False),
]


@pytest.mark.parametrize(("sure", "text", "probability", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_plate_is_what_the_detector_is_sure_of_or_a_text_vouches_for(
    sure: bool, text: str, probability: float, expected: bool
) -> None:
    """One of the two witnesses must be convinced, and a word is no witness."""
    found = reading(text, probability, detection(0, 0, sure=sure))
    assert found.is_plate is expected
