"""Whether one run was faster than another, or the same as far as their noise lets anybody tell.  Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from edge.bench.line.record import Record
from edge.bench.line.recording import By, part_speeds
from edge.bench.line.spans import band
from edge.bench.line.verdict import BACKGROUND
from edge.errors import ConfigError

#: Below this a difference does not matter, however exactly it was measured.
LEAST = 0.02


class Stage(Struct, frozen=True, kw_only=True):
    """Mean milliseconds of a stage a frame of the run, before and after; None where it was not there."""

    stage: str
    before_ms: float | None
    after_ms: float | None

    @property
    def grown_ms(self) -> float:
        """By how much it takes longer."""
        return (self.after_ms or 0.0) - (self.before_ms or 0.0)


class Comparison(Struct, frozen=True, kw_only=True):
    """The verdict on B against A.  ``ratio`` is B's speed over A's, ``low`` and ``high`` its 95 % noise band; ``by`` says which
    speed: frames a second of the clock or, where cameras have their own pace or others were at work on the machine, of CPU
    time.  ``changed`` is the stage that changed most, ``doubts`` say why the runs may not be compared."""

    verdict: Literal["faster", "slower", "the same", "no verdict"]
    by: By
    ratio: float
    low: float
    high: float
    stages: tuple[Stage, ...]
    changed: str
    doubts: tuple[str, ...]


def compare(a: Record, b: Record) -> Comparison:
    """Compare two runs of one mode.  Raises ConfigError if they are of different modes.

    The band reaches from the worst of B's over the best of A's to the opposite, each of its own 95 % band: wide, so that what
    is called faster is."""
    if a.run.mode != b.run.mode:
        raise ConfigError(f"compare records: one is of mode {a.run.mode}, the other {b.run.mode}")
    by = _by(a, b)
    before, after = (band(_speeds(record, by or "the clock")) for record in (a, b))
    low, high = before.high and after.low / before.high, before.low and after.high / before.low
    stages = _stages(a, b)
    changed = max(stages, key=lambda s: abs(s.grown_ms), default=None)
    return Comparison(
        verdict=_verdict(low, high) if by is not None else "no verdict",
        by=by or "the clock",
        ratio=after.median / before.median if before.median else 0.0,
        low=low,
        high=high,
        stages=stages,
        changed=changed.stage if changed else "",
        doubts=_doubts(a, b),
    )


def _by(a: Record, b: Record) -> By | None:
    """Which speed of both runs may be believed; None for neither."""
    reasons = [*a.verdict.reasons, *b.verdict.reasons]
    if any(not reason.startswith(BACKGROUND) for reason in reasons):
        return None
    return "CPU time" if reasons or a.run.mode in ("realtime", "soak") else "the clock"


def _verdict(low: float, high: float) -> Literal["faster", "slower", "the same"]:
    if low > 1 + LEAST:
        return "faster"
    return "slower" if high < 1 - LEAST else "the same"


def _speeds(record: Record, by: By) -> list[float]:
    """Frames a second of the parts of a run."""
    whole = record.speed.frames_per_cpu_s if by == "CPU time" else record.speed.fps
    return part_speeds(record.rounds, record.samples, by) or [whole]


def _stages(a: Record, b: Record) -> tuple[Stage, ...]:
    mine, theirs = _per_frame(a), _per_frame(b)
    return tuple(
        Stage(stage=name, before_ms=mine.get(name), after_ms=theirs.get(name)) for name in dict.fromkeys([*mine, *theirs])
    )


def _per_frame(record: Record) -> dict[str, float]:
    """Milliseconds of each stage, spread over all frames of the run."""
    frames = max(1, max((each.latency.count for each in record.speed.stages), default=1))
    return {each.stage: each.latency.mean_ms * each.latency.count / frames for each in record.speed.stages}


def _doubts(a: Record, b: Record) -> tuple[str, ...]:
    doubts = [f"A is invalid: {reason}" for reason in a.verdict.reasons]
    doubts += [f"B is invalid: {reason}" for reason in b.verdict.reasons]
    for what, one, two in (
        ("machines", (a.host.board, a.host.cpu, a.host.cores_used), (b.host.board, b.host.cpu, b.host.cores_used)),
        ("clips", [c.sha256 for c in a.clips], [c.sha256 for c in b.clips]),
        ("numbers of cameras", a.run.cameras, b.run.cameras),
        ("models", [m.sha256 for m in a.models], [m.sha256 for m in b.models]),
        ("setups", a.run.setup_sha256, b.run.setup_sha256),
    ):
        if one != two:
            doubts.append(f"the {what} differ")
    return tuple(doubts)
