"""The counters on disk, hour by hour, for reports and audits: how many, by which rule, list and category; never a plate.

One row an hour, counter and reason.  Written after every pass and every minute; what a power cut takes is at most the last
minute's frames, and reads that are safe in the outbox are entered at the next start (:meth:`Ledger.reconcile`), so that
the accounts of reads close over any number of restarts: captured = committed + withheld + expired + lost.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from msgspec import Struct

from edge.clock import Clock
from edge.errors import ConfigError

_TABLE = """
CREATE TABLE IF NOT EXISTS counts (
  hour TEXT NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (hour, name, reason)
) WITHOUT ROWID
"""
_ADD = "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET number = number + excluded.number"
#: Where reads are entered that a crash kept from being counted in their own hour.
AFTER_CRASH = "counted-after-crash"


class Count(Struct, frozen=True, kw_only=True):
    """How often something happened for one reason; ``hour`` is UTC by the unit's clock, ``2026-11-22T03``, and cut to its first
    ten characters where days were asked for, empty for the whole time."""

    hour: str
    name: str
    reason: str
    number: int


class Ledger:
    """Counts of one unit.  Thread-safe."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open or make the file.  Raises ConfigError if it cannot be had; a damaged one is set aside as ``.damaged``."""
        self._clock = clock
        self._lock = threading.Lock()
        self._pending: Counter[tuple[str, str, str]] = Counter()
        try:
            self._db = _open(path)
        except sqlite3.DatabaseError:
            try:
                path.replace(path.with_suffix(".damaged"))
                self._db = _open(path)
            except (OSError, sqlite3.DatabaseError) as error:
                raise ConfigError(f"open counters {path}: {error}; is the disk full or read-only?") from error

    def add(self, name: str, reason: str, by: int) -> None:
        """Count in memory; :meth:`settle` writes."""
        hour = f"{self._clock.now().utc.astimezone(timezone.utc):%Y-%m-%dT%H}"
        with self._lock:
            self._pending[(hour, name, reason)] += by

    def settle(self) -> None:
        """Write what was counted, all of it or nothing.  A full disk keeps it in memory for the next time."""
        with self._lock:
            if not self._pending:
                return
            rows = [(*key, number) for key, number in self._pending.items()]
            try:
                with self._db:
                    self._db.executemany(_ADD, rows)
            except sqlite3.Error:
                return
            self._pending.clear()

    def reconcile(self, epoch: str, committed: int) -> int:
        """Enter reads of an outbox's ``epoch`` that are committed there and not here; returns how many those were."""
        self.settle()
        known = self._db.execute("SELECT sum(number) FROM counts WHERE name = 'reads_committed' AND reason = ?", (epoch,))
        missing = committed - int(known.fetchone()[0] or 0)
        if missing > 0:
            self.add("reads_committed", epoch, missing)
            self.add("reads", AFTER_CRASH, missing)
            self.settle()
        return max(0, missing)

    def close(self) -> None:
        """Write and close."""
        self.settle()
        self._db.close()


def totals(path: Path, since: datetime, until: datetime, hour_characters: int) -> tuple[Count, ...]:
    """The counts of the hours from ``since`` up to, not including, ``until`` (aware), summed over equal beginnings of the hour:
    13 characters for hours, 10 for days, 0 for all in one.  Raises ConfigError if there is no such file."""
    if not path.is_file():
        raise ConfigError(f"read counters {path}: no such file; has the unit run yet?")
    query = (
        "SELECT substr(hour, 1, ?) AS h, name, reason, sum(number) FROM counts "
        "WHERE hour >= ? AND hour < ? GROUP BY h, name, reason ORDER BY h, name, reason"
    )
    bounds = [f"{each.astimezone(timezone.utc):%Y-%m-%dT%H}" for each in (since, until)]
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        rows = db.execute(query, (hour_characters, *bounds)).fetchall()
        db.close()
    except sqlite3.Error as error:
        raise ConfigError(f"read counters {path}: {error}") from error
    return tuple(Count(hour=hour, name=name, reason=reason, number=number) for hour, name, reason, number in rows)


def reads_account(counts: Sequence[Count]) -> Mapping[str, int]:
    """Reads captured, and where they went; they close where captured = committed + withheld + expired + lost."""
    names = {"reads": "captured", "reads_committed": "committed", "reads_withheld": "withheld", "reads_expired": "expired"}
    found = dict.fromkeys([*names.values(), "lost"], 0)
    for count in counts:
        if count.name in names:
            found[names[count.name]] += count.number
        elif count.name == "reads_lost":
            found["lost"] += count.number
    return found


def _open(path: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(path, check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(_TABLE)
        db.execute("SELECT count(*) FROM counts").fetchone()
    except sqlite3.OperationalError as error:
        raise ConfigError(f"open counters {path}: {error}; is the disk full or read-only?") from error
    return db
