"""Run the cases that a pack carries through the real label and the real decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec
import shapely
from msgspec import Struct

from edge.policy.agreements import Agreement
from edge.policy.case import Case, CaseAgreement, CaseRecipient
from edge.policy.decide import decide, may_capture
from edge.policy.pack import Pack
from edge.policy.zones import Zone
from edge.records import (
    Box,
    Capture,
    Detection,
    Hit,
    Instant,
    Label,
    LabeledRead,
    Position,
    Read,
    Reason,
    Release,
    TimeQuality,
)

# How a read gets its label: `edge.labeler.scope.label`, handed in because one stage does not import another.
Labeler = Callable[[Read, Capture, Pack, Hit | None], LabeledRead]

# A square of a tenth of a degree with a margin of 50 m, and positions known to 5 m, all invented.
_WEST, _SOUTH, _SIDE = -72.0, 41.0, 0.1
_METRE_NORTH = 1 / 111_057  # degrees of latitude at 41°
_ZONE = Zone(
    name="case",
    category="agency-choice",
    margin_m=50.0,
    shape=shapely.box(_WEST, _SOUTH, _WEST + _SIDE, _SOUTH + _SIDE),
)
_NORTH_OF_EDGE_M = {"inside": -500.0, "in-margin": 52.0, "outside": 80.0}


class CaseResult(Struct, frozen=True, kw_only=True):
    """How one case came out; ``wrong`` says in plain words what differs and is empty where it passed."""

    name: str
    clause: str
    wrong: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything that the case says came true."""
        return not self.wrong


def run_cases(pack: Pack, labeler: Labeler) -> tuple[CaseResult, ...]:
    """Run every case of ``pack``, in the file's order; ``labeler`` is :func:`edge.labeler.scope.label`."""
    return tuple(
        CaseResult(name=case.name, clause=case.clause, wrong=tuple(_differences(case, pack, labeler)))
        for layer in pack.layers
        for case in layer.says.cases
    )


def _differences(case: Case, pack: Pack, labeler: Labeler) -> Iterator[str]:
    zones = () if case.place == "no-zones" else (_ZONE,)
    position = _position(case)
    pack = _with_agreements(pack, case)
    reasons = may_capture(position, case.at, pack, zones, case.unit)
    hit = _hit(case, pack)
    yield from _hot_list_differences(case, pack)
    if reasons or case.expect == "no-capture":
        yield from _outcome(case, "no-capture" if reasons else "capture", _ids(reasons))
        return
    labeled = labeler(_read(case), _capture(position), pack, hit)
    yield from _label_differences(case, labeled.label)
    decision = decide(labeled, pack)
    if isinstance(decision, Release):
        yield from _outcome(case, "release", decision.rules)
    else:
        yield from _outcome(case, "withhold", _ids(decision.reasons))


def _ids(reasons: tuple[Reason, ...]) -> tuple[str, ...]:
    return tuple(reason.rule for reason in reasons)


def _outcome(case: Case, outcome: str, rules: tuple[str, ...]) -> Iterator[str]:
    if outcome != case.expect:
        yield f"expected {case.expect}, got {outcome} by {', '.join(rules) or 'no rule'}"
    elif case.rule is not None and case.rule not in rules:
        yield f"expected rule {case.rule} to decide, got {', '.join(rules)}"


def _hot_list_differences(case: Case, pack: Pack) -> Iterator[str]:
    if case.entry is None:
        if case.hit or case.refused_by:
            yield "expects something of a hot list but offers no entry"
        return
    refusal = pack.refusal(case.entry.source, case.entry.topic, case.entry.reason)
    if case.hit != (refusal is None):
        yield "expected a hit, the entry is refused" if case.hit else "expected no hit, the entry is admitted"
    if case.refused_by is not None and (refusal is None or refusal.id != case.refused_by):
        yield f"expected {case.refused_by} to refuse the entry, got {refusal.id if refusal else 'no refusal'}"


