"""Shelves: content lies by the time at which it is to be deleted, so that a whole shelf ends at once and nothing need be
searched for or wiped.  Pure.

A shelf is a UTC day until that day has come, then half an hour, so that a read goes within the hour in which its label says it
must, and yet a store holds a few dozen shelves and not thousands.  Taking single rows out would not do: SQLite leaves
plates in unused parts of pages when it balances its trees, with ``secure_delete`` too (15 of 9,996, measured), and PostgreSQL
overwrites nothing that it deletes.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

#: Where a read lies that a hold keeps beyond its time.
HELD = "held"
SLICE = timedelta(minutes=30)


def shelf_for(delete_after: datetime, received: datetime) -> str:
    """The shelf of a read that arrives at ``received`` (both UTC): a slice if it goes today, else a day, past ones too."""
    if delete_after.date() == received.date():
        return slice_of(delete_after)
    return delete_after.date().isoformat()


def slice_of(delete_after: datetime) -> str:
    """The half hour in which ``delete_after`` (UTC) falls."""
    minute = 30 if delete_after.minute >= 30 else 0
    return f"{delete_after.date().isoformat()}T{delete_after.hour:02}:{minute:02}"


def slices_of(day: date) -> list[str]:
    """The half hours of a day."""
    begin = datetime.combine(day, time())
    return [slice_of(begin + at * SLICE) for at in range(48)]


def day_of(shelf: str) -> date:
    """The UTC day of a shelf that is not ``HELD``."""
    return date.fromisoformat(shelf[:10])


def is_day(shelf: str) -> bool:
    """Whether it is a whole day."""
    return shelf != HELD and "T" not in shelf


def ends(shelf: str) -> datetime:
    """When the time of everything on it has passed (UTC)."""
    if is_day(shelf):
        begin, length = datetime.combine(day_of(shelf), time(), timezone.utc), timedelta(days=1)
    else:
        begin, length = datetime.fromisoformat(shelf).replace(tzinfo=timezone.utc), SLICE
    return begin + length
