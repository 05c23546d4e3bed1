"""How well plates are read at the speed that is measured: reads that leave the unit against the passes that the clips show."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from edge.bench.line.clips import Clip
from edge.bench.line.record import Accuracy
from edge.bench.passes import DueClip, DuePass, demo_clip, read_clips, score_passes
from edge.demo.run import Truth
from edge.errors import ConfigError
from edge.read import ClipText
from edge.records import Read


class Passes:
    """Scores each round of each camera's clip once it is over.  Thread-safe; keeps no text for longer than a round."""

    def __init__(self, due: Mapping[str, DueClip]) -> None:
        """``due`` is what the clip of each camera shows, by the camera's name; cameras without truth are left out."""
        self._due = due
        self._lock = threading.Lock()
        self._heard: defaultdict[str, list[Read]] = defaultdict(list)
        self._rounds: dict[str, tuple[float, float]] = {}
        self._passes = self._exact = self._others = self._frames = 0

    def hear(self, read: Read) -> None:
        """A read left the unit."""
        if read.camera in self._due:
            with self._lock:
                self._heard[read.camera].append(read)

    def looped(self, camera: str, began_s: float, next_s: float, frames: int) -> None:
        """A round of the clip is over that stood in the stream from ``began_s`` to ``next_s``; its last reads are to come."""
        if camera not in self._due:
            return
        with self._lock:
            self._score(camera)
            self._rounds[camera] = (began_s, next_s)
            self._frames += frames

    def account(self) -> Accuracy | None:
        """Over all whole rounds, once the unit has ended; None if there was none with a known pass."""
        with self._lock:
            for camera in list(self._rounds):
                self._score(camera)
        if not self._passes:
            return None
        return Accuracy(
            passes=self._passes,
            exact=self._exact,
            other_reads=self._others,
            other_reads_per_1000_frames=1000 * self._others / max(1, self._frames),
        )

    def _score(self, camera: str) -> None:
        """Score the round of ``camera`` that is over, if any, and forget its reads."""
        began_s, next_s = self._rounds.pop(camera, (0.0, 0.0))
        heard = self._heard[camera]
        score = score_passes(self._due[camera], [_moved(read, began_s) for read in heard if began_s <= read.first_s < next_s])
        self._heard[camera] = [read for read in heard if read.first_s >= next_s]
        if next_s:
            self._passes += score.passes.total
            self._exact += score.passes.hits
            self._others += score.other_reads


def truths(clips: Sequence[Clip], files: Sequence[Path]) -> Mapping[str, DueClip]:
    """What is known of ``clips``, by SHA-256: from ``files`` (a videos.jsonl, or a truth.json beside its clip), and of the
    bundled clip in any case.  Raises ConfigError."""
    known: dict[str, DueClip] = {}
    bundled = demo_clip()
    by_path = {bundled.path.resolve(): bundled}
    for file in files:
        for due in read_clips(file) if file.suffix == ".jsonl" else [_truth_of(file)]:
            by_path[due.path.resolve()] = due
    for clip in clips:
        found = by_path.get(clip.path.resolve())
        if found is not None:
            known[clip.sha256] = found
    return known


def at_fps(due: DueClip, factor: float) -> DueClip:
    """The same clip played ``factor`` times as fast."""
    faster = (DuePass(text=each.text, first_s=each.first_s / factor, last_s=each.last_s / factor) for each in due.passes)
    return DueClip(path=due.path, passes=tuple(faster))


def _truth_of(file: Path) -> DueClip:
    """A truth.json as the clip's maker writes it: the clip lies beside it as clip.mp4."""
    try:
        shown = msgspec.json.decode(file.read_bytes(), type=Truth)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"read truth {file}: {error}") from error
    passes = (DuePass(text=p.text, first_s=p.first_s, last_s=p.last_s) for p in shown.passes if p.legible)
    return DueClip(path=file.parent / "clip.mp4", passes=tuple(passes))


def _moved(read: Read, by_s: float) -> ClipText:
    return ClipText(
        clip=read.camera,
        text=read.text,
        text_confidence=read.confidence,
        char_confidence=(),
        region=read.region,
        first_s=read.first_s - by_s,
        last_s=read.last_s - by_s,
        readings=read.readings,
        box=(0.0, 0.0, 0.0, 0.0),
        raw_texts=(),
    )
