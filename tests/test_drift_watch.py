"""The running unit notices that its camera has moved or its lens is dirty, and keeps quiet when neither is so."""

from __future__ import annotations

import io
import json
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera_setup import CameraSetup
from edge.drift_watch import (
    DIM_PLATES,
    DIRTY_LENS,
    GLIMPSE_EVERY_S,
    GLIMPSES_A_LOOK,
    MOVED,
    PASSES,
    UNKNOWN_LOOKS,
    UNKNOWN_SCENE,
    DriftWatch,
)
from edge.journal import Journal
from edge.records import Box, Detection, Frame, Image, Instant, Option, Reading, TimeQuality, Track
from edge.scene_look import Glimpse, glimpse, look_of

SIZE = (640, 360)
FOCAL_PX = 960.0  # 37 degrees across
AT = Instant(utc=datetime(2026, 11, 22, tzinfo=timezone.utc), boottime_ns=1, boot_id="b", quality=TimeQuality(source="ntp"))


def street(light: float = 1.0, seed: int = 0) -> Image:
    """A scene larger than the picture: walls, windows, poles, kerbs; ``light`` dims it, ``seed`` is the noise's."""
    rng = np.random.default_rng(5)
    scene = np.full((560, 960, 3), (110, 120, 125), np.uint8)
    for _ in range(160):
        x, y = (int(v) for v in rng.integers((0, 0), (940, 540)))
        w, h = (int(v) for v in rng.integers((6, 6), (130, 80)))
        cv2.rectangle(scene, (x, y), (x + w, y + h), tuple(int(v) for v in rng.integers(0, 255, 3)), -1)
    noise = np.random.default_rng(seed).normal(0, 3, scene.shape)
    return np.clip(scene * light + noise, 0, 255).astype(np.uint8)


def seen(scene: Image, pan: float = 0.0, tilt: float = 0.0, roll: float = 0.0) -> Image:
    """What a camera turned by these degrees sees of a scene at infinity."""
    matrix = np.array([[FOCAL_PX, 0, SIZE[0] / 2], [0, FOCAL_PX, SIZE[1] / 2], [0, 0, 1]])
    turn = cv2.Rodrigues(np.array([0.0, 0.0, np.deg2rad(roll)]))[0]
    turn = (
        turn
        @ cv2.Rodrigues(np.array([np.deg2rad(tilt), 0.0, 0.0]))[0]
        @ cv2.Rodrigues(np.array([0.0, np.deg2rad(pan), 0.0]))[0]
    )
    into = matrix @ turn @ np.linalg.inv(matrix) @ np.array([[1, 0, -160], [0, 1, -100], [0, 0, 1]], np.float64)
    return np.asarray(cv2.warpPerspective(scene, into, SIZE), np.uint8)


def with_cars(image: Image, number: int) -> Image:
    """Something drives by, elsewhere in each frame."""
    image = image.copy()
    x = number * 97 % 560
    cv2.rectangle(image, (x, 200), (x + 120, 270), (30, 30, 160), -1)
    return image


class Post:
    """One camera on a post, watched."""

    def __init__(self, memory: Path, scene: Image | None = None) -> None:
        self.log = io.StringIO()
        self.journal = Journal(self.log)
        before: list[Glimpse] = [] if scene is None else [glimpse(seen(scene))]
        setup = CameraSetup(frame_size=SIZE, focal_px=FOCAL_PX, scenes=(look_of(before),) if before else ())
        self.watch = DriftWatch("north", "r1", setup, memory, self.journal)
        self.frames = 0

    def looks(self, image: Image, count: int) -> None:
        for _ in range(count * GLIMPSES_A_LOOK):
            frame = Frame(
                camera="north", number=self.frames, image=with_cars(image, self.frames), at=AT,
                media_s=self.frames * GLIMPSE_EVERY_S,
            )  # fmt: skip
            self.watch.see(frame, ())
            self.frames += 1

    def passes(self, x: float = 300.0, y: float = 200.0, width: float = 90.0, sharpness: float = 0.5) -> None:
        rng = np.random.default_rng(self.frames)
        for _ in range(PASSES):
            dx, dy, factor = rng.normal(0, 12), rng.normal(0, 4), rng.normal(1, 0.08)
            self.watch.passed(track(x + dx, y + dy, width * factor, sharpness * rng.uniform(0.8, 1.2)))

    def alarms(self) -> list[str]:
        return [f"{reason}" for reason in self.journal.by_reason("alarms")]


def track(x: float, y: float, width: float, sharpness: float) -> Track:
    box = Box(x=x - width / 2, y=y - width / 4, w=width, h=width / 2)
    found = Detection(box=box, corners=((0, 0), (1, 0), (1, 1), (0, 1)), confidence=0.9)
    reading = Reading(
        detection=found, frame_number=0, media_s=0.0, text="SECRET1", confidence=0.9,
        slots=((Option(character="S", probability=1),),), region="unknown", region_confidence=0.0, sharpness=sharpness,
    )  # fmt: skip
    return Track(
        camera="north", number=1, first=AT, last=AT, first_s=0, last_s=1, frames=5, best=found, readings=(reading,)
    )  # fmt: skip


