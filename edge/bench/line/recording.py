"""From what was counted to the record of a run."""

from __future__ import annotations

import shlex
import sys
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

import msgspec

from edge import __version__, build
from edge.bench.line import host
from edge.bench.line.counting import Counted, Plan
from edge.bench.line.record import (
    NOT_MEASURED,
    Loss,
    ModelFacts,
    NotMeasured,
    Probe,
    Record,
    RunFacts,
    Sample,
    Speed,
)
from edge.bench.line.rig import Setup
from edge.bench.line.sensors import tool
from edge.bench.line.spans import band
from edge.bench.line.verdict import judge
from edge.bench.line.watch import Round
from edge.model_files import bundled_folder, default_models, read_manifest

#: A run is cut into so many parts, whose spread is the noise band.
PARTS = 10
FEWEST_ROUNDS = 3
SEED = 20261122
By = Literal["the clock", "CPU time"]


def record(plan: Plan, counted: Counted, probes: tuple[Probe, ...] = ()) -> Record:
    """The record of a run."""
    loss = loss_of(counted)
    return Record(
        run=run_facts(plan, counted.seconds, counted.warm_up_s, len(counted.clips), counted.realtime),
        host=host.describe(plan.data or Path.cwd(), plan.note),
        software=host.software(plan.setup.providers, plan.setup.threads),
        models=model_facts(plan.setup),
        clips=plan.clips,
        speed=_speed(counted, plan.setup.delivery),
        loss=loss,
        load=counted.load,
        thermal=counted.thermal,
        accuracy=counted.accuracy or NOT_MEASURED,
        verdict=judge(plan.mode, counted.seconds, counted.load, loss, counted.thermal, counted.stepped_s),
        probes=probes,
        rounds=rounds_of(counted),
        samples=counted.samples,
    )


def rounds_of(counted: Counted) -> tuple[Round, ...]:
    """The rounds, where they say something."""
    return counted.watch.rounds if len(counted.clips) == 1 and not counted.realtime else ()


def run_facts(plan: Plan, seconds: float, warm_up_s: float, cameras: int, realtime: bool) -> RunFacts:
    """Which run it is that ends now."""
    now = datetime.now(timezone.utc)
    return RunFacts(
        id=uuid.uuid4().hex,
        mode=plan.mode,
        started=(now - timedelta(seconds=seconds + warm_up_s)).isoformat(timespec="seconds"),
        ended=now.isoformat(timespec="seconds"),
        counted_s=seconds,
        warm_up_s=warm_up_s,
        version=__version__,
        commit=_commit(),
        command=shlex.join(["plate-edge", *sys.argv[1:]]),
        setup={k: _plain(v) for k, v in msgspec.structs.asdict(plan.setup).items()},
        setup_sha256=plan.setup.sha256(),
        cameras=cameras,
        seed=SEED,
        fps_each=max(clip.fps for clip in plan.clips) if realtime else NOT_MEASURED,
    )


def part_speeds(rounds: Sequence[Round], samples: Sequence[Sample], by: By) -> list[float]:
    """Frames a second, or a second of CPU time, of the parts of a run: the rounds of its clip where there are three, else about
    ``PARTS`` stretches of equal length."""
    if len(rounds) >= FEWEST_ROUNDS:
        return [each.frames / (each.cpu_s if by == "CPU time" else each.wall_s) for each in rounds]
    counted = [sample for sample in samples if sample.at_s >= 0]
    step = max(1, len(counted) // PARTS)
    speeds = []
    for first in range(0, len(counted) - step, step):
        a, b = counted[first], counted[first + step]
        cores = sum(s.cpu_cores for s in counted[first + 1 : first + step + 1]) / step if by == "CPU time" else 1.0
        if b.at_s > a.at_s and cores > 0:
            speeds.append((b.frames - a.frames) / (b.at_s - a.at_s) / cores)
    return speeds


def loss_of(counted: Counted) -> Loss:
    """The accounts of the whole run, warm-up included, and what was dropped after it."""
    accounts = counted.accounts
    return Loss(
        due=accounts.frames_received,
        processed=accounts.frames_processed,
        skipped=accounts.frames_skipped,
        dropped=accounts.frames_dropped,
        dropped_counted=counted.dropped,
        longest_gap_s=counted.watch.longest_gap_s,
        reads=accounts.reads,
        committed=accounts.reads_committed,
        withheld=accounts.reads_withheld,
        lost=accounts.reads_lost + accounts.reads_expired,
        noise_tracks=accounts.tracks_noise,
        unread_tracks=accounts.tracks_unread,
        receipted=accounts.backlog.pruned,
    )


def model_facts(setup: Setup) -> tuple[ModelFacts, ...]:
    """The models of a setup, as they are when they are loaded.  Raises ModelError."""
    folder = setup.models or bundled_folder()
    default, entries = default_models(folder), read_manifest(folder)
    found, ocr = build.detector(folder, setup.for_detector), build.recognizer(folder, setup.for_recognizer)
    detector, recognizer = setup.detector or default.detector, setup.recognizer or default.recognizer
    return (
        ModelFacts(
            role="detector",
            name=detector,
            file=entries[detector].file,
            sha256=found.sha256,
            input="x".join(map(str, found.input_size)),
            precision=precision(folder / entries[detector].file),
            provider=found.provider,
        ),
        ModelFacts(
            role="recognizer",
            name=recognizer,
            file=entries[recognizer].file,
            sha256=ocr.sha256,
            input="one plate",
            precision=precision(folder / entries[recognizer].file),
            provider=ocr.provider,
        ),
    )


def precision(path: Path) -> str:
    """In which numbers a model calculates, from the operations in its file."""
    data = path.read_bytes()
    quantized = (b"QuantizeLinear", b"QLinearConv", b"ConvInteger", b"MatMulInteger")
    return "int8" if any(word in data for word in quantized) else "fp32"


def _speed(counted: Counted, delivery: bool) -> Speed:
    samples = [s for s in counted.samples if s.at_s >= 0]
    last = next((s for s in samples if s.at_s >= counted.seconds - 60), None)
    fps = counted.frames / counted.seconds
    return Speed(
        fps=fps,
        frames_per_cpu_s=fps / counted.load.cpu_cores if counted.load.cpu_cores else 0.0,
        fps_last_minute=(counted.frames - last.frames) / (counted.seconds - last.at_s) if last else fps,
        parts=band(part_speeds(rounds_of(counted), counted.samples, "the clock") or [fps]),
        stages=counted.watch.stages(),
        wait=counted.watch.wait(),
        frame=counted.watch.frame(),
        to_outbox=counted.watch.to_outbox(),
        to_receipt=counted.watch.to_receipt() if delivery else NOT_MEASURED,
    )


def _plain(value: object) -> str | int | bool | None:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return value if value is None or isinstance(value, int) else str(value)


def _commit() -> str | NotMeasured:
    said = tool("git", "-C", str(Path(build.__file__).parent), "rev-parse", "HEAD")
    return NOT_MEASURED if said is None else said.strip()
