"""The peer whose speed ours is compared with: fast-alpr's default pair, re-created without its weights.

YOLOv9-t end-to-end at 384x384 (GELAN-t: https://github.com/WongKinYiu/yolov9, ``models/detect/gelan-t.yaml`` and
``models/common.py``; 1.98 M parameters, 1.37 GMAC) and fast-plate-ocr's cct-xs (https://github.com/ankandrew/fast-plate-ocr,
``models/cct_xs_v1.yaml``, with the second version's layers behind the token reduction; 0.49 M, 0.12 GMAC), drawn as ONNX
graphs from the descriptions below, with random weights: time depends on the layers and not on what they learnt.  Only
measuring needs this file; it is the only one of the line that imports ``onnx``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
from msgspec import Struct

from edge.errors import ConfigError
from edge.model_files import session_options
from edge.records import Image

DETECTOR_SIDE = 384
PLATE_W, PLATE_H = 128, 64
PAD_GREY = (114, 114, 114)
#: What the two networks are said to have; a re-creation that is off by more than ``TOLERANCE`` is none.
DETECTOR_PARAMETERS, DETECTOR_MACS = 1.98e6, 1.37e9
READER_PARAMETERS, READER_MACS = 0.49e6, 0.12e9
TOLERANCE = 0.05
OPSET, IR_VERSION = 17, 8

#: GELAN-t.  Channels of stem, first stage and of what follows, as in ``gelan-t.yaml``.
STEM, FIRST = 16, 32
WIDTHS = (64, 96, 128)
REPEATS = 3
DOWN_IN_NECK = (48, 64)
BINS = 16
STRIDES = (8, 16, 32)

#: cct-xs: convolutions of the stem (a number is 3x3 channels, ``pool`` halves), transformer, slots and classes.
CCT_STEM: tuple[int | str, ...] = (32, "pool", 48, 64, "pool", 80, 96)
PATCH, WIDTH, LAYERS, REDUCER_HEADS, SLOTS, CLASSES, REGIONS = 2, 64, 4, 4, 9, 37, 66
#: Transformer layers on the nine slots, and on those of the region branch: as many as give the parameters.
LAYERS_OF_SLOTS, LAYERS_OF_REGION = 4, 1


class Plane(Struct, frozen=True, kw_only=True):
    """One tensor of the graph: its name, and channels, height and width of it."""

    name: str
    channels: int
    height: int
    width: int


class PeerNetwork(Struct, frozen=True, kw_only=True):
    """A network as ONNX bytes, with its number of weights and of multiplications a run."""

    onnx: bytes
    parameters: int
    macs: int


class Peer:
    """fast-alpr's pair on one thread: everything from the frame to the slots' probabilities of one plate."""

    def __init__(self) -> None:
        """Draw and load both networks.  Raises ConfigError, saying what to install, where `onnx` is missing."""
        self._detector, self._reader = (
            onnxruntime.InferenceSession(network.onnx, sess_options=session_options(1), providers=["CPUExecutionProvider"])
            for network in (detector_network(), reader_network())
        )

    def __call__(self, frame: Image, plate: Image) -> None:
        """Search a BGR frame, then read one plate's BGR picture, as fast-alpr does for a frame with one plate."""
        self.search(frame)
        self.read(plate)

    def search(self, frame: Image) -> None:
        """Look for plates in a BGR frame; random weights find whatever they find."""
        self._detector.run(None, {"images": letterbox(frame)})

    def read(self, plate: Image) -> None:
        """Read one plate's BGR picture."""
        rgb = cv2.cvtColor(cv2.resize(plate, (PLATE_W, PLATE_H), interpolation=cv2.INTER_LINEAR), cv2.COLOR_BGR2RGB)
        self._reader.run(None, {"input": rgb[None]})


def letterbox(frame: Image) -> npt.NDArray[np.float32]:
    """RGB ``(1, 3, 384, 384)`` in 0 to 1, the frame centred on grey: open-image-models' steps, but in float32 at once."""
    h, w = frame.shape[:2]
    scale = min(DETECTOR_SIDE / h, DETECTOR_SIDE / w)
    size = (round(w * scale), round(h * scale))
    left, top = (DETECTOR_SIDE - size[0]) // 2, (DETECTOR_SIDE - size[1]) // 2
    small = cv2.copyMakeBorder(
        cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR),
        top,
        DETECTOR_SIDE - size[1] - top,
        left,
        DETECTOR_SIDE - size[0] - left,
        cv2.BORDER_CONSTANT,
        value=PAD_GREY,
    )
    planes = np.ascontiguousarray(small.transpose(2, 0, 1)[::-1][None], np.float32)
    planes /= 255
    return planes


