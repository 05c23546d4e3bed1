"""Every committed read ends in the store exactly once, with a real broker, whatever is killed on the way."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.store.sqlite import SqliteStore
from tests.delivery.processes import Process, committed, start_ingest, start_unit, wait_until
from tests.delivery.town import Town
from tests.labeled import AGENCY
from tests.mosquitto import Broker, needs_mosquitto

pytestmark = needs_mosquitto
#: How the header of each read begins behind its version: what kind of message, whose, and from where, in msgpack.
A_READ = b"\xa4read\xa8milltown\xa6pole-7"


class Scene:
    """A town with its broker; whatever was started is ended."""

    def __init__(self, folder: Path) -> None:
        self.town = Town(folder)
        self.town.make("pole-7")
        self.broker = Broker(folder / "broker", self.town.ca, [AGENCY])
        self.town.port = self.broker.port
        self.lines: list[str] = []
        self.units: list[Process] = []
        self.ingests: list[Process] = []

    def start_unit(self, count: int, **how: object) -> Process:
        self.units.append(start_unit(self.town, "pole-7", count, **how))  # type: ignore[arg-type]
        return self.units[-1]

    def start_ingest(self) -> Process:
        self.ingests.append(start_ingest(self.town))
        return self.ingests[-1]

    def committed(self) -> list[tuple[str, int, str]]:
        return committed([line for unit in self.units for line in unit.lines])

    def stored(self) -> list[tuple[str, int, str]]:
        store = SqliteStore(self.town.store_path)
        try:
            return [(row.epoch, row.seq, row.labeled.read.id) for row in store.reads()]
        finally:
            store.close()

    def end(self) -> None:
        for process in (*self.units, *self.ingests):
            if process.running():
                process.kill()
        self.broker.kill()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    one = Scene(tmp_path)
    yield one
    one.end()


def test_reads_go_from_the_unit_into_the_store(scene: Scene) -> None:
    """No fault: what was committed is stored, the outbox is empty, both ends stop when asked."""
    scene.broker.start()
    ingest, unit = scene.start_ingest(), scene.start_unit(200)
    assert unit.wait(60) == 0
    ingest.end()
    assert len(scene.committed()) == 200
    assert scene.stored() == scene.committed()


def test_everything_may_be_killed_while_reads_flow(scene: Scene) -> None:
    """Broker killed and wiped, unit killed, agency end killed, again and again while 1,500 reads flow.

    A read whose commit returned just before a kill may not have been printed any more: so the store may hold at most one
    more than was printed for each kill of the unit, and those numbers follow the printed ones without a gap.
    """
    chance, total, unit_kills = random.Random(20261122), 1500, 0
    scene.broker.start()
    ingest, unit = scene.start_ingest(), scene.start_unit(total, pause_s=0.01)
    wait_until(lambda: len(scene.committed()) > 20)
    for victim in ("broker", "unit", "ingest", "broker", "ingest", "unit", "broker"):
        time.sleep(chance.uniform(0.2, 0.9))
        if victim == "broker":
            scene.broker.kill(wipe=True)
            scene.broker.start()
        elif victim == "ingest":
            ingest.kill()
            ingest = scene.start_ingest()
        elif unit.running():
            unit.kill()
            unit_kills += 1
            unit = scene.start_unit(max(0, total - len(scene.committed())), pause_s=0.01)
    assert unit.wait(240) == 0
    ingest.end()
    printed, stored = scene.committed(), scene.stored()
    assert unit_kills == 2
    assert set(printed) <= set(stored)
    assert len(stored) == len({(epoch, seq) for epoch, seq, _ in stored}) == len({read_id for *_, read_id in stored})
    assert len(stored) - len(printed) <= unit_kills
    assert [seq for _, seq, _ in stored] == list(range(1, len(stored) + 1))


def test_a_week_without_a_network_costs_nothing_but_time(scene: Scene) -> None:
    """The unit commits while there is no broker at all; when one comes, everything is delivered."""
    unit = scene.start_unit(150)
    wait_until(lambda: len(scene.committed()) == 150)
    scene.broker.start()
    ingest = scene.start_ingest()
    assert unit.wait(60) == 0
    ingest.end()
    assert scene.stored() == scene.committed()


def test_a_broker_that_loses_what_it_acknowledged_loses_nothing(scene: Scene) -> None:
    """All reads lie acknowledged in the broker's queue for an agency end that is away; then the broker dies and its data
    with it.  Whoever prunes on the broker's word would have nothing left to send."""
    scene.broker.start()
    ingest = scene.start_ingest()
    wait_until(lambda: "broker connected" in (scene.town.agency / "ingest.log").read_text())
    ingest.kill()
    unit = scene.start_unit(60)
    wait_until(lambda: len(scene.committed()) == 60)
    wait_until(lambda: sum(path.read_bytes().count(A_READ) for path in scene.broker.data.iterdir()) >= 60)
    scene.broker.kill(wipe=True)
    assert scene.stored() == []
    scene.broker.start()
    ingest = scene.start_ingest()
    assert unit.wait(60) == 0
    ingest.end()
    assert scene.stored() == scene.committed()


def test_a_plate_is_nowhere_but_in_the_agencys_store(scene: Scene) -> None:
    """With reads lying in the outbox *and* in the broker's own files, no file outside the store holds the plate."""
    canary = b"CANARY7X"
    scene.broker.start()
    ingest = scene.start_ingest()
    wait_until(lambda: "broker connected" in (scene.town.agency / "ingest.log").read_text())
    ingest.kill()
    unit = scene.start_unit(60, text=canary.decode())
    wait_until(lambda: len(scene.committed()) == 60)
    wait_until(lambda: any(b"pole-7/reads" in path.read_bytes() for path in scene.broker.data.iterdir()))

    def holding() -> set[Path]:
        files = [path for path in scene.town.folder.rglob("*") if path.is_file()]
        return {path.relative_to(scene.town.folder) for path in files if canary in path.read_bytes()}

    assert scene.town.outbox_path("pole-7").stat().st_size > 0
    assert holding() == set(), "while in flight"
    ingest = scene.start_ingest()
    assert unit.wait(60) == 0
    ingest.end()
    scene.broker.kill()
    assert len(scene.stored()) == 60
    shelves = f"{scene.town.store_path.name}.shelves"
    assert {path.parent.name for path in holding()} == {shelves}, "after delivery"
