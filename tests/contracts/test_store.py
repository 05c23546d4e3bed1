"""What every store promises, whatever keeps the reads."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import StoreError
from edge.store.interface import Arrival, Store
from edge.store.sqlite import SqliteStore, _without
from tests.labeled import START, labeled_read

MakeStore = Callable[[], Store]


@pytest.fixture(params=["sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeStore]:
    """Opens the same store anew each time, as a restart does."""
    opened: list[Store] = []

    def open_one() -> Store:
        assert request.param == "sqlite"
        opened.append(SqliteStore(tmp_path / "agency" / "reads.sqlite"))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


def arrival(seq: int, device: str = "pole-7", epoch: str = "e1", content: str = "") -> Arrival:
    wire = f"{device} {epoch} {seq} {content}".encode()
    return Arrival(
        device=device,
        epoch=epoch,
        seq=seq,
        received=START,
        wire=wire,
        wire_sha256=hashlib.sha256(wire).digest(),
        labeled=labeled_read(f"r-{device}-{seq}", device=device),
    )


def numbers(store: Store) -> list[tuple[str, str, int]]:
    return [(row.device, row.epoch, row.seq) for row in store.reads()]


def test_what_was_stored_comes_back_as_it_was(make: MakeStore) -> None:
    """The labelled read, its slot and when it came, in order of device, epoch and number."""
    store = make()
    outcomes = store.add([arrival(2), arrival(1), arrival(1, device="pole-8"), arrival(1, epoch="e0")])
    assert list(outcomes) == ["stored"] * 4
    assert numbers(store) == [("pole-7", "e0", 1), ("pole-7", "e1", 1), ("pole-7", "e1", 2), ("pole-8", "e1", 1)]
    row = next(iter(store.reads()))
    assert (row.labeled, row.received) == (labeled_read("r-pole-7-1"), START)


def test_a_restart_finds_everything(make: MakeStore) -> None:
    """Committed is committed."""
    store = make()
    store.add([arrival(1), arrival(2)])
    store.close()
    assert len(numbers(make())) == 2


def test_the_same_bytes_are_stored_once_for_ever(make: MakeStore) -> None:
    """A duplicate is no news: in one batch, in the next, and after a restart."""
    store = make()
    assert list(store.add([arrival(1), arrival(1)])) == ["stored", "duplicate"]
    assert list(store.add([arrival(1)])) == ["duplicate"]
    store.close()
    store = make()
    assert list(store.add([arrival(1), arrival(2)])) == ["duplicate", "stored"]
    assert len(numbers(store)) == 2


def test_other_bytes_under_the_same_number_change_nothing(make: MakeStore) -> None:
    """The first to come is kept, the other is an alarm, and neither unit is told that its read is stored."""
    store = make()
    store.add([arrival(n) for n in range(1, 6)])
    assert list(store.add([arrival(3, content="forged")])) == ["conflict"]
    assert len(numbers(store)) == 5
    assert list(store.received("pole-7", "e1")) == [(1, 2), (4, 5)]
    assert list(store.conflicts("pole-7", "e1")) == [3]
    assert list(store.add([arrival(3)])) == ["duplicate"]
    store.close()
    assert list(make().received("pole-7", "e1")) == [(1, 2), (4, 5)]


def test_received_numbers_are_ranges_with_holes(make: MakeStore) -> None:
    """Whatever the order of arrival, ranges join as soon as they can; devices and epochs do not mix."""
    store = make()
    store.add([arrival(n) for n in (5, 1, 2, 9, 4)])
    store.add([arrival(3, device="pole-8"), arrival(3, epoch="e2")])
    assert list(store.received("pole-7", "e1")) == [(1, 2), (4, 5), (9, 9)]
    store.add([arrival(3)])
    assert list(store.received("pole-7", "e1")) == [(1, 5), (9, 9)]
    assert list(store.received("pole-7", "e2")) == [(3, 3)]
    assert list(store.received("pole-9", "e1")) == []
    assert list(store.conflicts("pole-7", "e1")) == []


def test_any_order_with_any_duplicates_ends_in_one_row_each(make: MakeStore) -> None:
    """Every message once to three times, shuffled, in batches of random size."""
    store, chance = make(), random.Random(7)
    arrivals = [arrival(n) for n in range(1, 101) for _ in range(chance.randint(1, 3))]
    chance.shuffle(arrivals)
    outcomes: list[str] = []
    while arrivals:
        batch = [arrivals.pop() for _ in range(min(len(arrivals), chance.randint(1, 20)))]
        outcomes += store.add(batch)
    assert outcomes.count("stored") == 100
    assert [seq for _, _, seq in numbers(store)] == list(range(1, 101))
    assert list(store.received("pole-7", "e1")) == [(1, 100)]


def test_a_batch_is_stored_whole_or_not_at_all(make: MakeStore) -> None:
    """If one read of a batch cannot be written, none of it was, and all of it can be stored later."""
    store = make()
    unwritable = msgspec.structs.replace(arrival(2), epoch="\ud800")  # a lone surrogate, which no database takes as text
    with pytest.raises(StoreError):
        store.add([arrival(1), unwritable])
    assert numbers(store) == []
    assert list(store.add([arrival(1)])) == ["stored"]


def test_reads_can_be_listed_while_more_are_stored(make: MakeStore) -> None:
    """A listing over many pages neither blocks nor repeats."""
    store = make()
    store.add([arrival(n) for n in range(1, 1201)])
    listing = store.reads()
    first = next(listing)
    store.add([arrival(1201)])
    assert [first.seq, *(row.seq for row in listing)] == list(range(1, 1202))


def test_after_closing_nothing_works_any_more(make: MakeStore) -> None:
    """A closed store says so instead of answering with nothing."""
    store = make()
    store.close()
    store.close()
    for call in (lambda: store.add([arrival(1)]), lambda: store.received("a", "b"), lambda: list(store.reads())):
        with pytest.raises(StoreError, match="closed"):
            call()


@settings(max_examples=200)
@given(st.sets(st.integers(1, 40)), st.sets(st.integers(1, 40)))
def test_cutting_numbers_out_of_ranges_leaves_the_others(present: set[int], cut: set[int]) -> None:
    """For any set of stored numbers and any numbers in conflict."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(present):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    left = list(_without(ranges, sorted(cut)))
    assert {n for first, last in left for n in range(first, last + 1)} == present - cut
    assert all(first <= last for first, last in left)
