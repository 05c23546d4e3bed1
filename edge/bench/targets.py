"""What the bundled models are to reach, in one table, and what was reached; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from msgspec import Struct

from edge.bench.evaluate import ALL, SetScores
from edge.bench.passes import ClipScore
from edge.bench.score import SURE, Rate, Scores, rate
from edge.bench.speed import Speed

Sense = Literal["at least", "at most"]


class PairScores(Struct, frozen=True, kw_only=True):
    """Everything measured of one detector and one reader; what was not measured is empty or None.

    ``sets`` are pictures and crops by set, ``model_bytes`` both files on disk."""

    name: str
    detector: str
    recognizer: str
    detector_sha256: str
    recognizer_sha256: str
    model_bytes: int
    sets: tuple[SetScores, ...] = ()
    clips: tuple[ClipScore, ...] = ()
    speed: Speed | None = None


class Reached(Struct, frozen=True, kw_only=True):
    """A measured figure, with the count behind it where it is a share; and what it was before plates that nobody labelled
    were set aside."""

    value: float
    count: Rate | None = None
    before_review: float | None = None


class Target(Struct, frozen=True, kw_only=True):
    """One line of the table: what, its limit, and where the figure stands in a pair's scores (None: not measured)."""

    what: str
    sense: Sense
    limit: float
    of: Callable[[PairScores], Reached | None]


class Verdict(Struct, frozen=True, kw_only=True):
    """A target with what a pair reached; ``met`` is None where nothing was measured."""

    what: str
    sense: Sense
    limit: float
    reached: Reached | None
    met: bool | None


def _pictures(name: str, of: Callable[[Scores], Rate]) -> Callable[[PairScores], Reached | None]:
    return lambda pair: next((_share(of(s.frames)) for s in pair.sets if s.name == name and s.frames is not None), None)


def _crops(of: Callable[[SetScores], Rate]) -> Callable[[PairScores], Reached | None]:
    return lambda pair: next((_share(of(s)) for s in pair.sets if s.crops is not None), None)


def _share(counted: Rate) -> Reached | None:
    return None if counted.share is None else Reached(value=counted.share, count=counted)


def _sum(rates: Iterable[Rate]) -> Reached | None:
    every = tuple(rates)
    return _share(rate(sum(each.hits for each in every), sum(each.total for each in every)))


def _wrong_boxes(name: str) -> Callable[[PairScores], Reached | None]:
    def of(pair: PairScores) -> Reached | None:
        scores = next((s.frames for s in pair.sets if s.name == name and s.frames is not None), None)
        if scores is None:
            return None
        return Reached(value=scores.extra.wrong_per_frame, before_review=scores.extra_boxes_per_frame)

    return of


def _sure(pair: PairScores) -> Reached | None:
    """Over all pictures and crops; the set "all" only repeats the others."""
    return _sum(each.reliability.sure for each in pair.sets if each.name != ALL)


MEGABYTE = 1e6

TARGETS = (
    Target(what="plates ≥ 60 px found", sense="at least", limit=0.95, of=_pictures(ALL, lambda s: s.at_least_60_px.recall)),
    Target(what="plates ≥ 100 px found", sense="at least", limit=0.98, of=_pictures(ALL, lambda s: s.at_least_100_px.recall)),
    Target(what="wrong boxes a frame, darkplate", sense="at most", limit=0.02, of=_wrong_boxes("darkplate")),
    Target(what="exact, us_web", sense="at least", limit=0.85, of=_pictures("us_web", lambda s: s.all.exact_folded)),
    Target(what="exact, darkplate", sense="at least", limit=0.90, of=_pictures("darkplate", lambda s: s.all.exact_folded)),
    Target(
        what="exact, robertlucian", sense="at least", limit=0.90, of=_pictures("robertlucian", lambda s: s.all.exact_folded)
    ),
    Target(
        what="exact, US crops",
        sense="at least",
        limit=0.86,
        of=_crops(lambda s: s.crops.exact_folded if s.crops is not None else rate(0, 0)),
    ),
    Target(what="state, US crops", sense="at least", limit=0.80, of=_crops(lambda s: rate(s.state_right, s.state_known))),
    Target(what="passes read exactly", sense="at least", limit=1.0, of=lambda pair: _sum(clip.passes for clip in pair.clips)),
    Target(what=f"right, of reads ≥ {SURE} sure", sense="at least", limit=0.97, of=_sure),
    Target(
        what="times as fast as the peer",
        sense="at least",
        limit=3.5,
        of=lambda pair: None if pair.speed is None else Reached(value=pair.speed.ratio),
    ),
    Target(what="both models, MB", sense="at most", limit=6.0, of=lambda pair: Reached(value=pair.model_bytes / MEGABYTE)),
)
"""Exact: the letter O folded into 0.  Wrong boxes: without those that hold a real plate nobody labelled."""


def judge(pair: PairScores, targets: Sequence[Target] = TARGETS) -> tuple[Verdict, ...]:
    """What a pair reached of each target."""
    return tuple(_verdict(target, target.of(pair)) for target in targets)


def _verdict(target: Target, reached: Reached | None) -> Verdict:
    met = None
    if reached is not None:
        met = reached.value >= target.limit if target.sense == "at least" else reached.value <= target.limit
    return Verdict(what=target.what, sense=target.sense, limit=target.limit, reached=reached, met=met)
