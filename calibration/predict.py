"""What will it read?  Rendered plates as this camera sees them, through the installed models.

The plates (``plates.zip``) were drawn once, where the fonts are (``models/train/calibration_plates.py``), so a unit needs no
renderer, and all units are measured on the same plates.  Blur, contrast and brightness are set so that the *measured* figures
of the rendered plates are those that were measured in the camera's own pictures.
"""

from __future__ import annotations

import functools
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Protocol

import cv2
import msgspec
import numpy as np
from msgspec import Struct

from calibration.picture import SMALLEST_PX, measure_plate
from calibration.records import Angles, Conditions, Corners, Curve, CurvePoint, PlatePicture, PlateStyle, Prediction, Share
from calibration.scene import Eye, Plane, Pose, Sensor, corners_of, developed, photograph, projected
from edge.bench.score import wilson
from edge.clock import Clock
from edge.detector.interface import Detector
from edge.errors import CameraError
from edge.recognizer.interface import Recognizer
from edge.records import Frame, Image

BANK = Path(__file__).resolve().parent / "plates.zip"
SIZE_MM = {"us": (304.8, 152.4), "european": (520.0, 110.0)}
#: Plates for the predicted rate, and for each point of a curve.
PLATES, CURVE_PLATES = 120, 40
WIDTHS_PX = (50, 60, 70, 85, 100, 115, 130, 160, 200, 260)
YAWS_DEG = (0, 10, 20, 30, 40, 50)
BLURS_PX = (1.0, 2.0, 3.0, 4.0, 5.0, 6.5, 8.0)
#: Blurs (σ) from which that one is interpolated which gives the measured edges, and on how many plates.
_SIGMAS = (0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
_MATCHED_ON = 12
#: A stream is compressed about like this; where noise was measured it was not compressed away, and less so.
QUALITY, NOISY_QUALITY, COMPRESSED = 80, 95, 2.5
#: Focal length of the rendering camera in plate widths at its distance: a street camera's, nearly parallel view.
_DISTANCE_WIDTHS = 18.0


class BankPlate(Struct, frozen=True, kw_only=True):
    """One drawn plate: BGR, head-on, and its serial."""

    image: Image
    text: str


class Look(Struct, frozen=True, kw_only=True):
    """What lens and sensor have to do so that rendered plates measure like the camera's own."""

    sensor: Sensor


class Found(Struct, frozen=True, kw_only=True):
    """One rendered plate through the models."""

    found: bool
    exact: bool


class Models(Protocol):
    """The pair that is installed."""

    @property
    def detector(self) -> Detector:
        """Finds plates."""
        ...

    @property
    def recognizer(self) -> Recognizer:
        """Reads them."""
        ...


class InstalledModels(Struct, frozen=True, kw_only=True):
    """A detector and a recognizer."""

    detector: Detector
    recognizer: Recognizer


@functools.lru_cache(maxsize=2)
def bank(style: PlateStyle) -> tuple[BankPlate, ...]:
    """The drawn plates of one style."""
    with zipfile.ZipFile(BANK) as file:
        index = json.loads(file.read("plates.json"))
        return tuple(
            BankPlate(
                image=np.asarray(cv2.imdecode(np.frombuffer(file.read(each["file"]), np.uint8), cv2.IMREAD_COLOR), np.uint8),
                text=each["text"],
            )
            for each in index
            if each["style"] == style
        )


def conditions_of(pictures: Sequence[PlatePicture], angles: Angles | None = None, style: PlateStyle = "us") -> Conditions:
    """The medians of what was measured; angles where a card gave them, else the plate is taken as head-on."""

    def mid(of: Callable[[PlatePicture], float | None], otherwise: float) -> float:
        values = [value for value in map(of, pictures) if value is not None]
        return float(median(values)) if values else otherwise

    along, across = mid(lambda p: p.blur_x_px, 1.5), mid(lambda p: p.blur_y_px, 1.5)
    smear = max(along, across) ** 2 - min(along, across) ** 2
    one_way = max(along, across) > 1.5 * min(along, across) + 0.5
    yaw, pitch, roll = (0.0, 0.0, 0.0)
    if angles is not None:
        yaw, pitch, roll = (0.0 if a.best is None else a.best for a in (angles.yaw, angles.pitch, angles.roll))
    return Conditions(
        width_px=mid(lambda p: p.width_px, 0.0),
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        blur_px=min(along, across) if one_way else (along + across) / 2,
        motion_px=float(np.sqrt(smear)) / 0.8 if one_way else 0.0,  # a box of length L rises from 10 to 90 % in 0.8 L
        motion_deg=90.0 if across > along else 0.0,
        noise=mid(lambda p: p.noise, 2.0),
        step=mid(lambda p: p.step, 120.0),
        brightness=mid(lambda p: p.brightness, 120.0),
        light="infrared" if sum(p.light == "infrared" for p in pictures) * 2 > len(pictures) else "day",
        style=style,
    )


def look_of(conditions: Conditions) -> Look:
    """The blur and the grey levels under which rendered plates measure as ``conditions`` say."""
    some = bank(conditions.style)[:: max(1, len(bank(conditions.style)) // _MATCHED_ON)][:_MATCHED_ON]
    shown = [_projected(plate, conditions) for plate in some]
    edges = []
    for sigma in _SIGMAS:
        measured = [measure_plate(developed(light, Sensor(blur_px=sigma, noise=0)), corners) for light, corners in shown]
        edges.append(float(median(m.blur_x_px or 0.0 for m in measured)))
    rising = np.maximum.accumulate(edges)
    sigma = float(np.interp(conditions.blur_px, rising, _SIGMAS))
    sensor = Sensor(
        blur_px=sigma, motion_px=conditions.motion_px, motion_deg=conditions.motion_deg + conditions.roll, noise=0.0
    )  # fmt: skip
    measured = [measure_plate(developed(light, sensor), corners) for light, corners in shown]
    gain = conditions.step / max(1.0, float(median(m.step for m in measured)))
    white, black = sensor.white, sensor.black
    level = float(median(m.brightness for m in measured))
    black = conditions.brightness + (black - level) * gain
    return Look(sensor=msgspec.structs.replace(
        sensor, black=black, white=black + (white - sensor.black) * gain, noise=conditions.noise
    ))  # fmt: skip


def render(
    plate: BankPlate, conditions: Conditions, look: Look, frame_size: tuple[int, int], seed: int
) -> tuple[Image, Corners]:
    """A frame with one plate somewhere in its middle, BGR, and the plate's corners."""
    rng = np.random.default_rng((seed, 77))
    width, height = frame_size
    wide, high = (min(side, int(conditions.width_px * share)) for side, share in ((width, 2.6), (height, 2.0)))
    eye = Eye(frame_size=(wide, high), focal_px=conditions.width_px * _DISTANCE_WIDTHS)
    window, corners = _window(plate, conditions, look, eye, rng, seed)
    frame = np.full((height, width, 3), 70, np.uint8)
    x = int(rng.uniform(0.2, 0.8) * (width - wide))
    y = int(rng.uniform(0.3, 0.9) * (height - high))
    frame[y : y + high, x : x + wide] = window
    tl, tr, br, bl = ((cx + x, cy + y) for cx, cy in corners)
    return frame, (tl, tr, br, bl)


def predict(
    models: Models,
    conditions: Conditions,
    frame_size: tuple[int, int],
    *,
    plates: int = PLATES,
    curve_plates: int = CURVE_PLATES,
) -> Prediction:
    """The rate of whole texts read under ``conditions``, and its curves over width, yaw and blur (none with 0 plates).

    Raises CameraError where such a plate does not fit into the picture, or is too small for anything."""
    if not SMALLEST_PX <= conditions.width_px <= 0.95 * frame_size[0]:
        raise CameraError(
            f"predict: a plate of {conditions.width_px:.0f} px in a picture {frame_size[0]} px wide; give {SMALLEST_PX} px or "
            "more, and less than the picture"
        )
    tried = try_plates(models, conditions, frame_size, plates)
    curves: list[Curve] = []
    if curve_plates:
        quantities = (("width_px", WIDTHS_PX), ("yaw", YAWS_DEG), ("blur_px", BLURS_PX))
        for quantity, values in quantities:
            points = []
            for value in values:
                here = _with(conditions, quantity, float(value))
                results = try_plates(models, here, frame_size, curve_plates)
                points.append(CurvePoint(value=float(value), exact=share(sum(r.exact for r in results), len(results))))
            curves.append(Curve(quantity=quantity, today=getattr(conditions, quantity), points=tuple(points)))
    exact = share(sum(r.exact for r in tried), len(tried))
    return Prediction(
        conditions=conditions,
        frame_size=frame_size,
        exact=exact,
        found=share(sum(r.found for r in tried), len(tried)),
        curves=tuple(curves),
        detector_sha256=models.detector.sha256,
        recognizer_sha256=models.recognizer.sha256,
        words=f"of a hundred pictures of plates like these, about {100 * exact.share:.0f} are read whole "
        f"({100 * exact.low:.0f} to {100 * exact.high:.0f}); a pass of several pictures reads better than one",
    )


def _with(conditions: Conditions, quantity: str, value: float) -> Conditions:
    """The same but for one quantity; a plate that is turned farther is also narrower."""
    width = conditions.width_px
    if quantity == "yaw":
        width *= float(np.cos(np.deg2rad(value)) / np.cos(np.deg2rad(conditions.yaw)))
    elif quantity == "width_px":
        width = value
    changed = msgspec.structs.replace(conditions, width_px=width)
    return changed if quantity == "width_px" else msgspec.structs.replace(changed, **{quantity: value})


def try_plates(models: Models, conditions: Conditions, frame_size: tuple[int, int], count: int, first: int = 0) -> list[Found]:
    """``count`` plates of the bank under ``conditions`` through the models."""
    plates = bank(conditions.style)
    look = look_of(conditions)
    return [
        try_plate(models, plates[(first + k) % len(plates)], conditions, look, frame_size, first + k) for k in range(count)
    ]  # fmt: skip


def try_plate(
    models: Models, plate: BankPlate, conditions: Conditions, look: Look, frame_size: tuple[int, int], seed: int
) -> Found:
    """One plate: found where it is, and read whole."""
    image, corners = render(plate, conditions, look, frame_size, seed)
    frame = Frame(camera="calibration", number=seed, image=image, at=Clock().now(), media_s=0.0)
    detections = models.detector.detect(frame)
    readings = [r for r in models.recognizer.read(frame, detections) if r.is_plate]
    x, y = np.mean(corners, axis=0)
    here = [r for r in readings if _holds(r.detection.corners, float(x), float(y))]
    return Found(found=bool(here), exact=any(folded(r.text) == folded(plate.text) for r in here))


def folded(text: str) -> str:
    """O and 0 are one: many plates do not tell them apart either."""
    return text.replace("O", "0")


def share(hits: int, total: int) -> Share:
    """With its 95 % Wilson interval."""
    low, high = wilson(hits, total)
    return Share(hits=hits, total=total, share=hits / total if total else 0.0, low=low, high=high)


def _projected(plate: BankPlate, conditions: Conditions) -> tuple[Plane, Corners]:
    """A plate's light before any blur, in a picture no larger than need be, and its corners there."""
    eye = Eye(
        frame_size=(max(40, int(conditions.width_px * 1.6)), max(24, int(conditions.width_px))),
        focal_px=conditions.width_px * _DISTANCE_WIDTHS,
    )
    pose = _pose(conditions)
    size = SIZE_MM[conditions.style]
    reach = 3 * _SIGMAS[-1] + conditions.motion_px
    return projected(_lit(plate, conditions), size, pose, eye, reach), corners_of(size, pose, eye)


def _pose(conditions: Conditions) -> Pose:
    size = SIZE_MM[conditions.style]
    distance = size[0] / 1000 * _DISTANCE_WIDTHS * float(np.cos(np.deg2rad(conditions.yaw)))
    return Pose(z_m=distance, yaw=conditions.yaw, pitch=conditions.pitch, roll=conditions.roll)


def _lit(plate: BankPlate, conditions: Conditions) -> Image:
    """Under infra-red a plate's ground is bright and its ink dark, whatever the colours."""
    if conditions.light == "day":
        return plate.image
    red = plate.image[:, :, 2].astype(np.float32)
    bright = 40 + 200 / (1 + np.exp(-(red - 118) / 20))
    return np.repeat(bright.astype(np.uint8)[:, :, None], 3, axis=2)


def _window(
    plate: BankPlate, conditions: Conditions, look: Look, eye: Eye, rng: np.random.Generator, seed: int
) -> tuple[Image, Corners]:
    """The plate on a bumper, photographed."""
    size = SIZE_MM[conditions.style]
    pose = _pose(conditions)
    corners = corners_of(size, pose, eye)
    ground = _bumper(eye.frame_size, corners, rng)
    image = photograph(_lit(plate, conditions), size, pose, eye, look.sensor, seed, ground)
    coded = cv2.imencode(
        ".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, NOISY_QUALITY if conditions.noise > COMPRESSED else QUALITY]
    )[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8), corners


def _bumper(size: tuple[int, int], corners: Corners, rng: np.random.Generator) -> Image:
    """One colour, shaded, with an edge or two, and a holder round the plate."""
    width, height = size
    base = rng.uniform(20, 160, 3) * 0.3 + rng.uniform(15, 170) * 0.7
    shade = np.linspace(rng.uniform(0.6, 1.2), rng.uniform(0.6, 1.2), height)[:, None, None]
    ground = np.clip(np.broadcast_to(base * shade, (height, width, 3)), 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        y, slope, tone = int(rng.integers(height)), int(rng.integers(-6, 7)), int(rng.integers(0, 200))
        cv2.line(ground, (0, y), (width, y + slope), (tone, tone, tone), int(rng.integers(1, 4)), cv2.LINE_AA)
    if rng.random() < 0.5:
        points = np.array(corners)
        rim = (points - points.mean(axis=0)) * rng.uniform(1.03, 1.12) + points.mean(axis=0)
        tone = int(rng.integers(0, 70))
        cv2.fillPoly(ground, [rim.astype(np.int32)], (tone, tone, tone), cv2.LINE_AA)
    return ground


def _holds(corners: Corners, x: float, y: float) -> bool:
    return cv2.pointPolygonTest(np.array(corners, np.float32), (x, y), False) >= 0
