"""The rules that a pack is made of.  Every rule carries its id, the clause it rests on, whether somebody compared it with
the enacted text, and one plain sentence.  Pure."""

from __future__ import annotations

import calendar
import re
import unicodedata
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from edge.policy.vocabulary import (
    Classification,
    Counted,
    CountedBy,
    Evidence,
    Field,
    Gate,
    LayerKind,
    Lift,
    Obligation,
    OnwardDuty,
    Publicity,
    PublicRecord,
    Purpose,
    ReadClass,
    RecipientClass,
    RecordClass,
    Searcher,
    Topic,
    UnitKind,
    ZoneCategory,
)
from edge.records import ImageScope, Instant

Text = Annotated[str, Meta(min_length=1)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Aware = Annotated[datetime, Meta(tz=True)]
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Jurisdiction = Annotated[str, Meta(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
Unit = Literal["seconds", "minutes", "hours", "days", "weeks", "months", "years"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = Weekday.__args__  # type: ignore[attr-defined]

_WORD = re.compile(r"[^\W_]+")
END_OF_TIME = datetime.max.replace(tzinfo=timezone.utc)
START_OF_TIME = datetime.min.replace(tzinfo=timezone.utc)


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
            return END_OF_TIME

    def before(self, end: datetime) -> datetime:
        """``end`` minus this, for fixed units; a month counts 31 days and a year 366, the strict way round."""
        days = {"months": 31, "years": 366}.get(self.unit)
        step = timedelta(days=days * self.amount) if days else timedelta(**{self.unit: self.amount})
        try:
            return end - step
        except OverflowError:
            return START_OF_TIME

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
    layer: LayerKind = "state"
    version: Text
    title: Text
    jurisdiction: Jurisdiction
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
    """Where and by what nothing may be captured.  Zones come from the agency's geometry; ``categories`` are those the law
    itself names, ``units`` the kinds of unit that may capture at all (none named: any).

    ``without_position``: ``capture`` (position does not matter), ``stop-where-zones`` (no position, no capture, as soon as
    any zone is configured) or ``stop`` (never capture without a position).
    """

    without_position: Literal["capture", "stop-where-zones", "stop"]
    categories: tuple[ZoneCategory, ...] = ()
    units: tuple[UnitKind, ...] = ()


class Hours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hours of the week by the clock of ``timezone`` (an IANA name such as ``America/New_York``): from ``begin`` (HH:MM)
    up to, not including, ``end``, the next day's where ``end`` is not after ``begin``.  ``days`` are those on which they
    begin (none named: every day)."""

    begin: Clock
    end: Clock
    timezone: Text
    days: tuple[Weekday, ...] = ()

    def cover(self, at: datetime) -> bool:
        """Whether ``at`` (aware) lies in the hours."""
        local = at.astimezone(ZoneInfo(self.timezone))
        # "HH:MM" compares like the time of day that it is.
        clock, overnight = f"{local:%H:%M}", self.end <= self.begin
        begun_today = self.begin <= clock and (overnight or clock < self.end)
        begun_yesterday = overnight and clock < self.end
        return (begun_today and self._on(local.weekday())) or (begun_yesterday and self._on((local.weekday() - 1) % 7))

    def has_timezone(self) -> bool:
        """Whether this machine knows the time zone."""
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return False
        return True

    def _on(self, weekday: int) -> bool:
        return not self.days or WEEKDAYS[weekday] in self.days


class NoCaptureHours(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hours of the week in which nothing is captured."""

    hours: Hours


class FieldsRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which fields of a read may leave the unit; what is not named is dropped before the read is labelled.

    ``coarsen`` may name the position, which then leaves only to a hundredth of a degree (about a kilometre)."""

    keep: Annotated[tuple[Field, ...], Meta(min_length=1)]
    coarsen: tuple[Literal["position"], ...] = ()


class ImagesRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pictures may leave as evidence of a read: ``none``, the plate's own (``crop``), or also the street around it
    (``crop-and-frame``); with every read that leaves, or with ``hits`` only.  Without a rule of the state's none does."""

    permit: ImageScope
    reads: Literal["all", "hits"]

    def permits(self, hit: bool) -> ImageScope:
        """What goes with a read that is a hit, or is none."""
        return self.permit if hit or self.reads == "all" else "none"


class MarkRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields that are to be treated more strictly than the read as a whole (STIX 2.1 calls this a granular marking)."""

    fields: Annotated[tuple[Field, ...], Meta(min_length=1)]
    classification: Classification


class MatchRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How sure a read must be before it leaves the unit, and what becomes of one whose issuing state was not made out."""

    min_confidence: Share
    unknown_region: Literal["admit", "withhold"]


class ClockRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do when the clock cannot be trusted within ``max_error``: withhold, shorten the retention by ``margin``, or hold
    reads in memory for up to ``hold`` until it can, and withhold those that waited in vain."""

    max_error: Duration
    untrusted: Literal["withhold", "shorten", "hold"]
    margin: Duration | None = None
    hold: Duration | None = None

    def trusts(self, instant: Instant) -> bool:
        """True where the clock is known to have been right within ``max_error``.  A disciplined source (GPS, NTP) without
        a figure counts; a real-time clock or hold-over without a figure does not."""
        quality = instant.quality
        if quality.source == "unset":
            return False
        if quality.error_ms is None:
            return quality.source in ("gps-pps", "gps", "ntp")
        limit_ms = (self.max_error.after(START_OF_TIME) - START_OF_TIME) / timedelta(milliseconds=1)
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
            or folded_words(source) in map(_own_words, self.sources)
            or any(_has_term(words, term) for term in self.terms)
        )


class HotListRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be matched at all.  The rule itself is the closed list: what no ``admit`` names is refused under its id.

    ``region``: what becomes of an entry whose state differs from the state read: no hit (``must-agree``) or a hit that is
    marked inexact (``mark-inexact``).  ``text``: whether a text that the reader may have confused still gives a hit, marked
    inexact (``tolerant``), or only the text itself (``exact``).  ``max_age``: a list issued longer ago raises no hit.
    ``manual_max``: entries from the source ``manual`` must expire within this of being entered.  ``at_rest``: whether a list
    may lie on the unit in plain text.
    """

    region: Literal["must-agree", "mark-inexact"]
    text: Literal["exact", "tolerant"] = "tolerant"
    max_age: Duration | None = None
    manual_max: Duration | None = None
    at_rest: Literal["plain", "keyed"] = "plain"
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
            if topic in admit.topics and (not admit.sources or origin in map(_own_words, admit.sources)):
                return None
        return self


def folded_words(text: str) -> str:
    """The words of ``text`` in small letters, one blank between and around them, punctuation gone."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return f" {' '.join(words)} "


@lru_cache(maxsize=4096)
def _own_words(text: str) -> str:
    """``folded_words`` of a pack's own word, which is asked for once for every entry of a list."""
    return folded_words(text)


def _has_term(words: str, term: str) -> bool:
    stem = _own_words(term)
    return (stem[:-1] if term.endswith("*") else stem) in words


class RetentionRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The longest time that reads of a class may be kept, counted from capture."""

    applies_to: ReadClass
    longest: Duration

    def binds(self, hit: bool) -> bool:
        """Whether it binds a read that is a hit, or is none."""
        return self.applies_to in ("any", "hit" if hit else "non-hit")


class ForwardRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The latest time by which reads of a class must have reached ``to``, counted from capture."""

    applies_to: ReadClass
    within: Duration
    to: Text

    def binds(self, hit: bool) -> bool:
        """Whether it binds a read that is a hit, or is none."""
        return self.applies_to in ("any", "hit" if hit else "non-hit")


class SearchRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long after capture a read may still be found by ``who``; shorter than it is kept."""

    who: Searcher
    within: Duration


class KeepRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shortest time that the owner must keep records of a class."""

    records: RecordClass
    shortest: Duration


class LiftRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What lets the owner keep a read beyond the longest time; the unit never lifts anything."""

    lift: Lift


class RecipientRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who else may have a read, and through which gates (any one suffices).  ``jurisdictions`` narrows the class, one entry
    of the label each.  ``now``: a named party of this class whose agreement says so gets its copy at capture; otherwise, and
    everybody else, asks the owner.  ``declares``: purposes that a party's agreement must bar to count as such."""

    recipient: RecipientClass
    gates: Annotated[tuple[Gate, ...], Meta(min_length=1)]
    jurisdictions: tuple[Jurisdiction, ...] = ()
    now: bool = False
    declares: tuple[Purpose, ...] = ()

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


class CounterRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is counted for a report, and grouped by what; a counter never holds a plate."""

    counts: Counted
    by: Annotated[tuple[CountedBy, ...], Meta(min_length=1)]
    report: Text


class PublicRecordRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the public-records law treats a class of records; ``unless`` is the exception in plain words."""

    records: PublicRecord
    publicity: Publicity
    unless: str = ""


class OpenQuestion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was looked for in the law and not found, and what the pack does meanwhile."""

    question: Text
    meanwhile: Text
