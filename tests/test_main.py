"""How every command ends: one line on standard error, the right exit code, never a traceback."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge import __main__ as entry
from edge.commands import policy as commands
from edge.errors import ConfigError
from edge.policy.pack import Pack

ROOT = Path(__file__).resolve().parent.parent


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """Run the command line in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["plate-edge", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


WRONG_CALLS = {
    "no command": [],
    "a group without its command": ["policy"],
    "unknown command": ["reed"],
    "unknown option": ["read", "--crop", "x.png"],
    "missing argument": ["read"],
    "missing option": ["keys", "device", "folder"],
    "one argument too many": ["run", "-c", "a.toml", "b.toml"],
    "no number": ["eval", "--threshold", "high", "m.jsonl"],
}


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_a_wrong_call_is_one_line_that_names_the_help(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, no frame drawn around it, and where to look it up."""
    assert call(monkeypatch, *WRONG_CALLS[name]) == 2
    told = capfd.readouterr().err
    assert told.startswith("plate-edge: ")
    assert told.count("\n") == 1
    assert "--help` shows how to call it" in told


def test_a_fault_of_the_program_is_one_line_without_the_errors_words(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The words of an unexpected error may hold anything, a plate too: kind and place are told, exit code 1."""

    def broken(pack: Pack, now: datetime) -> None:
        raise KeyError("ABC1234")

    monkeypatch.setattr(commands, "findings", broken)
    assert call(monkeypatch, "policy", "check", "us-ct") == 1
    told = capfd.readouterr().err
    assert told.count("\n") == 1
    assert "KeyError at policy.py:" in told
    assert "ABC1234" not in told


def test_an_error_of_many_lines_is_told_in_one(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A path or a library's words may hold line breaks."""

    def refuse(pack: Pack, now: datetime) -> None:
        raise ConfigError("read a\nb: no\n such file")

    monkeypatch.setattr(commands, "findings", refuse)
    assert call(monkeypatch, "policy", "check", "us-ct") == 2
    assert capfd.readouterr().err == "plate-edge: read a b: no  such file\n"


def test_names_with_brackets_and_broken_bytes_are_shown_whole(tmp_path: Path) -> None:
    """A name is a name: no markup, and bytes that are no UTF-8 make no invalid JSON."""
    cv2.imwrite(str(tmp_path / "a.png"), np.full((20, 30, 3), 90, np.uint8))
    picture = (tmp_path / "a.png").read_bytes()
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "photo [red] [bold].png").write_bytes(picture)
    Path(str(folder / "bad-") + "\udcff.png").write_bytes(picture)
    for options in ([], ["--json"]):
        command = [sys.executable, "-m", "edge", "read", str(folder), *options]
        done = subprocess.run(command, capture_output=True, timeout=120, cwd=ROOT, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        lines = done.stdout.decode().splitlines()
        names = [json.loads(line)["image"] for line in lines] if options else [line.split("  ")[0] for line in lines]
        assert names == [f"{folder}/bad-\\xff.png", f"{folder}/photo [red] [bold].png"]


def test_a_clip_that_is_none_costs_that_clip_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Like an undecodable picture: told in one line without OpenCV's chatter, the rest is read, exit code 1; a folder with
    the name of a picture is no picture."""
    (tmp_path / "a.mp4").write_bytes(b"this is no clip" * 100)
    (tmp_path / "b.jpg").mkdir()
    cv2.imwrite(str(tmp_path / "c.png"), np.full((20, 30, 3), 90, np.uint8))
    command = [sys.executable, "-m", "edge", "read", str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert [json.loads(line)["image"] for line in done.stdout.splitlines()] == [str(tmp_path / "c.png")]
    assert done.stderr.count("\n") == 1
    assert "a.mp4 is not a clip" in done.stderr


def test_a_manifest_may_leave_texts_out_but_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A crop that nobody could read has no text to compare; a line without a picture is refused by its number."""
    cv2.imwrite(str(tmp_path / "c.png"), np.full((20, 60, 3), 90, np.uint8))
    manifest = tmp_path / "m.jsonl"
    manifest.write_text('{"image":"c.png","size":[60,20],"boxes":[[0,0,60,20]]}\n')
    assert call(monkeypatch, "eval", manifest, "--json") == 0
    shown = capfd.readouterr()
    assert shown.err == ""
    assert json.loads(shown.out)["sets"][0]["crops"]["exact"]["total"] == 0
    manifest.write_text('{"image":"","size":[60,20],"boxes":[]}\n')
    assert call(monkeypatch, "eval", manifest) == 2
    assert "line 1: `image` names no picture" in capfd.readouterr().err


@pytest.mark.skipif(shutil.which("mosquitto", path="/usr/sbin:/usr/bin") is None, reason="mosquitto is not installed")
def test_a_demo_that_is_told_to_end_leaves_no_process(tmp_path: Path) -> None:
    """SIGTERM in mid-run ends the broker and the agency end too."""
    folder = tmp_path / "kept"
    demonstration = subprocess.Popen(
        [sys.executable, "-m", "edge", "demo", "--keep", str(folder)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not (folder / "unit.log").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children_in(folder), "the demo never started its broker"
    demonstration.terminate()
    assert demonstration.wait(30) == 143
    assert children_in(folder) == []


def test_the_demo_keeps_nothing_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`--keep` wants a new folder."""
    (tmp_path / "f").write_text("")
    assert call(monkeypatch, "demo", "--keep", tmp_path / "f") == 2
    assert "name a new folder" in capfd.readouterr().err


def children_in(folder: Path) -> list[str]:
    """The processes whose arguments name ``folder``, the demo itself left out."""
    commands = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            commands.append(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [command for command in commands if str(folder) in command and "demo" not in command.split()]
