"""Everything that is measured of the models, in one go: pictures, crops, passes, speed and size, against the targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from edge import build
from edge.bench.evaluate import Progress, SetScores, evaluate, read_reviews
from edge.bench.passes import ClipScore, DueClip, demo_clip, read_clips, score_passes
from edge.bench.speed import Line, Speed, compare, frame_with_plate
from edge.bench.targets import PairScores, Verdict, judge
from edge.camera.interface import Camera
from edge.clock import Clock
from edge.config import CameraConfig, DetectorConfig, GateConfig, RecognizerConfig, TrackerConfig
from edge.detector.onnx import OnnxDetector
from edge.errors import ConfigError
from edge.journal import Journal
from edge.model_files import read_manifest
from edge.read import read_clip, read_crop, read_picture
from edge.recognizer.fast_plate_ocr import FastPlateOcr

MANIFESTS, CLIPS = ("manifest.jsonl", "crops.jsonl"), "video/videos.jsonl"


class Pair(Struct, frozen=True, kw_only=True):
    """A detector and a reader by their names in the manifest, and what to call the two."""

    name: str
    detector: str
    recognizer: str


class Scorecard(Struct, frozen=True, kw_only=True):
    """The pairs with their verdicts, in the same order, and in words what could not be measured."""

    pairs: tuple[PairScores, ...]
    verdicts: tuple[tuple[Verdict, ...], ...]
    not_measured: tuple[str, ...]


class _Loaded(Struct, frozen=True, kw_only=True):
    """A pair that is ready to run."""

    pair: Pair
    detector: OnnxDetector
    recognizer: FastPlateOcr


def measure(models: Path, pairs: Sequence[Pair], data: Path, reviews: Path | None, progress: Progress) -> Scorecard:
    """Measure ``pairs`` of the folder ``models`` on all there is.

    ``data`` may hold manifest.jsonl, crops.jsonl and video/videos.jsonl; what is missing is said and left out.  ``reviews``
    says what lies beside the labels of manifest.jsonl.  Raises ModelError, ConfigError or CameraError."""
    loaded = [_load(models, pair) for pair in pairs]
    missing = [f"{data / name} is not there" for name in (*MANIFESTS, CLIPS) if not (data / name).is_file()]
    manifests = [data / name for name in MANIFESTS if (data / name).is_file()]
    clips = (demo_clip(), *(read_clips(data / CLIPS) if (data / CLIPS).is_file() else ()))
    speeds: Sequence[Speed | None] = [None] * len(loaded)
    try:
        speeds = _speeds(loaded)
    except ConfigError as error:
        missing.append(f"speed: {error}")
    measured = tuple(
        PairScores(
            name=each.pair.name,
            detector=each.pair.detector,
            recognizer=each.pair.recognizer,
            detector_sha256=each.detector.sha256,
            recognizer_sha256=each.recognizer.sha256,
            model_bytes=_bytes(models, each.pair),
            sets=_sets(each, manifests, reviews, progress),
            clips=_clips(each, clips, progress),
            speed=speed,
        )
        for each, speed in zip(loaded, speeds, strict=True)
    )
    return Scorecard(pairs=measured, verdicts=tuple(map(judge, measured)), not_measured=tuple(missing))


def _load(models: Path, pair: Pair) -> _Loaded:
    return _Loaded(
        pair=pair,
        detector=build.detector(models, DetectorConfig(model=pair.detector)),
        recognizer=build.recognizer(models, RecognizerConfig(model=pair.recognizer)),
    )


def _bytes(models: Path, pair: Pair) -> int:
    entries = read_manifest(models)
    return sum((models / entries[name].file).stat().st_size for name in (pair.detector, pair.recognizer))


def _speeds(loaded: Sequence[_Loaded]) -> Sequence[Speed]:
    frame, plate = frame_with_plate(_camera(demo_clip().path), loaded[0].detector)
    return compare([Line(detector=each.detector, recognizer=each.recognizer) for each in loaded], frame, plate)


def _sets(each: _Loaded, manifests: Iterable[Path], reviews: Path | None, progress: Progress) -> tuple[SetScores, ...]:
    clock, reviewed = Clock(), None if reviews is None else read_reviews(reviews)
    sets: list[SetScores] = []
    for manifest in manifests:
        sets += evaluate(
            manifest,
            lambda path: read_picture(path, each.detector, each.recognizer, clock),
            lambda path: read_crop(path, each.recognizer, clock),
            progress,
            reviews=reviewed,
        )
    return tuple(sets)


def _clips(each: _Loaded, clips: Sequence[DueClip], progress: Progress) -> tuple[ClipScore, ...]:
    """The whole line over each clip: every frame, no policy."""
    scores = []
    for clip in progress(iter(clips), len(clips)):
        tracker = build.tracker("clip", TrackerConfig())
        gate = build.gate(GateConfig())
        reads = read_clip(clip.path, _camera(clip.path), gate, each.detector, tracker, each.recognizer)
        scores.append(score_passes(clip, tuple(reads)))
    return tuple(scores)


def _camera(path: Path) -> Camera:
    return build.camera(CameraConfig(name="clip", source=str(path)), Clock(), Journal())
