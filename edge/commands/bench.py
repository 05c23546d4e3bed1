"""``plate-edge bench``: how fast the line is on this machine."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from typer.core import TyperGroup

from edge.bench.line.accuracy import at_fps, truths
from edge.bench.line.card import Card, make_card
from edge.bench.line.clips import Clip, open_clip, retimed
from edge.bench.line.comparing import compare
from edge.bench.line.counting import Plan
from edge.bench.line.duel import Duel, duel, find_plates
from edge.bench.line.mix import mix
from edge.bench.line.record import Mode, Record, Sample, encode
from edge.bench.line.report import Measured, page, read_measured
from edge.bench.line.rig import NO_POLICY, Setup
from edge.bench.line.run import run
from edge.bench.line.show import show_card, show_comparison, show_duel, show_record
from edge.bench.passes import DueClip
from edge.commands import bench_ingest
from edge.commands.common import DetectorName, Json, Models, RecognizerName, say, tell, write_json
from edge.config import Provider
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
bench_commands.command("ingest")(bench_ingest.ingest)
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the record as JSON here.")]


#: How long each mode counts unless told.
SECONDS: dict[Mode, float] = {"model": 15, "single": 40, "offline": 40, "realtime": 600, "soak": 3600}


@bench_commands.command("run")
def run_(
    clips: Annotated[list[Path], typer.Argument(help="Clips.")],
    mode: Annotated[
        Mode,
        typer.Option(
            help="model: detector and reader alone. single: the whole line, the next frame when it is done. offline: the same, "
            "with and without decoding. realtime: how many cameras at their own speed without a dropped frame. soak: an hour "
            "at 80 % of that."
        ),
    ] = "single",
    seconds: Annotated[
        float | None, typer.Option(min=1, help="How long to count, after warm-up; each mode has its own.")
    ] = None,
    cameras: Annotated[
        int | None,
        typer.Option(min=1, help="So many cameras, which take turns with the clips; without it realtime and soak search."),
    ] = None,
    fps: Annotated[float | None, typer.Option(min=1, max=240, help="Play the clips at this frame rate.")] = None,
    cores: Annotated[int | None, typer.Option(min=1, help="Use only so many of the machine's cores.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each model.")] = 1,
    pixels: Annotated[int | None, typer.Option(help="Pixels of a frame that the detector sees.")] = None,
    provider: Annotated[Provider, typer.Option(help="Where the models run; nowhere else, if it cannot be had.")] = "cpu",
    precision: Annotated[
        Literal["fp32", "int8"] | None,
        typer.Option(help="Which bundled models; the default ones unless told."),
    ] = None,
    pack: Annotated[str, typer.Option(help="The policy.")] = "us-ct",
    no_policy: Annotated[bool, typer.Option("--no-policy", help="The least that a pack can say.")] = False,
    every_frame: Annotated[
        bool, typer.Option("--every-frame", help="The detector looks at every frame, whatever it shows.")
    ] = False,
    delivery: Annotated[
        bool, typer.Option("--delivery", help="With a broker, over TLS, and an agency end: frame to receipt.")
    ] = False,
    truth: Annotated[
        list[Path] | None,
        typer.Option(help="What the clips show: videos.jsonl, or a truth.json beside its clip.mp4; may be given again."),
    ] = None,
    models: Models = None,
    detector: DetectorName = None,
    recognizer: RecognizerName = None,
    note: Annotated[str, typer.Option(help="For the record: cooling, supply, surroundings.")] = "",
    data: Annotated[Path | None, typer.Option(help="Where the outbox lies meanwhile: the disk that a unit would use.")] = None,
    json: JsonFile = None,
) -> None:
    """Measure the line on clips."""
    use_cores(cores)
    cv2.setNumThreads(1)
    if precision is not None and (detector or recognizer):
        raise typer.BadParameter("--precision names the models; leave --detector and --recognizer out")
    by_precision = {"fp32": ("detector", "ocr"), "int8": ("detector-int8", "ocr-int8")}
    named = by_precision[precision] if precision is not None else (detector, recognizer)
    setup = Setup(
        models=models,
        detector=named[0],
        recognizer=named[1],
        pixels=pixels,
        providers=(provider,),
        threads=threads,
        pack=str(NO_POLICY) if no_policy else pack,
        every_frame=every_frame,
        delivery=delivery,
    )
    with (
        tempfile.TemporaryDirectory(prefix="plate-edge-clips-") as scratch,
        Watched(f"{mode}: looking through the clips") as show,
    ):
        opened = [open_clip(clip) for clip in clips]
        known = truths(opened, truth or ())
        if fps is not None:
            opened, known = at_rate(opened, known, fps, Path(scratch))
        plan = Plan(
            mode=mode,
            clips=tuple(opened),
            seconds=seconds or SECONDS[mode],
            setup=setup,
            cameras=cameras,
            known=known,
            note=note,
            data=data,
        )
        result = run(plan, show)
    write(result, json)
    show_record(result, say())


@bench_commands.command("peer")
def peer(
    clips: Annotated[list[Path], typer.Argument(help="Clips.")],
    rounds: Annotated[int, typer.Option(min=1, help="Turns that each gets.")] = 8,
    cores: Annotated[int | None, typer.Option(min=1, help="Use only so many of the machine's cores.")] = 1,
    models: Models = None,
    detector: DetectorName = None,
    recognizer: RecognizerName = None,
    note: Annotated[str, typer.Option(help="For the record: cooling, supply, surroundings.")] = "",
    json: JsonFile = None,
) -> None:
    """The whole line, fast-alpr's chain and decoding alone on the same frames, by turns: ratios that hold on a busy machine."""
    use_cores(cores)
    cv2.setNumThreads(1)
    setup = Setup(models=models, detector=detector, recognizer=recognizer)
    with Watched("looking through the clips") as show:
        result = duel([open_clip(clip) for clip in clips], setup, rounds, note, show.say)
    write(result, json)
    show_duel(result, say())


