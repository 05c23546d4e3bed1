"""Which nodes of a network go to eight bits."""

from __future__ import annotations

from collections.abc import Collection

import onnx


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
