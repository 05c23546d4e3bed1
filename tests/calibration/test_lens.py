"""The lens from a dozen cards, and what is refused."""

from __future__ import annotations

import functools

import msgspec
import numpy as np
import pytest

from calibration.lens import LensView, calibrate_lens, lens_view, residual_picture
from calibration.records import Finding
from calibration.scene import Eye, Pose
from edge.errors import CameraError
from tests.calibration.scenes import finder, lens_views, seen

EYE = Eye(frame_size=(960, 540), focal_px=1100.0, axis=(487.0, 262.0), distortion=(-0.25, 0.08, 0.0, 0.0, 0.0))


STRAIGHT = Eye(frame_size=(960, 540), focal_px=1100.0)


@functools.cache
def good_views() -> tuple[LensView, ...]:
    """A dozen, through a lens that bends lines."""
    return tuple(views(EYE))


def views(eye: Eye, poses: list[Pose] | None = None) -> list[LensView]:
    pictures = lens_views(eye) if poses is None else [seen(pose, eye, seed=n) for n, pose in enumerate(poses)]
    found = [lens_view(str(number), picture, finder()) for number, picture in enumerate(pictures)]
    return [view for view in found if not isinstance(view, Finding)]


def test_intrinsics_come_out_within_one_per_cent() -> None:
    """Focal lengths within 1 %, the axis within 1 % of the width, the distortion as it is; and the fit is far below 1 px."""
    taken = good_views()
    lens = calibrate_lens(taken)
    assert (lens.fx, lens.fy) == pytest.approx((1100, 1100), rel=0.01)
    assert (lens.cx, lens.cy) == pytest.approx((487, 262), abs=9.6)
    assert lens.distortion[0] == pytest.approx(-0.25, abs=0.03)
    assert lens.rms_px < 0.3 and len(lens.view_rms_px) == lens.views
    picture = residual_picture(taken, lens)
    assert picture.shape == (540, 960, 3) and (picture != 255).any()


def test_one_view_is_not_enough() -> None:
    """It says how many are, and how to hold them."""
    with pytest.raises(CameraError, match=r"1 view\(s\) of the card, at least 5 .* tilted by 30°"):
        calibrate_lens(views(STRAIGHT, [Pose(z_m=1.2)]))


def test_views_that_are_all_alike_are_refused() -> None:
    """The same place again and again, or never tilted: both fit every focal length."""
    with pytest.raises(CameraError, match="alike"):
        calibrate_lens(views(STRAIGHT, [Pose(z_m=1.2, x_m=0.001 * n) for n in range(5)]))
    with pytest.raises(CameraError, match="alike"):
        calibrate_lens(views(STRAIGHT, [Pose(z_m=1.2 + 0.12 * n, x_m=0.08 * (n - 3), y_m=0.03 * (n % 3)) for n in range(6)]))


def test_a_bent_card_is_refused() -> None:
    """Points that no lens explains within 1 px: the card is not flat, or was not held still."""
    rng = np.random.default_rng(3)
    bent = [
        msgspec.structs.replace(view, where_px=view.where_px + rng.normal(0, 2.5, view.where_px.shape)) for view in good_views()
    ]
    with pytest.raises(CameraError, match=r"better than \d|alike"):
        calibrate_lens(bent)


def test_pictures_of_two_sizes_are_refused() -> None:
    """A lens belongs to one stream."""
    other = Eye(frame_size=(640, 360), focal_px=900.0)
    with pytest.raises(CameraError, match="differ in size"):
        calibrate_lens([*views(STRAIGHT, [Pose(z_m=1.2)]), *views(other, [Pose(z_m=1.2)])])


def test_pictures_without_a_card_say_so() -> None:
    """The first reason is given."""
    with pytest.raises(CameraError, match="in none of 2 pictures: there is no"):
        calibrate_lens([], [("a", Finding(what="there is no card", cure="hold it"))] * 2)
