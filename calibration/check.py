"""Look at a clip or pictures of a camera: what its plates measure, how still the scene is, and whether the card is in it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from statistics import median

import cv2
import numpy as np
from msgspec import Struct

from calibration.angles import angles_from_corners, camera_matrix
from calibration.card import EMPTY, CardFinder
from calibration.judge import mtf_measure, traffic_light
from calibration.lens import lens_matrix
from calibration.picture import measure_plate
from calibration.place import pose_of
from calibration.predict import Models
from calibration.records import Angles, CardView, Corners, Finding, Lens, Measure, PlatePicture, Road
from calibration.slanted_edge import edge_mtf
from calibration.thresholds import FRAMES_ON_PLATE
from edge.camera.interface import Camera, GapBegan
from edge.camera_setup import Light, SceneLook
from edge.errors import CameraError
from edge.records import Detection, Frame, Image, Track
from edge.scene_look import Glimpse, glimpse, look_of
from edge.tracker.interface import Tracker

#: Pictures in which the card is looked for, evenly spread: it takes a tenth of a second to a whole one.
CARD_LOOKS = 12
#: Frames that are looked at at most; of longer clips every n-th.
FRAMES = 1500
#: Glimpses of which a look is made.
GLIMPSES = 25
#: Width of the picture of the still scene, pixels.
SCENE_PX = 960
#: Smaller plates are not measured.
_LEAST_PX = 30


class Checked(Struct, frozen=True, kw_only=True):
    """What was seen: ``plates`` one picture a pass (or a picture), ``passes`` frames of each pass, ``scenes`` for the drift
    watch."""

    source: str
    frame_size: tuple[int, int]
    light: Light
    frames: int
    plates: tuple[PlatePicture, ...]
    frames_a_pass: tuple[int, ...]
    angles: Angles | None
    mtf: float | None
    measures: tuple[Measure, ...]
    scenes: tuple[SceneLook, ...]
    findings: tuple[Finding, ...] = ()


class _Sight(Struct, frozen=True, kw_only=True):
    """One plate in one frame."""

    picture: PlatePicture
    corners: Corners


class Seen(Struct, frozen=True, kw_only=True):
    """A checked source with a picture of its still scene (BGR): the median of frames far apart, so that nobody who passed is
    in it."""

    checked: Checked
    scene: Image


def check(
    source: str,
    camera: Camera,
    models: Models,
    tracker: Tracker,
    road: Road,
    finder: CardFinder,
    *,
    lens: Lens | None = None,
    focal_px: float | None = None,
    frames: int | None = None,
) -> Seen:
    """Go through ``camera`` once.  ``frames``, where known, spreads the looks over all of it.

    Raises CameraError if there is no picture at all, or the picture is empty."""
    looking = _Looking(models, tracker, finder, max(1, (frames or 0) // FRAMES), max(1, (frames or CARD_LOOKS) // CARD_LOOKS))
    for frame in camera.frames(threading.Event()):
        if not isinstance(frame, GapBegan):
            looking.see(frame)
    looking.end()
    return looking.result(source, road, lens, focal_px)


class _Looking:
    """What has been seen so far."""

    def __init__(self, models: Models, tracker: Tracker, finder: CardFinder, every: int, card_every: int) -> None:
        self._models, self._tracker, self._finder = models, tracker, finder
        self._every, self._card_every = every, card_every
        self._number = -1
        self._size: tuple[int, int] | None = None
        self._lights: list[Light] = []
        self._glimpses: dict[Light, list[Glimpse]] = {}
        self._empty = 0
        self._seen: dict[int, tuple[Detection, _Sight]] = {}
        self._passes: list[tuple[_Sight, int]] = []
        self._card: CardView | None = None
        self._mtf: float | None = None
        self._still: list[Image] = []

    def see(self, frame: Frame) -> None:
        self._number += 1
        size = (frame.image.shape[1], frame.image.shape[0])
        if self._size is not None and size != self._size:
            raise CameraError(
                f"check camera: pictures of {self._size[0]}x{self._size[1]} and of {size[0]}x{size[1]}; give those of one "
                "stream"
            )
        self._size = size
        if self._number % self._every and self._number % self._card_every:
            return
        self._scene(frame)
        if self._number % self._card_every == 0:
            self._still.append(_shrunk(frame.image))
            if self._card is None:
                self._look_for_card(frame.image)
        self._plates(frame)

    def end(self) -> None:
        for track in self._tracker.flush():
            self._passed(track)

    def _scene(self, frame: Frame) -> None:
        taken = glimpse(frame.image)
        self._empty += float(frame.image[::8, ::8].std()) < 3
        self._lights.append(taken.light)
        kept = self._glimpses.setdefault(taken.light, [])
        kept.append(taken)
        if len(kept) > 2 * GLIMPSES:  # keep the whole clip, thinner and thinner
            del kept[::2]

    def _look_for_card(self, image: Image) -> None:
        found = self._finder.find(image)
        if isinstance(found, CardView):
            self._card = found
            self._mtf = edge_mtf(image, found, self._finder.card).least

    def _plates(self, frame: Frame) -> None:
        wanted = self._tracker.follow(frame, self._models.detector.detect(frame))
        readings = self._models.recognizer.read(frame, wanted)
        for reading in readings:
            detection = reading.detection
            if not reading.is_plate or detection.box.w < _LEAST_PX:
                continue
            try:
                sight = _Sight(picture=measure_plate(frame.image, detection.corners), corners=detection.corners)
            except CameraError:  # at the picture's rim
                continue
            self._seen[id(detection)] = (detection, sight)  # the detection is kept, so that its id stays its own
        self._tracker.add(readings)
        for track in self._tracker.finished():
            self._passed(track)

    def _passed(self, track: Track) -> None:
        sights = [self._seen.pop(id(r.detection))[1] for r in track.readings if id(r.detection) in self._seen]
        if sights:
            self._passes.append((max(sights, key=lambda s: s.picture.width_px), track.frames))

    def result(self, source: str, road: Road, lens: Lens | None, focal_px: float | None) -> Seen:
        if self._size is None:
            raise CameraError(f"check {source}: it holds no picture that can be decoded")
        if self._empty == len(self._lights):
            raise CameraError(f"check {source}: {EMPTY.what}; {EMPTY.cure}")
        size = self._size
        angles = self._card_angles(lens, focal_px) or self._corner_angles(lens, focal_px)
        pictures = tuple(sight.picture for sight, _ in self._passes)
        light: Light = "infrared" if sum(each == "infrared" for each in self._lights) * 2 > len(self._lights) else "day"
        seen = tuple(frames for _, frames in self._passes)
        checked = Checked(
            source=source,
            frame_size=size,
            light=light,
            frames=len(self._lights),
            plates=pictures,
            frames_a_pass=seen,
            angles=angles,
            mtf=self._mtf,
            measures=(*traffic_light(pictures, angles, road), mtf_measure(self._mtf), *frames_seen(seen)),
            scenes=tuple(look_of(each[: 2 * GLIMPSES]) for each in self._glimpses.values()),
            findings=_findings(pictures, size),
        )
        return Seen(checked=checked, scene=np.median(np.stack(self._still), axis=0).astype(np.uint8))

    def _card_angles(self, lens: Lens | None, focal_px: float | None) -> Angles | None:
        """Against the line of sight, where the card and the focal length are known."""
        if self._card is None or (lens is None and focal_px is None):
            return None
        matrix = lens_matrix(lens) if lens is not None else camera_matrix(focal_px or 1.0, self._card.frame_size)
        return pose_of(self._card, self._finder.card, "card", matrix, lens.distortion if lens is not None else ()).seen

    def _corner_angles(self, lens: Lens | None, focal_px: float | None) -> Angles | None:
        """From the corners of the widest plate: an interval."""
        if not self._passes or self._size is None:
            return None
        widest = max((sight for sight, _ in self._passes), key=lambda s: s.picture.width_px)
        return angles_from_corners(widest.corners, self._size, lens.fx if lens is not None else focal_px)


def _shrunk(image: Image) -> Image:
    """At most ``SCENE_PX`` wide."""
    scale = min(1.0, SCENE_PX / image.shape[1])
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def frames_seen(frames: Sequence[int]) -> tuple[Measure, ...]:
    """How many frames showed each plate that passed, where any did."""
    moving = [number for number in frames if number > 1]
    if not moving:
        return ()
    value = float(median(moving))
    good = value >= FRAMES_ON_PLATE.good
    return (
        Measure(
            name="frames_seen",
            value=value,
            unit="frames",
            target="≥ 3",
            verdict="PASS" if good else "WARN" if value >= FRAMES_ON_PLATE.limit else "FAIL",
            words="" if good else "raise the frame rate, or let the camera see a longer stretch of road",
            source=FRAMES_ON_PLATE.source,
        ),
    )


def _findings(pictures: Sequence[PlatePicture], size: tuple[int, int]) -> tuple[Finding, ...]:
    found = []
    if size[0] < size[1]:
        found.append(
            Finding(
                what=f"the picture is upright ({size[0]}x{size[1]})",
                cure="turn it in the camera's menu, unless it is mounted so on purpose",
            )
        )
    if not pictures:
        found.append(
            Finding(
                what="no plate was read in it",
                cure="let a car with a plate stand in the lane; look whether the picture is upright, sharp, and bright enough",
            )
        )
    return tuple(found)
