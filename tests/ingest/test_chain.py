"""What follows from what arrived and what a unit said: for an honest unit nothing, in whatever order it comes."""

from __future__ import annotations

import hashlib
import random

from hypothesis import given
from hypothesis import strategies as st

from edge.envelope.interface import Standing, Tombstone
from edge.ingest import chain
from edge.ingest.chain import Chain, Life
from edge.ranges import runs
from tests.labeled import AGENCY, DEVICE, START

numbers = st.sets(st.integers(1, 60))
Ranges = list[tuple[int, int]]


def ranges(of: set[int]) -> Ranges:
    return runs(of)


def members(of: Ranges) -> set[int]:
    return {n for first, last in of for n in range(first, last + 1)}


def digest(seq: int, salt: str = "") -> bytes:
    return hashlib.sha256(f"{seq}{salt}".encode()).digest()


def standing(seq: int, to_come: set[int] = frozenset(), **how: object) -> Standing:  # type: ignore[assignment]
    fields: dict[str, object] = {"epoch": "e1", "boot_id": "b1", "boottime_ns": 1, "hash": digest(seq), **how}
    return Standing(agency=AGENCY, device=DEVICE, seq=seq, to_come=tuple(ranges(to_come)), created=START, **fields)  # type: ignore[arg-type]


def tombstone(budget: set[int], expired: set[int]) -> Tombstone:
    return Tombstone(
        agency=AGENCY, device=DEVICE, epoch="e1", budget=tuple(ranges(budget)), expired=tuple(ranges(expired)), created=START
    )


def linked(state: Chain, seq: int, salt: str = "", previous: bytes | None = None) -> list[str]:
    before = digest(seq - 1) if previous is None else previous
    return [found.reason for found in chain.link(state, seq, before, digest(seq, salt))]


@given(st.lists(st.integers(1, 40)), st.randoms(use_true_random=False))
def test_an_honest_chain_fits_in_any_order_with_any_doubles(seqs: list[int], chance: random.Random) -> None:
    """Hits overtake, brokers repeat, links break: no order of arrival makes an honest chain look broken."""
    state = Chain()
    order = [*range(1, 41), *seqs]
    chance.shuffle(order)
    assert [linked(state, seq) for seq in order] == [[]] * len(order)
    assert [(run.first, run.last) for run in state.runs] == [(1, 40)]


@given(st.permutations(list(range(1, 13))), st.integers(2, 11))
def test_one_read_signed_again_breaks_its_links_in_any_order(order: list[int], forged: int) -> None:
    """Whichever comes first, the forged one or its neighbours: it is found, where it is."""
    state, found = Chain(), []
    for seq in order:
        found += [each.first for each in chain.link(state, seq, digest(seq - 1), digest(seq, "!" if seq == forged else ""))]
    assert found == [forged + 1]


@given(numbers, numbers, numbers, numbers, st.integers(0, 60))
def test_every_number_is_in_one_place(
    arrived: set[int], budget: set[int], expired: set[int], to_come: set[int], seq: int
) -> None:
    """For anything that may have arrived, been dropped or been promised, the account adds up, to the unit."""
    state = Chain()
    chain.bury(state, tombstone(budget, expired))
    found = [
        (each.first, each.last)
        for each in chain.stand(state, standing(seq, to_come), ranges(arrived))
        if each.reason == "missing"
    ]
    account = chain.account(state, ranges(arrived), device=DEVICE, epoch="e1", heard=START)
    assert members(found) == set(range(1, seq + 1)) - arrived - budget - expired - to_come
    parts = account.stored + account.dropped + account.expired + account.to_come + account.missing
    beyond = {n for n in budget | expired if n > account.committed and n not in arrived}
    assert account.committed == max([seq, *arrived])
    assert parts == account.committed + len(beyond)
    assert account.missing == len(members(found))


def test_one_word_behind_is_a_suspicion_the_second_a_proof() -> None:
    """A word that was delivered late, behind younger reads, must not be an alarm; one that stays behind is."""
    state = Chain()
    arrived = [(1, 20)]
    assert list(chain.stand(state, standing(15), arrived)) == []
    assert list(chain.stand(state, standing(20), arrived)) == []
    assert list(chain.stand(state, standing(15), arrived)) == []
    (found,) = chain.stand(state, standing(16), arrived)
    assert (found.reason, found.first, found.last) == ("behind", 17, 20)


def test_a_head_that_was_told_binds_the_read_that_comes() -> None:
    """And one that came binds the word that follows."""
    state = Chain()
    list(chain.stand(state, standing(3, {1, 2, 3}), []))
    assert linked(state, 3, salt="forged") == ["rewritten"]
    state = Chain()
    for seq in (1, 2, 3):
        linked(state, seq)
    found = chain.stand(state, standing(3, hash=digest(3, "forged")), [(1, 3)])
    assert [each.reason for each in found] == ["rewritten"]


def test_a_word_heard_twice_or_out_of_its_time_is_no_news() -> None:
    """Within one boot only what is younger counts; of an older boot nothing that was heard before."""
    life = Life()
    first = standing(1, boottime_ns=10)
    assert chain.is_news(life, first)
    assert list(chain.meet(life, "e1", first)) == []
    assert not chain.is_news(life, first)
    assert not chain.is_news(life, standing(1, boottime_ns=9))
    later = standing(1, boot_id="b2", boottime_ns=1)
    assert list(chain.meet(life, "e1", later)) == []
    assert not chain.is_news(life, first)
    assert [found.reason for found in chain.meet(life, "e1", standing(1, boottime_ns=11))] == ["two-at-once"]


def test_a_new_epoch_is_told_by_what_the_unit_says_of_the_one_before() -> None:
    """Damaged or gone, where it names the last that is known here; anything else is nobody's word."""
    for said, expected in (
        (standing(0, epoch="e2", began="damaged", before=("e1",)), "outbox-damaged"),
        (standing(0, epoch="e2", began="damaged"), "outbox-damaged"),
        (standing(0, epoch="e3", began="missing", before=("e2", "e1")), "outbox-missing"),
        (standing(0, epoch="e2", began="missing", before=("e0",)), "epoch-unannounced"),
        (standing(0, epoch="e2"), "epoch-unannounced"),
    ):
        life = Life(epochs=["e1"])
        assert [found.reason for found in chain.meet(life, said.epoch, said)] == [expected]
        assert list(chain.meet(life, said.epoch)) == [], "its reads are no news then"
        assert [found.reason for found in chain.meet(life, "e1")] == ["epoch-back"]


def test_what_an_epoch_may_make_an_agency_remember_is_bounded() -> None:
    """A unit with every second number missing costs a bounded state, and nothing wrong comes of forgetting."""
    state = Chain()
    for seq in range(2, 20_000, 2):
        assert linked(state, seq) == []
    list(chain.stand(state, standing(20_000), [(n, n) for n in range(2, 20_000, 2)]))
    assert len(state.runs) <= 2048
    assert len(state.missing) <= 2048
