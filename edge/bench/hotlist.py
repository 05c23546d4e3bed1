"""How much memory a hot list takes, and how long a look-up: a made-up list, loaded and matched by the real stage."""

from __future__ import annotations

import gc
import io
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from statistics import median, quantiles

from msgspec import Struct

from edge.config import HotListConfig
from edge.errors import ConfigError
from edge.hotlist.files import COLUMNS, write_stamp
from edge.hotlist.load import load_hotlist
from edge.hotlist.match import HotList
from edge.journal import Journal
from edge.policy.load import load_pack
from edge.records import Box, Character, Detection, Instant, Option, Read, TimeQuality

LOOKUPS = 2000
_NOW = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
_AT = Instant(utc=_NOW, boottime_ns=0, boot_id="bench", quality=TimeQuality(source="ntp"))
_CHARACTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


class LookUp(Struct, frozen=True, kw_only=True):
    """Microseconds of processor time of one kind of look-up, over ``LOOKUPS`` of them: load on the machine is not counted."""

    kind: str
    median_us: float
    p99_us: float


class HotListCost(Struct, frozen=True, kw_only=True):
    """What a list of ``entries`` costs: MB (10^6 bytes) that the process grew by, its peak while loading, seconds to load.

    Every entry has a reason of its own, which is the most that a list can ask for."""

    entries: int
    keyed: bool
    file_mb: float
    grown_mb: float
    peak_mb: float
    load_s: float
    lookups: tuple[LookUp, ...]


def measure(folder: Path, entries: int, keyed: bool) -> HotListCost:
    """Make a list of ``entries`` in ``folder``, load it, and look plates up.  Raises ConfigError if it cannot be compiled."""
    path, key = folder / "bench.csv", folder / "bench.key"
    with path.open("w", encoding="ascii") as file:
        file.writelines(_rows(entries))
    write_stamp(path, "bench", "1", _NOW - timedelta(hours=1))
    if keyed:  # by processes of their own, whose memory does not count here
        _command("hotlist", "key", str(key))
        _command("hotlist", "compile", str(path), "--key", str(key), "-o", str(path.with_suffix(".keyed")))
        path = path.with_suffix(".keyed")
    pack = load_pack("us-ct")
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): forgets the peak so far
    before, begun = _memory_mb("VmRSS"), time.perf_counter()
    hot_list = load_hotlist(HotListConfig(files=(path,), key=key if keyed else None), pack, _AT)
    load_s, peak = time.perf_counter() - begun, _memory_mb("VmHWM") - before
    gc.collect()
    return HotListCost(
        entries=hot_list.admitted,
        keyed=keyed,
        file_mb=round(path.stat().st_size / 1e6, 2),
        grown_mb=round(_memory_mb("VmRSS") - before, 1),
        peak_mb=round(peak, 1),
        load_s=round(load_s, 2),
        lookups=(
            _look_up("a sure read that is not listed", hot_list, lambda rng: _read(f"{_plate(rng)}X", {})),
            _look_up("a read of twelve characters, each with three doubts", hot_list, _doubtful),
        ),
    )


def _rows(entries: int) -> Iterator[str]:
    rng = random.Random(1)
    yield ",".join(COLUMNS) + "\n"
    for number in range(entries):
        source, region = rng.choice(("NCIC", "local", "NCMEC")), rng.choice(("CT", "NY", "US-MA", ""))
        yield (
            f"{_plate(rng)},{region},{source},stolen-vehicle,case 26-{number:06d} stolen in Hartford,"
            f"ORI{rng.randrange(900):03d},2026-{rng.randrange(1, 11):02d}-{rng.randrange(1, 29):02d},"
            f"2027-{rng.randrange(1, 13):02d}-28\n"
        )


def _plate(rng: random.Random) -> str:
    return "".join(rng.choices(_CHARACTERS, k=7))


def _doubtful(rng: random.Random) -> Read:
    text = "".join(rng.choices(_CHARACTERS, k=12))
    return _read(text, {place: "".join(rng.sample(_CHARACTERS, 3)) for place in range(12)})


def _read(text: str, doubts: dict[int, str]) -> Read:
    characters = tuple(
        Character(
            character=character,
            confidence=0.6,
            alternatives=tuple(Option(character=other, probability=0.1) for other in doubts.get(place, "")),
        )
        for place, character in enumerate(text)
    )
    best = Detection(box=Box(x=0, y=0, w=90, h=45), corners=((0, 0), (90, 0), (90, 45), (0, 45)), confidence=0.9)
    return Read(
        id="bench",
        camera="bench",
        text=text,
        confidence=0.9,
        characters=characters,
        region="US-CT",
        region_confidence=0.9,
        raw_texts=(text,),
        readings=1,
        frames=1,
        first=_AT,
        last=_AT,
        first_s=0.0,
        last_s=0.0,
        plate_width_px=90.0,
        best=best,
    )


def _look_up(kind: str, hot_list: HotList, read: Callable[[random.Random], Read]) -> LookUp:
    rng, journal = random.Random(2), Journal(io.StringIO())
    taken = []
    for _ in range(LOOKUPS):
        each = read(rng)
        begun = time.thread_time_ns()
        hot_list.match(each, journal)
        taken.append((time.thread_time_ns() - begun) / 1000)
    return LookUp(kind=kind, median_us=round(median(taken), 1), p99_us=round(quantiles(taken, n=100)[98], 1))


def _command(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "edge", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ConfigError(f"measure hot list: {done.stderr.strip().splitlines()[-1:]}")


def _memory_mb(what: str) -> float:
    """A line of ``/proc/self/status``, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) * 1024 / 1e6
