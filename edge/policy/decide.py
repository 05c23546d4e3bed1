"""The two decisions at the camera: may anything be captured here and now, and may this labelled read leave the unit.

Pure: no clock, no file, no log.  Nothing is released because nothing spoke against it by accident: every check must be
able to say yes, all reasons are collected, and only :func:`decide` makes a Release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from edge.policy.pack import Field, Obligation, Pack, Rule
from edge.policy.zones import Zone, inside, usable
from edge.records import LabeledRead, Position, Reason, Release, Withhold

# What this program does with every read, so that a pack may demand it.  A demand that is not here turns a release into a
# withholding (XACML 3.0: who cannot carry out an obligation must not permit).
CARRIED_OUT: frozenset[Obligation] = frozenset(
    ("sign-at-capture", "seal-to-owner", "delete-by-date", "confirm-hit-by-person", "count-without-plate")
)
# The fields that a read has, whether or not a pack wants them: this unit cannot leave one out yet.
CARRIED_FIELDS: tuple[Field, ...] = ("plate-text", "plate-region", "time", "device")

_DEFAULT_DENY = "none: default deny of the engine"


def may_capture(position: Position | None, at: datetime, pack: Pack, zones: Sequence[Zone]) -> tuple[Reason, ...]:
    """Every reason why nothing may be captured at ``position`` at ``at``; empty where nothing forbids it."""
    return (*_not_in_force(at, pack), *_place_forbids(position, pack, zones))


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
    return Release(labeled=labeled, rules=_permitting(labeled, pack))


def _permitting(labeled: LabeledRead, pack: Pack) -> tuple[str, ...]:
    """The rules that a release rests on: who owns it, that it is sure enough, and how long it may be kept."""
    retention = (rule.id for rule in pack.retention_for(labeled.hit is not None))
    return (pack.owner.id, pack.match.id, *retention)


def _engine(rule: str, words: str, clause: str = _DEFAULT_DENY) -> Reason:
    return Reason(rule=rule, clause=clause, words=words)


def _because(rule: Rule, words: str) -> Reason:
    return Reason(rule=rule.id, clause=rule.clause, words=words)


def _not_in_force(at: datetime, pack: Pack) -> Iterator[Reason]:
    identity = pack.identity
    if at.utcoffset() is None or not identity.in_force(at):
        until = f" until {identity.effective_until.isoformat()}" if identity.effective_until else ""
        words = f"pack {identity.id} {identity.version} is in force from {identity.effective_from.isoformat()}{until}, not then"
        yield _engine("engine-in-force", words, identity.statute)


def _place_forbids(position: Position | None, pack: Pack, zones: Sequence[Zone]) -> Iterator[Reason]:
    rule = pack.capture
    if position is None or not usable(position):
        if rule.without_position == "stop" or (rule.without_position == "stop-where-zones" and zones):
            yield _because(rule, "the unit does not know where it is, so it cannot tell whether it stands in a no-capture zone")
        return
    for zone in inside(zones, position):
        yield _because(rule, f"the unit may stand in {zone.words}")


def _pack_in_force(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    """Both ends of the pass count: a read that began before the pack was in force was captured without one."""
    for instant in (labeled.read.first, labeled.read.last):
        for reason in _not_in_force(instant.utc, pack):
            yield reason
            return


def _label_of_this_pack(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    label, identity = labeled.label, pack.identity
    theirs = (label.pack, label.pack_version, label.pack_sha256, label.jurisdiction)
    if theirs != (identity.id, identity.version, pack.sha256, identity.jurisdiction):
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
    admitted = {(name, rule.id): rule for rule in pack.recipients for name in rule.names}
    for recipient in label.recipients:
        rule = admitted.get((recipient.recipient, recipient.rule))
        if rule is None or not recipient.gates or not set(recipient.gates) <= set(rule.gates) or recipient.now > rule.now:
            yield _engine("engine-not-wider", f"the label admits {recipient.recipient} more easily than the pack")
    if not {rule.duty for rule in pack.onward_duties} <= set(label.onward_duties):
        yield _engine("engine-not-wider", "the label leaves out a duty of whoever gets the read")


def _retention(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    read, label = labeled.read, labeled.label
    rule = pack.retention_for(labeled.hit is not None)[0]
    if label.delete_after > pack.delete_after(read.first, read.last, labeled.hit is not None):
        yield _because(rule, "the label keeps the read longer than the pack allows")
    if label.delete_after <= max(read.first.utc, read.last.utc):
        yield _because(rule, "the read's time was over before it could leave")


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
    for recipient in labeled.label.recipients:
        if recipient.now:
            yield _engine(
                "engine-obligation", f"this unit seals for the owner alone and cannot give {recipient.recipient} a copy"
            )


def _fields(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    carried = (*CARRIED_FIELDS, "position") if labeled.capture.position is not None else CARRIED_FIELDS
    for field in carried:
        if field not in pack.fields.keep:
            yield _because(
                pack.fields, f"the read carries the field {field}, which may not leave and which this unit cannot drop"
            )


def _match(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    read, rule = labeled.read, pack.match
    if not read.text:
        yield _because(rule, "no character was made out")
    # Written so that a confidence that is not a number fails too.
    if not rule.min_confidence <= read.confidence <= 1:
        yield _because(rule, f"the read is not sure enough: below {rule.min_confidence:g}")
    if rule.unknown_region == "withhold" and read.region in ("", "unknown"):
        yield _because(rule, "the issuing state was not made out")


def _hit_admitted(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    """Refused entries were dropped before matching; a hit on one means that the lists were not filtered by this pack."""
    hit = labeled.hit
    refusal = pack.hotlist.refusal(hit.source, hit.topic, hit.reason) if hit is not None else None
    if refusal is not None:
        yield _because(refusal, "the read carries a hit that the pack does not admit")


def _clock(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    rule, read = pack.clock, labeled.read
    if rule.untrusted == "withhold" and not (rule.trusts(read.first) and rule.trusts(read.last)):
        yield _because(rule, "the clock could not be trusted, so dates in force and the deletion date cannot be checked")


def _position_known(labeled: LabeledRead, pack: Pack) -> Iterator[Reason]:
    """The zones were held against the frames; this is the second net for packs that never capture without a position."""
    if pack.capture.without_position == "stop" and not usable(labeled.capture.position):
        yield _because(pack.capture, "the read has no position and the pack wants one")


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
    _fields,
    _match,
)
