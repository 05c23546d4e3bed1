"""What packs make of the same eleven situations, in a few words each and with the rules that decided.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone

import msgspec
from msgspec import Struct

from edge.policy.case import CaseEntry, Situation
from edge.policy.explain import doors_in_words, pictures_in_words
from edge.policy.pack import Pack
from edge.policy.rules import Duration
from edge.policy.staging import CitedRule, Labeler, Played, cite_rules, play
from edge.policy.vocabulary import UnitKind
from edge.records import Label, Recipient

# A day on which every shipped pack binds; a pack that begins later is asked about its first moment.
_DAY = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
_UNITS: tuple[UnitKind, ...] = UnitKind.__args__  # type: ignore[attr-defined]
_NO = "no"


class Answer(Struct, frozen=True, kw_only=True):
    """What a pack makes of one situation."""

    situation: str
    words: str
    rules: tuple[CitedRule, ...]


class Answers(Struct, frozen=True, kw_only=True):
    """What a pack makes of the eleven situations, in their order."""

    pack: str
    version: str
    answers: tuple[Answer, ...]


def answers(pack: Pack, labeler: Labeler) -> Answers:
    """Put the eleven situations to ``pack``; ``labeler`` is :func:`edge.labeler.scope.label`."""
    ask = _Asked(pack, labeler)
    given = []
    for situation, answer in _SITUATIONS.items():
        words, rules = answer(ask)
        given.append(Answer(situation=situation, words=words, rules=cite_rules(rules, pack)))
    return Answers(pack=pack.identity.id, version=pack.identity.version, answers=tuple(given))


def markdown(rows: Sequence[Answers]) -> str:
    """The answers as a Markdown table, one row a pack."""
    lines = ["| pack | " + " | ".join(_SITUATIONS) + " |", "|---" * (len(_SITUATIONS) + 1) + "|"]
    lines += [f"| {row.pack} | " + " | ".join(answer.words for answer in row.answers) + " |" for row in rows]
    return "\n".join(lines)


class _Asked:
    """A pack with a situation in which it is in force, seen by a kind of unit that it lets capture."""

    def __init__(self, pack: Pack, labeler: Labeler) -> None:
        self.pack = pack
        self._labeler = labeler
        self.admitted = tuple(kind for kind in _UNITS if all(not rule.units or kind in rule.units for rule in pack.captures))
        begin = max(_DAY, *(layer.says.identity.effective_from for layer in pack.layers))
        self.plain = Situation(at=begin, region=pack.identity.jurisdiction, unit=(*self.admitted, _UNITS[0])[0])

    def play(self, situation: Situation | None = None) -> Played:
        return play(situation or self.plain, self.pack, self._labeler)

    def entry(self, source: str, topic: str) -> Situation:
        """The plain situation with an entry of ``topic``, from ``source`` unless the pack wants it from another."""
        wanted = [admit.sources for each in self.pack.hotlists for admit in each.admit if topic in admit.topics]
        named = next((sources[0] for sources in wanted if sources), source)
        return msgspec.structs.replace(self.plain, entry=CaseEntry(source=named, topic=topic, reason=topic.replace("-", " ")))

    def label(self) -> Label | None:
        return self.play().label

    def kept(self, hit: bool) -> str:
        """The shortest of the rules' times, as the rule writes it."""
        rules = self.pack.retention_for(hit)
        shortest: Duration = min((rule.longest for rule in rules), key=lambda longest: longest.after(self.plain.at))
        return str(shortest)


_Words = tuple[str, tuple[str, ...]]


def _plain_read(ask: _Asked) -> _Words:
    words, rules = _outcome(ask, ask.play(), hit=False)
    if len(ask.admitted) < len(_UNITS):
        rules += tuple(rule.id for rule in ask.pack.captures if rule.units)
        words += f" ({' or '.join(ask.admitted) or 'no'} units only)"
    return words, rules


def _stolen_vehicle(ask: _Asked) -> _Words:
    return _hit(ask, "NCIC", "stolen-vehicle")


def _immigration_file(ask: _Asked) -> _Words:
    return _hit(ask, "NCIC-IVF", "immigration-violator")


def _hit(ask: _Asked, source: str, topic: str) -> _Words:
    played = ask.play(ask.entry(source, topic))
    if played.refusal is None:
        return _outcome(ask, played, hit=True)
    barred = any(played.refusal in each.bar for each in ask.pack.hotlists)
    return f"no hit: {'barred' if barred else 'not listed'}", (played.refusal.id,)


def _outcome(ask: _Asked, played: Played, hit: bool) -> _Words:
    if played.outcome == "release":
        return f"leaves, {ask.kept(hit)}", played.rules
    if played.outcome == "no-capture":
        return "nothing captured", played.rules
    forgotten = ask.pack.demands("forget-in-minutes")
    if forgotten is None or hit:
        return "stays", played.rules
    return f"stays, gone in {ask.kept(hit)}", (*played.rules, forgotten.id)


