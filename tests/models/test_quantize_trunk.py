"""Which nodes of a network go to eight bits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is only installed for training and tests")

from models.train.quantize_trunk import trunk  # noqa: E402


def network() -> onnx.ModelProto:
    """Two convolutions with a residual, enlarged and added to a third; then corners: a convolution plus a table of centres."""
    node = onnx.helper.make_node

    def conv(name: str, x: str, out: str) -> onnx.NodeProto:
        return node("Conv", [x, "w"], [out], name=name, kernel_shape=[1, 1])

    nodes = [
        conv("first", "image", "a"),
        node("Relu", ["a"], ["b"], name="relu of first"),
        conv("second", "b", "c"),
        node("Relu", ["c"], ["d"], name="relu"),
        conv("third", "d", "e"),
        node("Add", ["d", "e"], ["f"], name="residual"),
        node("Resize", ["f", "", "scales"], ["g"], name="enlarge"),
        node("Add", ["g", "e"], ["h"], name="join"),
        conv("corners", "h", "i"),
        node("Add", ["i", "centres"], ["corners_px"], name="decode"),
        node("Conv", ["h", "w1"], ["j"], name="along", kernel_shape=[1]),
        node("Add", ["j", "j"], ["k"], name="behind"),
    ]
    values = {"w": np.ones((4, 4, 1, 1)), "w1": np.ones((4, 4, 1)), "scales": np.ones(4), "centres": np.ones(4)}
    weights = [onnx.numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()]
    graph = onnx.helper.make_graph(nodes, "g", [], [], weights)
    return onnx.helper.make_model(graph)


@pytest.mark.parametrize(
    ("in_float", "wanted"),
    [
        ((), ["first", "relu of first", "second", "relu", "third", "residual", "join", "corners"]),
        (("first", "corners"), ["second", "relu", "third", "residual", "join"]),
    ],
    ids=["all convolutions", "first and readout in float"],
)
def test_only_what_convolutions_hand_to_each_other_goes_to_eight_bits(in_float: Sequence[str], wanted: list[str]) -> None:
    """Not the sum that makes corners of offsets, not a convolution along one line, nothing behind a layer in float."""
    assert trunk(network(), in_float) == wanted
