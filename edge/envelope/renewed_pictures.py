"""The parts of the way of pictures that are made anew when a file of keys has changed; see ``renewed.py``."""

from __future__ import annotations

from edge.envelope.interface import PartWriter, PictureOpener, PicturePart, PictureRequest, RequestReader
from edge.envelope.renewed import Renewed
from edge.errors import EnvelopeError
from edge.records import LabeledRead, PictureRef


class RenewedParts:
    """See :class:`edge.envelope.interface.PartWriter`."""

    def __init__(self, part: Renewed[PartWriter]) -> None:
        self._part = part

    def parts(self, epoch: str, seq: int, file: bytes) -> tuple[bytes, ...]:
        """See the interface."""
        return self._part.now().parts(epoch, seq, file)


class RenewedRequests:
    """See :class:`edge.envelope.interface.RequestReader`."""

    def __init__(self, part: Renewed[RequestReader]) -> None:
        self._part = part

    def request(self, wire: bytes) -> PictureRequest:
        """See the interface."""
        return self._part.now().request(wire)


class RenewedPictureOpener:
    """See :class:`edge.envelope.interface.PictureOpener`."""

    def __init__(self, part: Renewed[PictureOpener]) -> None:
        self._part = part

    def part(self, device: str, wire: bytes) -> PicturePart:
        """See the interface."""
        return self._part.now().part(device, wire)

    def open(self, file: bytes, read: LabeledRead, ref: PictureRef) -> bytes:
        """See the interface.  A key that is not known yet may have been made a second ago: that is looked up at once."""
        opener = self._part.now()
        try:
            return opener.open(file, read, ref)
        except EnvelopeError as error:
            newer = self._part.now(at_once=error.reason == "seal-key")
            if newer is opener:
                raise
        return newer.open(file, read, ref)
