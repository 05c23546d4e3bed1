"""What is under way stays as little as keeps a link busy, on links that are played here second by second."""

from __future__ import annotations

from collections import deque

import pytest

from edge.publisher.pace import Pace

_MESSAGE = 800


class Link:
    """Carries ``bytes_per_s`` in order, and answers ``way_s`` after a message is through."""

    def __init__(self, bytes_per_s: float, way_s: float) -> None:
        self.bytes_per_s, self.way_s = bytes_per_s, way_s
        self.free_s = 0.0
        self.answers: deque[tuple[float, int]] = deque()

    def take(self, token: int, now_s: float) -> None:
        self.free_s = max(now_s, self.free_s) + _MESSAGE / self.bytes_per_s
        self.answers.append((self.free_s + self.way_s, token))


def drain(pace: Pace, link: Link, until_s: float, begin_s: float = 0.0, token: int = 0) -> tuple[int, list[float]]:
    """Send as much as goes; how many messages were answered, and how long each had to wait before it was on the link."""
    now_s, answered, waits = begin_s, 0, list[float]()
    while now_s < until_s:
        while link.answers and link.answers[0][0] <= now_s:
            pace.answered(link.answers.popleft()[1], now_s)
            answered += 1
        while pace.room > 0:
            token += 1
            waits.append(max(0.0, link.free_s - now_s))
            pace.sent(token, _MESSAGE, now_s)
            link.take(token, now_s)
        now_s = round(now_s + 0.01, 2)
    return answered, waits


def pace() -> Pace:
    return Pace(first=16 << 10, least=4 << 10, most=1 << 20, patience_s=0.5)


@pytest.mark.parametrize("bits_per_s", [64_000, 256_000, 1_000_000, 10_000_000])
@pytest.mark.parametrize("way_s", [0.02, 0.3, 0.7])
def test_a_link_is_kept_busy_and_its_buffer_short(bits_per_s: int, way_s: float) -> None:
    """Nine tenths of what a link carries are used, and whoever comes last waits less than a second: from a thin modem to a
    fast one, from a near broker to one behind a satellite."""
    link = Link(bits_per_s / 8, way_s)
    answered, waits = drain(pace(), link, 60.0)
    # What was handed over in the first seconds, before anything was known of the link, may wait longer.
    assert max(waits[len(waits) // 3 :]) < 1.0
    fills = min(bits_per_s / 8, (1 << 20) / (way_s + 0.5))
    assert answered * _MESSAGE >= 0.85 * fills * (60 - 10)


def test_a_link_that_turns_thin_is_noticed() -> None:
    """As when a cruiser leaves the town: once that is through which had left already, what waits in the buffer is short."""
    one, link = pace(), Link(2_000_000 / 8, 0.1)
    drain(one, link, 20.0)
    link.bytes_per_s = 8_000
    drain(one, link, 45.0, begin_s=20.0, token=10**6)
    answered, waits = drain(one, link, 80.0, begin_s=45.0, token=2 * 10**6)
    assert max(waits) < 1.0
    assert answered * _MESSAGE >= 0.85 * 8_000 * 35


def test_a_quiet_link_is_not_believed_to_be_wide() -> None:
    """A read a minute says nothing about what the link would carry: the bound stays where it was."""
    one = pace()
    for token in range(1000):
        one.sent(token, _MESSAGE, 60.0 * token)
        one.answered(token, 60.0 * token + 0.1)
    assert one.limit == 16 << 10


def test_the_answer_to_what_was_sent_twice_says_nothing_of_time() -> None:
    """It may be to the first of the two."""
    one = pace()
    one.sent(1, 16 << 10, 0.0)
    one.answered(1, 0.1)
    before = one.limit
    one.sent(2, 16 << 10, 1.0, again=True)
    one.answered(2, 90.0)
    assert (one.limit, one.under_way) == (before, 0)


def test_one_message_may_always_go() -> None:
    """However late answers come and however large it is."""
    one = pace()
    for token in range(1, 400, 2):
        one.sent(token, 64 << 10, float(token))
        one.answered(token, token + (0.01 if token == 1 else 0.9))
        assert one.room > 0
    one.begin()
    assert (len(one), one.under_way, one.limit) == (0, 0, 16 << 10)
