"""How long a label and a decision take: µs a read, over situations that differ."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median

from msgspec import Struct

from edge.labeler.scope import label
from edge.policy.decide import decide
from edge.policy.pack import Pack
from edge.records import Box, Capture, Detection, Hit, Instant, Position, Read, TimeQuality

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
    capture = Capture(
        device="bench",
        agency="bench",
        camera="bench",
        position=Position(latitude=41.76, longitude=-72.68, accuracy_m=5.0),
        detector_sha256="0" * 64,
        recognizer_sha256="0" * 64,
        calibration_id=None,
        software="bench",
    )
    took_ns = []
    for number in range(ROUNDS):
        read, hit = _read(pack, number), _hit(pack) if number % 10 == 0 else None
        begun_ns = clock_ns()
        decide(label(read, capture, pack, hit), pack)
        took_ns.append(clock_ns() - begun_ns)
    rest = sorted(took_ns[1:])
    return DecisionTimes(
        pack=pack.identity.id,
        reads=ROUNDS,
        median_us=median(rest) / 1000,
        p99_us=rest[len(rest) * 99 // 100] / 1000,
        first_us=took_ns[0] / 1000,
    )


def _read(pack: Pack, number: int) -> Read:
    at = pack.identity.effective_from + timedelta(days=1, seconds=number)
    instant = Instant(utc=at, boottime_ns=0, boot_id="bench", quality=TimeQuality(source="ntp"))
    best = Detection(box=Box(x=0, y=0, w=90, h=45), corners=((0, 0), (90, 0), (90, 45), (0, 45)), confidence=0.9)
    return Read(
        id=str(number),
        camera="bench",
        text="BENCH1",
        confidence=0.3 if number % 7 == 0 else 0.95,
        characters=(),
        region="US-CT",
        region_confidence=0.9,
        raw_texts=("BENCH1",),
        readings=3,
        frames=9,
        first=instant,
        last=instant,
        first_s=0.0,
        last_s=1.0,
        plate_width_px=90.0,
        best=best,
    )


def _hit(pack: Pack) -> Hit | None:
    admit = next((rule for hotlist in pack.hotlists for rule in hotlist.admit), None)
    if admit is None:
        return None
    source = admit.sources[0] if admit.sources else "bench"
    topic = admit.topics[0]
    return Hit(source=source, topic=topic, reason="bench", entered_by="bench", list_sha256="0" * 64, exact=True)
