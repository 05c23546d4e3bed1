"""From rows of a network to one detection per plate."""

from __future__ import annotations

import numpy as np
import pytest

from edge.detector.postprocess import one_per_plate, plates_from_boxes, plates_from_corners
from edge.detector.preprocess import grey_input, letterbox_rgb
from tests.readings import detection

SHAPES = [(720, 1280), (1080, 1920), (416, 416), (480, 640), (1600, 900), (352, 640), (100, 1000)]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_point_of_the_grey_input_goes_back_to_its_place(shape: tuple[int, int]) -> None:
    """A bright square is found on the network's input where the placement says, whatever the frame's aspect."""
    image = np.zeros((*shape, 3), np.uint8)
    h, w = shape
    image[h // 2 : h // 2 + h // 10, w // 4 : w // 4 + w // 10] = 255
    plane, placement = grey_input(image, 640, 352)
    assert plane.shape == (1, 1, 352, 640)
    ys, xs = np.nonzero(plane[0, 0] > 200)
    x, y = placement.to_frame(float(xs.mean() + 0.5), float(ys.mean() + 0.5))
    assert x == pytest.approx(w // 4 + w // 10 / 2, abs=0.006 * w)
    assert y == pytest.approx(h // 2 + h // 10 / 2, abs=0.006 * h)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_point_of_the_letterbox_goes_back_to_its_place(shape: tuple[int, int]) -> None:
    """The same for the YOLOv9 input, whose padding is on both sides."""
    image = np.zeros((*shape, 3), np.uint8)
    h, w = shape
    image[h // 2 : h // 2 + h // 10, w // 4 : w // 4 + w // 10] = 255
    planes, placement = letterbox_rgb(image, 384, 384)
    ys, xs = np.nonzero(planes[0, 0] > 0.8)
    x, y = placement.to_frame(float(xs.mean() + 0.5), float(ys.mean() + 0.5))
    pixel = 1 / placement.scale_x  # one pixel of the network in frame pixels
    assert x == pytest.approx(w // 4 + w // 10 / 2, abs=pixel)
    assert y == pytest.approx(h // 2 + h // 10 / 2, abs=pixel)


def test_grey_and_colour_frames_give_the_same_plane() -> None:
    """An infra-red camera's single plane is what the detector would have made of it."""
    grey = np.random.default_rng(1).integers(0, 255, (720, 1280), np.uint8)
    colour = np.repeat(grey[:, :, None], 3, axis=2)
    assert np.array_equal(grey_input(grey, 640, 352)[0], grey_input(colour, 640, 352)[0])


def test_corner_rows_become_plates_in_frame_pixels() -> None:
    """Scores below the threshold go; corners keep their order and the box spans them."""
    placement = grey_input(np.zeros((704, 1280), np.uint8), 640, 352)[1]
    rows = np.array([[0.9, 10, 20, 60, 22, 61, 45, 11, 43], [0.3, 100, 100, 150, 100, 150, 120, 100, 120]], np.float32)
    (plate,) = plates_from_corners(rows, placement, 0.5)
    assert plate.corners == ((20, 40), (120, 44), (122, 90), (22, 86))
    assert (plate.box.x, plate.box.y, plate.box.w, plate.box.h) == (20, 40, 102, 50)


def test_yolov9_rows_become_plates_in_frame_pixels() -> None:
    """The published end-to-end format: index, corners of the box, class, score, on a padded square."""
    placement = letterbox_rgb(np.zeros((360, 640, 3), np.uint8), 384, 384)[1]
    rows = np.array([[0, 60, 84, 120, 114, 0, 0.8], [0, 0, 0, 50, 50, 0, 0.1]], np.float32)
    (plate,) = plates_from_boxes(rows, placement, 0.5)
    assert (plate.box.x, plate.box.y, plate.box.w, plate.box.h) == pytest.approx((100, 0, 100, 50), abs=0.5)


def test_overlapping_and_nested_boxes_are_one_plate_and_neighbours_are_two() -> None:
    """The most confident of several boxes on a plate stays."""
    sure = detection(100, 100, 100, 0.9)
    shifted = detection(110, 104, 100, 0.8)
    nested = detection(120, 110, 50, 0.7)
    neighbour = detection(230, 100, 100, 0.6)
    assert one_per_plate([nested, neighbour, shifted, sure], 1280, 720) == (sure, neighbour)


def test_boxes_outside_the_frame_or_without_area_are_no_plates() -> None:
    """What a network may say of its padding never becomes a detection."""
    outside = detection(1300, 100)
    broken = detection(float("nan"), 100)
    flat = detection(100, 100, 1.0)
    assert one_per_plate([outside, broken, flat], 1280, 720) == ()
