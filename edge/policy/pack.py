"""A pack: one TOML file that says, in closed words, what may be captured, who may have it, for what and until when.

Every rule carries its id, the clause it rests on, whether somebody compared it with the enacted text, and one plain
sentence.  A pack that says something this program does not know is refused as a whole: a rule that is skipped silently
is worse than a unit that does not start.  Loading is in ``load.py``; the functions here are pure.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Annotated, Literal

from msgspec import Meta, Struct

from edge.records import Gate, Instant, TimeSource

Text = Annotated[str, Meta(min_length=1)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Aware = Annotated[datetime, Meta(tz=True)]

# What a rule rests on.  `primary`: the clause itself was read; `secondary`: a report that says it read it; `weak`: one
# source alone, or contradicted; `general`: common knowledge; `choice`: no law asks for it, the pack's author chose it.
Evidence = Literal["primary", "secondary", "weak", "general", "choice"]

Classification = Literal["confidential", "restricted", "public"]

Purpose = Literal[
    # permitted somewhere
    "hot-list-match",
    "active-investigation",
    "warrant",
    "missing-person",
    "stolen-vehicle",
    "wanted-person",
    "terrorism-watch-list",
    "parking-enforcement",
    "toll-collection",
    "highway-usage-fee",
    "commercial-vehicle-screening",
    "traffic-study",
    "registered-owner-request",
    # barred somewhere
    "immigration-enforcement",
    "reproductive-health-care-investigation",
    "gender-affirming-care-investigation",
    "first-amendment-activity",
    "protected-characteristics",
    "sale",
]

RecipientClass = Literal[
    "in-state-law-enforcement",
    "out-of-state-law-enforcement",
    "federal-agency",
    "any-other",
    "prosecutor",
    "defence",
    "court",
    "registered-owner",
    "vendor-third-party",
]

Obligation = Literal[
    "sign-at-capture",
    "seal-to-owner",
    "delete-by-date",
    "confirm-hit-by-person",
    "count-without-plate",
    "log-search-with-reason",
    "drop-image",
    "blur-image",
    "hits-only",
    "forget-in-minutes",
]

OnwardDuty = Literal[
    "keep-label",
    "same-deletion-date",
    "barred-purposes-bind",
    "log-search-with-reason",
    "no-sale",
    "no-transfer-without-written-consent",
]

ZoneCategory = Literal[
    "health-care",
    "reproductive-health-care",
    "immigration-facility",
    "school",
    "worship",
    "court",
    "food-bank",
    "shelter",
    "polling-place",
    "agency-choice",
]

Field = Literal[
    "plate-text",
    "plate-region",
    "plate-image",
    "vehicle-image",
    "vehicle-features",
    "occupant-image",
    "position",
    "time",
    "device",
]

Topic = Literal[
    "stolen-vehicle",
    "stolen-plate",
    "wanted-person",
    "felony-warrant",
    "missing-person",
    "amber-alert",
    "silver-alert",
    "terrorism-watch-list",
    "protection-order",
    "extreme-risk-order",
    "supervised-release",
    "sex-offender",
    "violent-person",
    "gang",
    "protective-interest",
    "parking",
    "toll",
    "immigration",
    "immigration-violator",
    "reproductive-health-care",
    "gender-affirming-care",
    "first-amendment-activity",
]

Lift = Literal[
    "warrant",
    "court-order",
    "subpoena",
    "case-with-supervisor-approval",
    "preservation-request",
    "toll",
    "highway-usage-fee",
]

Unit = Literal["seconds", "minutes", "hours", "days", "weeks", "months", "years"]
RetentionClass = Literal["any", "hit", "non-hit"]

_WORD = re.compile(r"[^\W_]+")
_END_OF_TIME = datetime.max.replace(tzinfo=timezone.utc)
_START_OF_TIME = datetime.min.replace(tzinfo=timezone.utc)


class Duration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A length of time with its unit, as a law writes it: ``{ days = 21 }`` or ``"21 days"`` in a pack."""

    amount: Annotated[int, Meta(ge=1)]
    unit: Unit

    def after(self, start: datetime) -> datetime:
        """``start`` (aware UTC) plus this; months and years by the UTC calendar, the 31st becoming the month's last day,
        so that the result is never later than the law's own count.  Stops at the last instant a datetime can hold."""
        try:
            if self.unit in ("months", "years"):
                return _add_months(start, self.amount * (12 if self.unit == "years" else 1))
            return start + timedelta(**{self.unit: self.amount})
        except (OverflowError, ValueError):
            return _END_OF_TIME

    def before(self, end: datetime) -> datetime:
        """``end`` minus this, for fixed units; a month counts 31 days and a year 366, the strict way round."""
        days = {"months": 31, "years": 366}.get(self.unit)
        step = timedelta(days=days * self.amount) if days else timedelta(**{self.unit: self.amount})
        try:
            return end - step
        except OverflowError:
            return _START_OF_TIME

    def __str__(self) -> str:
        return f"{self.amount} {self.unit[:-1] if self.amount == 1 else self.unit}"


