"""Write the detector's convolutions as INT8 (QDQ, a scale per channel); the decoding stays in float.

    python -m models.train.detector_quantize models/detector.onnx models/detector-int8.onnx

Calibrates on real training frames, from the least to the greatest value seen: cutting off a ten thousandth of them lowered the
scores of true plates by 0.04. The layers that read out score and corners stay in float too: a corner is a small number times a
large scale, and 8 bits there would cost pixels; and so does the first layer, whose single channel is slower in INT8.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationMethod

from edge.detector.preprocess import grey_input
from models.train.quantize_trunk import Inputs, quantize_trunk
from models.train.scenes import load_frames

FRAMES = 120
"""Calibration frames, spread over all sets."""


def calibration_pictures(width: int = 640, height: int = 352) -> list[NDArray[np.uint8]]:
    """Training frames as pictures of one size, which the calibrator wants; every third of them dimmed as at night."""
    frames = load_frames()
    pictures = [grey_input(frame.levels[0], width, height)[0][0, 0] for frame in frames[:: max(1, len(frames) // FRAMES)]]
    return [cv2.convertScaleAbs(p, alpha=0.35).astype(np.uint8) if i % 3 == 0 else p for i, p in enumerate(pictures)]


def kept_in_float(model: onnx.ModelProto) -> list[str]:
    """Names of the convolutions that take the picture or have no batch norm behind them: 1 input, 1 or 9 output channels."""
    shapes = {weight.name: list(weight.dims) for weight in model.graph.initializer}
    convolutions = [(node.name, shapes[node.input[1]]) for node in model.graph.node if node.op_type == "Conv"]
    return [name for name, shape in convolutions if shape[1] == 1 or shape[0] in (1, 9)]


def quantize(source: Path, target: Path, pictures: Sequence[NDArray[np.uint8]]) -> None:
    """Calibrate on `pictures` (H, W) and write; keeps input, output and metadata of the float file."""
    metadata = {entry.key: entry.value for entry in onnx.load(source).metadata_props}
    inputs = Inputs("image", (picture[None, None] for picture in pictures))
    quantize_trunk(source, target, inputs, kept_in_float, CalibrationMethod.MinMax, {}, metadata)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    quantize(arguments.source, arguments.target, calibration_pictures())


if __name__ == "__main__":
    main()
