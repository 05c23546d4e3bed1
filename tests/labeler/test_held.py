"""Reads that wait until the clock can be trusted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from edge.labeler.held import AT_MOST, Held, HeldReads
from edge.labeler.scope import label
from edge.policy.decide import decide
from edge.policy.pack import Pack
from edge.records import Instant, Release, TimeQuality, Withhold
from tests.policy.situations import HARTFORD, NOW, US_CT, capture, days, edited_pack, read

MINUTE = 60 * 10**9
UNSET, GPS = TimeQuality(source="unset"), TimeQuality(source="gps", error_ms=1.0)


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Connecticut's, but with reads held for five minutes while the clock is doubtful."""
    return edited_pack(
        tmp_path, ('untrusted = "shorten"', 'untrusted = "hold"\nhold = { minutes = 5 }'), ("margin = { days = 1 }\n", "")
    )


def at(minutes: float, quality: TimeQuality, wrong: timedelta = timedelta(0)) -> Instant:
    """A moment after boot, by a clock that is ``wrong`` by so much."""
    utc = NOW + timedelta(minutes=minutes) + wrong
    return Instant(utc=utc, boottime_ns=int(minutes * MINUTE), boot_id="boot", quality=quality)


def captured(minutes: float, quality: TimeQuality, wrong: timedelta = timedelta(0)) -> Held:
    return Held(read=read(at(minutes, quality, wrong), at(minutes, quality, wrong)), place=HARTFORD)


def test_a_read_waits_for_the_clock_and_then_has_the_right_time(pack: Pack) -> None:
    """A unit that woke up two days in the past holds what it reads; when GPS sets the clock, the read's time is put right by
    the boot clock, and it leaves with the full 21 days."""
    held = HeldReads()
    assert held.take(captured(1, UNSET, wrong=days(-2)), pack)
    assert list(held.due(at(2, UNSET, wrong=days(-2)), pack)) == []
    (ready,) = held.due(at(3, GPS), pack)
    assert ready.read.first.utc == NOW + timedelta(minutes=1)
    assert ready.read.first.quality == GPS
    decision = decide(label(ready.read, capture(ready.place), pack, None), pack)
    assert isinstance(decision, Release)
    assert decision.labeled.label.delete_after == NOW + timedelta(minutes=1) + days(21)


def test_what_waited_in_vain_is_withheld_under_the_clock_s_rule(pack: Pack) -> None:
    """After five minutes without a good clock the read is decided as it is."""
    held = HeldReads()
    held.take(captured(1, UNSET), pack)
    held.take(captured(4, UNSET), pack)
    (over,) = held.due(at(6, UNSET), pack)
    assert over == captured(1, UNSET)
    decision = decide(label(over.read, capture(), pack, None), pack)
    assert isinstance(decision, Withhold)
    assert [reason.rule for reason in decision.reasons] == ["ct-clock"]
    assert list(held.flush()) == [captured(4, UNSET)]


NOT_HELD = [
    ("a good clock", GPS, None),
    ("a pack that shortens instead", UNSET, US_CT),
]


@pytest.mark.parametrize(("name", "quality", "other"), NOT_HELD, ids=[row[0] for row in NOT_HELD])
def test_nothing_waits_without_need(pack: Pack, name: str, quality: TimeQuality, other: Pack | None) -> None:
    """A trusted clock, or a pack that knows another way, and the read goes on at once."""
    assert not HeldReads().take(captured(1, quality), other or pack)


def test_what_has_no_room_goes_on_at_once(pack: Pack) -> None:
    """Memory is bounded; the read that finds it full is decided as it is."""
    held = HeldReads()
    one = captured(1, UNSET)
    assert all(held.take(one, pack) for _ in range(AT_MOST))
    assert not held.take(one, pack)


def test_another_boot_s_clock_puts_nothing_right(pack: Pack) -> None:
    """Nanoseconds since another boot mean nothing: the read is decided as it is."""
    held = HeldReads()
    held.take(captured(1, UNSET), pack)
    later = msgspec.structs.replace(at(2, GPS), boot_id="another")
    assert list(held.due(later, pack)) == [captured(1, UNSET)]
