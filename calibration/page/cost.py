"""What the page costs the running line: the same unit over the same clip, by turns with and without a tablet that looks on.

Everything is real: the unit as `plate-edge run` builds it, with its window; the page in a process of its own that looks through
it; a client that fetches what a tablet fetches.  All three share the machine; the client, which in the field is another one,
runs at the lowest priority.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

from calibration.page import viewer
from calibration.page.viewer import Where
from edge import build
from edge.clock import Clock
from edge.config import DeviceConfig, load_device
from edge.demo.run import AGENCY, DEVICE, make_keys
from edge.errors import ConfigError
from edge.journal import Journal
from edge.window import is_open

_START_S = 180.0
_CAMERA = "cost"
_CODE = re.compile(r"^code\s+([\d ]+)$", re.MULTILINE)
_PORT = re.compile(r"https://127\.0\.0\.1:(\d+)/")
_HALVES = re.compile(r"^\s+((?:[0-9A-F]{2}:?){16})$", re.MULTILINE)


class Cost(Struct, frozen=True, kw_only=True):
    """Frames a second of each turn, in pairs; ``cost`` is the share of its frame rate that the line loses, in the median pair,
    ``best_cost`` between the best turns of each kind (on a busy machine others only ever slow a turn down).

    ``alone_cpu_ms`` and ``watched_cpu_ms`` are the unit's processor time for a frame, medians, which other programs disturb
    least; ``pictures_per_s`` is how many the tablet fetched while it looked."""

    clip: str
    alone_fps: tuple[float, ...]
    watched_fps: tuple[float, ...]
    cost: float
    best_cost: float
    alone_cpu_ms: float
    watched_cpu_ms: float
    pictures_per_s: float
    cores: int


class Turn(Struct, frozen=True, kw_only=True):
    """One clip's worth of frames, from the first frame to the last: how long it took, and how much of the processor."""

    frames: int
    took_s: float
    cpu_s: float

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.frames / self.took_s

    @property
    def cpu_ms(self) -> float:
        """Processor time for a frame."""
        return self.cpu_s / self.frames * 1000


def measure_cost(clip: Path, pairs: int, say: Callable[[str], None]) -> Cost:
    """Measure on ``clip``, which each turn plays once as fast as the line can.  Raises ConfigError."""
    with tempfile.TemporaryDirectory(prefix="plate-edge-cost-") as scratch:
        folder = Path(scratch)
        config = load_device(_configuration(folder, clip.absolute()))
        turns: dict[bool, list[Turn]] = {False: [], True: []}
        pictures = 0
        with _page(folder, config, say) as tablet:
            for pair in range(pairs):
                for looks in (False, True) if pair % 2 else (True, False):
                    before = tablet.says("look" if looks else "rest")
                    took = turn(config)
                    fetched = tablet.says("rest") - before
                    say(
                        f"{'watched' if looks else 'alone  '} {took.fps:6.1f} frames a second, {took.cpu_ms:.2f} ms of the "
                        f"processor a frame, {fetched} pictures fetched"
                    )
                    turns[looks].append(took)
                    pictures += fetched if looks else 0
    alone, watched = ([each.fps for each in turns[looks]] for looks in (False, True))
    costs = [1 - with_page / without for with_page, without in zip(watched, alone, strict=True)]
    return Cost(
        clip=clip.name,
        alone_fps=tuple(round(fps, 1) for fps in alone),
        watched_fps=tuple(round(fps, 1) for fps in watched),
        cost=round(median(costs), 4),
        best_cost=round(1 - max(watched) / max(alone), 4),
        alone_cpu_ms=round(median(each.cpu_ms for each in turns[False]), 3),
        watched_cpu_ms=round(median(each.cpu_ms for each in turns[True]), 3),
        pictures_per_s=round(pictures / sum(each.took_s for each in turns[True]), 1),
        cores=len(os.sched_getaffinity(0)),
    )


