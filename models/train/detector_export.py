"""Write a trained detector as ONNX in the format "plate-edge-detector/1".

python -m models.train.detector_export CHECKPOINT OUT.onnx [--size 640x352]

Height and width of its input are free (multiples of 32); the metadata's `input_size` is the size it was measured at.
"""

import argparse
import tempfile
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from models.train.detector_net import STRIDE, DetectorNet, corners

FORMAT = "plate-edge-detector/1"
DEFAULT_SIZE = (640, 352)
"""Width and height of the network's input in px that the file names as its own."""

TOP = 32
"""Rows of the output: more plates than any frame of a plate camera holds."""

OPSET = 17


class Detector(nn.Module):
    """The network with the decoding that every runtime would otherwise have to repeat.

    uint8 (1, 1, H, W) → float32 (1, 32, 9): score, then TL, TR, BR, BL as x, y in input px, best first. A row is a
    3x3 peak of the score map; overlapping peaks are left to the host.
    """

    def __init__(self, net: DetectorNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        logits, raw = self.net.maps(image.float())
        score = torch.sigmoid(logits)
        peak = nn.functional.max_pool2d(score, 3, 1, 1)
        kept = torch.where(score >= peak, score, torch.zeros_like(score)).flatten(1)
        best, index = torch.topk(kept, TOP, dim=1)
        rows = torch.gather(raw.flatten(2), 2, index[:, None].expand(-1, 9, -1))
        found = corners(rows, index, image.shape[3] // STRIDE)
        return torch.cat([best[:, :, None], found.transpose(1, 2)], dim=2)


def export(net: DetectorNet, path: Path, size: tuple[int, int] = DEFAULT_SIZE) -> None:
    """Export `net` with free height and width; `size` (width, height) is what the file names as its own, multiples of 32."""
    width, height = size
    if width % 32 or height % 32:
        raise ValueError(f"export the detector at {width}x{height}: both sides must be multiples of 32")
    detector = Detector(net).eval()
    image = torch.zeros(1, 1, height, width, dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        raw = Path(folder) / "raw.onnx"
        torch.onnx.export(
            detector, (image,), str(raw), input_names=["image"], output_names=["plates"],
            dynamic_axes={"image": {2: "height", 3: "width"}}, opset_version=OPSET, do_constant_folding=True, dynamo=False,
        )  # fmt: skip
        model = onnx.load(raw)
    for side, length in zip(model.graph.output[0].type.tensor_type.shape.dim, (1, TOP, 9), strict=True):
        side.dim_value = length
    model.metadata_props.add(key="format", value=FORMAT)
    model.metadata_props.add(key="input_size", value=f"{width}x{height}")
    model.doc_string = ""
    onnx.checker.check_model(model)
    partial = path.with_suffix(".partial")
    onnx.save(model, partial)
    partial.replace(path)


def load_net(checkpoint: Path) -> DetectorNet:
    """The averaged weights of a checkpoint written by `models.train.detector`."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    net = DetectorNet(tuple(state["widths"]))
    net.load_state_dict(state["average"])
    return net.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", default="640x352", help="input width x height, multiples of 32")
    arguments = parser.parse_args()
    width, height = (int(part) for part in arguments.size.split("x"))
    export(load_net(arguments.checkpoint), arguments.out, (width, height))


if __name__ == "__main__":
    main()
