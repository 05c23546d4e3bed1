"""Measure a detector on a manifest, set by set, with the project's scoring rules.

    python -m models.train.detector_eval models/detector.onnx [--data ../shared/data/dev] [--threshold 0.5] [--corners]

Prints recall at IoU 0.5 by plate width, extra boxes a frame, and milliseconds a frame on one thread; with `--corners`
also how far the corners are off on rendered scenes, the only ones whose corners are known.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edge.bench.score import BoxXYWH, FoundPlate, ScoredFrame, Scores, TruthPlate, iou, overlap, score_frames
from models.train.scenes import SceneMaker

DEV = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "dev"

PAD = 114
ASPECT_TOLERANCE = 0.12
"""Frames whose aspect differs from the input's by more than this are padded, others stretched."""

SAME_PLATE_IOU, SAME_PLATE_COVER = 0.3, 0.7
"""Of two boxes that overlap this much (IoU, or share of the smaller one) only the better one is kept."""

Rows = NDArray[np.float32]
Run = Callable[[NDArray[np.uint8]], Rows]
"""From a (1, 1, H, W) uint8 picture to the (32, 9) rows of the detector's format."""


@dataclass(frozen=True)
class EvalFrame:
    """A picture ready for the network, what takes its coordinates back to the frame's px, and the truth."""

    name: str
    group: str
    image: NDArray[np.uint8]
    scale: tuple[float, float]
    truth: tuple[TruthPlate, ...]


def fit(grey: NDArray[np.uint8], size: tuple[int, int]) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    """Pad right and below where the aspect is far off, then stretch to `size`; also input px → frame px factors."""
    height, width = grey.shape
    wanted = size[0] / size[1]
    if abs(width / height / wanted - 1) > ASPECT_TOLERANCE:
        right = max(0, round(height * wanted) - width)
        below = max(0, round(width / wanted) - height)
        grey = cv2.copyMakeBorder(grey, 0, below, 0, right, cv2.BORDER_CONSTANT, value=PAD).astype(np.uint8)
    scale = (grey.shape[1] / size[0], grey.shape[0] / size[1])
    method = cv2.INTER_AREA if max(scale) > 1 else cv2.INTER_LINEAR
    return cv2.resize(grey, size, interpolation=method).astype(np.uint8), scale


def load_dev(folder: Path = DEV, size: tuple[int, int] = (640, 352)) -> list[EvalFrame]:
    """The frames of `folder/manifest.jsonl` at the network's input size."""
    frames = []
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        record = json.loads(line)
        grey = cv2.imread(str(folder / record["image"]), cv2.IMREAD_GRAYSCALE)
        if grey is None:
            raise FileNotFoundError(f"read {folder / record['image']}: not a picture")
        image, scale = fit(grey.astype(np.uint8), size)
        partial = record.get("partial") or [False] * len(record["boxes"])
        truth = tuple(
            TruthPlate(box=tuple(box), partial=cut, luma=luma)
            for box, cut, luma in zip(record["boxes"], partial, record["luma"], strict=True)
        )
        frames.append(EvalFrame(record["image"], record["set"], image, scale, truth))
    return frames


def to_plates(rows: Rows, scale: tuple[float, float], least: float) -> list[FoundPlate]:
    """Rows of the format to boxes in the frame's px, best first, one a plate."""
    kept: list[FoundPlate] = []
    for row in rows[rows[:, 0] >= least]:
        points = row[1:].reshape(4, 2) * scale
        low, high = points.min(0), points.max(0)
        box: BoxXYWH = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
        if box[2] > 0 and box[3] > 0 and not any(_same(box, other.box) for other in kept):
            kept.append(FoundPlate(box=box, confidence=float(row[0])))
    return kept


def _same(a: BoxXYWH, b: BoxXYWH) -> bool:
    return iou(a, b) > SAME_PLATE_IOU or overlap(a, b) > SAME_PLATE_COVER * min(a[2] * a[3], b[2] * b[3])


def onnx_run(path: Path, threads: int = 1) -> Run:
    """An ONNX detector on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda image: session.run(None, {"image": image})[0][0]


def find(frames: Iterable[EvalFrame], run: Run, least: float = 0.05) -> list[list[FoundPlate]]:
    """What the detector finds on each frame, down to a low score."""
    return [to_plates(run(frame.image[None, None]), frame.scale, least) for frame in frames]


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


def corner_figures(run: Run, size: tuple[int, int], count: int = 200, seed: int = 99) -> CornerFigures:
    """Corners on rendered scenes of a seed that training never used."""
    rng = np.random.default_rng(seed)
    maker = SceneMaker(rng, [], stock=100)
    plates, distances, slopes, level = 0, [], [], []
    for _ in range(count):
        scene = maker.make(rng, size)
        rows = run(scene.image[None, None])
        plates += len(scene.quads)
        for quad in scene.quads:
            near = [row for row in rows[rows[:, 0] >= 0.3] if _iou_of_quads(row[1:].reshape(4, 2), quad) >= 0.5]
            if near:
                guess = near[0][1:].reshape(4, 2)
                distances.append(float(np.linalg.norm(guess - quad, axis=1).mean() / np.ptp(quad[:, 0])))
                slopes.append(abs(_slope(guess) - _slope(quad)))
                level.append(abs(_slope(quad)))
    return CornerFigures(plates, len(distances), float(np.median(distances)), float(np.median(slopes)), float(np.median(level)))


def _iou_of_quads(a: Rows, b: Rows) -> float:
    (ax, ay), (bx, by) = a.min(0).tolist(), b.min(0).tolist()
    (aw, ah), (bw, bh) = np.ptp(a, axis=0).tolist(), np.ptp(b, axis=0).tolist()
    return iou((ax, ay, aw, ah), (bx, by, bw, bh))


def _slope(quad: Rows) -> float:
    """Mean direction of the upper and lower edge in degrees."""
    across = (quad[1] - quad[0]) + (quad[2] - quad[3])
    return float(np.rad2deg(np.arctan2(across[1], across[0])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=DEV)
    parser.add_argument("--threshold", type=float, nargs="*", default=[0.3, 0.4, 0.5, 0.6])
    parser.add_argument("--corners", action="store_true", help="also measure corners on rendered scenes")
    arguments = parser.parse_args()
    run = onnx_run(arguments.model)
    shape = onnxruntime.InferenceSession(str(arguments.model)).get_inputs()[0].shape
    frames = load_dev(arguments.data, (shape[3], shape[2]))
    run(frames[0].image[None, None])
    spent = []
    for frame in frames[:100]:
        start = time.thread_time()  # the thread's own time: other work on the machine does not count
        run(frame.image[None, None])
        spent.append(time.thread_time() - start)
    median_ms = 1e3 * float(np.median(spent))
    print(f"{arguments.model.name} {shape[3]}x{shape[2]}: median {median_ms:.2f} ms of CPU a frame, one thread")
    found = find(frames, run)
    for threshold in arguments.threshold:
        print(f"threshold {threshold:.2f}")
        for name, scores in score_by_group(frames, found, threshold).items():
            print("  " + line(name, scores))
    if arguments.corners:
        print(corner_figures(run, (shape[3], shape[2])))


if __name__ == "__main__":
    main()
