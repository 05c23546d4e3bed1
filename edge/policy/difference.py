"""What changes, for whom, when one pack takes the place of another: both are put through the same generated situations.

The situations are the product of hot-list entry, state of the plate, confidence, clock, place and kind of unit, and beside it
every topic, source and term that either pack names and a party of every recipient that either admits, with papers that bar
nothing or what is wanted.  What no situation shows (counters, reports, minimum keeps) is compared rule by rule.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import product
from typing import Any, Literal

import msgspec
from msgspec import Struct

from edge.policy.case import CaseAgreement, CaseEntry, Place, Situation
from edge.policy.explain import images_in_words
from edge.policy.pack import Pack
from edge.policy.rules import Duration, Rule
from edge.policy.staging import CitedRule, Labeler, Played, cite_rules, play
from edge.policy.vocabulary import Gate, Purpose, RecipientClass, Topic, UnitKind
from edge.records import Label, Recipient, TimeSource

_DAY = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
_SURE = 0.95
_UNITS: tuple[UnitKind, ...] = UnitKind.__args__  # type: ignore[attr-defined]
_CLOCKS: tuple[TimeSource, ...] = ("ntp", "unset")
_PLACES: tuple[Place, ...] = ("no-zones", "adrift", "inside", "lost")
_TOPICS: tuple[str, ...] = Topic.__args__  # type: ignore[attr-defined]
_CLASSES: tuple[RecipientClass, ...] = RecipientClass.__args__  # type: ignore[attr-defined]
_PAPERS: tuple[Gate, ...] = ("agreement", "declaration", "certification")
_PARTY = "a-party"
# More values than this of one axis are counted, not listed.
_LISTED_AT_MOST = 4


class Change(Struct, frozen=True, kw_only=True):
    """One thing that comes out otherwise: ``what`` was ``before`` and is ``after``, ``where`` in plain words, in
    ``situations`` of the ``of`` in which it could be seen; the rules that say so in the old pack and in the new."""

    what: str
    before: str
    after: str
    where: str
    situations: int
    of: int
    old_rules: tuple[CitedRule, ...]
    new_rules: tuple[CitedRule, ...]


class RuleChange(Struct, frozen=True, kw_only=True):
    """One rule that was added, removed or says something else; ``words`` holds its sentence, or key by key what changed."""

    rule: str
    clause: str
    change: Literal["added", "removed", "changed"]
    words: tuple[str, ...]


class Difference(Struct, frozen=True, kw_only=True):
    """Everything that differs between two packs over ``situations`` generated situations."""

    old: str
    new: str
    situations: int
    changes: tuple[Change, ...]
    rules: tuple[RuleChange, ...]

    @property
    def alike(self) -> bool:
        """Whether the packs decide and label alike and no rule differs."""
        return not self.changes and not self.rules


class _Seen(Struct, frozen=True, kw_only=True):
    """One thing that a pack says in a situation, in plain words, with the rules that say it."""

    value: str
    rules: tuple[str, ...]


class _Axes(Struct, frozen=True, kw_only=True):
    """Where a situation stands on each axis, in plain words, and whether it is one of the product."""

    of_product: bool
    day: str
    entry: str
    plate: str
    confidence: str
    clock: str
    place: str
    unit: str


def difference(old: Pack, new: Pack, labeler: Labeler) -> Difference:
    """What changes when ``new`` takes the place of ``old``; ``labeler`` is :func:`edge.labeler.scope.label`."""
    situations = _situations(old, new)
    groups: dict[tuple[str, _Seen, _Seen], list[_Axes]] = {}
    possible: dict[str, list[_Axes]] = {}
    for situation, of_product in situations.items():
        axes = _axes(situation, of_product)
        before, after = (
            _seen(play(situation, old, labeler), old, situation),
            _seen(play(situation, new, labeler), new, situation),
        )
        for what in dict.fromkeys((*before, *after)):
            if _comparable(what, before, after):
                possible.setdefault(what, []).append(axes)
                pair = (before.get(what, _unsaid(what)), after.get(what, _unsaid(what)))
                if pair[0].value != pair[1].value:
                    groups.setdefault((what, *pair), []).append(axes)
    return Difference(
        old=_called(old),
        new=_called(new),
        situations=len(situations),
        changes=tuple(
            Change(
                what=what,
                before=before.value,
                after=after.value,
                where=_where(found, possible[what]),
                situations=len(found),
                of=len(possible[what]),
                old_rules=cite_rules(before.rules, old),
                new_rules=cite_rules(after.rules, new),
            )
            for (what, before, after), found in sorted(groups.items(), key=lambda group: _ORDER.get(group[0][0], len(_ORDER)))
        ),
        rules=tuple(_rule_changes(old, new)),
    )


def in_words(found: Difference) -> Iterator[str]:
    """The difference in plain lines, each with the rules and clauses it rests on."""
    if found.alike:
        yield f"{found.old} and {found.new} are alike: no rule differs, and {found.situations} situations come out the same."
        return
    yield f"{found.old} → {found.new}, over {found.situations} situations:"
    for change in found.changes:
        yield f"  {change.what}: {change.before} → {change.after}, {change.where} ({change.situations} of {change.of})"
        yield from (f"    before: {cited.rule} ({cited.clause})" for cited in change.old_rules)
        yield from (f"    after: {cited.rule} ({cited.clause})" for cited in change.new_rules)
    if not found.changes:
        yield "  nothing is decided or labelled otherwise"
    for rule in found.rules:
        yield f"  rule {rule.rule} ({rule.clause}) {rule.change}: {'; '.join(rule.words)}"


# ---- the situations


def _situations(old: Pack, new: Pack) -> dict[Situation, bool]:
    """Every situation once, and whether it is one of the product."""
    starts = [layer.says.identity.effective_from for pack in (old, new) for layer in pack.layers]
    base = Situation(at=max(_DAY, *starts), region=old.identity.jurisdiction)
    entries = tuple(dict.fromkeys(_entries(old, new)))
    # The kind of unit tells nothing apart where neither pack asks for one.
    units = _UNITS if any(rule.units for pack in (old, new) for rule in pack.captures) else _UNITS[:1]
    seen: dict[Situation, bool] = {}
    for entry, region, confidence, source, place, unit in product(
        (None, *_one_of_each(entries, old, new)),
        (base.region, "unknown"),
        _confidences(old, new),
        _CLOCKS,
        _PLACES,
        units,
    ):
        drawn = Situation(
            at=base.at, entry=entry, region=region, confidence=confidence, time_source=source, place=place, unit=unit
        )
        seen[drawn] = True
    bases = tuple(msgspec.structs.replace(base, unit=unit) for unit in units)
    for each, entry in product(bases, entries):
        seen.setdefault(msgspec.structs.replace(each, entry=entry), False)
    for each, paper in product(bases, _papers(old, new, base.at)):
        seen.setdefault(msgspec.structs.replace(each, agreements=(paper,)), False)
    for each, at in product(bases, _days(old, new)):
        seen.setdefault(msgspec.structs.replace(each, at=at), False)
    return seen


def _entries(old: Pack, new: Pack) -> Iterator[CaseEntry]:
    """Every topic from every source that matters to it, then every barred source and term under an admitted topic."""
    lists = (*old.hotlists, *new.hotlists)
    admits = tuple(admit for each in lists for admit in each.admit)
    for topic in _TOPICS:
        named = (source for admit in admits if topic in admit.topics for source in admit.sources)
        for source in ("local", *named):
            yield CaseEntry(source=source, topic=topic, reason=topic.replace("-", " "))
    for admit in admits[:1]:
        usual = (*admit.sources, "local")[0]
        for bar in (bar for each in lists for bar in each.bar):
            yield from (CaseEntry(source=source, topic=admit.topics[0], reason="case") for source in bar.sources)
            yield from (CaseEntry(source=usual, topic=admit.topics[0], reason=term.rstrip("*")) for term in bar.terms)


def _one_of_each(entries: Iterable[CaseEntry], old: Pack, new: Pack) -> Iterator[CaseEntry]:
    """The first entry of each way that the two packs may take one: both match it, one, the other, none."""
    ways: dict[tuple[bool, bool], CaseEntry] = {}
    for entry in entries:
        ways.setdefault((_matched(entry, old), _matched(entry, new)), entry)
    yield from ways.values()


def _matched(entry: CaseEntry, pack: Pack) -> bool:
    return pack.refusal(entry.source, entry.topic, entry.reason) is None


def _confidences(old: Pack, new: Pack) -> tuple[float, ...]:
    """A sure read, and what lies on either side of each threshold."""
    limits = sorted({rule.min_confidence for pack in (old, new) for rule in pack.matches})
    around = (value for limit in limits for value in (limit, round(limit - 0.01, 4)))
    return tuple(dict.fromkeys((_SURE, *(max(0.0, value) for value in around))))


def _papers(old: Pack, new: Pack, at: datetime) -> Iterator[CaseAgreement]:
    """For each recipient of either pack a party with papers that bar nothing, and what either pack wants barred."""
    wanted: dict[str, dict[tuple[Purpose, ...], None]] = {}
    for pack in (old, new):
        for admission in pack.admissions:
            barred = wanted.setdefault(admission.name, {(): None})
            barred[tuple(sorted(admission.declares))] = None
    for name, barred in wanted.items():
        kind, _, where = name.partition("/")
        recipient = next(known for known in _CLASSES if known == kind)
        for bars in barred:
            yield CaseAgreement(
                party=_PARTY,
                recipient=recipient,
                jurisdiction=where or old.identity.jurisdiction,
                satisfies=_PAPERS,
                starts=at - timedelta(days=1),
                ends=at + timedelta(days=1),
                bars=bars,
                now=True,
            )


def _days(old: Pack, new: Pack) -> tuple[datetime, ...]:
    """Both sides of every date on which only one of the two begins or ends to bind."""
    dates: list[set[datetime]] = []
    for pack in (old, new):
        identities = [layer.says.identity for layer in pack.layers]
        dates.append({date for each in identities for date in (each.effective_from, each.effective_until) if date is not None})
    return tuple(side for date in sorted(dates[0] ^ dates[1]) for side in (date - timedelta(seconds=1), date))


# ---- what a pack says in one of them


def _unsaid(what: str) -> _Seen:
    """What it means that a pack says nothing of ``what``."""
    if what.startswith("purpose "):
        return _Seen(value="not permitted", rules=())
    return _Seen(value="dropped" if what.startswith("field ") else "no", rules=())


def _comparable(what: str, before: dict[str, _Seen], after: dict[str, _Seen]) -> bool:
    """What a label says is compared where both packs made one; where one captures nothing, that is the change."""
    return what in ("decision", "hot list") or ("kept for" in before and "kept for" in after)


def _seen(played: Played, pack: Pack, situation: Situation) -> dict[str, _Seen]:
    seen = {"decision": _Seen(value=_OUTCOMES[played.outcome], rules=played.rules)}
    if situation.entry is not None:
        refused = played.refusal
        seen["hot list"] = _Seen(value="matched" if refused is None else "not matched", rules=(refused.id,) if refused else ())
    if played.label is not None:
        seen["pictures"] = _Seen(value=images_in_words(played.images), rules=tuple(rule.id for rule in pack.images))
        seen.update(_label(played.label, pack, situation, hit=situation.entry is not None and played.refusal is None))
    return seen


_ORDER = {"decision": 0, "hot list": 1}
_OUTCOMES = {"release": "leaves the unit", "withhold": "stays on the unit", "no-capture": "nothing is captured"}


def _label(label: Label, pack: Pack, situation: Situation, hit: bool) -> Iterator[tuple[str, _Seen]]:
    at = situation.at
    margins = tuple(rule.id for rule in pack.clocks if rule.margin is not None)
    kept = (*(rule.id for rule in pack.retention_for(hit)), *(margins if situation.time_source == "unset" else ()))
    yield "kept for", _Seen(value=_length(label.delete_after - at), rules=kept)
    yield "classification", _Seen(value=label.classification, rules=(pack.classification.id,))
    if label.forward_by is not None:
        rules = tuple(rule.id for rule in pack.forward_by if rule.binds(hit))
        yield "due within", _Seen(value=_length(label.forward_by - at), rules=rules)
    for window in label.search_windows:
        rules = tuple(rule.id for rule in pack.search_windows if rule.who == window.who)
        yield f"searched by {window.who} for", _Seen(value=_length(window.until - at), rules=rules)
    for field in label.fields:
        yield f"field {field}", _Seen(value="leaves", rules=tuple(rule.id for rule in pack.fields))
    for mark in label.marks:
        yield f"mark on {mark.field}", _Seen(value=mark.classification, rules=(mark.rule,))
    for recipient in label.recipients:
        who = recipient.recipient
        if recipient.party:
            who = f"a party of {who} whose paper bars {', '.join(sorted(recipient.barred)) or 'nothing'}"
        yield who, _Seen(value=_opens(recipient), rules=recipient.rules)
    for purpose, effect in (
        *((purpose, "permitted") for purpose in label.purposes_permitted),
        *((purpose, "barred") for purpose in label.purposes_barred),
    ):
        yield f"purpose {purpose}", _Seen(value=effect, rules=_ids(pack.purposes, "purpose", purpose))
    for lift in label.lifts:
        yield f"lift {lift}", _Seen(value="yes", rules=_ids(pack.lifts, "lift", lift))
    for obligation in label.obligations:
        yield f"obligation {obligation}", _Seen(value="yes", rules=_ids(pack.obligations, "obligation", obligation))
    for duty in label.onward_duties:
        yield f"duty {duty}", _Seen(value="yes", rules=_ids(pack.onward_duties, "duty", duty))


def _opens(recipient: Recipient) -> str:
    doors = ", and ".join(" or ".join(door) for door in recipient.doors)
    return "gets its copy now" if recipient.now else f"asks with {doors}"


def _length(length: timedelta) -> str:
    """A length of time in its largest whole unit."""
    for name, unit in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        if length >= unit and not length % unit:
            number = length // unit
            return f"{number} {name}{'' if number == 1 else 's'}"
    return f"{length / timedelta(seconds=1):g} seconds"


def _ids(rules: Iterable[Rule], key: str, word: str) -> tuple[str, ...]:
    return tuple(rule.id for rule in rules if getattr(rule, key) == word)


# ---- in words


def _axes(situation: Situation, of_product: bool) -> _Axes:
    entry = situation.entry
    return _Axes(
        of_product=of_product,
        day=f"{situation.at.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC",
        entry=f"{entry.topic} from {entry.source}, `{entry.reason}`" if entry else "no entry",
        plate="unknown" if situation.region == "unknown" else "known",
        confidence=f"{situation.confidence:g}",
        clock=situation.time_source,
        place=situation.place,
        unit=situation.unit,
    )


_AXES = {
    "day": "on",
    "entry": "hot list:",
    "plate": "state of the plate",
    "confidence": "confidence",
    "clock": "clock",
    "place": "place",
    "unit": "unit",
}


def _where(found: list[_Axes], possible: list[_Axes]) -> str:
    """On which axes the situations are fewer than those in which it could have been seen.  The product tells; where nothing of
    it is among them, all others do."""
    told = [each for each in found if each.of_product]
    among = [each for each in possible if each.of_product or not told]
    parts = []
    for axis, said in _AXES.items():
        anywhere = {getattr(each, axis) for each in among}
        if len({getattr(each, axis) for each in told or found}) < len(anywhere):
            here = tuple(dict.fromkeys(getattr(each, axis) for each in found))
            everything = {getattr(each, axis) for each in possible}
            listed = " or ".join(here) if len(here) <= _LISTED_AT_MOST else f"{len(here)} of {len(everything)}"
            parts.append(f"{said} {listed}")
    return "; ".join(parts) or "everywhere"


def _called(pack: Pack) -> str:
    return " + ".join(f"{layer.says.identity.id} {layer.says.identity.version}" for layer in pack.layers)


def _rule_changes(old: Pack, new: Pack) -> Iterator[RuleChange]:
    for rule in old.rules():
        other = new.rule(rule.id)
        if other is None:
            yield RuleChange(rule=rule.id, clause=rule.clause, change="removed", words=(rule.words,))
        elif words := tuple(_key_changes(rule, other)):
            yield RuleChange(rule=rule.id, clause=other.clause, change="changed", words=words)
    for rule in new.rules():
        if old.rule(rule.id) is None:
            yield RuleChange(rule=rule.id, clause=rule.clause, change="added", words=(rule.words,))


def _key_changes(old: Rule, new: Rule) -> Iterator[str]:
    if type(old) is not type(new):
        yield "it stands in another table"
        return
    for key in old.__struct_fields__:
        before, after = getattr(old, key), getattr(new, key)
        if before != after and key not in ("admit", "bar"):  # which are rules themselves
            yield f"{key}: {_said(before)} → {_said(after)}"


def _said(value: Any) -> str:
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "nothing"
    return "nothing" if value is None or value == "" else str(value)
