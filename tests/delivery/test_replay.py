"""Whoever has recorded everything that a unit ever sent, and its certificate, brings about nothing by sending it again."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from edge import mqtt
from edge.ingest import witness
from edge.store.sqlite import SqliteStore
from tests.delivery.ear import Ear
from tests.faults import oracle
from tests.faults.scene import Scene, wait_for
from tests.faults.stores import publish
from tests.mosquitto import needs_mosquitto

_READS = 120


@needs_mosquitto
def test_a_recorded_session_that_is_played_again_changes_nothing(tmp_path: Path) -> None:
    """Reads, packets of reads, words about chain and clock: no new row, no alarm, no other account of the unit; and the unit
    itself goes on as before."""
    with Scene(tmp_path, "pole-7") as scene:
        scene.witness.close()  # the tape listens under the same name
        agency = scene.ingest()
        wait_for(scene.agency_connected, "the agency end's session")
        tape = Ear(scene.town.broker(scene.operator), "operator", "plate-edge/v1/+/+/+/reads").wait_up()
        capture = scene.unit("pole-7", "capture", _READS)
        wait_for(lambda: scene.committed() == _READS, "a backlog")
        assert capture.end() == 0
        assert scene.unit("pole-7", "both", _READS).wait() == 0
        wait_for(lambda: scene.stored() == 2 * _READS, "everything is stored")
        tape.listen()
        tape.link.close()
        recorded = [heard.payload for heard in tape.heard]
        assert any(len(mqtt.unpack(payload)) > 1 for payload in recorded)
        before, accounts = oracle.rows(scene.town), _accounts(scene)
        publish(scene, recorded)
        again = sum(len(mqtt.unpack(payload)) for payload in recorded)
        wait_for(lambda: scene.counted("messages_in") >= 2 * again, "the agency end has taken all of it again")
        time.sleep(0.5)
        assert oracle.rows(scene.town) == before
        assert _accounts(scene) == accounts
        assert scene.counted("alarms") == 0
        assert scene.unit("pole-7", "both", 5).wait() == 0
        wait_for(lambda: scene.stored() == 2 * _READS + 5, "what is new is stored")
        assert agency.end() == 0
        assert scene.counted("alarms") == 0


def _accounts(scene: Scene) -> list[tuple[str, str, int, int, int]]:
    with closing(SqliteStore(scene.town.store_path)) as store:
        found = witness.read_accounts(scene.town.agency / "chains.sqlite", store)
    return [(each.device, each.epoch, each.committed, each.stored, each.missing) for each in found]
