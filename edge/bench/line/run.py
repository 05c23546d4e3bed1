"""One run of one mode: a real unit on the bench, watched while it runs, and the record of it."""

from __future__ import annotations

import itertools
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

import msgspec
from msgspec import Struct

from edge import __version__, build
from edge.bench.line import host
from edge.bench.line.cameras import LoopedCamera, RecalledCamera
from edge.bench.line.clips import Clip
from edge.bench.line.monitor import Monitor, cpu_times, peak_rss_mb, rss_mb, used
from edge.bench.line.record import (
    NOT_MEASURED,
    Figure,
    Load,
    Loss,
    Mode,
    ModelFacts,
    Record,
    RunFacts,
    Sample,
    Speed,
    Thermal,
)
from edge.bench.line.rig import CameraMaker, Rig, Setup, rigged
from edge.bench.line.spans import band, slope
from edge.bench.line.verdict import judge
from edge.bench.line.watch import Watch
from edge.unit import Accounts

WARM_UP_S = 3.0
#: A run is cut into so many parts, whose spread is the noise band.
PARTS = 10
#: A slope of memory is told from runs of this length on.
SLOPE_FROM_S = 240.0
#: Pictures that a run without decoding keeps in memory.
RECALLED_BYTES = 600_000_000


class Plan(Struct, frozen=True, kw_only=True):
    """What to run: how long to count, on which clips (one camera each), with which setup; ``note`` is for the record."""

    mode: Mode
    clips: tuple[Clip, ...]
    seconds: float
    setup: Setup
    note: str = ""
    data: Path | None = None
    warm_up_s: float = WARM_UP_S


class Counted(Struct, frozen=True, kw_only=True):
    """What one unit did while it was counted."""

    seconds: float
    frames: int
    watch: Watch
    accounts: Accounts
    load: Load
    thermal: Thermal
    stepped_s: float
    samples: tuple[Sample, ...]


def run_single(plan: Plan, show: Callable[[Sample], None] = lambda sample: None) -> Record:
    """The whole line, the next frame when it is done; one camera for each clip."""
    watch = Watch(receipts=plan.setup.delivery)
    return record(plan, count(plan, watch, lambda inner, over: LoopedCamera(inner, over, watch), show))


def run_offline(plan: Plan, show: Callable[[Sample], None] = lambda sample: None) -> Record:
    """The most frames a second, with decoding, and then without: from memory."""
    decoded = run_single(plan, show)
    watch = Watch()
    each = RECALLED_BYTES // len(plan.clips)
    recalled = count(plan, watch, lambda inner, over: LoopedCamera(RecalledCamera(inner, each), over, watch), show)
    speed = msgspec.structs.replace(
        decoded.speed,
        fps_without_decoding=recalled.frames / recalled.seconds,
        frames_per_cpu_s_without_decoding=recalled.frames / recalled.seconds / recalled.load.cpu_cores,
    )
    return msgspec.structs.replace(decoded, speed=speed)


def count(plan: Plan, watch: Watch, camera: CameraMaker, show: Callable[[Sample], None]) -> Counted:
    """Run a unit, let it warm up, count for the planned time, end it.  Raises what makes the unit fail."""
    with rigged(plan.setup, plan.clips, watch, camera, plan.data) as rig:
        monitor = Monitor(lambda: (watch.frames, watch.dropped), host.sensors, show)
        rig.start()
        monitor.start()
        try:
            _wait(rig, plan.warm_up_s)
            watch.begin()
            monitor.zero()
            before, rss_start, swapped = cpu_times(), rss_mb(), host.swapped_pages()
            written = host.disk_written_mb()
            _wait(rig, plan.seconds)
            watch.end()
            after = cpu_times()
        finally:
            monitor.end()
        frames = watch.frames
        accounts = rig.end()
    use = used(before, after)
    samples = tuple(monitor.samples)
    counted = [s for s in samples if s.at_s >= 0]
    written_after = host.disk_written_mb()
    load = Load(
        cpu_cores=use.own,
        per_core_busy=use.busy,
        background=use.background,
        rss_start_mb=rss_start,
        rss_peak_mb=peak_rss_mb(),
        rss_end_mb=rss_mb(),
        rss_slope_mb_h=_rss_slope(counted),
        swap_mb=host.swap_mb(),
        swapped_pages=host.swapped_pages() - swapped,
        disk_written_mb=NOT_MEASURED if written is None or written_after is None else written_after - written,
        network_mb=NOT_MEASURED,
    )
    return Counted(
        seconds=after.at_s - before.at_s,
        frames=frames,
        watch=watch,
        accounts=accounts,
        load=load,
        thermal=Thermal(),
        stepped_s=use.stepped_s,
        samples=samples,
    )


