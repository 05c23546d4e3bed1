"""A detector and a reader whose answers are known, pictures for them, and `plate-edge eval`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from onnx import TensorProto

from tests.onnx_files import brightness_reader, constant_network, write_manifest

ROOT = Path(__file__).resolve().parent.parent.parent
PLATE = [40, 80, 100, 50]
"""Where the test's detector sees a plate, in pixels of a 1280x704 picture: x, y, width, height."""


def known_models(folder: Path) -> Path:
    """A detector that always finds PLATE, and a reader that says AA of a white plate and BB of a black one."""
    brightness_reader(folder)
    reader = (folder / "manifest.toml").read_text()
    rows = np.zeros((1, 4, 9), np.float32)
    rows[0, 0] = [0.9, 20, 40, 70, 40, 70, 65, 20, 65]
    detector = constant_network(folder / "d.onnx", (1, 1, 352, 640), TensorProto.UINT8, rows)
    write_manifest(folder, "detector", detector, "plate-edge-detector/1", threshold=0.5)
    with (folder / "manifest.toml").open("a") as manifest:
        manifest.write(reader)
    return folder


def picture(path: Path, grey: int, size: tuple[int, int] = (1280, 704)) -> None:
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), np.full((size[1], size[0], 3), grey, np.uint8))


def write_pictures(folder: Path) -> Path:
    """A right read, a misread, a missed plate beside a box on nothing, and a crop."""
    lines = []
    for name, grey, boxes, texts in (
        ("road/right.png", 255, [PLATE], ["AA"]),
        ("road/misread.png", 0, [PLATE], ["AA"]),
        ("yard/missed.png", 255, [[600, 300, 90, 45]], ["XY1"]),
    ):
        picture(folder / name, grey)
        lines.append({"image": name, "size": [1280, 704], "boxes": boxes, "texts": texts})
    picture(folder / "crops" / "a.png", 255, (128, 64))
    lines.append({"image": "crops/a.png", "size": [128, 64], "boxes": [[0, 0, 128, 64]], "texts": ["BB"], "state": "ny"})
    (folder / "pictures.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder / "pictures.jsonl"


def evaluate(models: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge", "eval", "--models", str(models), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, cwd=ROOT, check=False)
