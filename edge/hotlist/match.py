"""Looks up whether a read is on a hot list.

There is no plate here, in the table or anywhere else: a read is looked up by digest, and an inexact hit's ``listed`` is one of
the texts that the read itself may be.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec import Struct

from edge.hotlist.files import normalise
from edge.hotlist.keyed import ListKey
from edge.hotlist.table import Entry, Table
from edge.hotlist.variants import variants
from edge.journal import Journal
from edge.policy.pack import Pack
from edge.policy.rules import HotListRule
from edge.records import Hit, Instant, Read

#: How far the clocks of an agency and of a unit may be apart before a list counts as issued in the future.
SKEW = timedelta(minutes=5)


class LoadedList(Struct, frozen=True, kw_only=True):
    """Which list it is; ``version`` is empty and ``issued`` None where nobody said so.  ``sha256`` is of its file."""

    name: str
    version: str
    issued: datetime | None
    sha256: str


class Stale(Struct, frozen=True, kw_only=True):
    """A list of which no entry is matched: the rule that says so, and why it does."""

    list: LoadedList
    rule: HotListRule
    why: str


class HotList:
    """Every admitted entry of all lists.  Made by ``load_hotlist`` only; may be used by several threads."""

    def __init__(self, table: Table, lists: Sequence[LoadedList], refused: Mapping[str, int], key: ListKey, pack: Pack) -> None:
        self.lists = tuple(lists)
        self.refused: Mapping[str, int] = MappingProxyType(dict(refused))
        self._table, self._key, self._pack = table, key, pack
        self._regions_must_agree = any(rule.region == "must-agree" for rule in pack.hotlists)
        self._tolerant = all(rule.text == "tolerant" for rule in pack.hotlists)
        self._told: set[Stale] = set()
        self._lock = threading.Lock()

    @property
    def admitted(self) -> int:
        """How many entries may be matched."""
        return len(self._table)

    @property
    def nbytes(self) -> int:
        """How much memory the entries take."""
        return self._table.nbytes

    def match(self, read: Read, journal: Journal) -> Hit | None:
        """The hit of a read, or None.  ``exact`` is true where the text is the list's own and the region does not differ; an
        unknown region (empty or ``unknown``) differs from none.  Any other hit is inexact, if the pack allows it at all.

        A hit is always to be confirmed by a person.  Exact hits come before others, then those whose text is likelier, then the
        order of the lists.  A stale list raises none; the read is counted under its name.
        """
        text = normalise(read.text)
        stale = self.tell_stale(read.last, journal)
        for each in stale:
            journal.count("hotlist_stale", each.list.name)
        silent = {each.list for each in stale}
        if not text or len(silent) == len(self.lists):
            return None
        texts = variants(read) if self._tolerant else (text,)
        doubtful: Hit | None = None
        for place, entry in self._table.find([self._key.digest(each) for each in texts]):
            agrees = _regions_agree(entry.region, read.region)
            origin = self.lists[entry.list]
            if origin in silent or entry.ended(read.last.utc) or (self._regions_must_agree and not agrees):
                continue
            if place == 0 and agrees:
                return _hit(entry, origin, exact=True)
            doubtful = doubtful or _hit(entry, origin, exact=False, listed=texts[place] if place else "")
        return doubtful

    def stale(self, at: Instant) -> tuple[Stale, ...]:
        """The lists that must raise no hit at ``at``: older than a layer of the pack allows, or of unknown age."""
        return tuple(found for each in self.lists for found in (_stale(each, at, self._pack),) if found is not None)

    def tell_stale(self, at: Instant, journal: Journal) -> tuple[Stale, ...]:
        """As :meth:`stale`, and an alarm for each list and reason that none was raised for yet."""
        found = self.stale(at)
        if not found:
            return found
        with self._lock:
            fresh = [each for each in found if each not in self._told]
            self._told.update(fresh)
        for each in fresh:
            journal.count("alarms", "hotlist-stale")
            journal.error(
                "hot list is stale: none of its entries is matched; deliver a newer one",
                list=each.list.name,
                version=each.list.version,
                issued=each.list.issued.isoformat() if each.list.issued else "unknown",
                rule=each.rule.id,
                clause=each.rule.clause,
                why=each.why,
            )
        return found


def _stale(which: LoadedList, at: Instant, pack: Pack) -> Stale | None:
    for rule in pack.hotlists:
        if rule.max_age is None:
            continue
        if which.issued is None:
            why = "nobody said when it was issued; run `plate-edge hotlist stamp` where it comes from"
        elif not all(clock.trusts(at) for clock in pack.clocks):
            why = "the clock cannot be trusted, so its age is not known"
        elif which.issued > at.utc + SKEW:
            why = "it was issued in the future, so its age is not known; look at the clocks"
        elif rule.max_age.after(which.issued) <= at.utc:
            why = f"it was issued more than {rule.max_age} ago"
        else:
            continue
        return Stale(list=which, rule=rule, why=why)
    return None


def _hit(entry: Entry, origin: LoadedList, exact: bool, listed: str = "") -> Hit:
    return Hit(
        source=entry.source,
        topic=entry.topic,
        reason=entry.reason,
        entered_by=entry.entered_by,
        list_sha256=origin.sha256,
        exact=exact,
        list_name=origin.name,
        list_version=origin.version,
        list_issued=origin.issued,
        listed=listed,
    )


def _regions_agree(listed: str, read: str) -> bool:
    """``CT`` and ``US-CT`` are the same; an unknown one agrees with any."""
    return not listed or read in ("", "unknown") or listed.split("-")[-1] == read.upper().split("-")[-1]
