"""The steps of a set-up without a page: each goes through clips and pictures and leaves its part in the set-up's folder."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from msgspec import Struct

from calibration.card import CardFinder
from calibration.check import Checked, Seen, check
from calibration.drawing import card_picture_of, curves_picture, lane_picture
from calibration.focus import Patch, PeakHold, focus_measures, patch_of
from calibration.folder import CHECK, FOCUS, LENS, PLACE, PREDICT, PROOF, Folder
from calibration.formulas import focal_px
from calibration.judge import measure
from calibration.lens import LensView, calibrate_lens, lens_view, residual_picture
from calibration.place import place_lane
from calibration.predict import InstalledModels, conditions_of, predict
from calibration.proof import PassRead, proof_measure, prove, read_passes
from calibration.record import merged, save_record, setup_of
from calibration.records import (
    Conditions,
    Corners,
    Finding,
    FocusRun,
    Geometry,
    Lens,
    Measure,
    Prediction,
    Proof,
    Record,
    Road,
)
from calibration.report import report_html
from calibration.target import Card, make_card, read_card
from calibration.thresholds import EXACT_RATE
from edge import __version__, build
from edge.camera.images import read_image
from edge.camera.interface import Camera, GapBegan
from edge.camera_setup import Verified
from edge.clock import Clock
from edge.config import CameraConfig, DetectorConfig, DeviceConfig, GateConfig, RecognizerConfig, TrackerConfig
from edge.envelope.keyring import load_private_key
from edge.errors import CameraError, ConfigError
from edge.journal import Journal
from edge.model_files import bundled_folder
from edge.read import find_inputs, is_clip, read_clip
from edge.records import Image, Point

T = TypeVar("T")

#: Of a clip with the card, so many frames are looked at.
CLIP_VIEWS = 60
#: Frames of a clip without a known length.
_UNKNOWN_LENGTH = 600
FOCUS_FRAMES = 600


class Optics(Struct, frozen=True, kw_only=True):
    """What is known of the camera's optics: a calibrated lens, a field of view in degrees across the picture, or nothing."""

    lens: Lens | None = None
    field_of_view: float | None = None

    def focal_px(self, frame_width: int) -> float | None:
        """The focal length in pixels, where anything is known."""
        if self.lens is not None:
            return self.lens.fx
        return None if self.field_of_view is None else focal_px(frame_width, self.field_of_view)


def installed_models(folder: Path | None, detector: str | None, recognizer: str | None) -> InstalledModels:
    """The pair that a unit would run.  Raises ModelError."""
    where = folder or bundled_folder()
    return InstalledModels(
        detector=build.detector(where, DetectorConfig(model=detector)),
        recognizer=build.recognizer(where, RecognizerConfig(model=recognizer)),
    )


def card_of(path: Path | None) -> Card:
    """The card that a JSON file describes; that of a US plate where none is named.  Raises ConfigError."""
    return make_card() if path is None else read_card(path)


def run_check(source: Path, models: InstalledModels, road: Road, card: Card, optics: Optics, folder: Folder | None) -> Seen:
    """``check``.  Raises CameraError."""
    clip = source.is_file() and is_clip(source)
    # Pictures are seconds apart for the tracker: each is a pass of its own.
    tracking = TrackerConfig() if clip else TrackerConfig(max_gap_s=0.5, min_detections=1)
    frames = clip_frames(source) if clip else len(list(find_inputs([source])))
    first = next(iter(_frames(source)), None)
    width = first.shape[1] if first is not None else 0
    if road.fps is None and clip:
        road = Road(
            speed_kmh=road.speed_kmh, zone_m=road.zone_m, fps=clip_fps(source), exposure_s=road.exposure_s,
            angle_deg=road.angle_deg,
        )  # fmt: skip
    seen = check(
        str(source), _camera(source), models, build.tracker("check", tracking), road, CardFinder(card),
        lens=optics.lens, focal_px=optics.focal_px(width), frames=frames,
    )  # fmt: skip
    if folder is not None:
        folder.keep(CHECK, seen.checked)
        folder.picture("scene.jpg", seen.scene)
    return seen


