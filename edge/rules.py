"""The rules that lane 1 works under, and where they come from."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from edge.hotlist.match import HotList
from edge.policy.pack import Pack
from edge.policy.vocabulary import UnitKind
from edge.policy.zones import Zone
from edge.records import Reason


class Policy(Struct, frozen=True, kw_only=True):
    """What the rules are: the pack, what kind of unit it binds here, the configured no-capture zones, and the hot list as far
    as the pack admits it; ``barred`` is why nothing at all may be captured, empty where something may."""

    pack: Pack
    unit: UnitKind
    zones: tuple[Zone, ...]
    hotlist: HotList
    barred: tuple[Reason, ...] = ()


class PolicySource(Protocol):
    """Where the rules come from; it may give other ones while the unit runs.  Thread-safe."""

    def now(self) -> Policy:
        """The rules at this moment: the same object while they are the same."""
        ...
