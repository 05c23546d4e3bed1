"""What reads the text of plates that were found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from edge.records import Detection, Frame, Reading


class Recognizer(Protocol):
    """A plate reader."""

    @property
    def sha256(self) -> str:
        """Hash of the model file that is loaded; it goes into every read."""
        ...

    def read(self, frame: Frame, detections: Sequence[Detection]) -> tuple[Reading, ...]:
        """One reading per detection, in the same order, from one call of the model."""
        ...
