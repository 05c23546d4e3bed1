"""Sets of numbers as ranges: whatever the sets are, nothing is lost and nothing added."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.ranges import Range, ascending, few, gaps, holds, joined, minus, runs, size

numbers = st.sets(st.integers(1, 60))


def members(ranges: list[Range]) -> set[int]:
    return {n for first, last in ranges for n in range(first, last + 1)}


@given(numbers)
def test_ranges_hold_the_numbers_that_went_in(of: set[int]) -> None:
    """In as few ranges as can be."""
    found = runs(of)
    assert members(found) == of
    assert size(found) == len(of)
    assert ascending(found)
    assert all(holds(found, n) == (n in of) for n in range(62))
    assert all(before[1] + 1 < after[0] for before, after in pairwise(found))


@given(numbers, numbers)
def test_ranges_may_overlap_before_they_are_joined(one: set[int], other: set[int]) -> None:
    """And come in any order."""
    assert members(joined([*runs(other), *runs(one), *runs(one | other)])) == one | other


@given(numbers, numbers)
def test_numbers_are_cut_out_of_ranges(of: set[int], cut: set[int]) -> None:
    """For any two sets."""
    left = minus(runs(of), runs(cut))
    assert members(left) == of - cut
    assert ascending(left)


@given(numbers, st.integers(0, 70))
def test_gaps_are_what_is_missing(of: set[int], last: int) -> None:
    """From 1 up to the last that there should be."""
    assert members(list(gaps(runs(of), last))) == set(range(1, last + 1)) - of


@given(st.sets(st.integers(1, 300), min_size=1), st.integers(1, 12))
def test_a_shortened_list_names_every_number_and_perhaps_more(of: set[int], at_most: int) -> None:
    """What is to come may be said too generously, never too narrowly: a read that waits must not look stolen."""
    short = few(runs(of), at_most)
    assert len(short) <= at_most
    assert ascending(short)
    assert of <= members(short)
    assert (short[0][0], short[-1][1]) == (min(of), max(of))


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=4))
def test_only_ascending_ranges_apart_from_each_other_count_as_such(ranges: list[Range]) -> None:
    """What a receipt or a notice says is refused otherwise."""
    assert ascending(ranges) == (
        sum(max(0, last - first + 1) for first, last in ranges) == len(members(ranges))
        and (all(first <= last for first, last in ranges) and sorted(ranges) == ranges)
    )
