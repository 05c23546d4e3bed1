"""What is measured on picture after picture while the technician turns and looks: plate, card, angles, light, still scene.

Measuring takes a fifth of one core at most, so that the picture stays live on a small board.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from msgspec import Struct

from calibration.angles import angles_from_corners, camera_matrix
from calibration.card import CardFinder
from calibration.check import GLIMPSES, SCENE_PX
from calibration.lens import lens_matrix
from calibration.picture import measure_plate, plate_width_px
from calibration.place import pose_of
from calibration.records import Angles, CardPose, CardView, Corners, Finding, PlatePicture
from calibration.slanted_edge import edge_mtf
from calibration.steps import Optics
from edge.camera_setup import Light, SceneLook
from edge.errors import CameraError
from edge.records import Image
from edge.scene_look import Glimpse, glimpse, light_of, look_of
from edge.window import FoundPlate, View

_SHARE = 0.2
_REMEMBER_S = 6.0  # a plate that has passed counts for so long
_OVER_S = 5.0
_FRESH_S = 1.0
_PASS_GAP_S = 1.5
_PASSES_AT_MOST = 500
_FEWEST_GLIMPSES = 5
_STILLS, _STILL_EVERY = 15, 4
_TRIALS = 40  # for the angles' intervals, on every picture


class Sight(Struct, frozen=True, kw_only=True):
    """What one picture showed.  ``pictures`` are the plate, or the card measured as one, in the last seconds, newest last;
    ``of`` says which of the two; ``angles`` against the line of sight, None where they cannot be told; ``pose`` of the card
    where the view's angle is known, ``mtf`` its edges' contrast at one stroke."""

    at_s: float
    image: Image
    light: Light
    card: CardView | Finding
    of: str
    corners: Corners | None
    pictures: tuple[PlatePicture, ...]
    angles: Angles | None
    pose: CardPose | None
    mtf: float | None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.image.shape[1], self.image.shape[0]


class Glance:
    """Looks at each picture for as long as it may.  One thread calls :meth:`see`; what it keeps is replaced whole."""

    def __init__(self, finder: CardFinder, now: Callable[[], float] = time.monotonic) -> None:
        self._finder, self._now = finder, now
        self._rest_until = self._fresh_until = 0.0
        self._times: deque[tuple[float, int]] = deque()
        self._measured: deque[tuple[float, str, PlatePicture, Corners]] = deque()
        self._glimpses: dict[Light, list[Glimpse]] = {}
        self._passing: list[tuple[float, PlatePicture]] = []
        self._passes: deque[PlatePicture] = deque(maxlen=_PASSES_AT_MOST)
        self._still: list[Image] = []
        self.optics = Optics()
        self.looks = 0
        self.last: Sight | None = None
        self.fps: float | None = None

    def see(self, view: View) -> Sight | None:
        """Measure the picture, unless the last one took so long that it is too early; then None."""
        self._count(view)
        began, worked = self._now(), time.thread_time()
        if began < self._rest_until:
            return None
        self.last = sight = self._sight(began, view)
        self.looks += 1
        self._look_round(view)
        ended = self._now()
        self._rest_until = ended + (time.thread_time() - worked) * (1 / _SHARE - 1)
        self._fresh_until = ended + max(_FRESH_S, 2 * (ended - began))  # on a busy machine the next look takes as long
        return sight

    @property
    def is_fresh(self) -> bool:
        """Whether what was seen last is still where it was, as far as a hand can hold."""
        return self._now() < self._fresh_until

    def _sight(self, at_s: float, view: View) -> Sight:
        card = self._finder.find(view.image)
        if isinstance(card, CardView):
            self._keep(at_s, view, card.outline, "card")
        elif (plate := widest(view.plates)) is not None:
            self._keep(at_s, view, plate.corners, "plate")
        while self._measured and at_s - self._measured[0][0] > _REMEMBER_S:
            self._measured.popleft()
        of = self._measured[-1][1] if self._measured else ""
        corners = self._measured[-1][3] if self._measured else None
        pose = self._pose(card)
        return Sight(
            at_s=at_s,
            image=view.image,
            light=light_of(view.image),
            card=card,
            of=of,
            corners=corners,
            pictures=tuple(picture for _, each, picture, _ in self._measured if each == of),
            angles=self._angles(view.image, of, corners, pose),
            pose=pose,
            mtf=None if isinstance(card, Finding) else edge_mtf(view.image, card, self._finder.card).least,
        )

    def scenes(self) -> tuple[SceneLook, ...]:
        """How the still scene looks, by day and under infra-red as far as each was seen."""
        return tuple(look_of(each) for each in list(self._glimpses.values()) if len(each) >= _FEWEST_GLIMPSES)

    def passes(self) -> tuple[PlatePicture, ...]:
        """The widest picture of each plate that passed."""
        return tuple(self._passes)

    def still(self) -> Image:
        """The still scene, BGR: the median of pictures far apart, so that nobody who passed is in it.  Raises CameraError."""
        pictures = [each for each in self._still if each.shape == self._still[-1].shape]
        if not pictures:
            raise CameraError("picture of the scene: no picture has come yet")
        return np.asarray(np.median(np.stack(pictures), axis=0), np.uint8)

    def _look_round(self, view: View) -> None:
        """A glimpse of the scene; many are thinned out, so that they reach far back."""
        taken = glimpse(view.image)
        kept = self._glimpses.setdefault(taken.light, [])
        kept.append(taken)
        if len(kept) > 2 * GLIMPSES:
            del kept[::2]
        if self.looks % _STILL_EVERY == 1:
            height, width = view.image.shape[:2]
            scale = min(1.0, SCENE_PX / width)
            small = cv2.resize(view.image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
            self._still = [*self._still, np.asarray(small, np.uint8)][-_STILLS:]

    def _keep(self, at_s: float, view: View, corners: Corners, of: str) -> None:
        try:
            picture = measure_plate(view.image, corners)
        except CameraError:  # too small, or half outside: the next one may do
            return
        self._measured.append((at_s, of, picture, corners))
        if of == "plate":
            if self._passing and at_s - self._passing[-1][0] > _PASS_GAP_S:
                self._passes.append(max((each for _, each in self._passing), key=lambda each: each.width_px))
                self._passing = []
            self._passing.append((at_s, picture))

    def _pose(self, card: CardView | Finding) -> CardPose | None:
        if isinstance(card, Finding):
            return None
        lens, focal = self.optics.lens, self.optics.focal_px(card.frame_size[0])
        if focal is None or (lens is not None and lens.frame_size != card.frame_size):
            return None
        matrix = camera_matrix(focal, card.frame_size) if lens is None else lens_matrix(lens)
        try:
            return pose_of(card, self._finder.card, "now", matrix, () if lens is None else lens.distortion)
        except CameraError:
            return None

    def _angles(self, image: Image, of: str, corners: Corners | None, pose: CardPose | None) -> Angles | None:
        if pose is not None:
            return pose.seen
        if of != "plate" or corners is None:
            return None
        size = (image.shape[1], image.shape[0])
        return angles_from_corners(corners, size, self.optics.focal_px(size[0]), trials=_TRIALS)

    def _count(self, view: View) -> None:
        """The camera's frame rate, from the numbers of frames, dropped ones too."""
        if self._times and view.number <= self._times[-1][1]:
            self._times.clear()
        self._times.append((view.media_s, view.number))
        while self._times[-1][0] - self._times[0][0] > _OVER_S:
            self._times.popleft()
        (from_s, first), (to_s, last) = self._times[0], self._times[-1]
        if to_s - from_s > 0.5:
            self.fps = (last - first) / (to_s - from_s)


def widest(plates: Sequence[FoundPlate]) -> FoundPlate | None:
    """The plate that is nearest, None if there is none."""
    return max(plates, key=lambda plate: plate_width_px(plate.corners), default=None)
