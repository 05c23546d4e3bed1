"""Parts of the line that end their own process at a point that was named."""

from __future__ import annotations

import os
import signal


class Dying:
    """A part of the line that kills its own process at one point: ``<when> <part> <method> <call>``."""

    def __init__(self, part: object, when: str, method: str, call: int) -> None:
        self._part, self._when, self._method, self._left = part, when, method, call

    def __getattr__(self, name: str) -> object:
        found = getattr(self._part, name)
        return self._deadly if name == self._method else found

    def _deadly(self, *values: object, **named: object) -> object:
        self._left -= 1
        if self._left <= 0 and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = getattr(self._part, self._method)(*values, **named)
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def dying(part: object, name: str, point: str) -> object:
    """``part``, deadly if ``point`` (empty for none) names it as ``name``."""
    when, of, method, call = point.split() if point else ("", "", "", "0")
    return Dying(part, when, method, int(call)) if of == name else part
