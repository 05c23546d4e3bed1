"""From a moment to the JPEGs that leave: no more than is permitted, no larger than they may be, no other plate on them."""

from __future__ import annotations

import cv2
import msgspec
import numpy as np
import pytest

from edge.images.evidence import LIMITS, encode, illustrated
from edge.images.shots import Shot
from edge.records import Box, Image, ImageScope
from tests.images.test_shots import scene
from tests.labeled import release


def shot(image: Image, *others: Box, crop: Image | None = None) -> Shot:
    return Shot(score=1.0, media_s=0.0, crop=image[100:200, 100:300] if crop is None else crop, frame=image, others=others)


def made(images: ImageScope, of: Shot | None) -> dict[str, bytes]:
    decision = msgspec.structs.replace(release(), images=images)
    return {each.kind: each.jpeg for each in illustrated(decision, of).pictures}


def decoded(jpeg: bytes) -> Image:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)


@pytest.mark.parametrize(("images", "kinds"), [("none", set()), ("crop", {"crop"}), ("crop-and-frame", {"crop", "frame"})])
def test_no_more_leaves_than_the_decision_permits(images: ImageScope, kinds: set[str]) -> None:
    """Whatever was remembered."""
    assert set(made(images, shot(scene()))) == kinds
    assert made(images, None) == {}


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_fit_and_show_what_was_seen(channels: int) -> None:
    """Also of noise, which compresses worst: smaller rather than unreadable, and still the same picture."""
    image = cv2.GaussianBlur(scene(), (0, 0), 6) if channels == 3 else scene()[:, :, 0]
    pictures = made("crop-and-frame", shot(image))
    assert all(len(jpeg) <= LIMITS[kind] for kind, jpeg in pictures.items())
    shown = decoded(pictures["frame"])
    assert shown.ndim == image.ndim
    again = cv2.resize(shown, (image.shape[1], image.shape[0]))
    assert abs(float(again.mean()) - float(image.mean())) < 4


def test_other_plates_on_the_picture_are_covered() -> None:
    """What becomes of their reads is not decided here: one may be withheld, another was never read."""
    image = np.full((720, 1280, 3), 250, np.uint8)
    plate = Box(x=600, y=300, w=100, h=50)
    pictures = made("crop-and-frame", shot(image, plate))
    shown = decoded(pictures["frame"])
    assert shown[290:360, 580:720].max() < 120, "with a little round it"
    assert shown[100:200, 100:300].min() > 230
    assert image.min() == 250, "the frame that others may look at is not drawn into"


def test_a_picture_of_nothing_is_no_picture() -> None:
    """A plate of two pixels shows nothing; its read goes without."""
    tiny = np.zeros((3, 5, 3), np.uint8)
    assert encode(tiny, 8192) is None
    assert set(made("crop-and-frame", shot(scene(), crop=tiny))) == {"frame"}


def test_a_picture_says_nothing_of_its_camera() -> None:
    """No EXIF, no comment: what is known of place and time stands in the signed read, as far as it may."""
    jpeg = made("crop", shot(scene()))["crop"]
    assert b"Exif" not in jpeg and b"\xff\xfe" not in jpeg[:200]
