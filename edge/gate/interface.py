"""What decides which frames the detector looks at."""

from __future__ import annotations

from typing import Literal, Protocol

from edge.records import Frame

#: What is to become of a frame: the detector looks at it; it came before the next look is due; it shows what the last one
#: showed at which the detector looked.
Verdict = Literal["look", "between-looks", "unchanged"]


class Gate(Protocol):
    """Sees the frames of one camera in order."""

    def judge(self, frame: Frame, asked: bool) -> Verdict:
        """What is to become of ``frame``; ``asked``: somebody waits for the next look, whatever the frame shows."""
        ...

    def rests_until(self, asked: bool) -> float:
        """The stream's time in seconds before which no frame is wanted."""
        ...

    def forget(self) -> None:
        """Compare with nothing that was seen before: the next frame is looked at."""
        ...
