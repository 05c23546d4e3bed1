"""Detector and recognizer on pictures and clips: no policy, no network, nothing kept.  For trying out and for measuring."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from edge.camera.images import read_image
from edge.camera.interface import Camera, GapBegan
from edge.camera.source import PICTURE_SUFFIXES
from edge.clock import Clock
from edge.detector.interface import Detector
from edge.errors import CameraError
from edge.gate.interface import Gate
from edge.recognizer.fast_plate_ocr import FastPlateOcr
from edge.recognizer.interface import Recognizer
from edge.records import Box, Detection, Frame, Image, Point, Read, Reading
from edge.tracker.interface import Tracker
from edge.tracker.vote import vote

CLIP_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov", ".ts", ".h264", ".webm")


class PlateText(Struct, frozen=True, kw_only=True):
    """One plate of a picture: box and corners in pixels of the picture, and what was read."""

    box: tuple[float, float, float, float]
    corners: tuple[Point, Point, Point, Point]
    confidence: float
    text: str
    text_confidence: float
    char_confidence: tuple[float, ...]
    region: str


class PictureText(Struct, frozen=True, kw_only=True):
    """One picture: its path as given, width and height in pixels, and its plates, most confident first."""

    image: str
    size: tuple[int, int]
    plates: tuple[PlateText, ...]


class ClipText(Struct, frozen=True, kw_only=True):
    """One Read of a clip: times are seconds of the clip; ``readings`` is how many frames were read."""

    clip: str
    text: str
    text_confidence: float
    char_confidence: tuple[float, ...]
    region: str
    first_s: float
    last_s: float
    readings: int
    box: tuple[float, float, float, float]
    raw_texts: tuple[str, ...]


def shown(path: Path) -> str:
    """A path as text that every reader of JSON takes: bytes of a name that are no UTF-8 stand as ``\\xff``."""
    return os.fsencode(path).decode(errors="backslashreplace")


def is_clip(path: Path) -> bool:
    """Whether the file's name is that of a clip."""
    return path.suffix.lower() in CLIP_SUFFIXES


def find_inputs(paths: list[Path]) -> Iterator[Path]:
    """Every picture and clip of ``paths``: files as given, folders in order of names.  Raises CameraError."""
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.is_file() and (is_clip(p) or p.suffix.lower() in PICTURE_SUFFIXES))
            if not inside:
                raise CameraError(f"read {path}: no picture and no clip in this folder")
            yield from inside
        elif path.is_file():
            yield path
        else:
            raise CameraError(f"read {path}: no such file or folder")


def read_picture(path: Path, detector: Detector, recognizer: FastPlateOcr, clock: Clock) -> PictureText:
    """Find and read the plates of one picture.  Raises CameraError if it cannot be decoded."""
    frame = _frame(read_image(path), clock)
    readings = recognizer.read(frame, detector.detect(frame))
    return _picture(path, frame.image, [reading for reading in readings if reading.is_plate])


def read_crop(path: Path, recognizer: FastPlateOcr, clock: Clock) -> PictureText:
    """Read a picture that is one plate, whatever is found on it.  Raises CameraError if it cannot be decoded."""
    frame = _frame(read_image(path), clock)
    h, w = frame.image.shape[:2]
    corners = ((0.0, 0.0), (float(w), 0.0), (float(w), float(h)), (0.0, float(h)))
    whole = Detection(box=Box(x=0, y=0, w=w, h=h), corners=corners, confidence=1.0)
    return _picture(path, frame.image, recognizer.read_crops(frame, [whole]))


def read_clip(
    path: Path, camera: Camera, gate: Gate, detector: Detector, tracker: Tracker, recognizer: Recognizer
) -> Iterator[ClipText]:
    """The Reads of one clip, each when its pass has ended.  Raises CameraError if the clip cannot be opened."""
    for frame in camera.frames(threading.Event()):
        if isinstance(frame, GapBegan):
            continue
        match gate.judge(frame, tracker.asks):
            case "look":
                wanted = tracker.follow(frame, detector.detect(frame))
                tracker.add(recognizer.read(frame, wanted))
            case "unchanged":
                tracker.still(frame)
        camera.rest(gate.rests_until(tracker.asks))
        yield from (_clip(path, vote(track)) for track in tracker.finished())
    yield from (_clip(path, vote(track)) for track in tracker.flush())


def _frame(image: Image, clock: Clock) -> Frame:
    return Frame(camera="file", number=0, image=image, at=clock.now(), media_s=0.0)


def _picture(path: Path, image: Image, readings: Sequence[Reading]) -> PictureText:
    plates = tuple(
        PlateText(
            box=_rounded(reading.detection.box),
            corners=tuple((round(x, 1), round(y, 1)) for x, y in reading.detection.corners),  # type: ignore[arg-type]
            confidence=round(reading.detection.confidence, 4),
            text=reading.text,
            text_confidence=round(reading.confidence, 4),
            char_confidence=tuple(round(slot[0].probability, 4) for slot in reading.slots if slot[0].character),
            region=reading.region,
        )
        for reading in readings
    )
    return PictureText(image=shown(path), size=(image.shape[1], image.shape[0]), plates=plates)


def _clip(path: Path, read: Read) -> ClipText:
    return ClipText(
        clip=shown(path),
        text=read.text,
        text_confidence=round(read.confidence, 4),
        char_confidence=tuple(round(character.confidence, 4) for character in read.characters),
        region=read.region,
        first_s=round(read.first_s, 3),
        last_s=round(read.last_s, 3),
        readings=read.readings,
        box=_rounded(read.best.box),
        raw_texts=read.raw_texts,
    )


def _rounded(box: Box) -> tuple[float, float, float, float]:
    return (round(box.x, 1), round(box.y, 1), round(box.w, 1), round(box.h, 1))