class _Sketch:
    """A graph being drawn; counts weights and multiplications of convolutions and matrix products."""

    def __init__(self) -> None:
        try:
            import onnx
            import onnx.helper
            import onnx.numpy_helper
        except ImportError as error:
            raise ConfigError(
                "draw the peer's networks: onnx is not installed; it comes with the extra `bench`: "
                "pip install 'plate-edge[bench]'"
            ) from error
        self._onnx = onnx
        self._random = np.random.default_rng(0)
        self._nodes: list[Any] = []
        self._values: list[Any] = []
        self.parameters = self.macs = 0

    def node(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add an operation; returns the name of its (first) result."""
        name = f"t{len(self._nodes)}"
        names = [name, *(f"{name}_{i}" for i in range(1, outputs))]
        self._nodes.append(self._onnx.helper.make_node(op, list(inputs), names, **attributes))
        return name

    def constant(self, value: Sequence[float] | npt.NDArray[Any], kind: type = np.float32) -> str:
        """A fixed tensor; it is no weight."""
        name = f"c{len(self._values)}"
        self._values.append(self._onnx.numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def weight(self, shape: tuple[int, ...], fan_in: int) -> str:
        """Random weights that keep the signal's size."""
        self.parameters += math.prod(shape)
        return self.constant(self._random.normal(0, math.sqrt(1.5 / fan_in), shape))

    def bias(self, size: int, level: float = 0.0) -> str:
        self.parameters += size
        return self.constant(np.full(size, level))

    def conv(
        self,
        x: Plane,
        channels: int,
        kernel: int = 3,
        stride: int = 1,
        pad: int | None = None,
        activation: str = "silu",
        level: float = 0.0,
    ) -> Plane:
        """A convolution with its normalisation folded in, and what follows it."""
        pad = kernel // 2 if pad is None else pad
        height, width = ((side + 2 * pad - kernel) // stride + 1 for side in (x.height, x.width))
        weights = self.weight((channels, x.channels, kernel, kernel), x.channels * kernel * kernel)
        self.macs += channels * x.channels * kernel * kernel * height * width
        name = self.node(
            "Conv",
            x.name,
            weights,
            self.bias(channels, level),
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[pad] * 4,
        )
        if activation == "silu":
            name = self.node("Mul", name, self.node("Sigmoid", name))
        elif activation == "relu":
            name = self.node("Relu", name)
        return Plane(name=name, channels=channels, height=height, width=width)

    def dense(self, x: str, rows: int, inside: int, outside: int) -> str:
        """A fully connected layer on ``rows`` rows."""
        self.macs += rows * inside * outside
        return self.node("Add", self.node("MatMul", x, self.weight((inside, outside), inside)), self.bias(outside))

    def product(self, a: str, b: str, macs: int) -> str:
        self.macs += macs
        return self.node("MatMul", a, b)

    def reshape(self, x: str, *shape: int) -> str:
        return self.node("Reshape", x, self.constant(np.array(shape), np.int64))

    def part(self, x: Plane, first: int, last: int) -> Plane:
        """Channels ``first`` to ``last`` of a tensor."""
        ends = [self.constant(np.array([value]), np.int64) for value in (first, last, 1)]
        name = self.node("Slice", x.name, *ends)
        return Plane(name=name, channels=last - first, height=x.height, width=x.width)

    def join(self, *planes: Plane) -> Plane:
        """Channels one after another."""
        name = self.node("Concat", *(plane.name for plane in planes), axis=1)
        first = planes[0]
        return Plane(name=name, channels=sum(p.channels for p in planes), height=first.height, width=first.width)

    def add(self, a: Plane, b: Plane) -> Plane:
        return Plane(name=self.node("Add", a.name, b.name), channels=a.channels, height=a.height, width=a.width)

    def network(self, given: Any, results: Sequence[str]) -> PeerNetwork:
        """What was drawn, from the input ``given`` to ``results``."""
        info = self._onnx.helper.make_tensor_value_info
        shown = [info(name, self._onnx.TensorProto.FLOAT, None) for name in results]
        graph = self._onnx.helper.make_graph(self._nodes, "peer", [given], shown, self._values)
        model = self._onnx.helper.make_model(graph, opset_imports=[self._onnx.helper.make_opsetid("", OPSET)])
        model.ir_version = IR_VERSION
        return PeerNetwork(onnx=model.SerializeToString(), parameters=self.parameters, macs=self.macs)

    def given(self, name: str, kind: str, shape: Sequence[int]) -> Any:
        """The declaration of an input."""
        return self._onnx.helper.make_tensor_value_info(name, getattr(self._onnx.TensorProto, kind), list(shape))


# --- YOLOv9-t --------------------------------------------------------------------------------------------------------


def detector_network() -> PeerNetwork:
    """YOLOv9-t, one class, 384x384, non-maximum suppression inside.  Raises ConfigError if `onnx` is missing."""
    g = _Sketch()
    given = g.given("images", "FLOAT", (1, 3, DETECTOR_SIDE, DETECTOR_SIDE))
    x = Plane(name="images", channels=3, height=DETECTOR_SIDE, width=DETECTOR_SIDE)
    x = _elan(g, g.conv(g.conv(x, STEM, stride=2), FIRST, stride=2))
    p3 = _csp_elan(g, _down(g, x, WIDTHS[0]), WIDTHS[0])
    p4 = _csp_elan(g, _down(g, p3, WIDTHS[1]), WIDTHS[1])
    p5 = _pyramid(g, _csp_elan(g, _down(g, p4, WIDTHS[2]), WIDTHS[2]))
    n4 = _csp_elan(g, g.join(_up(g, p5), p4), WIDTHS[1])
    n3 = _csp_elan(g, g.join(_up(g, n4), p3), WIDTHS[0])
    n4 = _csp_elan(g, g.join(_down(g, n3, DOWN_IN_NECK[0]), n4), WIDTHS[1])
    n5 = _csp_elan(g, g.join(_down(g, n4, DOWN_IN_NECK[1]), p5), WIDTHS[2])
    return g.network(given, [_detect(g, (n3, n4, n5))])


def _down(g: _Sketch, x: Plane, channels: int) -> Plane:
    """AConv: mean of 2x2, then a 3x3 convolution with stride 2."""
    name = g.node("AveragePool", x.name, kernel_shape=[2, 2], strides=[1, 1])
    return g.conv(Plane(name=name, channels=x.channels, height=x.height - 1, width=x.width - 1), channels, stride=2)


def _up(g: _Sketch, x: Plane) -> Plane:
    scales = g.constant([1, 1, 2, 2])
    name = g.node(
        "Resize", x.name, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )
    return Plane(name=name, channels=x.channels, height=2 * x.height, width=2 * x.width)


def _elan(g: _Sketch, x: Plane) -> Plane:
    """ELAN1 with 32 channels in and out, 16 inside."""
    first = g.conv(x, FIRST, kernel=1)
    half = FIRST // 2
    left, right = g.part(first, 0, half), g.part(first, half, FIRST)
    third = g.conv(right, half)
    return g.conv(g.join(left, right, third, g.conv(third, half)), FIRST, kernel=1)


def _csp_elan(g: _Sketch, x: Plane, channels: int) -> Plane:
    """RepNCSPELAN4 with ``channels`` out and half of them inside."""
    first, half = g.conv(x, channels, kernel=1), channels // 2
    left, right = g.part(first, 0, half), g.part(first, half, channels)
    third = g.conv(_csp(g, right, half), half)
    return g.conv(g.join(left, right, third, g.conv(_csp(g, third, half), half)), channels, kernel=1)


def _csp(g: _Sketch, x: Plane, channels: int) -> Plane:
    """RepNCSP: three bottlenecks on one half, the other passes by; each RepConvN is one 3x3 convolution once fused."""
    half = channels // 2
    kept, by = g.conv(x, half, kernel=1), g.conv(x, half, kernel=1)
    for _ in range(REPEATS):
        kept = g.add(kept, g.conv(g.conv(kept, half), half))
    return g.conv(g.join(kept, by), channels, kernel=1)


def _pyramid(g: _Sketch, x: Plane) -> Plane:
    """SPPELAN: 64 channels pooled three times by 5x5."""
    planes = [g.conv(x, WIDTHS[2] // 2, kernel=1)]
    for _ in range(3):
        name = g.node("MaxPool", planes[-1].name, kernel_shape=[5, 5], strides=[1, 1], pads=[2] * 4)
        planes.append(Plane(name=name, channels=planes[0].channels, height=x.height, width=x.width))
    return g.conv(g.join(*planes), WIDTHS[2], kernel=1)


def _detect(g: _Sketch, levels: Sequence[Plane]) -> str:
    """DDetect with one class, distances to boxes, and the end-to-end export's suppression: rows of 7."""
    sides, scores, anchors, strides = [], [], [], []
    for level, stride in zip(levels, STRIDES, strict=True):
        # In one group; in four, as in common.py's DDetect, the network would have 1.88 M parameters and 1.27 GMAC.
        box = g.conv(g.conv(g.conv(level, 4 * BINS), 4 * BINS), 4 * BINS, kernel=1, activation="none")
        # So unsure of everything that no box is left: the suppression has no work, as on a frame with one plate.
        score = g.conv(g.conv(g.conv(level, WIDTHS[0]), WIDTHS[0]), 1, kernel=1, activation="none", level=-30.0)
        cells = level.height * level.width
        sides.append(g.reshape(box.name, 1, 4 * BINS, cells))
        scores.append(g.reshape(score.name, 1, 1, cells))
        y, x = np.mgrid[: level.height, : level.width] + 0.5
        anchors.append(np.stack([x.ravel(), y.ravel()]))
        strides.append(np.full(cells, stride))
    count = sum(len(each) for each in strides)
    spread = g.reshape(g.node("Concat", *sides, axis=2), 1, 4, BINS, count)
    spread = g.node("Softmax", g.node("Transpose", spread, perm=[0, 2, 1, 3]), axis=1)
    bins = g.constant(np.arange(BINS).reshape(1, BINS, 1, 1))
    distance = g.reshape(g.node("Conv", spread, bins, kernel_shape=[1, 1]), 1, 4, count)
    ends = [g.constant(np.array([value]), np.int64) for value in (0, 2, 4, 1)]
    before, after = (g.node("Slice", distance, ends[i], ends[i + 1], ends[3]) for i in (0, 1))
    centre, scale = g.constant(np.concatenate(anchors, 1)[None]), g.constant(np.concatenate(strides)[None, None])
    low, high = g.node("Sub", centre, before), g.node("Add", centre, after)
    corners = g.node("Mul", g.node("Concat", low, high, axis=1), scale)
    boxes = g.node("Transpose", corners, perm=[0, 2, 1])
    score_name = g.node("Sigmoid", g.node("Concat", *scores, axis=2))
    most, overlap, least = g.constant(np.array([100]), np.int64), g.constant([0.45]), g.constant([0.25])
    chosen = g.node("NonMaxSuppression", boxes, score_name, most, overlap, least)
    where = g.node("Gather", chosen, g.constant(np.array(2), np.int64), axis=1)
    rows = g.node("Gather", g.node("Squeeze", boxes, g.constant(np.array([0]), np.int64)), where, axis=0)
    sure = g.node("Gather", g.reshape(score_name, count, 1), where, axis=0)
    index = g.node("Cast", g.node("Slice", chosen, ends[0], ends[3], ends[3]), to=1)
    category = g.node("Mul", sure, g.constant([0.0]))
    return g.node("Concat", index, rows, category, sure, axis=1)


# --- cct-xs ----------------------------------------------------------------------------------------------------------


def reader_network() -> PeerNetwork:
    """cct-xs, RGB 64x128 in, nine slots of 37 and the region out.  Raises ConfigError if `onnx` is missing."""
    g = _Sketch()
    given = g.given("input", "UINT8", (1, PLATE_H, PLATE_W, 3))
    scaled = g.node("Mul", g.node("Cast", "input", to=1), g.constant([1 / 255]))
    x = Plane(name=g.node("Transpose", scaled, perm=[0, 3, 1, 2]), channels=3, height=PLATE_H, width=PLATE_W)
    for layer in CCT_STEM:
        x = _blur_pool(g, x) if isinstance(layer, str) else g.conv(x, layer, pad=0, activation="relu")
    rows, columns, inside = x.height // PATCH, x.width // PATCH, x.channels * PATCH * PATCH
    patches = g.reshape(x.name, 1, x.channels, rows, PATCH, columns, PATCH)
    tokens = rows * columns
    seen = g.reshape(g.node("Transpose", patches, perm=[0, 2, 4, 3, 5, 1]), 1, tokens, inside)
    seen = _gelu(g, g.dense(seen, tokens, inside, WIDTH))
    seen = g.node("Add", seen, g.weight((1, tokens, WIDTH), WIDTH))
    for _ in range(LAYERS):
        seen = _transformer(g, seen, tokens)
    slots = _attention(g, g.weight((1, SLOTS, WIDTH), WIDTH), seen, SLOTS, tokens, REDUCER_HEADS)
    for _ in range(LAYERS_OF_SLOTS):
        slots = _transformer(g, slots, SLOTS)
    plate = g.node("Softmax", g.dense(slots, SLOTS, WIDTH, CLASSES), axis=2)
    for _ in range(LAYERS_OF_REGION):
        slots = _transformer(g, slots, SLOTS)
    share = g.node("Softmax", g.node("Transpose", g.dense(slots, SLOTS, WIDTH, 1), perm=[0, 2, 1]), axis=2)
    region = g.dense(g.product(share, slots, SLOTS * WIDTH), 1, WIDTH, REGIONS)
    return g.network(given, [plate, g.node("Softmax", region, axis=2)])


def _transformer(g: _Sketch, seen: str, tokens: int) -> str:
    """One layer: attention with one head, two dense layers, each beside an identity."""
    level = _dyt(g, seen)
    seen = g.node("Add", seen, _attention(g, level, level, tokens, tokens, 1))
    inner = _gelu(g, g.dense(_dyt(g, seen), tokens, WIDTH, WIDTH))
    return g.node("Add", seen, _gelu(g, g.dense(inner, tokens, WIDTH, WIDTH)))


def _blur_pool(g: _Sketch, x: Plane) -> Plane:
    """MaxBlurPooling2D: the largest of 2x2, then every second value of a fixed 3x3 binomial blur."""
    largest = g.node("MaxPool", x.name, kernel_shape=[2, 2], strides=[1, 1], auto_pad="SAME_UPPER")
    binomial = np.outer([1, 2, 1], [1, 2, 1]) / 16
    kernel = g.constant(np.tile(binomial, (x.channels, 1, 1, 1)))
    height, width = -(-x.height // 2), -(-x.width // 2)
    g.macs += x.channels * 9 * height * width
    name = g.node("Conv", largest, kernel, kernel_shape=[3, 3], strides=[2, 2], group=x.channels, auto_pad="SAME_UPPER")
    return Plane(name=name, channels=x.channels, height=height, width=width)


def _gelu(g: _Sketch, x: str) -> str:
    error = g.node("Erf", g.node("Div", x, g.constant([math.sqrt(2)])))
    return g.node("Mul", g.node("Mul", x, g.node("Add", error, g.constant([1.0]))), g.constant([0.5]))


def _dyt(g: _Sketch, x: str) -> str:
    """Dynamic Tanh, the normalisation of these transformers."""
    bent = g.node("Tanh", g.node("Mul", x, g.bias(1, 0.5)))
    return g.node("Add", g.node("Mul", bent, g.bias(WIDTH, 1.0)), g.bias(WIDTH))


def _attention(g: _Sketch, asking: str, seen: str, asked: int, tokens: int, heads: int) -> str:
    """Attention with ``heads`` heads of the full width each, as in fast-plate-ocr's first layout."""
    across = heads * WIDTH

    def split(x: str, rows: int, order: Sequence[int]) -> str:
        return g.node("Transpose", g.reshape(g.dense(x, rows, WIDTH, across), 1, rows, heads, WIDTH), perm=list(order))

    query, key = split(asking, asked, (0, 2, 1, 3)), split(seen, tokens, (0, 2, 3, 1))
    value = split(seen, tokens, (0, 2, 1, 3))
    score = g.product(g.node("Mul", query, g.constant([WIDTH**-0.5])), key, asked * tokens * across)
    mixed = g.product(g.node("Softmax", score, axis=3), value, asked * tokens * across)
    joined = g.reshape(g.node("Transpose", mixed, perm=[0, 2, 1, 3]), 1, asked, across)
    return g.dense(joined, asked, across, WIDTH)
