"""The page as a technician starts it: a process of its own, its terminal read for address and code."""

from __future__ import annotations

import http.client
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

WAIT_S = 120.0


class Answer(Struct, frozen=True, kw_only=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def error(self) -> str:
        return str(msgspec.json.decode(self.body)["error"])


class Served:
    """`plate-edge calibrate serve` with these options, until the block ends."""

    def __init__(self, *options: str | Path) -> None:
        command = [sys.executable, "-m", "edge", "calibrate", "serve", "--port", "0", *map(str, options)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        self.said: list[str] = []
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.said), (self.process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()
        self.wait_for(lambda: any(line.startswith("code") for line in self.said))
        self.port = int(self._found(r"https://127\.0\.0\.1:(\d+)/"))

    def __enter__(self) -> Served:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def code(self) -> str:
        """The newest code on the terminal."""
        return [line for line in self.said if line.startswith("code")][-1].split(None, 1)[1]

    @property
    def fingerprint(self) -> str:
        """The certificate's SHA-256 as the terminal shows it, in two lines."""
        return "".join(re.findall(r"\b(?:[0-9A-F]{2}:){15}[0-9A-F]{2}:?", "\n".join(self.said)))

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        origin: str | None = "own",
    ) -> Answer:
        """One request; ``origin``: this page's own unless told, None for none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        link = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=WAIT_S, context=context)
        sent = dict(headers or {})
        if origin is not None and method == "POST":
            sent["Origin"] = f"https://127.0.0.1:{self.port}" if origin == "own" else origin
        link.request(method, path, body, sent)
        answer = link.getresponse()
        result = Answer(status=answer.status, headers={k.lower(): v for k, v in answer.getheaders()}, body=answer.read())
        link.close()
        return result

    def enter(self, code: str, origin: str | None = "own") -> Answer:
        """Type a code."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", "/enter", urlencode({"code": code}).encode(), form, origin)

    def session(self) -> dict[str, str]:
        """The cookie of a fresh session, as a header."""
        cookie = self.enter(self.code).headers["set-cookie"].partition(";")[0]
        return {"Cookie": cookie}

    def does(self, name: str, message: object, session: dict[str, str], origin: str | None = "own") -> Answer:
        """``POST /do/name``."""
        return self.ask(
            "POST", f"/do/{name}", msgspec.json.encode(message), {"Content-Type": "application/json", **session}, origin
        )

    def wait_for(self, holds: Callable[[], bool], wait_s: float = WAIT_S) -> None:
        """Until ``holds()``; fails with what the terminal said when it takes too long or the process ends."""
        deadline = time.monotonic() + wait_s
        while not holds():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self._readers[1].join(2)
                raise AssertionError(f"the page did not come to it: {self.said} {self.errors}")
            time.sleep(0.05)

    def _found(self, pattern: str) -> str:
        found = re.search(pattern, "\n".join(self.said))
        assert found
        return found[1]

    @staticmethod
    def _read(stream: IO[str], lines: list[str]) -> None:
        for line in stream:
            lines.append(line.rstrip("\n"))
