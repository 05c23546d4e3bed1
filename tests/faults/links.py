"""Bad links between the units and the broker, and between the agency end and the broker."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing

import msgspec

from tests.faults.proxy import Proxies, Proxy, misbehave
from tests.faults.rows import Bench, Row
from tests.faults.scene import Scene, drained, wait_for

_PAUSE_S = 0.1


def black_hole(proxy: Proxy, bench: Bench) -> None:
    """Nothing comes through and nobody is told, for longer than the keep-alive."""
    proxy.hold("up", "down")
    time.sleep(bench.scale.silence_s)


def deaf(proxy: Proxy, bench: Bench) -> None:
    """What the unit sends arrives, what it is told does not: reads are stored, receipts are lost."""
    proxy.hold("down")
    time.sleep(bench.scale.silence_s)


def one_byte_a_second(proxy: Proxy, bench: Bench) -> None:
    """The link is up, and carries one byte a second."""
    proxy.slow(1.0)
    time.sleep(bench.scale.silence_s)


def reset_in_a_packet(proxy: Proxy, bench: Bench) -> None:
    """Connection after connection is reset in the middle of a packet."""
    for _ in range(20):
        proxy.reset(after_bytes=bench.chance.randint(1, 6000))
        time.sleep(bench.scale.silence_s / 20)


def half_close(proxy: Proxy, bench: Bench) -> None:
    """One side hears that the other has finished, while the other goes on."""
    for n in range(10):
        proxy.half_close("client" if n % 2 else "broker")
        time.sleep(bench.scale.silence_s / 10)


DISTURBANCES: tuple[Callable[[Proxy, Bench], None], ...] = (
    black_hole,
    deaf,
    one_byte_a_second,
    reset_in_a_packet,
    half_close,
)


def rows(bench: Bench) -> list[Row]:
    """Five units at one broker, each behind a link that is bad in its own way, all at once; one row each.

    Reads are kept meanwhile, no process ends, and once the link is mended everything arrives.
    """
    units = {each.__name__.replace("_", "-"): each for each in DISTURBANCES}
    with Scene(bench.folder / "town", *units) as scene, closing(Proxies()) as proxies:
        agency = scene.ingest()
        cases = [_Case(scene, device, proxies.proxy(scene.broker.port), disturb) for device, disturb in units.items()]
        threads = [threading.Thread(target=case.run, args=(bench,)) for case in cases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        still_up = agency.running()
        drained(scene)
        agency.end()
        return [case.row(bench, still_up) for case in cases]


class _Case:
    """One unit behind one bad link."""

    def __init__(self, scene: Scene, device: str, proxy: Proxy, disturb: Callable[[Proxy, Bench], None]) -> None:
        self._scene, self._device, self._proxy, self._disturb = scene, device, proxy, disturb
        self._unit = scene.unit(device, pause_s=_PAUSE_S, port=proxy.port)
        self._meanwhile, self._again_s, self._ended_well = 0, 0.0, False

    def run(self, bench: Bench) -> None:
        """Disturb while reads flow, mend, see that receipts come again."""
        scene, device = self._scene, self._device
        wait_for(lambda: scene.witness.of[device] > 0, "a first receipt")
        before = scene.committed(device)
        self._disturb(self._proxy, bench)
        self._meanwhile = scene.committed(device) - before
        self._proxy.pass_on()
        mended_s, seen = time.monotonic(), scene.witness.of[device]
        wait_for(lambda: scene.witness.of[device] > seen, "a receipt after the link was mended")
        self._again_s = time.monotonic() - mended_s
        self._ended_well = self._unit.running() and self._unit.end() == 0

    def row(self, bench: Bench, agency_is_up: bool) -> Row:
        """What came of it."""
        account = self._scene.account(self._device)
        row = bench.row(
            account.right and self._ended_well and agency_is_up and self._meanwhile > 0 and self._scene.witness.early == 0,
            **account.numbers(),
            committed_meanwhile=self._meanwhile,
            first_receipt_after_s=self._again_s,
        )
        return msgspec.structs.replace(row, fault=f"link: {self._disturb.__name__.replace('_', ' ')}")


def random_partitions(bench: Bench) -> Row:
    """Every unit and the agency end behind a link of its own that is partitioned at random, all at once."""
    devices = tuple(f"pole-{n}" for n in range(1, bench.scale.lanes))
    each = -(-bench.scale.partitions // bench.scale.lanes)
    kinds: Counter[str] = Counter()
    with Scene(bench.folder / "town", *devices) as scene, closing(Proxies()) as proxies:
        links = [proxies.proxy(scene.broker.port) for _ in range(bench.scale.lanes)]
        agency = scene.ingest(port=links[0].port)
        pause_s = _PAUSE_S * bench.scale.lanes
        units = [scene.unit(device, pause_s=pause_s, port=link.port) for device, link in zip(devices, links[1:], strict=True)]
        wait_for(lambda: scene.witness.receipts > 0, "a first receipt")
        lanes = [
            threading.Thread(target=_partition, args=(link, random.Random(bench.chance.random()), each, bench, kinds))
            for link in links
        ]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        still_up = all(unit.running() for unit in units) and agency.running()
        codes = sum(unit.end() for unit in units)
        drained(scene)
        agency.end()
        account = scene.account()
        return bench.row(
            account.right and still_up and codes == 0 and scene.witness.early == 0,
            partitions=kinds.total(),
            links=bench.scale.lanes,
            **{kind.replace(" ", "_").replace("-", "_"): number for kind, number in sorted(kinds.items())},
            **account.numbers(),
            receipts_seen=scene.witness.receipts,
        )


def _partition(link: Proxy, chance: random.Random, count: int, bench: Bench, kinds: Counter[str]) -> None:
    for _ in range(count):
        time.sleep(chance.uniform(0.2, 1.5))
        kinds[misbehave(link, chance, time.sleep, bench.scale.longest_partition_s)] += 1
