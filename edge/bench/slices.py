"""Where the models are weak: recall, exact texts and states by the plate's width, brightness, blur, tilt and state.

* Width: of the labelled box, in pixels of its picture.
* Brightness: mean grey inside the labelled box; under `DARK_LUMA` is dark.
* Blur: thirds of the plates that are scored together, by the variance of the Laplacian over the variance of the plate, all
  plates scaled to one width.  Thirds, because no threshold of such a measure carries from one scene to another.
* Tilt: slope of the plate's long edges as the detector's corners give it, so of found plates only, and not of crops.  A plate
  is read straightened: what the slice shows is how well that works.
* State: of crops whose state is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import cv2
import numpy as np
from msgspec import Struct

from edge.bench.score import DARK_LUMA, NARROW_PX, WIDE_PX, BoxXYWH, Rate, ScoredFrame, folded, match_boxes, rate
from edge.read import PictureText
from edge.recognizer.straighten import sharpness
from edge.records import Image, Point

By = Literal["width", "brightness", "blur", "tilt", "state"]

SCALED_W = 128
"""Width at which sharpness is measured: what the reader sees."""

TILTS_DEG = (3.0, 8.0)
"""A camera beside the road sees plates sloped by up to 3°; over 8° a level box cuts into characters."""


class SlicedPlate(Struct, frozen=True, kw_only=True):
    """One required plate with what became of it and what it looks like.

    ``right`` is None where its text is unknown (O folded), ``named`` where its state is; ``tilt_deg`` is None where no corners
    were found."""

    found: bool
    right: bool | None
    width_px: float
    luma: float
    sharpness: float
    tilt_deg: float | None = None
    state: str | None = None
    named: bool | None = None


class Slice(Struct, frozen=True, kw_only=True):
    """The plates of one slice: found, read exactly (of those with a known text), state named (of those with a known one)."""

    by: By
    name: str
    recall: Rate
    exact: Rate
    named: Rate


def plates_of(image: Image, frame: ScoredFrame, result: PictureText, state: str | None) -> tuple[SlicedPlate, ...]:
    """The required plates of one picture; ``state`` is the region that the manifest names (``US-CT``)."""
    plates = []
    for plate, index in zip(frame.truth, match_boxes(frame.truth, frame.found).found_of, strict=True):
        if plate.partial:
            continue
        found = None if index is None else result.plates[index]
        seen = _cut(image, plate.box)
        right = None
        if plate.text is not None:
            right = found is not None and folded(found.text) == folded(plate.text)
        plates.append(
            SlicedPlate(
                found=found is not None,
                right=right,
                width_px=plate.box[2],
                luma=float(seen.mean()) if plate.luma is None else plate.luma,
                sharpness=_sharpness(seen),
                tilt_deg=None if found is None or found.box[2:] == result.size else slope_deg(found.corners),
                state=state,
                named=None if state is None else found is not None and found.region == state,
            )
        )
    return tuple(plates)


def slice_plates(plates: Sequence[SlicedPlate]) -> tuple[Slice, ...]:
    """All slices that hold a plate."""
    low, high = np.quantile([p.sharpness for p in plates], [1 / 3, 2 / 3]) if plates else (0.0, 0.0)
    flat, steep = TILTS_DEG
    groups: list[tuple[By, str, Iterable[SlicedPlate]]] = [
        ("width", f"< {NARROW_PX} px", (p for p in plates if p.width_px < NARROW_PX)),
        ("width", f"{NARROW_PX}–{WIDE_PX} px", (p for p in plates if NARROW_PX <= p.width_px < WIDE_PX)),
        ("width", f"≥ {WIDE_PX} px", (p for p in plates if p.width_px >= WIDE_PX)),
        ("brightness", f"dark, < {DARK_LUMA}", (p for p in plates if p.luma < DARK_LUMA)),
        ("brightness", f"light, ≥ {DARK_LUMA}", (p for p in plates if p.luma >= DARK_LUMA)),
        ("blur", "most blurred third", (p for p in plates if p.sharpness < low)),
        ("blur", "middle third", (p for p in plates if low <= p.sharpness < high)),
        ("blur", "sharpest third", (p for p in plates if p.sharpness >= high)),
        ("tilt", f"< {flat:.0f}°", (p for p in plates if p.tilt_deg is not None and p.tilt_deg < flat)),
        ("tilt", f"{flat:.0f}–{steep:.0f}°", (p for p in plates if p.tilt_deg is not None and flat <= p.tilt_deg < steep)),
        ("tilt", f"≥ {steep:.0f}°", (p for p in plates if p.tilt_deg is not None and p.tilt_deg >= steep)),
    ]
    groups += [("state", s, [p for p in plates if p.state == s]) for s in sorted({p.state for p in plates if p.state})]
    slices = (_slice(by, name, list(group)) for by, name, group in groups)
    return tuple(each for each in slices if each.recall.total)


def slope_deg(corners: Sequence[Point]) -> float:
    """Slope of a plate's long edges, 0° to 90°: the mean direction of its upper and lower one."""
    (tlx, tly), (trx, try_), (brx, bry), (blx, bly) = corners
    return abs(math.degrees(math.atan2(try_ - tly + bry - bly, trx - tlx + brx - blx)))


def _slice(by: By, name: str, plates: Sequence[SlicedPlate]) -> Slice:
    known, placed = [p.right for p in plates if p.right is not None], [p.named for p in plates if p.named is not None]
    return Slice(
        by=by,
        name=name,
        recall=rate(sum(p.found for p in plates), len(plates)),
        exact=rate(sum(known), len(known)),
        named=rate(sum(placed), len(placed)),
    )


def _cut(image: Image, box: BoxXYWH) -> Image:
    """The grey picture inside a box; at least one pixel of it."""
    x, y, w, h = box
    left, top = min(max(0, int(x)), image.shape[1] - 1), min(max(0, int(y)), image.shape[0] - 1)
    cut = image[top : max(top + 1, round(y + h)), left : max(left + 1, round(x + w))]
    return np.asarray(cut if cut.ndim == 2 else cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY), np.uint8)


def _sharpness(grey: Image) -> float:
    size = (SCALED_W, max(1, round(SCALED_W * grey.shape[0] / grey.shape[1])))
    method = cv2.INTER_AREA if grey.shape[1] > SCALED_W else cv2.INTER_LINEAR
    return sharpness(np.asarray(cv2.resize(grey, size, interpolation=method), np.uint8))
