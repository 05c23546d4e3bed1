"""Slices by width, brightness, blur, tilt and state."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.bench.score import BoxXYWH, FoundPlate, ScoredFrame, TruthPlate
from edge.bench.slices import SlicedPlate, plates_of, slice_plates, slope_deg
from edge.read import PictureText, PlateText
from edge.records import Image, Point


def plate(**fields: object) -> SlicedPlate:
    known = {"found": True, "right": True, "width_px": 120.0, "luma": 120.0, "sharpness": 0.1}
    return SlicedPlate(**{**known, **fields})  # type: ignore[arg-type]


def counts(plates: list[SlicedPlate], by: str) -> dict[str, tuple[int, int]]:
    """Found of all, in each slice of one kind."""
    return {each.name: (each.recall.hits, each.recall.total) for each in slice_plates(plates) if each.by == by}


def striped(width: int, height: int) -> Image:
    image = np.full((height, width, 3), 200, np.uint8)
    image[:, ::6] = 20
    return image


def text(box: BoxXYWH, corners: tuple[Point, Point, Point, Point], region: str = "US-CT") -> PlateText:
    return PlateText(
        box=box, corners=corners, confidence=0.9, text="AB1", text_confidence=0.9, char_confidence=(0.9,), region=region
    )


def test_a_plate_is_in_one_slice_of_each_kind() -> None:
    """Edges belong to the slice above; a plate that was not found has no tilt."""
    plates = [plate(width_px=59.9, found=False), plate(width_px=60.0, tilt_deg=3.0), plate(width_px=100.0, tilt_deg=8.0)]
    plates += [plate(luma=69.9, tilt_deg=2.9), plate(luma=70.0, tilt_deg=50.0)]
    assert counts(plates, "width") == {"< 60 px": (0, 1), "60–100 px": (1, 1), "≥ 100 px": (3, 3)}
    assert counts(plates, "brightness") == {"dark, < 70": (1, 1), "light, ≥ 70": (3, 4)}
    assert counts(plates, "tilt") == {"< 3°": (1, 1), "3–8°": (1, 1), "≥ 8°": (2, 2)}


def test_blur_is_sliced_into_thirds() -> None:
    """As many plates in each, whatever the measure's scale."""
    plates = [plate(sharpness=float(value), found=value > 3) for value in range(9)]
    assert counts(plates, "blur") == {"most blurred third": (0, 3), "middle third": (2, 3), "sharpest third": (3, 3)}


def test_a_slice_without_a_plate_is_not_shown() -> None:
    """Nothing counted, nothing said; no plates at all is no error."""
    assert {each.by for each in slice_plates([plate()])} == {"width", "brightness", "blur"}
    assert slice_plates([]) == ()


def test_states_are_sliced_by_the_true_one() -> None:
    """Each with how often it was named and its text read."""
    plates = [
        plate(state="US-CT", named=True),
        plate(state="US-CT", named=False, right=False),
        plate(state="US-NY", named=True),
    ]
    states = [each for each in slice_plates(plates) if each.by == "state"]
    assert [(s.name, s.named.hits, s.named.total, s.exact.hits) for s in states] == [("US-CT", 1, 2, 1), ("US-NY", 1, 1, 1)]


def test_a_blurred_plate_measures_less_sharp_at_any_size() -> None:
    """The same plate, near or far, bright or pale, is sharper than its blurred picture."""
    box: BoxXYWH = (10.0, 10.0, 240.0, 120.0)
    frame = ScoredFrame(truth=(TruthPlate(box=box, text="AB1"),), found=())
    result = PictureText(image="p", size=(260, 140), plates=())
    crisp = striped(260, 140)
    blurred = np.asarray(cv2.GaussianBlur(crisp, (0, 0), 4), np.uint8)
    pale = np.asarray(cv2.convertScaleAbs(crisp, alpha=0.3, beta=100), np.uint8)
    sharp = [plates_of(image, frame, result, None)[0].sharpness for image in (crisp, blurred, pale)]
    assert sharp[1] < 0.5 * sharp[0]
    assert sharp[2] == pytest.approx(sharp[0], rel=0.1)


def test_a_plate_takes_its_tilt_from_the_corners_and_its_brightness_from_the_picture() -> None:
    """10 px over 100 is 5.7°; a luma that the manifest gives is taken as it is; a partial plate is left out."""
    box: BoxXYWH = (10.0, 10.0, 100.0, 60.0)
    corners: tuple[Point, Point, Point, Point] = ((10.0, 20.0), (110.0, 10.0), (110.0, 60.0), (10.0, 70.0))
    found = FoundPlate(box=box, confidence=0.9, text="AB1", text_confidence=0.9)
    truth = (TruthPlate(box=box, text="AB1"), TruthPlate(box=(200.0, 10.0, 60.0, 30.0), partial=True))
    result = PictureText(image="p", size=(300, 100), plates=(text(box, corners),))
    image = np.full((100, 300, 3), 40, np.uint8)
    (seen,) = plates_of(image, ScoredFrame(truth=truth, found=(found,)), result, None)
    assert seen.tilt_deg == pytest.approx(5.7, abs=0.05)
    assert (seen.luma, seen.right, seen.named) == (40.0, True, None)
    marked = (TruthPlate(box=box, text="XY2", luma=99.0),)
    (seen,) = plates_of(image, ScoredFrame(truth=marked, found=(found,)), result, "US-NY")
    assert (seen.luma, seen.right, seen.named) == (99.0, False, False)


def test_a_crop_has_no_tilt() -> None:
    """Its corners are the picture's, not the detector's."""
    box: BoxXYWH = (0.0, 0.0, 128.0, 64.0)
    found = FoundPlate(box=box, confidence=1.0, text="AB1")
    corners: tuple[Point, Point, Point, Point] = ((0.0, 0.0), (128.0, 0.0), (128.0, 64.0), (0.0, 64.0))
    result = PictureText(image="p", size=(128, 64), plates=(text(box, corners),))
    (seen,) = plates_of(striped(128, 64), ScoredFrame(truth=(TruthPlate(box=box),), found=(found,)), result, "US-CT")
    assert (seen.tilt_deg, seen.right, seen.named) == (None, None, True)


def test_slope_does_not_care_which_way_a_plate_leans() -> None:
    """Rising or falling by 10 px over 100."""
    rising = ((0.0, 10.0), (100.0, 0.0), (100.0, 50.0), (0.0, 60.0))
    falling = ((0.0, 0.0), (100.0, 10.0), (100.0, 60.0), (0.0, 50.0))
    assert slope_deg(rising) == pytest.approx(slope_deg(falling))
