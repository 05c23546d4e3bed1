"""What an ONNX file says of itself: version, opsets, inputs, and whether all of its numbers are inside.

onnxruntime tells neither a model's opset nor whether its weights lie in other files, and the `onnx` package does not belong on
a unit, so the few fields needed are walked here.  Field numbers are those of ONNX's `onnx.proto3` (IR version 10); the encoding
is protobuf's.  Weights are stepped over, never copied; the walk is bounded in fields and depth, whatever the bytes are.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from edge.errors import ModelError

#: onnxruntime loads every opset from 7 on; 21 is the newest that 1.20 knows, the oldest release that a unit may have.
OPSETS = range(7, 22)
#: The file format's versions that onnxruntime 1.20 loads; 3 is the first with opsets.
IR_VERSIONS = range(3, 11)

#: A model of this work has some ten thousand fields; a file with more than this is made to waste time.
MAX_FIELDS = 300_000
#: Graphs inside operators inside graphs: If and Loop need two or three.
MAX_DEPTH = 12

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Where messages lie in messages: (message, field) → message.  What is not named here is stepped over.
_INSIDE = {
    ("model", 7): "graph",
    ("model", 8): "opset",
    ("model", 20): "training",
    ("model", 25): "function",
    ("training", 1): "graph",
    ("training", 2): "graph",
    ("function", 7): "node",
    ("function", 11): "attribute",
    ("graph", 1): "node",
    ("graph", 5): "tensor",
    ("graph", 11): "value",
    ("graph", 15): "sparse",
    ("node", 5): "attribute",
    ("attribute", 5): "tensor",
    ("attribute", 6): "graph",
    ("attribute", 10): "tensor",
    ("attribute", 11): "graph",
    ("attribute", 22): "sparse",
    ("attribute", 23): "sparse",
    ("sparse", 1): "tensor",
    ("sparse", 2): "tensor",
}
_TENSOR_NAME, _TENSOR_EXTERNAL, _TENSOR_LOCATION = 8, 13, 14

#: Element types that the formats take (TensorProto.DataType).
ELEMENT_TYPES = {1: "float", 2: "uint8", 3: "int8", 7: "int64", 10: "float16"}


class OnnxInput(Struct, frozen=True, kw_only=True):
    """One input: element type in onnxruntime's word (`other` where it is none that is used here), and sides; None is free."""

    name: str
    element: str
    shape: tuple[int | None, ...]


class OnnxFile(Struct, frozen=True, kw_only=True):
    """What a file says of itself.  ``opsets`` are (domain, version); ``external`` names tensors whose numbers are elsewhere."""

    ir_version: int
    opsets: tuple[tuple[str, int], ...]
    inputs: tuple[OnnxInput, ...]
    external: tuple[str, ...]

    @property
    def opset(self) -> int:
        """Version of the standard operators; 0 where the file names none."""
        return max((version for domain, version in self.opsets if domain in ("", "ai.onnx")), default=0)


def read_onnx(data: bytes) -> OnnxFile:
    """What the bytes of a model say.  Raises ModelError if they are no ONNX model, or one made to waste time."""
    try:
        return _Walk().model(memoryview(data))
    except (IndexError, ValueError) as error:
        raise ModelError(f"it is no ONNX file, or a damaged one ({error})") from error


def refuse_external_data(file: OnnxFile) -> None:
    """Raises ModelError if any tensor lies in another file: its bytes would not be in the hash."""
    if file.external:
        raise ModelError(
            f"{len(file.external)} of its tensors lie in other files (`{file.external[0][:40]}` …), which no hash would cover; "
            f"save the model with its data inside"
        )


def refuse_foreign_versions(file: OnnxFile) -> None:
    """Raises ModelError if a unit's onnxruntime might not load the file: format version or opset."""
    if file.ir_version not in IR_VERSIONS:
        raise ModelError(
            f"its IR version is {file.ir_version}; {IR_VERSIONS[0]} to {IR_VERSIONS[-1]} are taken: export it for an older one"
        )
    if file.opset not in OPSETS:
        raise ModelError(f"its opset is {file.opset}; {OPSETS[0]} to {OPSETS[-1]} are taken: export it with another")


