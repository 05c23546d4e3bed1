"""How soon a unit processes its first frame after its program was started, and the most memory it takes with one camera: the
real ``plate-edge run`` as a process of its own, asked through its metrics."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from edge.bench.line.clips import Clip
from edge.bench.line.meter import Meter
from edge.bench.line.spans import Band, band
from edge.demo import run as demo
from edge.errors import ConfigError

#: Metrics are asked this often; it is also how exact the figure is.
ASK_EVERY_S = 0.02
PATIENCE_S = 120.0
#: The unit ends with its clip, and takes a moment until it begins.
SPARE_S = 5.0
_PROCESSED = re.compile(rb"^plate_edge_frames_processed_total\{[^}]*\} ([0-9.e+]+)", re.MULTILINE)


class Start(Struct, frozen=True, kw_only=True):
    """Seconds from the start of the program to the first frame processed, of several starts, while others took ``background``
    of the machine; MB at most of the one that ran on for ``seconds``."""

    first_frame_s: Band
    background: float
    peak_rss_mb: float
    seconds: float


def measure_start(clip: Clip, starts: int, seconds: float, tell: Callable[[str], None]) -> Start:
    """Start the unit several times on ``clip``, played once at its own speed; the last time let it run.

    Raises ConfigError, also if the clip is shorter than that."""
    if clip.seconds < seconds + SPARE_S:
        raise ConfigError(
            f"measure a start on {clip.path}: it lasts {clip.seconds:.0f} s, {seconds + SPARE_S:.0f} s are needed"
        )
    took, peak, meter = [], 0.0, Meter()
    for number in range(starts):
        tell(f"start {number + 1} of {starts}")
        with tempfile.TemporaryDirectory(prefix="plate-edge-start-") as scratch:
            first_s, peak = _one(clip, Path(scratch), seconds if number == starts - 1 else 0.0)
        took.append(first_s)
    meter.stop()
    return Start(first_frame_s=band(took), background=meter.use.background, peak_rss_mb=peak, seconds=seconds)


def _one(clip: Clip, folder: Path, seconds: float) -> tuple[float, float]:
    """First frame and peak memory of one start."""
    port, metrics = demo.free_port(), demo.free_port()
    demo.make_keys(folder, port)
    (folder / "device.toml").write_text(_configuration(clip, port, metrics), encoding="utf-8")
    log = folder / "unit.log"
    with log.open("wb") as out:
        begun_s = time.monotonic()
        unit = subprocess.Popen(
            [sys.executable, "-m", "edge", "run", "-c", str(folder / "device.toml"), "--drain-s", "0"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        while not _processed(metrics):
            if unit.poll() is not None:
                said = log.read_text(errors="replace").strip().splitlines()
                raise ConfigError(f"start a unit: it ended: {said[-1] if said else 'it said nothing'}")
            if time.monotonic() - begun_s > PATIENCE_S:
                raise ConfigError(f"start a unit: no frame was processed within {PATIENCE_S:.0f} s")
            time.sleep(ASK_EVERY_S)
        first_s = time.monotonic() - begun_s
        time.sleep(seconds)
        return first_s, _peak_mb(unit.pid)
    finally:
        unit.send_signal(signal.SIGTERM)
        try:
            unit.wait(30)
        except subprocess.TimeoutExpired:
            unit.kill()
            unit.wait()


def _processed(port: int) -> bool:
    """Whether the unit's metrics say that a frame was processed."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            found = _PROCESSED.search(answer.read())
    except OSError:
        return False
    return found is not None and float(found[1]) > 0


def _peak_mb(pid: int) -> float:
    """The most that a process ever held, MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in status.splitlines() if line.startswith("VmHWM:"))


def _configuration(clip: Clip, port: int, metrics: int) -> str:
    return f"""[unit]
device = "{demo.DEVICE}"
agency = "{demo.AGENCY}"
data = "unit"
[[cameras]]
name = "camera"
source = "{clip.path.resolve()}"
realtime = true
[position]
latitude = 41.7637
longitude = -72.6851
[policy]
pack = "us-ct"
[keys]
sign_key = "device/sign.key"
agency_seal = "device/agency-seal.pem"
agency_receipt = "device/agency-receipt.pem"
[broker]
host = "127.0.0.1"
port = {port}
ca = "device/ca.pem"
certificate = "device/tls.pem"
key = "device/tls.key"
[metrics]
port = {metrics}
"""
