"""The door out of lane 1: what comes together goes through together, and what came alone waits for nobody."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge.clock import Clock
from edge.envelope.seal import HpkeSealer
from edge.errors import EnvelopeError, OutboxError
from edge.exit import Exit
from edge.journal import Journal
from edge.outbox import inspect
from edge.outbox.sqlite import SqliteOutbox
from edge.records import Envelope
from tests.labeled import AGENCY, DEVICE, release

SIGN, SEAL = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))


class SlowOutbox(SqliteOutbox):
    """The real one; its flushes wait until the test lets them go, and it notes how many reads each took."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, clock=Clock(), budget_bytes=4 << 20, reserve_bytes=1 << 16)
        self.go, self.begun = threading.Event(), threading.Semaphore(0)
        self.go.set()
        self.groups: list[int] = []
        self.refuses = 0

    def put_all(self, envelopes: Sequence[Envelope]) -> None:
        self.begun.release()
        assert self.go.wait(60)
        if len(envelopes) > self.refuses > 0:
            raise OutboxError("keep a read in outbox: the disk is full")
        super().put_all(envelopes)
        self.groups.append(len(envelopes))


class Door:
    """An exit with its outbox; ``keep_in_a_thread`` is what a camera's lane does."""

    def __init__(self, path: Path) -> None:
        self.outbox, self.log = SlowOutbox(path), io.StringIO()
        self.journal = Journal(self.log)
        sealer = HpkeSealer(device=DEVICE, agency=AGENCY, sign_key=SIGN, agency_seal=SEAL.public_key())
        self.exit = Exit(sealer, self.outbox, Clock(), self.journal)
        self.lanes: list[threading.Thread] = []

    def keep(self, name: str, **how: object) -> None:
        self.exit.keep(release(name, at=Clock().now().utc, **how))  # type: ignore[arg-type]

    def keep_in_a_thread(self, name: str) -> None:
        self.lanes.append(threading.Thread(target=self.keep, args=(name,)))
        self.lanes[-1].start()

    def all_wait(self, number: int) -> None:
        """Until so many are before the door, not counting those that are in it."""
        while len(self.exit._waiting) < number:
            assert any(lane.is_alive() for lane in self.lanes)

    def join(self) -> None:
        for lane in self.lanes:
            lane.join(60)
            assert not lane.is_alive()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    one = Door(tmp_path / "outbox.sqlite")
    yield one
    one.outbox.close()


def test_what_comes_alone_is_kept_at_once(door: Door) -> None:
    """Without waiting for company: when keep returns, the read is in the outbox."""
    for n in range(1, 4):
        door.keep(f"r-{n}")
        assert door.outbox.backlog().committed == n
    assert door.outbox.groups == [1, 1, 1]


def test_what_comes_during_a_flush_shares_the_next_one(door: Door) -> None:
    """Twenty at most, in the order in which they came, and no keep returns before its read is kept."""
    door.outbox.go.clear()
    door.keep_in_a_thread("r-0")
    assert door.outbox.begun.acquire(timeout=60)
    for n in range(1, 31):
        door.keep_in_a_thread(f"r-{n}")
        door.all_wait(n)
    assert door.outbox.backlog().committed == 0
    assert all(lane.is_alive() for lane in door.lanes)
    door.outbox.go.set()
    door.join()
    assert door.outbox.groups == [1, 20, 10]
    assert [one.read_id for one in door.outbox.waiting(0, 100)] == [f"r-{n}" for n in range(31)]
    assert inspect.verify(door.outbox._path).findings == ()
    committed = [json.loads(line)["seq"] for line in door.log.getvalue().splitlines()]
    assert committed == list(range(1, 32))


def test_where_there_is_no_room_for_all_there_may_be_for_the_first(door: Door) -> None:
    """A group that is refused is tried again one by one, so that one read does not stand in the way of nineteen."""
    door.outbox.go.clear()
    door.keep_in_a_thread("r-0")
    assert door.outbox.begun.acquire(timeout=60)
    for n in range(1, 6):
        door.keep_in_a_thread(f"r-{n}")
        door.all_wait(n)
    door.outbox.refuses = 1
    door.outbox.go.set()
    door.join()
    assert door.outbox.groups == [1] * 6
    assert "cannot keep reads" not in door.log.getvalue()


def test_what_cannot_be_kept_waits_in_its_order(door: Door) -> None:
    """It is said once, nothing is lost, and all goes in when the outbox works again; what is over meanwhile is counted."""
    keep, door.outbox.put_all = door.outbox.put_all, refuse  # type: ignore[method-assign]
    for n in range(5):
        door.keep(f"r-{n}", lives=timedelta(days=-1) if n == 2 else timedelta(days=14))
    assert door.outbox.backlog().committed == 0
    assert door.log.getvalue().count("cannot keep reads") == 1
    door.outbox.put_all = keep  # type: ignore[method-assign]
    door.keep("r-5")
    assert [one.read_id for one in door.outbox.waiting(0, 100)] == ["r-0", "r-1", "r-3", "r-4", "r-5"]
    assert door.journal.by_reason("reads_expired") == {"waiting-for-the-outbox": 1}


def test_what_cannot_be_sealed_is_not_swallowed(door: Door) -> None:
    """A fault of ours ends the lane aloud; what waited before the door is there for whoever looks."""
    with pytest.raises(EnvelopeError):
        door.keep("r-1", device="pole-8")
    assert len(door.exit._waiting) == 1


def refuse(envelopes: Sequence[Envelope]) -> None:
    raise OutboxError("keep a read in outbox: the disk is full")
