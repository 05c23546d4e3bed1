"""Small real ONNX files for tests: networks that give fixed rows, in the formats that the line reads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge.model_files import Format


def constant_network(path: Path, input_shape: Sequence[int | str], input_type: int, rows: np.ndarray) -> Path:
    """A network that takes ``input_shape`` and always gives ``rows``."""
    entry = helper.make_tensor_value_info("image", input_type, list(input_shape))
    out = helper.make_tensor_value_info("plates", TensorProto.FLOAT, list(rows.shape))
    nodes = [helper.make_node("Identity", ["rows"], ["plates"])]
    graph = helper.make_graph(nodes, "constant", [entry], [out], [numpy_helper.from_array(rows.astype(np.float32), "rows")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    return path


def write_manifest(folder: Path, name: str, file: Path, format: Format, **more: str | float) -> None:
    """A manifest with one model whose hash is right."""
    lines = [f"[models.{name}]", f'file = "{file.name}"', f'sha256 = "{sha256(file)}"', f'format = "{format}"']
    lines += ['licence = "Apache-2.0"', 'about = "made by a test"']
    lines += [f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in more.items()]
    (folder / "manifest.toml").write_text("\n".join(lines) + "\n")


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
