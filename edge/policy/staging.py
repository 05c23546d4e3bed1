"""Play a situation through the real label and the real decisions, with an invented unit, zone, plate and papers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Literal

import msgspec
import shapely
from msgspec import Struct

from edge.policy.agreements import Agreement
from edge.policy.case import CaseAgreement, Situation
from edge.policy.decide import decide, may_capture
from edge.policy.pack import Pack
from edge.policy.rules import Rule
from edge.policy.zones import Zone
from edge.records import (
    Box,
    Capture,
    Detection,
    Hit,
    ImageScope,
    Instant,
    Label,
    LabeledRead,
    Position,
    Read,
    Release,
    TimeQuality,
)

# How a read gets its label: `edge.labeler.scope.label`, handed in because one stage does not import another.
Labeler = Callable[[Read, Capture, Pack, Hit | None], LabeledRead]

# A square of a tenth of a degree with a margin of 50 m, and positions known to 5 m, all invented.
_WEST, _SOUTH, _SIDE = -72.0, 41.0, 0.1
_METRE_NORTH = 1 / 111_057  # degrees of latitude at 41°
_SQUARE = shapely.box(_WEST, _SOUTH, _WEST + _SIDE, _SOUTH + _SIDE)
_MARGIN_M = 50.0
_NORTH_OF_EDGE_M = {"inside": -500.0, "in-margin": 52.0, "outside": 80.0}
_WITHOUT_ZONES = ("no-zones", "adrift")
_WITHOUT_POSITION = ("lost", "adrift")


class Played(Struct, frozen=True, kw_only=True):
    """What a pack made of a situation: the outcome, the rules that decided, the label unless nothing was captured, the
    rule that refused the hot-list entry, if one was offered and refused, and which pictures may leave with the read."""

    outcome: Literal["release", "withhold", "no-capture"]
    rules: tuple[str, ...]
    label: Label | None
    refusal: Rule | None
    images: ImageScope = "none"


class CitedRule(Struct, frozen=True, kw_only=True):
    """A rule that decided, with its clause."""

    rule: str
    clause: str


class Staged(Struct, frozen=True, kw_only=True):
    """The read, the metadata and the hit, if a list has an entry, that a situation stands for."""

    read: Read
    capture: Capture
    hit: Hit | None


def stage(situation: Situation) -> Staged:
    """What a unit would have in its hands in ``situation``, whatever a pack thinks of it."""
    return Staged(read=_read(situation), capture=_capture(_position(situation)), hit=_hit(situation))


def cite_rules(rules: Iterable[str], pack: Pack) -> tuple[CitedRule, ...]:
    """Each rule of ``pack`` once, with its clause; a rule of the program has none."""
    found = ((rule_id, pack.rule(rule_id)) for rule_id in dict.fromkeys(rules))
    return tuple(CitedRule(rule=rule_id, clause=rule.clause if rule else "a rule of the program") for rule_id, rule in found)


def play(situation: Situation, pack: Pack, labeler: Labeler) -> Played:
    """What ``pack`` makes of ``situation``; ``labeler`` is :func:`edge.labeler.scope.label`."""
    if situation.agreements or pack.agreements:
        pack = msgspec.structs.replace(pack, agreements=tuple(map(_agreement, situation.agreements)))
    position = _position(situation)
    entry = situation.entry
    refusal = pack.refusal(entry.source, entry.topic, entry.reason) if entry is not None else None
    reasons = may_capture(position, situation.at, pack, _zones(situation), situation.unit)
    if reasons:
        return Played(outcome="no-capture", rules=tuple(reason.rule for reason in reasons), label=None, refusal=refusal)
    staged = stage(situation)
    labeled = labeler(staged.read, staged.capture, pack, staged.hit if refusal is None else None)
    decision = decide(labeled, pack)
    if isinstance(decision, Release):
        return Played(outcome="release", rules=decision.rules, label=labeled.label, refusal=refusal, images=decision.images)
    rules = tuple(reason.rule for reason in decision.reasons)
    return Played(outcome="withhold", rules=rules, label=labeled.label, refusal=refusal)


def _zones(situation: Situation) -> tuple[Zone, ...]:
    if situation.place in _WITHOUT_ZONES:
        return ()
    return (Zone(name="case", category=situation.zone, margin_m=_MARGIN_M, shape=_SQUARE),)


def _agreement(paper: CaseAgreement) -> Agreement:
    return Agreement(
        party=paper.party,
        recipient=paper.recipient,
        jurisdiction=paper.jurisdiction,
        satisfies=paper.satisfies,
        text_sha256="0" * 64,
        signed_by=("case", "case"),
        starts=paper.starts,
        ends=paper.ends,
        revoked=paper.revoked,
        bars=paper.bars,
        now=paper.now,
        seal_key="case",
    )


def _position(situation: Situation) -> Position | None:
    if situation.place in _WITHOUT_POSITION:
        return None
    north_m = _NORTH_OF_EDGE_M.get(situation.place, 0.0)
    return Position(latitude=_SOUTH + _SIDE + north_m * _METRE_NORTH, longitude=_WEST + _SIDE / 2, accuracy_m=5.0)


def _hit(situation: Situation) -> Hit | None:
    entry = situation.entry
    if entry is None:
        return None
    return Hit(source=entry.source, topic=entry.topic, reason=entry.reason, entered_by="case", list_sha256="0" * 64, exact=True)


def _capture(position: Position | None) -> Capture:
    return Capture(
        device="case",
        agency="case",
        camera="case",
        position=position,
        detector_sha256="0" * 64,
        recognizer_sha256="0" * 64,
        calibration_id=None,
        software="case",
    )


def _read(situation: Situation) -> Read:
    quality = TimeQuality(source=situation.time_source)
    first = Instant(utc=situation.at, boottime_ns=0, boot_id="case", quality=quality)
    last = Instant(utc=situation.at + timedelta(seconds=1), boottime_ns=10**9, boot_id="case", quality=quality)
    corners = ((0.0, 0.0), (100.0, 0.0), (100.0, 50.0), (0.0, 50.0))
    best = Detection(box=Box(x=0.0, y=0.0, w=100.0, h=50.0), corners=corners, confidence=1.0)
    return Read(
        id="case",
        camera="case",
        text="CASE",
        confidence=situation.confidence,
        characters=(),
        region=situation.region,
        region_confidence=1.0,
        raw_texts=("CASE",),
        readings=1,
        frames=1,
        first=first,
        last=last,
        first_s=0.0,
        last_s=1.0,
        plate_width_px=100.0,
        best=best,
    )
