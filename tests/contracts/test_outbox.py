"""What every outbox promises, whatever it keeps envelopes in."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from edge.errors import OutboxError
from edge.outbox.interface import Outbox
from edge.outbox.sqlite import SqliteOutbox
from edge.records import Envelope, SealedCopy, Slot
from tests.clocks import HandClock
from tests.labeled import START

MakeOutbox = Callable[[], Outbox]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=["sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> Iterator[MakeOutbox]:
    """Opens the same outbox anew each time, as a restart does."""
    opened: list[Outbox] = []

    def open_one() -> Outbox:
        assert request.param == "sqlite"
        outbox = SqliteOutbox(tmp_path / "outbox.sqlite", clock=clock, budget_bytes=4 << 20, reserve_bytes=1 << 16)
        opened.append(outbox)
        return outbox

    yield open_one
    for outbox in opened:
        outbox.close()


def envelope(slot: Slot, *parties: str, lives: timedelta = timedelta(days=14)) -> Envelope:
    """A read of which each of ``parties`` gets a copy."""
    copies = tuple(SealedCopy(party=party, wire=f"copy {slot.seq} for {party}".encode()) for party in parties)
    return Envelope(
        slot=slot,
        read_id=f"r-{slot.seq}",
        expires=START + lives,
        hit=slot.seq % 2 == 0,
        wire=f"sealed {slot.seq}".encode(),
        copies=copies,
    )


def fill(outbox: Outbox, count: int, *parties: str) -> list[Envelope]:
    kept = []
    for _ in range(count):
        kept.append(envelope(outbox.next_slot(), *parties))
        outbox.put(kept[-1])
    return kept


def test_numbers_begin_at_one_and_the_chain_at_zeros(make: MakeOutbox) -> None:
    """The first slot of an epoch follows nothing."""
    slot = make().next_slot()
    assert (slot.seq, slot.previous) == (1, bytes(32))
    assert slot.epoch


def test_each_slot_names_the_envelope_before_it(make: MakeOutbox) -> None:
    """Every envelope is bound to the bytes of its predecessor."""
    outbox = make()
    first, _ = fill(outbox, 2)
    assert outbox.waiting(after=1, limit=1)[0].slot.previous == hashlib.sha256(first.wire).digest()


def test_what_was_put_comes_back_as_it_was(make: MakeOutbox) -> None:
    """Every field survives, in order."""
    outbox = make()
    kept = fill(outbox, 5)
    assert list(outbox.waiting(after=0, limit=10)) == kept
    assert list(outbox.waiting(after=2, limit=2)) == kept[2:4]
    assert list(outbox.waiting_numbers()) == [1, 2, 3, 4, 5]


def test_a_restart_finds_everything_and_goes_on_counting(make: MakeOutbox) -> None:
    """The epoch, the numbers and the chain go on where they stopped."""
    outbox = make()
    kept, slot = fill(outbox, 3), outbox.next_slot()
    outbox.close()
    outbox = make()
    assert list(outbox.waiting(after=0, limit=10)) == kept
    assert outbox.next_slot() == slot


def test_pruning_to_nothing_does_not_reset_the_numbers(make: MakeOutbox) -> None:
    """A number names one read for ever."""
    outbox = make()
    fill(outbox, 3)
    slot = outbox.next_slot()
    assert outbox.prune(slot.epoch, [(1, 3)]) == 3
    outbox.close()
    assert make().next_slot() == slot


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda slot: Slot(epoch=slot.epoch, seq=slot.seq + 1, previous=slot.previous), id="number skipped"),
        pytest.param(lambda slot: Slot(epoch=slot.epoch, seq=slot.seq - 1, previous=slot.previous), id="number reused"),
        pytest.param(lambda slot: Slot(epoch="another", seq=slot.seq, previous=slot.previous), id="another epoch"),
        pytest.param(lambda slot: Slot(epoch=slot.epoch, seq=slot.seq, previous=b"x" * 32), id="another predecessor"),
    ],
)
def test_only_the_next_slot_is_taken(make: MakeOutbox, wrong: Callable[[Slot], Slot]) -> None:
    """A gap, a fork or a mix of epochs cannot come about; the outbox is as before."""
    outbox = make()
    fill(outbox, 2)
    slot = outbox.next_slot()
    with pytest.raises(OutboxError):
        outbox.put(envelope(wrong(slot)))
    assert outbox.next_slot() == slot
    assert outbox.backlog().committed == 2


def test_pruning_forgets_what_the_ranges_name_and_nothing_else(make: MakeOutbox) -> None:
    """Ranges are inclusive, may reach beyond what is there, and count only what was."""
    outbox = make()
    fill(outbox, 10)
    epoch = outbox.next_slot().epoch
    assert outbox.prune(epoch, [(1, 3), (5, 5), (9, 99)]) == 6
    assert list(outbox.waiting_numbers()) == [4, 6, 7, 8]
    assert outbox.prune(epoch, [(1, 3), (5, 5)]) == 0


def test_another_epochs_receipt_prunes_nothing(make: MakeOutbox) -> None:
    """Numbers mean something within their epoch only."""
    outbox = make()
    fill(outbox, 3)
    assert outbox.prune("another", [(1, 3)]) == 0
    assert outbox.backlog().waiting == 3


def test_the_account_closes(make: MakeOutbox, clock: HandClock) -> None:
    """Committed is waiting plus pruned plus expired, and the bytes are those of what waits."""
    outbox = make()
    kept = fill(outbox, 6)
    outbox.put(envelope(outbox.next_slot(), lives=timedelta(minutes=3)))
    outbox.prune(outbox.next_slot().epoch, [(1, 2)])
    clock.wait(timedelta(minutes=4))
    assert outbox.expire() == 1
    backlog = outbox.backlog()
    assert (backlog.committed, backlog.waiting, backlog.pruned, backlog.expired) == (7, 4, 2, 1)
    assert backlog.bytes == sum(len(one.wire) for one in kept[2:])
    assert backlog.oldest == START


def test_what_the_label_says_is_deleted_on_time(make: MakeOutbox, clock: HandClock) -> None:
    """Three minutes are three minutes, also for a read that could not be delivered."""
    outbox = make()
    outbox.put(envelope(outbox.next_slot(), lives=timedelta(minutes=3)))
    clock.wait(timedelta(seconds=179))
    assert outbox.expire() == 0
    clock.wait(timedelta(seconds=1))
    assert outbox.expire() == 1
    assert list(outbox.waiting_numbers()) == []


def test_whichever_read_is_over_first_is_deleted_first(make: MakeOutbox, clock: HandClock) -> None:
    """However they came and were looked for meanwhile, in one life of the process and in the next."""
    outbox = make()
    for minutes in (9, 3, 6, 1):
        outbox.put(envelope(outbox.next_slot(), lives=timedelta(minutes=minutes)))
        assert outbox.expire() == 0
    for left in ([1, 2, 3], [1, 2, 3], [1, 3], [1, 3], [1, 3], [1]):
        clock.wait(timedelta(minutes=1))
        outbox.expire()
        assert list(outbox.waiting_numbers()) == left
        outbox.put(envelope(outbox.next_slot(), lives=timedelta(minutes=2)))
        outbox.prune(outbox.next_slot().epoch, [(outbox.next_slot().seq - 1,) * 2])
    outbox.close()
    outbox = make()
    clock.wait(timedelta(minutes=3))
    assert outbox.expire() == 1


@pytest.mark.parametrize("years", [-50, 10])
def test_a_jump_of_the_clock_deletes_nothing(make: MakeOutbox, clock: HandClock, years: int) -> None:
    """Neither a wake-up in 1976 nor a wrong correction by ten years is a reason to forget."""
    outbox = make()
    fill(outbox, 3)
    clock.jump(timedelta(days=365 * years))
    assert outbox.expire() == 0


def test_after_a_reboot_only_a_synchronised_clock_deletes(make: MakeOutbox, clock: HandClock) -> None:
    """The age of a row of an earlier boot is known by the wall clock alone, and that must be good."""
    outbox = make()
    fill(outbox, 3)
    outbox.close()
    clock.reboot()
    clock.jump(timedelta(days=15))
    clock.source = "unset"
    outbox = make()
    assert outbox.expire() == 0
    clock.source = "ntp"
    assert outbox.expire() == 3


def test_copies_come_back_with_their_read_and_with_no_other(make: MakeOutbox) -> None:
    """Each read brings its own, in the order in which they were put, after a restart too."""
    outbox = make()
    kept = [*fill(outbox, 1, "otherville", "hamden"), *fill(outbox, 2), *fill(outbox, 1, "hamden")]
    outbox.close()
    outbox = make()
    assert list(outbox.waiting(after=0, limit=10)) == kept
    assert list(outbox.waiting(after=1, limit=2)) == kept[1:3]
    assert list(outbox.waiting_numbers()) == [1, 2, 3, 4], "a copy takes no number of its own"


def test_copies_are_no_part_of_the_chain(make: MakeOutbox) -> None:
    """A read's successor names the read, whoever else got it."""
    outbox = make()
    (first,) = fill(outbox, 1, "otherville")
    assert outbox.next_slot().previous == hashlib.sha256(first.wire).digest()


