"""The window: whoever looks on sees the line's frames and passes, and the line never waits for it."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.clock import Clock
from edge.errors import CameraError
from edge.journal import Journal
from edge.records import Box, Detection, Frame
from edge.window import Blind, Looking, Passed, SocketWindow, View, is_open

CORNERS = ((10.0, 10.0), (60.0, 12.0), (60.0, 37.0), (10.0, 35.0))
PLATE = Detection(box=Box(x=10, y=10, w=50, h=27), corners=CORNERS, confidence=0.9)


def frame(number: int, size: tuple[int, int] = (48, 64)) -> Frame:
    image = np.full((*size, 3), number % 251, np.uint8)
    return Frame(camera="north", number=number, image=image, at=Clock().now(), media_s=number / 10)


class Line:
    """A line that shows frame after frame until it is told to stop, as fast as it can."""

    def __init__(self, window: SocketWindow) -> None:
        self.shown, self._window, self._stop = 0, window, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.002):
            self._window.show(frame(self.shown), [PLATE], [])
            self.shown += 1

    def end(self) -> None:
        self._stop.set()
        self._thread.join()


def looks(looking: Looking, frames: int) -> list[View | Passed | Blind]:
    """What comes until so many frames have come."""
    wanted, seen = threading.Event(), []
    wanted.set()
    for each in looking.views(threading.Event(), wanted):
        seen.append(each)
        if sum(isinstance(one, View) for one in seen) == frames:
            break
    return seen


@pytest.fixture
def window(tmp_path: Path) -> SocketWindow:
    """A window in a folder whose path is longer than a socket's address may be."""
    deep = tmp_path / ("deep" * 40)
    deep.mkdir()
    return SocketWindow(deep, ["north", "south"], Journal(io.StringIO()))


@pytest.fixture
def line(window: SocketWindow) -> Iterator[Line]:
    running = Line(window)
    yield running
    running.end()


def folder(tmp_path: Path) -> Path:
    return tmp_path / ("deep" * 40)


def test_an_onlooker_sees_whole_frames_and_their_plates(window: SocketWindow, line: Line, tmp_path: Path) -> None:
    """Each frame is one frame's pixels, newer than the one before, with the corners that the line found."""
    looking = Looking(folder(tmp_path), "north")
    views = [each for each in looks(looking, 20) if isinstance(each, View)]
    looking.close()
    assert all((view.image == view.number % 251).all() for view in views)
    assert [view.number for view in views] == sorted({view.number for view in views})
    assert all(view.plates[0].corners == CORNERS for view in views)


def test_the_line_does_not_wait_for_an_onlooker_that_takes_nothing(window: SocketWindow, line: Line, tmp_path: Path) -> None:
    """With somebody connected who asks once and never listens, hundreds of frames go by."""
    looking = Looking(folder(tmp_path), "north")
    looking._ask()
    begun = line.shown
    for _ in range(2000):
        if line.shown > begun + 300:
            break
        threading.Event().wait(0.01)
    assert line.shown > begun + 300
    looking.close()


def test_only_one_looks_on_and_the_next_may_when_it_has_gone(window: SocketWindow, line: Line, tmp_path: Path) -> None:
    """The second is told so in plain words; after the first has closed it gets in."""
    first = Looking(folder(tmp_path), "north")
    with pytest.raises(CameraError, match="somebody else looks"):
        Looking(folder(tmp_path), "north")
    first.close()
    for _ in range(500):
        try:
            second = Looking(folder(tmp_path), "north")
            break
        except CameraError:
            threading.Event().wait(0.01)
    assert looks(second, 1)
    second.close()


def test_a_camera_that_the_unit_does_not_have_is_refused_with_those_it_has(window: SocketWindow, tmp_path: Path) -> None:
    """The technician sees the names to choose from."""
    with pytest.raises(CameraError, match="north, south"):
        Looking(folder(tmp_path), "west")


def test_no_unit_no_window(tmp_path: Path) -> None:
    """Where no unit runs, opening fails with the camera's error family."""
    with pytest.raises(CameraError, match="look at camera"):
        Looking(tmp_path, "north")


def test_what_a_rule_forbids_is_told_and_not_shown(window: SocketWindow, tmp_path: Path) -> None:
    """A line that may not capture answers each wish with the rule, and no picture crosses."""
    looking = Looking(folder(tmp_path), "north")
    stop, wanted, done = threading.Event(), threading.Event(), threading.Event()
    wanted.set()

    def barred() -> None:
        while not done.wait(0.005):
            window.blind("north", "barred", "ct-no-capture-zone")

    thread = threading.Thread(target=barred)
    thread.start()
    views = looking.views(stop, wanted)
    seen = [next(views) for _ in range(3)]
    done.set()
    thread.join()
    looking.close()
    assert seen == [Blind(kind="barred", why="ct-no-capture-zone")] * 3


def test_the_socket_is_closed_to_other_accounts(window: SocketWindow, tmp_path: Path) -> None:
    """Only the unit's own account, and root, can connect."""
    assert (folder(tmp_path) / "window.sock").stat().st_mode & 0o777 == 0o600


def test_the_end_of_the_unit_is_the_end_of_looking(window: SocketWindow, line: Line, tmp_path: Path) -> None:
    """Whoever looks is told that the unit has stopped, and nobody gets in any more."""
    looking = Looking(folder(tmp_path), "north")
    wanted = threading.Event()
    wanted.set()
    views = looking.views(threading.Event(), wanted)
    assert isinstance(next(views), View)
    assert is_open(folder(tmp_path))
    window.close()
    assert [each.why for each in views if isinstance(each, Blind)] == ["the unit has stopped"]
    looking.close()
    assert not is_open(folder(tmp_path))
