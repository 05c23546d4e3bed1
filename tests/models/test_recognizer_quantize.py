"""The recognizer's INT8 file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

onnx = pytest.importorskip("onnx", reason="onnx is only installed for training and tests")

import onnxruntime  # noqa: E402

from edge.model_files import bundled_folder, read_manifest  # noqa: E402


def crops(number: int) -> NDArray[np.uint8]:
    """Bright crops with dark bars, (number, 64, 128, 3)."""
    rng = np.random.default_rng(1)
    pictures = np.full((number, 64, 128, 3), 210, np.uint8)
    for picture in pictures:
        for x in rng.integers(5, 120, 7):
            picture[14:50, x : x + 5] = rng.integers(0, 90, 3)
    return pictures


def run(path: Path, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs: list[NDArray[np.float32]] = session.run(["plate", "region"], {"input": pictures})
    return outputs


def test_the_int8_file_keeps_the_contract_and_nearly_the_probabilities(tmp_path: Path) -> None:
    """Same inputs and outputs for any number of crops, eight bits inside, the running sum in float; probabilities move by
    less than 0.05."""
    torch = pytest.importorskip("torch", reason="torch is only installed for training")
    pytest.importorskip("PIL", reason="plates are lettered with Pillow, which only training installs")
    from models.train.recognizer_export import write_onnx
    from models.train.recognizer_net import RecognizerNet
    from models.train.recognizer_quantize import quantize

    torch.manual_seed(4)
    exact, small = tmp_path / "exact.onnx", tmp_path / "small.onnx"
    write_onnx(RecognizerNet(9).eval(), exact, 1.0, 1.0)
    quantize(exact, small, list(crops(12)))
    model = onnx.load(small)
    assert small.stat().st_size < 0.5 * exact.stat().st_size
    produced = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        if node.op_type in ("CumSum", "Softmax"):
            assert produced[node.input[0]].op_type != "DequantizeLinear"
    for number in (1, 3):
        for before, after in zip(run(exact, crops(number)), run(small, crops(number)), strict=True):
            assert before.shape == after.shape
            np.testing.assert_allclose(before, after, atol=0.05)


def test_the_bundled_int8_reader_was_made_of_the_bundled_reader() -> None:
    """Whoever exports new weights writes the INT8 file anew: its metadata names the float file's hash."""
    entries = read_manifest(bundled_folder())
    model = onnx.load(bundled_folder() / entries["ocr-int8"].file)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata["source_sha256"] == entries["ocr"].sha256
    assert entries["ocr-int8"].config == entries["ocr"].config
