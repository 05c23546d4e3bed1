"""The page beside a running unit: it looks through the unit's window, and comes back when the unit does."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import msgspec

from calibration.page.cost import turn
from edge.config import load_device
from edge.demo.run import make_keys
from edge.window import is_open
from tests.calibration.page.clip import DEMO, make_clip
from tests.calibration.page.served import WAIT_S, Served
from tests.calibration.page.unit import write_unit


class Unit:
    """`plate-edge run`; returns from its start when somebody can look through its window."""

    def __init__(self, config: Path) -> None:
        command = [sys.executable, "-m", "edge", "run", "-c", str(config), "--drain-s", "0"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        data, deadline = load_device(config).unit.data, time.monotonic() + WAIT_S
        while not (data.is_dir() and is_open(data)):
            assert self._process.poll() is None, self._process.stderr and self._process.stderr.read()
            assert time.monotonic() < deadline, "the unit's window does not open"
            time.sleep(0.1)

    def end(self) -> None:
        """Ask it to end, and wait until it has."""
        self._process.terminate()
        self._process.wait(WAIT_S)


class Tablet:
    """What the page says to a tablet that is in."""

    def __init__(self, served: Served) -> None:
        self._served, self._session, self.serial = served, served.session(), -1

    def state(self) -> str:
        """The camera's state; ``plate`` where a read plate is on the picture that was fetched."""
        told = msgspec.json.decode(self._served.ask("GET", f"/state?after={self.serial}", headers=self._session).body)
        if told["serial"] < 0:
            return str(told["state"])
        self.serial = told["serial"]
        picture = self._served.ask("GET", f"/picture/{self.serial}", headers=self._session)
        assert picture.body.startswith(b"\xff\xd8")
        return "plate" if any(plate["text"] for plate in told["plates"]) else str(told["state"])


def test_the_page_looks_through_the_units_window_and_waits_for_a_unit_that_restarts(tmp_path: Path) -> None:
    """Pictures with plates that the unit's own line has read; a clear state while the unit is away; then pictures again."""
    make_keys(tmp_path, 8883)
    config = write_unit(tmp_path, DEMO, realtime=True)
    unit = Unit(config)
    try:
        with Served("-c", config) as served:
            assert any("looks through its window" in line for line in served.said)
            tablet = Tablet(served)
            served.wait_for(lambda: tablet.state() == "plate")
            unit.end()
            served.wait_for(lambda: tablet.state() == "lost")
            unit = Unit(config)
            served.wait_for(lambda: tablet.state() in ("live", "plate"))
    finally:
        unit.end()


def test_a_turn_of_the_line_gives_its_frame_rate(tmp_path: Path) -> None:
    """What the cost of the page is measured with: all frames of the clip, their time, and the processor's."""
    clip = tmp_path / "short.mp4"
    make_clip(clip, near_s=1.0, far_s=1.0, traffic_s=0.0)
    make_keys(tmp_path, 8883)
    took = turn(load_device(write_unit(tmp_path, clip, realtime=False)))
    assert took.frames == 20
    assert took.fps > 0
    assert took.cpu_ms > 0
