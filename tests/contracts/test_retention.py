"""What every store promises about deleting and holding, whatever keeps the reads."""

from __future__ import annotations

import hashlib
import random
import threading
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from edge.errors import EnvelopeError, StoreError
from edge.store.book import Entry, check_book
from edge.store.interface import Deletion, Event, HoldOver, HoldPlaced, Signed
from tests.labeled import AGENCY, START
from tests.stores import KEEPER, MakeStore, arrival, checked_book, numbers, order, seqs

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def run_until(store: Any, end: datetime, step: timedelta = 6 * DAY, start: datetime = START) -> int:
    """Retention as it runs at an agency, only less often; how many reads it deleted until ``end``, where it runs last."""
    deleted, at = 0, start
    while True:
        event = store.expire(min(at, end), KEEPER)
        deleted += 0 if event is None else event.reads
        if at >= end:
            return deleted
        at += step


@pytest.mark.parametrize("lives", [timedelta(hours=24), timedelta(days=21), timedelta(minutes=3)])
def test_a_read_goes_within_the_hour_after_its_time_and_not_before(make_store: MakeStore, lives: timedelta) -> None:
    """Retention that runs every quarter of an hour deletes a read at most 45 minutes late, and never early."""
    store = make_store()
    store.add([arrival(1, lives=lives), arrival(2, lives=lives + timedelta(days=5))])
    due = START + lives
    run_until(store, due - timedelta(milliseconds=1))
    assert seqs(store) == [1, 2]
    for minutes in (0, 15, 30, 45):
        store.expire(due + minutes * MINUTE, KEEPER)
    assert seqs(store) == [2]


def test_of_many_reads_exactly_those_go_whose_time_has_passed(make_store: MakeStore) -> None:
    """Several days, half hours, devices and rules; retention runs now and then."""
    store, chance = make_store(), random.Random(5)
    sent = [arrival(n, device=f"pole-{n % 3}", lives=timedelta(minutes=chance.randint(1, 4 * 24 * 60))) for n in range(1, 301)]
    for at in range(0, 300, 50):
        store.add(sent[at : at + 50])
    deleted = 0
    for hours in (0, 5, 11, 12, 13, 24, 36, 37, 61, 90):
        at = START + timedelta(hours=hours)
        event = store.expire(at, KEEPER)
        deleted += 0 if event is None else event.reads
        left = {(row.device, row.seq): row.labeled.label.delete_after for row in store.reads()}
        assert all(due > at - timedelta(minutes=30) for due in left.values())
        assert {(a.device, a.seq) for a in sent if a.labeled.label.delete_after > at} <= left.keys()
        assert deleted == len(sent) - len(left)
    assert checked_book(store).reads_deleted == deleted


def test_what_was_deleted_never_comes_back(make_store: MakeStore) -> None:
    """A replay of a deleted read is a duplicate, other bytes under its number an alarm; receipts still name it."""
    store = make_store()
    sent = [arrival(n) for n in range(1, 6)]
    store.add(sent)
    assert run_until(store, START + 15 * DAY) == 5
    assert seqs(store) == []
    assert list(store.add(sent)) == ["duplicate"] * 5
    assert list(store.add([arrival(3, content="forged", lives=100 * DAY)])) == ["conflict"]
    assert seqs(store) == []
    store.close()
    store = make_store()
    assert list(store.received("pole-7", "e1")) == [(1, 2), (4, 5)]
    assert store.expire(START + 16 * DAY, KEEPER) is None


def test_a_read_that_arrives_after_its_time_is_taken_and_goes_with_the_next_run(make_store: MakeStore) -> None:
    """A unit that was away for a month is told that its reads are stored, once; nothing of them stays."""
    store = make_store()
    late = [arrival(n, at=START - 40 * DAY) for n in (1, 2)]
    assert list(store.add(late)) == ["stored", "stored"]
    event = store.expire(START, KEEPER)
    assert event is not None and event.reads == 2
    assert list(store.add(late)) == ["duplicate", "duplicate"]
    assert seqs(store) == []


