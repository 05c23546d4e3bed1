"""The steps of the hour, each done by the functions of the headless commands, in a folder like theirs; the page only draws what
comes of them."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct
from shapely.geometry import Polygon as Area

from calibration.card import CardFinder
from calibration.folder import CHECK, FOCUS, PROOF, Folder
from calibration.page.cards import Cards
from calibration.page.drive import NO_PROOF, DriveBy
from calibration.page.feed import Feed, Shown
from calibration.page.focusing import Focusing
from calibration.page.glance import Glance, Sight
from calibration.page.judged import measures_of, road_of, standings, turns
from calibration.page.messages import Capture, Drawing, Nothing, Patch, Plan, Save, Settings, Watch
from calibration.page.state import (
    Job,
    PageState,
    SavedState,
    ShownCard,
    ShownPlate,
    Standing,
)
from calibration.page.summary import checked_of, summary_of
from calibration.predict import InstalledModels, conditions_of
from calibration.proof import read_passes
from calibration.records import CardView, Measure, Prediction, Proof
from calibration.steps import Optics, run_predict, run_report
from calibration.target import Card
from edge.config import DeviceConfig
from edge.errors import CameraError, ConfigError, PlateEdgeError
from edge.window import FoundPlate, Passed, View

_PASSES = "passes.txt"
_SPEED_MPH = 45.0


class Site(Struct, frozen=True, kw_only=True):
    """What the page is about: the camera, the card, the folder that the set-up grows in and that of the night, the unit that
    signs (None: nobody can), its models, and how many rendered plates a prediction reads."""

    camera: str
    card: Card
    folder: Folder
    night: Folder | None
    unit: DeviceConfig | None
    models: Callable[[], InstalledModels]
    plates: int


class Hour:
    """One camera's hour.  ``see`` and ``passed`` are called by the feed, everything else by the tablet's requests."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._glance = Glance(CardFinder(site.card))
        self._lens = site.folder.lens()
        self._lock = threading.RLock()
        self._settings = Settings(speed_mph=_SPEED_MPH)
        self._drawing = Drawing()
        self._focusing, self._watches_focus = Focusing(), False
        self._cards = Cards(site.card)
        self._prediction: Prediction | None = None
        self._predictions = 0
        self._drive: DriveBy | None = None
        self._proof: Proof | None = None
        self._saved: SavedState | None = None
        self._stood: dict[str, Standing] = {}
        self._measures: tuple[Measure, ...] = ()
        self._job: Job = ""
        self._trouble = ""
        self._feed: Feed | None = None
        self._optics_changed()

    def attach(self, feed: Feed) -> None:
        """The feed that shows what this hour is about."""
        self._feed = feed

    def see(self, view: View) -> None:
        """A picture has come."""
        sight = self._glance.see(view)
        drive = self._drive
        if drive is not None:
            drive.see(view)
        if self._watches_focus:
            self._focusing.see(time.monotonic(), view.image, sight or self._glance.last)

    def passed(self, passed: Passed) -> None:
        """A vehicle has passed."""
        drive = self._drive
        if drive is not None:
            drive.passed(passed, time.monotonic())

    # What the tablet asks for.  All of it raises PlateEdgeError in words for the technician.

    def set(self, settings: Settings) -> None:
        """Take what the picture cannot say."""
        with self._lock:
            self._settings = settings
            self._optics_changed()
            self._cards.measure(self._optics, self._settings, self._drawing)

    def watch_focus(self, watch: Watch) -> None:
        """Measure focus while the tablet shows that step."""
        self._watches_focus = watch.on

    def choose_patch(self, patch: Patch) -> None:
        """Measure focus here."""
        self._focusing.choose(patch)

    def focus_again(self, _: Nothing) -> None:
        """Forget the best focus so far."""
        self._focusing.begin()

    def draw(self, drawing: Drawing) -> None:
        """Take what was drawn.  Raises ConfigError for an area that crosses itself, or an arrow without length."""
        for name, polygon in [("lane", drawing.lane), *(("no-go area", mask) for mask in drawing.masks)]:
            if polygon is not None and not (Area(polygon).is_valid and Area(polygon).area > 1e-4):
                raise ConfigError(f"Draw the {name} again: its edges cross each other, or there is nothing inside.")
        if drawing.travel is not None and math.dist(*drawing.travel) < 0.02:
            raise ConfigError("Draw a longer arrow, from where cars come to where they go.")
        with self._lock:
            self._drawing = drawing
            self._cards.measure(self._optics, self._settings, self._drawing)

    def capture(self, wish: Capture) -> None:
        """Take the card as it is held now.  Raises ConfigError saying what is wrong with it."""
        with self._lock:
            self._cards.take(wish.place, self._now(), self._optics, self._settings, self._drawing)

    def forget_cards(self, _: Nothing) -> None:
        """Begin again with the cards."""
        with self._lock:
            self._cards.forget()

    def card_picture(self, number: int) -> bytes | None:
        """A card that was taken, small; None if there is none of this number."""
        with self._lock:
            return self._cards.picture(number)

    def predict(self, _: Nothing) -> None:
        """Begin to predict in the background."""
        sight = self._glance.last
        if sight is None or not sight.pictures:
            raise ConfigError("Hold the card where plates will be, or let a car stand there: nothing was measured yet.")
        self._begin("predict", lambda: self._predict(sight))

    def prove(self, plan: Plan) -> None:
        """Begin to count passes of these plates, in this order.  Raises ConfigError naming the line that is no plate."""
        path = self._site.folder.path / _PASSES
        self._site.folder.text(_PASSES, plan.passes)
        wanted = read_passes(path)
        with self._lock:
            self._drive = DriveBy(wanted, time.monotonic())
            self._proof = None
            self._feeds().hold(True)

    def end_proof(self, _: Nothing) -> None:
        """Count no more; what was missed is kept as pictures."""
        with self._lock:
            if self._drive is None:
                return
            self._feeds().hold(False)
            self._proof, pictures = self._drive.end()
            for name, image in pictures.items():
                self._site.folder.picture(name, image)

    def save(self, wish: Save) -> None:
        """Sign and save the record in the background."""
        if self._site.unit is None:
            raise ConfigError("Nobody can sign here: start the page with the unit's configuration (-c device.toml).")
        if not self._measures:
            raise ConfigError("Nothing was measured yet: begin with Aim.")
        unit = self._site.unit
        self._begin("save", lambda: self._save(unit, wish.technician))

    def report(self) -> Path:
        """The saved report's file.  Raises ConfigError if there is none."""
        return self._file(self._record_path.with_suffix(".html"))

    def record(self) -> Path:
        """The saved record's file.  Raises ConfigError if there is none."""
        return self._file(self._record_path)

    def state(self, left_s: float, shown: Shown | None = None) -> PageState:
        """Everything that the page shows, with the boxes of the picture ``shown``."""
        feed = self._feeds()
        with self._lock:
            sight = self._glance.last if feed.state == "live" else None
            geometry = self._cards.geometry
            measures = self._measured(sight)
            card = sight.card if sight is not None and self._glance.is_fresh else None
            focus = self._focusing.state()
            drive = self._drive
            return PageState(
                serial=-1 if shown is None else shown.serial,
                size=(1280, 720) if shown is None else (shown.view.image.shape[1], shown.view.image.shape[0]),
                camera=self._site.camera,
                state=feed.state,
                why=feed.why,
                left_s=left_s,
                light="" if sight is None else sight.light,
                fps=self._glance.fps,
                lens="" if self._lens is None else f"lens calibrated, {self._lens.rms_px:.2f} px",
                plates=() if shown is None else tuple(map(_plate, shown.plates)),
                card=_card(card) if isinstance(card, CardView) else None,
                measures=measures,
                turn=turns(sight, measures, geometry, self._focusing.why if self._watches_focus else ""),
                focus=focus,
                settings=self._settings,
                lane=self._drawing.lane or (),
                masks=self._drawing.masks,
                travel=self._drawing.travel,
                cards=self._cards.shown(),
                geometry=() if geometry is None else geometry.measures,
                findings=() if geometry is None else geometry.findings,
                job=self._job,
                trouble=self._trouble,
                can_predict=not self._job and sight is not None and bool(sight.pictures),
                prediction=self._prediction,
                prediction_number=self._predictions,
                proof=NO_PROOF if drive is None else drive.state(),
                summary=summary_of(self._measures, self._drawing, geometry, self._prediction, self._proof),
                can_save=not self._job and bool(self._measures) and self._site.unit is not None,
                saved=self._saved,
                steps=self._standings(measures),
            )

    def _measured(self, sight: Sight | None) -> tuple[Measure, ...]:
        """The traffic light now; the last one with a plate or card in it is kept for the record."""
        road = road_of(self._settings, self._glance.fps, sight, self._cards.geometry)
        measures = measures_of(sight, road, self._cards.geometry, self._focusing.measures())
        if sight is not None and sight.pictures:
            self._measures = measures
        return measures

    def _standings(self, measures: Sequence[Measure]) -> dict[str, Standing]:
        """How each step stands; what was measured once stands until it is measured again."""
        now = standings(
            measures,
            lane=self._drawing.lane is not None,
            geometry=self._cards.geometry,
            prediction=self._prediction,
            proof=self._proof,
            saved=self._saved is not None,
        )
        for step in ("aim", "focus"):
            now[step] = self._stood[step] = now[step] or self._stood.get(step, "")
        return now

    def _feeds(self) -> Feed:
        assert self._feed is not None, "attach a feed first"
        return self._feed

    def _now(self) -> Sight:
        """What is seen now, not what was seen before the camera was lost."""
        sight = self._glance.last
        if self._feeds().picture() is None or sight is None:
            raise CameraError("There is no picture now: look at the camera, and wait until the picture is back.")
        return sight

    def _optics_changed(self) -> None:
        """A lens that was calibrated knows better than a data sheet."""
        self._optics = Optics(lens=self._lens, field_of_view=self._settings.field_of_view_deg)
        self._glance.optics = self._optics

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
        site = self._site
        made = run_predict(site.models(), conditions, sight.size, site.plates, max(1, site.plates // 10), site.folder)
        with self._lock:
            self._prediction = made
            self._predictions += 1

    def _save(self, unit: DeviceConfig, technician: str) -> None:
        """Leave every part in the folder as the commands do, and sign."""
        folder = self._site.folder
        with self._lock:
            sight, proof, measures = self._glance.last, self._proof, self._measures
            self._cards.keep(folder)
        assert sight is not None
        folder.keep(CHECK, checked_of(self._site.camera, self._glance, sight, measures))
        folder.picture("scene.jpg", self._glance.still())
        if runs := self._focusing.runs():
            folder.keep(FOCUS, runs)
        if proof is not None:
            folder.keep(PROOF, proof)
        verified, _, _ = run_report(unit, self._site.camera, folder, self._record_path, technician, self._site.night)
        words = f'The unit uses it when its camera has calibration = "{self._record_path}" in device.toml.'
        self._saved = SavedState(id=verified.id, words=words)

    @property
    def _record_path(self) -> Path:
        return self._site.folder.path / f"{self._site.camera}.calibration.json"

    def _file(self, path: Path) -> Path:
        if self._saved is None or not path.is_file():
            raise ConfigError("Nothing is saved yet.")
        return path


def _plate(plate: FoundPlate) -> ShownPlate:
    return ShownPlate(corners=plate.corners, text=plate.text, confidence=plate.confidence)


def _card(card: CardView) -> ShownCard:
    return ShownCard(outline=card.outline, corners=tuple((x, y) for _, x, y in card.corners), width_px=card.width_px)
