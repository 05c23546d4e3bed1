"""The time of a read whose clock nobody had set is known once the unit's clock is, and what was signed stays as it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge.ingest import witness
from edge.ingest.clocks import CorrectedTime
from edge.publisher.anchors import Anchors
from edge.records import Instant, TimeQuality
from tests.clocks import HandClock
from tests.delivery.pipe import Line, UnitSide

#: Real, because the agency end deletes by its own clock.
TODAY = datetime.now(timezone.utc)
#: Where a clock without a battery goes on after a night without power.
YESTERDAY = TODAY - timedelta(hours=11)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    one = Line(tmp_path)
    yield one
    one.close()


def in_the_past(line: Line) -> UnitSide:
    return line.unit(HandClock(YESTERDAY, source="unset"))


def set_right(unit: UnitSide, at: datetime = TODAY) -> None:
    unit.clock.utc, unit.clock.source = at, "ntp"


def times(line: Line) -> list[CorrectedTime]:
    return list(witness.read_times(line.witness_path))


def test_reads_from_before_the_clock_was_set_get_their_time_from_what_is_said_later(line: Line) -> None:
    """They came first; the anchor follows when the clock is right, and the time of each is known to the bound it states."""
    unit = in_the_past(line)
    unit.put()
    unit.clock.wait(timedelta(minutes=10))
    unit.put()
    line.meet(unit, 20)
    assert [(each.utc, each.error_ms) for each in times(line)] == [(None, None)] * 2
    unit.clock.wait(timedelta(minutes=10))
    before = unit.clock.utc
    set_right(unit)
    passed = TODAY - before
    line.meet(unit, 90)
    found = times(line)
    for each in found:
        assert each.utc is not None
        assert each.error_ms is not None
        assert abs(each.utc - (each.signed + passed)) <= timedelta(milliseconds=each.error_ms)
        assert each.error_ms < 1200, "of an error of unknown size, and twenty minutes of a crystal"
    assert [each.seq for each in found] == [1, 2]
    assert [row.labeled.read.first.utc for row in line.store.reads()] == [each.signed for each in found]
    assert line.reasons() == set()


def test_a_read_that_comes_after_its_anchor_is_corrected_at_once(line: Line) -> None:
    """It waited on the unit, and the word about the clock overtook it."""
    unit = in_the_past(line)
    unit.put()
    set_right(unit)
    line.meet(unit, 20)
    (one,) = times(line)
    assert one.utc is not None
    assert abs(one.utc - TODAY) < timedelta(seconds=1)


def test_reads_of_a_clock_that_is_right_need_no_correction(line: Line) -> None:
    """Nothing is kept of them here."""
    unit = line.unit()
    unit.put(5)
    line.meet(unit, 20)
    assert times(line) == []


def test_the_anchor_of_a_boot_is_told_after_the_next_one_too(line: Line) -> None:
    """The unit was set right, and went off, before it ever reached the agency."""
    unit = in_the_past(line)
    unit.put()
    unit.drain._chain._anchors.look()  # type: ignore[union-attr]
    set_right(unit)
    unit.drain._chain._anchors.look()  # type: ignore[union-attr]
    unit.stop()
    unit.clock.reboot()
    unit.clock.utc, unit.clock.source = YESTERDAY, "unset"
    unit.start()
    unit.put()
    line.meet(unit, 60)
    first, second = times(line)
    assert first.utc is not None
    assert abs(first.utc - TODAY) < timedelta(seconds=2)
    assert second.utc is None, "of this boot nothing is known yet"


def test_what_must_be_deleted_goes_from_here_too(line: Line) -> None:
    """A corrected time lives no longer than its read."""
    unit = in_the_past(line)
    unit.put(lives=timedelta(hours=12))
    line.meet(unit, 5)
    assert [each.seq for each in times(line)] == [1]
    with closing(sqlite3.connect(line.witness_path)) as db, db:
        db.execute("UPDATE times SET delete_after = '2026-01-01T00:00:00.000000+00:00'")
    unit.put()
    line.meet(unit, 5)
    assert [each.seq for each in times(line)] == [2]


def test_alarms_of_an_older_version_are_kept_when_clocks_come(line: Line) -> None:
    """The file of alarms is upgraded where it stands."""
    with closing(sqlite3.connect(line.witness_path)) as db, db:
        db.execute("INSERT INTO alarms VALUES (1, 'pole-7', 'e', 'missing', 1, 2, '2026-01-01', '2026-01-01', 1, 0)")
        for table in ("anchors", "times"):
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version = 1")
    assert witness.read_times(line.witness_path) == []
    witness.WitnessFile(line.witness_path).close()
    assert [alarm.reason for alarm in witness.read_alarms(line.witness_path)] == ["missing"]
    assert witness.read_times(line.witness_path) == []


def test_one_anchor_a_boot_and_none_before_the_clock_is_right(tmp_path: Path) -> None:
    """The last eight boots, over restarts; a damaged file, or a full disk, costs corrections and nothing else."""
    path, clock = tmp_path / "anchors", HandClock(YESTERDAY, source="unset")

    def sign(at: Instant, error_ms: float) -> bytes:
        return f"{at.boot_id} {error_ms:g}".encode()

    anchors = Anchors(path, clock.now, sign)
    assert (anchors.look(), anchors.wires) == (False, [])
    clock.source = "gps"
    assert anchors.look()
    assert not anchors.look()
    for _ in range(9):
        clock.reboot()
        assert Anchors(path, clock.now, sign).look()
    boots = [wire.decode() for wire in Anchors(path, clock.now, sign).wires]
    assert boots == [f"boot-{n} 1000" for n in range(3, 11)]
    path.write_bytes(b"\x93 nonsense")
    again = Anchors(path, clock.now, sign)
    assert (again.wires, again.look()) == ([], True)
    assert Anchors(tmp_path / "no" / "folder", clock.now, sign).look()


def test_a_boot_without_a_name_gets_no_anchor(tmp_path: Path) -> None:
    """Where the kernel does not name boots, one could be taken for another."""
    nameless = Instant(utc=TODAY, boottime_ns=1, boot_id="unknown", quality=TimeQuality(source="ntp", error_ms=1.0))
    anchors = Anchors(tmp_path / "anchors", lambda: nameless, lambda at, error_ms: b"")
    assert not anchors.look()