def test_copies_go_with_their_read(make: MakeOutbox, clock: HandClock) -> None:
    """Whether a receipt prunes it or its label says so; the account counts reads, and copies and bytes beside them."""
    outbox = make()
    fill(outbox, 3, "otherville", "hamden")
    outbox.put(envelope(outbox.next_slot(), "otherville", lives=timedelta(minutes=3)))
    kept = fill(outbox, 2, "hamden")
    assert (outbox.backlog().waiting, outbox.backlog().copies) == (6, 9)
    outbox.prune(outbox.next_slot().epoch, [(1, 3)])
    assert (outbox.backlog().waiting, outbox.backlog().copies) == (3, 3)
    clock.wait(timedelta(minutes=4))
    assert outbox.expire() == 1
    backlog = outbox.backlog()
    assert (backlog.committed, backlog.waiting, backlog.pruned, backlog.expired, backlog.copies) == (6, 2, 3, 1, 2)
    assert backlog.bytes == sum(len(one.wire) + len(one.copies[0].wire) for one in kept)


def test_a_read_that_is_not_taken_leaves_no_copy_behind(make: MakeOutbox) -> None:
    """All or none."""
    outbox = make()
    slot = outbox.next_slot()
    with pytest.raises(OutboxError):
        outbox.put(envelope(Slot(epoch=slot.epoch, seq=slot.seq, previous=b"x" * 32), "otherville"))
    assert outbox.backlog().copies == 0
    fill(outbox, 1)
    assert outbox.waiting(after=0, limit=1)[0].copies == ()


