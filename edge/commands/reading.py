"""``plate-edge read`` and ``eval``: the models on pictures and clips, and how good they are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from edge import build
from edge.bench.evaluate import evaluate, read_reviews
from edge.bench.failures import FailureSheets
from edge.bench.plots import draw_plots, require_matplotlib
from edge.bench.scorecard import Pair, measure
from edge.bench.tables import score_table, show_scorecard, show_slices
from edge.clock import Clock
from edge.commands.common import (
    DetectorName,
    Json,
    Models,
    RecognizerName,
    Watched,
    say,
    tell,
    write_json,
)
from edge.config import CameraConfig, DetectorConfig, GateConfig, RecognizerConfig, TrackerConfig
from edge.detector.interface import Detector
from edge.errors import CameraError
from edge.journal import Journal
from edge.model_files import bundled_folder, default_models
from edge.present import (
    drawn_words,
)
from edge.read import PictureText, find_inputs, is_clip, read_clip, read_crop, read_picture, shown
from edge.recognizer.fast_plate_ocr import FastPlateOcr
from edge.tracker.interface import Tracker

app = typer.Typer()


@app.command()
def read(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, clips, or folders of them.")],
    crops: Annotated[bool, typer.Option("--crops", help="Each picture is one plate: read it, do not search.")] = False,
    models: Models = None,
    detector: DetectorName = None,
    recognizer: RecognizerName = None,
    json: Json = False,
) -> None:
    """Find and read plates in pictures and clips: no policy, no network, nothing kept."""
    folder = models or bundled_folder()
    clock = Clock()
    ocr = build.recognizer(folder, RecognizerConfig(model=recognizer))
    finder = None if crops else build.detector(folder, DetectorConfig(model=detector))
    undecodable = 0
    for path in find_inputs(paths):
        try:
            if is_clip(path) and finder is not None:
                show_clip(path, finder, build.tracker("clip", TrackerConfig()), ocr, clock, json)
            else:
                show_picture(read_crop(path, ocr, clock) if finder is None else read_picture(path, finder, ocr, clock), json)
        except CameraError as error:
            undecodable += 1
            sys.stderr.write(f"plate-edge: {error}\n")
    if undecodable:
        raise typer.Exit(1)


def show_picture(picture: PictureText, json: bool) -> None:
    """One line a picture."""
    if json:
        write_json(picture)
        return
    found = ", ".join(f"[bold]{p.text or '?'}[/] {p.region} {p.text_confidence:.2f}" for p in picture.plates)
    say().print(f"{escape(picture.image)}  {found or 'no plate'}", soft_wrap=True)


def show_clip(path: Path, finder: Detector, tracker: Tracker, ocr: FastPlateOcr, clock: Clock, json: bool) -> None:
    """One line a Read of the clip, as soon as its pass has ended.  Raises CameraError if the clip cannot be decoded."""
    camera = build.camera(CameraConfig(name=path.name, source=str(path)), clock, Journal())
    reads = 0
    for result in read_clip(path, camera, build.gate(GateConfig()), finder, tracker, ocr):
        reads += 1
        if json:
            write_json(result)
            continue
        say().print(
            f"{escape(result.clip)}  {result.first_s:7.2f}–{result.last_s:.2f} s  [bold]{result.text or '?'}[/]  "
            f"{result.region}  {result.text_confidence:.2f}  ({result.readings} readings)",
            soft_wrap=True,
        )
    if not reads and not json:
        say().print(f"{escape(shown(path))}  no plate", soft_wrap=True)


@app.command(name="eval")
def eval_(
    manifests: Annotated[
        list[Path] | None, typer.Argument(help="Manifests: one JSON object a line, see the README.", show_default=False)
    ] = None,
    everything: Annotated[
        Path | None,
        typer.Option(
            "--all",
            metavar="DIR",
            help="Instead of manifests: all there is to measure, against the targets. Takes manifest.jsonl, crops.jsonl and "
            "video/videos.jsonl of DIR, as far as they are there, the bundled clip, speed and size; the FP32 pair beside the "
            "one that is named or the default.",
        ),
    ] = None,
    models: Models = None,
    detector: DetectorName = None,
    recognizer: RecognizerName = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Detector confidence; the manifest's unless told.")
    ] = None,
    reviewed: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Boxes beside the labels that were looked at, see the README.")
    ] = None,
    slices: Annotated[bool, typer.Option("--slices", help="Also by width, brightness, blur, tilt and state.")] = False,
    failures: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Draw what failed, recall by width and reliability here. The sheets show plates and texts: keep them where "
            "the pictures are kept.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Score the models on labelled pictures: recall, extra boxes, exact text, character errors, by set and width."""
    folder = models or bundled_folder()
    if (everything is None) == (not manifests):
        raise typer.BadParameter("give manifests, or --all with a folder")
    if everything is not None:
        if failures is not None or threshold is not None:
            raise typer.BadParameter("--failures and --threshold go with manifests, not with --all")
        named = default_models(folder)
        pairs = [Pair(name="FP32", detector="detector", recognizer="ocr")]
        chosen = Pair(
            name="default" if detector is None and recognizer is None else "named",
            detector=detector or named.detector,
            recognizer=recognizer or named.recognizer,
        )
        if (chosen.detector, chosen.recognizer) != (pairs[0].detector, pairs[0].recognizer):
            pairs.append(chosen)
        card = measure(folder, pairs, everything, reviewed, Watched())
        if json:
            write_json(card)
        else:
            show_scorecard(card, say(), slices)
        return
    if failures is not None:
        require_matplotlib()
    reviews = None if reviewed is None else read_reviews(reviewed)
    clock = Clock()
    finder = build.detector(folder, DetectorConfig(model=detector, threshold=threshold))
    ocr = build.recognizer(folder, RecognizerConfig(model=recognizer))
    for number, manifest in enumerate(manifests or ()):
        stems = [m.stem for m in manifests or ()]
        name = manifest.stem if stems.count(manifest.stem) == 1 else f"{number + 1}-{manifest.stem}"
        sheets = None if failures is None else FailureSheets(failures, name, ocr.as_read)
        sets = evaluate(
            manifest,
            lambda p: read_picture(p, finder, ocr, clock),
            lambda p: read_crop(p, ocr, clock),
            Watched(),
            (lambda _: None) if sheets is None else sheets.see,
            reviews,
        )
        if json:
            write_json({"manifest": str(manifest), "detector": finder.sha256, "recognizer": ocr.sha256, "sets": sets})
        else:
            say().print(score_table(str(manifest), sets))
            if slices:
                show_slices(sets, say())
        if sheets is not None and failures is not None:
            sheets.close()
            draw_plots(failures, name, sets)
            tell().print(escape(drawn_words(sheets.drawn, failures)), soft_wrap=True)
