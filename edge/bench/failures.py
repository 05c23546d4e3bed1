"""Contact sheets of what the models got wrong: missed plates, boxes on nothing, misread texts.

The sheets show plates and their texts.  They are made from the user's own pictures, only when asked for, and belong where those
pictures are kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from edge.bench.evaluate import Judged
from edge.bench.score import BoxXYWH, folded, iou, match_boxes
from edge.camera.images import read_image
from edge.errors import ConfigError
from edge.read import PlateText
from edge.records import Box, Detection, Image

Kind = Literal["missed", "extra", "misread"]

#: A tile's picture and the text under it, pixels.
TILE_W, PICTURE_H, CAPTION_H = 320, 140, 44
COLUMNS, ROWS = 5, 8
_BACK, _INK, _MARK = (32, 32, 32), (235, 235, 235), (60, 200, 255)


class FailureSheets:
    """Draws what failed, picture by picture; a sheet is written as soon as it is full, the rest by :meth:`close`."""

    def __init__(self, folder: Path, name: str, as_read: Callable[[Image, Detection | None], Image]) -> None:
        """Sheets go to ``folder``/``name``-SET-KIND-NUMBER.png, over those of an earlier run; ``as_read`` gives what the reader
        is given of a detection, or of a whole crop.  Raises ConfigError if the folder cannot be made."""
        self._folder, self._name, self._as_read = folder, name, as_read
        self._tiles: dict[tuple[str, Kind], list[Image]] = {}
        self._sheets: Counter[tuple[str, Kind]] = Counter()
        self.drawn: Counter[Kind] = Counter()
        self.written: list[Path] = []
        make_folder(folder)

    def see(self, judged: Judged) -> None:
        """Draw the failures of one picture.  Raises CameraError if it cannot be decoded again, ConfigError if a full sheet
        cannot be written."""
        truth, found = judged.frame.truth, judged.frame.found
        match = match_boxes(truth, found)
        missed = [i for i, index in enumerate(match.found_of) if index is None and not truth[i].partial]
        misread = [(i, index) for i, index in enumerate(match.found_of) if index is not None and _wrong(judged, i, index)]
        if not (missed or misread or match.extra):
            return
        image = read_image(judged.path)
        where = judged.path.name
        for i in missed:
            nearest = max((iou(truth[i].box, each.box) for each in found), default=0.0)  # a loose box, or none at all
            words = f"{truth[i].box[2]:.0f} px wide, nearest box IoU {nearest:.2f}"
            self._add(judged.set, "missed", tile([around(image, truth[i].box)], where, words))
        for index in match.extra:
            words = f"score {found[index].confidence:.2f}  read {found[index].text or '-'}"
            self._add(judged.set, "extra", tile([around(image, found[index].box)], where, words))
        for i, index in misread:
            self._add(judged.set, "misread", self._misread(judged, image, str(truth[i].text), index))

    def close(self) -> None:
        """Write the sheets that are not full.  Raises ConfigError if one cannot be written."""
        for key in list(self._tiles):
            self._flush(key)

    def _misread(self, judged: Judged, image: Image, truth: str, index: int) -> Image:
        plate = judged.result.plates[index]
        picture = image if judged.is_crop else around(image, plate.box, 1.3, mark=False)
        seen = self._as_read(image, None if judged.is_crop else _detection(plate))
        words = f"read {plate.text or '-'}  {plate.text_confidence:.2f}"
        if seen.ndim == 3 and seen.shape[2] == 3:
            seen = np.ascontiguousarray(seen[:, :, ::-1])  # the reader takes RGB
        return tile([picture, _colour(seen)], f"true {truth}  {judged.path.name}", words)

    def _add(self, set_name: str, kind: Kind, drawn: Image) -> None:
        tiles = self._tiles.setdefault((set_name, kind), [])
        tiles.append(drawn)
        self.drawn[kind] += 1
        if len(tiles) == COLUMNS * ROWS:
            self._flush((set_name, kind))

    def _flush(self, key: tuple[str, Kind]) -> None:
        tiles = self._tiles.pop(key)
        self._sheets[key] += 1
        set_name = re.sub(r"[^A-Za-z0-9_-]", "_", key[0])
        path = self._folder / f"{self._name}-{set_name}-{key[1]}-{self._sheets[key]:02d}.png"
        write_picture(path, sheet(tiles))
        self.written.append(path)


def make_folder(folder: Path) -> None:
    """The folder for failures, readable by its owner alone where it is new.  Raises ConfigError."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"draw failures in {folder}: {error.strerror or error}") from error


