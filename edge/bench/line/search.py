"""The most cameras that a machine carries without dropping a frame: MLPerf's multi-stream question as it stood up to version
1.1 (mlcommons.org, inference edge 1.1).  Pure."""

from __future__ import annotations

from collections.abc import Callable

from edge.bench.line.record import Probe

#: A share of dropped frames that some accept.
FEW = 0.001


def most_cameras(probe: Callable[[int], Probe], guess: int, at_most: int) -> tuple[int, tuple[Probe, ...]]:
    """Try numbers of cameras, from ``guess`` up or down, until one holds and the next does not; that one, 0 if not even one
    camera can be carried, and every try."""
    tried: dict[int, Probe] = {}

    def holds(cameras: int) -> bool:
        if cameras not in tried:
            tried[cameras] = probe(cameras)
        return tried[cameras].dropped == 0

    good, bad = 0, at_most + 1
    cameras, step = min(max(1, guess), at_most), 1
    while good + 1 < bad:
        if holds(cameras):
            good = cameras
        else:
            bad = cameras
        if good == 0:
            cameras, step = max(1, bad - step), 2 * step
        elif bad > at_most:
            cameras, step = min(at_most, good + step), 2 * step
        else:
            cameras = (good + bad) // 2
    return good, tuple(tried.values())


def with_few_drops(probes: tuple[Probe, ...]) -> int:
    """The most cameras of which at most one frame in a thousand was dropped."""
    return max((p.cameras for p in probes if p.due and p.dropped <= FEW * p.due), default=0)