def _label_differences(case: Case, label: Label) -> Iterator[str]:
    if case.classification is not None and label.classification != case.classification:
        yield f"expected classification {case.classification}, got {label.classification}"
    if case.delete_after is not None and label.delete_after != case.delete_after:
        yield f"expected delete_after {case.delete_after.isoformat()}, got {label.delete_after.isoformat()}"
    if case.forward_by is not None and label.forward_by != case.forward_by:
        yield f"expected forward_by {case.forward_by.isoformat()}, got {_when(label.forward_by)}"
    windows = {window.who: window.until for window in label.search_windows}
    for who, until in case.searchable_until.items():
        if windows.get(who) != until:
            yield f"expected {who} to find it until {until.isoformat()}, got {_when(windows.get(who))}"
    if case.fields is not None and set(label.fields) != set(case.fields):
        yield f"expected the fields {', '.join(case.fields)}, got {', '.join(label.fields)}"
    for said, wanted, got in (
        ("permitted", case.permits, label.purposes_permitted),
        ("barred", case.bars, label.purposes_barred),
        ("a lift", case.lifts, label.lifts),
        ("a duty", case.duties, label.onward_duties),
        ("an obligation", case.obligations, label.obligations),
    ):
        for word in set(wanted) - set(got):
            yield f"expected {word} as {said}, the label does not say so"
    for word in set(case.not_permits) & set(label.purposes_permitted):
        yield f"expected {word} not to be permitted, the label permits it"
    yield from _recipient_differences(case, label)


def _when(at: datetime | None) -> str:
    return "no time" if at is None else at.isoformat()


def _recipient_differences(case: Case, label: Label) -> Iterator[str]:
    named = {(each.recipient, each.party): each for each in label.recipients}
    for wanted in case.recipients:
        got = named.get((wanted.recipient, wanted.party))
        if got is None:
            yield f"expected the recipient {wanted.party or wanted.recipient}, the label does not name it"
        elif _sets(got.doors) != _sets(_doors(wanted)) or got.now != wanted.now:
            yield f"expected {wanted.party or wanted.recipient} through {_doors(wanted)}, got {got.doors}, now: {got.now}"
    for name in case.not_recipients:
        if any(name in (each.recipient, each.party) for each in label.recipients):
            yield f"expected no recipient {name}, the label names it"
    now = sorted(each.party for each in label.recipients if each.now)
    if case.nobody_now and now:
        yield f"expected nobody to get the read now, the label names {', '.join(now)}"


def _doors(wanted: CaseRecipient) -> tuple[tuple[str, ...], ...]:
    return wanted.doors or ((wanted.gates,) if wanted.gates else ())


def _sets(doors: tuple[tuple[str, ...], ...]) -> set[frozenset[str]]:
    return {frozenset(door) for door in doors}


def _with_agreements(pack: Pack, case: Case) -> Pack:
    return msgspec.structs.replace(pack, agreements=tuple(map(_agreement, case.agreements)))


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


def _position(case: Case) -> Position | None:
    if case.place == "lost":
        return None
    north_m = _NORTH_OF_EDGE_M.get(case.place, 0.0)
    return Position(latitude=_SOUTH + _SIDE + north_m * _METRE_NORTH, longitude=_WEST + _SIDE / 2, accuracy_m=5.0)


def _hit(case: Case, pack: Pack) -> Hit | None:
    entry = case.entry
    if entry is None or pack.refusal(entry.source, entry.topic, entry.reason) is not None:
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


def _read(case: Case) -> Read:
    quality = TimeQuality(source=case.time_source)
    first = Instant(utc=case.at, boottime_ns=0, boot_id="case", quality=quality)
    last = Instant(utc=case.at + timedelta(seconds=1), boottime_ns=10**9, boot_id="case", quality=quality)
    corners = ((0.0, 0.0), (100.0, 0.0), (100.0, 50.0), (0.0, 50.0))
    best = Detection(box=Box(x=0.0, y=0.0, w=100.0, h=50.0), corners=corners, confidence=1.0)
    return Read(
        id=f"case {case.name}",
        camera="case",
        text="CASE",
        confidence=case.confidence,
        characters=(),
        region=case.region,
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
