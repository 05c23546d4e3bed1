"""What turns detections of many frames into passes of vehicles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from edge.records import Detection, Frame, Reading, Track, Wish


class Tracker(Protocol):
    """Follows plates from frame to frame of one camera."""

    @property
    def noise(self) -> int:
        """How many tracks ended with too few proofs (a sure detection, a vouching text) to be a vehicle."""
        ...

    @property
    def asks(self) -> Wish:
        """What the plates that were just there wait for."""
        ...

    def follow(self, frame: Frame, detections: Sequence[Detection]) -> tuple[Detection, ...]:
        """Assign the frame's detections to tracks; return those whose text is still worth reading."""
        ...

    def add(self, readings: Sequence[Reading]) -> tuple[int, ...]:
        """Keep readings of detections that the last :meth:`follow` returned; the numbers of the tracks that they belong to."""
        ...

    def still(self, frame: Frame) -> None:
        """The frame shows what the last one showed that came to :meth:`follow`: what stood there stands there yet."""
        ...

    def finished(self) -> tuple[Track, ...]:
        """The passes that have ended since the last call, each handed out once."""
        ...

    def flush(self) -> tuple[Track, ...]:
        """End every pass now (the stream ended or capture stopped) and hand it out."""
        ...
