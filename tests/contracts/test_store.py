"""What every store promises, whatever keeps the reads."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import msgspec
import pytest

from edge.errors import StoreError
from edge.store.interface import Arrival
from tests.labeled import START
from tests.stores import MakeStore, arrival, numbers


def test_what_was_stored_comes_back_as_it_was(make_store: MakeStore) -> None:
    """The labelled read, its slot and when it came, in order of device, epoch and number."""
    store = make_store()
    outcomes = store.add([arrival(2), arrival(1), arrival(1, device="pole-8"), arrival(1, epoch="e0")])
    assert list(outcomes) == ["stored"] * 4
    assert numbers(store) == [("pole-7", "e0", 1), ("pole-7", "e1", 1), ("pole-7", "e1", 2), ("pole-8", "e1", 1)]
    row = next(iter(store.reads()))
    assert (row.labeled, row.received) == (arrival(1, epoch="e0").labeled, START)


def test_a_restart_finds_everything(make_store: MakeStore) -> None:
    """Committed is committed."""
    store = make_store()
    store.add([arrival(1), arrival(2)])
    store.close()
    assert len(numbers(make_store())) == 2


def test_the_same_bytes_are_stored_once_for_ever(make_store: MakeStore) -> None:
    """A duplicate is no news: in one batch, in the next, and after a restart."""
    store = make_store()
    assert list(store.add([arrival(1), arrival(1)])) == ["stored", "duplicate"]
    assert list(store.add([arrival(1)])) == ["duplicate"]
    store.close()
    store = make_store()
    assert list(store.add([arrival(1), arrival(2)])) == ["duplicate", "stored"]
    assert len(numbers(store)) == 2


def test_other_bytes_under_the_same_number_change_nothing(make_store: MakeStore) -> None:
    """The first to come is kept, the other is an alarm, and neither unit is told that its read is stored."""
    store = make_store()
    store.add([arrival(n) for n in range(1, 6)])
    assert list(store.add([arrival(3, content="forged")])) == ["conflict"]
    assert len(numbers(store)) == 5
    assert list(store.received("pole-7", "e1")) == [(1, 2), (4, 5)]
    assert list(store.conflicts("pole-7", "e1")) == [3]
    assert list(store.add([arrival(3)])) == ["duplicate"]
    store.close()
    assert list(make_store().received("pole-7", "e1")) == [(1, 2), (4, 5)]


def test_received_numbers_are_ranges_with_holes(make_store: MakeStore) -> None:
    """Whatever the order of arrival, ranges join as soon as they can; devices and epochs do not mix."""
    store = make_store()
    store.add([arrival(n) for n in (5, 1, 2, 9, 4)])
    store.add([arrival(3, device="pole-8"), arrival(3, epoch="e2")])
    assert list(store.received("pole-7", "e1")) == [(1, 2), (4, 5), (9, 9)]
    store.add([arrival(3)])
    assert list(store.received("pole-7", "e1")) == [(1, 5), (9, 9)]
    assert list(store.received("pole-7", "e2")) == [(3, 3)]
    assert list(store.received("pole-9", "e1")) == []
    assert list(store.conflicts("pole-7", "e1")) == []


def test_any_order_with_any_duplicates_ends_in_one_row_each(make_store: MakeStore) -> None:
    """Every message once to three times, shuffled, in batches of random size."""
    store, chance = make_store(), random.Random(7)
    arrivals = [arrival(n) for n in range(1, 101) for _ in range(chance.randint(1, 3))]
    chance.shuffle(arrivals)
    outcomes: list[str] = []
    while arrivals:
        batch = [arrivals.pop() for _ in range(min(len(arrivals), chance.randint(1, 20)))]
        outcomes += store.add(batch)
    assert outcomes.count("stored") == 100
    assert [seq for _, _, seq in numbers(store)] == list(range(1, 101))
    assert list(store.received("pole-7", "e1")) == [(1, 100)]


def test_an_empty_batch_is_no_trouble(make_store: MakeStore) -> None:
    """Nothing in, nothing out."""
    store = make_store()
    assert list(store.add([])) == []
    assert numbers(store) == []


def test_a_batch_is_stored_whole_or_not_at_all(make_store: MakeStore) -> None:
    """If one read of a batch cannot be written, none of it was, and all of it can be stored later."""
    store = make_store()
    unwritable = msgspec.structs.replace(arrival(2), epoch="\ud800")  # a lone surrogate, which no database takes as text
    with pytest.raises(StoreError):
        store.add([arrival(1), unwritable])
    assert numbers(store) == []
    assert list(store.add([arrival(1)])) == ["stored"]


def test_reads_can_be_listed_while_more_are_stored(make_store: MakeStore) -> None:
    """A listing over many pages neither blocks nor repeats."""
    store = make_store()
    store.add([arrival(n) for n in range(1, 1201)])
    listing = store.reads()
    first = next(listing)
    store.add([arrival(1201)])
    assert [first.seq, *(row.seq for row in listing)] == list(range(1, 1202))


def test_after_closing_nothing_works_any_more(make_store: MakeStore) -> None:
    """A closed store says so instead of answering with nothing."""
    store = make_store()
    store.close()
    store.close()
    for call in (lambda: store.add([arrival(1)]), lambda: store.received("a", "b"), lambda: list(store.reads())):
        with pytest.raises(StoreError, match="closed"):
            call()


def test_writers_side_by_side_store_each_read_once(make_store: MakeStore) -> None:
    """Four workers race with the same shuffled messages of three devices: one row each, one `stored` each, ranges whole."""
    sent = [arrival(n, device=f"pole-{d}") for d in range(3) for n in range(1, 81)]

    def work(chance: random.Random) -> list[str]:
        store = make_store()
        mine = chance.sample(sent, len(sent))
        outcomes: list[str] = []
        while mine:
            batch = [mine.pop() for _ in range(min(len(mine), chance.randint(1, 30)))]
            outcomes += store.add(batch)
        return outcomes

    with ThreadPoolExecutor(4) as pool:
        said = Counter(outcome for outcomes in pool.map(work, map(random.Random, range(4))) for outcome in outcomes)
    assert said == {"stored": len(sent), "duplicate": 3 * len(sent)}
    store = make_store()
    assert numbers(store) == sorted((each.device, each.epoch, each.seq) for each in sent)
    assert [list(store.received(f"pole-{d}", "e1")) for d in range(3)] == [[(1, 80)]] * 3


def test_racing_writers_with_other_bytes_agree_on_one(make_store: MakeStore) -> None:
    """Two units under one name send at the same moment: for each number one is stored, the other is an alarm."""

    def work(content: str) -> list[str]:
        store = make_store()
        return [outcome for n in range(1, 61) for outcome in store.add([arrival(n, content=content)])]

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(work, ("one", "other"))
    assert all({a, b} == {"stored", "conflict"} for a, b in zip(one, other, strict=True))
    store = make_store()
    assert list(store.received("pole-7", "e1")) == []
    assert list(store.conflicts("pole-7", "e1")) == list(range(1, 61))


def test_a_replay_of_everything_adds_nothing(make_store: MakeStore) -> None:
    """Ten thousand reads come again, as after a restored outbox: all duplicates."""
    store = make_store()
    sent = [arrival(n, device=f"pole-{n % 7}") for n in range(1, 10_001)]
    batches = [sent[at : at + 500] for at in range(0, len(sent), 500)]
    assert {outcome for batch in batches for outcome in store.add(batch)} == {"stored"}
    assert {outcome for batch in batches for outcome in store.add(batch)} == {"duplicate"}
    assert len(numbers(store)) == 10_000


def test_reads_that_are_to_be_deleted_on_many_days_lie_in_one_store(make_store: MakeStore) -> None:
    """Labels differ in how long they let a read live; nobody who asks the store notices."""
    store = make_store()
    sent = [arrival(n, lives=timedelta(days=n * 7 % 30)) for n in range(1, 91)]
    random.Random(3).shuffle(sent)
    assert set(store.add(sent)) == {"stored"}
    assert [seq for _, _, seq in numbers(store)] == list(range(1, 91))
    assert list(store.received("pole-7", "e1")) == [(1, 90)]
    assert set(store.add(sent)) == {"duplicate"}


def test_the_same_number_with_another_time_to_live_is_a_conflict(make_store: MakeStore) -> None:
    """One row per number over all days of deletion."""
    store = make_store()
    store.add([arrival(1)])
    assert list(store.add([arrival(1, content="forged", lives=timedelta(days=1))])) == ["conflict"]
    assert [row.labeled.label.delete_after for row in store.reads()] == [START + timedelta(days=14)]


WEST, EAST, NO_TIME = timezone(-timedelta(hours=12)), timezone(timedelta(hours=12)), timedelta()
STRANGE = {
    "the largest number": lambda: arrival(2**63 - 1),
    "a zero byte in the epoch": lambda: arrival(1, epoch="a\0b\\"),
    "a zero byte in the text": lambda: arrival(1, text="A\0B"),
    "a text of 100,000 characters": lambda: arrival(1, text="A1" * 50_000),
    "the end of the calendar in the far west": lambda: arrival(1, at=datetime(9999, 12, 31, 23, tzinfo=WEST), lives=NO_TIME),
    "the beginning of the calendar in the far east": lambda: arrival(1, at=datetime(1, 1, 1, tzinfo=EAST), lives=NO_TIME),
    "a time without a zone": lambda: arrival(1, at=datetime(2026, 11, 20)),
}  # fmt: skip


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE.keys())
def test_whatever_a_device_can_sign_can_be_stored(make_store: MakeStore, strange: Callable[[], Arrival]) -> None:
    """What could not be stored would come back for ever and keep all other reads waiting."""
    store, one = make_store(), strange()
    assert list(store.add([one, arrival(2)])) == ["stored", "stored"]
    assert list(store.add([one])) == ["duplicate"]
    assert list(store.received(one.device, one.epoch))[-1][1] == max(one.seq, 2 if one.epoch == "e1" else 0)
    assert one.labeled in [row.labeled for row in store.reads()]
    assert (one.device, one.epoch, one.seq) in numbers(store)
