"""Units come back soon, and not all at once."""

from __future__ import annotations

import heapq
import random
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest

from edge.reach import Patience, backoff_s, knock, silent_for_s

_CLIENTS = 5000
# A broker does so many TLS handshakes a second and answers in the order in which it is asked.
_HANDSHAKES_PER_S = 400
_GIVES_UP_S = 10.0


@pytest.fixture(autouse=True)
def same_chance() -> Iterator[None]:
    state = random.getstate()
    random.seed(5)
    yield
    random.setstate(state)


class Town:
    """Clients that a broker has lost all at the same moment, and the broker, which is back after ``away_s``.  While it is away
    it refuses at once (``refuses``) or nobody answers.  An attempt that the broker does not get to within ten seconds is given
    up, and costs it the same."""

    def __init__(self, away_s: float, *, refuses: bool) -> None:
        self.away_s, self.refuses = away_s, refuses
        self.tries: Counter[int] = Counter()
        self.back_s: list[float] = []
        self._chance = random.Random(3)

    def play(self, pause_s: dict[int, Patience]) -> None:
        moments = [(pause.pause_s(), client) for client, pause in pause_s.items()]
        heapq.heapify(moments)
        free_s = self.away_s
        while moments:
            now_s, client = heapq.heappop(moments)
            patience = pause_s[client]
            if now_s < self.away_s and not self.refuses:
                patience.unheard()
                heapq.heappush(moments, (now_s + 4.0 + patience.pause_s(), client))
                continue
            patience.heard()
            self.tries[int(now_s)] += 1
            if now_s < self.away_s:
                patience.failed()
                heapq.heappush(moments, (now_s + 0.05 + patience.pause_s(), client))
                continue
            free_s = max(free_s, now_s) + 1 / _HANDSHAKES_PER_S
            if free_s - now_s <= _GIVES_UP_S:
                self.back_s.append(free_s)
            else:
                patience.failed()
                heapq.heappush(moments, (now_s + _GIVES_UP_S + patience.pause_s(), client))


def units(lasted_s: float = 3600.0) -> dict[int, Patience]:
    made = {client: Patience(60.0) for client in range(_CLIENTS)}
    for patience in made.values():
        patience.heard()
        patience.lost(lasted_s)
    return made


@pytest.mark.parametrize(("away_s", "refuses"), [(0.0, True), (1.0, True), (40.0, True), (5.0, False), (600.0, False)])
def test_five_thousand_units_are_back_within_a_minute(away_s: float, refuses: bool) -> None:
    """After a broker's restart, short or long, and after it could not be reached at all; although it manages no more than 400
    handshakes a second, and those that it is too late for cost it as much."""
    town = Town(away_s, refuses=refuses)
    town.play(units())
    assert len(town.back_s) == _CLIENTS
    assert max(town.back_s) - away_s <= 60.0
    assert max(town.tries.values()) < _CLIENTS / 2


def test_without_chance_they_would_all_come_in_one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the claim above would look like if nothing were left to chance: the simulation can see a stampede."""
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    town = Town(0.0, refuses=True)
    town.play(units())
    assert max(town.tries.values()) == _CLIENTS


@pytest.mark.parametrize("away_s", [0.0, 3.0, 47.0, 3600.0])
def test_a_link_that_is_back_is_found_within_five_seconds(away_s: float) -> None:
    """However long nobody answered: a knock that is heard is never further away than that."""
    for _ in range(200):
        patience = Patience(60.0)
        patience.lost(100.0)
        patience.unheard()
        now_s = patience.pause_s()
        while now_s < away_s:
            patience.unheard()
            # A first packet is sent again after 1 s and after 3 s, and given up after 4.
            answered = next((now_s + again_s for again_s in (0.0, 1.0, 3.0) if now_s + again_s >= away_s), None)
            if answered is not None:
                now_s = answered
                break
            now_s += 4.0 + patience.pause_s()
        assert now_s - away_s <= 5.0


def test_the_bound_on_a_wait_grows_with_failures_and_ends_at_the_configured_one() -> None:
    """Half of all waits are shorter than half of it, whatever it is."""
    for failures, most_s in ((0, 4.0), (1, 8.0), (3, 32.0), (4, 60.0), (400, 60.0)):
        waits = sorted(backoff_s(failures, 60.0) for _ in range(2000))
        assert waits[0] > 0.0
        assert 0.9 * most_s < waits[-1] <= most_s
        assert 0.4 * most_s < waits[1000] < 0.6 * most_s


def test_a_connection_that_held_ends_the_row_of_failures() -> None:
    """And one that broke at once does not."""
    patience = Patience(60.0)
    patience.heard()
    for _ in range(10):
        patience.failed()
    assert patience.knocks
    patience.lost(lasted_s=0.5)
    assert patience.knocks
    patience.lost(lasted_s=100.0)
    assert not patience.knocks
    assert max(patience.pause_s() for _ in range(100)) <= 4.0


def test_a_host_that_refuses_is_there_and_one_that_does_not_exist_is_not() -> None:
    """A broker that is being restarted is somebody to be spared."""
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        knock("127.0.0.1", held.getsockname()[1])
        held.listen()
        knock("127.0.0.1", held.getsockname()[1])
    with pytest.raises(OSError, match=r"."):
        knock("no-such-host.invalid", 8883)


def test_the_kernel_knows_how_long_the_other_end_is_silent() -> None:
    """In seconds since its last byte; whoever is no connection has not been silent."""
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with closing(socket.create_connection(server.getsockname())) as one:
            other, _ = server.accept()
            with closing(other):
                while (before_s := silent_for_s(one)) < 0.2:
                    pass
                while silent_for_s(one) >= before_s:
                    other.send(b"x")
                    one.recv(1)
    assert silent_for_s(one) == 0.0
