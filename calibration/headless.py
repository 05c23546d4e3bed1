"""``plate-edge calibrate check, lens, place, focus, predict, proof, report, compare``: the set-up on clips and pictures.

Exit codes as everywhere: 0 all is well (or works with loss), 1 a line is FAIL, 2 a wrong call, or nothing could be measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from calibration.arguments import direction_of, exposure_of, patch_of, polygon_of, size_of, style_of
from calibration.formulas import KMH_PER_MPH
from calibration.records import Change, Conditions, Finding, FocusPoint, Measure, Road, Share
from calibration.report import shown_value
from edge.commands.common import DetectorName, Json, Models, RecognizerName, Watched, say, tell, write_json

if TYPE_CHECKING:  # what loads OpenCV and the models is imported by the command that needs it
    from calibration.folder import Folder
    from calibration.predict import InstalledModels
    from calibration.steps import Optics

app = typer.Typer()

Into = Annotated[
    Path | None, typer.Option("--into", metavar="DIR", help="The set-up's folder: what is measured is kept there.")
]
CardFile = Annotated[Path | None, typer.Option("--card", help="The card's JSON; a US plate's card unless told.")]
LensFile = Annotated[Path | None, typer.Option("--lens", help="The lens as `lens` wrote it; that of --into unless told.")]
FieldOfView = Annotated[
    float | None,
    typer.Option("--field-of-view", min=1, max=170, help="Degrees across the picture, where no lens is calibrated."),
]
_COLOURS = {"PASS": "green", "WARN": "yellow", "FAIL": "red", "UNKNOWN": "dim"}


@app.command()
def check(
    source: Annotated[Path, typer.Argument(help="A clip, a picture, or a folder of pictures of the camera.")],
    speed: Annotated[float | None, typer.Option(min=1, max=300, help="Fastest speed to be read, km/h.")] = None,
    mph: Annotated[float | None, typer.Option(min=1, max=200, help="The same in mph.")] = None,
    zone: Annotated[float | None, typer.Option(min=0.1, max=500, help="Metres of road on which a plate is seen.")] = None,
    fps: Annotated[float | None, typer.Option(min=0.1, max=1000, help="Frames a second; a clip's own unless told.")] = None,
    exposure: Annotated[str | None, typer.Option(help="Exposure as on the camera's menu: 1/1000, or seconds.")] = None,
    road_angle: Annotated[float | None, typer.Option(min=0, max=90, help="Degrees between road and line of sight.")] = None,
    card: CardFile = None,
    lens: LensFile = None,
    field_of_view: FieldOfView = None,
    into: Into = None,
    models: Models = None,
    detector: DetectorName = None,
    recognizer: RecognizerName = None,
    json: Json = False,
) -> None:
    """Measure what the plates in a clip look like: a traffic light, with what to turn and which way."""
    from calibration import steps

    if speed is not None and mph is not None:
        raise typer.BadParameter("give --speed or --mph, not both")
    road = Road(
        speed_kmh=mph * KMH_PER_MPH if mph is not None else speed,
        zone_m=zone,
        fps=fps,
        exposure_s=None if exposure is None else exposure_of(exposure),
        angle_deg=road_angle,
    )
    folder = _folder(into)
    pair = steps.installed_models(models, detector, recognizer)
    seen = steps.run_check(source, pair, road, steps.card_of(card), _optics(lens, field_of_view, into), folder)
    if json:
        write_json(seen.checked)
    else:
        words = f"{seen.checked.frames} frames of {seen.checked.frame_size[0]}x{seen.checked.frame_size[1]}, "
        _show(words + f"{len(seen.checked.plates)} plates", seen.checked.measures, seen.checked.findings)
    _exit(seen.checked.measures)


@app.command()
def lens(
    sources: Annotated[list[Path], typer.Argument(help="Pictures of the card, folders of them, or clips.")],
    card: CardFile = None,
    into: Into = None,
    json: Json = False,
) -> None:
    """Calibrate the lens from a dozen views of the card: focal length, axis, distortion, and how well they fit."""
    from calibration import steps

    found, refused = steps.run_lens(sources, steps.card_of(card), _folder(into))
    if json:
        write_json(found)
        return
    console = say()
    console.print(
        f"focal length {found.fx:.1f} x {found.fy:.1f} px (± {2 * found.focal_doubt:.1%}), "
        f"axis {found.cx:.1f}, {found.cy:.1f}, distortion k1 {found.distortion[0]:.4f} k2 {found.distortion[1]:.4f}"
    )
    console.print(f"fit {found.rms_px:.2f} px over {found.views} views, {found.coverage:.0%} of the picture covered")
    for name, rms in zip(found.view_names, found.view_rms_px, strict=True):
        console.print(f"  {rms:.2f} px  {escape(name)}")
    _tell_refused(refused)
    _tell_findings(found.findings)


@app.command()
def place(
    sources: Annotated[list[Path], typer.Argument(help="Pictures or clips of the card in the lane, near and far.")],
    lane: Annotated[str | None, typer.Option(help="The lane's polygon, 'x,y x,y …' in shares of the picture.")] = None,
    mask: Annotated[list[str] | None, typer.Option(help="A polygon in which nothing is a plate; may be given again.")] = None,
    travel: Annotated[str | None, typer.Option(help="Direction of travel, 'x,y x,y' from and to.")] = None,
    ruler_mm: Annotated[float | None, typer.Option(min=50, max=200, help="What the card's 100 mm ruler measures.")] = None,
    tape_m: Annotated[float | None, typer.Option(min=0.3, max=500, help="Measured distance of the first picture.")] = None,
    card: CardFile = None,
    lens: LensFile = None,
    field_of_view: FieldOfView = None,
    into: Into = None,
    json: Json = False,
) -> None:
    """Measure the lane with the card held in it: distance, angles, plate width near and far, and the lens it wants."""
    from calibration import steps

    plan = steps.LanePlan(
        lane=polygon_of(lane, "--lane") if lane else (),
        masks=tuple(polygon_of(each, "--mask") for each in mask or ()),
        direction=direction_of(travel) if travel else None,
        ruler_mm=ruler_mm,
        tape_m=tape_m,
    )
    found, refused = steps.run_place(sources, steps.card_of(card), _optics(lens, field_of_view, into), plan, _folder(into))
    if json:
        write_json(found)
    else:
        for pose in found.poses:
            yaw, pitch, roll = (a.best or 0.0 for a in (pose.angles.yaw, pose.angles.pitch, pose.angles.roll))
            say().print(
                f"{escape(pose.name)}: {pose.distance_m:.2f} m, {pose.width_px:.0f} px, yaw {yaw:.1f}°, pitch {pitch:.1f}°, "
                f"roll {roll:.1f}°"
            )
        _tell_refused(refused)
        _show("lane", found.measures, found.findings)
    _exit(found.measures)


@app.command()
def focus(
    source: Annotated[Path, typer.Argument(help="A clip taken while the lens is turned, or pictures in order.")],
    patch: Annotated[str | None, typer.Option(help="x,y,w,h in pixels; the card, else a plate, unless told.")] = None,
    card: CardFile = None,
    into: Into = None,
    models: Models = None,
    detector: DetectorName = None,
    recognizer: RecognizerName = None,
    json: Json = False,
) -> None:
    """Follow focus over a clip while the lens turns: the best so far is held, day and infra-red apart."""
    from calibration import steps

    pair = steps.installed_models(models, detector, recognizer)
    runs, measures = steps.run_focus(source, steps.card_of(card), pair, patch_of(patch) if patch else None, _folder(into))
    if json:
        write_json({"runs": runs, "measures": measures})
    else:
        for run in runs:
            say().print(f"{run.light}: best at {run.best_s:.1f} s, at the end {run.last:.0%} of it  {_spark(run.points)}")
        _show("focus", measures, ())
    _exit(measures)


@app.command()
def predict(
    width: Annotated[
        float | None, typer.Option(min=20, max=2000, help="Plate width, px; what `check` measured unless told.")
    ] = None,
    yaw: Annotated[float | None, typer.Option(min=-70, max=70, help="Horizontal angle, degrees.")] = None,
    pitch: Annotated[float | None, typer.Option(min=-70, max=70, help="Vertical angle, degrees.")] = None,
    blur: Annotated[float | None, typer.Option(min=0, max=30, help="10-90 % width of edges, px.")] = None,
    noise: Annotated[float | None, typer.Option(min=0, max=60, help="Noise, grey levels.")] = None,
    step: Annotated[float | None, typer.Option(min=5, max=250, help="From dark to bright, grey levels.")] = None,
    size: Annotated[str, typer.Option(help="The camera's picture, where no check was made.")] = "1280x720",
    style: Annotated[str, typer.Option(help="Plates: us or european.")] = "us",
    plates: Annotated[int, typer.Option(min=1, max=2000, help="Rendered plates for the rate.")] = 120,
    curve_plates: Annotated[int, typer.Option(min=0, max=2000, help="And for each point of the curves; 0: no curves.")] = 40,
    against: Annotated[
        Path | None, typer.Option(metavar="MANIFEST", help="Instead: hold the prediction against labelled pictures.")
    ] = None,
    into: Into = None,
    models: Models = None,
    detector: DetectorName = None,
    recognizer: RecognizerName = None,
    json: Json = False,
) -> None:
    """Say what the installed models will read here: rendered plates that look as measured, and the curves round that point."""
    from calibration import steps

    pair = steps.installed_models(models, detector, recognizer)
    if against is not None:
        _against(pair, against, json)
        return
    folder = _folder(into)
    checked = None if folder is None else folder.checked()
    if width is None and checked is None:
        raise typer.BadParameter("give --width, or --into with a folder in which `check` left its part")
    conditions = steps.measured_conditions(checked) if checked is not None else Conditions(width_px=0.0, style=style_of(style))
    given = {"width_px": width, "yaw": yaw, "pitch": pitch, "blur_px": blur, "noise": noise, "step": step}
    conditions = steps.with_figures(conditions, {name: value for name, value in given.items() if value is not None})
    frame_size = checked.frame_size if checked is not None else size_of(size)
    found = steps.run_predict(pair, conditions, frame_size, plates, curve_plates, folder)
    if json:
        write_json(found)
        return
    say().print(f"{found.words}")
    for curve in found.curves:
        points = "  ".join(f"{point.value:g}: {point.exact.share:.0%}" for point in curve.points)
        say().print(f"  by {curve.quantity} (today {curve.today:.1f})  {points}")


@app.command()
def proof(
    clips: Annotated[list[Path], typer.Argument(help="Clips of the drive-by, in order.")],
    passes: Annotated[Path, typer.Option(help="The plates driven past, one a line in order; `KLT4827 x20` for twenty.")],
    into: Into = None,
    models: Models = None,
    detector: DetectorName = None,
    recognizer: RecognizerName = None,
    json: Json = False,
) -> None:
    """Prove it: passes of known plates, how many were read whole, and a picture of each that was not."""
    from calibration import steps
    from calibration.proof import proof_measure

    found = steps.run_proof(clips, passes, steps.installed_models(models, detector, recognizer), _folder(into))
    line = proof_measure(found)
    if json:
        write_json(found)
    else:
        say().print(
            f"{found.passes.hits} of {found.passes.total} passes read whole: {_share(found.passes)}; {found.extra} other reads"
        )
        for miss in found.misses:
            at = "" if miss.at_s is None else f" at {miss.at_s:.1f} s"
            picture = f", {miss.picture}" if into is not None and miss.picture else ""
            say().print(f"  missed {miss.wanted}: read {miss.read or 'nothing'}{at}{picture}")
        _show("proof", (line,), ())
    _exit((line,))


@app.command()
def report(
    config: Annotated[Path, typer.Option("-c", "--config", help="The unit's configuration.")],
    camera: Annotated[str, typer.Option(help="The camera's name there.")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="The set-up's folder.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The record; <camera>.calibration.json unless told.")] = None,
    night: Annotated[Path | None, typer.Option(metavar="DIR", help="A second folder: `check` at night, in infra-red.")] = None,
    technician: Annotated[str, typer.Option(help="Who made the set-up.")] = "not named",
    json: Json = False,
) -> None:
    """Sign the record with the unit's key, and write the page that goes with it."""
    from calibration import steps
    from calibration.folder import Folder
    from calibration.judge import worst
    from edge.config import load_device

    where = out or Path(f"{camera}.calibration.json")
    dark = None if night is None else Folder(night)
    verified, record, page = steps.run_report(load_device(config), camera, Folder(into), where, technician, dark)
    if json:
        write_json(
            {"id": verified.id, "record": str(where), "page": str(page), "verdict": worst((*record.measures, *record.night))}
        )
    else:
        _show(f"camera {camera}", record.measures, record.findings)
        if record.night:
            _show("at night", record.night, ())
        say().print(f"record {verified.id}: {escape(str(where))} and {escape(str(page))}", soft_wrap=True)
        say().print(f'add it to the camera in device.toml: calibration = "{escape(str(where))}"', soft_wrap=True)
    _exit((*record.measures, *record.night))


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="The earlier record.")],
    after: Annotated[Path, typer.Argument(help="The later one.")],
    key: Annotated[Path, typer.Option(help="The unit's public key, sign.pem.")],
    json: Json = False,
) -> None:
    """Say what has drifted between two records of one camera."""
    from calibration.record import compare_records, open_record
    from edge.envelope.keyring import load_public_keys

    keys = load_public_keys(key)
    changes = compare_records(open_record(before, keys)[1], open_record(after, keys)[1])
    if json:
        write_json(changes)
    else:
        say().print(_changes(changes))
    if any(change.verdict == "FAIL" for change in changes):
        raise typer.Exit(1)


