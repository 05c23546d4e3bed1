"""What stands behind options is understood, or refused with how to write it."""

from __future__ import annotations

import pytest

from calibration.arguments import direction_of, exposure_of, patch_of, polygon_of, size_of, style_of
from edge.errors import ConfigError


@pytest.mark.parametrize(("text", "seconds"), [("1/1000", 0.001), ("1/1000 s", 0.001), ("0.002", 0.002), (".5", 0.5)])
def test_an_exposure_is_read_as_menus_write_it(text: str, seconds: float) -> None:
    """A fraction, or seconds."""
    assert exposure_of(text) == pytest.approx(seconds)


def test_polygons_and_directions_are_in_shares_of_the_picture() -> None:
    """Corners in order; a direction is as long as one."""
    assert polygon_of("0,0 1,0 0.5,1", "--lane") == ((0, 0), (1, 0), (0.5, 1))
    assert direction_of("0.2,0.2 0.5,0.6") == pytest.approx((0.6, 0.8))
    assert patch_of("10,20,30,40") == (10, 20, 30, 40)
    assert size_of("1280x720") == (1280, 720)
    assert style_of("european") == "european"


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (exposure_of, "soon"), (exposure_of, "1/0"), (exposure_of, "0"), (exposure_of, "100"),
        (direction_of, "0,0"), (direction_of, "0,0 0,0"), (patch_of, "1,2,3"), (size_of, "big"), (style_of, "uk"),
        (lambda text: polygon_of(text, "--mask"), "0,0 1,1"),
        (lambda text: polygon_of(text, "--mask"), "0,0 1,1 2,0"),
        (lambda text: polygon_of(text, "--mask"), "0,0 1,1 x,0"),
        (lambda text: polygon_of(text, "--mask"), "0,0 1,1 nan,0"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(read, text: str) -> None:  # type: ignore[no-untyped-def]
    """In words that say how to write it."""
    with pytest.raises(ConfigError, match=r"read "):
        read(text)
