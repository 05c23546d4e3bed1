"""What a model file says of itself is read from its bytes, whatever they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from edge.errors import ModelError
from edge.model_files import bundled_folder, read_manifest
from edge.onnx_file import MAX_FIELDS, OnnxInput, read_onnx, refuse_external_data, refuse_foreign_versions
from tests.onnx_files import constant_network, external


def model(path: Path, opset: int = 17, ir_version: int = 9) -> onnx.ModelProto:
    constant_network(path / "m.onnx", (1, 1, 352, 640), TensorProto.UINT8, np.zeros((1, 4, 9)))
    loaded = onnx.load(path / "m.onnx")
    loaded.opset_import[0].version, loaded.ir_version = opset, ir_version
    return loaded


def test_version_opset_and_input_are_read(tmp_path: Path) -> None:
    """The same that the onnx package says."""
    said = read_onnx(model(tmp_path).SerializeToString())
    assert (said.ir_version, said.opset, said.external) == (9, 17, ())
    assert said.inputs == (OnnxInput(name="image", element="uint8", shape=(1, 1, 352, 640)),)


def test_a_free_side_has_no_number(tmp_path: Path) -> None:
    """A reader's batch is as long as there are plates."""
    constant_network(tmp_path / "m.onnx", ("n", 64, 128, 3), TensorProto.UINT8, np.zeros((1, 9)))
    assert read_onnx((tmp_path / "m.onnx").read_bytes()).inputs[0].shape == (None, 64, 128, 3)


def test_weights_that_old_exporters_list_as_inputs_are_no_inputs(tmp_path: Path) -> None:
    """Format versions before 4 name every weight among the inputs."""
    old = model(tmp_path)
    old.graph.input.append(helper.make_tensor_value_info("rows", TensorProto.FLOAT, [1, 4, 9]))
    assert [entry.name for entry in read_onnx(old.SerializeToString()).inputs] == ["image"]


@pytest.mark.parametrize("place", ["initializer", "constant", "branch", "function", "sparse"])
def test_external_data_are_found_wherever_a_tensor_may_stand(place: str, tmp_path: Path) -> None:
    """Weights, constants, branches of an If, functions and sparse weights alike."""
    loaded = model(tmp_path)
    inside = external(numpy_helper.from_array(np.zeros(8, np.float32), "elsewhere"))
    constant = helper.make_node("Constant", [], ["c"], value=inside)
    if place == "initializer":
        loaded.graph.initializer.append(inside)
    elif place == "constant":
        loaded.graph.node.append(constant)
    elif place == "branch":
        branch = helper.make_graph([constant], "then", [], [])
        loaded.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch))
    elif place == "function":
        loaded.functions.append(helper.make_function("d", "f", [], ["c"], [constant], [helper.make_opsetid("", 17)]))
    else:
        loaded.graph.sparse_initializer.append(onnx.SparseTensorProto(values=inside))
    said = read_onnx(loaded.SerializeToString())
    assert "elsewhere" in said.external
    with pytest.raises(ModelError, match="other files"):
        refuse_external_data(said)


@pytest.mark.parametrize("opset", [7, 17, 21])
def test_opsets_that_every_unit_runs_are_taken(opset: int, tmp_path: Path) -> None:
    """7 to 21: what onnxruntime 1.20 and everything newer loads."""
    refuse_foreign_versions(read_onnx(model(tmp_path, opset).SerializeToString()))


@pytest.mark.parametrize(
    ("opset", "ir_version", "words"), [(6, 9, "opset is 6"), (22, 9, "opset is 22"), (17, 11, "IR version")]
)
def test_versions_that_a_unit_may_not_run_are_refused(opset: int, ir_version: int, words: str, tmp_path: Path) -> None:
    """With the range that is taken."""
    with pytest.raises(ModelError, match=words):
        refuse_foreign_versions(read_onnx(model(tmp_path, opset, ir_version).SerializeToString()))


def test_every_bundled_model_may_be_added_anywhere() -> None:
    """Ours keep the rule that others must keep."""
    for entry in read_manifest(bundled_folder()).values():
        said = read_onnx((bundled_folder() / entry.file).read_bytes())
        refuse_external_data(said)
        refuse_foreign_versions(said)


@pytest.mark.parametrize("kept", [0.01, 0.5, 0.99])
def test_a_truncated_model_is_refused(kept: float, tmp_path: Path) -> None:
    """Wherever it was cut."""
    data = model(tmp_path).SerializeToString()
    with pytest.raises(ModelError, match="no ONNX file"):
        read_onnx(data[: int(len(data) * kept)])


@pytest.mark.parametrize(
    "data",
    [b"", b"no network", b"\x89PNG\r\n\x1a\n" * 9, b"PK\x03\x04" * 9, b"\x80" * 99],
    ids=["empty", "text", "picture", "archive", "endless number"],
)
def test_a_file_of_another_kind_is_refused(data: bytes) -> None:
    """By its bytes, whatever its name says."""
    with pytest.raises(ModelError, match="no ONNX file"):
        read_onnx(data)


def test_a_file_of_countless_fields_is_refused(tmp_path: Path) -> None:
    """The walk ends at a bound, not at the file's end."""
    with pytest.raises(ModelError, match="more than"):
        read_onnx(model(tmp_path).SerializeToString() + b"\x10\x00" * MAX_FIELDS)


def test_graphs_nested_without_end_are_refused() -> None:
    """A few hundred levels would exhaust the stack."""

    def field(number: int, data: bytes) -> bytes:
        size, out = len(data), bytearray([number << 3 | 2])
        while size > 0x7F:
            out.append(size & 0x7F | 0x80)
            size >>= 7
        return bytes(out) + bytes([size]) + data

    graph = b""
    for _ in range(400):
        graph = field(1, field(5, field(6, graph)))
    with pytest.raises(ModelError, match="nested"):
        read_onnx(b"\x08\x09" + field(7, graph))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_bytes_raise_anything_but_the_projects_error(data: st.DataObject) -> None:
    """Flipped bytes of a real model are read or refused."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, 1, 9, 9])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
        [numpy_helper.from_array(np.ones(2, np.float32), "w")],
    )
    base = helper.make_model(graph).SerializeToString()
    spoilt = bytearray(base)
    for place in data.draw(st.lists(st.integers(0, len(base) - 1), max_size=6)):
        spoilt[place] = data.draw(st.integers(0, 255))
    try:
        read_onnx(bytes(spoilt))
    except ModelError:
        return
