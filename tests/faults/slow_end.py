"""An agency end whose every commit takes half a second: nothing piles up at either end, and fresh hits still come through.

As a program it is that agency end: ``python -m tests.faults.slow_end FOLDER PORT``; it ends on SIGTERM.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median, quantiles

from edge.journal import Journal
from edge.store.interface import Arrival, Outcome
from edge.store.sqlite import SqliteStore
from tests.delivery.processes import ROOT
from tests.delivery.town import Town
from tests.faults import backlog, slow_link
from tests.faults.rows import Bench, Row
from tests.faults.scene import Scene, wait_for

_DEVICE = "pole-7"
_COMMIT_S = 0.5
# The promise for hits, and the two commits that one may stand behind: the one that runs when it comes, and its own.
_HITS_WITHIN_S = 2.0 + 2 * _COMMIT_S
_UNIT_GROWS_MB, _AGENCY_GROWS_MB = 32.0, 64.0


def slow_store(bench: Bench) -> Row:
    """A unit with a backlog in front of it, over a fast link."""
    if reason := slow_link.missing():
        return bench.answer("SKIPPED", reason)
    with ExitStack() as stack:
        scene = stack.enter_context(Scene(bench.folder / "town", _DEVICE, also=[slow_link.HERE]))
        cable = stack.enter_context(slow_link.Cable())
        reads = int(bench.scale.overtaken_s * 600)
        backlog.fill(scene.town, _DEVICE, reads)
        agency = stack.enter_context(closing(_SlowEnd(scene)))
        arrivals = stack.enter_context(closing(backlog.Arrivals(scene.town, _DEVICE, above=reads)))
        before_mb = agency.peak_mb
        drained = backlog.drain(scene, cable, backlog.HIT_EVERY_S, for_s=bench.scale.overtaken_s)
        waits_s = [arrivals.at_s[seq] - put_s for seq, put_s in drained.hits]
        grown_mb = agency.peak_mb - before_mb
        p95_s = quantiles(waits_s, n=20)[18]
        return bench.row(
            p95_s <= _HITS_WITHIN_S and drained.growth_mb <= _UNIT_GROWS_MB and grown_mb <= _AGENCY_GROWS_MB,
            backlog=reads,
            stored_meanwhile=arrivals.stored,
            hits=len(waits_s),
            hit_median_s=median(waits_s),
            hit_p95_s=p95_s,
            unit_grew_mb=drained.growth_mb,
            agency_grew_mb=grown_mb,
        )


class _SlowEnd:
    """The agency end as a program of its own, connected."""

    def __init__(self, scene: Scene) -> None:
        self._log = scene.town.folder / "ingest.log"
        words = [sys.executable, "-m", "tests.faults.slow_end", str(scene.town.folder), str(scene.town.port)]
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log)
        wait_for(lambda: "broker connected" in self._log.read_text(), "the agency end's session")

    @property
    def peak_mb(self) -> float:
        """The most that it ever held."""
        lines = Path(f"/proc/{self._child.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

    def close(self) -> None:
        """End it."""
        self._child.terminate()
        self._child.wait(60)


class _SlowStore(SqliteStore):
    """A disk that is busy with something else."""

    def add(self, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
        time.sleep(_COMMIT_S)
        return super().add(arrivals)


def main(folder: str, port: str) -> None:
    town, stop = Town(Path(folder), int(port)), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with closing(_SlowStore(town.store_path)) as store:
        town.worker(store, Journal()).run(stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
