"""How the most cameras are found."""

from __future__ import annotations

import pytest

from edge.bench.line.record import Probe
from edge.bench.line.search import most_cameras, with_few_drops


def machine(capacity: int, tries: list[int]) -> object:
    def probe(cameras: int) -> Probe:
        tries.append(cameras)
        over = max(0, cameras - capacity)
        return Probe(cameras=cameras, seconds=20, due=600 * cameras, dropped=over * 30)

    return probe


@pytest.mark.parametrize("capacity", [0, 1, 2, 3, 7, 10, 31, 64, 100])
@pytest.mark.parametrize("guess", [0, 1, 5, 12, 90])
def test_the_most_cameras_without_a_drop_are_found_from_any_guess(capacity: int, guess: int) -> None:
    """Exactly, up to the bound, each number tried once and not many of them."""
    tries: list[int] = []
    found, probes = most_cameras(machine(capacity, tries), guess, at_most=64)  # type: ignore[arg-type]
    assert found == min(capacity, 64)
    assert len(set(tries)) == len(tries) <= 14
    assert [probe.cameras for probe in probes] == tries


def test_a_good_guess_needs_few_tries() -> None:
    """Each costs half a minute."""
    tries: list[int] = []
    most_cameras(machine(9, tries), 9, at_most=64)  # type: ignore[arg-type]
    assert len(tries) == 2


def test_one_frame_in_a_thousand_is_told_apart() -> None:
    """Some accept so few; the answer without any drop is another one."""
    probes = tuple(Probe(cameras=n, seconds=20, due=10_000, dropped=d) for n, d in ((4, 0), (5, 9), (6, 11)))
    assert with_few_drops(probes) == 5
