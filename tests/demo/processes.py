"""The demo's broker, agency end and unit as processes that a test may kill, each with its own log."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edge.build import open_store
from edge.config import load_agency
from edge.demo import run as demo
from edge.store.interface import StoredRead

CLIP_S = 60


class Processes:
    """Everything that :mod:`edge.demo.run` starts, startable and killable one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = demo.free_port()
        demo.make_keys(folder, self.port)
        demo.write_configuration(folder, self.port)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start ``broker``, ``ingest`` or ``unit``; the log is appended to, so that it survives a kill."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(self._command(name), stdout=log, stderr=log, cwd=self.folder)
        if name == "broker":
            wait_until(lambda: listening(self.port), 20, "mosquitto to listen")

    def kill(self, name: str) -> None:
        """``kill -9``: no farewell, no flush."""
        child = self.running.pop(name)
        child.send_signal(signal.SIGKILL)
        child.wait()

    def wipe_broker(self) -> None:
        """Delete whatever the broker keeps, as a replaced disk would."""
        shutil.rmtree(self.folder / "broker" / "data", ignore_errors=True)
        for path in (self.folder / "broker").glob("*.db"):
            path.unlink()

    def end_all(self) -> None:
        """Stop whatever still runs."""
        for child in self.running.values():
            child.terminate()
        for child in self.running.values():
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def committed(self) -> list[tuple[str, int]]:
        """Epoch and number of every read that the unit said it had committed."""
        return [(line["epoch"], line["seq"]) for line in self.log("unit") if line.get("event") == "read committed"]

    def log(self, name: str) -> list[dict[str, object]]:
        """The JSON lines of a log; a half line at a kill is left out."""
        path = self.folder / f"{name}.log"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def stored(self) -> list[StoredRead]:
        """Every row of the agency's store."""
        store = open_store(load_agency(self.folder / "agency.toml").store)
        try:
            return list(store.reads())
        finally:
            store.close()

    def _command(self, name: str) -> list[str]:
        if name == "broker":
            return [demo.find_mosquitto(), "-c", str(self.folder / "broker" / "mosquitto.conf")]
        if name == "ingest":
            return [sys.executable, "-m", "edge", "ingest", "-c", str(self.folder / "agency.toml")]
        return [sys.executable, "-m", "edge", "run", "-c", str(self.folder / "device.toml"), "--drain-s", "60", "--json"]


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(holds: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait for a fact, not for a time; fail saying what did not happen."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s for {what}"
        time.sleep(0.05)


def files_with(folder: Path, text: bytes) -> list[str]:
    """Files under ``folder`` that hold ``text``, as ``grep -a`` finds them; a socket is no file."""
    files = (Path(root) / name for root, _, names in os.walk(folder) for name in names)
    return sorted(str(path) for path in files if path.is_file() and text in path.read_bytes())
