"""What people see of a store: holds and the book as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from edge.bench.store import StoreSpeed
from edge.store.book import BookReport
from edge.store.interface import Deletion, Event, Hold, HoldPlaced, Numbers, PictureHandedOut

_SHOWN_RANGES = 3


def hold_table(holds: Sequence[Hold]) -> Table:
    """Holds, the oldest first."""
    table = Table("hold", "authority", "case", "approved by", "reads", "from (UTC)", "until", "over since")
    for hold in holds:
        order = hold.order
        table.add_row(
            hold.id,
            order.authority,
            escape(order.case),
            escape(order.approver),
            str(len(order.reads)),
            f"{order.begins:%Y-%m-%d %H:%M}",
            f"{order.ends:%Y-%m-%d %H:%M}",
            "" if hold.over is None else f"{hold.over:%Y-%m-%d %H:%M}",
        )
    return table


def book_table(report: BookReport) -> Table:
    """The entries of a book, what is wrong with it, and the hash that an auditor notes."""
    wrong = {finding.entry: finding.wrong for finding in report.findings}
    title = (
        f"{len(report.entries)} entries, {report.reads_deleted} reads deleted, {len(wrong)} wrong; last {report.last_sha256}"
    )
    table = Table("entry", "when (UTC)", "what", title=title)
    for entry in report.entries:
        table.add_row(str(entry.number), f"{entry.at:%Y-%m-%d %H:%M:%S}", escape(event_words(entry.event)))
    for number, words in wrong.items():
        table.add_row(f"[red]line {number}[/]", "", f"[red]{escape(words)}[/]")
    return table


def event_words(event: Event) -> str:
    """One entry of the book in plain words."""
    if isinstance(event, Deletion):
        parts = [f"{each.reads} under {', '.join(each.ruling.packs)}: {_numbers_words(each.numbers)}" for each in event.deleted]
        beyond = f"; out of reach: {'; '.join(event.beyond)}" if event.beyond else ""
        with_pictures = f" with {event.pictures} pictures" if event.pictures else ""
        return f"{event.reads} reads{with_pictures} deleted ({', '.join(event.cleared)}{beyond}): " + "; ".join(parts)
    if isinstance(event, HoldPlaced):
        order = event.order
        return (
            f"hold {event.hold} keeps {len(order.reads)} reads until {order.ends:%Y-%m-%d %H:%M}: {order.authority}, "
            f"case {order.case}, approved by {order.approver}"
        )
    if isinstance(event, PictureHandedOut):
        wish = event.order
        case = f", case {wish.case}" if wish.case else ""
        return f"{wish.kind} of read {wish.read} handed out to {wish.by}: {wish.reason}{case}"
    return f"hold {event.hold} is over: {event.reason}" + (f" (released by {event.by})" if event.by else "")


def speed_words(speed: StoreSpeed) -> str:
    """A measurement in one line."""
    batches = f"batches of {speed.batch}: {speed.batch_median_ms} ms each, one in a hundred {speed.batch_p99_ms} ms"
    return (
        f"{speed.stored_per_s:.0f} reads/s of {speed.labeled_bytes} bytes stored ({batches}), "
        f"{speed.duplicates_per_s:.0f}/s when they come again"
    )


def _numbers_words(numbers: Sequence[Numbers]) -> str:
    return ", ".join(f"{each.device}/{each.epoch[:8]} {_ranges_words(each.ranges)}" for each in numbers)


def _ranges_words(ranges: Sequence[tuple[int, int]]) -> str:
    shown = [str(first) if first == last else f"{first}–{last}" for first, last in ranges[:_SHOWN_RANGES]]
    rest = len(ranges) - len(shown)
    return " ".join(shown) + (f" and {rest} more ranges" if rest else "")