def _folder(into: Path | None) -> Folder | None:
    from calibration.folder import Folder

    return None if into is None else Folder(into)


def _optics(lens: Path | None, field_of_view: float | None, into: Path | None) -> Optics:
    """The lens that is named, that of the folder, or a field of view."""
    from calibration.folder import Folder, read_part
    from calibration.records import Lens
    from calibration.steps import Optics

    if lens is not None:
        return Optics(lens=read_part(lens, Lens))
    known = None if into is None or field_of_view is not None else Folder(into).lens()
    return Optics(lens=known, field_of_view=field_of_view)


def _against(pair: InstalledModels, manifest: Path, json: bool) -> None:
    from calibration.against import compare as compare_with

    found = compare_with(pair, manifest, Watched())
    if json:
        write_json(found)
        return
    table = Table("plate width, px", "plates", "read whole", "predicted", "difference, points")
    for group in (*found.groups, found.all):
        span = "all" if group is found.all else f"{group.from_px} to {group.to_px}" if group.to_px else f"from {group.from_px}"
        table.add_row(span, str(group.measured.total), _share(group.measured), _share(group.predicted), f"{group.points:+.1f}")
    say().print(table)


def _show(title: str, measures: Sequence[Measure], findings: Sequence[Finding]) -> None:
    table = Table("", "what", "measured", "target", "what to do", title=title)
    for line in measures:
        table.add_row(
            f"[{_COLOURS[line.verdict]}]{line.verdict}[/]",
            line.name,
            escape(shown_value(line)),
            escape(line.target),
            escape(line.words),
        )
    say().print(table)
    _tell_findings(findings)


