"""Calibrates the recognizer's confidence and writes ``models/ocr.onnx`` and ``models/ocr.yaml``.

Temperatures are fitted on crops nobody learnt from: rendered ones of a seed of their own and the real training plates
held out by `recognizer_data.held_out`. They are folded into the graph, so a unit needs no number beside the file.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from models.train.degrade import degrade_crop, degrade_real
from models.train.plates import REGIONS, render_plate
from models.train.recognizer_data import NO_REGION, held_out, make_target, real_plates
from models.train.recognizer_net import ALPHABET, HEIGHT, SLOTS, WIDTH, ExportNet, RecognizerNet
from models.train.recognizer_nothing import nothing

MODELS = Path(__file__).resolve().parents[1]
IR_VERSION = 8  # read by every onnxruntime since 1.15
CALIBRATION_SEED = 909


def held_out_crops(rendered: int, per_real: int) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Crops (N, 64, 128, 3), slot classes (N, 10) and regions (N,) that no training step has seen."""
    rng = np.random.default_rng(CALIBRATION_SEED)
    crops, slots, regions = [], [], []
    for _ in range(rendered):
        plate = render_plate(rng)
        crop = degrade_crop(rng, plate)
        region = REGIONS.index(plate.region) if plate.region == "unknown" or plate.header_visible else NO_REGION
        crops.append(crop.image)
        slots.append(make_target(plate.text, None, region).slots)
        regions.append(region)
    for _ in range(rendered // 12):  # about as many as in training
        crops.append(nothing(rng, [], float(rng.beta(1.0, 1.6))))
        slots.append(make_target("", np.zeros(0, np.float32), NO_REGION).slots)
        regions.append(NO_REGION)
    for plate in [p for p in real_plates("train") if held_out(p)]:
        for _ in range(per_real):
            crops.append(degrade_real(rng, plate.picture, plate.box).image)
            slots.append(make_target(plate.text, None, NO_REGION).slots)
            regions.append(plate.region)
    return np.stack(crops), np.stack(slots).astype(np.int64), np.array(regions)


def fit_temperature(scores: NDArray[np.float32], classes: NDArray[np.int64]) -> float:
    """The temperature with the least cross entropy on scores (M, K) and true classes (M,); a grid, two digits are enough."""
    best, best_loss = 1.0, np.inf
    for temperature in np.geomspace(0.25, 4.0, 100):
        scaled = scores / temperature
        scaled = scaled - scaled.max(1, keepdims=True)
        loss = float((np.log(np.exp(scaled).sum(1)) - scaled[np.arange(len(classes)), classes]).mean())
        if loss < best_loss:
            best, best_loss = float(temperature), loss
    return best


def write_config(path: Path) -> None:
    """The plate config that fast-plate-ocr reads beside the model."""
    lines = [
        "# How models/ocr.onnx is fed and read (fast-plate-ocr plate configuration).",
        f"max_plate_slots: {SLOTS}", f"alphabet: '{ALPHABET}'", "pad_char: '_'",
        f"img_height: {HEIGHT}", f"img_width: {WIDTH}", "keep_aspect_ratio: false", "interpolation: linear",
        "image_color_mode: rgb", "plate_regions:", *[f"  - {name}" for name in REGIONS],
    ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")


def write_onnx(net: RecognizerNet, path: Path, plate_temperature: float, region_temperature: float) -> None:
    """Writes the net with softmax and temperatures as one ONNX file: input "input", outputs "plate" and "region"."""
    example = torch.zeros((2, HEIGHT, WIDTH, 3), dtype=torch.uint8)
    names = ("input", "plate", "region")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            ExportNet(net, plate_temperature, region_temperature).eval(),
            (example,),
            str(path),
            dynamo=False,  # the newer exporter writes a later opset and splits weights off
            opset_version=17,
            input_names=[names[0]],
            output_names=list(names[1:]),
            dynamic_axes={name: {0: "batch"} for name in names},
        )
    model = onnx.load(str(path))
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string = "plate-edge", "", "licence plate recognizer"
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def export(net: RecognizerNet, folder: Path = MODELS, rendered: int = 2500, per_real: int = 20) -> tuple[float, float]:
    """Calibrates and writes both files into `folder`; returns the plate and the region temperature."""
    from models.train.recognizer import read_crops

    cv2.setNumThreads(1)
    crops, slots, regions = held_out_crops(rendered, per_real)
    scores, region_scores = read_crops(net, crops)
    plate_temperature = fit_temperature(scores.reshape(-1, scores.shape[2]), slots.reshape(-1))
    known = regions != NO_REGION
    region_temperature = fit_temperature(region_scores[known], regions[known])
    write_onnx(net.eval(), folder / "ocr.onnx", plate_temperature, region_temperature)
    write_config(folder / "ocr.yaml")
    print(f"temperatures: plate {plate_temperature:.2f}, region {region_temperature:.2f}; wrote {folder / 'ocr.onnx'}")
    return plate_temperature, region_temperature
