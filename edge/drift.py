"""What watches a camera for what changes slowly; :mod:`edge.drift_watch` does, where there is a calibration to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from edge.records import Detection, Frame, Track


class Drift(Protocol):
    """Watches one camera for what changes slowly.  Called by the line's own thread."""

    def see(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """A frame was captured and looked at, and these may be plates on it."""
        ...

    def passed(self, track: Track) -> None:
        """A vehicle has passed."""
        ...


class NoDrift:
    """For a camera without a calibration record: nothing to compare with."""

    def see(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Nothing."""

    def passed(self, track: Track) -> None:
        """Nothing."""
