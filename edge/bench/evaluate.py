"""Runs the real detector and recognizer over labelled pictures and scores what they say, by set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.bench.score import FoundPlate, ScoredFrame, Scores, TextScores, TruthPlate, score_frames, score_texts
from edge.errors import ConfigError
from edge.read import PictureText


class ManifestPicture(Struct, frozen=True, kw_only=True):
    """One line of a manifest: a picture (path from the manifest's folder) and its plates.

    ``boxes`` are ``x, y, w, h`` in pixels; ``texts``, ``luma`` and ``partial`` go with them, ``size`` is width and height.
    A picture whose one box is the whole picture is a crop: only the recognizer is asked."""

    image: str
    boxes: tuple[tuple[float, float, float, float], ...]
    size: tuple[int, int]
    texts: tuple[str | None, ...] = ()
    luma: tuple[float | None, ...] = ()
    partial: tuple[bool, ...] = ()
    state: str | None = None

    @property
    def is_crop(self) -> bool:
        """Whether the picture is one plate and nothing else."""
        return len(self.boxes) == 1 and self.boxes[0] == (0, 0, *self.size)


class SetScores(Struct, frozen=True, kw_only=True):
    """The scores of one set; ``state`` counts the regions named right among crops whose state is known."""

    name: str
    frames: Scores | None = None
    crops: TextScores | None = None
    state_right: int = 0
    state_known: int = 0


def read_manifest(path: Path) -> tuple[ManifestPicture, ...]:
    """The pictures that a manifest lists.  Raises ConfigError naming the line."""
    pictures = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"read manifest {path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                pictures.append(msgspec.json.decode(line, type=ManifestPicture))
            except msgspec.DecodeError as error:
                raise ConfigError(f"read manifest {path}, line {number}: {error}") from error
            if not Path(pictures[-1].image).parts:
                raise ConfigError(f"read manifest {path}, line {number}: `image` names no picture")
    if not pictures:
        raise ConfigError(f"read manifest {path}: it lists no picture")
    return tuple(pictures)


def evaluate(
    manifest: Path,
    read_picture: Callable[[Path], PictureText],
    read_crop: Callable[[Path], PictureText],
    progress: Callable[[Iterator[ManifestPicture], int], Iterator[ManifestPicture]],
) -> tuple[SetScores, ...]:
    """Score every set of a manifest (a set is the first folder of a picture's path), then all of it together.

    Pictures are read by ``read_picture``, crops by ``read_crop``; ``progress`` wraps the iteration.
    """
    pictures = read_manifest(manifest)
    frames: dict[str, list[ScoredFrame]] = {}
    crops: dict[str, list[tuple[str | None, str | None]]] = {}
    states: dict[str, list[bool]] = {}
    for picture in progress(iter(pictures), len(pictures)):
        name = Path(picture.image).parts[0]
        if not picture.is_crop:
            frames.setdefault(name, []).append(scored_frame(picture, read_picture(manifest.parent / picture.image)))
            continue
        found = read_crop(manifest.parent / picture.image).plates[0]
        crops.setdefault(name, []).append((picture.texts[0] if picture.texts else None, found.text))
        if picture.state is not None:
            states.setdefault(name, []).append(found.region == region_of(picture.state))
    sets = [SetScores(name=name, frames=score_frames(group)) for name, group in sorted(frames.items())]
    sets += [
        SetScores(
            name=name, crops=score_texts(group), state_right=sum(states.get(name, ())), state_known=len(states.get(name, ()))
        )
        for name, group in sorted(crops.items())
    ]
    if len(frames) > 1:
        sets.append(SetScores(name="all", frames=score_frames(f for group in frames.values() for f in group)))
    return tuple(sets)


def region_of(state: str) -> str:
    """A manifest's state (``ct``) as the recognizer names regions (``US-CT``)."""
    return f"US-{state.upper()}"


def scored_frame(picture: ManifestPicture, result: PictureText) -> ScoredFrame:
    """Truth and findings of one picture side by side."""
    truth = tuple(
        TruthPlate(
            box=box,
            text=picture.texts[i] if i < len(picture.texts) else None,
            partial=picture.partial[i] if i < len(picture.partial) else False,
            luma=picture.luma[i] if i < len(picture.luma) else None,
        )
        for i, box in enumerate(picture.boxes)
    )
    found = tuple(FoundPlate(box=p.box, confidence=p.confidence, text=p.text) for p in result.plates)
    return ScoredFrame(truth=truth, found=found)
