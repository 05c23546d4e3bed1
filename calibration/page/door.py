"""Who may come in: whoever types the code that stands on the unit's terminal, one tablet at a time, until the hour is over.

No I/O and no clock of its own.  The code is good for one entry; when the tablet leaves, or says nothing for five minutes, the
unit makes a new one.  Wrong codes are counted over all of them, so that guessing ends after five however long it takes.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable
from typing import Literal

HOUR_S = 3600.0
TRIES = 5
SILENT_S = 300.0
_DIGITS = 8

#: ``code``: the code is awaited; ``taken``: a tablet is in; ``locked``: too many wrong codes; ``over``: the hour is.
Standing = Literal["code", "taken", "locked", "over"]
Answer = Literal["in", "wrong", "taken", "locked", "over"]


class Door:
    """The door of one run of the page.  Thread-safe.

    ``now`` is a monotonic clock in seconds; ``show`` is given each new code, to put it on the terminal.
    """

    def __init__(self, now: Callable[[], float], show: Callable[[str], None], lasts_s: float = HOUR_S) -> None:
        self._now, self._show = now, show
        self.closes_at = now() + lasts_s
        self._lock = threading.Lock()
        self._wrong = 0
        self._token: str | None = None
        self._seen = 0.0
        self._code = ""
        self._new_code()

    @property
    def left_s(self) -> float:
        """Seconds until the page goes off by itself."""
        return max(0.0, self.closes_at - self._now())

    @property
    def tries_left(self) -> int:
        """How many wrong codes it still takes to lock the door."""
        return max(0, TRIES - self._wrong)

    def standing(self) -> Standing:
        """What somebody without a session meets now."""
        with self._lock:
            return self._standing()

    def enter(self, code: str) -> tuple[Answer, str]:
        """Try a code; with ``in`` comes the session's secret token, with everything else an empty text."""
        with self._lock:
            standing = self._standing()
            if standing != "code":
                return standing, ""
            typed = "".join(code.split())
            if not hmac.compare_digest(typed.encode(), self._code.encode()):
                self._wrong += 1
                return ("locked" if self._standing() == "locked" else "wrong"), ""
            self._code = ""
            self._token = secrets.token_urlsafe(32)
            self._seen = self._now()
            return "in", self._token

    def knows(self, token: str | None) -> bool:
        """Whether the token is that of the tablet that is in; counts as a sign of life."""
        with self._lock:
            if token is None or self._standing() != "taken" or self._token is None:
                return False
            if not hmac.compare_digest(token.encode(), self._token.encode()):
                return False
            self._seen = self._now()
            return True

    def leave(self) -> None:
        """The tablet goes; the unit shows a new code."""
        with self._lock:
            if self._token is not None:
                self._end_session()

    def _standing(self) -> Standing:
        if self._now() >= self.closes_at:
            return "over"
        if self._token is not None and self._now() - self._seen > SILENT_S:
            self._end_session()
        if self._token is not None:
            return "taken"
        return "locked" if self._wrong >= TRIES else "code"

    def _end_session(self) -> None:
        self._token = None
        self._new_code()

    def _new_code(self) -> None:
        self._code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
        self._show(f"{self._code[:4]} {self._code[4:]}")
