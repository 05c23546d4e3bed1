"""A real mosquitto on a free loopback port, with TLS, client certificates and the access list that we generate."""

from __future__ import annotations

import getpass
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge import keys

BINARY = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
needs_mosquitto = pytest.mark.skipif(BINARY is None, reason="mosquitto is not installed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """Started and killed at will; ``log`` holds what it ever said, ``data`` what it keeps on disk (made to, here, although
    the generated configuration keeps nothing, so that there is something to look into and to delete)."""

    def __init__(self, folder: Path, ca: Path, agencies: list[str], also: Sequence[str] = ()) -> None:
        """``also``: addresses of this machine beside the loopback under which it is reached."""
        self.port = free_port()
        self.data, self.log = folder / "data", folder / "broker.log"
        if also:
            hosts = ["127.0.0.1", *also]
            self._configuration = keys.make_broker(folder, ca, agencies, hosts=hosts, port=self.port, user=getpass.getuser())
        else:
            self._configuration = keys.make_demo_broker(folder, ca, agencies, self.port)
        self.data.mkdir()
        text = self._configuration.read_text()
        kept = f"persistence true\npersistence_location {self.data}/\nautosave_interval 1"
        assert "persistence false" in text
        self._configuration.write_text(text.replace("persistence false", kept))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert BINARY is not None
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([BINARY, "-c", str(self._configuration)], stdout=log, stderr=log)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"mosquitto does not listen: {self.log.read_text()}")

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self, *, wipe: bool = False) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if wipe:
            shutil.rmtree(self.data)
            self.data.mkdir()