def test_a_hold_keeps_its_reads_and_no_other(make_store: MakeStore) -> None:
    """A warrant keeps two reads beyond their time until it ends; then they go by themselves."""
    store = make_store()
    store.add([arrival(n) for n in range(1, 6)])
    placed = store.hold(order(2, 4, days=30), START + 3 * DAY, KEEPER)
    assert run_until(store, START + 20 * DAY) == 3
    assert seqs(store) == [2, 4]
    store.close()
    store = make_store()
    assert [hold.id for hold in store.holds() if hold.over is None] == [placed.id]
    assert next(iter(store.reads())).labeled == arrival(2).labeled
    assert run_until(store, START + 31 * DAY, start=START + 20 * DAY) == 2
    assert seqs(store) == []
    assert [hold.over for hold in store.holds()] != [None]


def test_a_released_hold_lets_its_reads_go(make_store: MakeStore) -> None:
    """Released by somebody for a reason: what is past its time goes with the next run, what is not stays until then."""
    store = make_store()
    store.add([arrival(1), arrival(2, lives=25 * DAY)])
    hold = store.hold(order(1, 2), START, KEEPER)
    run_until(store, START + 20 * DAY)
    assert seqs(store) == [1, 2]
    store.release(hold.id, "Lt. Example", "case closed", START + 20 * DAY, KEEPER)
    store.expire(START + 20 * DAY, KEEPER)
    assert seqs(store) == [2]
    run_until(store, START + 26 * DAY, start=START + 20 * DAY)
    assert seqs(store) == []
    with pytest.raises(StoreError, match="it is over"):
        store.release(hold.id, "Lt. Example", "again", START + 26 * DAY, KEEPER)
    with pytest.raises(StoreError, match="none of this id"):
        store.release("0" * 12, "Lt. Example", "which?", START + 26 * DAY, KEEPER)


def test_a_read_stays_until_its_last_hold_is_over(make_store: MakeStore) -> None:
    """Two authorities hold one read; it can be held again while it is held, though its own time has passed."""
    store = make_store()
    store.add([arrival(1)])
    store.hold(order(1, days=20), START, KEEPER)
    run_until(store, START + 18 * DAY)
    store.hold(order(1, days=40, authority="court-order"), START + 18 * DAY, KEEPER)
    run_until(store, START + 36 * DAY, start=START + 18 * DAY)
    assert seqs(store) == [1]
    run_until(store, START + 42 * DAY, start=START + 36 * DAY)
    assert seqs(store) == []


ORDERS = {
    "a read that is not there": ({"reads": ("r-pole-7-99",)}, "r-pole-7-99 is not in this store"),
    "an authority that the law does not name": ({"authority": "toll"}, "does not let `toll` keep it longer; warrant, court"),
    "no case number": ({"case": "  "}, "no case number"),
    "nobody who approved": ({"approver": ""}, "no approver"),
    "no read": ({"reads": ()}, "names no read"),
    "an end in the past": ({"ends": START - DAY}, "it has ended"),
    "a beginning in the future": ({"begins": START + 5 * DAY}, "begins in the future"),
    "a read whose time has passed": ({"reads": ("r-pole-7-1", "r-pole-7-2")}, "the time of read r-pole-7-2 has passed"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "why"), ORDERS.values(), ids=ORDERS.keys())
def test_an_order_that_lifts_nothing_is_refused(make_store: MakeStore, change: dict[str, Any], why: str) -> None:
    """Without what the label asks for, nothing is held, not even in part, and nothing is written down."""
    store = make_store()
    store.add([arrival(1), arrival(2, lives=timedelta(hours=1))])
    with pytest.raises(StoreError, match=why):
        store.hold(msgspec.structs.replace(order(1), **change), START + timedelta(hours=2), KEEPER)
    assert list(store.holds()) == []
    assert checked_book(store).entries == ()


def test_a_label_that_nothing_lifts_cannot_be_held(make_store: MakeStore) -> None:
    """Where the law knows no exception, no paper keeps a read longer."""
    store = make_store()
    store.add([arrival(1, lifts=())])
    with pytest.raises(StoreError, match="nothing would"):
        store.hold(order(1), START, KEEPER)


