"""The counters that outlive a process."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

from edge.clock import Clock
from edge.errors import ConfigError
from edge.ledger import AFTER_CRASH, Ledger, reads_account, totals
from edge.records import Instant, TimeQuality

EVER = (datetime(1970, 1, 1, tzinfo=timezone.utc), datetime(9999, 12, 31, tzinfo=timezone.utc))


class HandClock(Clock):
    """A clock that is set by hand."""

    def __init__(self, utc: str) -> None:
        self.set(utc)

    def set(self, utc: str) -> None:
        self.utc = datetime.fromisoformat(utc).replace(tzinfo=timezone.utc)

    def now(self) -> Instant:
        return Instant(utc=self.utc, boottime_ns=0, boot_id="b", quality=TimeQuality(source="ntp"))


def everything(path: Path) -> dict[tuple[str, str], int]:
    return {(count.name, count.reason): count.number for count in totals(path, *EVER, 0)}


def test_counts_add_up_over_restarts(tmp_path: Path) -> None:
    """What two runs of a unit counted stands in one account."""
    for number in (2, 3):
        book = Ledger(tmp_path / "c.sqlite", Clock())
        book.add("reads", "", number)
        book.close()
    assert everything(tmp_path / "c.sqlite") == {("reads", ""): 5}


def test_counts_can_be_told_by_hour_day_and_in_all(tmp_path: Path) -> None:
    """An hour's count stands under the UTC hour in which it happened; days and totals are their sums."""
    clock = HandClock("2026-11-22T03:59:59")
    book = Ledger(tmp_path / "c.sqlite", clock)
    book.add("hits", "stolen-vehicle", 1)
    clock.set("2026-11-22T04:00:00")
    book.add("hits", "stolen-vehicle", 2)
    clock.set("2026-11-23T00:00:00")
    book.add("hits", "stolen-vehicle", 4)
    book.close()
    told = {by: [(c.hour, c.number) for c in totals(tmp_path / "c.sqlite", *EVER, by)] for by in (13, 10, 0)}
    assert told[13] == [("2026-11-22T03", 1), ("2026-11-22T04", 2), ("2026-11-23T00", 4)]
    assert told[10] == [("2026-11-22", 3), ("2026-11-23", 4)]
    assert told[0] == [("", 7)]
    since, until = datetime(2026, 11, 22, 4, tzinfo=timezone.utc), datetime(2026, 11, 23, tzinfo=timezone.utc)
    assert [c.number for c in totals(tmp_path / "c.sqlite", since, until, 0)] == [2]


def test_a_killed_unit_s_committed_reads_are_entered_at_the_next_start(tmp_path: Path) -> None:
    """kill -9 between commit and count costs no read in the account: what the outbox holds is entered, once."""
    path = tmp_path / "c.sqlite"
    program = (
        "import sys, time; from pathlib import Path; from edge.clock import Clock; from edge.ledger import Ledger; "
        f"book = Ledger(Path({str(path)!r}), Clock()); book.add('reads', '', 2); book.add('reads_committed', 'e1', 2); "
        "book.settle(); book.add('reads', '', 1); book.add('reads_committed', 'e1', 1); print('x', flush=True); time.sleep(60)"
    )
    unit = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert unit.stdout is not None
    unit.stdout.readline()
    os.kill(unit.pid, signal.SIGKILL)
    unit.wait()
    book = Ledger(path, Clock())
    assert book.reconcile("e1", 3) == 1
    assert book.reconcile("e1", 3) == 0
    book.close()
    assert everything(path) == {("reads", ""): 2, ("reads", AFTER_CRASH): 1, ("reads_committed", "e1"): 3}
    account = reads_account(totals(path, *EVER, 0))
    assert account["captured"] == account["committed"] == 3


def test_a_damaged_file_is_set_aside_and_a_missing_one_is_named(tmp_path: Path) -> None:
    """Counters never keep a unit from starting, and a report about nothing says so."""
    path = tmp_path / "c.sqlite"
    path.write_bytes(b"this is no database" * 1000)
    book = Ledger(path, Clock())
    book.add("reads", "", 1)
    book.close()
    assert everything(path) == {("reads", ""): 1}
    assert (tmp_path / "c.damaged").exists()
    with pytest.raises(ConfigError, match="has the unit run yet"):
        totals(tmp_path / "none.sqlite", *EVER, 0)


def test_what_cannot_be_written_now_is_written_later(tmp_path: Path) -> None:
    """A file that somebody else holds costs nothing but time."""
    path = tmp_path / "c.sqlite"
    book = Ledger(path, Clock())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    book.add("reads", "", 1)
    book.settle()
    other.execute("ROLLBACK")
    other.close()
    book.close()
    assert everything(path) == {("reads", ""): 1}
