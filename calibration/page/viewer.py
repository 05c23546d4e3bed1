"""A tablet without a screen, for `plate-edge calibrate cost`: it fetches what the page fetches, as fast as the page does.

Standard input, one JSON line: where, and the certificate's fingerprint.  Then lines: ``look`` and ``rest``; the end ends it.
Each line is answered with how many pictures were fetched so far.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import sys
import threading
from hashlib import sha256
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from calibration.page.app import COOKIE
from edge.errors import ConfigError


class Where(Struct, frozen=True, kw_only=True):
    """A page, and the code that opens it."""

    port: int
    fingerprint: str
    code: str


class Tablet:
    """One session.  Raises ConfigError if it does not get in."""

    def __init__(self, where: Where) -> None:
        self._where = where
        self._link = self._connect()
        origin = {"Origin": f"https://127.0.0.1:{where.port}", "Content-Type": "application/x-www-form-urlencoded"}
        self._link.request("POST", "/enter", urlencode({"code": where.code}), origin)
        answer = self._link.getresponse()
        answer.read()
        if answer.status != 303:
            raise ConfigError("open calibration page: the code was refused")
        self._cookie = {"Cookie": f"{COOKIE}={str(answer.headers['set-cookie']).partition('=')[2].partition(';')[0]}"}
        self.serial = -1
        self.pictures = 0

    def look(self) -> None:
        """Once what the page does over and over."""
        state = json.loads(self._get(f"/state?after={self.serial}"))
        if state["serial"] > self.serial:
            self.serial = state["serial"]
            self._get(f"/picture/{self.serial}")
            self.pictures += 1

    def _get(self, path: str) -> bytes:
        try:
            self._link.request("GET", path, headers=self._cookie)
            return self._link.getresponse().read()
        except (http.client.HTTPException, ConnectionError):  # closed while it rested
            self._link = self._connect()
            self._link.request("GET", path, headers=self._cookie)
            return self._link.getresponse().read()

    def _connect(self) -> http.client.HTTPSConnection:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the fingerprint is what is believed
        link = http.client.HTTPSConnection("127.0.0.1", self._where.port, timeout=60, context=context)
        link.connect()
        assert isinstance(link.sock, ssl.SSLSocket)
        shown = sha256(link.sock.getpeercert(binary_form=True) or b"").hexdigest()
        if shown != self._where.fingerprint.replace(":", "").lower():
            raise ConfigError("open calibration page: its certificate is another one than the unit has shown")
        return link


def main() -> None:
    """See the module."""
    os.nice(10)  # in the field it is another machine
    tablet = Tablet(msgspec.json.decode(sys.stdin.readline(), type=Where))
    looks, ended = threading.Event(), threading.Event()

    def run() -> None:
        while not ended.is_set():
            if looks.wait(0.1):
                tablet.look()

    threading.Thread(target=run, daemon=True).start()
    for line in sys.stdin:
        (looks.set if line.strip() == "look" else looks.clear)()
        print(tablet.pictures, flush=True)
    ended.set()


if __name__ == "__main__":
    main()