def turn(config: DeviceConfig) -> Turn:
    """The unit once over its clip.  Raises ConfigError if it saw nothing of it."""
    journal = Journal(io.StringIO())
    unit = build.unit(config, Clock(), journal)
    done = threading.Event()
    began: list[tuple[float, float]] = []

    def wait_for_the_first() -> None:
        while not journal.total("frames_processed") and not done.wait(0.002):
            pass
        began.append((time.monotonic(), time.process_time()))

    watch = threading.Thread(target=wait_for_the_first)
    watch.start()
    accounts = unit.run(threading.Event(), 0.0)
    ended = (time.monotonic(), time.process_time())
    done.set()
    watch.join()
    if not accounts.frames_processed:
        raise ConfigError("measure the page's cost: the unit processed no frame of the clip")
    took_s, cpu_s = ended[0] - began[0][0], ended[1] - began[0][1]
    return Turn(frames=accounts.frames_received, took_s=took_s, cpu_s=cpu_s)


class _Tablet:
    """The client's process."""

    def __init__(self, where: Where) -> None:
        command = [sys.executable, "-m", viewer.__name__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._write(msgspec.json.encode(where).decode())

    def says(self, wish: str) -> int:
        """Let it look or rest; how many pictures it has fetched so far."""
        self._write(wish)
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            raise ConfigError("measure the page's cost: the client ended; is another page open on this port?")
        return int(answer)

    def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(30)

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


@contextmanager
def _page(folder: Path, config: DeviceConfig, say: Callable[[str], None]) -> Iterator[_Tablet]:
    """The page, started while the unit runs, so that it looks through the window; and a tablet that is in."""
    say("starting the page beside the running unit; first turns, not counted")
    up = threading.Event()
    warm = threading.Thread(target=_turn_until, args=(config, up))
    warm.start()
    log = folder / "page.log"
    command = [sys.executable, "-m", "edge", "calibrate", "serve", "-c", str(folder / "device.toml"), "--port", "0"]
    try:
        _wait(lambda: is_open(config.unit.data) or not warm.is_alive(), "the unit")
        with log.open("wb") as out:
            page = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        try:
            _wait(lambda: bool(_CODE.search(log.read_text())) or page.poll() is not None, "the page")
            tablet = _Tablet(_where(log.read_text()))
            try:
                tablet.says("look")
                _wait(lambda: tablet.says("look") > 0, "the first picture")
                up.set()
                warm.join()
                yield tablet
            finally:
                tablet.close()
        finally:
            page.terminate()
            page.wait(30)
    finally:
        up.set()
        warm.join()


def _turn_until(config: DeviceConfig, up: threading.Event) -> None:
    while not up.is_set():
        turn(config)


def _wait(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _START_S
    while not holds():
        if time.monotonic() > deadline:
            raise ConfigError(f"measure the page's cost: {what} does not come up")
        time.sleep(0.1)


def _where(said: str) -> Where:
    code, port = _CODE.search(said), _PORT.search(said)
    if code is None or port is None:
        raise ConfigError(f"measure the page's cost: the page does not come up: {said.strip().splitlines()[-1:]}")
    return Where(port=int(port[1]), fingerprint="".join(_HALVES.findall(said)), code=code[1])


def _configuration(folder: Path, clip: Path) -> Path:
    """A unit with keys of its own and no broker, whose line plays the clip as fast as it can."""
    make_keys(folder, 8883)
    path = folder / "device.toml"
    path.write_text(
        f'[unit]\ndevice = "{DEVICE}"\nagency = "{AGENCY}"\ndata = "unit"\n'
        f'[[cameras]]\nname = "{_CAMERA}"\nsource = "{clip}"\n'
        "[position]\nlatitude = 41.76\nlongitude = -72.67\n"
        '[policy]\npack = "us-ct"\n'
        '[keys]\nsign_key = "device/sign.key"\nagency_seal = "device/agency-seal.pem"\n'
        'agency_receipt = "device/agency-receipt.pem"\n'
        '[broker]\nhost = "127.0.0.1"\nport = 9\nca = "device/ca.pem"\ncertificate = "device/tls.pem"\nkey = "device/tls.key"\n'
    )
    return path
