"""How long a label and a decision take: µs a read, over situations that differ."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median

from msgspec import Struct

from edge.labeler.scope import label
from edge.policy.case import CaseEntry, Situation
from edge.policy.decide import decide
from edge.policy.pack import Pack
from edge.policy.staging import stage

ROUNDS = 2000


class DecisionTimes(Struct, frozen=True, kw_only=True):
    """µs for ``label`` and ``decide`` together, on one core; what the first read of a fresh pack costs stands apart."""

    pack: str
    reads: int
    median_us: float
    p99_us: float
    first_us: float


def time_decisions(pack: Pack, clock_ns: Callable[[], int] = time.perf_counter_ns) -> DecisionTimes:
    """Label and decide about ``ROUNDS`` reads captured while ``pack`` was in force: hits and others, sure and unsure ones."""
    took_ns = []
    for number in range(ROUNDS):
        staged = stage(_situation(pack, number))
        begun_ns = clock_ns()
        decide(label(staged.read, staged.capture, pack, staged.hit), pack)
        took_ns.append(clock_ns() - begun_ns)
    rest = sorted(took_ns[1:])
    return DecisionTimes(
        pack=pack.identity.id,
        reads=ROUNDS,
        median_us=median(rest) / 1000,
        p99_us=rest[len(rest) * 99 // 100] / 1000,
        first_us=took_ns[0] / 1000,
    )


def _situation(pack: Pack, number: int) -> Situation:
    """A read in seven is unsure, one in ten a hit."""
    admit = next((rule for hotlist in pack.hotlists for rule in hotlist.admit), None)
    entry = None
    if admit is not None and number % 10 == 0:
        entry = CaseEntry(source=admit.sources[0] if admit.sources else "bench", topic=admit.topics[0], reason="bench")
    return Situation(
        at=pack.identity.effective_from + timedelta(days=1, seconds=number),
        confidence=0.3 if number % 7 == 0 else 0.95,
        entry=entry,
    )
