"""What makes room in a full outbox, and in which order: copies for parties first, then the oldest reads that are no hits, then
the oldest hits.

A party can ask the owner for what it did not get; a hit may still save somebody when it is a week old.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from edge.outbox import rows
from edge.outbox.interface import Bury
from edge.ranges import runs
from edge.records import Dropped

# So many reads at once are asked for, and one tombstone takes in so many; room is made for several puts, so that tombstones are
# rarer than puts.
_AT_ONCE = 16
_READS_AT_MOST = 256

Fits = Callable[[], bool]


class Room:
    """Drops what must go, inside the transaction of the put that wants the room."""

    def __init__(self, bury: Bury) -> None:
        self._bury = bury
        # No read that is no hit lies below this number: hits may be many, and are not looked through at every put.
        self._plain_from = 0

    def make(self, db: sqlite3.Connection, fits: Fits) -> None:
        """Drop until ``fits``, or until nothing is left that may go, and say so in a tombstone."""
        reads, copies = set[int](), set[int]()
        while len(reads | copies) < _READS_AT_MOST and not fits():
            if found := _numbers(db, "SELECT DISTINCT seq FROM copies ORDER BY seq LIMIT ?"):
                db.execute("UPDATE chain SET dropped_copies = dropped_copies + ?", (rows.forget_copies(db, runs(found)),))
                copies.update(found)
            elif found := self._plain(db) or _numbers(db, "SELECT seq FROM envelopes WHERE hit ORDER BY seq LIMIT ?"):
                db.execute("UPDATE chain SET dropped = dropped + ?", (rows.forget(db, runs(found)),))
                reads.update(found)
            else:
                break
        if reads or copies:
            (epoch,) = db.execute("SELECT epoch FROM chain").fetchone()
            rows.bury(db, self._bury, Dropped(epoch=epoch, budget=tuple(runs(reads)), copies=tuple(runs(copies))))

    def _plain(self, db: sqlite3.Connection) -> list[int]:
        found = _numbers(db, "SELECT seq FROM envelopes WHERE seq >= ? AND NOT hit ORDER BY seq LIMIT ?", self._plain_from)
        if found:
            self._plain_from = found[0]
        return found


def _numbers(db: sqlite3.Connection, query: str, *values: int) -> list[int]:
    return [seq for (seq,) in db.execute(query, (*values, _AT_ONCE))]
