"""What the bench is told and what it answers: how much of each fault, and one row of the table."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

Verdict = Literal["PASS", "FAIL", "GAP", "SKIPPED"]
Number = int | float


class Scale(Struct, frozen=True, kw_only=True):
    """How much of each fault.  Times in seconds."""

    kills: int
    named_kills: int
    cuts: int
    failing_calls: int
    partitions: int
    lanes: int
    longest_partition_s: float
    silence_s: float
    wiped_reads: int
    wipe_every_s: float
    full_disk_s: float
    clock_step_s: float
    locked_s: float
    replayed: int
    tamper_trials: int
    damages: int
    growth_s: float
    budget_bytes: int
    database_kills: int
    database_kill_every_s: float
    backlog: int
    overtaken_s: float
    dead_link_s: float
    dead_quiet_link_s: float


FULL = Scale(
    kills=2000,
    named_kills=25,
    cuts=1500,
    failing_calls=400,
    partitions=204,
    lanes=12,
    longest_partition_s=30.0,
    silence_s=40.0,
    wiped_reads=20_000,
    wipe_every_s=5.0,
    full_disk_s=5.0,
    clock_step_s=4.0,
    locked_s=12.0,
    replayed=3000,
    tamper_trials=20,
    damages=500,
    growth_s=120.0,
    budget_bytes=4 << 20,
    database_kills=12,
    database_kill_every_s=10.0,
    backlog=6000,
    overtaken_s=40.0,
    dead_link_s=20.0,
    dead_quiet_link_s=50.0,
)
SHORT = Scale(
    kills=60,
    named_kills=1,
    cuts=60,
    failing_calls=24,
    partitions=8,
    lanes=4,
    longest_partition_s=3.0,
    silence_s=8.0,
    wiped_reads=300,
    wipe_every_s=0.7,
    full_disk_s=1.0,
    clock_step_s=0.3,
    locked_s=6.0,
    replayed=200,
    tamper_trials=1,
    damages=20,
    growth_s=8.0,
    budget_bytes=1 << 20,
    database_kills=2,
    database_kill_every_s=1.0,
    backlog=400,
    overtaken_s=20.0,
    dead_link_s=12.0,
    dead_quiet_link_s=0.0,
)


_COUNTS = frozenset(
    {
        "kills",
        "named_kills",
        "cuts",
        "failing_calls",
        "partitions",
        "wiped_reads",
        "replayed",
        "tamper_trials",
        "backlog",
        "database_kills",
        "damages",
        "growth_s",
    }
)


def scale(minutes: float) -> Scale:
    """About so many minutes' worth: as much more or less than ``FULL``, which takes ten, but never less than ``SHORT``."""
    full, short, part = msgspec.structs.asdict(FULL), msgspec.structs.asdict(SHORT), minutes / 10
    much = {name: type(most)(most * (part if name in _COUNTS else min(1.0, part))) for name, most in full.items()}
    return Scale(**{name: max(value, short[name]) for name, value in much.items()})


class Row(Struct, frozen=True, kw_only=True):
    """One fault and what came of it.  GAP: the fault is not noticed today, and that is known; it is no success."""

    fault: str
    verdict: Verdict
    numbers: Mapping[str, Number] = {}
    note: str = ""

    def line(self) -> str:
        """The row in one line."""
        numbers = ", ".join(f"{name} {_shown(value)}" for name, value in self.numbers.items())
        return f"{self.verdict:8}{self.fault:38}{numbers}{f'  ({self.note})' if self.note else ''}"


class Bench:
    """A scratch folder, chance from a seed that is the fault's own, and the scale."""

    def __init__(self, folder: Path, scale: Scale, seed: int, fault: str) -> None:
        self.folder, self.scale, self.seed, self.fault = folder.resolve(), scale, seed, fault
        self.folder.mkdir(parents=True, exist_ok=True)
        self.chance = random.Random(f"{seed} {fault}")

    def row(self, good: bool, note: str = "", **numbers: Number) -> Row:
        """PASS or FAIL with numbers; the names are shown with blanks for underscores."""
        return self.answer("PASS" if good else "FAIL", note, **numbers)

    def answer(self, verdict: Verdict, note: str = "", **numbers: Number) -> Row:
        """A row of this fault."""
        shown = {name.replace("_", " "): value for name, value in numbers.items()}
        return Row(fault=self.fault, verdict=verdict, numbers=shown, note=note)


def _shown(value: Number) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
