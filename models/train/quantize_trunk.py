"""Writes the trunk of a network in eight bits (QDQ, a scale per channel for the weights)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Inputs(CalibrationDataReader):  # type: ignore[misc]
    """Hands pictures to the calibrator, one at a time, each as the input of that name."""

    def __init__(self, name: str, pictures: Iterable[NDArray[np.uint8]]) -> None:
        self._name, self._left = name, iter(pictures)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        picture = next(self._left, None)
        return None if picture is None else {self._name: picture}


def trunk(model: onnx.ModelProto, in_float: Collection[str]) -> list[str]:
    """Names of the 2-D convolutions but those `in_float`, and of the sums and rectifiers that take nothing but their results.

    Named one by one, because a list of operations would take in the sums behind the trunk as well: a corner is a centre plus
    an offset, and 8 bits over 640 px are steps of 2.5 px."""
    shapes = {weight.name: list(weight.dims) for weight in model.graph.initializer}
    inside: set[str] = set()  # results of the trunk
    names = []
    for node in model.graph.node:
        convolution = node.op_type == "Conv" and len(shapes[node.input[1]]) == 4 and node.name not in in_float
        if convolution or (node.op_type in ("Add", "Relu") and all(name in inside for name in node.input)):
            names.append(node.name)
            inside.update(node.output)
        elif node.op_type == "Resize" and node.input[0] in inside:
            inside.update(node.output)
    return names


def quantize_trunk(
    source: Path,
    target: Path,
    inputs: Inputs,
    kept_in_float: Callable[[onnx.ModelProto], Collection[str]],
    method: CalibrationMethod,
    options: dict[str, Any],
    metadata: dict[str, str],
) -> None:
    """Calibrate on ``inputs`` by ``method`` (``options``: onnxruntime's for it) and write; the result carries ``metadata``."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        model = onnx.load(prepared)
        quantize_static(
            str(prepared),
            str(target),
            inputs,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Add", "Relu"],
            nodes_to_quantize=trunk(model, kept_in_float(model)),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=method,
            extra_options=options,
        )
    done = onnx.load(target)
    kept = {entry.key for entry in done.metadata_props}
    for key, value in metadata.items():
        if key not in kept:
            done.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(done)
    onnx.save(done, target)
