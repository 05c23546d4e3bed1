"""Pictures over a real broker, whatever is killed on the way."""

from __future__ import annotations

import random
import time
from contextlib import closing
from pathlib import Path

from edge.outbox import inspect
from edge.store.interface import PictureOrder
from edge.store.sqlite import SqliteStore
from tests.delivery.processes import wait_until
from tests.delivery.test_nothing_lost import Scene, scene
from tests.labeled import jpeg
from tests.mosquitto import needs_mosquitto
from tests.stores import KEEPER, files_with

__all__ = ["scene"]
pytestmark = needs_mosquitto
FRAME_BYTES = 30_000


def test_pictures_and_reads_arrive_whatever_is_killed_while_they_flow(scene: Scene, tmp_path: Path) -> None:
    """Broker, unit and agency end, again and again: every read that was committed is stored with both of its pictures as they
    were taken, the unit keeps nothing and its account adds up; and no file outside the store held one in clear."""
    chance, total, kills = random.Random(20261123), 120, 0
    scene.broker.start()
    ingest, unit = scene.start_ingest(), scene.start_unit(total, pause_s=0.02, frame_bytes=FRAME_BYTES)
    wait_until(lambda: len(scene.committed()) > 10)
    for victim in ("broker", "unit", "ingest", "unit", "broker", "ingest"):
        time.sleep(chance.uniform(0.3, 1.0))
        if victim == "broker":
            scene.broker.kill(wipe=True)
            scene.broker.start()
        elif victim == "ingest":
            ingest.kill()
            ingest = scene.start_ingest()
        elif unit.running():
            unit.kill()
            kills += 1
            left = max(0, total - len(scene.committed()))
            unit = scene.start_unit(left, pause_s=0.02, frame_bytes=FRAME_BYTES)
    assert unit.wait(240) == 0
    ingest.end()
    has = inspect.status(scene.town.outbox_path("pole-7")).pictures
    assert (has.waiting, has.dropped, has.made) == (0, 0, has.stored)
    assert 2 * len(scene.committed()) <= has.made <= 2 * (len(scene.committed()) + kills)
    with closing(SqliteStore(scene.town.store_path)) as store:
        reads = list(store.reads())
        assert 2 * len(reads) == has.stored
        for read in chance.sample(reads, 20):
            for kind, size in (("crop", 6000), ("frame", FRAME_BYTES)):
                wish = PictureOrder(read=read.labeled.read.id, kind=kind, by="a test", reason="to compare")  # type: ignore[arg-type]
                taken = jpeg(read.labeled.read.id, kind, size)  # type: ignore[arg-type]
                assert store.hand_out(wish, read.received, KEEPER) == taken.jpeg
        assert all(store.has_picture(read, "crop") and store.has_picture(read, "frame") for read in reads)
    assert {name.split("/")[0] for name in files_with(tmp_path, b"\xff\xd8\xff r-")} == {"agency"}
