"""Hits overtake a backlog, and nobody is alarmed by it: out of order, reads prove their chain as well as in order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.delivery.pipe import Line, UnitSide


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    one = Line(tmp_path)
    yield one
    one.close()


def put(unit: UnitSide, reads: int, *, hits: bool) -> None:
    for _ in range(reads):
        unit.outbox.put(replace(unit.seal(unit.outbox.next_slot()), hit=hits))


def backlog(unit: UnitSide, reads: int, hit_every: int) -> None:
    for number in range(1, reads + 1):
        put(unit, 1, hits=number % hit_every == 0)


def test_hits_reach_the_store_first(line: Line) -> None:
    """All of them, before what was captured before them; the rest follows, and the outbox is empty."""
    unit = line.unit()
    backlog(unit, 120, 20)
    unit.wire.lets_through = 8  # two of them are the words on where the chain stands, and on the clock
    line.meet(unit, 1)
    assert line.stored() == [20, 40, 60, 80, 100, 120]
    unit.wire.lets_through = 10**9
    line.meet(unit, 60)
    assert line.stored() == list(range(1, 121))
    assert unit.outbox.backlog().waiting == 0
    assert line.reasons() == set()


@pytest.mark.parametrize("seed", range(4))
def test_overtaking_raises_no_alarm_whatever_is_lost_on_the_way(line: Line, seed: int) -> None:
    """Reads, receipts and connections are lost, the unit starts anew, hits come in between: each number is in its place at the
    end, and there was never an alarm."""
    chance, unit = random.Random(seed), line.unit()
    backlog(unit, 90, 9)
    for _ in range(14):
        unit.wire.lets_through = chance.choice((0, 3, 12, 40))
        unit.wire.loses_receipts = chance.choice((0, 0, 1, 5))
        put(unit, chance.randrange(3), hits=True)
        put(unit, chance.randrange(3), hits=False)
        line.meet(unit, chance.choice((1, 3, 25)))
        what = chance.random()
        if what < 0.3:
            unit.wire.again()
        elif what < 0.4:
            unit.stop()
            unit.start()
    unit.wire.lets_through, unit.wire.loses_receipts = 10**9, 0
    line.meet(unit, 400)
    account = line.account()
    assert line.stored() == list(range(1, account.committed + 1))
    assert (account.missing, account.to_come, account.stored) == (0, 0, account.committed)
    assert line.alarms() == []
    assert unit.journal.by_reason("alarms") == {}
    assert unit.outbox.backlog().waiting == 0
