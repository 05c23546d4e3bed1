"""Which moment of a pass is remembered, and for how long."""

from __future__ import annotations

import numpy as np
import pytest

from edge.images.shots import AT_MOST, LONGEST_S, Shots, score
from edge.records import Box, Detection, Frame, Image, ImageScope, Option, Reading
from tests.labeled import instant

SCOPES: tuple[ImageScope, ...] = ("crop", "crop-and-frame")


def scene(width: int = 1280, height: int = 720, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


def frame(image: Image, media_s: float = 0.0) -> Frame:
    return Frame(camera="north", number=int(media_s * 5), image=image, at=instant(), media_s=media_s)


def detection(x: float = 500, y: float = 400, w: float = 120, h: float = 60) -> Detection:
    corners = ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
    return Detection(box=Box(x=x, y=y, w=w, h=h), corners=corners, confidence=0.9)


def reading(of: Detection, *, confidence: float = 0.9, sharpness: float = 1.0, text: str = "AB12345") -> Reading:
    return Reading(
        detection=of,
        frame_number=0,
        media_s=0.0,
        text=text,
        confidence=confidence,
        slots=((Option(character="A", probability=0.9),),),
        region="US-CT",
        region_confidence=0.9,
        sharpness=sharpness,
    )


def see(shots: Shots, of: Frame, one: Reading, *, track: int = 1, scope: ImageScope = "crop-and-frame") -> None:
    shots.see(of, [one.detection], [one], [track], scope)


@pytest.mark.parametrize("better", ["wider", "crisper", "surer"])
def test_the_best_moment_is_kept(better: str) -> None:
    """By width, sharpness and certainty; a worse one that comes later takes nothing away."""
    plain = reading(detection())
    best = {
        "wider": reading(detection(w=200, h=100)),
        "crisper": reading(detection(), sharpness=1.5),
        "surer": reading(detection(), confidence=0.99),
    }[better]
    shots, pictures = Shots(), [scene(seed=n) for n in range(3)]
    for at, each in enumerate((plain, best, plain)):
        see(shots, frame(pictures[at], media_s=at), each)
    shot = shots.take(1)
    assert shot is not None and shot.frame is not None
    assert (shot.score, shot.media_s) == (score(best), 1.0)
    assert (shot.frame == pictures[1]).all()


def test_nothing_is_remembered_where_no_picture_may_leave() -> None:
    """Nor what was remembered under a policy before."""
    shots, picture = Shots(), frame(scene())
    see(shots, picture, reading(detection()), scope="crop")
    see(shots, picture, reading(detection()), track=2, scope="none")
    assert (shots.take(1), shots.take(2)) == (None, None)


def test_no_street_is_remembered_where_only_crops_may_leave() -> None:
    """The crop is a copy: the frame can go."""
    shots, image = Shots(), scene()
    see(shots, frame(image), reading(detection()), scope="crop")
    shot = shots.take(1)
    assert shot is not None and shot.frame is None and shot.others == ()
    assert not np.shares_memory(shot.crop, image)


def test_what_is_no_plate_leaves_no_picture() -> None:
    """A word on a shop, a text of doubt."""
    shots = Shots()
    see(shots, frame(scene()), reading(detection(), text=""))
    see(shots, frame(scene()), reading(detection(), text="12345678"), track=2)
    assert (shots.take(1), shots.take(2)) == (None, None)


def test_a_shot_is_handed_out_once() -> None:
    """And nothing is kept of it."""
    shots = Shots()
    see(shots, frame(scene()), reading(detection()))
    assert shots.take(1) is not None
    assert shots.take(1) is None


def test_shots_of_passes_that_never_came_to_a_read_are_forgotten() -> None:
    """By age and by number, so that memory is bounded whatever stands in the street."""
    shots, picture = Shots(), scene()
    for track in range(3 * AT_MOST):
        see(shots, frame(picture), reading(detection()), track=track)
    kept = [track for track in range(3 * AT_MOST) if shots.take(track) is not None]
    assert kept == list(range(2 * AT_MOST, 3 * AT_MOST))
    see(shots, frame(picture), reading(detection()))
    see(shots, frame(picture, media_s=LONGEST_S + 1), reading(detection()), track=2)
    assert (shots.take(1), shots.take(2) is not None) == (None, True)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(
    "box", [(-20, -10, 60, 40), (1250, 700, 200, 100), (0, 0, 1280, 720), (640, 360, 0.4, 0.2), (1400, 800, 50, 20)]
)
def test_a_plate_at_the_edge_gives_a_picture_too(box: tuple[float, float, float, float], scope: ImageScope) -> None:
    """Whatever box a detector thinks of."""
    shots = Shots()
    see(shots, frame(scene()), reading(detection(*box)), scope=scope)
    shot = shots.take(1)
    assert shot is not None and min(shot.crop.shape[:2]) >= 1


def test_large_pictures_are_made_smaller_with_the_boxes_on_them() -> None:
    """A camera of 4K costs no more memory than one of 720 lines; grey ones stay grey."""
    shots, image = Shots(), scene(3840, 2160)[:, :, 0]
    own, other = detection(1500, 1200, 900, 450), detection(300, 600, 300, 150)
    shots.see(frame(image), [own, other], [reading(own)], [1], "crop-and-frame")
    shot = shots.take(1)
    assert shot is not None and shot.frame is not None
    assert (shot.frame.shape, shot.crop.ndim, shot.crop.shape[1]) == ((720, 1280), 2, 480)
    assert shot.others == (Box(x=100.0, y=200.0, w=100.0, h=50.0),)
