"""Sets of numbers as inclusive, ascending, disjoint ranges.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

Range = tuple[int, int]


def joined(ranges: Iterable[Range]) -> list[Range]:
    """The same numbers in as few ranges as possible; in any order at first."""
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def runs(numbers: Iterable[int]) -> list[Range]:
    """Numbers, in any order, as ranges."""
    return joined((number, number) for number in numbers)


def without(ranges: Sequence[Range], numbers: Sequence[int]) -> Iterator[Range]:
    """``ranges`` with ``numbers`` cut out; both ascending."""
    at = 0
    for first, last in ranges:
        while at < len(numbers) and numbers[at] <= last:
            if numbers[at] >= first:
                if first < numbers[at]:
                    yield first, numbers[at] - 1
                first = numbers[at] + 1
            at += 1
        if first <= last:
            yield first, last
