"""What the page shows, as one message: made anew for each picture, never kept."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from calibration.page.messages import Settings, Spot
from calibration.records import Finding, Measure, Prediction, Share
from edge.records import Point

Job = Literal["", "predict", "save"]
Standing = Literal["", "PASS", "WARN", "FAIL", "UNKNOWN"]


class ShownPlate(Struct, frozen=True, kw_only=True):
    """A plate on the picture: corners in its pixels."""

    corners: tuple[Point, Point, Point, Point]
    text: str
    confidence: float


class ShownCard(Struct, frozen=True, kw_only=True):
    """The card on the picture: outline and inner corners in its pixels."""

    outline: tuple[Point, Point, Point, Point]
    corners: tuple[Point, ...]
    width_px: float


class TakenCard(Struct, frozen=True, kw_only=True):
    """A card that was taken: ``number`` finds its picture; the rest is what it measured."""

    number: int
    place: str
    width_px: float
    distance_m: float | None
    angles: str


class FocusState(Struct, frozen=True, kw_only=True):
    """Focus now: the share of the best so far, its course over the last half minute, and the patch (x, y, w, h in shares)."""

    of_best: float | None
    course: tuple[float, ...]
    patch: tuple[float, float, float, float] | None


class ProofState(Struct, frozen=True, kw_only=True):
    """The drive-by so far; ``passes`` in words, newest first."""

    running: bool
    share: Share | None
    passes: tuple[str, ...]


class SavedState(Struct, frozen=True, kw_only=True):
    """The record as it was saved."""

    id: str
    words: str


class Turn(Struct, frozen=True, kw_only=True):
    """What to do next at each step, in one plain sentence; empty where all is well."""

    aim: str = ""
    focus: str = ""
    card: str = ""
    proof: str = ""


class PageState(Struct, frozen=True, kw_only=True):
    """Everything; ``serial`` names the picture that boxes and corners belong to, -1 where there is none."""

    serial: int
    size: tuple[int, int]
    camera: str
    state: str
    why: str
    left_s: float
    light: str
    fps: float | None
    lens: str
    plates: tuple[ShownPlate, ...]
    card: ShownCard | None
    measures: tuple[Measure, ...]
    turn: Turn
    focus: FocusState
    settings: Settings
    lane: tuple[Spot, ...]
    masks: tuple[tuple[Spot, ...], ...]
    travel: tuple[Spot, Spot] | None
    cards: tuple[TakenCard, ...]
    geometry: tuple[Measure, ...]
    findings: tuple[Finding, ...]
    job: Job
    trouble: str
    can_predict: bool
    prediction: Prediction | None
    prediction_number: int
    proof: ProofState
    summary: tuple[str, ...]
    can_save: bool
    saved: SavedState | None
    steps: dict[str, Standing]
