"""The line with its gate sees what the line sees that looks at every frame."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from edge import build
from edge.camera.interface import CameraCounts
from edge.clock import Clock
from edge.config import CameraConfig, DetectorConfig, GateConfig, RecognizerConfig, TrackerConfig
from edge.demo.run import HERE
from edge.detector.interface import Detector
from edge.journal import Journal
from edge.model_files import bundled_folder
from edge.recognizer.interface import Recognizer
from edge.records import Frame, Read
from edge.tracker.vote import vote

EVERY_FRAME = GateConfig(look_every_s=0.0, look_again_every_s=0.0, changes_only=False)
SECONDS = 16.0
#: A look may come so much later than the frame in which a plate came, or end so much before the one in which it went.
SLACK_S = 0.3
#: Reads below are more likely wrong than right; no pack lets them leave.
LIKELY = 0.5


def passes(config: GateConfig, detector: Detector, recognizer: Recognizer) -> tuple[list[Read], int, CameraCounts]:
    """The reads of the bundled clip's first seconds, how many frames were looked at, and the camera's accounts."""
    camera = build.camera(CameraConfig(name="clip", source=str(HERE / "clip.mp4")), Clock(), Journal())
    gate, tracker = build.gate(config), build.tracker("clip", TrackerConfig())
    stop, looks = threading.Event(), 0

    def reads() -> Iterator[Read]:
        nonlocal looks
        for frame in camera.frames(stop):
            assert isinstance(frame, Frame)
            match gate.judge(frame, tracker.asks):
                case "look":
                    looks += 1
                    tracker.add(recognizer.read(frame, tracker.follow(frame, detector.detect(frame))))
                case "unchanged":
                    tracker.still(frame)
            yield from map(vote, tracker.finished())
            camera.rest(gate.rests_until(tracker.asks))
            if frame.media_s >= SECONDS:
                stop.set()
        yield from map(vote, tracker.flush())

    found = sorted((read for read in reads() if read.confidence >= LIKELY), key=lambda read: read.last_s)
    return found, looks, camera.counts()


def test_what_is_not_looked_at_is_not_missed() -> None:
    """Sixteen seconds of the bundled clip, six vehicles: the same texts at the same times as from every frame, from two thirds
    of the looks or fewer; every frame is in the accounts."""
    detector = build.detector(bundled_folder(), DetectorConfig())
    recognizer = build.recognizer(bundled_folder(), RecognizerConfig())
    every, all_looks, _ = passes(EVERY_FRAME, detector, recognizer)
    gated, looks, counts = passes(GateConfig(), detector, recognizer)
    assert len(every) == 6
    assert [read.text for read in gated] == [read.text for read in every]
    for one, other in zip(gated, every, strict=True):
        assert one.first_s == pytest.approx(other.first_s, abs=SLACK_S)
        assert one.last_s == pytest.approx(other.last_s, abs=SLACK_S)
    assert looks <= all_looks * 2 / 3
    assert counts.rested > 0
    assert counts.received == pytest.approx(all_looks, abs=2)
