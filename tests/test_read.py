"""What `plate-edge read` calls a plate."""

from __future__ import annotations

import pytest

from tests.readings import detection, reading

CASES = [
    ("sure detector, no text", True, 0.0, True),
    ("sure detector, doubtful text", True, 0.02, True),
    ("candidate, certain text", False, 0.9, True),
    ("candidate, doubtful text", False, 0.02, False),
]


@pytest.mark.parametrize(("sure", "confidence", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_plate_is_what_the_detector_is_sure_of_or_a_text_vouches_for(sure: bool, confidence: float, expected: bool) -> None:
    """One of the two witnesses must be convinced."""
    found = reading("A", confidence, detection(0, 0, sure=sure))
    assert found.is_plate is expected
