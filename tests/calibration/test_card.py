"""The card gives distance and angles; what is no good picture of it is named, with what to do."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from calibration.angles import camera_matrix
from calibration.card import BLURRED, EMPTY, HALF, MIRRORED, NO_CARD, OTHER, TOO_SMALL, CardFinder
from calibration.place import place_lane, pose_of
from calibration.records import CardView, Finding
from calibration.scene import Eye, Pose, corners_of
from calibration.slanted_edge import edge_mtf
from calibration.target import make_card
from calibration.thresholds import MTF_CYCLES_PER_PX
from edge.errors import CameraError
from edge.records import Image
from tests.calibration.scenes import CARD, EYE, SIZE_MM, at_width, finder, seen, street

MATRIX = camera_matrix(EYE.focal_px, EYE.frame_size)


def view_of(image: Image) -> CardView:
    found = finder().find(image)
    assert isinstance(found, CardView), found
    return found


@pytest.mark.parametrize("width_px", [136, 180, 300])
@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (20, 12, 2), (-28, 5, -4), (8, 25, 6)], ids=lambda v: str(v))
def test_distance_and_angles_from_the_card(width_px: float, yaw: float, pitch: float, roll: float) -> None:
    """From 130 px on, off the axis, a little soft and noisy: distance within 2 %, yaw and pitch within 1.5°."""
    width_px = max(width_px, 136 / np.cos(np.deg2rad(yaw)))  # as it is seen
    middle = at_width(width_px, yaw=yaw, pitch=pitch, roll=roll)
    pose = Pose(z_m=middle.z_m, x_m=0.08 * middle.z_m, y_m=-0.05 * middle.z_m, yaw=yaw, pitch=pitch, roll=roll)
    found = pose_of(view_of(seen(pose, seed=int(width_px))), CARD, "card", MATRIX)
    truth = float(np.linalg.norm((pose.x_m, pose.y_m, pose.z_m)))
    assert found.width_px >= 130
    assert found.distance_m == pytest.approx(truth, rel=0.02)
    assert found.angles.yaw.best == pytest.approx(yaw, abs=1.5)
    assert found.angles.pitch.best == pytest.approx(pitch, abs=1.5)
    assert found.angles.roll.best == pytest.approx(roll, abs=1.5)
    for angle, value in ((found.angles.yaw, yaw), (found.angles.pitch, pitch)):
        assert angle.low <= value <= angle.high


def test_the_outline_lies_on_the_card() -> None:
    """To a quarter of a pixel."""
    pose = at_width(150, yaw=15, pitch=10)
    assert np.abs(np.array(view_of(seen(pose)).outline) - corners_of(SIZE_MM, pose, EYE)).max() < 0.25


@pytest.mark.parametrize("blur_px", [0.7, 1.0])
def test_the_slanted_edge_is_that_of_the_lens(blur_px: float) -> None:
    """Contrast at a stroke of 2.7 px: within 0.04 of a Gaussian lens and square pixels."""
    image = seen(at_width(200, yaw=8, roll=3), blur_px=blur_px)
    found = edge_mtf(image, view_of(image), CARD)
    wanted = np.exp(-2 * (np.pi * blur_px * MTF_CYCLES_PER_PX) ** 2) * np.sinc(MTF_CYCLES_PER_PX)
    assert found.across == pytest.approx(wanted, abs=0.04)
    assert found.along == pytest.approx(wanted, abs=0.04)


@functools.cache
def bad_pictures() -> dict[str, tuple[Image, Finding]]:
    good = seen(at_width(200, yaw=10))
    hidden = good.copy()
    hidden[:, :480] = street(EYE.frame_size, 7)[:, :480]
    near = at_width(220)
    return {
        "blurred": (seen(at_width(200), blur_px=4.5), BLURRED),
        "half hidden": (hidden, HALF),
        "half outside": (seen(Pose(z_m=near.z_m, x_m=0.31 * near.z_m)), HALF),
        "mirrored": (np.ascontiguousarray(good[:, ::-1]), MIRRORED),
        "too small": (seen(at_width(80), blur_px=0.4), TOO_SMALL),
        "no card": (street(EYE.frame_size, 3), NO_CARD),
        "grey": (np.full((540, 960), 110, np.uint8), EMPTY),
    }


@pytest.mark.parametrize("name", ["blurred", "half hidden", "half outside", "mirrored", "too small", "no card", "grey"])
def test_a_bad_picture_says_what_is_wrong(name: str) -> None:
    """Each by its own name, with a cure."""
    image, wanted = bad_pictures()[name]
    assert finder().find(image) == wanted
    assert len(wanted.cure) > 20


def test_another_card_is_noticed() -> None:
    """A board of other proportions has the same markers elsewhere."""
    assert CardFinder(make_card(20.5, 4.3)).find(seen(at_width(250))) == OTHER


def test_a_turned_picture_is_named() -> None:
    """The card is found, and its roll says that the camera lies on its side."""
    image = np.ascontiguousarray(np.rot90(seen(at_width(200))))
    geometry = place_lane([("a", view_of(image))], CARD, focal_px=EYE.focal_px)
    assert geometry.findings[0].what == "the picture is turned by 90°"


def test_a_wrong_print_scale_is_told_by_the_ruler_and_by_the_tape() -> None:
    """Printed at 94 %, the card seems farther than it is; the ruler sets it right, the tape shows it."""
    pose = at_width(180)
    small = Pose(z_m=pose.z_m / 0.94)  # a card of 94 % at pose.z_m looks like a whole one farther away
    view = view_of(seen(small))
    right = place_lane([("a", view)], CARD, focal_px=EYE.focal_px, ruler_mm=94)
    lines = {line.name: line for line in right.measures}
    assert right.near.distance_m == pytest.approx(pose.z_m, rel=0.02)
    assert lines["print_scale"].verdict == "WARN" and "94" in lines["print_scale"].words
    unruled = place_lane([("a", view)], CARD, focal_px=EYE.focal_px, tape_m=pose.z_m)
    lines = {line.name: line for line in unruled.measures}
    assert lines["print_scale"].verdict == "UNKNOWN" and "ruler" in lines["print_scale"].words
    assert lines["tape"].verdict == "FAIL" and "94%" in lines["tape"].words


def test_the_lens_that_is_wanted_is_named() -> None:
    """A card of 100 px at the far edge wants a lens 1.3 times as long."""
    views = [(name, view_of(seen(at_width(width)))) for name, width in (("near", 200.0), ("far", 100.0))]
    geometry = place_lane(views, CARD, focal_px=EYE.focal_px)
    line = next(line for line in geometry.measures if line.name == "lens")
    assert line.value == pytest.approx(1.3, abs=0.02)
    assert (geometry.near.name, geometry.far.name) == ("near", "far")
    assert geometry.plate_px[0] < 100 and geometry.plate_px[1] > 200


def test_without_a_focal_length_nothing_is_placed() -> None:
    """It says how to get one."""
    with pytest.raises(CameraError, match="calibrate lens"):
        place_lane([("a", view_of(seen(at_width(200))))], CARD)


def test_a_card_through_a_bending_lens_keeps_its_place() -> None:
    """With the distortion known, distance and angles hold near the picture's rim."""
    eye = Eye(frame_size=(960, 540), focal_px=1000.0, distortion=(-0.3, 0.1, 0.0, 0.0, 0.0))
    pose = Pose(z_m=2.0, x_m=0.6, y_m=0.2, yaw=-10, pitch=8)
    view = view_of(seen(pose, eye))
    found = pose_of(view, CARD, "card", eye.matrix, eye.distortion)
    assert found.distance_m == pytest.approx(float(np.linalg.norm((0.6, 0.2, 2.0))), rel=0.02)
    assert found.angles.yaw.best == pytest.approx(-10, abs=1.5)
    assert found.angles.pitch.best == pytest.approx(8, abs=1.5)
