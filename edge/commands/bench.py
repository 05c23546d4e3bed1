"""``plate-edge bench``: how fast the line is on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import cv2
import typer
from rich.progress import BarColumn, Progress, TextColumn
from typer.core import TyperGroup

from edge.bench.line.clips import open_clip
from edge.bench.line.record import Mode, Record, Sample, encode
from edge.bench.line.rig import Setup
from edge.bench.line.run import Plan, run_offline, run_single
from edge.bench.line.show import show_record
from edge.commands.common import DetectorName, Models, RecognizerName, say, tell
from edge.errors import ConfigError


class ClipsFirst(TyperGroup):
    """`bench CLIP…` is short for `bench run CLIP…`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name before clips and options."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


bench_commands = typer.Typer(
    cls=ClipsFirst,
    help="How fast the line is on this machine: `plate-edge bench CLIP… --mode MODE`, which is `bench run`.",
    no_args_is_help=True,
)
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the record as JSON here.")]


@bench_commands.command("run")
def run(
    clips: Annotated[list[Path], typer.Argument(help="Clips; each is one camera.")],
    mode: Annotated[Mode, typer.Option(help="What to measure.")] = "single",
    seconds: Annotated[float, typer.Option(min=1, help="How long to count, after warm-up.")] = 30,
    cores: Annotated[int | None, typer.Option(min=1, help="Use only so many of the machine's cores.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each model.")] = 1,
    pixels: Annotated[int | None, typer.Option(help="Pixels of a frame that the detector sees.")] = None,
    pack: Annotated[str, typer.Option(help="The policy.")] = "us-ct",
    delivery: Annotated[
        bool, typer.Option("--delivery", help="With a broker, over TLS, and an agency end: frame to receipt.")
    ] = False,
    models: Models = None,
    detector: DetectorName = None,
    recognizer: RecognizerName = None,
    note: Annotated[str, typer.Option(help="For the record: cooling, supply, surroundings.")] = "",
    data: Annotated[Path | None, typer.Option(help="Where the outbox lies meanwhile: the disk that a unit would use.")] = None,
    json: JsonFile = None,
) -> None:
    """Measure the whole line on clips."""
    use_cores(cores)
    cv2.setNumThreads(1)
    setup = Setup(
        models=models,
        detector=detector,
        recognizer=recognizer,
        pixels=pixels,
        threads=threads,
        pack=pack,
        delivery=delivery,
    )
    with watched(f"{mode}: looking through the clips") as watch:
        plan = Plan(
            mode=mode, clips=tuple(open_clip(clip) for clip in clips), seconds=seconds, setup=setup, note=note, data=data
        )
        result = {"single": run_single, "offline": run_offline}[mode](plan, watch)
    write(result, json)
    show_record(result, say())


def use_cores(cores: int | None) -> None:
    """Keep this process, and what it starts, on the first ``cores`` cores it may use.  Raises ConfigError."""
    allowed = sorted(os.sched_getaffinity(0))
    if cores is not None:
        if cores > len(allowed):
            raise ConfigError(f"measure on {cores} cores: this machine gives us {len(allowed)}")
        os.sched_setaffinity(0, allowed[:cores])


def write(record: Record, path: Path | None) -> None:
    """The record as JSON in ``path``.  Raises ConfigError."""
    if path is None:
        return
    try:
        path.write_bytes(encode(record) + b"\n")
    except OSError as error:
        raise ConfigError(f"write {path}: {error.strerror or error}") from error


class watched:
    """A line on the terminal that says how far a run is; nothing where standard error is no terminal."""

    def __init__(self, words: str) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), console=tell(), transient=True, disable=not sys.stderr.isatty()
        )
        self._task = self._progress.add_task(words, total=None)

    def __enter__(self) -> watched:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, sample: Sample) -> None:
        """Show one look at the machine."""
        words = f"{sample.at_s:5.0f} s, {sample.frames} frames, {sample.dropped} dropped, {sample.rss_mb:.0f} MB"
        self._progress.update(self._task, description=words)