class _Walk:
    """One pass over a file."""

    def __init__(self) -> None:
        self._fields_left = MAX_FIELDS
        self._external: list[str] = []
        self._initial: set[str] = set()
        self._inputs: list[OnnxInput] = []

    def model(self, data: memoryview) -> OnnxFile:
        ir_version, opsets, graphs = 0, [], 0
        for number, value in self._fields(data):
            if number == 1 and isinstance(value, int):
                ir_version = value
            elif number == 8 and isinstance(value, memoryview):
                opsets.append(self._opset(value))
            elif isinstance(value, memoryview) and ("model", number) in _INSIDE:
                graphs += number == 7
                self._message(_INSIDE["model", number], value, 1, main=number == 7)
        if ir_version == 0 or graphs != 1:
            raise ValueError("no version, or not exactly one graph")
        inputs = tuple(each for each in self._inputs if each.name not in self._initial)
        return OnnxFile(ir_version=ir_version, opsets=tuple(opsets), inputs=inputs, external=tuple(self._external))

    def _message(self, kind: str, data: memoryview, depth: int, main: bool = False) -> None:
        """Walk one message; ``main`` is the model's own graph, whose inputs are the model's."""
        if depth > MAX_DEPTH * 3:  # a graph, its node and the node's attribute are one step of nesting
            raise ValueError("graphs are nested too deeply")
        if kind == "tensor":
            self._tensor(data, main)
            return
        for number, value in self._fields(data):
            inner = _INSIDE.get((kind, number))
            if inner is None or not isinstance(value, memoryview):
                continue
            if inner == "value":
                if main:
                    self._inputs.append(self._input(value))
            else:
                self._message(inner, value, depth + 1, main=main and inner == "tensor")

    def _tensor(self, data: memoryview, main: bool) -> None:
        name, external = "", False
        for number, value in self._fields(data):
            if number == _TENSOR_NAME and isinstance(value, memoryview):
                name = _text(value)
            external = external or number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0)
        if external:
            self._external.append(name)
        if main:
            self._initial.add(name)

    def _opset(self, data: memoryview) -> tuple[str, int]:
        domain, version = "", 0
        for number, value in self._fields(data):
            if number == 1 and isinstance(value, memoryview):
                domain = _text(value)
            elif number == 2 and isinstance(value, int):
                version = value
        return domain, version

    def _input(self, data: memoryview) -> OnnxInput:
        """ValueInfo: name 1, type 2 → tensor 1 → element 1, shape 2 → dimension 1 → value 1."""
        name, element, shape = "", "other", []
        for number, value in self._fields(data):
            if number == 1 and isinstance(value, memoryview):
                name = _text(value)
            elif number == 2 and isinstance(value, memoryview):
                for tensor in self._inner(value, 1):
                    for inner, field in self._fields(tensor):
                        if inner == 1 and isinstance(field, int):
                            element = ELEMENT_TYPES.get(field, "other")
                        elif inner == 2 and isinstance(field, memoryview):
                            shape = [self._side(dimension) for dimension in self._inner(field, 1)]
        return OnnxInput(name=name, element=element, shape=tuple(shape))

    def _side(self, data: memoryview) -> int | None:
        for number, value in self._fields(data):
            if number == 1 and isinstance(value, int):
                return value
        return None

    def _inner(self, data: memoryview, wanted: int) -> Iterator[memoryview]:
        return (value for number, value in self._fields(data) if number == wanted and isinstance(value, memoryview))

    def _fields(self, data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """The fields of one message: (number, value); bytes as views.  Raises ValueError or IndexError if damaged."""
        at = 0
        while at < len(data):
            self._fields_left -= 1
            if self._fields_left < 0:
                raise ValueError(f"it has more than {MAX_FIELDS} fields")
            key, at = _varint(data, at)
            number, wire = key >> 3, key & 7
            if number == 0 or key >> 32:  # a longer key would be cut by one reader and refused by another
                raise ValueError(f"field {number} at byte {at}")
            if wire == _VARINT:
                whole, at = _varint(data, at)
                yield number, whole
                continue
            if wire == _BYTES:
                size, at = _varint(data, at)
            elif wire in (_FIXED32, _FIXED64):
                size = 4 if wire == _FIXED32 else 8
            else:
                raise ValueError(f"wire type {wire} at byte {at}")
            if size > len(data) - at:
                raise ValueError(f"it ends {size - (len(data) - at)} bytes too early")
            if wire == _BYTES:
                yield number, data[at : at + size]
            at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """A base-128 number of at most ten bytes and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError(f"a number without end at byte {at}")


def _text(data: memoryview) -> str:
    """A name from the file, fit to be shown: printable, and not a page long."""
    text = bytes(data[:200]).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "?" for character in text)
