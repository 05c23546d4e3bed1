"""A link that dies without a word, as when a cruiser drives into a tunnel: nobody is told, and what is sent vanishes.

Made by taking down the other end of the unit's cable, so that the unit's own kernel believes in it to the last.  Everything is
configured as at work."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from edge.config import BrokerConfig
from edge.journal import Journal
from tests.delivery.processes import ROOT
from tests.delivery.town import Town
from tests.faults import slow_link
from tests.faults.backlog import Arrivals
from tests.faults.rows import Bench, Row
from tests.faults.scene import Scene, wait_for
from tests.labeled import release

_DEVICE = "pole-7"
_FOUND_AFTER_KEEPALIVES = 1.5
_DRAINS_WITHIN_S = 5.0
_KEEPALIVE_S = int({field.name: field.default for field in msgspec.structs.fields(BrokerConfig)}["keepalive_s"])


def while_reads_flow(bench: Bench) -> Row:
    """A read every half second: the hole is found by what is not answered."""
    return _hole(bench, pause_s=0.5, hole_s=bench.scale.dead_link_s)


def while_nothing_happens(bench: Bench) -> Row:
    """A night without a car: the hole is found by the ping."""
    return _hole(bench, pause_s=0.0, hole_s=bench.scale.dead_quiet_link_s)


def _hole(bench: Bench, *, pause_s: float, hole_s: float) -> Row:
    if not hole_s:
        return bench.answer("SKIPPED", "takes a minute; ask for more of them")
    if reason := slow_link.missing():
        return bench.answer("SKIPPED", reason)
    with ExitStack() as stack:
        scene = stack.enter_context(Scene(bench.folder / "town", _DEVICE, also=[slow_link.HERE]))
        cable = stack.enter_context(slow_link.Cable())
        agency = scene.ingest()
        wait_for(scene.agency_connected, "the agency end's session")
        scene.town.outbox(_DEVICE).close()
        arrivals = stack.enter_context(closing(Arrivals(scene.town, _DEVICE, above=0)))
        unit = stack.enter_context(closing(_Watched(scene, cable, pause_s)))
        wait_for(lambda: arrivals.stored > 2 if pause_s else bool(unit.times("connected")), "the unit is at work")
        # A quiet unit speaks a second time after 10 s, and then no more for a while.
        time.sleep(2.0 if pause_s else 15.0)
        cable.unplug()
        unplugged_s = time.monotonic()
        wait_for(lambda: bool(unit.times("disconnected")), "the unit notices")
        time.sleep(max(0.0, unplugged_s + hole_s - time.monotonic()))
        cable.plug()
        plugged_s = time.monotonic()
        wait_for(lambda: unit.times("connected")[-1] > plugged_s, "the unit is back")
        wait_for(lambda: not pause_s or any(at_s > plugged_s for at_s in list(arrivals.at_s.values())), "reads arrive again")
        found_s, back_s = unit.times("disconnected")[0] - unplugged_s, unit.times("connected")[-1] - plugged_s
        drains_s = min((at_s for at_s in arrivals.at_s.values() if at_s > plugged_s), default=plugged_s + back_s) - plugged_s
        unit.close()
        codes = agency.end()
        return bench.row(
            found_s <= _FOUND_AFTER_KEEPALIVES * _KEEPALIVE_S and drains_s <= _DRAINS_WITHIN_S and codes == 0,
            keepalive_s=_KEEPALIVE_S,
            hole_s=plugged_s - unplugged_s,
            found_after_s=found_s,
            connected_again_after_s=back_s,
            **({"first_read_stored_after_s": drains_s} if pause_s else {}),
            false_alarms=scene.counted("alarms"),
        )


class _Watched:
    """A unit at the other end of the cable that says when its link came and went."""

    def __init__(self, scene: Scene, cable: slow_link.Cable, pause_s: float) -> None:
        words = [str(scene.town.folder), str(scene.town.port), _DEVICE, str(pause_s)]
        command = cable.command([sys.executable, "-m", "tests.faults.dead_link", *words])
        self._log = (scene.town.folder / "unit.log").open("ab")
        self._child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)
        self._seen: list[tuple[str, float]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def times(self, what: str) -> list[float]:
        """When the link was so (CLOCK_MONOTONIC)."""
        return [at_s for word, at_s in list(self._seen) if word == what]

    def close(self) -> None:
        """End it: its standard input is closed."""
        if self._child.stdin is not None and not self._child.stdin.closed:
            self._child.stdin.close()
        self._child.wait(60)
        self._reader.join()
        self._log.close()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            word, at_s = line.decode().split()
            self._seen.append((word, float(at_s)))


class _Says:
    """See :class:`edge.journal.Book`."""

    def add(self, name: str, reason: str, by: int) -> None:
        if name == "link":
            print(reason, time.monotonic(), flush=True)

    def settle(self) -> None:
        pass


def main(folder: str, port: str, device: str, pause_s: str) -> None:
    """The unit: a read every ``pause_s``, none if 0, until its standard input ends."""
    town = Town(Path(folder), int(port), host=slow_link.HERE, patient=True)
    outbox, sealer, stop, journal = town.outbox(device), town.sealer(device), threading.Event(), Journal()
    journal.keep_in(_Says())
    lane_2 = threading.Thread(target=town.drain(device, outbox, journal, resend_after_s=20.0).run, args=(stop,))
    lane_2.start()
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.wait(float(pause_s) or 0.5):
        if float(pause_s):
            slot = outbox.next_slot()
            outbox.put(sealer.seal(release(f"r-{slot.seq}", device=device, at=datetime.now(timezone.utc)), slot))
    stop.set()
    lane_2.join()
    outbox.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
