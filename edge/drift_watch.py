"""Has the camera moved, is its lens dirty?  The running unit tells from its still scene and from its own plates.

The scene is held against the look that the calibration record keeps (:mod:`edge.scene_look`): a turn of ``MOVED_DEG`` or more
in two looks on end is a move, half a degree is not.  Where the scene cannot be recognised (darkness, snow, a lens that sees a
wall), the plates speak: the place and the width of the last passes against those of the first passes after the calibration.
Their sharpness and, under infra-red, their brightness are always looked at: a dirty lens, a lamp that fails.  An alarm is
raised once, counted and logged, and taken back when all is well again.  No text is looked at.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

from edge.camera_setup import CameraSetup, Light, SceneLook
from edge.errors import CameraError
from edge.journal import Journal
from edge.records import Detection, Frame, Image, Track
from edge.scene_look import FOCAL_WIDTHS, Glimpse, Moved, glimpse, look_of, moved, picture_of

GLIMPSE_EVERY_S = 2.0
GLIMPSES_A_LOOK = 9
#: Turned by this much the camera has moved; back below ``BACK_DEG`` it is where it was.  Wind shakes a pole by less.
MOVED_DEG, BACK_DEG = 1.5, 1.0
#: A lens that zooms changes the picture's size.
ZOOMED = 1.06
LOOKS_TO_RAISE = 2
#: So many looks on end at something else are worth a word.
UNKNOWN_LOOKS = 20
#: Of the fine detail of the calibrated scene, or of the plates' sharpness, this much must be left.
DIRTY = 0.55
#: Under the unit's own lamp plates are always about as bright: at this much of it the lamp fails, or the lens is covered.
DIM = 0.6
DIRTY_LOOKS = 5
PASSES = 40
#: Widths of plates (medians) may differ by this factor before the camera is not where it was.
WIDTH_FACTOR = 1.3

MOVED, DIRTY_LENS, DIM_PLATES, UNKNOWN_SCENE = "camera-moved", "lens-dirty", "plates-dim", "scene-unknown"
WORDS = {
    MOVED: "camera moved: aim it again, and calibrate",
    DIRTY_LENS: "lens dirty or out of focus: clean it, look at the focus",
    DIM_PLATES: "plates much darker than when it was calibrated: look at the infra-red lamp, the iris, the lens",
    UNKNOWN_SCENE: "scene not recognised: camera turned away or covered, fog, snow, or darkness",
}


class Passage(Struct, frozen=True, kw_only=True):
    """What is kept of one pass: middle and width of its best plate as shares of the picture's width, its sharpness and its
    brightness (grey levels)."""

    x: float
    y: float
    width: float
    sharpness: float
    brightness: float


class Usual(Struct, frozen=True, kw_only=True):
    """Medians of the first passes after the calibration, in one light."""

    light: Light
    x: float
    y: float
    width: float
    sharpness: float
    brightness: float


class Baseline(Struct, frozen=True, kw_only=True):
    """What a unit remembers about one calibration: the plates' medians, and looks in a light that the record has none of."""

    record: str
    usual: tuple[Usual, ...] = ()
    scenes: tuple[SceneLook, ...] = ()


