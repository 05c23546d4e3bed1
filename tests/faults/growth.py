"""Does a unit, or the agency end, grow?  Fifty times the reads of a busy camera, with a reset of the link every half minute,
and once a second a look at memory, threads and open files.  Two minutes in a run of ten: ``--only growth --minutes 50`` is ten.

A unit without models: lane 1 from the label on, the outbox and lane 2; what models and decoder do over hours is
``plate-edge bench --mode soak``'s to say.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from contextlib import closing
from statistics import median

import msgspec
from msgspec import Struct

from edge.bench.processes import Footprint, footprint
from tests.faults.proxy import Proxies
from tests.faults.rows import Bench, Row, Verdict
from tests.faults.scene import Life, Scene, wait_for

_DEVICE = "pole-7"
_READS_A_DAY = 20_000
_TIMES = 50
_RESET_EVERY_S = 30.0
# Until the databases' caches are full, memory grows and says nothing.
_WARM_UP = 3000
# In less than this a single page tilts everything.
_TELLING_S = 100.0
# What each holds at most, and by how much it may grow in a day (promises, line 28).
_UNIT_BYTES, _AGENCY_BYTES = 80e6, 150e6
_GROWTH_A_DAY = 1e6
_SPAN_S = 5.0


class Slope(Struct, frozen=True, kw_only=True):
    """The median slope between all pairs of points (Theil, Sen) and its 95 % interval by Kendall's statistic."""

    middle: float
    low: float
    high: float


def slope(xs: Sequence[float], ys: Sequence[float]) -> Slope:
    """Of ``ys`` over ascending ``xs``.  Sen, J. Am. Stat. Assoc. 63 (1968), 1379, section 4."""
    rises = sorted(
        (y1 - y0) / (x1 - x0)
        for i, (x0, y0) in enumerate(zip(xs, ys, strict=True))
        for x1, y1 in zip(xs[i + 1 :], ys[i + 1 :], strict=True)
        if x1 > x0
    )
    n, number = len(xs), len(rises)
    spread = 1.96 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low, high = max(0, math.floor((number - spread) / 2)), min(number - 1, math.ceil((number + spread) / 2))
    return Slope(middle=median(rises), low=rises[low], high=rises[high])


class _Watched:
    """One process and what it held at each look."""

    def __init__(self, name: str, life: Life, most_bytes: float) -> None:
        self.name, self._life, self._most_bytes = name, life, most_bytes
        self._looks: list[tuple[float, Footprint]] = []

    def look(self, reads: int) -> None:
        """Note what it holds after so many reads."""
        self._looks.append((reads, footprint(self._life.pid)))

    def judge(self) -> tuple[bool, bool, dict[str, float]]:
        """Whether it grows or is too large, whether that can be told at all, and the numbers."""
        looks = self._looks
        # Memory comes and goes in pages: the median of some looks is one point.
        group = max(1, round(_SPAN_S))
        spans = [looks[at : at + group] for at in range(0, len(looks), group)]
        xs = [median(reads for reads, _ in span) for span in spans]
        found = slope(xs, [median(each.own_bytes for _, each in span) for span in spans])
        a_day = Slope(**{name: value * _READS_A_DAY for name, value in msgspec.structs.asdict(found).items()})
        third = max(1, len(looks) // 3)
        begin, end = [each for _, each in looks[:third]], [each for _, each in looks[-third:]]
        flat = all(
            median(getattr(each, what) for each in end) <= median(getattr(each, what) for each in begin)
            for what in ("threads", "files")
        )
        most = max(each.pss_bytes for _, each in looks)
        numbers = {
            f"{self.name}_MB": most / 1e6,
            f"{self.name}_kB_a_day": a_day.middle / 1e3,
            f"{self.name}_from": a_day.low / 1e3,
            f"{self.name}_to": a_day.high / 1e3,
            f"{self.name}_threads": float(median(each.threads for each in end)),
            f"{self.name}_files": float(median(each.files for each in end)),
        }
        telling = len(looks) >= _TELLING_S
        good = most <= self._most_bytes and flat and not (telling and a_day.low > _GROWTH_A_DAY)
        return good, telling and a_day.high <= _GROWTH_A_DAY, numbers


def at_fifty_times_the_rate(bench: Bench) -> Row:
    """FAIL if one of them surely grows by more than a megabyte a day, holds too much, or gains threads or files; GAP if the run
    was too short to tell."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    # Less, since a put takes its time too.
    a_read_s = 0.6 * 86_400 / _READS_A_DAY / _TIMES
    with Scene(bench.folder / "town", _DEVICE) as scene, closing(Proxies()) as proxies:
        link = proxies.proxy(scene.broker.port)
        agency = scene.spawn(environment, "ingest")
        warm_up = _WARM_UP if bench.scale.growth_s >= _TELLING_S else 0
        unit = scene.spawn(environment, "unit", _DEVICE, "both", 0, a_read_s, warm_up, port=link.port)
        watched = [_Watched("unit", unit, _UNIT_BYTES), _Watched("agency", agency, _AGENCY_BYTES)]
        wait_for(lambda: scene.committed() > warm_up and scene.witness.receipts > 0, "reads flow")
        wait_for(lambda: scene.waiting() < 20, "the backlog is gone")
        began_s = reset_s = time.monotonic()
        while (now_s := time.monotonic()) - began_s < bench.scale.growth_s:
            reads = scene.committed()
            for each in watched:
                each.look(reads)
            if now_s - reset_s > min(_RESET_EVERY_S, bench.scale.growth_s / 4):
                link.reset()
                reset_s = now_s
            time.sleep(min(1.0, bench.scale.growth_s / 40))
        still_up = unit.running() and agency.running()
        codes = unit.end() + agency.end()
        reads = scene.committed()
        judged = [each.judge() for each in watched]
        good = all(each for each, _, _ in judged) and still_up and codes == 0
        told = all(each for _, each, _ in judged)
        verdict: Verdict = "FAIL" if not good else "PASS" if told else "GAP"
        return bench.answer(
            verdict,
            "" if told or not good else "too short to tell",
            seconds=round(bench.scale.growth_s),
            reads=reads,
            **{name: value for _, _, numbers in judged for name, value in numbers.items()},
        )
