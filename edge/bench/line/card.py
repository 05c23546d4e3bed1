"""Everything that is promised of the line's speed, in one run: what ``make bench`` prints.

Each part is a process of its own (``plate-edge bench …``), so that none runs in another's memory or on another's cores.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from edge.bench.line.clips import Clip, open_clip
from edge.bench.line.duel import Duel, find_plates
from edge.bench.line.mix import empty, mix
from edge.bench.line.record import Record, path_hook
from edge.bench.line.rig import Setup
from edge.bench.line.start import Start, measure_start
from edge.bench.line.targets import Row, camera_rows, ratio_rows, start_rows
from edge.demo.run import HERE as DEMO
from edge.errors import ConfigError

SHARES = (0.0, 0.2, 0.5, 1.0)
#: Of the cameras that were held, so many are taken for the latency under load.
LOADED = 0.8
LOADED_S = 90
STARTS, START_S = 5, 45.0
FPS = 30


_Result = TypeVar("_Result")


class Card(Struct, frozen=True, kw_only=True):
    """The table and what it was made of."""

    rows: tuple[Row, ...]
    duel: Duel
    start: Start
    held: Record
    loaded: Record | None


def make_card(minutes: float, rounds: int, cores: int, more: Sequence[Path], cache: Path, tell: Callable[[str], None]) -> Card:
    """Measure everything, on the bundled clip, mixtures of it that are kept in ``cache``, and ``more`` clips.

    Raises ConfigError if a part cannot be measured."""
    bundled = open_clip(DEMO / "clip.mp4")
    tell("mixing clips with chosen shares of plates")
    shows = [any(found) for found in find_plates(bundled, Setup())]
    mixed = {share: mix(bundled, shows, share, cache) for share in SHARES}
    still = empty(bundled, shows, cache)
    others = [path for path in more if _is_hd(path)]
    clips = [bundled.path, still.path, *(clip.path for clip in mixed.values()), *others]
    with tempfile.TemporaryDirectory(prefix="plate-edge-card-") as scratch:
        folder = Path(scratch)
        tell(f"line, peer and decoding alone by turns on {len(clips)} clips, one core")
        ratios = _part(folder, Duel, ["peer", *map(str, clips), "--rounds", str(rounds), "--cores", "1"])
        start = measure_start(bundled, STARTS, START_S, tell)
        tell(f"cameras at {FPS} frames a second on {cores} cores: searched, then held for {minutes:g} minutes")
        held = _realtime(folder, mixed, cores, 60 * minutes, [])
        cameras = max(1, int(LOADED * held.run.cameras))
        tell(f"frame to outbox with {cameras} cameras")
        loaded = _realtime(folder, mixed, cores, LOADED_S, ["--cameras", str(cameras)])
    rows = [
        *ratio_rows(ratios, still.sha256, mixed[0.0].sha256, mixed[0.5].sha256, mixed[1.0].sha256),
        *camera_rows(held, loaded),
        *start_rows(start),
    ]
    return Card(rows=tuple(rows), duel=ratios, start=start, held=held, loaded=loaded)


def _realtime(folder: Path, mixed: dict[float, Clip], cores: int, seconds: float, more: Sequence[str]) -> Record:
    """Cameras that show the bundled clip and two of the mixtures in turn."""
    clips = [str(DEMO / "clip.mp4"), str(mixed[0.2].path), str(mixed[0.5].path)]
    options = ["--mode", "realtime", "--fps", str(FPS), "--cores", str(cores), "--seconds", str(seconds), *more]
    return _part(folder, Record, ["run", *clips, *options])


def _part(folder: Path, kind: type[_Result], arguments: Sequence[str]) -> _Result:
    """Run a part as a process of its own and read what it wrote.  Raises ConfigError with its last words."""
    out = folder / "part.json"
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", "edge", "bench", *arguments, "--json", str(out)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0 or not out.is_file():
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ConfigError(f"measure `bench {arguments[0]}`: {said[-1] if said else 'it said nothing'}")
    return msgspec.json.decode(out.read_bytes(), type=kind, dec_hook=path_hook)


def _is_hd(path: Path) -> bool:
    """Whether a clip is one that the table is about: H.264 in 1280x720."""
    clip = open_clip(path)
    return (clip.width, clip.height) == (1280, 720) and clip.codec.lower() in ("h264", "avc1")
