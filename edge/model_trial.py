"""Loads and runs one registered model once, in a process of its own with little memory and time.

A hostile file can make a loader ask for all memory, run for ever or crash it; here it takes down only this process.  The
trial is the real one: the manifest's hash check and the line's own detector or reader, as a unit builds them at start.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.errors import ModelError

#: What a model may take on top of the interpreter and its libraries: plenty for this work, little enough for a Pi with 2 GB.
MEMORY_BYTES = 1 << 30
#: Loading and one run take well under a second on a server's core; a Pi is ten times slower.
TIMEOUT_S = 60.0


#: How onnxruntime says that memory was refused, by release.
OUT_OF_MEMORY = ("bad_alloc", "Failed to allocate memory")


class Outcome(Struct, frozen=True, kw_only=True):
    """What a trial found: nothing wrong, or what."""

    wrong: str | None


def try_model(folder: Path, name: str, timeout_s: float = TIMEOUT_S, memory_bytes: int = MEMORY_BYTES) -> None:
    """Load and run the model ``name`` of ``folder`` once, away from this process.

    Raises ModelError with the reason if it is not as its manifest says, cannot be loaded, does not take and give what its
    format does, or wants more than ``memory_bytes`` or ``timeout_s``.
    """
    limits = (str(memory_bytes), str(int(timeout_s) + 1))
    command = [sys.executable, "-m", "edge.model_trial", str(folder.resolve()), name, *limits]
    # One thread for each library, since every thread's stack counts as memory; the same modules as here, wherever it runs.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1")
    modules = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **threads, "PYTHONPATH": modules},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"try model `{name}`: it was not loaded and run within {timeout_s:.0f} s") from error
    try:
        wrong = msgspec.json.decode(done.stdout, type=Outcome).wrong
    except msgspec.DecodeError as error:
        raise ModelError(f"try model `{name}`: {_end(done.returncode)}, within {memory_bytes >> 20} MiB") from error
    if wrong is not None:
        raise ModelError(_one_line(wrong))


def _one_line(words: str) -> str:
    """A loader's words may quote the file: no line breaks, nothing that a terminal would obey, no page of it."""
    plain = "".join(character if character.isprintable() else " " for character in words)
    return " ".join(plain.split())[:500]


def _end(code: int) -> str:
    if code < 0:
        return f"loading or running it once ended in {signal.Signals(-code).name}"
    return f"loading or running it once ended with code {code}"


def main(folder: Path, name: str, memory_bytes: int, cpu_s: int) -> None:
    """The child: answers with one Outcome on standard output."""
    answer = os.dup(1)
    os.dup2(2, 1)  # libraries that print do not print into the answer
    # Imported here, before the limit: what libraries take is not the model's.
    from edge import build
    from edge.config import DetectorConfig, RecognizerConfig
    from edge.model_files import read_manifest

    _limit(memory_bytes, cpu_s)
    wrong: str | None = None
    try:
        entry = read_manifest(folder).get(name)
        if entry is not None and entry.format == "fast-plate-ocr":
            build.recognizer(folder, RecognizerConfig(model=name))
        else:
            build.detector(folder, DetectorConfig(model=name))
    except (ModelError, MemoryError) as error:
        wrong = str(error)
        if isinstance(error, MemoryError) or any(sign in wrong for sign in OUT_OF_MEMORY):
            wrong = f"try model `{name}`: it needs more than {memory_bytes >> 20} MiB"
    os.write(answer, msgspec.json.encode(Outcome(wrong=wrong)))


def _limit(memory_bytes: int, cpu_s: int) -> None:
    """No more memory than this on top of what is taken, no more work, no file written, no core dump."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    for what, most in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