def _rss_slope(samples: Sequence[Sample]) -> Figure:
    """MB an hour; a minute says nothing about an hour."""
    if len(samples) < 2 or samples[-1].at_s - samples[0].at_s < SLOPE_FROM_S:
        return NOT_MEASURED
    return 3600 * slope([s.at_s for s in samples], [s.rss_mb for s in samples])


def _wait(rig: Rig, seconds: float) -> None:
    """Let the unit run; raises what makes it fail meanwhile."""
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        time.sleep(min(0.1, left_s))
        if not rig.running:
            rig.end()


def record(plan: Plan, counted: Counted) -> Record:
    """The record of a run."""
    loss = _loss(counted)
    return Record(
        run=RunFacts(
            id=uuid.uuid4().hex,
            mode=plan.mode,
            started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            counted_s=counted.seconds,
            warm_up_s=plan.warm_up_s,
            version=__version__,
            commit=_commit(),
            command=" ".join(["plate-edge", *sys.argv[1:]]),
            setup={k: str(v) if isinstance(v, Path) else v for k, v in msgspec.structs.asdict(plan.setup).items()},
            setup_sha256=plan.setup.sha256(),
            cameras=len(plan.clips),
        ),
        host=host.describe(plan.data or Path.cwd(), plan.note),
        software=host.software("CPUExecutionProvider", plan.setup.threads),
        models=_models(plan),
        clips=plan.clips,
        speed=_speed(counted, plan.setup.delivery),
        loss=loss,
        load=counted.load,
        thermal=counted.thermal,
        accuracy=NOT_MEASURED,
        verdict=judge(plan.mode, counted.seconds, counted.load, loss, counted.thermal, counted.stepped_s),
        samples=counted.samples,
    )


def _speed(counted: Counted, delivery: bool) -> Speed:
    samples = [s for s in counted.samples if s.at_s >= 0]
    last = next((s for s in samples if s.at_s >= counted.seconds - 60), None)
    fps = counted.frames / counted.seconds
    return Speed(
        fps=fps,
        frames_per_cpu_s=fps / counted.load.cpu_cores if counted.load.cpu_cores else 0.0,
        fps_last_minute=(counted.frames - last.frames) / (counted.seconds - last.at_s) if last else fps,
        parts=band(part_speeds(samples) or [fps]),
        stages=counted.watch.stages(),
        frame=counted.watch.frame(),
        to_outbox=counted.watch.to_outbox(),
        to_receipt=counted.watch.to_receipt() if delivery else NOT_MEASURED,
    )


def part_speeds(samples: Sequence[Sample]) -> list[float]:
    """Frames a second of ``PARTS`` stretches of the run of about equal length."""
    marks = samples[:: max(1, len(samples) // PARTS)]
    pairs = itertools.pairwise(marks)
    return [(b.frames - a.frames) / (b.at_s - a.at_s) for a, b in pairs if b.at_s > a.at_s]


def _loss(counted: Counted) -> Loss:
    accounts = counted.accounts
    return Loss(
        due=accounts.frames_received,
        processed=accounts.frames_processed,
        dropped=accounts.frames_dropped,
        longest_gap_s=counted.watch.longest_gap_s,
        reads=accounts.reads,
        committed=accounts.reads_committed,
        withheld=accounts.reads_withheld,
        lost=accounts.reads_lost + accounts.reads_expired,
        noise_tracks=accounts.tracks_noise,
        unread_tracks=accounts.tracks_unread,
    )


def _models(plan: Plan) -> tuple[ModelFacts, ...]:
    return ()


def _commit() -> str:
    said = host.tool("git", "-C", str(Path(build.__file__).parent), "rev-parse", "HEAD")
    return NOT_MEASURED if said is None else said.strip()
