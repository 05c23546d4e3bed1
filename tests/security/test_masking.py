"""What leaves the program is masked: by form, and by value whatever the form."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from rich.console import Console
from rich.traceback import Traceback

from edge import __main__ as entry
from edge import masking
from edge.camera.source import stream_url
from edge.commands.common import write_json
from edge.config import CameraConfig
from edge.errors import ConfigError
from edge.journal import Journal
from edge.masking import MaskedStream, hide, mask_line, mask_secrets, masked_output

PASSWORDS = ["c4nary", "p@ss:w/rd%41", "with space and \"quotes\" and 'more'", "p%40ss", "äöü+ß", "12345", "back\\slash"]
WRAPPINGS = {
    "plain": "login with {} failed",
    "address": "rtsp://admin:{}@10.0.0.20/stream1",
    "ffmpeg's guess": "Did you mean file:rtsp://admin:{}@cam/1?",
    "no address any more": "admin:{}\\@cam",
    "two of them": "{} and again {}",
    "gstreamer": 'location="rtsp://admin:{}@cam/1", latency=0',
}


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Each claim begins with nothing hidden, and leaves nothing behind."""
    before = set(masking._hidden), masking._values
    masking._hidden.clear()
    masking._values = None
    yield
    masking._hidden.clear()
    masking._hidden.update(before[0])
    masking._values = before[1]


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("password", PASSWORDS)
def test_a_loaded_secret_is_masked_however_it_is_written(password: str, wrapping: str) -> None:
    """As it is, percent-encoded in either case, as JSON, as Python, and as HTTP's Basic scheme writes it."""
    hide(password, "admin")
    spellings = [password, quote(password, safe=""), quote(password, safe="").lower(), json.dumps(password)[1:-1]]
    spellings += [repr(password)[1:-1], base64.b64encode(f"admin:{password}".encode()).decode()]
    for spelling in spellings:
        told = mask_secrets(WRAPPINGS[wrapping].replace("{}", spelling))
        assert spelling.lower() not in told.lower()
        assert masking.MASK in told


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2",
        'connect: {"passwd": "hunter2", "user": "u"}',
        "dbname=reads password='hunter2' host=db",
        "Authorization: Basic hunter2hunter2",
        "authorization: Digest username=u, response=hunter2",
        "https://u:hunter2@host/a?token=hunter2&x=1",
        "mqtts://hunter2@broker",
    ],
)
def test_what_looks_like_a_secret_is_masked_though_nobody_loaded_it(text: str) -> None:
    """Addresses, key and value, and HTTP's header."""
    assert "hunter2" not in mask_secrets(text)


def test_words_that_hold_no_secret_stay_as_they_are() -> None:
    """Also where a word of ours, such as token or secret, is only a word."""
    for text in ("reads 17 = stored 16", "the secret of the list", "rtsp://10.0.0.20/stream1", "a@b.example wrote", "token 5"):
        assert mask_secrets(text) == text


def test_json_stays_json() -> None:
    """Only strings and names are changed: a number is no password, though it may be written like one."""
    hide("12345")
    line = '{"bytes": 12345, "words": "12345 and rtsp://a:b@c", "12345": [1, "x12345"], "token": 5}\n'
    masked = mask_line(line)
    assert masked.endswith("}\n")
    assert json.loads(masked) == {"bytes": 12345, "words": "*** and rtsp://***@c", "***": [1, "x***"], "token": 5}
    sink = io.StringIO()
    Journal(sink).info("opened", token=5, source="12345", bytes=12345)
    assert json.loads(sink.getvalue())["source"] == "***"
    assert json.loads(sink.getvalue())["bytes"] == 12345


def test_reading_credentials_hides_them_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the moment a camera's credentials are read: standard output and error, logs, JSON, rich's tracebacks with the values
    of variables, and the words of an exception."""
    path = tmp_path / "credentials"
    path.write_text("admin:p@ss:w/rd%41\n")
    path.chmod(0o600)
    url = stream_url(CameraConfig(name="north", source="rtsp://10.0.0.20/1", credentials=path))
    assert "p@ss" not in f"{url} {url!r}"
    with masked_output():
        print(url.reveal())
        print("as it is:", "p@ss:w/rd%41", file=sys.stderr)
        write_json({"camera": url.reveal(), "encoded": quote("p@ss:w/rd%41", safe="")})
        Journal().error("camera says", words="p@ss:w/rd%41")
        Console(width=200).print(f"{url.reveal()}", markup=False)
        try:
            fail(url.reveal())
        except ValueError:
            Console(width=400, stderr=True).print(Traceback(show_locals=True, width=400))
    told = "".join(capsys.readouterr())
    assert "p@ss" not in told
    assert "w/rd" not in told
    assert "p%40ss" not in told
    assert told.count(masking.MASK) >= 7


def fail(address: str) -> None:
    secret_in_a_variable = address
    raise ValueError(secret_in_a_variable)


def test_the_one_line_of_a_failing_command_is_masked(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever raised it, and wherever the words came from."""
    hide("hunter2-and-more")

    def broken(**_: object) -> None:
        raise ConfigError("open camera: tried admin hunter2-and-more at rtsp://x:y@z")

    monkeypatch.setattr("edge.cli.app", broken)
    with pytest.raises(SystemExit):
        entry.main()
    told = capfd.readouterr().err
    assert told == "plate-edge: open camera: tried admin *** at rtsp://***@z\n"


def test_a_thread_that_dies_says_where_and_not_what_it_held(capsys: pytest.CaptureFixture[str]) -> None:
    """A library's exception may quote a plate; the hook of every thread tells kind and place only."""
    with masked_output():
        thread = threading.Thread(target=lambda: fail("CANARY7"))
        thread.start()
        thread.join()
    told = capsys.readouterr().err
    assert "CANARY7" not in told
    assert "ValueError" in told


def test_outputs_are_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    """Within a larger program nothing stays changed."""
    before = sys.stdout, sys.stderr, threading.excepthook
    with masked_output():
        assert isinstance(sys.stdout, MaskedStream)
        assert sys.stdout.encoding == before[0].encoding
    assert (sys.stdout, sys.stderr, threading.excepthook) == before


def test_developers_see_more_and_still_no_secret(tmp_path: Path) -> None:
    """`python -X dev -m edge` shows the traceback of a fault of the program, masked."""
    program = (
        "import sys; sys.argv = ['plate-edge', 'keys', 'show', 'x']\n"
        "from edge import __main__ as entry, keys, masking\n"
        "masking.hide('hunter2-and-more')\n"
        "def broken(folder): raise RuntimeError('rtsp://a:b@c hunter2-and-more')\n"
        "keys.describe = broken\n"
        "entry.main()\n"
    )
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-X", "dev", "-c", program]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RuntimeError: rtsp://***@c ***" in done.stderr
    # The line of this very test stands in no traceback: a program given as an argument has no source to quote.
    assert "hunter2" not in done.stderr
