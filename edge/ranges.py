"""Sets of numbers as inclusive, ascending, disjoint ranges: how receipts, tombstones and accounts name reads.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

Range = tuple[int, int]


def joined(ranges: Iterable[Range]) -> list[Range]:
    """The same numbers in as few ranges as possible, ascending; they may come in any order and overlap."""
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


def gaps(ranges: Iterable[Range], last: int) -> Iterator[Range]:
    """The numbers from 1 to ``last`` that are in none of ``ranges``."""
    next_one = 1
    for first, end in ranges:
        if first > last:
            break
        if first > next_one:
            yield next_one, first - 1
        next_one = max(next_one, end + 1)
    if next_one <= last:
        yield next_one, last


def minus(ranges: Iterable[Range], cut: Sequence[Range]) -> list[Range]:
    """``ranges`` without the numbers of ``cut``."""
    left, at = list[Range](), 0
    for first, last in ranges:
        while at < len(cut) and cut[at][1] < first:
            at += 1
        here = at
        while here < len(cut) and cut[here][0] <= last:
            if cut[here][0] > first:
                left.append((first, cut[here][0] - 1))
            first = max(first, cut[here][1] + 1)
            here += 1
        if first <= last:
            left.append((first, last))
    return left


def size(ranges: Iterable[Range]) -> int:
    """How many numbers there are."""
    return sum(last - first + 1 for first, last in ranges)


def holds(ranges: Iterable[Range], number: int) -> bool:
    """Whether ``number`` is one of them."""
    return any(first <= number <= last for first, last in ranges)


def few(ranges: Sequence[Range], at_most: int) -> list[Range]:
    """All numbers of ``ranges`` and perhaps more, in no more than ``at_most`` ranges: where there are more, the narrowest gaps
    are taken in."""
    between = sorted((after[0] - before[1], at) for at, (before, after) in enumerate(pairwise(ranges), start=1))
    closed = {at for _, at in between[: max(0, len(ranges) - at_most)]}
    found: list[Range] = []
    for at, (first, last) in enumerate(ranges):
        if at in closed:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def ascending(ranges: Sequence[Range]) -> bool:
    """Whether ``ranges`` are what this module says: inclusive, ascending, apart from each other."""
    return all(first <= last for first, last in ranges) and all(before[1] < after[0] for before, after in pairwise(ranges))
