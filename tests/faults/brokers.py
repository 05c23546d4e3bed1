"""The broker loses everything that it acknowledged: again and again, and once with a unit that believes it."""

from __future__ import annotations

import io
import threading
import time

from edge.envelope.keyring import load_public_keys
from edge.envelope.receipt import ReceiptVerifier
from edge.journal import Journal
from edge.outbox.interface import Outbox
from edge.publisher.drain import Drain
from edge.publisher.interface import Acknowledged, Event
from edge.publisher.mqtt import MqttPublisher
from edge.ranges import runs
from tests.delivery.town import Town
from tests.faults.rows import Bench, Row
from tests.faults.scene import Scene, wait_for
from tests.labeled import AGENCY, release

_DEVICES = ("pole-1", "pole-2", "pole-3", "pole-4")
_WIPES_AT_LEAST = 3


def wiped(bench: Bench) -> Row:
    """Killed with SIGKILL and its data deleted every few seconds while reads flow."""
    return _lose(bench, persistent=True, reads=bench.scale.wiped_reads)


def without_persistence(bench: Bench) -> Row:
    """A broker that keeps nothing on disk, killed as often."""
    return _lose(bench, persistent=False, reads=bench.scale.wiped_reads // 5)


def _lose(bench: Bench, *, persistent: bool, reads: int) -> Row:
    wipes = 0
    with Scene(bench.folder / "town", *_DEVICES, persistent=persistent) as scene:
        agency = scene.ingest()
        share = reads // len(_DEVICES)
        # At a pace at which the broker dies several times before all are kept.
        pause_s = _WIPES_AT_LEAST * bench.scale.wipe_every_s / share
        units = [scene.unit(device, count=share, pause_s=pause_s) for device in _DEVICES]
        while any(unit.running() for unit in units):
            time.sleep(bench.scale.wipe_every_s)
            # What matters is what it loses while reads are under way; the last stretch is left to it.
            if scene.committed() < reads or wipes < _WIPES_AT_LEAST:
                scene.broker.kill(wipe=True)
                scene.broker.start()
                wipes += 1
        codes = [unit.wait() for unit in units]
        agency.end()
        account = scene.account()
        return bench.row(
            account.right and account.committed == reads and codes == [0] * len(units) and scene.witness.early == 0,
            wipes=wipes,
            **account.numbers(),
            receipts_seen=scene.witness.receipts,
            receipts_too_early=scene.witness.early,
        )


class CredulousDrain(Drain):
    """What a unit that takes the broker's acknowledgement for "stored" would do: the bench must find that it loses reads."""

    def __init__(self, town: Town, device: str, outbox: Outbox) -> None:
        own = town.device(device)
        verifier = ReceiptVerifier(agency=AGENCY, device=device, keys=load_public_keys(own / "agency-receipt.pem"))
        publisher = MqttPublisher(town.broker(own), device=device, agency=AGENCY)
        super().__init__(outbox, publisher, verifier, Journal(io.StringIO()), resend_after_s=3.0)

    def _take(self, event: Event) -> None:
        if isinstance(event, Acknowledged) and not event.refused:
            self._outbox.prune(self._outbox.next_slot().epoch, runs(self._flight._reads.get(event.token, ())))
        super()._take(event)


def control_pruned_on_the_brokers_word(bench: Bench) -> Row:
    """The agency end is away, the broker takes everything and is wiped: whoever believed it must have lost reads here."""
    reads = 50
    with Scene(bench.folder / "town", "pole-7") as scene:
        agency = scene.ingest()
        wait_for(scene.agency_connected, "the agency end's session")
        agency.kill()
        outbox, sealer, stop = scene.town.outbox("pole-7"), scene.town.sealer("pole-7"), threading.Event()
        lane_2 = threading.Thread(target=CredulousDrain(scene.town, "pole-7", outbox).run, args=(stop,))
        lane_2.start()
        for n in range(reads):
            outbox.put(sealer.seal(release(f"r-{n}", device="pole-7"), outbox.next_slot()))
        wait_for(lambda: outbox.backlog().waiting == 0, "the broker's word for everything")
        scene.broker.kill(wipe=True)
        scene.broker.start()
        agency = scene.ingest()
        time.sleep(2.0)
        stop.set()
        lane_2.join()
        outbox.close()
        agency.end()
        lost = reads - scene.account().stored
        return bench.row(lost > 0, "must lose, or the bench is blind", committed=reads, lost=lost)