def run_lens(sources: Sequence[Path], card: Card, folder: Folder | None) -> tuple[Lens, tuple[tuple[str, Finding], ...]]:
    """``lens``: the lens, and the pictures that were refused with the reason.  Raises CameraError."""
    finder = CardFinder(card)
    views: list[LensView] = []
    refused: list[tuple[str, Finding]] = []
    for name, image in card_pictures(sources):
        view = lens_view(name, image, finder)
        if isinstance(view, Finding):
            refused.append((name, view))
        else:
            views.append(view)
    lens = calibrate_lens(views, refused)
    if folder is not None:
        folder.keep(LENS, lens)
        folder.picture("lens.png", residual_picture(views, lens))
    return lens, tuple(refused)


class LanePlan(Struct, frozen=True, kw_only=True):
    """What the technician draws and measures: polygons in shares of the picture, the card's ruler, the tape."""

    lane: tuple[Point, ...] = ()
    masks: tuple[tuple[Point, ...], ...] = ()
    direction: Point | None = None
    ruler_mm: float | None = None
    tape_m: float | None = None


def run_place(
    sources: Sequence[Path], card: Card, optics: Optics, plan: LanePlan, folder: Folder | None
) -> tuple[Geometry, tuple[tuple[str, Finding], ...]]:
    """``place``: the lane, and the pictures without a card with the reason.  Raises CameraError."""
    finder = CardFinder(card)
    views, refused, pictures = [], [], []
    for name, image in card_pictures(sources):
        found = finder.find(image)
        if isinstance(found, Finding):
            refused.append((name, found))
        else:
            views.append((name, found))
            pictures.append(image)
    if not views:
        what = refused[0][1] if refused else Finding(what="no picture was given", cure="give pictures of the card in the lane")
        raise CameraError(f"place card: {what.what}; {what.cure}")
    geometry = place_lane(
        views, card, lens=optics.lens, focal_px=optics.focal_px(views[0][1].frame_size[0]), lane=plan.lane, masks=plan.masks,
        direction=plan.direction, ruler_mm=plan.ruler_mm, tape_m=plan.tape_m,
    )  # fmt: skip
    if folder is not None:
        folder.keep(PLACE, geometry)
        for (name, _), image in zip(views, pictures, strict=True):
            pose = next(pose for pose in geometry.poses if pose.name == name)
            if pose in (geometry.near, geometry.far):
                folder.picture(f"card-{'near' if pose == geometry.near else 'far'}.jpg", card_picture_of(image, pose))
    return geometry, tuple(refused)


