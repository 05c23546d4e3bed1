"""SIGKILL at random moments of the unit, of each of its lanes alone, and of the agency end."""

from __future__ import annotations

import time
from collections import Counter

from msgspec import Struct

from tests.faults.roles import Lanes
from tests.faults.rows import Bench, Row
from tests.faults.scene import Life, Scene, drained

_DEVICES = ("pole-1", "pole-2", "pole-3", "pole-4")
_LANES: tuple[Lanes, ...] = ("both", "both", "capture", "drain")
# A life is long enough to reach the broker now and then, and short enough that most ends fall into opening, sealing,
# connecting, sending or pruning.
_UNIT_LIFE_S = (0.01, 0.6)
_AGENCY_LIFE_S = (0.1, 2.0)
_PAUSE_S = 0.02


class _Victim(Struct):
    """A life, what it is, and when it ends."""

    device: str
    lanes: str
    life: Life
    until_s: float


def at_random(bench: Bench) -> Row:
    """Four units and one agency end are killed and started again while reads flow; then everything is let run out."""
    kills: Counter[str] = Counter()
    fell_over = 0
    with Scene(bench.folder / "town", *_DEVICES) as scene:
        victims = [_born(bench, scene, device) for device in (*_DEVICES, "")]
        while kills.total() < bench.scale.kills:
            victim = min(victims, key=lambda each: each.until_s)
            time.sleep(max(0.0, victim.until_s - time.monotonic()))
            if victim.life.kill():
                kills[victim.lanes] += 1
            else:
                fell_over += 1
            victims.remove(victim)
            victims.append(_born(bench, scene, victim.device))
        for victim in victims:
            victim.life.kill()
        agency = scene.ingest()
        drained(scene)
        agency.end()
        account = scene.account()
        return bench.row(
            account.right and fell_over == 0 and account.committed > 0 and scene.witness.early == 0,
            kills=kills.total(),
            of_units=kills["both"],
            of_lane_1=kills["capture"],
            of_lane_2=kills["drain"],
            of_the_agency_end=kills["agency"],
            ended_by_themselves=fell_over,
            **account.numbers(),
            receipts_seen=scene.witness.receipts,
            receipts_too_early=scene.witness.early,
        )


def _born(bench: Bench, scene: Scene, device: str) -> _Victim:
    now_s = time.monotonic()
    if not device:
        return _Victim("", "agency", scene.ingest(), now_s + bench.chance.uniform(*_AGENCY_LIFE_S))
    lanes = bench.chance.choice(_LANES)
    return _Victim(device, lanes, scene.unit(device, lanes, pause_s=_PAUSE_S), now_s + bench.chance.uniform(*_UNIT_LIFE_S))