def _add_months(start: datetime, months: int) -> datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return start.replace(year=year, month=month + 1, day=min(start.day, calendar.monthrange(year, month + 1)[1]))


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every rule has.  ``clause`` cites the law or says that it is a choice; ``verified`` means that the person whom
    the identity names compared it with the enacted text; ``words`` is one sentence a lawyer can check."""

    id: Text
    clause: Text
    evidence: Evidence
    verified: bool
    words: Text


class Identity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pack this is and when it binds: from ``effective_from`` up to, not including, ``effective_until``.

    ``verified_by`` and ``verified_on`` stay empty until somebody has compared it with the law.
    """

    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    version: Text
    title: Text
    jurisdiction: Annotated[str, Meta(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
    statute: Text
    effective_from: Aware
    effective_until: Aware | None = None
    prepared_on: date
    verified_by: str = ""
    verified_on: date | None = None
    note: Text

    def in_force(self, at: datetime) -> bool:
        """Whether the pack binds at ``at`` (aware)."""
        return self.effective_from <= at and (self.effective_until is None or at < self.effective_until)


class ClassificationRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the data is to be treated under the public-records law."""

    classification: Classification


class OwnerRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who owns a read.  Only the agency whose unit captured it is known so far."""

    owner: Literal["capturing-agency"]


class CaptureRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where nothing may be captured.  Zones come from the agency's geometry; ``categories`` are those the law itself names.

    ``without_position``: ``capture`` (position does not matter), ``stop-where-zones`` (no position, no capture, as soon as
    any zone is configured) or ``stop`` (never capture without a position).
    """

    without_position: Literal["capture", "stop-where-zones", "stop"]
    categories: tuple[ZoneCategory, ...] = ()


class FieldsRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which fields of a read may leave the unit; what is not named may not."""

    keep: Annotated[tuple[Field, ...], Meta(min_length=1)]


class MatchRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How sure a read must be before it leaves the unit, and what becomes of one whose issuing state was not made out."""

    min_confidence: Share
    unknown_region: Literal["admit", "withhold"]


class ClockRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do when the clock cannot be trusted within ``max_error``: withhold, or shorten the retention by ``margin``."""

    max_error: Duration
    untrusted: Literal["withhold", "shorten"]
    margin: Duration | None = None

    def trusts(self, instant: Instant) -> bool:
        """True where the clock is known to have been right within ``max_error``.  A disciplined source (GPS, NTP) without
        a figure counts; a real-time clock or hold-over without a figure does not."""
        quality = instant.quality
        if quality.source == "unset":
            return False
        if quality.error_ms is None:
            return quality.source in ("gps-pps", "gps", "ntp")
        limit_ms = (self.max_error.after(_START_OF_TIME) - _START_OF_TIME) / timedelta(milliseconds=1)
        return 0 <= quality.error_ms <= limit_ms


class HotListAdmit(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Topics that a hot list may have; from any source unless ``sources`` names some."""

    topics: Annotated[tuple[Topic, ...], Meta(min_length=1)]
    sources: tuple[Text, ...] = ()


class HotListBar(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a hot list may not have: by topic, by source, or by a term in source, topic or reason.

    Terms are compared word by word with case and punctuation folded; ``immigra*`` matches any word that begins so.
    A screen by terms is a second net under the topics, not a proof.
    """

    topics: tuple[Topic, ...] = ()
    sources: tuple[Text, ...] = ()
    terms: tuple[Text, ...] = ()

    def bars(self, source: str, topic: str, words: str) -> bool:
        """Whether an entry is barred; ``words`` is :func:`folded_words` of its source, topic and reason."""
        return (
            topic in self.topics
            or folded_words(source) in {folded_words(barred) for barred in self.sources}
            or any(_has_term(words, term) for term in self.terms)
        )


class HotListRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be matched at all.  The rule itself is the closed list: what no ``admit`` names is refused under its id.

    ``region``: what becomes of an entry whose state differs from the state read: no hit (``must-agree``) or a hit that is
    marked inexact (``mark-inexact``).
    """

    region: Literal["must-agree", "mark-inexact"]
    admit: tuple[HotListAdmit, ...] = ()
    bar: tuple[HotListBar, ...] = ()

    def refusal(self, source: str, topic: str, reason: str) -> Rule | None:
        """The rule that refuses an entry, or None where it may be matched.  A bar beats an admission."""
        topic = "-".join(folded_words(topic).split())
        words = folded_words(f"{source} {topic} {reason}")
        for bar in self.bar:
            if bar.bars(source, topic, words):
                return bar
        origin = folded_words(source)
        for admit in self.admit:
            if topic in admit.topics and (not admit.sources or origin in map(folded_words, admit.sources)):
                return None
        return self


def folded_words(text: str) -> str:
    """The words of ``text`` in small letters, one blank between and around them, punctuation gone."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return f" {' '.join(words)} "


def _has_term(words: str, term: str) -> bool:
    stem = folded_words(term)
    return (stem[:-1] if term.endswith("*") else stem) in words


class RetentionRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The longest time that reads of a class may be kept, counted from capture."""

    applies_to: RetentionClass
    longest: Duration


class LiftRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What lets the owner keep a read beyond the longest time; the unit never lifts anything."""

    lift: Lift


class RecipientRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who else may have a read, and through which gates (any one suffices).  ``jurisdictions`` narrows the class, one entry
    of the label each.  ``now``: sealed for them at capture; otherwise they ask the owner."""

    recipient: RecipientClass
    gates: Annotated[tuple[Gate, ...], Meta(min_length=1)]
    jurisdictions: tuple[Annotated[str, Meta(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")], ...] = ()
    now: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """How a label names them: the class, or one ``class/jurisdiction`` each."""
        return tuple(f"{self.recipient}/{where}" for where in self.jurisdictions) or (self.recipient,)


class PurposeRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One purpose, permitted or barred; what is not permitted is not allowed either."""

    purpose: Purpose
    effect: Literal["permit", "bar"]


class ObligationRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that must be done with every read, by the unit or by its owner."""

    obligation: Obligation
    by: Literal["unit", "owner"]


class OnwardRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A duty that goes with a read to whoever gets it."""

    duty: OnwardDuty


class OpenQuestion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was looked for in the law and not found, and what the pack does meanwhile."""

    question: Text
    meanwhile: Text


class CaseEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hot-list entry for the case's plate."""

    source: Text
    topic: Text
    reason: Text


class CaseRecipient(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the label must say of one recipient: exactly these gates, none of them `now` unless said."""

    recipient: Text
    gates: tuple[Gate, ...]
    now: bool = False


class Case(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named situation and what the pack must make of it.  ``rule`` must be among the rules that decided; what is left
    out is not compared.  ``place`` is where the unit stands to a zone with a margin of 50 m."""

    name: Text
    clause: Text
    at: Aware
    expect: Literal["release", "withhold", "no-capture"]
    rule: str | None = None
    confidence: float = 0.95
    region: str = "US-CT"
    time_source: TimeSource = "ntp"
    place: Literal["no-zones", "outside", "in-margin", "inside", "lost"] = "no-zones"
    entry: CaseEntry | None = None
    hit: bool = False
    refused_by: str | None = None
    delete_after: Aware | None = None
    classification: Classification | None = None
    permits: tuple[Purpose, ...] = ()
    bars: tuple[Purpose, ...] = ()
    recipients: tuple[CaseRecipient, ...] = ()
    not_recipients: tuple[Text, ...] = ()
    nobody_now: bool = False
    duties: tuple[OnwardDuty, ...] = ()
    obligations: tuple[Obligation, ...] = ()


class PackText(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a pack's file says."""

    identity: Identity
    classification: ClassificationRule
    owner: OwnerRule
    capture: CaptureRule
    fields: FieldsRule
    match: MatchRule
    clock: ClockRule
    hotlist: HotListRule
    retention: Annotated[tuple[RetentionRule, ...], Meta(min_length=1)]
    lifts: tuple[LiftRule, ...] = ()
    recipients: tuple[RecipientRule, ...] = ()
    purposes: Annotated[tuple[PurposeRule, ...], Meta(min_length=1)]
    obligations: tuple[ObligationRule, ...] = ()
    onward_duties: tuple[OnwardRule, ...] = ()
    open_questions: tuple[OpenQuestion, ...] = ()
    cases: tuple[Case, ...] = ()

    def rules(self) -> Iterator[Rule]:
        """Every rule, in the order of the file's tables."""
        yield from (self.classification, self.owner, self.capture, self.fields, self.match, self.clock, self.hotlist)
        yield from (*self.hotlist.admit, *self.hotlist.bar, *self.retention, *self.lifts, *self.recipients)
        yield from (*self.purposes, *self.obligations, *self.onward_duties)

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id."""
        return next((rule for rule in self.rules() if rule.id == rule_id), None)


class Pack(PackText, frozen=True, kw_only=True):
    """A pack that was read and checked; ``sha256`` is of the exact bytes of its file."""

    sha256: str

    @property
    def purposes_permitted(self) -> tuple[Purpose, ...]:
        """Purposes that a read may be used for; nothing else."""
        return tuple(rule.purpose for rule in self.purposes if rule.effect == "permit")

    @property
    def purposes_barred(self) -> tuple[Purpose, ...]:
        """Purposes that are barred by name."""
        return tuple(rule.purpose for rule in self.purposes if rule.effect == "bar")

    def retention_for(self, hit: bool) -> tuple[RetentionRule, ...]:
        """The retention rules that bind a read: those for any read and those for its class."""
        wanted = "hit" if hit else "non-hit"
        return tuple(rule for rule in self.retention if rule.applies_to in ("any", wanted))

    def delete_after(self, first: Instant, last: Instant, hit: bool) -> datetime:
        """The latest instant to which a read may be kept: the shortest of all rules that bind it, counted from its earliest
        recorded moment, less the clock rule's margin where the clock was not to be trusted."""
        start = min(first.utc, last.utc)
        end = min((rule.longest.after(start) for rule in self.retention_for(hit)), default=start)
        if self.clock.margin is None or (self.clock.trusts(first) and self.clock.trusts(last)):
            return end
        return self.clock.margin.before(end)
