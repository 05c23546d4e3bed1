"""How many reads a second a store takes, and how fast it says that it has them already: real stores, made-up reads.

The disk is waited for at every batch, as at work, so the figure is as much the disk's as the store's.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from statistics import median, quantiles

import msgspec
from msgspec import Struct

from edge.labeler.scope import label
from edge.policy.case import Situation
from edge.policy.load import load_pack
from edge.policy.staging import stage
from edge.store.interface import Arrival, Store

_DEVICES = 20
#: What a sealed and signed read takes on the wire.
_WIRE_BYTES = 830
_BEGIN = datetime(2026, 11, 1, tzinfo=timezone.utc)


class StoreSpeed(Struct, frozen=True, kw_only=True):
    """Reads a second over the whole run, milliseconds of one batch, and reads a second when all of them come again."""

    batch: int
    reads: int
    labeled_bytes: int
    stored_per_s: float
    batch_median_ms: float
    batch_p99_ms: float
    duplicates_per_s: float


def measure_store(store: Store, reads: int, batch: int) -> StoreSpeed:
    """Store made-up reads of a town, then all of them again.  Raises StoreError."""
    arrivals = list(_arrivals(reads))
    batches = [arrivals[at : at + batch] for at in range(0, reads, batch)]
    took_s = [_timed(store, each, "stored") for each in batches]
    again_s = [_timed(store, each, "duplicate") for each in batches]
    cuts = quantiles(took_s, n=100) if len(took_s) > 1 else took_s * 99
    return StoreSpeed(
        batch=batch,
        reads=reads,
        labeled_bytes=len(msgspec.json.encode(arrivals[0].labeled)),
        stored_per_s=round(reads / sum(took_s), 1),
        batch_median_ms=round(median(took_s) * 1000, 2),
        batch_p99_ms=round(cuts[98] * 1000, 2),
        duplicates_per_s=round(reads / sum(again_s), 1),
    )


def _timed(store: Store, arrivals: list[Arrival], expected: str) -> float:
    begun_s = time.perf_counter()
    outcomes = store.add(arrivals)
    took_s = time.perf_counter() - begun_s
    assert set(outcomes) == {expected}, "the store is not empty, or not a store"
    return took_s


def _arrivals(reads: int) -> Iterator[Arrival]:
    """Reads of a day and a half, so that they are to be deleted on two days."""
    pack = load_pack("us-ct")
    staged = stage(Situation(at=_BEGIN, confidence=0.95))
    read = staged.read
    for number in range(reads):
        at = _BEGIN + timedelta(hours=36) * number / reads
        instant = msgspec.structs.replace(read.first, utc=at)
        text = f"BN{number % 10**6:06}"
        one = msgspec.structs.replace(read, id=f"bench-{number}", text=text, raw_texts=(text,), first=instant, last=instant)
        wire = os.urandom(_WIRE_BYTES)
        yield Arrival(
            device=f"bench-{number % _DEVICES}",
            epoch="bench",
            seq=number // _DEVICES + 1,
            received=at,
            wire=wire,
            wire_sha256=hashlib.sha256(wire).digest(),
            labeled=label(one, staged.capture, pack, None),
        )