def _changes(changes: Sequence[Change]) -> Table:
    table = Table("", "what", "before", "after", "", "why perhaps")
    for each in changes:
        before, after = (("–" if value is None else f"{value:.4g}") for value in (each.before, each.after))
        table.add_row(f"[{_COLOURS[each.verdict]}]{each.verdict}[/]", each.name, before, after, each.unit, escape(each.words))
    return table


def _tell_findings(findings: Sequence[Finding]) -> None:
    for each in findings:
        tell().print(f"{escape(each.what)}: {escape(each.cure)}", soft_wrap=True)


def _tell_refused(refused: Sequence[tuple[str, Finding]]) -> None:
    console: Console = tell()
    for name, finding in refused:
        console.print(f"not used: {escape(name)}: {escape(finding.what)}; {escape(finding.cure)}", soft_wrap=True)


def _share(share: Share) -> str:
    return f"{share.share:.0%} ({share.low:.0%} to {share.high:.0%})"


def _spark(points: Sequence[FocusPoint]) -> str:
    """The course of focus in one line of blocks."""
    blocks = " ▁▂▃▄▅▆▇█"
    some = points[:: max(1, len(points) // 48)]
    return "".join(blocks[min(8, int(point.of_best * 8.99))] for point in some)


def _exit(measures: Sequence[Measure]) -> None:
    if any(line.verdict == "FAIL" for line in measures):
        raise typer.Exit(1)
