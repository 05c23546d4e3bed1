"""The place where a live source leaves its newest frame: it holds one, and a newer one replaces it."""

from __future__ import annotations

import threading

from edge.records import Frame

_LOOK_S = 0.1  # how often a waiting taker looks whether it was told to stop


class NewestFrame:
    """One slot between a source's thread, which puts, and the line, which takes."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._frame: Frame | None = None
        self._ended = False

    def put(self, frame: Frame) -> bool:
        """Leave ``frame``; True if it replaced one that nobody had taken."""
        with self._condition:
            replaced = self._frame is not None
            self._frame = frame
            self._condition.notify()
            return replaced

    def end(self) -> None:
        """Say that no frame will follow."""
        with self._condition:
            self._ended = True
            self._condition.notify()

    def take(self, stop: threading.Event) -> Frame | None:
        """Wait for a frame and remove it; None once the source has ended or ``stop`` is set."""
        with self._condition:
            while self._frame is None and not self._ended and not stop.is_set():
                self._condition.wait(_LOOK_S)
            if stop.is_set():
                return None
            frame, self._frame = self._frame, None
            return frame

    def discard(self) -> bool:
        """Remove a frame that nobody took; True if there was one."""
        with self._condition:
            left, self._frame = self._frame is not None, None
            return left