class DriftWatch:
    """The watch over one camera; remembers its baseline in ``memory``, a small file, through restarts."""

    def __init__(self, camera: str, record: str, setup: CameraSetup, memory: Path, journal: Journal) -> None:
        self._camera, self._journal, self._memory = camera, journal, memory
        self._focal_widths = FOCAL_WIDTHS if setup.focal_px is None else setup.focal_px / setup.frame_size[0]
        self._baseline = _remembered(memory, record)
        self._recorded = setup.scenes
        self._glimpses: list[Glimpse] = []
        self._next_s = -math.inf
        self._light: Light = "day"
        self._bright: deque[float] = deque(maxlen=20)  # of the plates seen last
        self._frame_width = setup.frame_size[0]
        self._passes: dict[Light, deque[Passage]] = {"day": deque(maxlen=PASSES), "infrared": deque(maxlen=PASSES)}
        self._streak: dict[str, int] = {}
        self._raised: set[str] = set()
        self._scene_known = False

    @property
    def raised(self) -> frozenset[str]:
        """The alarms that stand now."""
        return frozenset(self._raised)

    def see(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """A glimpse every two seconds of the stream; a look when there are enough of one light."""
        self._bright.extend(_brightness(frame.image, each) for each in detections if each.sure)
        if self._next_s - GLIMPSE_EVERY_S <= frame.media_s < self._next_s:
            return
        self._next_s = frame.media_s + GLIMPSE_EVERY_S
        self._frame_width = frame.image.shape[1]
        taken = glimpse(frame.image)
        if self._glimpses and self._glimpses[0].light != taken.light:
            self._glimpses = []
        self._light = taken.light
        self._glimpses.append(taken)
        if len(self._glimpses) >= GLIMPSES_A_LOOK:
            self._look(look_of(self._glimpses))
            self._glimpses = []

    def passed(self, track: Track) -> None:
        """Compare the plates when there are enough passes in this light."""
        box, across = track.best.box, self._frame_width
        sharpness = max((reading.sharpness for reading in track.readings), default=0.0)
        passes = self._passes[self._light]
        passes.append(
            Passage(
                x=(box.x + box.w / 2) / across,
                y=(box.y + box.h / 2) / across,
                width=box.w / across,
                sharpness=sharpness,
                brightness=median(self._bright) if self._bright else 0.0,
            )
        )
        if len(passes) < PASSES:
            return
        now = _usual(self._light, passes)
        before = next((usual for usual in self._baseline.usual if usual.light == self._light), None)
        if before is None:
            self._remember(msgspec.structs.replace(self._baseline, usual=(*self._baseline.usual, now)))
            passes.clear()
            return
        if not self._scene_known:  # drivers keep to another lane at times: what the scene says is better
            self._judge_plates(before, now)
        self._judge(DIRTY_LENS, now.sharpness < DIRTY * before.sharpness, 1, by="plates")
        self._judge(DIM_PLATES, self._light == "infrared" and now.brightness < DIM * before.brightness, 1, by="plates")

    def _look(self, now: SceneLook) -> None:
        scenes = (*self._recorded, *self._baseline.scenes)
        before = next((scene for scene in scenes if scene.light == now.light), None)
        if before is None:
            self._remember(msgspec.structs.replace(self._baseline, scenes=(*self._baseline.scenes, now)))
            return
        seen = self._moved(before, now)
        self._scene_known = seen.known
        self._judge(UNKNOWN_SCENE, not seen.known, UNKNOWN_LOOKS, by="scene")
        if not seen.known:
            return
        limit = BACK_DEG if MOVED in self._raised else MOVED_DEG
        zoomed = max(seen.scale, 1 / seen.scale) > ZOOMED
        self._judge(MOVED, seen.degrees >= limit or zoomed, LOOKS_TO_RAISE, by="scene", degrees=round(seen.degrees, 1))
        if not zoomed and seen.degrees < limit:
            self._judge(DIRTY_LENS, now.detail < DIRTY * before.detail, DIRTY_LOOKS, by="scene")

    def _moved(self, before: SceneLook, now: SceneLook) -> Moved:
        try:
            return moved(picture_of(before), picture_of(now), self._focal_widths)
        except CameraError:
            return Moved(turn_deg=0.0, roll_deg=0.0, scale=1.0, agreement=0.0)

    def _judge_plates(self, before: Usual, now: Usual) -> None:
        shift = math.hypot(now.x - before.x, now.y - before.y)
        degrees = math.degrees(math.atan(shift / self._focal_widths))
        other_width = max(now.width / before.width, before.width / now.width) > WIDTH_FACTOR
        limit = BACK_DEG if MOVED in self._raised else MOVED_DEG
        self._judge(MOVED, degrees >= limit or other_width, 1, by="plates", degrees=round(degrees, 1))

    def _judge(self, alarm: str, wrong: bool, times: int, *, by: str, degrees: float | None = None) -> None:
        """Raise ``alarm`` once it was wrong so many ``times`` on end; take it back when the same witness says all is well."""
        key = f"{alarm} {by}"
        self._streak[key] = self._streak.get(key, 0) + 1 if wrong else 0
        told = {} if degrees is None else {"degrees": degrees}
        if wrong and alarm not in self._raised and self._streak[key] >= times:
            self._raised.add(alarm)
            self._journal.count("alarms", alarm)
            self._journal.warning(WORDS[alarm], camera=self._camera, seen_by=by, **told)
        elif not wrong and alarm in self._raised:
            self._raised.discard(alarm)
            self._journal.info("as calibrated again", camera=self._camera, alarm=alarm, seen_by=by)

    def _remember(self, baseline: Baseline) -> None:
        """Write the baseline; a unit that cannot learns it again after the next start."""
        self._baseline = baseline
        try:
            beside = self._memory.with_suffix(".new")
            beside.write_bytes(msgspec.json.encode(baseline))
            beside.replace(self._memory)
        except OSError as error:
            self._journal.warning("how plates usually look could not be kept", camera=self._camera, reason=error.strerror)


def _remembered(memory: Path, record: str) -> Baseline:
    """What was learnt under the same record; nothing under another, or where the file is no such thing."""
    try:
        baseline = msgspec.json.decode(memory.read_bytes(), type=Baseline)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return Baseline(record=record)
    return baseline if baseline.record == record else Baseline(record=record)


def _brightness(image: Image, detection: Detection) -> float:
    """Mean grey level of a plate's box, of one pixel in nine."""
    box = detection.box
    x0, y0 = max(0, int(box.x)), max(0, int(box.y))
    part = image[y0 : int(box.y + box.h) + 1 : 3, x0 : int(box.x + box.w) + 1 : 3]
    return float(part.mean()) if part.size else 0.0


def _usual(light: Light, passes: Sequence[Passage]) -> Usual:
    return Usual(
        light=light,
        x=median(each.x for each in passes),
        y=median(each.y for each in passes),
        width=median(each.width for each in passes),
        sharpness=median(each.sharpness for each in passes),
        brightness=median(each.brightness for each in passes),
    )
