"""The agency's store is locked or its disk full, and messages come more than once, in any order, and again later."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from contextlib import closing
from datetime import datetime, timezone
from typing import Literal

from edge import mqtt
from edge.records import Slot
from tests.faults import oracle, shadow
from tests.faults.ledger import Ledger
from tests.faults.roles import ledger_path
from tests.faults.rows import Bench, Row
from tests.faults.scene import Scene, drained, wait_for
from tests.labeled import AGENCY, release

_DEVICE = "pole-7"


def locked(bench: Bench) -> Row:
    """Another process holds the store's write lock for longer than the agency end waits for it."""
    with Scene(bench.folder / "town", _DEVICE) as scene:
        agency = scene.ingest()
        unit = scene.unit(_DEVICE, pause_s=0.02)
        wait_for(lambda: scene.witness.receipts > 0, "a first receipt")
        with closing(sqlite3.connect(scene.town.store_path, isolation_level=None, timeout=60)) as other:
            other.execute("BEGIN IMMEDIATE")
            before, began_s = scene.committed(), time.monotonic()
            wait_for(lambda: scene.counted("store_troubles") > 0, "the agency end says that it cannot store")
            time.sleep(max(0.0, bench.scale.locked_s - (time.monotonic() - began_s)))
            held_s, meanwhile = time.monotonic() - began_s, scene.committed() - before
            other.execute("ROLLBACK")
        still_up, codes = unit.running() and agency.running(), unit.end()
        drained(scene)
        agency.end()
        account = scene.account()
        return bench.row(
            account.right and still_up and codes == 0 and scene.witness.early == 0,
            locked_for_s=held_s,
            committed_meanwhile=meanwhile,
            batches_refused=scene.counted("store_troubles"),
            **account.numbers(),
        )


def full(bench: Bench) -> Row:
    """The agency's disk is full (ENOSPC), then its syncs fail (EIO): nothing is acknowledged that is not stored."""
    if reason := shadow.missing():
        return bench.answer("SKIPPED", reason)
    control = shadow.Control(bench.folder / "control")
    library = shadow.compiled(bench.folder)
    with Scene(bench.folder / "town", _DEVICE) as scene:
        agency = scene.spawn(shadow.environment(library, scene.town.agency, control=control), "ingest")
        unit = scene.unit(_DEVICE, pause_s=0.02)
        wait_for(lambda: scene.witness.receipts > 0, "a first receipt")
        failing: tuple[Literal["write", "sync"], ...] = ("write", "sync")
        for what in failing:
            said = scene.counted("store_troubles")
            control.fail(what)
            wait_for(lambda: scene.counted("store_troubles") > said, "the agency end says that it cannot store")  # noqa: B023
            time.sleep(bench.scale.full_disk_s)
            control.mend()
            stored = scene.stored()
            wait_for(lambda: scene.stored() > stored, "it stores again")  # noqa: B023
        still_up, codes = unit.running() and agency.running(), unit.end()
        drained(scene)
        agency.end()
        account = scene.account()
        return bench.row(
            account.right and still_up and codes == 0 and scene.witness.early == 0,
            batches_refused=scene.counted("store_troubles"),
            **account.numbers(),
            receipts_too_early=scene.witness.early,
        )


def replayed(bench: Bench) -> Row:
    """Every message of a day one to three times, shuffled, with the agency end killed in between; later all of it again."""
    with Scene(bench.folder / "town", _DEVICE) as scene:
        sealer, previous = scene.town.sealer(_DEVICE), bytes(32)
        ledger, wires = Ledger(ledger_path(scene.town, _DEVICE)), list[bytes]()
        for seq in range(1, bench.scale.replayed + 1):
            slot = Slot(epoch="e", seq=seq, previous=previous)
            envelope = sealer.seal(release(f"r-{seq}", device=_DEVICE, at=datetime.now(timezone.utc)), slot)
            ledger.trying(envelope)
            ledger.committed(envelope)
            wires.append(envelope.wire)
            previous = hashlib.sha256(envelope.wire).digest()
        ledger.close()
        shuffled = [wire for wire in wires for _ in range(bench.chance.randint(1, 3))]
        bench.chance.shuffle(shuffled)
        agency = scene.ingest()
        wait_for(scene.agency_connected, "the agency end's session")
        publish(scene, shuffled[: len(shuffled) // 2])
        agency.kill()
        agency = scene.ingest()
        publish(scene, shuffled[len(shuffled) // 2 :])
        wait_for(lambda: scene.stored() == len(wires), "everything is stored")
        first = oracle.rows(scene.town)
        publish(scene, wires)
        time.sleep(1.0)
        codes = agency.end()
        account = scene.account()
        changed = oracle.rows(scene.town) != first
        alarms = scene.counted("alarms")
        return bench.row(
            account.right and not changed and alarms == 0 and codes == 0 and scene.witness.early == 0,
            messages=len(shuffled) + len(wires),
            **account.numbers(),
            doubled=account.doubled,
            changed_by_the_replay=int(changed),
            false_alarms=alarms,
        )


def publish(scene: Scene, wires: list[bytes]) -> None:
    """As the device, wait for the broker's word for each."""
    link = mqtt.Link(scene.town.broker(scene.town.device(_DEVICE)), _DEVICE, subscribe=[])
    topic = mqtt.topic(mqtt.Address(agency=AGENCY, device=_DEVICE, kind="reads"))
    link.start()
    left, under_way = list(reversed(wires)), dict[int, bytes]()
    until_s = time.monotonic() + 240
    try:
        while left or under_way:
            assert time.monotonic() < until_s, "the broker does not take the messages"
            while left and (token := link.publish(topic, left[-1])) is not None:
                under_way[token] = left.pop()
            event = link.next_event(0.2)
            if isinstance(event, mqtt.Acknowledged):
                wire = under_way.pop(event.token, None)
                if event.refused and wire is not None:
                    left.append(wire)
            elif isinstance(event, mqtt.Down):
                left += under_way.values()
                under_way.clear()
    finally:
        link.close()
