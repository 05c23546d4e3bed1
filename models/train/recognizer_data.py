"""Training material and measuring sets of the recognizer.

A worker process renders plates, sends each through several cameras (`degrade`), mixes in real training crops and keeps
overwriting the oldest places of a shared store; the trainer draws batches from the store and never waits. Pictures come
from ``../shared/data``; its ``dev`` half is only ever measured on.
"""

from __future__ import annotations

import ctypes
import json
import multiprocessing as mp
import os
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.degrade import CROP_HEIGHT, CROP_WIDTH, Crop, degrade_crop, degrade_real
from models.train.plates import REGIONS, Pixels, render_plate
from models.train.recognizer_net import ALPHABET, COLUMNS, PAD, SLOTS
from models.train.recognizer_nothing import Surroundings, nothing, surroundings

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
IGNORE = 255  # a column whose class is not scored
NO_REGION = -1
CROPS_PER_PLATE = 3
MORE_EUROPEAN = 0.05  # beside the tenth that the renderer draws anyway
NEIGHBOUR_SHARE = 0.02  # crops with another plate beside the one to be read
NOTHING_SHARE = 0.055  # crops without a plate per crop of a rendered plate
_EUROPE = {"gb", "de", "es", "ro", "fr", "lv", "lt", "nl", "pt", "se", "be", "ie", "dk", "ch", "il"}


@dataclass(frozen=True)
class Target:
    """What one crop should be read as: `slots` (10,), `columns` (32,) classes, `running` (32,) characters passed."""

    slots: NDArray[np.uint8]
    columns: NDArray[np.uint8]
    running: NDArray[np.float32]
    placed: bool  # columns and running are known
    region: int


def make_target(text: str, centres_x: NDArray[np.float32] | None, region: int) -> Target:
    """Targets for a crop showing `text`, its characters centred at `centres_x` crop pixels where known."""
    slots = np.full(SLOTS, PAD, np.uint8)
    slots[: len(text)] = [ALPHABET.index(char) for char in text]
    columns = np.full(COLUMNS, IGNORE, np.uint8)
    running = np.zeros(COLUMNS, np.float32)
    if centres_x is None:
        running[:] = len(text)
        return Target(slots, columns, running, False, region)
    pixel = CROP_WIDTH / COLUMNS
    middle, edge = (np.arange(COLUMNS) + 0.5) * pixel, (np.arange(COLUMNS) + 1.0) * pixel
    gaps = np.diff(centres_x)
    typical = float(np.median(gaps)) if len(gaps) else CROP_WIDTH / 8
    before = np.minimum(np.concatenate([[typical], gaps]), typical * 1.25) / 2
    after = np.minimum(np.concatenate([gaps, [typical]]), typical * 1.25) / 2
    columns[:] = PAD
    for i, centre in enumerate(centres_x):
        low, high = centre - before[i], centre + after[i]
        running += np.clip((edge - low) / max(high - low, 1e-3), 0, 1).astype(np.float32)
        columns[(middle > low) & (middle < high)] = IGNORE
        core = (middle > centre - before[i] * 0.7) & (middle < centre + after[i] * 0.7)
        if not core.any():
            core[int(np.clip(centre / pixel, 0, COLUMNS - 1))] = True
        columns[core] = slots[i]
    return Target(slots, columns, running, True, region)


# --- real crops ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RealPlate:
    """One transcribed plate of a picture: `picture` RGB cut around it, `box` x y w h in it."""

    picture: Pixels
    box: tuple[float, float, float, float]
    text: str
    centres_x: NDArray[np.float32] | None
    source: str
    region: int


def real_plates(split: str) -> list[RealPlate]:
    """The fully visible, transcribed plates of ``../shared/data/<split>``: "train" to learn from, "dev" to measure on."""
    plates: list[RealPlate] = []
    manifests = [DATA / split / "manifest.jsonl"] + ([DATA / split / "crops.jsonl"] if split == "dev" else [])
    for manifest in manifests:
        for line in manifest.read_text().splitlines():
            row = json.loads(line)
            usable = [i for i, t in enumerate(row["texts"]) if t and len(t) <= SLOTS and set(t) <= set(ALPHABET[:PAD])]
            usable = [i for i in usable if not (i < len(row.get("partial") or []) and row["partial"][i])]
            if not usable:
                continue
            image = cv2.cvtColor(cv2.imread(str(DATA / split / row["image"])), cv2.COLOR_BGR2RGB)
            for i in usable:
                plates.append(_cut_real(image, row, i))
    return plates


def held_out(plate: RealPlate) -> bool:
    """A tenth of the real training plates, chosen by their text: never learnt from, kept to calibrate confidences on."""
    return zlib.crc32(plate.text.encode()) % 10 == 0


