"""The commands: parse, load, build, run, exit code; nothing else.

Exit codes: 0 done, 1 found something wrong, 2 wrong call or configuration (see the README's table)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import track as progress_bar
from rich.table import Table

from edge import build
from edge.bench.evaluate import ManifestPicture, SetScores, evaluate
from edge.bench.score import Rate
from edge.clock import Clock
from edge.config import CameraConfig, DetectorConfig, RecognizerConfig, TrackerConfig
from edge.errors import CameraError
from edge.model_files import bundled_folder, read_manifest
from edge.read import find_inputs, is_clip, read_clip, read_crop, read_picture

app = typer.Typer(
    name="plate-edge",
    help="Licence-plate reads that carry their own sharing rules, decided and sealed at the camera.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Models = Annotated[Path | None, typer.Option("--models", help="Folder with manifest.toml; the bundled models unless told.")]
DetectorName = Annotated[str, typer.Option("--detector", help="Detector, by its name in the manifest.")]
RecognizerName = Annotated[str, typer.Option("--recognizer", help="Plate reader, by its name in the manifest.")]


def write_json(value: object) -> None:
    """One JSON object on one line of standard output."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def say() -> Console:
    """The console for people: standard output."""
    return Console(highlight=False)


def tell() -> Console:
    """The console for progress and warnings: standard error."""
    return Console(stderr=True, highlight=False)


@app.command()
def read(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, clips, or folders of them.")],
    crops: Annotated[bool, typer.Option("--crops", help="Each picture is one plate: read it, do not search.")] = False,
    models: Models = None,
    detector: DetectorName = "detector",
    recognizer: RecognizerName = "ocr",
    json: Json = False,
) -> None:
    """Find and read plates in pictures and clips: no policy, no network, nothing kept."""
    folder = models or bundled_folder()
    clock = Clock()
    ocr = build.recognizer(folder, RecognizerConfig(model=recognizer))
    finder = None if crops else build.detector(folder, DetectorConfig(model=detector))
    undecodable = 0
    for path in find_inputs(paths):
        if is_clip(path) and finder is not None:
            camera = build.camera(CameraConfig(name="clip", source=str(path)), clock)
            for result in read_clip(path, camera, finder, build.tracker("clip", TrackerConfig()), ocr):
                if json:
                    write_json(result)
                else:
                    say().print(
                        f"{path}  {result.first_s:7.2f}–{result.last_s:.2f} s  [bold]{result.text}[/]  {result.region}  "
                        f"{result.text_confidence:.2f}  ({result.readings} readings)"
                    )
            continue
        try:
            picture = read_crop(path, ocr, clock) if finder is None else read_picture(path, finder, ocr, clock)
        except CameraError as error:
            undecodable += 1
            tell().print(f"plate-edge: {error}", style="red")
            continue
        if json:
            write_json(picture)
        else:
            found = ", ".join(f"[bold]{p.text or '?'}[/] {p.region} {p.text_confidence:.2f}" for p in picture.plates)
            say().print(f"{path}  {found or 'no plate'}")
    if undecodable:
        raise typer.Exit(1)


@app.command(name="eval")
def eval_(
    manifests: Annotated[list[Path], typer.Argument(help="Manifests: one JSON object a line, see the README.")],
    models: Models = None,
    detector: DetectorName = "detector",
    recognizer: RecognizerName = "ocr",
    threshold: Annotated[float | None, typer.Option(help="Detector confidence; the manifest's unless told.")] = None,
    json: Json = False,
) -> None:
    """Score the models on labelled pictures: recall, extra boxes, exact text, character errors, by set and width."""
    folder = models or bundled_folder()
    clock = Clock()
    finder = build.detector(folder, DetectorConfig(model=detector, threshold=threshold))
    ocr = build.recognizer(folder, RecognizerConfig(model=recognizer))

    def watched(pictures: Iterator[ManifestPicture], total: int) -> Iterator[ManifestPicture]:
        yield from progress_bar(pictures, total=total, description="reading", console=tell(), transient=True)

    for manifest in manifests:
        sets = evaluate(manifest, lambda p: read_picture(p, finder, ocr, clock), lambda p: read_crop(p, ocr, clock), watched)
        if json:
            write_json({"manifest": str(manifest), "detector": finder.sha256, "recognizer": ocr.sha256, "sets": sets})
        else:
            say().print(_score_table(manifest, sets))


def _score_table(manifest: Path, sets: tuple[SetScores, ...]) -> Table:
    table = Table(title=str(manifest))
    for column in (
        "set",
        "pictures",
        "recall ≥ 60 px",
        "≥ 100 px",
        "all",
        "extra/frame",
        "exact",
        "exact, O=0",
        "CER",
        "state",
    ):
        table.add_column(column, justify="left" if column == "set" else "right")
    for each in sets:
        if each.frames is not None:
            f = each.frames
            table.add_row(
                each.name, str(f.frames), _share(f.at_least_60_px.recall), _share(f.at_least_100_px.recall),
                _share(f.all.recall), f"{f.extra_boxes_per_frame:.3f}", _share(f.all.exact), _share(f.all.exact_folded),
                "–" if f.all.cer is None else f"{f.all.cer:.3f}", "–",
            )  # fmt: skip
        if each.crops is not None:
            c = each.crops
            state = f"{each.state_right}/{each.state_known}" if each.state_known else "–"
            cer = "–" if c.cer is None else f"{c.cer:.3f}"
            table.add_row(
                each.name, str(c.exact.total), "–", "–", "–", "–", _share(c.exact), _share(c.exact_folded), cer, state
            )
    return table


def _share(rate: Rate) -> str:
    return "–" if rate.share is None else f"{rate.share:.3f} ({rate.hits}/{rate.total})"


@app.command()
def models(folder: Models = None, json: Json = False) -> None:
    """List the installed models."""
    entries = read_manifest(folder or bundled_folder())
    if json:
        write_json(entries)
        return
    table = Table("name", "format", "file", "SHA-256", "licence", "about")
    for name, entry in entries.items():
        table.add_row(name, entry.format, entry.file, entry.sha256[:12] + "…", entry.licence, entry.about)
    say().print(table)
