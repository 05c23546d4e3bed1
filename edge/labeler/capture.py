"""What is written down at the point of capture: which unit, whose, where, with which models."""

from __future__ import annotations

from edge.records import Capture, Position


class CaptureStamp:
    """Writes the capture metadata of one camera; all but the position stays the same while the unit runs."""

    def __init__(
        self,
        *,
        device: str,
        agency: str,
        camera: str,
        detector_sha256: str,
        recognizer_sha256: str,
        calibration_id: str | None,
        software: str,
    ) -> None:
        """``device`` equals the common name of the unit's certificate; ``software`` is name and version of this program."""
        self._device = device
        self._agency = agency
        self._camera = camera
        self._detector_sha256 = detector_sha256
        self._recognizer_sha256 = recognizer_sha256
        self._calibration_id = calibration_id
        self._software = software

    def at(self, position: Position | None) -> Capture:
        """The metadata of a read captured at ``position`` (None: unknown)."""
        return Capture(
            device=self._device,
            agency=self._agency,
            camera=self._camera,
            position=position,
            detector_sha256=self._detector_sha256,
            recognizer_sha256=self._recognizer_sha256,
            calibration_id=self._calibration_id,
            software=self._software,
        )