def test_the_book_says_what_was_deleted_and_held_and_holds_no_plate(make_store: MakeStore) -> None:
    """Signed entries, one upon the other: the hold, the deletion with its numbers and rules, the hold's end, the rest."""
    store = make_store()
    store.add([arrival(n, text="CANARY7") for n in (1, 2, 3, 5)] + [arrival(8, device="pole-8", text="CANARY8")])
    hold = store.hold(order(2, days=20), START, KEEPER)
    run_until(store, START + 15 * DAY)
    run_until(store, START + 21 * DAY, start=START + 15 * DAY)
    report = checked_book(store)
    assert report.findings == ()
    placed, first, over, second = (entry.event for entry in report.entries)
    assert isinstance(placed, HoldPlaced) and placed.order == order(2, days=20)
    assert isinstance(first, Deletion) and isinstance(second, Deletion) and isinstance(over, HoldOver)
    (under,) = first.deleted
    assert (under.ruling.packs, under.ruling.rules, under.reads) == (("test 1",), ("keep-14-days",), 4)
    told = {(each.device, each.epoch): each.ranges for each in under.numbers}
    assert told == {("pole-7", "e1"): ((1, 1), (3, 3), (5, 5)), ("pole-8", "e1"): ((8, 8),)}
    assert (over.hold, over.by) == (hold.id, "")
    assert [each.ranges for each in second.deleted[0].numbers] == [((2, 2),)]
    assert report.reads_deleted == 5
    assert not any(b"CANARY" in signed.body for signed in store.book())


def test_a_book_that_was_tampered_with_is_found_out(make_store: MakeStore) -> None:
    """An entry changed, left out, put elsewhere or written by another: each is named."""
    store = make_store()
    store.add([arrival(n, lives=n * DAY) for n in range(1, 5)])
    run_until(store, START + 6 * DAY, DAY)
    book = list(store.book())
    assert len(book) == 4

    def wrong(entries: list[Signed], agency: str = AGENCY) -> set[int]:
        def verify(body: bytes, signature: bytes) -> None:
            if Signed(body=body, signature=signature) not in book:
                raise EnvelopeError("signature", "verify signature: not the agency's")

        return {finding.entry for finding in check_book(entries, agency, verify).findings}

    changed = Signed(body=book[1].body.replace(b'"reads":1', b'"reads":0'), signature=book[1].signature)
    assert wrong(book) == set()
    assert wrong([book[0], changed, *book[2:]]) == {2, 3}
    assert wrong([book[0], *book[2:]]) == {2, 3}
    assert wrong([book[1], book[0], *book[2:]]) == {1, 2, 3}
    assert wrong(book, "otherville") == {1, 2, 3, 4}
    assert checked_book(store).last_sha256 == hashlib.sha256(book[-1].body).hexdigest()


