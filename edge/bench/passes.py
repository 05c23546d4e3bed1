"""Scores whole passes: the line from camera to vote over clips whose passes are known; every frame, no policy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.bench.score import Rate, plain, rate
from edge.demo import run as demo
from edge.errors import ConfigError
from edge.read import ClipText

SLACK_S = 1.0
"""A Read may begin or end this much beside the labelled pass: labels end where a person no longer reads the plate."""


class ClipPlate(Struct, frozen=True, kw_only=True):
    """One plate of a labelled clip: ``frames`` are the first and last that show it, or ``boxes`` holds one box a frame."""

    text: str
    frames: tuple[int, int] | None = None
    boxes: tuple[tuple[float, float, float, float], ...] = ()


class ClipLine(Struct, frozen=True, kw_only=True):
    """One line of ``videos.jsonl``: a clip (path from the file's folder) and its plates."""

    video: str
    fps: float
    plates: tuple[ClipPlate, ...]


class DuePass(Struct, frozen=True, kw_only=True):
    """A pass that a clip shows, in seconds of the clip."""

    text: str
    first_s: float
    last_s: float


class DueClip(Struct, frozen=True, kw_only=True):
    """A clip with the passes it shows."""

    path: Path
    passes: tuple[DuePass, ...]


class ClipScore(Struct, frozen=True, kw_only=True):
    """One clip: the passes whose Read says exactly their text, when the others began, and the Reads that are no pass's
    exact text (misreads, and vehicles that nobody labelled).  No texts."""

    clip: str
    passes: Rate
    missed_at_s: tuple[float, ...]
    other_reads: int


def read_clips(path: Path) -> tuple[DueClip, ...]:
    """The clips of a ``videos.jsonl``.  Raises ConfigError naming the line."""
    clips = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"read list of clips {path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            one = msgspec.json.decode(line, type=ClipLine)
        except msgspec.DecodeError as error:
            raise ConfigError(f"read list of clips {path}, line {number}: {error}") from error
        passes = tuple(_due(plate, one.fps) for plate in one.plates)
        clips.append(DueClip(path=path.parent / one.video, passes=passes))
    return tuple(clips)


def demo_clip() -> DueClip:
    """The bundled clip with its legible passes.  The one in the no-capture zone counts too: no policy runs here."""
    passes = (DuePass(text=p.text, first_s=p.first_s, last_s=p.last_s) for p in demo.truth().passes if p.legible)
    return DueClip(path=demo.HERE / "clip.mp4", passes=tuple(passes))


def score_passes(clip: DueClip, reads: Sequence[ClipText]) -> ClipScore:
    """Pure: each Read answers for one pass at most; exact is exact, with no letter folded."""
    unused = list(reads)
    missed = []
    for due in clip.passes:
        exact = next((read for read in unused if _answers(read, due)), None)
        if exact is None:
            missed.append(due.first_s)
        else:
            unused.remove(exact)
    right = len(clip.passes) - len(missed)
    return ClipScore(
        clip=clip.path.name,
        passes=rate(right, len(clip.passes)),
        missed_at_s=tuple(missed),
        other_reads=len(unused),
    )


def _answers(read: ClipText, due: DuePass) -> bool:
    overlaps = read.first_s <= due.last_s + SLACK_S and read.last_s >= due.first_s - SLACK_S
    return overlaps and plain(read.text) == plain(due.text)


def _due(plate: ClipPlate, fps: float) -> DuePass:
    first, last = plate.frames if plate.frames is not None else (0, max(0, len(plate.boxes) - 1))
    return DuePass(text=plate.text, first_s=first / fps, last_s=last / fps)
