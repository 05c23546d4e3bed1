"""The modes: one record each."""

from __future__ import annotations

import threading

import msgspec

from edge.bench.line import host
from edge.bench.line.accuracy import Passes
from edge.bench.line.cameras import LoopedCamera, RecalledCamera
from edge.bench.line.counting import Counted, Lanes, Plan, Show, count
from edge.bench.line.models import run_model
from edge.bench.line.record import Probe, Record
from edge.bench.line.recording import record
from edge.bench.line.search import most_cameras
from edge.bench.line.watch import Watch
from edge.camera.interface import Camera

#: Of the memory that is free, a run without decoding fills so much with pictures, and never more than so many bytes.
RECALLED, RECALLED_BYTES = 0.3, 4_000_000_000
PROBE_S, GUESS_S = 20.0, 6.0
#: A machine of today is not tried with more.
AT_MOST = 64
#: Of what a machine carries, so much is asked of it for hours.
SOAKED = 0.8


def run(plan: Plan, show: Show = lambda sample: None) -> Record:
    """Run the plan's mode.  Raises what the unit raises, and ConfigError where the mode cannot be run."""
    modes = {"model": run_model, "single": run_single, "offline": run_offline, "realtime": run_realtime, "soak": run_soak}
    return modes[plan.mode](plan, show)


def run_single(plan: Plan, show: Show) -> Record:
    """The whole line with decoding, the next frame when it is done."""
    return record(plan, _as_fast_as_it_goes(plan, show, plan.seconds))


def run_offline(plan: Plan, show: Show) -> Record:
    """The most frames a second, with decoding and then without: from memory."""
    decoded = run_single(plan, show)
    clips = plan.of_cameras(plan.cameras or len(plan.clips))
    each = int(min(RECALLED_BYTES, RECALLED * host.free_bytes()) / len(clips))
    kept: list[int] = []

    def recalled(inner: Camera, watch: Watch, passes: Passes, over: threading.Event, wait_s: float) -> Camera:
        camera = RecalledCamera(inner, each)
        kept.append(camera.frames_kept)
        return LoopedCamera(camera, over, watch)

    counted = count(plan, Lanes(clips=clips, realtime=False, make=recalled), show, plan.seconds)
    fps = counted.frames / counted.seconds
    speed = msgspec.structs.replace(
        decoded.speed, fps_without_decoding=fps, frames_per_cpu_s_without_decoding=fps / counted.load.cpu_cores
    )
    remark = f"without decoding: {sum(kept)} of {sum(clip.frames for clip in clips)} frames, as many as memory held"
    verdict = msgspec.structs.replace(decoded.verdict, remarks=(*decoded.verdict.remarks, remark))
    return msgspec.structs.replace(decoded, speed=speed, verdict=verdict)


def run_realtime(plan: Plan, show: Show) -> Record:
    """As many cameras as the plan says, at their own speed; else the most that go without dropping a frame: searched in short
    tries, then held for the planned time, and one camera fewer wherever a frame is dropped meanwhile."""
    if plan.cameras is not None:
        return record(plan, _held(plan, plan.cameras, show, plan.seconds))
    found, probes = search(plan, show)
    while found > 1:
        counted = _held(plan, found, show, plan.seconds, until_drop=True)
        if not counted.dropped:
            return record(plan, counted, probes)
        probes = (*probes, _probe(found, counted))
        found -= 1
    return record(plan, _held(plan, 1, show, plan.seconds), probes)


def run_soak(plan: Plan, show: Show) -> Record:
    """Hours at 80 % of the cameras that the machine carries, or with as many as the plan says."""
    if plan.cameras is not None:
        return record(plan, _held(plan, plan.cameras, show, plan.seconds))
    found, probes = search(plan, show)
    return record(plan, _held(plan, max(1, int(SOAKED * found)), show, plan.seconds), probes)


def search(plan: Plan, show: Show) -> tuple[int, tuple[Probe, ...]]:
    """The most cameras that a short try shows no drop with, 0 if not even one, and all tries."""
    guess = _as_fast_as_it_goes(plan, show, GUESS_S)
    fps = max(clip.fps for clip in plan.clips)

    def probe(cameras: int) -> Probe:
        return _probe(cameras, _held(plan, cameras, show, PROBE_S))

    return most_cameras(probe, int(guess.frames / guess.seconds / fps), AT_MOST)


def _held(plan: Plan, cameras: int, show: Show, seconds: float, until_drop: bool = False) -> Counted:
    lanes = Lanes(clips=plan.of_cameras(cameras), realtime=True, make=_looped)
    return count(plan, lanes, show, seconds, until_drop)


def _as_fast_as_it_goes(plan: Plan, show: Show, seconds: float) -> Counted:
    clips = plan.of_cameras(plan.cameras or len(plan.clips))
    return count(plan, Lanes(clips=clips, realtime=False, make=_looped), show, seconds)


def _looped(inner: Camera, watch: Watch, passes: Passes, over: threading.Event, wait_s: float) -> Camera:
    return LoopedCamera(inner, over, watch, passes.looped, wait_s)


def _probe(cameras: int, counted: Counted) -> Probe:
    return Probe(cameras=cameras, seconds=counted.seconds, due=counted.frames + counted.dropped, dropped=counted.dropped)
