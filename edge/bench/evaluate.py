"""Runs the real detector and recognizer over labelled pictures and scores what they say, by set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from edge.bench.score import (
    FoundPlate,
    Reliability,
    Reviewed,
    ScoredFrame,
    Scores,
    TextScores,
    TruthPlate,
    reliability,
    score_frames,
    score_texts,
    texts_read,
)
from edge.bench.slices import Slice, SlicedPlate, plates_of, slice_plates
from edge.camera.images import read_image
from edge.errors import ConfigError
from edge.read import PictureText

T = TypeVar("T")


class Progress(Protocol):
    """Shows how far a long loop is."""

    def __call__(self, items: Iterator[T], total: int) -> Iterator[T]:
        """Hand out ``items``, of which there are ``total``."""
        ...


ALL = "all"
"""Name of the set that holds the pictures of all sets."""


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


class ReviewedPicture(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a review: a picture of a manifest (by its path there) and the boxes beside its labels that were looked at,
    ``x, y, w, h`` in pixels, by whom and on which day.  No texts."""

    image: str
    unlabelled: tuple[tuple[float, float, float, float], ...] = ()
    others: tuple[tuple[float, float, float, float], ...] = ()
    by: str = ""
    on: str = ""


class SetScores(Struct, frozen=True, kw_only=True):
    """The scores of one set; ``state`` counts the regions named right among crops whose state is known."""

    name: str
    frames: Scores | None = None
    crops: TextScores | None = None
    state_right: int = 0
    state_known: int = 0
    reliability: Reliability
    slices: tuple[Slice, ...] = ()


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


def read_reviews(path: Path) -> dict[str, Reviewed]:
    """What a review says, by the picture's path in its manifest.  Raises ConfigError naming the line."""
    reviews = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"read review {path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            one = msgspec.json.decode(line, type=ReviewedPicture)
        except msgspec.DecodeError as error:
            raise ConfigError(f"read review {path}, line {number}: {error}") from error
        reviews[one.image] = Reviewed(unlabelled=one.unlabelled, others=one.others)
    return reviews


def evaluate(
    manifest: Path,
    read_picture: Callable[[Path], PictureText],
    read_crop: Callable[[Path], PictureText],
    progress: Progress,
    watch: Callable[[Judged], None] = lambda _: None,
    reviews: Mapping[str, Reviewed] | None = None,
) -> tuple[SetScores, ...]:
    """Score every set of a manifest (a set is the first folder of a picture's path; pictures beside the manifest are one set,
    named like it), then all of it together.

    Pictures are read by ``read_picture``, crops by ``read_crop``; ``progress`` wraps the iteration, ``watch`` is shown every
    picture with what became of it, ``reviews`` says by picture what lies beside its labels.
    """
    pictures = read_manifest(manifest)
    framed: dict[str, _Group] = {}
    cropped: dict[str, _Group] = {}
    for picture in progress(iter(pictures), len(pictures)):
        name, path = set_of(manifest, picture), manifest.parent / picture.image
        result = read_crop(path) if picture.is_crop else read_picture(path)
        reviewed = (reviews or {}).get(picture.image, Reviewed())
        frame = crop_frame(picture, result) if picture.is_crop else scored_frame(picture, result, reviewed)
        group = (cropped if picture.is_crop else framed).setdefault(name, _Group())
        group.frames.append(frame)
        group.plates += plates_of(read_image(path), frame, result, region_of(picture.state))
        watch(Judged(set=name, path=path, is_crop=picture.is_crop, frame=frame, result=result))
    sets = [frame_scores(name, group) for name, group in sorted(framed.items())]
    if len(framed) > 1:
        sets.append(frame_scores(ALL, _together(framed.values())))
    sets += [crop_scores(name, group) for name, group in sorted(cropped.items())]
    return tuple(sets)


class _Group:
    """The pictures of one set as they are scored."""

    def __init__(self) -> None:
        self.frames: list[ScoredFrame] = []
        self.plates: list[SlicedPlate] = []


def _together(groups: Iterable[_Group]) -> _Group:
    every = _Group()
    for group in groups:
        every.frames += group.frames
        every.plates += group.plates
    return every


def set_of(manifest: Path, picture: ManifestPicture) -> str:
    """The first folder of the picture's path; the manifest's own name where there is none."""
    parts = Path(picture.image).parts
    return parts[0] if len(parts) > 1 else manifest.stem


def frame_scores(name: str, group: _Group) -> SetScores:
    """The scores of a set of pictures."""
    return SetScores(
        name=name,
        frames=score_frames(group.frames),
        reliability=reliability(r for f in group.frames for r in texts_read(f)),
        slices=slice_plates(group.plates),
    )


def crop_scores(name: str, group: _Group) -> SetScores:
    """The scores of a set of crops."""
    named = [plate.named for plate in group.plates if plate.named is not None]
    return SetScores(
        name=name,
        crops=score_texts((frame.truth[0].text, frame.found[0].text) for frame in group.frames),
        state_right=sum(named),
        state_known=len(named),
        reliability=reliability(r for f in group.frames for r in texts_read(f)),
        slices=slice_plates(group.plates),
    )


def region_of(state: str | None) -> str | None:
    """A manifest's state (``ct``) as the recognizer names regions (``US-CT``)."""
    return None if state is None else f"US-{state.upper()}"


def scored_frame(picture: ManifestPicture, result: PictureText, reviewed: Reviewed) -> ScoredFrame:
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
    return ScoredFrame(truth=truth, found=found, reviewed=reviewed)


def crop_frame(picture: ManifestPicture, result: PictureText) -> ScoredFrame:
    """Truth and reading of a crop: the plate is the whole picture, whatever size the manifest gives it."""
    plate = result.plates[0]
    text = picture.texts[0] if picture.texts else None
    found = FoundPlate(box=plate.box, confidence=1.0, text=plate.text, text_confidence=plate.text_confidence)
    return ScoredFrame(truth=(TruthPlate(box=plate.box, text=text),), found=(found,))
