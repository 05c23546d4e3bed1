"""A pack in closed words: what may be captured, who may have it, for what and until when.

A :class:`Layer` is what one TOML file says: a state's law, an agency's choice, or a device's.  A :class:`Pack` is what binds
a unit: all its layers together, the strictest winning.  Loading is in ``load.py``; all here is pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TypeVar

from msgspec import Struct

from edge.policy.agreements import Agreement
from edge.policy.case import Case
from edge.policy.rules import (
    CaptureRule,
    ClassificationRule,
    ClockRule,
    CounterRule,
    FieldsRule,
    ForwardRule,
    HotListBar,
    HotListRule,
    Identity,
    ImagesRule,
    KeepRule,
    LiftRule,
    MarkRule,
    MatchRule,
    NoCaptureHours,
    ObligationRule,
    OnwardRule,
    OpenQuestion,
    OwnerRule,
    PublicRecordRule,
    PurposeRule,
    RecipientRule,
    RetentionRule,
    Rule,
    SearchRule,
)
from edge.policy.vocabulary import Classification, Field, Gate, Obligation, Purpose, Searcher, ZoneCategory
from edge.records import ImageScope, Instant

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_R = TypeVar("_R", bound=Rule)
# Every field that can be made out on the pictures of a scope: where one of them may not leave, neither may they.  Whoever sits
# in a car may be seen on a picture of the street, and the street tells where it is.
_SHOWN: dict[ImageScope, frozenset[Field]] = {
    "none": frozenset(),
    "crop": frozenset[Field](("plate-text", "plate-region", "plate-image")),
    "crop-and-frame": frozenset[Field](
        ("plate-text", "plate-region", "plate-image", "vehicle-image", "occupant-image", "position")
    ),
}
# Nobody here can blur a picture so that it is surely blurred, so one that must be blurred is not made.
_AGAINST_PICTURES: tuple[Obligation, ...] = ("counters-only", "drop-image", "blur-image")


class Layer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that one file says.  A table that is left out says nothing; only a state's file must have them all (see
    :func:`missing_tables`)."""

    identity: Identity
    classification: ClassificationRule | None = None
    owner: OwnerRule | None = None
    capture: CaptureRule | None = None
    no_capture_hours: tuple[NoCaptureHours, ...] = ()
    fields: FieldsRule | None = None
    images: ImagesRule | None = None
    marks: tuple[MarkRule, ...] = ()
    match: MatchRule | None = None
    clock: ClockRule | None = None
    hotlist: HotListRule | None = None
    retention: tuple[RetentionRule, ...] = ()
    lifts: tuple[LiftRule, ...] | None = None
    forward_by: tuple[ForwardRule, ...] = ()
    search_windows: tuple[SearchRule, ...] = ()
    minimum_keeps: tuple[KeepRule, ...] = ()
    recipients: tuple[RecipientRule, ...] | None = None
    purposes: tuple[PurposeRule, ...] = ()
    obligations: tuple[ObligationRule, ...] = ()
    onward_duties: tuple[OnwardRule, ...] = ()
    counters: tuple[CounterRule, ...] = ()
    public_records: tuple[PublicRecordRule, ...] = ()
    open_questions: tuple[OpenQuestion, ...] = ()
    cases: tuple[Case, ...] = ()

    def rules(self) -> Iterator[Rule]:
        """Every rule, in the order of the tables above."""
        one = (self.classification, self.owner, self.capture)
        yield from (rule for rule in one if rule is not None)
        yield from self.no_capture_hours
        yield from (rule for rule in (self.fields, self.images) if rule is not None)
        yield from self.marks
        yield from (rule for rule in (self.match, self.clock) if rule is not None)
        if self.hotlist is not None:
            yield from (self.hotlist, *self.hotlist.admit, *self.hotlist.bar)
        yield from (*self.retention, *(self.lifts or ()), *self.forward_by, *self.search_windows, *self.minimum_keeps)
        yield from (*(self.recipients or ()), *self.purposes, *self.obligations, *self.onward_duties)
        yield from (*self.counters, *self.public_records)

    @property
    def permits(self) -> frozenset[Purpose] | None:
        """The closed list of purposes, or None where the layer permits none by name and so narrows nothing."""
        return frozenset(rule.purpose for rule in self.purposes if rule.effect == "permit") or None


class LoadedLayer(Struct, frozen=True, kw_only=True):
    """A layer with the SHA-256 of the exact bytes of its file."""

    says: Layer
    sha256: str


