"""What is doubtful in a pack that is otherwise well formed: clauses nobody verified, dates, rules this unit cannot obey."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from msgspec import Struct

from edge.policy.decide import CARRIED_FIELDS, CARRIED_OUT
from edge.policy.load import load_pack
from edge.policy.pack import Pack

_SOON = timedelta(days=30)


class Finding(Struct, frozen=True, kw_only=True):
    """One thing found in a pack.  ``problem``: reads would be withheld under it; ``note``: true, and to be known."""

    weight: Literal["problem", "note"]
    rule: str
    words: str


def check_pack(name_or_path: str | Path, at: datetime) -> tuple[Finding, ...]:
    """Load a pack and say what is doubtful in it at ``at`` (aware UTC).  Raises PolicyError where it does not even load."""
    return findings(load_pack(name_or_path), at)


def findings(pack: Pack, at: datetime) -> tuple[Finding, ...]:
    """What is doubtful in a loaded pack at ``at``; problems first."""
    found = (*_dates(pack, at), *_beyond_the_unit(pack), *_dead(pack), *_unverified(pack), *_coverage(pack))
    return tuple(sorted(found, key=lambda finding: finding.weight != "problem"))


def _problem(rule: str, words: str) -> Finding:
    return Finding(weight="problem", rule=rule, words=words)


def _note(rule: str, words: str) -> Finding:
    return Finding(weight="note", rule=rule, words=words)


def _dates(pack: Pack, at: datetime) -> Iterator[Finding]:
    identity = pack.identity
    if at < identity.effective_from:
        yield _problem("identity", f"not yet in force: from {identity.effective_from.isoformat()}; nothing is captured before")
    if identity.effective_until is not None:
        if at >= identity.effective_until:
            yield _problem("identity", f"no longer in force since {identity.effective_until.isoformat()}; nothing is captured")
        elif at + _SOON >= identity.effective_until:
            yield _note("identity", f"in force only until {identity.effective_until.isoformat()}; prepare its successor")
    if identity.prepared_on > at.date():
        yield _note("identity", f"prepared on {identity.prepared_on}, which is still to come: check the clock or the pack")


def _beyond_the_unit(pack: Pack) -> Iterator[Finding]:
    for rule in pack.obligations:
        if rule.by == "unit" and rule.obligation not in CARRIED_OUT:
            yield _problem(rule.id, f"this unit cannot carry out {rule.obligation}; every read is withheld")
    for field in CARRIED_FIELDS:
        if field not in pack.fields.keep:
            yield _problem(pack.fields.id, f"every read carries {field}, which may not leave; every read is withheld")
    for recipient in pack.recipients:
        if recipient.now:
            yield _problem(recipient.id, "this unit seals for the owner alone; every read is withheld while `now` is true")


def _dead(pack: Pack) -> Iterator[Finding]:
    """Admissions that a bar has already taken: they can never match."""
    barred = {topic: bar.id for bar in pack.hotlist.bar for topic in bar.topics}
    for admit in pack.hotlist.admit:
        for topic in admit.topics:
            if topic in barred:
                yield _note(admit.id, f"admits {topic}, which `{barred[topic]}` bars: the bar wins")
    shortest = {rule.longest: rule.id for rule in pack.retention if rule.applies_to == "any"}
    if len(shortest) > 1:
        yield _note("retention", f"several rules bind every read ({', '.join(shortest.values())}): the shortest wins")


def _unverified(pack: Pack) -> Iterator[Finding]:
    for rule in pack.rules():
        if rule.evidence == "choice":
            yield _note(rule.id, f"a choice, not the law: {rule.clause}")
        elif not rule.verified:
            yield _note(rule.id, f"unverified ({rule.evidence} evidence): {rule.clause}")
    for open_question in pack.open_questions:
        yield _note("open-question", f"{open_question.question} Meanwhile: {open_question.meanwhile}")


def _coverage(pack: Pack) -> Iterator[Finding]:
    if not pack.cases:
        yield _note("cases", "the pack carries no case; nothing shows that it says what is meant")