@pytest.mark.parametrize("turn", [{"pan": 3.0}, {"tilt": 3.0}, {"tilt": -3.0}, {"roll": 3.0}], ids=str)
def test_a_turn_of_three_degrees_is_a_move(tmp_path: Path, turn: dict[str, float]) -> None:
    """Sideways, up, down or about its axis, in other light and with traffic; said once, with the degrees, and no text."""
    post = Post(tmp_path / "drift.json", street())
    post.looks(seen(street(0.7, 1), **turn), 3)
    assert post.watch.raised == {MOVED}
    assert post.journal.by_reason("alarms") == {MOVED: 1}
    line = next(json.loads(text) for text in post.log.getvalue().splitlines() if "camera moved" in text)
    assert line["degrees"] == pytest.approx(3, abs=0.4)


@pytest.mark.parametrize("turn", [{}, {"pan": 0.5}, {"tilt": -0.5}, {"roll": 0.5}], ids=str)
def test_half_a_degree_is_no_move(tmp_path: Path, turn: dict[str, float]) -> None:
    """A pole that sways, other light, passing cars: no alarm."""
    post = Post(tmp_path / "drift.json", street())
    post.looks(seen(street(1.3, 2), **turn), 4)
    assert post.alarms() == []


def test_a_camera_that_is_turned_back_is_well_again(tmp_path: Path) -> None:
    """The alarm stands while it lasts, and is counted again when it comes again."""
    post = Post(tmp_path / "drift.json", street())
    post.looks(seen(street(), pan=3.0), 3)
    post.looks(seen(street()), 2)
    assert post.watch.raised == frozenset()
    post.looks(seen(street(), pan=-3.0), 3)
    assert post.journal.by_reason("alarms") == {MOVED: 2}


def test_a_film_on_the_lens_is_told_from_a_move(tmp_path: Path) -> None:
    """The scene is where it was, its fine detail is gone."""
    post = Post(tmp_path / "drift.json", street())
    post.looks(np.asarray(cv2.GaussianBlur(seen(street()), (0, 0), 2.5), np.uint8), 8)
    assert post.watch.raised == {DIRTY_LENS}


def test_a_camera_that_sees_something_else_says_so(tmp_path: Path) -> None:
    """Turned to a wall or covered, it cannot be said how far it has moved: only that nothing is where it was."""
    post = Post(tmp_path / "drift.json", street())
    wall = np.full((360, 640, 3), 90, np.uint8)
    post.looks(wall, UNKNOWN_LOOKS)
    assert post.watch.raised == {UNKNOWN_SCENE}


def test_plates_speak_where_the_scene_cannot_be_seen(tmp_path: Path) -> None:
    """In the dark, plates 50 px away from where they used to be (3°) are a move; 8 px (half a degree) are none."""
    for shift, raised in ((8.0, frozenset()), (50.0, frozenset({MOVED}))):
        post = Post(tmp_path / f"drift-{shift}.json")
        post.passes()
        post.passes(x=300.0 + shift)
        assert post.watch.raised == raised


def test_plates_of_another_width_are_a_move_and_soft_ones_a_dirty_lens(tmp_path: Path) -> None:
    """A lens that was zoomed, and a lens that was breathed on."""
    post = Post(tmp_path / "drift.json")
    post.passes()
    post.passes(width=140.0)
    post.passes(sharpness=0.2)
    assert post.journal.by_reason("alarms") == {MOVED: 1, DIRTY_LENS: 1}


def test_a_failing_lamp_is_noticed_at_night_and_the_dusk_is_not(tmp_path: Path) -> None:
    """Under infra-red plates are as bright as ever; half of it is an alarm. By day brightness comes and goes."""
    for grey, raised in ((True, frozenset({DIM_PLATES})), (False, frozenset())):
        post = Post(tmp_path / f"drift-{grey}.json")
        for level in (180, 80):
            image = np.full((360, 640, 3), level, np.uint8)
            image[:, :, 0] = level if grey else level // 2
            found = track(300.0, 200.0, 90.0, 0.5).best
            for _ in range(20):
                post.watch.see(
                    Frame(camera="north", number=0, image=image, at=AT, media_s=post.frames * GLIMPSE_EVERY_S), [found]
                )
                post.frames += 1
            post.passes()
        assert post.watch.raised - {UNKNOWN_SCENE} == raised


def test_what_plates_usually_look_like_outlives_a_restart_but_not_a_calibration(tmp_path: Path) -> None:
    """The medians stand in a file without a text; another record begins anew, and so does a damaged file."""
    memory = tmp_path / "drift.json"
    Post(memory).passes()
    assert b"SECRET1" not in memory.read_bytes()
    again = Post(memory)
    again.passes(x=380.0)
    assert again.watch.raised == {MOVED}
    other = DriftWatch("north", "r2", CameraSetup(frame_size=SIZE), memory, Journal(io.StringIO()))
    memory.write_bytes(b"\xff{")
    assert (
        DriftWatch("north", "r1", CameraSetup(frame_size=SIZE), memory, Journal(io.StringIO())).raised
        == other.raised
        == frozenset()
    )
