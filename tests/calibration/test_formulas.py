"""Shutter, frames on a plate, pixels a stroke, focal lengths: equal to the formulas and tables of the manuals."""

from __future__ import annotations

import pytest

from calibration.formulas import (
    KMH_PER_MPH,
    farthest_m,
    field_of_view_deg,
    focal_for,
    focal_px,
    fps_needed,
    frames_on_plate,
    motion_px,
    plate_px,
    shutter_s,
    shutter_words,
    stroke_px,
)


@pytest.mark.parametrize("kmh", [18, 22, 45, 68, 90, 136, 181])
def test_the_shutter_is_that_of_the_manuals(kmh: float) -> None:
    """t = 1/(11 v km/h), which is 1/(18 v mph) to two per cent."""
    assert shutter_s(kmh) == pytest.approx(1 / (11 * kmh))
    assert shutter_s(kmh) == pytest.approx(1 / (18 * kmh / KMH_PER_MPH), rel=0.02)


@pytest.mark.parametrize(
    ("denominator", "kmh"), [(200, 18), (250, 22), (500, 45), (750, 68), (1000, 90), (1500, 136), (2000, 181)]
)
def test_the_manuals_table_follows_from_it(denominator: int, kmh: float) -> None:
    """Milestone's and Axxon's seven rows, as they are rounded."""
    assert 1 / shutter_s(kmh) == pytest.approx(denominator, rel=0.035)


def test_seen_along_the_road_a_plate_may_travel_farther() -> None:
    """At 30° between road and line of sight half of the travel goes across; near 0° no more than fourfold is granted."""
    assert shutter_s(50, 30) == pytest.approx(2 * shutter_s(50))
    assert shutter_s(50, 0) == pytest.approx(4 * shutter_s(50))


def test_blur_is_travel_in_pixels_of_the_plate() -> None:
    """Trassir's case, 80 km/h at 1/1000 s and 20°: 7.6 mm across, 3.2 px at 130 px."""
    assert motion_px(80, 1 / 1000, 130, 20) == pytest.approx(3.2, abs=0.05)


@pytest.mark.parametrize(
    ("mph", "frames"),
    [(25, (2.7, 5.4, 8.1, 16.1)), (45, (1.5, 3.0, 4.5, 8.9)), (70, (1.0, 1.9, 2.9, 5.8))],
)
def test_frames_on_a_plate_are_length_times_rate_over_speed(mph: float, frames: tuple[float, ...]) -> None:
    """Six metres at 5, 10, 15 and 30 fps; and the rate that gives three frames gives three."""
    for fps, wanted in zip((5, 10, 15, 30), frames, strict=True):
        assert frames_on_plate(6, fps, mph * KMH_PER_MPH) == pytest.approx(wanted, abs=0.06)
    needed = fps_needed(6, mph * KMH_PER_MPH)
    assert frames_on_plate(6, needed, mph * KMH_PER_MPH) == pytest.approx(3)


def test_a_stroke_is_a_quarter_of_an_inch() -> None:
    """2.7 px a stroke is a plate of 129.6 px."""
    assert stroke_px(129.6) == pytest.approx(2.7)


@pytest.mark.parametrize(("fov", "metres"), [(66, 3.5), (102, 1.8), (41, 6.0), (25, 10.2), (12, 21.4)])
def test_how_far_a_lens_reaches(fov: float, metres: float) -> None:
    """130 px at 1920 wide; and back from distance to lens."""
    focal = focal_px(1920, fov)
    assert farthest_m(focal, 130) == pytest.approx(metres, rel=0.03)
    assert focal_for(130, farthest_m(focal, 130)) == pytest.approx(focal)
    assert field_of_view_deg(1920, focal) == pytest.approx(fov)


def test_a_turned_plate_is_narrower() -> None:
    """By the cosine: 6, 13 and 23 % at 20, 30 and 40°."""
    losses = [1 - plate_px(3000, 7, yaw) / plate_px(3000, 7) for yaw in (20, 30, 40)]
    assert losses == pytest.approx([0.06, 0.134, 0.234], abs=0.005)


def test_an_exposure_is_written_as_on_the_menu() -> None:
    """As a fraction of a second."""
    assert shutter_words(0.001) == "1/1000 s"