class Admission(Struct, frozen=True, kw_only=True):
    """Who may have a read under all layers: at every one of ``doors`` one of its gates must be passed.  ``declares`` and
    ``now`` are those of all the rules together."""

    name: str
    doors: tuple[tuple[Gate, ...], ...]
    rules: tuple[str, ...]
    now: bool
    declares: frozenset[Purpose]


class Pack(Struct, frozen=True, kw_only=True, dict=True):
    """What binds a unit: the state's layer first, then the agency's and the device's.  Made by ``layers.combine`` only.

    Restrictions add up and permissions are only what every layer permits, so another layer never widens anything.
    """

    layers: tuple[LoadedLayer, ...]
    sha256: str
    agreements: tuple[Agreement, ...] = ()

    @cached_property
    def identity(self) -> Identity:
        """The state's identity, by whose name the pack goes."""
        return self.layers[0].says.identity

    @cached_property
    def classification(self) -> ClassificationRule:
        """The strictest classification."""
        order = Classification.__args__  # type: ignore[attr-defined]
        return max(self._each("classification", ClassificationRule), key=lambda rule: order.index(rule.classification))

    @cached_property
    def owner(self) -> OwnerRule:
        """Who owns a read: the state's word."""
        return self._each("owner", OwnerRule)[0]

    @cached_property
    def captures(self) -> tuple[CaptureRule, ...]:
        """All of them bind."""
        return self._each("capture", CaptureRule)

    @cached_property
    def no_capture_hours(self) -> tuple[NoCaptureHours, ...]:
        """All of them bind."""
        return tuple(rule for layer in self.layers for rule in layer.says.no_capture_hours)

    @cached_property
    def fields(self) -> tuple[FieldsRule, ...]:
        """A field leaves where all of them keep it."""
        return self._each("fields", FieldsRule)

    @cached_property
    def fields_kept(self) -> tuple[Field, ...]:
        """The fields that may leave, in the vocabulary's order."""
        known: tuple[Field, ...] = Field.__args__  # type: ignore[attr-defined]
        return tuple(field for field in known if all(field in rule.keep for rule in self.fields))

    @cached_property
    def position_coarse(self) -> bool:
        """Whether any layer wants the position coarse."""
        return any("position" in rule.coarsen for rule in self.fields)

    @cached_property
    def images(self) -> tuple[ImagesRule, ...]:
        """All of them bind; the fewest pictures win, and none leaves without a rule of the state's."""
        return self._each("images", ImagesRule)

    def images_for(self, hit: bool) -> ImageScope:
        """Which pictures may leave with a read: the most that every rule permits and of which no field is kept back."""
        if self.layers[0].says.images is None or any(self.demands(each) for each in _AGAINST_PICTURES):
            return "none"
        order: tuple[ImageScope, ...] = ("none", "crop", "crop-and-frame")
        most = min(order.index(rule.permits(hit)) for rule in self.images)
        kept = set(self.fields_kept) - ({"position"} if self.position_coarse else set())
        return next(scope for scope in reversed(order[: most + 1]) if kept >= _SHOWN[scope])

    @cached_property
    def marks(self) -> tuple[MarkRule, ...]:
        """All of them bind."""
        return tuple(rule for layer in self.layers for rule in layer.says.marks)

    @cached_property
    def matches(self) -> tuple[MatchRule, ...]:
        """All of them bind."""
        return self._each("match", MatchRule)

    @cached_property
    def clocks(self) -> tuple[ClockRule, ...]:
        """All of them bind."""
        return self._each("clock", ClockRule)

    @cached_property
    def hotlists(self) -> tuple[HotListRule, ...]:
        """An entry is matched where none of them refuses it."""
        return self._each("hotlist", HotListRule)

    @cached_property
    def retention(self) -> tuple[RetentionRule, ...]:
        """All of them bind; the shortest wins."""
        return tuple(rule for layer in self.layers for rule in layer.says.retention)

    @cached_property
    def lifts(self) -> tuple[LiftRule, ...]:
        """What lifts the longest time under every layer that speaks of lifts; the rules of all of them."""
        told = [layer.says.lifts for layer in self.layers if layer.says.lifts is not None]
        common = set.intersection(*({rule.lift for rule in rules} for rules in told)) if told else set()
        return tuple(rule for rules in told for rule in rules if rule.lift in common)

    @cached_property
    def forward_by(self) -> tuple[ForwardRule, ...]:
        """All of them bind; the earliest wins."""
        return tuple(rule for layer in self.layers for rule in layer.says.forward_by)

    @cached_property
    def search_windows(self) -> tuple[SearchRule, ...]:
        """All of them bind; the shortest for each searcher wins."""
        return tuple(rule for layer in self.layers for rule in layer.says.search_windows)

    @cached_property
    def minimum_keeps(self) -> tuple[KeepRule, ...]:
        """All of them bind; the longest wins."""
        return tuple(rule for layer in self.layers for rule in layer.says.minimum_keeps)

    @cached_property
    def admissions(self) -> tuple[Admission, ...]:
        """Who may have a read: whom every layer that speaks of recipients admits, through a door of each.

        Rules of one layer for the same recipient are alternatives, so their gates share a door."""
        told = [_admitted(layer.says.recipients) for layer in self.layers if layer.says.recipients is not None]
        if not told:
            return ()
        return tuple(
            Admission(
                name=name,
                doors=tuple(dict.fromkeys(told_by[name].doors[0] for told_by in told)),
                rules=tuple(rule for told_by in told for rule in told_by[name].rules),
                now=all(told_by[name].now for told_by in told),
                declares=frozenset[Purpose]().union(*(told_by[name].declares for told_by in told)),
            )
            for name in told[0]
            if all(name in told_by for told_by in told)
        )

    @cached_property
    def purposes(self) -> tuple[PurposeRule, ...]:
        """Every rule on purposes, of all layers."""
        return tuple(rule for layer in self.layers for rule in layer.says.purposes)

    @cached_property
    def purposes_permitted(self) -> tuple[Purpose, ...]:
        """What a read may be used for, and nothing else: what each layer that has a list permits, less what any bars."""
        lists = [permits for layer in self.layers if (permits := layer.says.permits) is not None]
        common = frozenset[Purpose].intersection(*lists) if lists else frozenset[Purpose]()
        barred = set(self.purposes_barred)
        listed = dict.fromkeys(rule.purpose for rule in self.purposes)
        return tuple(purpose for purpose in listed if purpose in common and purpose not in barred)

    @cached_property
    def purposes_barred(self) -> tuple[Purpose, ...]:
        """What any layer bars by name."""
        return tuple(dict.fromkeys(rule.purpose for rule in self.purposes if rule.effect == "bar"))

    @cached_property
    def obligations(self) -> tuple[ObligationRule, ...]:
        """All of them bind."""
        return tuple(rule for layer in self.layers for rule in layer.says.obligations)

    @cached_property
    def onward_duties(self) -> tuple[OnwardRule, ...]:
        """All of them bind."""
        return tuple(rule for layer in self.layers for rule in layer.says.onward_duties)

    @cached_property
    def counters(self) -> tuple[CounterRule, ...]:
        """Everything that any layer wants counted."""
        return tuple(rule for layer in self.layers for rule in layer.says.counters)

    @cached_property
    def public_records(self) -> tuple[PublicRecordRule, ...]:
        """All of them, the state's first."""
        return tuple(rule for layer in self.layers for rule in layer.says.public_records)

    @cached_property
    def _by_id(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in self.rules()}

    def rules(self) -> Iterator[Rule]:
        """Every rule of every layer, the state's first."""
        for layer in self.layers:
            yield from layer.says.rules()

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id."""
        return self._by_id.get(rule_id)

    def demands(self, obligation: Obligation) -> ObligationRule | None:
        """The first rule that demands ``obligation`` of the unit."""
        return next((rule for rule in self.obligations if rule.by == "unit" and rule.obligation == obligation), None)

    def in_force(self, at: datetime) -> bool:
        """Whether every layer binds at ``at`` (aware)."""
        return all(layer.says.identity.in_force(at) for layer in self.layers)

    def refusal(self, source: str, topic: str, reason: str) -> Rule | None:
        """The rule that refuses a hot-list entry, or None where every layer admits it.  Bars come first."""
        refusals = [rule for rule in (hotlist.refusal(source, topic, reason) for hotlist in self.hotlists) if rule is not None]
        return next((rule for rule in refusals if isinstance(rule, HotListBar)), refusals[0] if refusals else None)

    def retention_for(self, hit: bool) -> tuple[RetentionRule, ...]:
        """The retention rules that bind a read: those for any read and those for its class."""
        return self._hit_retention if hit else self._non_hit_retention

    @cached_property
    def _hit_retention(self) -> tuple[RetentionRule, ...]:
        return tuple(rule for rule in self.retention if rule.binds(True))

    @cached_property
    def _non_hit_retention(self) -> tuple[RetentionRule, ...]:
        return tuple(rule for rule in self.retention if rule.binds(False))

    def delete_after(self, first: Instant, last: Instant, hit: bool) -> datetime:
        """The latest instant to which a read may be kept: the shortest of all rules that bind it, counted from its earliest
        recorded moment, less the margin of each clock rule that did not trust the clock (the longest margin counts)."""
        start = min(first.utc, last.utc)
        end = min((rule.longest.after(start) for rule in self.retention_for(hit)), default=start)
        return self._safely_before(end, first, last)

    def must_arrive_by(self, start: datetime, hit: bool) -> datetime | None:
        """The earliest time by which a read captured at ``start`` must have been forwarded, if any."""
        return min((rule.within.after(start) for rule in self.forward_by if rule.binds(hit)), default=None)

    def _safely_before(self, end: datetime, first: Instant, last: Instant) -> datetime:
        """``end``, less the longest margin of the clock rules that did not trust the clock."""
        margins = [rule.margin for rule in self.clocks if rule.margin and not (rule.trusts(first) and rule.trusts(last))]
        return min((margin.before(end) for margin in margins), default=end)

    @cached_property
    def categories(self) -> tuple[ZoneCategory, ...]:
        """The kinds of place at which a layer forbids capture; the agency must draw them."""
        return tuple(dict.fromkeys(category for rule in self.captures for category in rule.categories))

    def searchable_until(self, first: Instant, last: Instant) -> dict[Searcher, datetime]:
        """How long a read may be found, by whom, counted from its earliest moment; earlier under a doubtful clock."""
        start = min(first.utc, last.utc)
        found: dict[Searcher, datetime] = {}
        for rule in self.search_windows:
            end = self._safely_before(rule.within.after(start), first, last)
            found[rule.who] = min(end, found.get(rule.who, end))
        return found

    @cached_property
    def hold_for(self) -> timedelta | None:
        """How long a read may wait in memory for a clock that can be trusted: the shortest of the rules that say so, None where
        one rather withholds at once, or where none says so."""
        if any(rule.untrusted == "withhold" for rule in self.clocks):
            return None
        return min((rule.hold.after(_EPOCH) - _EPOCH for rule in self.clocks if rule.hold is not None), default=None)

    def trusts_clock(self, first: Instant, last: Instant) -> bool:
        """Whether every clock rule trusts both ends of a pass."""
        return all(rule.trusts(first) and rule.trusts(last) for rule in self.clocks)

    @cached_property
    def forget_within(self) -> timedelta | None:
        """How long what is no hit may stay in the unit's memory, where an obligation says ``forget-in-minutes``."""
        if self.demands("forget-in-minutes") is None:
            return None
        ends = [rule.longest.after(_EPOCH) - _EPOCH for rule in self.retention_for(hit=False)]
        return min(ends, default=timedelta(0))

    def _each(self, table: str, kind: type[_R]) -> tuple[_R, ...]:
        """The one rule of ``table`` in every layer that has it."""
        rules = (getattr(layer.says, table) for layer in self.layers)
        return tuple(rule for rule in rules if isinstance(rule, kind))


def _admitted(rules: tuple[RecipientRule, ...] | None) -> dict[str, Admission]:
    """One layer's recipients by name, each with one door: the gates of all the rules that name it."""
    found: dict[str, Admission] = {}
    for rule in rules or ():
        for name in rule.names:
            known = found.get(name)
            found[name] = Admission(
                name=name,
                doors=(tuple(dict.fromkeys((*(known.doors[0] if known else ()), *rule.gates))),),
                rules=(*(known.rules if known else ()), rule.id),
                now=rule.now or (known is not None and known.now),
                declares=frozenset(rule.declares) | (known.declares if known else frozenset()),
            )
    return found


def missing_tables(layer: Layer) -> tuple[str, ...]:
    """The tables that a state's layer must have and this one has not."""
    wanted = (
        "classification",
        "owner",
        "capture",
        "fields",
        "match",
        "clock",
        "hotlist",
        "retention",
        "recipients",
        "purposes",
    )
    return tuple(name for name in wanted if not getattr(layer, name))
