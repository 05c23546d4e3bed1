"""Targets and verdicts."""

from __future__ import annotations

import msgspec

from edge.bench.evaluate import SetScores
from edge.bench.passes import ClipScore
from edge.bench.score import (
    FoundPlate,
    Reviewed,
    ScoredFrame,
    TextRead,
    TruthPlate,
    rate,
    reliability,
    score_frames,
    score_texts,
)
from edge.bench.speed import Speed
from edge.bench.targets import TARGETS, PairScores, Verdict, judge

PLATE = (100.0, 100.0, 120.0, 60.0)
FAR = (600.0, 100.0, 120.0, 60.0)


def pair(**fields: object) -> PairScores:
    known: dict[str, object] = {
        "name": "FP32",
        "detector": "d",
        "recognizer": "r",
        "detector_sha256": "",
        "recognizer_sha256": "",
    }
    return msgspec.convert({"model_bytes": 2_500_000, **known, **fields}, PairScores)


def frames(name: str, *scored: ScoredFrame) -> SetScores:
    return SetScores(name=name, frames=score_frames(scored), reliability=reliability(()))


def verdict(scores: PairScores, what: str) -> Verdict:
    (found,) = (each for each in judge(scores) if each.what == what)
    return found


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    """A pair without pictures has its size and nothing else; every target has a verdict."""
    verdicts = judge(pair())
    assert len(verdicts) == len(TARGETS)
    assert {each.what: each.met for each in verdicts if each.met is not None} == {"both models, MB": True}


def test_a_target_is_met_at_its_limit() -> None:
    """19 of 20 is 0.95, 18 is not; 6 MB is at most 6."""
    for hits, met in ((19, True), (18, False)):
        plates = [ScoredFrame(truth=(TruthPlate(box=PLATE),), found=(FoundPlate(box=PLATE, confidence=0.9),))] * hits
        missed = [ScoredFrame(truth=(TruthPlate(box=PLATE),), found=())] * (20 - hits)
        assert verdict(pair(sets=(frames("all", *plates, *missed),)), "plates ≥ 60 px found").met is met
    assert verdict(pair(model_bytes=6_000_000), "both models, MB").met
    assert not verdict(pair(model_bytes=6_000_001), "both models, MB").met


def test_a_box_on_a_plate_that_nobody_labelled_is_set_aside_and_still_told() -> None:
    """Of two extra boxes in a hundred frames one is wrong: 0.01, and 0.02 before the review."""
    empty = [ScoredFrame(truth=(), found=())] * 98
    extra = FoundPlate(box=FAR, confidence=0.8)
    two = [ScoredFrame(truth=(), found=(extra,), reviewed=Reviewed(unlabelled=(FAR,))), ScoredFrame(truth=(), found=(extra,))]
    reached = verdict(pair(sets=(frames("darkplate", *empty, *two),)), "wrong boxes a frame, darkplate").reached
    assert reached is not None
    assert (reached.value, reached.before_review) == (0.01, 0.02)


def test_every_pass_must_be_read() -> None:
    """Passes of all clips are counted together; one miss misses the target."""
    clips = [ClipScore(clip="a", passes=rate(17, 17), missed_at_s=(), other_reads=0)]
    assert verdict(pair(clips=clips), "passes read exactly").met
    clips.append(ClipScore(clip="b", passes=rate(0, 1), missed_at_s=(0.0,), other_reads=1))
    assert verdict(pair(clips=clips), "passes read exactly").met is False


def test_sure_reads_are_counted_once() -> None:
    """The set of all pictures repeats the sets it is made of."""
    right = reliability([TextRead(truth="AB1", read="AB1", confidence=0.95)])
    wrong = reliability([TextRead(truth="AB1", read="AB7", confidence=0.95)])
    sets = (
        SetScores(name="us_web", frames=score_frames(()), reliability=right),
        SetScores(name="all", frames=score_frames(()), reliability=right),
        SetScores(name="us_crops", crops=score_texts([("AB1", "AB7")]), reliability=wrong),
    )
    reached = verdict(pair(sets=sets), "right, of reads ≥ 0.9 sure").reached
    assert reached is not None and reached.count is not None
    assert (reached.count.hits, reached.count.total) == (1, 2)


def test_speed_is_judged_by_the_ratio() -> None:
    """Not by milliseconds, which depend on the machine."""
    slow = Speed(rounds=60, ours_ms=100.0, peer_ms=400.0, ratio=4.0)
    assert verdict(pair(speed=slow), "times as fast as the peer").met
