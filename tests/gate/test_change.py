"""The change gate: what it passes over costs nothing, and what moves does not get past it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import get_args

import cv2
import msgspec
import numpy as np
import pytest

from edge.config import GateConfig, TrackerConfig
from edge.gate.change import ChangeGate
from edge.gate.interface import Verdict
from edge.records import Frame, Image
from edge.tracker.association import PlateTracker
from tests.readings import detection, frame, reading

FPS = 30
SIZE = (720, 1280)
Scene = Callable[[int], Image]


def street() -> Image:
    """A picture with edges, texture and plain parts."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(40, 200, (18, 32), dtype=np.uint8)
    picture = cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    picture[400:] = (picture[400:] // 4 + 70).astype(np.uint8)
    return np.asarray(picture, np.uint8)


def noisy(scene: Scene, deviation: float) -> Scene:
    """With the noise of a camera, another one in every frame."""
    rng = np.random.default_rng(5)
    grain = rng.normal(0, deviation, (SIZE[0] + 40, SIZE[1] + 40)).astype(np.float32)

    def seen(number: int) -> Image:
        y, x = rng.integers(0, 40, 2)
        return np.clip(scene(number) + grain[y : y + SIZE[0], x : x + SIZE[1]], 0, 255).astype(np.uint8)

    return seen


def with_patch(width: int, height: int, contrast: int, pixels_a_frame: float, from_frame: int = 0) -> Scene:
    """A plain patch, ``contrast`` grey levels from the road that it stands on, which moves to the right."""
    road = street()

    def seen(number: int) -> Image:
        picture = road.copy()
        x = 300 + pixels_a_frame * max(0, number - from_frame)
        left, part = int(x), x - int(x)
        patch = np.full((height, width + 1), contrast, np.float32)
        patch[:, 0] *= 1 - part
        patch[:, -1] *= part
        here = picture[500 : 500 + height, left : left + width + 1]
        here[...] = np.clip(here + patch, 0, 255).astype(np.uint8)
        return picture

    return seen


def verdicts(scene: Scene, seconds: float, config: GateConfig | None = None, asked: Iterable[int] = ()) -> list[Verdict]:
    gate = ChangeGate(config or GateConfig(full_look_every_s=60.0))
    wanted = set(asked)
    return [gate.judge(at(number, scene), "again" if number in wanted else "nothing") for number in range(int(seconds * FPS))]


def at(number: int, scene: Scene) -> Frame:
    return msgspec.structs.replace(frame(number, FPS), image=scene(number))


def looks(given: list[Verdict]) -> list[int]:
    return [number for number, each in enumerate(given) if each == "look"]


@pytest.mark.parametrize("deviation", [0.0, 2.0, 6.0])
def test_a_still_scene_is_looked_at_once_and_then_only_as_often_as_a_full_look_is_due(deviation: float) -> None:
    """Four seconds of nothing, with a full look every two: the first frame and those two, whatever the camera's noise."""
    given = verdicts(noisy(lambda _: street(), deviation), 4.1, GateConfig(full_look_every_s=2.0))
    assert len(looks(given)) == 3
    assert set(given) == set(get_args(Verdict))


@pytest.mark.parametrize("deviation", [0.0, 2.0, 4.0])
def test_what_is_as_small_as_a_plate_and_hardly_darker_than_the_road_is_not_missed(deviation: float) -> None:
    """A patch of 60 x 24 pixels that differs from the road by twelve grey levels and begins to move: the detector looks within
    the third of a second in which it has moved its own width."""
    begins = 30
    given = verdicts(noisy(with_patch(60, 24, 12, 6.0, from_frame=begins), deviation), 1.5)
    assert any(begins < number <= begins + 10 for number in looks(given))


@pytest.mark.parametrize("pixels_a_frame", [0.1, 0.5])
def test_slow_movement_adds_up(pixels_a_frame: float) -> None:
    """A car that rolls three pixels a second, far less than any two neighbouring frames can tell apart, is looked at again each
    time it has moved by half its plate's height."""
    given = verdicts(noisy(with_patch(160, 80, 40, pixels_a_frame), 2.0), 4.0)
    moved = np.diff(looks(given)) * pixels_a_frame
    assert len(moved) >= 1
    assert moved.max() <= 12


def test_something_that_fills_the_picture_does_not_pass_for_noise() -> None:
    """A lorry two thirds as wide as the picture drives in: the frames of its coming are looked at."""
    given = verdicts(noisy(with_patch(850, 220, 25, 0.0), 2.0), 0.2)
    assert looks(given) == [0]
    empty, lorry = street(), with_patch(850, 220, 25, 0.0)
    given = verdicts(noisy(lambda n: lorry(n) if n >= 15 else empty, 2.0), 1.0)
    assert looks(given) == [0, 15]


def test_the_light_that_changes_is_a_change() -> None:
    """Where everything brightens at once the detector looks; a new reference is taken."""
    dark, light = street(), np.asarray(cv2.add(street(), 12.0), np.uint8)
    given = verdicts(lambda n: light if n >= 15 else dark, 1.0)
    assert looks(given) == [0, 15]


def test_while_nobody_asks_a_look_is_due_every_tenth_of_a_second() -> None:
    """Of a moving scene at thirty frames a second the detector sees every third frame, the others are between looks."""
    given = verdicts(with_patch(160, 80, 60, 9.0), 1.0)
    assert looks(given) == list(range(0, 30, 3))
    assert given.count("between-looks") == 20


def test_a_plate_that_waits_to_be_read_is_looked_at_twice_as_often() -> None:
    """Whatever the picture shows: of a still scene at thirty frames a second, every other frame that is asked for is seen."""
    given = verdicts(lambda _: street(), 1.0, asked=range(9, 19))
    assert looks(given) == [0, 9, 11, 13, 15, 17]


def test_at_fifteen_frames_a_second_a_plate_that_waits_is_looked_at_in_every_frame() -> None:
    """Slow cameras have no frames to spare."""
    gate = ChangeGate(GateConfig())
    pictures = [msgspec.structs.replace(frame(number, 15), image=street()) for number in range(10)]
    assert {gate.judge(each, "again") for each in pictures} == {"look"}


def test_rest_ends_earlier_when_somebody_asks() -> None:
    """The camera is told until when nothing is wanted."""
    gate = ChangeGate(GateConfig())
    gate.judge(at(0, lambda _: street()), "nothing")
    assert gate.rests_until("now") <= 1 / FPS
    assert 1 / FPS < gate.rests_until("again") <= 2 / FPS
    assert 2 / FPS < gate.rests_until("nothing") <= 3 / FPS


@pytest.mark.parametrize("first", range(10, 16))
def test_a_plate_of_five_frames_is_a_pass_wherever_they_begin(first: int) -> None:
    """At thirty frames a second that is 5 m of road at 110 km/h; the gate and the tracker together lose none of them."""
    gate, tracker = ChangeGate(GateConfig()), PlateTracker("north", TrackerConfig())
    road, there = street(), with_patch(160, 80, 60, 9.0)
    for number in range(60):
        shown = first <= number < first + 5
        seen = at(number, there if shown else lambda _: road)
        if gate.judge(seen, tracker.asks) == "look":
            wanted = tracker.follow(seen, [detection(300 + 9 * number, 500, 160)] if shown else [])
            tracker.add([reading("AB123", found=each, number=number) for each in wanted])
    assert len(tracker.flush()) == 1


def test_after_a_gap_the_first_frame_is_looked_at() -> None:
    """What was seen before is not compared with."""
    gate = ChangeGate(GateConfig(full_look_every_s=60.0))
    assert [gate.judge(at(n, lambda _: street()), "nothing") for n in (0, 4)] == ["look", "unchanged"]
    gate.forget()
    assert gate.judge(at(5, lambda _: street()), "nothing") == "look"


def test_everything_off_is_every_frame() -> None:
    """Without a rest between looks and without the comparison, no frame is passed over."""
    given = verdicts(lambda _: street(), 0.5, GateConfig(look_every_s=0.0, look_again_every_s=0.0, changes_only=False))
    assert set(given) == {"look"}
