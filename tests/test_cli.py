"""The commands as a user meets them: every mistake one plain line and exit code 2."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_group

from edge import cli
from edge.demo import run as demo
from edge.model_files import bundled_folder

ROOT = Path(__file__).resolve().parent.parent


def plate_edge(*arguments: str | Path, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own."""
    command = [sys.executable, "-m", "edge", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, cwd=ROOT, check=False)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys and a right configuration of a unit and an agency end."""
    folder = tmp_path_factory.mktemp("unit")
    port = demo.free_port()
    demo.make_keys(folder, port)
    demo.write_configuration(folder, port)
    return folder


@pytest.fixture
def unit(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the right configuration, to be spoilt."""
    shutil.copytree(prepared, tmp_path / "u")
    return tmp_path / "u"


def edit(old: str, new: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        config = folder / "device.toml"
        text = config.read_text()
        assert old in text
        config.write_text(text.replace(old, new))

    return spoil


def other_models(change: Callable[[Path], None]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        models = folder / "models"
        models.mkdir()
        for path in bundled_folder().iterdir():
            if path.suffix in (".onnx", ".yaml", ".toml"):
                shutil.copy(path, models)
        change(models)
        with (folder / "device.toml").open("a") as config:
            config.write('[models]\nfolder = "models"\n')

    return spoil


def other_pack(old: str, new: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        text = (ROOT / "edge" / "policy" / "packs" / "us-ct.toml").read_text()
        assert old in text
        (folder / "pack.toml").write_text(text.replace(old, new, 1))
        edit('pack = "us-ct"', 'pack = "pack.toml"')(folder)

    return spoil


def unreadable_clip(folder: Path) -> None:
    (folder / "broken.mp4").write_bytes(b"this is no clip" * 1000)
    edit(str(ROOT / "edge" / "demo" / "clip.mp4"), "broken.mp4")(folder)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


WRONG = {
    "unknown configuration key": (edit("backoff_max_s", "backof_max_s"), "did you mean `backoff_max_s`"),
    "missing model": (other_models(lambda m: (m / "detector-int8.onnx").unlink()), "detector-int8.onnx: No such file"),
    "model with another hash": (
        other_models(lambda m: append(m / "ocr-int8.onnx", b"x")),
        "not the file that the manifest names",
    ),
    "pack with an unknown purpose": (other_pack('"stolen-vehicle"', '"stolen-vehicel"'), "stolen-vehic"),
    "unknown pack": (edit('pack = "us-ct"', 'pack = "us-cd"'), "us-ct"),
    "unreadable clip": (unreadable_clip, "broken.mp4"),
    "no such clip": (edit("clip.mp4", "klip.mp4"), "klip.mp4"),
    "no such camera": (edit(str(ROOT / "edge" / "demo" / "clip.mp4"), "/dev/video99"), "/dev/video99"),
    "missing key": (lambda folder: (folder / "device" / "sign.key").unlink(), "sign.key"),
    "missing zones": (lambda folder: (folder / "zones.geojson").unlink(), "zones.geojson"),
    "hot list without a column": (lambda folder: (folder / "hotlist.csv").write_text("plate,region\n"), "hotlist.csv"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_unit_with_a_mistake_does_not_start_and_says_why(name: str, unit: Path) -> None:
    """One line on standard error that names the mistake, exit code 2, no traceback."""
    spoil, words = WRONG[name]
    spoil(unit)
    done = plate_edge("run", "-c", unit / "device.toml")
    assert done.returncode == 2, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("plate-edge: ")
    assert words in last
    assert "Traceback" not in done.stderr


def test_a_full_disk_at_start_is_refused(unit: Path) -> None:
    """A unit that could not keep a read does not pretend to."""
    disk = unit / "unit"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False)
    if mount.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        (disk / "filler").write_bytes(os.urandom((1 << 20) - 8192))
        done = plate_edge("run", "-c", unit / "device.toml")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert done.returncode == 2, done.stderr
    assert "plate-edge: " in done.stderr.splitlines()[-1]
    assert "disk" in done.stderr.splitlines()[-1] or "space" in done.stderr.splitlines()[-1]


def test_an_unknown_command_is_a_wrong_call() -> None:
    """Exit code 2, as for every wrong call."""
    assert plate_edge("reed").returncode == 2


def test_reading_a_path_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    """Said in one line."""
    done = plate_edge("read", tmp_path / "none.jpg")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_an_undecodable_picture_among_others_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    """One bad file costs that file, and exit code 1 says that something was wrong."""
    import cv2
    import numpy as np

    cv2.imwrite(str(tmp_path / "a.png"), np.full((200, 300, 3), 90, np.uint8))
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8 no picture")
    done = plate_edge("read", tmp_path, "--json")
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert json.loads(line) == {"image": str(tmp_path / "a.png"), "size": [300, 200], "plates": []}
    assert "b.jpg" in done.stderr


def test_keys_are_made_enrolled_and_shown_from_the_command_line(tmp_path: Path) -> None:
    """The README's key commands work as written, and show no secret."""
    ca, agency, device = tmp_path / "ca", tmp_path / "hartford-pd", tmp_path / "ct-01"
    assert plate_edge("keys", "ca", ca).returncode == 0
    assert plate_edge("keys", "agency", agency, "--ca", ca, "--agency", "hartford-pd").returncode == 0
    made = plate_edge("keys", "device", device, "--ca", ca, "--device", "ct-01", "--agency", "hartford-pd")
    assert made.returncode == 0
    assert "enrolled ct-01" in plate_edge("keys", "enrol", agency, device).stdout
    assert plate_edge("keys", "broker", tmp_path / "b", "--ca", ca, "--agency", "hartford-pd").returncode == 0
    shown = plate_edge("keys", "show", device, "--json").stdout
    assert "PRIVATE" not in shown
    assert len(shown.splitlines()) >= 3
    assert plate_edge("keys", "ca", ca).returncode == 2, "an existing authority is not overwritten"


def test_the_shipped_pack_passes_its_own_cases() -> None:
    """`policy test us-ct` runs every case and `policy explain` cites clauses."""
    done = plate_edge("policy", "test", "us-ct", "--json")
    assert done.returncode == 0, done.stdout
    assert len(done.stdout.splitlines()) >= 12
    assert "13(b)(2)" in plate_edge("policy", "explain", "us-ct").stdout


def test_a_command_imports_only_what_it_needs() -> None:
    """The agency end holds no camera, model or table library of a unit's: that is half of its memory."""
    code = (
        "import sys; from typer.main import get_command; from edge.cli import app; "
        "assert get_command(app).get_command(None, 'ingest') is not None; "
        "print([name for name in ('cv2', 'onnxruntime', 'fast_plate_ocr', 'prometheus_client') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120, check=True)
    assert said.stdout.strip() == "[]"


def test_every_command_of_a_module_has_its_place() -> None:
    """What is written in a module of commands can be called."""
    for module, names in cli.PLAIN.items():
        assert set(get_group(import_module(module).app).commands) == set(names)
