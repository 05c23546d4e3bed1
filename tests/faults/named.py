"""SIGKILL at named points: right before or after a step of the way from a read to its receipt, again and again."""

from __future__ import annotations

import signal
import time
from collections import Counter

from msgspec import Struct

from tests.faults.rows import Bench, Row
from tests.faults.scene import PATIENCE_S, Life, Scene, drained

#: ``<when> <part> <method>``, of the unit and of the agency end.
UNIT_POINTS = (
    "before outbox put",
    "after outbox put",
    "before publisher send",
    "after publisher send",
    "after receipts read",
    "before outbox prune",
    "after outbox prune",
)
AGENCY_POINTS = (
    "after opener open",
    "before store add",
    "after store add",
    "before witness take",
    "after witness take",
    "before mailbox acknowledge",
    "after mailbox acknowledge",
    "before mailbox post_receipt",
    "after mailbox post_receipt",
)
_DEVICES = ("pole-1", "pole-2", "pole-3", "pole-4")
_PAUSE_S = 0.02
_CALLS_AT_MOST = 8


class _Victim(Struct):
    """A life and where it is to end."""

    device: str
    point: str
    life: Life
    born_s: float


def at_named_points(bench: Bench) -> Row:
    """Four units and one agency end, each life with one point at which it ends; then everything is let run out."""
    kills: Counter[str] = Counter()
    fell_over = 0
    with Scene(bench.folder / "town", *_DEVICES) as scene:
        left = dict.fromkeys((*UNIT_POINTS, *AGENCY_POINTS), bench.scale.named_kills)
        victims = [_born(bench, scene, device, left) for device in (*_DEVICES, "")]
        while any(victim.point for victim in victims):
            time.sleep(0.02)
            for victim in [each for each in victims if not each.life.running()]:
                if victim.life.wait() == -signal.SIGKILL and victim.point:
                    kills[victim.point] += 1
                else:
                    fell_over += 1
                victims.remove(victim)
                victims.append(_born(bench, scene, victim.device, left))
            assert all(time.monotonic() - each.born_s < PATIENCE_S for each in victims if each.point), (
                "a point is never reached"
            )
        for victim in victims:
            fell_over += victim.life.end() != 0
        agency = scene.ingest()
        drained(scene)
        agency.end()
        account = scene.account()
        points = len(UNIT_POINTS) + len(AGENCY_POINTS)
        return bench.row(
            account.right and fell_over == 0 and len(kills) == points and scene.witness.early == 0,
            points=points,
            kills=kills.total(),
            ended_by_themselves=fell_over,
            **account.numbers(),
            receipts_seen=scene.witness.receipts,
            receipts_too_early=scene.witness.early,
        )


def _born(bench: Bench, scene: Scene, device: str, left: dict[str, int]) -> _Victim:
    """A new life with a point that is still due; without one it lives to the end."""
    due = [point for point in (UNIT_POINTS if device else AGENCY_POINTS) if left[point]]
    point, dies = bench.chance.choice(due) if due else "", ""
    if point:
        left[point] -= 1
        dies = f"{point} {bench.chance.randint(1, _CALLS_AT_MOST)}"
    life = scene.unit(device, pause_s=_PAUSE_S, dies=dies) if device else scene.ingest(dies=dies)
    return _Victim(device, point, life, time.monotonic())
