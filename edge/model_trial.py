"""Loads and runs one registered model once, in a process of its own with little memory and time.

A hostile file can make a loader ask for all memory, run for ever or crash it; here it takes down only this process.  The
trial is the real one: the manifest's hash check and the line's own detector or reader, as a unit builds them at start.
"""

from __future__ import annotations

import math
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.errors import ModelError

#: What a model may take on top of the interpreter and its libraries, with so much more for each byte of its file, and at most:
#: plenty for this work (ours take 3 to 22 MB), little enough for a Pi with 2 GB, and no more for a small file that asks for it.
MEMORY_BYTES, MEMORY_FOR_EACH_BYTE, MEMORY_AT_MOST = 192 << 20, 4, 1 << 30
#: Loading and one run take ours 0.05 to 0.13 s of one core where loading the libraries takes 0.5 s, which tells how fast the
#: machine is: so many times that may be used, at least so many seconds, and a second more for each so many bytes.
CPU_FOR_LIBRARIES, CPU_S, CPU_BYTES_A_SECOND = 4, 2.0, 10 << 20
#: By the clock on the wall, whatever else the machine does.
TIMEOUT_S = 60.0


#: How onnxruntime says that memory was refused, by release.
OUT_OF_MEMORY = ("bad_alloc", "Failed to allocate memory")


class Outcome(Struct, frozen=True, kw_only=True):
    """What a trial found: nothing wrong, or what."""

    wrong: str | None


def try_model(folder: Path, name: str, timeout_s: float = TIMEOUT_S) -> None:
    """Load and run the model ``name`` of ``folder`` once, away from this process.

    Raises ModelError with the reason if it is not as its manifest says, cannot be loaded, does not take and give what its
    format does, or wants more memory or time than a file of its size may.
    """
    command = [sys.executable, "-m", "edge.model_trial", str(folder.resolve()), name]
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
        raise ModelError(f"try model `{name}`: {_end(done.returncode)}") from error
    if wrong is not None:
        raise ModelError(_one_line(wrong))


def _one_line(words: str) -> str:
    """A loader's words may quote the file: no line breaks, nothing that a terminal would obey, no page of it."""
    plain = "".join(character if character.isprintable() else " " for character in words)
    return " ".join(plain.split())[:500]


def _end(code: int) -> str:
    if code == -signal.SIGXCPU:
        return "loading and running it once takes more time than a model of its size may"
    if code < 0:
        return f"loading or running it once ended in {signal.Signals(-code).name}"
    return f"loading or running it once ended with code {code}"


def main(folder: Path, name: str) -> None:
    """The child: answers with one Outcome on standard output."""
    answer = os.dup(1)
    os.dup2(2, 1)  # libraries that print do not print into the answer
    # Imported here, before the limits: what libraries take is not the model's.  `build` loads the last two only when asked.
    began_s = time.process_time()
    import edge.detector.onnx
    import edge.recognizer.fast_plate_ocr  # noqa: F401
    from edge import build
    from edge.config import DetectorConfig, RecognizerConfig
    from edge.model_files import read_manifest

    libraries_s = time.process_time() - began_s
    wrong: str | None = None
    memory_bytes = MEMORY_BYTES
    try:
        entry = read_manifest(folder).get(name)
        size = (folder / entry.file).stat().st_size if entry is not None and (folder / entry.file).is_file() else 0
        memory_bytes = min(MEMORY_BYTES + MEMORY_FOR_EACH_BYTE * size, MEMORY_AT_MOST)
        _limit(memory_bytes, max(CPU_S, CPU_FOR_LIBRARIES * libraries_s) + size / CPU_BYTES_A_SECOND)
        if entry is not None and entry.format == "fast-plate-ocr":
            build.recognizer(folder, RecognizerConfig(model=name))
        else:
            build.detector(folder, DetectorConfig(model=name))
    except (ModelError, MemoryError) as error:
        wrong = str(error)
        if isinstance(error, MemoryError) or any(sign in wrong for sign in OUT_OF_MEMORY):
            wrong = f"try model `{name}`: it needs more than {memory_bytes >> 20} MiB"
    os.write(answer, msgspec.json.encode(Outcome(wrong=wrong)))


def _limit(memory_bytes: int, cpu_s: float) -> None:
    """No more memory and no more work than this on top of what is taken, no file written, no core dump."""
    cpu_s = math.ceil(time.process_time() + cpu_s)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    for what, most, at_last in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + memory_bytes, 0),
        (resource.RLIMIT_CPU, cpu_s, 1),  # SIGXCPU says why, SIGKILL a second later what does not listen
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(what, (most, most + at_last))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
