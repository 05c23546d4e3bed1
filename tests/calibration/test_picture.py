"""What is measured in a plate's picture is what was put into it."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.focus import PeakHold, focus_measures, patch_of
from calibration.judge import blur_measure, measure, traffic_light, worst
from calibration.picture import measure_plate
from calibration.predict import bank
from calibration.records import Corners, PlatePicture, Road
from calibration.scene import Eye, Pose, Sensor, corners_of, photograph
from calibration.thresholds import PLATE_WIDTH_PX, SHUTTER_SOURCE
from edge.errors import CameraError
from edge.records import Image
from tests.calibration.scenes import SIZE_MM, at_width, seen

EYE = Eye(frame_size=(400, 240), focal_px=2000.0)


def plate(width_px: float = 130.0, sensor: Sensor | None = None, number: int = 5, roll: float = 0.0) -> tuple[Image, Corners]:
    """One drawn plate and where it is."""
    pose = Pose(z_m=EYE.focal_px * 0.3048 / width_px, roll=roll)
    image = photograph(bank("us")[number].image, SIZE_MM, pose, EYE, sensor or Sensor(blur_px=0.5, noise=2.0), number)
    return image, corners_of(SIZE_MM, pose, EYE)


def measured(sensor: Sensor, width_px: float = 130.0) -> list[PlatePicture]:
    return [measure_plate(*plate(width_px, sensor, number)) for number in range(0, 60, 10)]


def middle(values: list[float | None]) -> float:
    return float(np.median([value for value in values if value is not None]))


def test_width_and_strokes_are_those_of_the_corners() -> None:
    """Turned by eight degrees, too."""
    picture = measure_plate(*plate(150, roll=8))
    assert picture.width_px == pytest.approx(150, rel=0.01)
    assert picture.stroke_px == pytest.approx(150 / 48, rel=0.01)
    assert picture.height_px == pytest.approx(75, rel=0.02)


def test_blur_is_measured_in_pixels() -> None:
    """The 10-90 % width of a Gaussian is 2.56 σ; from σ 0.7 to 1.5 px it comes out within a quarter, and it always grows."""
    widths = [middle([p.blur_x_px for p in measured(Sensor(blur_px=sigma, noise=2.0))]) for sigma in (0.3, 0.7, 1.0, 1.5, 2.2)]
    assert widths == sorted(widths)
    assert widths[1:4] == pytest.approx([0.7 * 2.56, 2.56, 1.5 * 2.56], rel=0.25)


def test_a_smear_is_told_from_a_soft_lens() -> None:
    """Six pixels along the plate blur one direction only: the words speak of exposure, with the figure for the speed."""
    pictures = measured(Sensor(blur_px=0.6, motion_px=6, motion_deg=0, noise=2.0))
    assert middle([p.blur_x_px for p in pictures]) > 1.5 * middle([p.blur_y_px for p in pictures])
    line = blur_measure(pictures, 130, Road(speed_kmh=90))
    assert line.verdict != "PASS" and "exposure" in line.words and "1/990 s" in line.words
    soft = blur_measure(measured(Sensor(blur_px=2.2, noise=2.0)), 130, Road(speed_kmh=90))
    assert soft.verdict != "PASS" and "focus" in soft.words


@pytest.mark.parametrize("noise", [2.0, 6.0, 12.0])
def test_noise_is_measured_in_grey_levels(noise: float) -> None:
    """Within a quarter or one level."""
    found = middle([p.noise for p in measured(Sensor(blur_px=0.8, noise=noise))])
    assert found == pytest.approx(noise, rel=0.25, abs=1.0)


def test_exposure_and_contrast_are_measured_inside_the_plate() -> None:
    """A burnt-out plate is clipped, a dark one crushed, a foggy one flat."""
    burnt = measure_plate(*plate(130, Sensor(black=60, white=420)))
    dark = measure_plate(*plate(130, Sensor(black=-150, white=90, noise=0.5)))
    foggy = measure_plate(*plate(130, Sensor(black=120, white=140, noise=0.5)))
    assert burnt.clipped > 0.3 > burnt.crushed
    assert dark.crushed > 0.2 > dark.clipped
    assert foggy.contrast < 0.1 and foggy.step < 25
    lines = {line.name: line for line in traffic_light([burnt], None, Road())}
    assert lines["clipped"].verdict in ("WARN", "FAIL") and "exposure" in lines["clipped"].words


def test_every_line_names_its_source_and_a_cure() -> None:
    """Whatever does not pass says what to do; every threshold says whose it is."""
    pictures = measured(Sensor(blur_px=2.5, noise=14, black=90, white=130), 80)
    road = Road(speed_kmh=110, zone_m=4, fps=5, exposure_s=1 / 100, angle_deg=30)
    lines = traffic_light(pictures, None, road)
    assert worst(lines) == "FAIL"
    for line in lines:
        assert line.source and line.target
        assert (line.words == "") == (line.verdict == "PASS"), line.name
    shutter = next(line for line in lines if line.name == "shutter")
    assert (shutter.verdict, shutter.source, shutter.target) == ("FAIL", SHUTTER_SOURCE, "≤ 1/605 s")


def test_nothing_is_invented_where_nothing_was_seen() -> None:
    """No plate, no speed: every line is UNKNOWN and says how it can be known."""
    lines = traffic_light([], None, Road())
    assert {line.verdict for line in lines} == {"UNKNOWN"}
    assert all(line.value is None and line.words for line in lines)


@pytest.mark.parametrize(("width", "verdict"), [(130, "PASS"), (129, "WARN"), (70, "WARN"), (69, "FAIL")])
def test_verdicts_turn_at_the_thresholds(width: float, verdict: str) -> None:
    """130 and 70 px."""
    assert measure("plate_width", width, "px", "", width, PLATE_WIDTH_PX, "zoom in").verdict == verdict


def test_no_plate_at_a_place_is_said() -> None:
    """Corners outside of the picture, or of no size."""
    image, _ = plate()
    for corners in (
        ((900.0, 0.0), (990.0, 0.0), (990.0, 40.0), (900.0, 40.0)),
        ((5.0, 5.0), (9.0, 5.0), (9.0, 7.0), (5.0, 7.0)),
    ):
        with pytest.raises(CameraError, match="aim the camera"):
            measure_plate(image, corners)


def test_focus_is_held_at_its_peak() -> None:
    """While the lens turns past the best, the share of the best rises to 1 and falls; the peak is where the lens was sharp."""
    hold = PeakHold()
    pose = at_width(220)
    blurs = (4.0, 3.0, 2.0, 1.2, 0.6, 0.6, 1.2, 2.0, 3.0)
    for number, blur in enumerate(blurs):
        image = seen(pose, blur_px=blur, seed=number)
        hold.see(float(number), image, patch_of(((370.0, 215.0), (590.0, 215.0), (590.0, 325.0), (370.0, 325.0)), image))
    (run,) = hold.runs()
    assert 3 <= run.best_s <= 6
    assert run.last < 0.6
    (line,) = focus_measures(hold.runs())
    assert line.verdict == "FAIL" and "turn the focus ring back" in line.words


def test_day_and_infrared_are_kept_apart_and_their_shift_is_named() -> None:
    """Sharp by day, soft when the light changes, sharp again after a turn: infra-red began below its best."""
    hold = PeakHold()
    for number, (blur, colour) in enumerate([(0.6, True)] * 3 + [(1.6, False)] * 3 + [(0.6, False)] * 4):
        grey = seen(at_width(220), blur_px=blur, seed=number)
        image = np.repeat(grey[:, :, None], 3, axis=2)
        if colour:
            image[:, :, 0] //= 2
        hold.see(float(number), image, (370, 215, 220, 110))
    assert [run.light for run in hold.runs()] == ["day", "infrared"]
    shift = next(line for line in focus_measures(hold.runs()) if line.name == "focus_shift")
    assert shift.verdict != "PASS" and "shifts between day and infra-red" in shift.words


def test_a_patch_without_edges_shows_no_focus() -> None:
    """It says where to put it."""
    with pytest.raises(CameraError, match="card or a plate"):
        PeakHold().see(0.0, np.full((240, 400), 90, np.uint8), (10, 10, 80, 80))
