"""Live sources, against a real RTSP server: loss, return, hang, wrong password, growth."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge.camera import stream
from edge.camera.interface import GapBegan
from edge.camera.stream import StreamCamera
from edge.clock import Clock
from edge.config import CameraConfig
from edge.errors import CameraError
from tests.camera.clips import free_port, rtsp_camera

CANARY = "c4n@ry:p/w%41 #?"


def camera_at(port: int, told: list[str], credentials: Path | None = None, path: str = "live") -> StreamCamera:
    config = CameraConfig(
        name="north",
        source=f"rtsp://127.0.0.1:{port}/{path}",
        credentials=credentials,
        open_timeout_s=5,
        read_timeout_s=1.0,
        backoff_max_s=0.5,
    )
    return StreamCamera(config, Clock(), told.append)


def secret(tmp_path: Path, password: str = CANARY) -> Path:
    path = tmp_path / "credentials"
    path.write_text(f"viewer:{password}\n")
    path.chmod(0o640)
    return path


def test_a_lost_stream_comes_back_and_the_gap_is_in_the_accounts() -> None:
    """The server dies and returns on the same port: the gap is told once, when it begins; frames go on in order, and the gap
    is counted with its length."""
    port, told = free_port(), list[str]()
    camera = camera_at(port, told)
    source = camera.frames(threading.Event())
    with rtsp_camera(port):
        before = [next(source) for _ in range(5)]
    gone = time.monotonic()
    returned: list[float] = []
    over = threading.Event()

    def come_back() -> None:
        time.sleep(1.2)
        with rtsp_camera(port):
            returned.append(time.monotonic())
            over.wait(60)

    server = threading.Thread(target=come_back)
    server.start()
    try:
        after = [next(source)]
        while not isinstance(after[-1], GapBegan):
            after.append(next(source))
        after += [next(source) for _ in range(6)]
    finally:
        over.set()
        source.close()  # type: ignore[attr-defined]
        server.join()
    counts = camera.counts()
    frames = [each for each in before + after if not isinstance(each, GapBegan)]
    assert len(frames) == len(before) + len(after) - 1
    assert all(a.number < b.number and a.media_s < b.media_s for a, b in itertools.pairwise(frames))
    assert counts.gaps == 1
    assert 0.9 < counts.gap_s < time.monotonic() - gone + 1
    assert counts.received == len(frames) + counts.dropped["late"]
    assert any("trying again" in words for words in told)
    assert any("pictures come again" in words for words in told)


def test_a_hanging_reader_is_killed_and_replaced() -> None:
    """A reader that stands still in native code (stopped here by a signal) cannot hold the line up."""
    port, told = free_port(), list[str]()
    camera = camera_at(port, told)
    with rtsp_camera(port):
        source = camera.frames(threading.Event())
        next(source)
        hung = camera.reader_pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        while camera.reader_pid == hung:
            next(source)
        source.close()  # type: ignore[attr-defined]
    assert camera.counts().gaps == 1
    assert not Path(f"/proc/{hung}").exists()


def test_a_hanging_reader_does_not_hinder_the_stop() -> None:
    """Told to stop while the reader hangs, the camera ends within a second."""
    port = free_port()
    camera = camera_at(port, [])
    stop = threading.Event()
    with rtsp_camera(port):
        source = camera.frames(stop)
        next(source)
        assert camera.reader_pid is not None
        os.kill(camera.reader_pid, signal.SIGSTOP)
        stop.set()
        began = time.monotonic()
        assert list(source) == []
        assert time.monotonic() - began < 1.0


def test_a_reader_does_not_outlive_its_unit() -> None:
    """When the unit is killed without a word, its reader ends by itself and frees the camera."""
    port = free_port()
    program = (
        "import threading; from edge.camera.stream import StreamCamera; from edge.clock import Clock; "
        "from edge.config import CameraConfig; "
        f"camera = StreamCamera(CameraConfig(name='north', source='rtsp://127.0.0.1:{port}/live'), Clock()); "
        "source = camera.frames(threading.Event()); next(source); print(camera.reader_pid, flush=True); "
        "threading.Event().wait()"
    )
    with rtsp_camera(port):
        unit = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        assert unit.stdout is not None
        reader = Path(f"/proc/{int(unit.stdout.readline())}")
        assert reader.exists()
        unit.kill()
        unit.wait()
        unit.stdout.close()
        deadline = time.monotonic() + 20
        while reader.exists() and "Z" not in (reader / "stat").read_text().split(")")[1] and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not reader.exists() or "Z" in (reader / "stat").read_text().split(")")[1]


def test_a_camera_with_a_password_is_read_and_the_password_is_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A password full of special characters works, and is in no argument, environment, output or message."""
    port, told = free_port(), list[str]()
    with rtsp_camera(port, "viewer", CANARY):
        camera = camera_at(port, told, secret(tmp_path))
        source = camera.frames(threading.Event())
        next(source)
        seen = [Path(f"/proc/{camera.reader_pid}/{name}").read_bytes().decode() for name in ("cmdline", "environ")]
        source.close()  # type: ignore[attr-defined]
    output = capfd.readouterr()
    for text in [*seen, *told, output.out, output.err, repr(camera)]:
        assert "c4n" not in text
        assert "p%2Fw" not in text


@pytest.mark.parametrize(
    ("password", "path", "words"),
    [("wr0ng", "live", "refuses the user or the password"), (CANARY, "nothing", "no such stream")],
)
def test_a_camera_that_refuses_says_why_in_plain_words(
    tmp_path: Path, password: str, path: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Wrong password and unknown path are told apart, and FFmpeg's own text, which holds both, is told to nobody."""
    port, told = free_port(), list[str]()
    stop = threading.Event()
    with rtsp_camera(port, "viewer", CANARY):
        camera = camera_at(port, told, secret(tmp_path, password), path)
        camera._tell = lambda said: (told.append(said), stop.set())[0]
        assert list(camera.frames(stop)) == []
    assert words in told[0]
    assert camera.counts().gaps == 1
    output = capfd.readouterr()
    assert password not in told[0] + output.out + output.err


def test_a_camera_that_is_not_there_yet_is_waited_for() -> None:
    """A pole may have power before its camera has: the unit tries on, says so once, counts the gap, leaks no file."""
    told = list[str]()
    camera = camera_at(free_port(), told)
    stop = threading.Event()
    threading.Timer(2.5, stop.set).start()
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    assert list(camera.frames(stop)) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files
    assert len(told) == 1
    assert "refuses the connection; trying again" in told[0]
    assert camera.counts().gaps == 1
    assert camera.counts().gap_s > 1.5
    assert camera.counts().received == 0


def test_a_reader_that_grows_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """When its memory grows beyond the limit, the reader ends by itself and a fresh one takes over."""
    monkeypatch.setattr(stream, "GROWTH_BYTES", -1)
    monkeypatch.setattr(stream, "MEASURE_EVERY", 40)
    port, told = free_port(), list[str]()
    camera = camera_at(port, told)
    readers = set()
    with rtsp_camera(port):
        source = camera.frames(threading.Event())
        while len(readers) < 2:
            next(source)
            readers.add(camera.reader_pid)
        source.close()  # type: ignore[attr-defined]
    assert "outgrew its memory" in told[0]


def test_a_device_that_is_no_camera_refuses_at_once() -> None:
    """A device file that gives no picture raises CameraError with the camera's name."""
    camera = StreamCamera(CameraConfig(name="north", source="/dev/null", open_timeout_s=5), Clock())
    with pytest.raises(CameraError, match=r"open camera `north`: /dev/null: no picture"):
        list(camera.frames(threading.Event()))
