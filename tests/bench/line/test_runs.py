"""Real units on the bench: the same stages as at work, watched."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from edge import __main__ as entry
from edge.bench.line import counting
from edge.bench.line.clips import Clip, open_clip
from edge.bench.line.counting import Plan
from edge.bench.line.duel import duel
from edge.bench.line.record import NOT_MEASURED, decode
from edge.bench.line.rig import Setup
from edge.bench.line.run import run
from edge.bench.line.watch import Observed, Watch
from edge.commands import bench
from edge.demo.run import HERE as DEMO
from tests.camera.clips import write_clip, write_h264


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first twelve seconds of the bundled clip: cars of three states."""
    path = tmp_path_factory.mktemp("street") / "street.mp4"
    command = ["ffmpeg", "-v", "error", "-i", str(DEMO / "clip.mp4"), "-t", "12", "-c:v", "libx264"]
    subprocess.run([*command, "-preset", "ultrafast", "-threads", "1", str(path)], check=True)
    return path


class SlowDetector(Watch):
    """A unit whose detector takes half a second."""

    def __call__(self, stage: str, part: Any) -> Any:
        """The detector sleeps before it looks."""
        if stage == "detector":

            def detect(frame: Any) -> Any:
                time.sleep(0.5)
                return part.detect(frame)

            slow = type("Slow", (Observed,), {"detect": lambda self, frame: detect(frame)})
            return super().__call__(stage, slow(part, {}))
        return super().__call__(stage, part)


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """Run the command line in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["plate-edge", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        entry.main()
    return int(ended.value.code or 0)


def test_a_run_is_recorded_from_camera_to_receipt(
    street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over a real broker to a real agency end: every stage took time, every frame and read is accounted for, receipts came, and
    no figure is given since six seconds are too short.  No plate's text is in the record."""
    monkeypatch.setattr(bench, "use_cores", lambda cores: None)  # it would change how this process hears signals
    out = tmp_path / "run.json"
    assert call(monkeypatch, "bench", street, "--seconds", "6", "--delivery", "--json", out) == 0
    found = decode(out.read_bytes())
    assert {"camera", "detector", "tracker", "recognizer", "policy", "envelope", "outbox"} <= {
        each.stage for each in found.speed.stages
    }
    assert found.loss.adds_up
    assert found.loss.processed > 0
    assert found.loss.receipted == found.loss.committed > 0
    assert not isinstance(found.speed.to_receipt, str)
    assert found.speed.to_receipt.count > 0
    assert found.speed.to_receipt.p50_ms > found.speed.to_outbox.p50_ms
    assert [model.role for model in found.models] == ["detector", "recognizer"]
    assert not found.verdict.valid
    assert "frames a second (" not in capsys.readouterr().out
    assert b"BK27419" not in out.read_bytes()