def _own_police(ask: _Asked) -> _Words:
    return _doors(ask, "in-state-law-enforcement")


def _federal(ask: _Asked) -> _Words:
    return _doors(ask, "federal-agency")


def _doors(ask: _Asked, name: str) -> _Words:
    found = _recipients(ask)
    recipient = found.get(name) or found.get("any-other")
    return (_NO, ()) if recipient is None else (_what_opens(recipient), recipient.rules)


def _other_police(ask: _Asked) -> _Words:
    """Which states' police, by what they need; and what those of any other state need."""
    kind = "out-of-state-law-enforcement"
    states: dict[str, list[str]] = {}
    rules: tuple[str, ...] = ()
    found = _recipients(ask)
    for name, recipient in found.items():
        if name.startswith(f"{kind}/"):
            states.setdefault(_what_opens(recipient), []).append(name.split("-")[-1])
            rules += recipient.rules
    parts = [f"{', '.join(named)}: {what}" for what, named in states.items()]
    other = found.get(kind) or found.get("any-other")
    if other is not None:
        parts.append(f"{'others' if parts else 'any'}: {_what_opens(other)}")
        rules += other.rules
    return "; ".join(parts) or _NO, rules


def _recipients(ask: _Asked) -> dict[str, Recipient]:
    label = ask.label()
    return {each.recipient: each for each in label.recipients if not each.party} if label is not None else {}


def _what_opens(recipient: Recipient) -> str:
    return doors_in_words(recipient).replace("-", " ")


def _school(ask: _Asked) -> _Words:
    played = ask.play(msgspec.structs.replace(ask.plain, place="inside", zone="school"))
    if played.outcome != "no-capture":
        return "captures", played.rules
    naming = [rule for rule in ask.pack.captures if "school" in rule.categories]
    if not naming:
        return "nothing in its zone", played.rules
    unsure = all(rule.evidence == "weak" for rule in naming)
    return f"nothing in its zone: {'perhaps ' if unsure else ''}by law", (*played.rules, *(rule.id for rule in naming))


def _lost(ask: _Asked) -> _Words:
    without_zones = ask.play(msgspec.structs.replace(ask.plain, place="adrift"))
    if without_zones.outcome == "no-capture":
        return "stops", without_zones.rules
    with_zones = ask.play(msgspec.structs.replace(ask.plain, place="lost"))
    return ("stops, if it has zones" if with_zones.outcome == "no-capture" else "captures"), with_zones.rules


def _unset_clock(ask: _Asked) -> _Words:
    """What an unset clock changes for a read that would leave under a good one: a hit, where only hits leave."""
    good = ask.plain if ask.play().outcome == "release" else ask.entry("NCIC", "stolen-vehicle")
    with_it, without = ask.play(good), ask.play(msgspec.structs.replace(good, time_source="unset"))
    rules = tuple(rule.id for rule in ask.pack.clocks)
    if without.outcome != "release" or without.label is None or with_it.label is None:
        return "nothing leaves", without.rules
    less = with_it.label.delete_after - without.label.delete_after
    return (f"deleted {_days(less)} earlier" if less else "no difference"), rules


def _days(length: timedelta) -> str:
    days = length / timedelta(days=1)
    return f"{days:g} {'day' if days == 1 else 'days'}"


def _month_later(ask: _Asked) -> _Words:
    label, later = ask.label(), ask.plain.at + timedelta(days=30)
    played = ask.play()
    if label is None or played.outcome != "release":
        return "never was there", played.rules
    if label.delete_after <= later:
        return "gone", tuple(rule.id for rule in ask.pack.retention_for(hit=False))
    closed = [window for window in label.search_windows if window.who == "owner" and window.until <= later]
    if closed:
        return "there, search closed", tuple(rule.id for rule in ask.pack.search_windows if rule.who == "owner")
    return "there", tuple(rule.id for rule in ask.pack.retention_for(hit=False))


def _pictures(ask: _Asked) -> _Words:
    """Which pictures leave: what no rule permits, or shows a field that is kept back, does not."""
    rules = tuple(rule.id for rule in (*ask.pack.images, *ask.pack.fields))
    dropped = ask.pack.demands("drop-image")
    return pictures_in_words(ask.pack), (*rules, *((dropped.id,) if dropped is not None else ()))


_SITUATIONS: dict[str, Callable[[_Asked], _Words]] = {
    "plain read": _plain_read,
    "stolen vehicle": _stolen_vehicle,
    "Immigration Violator File": _immigration_file,
    "police of the state ask": _own_police,
    "police of another state ask": _other_police,
    "a federal agency asks": _federal,
    "at a school": _school,
    "position lost": _lost,
    "clock unset": _unset_clock,
    "plain read, 30 days later": _month_later,
    "pictures that leave": _pictures,
}
