"""Hostile pictures and models, each opened by a process that is watched: how much memory, how much work, and did it live."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.security import hostile_models, hostile_pictures

ROOT = Path(__file__).resolve().parents[2]
MEMORY_MB = 300
WORK_S = 2.0

_PICTURES = """
import sys, time
import cv2, msgspec
from pathlib import Path
from edge.camera.images import read_image
from edge.errors import CameraError
cv2.setNumThreads(1)
for line in sys.stdin:
    began = time.process_time()
    try:
        said = str(read_image(Path(line.strip())).shape)
    except CameraError as error:
        said = "refused"
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) // 1024
    print(msgspec.json.encode([said, peak, time.process_time() - began]).decode(), flush=True)
"""
_MODEL = """
import resource, sys, time
import msgspec
from pathlib import Path
from edge.errors import PlateEdgeError
from edge.model_registry import Offer, add_models
began = time.process_time()
try:
    add_models(Path(sys.argv[2]), Offer(files=(Path(sys.argv[1]),), name="new", licence="MIT"))
    said = "taken"
except PlateEdgeError as error:
    said = str(error)
# A process's maximum in getrusage(2) begins with that of the process that started it, so this one's own is asked for elsewhere.
own_kb = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
child = resource.getrusage(resource.RUSAGE_CHILDREN)
peak = max(child.ru_maxrss, own_kb) // 1024
print(msgspec.json.encode([said, peak, time.process_time() - began + child.ru_utime + child.ru_stime]).decode())
"""


class Opened(Struct, frozen=True, kw_only=True):
    """One file: what was said of it, the most memory its process ever had (libraries included), and its CPU seconds."""

    name: str
    said: str
    memory_mb: int
    work_s: float


class Hostile(Struct, frozen=True, kw_only=True):
    """A run over the corpora: the worst of it, and what took more than it may."""

    pictures: int
    models: int
    most_memory_mb: int
    most_work_s: float
    over: list[str]


def open_pictures(folder: Path, names: Iterable[str]) -> list[Opened]:
    """One process opens all of them, one after the other, as ``plate-edge read`` does."""
    found = list[Opened]()
    with subprocess.Popen(
        [sys.executable, "-c", _PICTURES],
        cwd=ROOT,
        env={**os.environ, "OPENCV_FOR_THREADS_NUM": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        for name in names:
            path = folder / "hostile.jpg"
            path.write_bytes(hostile_pictures.CORPUS[name]())
            reader.stdin.write(f"{path}\n")
            reader.stdin.flush()
            said, peak, work_s = msgspec.json.decode(reader.stdout.readline(), type=tuple[str, int, float])
            found.append(Opened(name=name, said=said, memory_mb=peak, work_s=round(work_s, 2)))
        reader.stdin.close()
        assert reader.wait(30) == 0
    return found


def open_model(name: str) -> Opened:
    """As ``plate-edge models add`` does; what its trial takes counts too."""
    with tempfile.TemporaryDirectory() as folder:
        path = hostile_models.write(Path(folder), name)
        command = [sys.executable, "-c", _MODEL, str(path), f"{folder}/models"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert list(Path(folder, "models").glob("*.onnx")) == [] or '["taken"' in done.stdout
    said, peak, work_s = msgspec.json.decode(done.stdout, type=tuple[str, int, float])
    return Opened(name=name, said=said, memory_mb=peak, work_s=round(work_s, 2))


def run(folder: Path) -> Hostile:
    """Every file of both corpora."""
    pictures = open_pictures(folder, hostile_pictures.CORPUS)
    models = [open_model(name) for name in hostile_models.CORPUS]
    libraries_s = open_model("no model").work_s + 0.6  # what the trial imports, before it opens anything
    over = [each for each in pictures if each.memory_mb > MEMORY_MB or each.work_s > WORK_S]
    over += [each for each in models if each.memory_mb > MEMORY_MB or each.work_s - libraries_s > WORK_S + 1]
    return Hostile(
        pictures=len(pictures),
        models=len(models),
        most_memory_mb=max(each.memory_mb for each in (*pictures, *models)),
        most_work_s=max(each.work_s for each in (*pictures, *models)),
        over=[f"{each.name}: {each.memory_mb} MB, {each.work_s} s" for each in over],
    )
