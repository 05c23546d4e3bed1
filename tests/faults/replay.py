"""A unit without its models: what they said to each frame of the bundled clip is written down once and told to it again.

``python -m tests.faults.replay record FILE``; ``… unit FILE`` and then what ``plate-edge run`` takes.  Nothing is imported here
that a unit does not import, since what is measured is what it holds.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from edge.records import Detection, Frame, Reading


def write_down(path: Path) -> None:
    """What the bundled models say to each frame of the clip."""
    from edge import build
    from edge.clock import Clock
    from edge.config import CameraConfig, DetectorConfig, RecognizerConfig
    from edge.demo.run import HERE
    from edge.journal import Journal
    from edge.model_files import bundled_folder

    finder = build.detector(bundled_folder(), DetectorConfig())
    reader = build.recognizer(bundled_folder(), RecognizerConfig())
    camera = build.camera(CameraConfig(name="front", source=str(HERE / "clip.mp4")), Clock(), Journal())
    places = dict[int, tuple[int, int]]()
    with path.open("wb") as file:
        for frame in camera.frames(threading.Event()):
            if isinstance(frame, Frame):
                found = finder.detect(frame)
                said = pickle.dumps((found, reader.read(frame, found) if found else ()))
                places[frame.number] = file.tell(), len(said)
                file.write(said)
    path.with_suffix(".places").write_bytes(pickle.dumps(places))


class Recorded:
    """Detector and recognizer in one.  The record stays on the disk."""

    sha256 = "0" * 64
    ran = None

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self._places: dict[int, tuple[int, int]] = pickle.loads(path.with_suffix(".places").read_bytes())

    def detect(self, frame: Frame) -> Sequence[Detection]:
        return self._said(frame)[0]

    def read(self, frame: Frame, detections: Sequence[Detection]) -> tuple[Reading, ...]:
        said = {reading.detection.box: reading for reading in self._said(frame)[1]}
        return tuple(structs.replace(said[each.box], detection=each) for each in detections)

    def _said(self, frame: Frame) -> tuple[Sequence[Detection], Sequence[Reading]]:
        begin, length = self._places[frame.number]
        return pickle.loads(os.pread(self._file, length, begin))  # type: ignore[no-any-return]


def unit_without_models(record: Path, *words: str) -> None:
    """``plate-edge run`` with the record in the models' place."""
    from edge import build
    from edge.__main__ import main

    recorded = Recorded(record)
    build.detector = build.recognizer = lambda *_: recorded  # type: ignore[assignment]
    build.tell_where = lambda *_: None  # type: ignore[assignment]
    sys.argv = ["plate-edge", "run", *words]
    main()


if __name__ == "__main__":
    if sys.argv[1] == "record":
        write_down(Path(sys.argv[2]))
    else:
        unit_without_models(Path(sys.argv[2]), *sys.argv[3:])
