"""Write the recognizer's convolutions as INT8 (QDQ, a scale per channel); what counts and places characters stays in float.

    python -m models.train.recognizer_quantize models/ocr.onnx models/ocr-int8.onnx
    python -m models.train.manifest

Calibrates on training crops: rendered plates of a seed of their own and the real training plates, never the dev ones. Only
the trunk of 2-D convolutions goes to eight bits, with the sums and rectifiers between them. The first convolution stays in
float (its input has the widest range, and it costs a twentieth of a millisecond), and so does all that comes after the
trunk: the running sum adds 32 small shares, and an error in each of them would move every later character by a slot.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationMethod

from models.train.degrade import degrade_crop, degrade_real
from models.train.plates import render_plate
from models.train.quantize_trunk import Inputs, quantize_trunk
from models.train.recognizer_data import real_plates, upright_crop

CALIBRATION_SEED = 717
RENDERED, PER_REAL = 400, 2
"""Calibration crops: rendered ones, and degraded ones of each real training plate beside the plate as it is."""

PERCENTILE = 99.99
"""Share of the values that eight bits span. Smallest and largest value, entropy, 99.9 and 99.999 were tried: alike or worse."""

SOURCE = "source_sha256"
"""Metadata key: the float file that this one was made of."""


def calibration_crops(rendered: int = RENDERED, per_real: int = PER_REAL) -> list[NDArray[np.uint8]]:
    """Training crops as the recognizer sees them: (64, 128, 3) RGB."""
    rng = np.random.default_rng(CALIBRATION_SEED)
    crops = [degrade_crop(rng, render_plate(rng), float(rng.beta(1.3, 1.3))).image for _ in range(rendered)]
    for plate in real_plates("train"):
        crops.append(upright_crop(plate))
        crops += [degrade_real(rng, plate.picture, plate.box).image for _ in range(per_real)]
    return crops


def kept_in_float(model: onnx.ModelProto) -> list[str]:
    """The name of the convolution that takes the picture, which comes first."""
    return [next(node.name for node in model.graph.node if node.op_type == "Conv")]


def quantize(source: Path, target: Path, crops: Sequence[NDArray[np.uint8]]) -> None:
    """Calibrate on `crops` (64, 128, 3) and write; keeps input and outputs, and says in its metadata what it was made of."""
    metadata = {SOURCE: hashlib.sha256(source.read_bytes()).hexdigest()}
    inputs = Inputs("input", (crop[None] for crop in crops))
    options = {"CalibPercentile": PERCENTILE}
    quantize_trunk(source, target, inputs, kept_in_float, CalibrationMethod.Percentile, options, metadata)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    quantize(arguments.source, arguments.target, calibration_crops())


if __name__ == "__main__":
    main()