class FailingKeeper:
    """Cannot sign for a while, as if the run were cut off just before its end."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def write(self, before: Signed | None, at: datetime, event: Event) -> Signed:
        if self.failures:
            self.failures -= 1
            raise StoreError("sign: the key is away")
        return KEEPER.write(before, at, event)


def test_a_run_that_is_cut_off_is_finished_and_stated_once(make_store: MakeStore) -> None:
    """Reads are gone and the statement could not be signed: the next run states them, in one count with its own."""
    store, keeper = make_store(), FailingKeeper(2)
    store.add([arrival(1, lives=DAY), arrival(2, lives=2 * DAY), arrival(3, lives=9 * DAY)])
    for days in (1.1, 2.1):
        with pytest.raises(StoreError, match="key is away"):
            store.expire(START + days * DAY, keeper)
    assert seqs(store) == [3]
    assert checked_book(store).entries == ()
    store.close()
    store = make_store()
    event = store.expire(START + 3 * DAY, keeper)
    assert event is not None and event.reads == 2
    assert checked_book(store).reads_deleted == 2
    assert store.expire(START + 3 * DAY, keeper) is None


def test_a_clock_that_has_jumped_deletes_nothing(make_store: MakeStore) -> None:
    """A run far beyond the last one is refused until a person has looked at the clock."""
    store = make_store()
    store.add([arrival(1)])
    store.expire(START, KEEPER)
    years = START + 3650 * DAY
    for _ in range(2):
        with pytest.raises(StoreError, match="clock"):
            store.expire(years, KEEPER)
    assert seqs(store) == [1]
    store.trust_clock(years)
    store.expire(years, KEEPER)
    assert seqs(store) == []


def test_reads_are_stored_while_others_are_deleted(make_store: MakeStore) -> None:
    """Writers and retention work on the same days at once: nothing is lost, nothing deleted early, nothing stated twice."""
    store, cleaner = make_store(), make_store()
    ended = threading.Event()
    events: list[Deletion] = []
    failures: list[Exception] = []

    def clean() -> None:
        minutes = 0
        while not ended.is_set():
            minutes += 15
            try:
                event = cleaner.expire(START + min(minutes, 13 * 60) * MINUTE, KEEPER)
            except StoreError as error:  # a lock that was not to be had: the next run tries again
                failures.append(error)
                continue
            events.extend([] if event is None else [event])

    thread = threading.Thread(target=clean)
    thread.start()
    sent = [arrival(n, lives=timedelta(minutes=n * 37 % (26 * 60))) for n in range(1, 601)]
    try:
        for at in range(0, 600, 10):
            assert set(store.add(sent[at : at + 10])) == {"stored"}
    finally:
        ended.set()
        thread.join()
    store.expire(START + 13 * 60 * MINUTE, KEEPER)
    cut = START + 13 * 60 * MINUTE
    left = [each.seq for each in sent if each.labeled.label.delete_after > cut - 30 * MINUTE]
    must_stay = [each.seq for each in sent if each.labeled.label.delete_after > cut]
    assert set(must_stay) <= set(seqs(store)) <= set(left)
    assert checked_book(store).reads_deleted == 600 - len(numbers(store))
    assert set(store.add(sent)) == {"duplicate"}
    assert all("lock" in str(error) for error in failures)


@pytest.mark.parametrize("seed", range(3))
def test_any_history_ends_as_the_rules_say(make_store: MakeStore, seed: int) -> None:
    """Random arrivals, holds, releases and runs against a plain model of the rules."""
    chance, store, at = random.Random(seed), make_store(), START
    due: dict[int, datetime] = {}
    holds: dict[str, tuple[set[int], datetime]] = {}
    gone: set[int] = set()
    for step in range(40):
        at += timedelta(hours=chance.choice([0, 1, 7, 20]))
        batch = [
            arrival(10 * step + n, at=at, lives=timedelta(hours=chance.randint(0, 80))) for n in range(1, chance.randint(1, 7))
        ]
        store.add([msgspec.structs.replace(each, received=at) for each in batch])
        due |= {each.seq: each.labeled.label.delete_after for each in batch}
        alive = [n for n, until in due.items() if until > at]
        if alive and chance.random() < 0.3:
            some = chance.sample(alive, min(2, len(alive)))
            paper = msgspec.structs.replace(order(*some), begins=at, ends=at + timedelta(hours=chance.randint(1, 90)))
            holds[store.hold(paper, at, KEEPER).id] = (set(some), paper.ends)
        if holds and chance.random() < 0.15:
            _, ends = holds.pop(which := chance.choice(list(holds)))
            if ends > at:
                store.release(which, "Lt. Example", "done", at, KEEPER)
        if chance.random() < 0.7:
            store.expire(at, KEEPER)
            held = {n for reads, ends in holds.values() if ends > at for n in reads} - gone
            found = set(seqs(store))
            assert {n for n, until in due.items() if until > at} | held <= found
            assert found <= {n for n, until in due.items() if until > at - 30 * MINUTE} | held
            gone = due.keys() - found
    report = checked_book(store)
    assert report.findings == ()
    assert report.reads_deleted == len(gone)


def test_an_entry_says_when_and_whose_it_is(make_store: MakeStore) -> None:
    """The signed bytes are JSON that a court can read without this program."""
    store = make_store()
    store.add([arrival(1, lives=DAY)])
    store.expire(START + 2 * DAY, KEEPER)
    (signed,) = store.book()
    entry = msgspec.json.decode(signed.body, type=Entry)
    assert (entry.agency, entry.number, entry.previous, entry.at) == (AGENCY, 1, "0" * 64, START + 2 * DAY)
    assert msgspec.json.decode(signed.body)["event"]["what"] == "deletion"