@bench_commands.command("table")
def table(
    clips: Annotated[list[Path] | None, typer.Argument(help="More clips for the comparison: H.264, 1280x720.")] = None,
    minutes: Annotated[float, typer.Option(min=0.2, help="How long the cameras that were found are held.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, help="Turns that line, peer and decoding alone get.")] = 5,
    cores: Annotated[int, typer.Option(min=1, help="Cores for the cameras.")] = 2,
    cache: Annotated[Path, typer.Option(help="Where mixed clips are kept.")] = Path(".cache/bench"),
    json: JsonFile = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page here.")] = None,
) -> None:
    """Everything that is promised of the line's speed, in one run: what `make bench` prints."""
    use_cores(None)
    with Watched("looking through the clips") as show:
        card = make_card(minutes, rounds, min(cores, len(os.sched_getaffinity(0))), clips or (), cache, show.step)
    write(card, json)
    if html is not None:
        write_page([("The table", card)], html)
    show_card(card, say())


@bench_commands.command("mix")
def mix_(
    clip: Annotated[Path, typer.Argument(help="A clip with busy and with empty stretches.")],
    share: Annotated[list[float], typer.Option(min=0, max=1, help="Share of frames with a plate; may be given again.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write into.")],
    models: Models = None,
    detector: DetectorName = None,
) -> None:
    """Cut clips with a chosen share of frames that show a plate, as our own detector sees them."""
    with Watched("looking for plates") as show:
        opened = open_clip(clip)
        shows = [any(found) for found in find_plates(opened, Setup(models=models, detector=detector))]
        for each in share:
            show.say(f"mixing {each:.0%}")
            mixed = mix(opened, shows, each, out)
            tell().print(f"wrote {escape(str(mixed.path))}, {mixed.frames} frames", soft_wrap=True)


@bench_commands.command("report")
def report(
    files: Annotated[list[Path], typer.Argument(help="What `--json` wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The page.")] = Path("bench.html"),
) -> None:
    """Make one self-contained HTML page of records."""
    write_page([(file.stem, read_measured(file)) for file in files], out)
    tell().print(f"wrote {escape(str(out))}", soft_wrap=True)


@bench_commands.command("compare")
def compare_(
    a: Annotated[Path, typer.Argument(help="The record before.")],
    b: Annotated[Path, typer.Argument(help="The record after.")],
    json: Json = False,
) -> None:
    """Say whether B is faster than A, slower, or the same within the noise."""
    records = [read_measured(file) for file in (a, b)]
    if not all(isinstance(each, Record) for each in records):
        raise ConfigError("compare records: only those of `plate-edge bench CLIP… --json` can be compared")
    result = compare(records[0], records[1])  # type: ignore[arg-type]
    if json:
        write_json(result)
    else:
        show_comparison(result, say())


def write_page(measured: Sequence[tuple[str, Measured]], path: Path) -> None:
    """The page in ``path``.  Raises ConfigError."""
    try:
        path.write_text(page(measured), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"write {path}: {error.strerror or error}") from error


def at_rate(
    clips: Sequence[Clip], known: Mapping[str, DueClip], fps: float, folder: Path
) -> tuple[list[Clip], Mapping[str, DueClip]]:
    """The clips, and what is known of them, played at another frame rate."""
    faster = [retimed(clip, fps, folder) for clip in clips]
    pairs = [(old, new) for old, new in zip(clips, faster, strict=True) if old.sha256 in known]
    return faster, {new.sha256: at_fps(known[old.sha256], fps / old.fps) for old, new in pairs}


def use_cores(cores: int | None) -> None:
    """Keep this process, and what it starts, on the first ``cores`` cores it may use; end in good order when told to.

    The program starts again for it, in this process, since some of its parts look at the cores when they are loaded.  Raises
    ConfigError if there are not so many."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the broker and the agency end that were started end too
    allowed = sorted(os.sched_getaffinity(0))
    if cores is None or cores == len(allowed):
        return
    if cores > len(allowed):
        raise ConfigError(f"measure on {cores} cores: this machine gives us {len(allowed)}")
    os.sched_setaffinity(0, allowed[:cores])
    os.execv(sys.executable, [sys.executable, "-m", "edge", *sys.argv[1:]])  # noqa: S606  this very program again


def write(record: Record | Duel | Card, path: Path | None) -> None:
    """JSON in ``path``.  Raises ConfigError."""
    if path is None:
        return
    try:
        path.write_bytes(encode(record) + b"\n")
    except OSError as error:
        raise ConfigError(f"write {path}: {error.strerror or error}") from error


class Watched:
    """A line on the terminal that says how far a run is; nothing where standard error is no terminal."""

    def __init__(self, words: str) -> None:
        self._progress = Progress(
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=tell(),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task(words, total=None)

    def __enter__(self) -> Watched:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, sample: Sample) -> None:
        """Show one look at the machine."""
        words = f"{sample.at_s:5.0f} s, {sample.frames} frames, {sample.dropped} dropped, {sample.rss_mb:.0f} MB"
        self.say(words)

    def say(self, words: str) -> None:
        """Show what is done now."""
        self._progress.update(self._task, description=words)

    def step(self, words: str) -> None:
        """Show what is done now; a line where there is no terminal, for something that takes minutes."""
        if sys.stderr.isatty():
            self.say(words)
        else:
            tell().print(words, soft_wrap=True)
