"""The newest picture with what was found on it, for as long as somebody looks: nothing is encoded that nobody fetches."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal

import cv2
from msgspec import Struct

from calibration.page.sources import Seen, Source
from edge.errors import PlateEdgeError
from edge.masking import where
from edge.records import Image, Point
from edge.window import Blind, FoundPlate, Passed, View

LOOKS_S = 3.0  # a tablet that asked for nothing for so long does not look
_KEPT = 8  # pictures: the tablet asks for the one that its boxes belong to
_WIDEST_PX = 1280
_AGAIN_S = 1.0
_QUALITY = 82
_REMEMBER_S = 1.5  # how long a text stays with its plate after the line has read enough of it

State = Literal["waiting", "live", "lost", "barred"]


class Shown(Struct, frozen=True, kw_only=True):
    """One picture as the page knows it, by its ``serial``; ``plates`` with the texts of the last moments carried over."""

    serial: int
    view: View
    plates: tuple[FoundPlate, ...]


class Feed:
    """One source behind one thread.  ``look`` and ``passed`` are called in that thread with everything that is seen."""

    def __init__(
        self,
        source: Source,
        look: Callable[[View], None],
        passed: Callable[[Passed], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._look, self._passed, self._now = source, look, passed, now
        self._changed = threading.Condition()
        self._stop, self._wanted = threading.Event(), threading.Event()
        self._shown: OrderedDict[int, Shown] = OrderedDict()
        self._jpeg: tuple[int, bytes] = (-1, b"")
        self._serial = 0
        self._looked_at = -LOOKS_S
        self._hold = False
        self._texts: list[tuple[float, FoundPlate]] = []
        self.state: State = "waiting"
        self.why = "no picture has come yet"
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; returns when the camera is let go."""
        self._stop.set()
        self._wanted.set()
        self._thread.join(10)

    def hold(self, on: bool) -> None:
        """Look on although no tablet does, as while passes are counted."""
        self._hold = on
        self._tend()

    def newest(self, after: int, wait_s: float) -> Shown | None:
        """The newest picture once there is one later than ``after``; None if none comes in time.  Counts as a look."""
        self._looked_at = self._now()
        self._tend()
        with self._changed:
            self._changed.wait_for(lambda: self._serial > after or self._stop.is_set(), wait_s)
            return self._shown.get(self._serial) if self._serial > after else None

    def jpeg(self, serial: int) -> bytes | None:
        """A picture that is still kept, at most 1280 px wide; None if it is gone."""
        with self._changed:
            shown = self._shown.get(serial)
            if shown is not None and self._jpeg[0] == serial:
                return self._jpeg[1]
        if shown is None:
            return None
        encoded = encode(shown.view.image)
        self._jpeg = (serial, encoded)
        return encoded

    def picture(self) -> View | None:
        """The newest picture itself, None while the camera shows nothing."""
        with self._changed:
            shown = self._shown.get(self._serial)
            return shown.view if shown is not None and self.state == "live" else None

    def _tend(self) -> None:
        looks = self._hold or self._now() - self._looked_at < LOOKS_S
        (self._wanted.set if looks else self._wanted.clear)()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                for seen in self._source.seen(self._stop, self._wanted):
                    self._tend()
                    self._show(seen)
            except Exception as error:  # noqa: BLE001  the top of the thread: the page must say so and go on
                words = str(error) if isinstance(error, PlateEdgeError) else f"a fault of the program, {where(error)}"
                self._say("lost", Blind(kind="lost", why=f"{words}; it is tried again by itself"))
                self._stop.wait(_AGAIN_S)

    def _show(self, seen: Seen) -> None:
        if isinstance(seen, View):
            self._take(seen)
        elif isinstance(seen, Passed):
            self._passed(seen)
        else:
            self._say("barred" if seen.kind == "barred" else "lost", seen)

    def _take(self, view: View) -> None:
        self._look(view)
        plates = self._with_texts(view.plates)
        with self._changed:
            self._serial += 1
            self._shown[self._serial] = Shown(serial=self._serial, view=view, plates=plates)
            while len(self._shown) > _KEPT:
                self._shown.popitem(last=False)
            self.state, self.why = "live", ""
            self._changed.notify_all()

    def _say(self, state: State, blind: Blind) -> None:
        with self._changed:
            self.state, self.why = state, blind.why
            self._shown.clear()
            self._changed.notify_all()

    def _with_texts(self, plates: Sequence[FoundPlate]) -> tuple[FoundPlate, ...]:
        """The line stops reading a plate that it is sure of; its text stays with it while it is near the same place."""
        now = self._now()
        self._texts = [(at, plate) for at, plate in self._texts if now - at < _REMEMBER_S]
        result = []
        for plate in plates:
            if not plate.text:
                near = min((old for _, old in self._texts), key=lambda old: _away(old, plate), default=None)
                if near is not None and _away(near, plate) < _width(plate):
                    plate = FoundPlate(
                        corners=plate.corners,
                        confidence=plate.confidence,
                        text=near.text,
                        text_confidence=near.text_confidence,
                    )
            if plate.text:
                self._texts = [each for each in self._texts if _away(each[1], plate) >= _width(plate)] + [(now, plate)]
            result.append(plate)
        return tuple(result)


def encode(image: Image, widest: int = _WIDEST_PX) -> bytes:
    """The picture as JPEG, made smaller where it is wider than ``widest``."""
    height, width = image.shape[:2]
    if width > widest:
        image = cv2.resize(image, (widest, round(height * widest / width)), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    good, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert good
    return bytes(coded)


def _centre(plate: FoundPlate) -> Point:
    return sum(x for x, _ in plate.corners) / 4, sum(y for _, y in plate.corners) / 4


def _away(one: FoundPlate, other: FoundPlate) -> float:
    (ax, ay), (bx, by) = _centre(one), _centre(other)
    return math.hypot(ax - bx, ay - by)


def _width(plate: FoundPlate) -> float:
    xs = [x for x, _ in plate.corners]
    return max(xs) - min(xs)
