"""When units get their receipts."""

from __future__ import annotations

from edge.ingest.owed import Owing


def keys(owing: Owing, now_s: float) -> list[tuple[str, str]]:
    return [(owed.device, owed.epoch) for owed in owing.take(now_s)]


def test_the_first_receipt_goes_at_once_and_the_next_when_it_may() -> None:
    """A camera with a car a minute never waits; one that drains a backlog gets one receipt for many reads."""
    owing = Owing(0.5)
    owing.add("pole-7", "e", [1])
    assert keys(owing, 100.0) == [("pole-7", "e")]
    owing.add("pole-7", "e", [2])
    owing.add("pole-7", "e", [3])
    assert owing.wait_s(100.2) is not None and keys(owing, 100.2) == []
    assert [owed.seqs for owed in owing.take(100.5)] == [{2, 3}]


def test_each_unit_and_epoch_has_a_pace_of_its_own() -> None:
    """One that sends much does not keep another waiting."""
    owing = Owing(0.5)
    owing.add("pole-7", "e", [1])
    assert keys(owing, 100.0) == [("pole-7", "e")]
    owing.add("pole-7", "e", [2])
    owing.add("pole-7", "f", [1])
    owing.add("pole-8", "e", [1])
    assert keys(owing, 100.1) == [("pole-7", "f"), ("pole-8", "e")]


def test_it_says_how_long_to_wait() -> None:
    """Nothing owed, nothing to wait for; never less than nothing."""
    owing = Owing(0.5)
    assert owing.wait_s(100.0) is None
    owing.add("pole-7", "e", [1])
    assert owing.wait_s(100.0) == 0.0
    owing.take(100.0)
    owing.add("pole-7", "e", [2])
    assert owing.wait_s(100.25) == 0.25
    assert owing.wait_s(200.0) == 0.0


def test_at_the_end_all_goes() -> None:
    """A process that is told to stop does not leave units to send everything again."""
    owing = Owing(60.0)
    owing.add("pole-7", "e", [1])
    owing.take(100.0)
    owing.add("pole-7", "e", [2], [(5, 6)])
    assert [(owed.seqs, owed.buried) for owed in owing.take_all()] == [({2}, [(5, 6)])]
    assert owing.take_all() == []


def test_what_is_owed_has_a_bound() -> None:
    """Numbers that a receipt has no room for are not remembered; the newest are."""
    owing = Owing(60.0)
    for n in range(1, 2001):
        owing.add("pole-7", "e", [n])
    (owed,) = owing.take(0.0)
    assert max(owed.seqs) == 2000
    assert len(owed.seqs) <= 512