def test_an_overloaded_run_drops_says_so_and_names_the_stage(street: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector of half a second cannot follow a camera: frames are dropped, counted under their reason, all of them are
    accounted for, and the detector is what takes the time."""
    monkeypatch.setattr(counting, "Watch", SlowDetector)
    clip = open_clip(street)
    plan = Plan(mode="realtime", clips=(clip,), seconds=6, setup=Setup(every_frame=True), cameras=1)
    found = run(plan)
    assert found.loss.dropped_counted > 0
    assert found.loss.dropped["late"] >= found.loss.dropped_counted
    assert found.loss.due == found.loss.processed + sum(found.loss.skipped.values()) + sum(found.loss.dropped.values())
    assert max(found.speed.stages, key=lambda each: each.share).stage == "detector"
    assert found.speed.frame.p95_ms > 500


def test_models_alone_are_timed_on_plates_and_on_noise(street: Path) -> None:
    """Each has its own percentiles; no read is made and none is lost."""
    found = run(Plan(mode="model", clips=(open_clip(street),), seconds=1))
    names = [each.stage for each in found.speed.stages]
    assert names == ["detector", "recognizer, 1 plate", "recognizer, 4 plates", "recognizer, 1 plate of noise"]
    assert found.loss.adds_up
    assert found.accuracy == NOT_MEASURED


def test_a_board_that_throttles_spoils_its_run(street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Pi's own tool says in the middle of a run that it throttles and lacks voltage: both are reasons, and its heat and power
    stand in the record."""
    tool = tmp_path / "vcgencmd"
    tool.write_text(
        "#!/bin/sh\n"
        'case "$1" in\n'
        f"get_throttled) if [ -e {tmp_path}/asked ]; then echo throttled=0x50005; else echo throttled=0x0; fi;"
        f" touch {tmp_path}/asked;;\n"
        'measure_temp) echo "temp=84.4\'C";;\n'
        "pmic_read_adc) echo '  VDD_CORE_A current(7)=2.5A'; echo '  VDD_CORE_V volt(15)=0.8V';;\n"
        "esac\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = run(Plan(mode="model", clips=(open_clip(street),), seconds=1))
    assert found.thermal.throttled_before == ()
    assert not found.verdict.valid
    assert {"throttled (after the run)", "under-voltage (after the run)"} <= set(found.verdict.reasons)
    assert found.thermal.rails_mw == {"VDD_CORE": 2000.0}


def test_line_peer_and_decoding_get_turns_on_the_same_clip(tmp_path: Path) -> None:
    """Each has its figure, the ratios are theirs, and one round is too few for a verdict."""
    clip = open_clip(write_h264(tmp_path / "bars.mp4"))
    result = duel([clip], Setup(), rounds=1, note="", tell=lambda words: None)
    (only,) = result.clips
    assert only.share == 0
    assert only.to_peer.median == pytest.approx(only.line_fps.median / only.peer_fps.median)
    assert only.to_decoding.median == pytest.approx(only.line_fps.median / only.decoding_fps.median)
    assert "too short" in result.verdict.reasons[0]


def test_a_clip_is_known_by_its_bytes_and_its_frames(tmp_path: Path) -> None:
    """What a record says of a clip is what is in it."""
    clip = open_clip(write_clip(tmp_path / "a.mp4", frames=40, fps=20.0))
    assert (clip.width, clip.height, clip.fps, clip.frames, clip.seconds) == (160, 96, 20.0, 40, 2.0)
    assert len(clip.sha256) == 64
    assert isinstance(clip, Clip)


def odd_clip(kind: str, folder: Path) -> Path:
    """A clip on which nothing can be measured."""
    path = folder / f"{kind.replace(' ', '-')}.ts"
    if kind == "empty":
        path.touch()
    elif kind == "no clip":
        path.write_bytes(b"GIF89a" + bytes(3000))
    elif kind == "changing size":
        parts = []
        for size in ("160:96", "320:192"):
            part = write_h264(folder / f"{size.replace(':', 'x')}.ts", options=("-vf", f"scale={size}"))
            parts.append(part.read_bytes())
        path.write_bytes(b"".join(parts))
    elif kind == "broken tail":
        path = path.with_suffix(".mp4")
        whole = write_h264(path, frames=100, options=("-movflags", "+faststart")).read_bytes()
        path.write_bytes(whole[: len(whole) * 6 // 10])
    elif kind == "no frame rate":
        path = write_h264(path.with_suffix(".h264"))
    elif kind == "a picture":
        path = write_h264(path.with_suffix(".mp4"), frames=2)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "no such file"),
        ("empty", "the file is empty"),
        ("no clip", "not a clip"),
        ("changing size", "its size changes, 160x96, then 320x192"),
        ("broken tail", "missing or cannot be decoded"),
        ("no frame rate", "states no frame rate"),
        ("a picture", "it has 2 frames"),
    ],
)
@pytest.mark.parametrize("command", ["run", "peer"])
def test_a_clip_that_would_mislead_is_refused(
    command: str, kind: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One clear line, exit code 2, no figure and no record."""
    monkeypatch.setattr(bench, "use_cores", lambda cores: None)  # it would start this very process again
    out = tmp_path / "none.json"
    assert call(monkeypatch, "bench", command, odd_clip(kind, tmp_path), "--json", out) == 2
    told = capfd.readouterr()
    assert words in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert not out.exists()
