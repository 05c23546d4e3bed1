"""Reads that wait in memory until the clock can be trusted, for packs that say ``untrusted = "hold"``."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import timedelta

import msgspec
from msgspec import Struct

from edge.policy.pack import Pack
from edge.records import Instant, Position, Read

#: More than a street gives in the minutes that a clock takes to be set.
AT_MOST = 1000


class Held(Struct, frozen=True, kw_only=True):
    """A read and where it was captured, not labelled yet."""

    read: Read
    place: Position | None


class HeldReads:
    """First in, first out; not thread-safe, one a camera."""

    def __init__(self) -> None:
        self._held: deque[Held] = deque()

    def take(self, held: Held, pack: Pack) -> bool:
        """Keep it if ``pack`` wants its clock trusted first; false where it may be labelled now, or there is no room."""
        if pack.hold_for is None or pack.trusts_clock(held.read.first, held.read.last) or len(self._held) >= AT_MOST:
            return False
        self._held.append(held)
        return True

    def due(self, now: Instant, pack: Pack) -> Iterator[Held]:
        """What need not wait any longer at ``now``: everything once the clock is trusted, with its times put right by the boot
        clock; before that what has waited for as long as the pack allows, as it is."""
        good = pack.trusts_clock(now, now)
        while self._held and (good or self._is_over(self._held[0], now, pack)):
            held = self._held.popleft()
            yield _put_right(held, now) if good and held.read.last.boot_id == now.boot_id else held

    def flush(self) -> Iterator[Held]:
        """Everything, as it is: the stream has ended or another pack is in force."""
        while self._held:
            yield self._held.popleft()

    def _is_over(self, held: Held, now: Instant, pack: Pack) -> bool:
        waited = timedelta(microseconds=(now.boottime_ns - held.read.last.boottime_ns) / 1000)
        return pack.hold_for is None or waited >= pack.hold_for or held.read.last.boot_id != now.boot_id


def _put_right(held: Held, now: Instant) -> Held:
    read = held.read
    return Held(
        read=msgspec.structs.replace(read, first=_shifted(read.first, now), last=_shifted(read.last, now)), place=held.place
    )


def _shifted(instant: Instant, now: Instant) -> Instant:
    """The same moment as ``now``'s clock has it: the boot clock ran through."""
    age = timedelta(microseconds=(now.boottime_ns - instant.boottime_ns) / 1000)
    return msgspec.structs.replace(instant, utc=now.utc - age, quality=now.quality)
