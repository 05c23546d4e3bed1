"""A unit that is away for longer than its outbox can hold, whose disk somebody else then fills."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from edge.ingest.interface import UnitAccount
from edge.ingest.witness import read_accounts
from edge.records import Slot
from tests.faults import agency_store, oracle
from tests.faults.disk import fill, small_disk
from tests.faults.rows import Bench, Row
from tests.faults.scene import Scene, wait_for
from tests.labeled import release

_DEVICE = "pole-7"
_TIMES = 3


def three_times_offline(bench: Bench) -> Row:
    """Three times what the outbox may hold is kept while there is no broker: never over budget, the process stays up, and the
    unit signs for what it drops.  Then the disk is full to the last byte while the agency's receipts come in: they prune, new
    reads wait in memory, and all goes on when there is room, without a restart.  In the end the agency knows of each number:
    stored or buried."""
    budget = bench.scale.budget_bytes
    with ExitStack() as stack:
        scene = stack.enter_context(Scene(bench.folder / "town", _DEVICE))
        path = scene.town.outbox_path(_DEVICE)
        path.parent.mkdir()
        small = stack.enter_context(small_disk(path.parent, 4 * budget))
        slot = Slot(epoch="e", seq=1, previous=bytes(32))
        wire = scene.town.sealer(_DEVICE).seal(release(device=_DEVICE), slot).wire
        scene.broker.kill()
        unit = scene.unit(_DEVICE, budget_bytes=budget)
        most, wanted = 0, _TIMES * budget // len(wire)
        while scene.committed() < wanted:
            most = max(most, _bytes(path))
            assert unit.running(), "the unit ended"
            time.sleep(0.05)
        kept = scene.waiting()
        refused, filled = 0, fill(path.parent / "filler") if small else None
        if filled is not None:
            wait_for(lambda: scene.refused() > 0, "puts are refused")
            refused = scene.refused()
        scene.broker.start()
        agency = scene.ingest()
        wait_for(lambda: scene.waiting() < kept // 2, "receipts prune")
        if filled is not None:
            time.sleep(bench.scale.full_disk_s)
            filled.unlink()
        before = scene.committed()
        wait_for(lambda: scene.committed() > before + 20, "reads are kept again")
        most = max(most, _bytes(path))
        same_process = unit.running()
        code = unit.end()
        again = scene.unit(_DEVICE, "drain", budget_bytes=budget)
        wait_for(lambda: scene.waiting() == 0, "the outbox is drained")
        wait_for(lambda: _unknown(scene) == 0, "the unit's word on every number")
        again.end()
        agency.end()
        committed = scene.truths()[_DEVICE].committed
        stored = {(row.epoch, row.seq) for row in oracle.rows(scene.town)}
        buried = sum(one.dropped + one.expired for one in _accounts(scene))
        unknown = _unknown(scene)
        return bench.row(
            most <= budget
            and same_process
            and code == 0
            and stored <= committed.keys()
            and len(stored) + buried == len(committed)
            and buried > 0
            and unknown == 0,
            "" if small else "the disk was not filled: mounting a small one wants root",
            budget_bytes=budget,
            most_bytes=most,
            committed=len(committed),
            stored=len(stored),
            buried=buried,
            neither=unknown,
            puts_refused_on_the_full_disk=refused,
            restarts=0,
        )


def _accounts(scene: Scene) -> Sequence[UnitAccount]:
    store = agency_store.opened(scene.town)
    try:
        return read_accounts(scene.town.agency / "chains.sqlite", store)
    finally:
        store.close()


def _unknown(scene: Scene) -> int:
    """Of how many numbers the agency does not know that they are stored or buried."""
    committed = len(scene.truths()[_DEVICE].committed)
    return committed - sum(one.stored + one.dropped + one.expired for one in _accounts(scene))


def _bytes(path: Path) -> int:
    """What the outbox takes of the disk, all its files together."""
    found = 0
    for file in path.parent.glob(path.name + "*"):
        try:
            found += file.stat().st_size
        except OSError:
            continue
    return found
