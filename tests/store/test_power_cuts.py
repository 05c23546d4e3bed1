"""Power cuts while the SQLite store stores, splits days, deletes and holds: a run is recorded, then cut at many moments."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from edge.store.sqlite import SqliteStore
from tests.faults import shadow
from tests.faults.cuts import lay_out
from tests.faults.disk_log import Disk, Kind, steps
from tests.labeled import START
from tests.stores import KEEPER, arrival, canaries, canary, checked_book, order, seqs

ROOT = Path(__file__).resolve().parents[2]
ROUNDS, BATCH, CUTS = 24, 3, 120
#: One round is so much later than the one before; reads live from nothing to a day and a half.
ROUND = timedelta(hours=2, minutes=10)
LONGEST_MINUTES = 36 * 60


def due(number: int) -> timedelta:
    """When a read is to be deleted, from the beginning."""
    return timedelta(minutes=number * 389 % LONGEST_MINUTES)


def run(root: str) -> None:
    """Store, hold and delete for two days, and note each promise once it was given."""
    store = SqliteStore(Path(root) / "reads.sqlite")
    with (Path(root) / "diary").open("a") as notes:
        for each in range(ROUNDS):
            numbers = range(each * BATCH + 1, (each + 1) * BATCH + 1)
            store.add([arrival(n, text=canary(n), lives=due(n)) for n in numbers])
            notes.write(f"stored {numbers[-1]}\n")
            notes.flush()
            if each % 6 == 2 and due(numbers[0]) > each * ROUND:
                store.hold(order(numbers[0], days=90), START + each * ROUND, KEEPER)
                notes.write(f"held {numbers[0]}\n")
                notes.flush()
            notes.write(f"expiring {each}\n")
            notes.flush()
            store.expire(START + each * ROUND, KEEPER)
    store.close()


@pytest.mark.skipif(shadow.missing() is not None, reason=str(shadow.missing()))
def test_whenever_the_power_goes_nothing_is_lost_kept_too_long_or_stated_wrongly(tmp_path: Path) -> None:
    """After each cut the store opens; every read that was promised is there unless its time had come; the next run deletes what
    is due, leaves no trace of it and no file that nobody knows, and the book adds up."""
    chance = random.Random(17)
    root, log = tmp_path / "agency", tmp_path / "disk.log"
    root.mkdir()
    child = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.store.test_power_cuts import run; run({str(root)!r})"
    environment = shadow.environment(shadow.compiled(tmp_path), root, log=log)
    subprocess.run([sys.executable, "-c", child], cwd=ROOT, env=environment, check=True, timeout=280)
    total = sum(1 for _ in steps(log))
    moments = set(chance.sample(range(total // 20, total + 1), CUTS))
    disk = Disk()
    diary = ""
    for at, step in enumerate(steps(log), 1):
        disk.take(step)
        if step.kind == "W" and step.name.endswith("/diary"):
            diary += step.data.decode()
        if at in moments:
            lay_out(disk, chance.choice(get_args(Kind)), root, (), chance)
            look(root, diary)


def look(root: Path, diary: str) -> None:
    """What is left of the store, against what the diary says was promised."""
    notes = [(word, int(number)) for word, number in (line.split() for line in diary.splitlines())]
    stored = max((number for word, number in notes if word == "stored"), default=0)
    now = max((number for word, number in notes if word == "expiring"), default=0) * ROUND
    held = {number for word, number in notes if word == "held"}
    (root / "diary").unlink(missing_ok=True)
    with closing(SqliteStore(root / "reads.sqlite")) as store:
        there = set(seqs(store))
        known = {n for first, last in store.received("pole-7", "e1") for n in range(first, last + 1)}
        assert set(range(1, stored + 1)) <= known
        assert {n for n in known if due(n) > now or n in held} <= there <= known
        store.expire(START + now, KEEPER)
        there, asked = set(seqs(store)), {n for hold in store.holds() for n in numbers_of(hold.order.reads)}
        assert held <= asked
        assert {n for n in known if due(n) > now} | asked <= there
        assert there <= {n for n in known if due(n) > now - timedelta(minutes=30)} | asked
        report = checked_book(store)
        assert report.findings == ()
        assert report.reads_deleted == len(known - there)
        with store._files.using("look at") as db:
            files = {file for (file,) in db.execute("SELECT file FROM shelves")}
    assert {path.name for path in root.rglob("*.sqlite") if path.name != "reads.sqlite"} == files
    assert not canaries(root) & (known - there)


def numbers_of(read_ids: tuple[str, ...]) -> set[int]:
    return {int(read_id.rsplit("-", 1)[1]) for read_id in read_ids}
