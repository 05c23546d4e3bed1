"""Layers → the pack that binds: state first, then agency and device, the strictest winning (OASIS XACML 3.0: deny-overrides).

Restrictions add up; permissions are those that every layer permits.  What cannot be obeyed together is refused at load, with
both clauses.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product

from edge.errors import PolicyError
from edge.policy.agreements import Agreement
from edge.policy.pack import LoadedLayer, Pack, missing_tables
from edge.policy.rules import Duration, Rule
from edge.policy.vocabulary import LayerKind

_ORDER: tuple[LayerKind, ...] = ("state", "agency", "device")


def combine(layers: Sequence[LoadedLayer], agreements: Sequence[Agreement] = ()) -> Pack:
    """The pack of one state layer, and any agency's and device's, in any order.

    Raises PolicyError if there is not exactly one complete state layer, if two layers share an id or a rule's id, or if they
    cannot be obeyed together.
    """
    ordered = tuple(sorted(layers, key=lambda layer: _ORDER.index(layer.says.identity.layer)))
    wrong = tuple(_misfits(ordered))
    if wrong:
        raise PolicyError(f"combine packs: {'; '.join(wrong)}")
    sha256 = ordered[0].sha256
    if len(ordered) > 1:
        sha256 = hashlib.sha256("\n".join(layer.sha256 for layer in ordered).encode()).hexdigest()
    pack = Pack(layers=ordered, sha256=sha256, agreements=tuple(agreements))
    against = tuple(conflicts(pack))
    if against:
        raise PolicyError(f"combine packs: {'; '.join(against)}")
    return pack


def conflicts(pack: Pack) -> Iterator[str]:
    """What the layers ask for together and nobody can do, each in one sentence with both clauses."""
    if not pack.purposes_permitted:
        yield "no purpose is permitted by every layer, so nothing could ever be used; permit at least one in each"
    for forward, keep in product(pack.forward_by, pack.retention):
        same = "any" in (forward.applies_to, keep.applies_to) or forward.applies_to == keep.applies_to
        if same and seconds(keep.longest) < seconds(forward.within):
            yield (
                f"{cite(forward)} wants a read forwarded within {forward.within}, but {cite(keep)} wants it deleted after "
                f"{keep.longest}: a unit that was offline for longer can do only one of the two; shorten the first or drop it"
            )
    hits_only = pack.demands("hits-only") or pack.demands("counters-only")
    for forward in pack.forward_by:
        if hits_only is not None and forward.applies_to != "hit":
            yield f"{cite(forward)} wants every read forwarded, but {cite(hits_only)} lets only some leave; remove one"
    for keep, minimum in product(pack.retention, pack.minimum_keeps):
        if minimum.records == "reads" and seconds(minimum.shortest) > seconds(keep.longest):
            yield (
                f"{cite(minimum)} wants reads kept for at least {minimum.shortest}, but {cite(keep)} wants them deleted after "
                f"{keep.longest}; one of the two must go"
            )
    for clock, keep in product(pack.clocks, pack.retention):
        if clock.hold and seconds(clock.hold) >= seconds(keep.longest):
            yield (
                f"{cite(clock)} holds reads for {clock.hold} until the clock is right, but {cite(keep)} wants them deleted "
                f"after {keep.longest}; hold them for less"
            )
        if clock.margin and seconds(clock.margin) >= seconds(keep.longest):
            yield (
                f"the margin of {cite(clock)} ({clock.margin}) leaves nothing of {cite(keep)} ({keep.longest}); shorten the "
                "margin, or withhold under a doubtful clock"
            )


def cite(rule: Rule) -> str:
    """A rule and its clause, in a sentence."""
    return f"`{rule.id}` ({rule.clause})"


def seconds(duration: Duration) -> int:
    """A duration in seconds; a month counts 31 days, a year 366."""
    return duration.amount * SECONDS[duration.unit]


SECONDS = {
    "seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800, "months": 2_678_400, "years": 31_622_400
}  # fmt: skip


def _misfits(layers: Sequence[LoadedLayer]) -> Iterator[str]:
    states = [layer for layer in layers if layer.says.identity.layer == "state"]
    if len(states) != 1:
        yield f'exactly one pack must have `layer = "state"`; {len(states)} have'
    for state in states:
        missing = missing_tables(state.says)
        if missing:
            yield f"the state's pack `{state.says.identity.id}` lacks {', '.join(f'`{name}`' for name in missing)}"
    for name, count in Counter(layer.says.identity.id for layer in layers).items():
        if count > 1:
            yield f"pack `{name}` is given {count} times; give each once"
    for rule_id, count in Counter(rule.id for layer in layers for rule in layer.says.rules()).items():
        if count > 1:
            yield f"rule id `{rule_id}` is used {count} times; every rule of every layer needs its own"
