"""The prediction held against the truth: labelled pictures, grouped by the width of their plates.

Each labelled plate is measured in its picture and predicted under just these conditions, from nothing but what was measured
there; then both rates are compared, group by group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from calibration.picture import measure_plate
from calibration.predict import Models, bank, conditions_of, folded, look_of, share, try_plate
from calibration.records import Conditions, Corners, PlateStyle, Share
from edge.bench.evaluate import ManifestPicture, read_manifest
from edge.bench.score import iou
from edge.camera.images import read_image
from edge.clock import Clock
from edge.errors import CameraError
from edge.records import Frame, Image, Reading

#: Where the groups of widths begin, pixels; the last has no end.
WIDTHS_PX = (0, 60, 80, 110, 160)
#: Rendered plates for each labelled one.
RENDERS = 4
#: A labelled box wider than this against its height is a plate of 520 x 110 mm.
EUROPEAN_ASPECT = 3.2
_SAME = 0.3


class Group(Struct, frozen=True, kw_only=True):
    """Plates of about one width: measured and predicted rate of whole texts (O and 0 being one)."""

    from_px: int
    to_px: int | None
    measured: Share
    predicted: Share

    @property
    def points(self) -> float:
        """Predicted minus measured, in percentage points."""
        return 100 * (self.predicted.share - self.measured.share)


class Compared(Struct, frozen=True, kw_only=True):
    """All groups, and everything together."""

    groups: tuple[Group, ...]
    all: Group


class _Outcome(Struct, frozen=True, kw_only=True):
    """One labelled plate: its width, whether it was read whole, and how many of its renders were."""

    width_px: float
    exact: bool
    predicted: int
    renders: int


def compare(
    models: Models, manifest: Path, progress: Callable[[Iterator[ManifestPicture], int], Iterator[ManifestPicture]]
) -> Compared:
    """Every legible, whole plate of a manifest.  Raises ConfigError or CameraError."""
    pictures = [picture for picture in read_manifest(manifest) if not picture.is_crop and any(picture.texts)]
    outcomes: list[_Outcome] = []
    for picture in progress(iter(pictures), len(pictures)):
        outcomes += _of_picture(models, picture, read_image(manifest.parent / picture.image), len(outcomes))
    if not outcomes:
        raise CameraError(f"compare with {manifest}: it lists no plate with a text")
    ends = (*WIDTHS_PX[1:], None)
    groups = [_group(outcomes, start, end) for start, end in zip(WIDTHS_PX, ends, strict=True)]
    return Compared(groups=tuple(g for g in groups if g.measured.total), all=_group(outcomes, 0, None))


def _of_picture(models: Models, picture: ManifestPicture, image: Image, seed: int) -> list[_Outcome]:
    frame = Frame(camera="against", number=0, image=image, at=Clock().now(), media_s=0.0)
    readings = [r for r in models.recognizer.read(frame, models.detector.detect(frame)) if r.is_plate]
    outcomes: list[_Outcome] = []
    for number, (box, text) in enumerate(zip(picture.boxes, picture.texts, strict=False)):
        partial = number < len(picture.partial) and picture.partial[number]
        if text is None or partial:
            continue
        best = _reading_at(readings, box)
        conditions = _conditions(image, box, best)
        hits = _predicted(models, conditions, (image.shape[1], image.shape[0]), seed + len(outcomes))
        exact = best is not None and folded(best.text) == folded(text)
        outcomes.append(_Outcome(width_px=box[2], exact=exact, predicted=hits, renders=RENDERS))
    return outcomes


def _reading_at(readings: list[Reading], box: tuple[float, float, float, float]) -> Reading | None:
    """The reading that overlaps the labelled box most."""

    def overlap(reading: Reading) -> float:
        found = reading.detection.box
        return iou((found.x, found.y, found.w, found.h), box)

    near = [reading for reading in readings if overlap(reading) >= _SAME]
    return max(near, key=overlap, default=None)


def _conditions(image: Image, box: tuple[float, float, float, float], reading: Reading | None) -> Conditions:
    """What the plate measures, at the corners that were found, or at the labelled box."""
    x, y, w, h = box
    corners: Corners = ((x, y), (x + w, y), (x + w, y + h), (x, y + h)) if reading is None else reading.detection.corners
    style: PlateStyle = "european" if w / h > EUROPEAN_ASPECT else "us"
    try:
        return conditions_of([measure_plate(image, corners)], None, style)
    except CameraError:  # too small to be measured
        return Conditions(width_px=max(8.0, w), style=style)


def _predicted(models: Models, conditions: Conditions, frame_size: tuple[int, int], seed: int) -> int:
    look, plates = look_of(conditions), bank(conditions.style)
    return sum(
        try_plate(models, plates[(seed * RENDERS + k) % len(plates)], conditions, look, frame_size, seed * RENDERS + k).exact
        for k in range(RENDERS)
    )


def _group(outcomes: list[_Outcome], start: int, end: int | None) -> Group:
    inside = [o for o in outcomes if o.width_px >= start and (end is None or o.width_px < end)]
    return Group(
        from_px=start,
        to_px=end,
        measured=share(sum(o.exact for o in inside), len(inside)),
        predicted=share(sum(o.predicted for o in inside), sum(o.renders for o in inside)),
    )
