"""What is doubtful in a pack that is otherwise well formed: clauses nobody verified, dates, rules this unit cannot obey."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import permutations
from typing import Literal

from msgspec import Struct

from edge.policy.decide import ALWAYS_CARRIED, CARRIED_OUT
from edge.policy.layers import cite, seconds
from edge.policy.pack import Pack
from edge.policy.rules import ImagesRule

_SOON = timedelta(days=30)


class Finding(Struct, frozen=True, kw_only=True):
    """One thing found in a pack.  ``problem``: reads would be withheld under it; ``note``: true, and to be known."""

    weight: Literal["problem", "note"]
    rule: str
    words: str


def findings(pack: Pack, at: datetime) -> tuple[Finding, ...]:
    """What is doubtful in a loaded pack at ``at``; problems first."""
    found = (*_dates(pack, at), *_beyond_the_unit(pack), *_dead(pack), *_unverified(pack), *_coverage(pack))
    return tuple(sorted(found, key=lambda finding: finding.weight != "problem"))


def _problem(rule: str, words: str) -> Finding:
    return Finding(weight="problem", rule=rule, words=words)


def _note(rule: str, words: str) -> Finding:
    return Finding(weight="note", rule=rule, words=words)


def _dates(pack: Pack, at: datetime) -> Iterator[Finding]:
    for identity in (layer.says.identity for layer in pack.layers):
        if at < identity.effective_from:
            yield _problem(
                identity.id, f"not yet in force: from {identity.effective_from.isoformat()}; nothing is captured before"
            )
        if identity.effective_until is not None:
            until = identity.effective_until.isoformat()
            if at >= identity.effective_until:
                yield _problem(identity.id, f"no longer in force since {until}; nothing is captured")
            elif at + _SOON >= identity.effective_until:
                yield _note(identity.id, f"in force only until {until}; prepare its successor")
        if identity.prepared_on > at.date():
            yield _note(identity.id, f"prepared on {identity.prepared_on}, which is still to come: check the clock or the pack")
    for paper in pack.agreements:
        if not paper.in_force(at):
            yield _note("agreements", f"{paper.party}: not in force now ({paper.starts:%Y-%m-%d} to {paper.ends:%Y-%m-%d})")
        if not any(name == admission.name for name in paper.names for admission in pack.admissions):
            yield _note("agreements", f"{paper.party}: no rule admits a {paper.recipient} of {paper.jurisdiction}")


def _beyond_the_unit(pack: Pack) -> Iterator[Finding]:
    for rule in pack.obligations:
        if rule.by == "unit" and rule.obligation not in CARRIED_OUT:
            yield _problem(rule.id, f"this unit cannot carry out {rule.obligation}; every read is withheld")
    for field in ALWAYS_CARRIED:
        if field not in pack.fields_kept:
            rule_id = next(rule.id for rule in pack.fields if field not in rule.keep)
            yield _problem(rule_id, f"every read carries {field}, which may not leave; every read is withheld")


def _dead(pack: Pack) -> Iterator[Finding]:
    """Rules that can never have a say."""
    barred = {topic: bar.id for hotlist in pack.hotlists for bar in hotlist.bar for topic in bar.topics}
    for admit in (admit for hotlist in pack.hotlists for admit in hotlist.admit):
        for topic in admit.topics:
            if topic in barred:
                yield _note(admit.id, f"admits {topic}, which `{barred[topic]}` bars: the bar wins")
    for rule, other in permutations(pack.retention, 2):
        if other.applies_to in ("any", rule.applies_to) and seconds(other.longest) < seconds(rule.longest):
            yield _note(rule.id, f"never decides: {cite(other)} is shorter")
    admitted = {admission.name for admission in pack.admissions}
    for layer in pack.layers:
        for recipient in layer.says.recipients or ():
            for name in recipient.names:
                if name not in admitted:
                    yield _note(recipient.id, f"admits {name}, which another layer does not: nobody of it is admitted")
        for purpose in layer.says.purposes:
            if purpose.effect == "permit" and purpose.purpose not in pack.purposes_permitted:
                yield _note(purpose.id, f"permits {purpose.purpose}, which another layer does not")
        if layer.says.images is not None and _permits_more(layer.says.images, pack):
            yield _note(
                layer.says.images.id, "permits more pictures than leave: another layer, a field or an obligation forbids"
            )
        lifted = {rule.lift for rule in pack.lifts}
        for lift in layer.says.lifts or ():
            if lift.lift not in lifted:
                yield _note(lift.id, f"lifts by {lift.lift}, which another layer does not allow")


def _permits_more(rule: ImagesRule, pack: Pack) -> bool:
    return any(rule.permits(hit) != pack.images_for(hit) for hit in (True, False))


def _unverified(pack: Pack) -> Iterator[Finding]:
    for rule in pack.rules():
        if rule.evidence == "choice":
            yield _note(rule.id, f"a choice, not the law: {rule.clause}")
        elif not rule.verified:
            yield _note(rule.id, f"unverified ({rule.evidence} evidence): {rule.clause}")
    for question in (each for layer in pack.layers for each in layer.says.open_questions):
        yield _note("open-question", f"{question.question} Meanwhile: {question.meanwhile}")


def _coverage(pack: Pack) -> Iterator[Finding]:
    for says in (layer.says for layer in pack.layers):
        if not says.cases:
            yield _note(says.identity.id, "it carries no case; nothing shows that it says what is meant")
