"""A unit at work: a thread for each camera's lane 1, one for lane 2, and the accounts that must close at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from edge.errors import PlateEdgeError
from edge.exit import Exit
from edge.journal import Journal
from edge.outbox.interface import Backlog, Outbox
from edge.pipeline import Line
from edge.publisher.drain import Drain
from edge.window import NoWindow, Window

#: How often the counters are written down while nothing passes.
SETTLE_EVERY_S = 60.0


class Accounts(Struct, frozen=True, kw_only=True):
    """Everything that came in and where it went; :attr:`closed` says whether nothing is missing."""

    frames_received: int
    frames_processed: int
    frames_skipped: Mapping[str, int]
    frames_dropped: Mapping[str, int]
    stream_gaps: int
    stream_gap_s: float
    tracks_noise: int
    tracks_unread: int
    reads: int
    reads_committed: int
    reads_withheld: Mapping[str, int]
    reads_expired: int
    reads_lost: int
    hotlist_refused: Mapping[str, int]
    backlog: Backlog

    @property
    def closed(self) -> bool:
        """Frames received = processed + skipped + dropped, reads = committed + withheld + expired, and none lost."""
        frames = self.frames_processed + sum(self.frames_skipped.values()) + sum(self.frames_dropped.values())
        reads = self.reads_committed + sum(self.reads_withheld.values()) + self.reads_expired
        return frames == self.frames_received and reads == self.reads and self.reads_lost == 0


class Unit:
    """The lanes of one device.  :meth:`run` returns when every camera has ended or ``stop`` is set."""

    def __init__(
        self,
        lines: Sequence[Line],
        door: Exit,
        outbox: Outbox,
        drain: Drain,
        journal: Journal,
        window: Window | None = None,
    ) -> None:
        self._lines, self._exit, self._outbox, self._drain, self._journal = lines, door, outbox, drain, journal
        self._window = window or NoWindow()
        self._failures: list[BaseException] = []

    def run(self, stop: threading.Event, drain_s: float) -> Accounts:
        """Run both lanes; when all cameras have ended, give lane 2 up to ``drain_s`` to empty the outbox.

        Raises what made a lane fail, after the other lanes have ended in good order; what was committed is kept.
        """
        drain_stop = threading.Event()
        lane_2 = threading.Thread(target=self._guarded, args=("publisher", self._drain.run, drain_stop, stop), name="lane-2")
        lanes_1 = [
            threading.Thread(target=self._guarded, args=(line.camera.name, line.run, stop, stop), name=f"lane-1-{n}")
            for n, line in enumerate(self._lines)
        ]
        for thread in (lane_2, *lanes_1):
            thread.start()
        for thread in lanes_1:
            while thread.is_alive():
                thread.join(SETTLE_EVERY_S)
                self._journal.settle()
        self._window.close()
        try:
            self._exit.close()
            self._wait_for_receipts(drain_s, stop, lane_2)
            drain_stop.set()
            lane_2.join()
            if self._failures:
                raise self._failures[0]
            return self.accounts()
        finally:  # whatever the outbox answered: a lane that still runs would keep a dead unit from ending
            drain_stop.set()
            lane_2.join()
            self._outbox.close()
            self._journal.settle()

    def _wait_for_receipts(self, drain_s: float, stop: threading.Event, lane_2: threading.Thread) -> None:
        deadline = time.monotonic() + drain_s
        while (
            (self._outbox.backlog().waiting or self._drain.pictures_left)
            and time.monotonic() < deadline
            and not stop.is_set()
            and lane_2.is_alive()
        ):
            stop.wait(0.1)

    def accounts(self) -> Accounts:
        """The accounts now; they close once every lane has ended."""
        counts = [line.camera.counts() for line in self._lines]
        dropped = self._journal.by_reason("frames_dropped")
        skipped = self._journal.by_reason("frames_skipped")
        skipped["between-looks"] = skipped.get("between-looks", 0) + sum(each.rested for each in counts)
        for each in counts:
            for reason, number in each.dropped.items():
                dropped[reason] = dropped.get(reason, 0) + number
        return Accounts(
            frames_received=sum(each.received for each in counts),
            frames_processed=self._journal.total("frames_processed"),
            frames_skipped=skipped,
            frames_dropped=dropped,
            stream_gaps=sum(each.gaps for each in counts),
            stream_gap_s=round(sum(each.gap_s for each in counts), 3),
            tracks_noise=sum(line.noise for line in self._lines),
            tracks_unread=self._journal.total("tracks_unread"),
            reads=self._journal.total("reads"),
            reads_committed=self._journal.total("reads_committed"),
            reads_withheld=self._journal.by_reason("reads_withheld"),
            reads_expired=self._journal.total("reads_expired"),
            reads_lost=self._journal.total("reads_lost"),
            hotlist_refused=self._journal.by_reason("hotlist_entries_refused"),
            backlog=self._outbox.backlog(),
        )

    def _guarded(
        self, lane: str, run: Callable[[threading.Event], None], lane_stop: threading.Event, stop: threading.Event
    ) -> None:
        """The top of a lane: a failure is logged, ends the whole unit in good order, and is raised by :meth:`run`."""
        try:
            run(lane_stop)
        except Exception as error:  # noqa: BLE001  the top of a lane: whatever it is, the others must end well and systemd starts again
            # Only our own words are known to hold no plate; of others the kind is said, the place by the command line.
            words = str(error) if isinstance(error, PlateEdgeError) else type(error).__name__
            self._journal.error("lane failed", lane=lane, error=words)
            self._failures.append(error)
            stop.set()
