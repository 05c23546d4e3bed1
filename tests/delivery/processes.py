"""Start the unit and the agency end as processes of their own, note what they committed, and kill them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.delivery.town import Town

ROOT = Path(__file__).resolve().parents[2]


class Process:
    """A Python module as a child; everything it says is kept in ``log``."""

    def __init__(self, module: str, *arguments: str, log: Path) -> None:
        self.lines: list[str] = []
        self._log = log.open("ab")
        self._child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=self._log
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self._log.write(line)
            self.lines.append(line.decode().strip())

    def running(self) -> bool:
        return self._child.poll() is None

    def kill(self) -> None:
        """SIGKILL: no handler, no flush, no goodbye."""
        self._child.kill()
        self.wait(10)

    def end(self) -> None:
        self._child.terminate()
        self.wait(30)

    def wait(self, timeout_s: float) -> int:
        code = self._child.wait(timeout_s)
        self._reader.join(timeout=10)
        assert self._child.stdout is not None
        self._child.stdout.close()
        self._log.close()
        return code


def start_ingest(town: Town) -> Process:
    return Process("tests.delivery.ingest_process", str(town.folder), str(town.port), log=town.agency / "ingest.log")


def start_unit(
    town: Town, device: str, count: int, *, pause_s: float = 0.0, text: str = "TEST123", frame_bytes: int = 0
) -> Process:
    """``frame_bytes``: each read has a crop, and a frame of that size; none of either if 0."""
    arguments = (str(town.folder), str(town.port), device, str(count), str(pause_s), text, str(frame_bytes))
    return Process("tests.delivery.unit_process", *arguments, log=town.device(device) / "unit.log")


def committed(lines: list[str]) -> list[tuple[str, int, str]]:
    """(epoch, number, read id) of every commit that returned, as the unit printed them."""
    found = [line.split() for line in lines if line != "drained"]
    return [(epoch, int(seq), read_id) for epoch, seq, read_id in found]


def wait_until(true: Callable[[], bool], timeout_s: float = 30.0) -> None:
    until = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.05)
