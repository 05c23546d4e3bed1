"""Whether a run's figures stand.  Pure."""

from __future__ import annotations

from collections.abc import Mapping

from edge.bench.line.record import NOT_MEASURED, Load, Loss, Mode, Thermal, Verdict

#: Seconds that must be counted; MLPerf asks 600 s of what must hold up (loadgen/mlperf.conf, min_duration).
SHORTEST_S: Mapping[Mode, float] = {"model": 5, "single": 30, "offline": 30, "realtime": 600, "soak": 3600}
#: Of all cores, taken by others.
MOST_BACKGROUND = 0.10
#: How a reason begins that counts against the clock's figures and not against those of CPU time.
BACKGROUND = "background load"
#: NTP slews a clock by 500 ppm at most (adjtimex(2)); anything more was a step.
STEP_S, SLEW = 0.5, 500e-6


def judge(mode: Mode, seconds: float, load: Load, loss: Loss, thermal: Thermal, stepped_s: float) -> Verdict:
    """The verdict on one run, with every reason against it."""
    reasons = []
    if seconds < SHORTEST_S[mode]:
        reasons.append(f"too short: {seconds:.0f} s were counted, {SHORTEST_S[mode]:.0f} s are needed")
    if load.background > MOST_BACKGROUND:
        reasons.append(
            f"{BACKGROUND}: others took {load.background:.0%} of the machine, {MOST_BACKGROUND:.0%} at most may be taken"
        )
    if load.swapped_pages or load.swap_mb:
        reasons.append(f"swapping: {load.swapped_pages} pages moved, {load.swap_mb:.0f} MB of the line were in swap")
    if abs(stepped_s) > STEP_S + SLEW * seconds:
        reasons.append(f"clock step: the wall clock jumped by {stepped_s:+.1f} s")
    for when, bits in (("before", thermal.throttled_before), ("after", thermal.throttled_after)):
        if bits != NOT_MEASURED:
            reasons += [f"{bit} ({when} the run)" for bit in bits]
    if not loss.adds_up:
        reasons.append("the accounts do not add up: frames or reads are missing")
    return Verdict(valid=not reasons, reasons=tuple(reasons))
