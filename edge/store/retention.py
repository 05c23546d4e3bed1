"""The rules of holding and deleting, whatever keeps the reads.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone

import msgspec
from msgspec import Struct

from edge.errors import StoreError
from edge.ranges import joined
from edge.store.batch import Slot
from edge.store.interface import Deleted, Deletion, Hold, HoldOrder, Numbers, PictureOrder, Ruling, StoredRead

#: Retention runs every few minutes while the agency end is up; a gap as long as this is a clock that has jumped, or an agency
#: end that was off for as long, and a person can tell which.
LONGEST_GAP = timedelta(days=7)

#: Before this program was made no clock was right.
_MADE = datetime(2026, 1, 1, tzinfo=timezone.utc)
#: Device and epoch of each epoch's number in a store.
Names = Mapping[int, tuple[str, str]]
#: An epoch's number, the first and the last of some sequence numbers without a hole.
Span = tuple[int, int, int]

_ruling = msgspec.json.Decoder(Ruling)
_deleted = msgspec.json.Decoder(tuple[Deleted, ...])


class Found(Struct, frozen=True, kw_only=True):
    """A read that an order names, and where it is."""

    slot: Slot
    read: StoredRead


def check_clock(last_run: datetime | None, at: datetime) -> None:
    """Raises StoreError if ``at`` is so far beyond the last run that the clock may have jumped: what is deleted is gone."""
    if at < _MADE:
        raise StoreError(f"delete expired reads: the clock says {at:%Y-%m-%d %H:%M} UTC; set it")
    if last_run is not None and at - last_run > LONGEST_GAP:
        raise StoreError(
            f"delete expired reads: the clock says {at:%Y-%m-%d %H:%M} UTC, more than {LONGEST_GAP.days} days after the last "
            f"run ({last_run:%Y-%m-%d %H:%M}); look at it, and if it is right run `plate-edge store expire --clock-is-right`"
        )


def check_order(order: HoldOrder, found: Mapping[str, Sequence[Found]], kept: set[Slot], at: datetime) -> None:
    """Raises StoreError unless every read that the order names is there, still has time or is ``kept`` by another hold, and has
    a label that lets this authority keep it."""
    for what, value in (("case number", order.case), ("approver", order.approver)):
        if not value.strip():
            raise StoreError(f"place hold: it has no {what}; name one")
    if not order.reads:
        raise StoreError("place hold: it names no read")
    if order.begins > at:
        raise StoreError("place hold: it begins in the future, and its reads may be gone by then; place it when it is in force")
    if order.ends <= at:
        raise StoreError("place hold: it has ended already; name a later end")
    for read_id in order.reads:
        if not found.get(read_id):
            raise StoreError(f"place hold: read {read_id} is not in this store; it may have been deleted")
        for each in found[read_id]:
            label = each.read.labeled.label
            if label.delete_after <= at and each.slot not in kept:
                raise StoreError(f"place hold: the time of read {read_id} has passed; it must be deleted")
            if order.authority not in label.lifts:
                lifts = ", ".join(label.lifts) or "nothing"
                raise StoreError(
                    f"place hold: the label of read {read_id} does not let `{order.authority}` keep it longer; {lifts} would"
                )


def check_over(hold: Hold | None, id: str) -> Hold:
    """The hold, if it can be released.  Raises StoreError."""
    if hold is None:
        raise StoreError(f"release hold {id}: there is none of this id; `plate-edge store holds` lists them")
    if hold.over is not None:
        raise StoreError(f"release hold {id}: it is over since {hold.over:%Y-%m-%d %H:%M} UTC")
    return hold


def numbers_of(slots: Iterable[Slot], names: Names) -> tuple[Numbers, ...]:
    """Slots by device and epoch."""
    return _named([(epoch_id, seq, seq) for epoch_id, seq in slots], names)


def check_hand_out(order: PictureOrder, found: Sequence[StoredRead], at: datetime) -> None:
    """Raises StoreError unless somebody asks, for a reason, for the picture of a read that is there and may be looked up."""
    for what, value in (("name (`--by`)", order.by), ("reason (`--reason`)", order.reason)):
        if not value.strip():
            raise StoreError(f"hand out picture of read {order.read}: the order has no {what}")
    if not found:
        raise StoreError(f"hand out picture of read {order.read}: the read is not in this store; it may have been deleted")
    for each in found:
        for window in each.labeled.label.search_windows:
            if window.who == "owner" and window.until <= at:
                raise StoreError(
                    f"hand out picture of read {order.read}: since {window.until:%Y-%m-%d %H:%M} UTC it may not be searched"
                )


def deleted_under(ruling: bytes, spans: Iterable[Span], names: Names, pictures: int = 0) -> Deleted:
    """What the book says of reads that went under one ruling (its JSON), with so many pictures."""
    numbers = _named(spans, names)
    return Deleted(ruling=_ruling.decode(ruling), reads=_size(numbers), numbers=numbers, pictures=pictures)


def in_store(deleted: Sequence[Deleted]) -> bytes:
    """For the store, until the book has it."""
    return msgspec.json.encode(deleted)


def deletion(pending: Iterable[bytes], cleared: Sequence[str], beyond: Sequence[str] = ()) -> Deletion | None:
    """One event for everything that a run deleted, shelf by shelf; None if that was nothing."""
    by_ruling: dict[bytes, list[Deleted]] = {}
    for words in pending:
        for each in _deleted.decode(words):
            by_ruling.setdefault(msgspec.json.encode(each.ruling), []).append(each)
    deleted = tuple(_summed(parts) for _, parts in sorted(by_ruling.items()))
    if not deleted:
        return None
    return Deletion(
        reads=sum(each.reads for each in deleted),
        deleted=deleted,
        cleared=tuple(cleared),
        beyond=tuple(beyond),
        pictures=sum(each.pictures for each in deleted),
    )


def _summed(parts: Sequence[Deleted]) -> Deleted:
    ranges: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for part in parts:
        for each in part.numbers:
            ranges.setdefault((each.device, each.epoch), []).extend(each.ranges)
    numbers = _as_numbers(ranges)
    pictures = sum(part.pictures for part in parts)
    return Deleted(ruling=parts[0].ruling, reads=_size(numbers), numbers=numbers, pictures=pictures)


def _named(spans: Iterable[Span], names: Names) -> tuple[Numbers, ...]:
    ranges: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for epoch_id, first, last in spans:
        ranges.setdefault(names[epoch_id], []).append((first, last))
    return _as_numbers(ranges)


def _as_numbers(ranges: Mapping[tuple[str, str], Sequence[tuple[int, int]]]) -> tuple[Numbers, ...]:
    return tuple(
        Numbers(device=device, epoch=epoch, ranges=tuple(joined(found))) for (device, epoch), found in sorted(ranges.items())
    )


def _size(numbers: Sequence[Numbers]) -> int:
    return sum(last - first + 1 for each in numbers for first, last in each.ranges)
