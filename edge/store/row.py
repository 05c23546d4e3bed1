"""What of a read stands in a store's columns, so that it can be found and, when its time has come, deleted.

A store must be able to keep whatever an enrolled device can send: what could not be written would come back for ever.
"""

from __future__ import annotations

from datetime import datetime, timezone

import msgspec
from msgspec import Struct

from edge.errors import StoreError
from edge.records import Label, LabeledRead, enc_hook
from edge.store.interface import Arrival, Ruling, StoredRead
from edge.store.shelf import shelf_for

_EARLIEST = datetime(1, 1, 2, tzinfo=timezone.utc)
_LATEST = datetime(9999, 12, 30, tzinfo=timezone.utc)

#: Longer than any plate, state or id, and short enough for any index.
LONGEST_TEXT = 128

_encoder = msgspec.json.Encoder(enc_hook=enc_hook)
_decoder = msgspec.json.Decoder(LabeledRead)


class Row(Struct, frozen=True, kw_only=True):
    """The columns of one read.  ``shelf`` is where it lies, ``ruling`` the rules that say when it is deleted, as JSON;
    texts are cut to what an index takes and hold no
    zero byte, which PostgreSQL takes in none."""

    shelf: str
    read_id: str
    received: datetime
    delete_after: datetime
    text: str
    region: str
    first_utc: datetime
    hit: bool
    ruling: bytes
    labeled: bytes


def row_of(arrival: Arrival) -> Row:
    """The columns of ``arrival``."""
    read, label = arrival.labeled.read, arrival.labeled.label
    delete_after, received = utc(label.delete_after), utc(arrival.received)
    return Row(
        shelf=shelf_for(delete_after, received),
        read_id=_writable(read.id),
        received=received,
        delete_after=delete_after,
        text=_writable(read.text),
        region=_writable(read.region),
        first_utc=utc(read.first.utc),
        hit=arrival.labeled.hit is not None,
        ruling=_encoder.encode(ruling_of(label)),
        labeled=_encoder.encode(arrival.labeled),
    )


def ruling_of(label: Label) -> Ruling:
    """The rules under which a read with ``label`` is deleted."""
    return Ruling(
        jurisdiction=label.jurisdiction,
        packs=tuple(f"{layer.id} {layer.version}" for layer in label.layers),
        pack_sha256=label.pack_sha256,
        rules=label.rules,
    )


def stored_read(device: str, epoch: str, seq: int, received: datetime, labeled: bytes) -> StoredRead:
    """One row as it is read back.  Raises StoreError if it is damaged."""
    try:
        return StoredRead(device=device, epoch=epoch, seq=seq, received=received, labeled=_decoder.decode(labeled))
    except msgspec.DecodeError:
        # The library's message may quote the row, and this one may be logged.
        raise StoreError(f"read store: row {device}/{epoch}/{seq} is damaged; restore it from a backup") from None


def utc(moment: datetime) -> datetime:
    """The same instant in UTC; the first and last days of the calendar, which some zones cannot say, are brought inside."""
    try:
        return min(max(moment.astimezone(timezone.utc), _EARLIEST), _LATEST)
    except (OverflowError, ValueError, OSError):
        return _LATEST if moment.year > 2000 else _EARLIEST


def _writable(text: str) -> str:
    return text[:LONGEST_TEXT].replace("\0", "\ufffd")
