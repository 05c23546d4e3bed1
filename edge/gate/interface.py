"""What decides which frames the detector looks at."""

from __future__ import annotations

from typing import Literal, Protocol

from edge.records import Frame, Wish

#: What is to become of a frame: the detector looks at it; it came before the next look is due; it shows what the last one
#: showed at which the detector looked.
Verdict = Literal["look", "between-looks", "unchanged"]


class Gate(Protocol):
    """Sees the frames of one camera in order; ``wish``: what is waited for, whatever the frame shows."""

    def judge(self, frame: Frame, wish: Wish) -> Verdict:
        """What is to become of ``frame``."""
        ...

    def rests_until(self, wish: Wish) -> float:
        """The stream's time in seconds before which no frame is wanted."""
        ...

    def forget(self) -> None:
        """Compare with nothing that was seen before: the next frame is looked at."""
        ...
