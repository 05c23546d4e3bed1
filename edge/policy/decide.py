"""The two decisions at the camera: may anything be captured here and now, and may this labelled read leave the unit.

Pure: no clock, no file, no log.  Nothing is released because nothing spoke against it by accident: every check must be
able to say yes, all reasons are collected, and only :func:`decide` makes a Release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from edge.policy.pack import Pack
from edge.policy.rules import Rule
from edge.policy.vocabulary import Field, Obligation, UnitKind
from edge.policy.zones import Zone, inside, usable
from edge.records import CopyFor, LabeledRead, Position, Reason, Recipient, Release, Withhold

# What this program does with every read, so that a pack may demand it.  A demand that is not here turns a release into a
# withholding (XACML 3.0: who cannot carry out an obligation must not permit).  Under a pack that wants pictures dropped or
# blurred none is made, so none is left to be blurred.
CARRIED_OUT: frozenset[Obligation] = frozenset(
    (
        "sign-at-capture",
        "seal-to-owner",
        "delete-by-date",
        "confirm-hit-by-person",
        "count-without-plate",
        "hits-only",
        "counters-only",
        "forget-in-minutes",
        "drop-image",
        "blur-image",
    )
)
# Without these a read is none: the program cannot leave them out, so a pack that wants them dropped withholds the read.
# (A pack that wants no plate to leave at all says `counters-only`.)
ALWAYS_CARRIED: tuple[Field, ...] = ("plate-text", "time", "device")

_DEFAULT_DENY = "none: default deny of the engine"


def may_capture(
    position: Position | None, at: datetime, pack: Pack, zones: Sequence[Zone], unit: UnitKind
) -> tuple[Reason, ...]:
    """Every reason why a ``unit`` of its kind may capture nothing at ``position`` at ``at``; empty where nothing forbids it."""
    if not _is_aware(at) or not pack.in_force(at):
        return tuple(_not_in_force(at, pack))
    return (*_kind_forbids(unit, pack), *_hour_forbids(at, pack), *_place_forbids(position, at, pack, zones))


def decide(labeled: LabeledRead, pack: Pack) -> Release | Withhold:
    """Whether a labelled read may leave the unit under ``pack``, with every rule that forbids it or those that permit it.

    Never raises on records of the right types; what cannot be evaluated withholds.
    """
    instants = (labeled.read.first.utc, labeled.read.last.utc, labeled.label.delete_after)
    if any(instant.utcoffset() is None for instant in instants):
        words = "a time of the read has no time zone, so no date can be checked"
        return Withhold(subject=labeled.read.id, reasons=(_engine("engine-time", words),))
    reasons = tuple(reason for check in _CHECKS for reason in check(labeled, pack))
    if reasons:
        return Withhold(subject=labeled.read.id, reasons=reasons)
    return Release(
        labeled=labeled,
        rules=_permitting(labeled, pack),
        copies=_copies(labeled, pack),
        images=pack.images_for(labeled.hit is not None) if set(pack.fields_kept) <= set(labeled.label.fields) else "none",
    )


def _copies(labeled: LabeledRead, pack: Pack) -> tuple[CopyFor, ...]:
    """One copy a party, to the key of a paper in force: the key of one that has ended may be in other hands by now."""
    at = min(labeled.read.first.utc, labeled.read.last.utc)
    keys = {paper.party: paper.seal_key for paper in pack.agreements if paper.now and paper.in_force(at)}
    parties = dict.fromkeys(each.party for each in labeled.label.recipients if each.now)
    return tuple(CopyFor(party=party, seal_key=keys[party]) for party in parties if party != labeled.label.owner)


def _permitting(labeled: LabeledRead, pack: Pack) -> tuple[str, ...]:
    """The rules that a release rests on: who owns it, that it is sure enough, and how long it may be kept."""
    retention = (rule.id for rule in pack.retention_for(labeled.hit is not None))
    return (pack.owner.id, *(rule.id for rule in pack.matches), *retention)


def _engine(rule: str, words: str, clause: str = _DEFAULT_DENY) -> Reason:
    return Reason(rule=rule, clause=clause, words=words)


def _because(rule: Rule, words: str) -> Reason:
    return Reason(rule=rule.id, clause=rule.clause, words=words)


def _is_aware(at: datetime) -> bool:
    return at.utcoffset() is not None


def _not_in_force(at: datetime, pack: Pack) -> Iterator[Reason]:
    for identity in (layer.says.identity for layer in pack.layers):
        if not _is_aware(at) or not identity.in_force(at):
            until = f" until {identity.effective_until.isoformat()}" if identity.effective_until else ""
            since = identity.effective_from.isoformat()
            words = f"pack {identity.id} {identity.version} is in force from {since}{until}, not then"
            yield _engine("engine-in-force", words, identity.statute)


def _kind_forbids(unit: UnitKind, pack: Pack) -> Iterator[Reason]:
    for rule in pack.captures:
        if rule.units and unit not in rule.units:
            yield _because(rule, f"a {unit} unit may not capture; only {' or '.join(rule.units)} may")


def _hour_forbids(at: datetime, pack: Pack) -> Iterator[Reason]:
    for rule in pack.no_capture_hours:
        if rule.hours.cover(at):
            yield _because(rule, f"nothing is captured from {rule.hours.begin} to {rule.hours.end}")


def _place_forbids(position: Position | None, at: datetime, pack: Pack, zones: Sequence[Zone]) -> Iterator[Reason]:
    if position is None or not usable(position):
        for rule in pack.captures:
            if rule.without_position == "stop" or (rule.without_position == "stop-where-zones" and zones):
                yield _because(
                    rule, "the unit does not know where it is, so it cannot tell whether it stands in a no-capture zone"
                )
        return
    for zone in inside((zone for zone in zones if zone.binds(at)), position):
        yield _because(pack.captures[0], f"the unit may stand in {zone.words}")


def _pack_in_force(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    """Both ends of the pass count: a read that began before the pack was in force was captured without one."""
    for instant in (labeled.read.first, labeled.read.last):
        for reason in _not_in_force(instant.utc, pack):
            yield reason
            return


def _label_of_this_pack(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    label = labeled.label
    layers = tuple((each.id, each.version, each.sha256) for each in label.layers)
    ours = tuple((each.says.identity.id, each.says.identity.version, each.sha256) for each in pack.layers)
    if (layers, label.pack_sha256, label.jurisdiction) != (ours, pack.sha256, pack.identity.jurisdiction):
        yield _engine("engine-label-of-pack", "the read was labelled under another pack, or another version of this one")


def _owner(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    if not labeled.label.owner or labeled.label.owner != labeled.capture.agency:
        yield _because(pack.owner, "the label's owner is not the agency whose unit captured the read")


def _not_wider(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    """A label may be narrower than its pack, never wider."""
    label = labeled.label
    if label.classification != pack.classification.classification:
        yield _because(pack.classification, "the label has another classification than the pack")
    if not set(label.purposes_permitted) <= set(pack.purposes_permitted):
        yield _engine("engine-not-wider", "the label permits a purpose that the pack does not permit")
    if not set(pack.purposes_barred) <= set(label.purposes_barred):
        yield _engine("engine-not-wider", "the label leaves out a purpose that the pack bars")
    if set(label.purposes_barred) & set(label.purposes_permitted):
        yield _engine("engine-not-wider", "the label both permits and bars a purpose")
    yield from _not_easier(labeled, pack)
    if not {rule.duty for rule in pack.onward_duties} <= set(label.onward_duties):
        yield _engine("engine-not-wider", "the label leaves out a duty of whoever gets the read")
    marked = {(mark.field, mark.classification) for mark in label.marks}
    for rule in pack.marks:
        if not {(field, rule.classification) for field in rule.fields if field in label.fields} <= marked:
            yield _because(rule, "the label leaves out a mark")
    if not {rule.lift for rule in pack.lifts} >= set(label.lifts):
        yield _engine("engine-not-wider", "the label names a lift that the pack does not have")


def _not_easier(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    """Nobody gets the read more easily than under the pack and the agreements in force when it was captured."""
    at = min(labeled.read.first.utc, labeled.read.last.utc)
    admissions = {admission.name: admission for admission in pack.admissions}
    papers = {paper.party: paper for paper in pack.agreements if paper.in_force(at)}
    for recipient in labeled.label.recipients:
        admission, paper = admissions.get(recipient.recipient), papers.get(recipient.party)
        easier = admission is None or not set(recipient.rules) <= set(admission.rules) or not recipient.rules
        if admission is not None and not easier:
            open_to = {"none", *paper.satisfies} if paper is not None and admission.declares <= set(paper.bars) else set[str]()
            wanted = [door for door in admission.doors if not open_to & set(door)]
            easier = not all(any(set(door) and set(door) <= set(want) for door in recipient.doors) for want in wanted)
            easier |= recipient.party != "" and (paper is None or recipient.recipient not in paper.names)
            easier |= recipient.now and not (admission.now and paper is not None and paper.now and not wanted)
            easier |= not all(recipient.doors) or not (recipient.doors or recipient.now)
        if easier:
            yield _engine("engine-not-wider", f"the label admits {_called(recipient)} more easily than the pack")


def _called(recipient: Recipient) -> str:
    return f"{recipient.party} ({recipient.recipient})" if recipient.party else recipient.recipient


def _retention(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    read, label = labeled.read, labeled.label
    hit = labeled.hit is not None
    rule = pack.retention_for(hit)[0]
    if label.delete_after > pack.delete_after(read.first, read.last, hit):
        yield _because(rule, "the label keeps the read longer than the pack allows")
    if label.delete_after <= max(read.first.utc, read.last.utc):
        yield _because(rule, "the read's time was over before it could leave")
    start = min(read.first.utc, read.last.utc)
    due = pack.must_arrive_by(start, hit)
    if due is not None and (label.forward_by is None or label.forward_by > due):
        yield _engine("engine-not-wider", "the label lets the read arrive later than the pack allows")
    windows = {window.who: window.until for window in label.search_windows}
    for who, until in pack.searchable_until(read.first, read.last).items():
        if windows.get(who) is None or windows[who] > until:
            yield _engine("engine-not-wider", "the label lets the read be searched longer than the pack allows")


def _obligations(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    for rule in pack.obligations:
        if rule.by == "unit" and rule.obligation not in CARRIED_OUT:
            yield _because(rule, f"this unit cannot carry out the obligation {rule.obligation}")
        if rule.obligation not in labeled.label.obligations:
            yield _because(rule, f"the label leaves out the obligation {rule.obligation}")
    known = {rule.obligation for rule in pack.obligations}
    for obligation in labeled.label.obligations:
        if obligation not in known:
            yield _engine("engine-obligation", "the label demands something that the pack does not know")


def _which_leave(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    """Counters only, or hits only: the rest is forgotten here and now."""
    none = pack.demands("counters-only")
    if none is not None:
        yield _because(none, "no read leaves this unit; it was counted")
    only_hits = pack.demands("hits-only")
    if only_hits is not None and labeled.hit is None:
        yield _because(only_hits, "only hits leave this unit; this is none")


def _fields(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    """What may not leave was dropped when the read was labelled; what is still there must be allowed."""
    read, position = labeled.read, labeled.capture.position
    carried: list[Field] = [*ALWAYS_CARRIED]
    if read.region or read.region_confidence:
        carried.append("plate-region")
    if position is not None:
        carried.append("position")
    for field in carried:
        if field not in pack.fields_kept:
            rule = next(rule for rule in pack.fields if field not in rule.keep)
            yield _because(rule, f"the read carries the field {field}, which may not leave")
    if not set(labeled.label.fields) <= set(pack.fields_kept):
        yield _engine("engine-not-wider", "the label claims a field that may not leave")


def _match(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    read = labeled.read
    for rule in pack.matches:
        if not read.text:
            yield _because(rule, "no character was made out")
        # Written so that a confidence that is not a number fails too.
        if not rule.min_confidence <= read.confidence <= 1:
            yield _because(rule, f"the read is not sure enough: below {rule.min_confidence:g}")
        if rule.unknown_region == "withhold" and read.region in ("", "unknown"):
            yield _because(rule, "the issuing state was not made out")


def _position_known(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    """The zones were held against the frames; this is the second net for packs that never capture without a position."""
    if "position" in pack.fields_kept and not usable(labeled.capture.position):
        for rule in pack.captures:
            if rule.without_position == "stop":
                yield _because(rule, "the read has no position and the pack wants one")


def _hit_admitted(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    """Refused entries were dropped before matching; a hit on one means that the lists were not filtered by this pack."""
    hit = labeled.hit
    refusal = pack.refusal(hit.source, hit.topic, hit.reason) if hit is not None else None
    if refusal is not None:
        yield _because(refusal, "the read carries a hit that the pack does not admit")


def _clock(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    read = labeled.read
    for rule in pack.clocks:
        if rule.untrusted != "shorten" and not (rule.trusts(read.first) and rule.trusts(read.last)):
            yield _because(rule, "the clock could not be trusted, so dates in force and the deletion date cannot be checked")


_Check = Callable[[LabeledRead, Pack], Iterator[Reason]]
_CHECKS: tuple[_Check, ...] = (
    _pack_in_force,
    _label_of_this_pack,
    _owner,
    _not_wider,
    _hit_admitted,
    _clock,
    _position_known,
    _retention,
    _obligations,
    _which_leave,
    _fields,
    _match,
)