def run_focus(
    source: Path, card: Card, models: InstalledModels | None, patch: Patch | None, folder: Folder | None
) -> tuple[tuple[FocusRun, ...], tuple[Measure, ...]]:
    """``focus`` over a clip while the lens turns, on ``patch``, the card, or a plate.  Raises CameraError."""
    where = patch or _focus_patch(source, card, models)
    hold = PeakHold()
    every = max(1, clip_frames(source) // FOCUS_FRAMES) if is_clip(source) else 1
    rate = clip_fps(source) if is_clip(source) else 1.0
    blank = 0
    for number, image in enumerate(_frames(source)):
        if number % every == 0:
            try:
                hold.see(number / (rate or 1.0), image, where)
            except CameraError:  # so far out of focus, or so dark, that the patch shows nothing
                blank += 1
    runs = hold.runs()
    if not runs:
        raise CameraError("measure focus: the patch never shows an edge; choose one on the card or a plate (--patch)")
    if folder is not None:
        folder.keep(FOCUS, runs)
    return runs, focus_measures(runs)


def run_predict(
    models: InstalledModels, conditions: Conditions, frame_size: tuple[int, int], plates: int, curve_plates: int,
    folder: Folder | None,
) -> Prediction:  # fmt: skip
    """``predict`` under these conditions."""
    prediction = predict(models, conditions, frame_size, plates=plates, curve_plates=curve_plates)
    if folder is not None:
        folder.keep(PREDICT, prediction)
        folder.picture("predict.png", curves_picture(prediction))
    return prediction


def measured_conditions(checked: Checked) -> Conditions:
    """What ``check`` measured, as conditions.  Raises CameraError where it saw no plate."""
    if not checked.plates:
        raise CameraError(
            "predict: the check saw no plate to measure; check a clip with a plate in it, or give the conditions (--width …)"
        )
    return conditions_of(checked.plates, checked.angles)


def with_figures(conditions: Conditions, figures: dict[str, float]) -> Conditions:
    """The same with some figures given instead of measured."""
    return msgspec.structs.replace(conditions, **figures)


def prediction_measure(prediction: Prediction) -> Measure:
    """The predicted rate as a line of the report."""
    exact = prediction.exact
    line = measure(
        "predicted_exact", exact.share * 100, "% of pictures", "≥ 90", exact.share, EXACT_RATE,
        "see the curves for what would help most: wider, straighter, or sharper plates",
    )  # fmt: skip
    return Measure(
        name=line.name, value=round(exact.share * 100, 1), unit=line.unit, target=line.target, verdict=line.verdict,
        words=line.words, source=line.source, low=round(exact.low * 100, 1), high=round(exact.high * 100, 1),
    )  # fmt: skip


def run_proof(clips: Sequence[Path], passes: Path, models: InstalledModels, folder: Folder | None) -> Proof:
    """``proof``: the clips of the drive-by, in order, against the list of passes.  Raises CameraError or ConfigError."""
    wanted = read_passes(passes)
    reads: list[PassRead] = []
    moments: list[tuple[Path, float]] = []
    for clip in find_inputs(list(clips)):
        if not is_clip(clip):
            raise CameraError(f"prove {clip}: a drive-by is a clip; for pictures use plate-edge eval")
        tracker = build.tracker("proof", TrackerConfig())
        gate = build.gate(GateConfig())
        for read in read_clip(clip, _camera(clip), gate, models.detector, tracker, models.recognizer):
            if read.text:
                name = f"miss-{len(reads) + 1:03d}.jpg"
                reads.append(PassRead(text=read.text, at_s=round((read.first_s + read.last_s) / 2, 2), picture=name))
                moments.append((clip, (read.first_s + read.last_s) / 2))
    proof = prove(wanted, reads)
    if folder is not None:
        missed = {miss.picture for miss in proof.misses}
        for kept, (clip, at_s) in zip(reads, moments, strict=True):
            if kept.picture in missed:
                image = _frame_at(clip, at_s)
                if image is not None and kept.picture is not None:
                    folder.picture(kept.picture, image)
        folder.keep(PROOF, proof)
    return proof


def run_report(
    config: DeviceConfig, camera: str, folder: Folder, out: Path, technician: str, night: Folder | None = None
) -> tuple[Verified, Record, Path]:
    """``report``: sign what lies in the folder, and what ``check`` left in that of the night; returns the verified record and
    its page.  Raises ConfigError."""
    if camera not in {each.name for each in config.cameras}:
        names = ", ".join(each.name for each in config.cameras)
        raise ConfigError(f"report calibration: no camera `{camera}` is configured; there is {names}")
    checked = _checked(folder)
    dark = None if night is None else _checked(night)
    geometry, prediction, proof = folder.geometry(), folder.prediction(), folder.proof()
    if geometry is not None:
        scene = folder.pictures().get("scene.jpg")
        if scene is not None:
            folder.picture("scene.jpg", lane_picture(_decoded(scene), geometry))
    pictures = folder.pictures()
    lens = folder.lens()
    record = Record(
        camera=camera,
        device=config.unit.device,
        made=datetime.now(timezone.utc),
        technician=technician,
        software=f"plate-edge {__version__}",
        light=checked.light,
        setup=setup_of(
            checked.frame_size,
            geometry,
            (*checked.scenes, *(() if dark is None else dark.scenes)),
            None if lens is None else lens.fx,
        ),
        measures=merged(
            checked.measures,
            () if geometry is None else geometry.measures,
            focus_measures(folder.focus()),
            () if prediction is None else (prediction_measure(prediction),),
            () if proof is None else (proof_measure(proof),),
        ),
        night=() if dark is None else dark.measures,
        plates=len(checked.plates),
        lens=lens,
        geometry=geometry,
        focus=folder.focus(),
        prediction=prediction,
        proof=proof,
        findings=(
            *checked.findings,
            *(() if geometry is None else geometry.findings),
            *(() if lens is None else lens.findings),
        ),
        pictures={name: hashlib.sha256(data).hexdigest() for name, data in pictures.items()},
    )
    verified = save_record(record, load_private_key(config.keys.sign_key), out)
    page = out.with_suffix(".html")
    try:
        page.write_text(report_html(record, verified.id, pictures), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"write report {page}: {error.strerror or error}") from error
    return verified, record, page


def _checked(folder: Folder) -> Checked:
    """What ``check`` left.  Raises ConfigError where it has not been."""
    checked = folder.checked()
    if checked is None:
        raise ConfigError(f"report calibration: {folder.path} holds no check.json; run plate-edge calibrate check --into first")
    return checked


def card_pictures(sources: Sequence[Path]) -> Iterator[tuple[str, Image]]:
    """Pictures as they are, of clips ``CLIP_VIEWS`` frames evenly spread.  Raises CameraError."""
    for path in find_inputs(list(sources)):
        if not is_clip(path):
            yield path.name, read_image(path)
            continue
        every = max(1, (clip_frames(path) or _UNKNOWN_LENGTH) // CLIP_VIEWS)
        for number, image in enumerate(_frames(path)):
            if number % every == 0:
                yield f"{path.name} frame {number}", image


def clip_frames(path: Path) -> int:
    """How many frames a clip says it has; 0 where it does not."""
    import cv2

    return max(0, int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT)))


