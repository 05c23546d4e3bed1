"""Situations, and the cases that a pack carries: named situations with what the pack must make of each."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from edge.policy.rules import Aware, Jurisdiction, Text
from edge.policy.vocabulary import (
    Classification,
    Field,
    Gate,
    Lift,
    Obligation,
    OnwardDuty,
    Purpose,
    RecipientClass,
    Searcher,
    UnitKind,
    ZoneCategory,
)
from edge.records import ImageScope, TimeSource

Place = Literal["no-zones", "outside", "in-margin", "inside", "lost", "adrift"]


class CaseEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hot-list entry for the case's plate."""

    source: Text
    topic: Text
    reason: Text


class CaseRecipient(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the label must say of one recipient: one door with exactly these gates, or these ``doors``; not ``now`` unless
    said.  ``party`` is the named body of an agreement, empty for anybody of the class."""

    recipient: Text
    gates: tuple[Gate, ...] = ()
    doors: tuple[tuple[Gate, ...], ...] = ()
    party: str = ""
    now: bool = False


class CaseAgreement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agreement that is at hand in the case; ``bars`` are the purposes that it bars."""

    party: Text
    recipient: RecipientClass
    jurisdiction: Jurisdiction
    satisfies: tuple[Gate, ...]
    starts: Aware
    ends: Aware
    revoked: Aware | None = None
    bars: tuple[Purpose, ...] = ()
    now: bool = False


class Situation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A read at a place and time.  ``place`` is where the unit stands to a zone of the category ``zone`` with a margin of 50 m;
    ``adrift`` is a unit that has no zone and does not know where it is, ``lost`` one that has a zone."""

    at: Aware
    confidence: float = 0.95
    region: str = "US-CT"
    time_source: TimeSource = "ntp"
    unit: UnitKind = "fixed"
    place: Place = "no-zones"
    zone: ZoneCategory = "agency-choice"
    entry: CaseEntry | None = None
    agreements: tuple[CaseAgreement, ...] = ()


class Case(Situation, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named situation and what the pack must make of it.  ``rule`` must be among the rules that decided; what is left
    out is not compared."""

    name: Text
    clause: Text
    expect: Literal["release", "withhold", "no-capture"]
    rule: str | None = None
    hit: bool = False
    refused_by: str | None = None
    delete_after: Aware | None = None
    forward_by: Aware | None = None
    searchable_until: dict[Searcher, Aware] = {}
    classification: Classification | None = None
    fields: tuple[Field, ...] | None = None
    images: ImageScope | None = None
    permits: tuple[Purpose, ...] = ()
    not_permits: tuple[Purpose, ...] = ()
    bars: tuple[Purpose, ...] = ()
    lifts: tuple[Lift, ...] = ()
    not_lifts: tuple[Lift, ...] = ()
    recipients: tuple[CaseRecipient, ...] = ()
    not_recipients: tuple[Text, ...] = ()
    nobody_now: bool = False
    duties: tuple[OnwardDuty, ...] = ()
    obligations: tuple[Obligation, ...] = ()
