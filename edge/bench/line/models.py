"""Detector and reader alone, call by call: on the clips' own frames and plates, and the reader on noise too, whose time should
be the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from edge import build
from edge.bench.line import host
from edge.bench.line.counting import Plan, Show
from edge.bench.line.meter import Meter
from edge.bench.line.record import NOT_MEASURED, Loss, Record, Speed
from edge.bench.line.recording import SEED, model_facts, run_facts
from edge.bench.line.sensors import Heat, Sensors
from edge.bench.line.spans import Spans, band
from edge.bench.line.verdict import judge
from edge.bench.line.watch import StageTime
from edge.clock import Clock
from edge.config import CameraConfig
from edge.errors import ConfigError
from edge.journal import Journal
from edge.model_files import bundled_folder
from edge.records import Box, Detection, Frame, Image

FRAMES = 48
ROUNDS_TO_WARM_UP = 3
BATCH = 4


def run_model(plan: Plan, show: Show) -> Record:
    """Time the models by turns for the planned time.  Raises ModelError, CameraError, or ConfigError if no plate is shown."""
    setup = plan.setup
    folder = setup.models or bundled_folder()
    finder, ocr = build.detector(folder, setup.for_detector), build.recognizer(folder, setup.for_recognizer)
    frames = _frames(plan)
    plates = [(frame, found[0]) for frame in frames if (found := finder.detect(frame))]
    if not plates:
        raise ConfigError("measure the reader: no frame of the clips shows a plate; name a clip that does")
    noise = _noise(frames[0])

    def detect(turn: int) -> None:
        finder.detect(frames[turn % len(frames)])

    def read(turn: int) -> None:
        frame, plate = plates[turn % len(plates)]
        ocr.read(frame, [plate])

    def read_batch(turn: int) -> None:
        frame, plate = plates[turn % len(plates)]
        ocr.read(frame, [plate] * BATCH)

    def read_noise(turn: int) -> None:
        ocr.read(noise[0], [noise[1]])

    works = {
        "detector": detect,
        "recognizer, 1 plate": read,
        f"recognizer, {BATCH} plates": read_batch,
        "recognizer, 1 plate of noise": read_noise,
    }
    heat = Heat(Sensors())
    heat.look()
    meter = Meter()
    spans, turns = _by_turns(works, plan.seconds)
    meter.stop()
    heat.look()
    load, seconds = meter.load(), meter.seconds
    loss = Loss.of_calls(sum(each.count for each in spans.values()))
    total_s = sum(each.total_s for each in spans.values())
    both = Spans()
    for one in turns:
        both.add(one)
    thermal = heat.account(len(turns), seconds)
    return Record(
        run=run_facts(plan, seconds, 0.0, 1, realtime=False),
        host=host.describe(plan.data or Path.cwd(), plan.note),
        software=host.software(setup.providers, setup.threads),
        models=model_facts(setup),
        clips=plan.clips,
        speed=Speed(
            fps=1 / band(turns).median,
            frames_per_cpu_s=1 / band(turns).median,
            fps_last_minute=1 / band(turns).median,
            parts=band([1 / one for one in turns]),
            stages=tuple(
                StageTime(stage=name, share=each.total_s / total_s, latency=each.latency()) for name, each in spans.items()
            ),
            wait=Spans().latency(),
            frame=both.latency(),
            to_outbox=Spans().latency(),
        ),
        loss=loss,
        load=load,
        thermal=thermal,
        accuracy=NOT_MEASURED,
        verdict=judge(plan.mode, seconds, load, loss, thermal, meter.use.stepped_s),
    )


def _by_turns(works: Mapping[str, Callable[[int], None]], seconds: float) -> tuple[dict[str, Spans], list[float]]:
    """Every work once in each round, for so long; and of each round the time of a frame with one plate."""
    spans = {name: Spans() for name in works}
    pairs: list[float] = []
    for turn in range(ROUNDS_TO_WARM_UP):
        for work in works.values():
            work(turn)
    end_s, turn = time.monotonic() + seconds, 0
    while time.monotonic() < end_s or not pairs:
        took = []
        for name, work in works.items():
            begun_s = time.perf_counter()
            work(turn)
            took.append(time.perf_counter() - begun_s)
            spans[name].add(took[-1])
        pairs.append(took[0] + took[1])
        turn += 1
    return spans, pairs


def _frames(plan: Plan) -> Sequence[Frame]:
    """Frames from all over the clips."""
    frames = []
    each = max(1, FRAMES // len(plan.clips))
    for clip in plan.clips:
        step = max(1, clip.frames // each)
        camera = build.camera(CameraConfig(name="clip", source=str(clip.path)), Clock(), Journal())
        for frame in camera.frames(threading.Event()):
            if isinstance(frame, Frame) and frame.number % step == 0:
                frames.append(frame)
    return frames


def _noise(like: Frame) -> tuple[Frame, Detection]:
    """A picture of noise with a plate supposed in it."""
    image: Image = np.random.default_rng(SEED).integers(0, 256, like.image.shape, np.uint8)
    corners = ((100.0, 100.0), (300.0, 104.0), (300.0, 204.0), (100.0, 200.0))
    frame = Frame(camera="noise", number=0, image=image, at=like.at, media_s=0.0)
    return frame, Detection(box=Box(x=100, y=100, w=200, h=104), corners=corners, confidence=1.0)
