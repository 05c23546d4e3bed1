"""The unit ends in good order, whatever a lane or the outbox does."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import cast

import pytest

from edge.camera.interface import CameraCounts
from edge.clock import Clock
from edge.envelope.interface import Sealer
from edge.errors import OutboxError
from edge.exit import Exit
from edge.journal import Journal
from edge.outbox.interface import Backlog, Outbox
from edge.pipeline import Line
from edge.publisher.drain import Drain
from edge.unit import Unit


class HandCamera:
    """A camera that counted nothing."""

    name = "north"

    def counts(self) -> CameraCounts:
        return CameraCounts(received=0, dropped={})


class HandLine:
    """A lane 1 that does what the test says."""

    camera = HandCamera()
    noise = 0

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work

    def run(self, stop: threading.Event) -> None:
        self._work()


class HandOutbox:
    """An outbox whose file may be unreadable."""

    def __init__(self, unreadable: bool = False) -> None:
        self._unreadable, self.closed = unreadable, False

    def backlog(self) -> Backlog:
        if self._unreadable:
            raise OutboxError("read outbox: disk I/O error; look at its disk")
        return Backlog(epoch="e", waiting=0, bytes=0, oldest=None, pruned=0, expired=0, committed=0)

    def close(self) -> None:
        self.closed = True


class HandDrain:
    """A lane 2 that runs until it is told to stop."""

    pictures_left = 0

    def __init__(self) -> None:
        self.ended = threading.Event()

    def run(self, stop: threading.Event) -> None:
        stop.wait(60)
        self.ended.set()


def make(work: Callable[[], None], outbox: HandOutbox, drain: HandDrain, log: io.StringIO) -> Unit:
    journal = Journal(log)
    door = Exit(cast(Sealer, None), cast(Outbox, outbox), Clock(), journal)  # nothing is sealed here
    return Unit([cast(Line, HandLine(work))], door, cast(Outbox, outbox), cast(Drain, drain), journal)


@pytest.mark.timeout(20)
def test_an_outbox_that_cannot_be_read_at_the_end_does_not_keep_the_unit_from_ending() -> None:
    """Its error is raised, and lane 2 has ended, since a thread that runs on would keep the process alive for ever."""
    outbox, drain = HandOutbox(unreadable=True), HandDrain()
    unit = make(lambda: None, outbox, drain, io.StringIO())
    with pytest.raises(OutboxError, match="disk I/O error"):
        unit.run(threading.Event(), drain_s=5)
    assert drain.ended.is_set()
    assert outbox.closed


@pytest.mark.timeout(20)
def test_an_unexpected_failure_of_a_lane_is_logged_by_kind_and_raised() -> None:
    """Words that are not ours may hold a plate: they stay out of the log."""

    def fail() -> None:
        raise KeyError("ABC1234")

    log, outbox, drain = io.StringIO(), HandOutbox(), HandDrain()
    with pytest.raises(KeyError):
        make(fail, outbox, drain, log).run(threading.Event(), drain_s=0)
    assert "KeyError" in log.getvalue()
    assert "ABC1234" not in log.getvalue()
    assert outbox.closed