def _cut_real(image: Pixels, row: dict, index: int) -> RealPlate:  # type: ignore[type-arg]
    x, y, w, h = (float(v) for v in row["boxes"][index])
    height, width = image.shape[:2]
    left, top = max(0, int(x - 0.8 * w)), max(0, int(y - 0.8 * h))
    right, bottom = min(width, int(x + 1.8 * w) + 1), min(height, int(y + 1.8 * h) + 1)
    text = row["texts"][index]
    centres = None
    chars = row.get("chars") or []
    if len(row["boxes"]) == 1 and len(chars) == len(text):
        chars = sorted(chars, key=lambda c: c[1])
        if "".join(c[0] for c in chars) == text:
            centres = np.array([c[1] + c[3] / 2 - left for c in chars], np.float32)
    region = NO_REGION
    if row["set"] == "darkplate":
        region = REGIONS.index("CA-BC")
    elif row.get("country") in _EUROPE:
        region = REGIONS.index("unknown")
    elif row.get("state") and f"US-{row['state'].upper()}" in REGIONS:
        region = REGIONS.index(f"US-{row['state'].upper()}")
    return RealPlate(image[top:bottom, left:right].copy(), (x - left, y - top, w, h), text, centres, row["set"], region)


def upright_crop(plate: RealPlate, margin: float = 0.03) -> Pixels:
    """The plate cut by its box with `margin` of its size on each side, as the recognizer's library resizes it."""
    x, y, w, h = plate.box
    height, width = plate.picture.shape[:2]
    left, top = max(0, round(x - margin * w)), max(0, round(y - margin * h))
    right, bottom = min(width, round(x + (1 + margin) * w)), min(height, round(y + (1 + margin) * h))
    return cv2.resize(plate.picture[top:bottom, left:right], (CROP_WIDTH, CROP_HEIGHT), interpolation=cv2.INTER_LINEAR)


# --- the shared store ------------------------------------------------------------------------------------------------


class Store:
    """Crops and targets in memory shared with the workers; `capacity` places, 25 kB each."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        shapes: dict[str, tuple[tuple[int, ...], type]] = {
            "image": ((CROP_HEIGHT, CROP_WIDTH, 3), np.uint8), "slots": ((SLOTS,), np.uint8), "columns": ((COLUMNS,), np.uint8),
            "running": ((COLUMNS,), np.float32), "placed": ((), np.uint8), "region": ((), np.int16),
        }  # fmt: skip
        self._raw = {}
        self._shapes = shapes
        for name, (shape, kind) in shapes.items():
            size = capacity * int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
            self._raw[name] = mp.RawArray(ctypes.c_uint8, size)
        self.made = mp.Value(ctypes.c_int64, 0)
        self.progress = mp.Value(ctypes.c_double, 0.0)

    def array(self, name: str) -> NDArray:  # type: ignore[type-arg]
        shape, kind = self._shapes[name]
        return np.frombuffer(self._raw[name], kind).reshape((self.capacity, *shape))

    def put(self, crop: Crop, target: Target) -> None:
        with self.made.get_lock():
            place = self.made.value % self.capacity
            self.made.value += 1
        self.array("image")[place] = crop.image
        for name in ("slots", "columns", "running", "placed", "region"):
            self.array(name)[place] = getattr(target, name)


def _inside(centres_x: NDArray[np.float32] | None) -> bool:
    """Whether every character's middle lies in the crop: one that is cut off cannot be asked for."""
    return centres_x is None or bool((centres_x > 1.5).all() and (centres_x < CROP_WIDTH - 1.5).all())


def fill(store: Store, seed: int, real_share: float) -> None:
    """Worker loop: renders, degrades and stores until killed with its parent."""
    cv2.setNumThreads(1)
    os.nice(4)
    rng = np.random.default_rng(seed)
    real = [plate for plate in real_plates("train") if not held_out(plate)] if real_share > 0 and DATA.is_dir() else []
    counts = Counter(plate.text for plate in real)
    # A plate seen in 14 frames counts as about four: else its text is learnt by heart.
    weights = np.array([counts[plate.text] ** -0.5 for plate in real])
    weights = np.cumsum(weights / weights.sum()) if real else weights
    frames = surroundings(DATA / "train") if real else []
    parent = os.getppid()
    last: Pixels | None = None
    while os.getppid() == parent:
        ramp = min(1.0, 0.2 + 6 * store.progress.value)
        plate = render_plate(rng, style="european" if rng.random() < MORE_EUROPEAN else "random")
        if not 0 < len(plate.text) <= SLOTS:
            continue
        for _ in range(CROPS_PER_PLATE):
            if real and rng.random() < real_share:
                put_real(store, rng, real[int(np.searchsorted(weights, rng.random()))])
            if rng.random() < NOTHING_SHARE:
                put_nothing(store, rng, frames)
            other = last if rng.random() < NEIGHBOUR_SHARE else None
            crop = degrade_crop(rng, plate, float(rng.beta(1.3, 1.3)) * ramp, other)
            if not _inside(crop.centres_x):
                continue
            known = plate.region == "unknown" or plate.header_visible
            region = REGIONS.index(plate.region) if known else NO_REGION
            store.put(crop, make_target(plate.text, crop.centres_x, region))
        last = plate.image


def put_real(store: Store, rng: np.random.Generator, plate: RealPlate) -> None:
    crop = degrade_real(rng, plate.picture, plate.box, plate.centres_x)
    if _inside(crop.centres_x):
        # Without its region: real crops are British Columbian or foreign, and the net would learn that a photograph is.
        store.put(crop, make_target(plate.text, crop.centres_x, NO_REGION))


def put_nothing(store: Store, rng: np.random.Generator, frames: list[Surroundings]) -> None:
    crop = nothing(rng, frames, float(rng.beta(1.0, 1.6)))
    store.put(Crop(crop, None, 0.0), make_target("", np.zeros(0, np.float32), NO_REGION))
