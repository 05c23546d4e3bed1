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


def brightest_finder(path: Path, input_size: str | None = "640x352") -> Path:
    """A detector of our own format with free height and width that says "plate" round the brightest pixel, 20 by 10 input px
    about that pixel's middle; ``input_size`` as its metadata."""
    node = helper.make_node
    corners = np.array([[0.9, -9.5, -4.5, 10.5, -4.5, 10.5, 5.5, -9.5, 5.5]], np.float32)
    constants = {
        "corners": corners,
        "along": np.array([[0, 1, 0, 1, 0, 1, 0, 1, 0]], np.float32),
        "down": np.array([[0, 0, 1, 0, 1, 0, 1, 0, 1]], np.float32),
        "three": np.array([3], np.int64),
        "flat": np.array([1, -1], np.int64),
    }
    nodes = [
        node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        node("Reshape", ["float", "flat"], ["pixels"]),
        node("ArgMax", ["pixels"], ["at"], axis=1),
        node("Shape", ["image"], ["shape"]),
        node("Gather", ["shape", "three"], ["columns"]),
        node("Mod", ["at", "columns"], ["column"]),
        node("Div", ["at", "columns"], ["row"]),
        node("Cast", ["column"], ["x"], to=TensorProto.FLOAT),
        node("Cast", ["row"], ["y"], to=TensorProto.FLOAT),
        node("Mul", ["x", "along"], ["xs"]),
        node("Mul", ["y", "down"], ["ys"]),
        node("Sum", ["corners", "xs", "ys"], ["found"]),
        node("Unsqueeze", ["found", "first"], ["plates"]),
    ]
    initial = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    initial.append(numpy_helper.from_array(np.array([0], np.int64), "first"))
    entry = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, "height", "width"])
    out = helper.make_tensor_value_info("plates", TensorProto.FLOAT, [1, 1, 9])
    model = helper.make_model(
        helper.make_graph(nodes, "brightest", [entry], [out], initial),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    if input_size is not None:
        model.metadata_props.add(key="input_size", value=input_size)
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


ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
OCR_CONFIG = f"""max_plate_slots: 10
alphabet: '{ALPHABET}'
pad_char: '_'
img_height: 64
img_width: 128
keep_aspect_ratio: false
interpolation: linear
image_color_mode: rgb
plate_regions: [US-CT, US-NY, unknown]
"""


def brightness_reader(folder: Path) -> Path:
    """A fast-plate-ocr file that says ``A`` with the probability of the plate's mean brightness and ``B`` otherwise, in two
    slots of ten; its region is US-NY.  One output row per input plate, so that order and batching can be proved."""
    rest = np.zeros((1, 10, 37), np.float32)
    rest[:, 2:, 36] = 1.0
    of_a, of_b = np.zeros((1, 10, 37), np.float32), np.zeros((1, 10, 37), np.float32)
    of_a[:, :2, 10], of_b[:, :2, 11] = 1.0, 1.0
    constants = {"a": of_a, "b": of_b, "rest": rest, "one": np.ones((1,), np.float32), "white": np.array([255], np.float32)}
    constants["region_row"] = np.array([[0.1, 0.8, 0.1]], np.float32)
    node = helper.make_node
    nodes = [
        node("Cast", ["input"], ["float"], to=TensorProto.FLOAT),
        node("Div", ["float", "white"], ["light"]),
        node("ReduceMean", ["light"], ["mean4"], axes=[1, 2, 3], keepdims=1),
        node("Squeeze", ["mean4", "axis3"], ["mean"]),
        node("Sub", ["one", "mean"], ["dark"]),
        node("Mul", ["mean", "a"], ["plate_a"]),
        node("Mul", ["dark", "b"], ["plate_b"]),
        node("Sum", ["plate_a", "plate_b", "rest"], ["plate"]),
        node("Squeeze", ["mean", "axis2"], ["mean2"]),
        node("Mul", ["mean2", "zero"], ["nothing"]),
        node("Add", ["nothing", "region_row"], ["region"]),
    ]
    initial = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    initial += [numpy_helper.from_array(np.array([axis], np.int64), f"axis{axis}") for axis in (2, 3)]
    initial.append(numpy_helper.from_array(np.zeros((1,), np.float32), "zero"))
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("input", TensorProto.UINT8, ["n", 64, 128, 3])],
        [
            helper.make_tensor_value_info("plate", TensorProto.FLOAT, ["n", 10, 37]),
            helper.make_tensor_value_info("region", TensorProto.FLOAT, ["n", 3]),
        ],
        initial,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(folder / "ocr.onnx"))
    (folder / "ocr.yaml").write_text(OCR_CONFIG)
    config = folder / "ocr.yaml"
    more = {"config": config.name, "config_sha256": sha256(config)}
    write_manifest(folder, "ocr", folder / "ocr.onnx", "fast-plate-ocr", **more)
    return folder


def external(tensor: onnx.TensorProto, location: str = "weights.bin") -> onnx.TensorProto:
    """The same tensor with its numbers in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def network(nodes: Sequence[onnx.NodeProto], weights: dict[str, np.ndarray], rows: Sequence[int], path: Path) -> Path:
    """A grey 640x352 detector with its own nodes, which give `plates` of the shape ``rows``."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, 352, 640])],
        [helper.make_tensor_value_info("plates", TensorProto.FLOAT, list(rows))],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path
