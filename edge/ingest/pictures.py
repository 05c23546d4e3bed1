"""Pictures at the agency end: pieces are put together, held against the signed read that names them, opened and stored; and
pictures that somebody wants are asked for while their unit can be heard.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

from msgspec import Struct

from edge.envelope.interface import PartHeader, PictureOpener, PicturePart, PictureRequest, RequestWriter
from edge.errors import EnvelopeError
from edge.journal import Journal
from edge.ranges import holds
from edge.store.interface import PictureArrival, PictureStore

# Units send one picture at a time, so there is one begun of each; of so many units' they take 64 MiB at most.
_BEGUN_AT_MOST = 128
_LOOK_EVERY_S = 5.0
# A unit that was not heard for so long, longer than its longest silence, is not there to be asked.
_SILENT_S = 900.0
_ASK_AGAIN_S = 60.0
_ASKED_AT_ONCE = 256

_Read = tuple[str, str, int]


class Settled(Struct, frozen=True, kw_only=True):
    """What a unit is to be told of one of its pictures: it is stored, or never will be."""

    device: str
    epoch: str
    stored: tuple[bytes, ...] = ()
    unwanted: tuple[bytes, ...] = ()


class _Begun(Struct):
    """A picture of which the first pieces are here."""

    header: PartHeader
    pieces: list[bytes]


class PictureDesk:
    """One worker's.  Not thread-safe."""

    def __init__(
        self,
        opener: PictureOpener,
        store: PictureStore,
        requests: RequestWriter,
        journal: Journal,
        *,
        agency: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opener, self._store, self._requests, self._journal = opener, store, requests, journal
        self._agency, self._monotonic = agency, monotonic
        self._begun: OrderedDict[str, _Begun] = OrderedDict()
        self._heard_s: dict[str, float] = {}
        self._asked_s: dict[_Read, float] = {}
        self._look_at_s = 0.0

    def heard(self, device: str) -> None:
        """Something came from ``device``: it is there, and can be asked."""
        self._heard_s[device] = self._monotonic()

    def take(self, device: str, wire: bytes) -> Settled | None:
        """Take a piece; what its unit is to be told, once it was the last of a picture.

        Raises EnvelopeError for what cannot be believed, StoreError if it cannot be stored now: then take it again."""
        part = self._opener.part(device, wire)
        file = self._joined(part)
        return None if file is None else self._keep(part.header, file)

    def done(self, device: str) -> None:
        """The picture whose last piece was taken is settled, or refused for good."""
        self._begun.pop(device, None)

    def due(self) -> Iterator[tuple[str, bytes]]:
        """Requests that are to be posted now, each with its device.  Raises StoreError."""
        now_s = self._monotonic()
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + _LOOK_EVERY_S
        there = {device for device, heard_s in self._heard_s.items() if now_s - heard_s < _SILENT_S}
        wanted: dict[tuple[str, str], list[int]] = {}
        asked = self._store.asked() if there else ()
        self._asked_s = {read: self._asked_s[read] for read in asked if read in self._asked_s}
        for read in asked:
            if read[0] in there and now_s - self._asked_s.get(read, -_ASK_AGAIN_S) >= _ASK_AGAIN_S:
                self._asked_s[read] = now_s
                wanted.setdefault(read[:2], []).append(read[2])
        for (device, epoch), reads in wanted.items():
            yield device, self._request(device, epoch, reads[:_ASKED_AT_ONCE])

    def _request(self, device: str, epoch: str, reads: list[int]) -> bytes:
        issued = datetime.now(timezone.utc)
        request = PictureRequest(agency=self._agency, device=device, epoch=epoch, reads=tuple(reads), issued=issued)
        return self._requests.request(request)

    def _joined(self, part: PicturePart) -> bytes | None:
        """The file, once all of it is here.  A piece that comes twice is taken once; one that does not follow begins nothing:
        the unit sends the whole again."""
        header = part.header
        begun = self._begun.get(header.device)
        if header.part == 0:
            begun = self._begun[header.device] = _Begun(header, [])
            self._begun.move_to_end(header.device)
            while len(self._begun) > _BEGUN_AT_MOST:
                self._begun.popitem(last=False)
        if begun is None or (begun.header.sha256, begun.header.parts) != (header.sha256, header.parts):
            self._journal.count("picture_pieces_unused")
            return None
        if header.part == len(begun.pieces):
            begun.pieces.append(part.piece)
        return b"".join(begun.pieces) if len(begun.pieces) == header.parts else None

    def _keep(self, header: PartHeader, file: bytes) -> Settled | None:
        device, epoch, seq = header.device, header.epoch, header.seq
        if hashlib.sha256(file).digest() != header.sha256:
            raise EnvelopeError("picture", "take picture: its pieces are not the file that they say they are")
        read = self._store.read(device, epoch, seq)
        if read is None:
            return self._of_no_read(header)
        ref = next((each for each in read.labeled.pictures if each.sealed_sha256 == header.sha256.hex()), None)
        if ref is None:
            self._journal.count("pictures_taken", "unnamed")
            self._journal.warning("picture refused: the signed read does not name it", device=device, epoch=epoch, seq=seq)
            return Settled(device=device, epoch=epoch, unwanted=(header.sha256,))
        jpeg = self._opener.open(file, read.labeled, ref)
        arrival = PictureArrival(device=device, epoch=epoch, seq=seq, kind=ref.kind, jpeg=jpeg)
        outcome = self._store.add_picture(arrival)
        self._journal.count("pictures_taken", outcome)
        if outcome == "later":
            return None
        if outcome == "gone":
            return Settled(device=device, epoch=epoch, unwanted=(header.sha256,))
        if all(self._store.has_picture(read, each.kind) for each in read.labeled.pictures):
            self._store.no_longer_asked(device, epoch, seq)
        return Settled(device=device, epoch=epoch, stored=(header.sha256,))

    def _of_no_read(self, header: PartHeader) -> Settled | None:
        """A read that was stored and is not there any more is deleted; one that never came may still come."""
        deleted = holds(self._store.received(header.device, header.epoch), header.seq)
        self._journal.count("pictures_taken", "gone" if deleted else "early")
        if not deleted:
            return None
        return Settled(device=header.device, epoch=header.epoch, unwanted=(header.sha256,))
