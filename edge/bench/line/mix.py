"""Clips with a chosen share of frames that show plates, cut from one clip: its busy and its empty stretches.

How fast a line is depends on what passes: ultimateALPR's benchmark varies this share (0, .2, .5, 1) and so do we.  Which frames
show a plate our own detector says.  An empty scene is cut where nothing moves either: a road with vehicles whose plates are
not in sight is not empty, and costs as many looks as any other traffic.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from msgspec import Struct

from edge.bench.line.clips import Clip, each_frame, open_clip
from edge.errors import ConfigError

#: A mixed clip is at most so long, in frames, and repeated until it is at least so long.
LONGEST, SHORTEST = 600, 900
#: Fewer different frames than this are no clip.
FEWEST = 20
#: So many frames around a plate belong to neither kind: a car comes and goes there.
BETWEEN = 4
#: A stretch of fewer frames is left out: the line would see nothing but cuts.
SHORT = 8
FPS = 30
#: Something moves where the mean of a square of so many pixels has changed by so many grey levels within so many seconds.
SQUARE, LEVELS, WITHIN_S = 16, 8, 0.5


class Stretch(Struct, frozen=True, kw_only=True):
    """Frames ``first`` to ``last`` of a clip, both included."""

    first: int
    last: int

    @property
    def frames(self) -> int:
        """How many."""
        return self.last - self.first + 1


def stretches(shows: Sequence[bool]) -> tuple[list[Stretch], list[Stretch]]:
    """Pure: the stretches that show a plate, short gaps closed, and those that show none with a distance to any that does."""
    near = [any(shows[max(0, n - BETWEEN) : n + BETWEEN + 1]) for n in range(len(shows))]
    calm = [not any(near[max(0, n - BETWEEN) : n + BETWEEN + 1]) for n in range(len(shows))]
    closed = [all(near[max(0, n - BETWEEN) : n + BETWEEN + 1]) for n in range(len(shows))]
    return _runs(closed), _runs(calm)


def choose(busy: Sequence[Stretch], empty: Sequence[Stretch], share: float) -> list[Stretch]:
    """Pure: stretches in the clip's order with about ``share`` of their frames from ``busy``, as many as there are."""
    of_busy, of_empty = sum(s.frames for s in busy), sum(s.frames for s in empty)
    most = [float(LONGEST)]
    if share > 0:
        most.append(of_busy / share)
    if share < 1:
        most.append(of_empty / (1 - share))
    total = min(most)
    chosen = [*_first(busy, round(total * share)), *_first(empty, round(total * (1 - share)))]
    return sorted(chosen, key=lambda stretch: stretch.first)


def mix(clip: Clip, shows: Sequence[bool], share: float, folder: Path) -> Clip:
    """The mixed clip in ``folder``, H.264 at 30 frames a second, made unless it is there.

    Raises ConfigError if the clip has too little of what is asked for, or ffmpeg cannot."""
    path = folder / f"plates-{share:g}-{clip.sha256[:8]}.mp4"
    return _cut(clip, choose(*stretches(shows), share), path, f"with {share:.0%} of plates")


def empty(clip: Clip, shows: Sequence[bool], folder: Path) -> Clip:
    """As :func:`mix`: frames in which nothing moves and no plate shows; the longest stretch, since at a cut all changes."""
    still = _runs([not plate and not moving for plate, moving in zip(shows, moves(clip), strict=True)])
    longest = sorted(still, key=lambda stretch: stretch.frames)[-1:]
    return _cut(clip, longest, folder / f"empty-{clip.sha256[:8]}.mp4", "in which nothing moves")


def moves(clip: Clip) -> list[bool]:
    """Frame by frame, whether something has moved since half a second ago, or the clip began less than that ago.

    Not by the change gate's measure, which is to be measured: a mean of ``SQUARE`` pixels squared, against a fixed bound."""
    before: list[cv2.typing.MatLike] = []
    moving = []
    for frame in each_frame(clip.path):
        size = (frame.image.shape[1] // SQUARE, frame.image.shape[0] // SQUARE)
        small = cv2.resize(cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA)
        moving.append(len(before) < WITHIN_S * clip.fps or any(int(np.max(cv2.absdiff(small, b))) > LEVELS for b in before))
        before = [*before, small][-max(1, round(WITHIN_S * clip.fps)) :]
    return moving


def _cut(clip: Clip, chosen: Sequence[Stretch], path: Path, what: str) -> Clip:
    """Those stretches as a clip in ``path``, made unless it is there."""
    if not path.is_file():
        frames = sum(stretch.frames for stretch in chosen)
        if frames < FEWEST:
            raise ConfigError(f"mix a clip {what}: {clip.path} has too few such frames")
        path.parent.mkdir(parents=True, exist_ok=True)
        once, whole = path.with_suffix(".once.mp4"), path.with_suffix(".part.mp4")
        numbers = "+".join(f"between(n,{s.first},{s.last})" for s in chosen)
        _ffmpeg(clip, ["-i", str(clip.path), "-vf", f"select='{numbers}',setpts=N/{FPS}/TB", "-r", str(FPS), *_H264, str(once)])
        times = -(-SHORTEST // frames)
        _ffmpeg(clip, ["-stream_loop", str(times - 1), "-i", str(once), "-c", "copy", str(whole)])
        once.unlink()
        whole.rename(path)
    return open_clip(path)


_H264 = ["-an", "-c:v", "libx264", "-preset", "medium", "-crf", "23", "-g", "60", "-pix_fmt", "yuv420p", "-threads", "1"]


def _ffmpeg(clip: Clip, arguments: Sequence[str]) -> None:
    try:
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *arguments], capture_output=True, check=True)
    except FileNotFoundError as error:
        raise ConfigError("mix a clip: ffmpeg is not installed; on Debian: apt-get install ffmpeg") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ConfigError(f"mix a clip from {clip.path}: ffmpeg: {said[-1] if said else 'it cannot'}") from error


def _runs(flags: Sequence[bool]) -> list[Stretch]:
    runs, at = [], 0
    for flag, group in itertools.groupby(flags):
        length = len(list(group))
        if flag and length >= SHORT:
            runs.append(Stretch(first=at, last=at + length - 1))
        at += length
    return runs


def _first(from_: Sequence[Stretch], frames: int) -> list[Stretch]:
    """The first so many frames of some stretches."""
    chosen = []
    for stretch in from_:
        take = min(stretch.frames, frames)
        if take > 0:
            chosen.append(Stretch(first=stretch.first, last=stretch.first + take - 1))
            frames -= take
    return chosen
