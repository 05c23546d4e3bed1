"""ONNX files that were made to hurt whoever loads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

_ENTRY = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, 352, 640])
_OUT = helper.make_tensor_value_info("plates", TensorProto.FLOAT, [1, 4, 9])
_ROWS = numpy_helper.from_array(np.zeros((1, 4, 9), np.float32), "rows")


def numbers(name: str, *values: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def model(nodes: Sequence[onnx.NodeProto], *initial: onnx.TensorProto, functions: Sequence[onnx.FunctionProto] = ()) -> bytes:
    graph = helper.make_graph(list(nodes), "hostile", [_ENTRY], [_OUT], [_ROWS, *initial])
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid("own", 1)] if functions else [])]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=9, functions=list(functions))
    return bytes(made.SerializeToString())


def plates(*nodes: onnx.NodeProto) -> list[onnx.NodeProto]:
    """``nodes``, and the output as a detector gives it, from something that they leave in ``x``."""
    node = helper.make_node
    return [
        *nodes,
        node("ReduceMax", ["x"], ["most"], keepdims=0),
        node("Cast", ["most"], ["as_float"], to=TensorProto.FLOAT),
        node("Add", ["rows", "as_float"], ["plates"]),
    ]


def from_image() -> onnx.NodeProto:
    return helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT)


def huge_constant() -> bytes:
    """Forty thousand by forty thousand of one number: 6.4 GB, in a hundred bytes."""
    fill = helper.make_node("ConstantOfShape", ["shape"], ["x"], value=numpy_helper.from_array(np.ones(1, np.float32)))
    return model(plates(fill), numbers("shape", 40_000, 40_000))


def huge_when_run() -> bytes:
    """The same, of the picture: no optimiser can see it at load."""
    node = helper.make_node
    return model(plates(from_image(), node("Tile", ["pixels", "times"], ["x"])), numbers("times", 1, 1, 100, 100))


def doubling() -> bytes:
    """Forty times twice itself."""
    node = helper.make_node
    names = ["rows", *(f"x{n}" for n in range(40)), "x"]
    pairs = pairwise(names)
    return model(plates(*(node("Concat", [a, a], [b], axis=0) for a, b in pairs)))


def doubling_the_picture() -> bytes:
    node = helper.make_node
    names = ["pixels", *(f"x{n}" for n in range(20)), "x"]
    pairs = pairwise(names)
    return model(plates(from_image(), *(node("Concat", [a, a], [b], axis=0) for a, b in pairs)))


def without_end() -> bytes:
    """A loop of 2^62 turns."""
    node, value = helper.make_node, helper.make_tensor_value_info
    inside = helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("Add", ["v", "v"], ["w"])],
        "body",
        [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("v", TensorProto.FLOAT, [1, 4, 9])],
        [value("on", TensorProto.BOOL, []), value("w", TensorProto.FLOAT, [1, 4, 9])],
    )
    yes = numpy_helper.from_array(np.array(True), "yes")
    return model(plates(node("Loop", ["turns", "yes", "rows"], ["x"], body=inside)), numbers("turns", 1 << 62), yes)


def nested(depth: int) -> bytes:
    """Graphs inside operators inside graphs."""
    node, value = helper.make_node, helper.make_tensor_value_info
    inside = helper.make_graph([node("Identity", ["rows"], ["y0"])], "g", [], [value("y0", TensorProto.FLOAT, [1, 4, 9])])
    for n in range(1, depth):
        branch = node("If", ["yes"], [f"y{n}"], then_branch=inside, else_branch=inside) if n < 12 else None
        branch = branch or node("If", ["yes"], [f"y{n}"], then_branch=inside)
        inside = helper.make_graph([branch], "g", [], [value(f"y{n}", TensorProto.FLOAT, [1, 4, 9])])
    yes = numpy_helper.from_array(np.array(True), "yes")
    return model(plates(node("If", ["yes"], ["x"], then_branch=inside, else_branch=inside)), yes)


def deep() -> bytes:
    """Five hundred graphs, each inside the one before, by hand: protobuf's own writer gives up at a hundred."""
    body = b""
    for _ in range(500):
        graph = _field(1, _field(5, _field(6, body)))  # graph.node.attribute.graph
        body = graph
    return _field(7, body) + b"\x08\x09"


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def many_fields() -> bytes:
    """Sixteen million empty fields."""
    return b"\x08\x09" + _field(7, b"\x0a\x00" * (8 << 20))


