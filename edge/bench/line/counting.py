"""A unit runs, warms up, is counted for a while and ended: what all modes have in common."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from edge.bench.line.accuracy import Passes
from edge.bench.line.clips import Clip
from edge.bench.line.meter import Meter
from edge.bench.line.monitor import Monitor
from edge.bench.line.record import Accuracy, Load, Mode, Sample, Thermal
from edge.bench.line.rig import Rig, Setup, camera_name, rigged
from edge.bench.line.sensors import Heat, Sensors
from edge.bench.line.watch import Watch
from edge.bench.passes import DueClip
from edge.camera.interface import Camera
from edge.unit import Accounts

WARM_UP_S = 3.0
#: Cameras that play at their own speed begin so long one after the other, so that not all show the same at once.
STAGGER_S = 1.3
Show = Callable[[Sample], None]


class Plan(Struct, frozen=True, kw_only=True):
    """What to run: the clips, how long to count, with which setup.  ``cameras`` is how many there are, each clip's turn after
    the other's; as many as clips unless told.  ``known`` is what the clips show, by SHA-256; ``note`` is for the record."""

    mode: Mode
    clips: tuple[Clip, ...]
    seconds: float
    setup: Setup = Setup()
    cameras: int | None = None
    known: Mapping[str, DueClip] = {}
    note: str = ""
    data: Path | None = None

    def of_cameras(self, cameras: int) -> tuple[Clip, ...]:
        """The clip of each camera."""
        return tuple(self.clips[n % len(self.clips)] for n in range(cameras))


class Counted(Struct, frozen=True, kw_only=True):
    """What one unit did while it was counted."""

    clips: tuple[Clip, ...]
    realtime: bool
    warm_up_s: float
    seconds: float
    frames: int
    dropped: int
    watch: Watch
    accounts: Accounts
    accuracy: Accuracy | None
    load: Load
    thermal: Thermal
    stepped_s: float
    samples: tuple[Sample, ...]


class Lanes(Struct, frozen=True, kw_only=True):
    """The cameras of a run: their clips, whether they play at their own speed, and how one is made around the clip's own; it is
    told the watch, the passes to tell of rounds, when the run is over, and how long to wait before it begins."""

    clips: tuple[Clip, ...]
    realtime: bool
    make: Callable[[Camera, Watch, Passes, threading.Event, float], Camera]


def count(plan: Plan, lanes: Lanes, show: Show, seconds: float, until_drop: bool = False) -> Counted:
    """Run a unit, let it warm up, count for so long or, with ``until_drop``, until a frame is dropped; end it.

    Raises what makes the unit fail."""
    names = {camera_name(n): clip.sha256 for n, clip in enumerate(lanes.clips)}
    passes = Passes({name: plan.known[sha256] for name, sha256 in names.items() if sha256 in plan.known})
    watch, heat = Watch(passes.hear, receipts=plan.setup.delivery), Heat(Sensors())
    stagger_s = STAGGER_S if lanes.realtime else 0.0
    waits = itertools.count(0.0, stagger_s)
    warm_up_s = WARM_UP_S + len(lanes.clips) * stagger_s

    def camera(inner: Camera, over: threading.Event) -> Camera:
        return lanes.make(inner, watch, passes, over, next(waits))

    with rigged(plan.setup, lanes.clips, watch, camera, plan.data, lanes.realtime) as rig:
        monitor = Monitor(lambda: (watch.frames, watch.dropped), heat.look, show)
        rig.start()
        monitor.start()
        try:
            _wait(rig, warm_up_s)
            watch.begin()
            monitor.zero()
            meter = Meter()
            _wait(rig, seconds, (lambda: watch.dropped > 0) if until_drop else lambda: False)
            watch.end()
            meter.stop()
        finally:
            monitor.end()
        accounts = rig.end()
    return Counted(
        clips=lanes.clips,
        realtime=lanes.realtime,
        warm_up_s=warm_up_s,
        seconds=meter.seconds,
        frames=watch.frames,
        dropped=watch.dropped,
        watch=watch,
        accounts=accounts,
        accuracy=passes.account(),
        load=meter.load(monitor.samples),
        thermal=heat.account(watch.frames, meter.seconds),
        stepped_s=meter.use.stepped_s,
        samples=tuple(monitor.samples),
    )


def _wait(rig: Rig, seconds: float, enough: Callable[[], bool] = lambda: False) -> None:
    """Let the unit run; raises what makes it fail meanwhile."""
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0 and not enough():
        time.sleep(min(0.1, left_s))
        if not rig.running:
            rig.end()
