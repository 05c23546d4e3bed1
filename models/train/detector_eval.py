"""Measure a detector on a manifest, set by set, with the project's scoring rules, run as the line runs it.

    python -m models.train.detector_eval models/detector.onnx [--data ../shared/data/dev] [--threshold 0.5] [--corners]

Prints recall at IoU 0.5 by plate width, extra boxes a frame, and milliseconds a frame on one thread; with `--corners`
also how far the corners are off on rendered scenes, the only ones whose corners are known.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.bench.score import FoundPlate, ScoredFrame, Scores, TruthPlate, iou, score_frames
from edge.config import DetectorConfig
from edge.detector.onnx import OnnxDetector
from edge.model_files import ModelFile
from edge.records import Detection, Frame, Instant, TimeQuality
from models.train.scenes import SceneMaker

DEV = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "dev"

PIXELS = 640 * 352
"""Pixels of the network's input."""

LEAST = 0.05
"""Scores are measured down to this."""

Grey = NDArray[np.uint8]
Find = Callable[[Grey], Sequence[Detection]]
"""From a grey picture to its plates, best first."""


@dataclass(frozen=True)
class EvalFrame:
    """A grey picture and the truth."""

    name: str
    group: str
    grey: Grey
    truth: tuple[TruthPlate, ...]


def load_dev(folder: Path = DEV) -> list[EvalFrame]:
    """The frames of `folder/manifest.jsonl`."""
    frames = []
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        record = json.loads(line)
        grey = cv2.imread(str(folder / record["image"]), cv2.IMREAD_GRAYSCALE)
        if grey is None:
            raise FileNotFoundError(f"read {folder / record['image']}: not a picture")
        partial = record.get("partial") or [False] * len(record["boxes"])
        truth = tuple(
            TruthPlate(box=tuple(box), partial=cut, luma=luma)
            for box, cut, luma in zip(record["boxes"], partial, record["luma"], strict=True)
        )
        frames.append(EvalFrame(record["image"], record["set"], grey.astype(np.uint8), truth))
    return frames


def onnx_find(path: Path, least: float = LEAST, pixels: int | None = None) -> Find:
    """What a file finds, run as on a unit; `pixels` as in `edge.config.DetectorConfig`."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    model = ModelFile(
        name=path.stem, path=path, sha256=sha256, format="plate-edge-detector/1", threshold=least, candidate=least, config=None
    )
    detector = OnnxDetector(model, DetectorConfig(pixels=pixels))
    never = datetime(2000, 1, 1, tzinfo=timezone.utc)
    at = Instant(utc=never, boottime_ns=0, boot_id="", quality=TimeQuality(source="unset"))
    return lambda grey: detector.detect(Frame(camera="", number=0, image=grey, at=at, media_s=0.0))


def find_all(frames: Sequence[EvalFrame], find: Find) -> list[list[FoundPlate]]:
    """What the detector finds on each frame, down to a low score."""
    return [
        [FoundPlate(box=(d.box.x, d.box.y, d.box.w, d.box.h), confidence=d.confidence) for d in find(frame.grey)]
        for frame in frames
    ]


def score_by_group(frames: Sequence[EvalFrame], found: Sequence[list[FoundPlate]], threshold: float) -> dict[str, Scores]:
    """Scores of every set, and of all of them under "all"."""
    scored = [
        (frame.group, ScoredFrame(truth=frame.truth, found=tuple(f for f in plates if f.confidence >= threshold)))
        for frame, plates in zip(frames, found, strict=True)
    ]
    groups = ["all", *sorted({group for group, _ in scored})]
    return {group: score_frames(item for name, item in scored if group in ("all", name)) for group in groups}


def line(name: str, scores: Scores) -> str:
    """One printed line for a set."""
    wide, usual = scores.at_least_100_px.recall, scores.at_least_60_px.recall
    return (
        f"{name:13s} ≥60 px {usual.hits:3d}/{usual.total:3d} {usual.share or 0:.3f}  "
        f"≥100 px {wide.hits:3d}/{wide.total:3d} {wide.share or 0:.3f}  "
        f"<60 px {scores.under_60_px.recall.share or 0:.2f}  extra {scores.extra_boxes_per_frame:.3f}"
    )


@dataclass(frozen=True)
class CornerFigures:
    """Medians over the plates found: corner distance in shares of the plate's width, slope of its long edges in °."""

    plates: int
    found: int
    distance: float
    slope_error_deg: float
    level_error_deg: float
    """The slope error that plain boxes would have."""


def corner_figures(find: Find, size: tuple[int, int] = (640, 352), count: int = 200, seed: int = 99) -> CornerFigures:
    """Corners on rendered scenes of a seed that training never used."""
    rng = np.random.default_rng(seed)
    maker = SceneMaker(rng, [], stock=100)
    plates, distances, slopes, level = 0, [], [], []
    for _ in range(count):
        scene = maker.make(rng, size)
        found = [np.array(one.corners, np.float32) for one in find(scene.image) if one.confidence >= 0.3]
        plates += len(scene.quads)
        for quad in scene.quads:
            guess = next((corners for corners in found if _iou_of_quads(corners, quad) >= 0.5), None)
            if guess is not None:
                distances.append(float(np.linalg.norm(guess - quad, axis=1).mean() / np.ptp(quad[:, 0])))
                slopes.append(abs(_slope(guess) - _slope(quad)))
                level.append(abs(_slope(quad)))
    return CornerFigures(plates, len(distances), float(np.median(distances)), float(np.median(slopes)), float(np.median(level)))


def _iou_of_quads(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    (ax, ay), (bx, by) = a.min(0).tolist(), b.min(0).tolist()
    (aw, ah), (bw, bh) = np.ptp(a, axis=0).tolist(), np.ptp(b, axis=0).tolist()
    return iou((ax, ay, aw, ah), (bx, by, bw, bh))


def _slope(quad: NDArray[np.float32]) -> float:
    """Mean direction of the upper and lower edge in degrees."""
    across = (quad[1] - quad[0]) + (quad[2] - quad[3])
    return float(np.rad2deg(np.arctan2(across[1], across[0])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=DEV)
    parser.add_argument("--threshold", type=float, nargs="*", default=[0.3, 0.4, 0.5, 0.6])
    parser.add_argument("--pixels", type=int, help="pixels of the network's input, unless the model's own")
    parser.add_argument("--corners", action="store_true", help="also measure corners on rendered scenes")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    find = onnx_find(arguments.model, pixels=arguments.pixels)
    frames = load_dev(arguments.data)
    spent = []
    for frame in frames[:100]:
        start = time.thread_time()  # the thread's own time: other work on the machine does not count
        find(frame.grey)
        spent.append(time.thread_time() - start)
    median_ms = 1e3 * float(np.median(spent))
    print(f"{arguments.model.name}: median {median_ms:.2f} ms of CPU a frame, shrinking it included, one thread")
    found = find_all(frames, find)
    for threshold in arguments.threshold:
        print(f"threshold {threshold:.2f}")
        for name, scores in score_by_group(frames, found, threshold).items():
            print("  " + line(name, scores))
    if arguments.corners:
        print(corner_figures(find))


if __name__ == "__main__":
    main()
