"""What finds plates in a frame."""

from __future__ import annotations

from typing import Protocol

from edge.records import Detection, Frame


class Detector(Protocol):
    """A plate detector."""

    @property
    def sha256(self) -> str:
        """Hash of the model file that is loaded; it goes into every read."""
        ...

    def detect(self, frame: Frame) -> tuple[Detection, ...]:
        """The plates of one frame, most confident first, no two on the same plate."""
        ...