def many_nodes() -> bytes:
    """A hundred and fifty thousand operators, one after the other."""
    node = helper.make_node
    names = ["rows", *(f"n{n}" for n in range(150_000)), "x"]
    return model(plates(*(node("Neg", [a], [b]) for a, b in pairwise(names))))


def calls_itself() -> bytes:
    """A function of the model's own that calls itself."""
    node = helper.make_node
    own = helper.make_function(
        "own",
        "F",
        ["a"],
        ["b"],
        [node("F", ["a"], ["b"], domain="own")],
        [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)],
    )
    return model(plates(node("F", ["rows"], ["x"], domain="own")), functions=[own])


def tensor_of(*sides: int) -> bytes:
    """A tensor that says it has these sides, and holds four bytes."""
    tensor = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=list(sides), raw_data=bytes(4))
    return model(plates(helper.make_node("Identity", ["w"], ["x"])), tensor)


def outside(location: str) -> bytes:
    """Weights in another file: an ordinary one, or any that the account can read."""
    tensor = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "4")):
        tensor.external_data.add(key=key, value=value)
    return model(plates(helper.make_node("Identity", ["w"], ["x"])), tensor)


def outside_in_an_operator() -> bytes:
    """The same, where a careless reader does not look: in an operator's constant, and in a graph inside an operator."""
    tensor = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    constant = onnx.NodeProto(op_type="Constant", output=["x"])
    constant.attribute.append(AttributeProto(name="value", type=AttributeProto.TENSOR, t=tensor))
    return model(plates(constant))


def huge_range() -> bytes:
    node = helper.make_node
    single = [numpy_helper.from_array(np.array(v, np.int64), n) for n, v in (("zero", 0), ("end", 1 << 40), ("one", 1))]
    return model(plates(node("Range", ["zero", "end", "one"], ["x"])), *single)


def huge_random() -> bytes:
    return model(plates(helper.make_node("RandomNormal", [], ["x"], shape=[1 << 20, 1 << 14])))


def many_turns() -> bytes:
    """Hours of honest arithmetic: a product of large matrices, made of the picture."""
    node = helper.make_node
    return model(
        plates(
            from_image(),
            node("Tile", ["pixels", "times"], ["wide"]),
            node("Reshape", ["wide", "square"], ["m0"]),
            *(node("MatMul", [f"m{n}", f"m{n}"], [f"m{n + 1}"]) for n in range(60)),
            node("Identity", ["m60"], ["x"]),
        ),
        numbers("times", 1, 1, 5, 20),
        numbers("square", 4693, 4800),
    )


CORPUS: dict[str, Callable[[], bytes]] = {
    "6.4 GB of one number": huge_constant,
    "9 GB of the picture": huge_when_run,
    "twice itself, forty times": doubling,
    "the picture twice itself, twenty times": doubling_the_picture,
    "2^40 numbers in a row": huge_range,
    "64 GB of noise": huge_random,
    "a loop of 2^62 turns": without_end,
    "graphs in graphs, 2^10 of them": lambda: nested(11),
    "graphs in graphs, 500 deep": deep,
    "sixteen million fields": many_fields,
    "150,000 operators": many_nodes,
    "a function that calls itself": calls_itself,
    "a tensor of 2^62 numbers": lambda: tensor_of(1 << 31, 1 << 31),
    "a tensor whose size wraps to nought": lambda: tensor_of(1 << 32, 1 << 32),
    "a tensor of minus one numbers": lambda: tensor_of(-1, 5),
    "weights in another file": lambda: outside("weights.bin"),
    "weights behind a path upwards": lambda: outside("../../../../etc/passwd"),
    "weights in /etc/passwd": lambda: outside("/etc/passwd"),
    "weights in another file, in an operator": outside_in_an_operator,
    "half a model": lambda: huge_constant()[:60],
    "no model": lambda: b"\x00" * 5000,
    "a picture": lambda: b"\xff\xd8\xff\xe0" + bytes(1000),
}


def write(folder: Path, name: str) -> Path:
    path = folder / "hostile.onnx"
    path.write_bytes(CORPUS[name]())
    return path
