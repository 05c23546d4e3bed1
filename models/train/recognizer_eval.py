"""Measures the exported recognizer on dev crops, through the library that units use.

    python -m models.train.recognizer_eval [--grey] [--margin 0.03] [--json]
    python -m models.train.recognizer_eval --nothing     # how often no character is found: on what is no plate, on plates

Crops are cut upright by the labelled boxes with a margin; straightening by the detector's corners is measured with the
whole line elsewhere. O counts as 0 in `exact_folded` (the public labels write 0 for both).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import msgspec
import numpy as np
import onnxruntime
from fast_plate_ocr import LicensePlateRecognizer
from numpy.typing import NDArray

from edge import build
from edge.bench.score import MATCH_IOU, folded, iou, levenshtein
from edge.camera.images import read_image
from edge.clock import Clock
from edge.config import DetectorConfig, RecognizerConfig
from edge.detector.onnx import OnnxDetector
from edge.model_files import find_model
from edge.records import Frame
from models.train.plates import REGIONS
from models.train.recognizer_data import DATA, NO_REGION, RealPlate, real_plates, upright_crop

MODELS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Result:
    """One crop: what was read, how sure, and whether it was right."""

    plate: RealPlate
    text: str
    confidence: float  # of the least sure character
    region: str
    region_confidence: float

    @property
    def right(self) -> bool:
        return folded(self.text) == folded(self.plate.text)


@dataclass(frozen=True)
class Figures:
    """Shares over `n` crops; `sure` of them had every character at 0.8 or more, `right_when_sure` of those were right."""

    n: int
    exact_folded: float
    exact: float
    cer: float
    sure: float
    right_when_sure: float
    region: float | None


def read_all(recognizer: LicensePlateRecognizer, plates: list[RealPlate], margin: float, grey: bool) -> list[Result]:
    results = []
    for plate in plates:
        crop = upright_crop(plate, margin)
        if grey:
            crop = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        reading = recognizer.run(crop, return_confidence=True)[0]
        probabilities: NDArray[np.float32] = np.asarray(reading.char_probs)
        sure = float(probabilities[: max(1, len(reading.plate))].min())
        results.append(Result(plate, reading.plate, sure, reading.region or "unknown", float(reading.region_prob or 0.0)))
    return results


def figures_of(results: list[Result]) -> Figures:
    sure = [result for result in results if result.confidence >= 0.8]
    named = [result.region == REGIONS[result.plate.region] for result in results if result.plate.region != NO_REGION]
    errors = sum(levenshtein(folded(result.text), folded(result.plate.text)) for result in results)
    return Figures(
        n=len(results),
        exact_folded=round(float(np.mean([result.right for result in results])), 4),
        exact=round(float(np.mean([result.text == result.plate.text for result in results])), 4),
        cer=round(errors / sum(len(result.plate.text) for result in results), 4),
        sure=round(len(sure) / len(results), 4),
        right_when_sure=round(float(np.mean([result.right for result in sure])), 4) if sure else 0.0,
        region=round(float(np.mean(named)), 4) if named else None,
    )


def groups_of(results: list[Result]) -> dict[str, list[Result]]:
    """By set, by width of the plate in its picture, by brightness."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        width = result.plate.box[2]
        x, y, w, h = (int(v) for v in result.plate.box)
        dark = float(result.plate.picture[max(y, 0) : y + h, max(x, 0) : x + w].mean()) < 70
        size = "width < 60" if width < 60 else "width 60-100" if width < 100 else "width >= 100"
        for name in (result.plate.source, size, "dark (mean < 70)" if dark else "bright", "all"):
            groups.setdefault(name, []).append(result)
    return dict(sorted(groups.items()))


def milliseconds_per_crop(path: Path, rounds: int = 200) -> float:
    """Median time of one crop on one thread, spinning off."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    crop = np.random.default_rng(0).integers(0, 255, (1, 64, 128, 3)).astype(np.uint8)
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        session.run(None, {"input": crop})
        times.append(time.perf_counter() - begun)
    return float(np.median(times) * 1000)


@dataclass(frozen=True)
class Nothing:
    """Boxes of the detector with a score in [`low`, `high`): those beside every label and those on a plate, and on how many
    of either the reader found no character."""

    low: float
    high: float
    beside: int
    beside_empty: int
    plates: int
    plates_empty: int


def nothing_found(bands: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 1.0)) -> list[Nothing]:
    """Detector and reader as a unit runs them, on the dev frames, down to the lowest score of `bands`.

    A box is on a plate from an IoU of 0.5 on; boxes that overlap a label less are left out. Many boxes beside the labels hold
    a plate that nobody labelled, above all in the highest band."""
    model = msgspec.structs.replace(
        find_model(MODELS, "detector", ("plate-edge-detector/1",)), threshold=1.0, candidate=bands[0]
    )
    finder, reader, clock = OnnxDetector(model, DetectorConfig()), build.recognizer(MODELS, RecognizerConfig()), Clock()
    seen: list[tuple[float, bool, bool]] = []  # score, on a plate, empty
    for line in (DATA / "dev" / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        image = read_image(DATA / "dev" / row["image"])
        frame = Frame(camera="dev", number=0, image=image, at=clock.now(), media_s=0.0)
        for reading in reader.read(frame, finder.detect(frame)):
            box = reading.detection.box
            close = max((iou((box.x, box.y, box.w, box.h), tuple(truth)) for truth in row["boxes"]), default=0.0)
            if close == 0 or close >= MATCH_IOU:
                seen.append((reading.detection.confidence, close > 0, not reading.text))
    rows = []
    for low, high in pairwise(bands):
        plates = [empty for score, plate, empty in seen if plate and low <= score < high]
        beside = [empty for score, plate, empty in seen if not plate and low <= score < high]
        rows.append(Nothing(low, high, len(beside), sum(beside), len(plates), sum(plates)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grey", action="store_true", help="show the net grey crops, three equal channels")
    parser.add_argument("--margin", type=float, default=0.03, help="of the box's size, on each side")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--nothing", action="store_true", help="count the detector's boxes on which no character is found")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.nothing:
        for row in nothing_found():
            print(
                f"score {row.low:.1f}-{row.high:.1f}: no character on {row.beside_empty} of {row.beside} boxes beside the "
                f"labels, on {row.plates_empty} of {row.plates} plates"
            )
        return
    recognizer = LicensePlateRecognizer(
        onnx_model_path=MODELS / "ocr.onnx", plate_config_path=MODELS / "ocr.yaml", device="cpu"
    )
    results = read_all(recognizer, real_plates("dev"), options.margin, options.grey)
    table = {name: asdict(figures_of(group)) for name, group in groups_of(results).items()}
    speed = round(milliseconds_per_crop(MODELS / "ocr.onnx"), 2)
    if options.json:
        print(json.dumps({"margin": options.margin, "grey": options.grey, "ms_per_crop": speed, "groups": table}))
        return
    print(f"margin {options.margin}, {'grey' if options.grey else 'colour'}, {speed} ms a crop (one thread)")
    for name, row in table.items():
        print(f"{name:18} " + "  ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
