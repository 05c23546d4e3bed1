"""The steps of the hour, each done by the functions that the headless commands use; the page only draws what comes of them."""

from __future__ import annotations

import threading
from pathlib import Path

from msgspec import Struct

from calibration.card import CardFinder
from calibration.page.feed import Feed, Shown, encode
from calibration.page.glance import Glance, why_no_card
from calibration.page.messages import Capture, Drawing, Nothing, Patch, Plan, Save, Settings
from calibration.page.state import (
    FocusState,
    PageState,
    ProofState,
    ShownCard,
    ShownPlate,
    TakenCard,
    Turn,
)
from calibration.records import CardView
from calibration.target import Card
from edge.errors import CameraError, ConfigError
from edge.records import Image
from edge.window import Passed, View


class Taken(Struct, frozen=True, kw_only=True):
    """A card as it was taken."""

    place: str
    view: CardView
    image: Image


class Hour:
    """One camera's hour.  ``see`` and ``passed`` are called by the feed, everything else by the tablet's requests."""

    def __init__(self, camera: str, card: Card) -> None:
        self._camera = camera
        self._glance = Glance(CardFinder(card))
        self._lock = threading.Lock()
        self._settings = Settings(speed_mph=45.0)
        self._patch = Patch()
        self._drawing = Drawing()
        self._taken: list[Taken] = []
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

    def set(self, settings: Settings) -> None:
        self._settings = settings

    def choose_patch(self, patch: Patch) -> None:
        self._patch = patch

    def focus_again(self, _: Nothing) -> None:
        pass

    def draw(self, drawing: Drawing) -> None:
        self._drawing = drawing

    def capture(self, wish: Capture) -> None:
        view = self._feed.picture() if self._feed else None
        if view is None:
            raise CameraError("take the card: there is no picture")
        finding = why_no_card(self._glance.last)
        if finding is not None:
            raise ConfigError(f"take the card: {finding.what}; {finding.cure}")
        assert self._glance.last and isinstance(self._glance.last.card, CardView)
        self._taken.append(Taken(place=wish.place, view=self._glance.last.card, image=view.image))

    def forget_cards(self, _: Nothing) -> None:
        self._taken = []

    def card_picture(self, number: int) -> bytes | None:
        return encode(self._taken[number].image, 320) if 0 <= number < len(self._taken) else None

    def predict(self, _: Nothing) -> None:
        pass

    def prove(self, plan: Plan) -> None:
        pass

    def end_proof(self, _: Nothing) -> None:
        pass

    def save(self, wish: Save) -> None:
        pass

    def report(self) -> Path:
        raise ConfigError("download the report: nothing is saved yet")

    def record(self) -> Path:
        raise ConfigError("download the record: nothing is saved yet")

    def state(self, left_s: float, shown: Shown | None = None) -> PageState:
        feed, sight = self._feed, self._glance.last
        assert feed is not None
        card = sight.card if sight and isinstance(sight.card, CardView) else None
        return PageState(
            serial=shown.serial if shown else -1,
            size=(shown.view.image.shape[1], shown.view.image.shape[0]) if shown else (1280, 720),
            camera=self._camera,
            state=feed.state,
            why=feed.why,
            left_s=left_s,
            light=sight.light if sight else "",
            fps=self._glance.fps,
            note="",
            plates=tuple(
                ShownPlate(corners=p.corners, text=p.text, confidence=p.confidence) for p in (shown.plates if shown else ())
            ),
            card=ShownCard(outline=card.outline, corners=tuple((x, y) for _, x, y in card.corners), width_px=card.width_px)
            if card
            else None,
            measures=(),
            turn=Turn(),
            focus=FocusState(of_best=None, course=(), patch=None),
            settings=self._settings,
            lane=self._drawing.lane or (),
            masks=self._drawing.masks,
            travel=self._drawing.travel,
            cards=tuple(
                TakenCard(number=n, place=t.place, width_px=t.view.width_px, distance_m=None, angles="")
                for n, t in enumerate(self._taken)
            ),
            geometry=(),
            findings=(),
            job="",
            done=0.0,
            can_predict=False,
            prediction=None,
            prediction_number=0,
            proof=ProofState(running=False, share=None, passes=()),
            summary=(),
            can_save=False,
            saved=None,
            steps={},
        )
