"""The records of a calibration, in the order in which a technician makes them; no picture processing here.

Pixels are of the full frame, angles in degrees, lengths in millimetres or metres as the name says.  Yaw is positive where
the plate's right edge (as it is read) is farther from the camera, pitch where its lower edge is farther (the camera looks
down on it), roll where it is turned clockwise in the picture.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from edge.camera_setup import CameraSetup, Light
from edge.records import Point

#: PASS: on target.  WARN: works, with loss.  FAIL: will not do.  UNKNOWN: could not be measured; the words say how it can.
Verdict = Literal["PASS", "WARN", "FAIL", "UNKNOWN"]
Corners = tuple[Point, Point, Point, Point]
#: Which plates are rendered: 12 x 6 in, or 520 x 110 mm.
PlateStyle = Literal["us", "european"]


class Measure(Struct, frozen=True, kw_only=True):
    """One line of the traffic light.  ``name`` is stable (``plate_width``), ``target`` what is wanted, in words (``≥ 130 px``),
    ``words`` what to do, empty on PASS, ``source`` whose threshold it is.  ``low`` and ``high`` bound the value where only an
    interval is known; ``value`` is None where nothing can be told."""

    name: str
    value: float | None
    unit: str
    target: str
    verdict: Verdict
    words: str
    source: str
    low: float | None = None
    high: float | None = None


class Finding(Struct, frozen=True, kw_only=True):
    """Something that is wrong with what was given (a blurred card, all views alike) and what to do about it."""

    what: str
    cure: str


class Interval(Struct, frozen=True, kw_only=True):
    """A quantity that surely (95 %) lies from ``low`` to ``high``; ``best`` is None where nothing inside is likelier."""

    low: float
    high: float
    best: float | None = None


class Angles(Struct, frozen=True, kw_only=True):
    """How a plate or card is turned.  ``source``: ``card`` gives angles, ``corners`` intervals."""

    yaw: Interval
    pitch: Interval
    roll: Interval
    source: Literal["card", "corners"]


class PlatePicture(Struct, frozen=True, kw_only=True):
    """What one picture of one plate measures.

    ``width_px`` along its upper and lower edge; ``contrast`` Michelson, 0 to 1; ``step`` from dark to bright and ``noise``
    (standard deviation) in grey levels; ``blur_px`` the 10-90 % width of the characters' edges along and across the plate;
    ``clipped`` and ``crushed`` shares of the plate's area; ``laplacian`` and ``tenengrad`` normalised by contrast, for
    comparison on one scene only."""

    width_px: float
    height_px: float
    stroke_px: float
    laplacian: float
    tenengrad: float
    clipped: float
    crushed: float
    contrast: float
    step: float
    noise: float
    blur_x_px: float | None
    blur_y_px: float | None
    brightness: float
    light: Light


class Road(Struct, frozen=True, kw_only=True):
    """What the technician knows of the place: fastest speed to be read, the road on which a plate is seen, the camera's frame
    rate and exposure, and the angle between the road and the line of sight; None where it is not known."""

    speed_kmh: float | None = None
    zone_m: float | None = None
    fps: float | None = None
    exposure_s: float | None = None
    angle_deg: float | None = None


class CardView(Struct, frozen=True, kw_only=True):
    """The card as found in one picture: those inner corners that were seen (id, x, y) and the four outer ones, pixels.

    ``homography`` (row by row) takes millimetres from the card's middle to pixels; ``blur_px`` is the σ of a Gaussian that
    makes the print look like the picture, ``agreement`` how well it then does (correlation)."""

    corners: tuple[tuple[int, float, float], ...]
    outline: Corners
    width_px: float
    frame_size: tuple[int, int]
    homography: tuple[float, ...]
    blur_px: float
    agreement: float


class Lens(Struct, frozen=True, kw_only=True):
    """Intrinsics (pixels of ``frame_size``) and distortion (OpenCV's k1 k2 p1 p2 k3).  ``rms_px`` over the views used,
    ``view_rms_px`` each; ``coverage`` is the share of a 4x4 grid of the picture in which a corner was seen, and
    ``focal_doubt`` the standard deviation of the focal length as a share of it."""

    frame_size: tuple[int, int]
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, float, float, float, float]
    rms_px: float
    views: int
    view_names: tuple[str, ...]
    view_rms_px: tuple[float, ...]
    coverage: float
    focal_doubt: float
    findings: tuple[Finding, ...] = ()


class CardPose(Struct, frozen=True, kw_only=True):
    """Where the card was: distance from the camera in metres, width in pixels, root mean square error in pixels.

    ``angles`` are against the camera's axes, ``seen`` against the line of sight to the card: turning the camera changes the
    former, only mounting it elsewhere the latter, which is what makes a plate hard to read."""

    name: str
    distance_m: float
    angles: Angles
    seen: Angles
    width_px: float
    outline: Corners
    rms_px: float


class Geometry(Struct, frozen=True, kw_only=True):
    """The lane as the card showed it: near and far edge, the plate-size prior, and which lens would do better."""

    frame_size: tuple[int, int]
    poses: tuple[CardPose, ...]
    near: CardPose
    far: CardPose
    plate_px: tuple[float, float]
    lane: tuple[Point, ...]
    masks: tuple[tuple[Point, ...], ...]
    direction: Point | None
    focal_px: float
    focal_known: Literal["lens", "field of view"]
    focal_factor: float
    measures: tuple[Measure, ...]
    findings: tuple[Finding, ...] = ()


class FocusPoint(Struct, frozen=True, kw_only=True):
    """Focus at one moment: ``score`` (Tenengrad over contrast²), and its share of the best so far, 0 to 1."""

    at_s: float
    light: Light
    score: float
    laplacian: float
    of_best: float


class FocusRun(Struct, frozen=True, kw_only=True):
    """Focus over a clip while the lens turned, day and infra-red apart; ``best_s`` when it was best, ``last`` its share now."""

    light: Light
    points: tuple[FocusPoint, ...]
    best_s: float
    best: float
    last: float


class Share(Struct, frozen=True, kw_only=True):
    """``hits`` of ``total`` with the 95 % Wilson interval."""

    hits: int
    total: int
    share: float
    low: float
    high: float


class Conditions(Struct, frozen=True, kw_only=True):
    """How plates look to this camera: what :mod:`calibration.predict` renders.

    ``blur_px`` is the 10-90 % width of edges as :func:`calibration.picture.measure_plate` measures it, in the direction in
    which it is the smaller, ``motion_px`` the length of a smear in the other one (``motion_deg``: 0 along, 90 across the
    plate); ``step``, ``brightness`` and ``noise`` grey levels."""

    width_px: float
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    blur_px: float = 1.5
    motion_px: float = 0.0
    motion_deg: float = 90.0
    noise: float = 2.0
    step: float = 120.0
    brightness: float = 120.0
    light: Light = "day"
    style: PlateStyle = "us"


class CurvePoint(Struct, frozen=True, kw_only=True):
    """Predicted exact rate at one value of the curve's quantity."""

    value: float
    exact: Share


class Curve(Struct, frozen=True, kw_only=True):
    """Predicted exact rate over one quantity (``width_px``, ``yaw``, ``blur_px``), everything else as today."""

    quantity: str
    today: float
    points: tuple[CurvePoint, ...]


class Prediction(Struct, frozen=True, kw_only=True):
    """What the installed models will read of one picture under ``conditions``: the whole text, O and 0 being one; a plate that
    is not found counts as wrong."""

    conditions: Conditions
    frame_size: tuple[int, int]
    exact: Share
    found: Share
    curves: tuple[Curve, ...]
    detector_sha256: str
    recognizer_sha256: str
    words: str


class Miss(Struct, frozen=True, kw_only=True):
    """One pass of the proof that was not read as it should be; ``picture`` is the file's name in the record's folder."""

    wanted: str
    read: str | None
    at_s: float | None
    picture: str | None


class Proof(Struct, frozen=True, kw_only=True):
    """N passes of known plates: how many were read exactly."""

    passes: Share
    misses: tuple[Miss, ...]
    extra: int


class Record(Struct, frozen=True, kw_only=True):
    """Everything about one camera's set-up, signed as one (:mod:`edge.camera_setup` says how).

    ``plates`` is how many passes the medians are of, ``pictures`` the SHA-256 of each picture beside it, by name,
    ``night`` the same lines in infra-red, where that was checked too."""

    camera: str
    device: str
    made: datetime
    technician: str
    software: str
    light: Light
    setup: CameraSetup
    measures: tuple[Measure, ...]
    plates: int = 0
    picture: PlatePicture | None = None
    lens: Lens | None = None
    geometry: Geometry | None = None
    focus: tuple[FocusRun, ...] = ()
    prediction: Prediction | None = None
    proof: Proof | None = None
    findings: tuple[Finding, ...] = ()
    pictures: dict[str, str] = {}
    night: tuple[Measure, ...] = ()


class Change(Struct, frozen=True, kw_only=True):
    """One quantity in two records."""

    name: str
    before: float | None
    after: float | None
    unit: str
    verdict: Verdict
    words: str
