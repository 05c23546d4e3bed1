"""A unit that has been away for longer than its outbox holds: what made room for what, and that the agency can account for
each number."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from edge.errors import OutboxError
from edge.outbox import inspect
from edge.records import Envelope, SealedCopy
from tests.delivery.pipe import Line, UnitSide

BUDGET = 1 << 20
AT_ONCE = 8


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    one = Line(tmp_path)
    yield one
    one.close()


def on_disk(unit: UnitSide) -> int:
    return sum(file.stat().st_size for file in unit.path.parent.glob(unit.path.name + "*"))


def fill(unit: UnitSide, times: float, *, hit_share: float = 0.0, copies: int = 0, chance: random.Random) -> list[Envelope]:
    """Real reads, until their wire bytes are ``times`` the budget; some are hits, some have copies."""
    kept, group, size = list[Envelope](), list[Envelope](), 0
    while size < times * BUDGET:
        made = unit.seal(group[-1].following if group else unit.outbox.next_slot())
        parties = tuple(SealedCopy(party=f"party-{n}", wire=made.wire) for n in range(copies))
        envelope = msgspec.structs.replace(made, hit=chance.random() < hit_share, copies=parties)
        group.append(envelope)
        if len(group) == AT_ONCE:
            unit.outbox.put_all(group)
            assert on_disk(unit) <= BUDGET
            group.clear()
        size += len(made.wire) * (1 + copies)
        kept.append(envelope)
    for envelope in group:
        unit.outbox.put(envelope)
    return kept


@pytest.mark.parametrize(
    ("hit_share", "copies"),
    [(0.02, 0), (1.0, 0), (0.3, 2)],
    ids=["few hits", "hits alone", "many hits and copies"],
)
def test_three_times_the_budget_and_every_read_is_accounted_for(line: Line, hit_share: float, copies: int) -> None:
    """Offline until three budgets of reads have passed: never over budget, nothing refused; and then the agency has what was
    left and a signed word for the rest: stored + dropped = committed, to the unit, and no alarm."""
    unit = line.unit(budget_bytes=BUDGET)
    kept = fill(unit, 3, hit_share=hit_share, copies=copies, chance=random.Random(7))
    backlog = unit.outbox.backlog()
    assert backlog.committed == len(kept) == backlog.waiting + backlog.dropped
    assert backlog.dropped > 0
    assert inspect.verify(unit.path).findings == ()
    left = set(unit.outbox.waiting_numbers())
    line.meet(unit, 200)
    assert set(line.stored()) == left
    account = line.account()
    assert (account.committed, account.stored, account.dropped) == (len(kept), backlog.waiting, backlog.dropped)
    assert (account.missing, account.to_come, account.expired) == (0, 0, 0)
    assert line.reasons() == set()
    assert list(unit.outbox.tombstones()) == [], "the agency has them, so the unit forgets them"
    assert unit.outbox.backlog().waiting == 0


def test_the_order_is_copies_then_the_oldest_reads_then_the_oldest_hits(line: Line) -> None:
    """No read goes while a copy is there, no hit while another read is, and the youngest stay."""
    unit = line.unit(budget_bytes=BUDGET)
    chance = random.Random(3)
    kept = fill(unit, 0.25, hit_share=0.2, copies=1, chance=chance)
    kept += fill(unit, 0.25, hit_share=0.2, chance=chance)
    backlog = unit.outbox.backlog()
    assert (backlog.dropped_copies > 0, backlog.copies > 0, backlog.dropped) == (True, True, 0)
    kept += fill(unit, 0.8, hit_share=0.2, chance=chance)
    left = set(unit.outbox.waiting_numbers())
    hits = {one.slot.seq for one in kept if one.hit}
    assert unit.outbox.backlog().copies == 0
    assert hits <= left
    plain = sorted(left - hits)
    assert plain == sorted(one.slot.seq for one in kept if not one.hit)[-len(plain) :]
    fill(unit, 0.7, hit_share=1.0, chance=chance)
    left = sorted(unit.outbox.waiting_numbers())
    assert left == list(range(left[0], left[-1] + 1)), "only hits are left, the youngest of them"


def test_a_tombstone_outlives_the_process(line: Line) -> None:
    """What was dropped is on the disk with the read that it made room for."""
    unit = line.unit(budget_bytes=BUDGET)
    fill(unit, 0.7, chance=random.Random(1))
    before, tombstones = unit.outbox.backlog(), unit.outbox.tombstones()
    assert tombstones
    unit.stop()
    unit.start()
    assert (unit.outbox.backlog(), unit.outbox.tombstones()) == (before, tombstones)
    line.meet(unit, 120)
    assert line.account().dropped == before.dropped


def test_what_expires_undelivered_is_accounted_for_too(line: Line) -> None:
    """A law that lets a read live for three minutes leaves a hole and a signed word about it, and no alarm."""
    unit = line.unit()
    unit.put(5, lives=timedelta(minutes=3))
    unit.put(2)
    unit.put(1, lives=timedelta(minutes=3))
    unit.clock.wait(timedelta(minutes=5))
    line.meet(unit, 60)
    account = line.account()
    assert (account.committed, account.stored, account.expired, account.missing) == (8, 2, 6, 0)
    assert line.reasons() == set()
    assert list(unit.outbox.tombstones()) == []


def test_a_tombstone_is_said_again_until_the_agency_has_it(line: Line) -> None:
    """Receipts get lost; what it names is to come as long, and never missing."""
    unit = line.unit()
    unit.put(5, lives=timedelta(minutes=3))
    unit.clock.wait(timedelta(minutes=5))
    unit.wire.loses_receipts = 2
    unit.outbox.expire()
    line.meet(unit, 5)
    assert len(unit.outbox.tombstones()) == 1
    line.meet(unit, 170)
    assert list(unit.outbox.tombstones()) == []
    assert line.account().expired == 5
    assert line.reasons() == set()


def test_a_hole_that_no_tombstone_names_is_missing_all_the_same(line: Line) -> None:
    """A full outbox is no cover for somebody who deletes: what the unit did not sign for is missing."""
    unit = line.unit(budget_bytes=BUDGET)
    fill(unit, 0.7, chance=random.Random(5))
    gone = sorted(unit.outbox.waiting_numbers())[7]
    db = unit.outbox._db
    assert db is not None
    db.execute("DELETE FROM envelopes WHERE seq = ?", (gone,))
    line.meet(unit, 120)
    assert [(alarm.reason, alarm.first, alarm.last) for alarm in line.alarms()] == [("missing", gone, gone)]


def test_a_forged_tombstone_covers_nothing(line: Line) -> None:
    """Nor does a row that somebody wrote beside it: what the unit signs next holds what the unit itself dropped."""
    unit = line.unit()
    unit.put(5)
    db = unit.outbox._db
    assert db is not None
    db.execute("DELETE FROM envelopes WHERE seq = 3")
    db.execute("INSERT INTO tombstones (wire) VALUES (x'00')")
    unit.put(1, lives=timedelta(minutes=3))
    unit.clock.wait(timedelta(minutes=5))
    line.meet(unit, 60)
    assert line.account().expired == 1
    assert line.reasons() == {"missing", "refused"}


def test_a_read_that_cannot_be_made_room_for_drops_nothing(line: Line) -> None:
    """One that is larger than the whole budget is refused in words, and everything stays."""
    unit = line.unit(budget_bytes=BUDGET)
    unit.put(20)
    slot = unit.outbox.next_slot()
    large = Envelope(slot=slot, read_id="large", expires=unit.clock.utc + timedelta(days=1), hit=False, wire=bytes(2 * BUDGET))
    with pytest.raises(OutboxError, match="budget"):
        unit.outbox.put(large)
    assert (unit.outbox.backlog().waiting, unit.outbox.backlog().dropped) == (20, 0)
    assert list(unit.outbox.tombstones()) == []
