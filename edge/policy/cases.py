"""Run the cases that a pack carries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from edge.policy.case import Case, CaseRecipient
from edge.policy.layers import combine
from edge.policy.pack import Pack
from edge.policy.rules import Rule
from edge.policy.staging import Labeler, play
from edge.records import Label


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
    """Run every case of ``pack``, in the files' order; ``labeler`` is :func:`edge.labeler.scope.label`.

    Each layer's cases are held against that layer with those under it: a state's case says what the state's law makes of a
    situation, and an agency that is stricter does not make it wrong.
    """
    return tuple(
        CaseResult(name=case.name, clause=case.clause, wrong=tuple(_differences(case, below, labeler)))
        for number, layer in enumerate(pack.layers, start=1)
        for below in (combine(pack.layers[:number]),)
        for case in layer.says.cases
    )


def _differences(case: Case, pack: Pack, labeler: Labeler) -> Iterator[str]:
    played = play(case, pack, labeler)
    yield from _hot_list_differences(case, played.refusal)
    if played.label is not None:
        yield from _label_differences(case, played.label)
    if played.outcome != case.expect:
        yield f"expected {case.expect}, got {played.outcome} by {', '.join(played.rules) or 'no rule'}"
    elif case.rule is not None and case.rule not in played.rules:
        yield f"expected rule {case.rule} to decide, got {', '.join(played.rules)}"
    if case.images is not None and played.images != case.images:
        yield f"expected the pictures {case.images} to leave, got {played.images}"


def _hot_list_differences(case: Case, refusal: Rule | None) -> Iterator[str]:
    if case.entry is None:
        if case.hit or case.refused_by:
            yield "expects something of a hot list but offers no entry"
        return
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
        for word in sorted(set(wanted) - set(got)):
            yield f"expected {word} as {said}, the label does not say so"
    for word in sorted(set(case.not_permits) & set(label.purposes_permitted)):
        yield f"expected {word} not to be permitted, the label permits it"
    for word in sorted(set(case.not_lifts) & set(label.lifts)):
        yield f"expected {word} to lift nothing, the label names it"
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
