"""From the best moment of a pass to the JPEGs that go with its read, as far as the decision lets them."""

from __future__ import annotations

import msgspec
import numpy as np

from edge.images.shots import Shot
from edge.records import KINDS_OF, Box, Image, Picture, PictureKind, Release

#: About how large a picture may be, bytes: it is made smaller until it fits.
LIMITS: dict[PictureKind, int] = {"crop": 8 << 10, "frame": 64 << 10}
#: JPEG qualities that are tried, best first; below the last a smaller picture shows more than a coarser one.
QUALITIES = (85, 75, 60, 45)
#: How far over its box another vehicle's plate is covered, as a share of width and height on each side.
COVER = 0.25
_GREY = 96
_SHRINK = 0.7
_LEAST_SIDE = 16


def illustrated(release: Release, shot: Shot | None) -> Release:
    """``release`` with the pictures that it may take along: none without a shot, and never more than it permits."""
    if shot is None or release.images == "none":
        return release
    pictures = (_picture(kind, shot) for kind in KINDS_OF[release.images])
    return msgspec.structs.replace(release, pictures=tuple(each for each in pictures if each is not None))


def _picture(kind: PictureKind, shot: Shot) -> Picture | None:
    image = shot.crop if kind == "crop" else None if shot.frame is None else _covered(shot.frame, shot.others)
    if image is None:
        return None
    jpeg = encode(image, LIMITS[kind])
    return None if jpeg is None else Picture(kind=kind, jpeg=jpeg)


def encode(image: Image, limit_bytes: int) -> bytes | None:
    """``image``, BGR or GRAY, as a JPEG of at most ``limit_bytes``; None if there is no such thing."""
    import cv2  # here: the agency end, which names the same parts, makes no picture and need not hold ten megabytes for it

    while min(image.shape[:2]) >= _LEAST_SIDE:
        for quality in QUALITIES:
            good, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
            if good and len(data) <= limit_bytes:
                return bytes(data)
        image = np.asarray(cv2.resize(image, None, fx=_SHRINK, fy=_SHRINK, interpolation=cv2.INTER_AREA), np.uint8)
    return None


def _covered(image: Image, boxes: tuple[Box, ...]) -> Image:
    """The picture with other vehicles' plates made unreadable: what becomes of their reads is decided for each of them."""
    covered = image.copy()
    for box in boxes:
        left, top = int(box.x - COVER * box.w), int(box.y - COVER * box.h)
        right, bottom = int(np.ceil(box.x + (1 + COVER) * box.w)), int(np.ceil(box.y + (1 + COVER) * box.h))
        covered[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = _GREY
    return covered
