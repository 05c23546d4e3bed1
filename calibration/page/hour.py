"""The steps of the hour, each done by the functions that the headless commands use; the page only draws what comes of them."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct
from shapely.geometry import Polygon as Area

from calibration.card import CardFinder
from calibration.formulas import focal_px
from calibration.page.feed import Feed, Shown, encode
from calibration.page.glance import Glance, Sight
from calibration.page.judged import measures_of, plain, road_of, standings, turns
from calibration.page.messages import Capture, Drawing, Nothing, Patch, Plan, Save, Settings
from calibration.page.state import (
    FocusState,
    Job,
    PageState,
    ProofState,
    SavedState,
    ShownCard,
    ShownPlate,
    Standing,
    TakenCard,
)
from calibration.place import place_lane
from calibration.predict import Models, conditions_of, predict
from calibration.records import CardView, Finding, Geometry, Measure, Prediction, Proof
from calibration.target import Card
from edge.errors import CameraError, ConfigError, PlateEdgeError
from edge.records import Image, Point
from edge.window import FoundPlate, Passed, View

CARDS_AT_MOST = 12
_SPEED_MPH = 45.0
_THUMB_PX = 320


class Taken(Struct, frozen=True, kw_only=True):
    """A card as it was taken."""

    place: str
    view: CardView
    image: Image


class Hour:
    """One camera's hour.  ``see`` and ``passed`` are called by the feed, everything else by the tablet's requests."""

    def __init__(self, camera: str, card: Card, models: Callable[[], Models], plates: int) -> None:
        self._camera, self._card, self._models, self._plates = camera, card, models, plates
        self._glance = Glance(CardFinder(card))
        self._lock = threading.RLock()
        self._settings = Settings(speed_mph=_SPEED_MPH)
        self._patch = Patch()
        self._drawing = Drawing()
        self._taken: list[Taken] = []
        self._geometry: Geometry | None = None
        self._prediction: Prediction | None = None
        self._predictions = 0
        self._proof: Proof | None = None
        self._saved: SavedState | None = None
        self._stood: dict[str, Standing] = {}
        self._job: Job = ""
        self._trouble = ""
        self._feed: Feed | None = None

    def attach(self, feed: Feed) -> None:
        """The feed that shows what this hour is about."""
        self._feed = feed

    def close(self) -> None:
        """End what still runs."""

    def see(self, view: View) -> None:
        """A picture has come."""
        self._glance.see(view)

    def passed(self, passed: Passed) -> None:
        """A vehicle has passed."""

    # What the tablet asks for.  All of it raises PlateEdgeError in words for the technician.

    def set(self, settings: Settings) -> None:
        """Take what the picture cannot say."""
        with self._lock:
            self._settings = settings
            self._glance.view_deg = settings.field_of_view_deg
            self._place()

    def choose_patch(self, patch: Patch) -> None:
        """Measure focus here."""
        self._patch = patch

    def focus_again(self, _: Nothing) -> None:
        """Forget the best focus so far."""

    def draw(self, drawing: Drawing) -> None:
        """Take what was drawn.  Raises ConfigError for an area that crosses itself, or an arrow without length."""
        for name, polygon in [("lane", drawing.lane), *(("no-go area", mask) for mask in drawing.masks)]:
            if polygon is not None and not (Area(polygon).is_valid and Area(polygon).area > 1e-4):
                raise ConfigError(f"draw the {name}: its edges cross each other, or there is nothing inside; draw it again")
        if drawing.travel is not None and math.dist(*drawing.travel) < 0.02:
            raise ConfigError("draw the travel: draw a longer arrow, from where cars come to where they go")
        with self._lock:
            self._drawing = drawing
            self._place()

    def capture(self, wish: Capture) -> None:
        """Take the card as it is held now.  Raises ConfigError saying what is wrong with it."""
        with self._lock:
            sight = self._fresh()
            if isinstance(sight.card, Finding):
                raise ConfigError(plain(sight.card))
            if len(self._taken) >= CARDS_AT_MOST:
                raise ConfigError(f"{CARDS_AT_MOST} cards are enough: forget them and begin again, or go on")
            if self._settings.field_of_view_deg is None:
                raise ConfigError("Type first how many degrees the camera sees across: distances follow from it.")
            self._taken.append(Taken(place=wish.place, view=sight.card, image=sight.image))
            try:
                self._place()
            except PlateEdgeError:
                self._taken.pop()
                raise

    def forget_cards(self, _: Nothing) -> None:
        """Begin again with the cards."""
        with self._lock:
            self._taken, self._geometry = [], None

    def card_picture(self, number: int) -> bytes | None:
        """A card that was taken, small; None if there is none of this number."""
        with self._lock:
            taken = self._taken[number] if 0 <= number < len(self._taken) else None
        return None if taken is None else encode(_around(taken), _THUMB_PX)

    def predict(self, _: Nothing) -> None:
        """Begin to predict in the background."""
        sight = self._glance.last
        if sight is None or not sight.pictures:
            raise ConfigError("Hold the card where plates will be, or let a car stand there: nothing was measured yet.")
        self._begin("predict", lambda: self._predict(sight))

    def prove(self, plan: Plan) -> None:
        """Begin to count passes."""

    def end_proof(self, _: Nothing) -> None:
        """Count no more."""

    def save(self, wish: Save) -> None:
        """Sign and save the record."""

    def report(self) -> Path:
        """The saved report's file."""
        raise ConfigError("Nothing is saved yet.")

    def record(self) -> Path:
        """The saved record's file."""
        raise ConfigError("Nothing is saved yet.")

    def state(self, left_s: float, shown: Shown | None = None) -> PageState:
        """Everything that the page shows, with the boxes of the picture ``shown``."""
        assert self._feed is not None
        with self._lock:
            sight = self._glance.last if self._feed.state == "live" else None
            road = road_of(self._settings, self._glance.fps, sight, self._geometry)
            measures = measures_of(sight, road, self._geometry, None, None)
            card = sight.card if sight is not None and self._glance.is_fresh(sight) else None
            geometry = self._geometry
            return PageState(
                serial=-1 if shown is None else shown.serial,
                size=(1280, 720) if shown is None else (shown.view.image.shape[1], shown.view.image.shape[0]),
                camera=self._camera,
                state=self._feed.state,
                why=self._feed.why,
                left_s=left_s,
                light="" if sight is None else sight.light,
                fps=self._glance.fps,
                note="",
                plates=() if shown is None else tuple(map(_plate, shown.plates)),
                card=_card(card) if isinstance(card, CardView) else None,
                measures=measures,
                turn=turns(sight, measures, geometry),
                focus=FocusState(of_best=None, course=(), patch=None),
                settings=self._settings,
                lane=self._drawing.lane or (),
                masks=self._drawing.masks,
                travel=self._drawing.travel,
                cards=tuple(self._taken_card(number) for number in range(len(self._taken))),
                geometry=() if geometry is None else geometry.measures,
                findings=() if geometry is None else geometry.findings,
                job=self._job,
                trouble=self._trouble,
                can_predict=not self._job and sight is not None and bool(sight.pictures),
                prediction=self._prediction,
                prediction_number=self._predictions,
                proof=ProofState(running=False, share=None, passes=()),
                summary=(),
                can_save=False,
                saved=self._saved,
                steps=self._standings(measures),
            )

    def _standings(self, measures: Sequence[Measure]) -> dict[str, Standing]:
        """How each step stands; what was measured once stands until it is measured again."""
        now = standings(
            measures,
            lane=self._drawing.lane is not None,
            geometry=self._geometry,
            prediction=self._prediction,
            proof=self._proof,
            saved=self._saved is not None,
        )
        for step in ("aim", "focus"):
            now[step] = self._stood[step] = now[step] or self._stood.get(step, "")
        return now

    def _fresh(self) -> Sight:
        """What is seen now, not what was seen before the camera was lost."""
        sight = self._glance.last
        picture = self._feed.picture() if self._feed is not None else None
        if picture is None or sight is None:
            raise CameraError("There is no picture to take the card from.")
        return sight

    def _place(self) -> None:
        """The lane's geometry from all cards taken."""
        view_deg = self._settings.field_of_view_deg
        if not self._taken or view_deg is None:
            self._geometry = None
            return
        size = self._taken[0].view.frame_size
        self._geometry = place_lane(
            [(taken.place, taken.view) for taken in self._taken],
            self._card,
            focal_px=focal_px(size[0], view_deg),
            lane=self._drawing.lane or (),
            masks=self._drawing.masks,
            direction=_direction(self._drawing, size),
            ruler_mm=self._settings.ruler_mm,
            tape_m=self._settings.tape_m,
        )

    def _taken_card(self, number: int) -> TakenCard:
        taken = self._taken[number]
        pose = self._geometry.poses[number] if self._geometry is not None else None
        angles = ""
        if pose is not None:
            yaw, pitch = pose.seen.yaw.best or 0.0, pose.seen.pitch.best or 0.0
            angles = f"{abs(yaw):.0f}° sideways, {abs(pitch):.0f}° {'from above' if pitch >= 0 else 'from below'}"
        return TakenCard(
            number=number,
            place=taken.place,
            width_px=taken.view.width_px,
            distance_m=None if pose is None else pose.distance_m,
            angles=angles,
        )

    def _begin(self, job: Job, work: Callable[[], None]) -> None:
        """One thing at a time in the background."""
        with self._lock:
            if self._job:
                raise ConfigError("The unit is still at work; wait until it is done.")
            self._job, self._trouble = job, ""

        def run() -> None:
            try:
                work()
            except PlateEdgeError as error:
                self._trouble = str(error)
            finally:
                self._job = ""

        threading.Thread(target=run, name=job, daemon=True).start()

    def _predict(self, sight: Sight) -> None:
        conditions = conditions_of(sight.pictures, sight.angles if sight.of == "card" else None)
        made = predict(self._models(), conditions, sight.size, plates=self._plates, curve_plates=max(1, self._plates // 10))
        with self._lock:
            self._prediction = made
            self._predictions += 1


def _plate(plate: FoundPlate) -> ShownPlate:
    return ShownPlate(corners=plate.corners, text=plate.text, confidence=plate.confidence)


def _card(card: CardView) -> ShownCard:
    return ShownCard(outline=card.outline, corners=tuple((x, y) for _, x, y in card.corners), width_px=card.width_px)


def _direction(drawing: Drawing, size: tuple[int, int]) -> Point | None:
    """The arrow as a unit vector in pixels."""
    if drawing.travel is None:
        return None
    (x1, y1), (x2, y2) = drawing.travel
    dx, dy = (x2 - x1) * size[0], (y2 - y1) * size[1]
    length = math.hypot(dx, dy)
    return dx / length, dy / length


def _around(taken: Taken) -> Image:
    """The card and a little round it."""
    xs, ys = [x for x, _ in taken.view.outline], [y for _, y in taken.view.outline]
    pad = taken.view.width_px * 0.4
    height, width = taken.image.shape[:2]
    left, right = max(0, int(min(xs) - pad)), min(width, int(max(xs) + pad))
    top, bottom = max(0, int(min(ys) - pad)), min(height, int(max(ys) + pad))
    return taken.image[top:bottom, left:right]
