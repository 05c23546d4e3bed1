"""The door: one code, one tablet, one hour; every refusal has its own word."""

from __future__ import annotations

import pytest

from calibration.page.door import SILENT_S, TRIES, Door


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal:
    """What stood on the unit's terminal."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    @property
    def code(self) -> str:
        return self.codes[-1]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def door(clock: Clock, terminal: Terminal) -> Door:
    return Door(clock, terminal.codes.append)


def wrong(code: str) -> str:
    """Another code than this one."""
    return ("1" if code[0] == "0" else "0") + code[1:]


def test_the_code_on_the_terminal_opens_with_or_without_its_space(door: Door, terminal: Terminal) -> None:
    """Typed as shown or in one go, it gives a session that the door knows."""
    answer, token = door.enter(terminal.code)
    assert answer == "in"
    assert door.knows(token)
    door.leave()
    assert door.enter(terminal.code.replace(" ", ""))[0] == "in"


def test_a_code_is_good_for_one_entry(door: Door, terminal: Terminal) -> None:
    """After the tablet has left, the old code is a wrong one; the unit shows another."""
    used = terminal.code
    door.enter(used)
    door.leave()
    assert len(terminal.codes) == 2
    assert door.enter(used) == ("wrong", "")


def test_a_second_tablet_is_told_so_even_with_the_right_code(door: Door, terminal: Terminal) -> None:
    """No second session while the first one lives, and the first goes on."""
    _, token = door.enter(terminal.code)
    assert door.enter(terminal.code) == ("taken", "")
    assert door.standing() == "taken"
    assert door.knows(token)


def test_five_wrong_codes_lock_the_door_for_the_right_one_too(door: Door, terminal: Terminal) -> None:
    """The fifth says so; from then on nothing opens."""
    answers = [door.enter(wrong(terminal.code))[0] for _ in range(TRIES)]
    assert answers == ["wrong"] * (TRIES - 1) + ["locked"]
    assert door.enter(terminal.code) == ("locked", "")


def test_wrong_codes_count_over_all_codes(door: Door, terminal: Terminal) -> None:
    """Leaving and coming back gives nobody fresh tries."""
    for _ in range(TRIES - 1):
        door.enter(wrong(terminal.code))
        assert door.enter(terminal.code)[0] == "in"
        door.leave()
    assert door.enter(wrong(terminal.code))[0] == "locked"


def test_a_silent_tablet_makes_room_after_five_minutes(door: Door, terminal: Terminal, clock: Clock) -> None:
    """Its session is over, and there is a new code; a sign of life in between keeps it."""
    _, token = door.enter(terminal.code)
    clock.now += SILENT_S - 1
    assert door.knows(token)
    clock.now += SILENT_S + 1
    assert not door.knows(token)
    assert door.standing() == "code"
    assert door.enter(terminal.code)[0] == "in"


def test_after_the_hour_nobody_is_known_and_nothing_opens(door: Door, terminal: Terminal, clock: Clock) -> None:
    """The tablet that is in and the right code alike."""
    _, token = door.enter(terminal.code)
    clock.now += 3600
    assert not door.knows(token)
    assert door.standing() == "over"
    assert door.enter(terminal.code) == ("over", "")
    assert door.left_s == 0


@pytest.mark.parametrize("token", [None, "", "x", "ü" * 43])
def test_another_token_is_not_known(door: Door, terminal: Terminal, token: str | None) -> None:
    """Whatever a browser sends for a cookie."""
    door.enter(terminal.code)
    assert not door.knows(token)


def test_codes_are_eight_digits_and_differ(door: Door, terminal: Terminal) -> None:
    """Five tries in a hundred million."""
    for _ in range(20):
        door.enter(terminal.code)
        door.leave()
    digits = [code.replace(" ", "") for code in terminal.codes]
    assert all(len(code) == 8 and code.isdecimal() for code in digits)
    assert len(set(digits)) == len(digits)


@pytest.mark.parametrize("code", ["", " ", "１２３４５６７８", "x" * 100_000])
def test_anything_else_is_a_wrong_code(door: Door, code: str) -> None:
    """Empty, long or in another script: wrong, and counted."""
    assert door.enter(code)[0] == "wrong"
    assert door.tries_left == TRIES - 1