def test_several_are_kept_as_one(make: MakeOutbox) -> None:
    """Each in the slot after the one before it, and after a restart all of them are there."""
    outbox = make()
    fill(outbox, 1)
    first = envelope(outbox.next_slot(), "otherville")
    second = envelope(first.following)
    outbox.put_all([first, second, envelope(second.following, "hamden")])
    slot = outbox.next_slot()
    assert (slot.seq, slot.previous) == (5, hashlib.sha256(b"sealed 4").digest())
    outbox.close()
    outbox = make()
    assert list(outbox.waiting(after=1, limit=2)) == [first, second]
    assert outbox.backlog().committed == 4


def test_of_several_that_do_not_follow_each_other_none_is_kept(make: MakeOutbox) -> None:
    """All or none."""
    outbox = make()
    first = envelope(outbox.next_slot(), "otherville")
    with pytest.raises(OutboxError):
        outbox.put_all([first, first])
    assert (outbox.backlog().committed, outbox.backlog().copies) == (0, 0)
    outbox.put(first)


def test_both_lanes_may_use_it_at_once(make: MakeOutbox) -> None:
    """One lane puts while the other reads and prunes; nothing is lost and nothing is seen twice."""
    outbox = make()
    epoch, seen, done = outbox.next_slot().epoch, [], threading.Event()

    def lane_2() -> None:
        while True:
            over = done.is_set()
            for one in outbox.waiting(after=0, limit=7):
                seen.append(one.slot.seq)
                outbox.prune(epoch, [(one.slot.seq, one.slot.seq)])
            if over and outbox.backlog().waiting == 0:
                return

    other = threading.Thread(target=lane_2)
    other.start()
    fill(outbox, 200)
    done.set()
    other.join(timeout=60)
    assert seen == list(range(1, 201))


def test_after_closing_nothing_works_any_more(make: MakeOutbox) -> None:
    """A closed outbox says so instead of forgetting silently."""
    outbox = make()
    slot = outbox.next_slot()
    outbox.close()
    outbox.close()
    for call in (outbox.next_slot, outbox.backlog, outbox.expire, lambda: outbox.put(envelope(slot))):
        with pytest.raises(OutboxError, match="closed"):
            call()
