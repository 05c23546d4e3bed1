"""Draws the plates that `plate-edge calibrate predict` photographs: calibration/plates.zip.

    python -m models.train.calibration_plates

They are drawn once, here, where the fonts are, so that a unit needs neither fonts nor this package, and every unit is measured
on the same plates. Serials of four to nine characters in all regions' formats; none of them was trained on as drawn here.
"""

from __future__ import annotations

import argparse
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np

from models.train.fonts import families
from models.train.plates import render_plate

SEED = 20261122
COUNTS = {"us": 200, "european": 40}
SIZES = {"us": (320, 160), "european": (416, 88)}
QUALITY = 85


def write_bank(path: Path) -> int:
    """Writes the bank; returns its size in bytes. Raises SystemExit where the fonts are missing: plates would be poorer."""
    if not families("serial"):
        raise SystemExit("draw plates: no fonts; run `python -m models.train.fonts` first")
    rng = np.random.default_rng(SEED)
    index = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bank:
        for style, count in COUNTS.items():
            drawn = 0
            while drawn < count:
                plate = render_plate(rng, style=style)
                size = SIZES[style]
                if not 4 <= len(plate.text) <= 9 or (style == "us" and plate.image.shape[:2] != (160, 320)):
                    continue
                image = cv2.resize(cv2.cvtColor(plate.image, cv2.COLOR_RGB2BGR), size, interpolation=cv2.INTER_AREA)
                coded = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1]
                name = f"{style}-{drawn:03d}.webp"
                bank.writestr(zipfile.ZipInfo(name), coded.tobytes())
                index.append({"file": name, "text": plate.text, "style": style})
                drawn += 1
        bank.writestr(zipfile.ZipInfo("plates.json"), json.dumps(index))
    return path.stat().st_size


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draws the plates of `plate-edge calibrate predict`.")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "calibration" / "plates.zip")
    options = parser.parse_args()
    print(f"{write_bank(options.out)} bytes in {options.out}")
