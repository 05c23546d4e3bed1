"""Runs the real detector and recognizer over labelled pictures and scores what they say, by set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.bench.score import (
    FoundPlate,
    Reliability,
    ScoredFrame,
    Scores,
    TextScores,
    TruthPlate,
    reliability,
    score_frames,
    score_texts,
    texts_read,
)
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
    reliability: Reliability


class Judged(Struct, frozen=True, kw_only=True):
    """One picture with what became of it: ``frame`` is truth beside findings, its findings those of ``result`` in order."""

    set: str
    path: Path
    is_crop: bool
    frame: ScoredFrame
    result: PictureText


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
    watch: Callable[[Judged], None] = lambda _: None,
) -> tuple[SetScores, ...]:
    """Score every set of a manifest (a set is the first folder of a picture's path; pictures beside the manifest are one set,
    named like it), then all of it together.

    Pictures are read by ``read_picture``, crops by ``read_crop``; ``progress`` wraps the iteration, ``watch`` is shown every
    picture with what became of it.
    """
    pictures = read_manifest(manifest)
    frames: dict[str, list[ScoredFrame]] = {}
    crops: dict[str, list[ScoredFrame]] = {}
    states: dict[str, list[bool]] = {}
    for picture in progress(iter(pictures), len(pictures)):
        name, path = set_of(manifest, picture), manifest.parent / picture.image
        result = read_crop(path) if picture.is_crop else read_picture(path)
        frame = crop_frame(picture, result) if picture.is_crop else scored_frame(picture, result)
        (crops if picture.is_crop else frames).setdefault(name, []).append(frame)
        if picture.is_crop and picture.state is not None:
            states.setdefault(name, []).append(result.plates[0].region == region_of(picture.state))
        watch(Judged(set=name, path=path, is_crop=picture.is_crop, frame=frame, result=result))
    sets = [frame_scores(name, group) for name, group in sorted(frames.items())]
    if len(frames) > 1:
        sets.append(frame_scores("all", [frame for group in frames.values() for frame in group]))
    sets += [crop_scores(name, group, states.get(name, [])) for name, group in sorted(crops.items())]
    return tuple(sets)


def set_of(manifest: Path, picture: ManifestPicture) -> str:
    """The first folder of the picture's path; the manifest's own name where there is none."""
    parts = Path(picture.image).parts
    return parts[0] if len(parts) > 1 else manifest.stem


def frame_scores(name: str, group: list[ScoredFrame]) -> SetScores:
    """The scores of a set of pictures."""
    return SetScores(name=name, frames=score_frames(group), reliability=reliability(r for f in group for r in texts_read(f)))


def crop_scores(name: str, group: list[ScoredFrame], states: list[bool]) -> SetScores:
    """The scores of a set of crops; ``states`` says of each known state whether it was named."""
    return SetScores(
        name=name,
        crops=score_texts((frame.truth[0].text, frame.found[0].text) for frame in group),
        state_right=sum(states),
        state_known=len(states),
        reliability=reliability(r for f in group for r in texts_read(f)),
    )


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
    found = tuple(
        FoundPlate(box=p.box, confidence=p.confidence, text=p.text, text_confidence=p.text_confidence) for p in result.plates
    )
    return ScoredFrame(truth=truth, found=found)


def crop_frame(picture: ManifestPicture, result: PictureText) -> ScoredFrame:
    """Truth and reading of a crop: the plate is the whole picture, whatever size the manifest gives it."""
    plate = result.plates[0]
    text = picture.texts[0] if picture.texts else None
    found = FoundPlate(box=plate.box, confidence=1.0, text=plate.text, text_confidence=plate.text_confidence)
    return ScoredFrame(truth=(TruthPlate(box=plate.box, text=text),), found=(found,))