def write_picture(path: Path, image: Image) -> None:
    """Write a PNG.  Raises ConfigError."""
    try:
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    except OSError as error:
        raise ConfigError(f"draw failures in {path}: {error.strerror or error}") from error


def around(image: Image, box: BoxXYWH, factor: float = 3.0, mark: bool = True) -> Image:
    """The picture round a box, ``factor`` times as wide and as high as it needs, with the box drawn in where ``mark``."""
    x, y, w, h = box
    half_w = max(w * factor / 2, h * factor / 2 * TILE_W / PICTURE_H, 8) if mark else w * factor / 2 + 2
    half_h = half_w * PICTURE_H / TILE_W if mark else h * factor / 2 + 2
    left, top = max(0, int(x + w / 2 - half_w)), max(0, int(y + h / 2 - half_h))
    cut = image[top : max(top + 1, int(y + h / 2 + half_h)), left : max(left + 1, int(x + w / 2 + half_w))]
    if cut.size == 0:
        return np.full((8, 8, 3), _BACK, np.uint8)
    shown = _colour(cut).copy()
    if mark:
        scale = min(TILE_W / shown.shape[1], PICTURE_H / shown.shape[0])
        thick = max(1, round(1 / scale))
        corner, far = (round(x - left), round(y - top)), (round(x - left + w), round(y - top + h))
        cv2.rectangle(shown, corner, far, _MARK, thick)
    return shown


def tile(pictures: Sequence[Image], first: str, second: str) -> Image:
    """Pictures side by side, two lines of text under them."""
    drawn = np.full((PICTURE_H + CAPTION_H, TILE_W, 3), _BACK, np.uint8)
    room = TILE_W // len(pictures)
    for number, picture in enumerate(pictures):
        h, w = picture.shape[:2]
        scale = min((room - 4) / w, (PICTURE_H - 4) / h)
        size = (max(1, round(w * scale)), max(1, round(h * scale)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        x, y = number * room + (room - size[0]) // 2, (PICTURE_H - size[1]) // 2
        drawn[y : y + size[1], x : x + size[0]] = small
    for number, words in enumerate((first, second)):
        text = words.encode("ascii", "replace").decode()[:44]
        place = (6, PICTURE_H + 16 + 18 * number)
        cv2.putText(drawn, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, _INK, 1, cv2.LINE_AA)
    return drawn


def sheet(tiles: Sequence[Image]) -> Image:
    """Tiles in rows."""
    columns = min(COLUMNS, len(tiles))
    blank = np.full_like(tiles[0], 0)
    rows = [list(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    rows[-1] += [blank] * (columns - len(rows[-1]))
    return np.vstack([np.hstack(row) for row in rows])


def _wrong(judged: Judged, truth_index: int, found_index: int) -> bool:
    truth, found = judged.frame.truth[truth_index], judged.frame.found[found_index]
    return truth.text is not None and not truth.partial and folded(truth.text) != folded(found.text or "")


def _detection(plate: PlateText) -> Detection:
    x, y, w, h = plate.box
    return Detection(box=Box(x=x, y=y, w=w, h=h), corners=plate.corners, confidence=plate.confidence)


def _colour(image: Image) -> Image:
    if image.ndim == 2 or image.shape[2] == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
    return image