def clip_fps(path: Path) -> float | None:
    """Frames a second as a clip says."""
    import cv2

    rate = float(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS))
    return rate if 0 < rate < 1000 else None


def _camera(source: Path) -> Camera:
    return build.camera(CameraConfig(name=source.name or "source", source=str(source)), Clock(), Journal())


def _frames(source: Path) -> Iterator[Image]:
    for frame in _camera(source).frames(threading.Event()):
        if not isinstance(frame, GapBegan):
            yield frame.image


def _frame_at(clip: Path, at_s: float) -> Image | None:
    for frame in _camera(clip).frames(threading.Event()):
        if not isinstance(frame, GapBegan) and frame.media_s >= at_s:
            return frame.image
    return None


def _decoded(data: bytes) -> Image:
    import cv2

    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def _focus_patch(source: Path, card: Card, models: InstalledModels | None) -> Patch:
    """The card where one is found, else a plate: in any of a dozen pictures, since most are out of focus."""
    finder = CardFinder(card)
    count = clip_frames(source) if is_clip(source) else 12
    every = max(1, count // 24)
    plate: tuple[Corners, Image] | None = None
    for number, image in enumerate(_frames(source)):
        if number % every:
            continue
        found = finder.find(image)
        if not isinstance(found, Finding):
            return patch_of(found.outline, image)
        if models is not None and plate is None:
            plate = _plate_in(models, image)
    if plate is None:
        raise CameraError(
            "measure focus: neither the card nor a plate is in the clip; give a patch with edges (--patch x,y,w,h)"
        )
    return patch_of(*plate)


def _plate_in(models: InstalledModels, image: Image) -> tuple[Corners, Image] | None:
    from edge.records import Frame

    frame = Frame(camera="focus", number=0, image=image, at=Clock().now(), media_s=0.0)
    found = [detection for detection in models.detector.detect(frame) if detection.sure]
    return (found[0].corners, image) if found else None
