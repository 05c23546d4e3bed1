"""`plate-edge hotlist` at the agency, and the unit that gets what it made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from edge.bench.hotlist import measure
from edge.hotlist.files import stamp_path
from tests.hotlist.lists import load, write

ROOT = Path(__file__).resolve().parents[2]
STOLEN = "ABC123,CT,NCIC,stolen-vehicle,stolen in Hartford,HPD,2026-10-20,"


def hotlist(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge", "hotlist", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=240, check=False)


def test_a_list_is_stamped_compiled_and_read_by_a_unit(tmp_path: Path) -> None:
    """Three commands at the agency; the unit finds the plate, and the list is what the stamp said."""
    path, key, out = write(tmp_path, STOLEN, name="daily.csv"), tmp_path / "hotlist.key", tmp_path / "daily.keyed"
    made = [
        hotlist("stamp", path, "--version", "12", "--issued", "2026-11-01T06:00"),
        hotlist("key", key),
        hotlist("compile", path, "--key", key, "-o", out),
    ]
    assert [each.returncode for each in made] == [0, 0, 0], [each.stderr for each in made]
    assert not any("ABC123" in each.stdout + each.stderr for each in made)
    hot_list = load(out, key=key)
    (which,) = hot_list.lists
    assert (which.name, which.version, f"{which.issued:%Y-%m-%dT%H:%M%z}") == ("daily", "12", "2026-11-01T06:00+0000")
    assert hot_list.admitted == 1
    assert b"ABC123" not in out.read_bytes()


def test_a_mistake_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    """A malformed list is not stamped, one without a stamp not compiled, a key not overwritten."""
    path, key = write(tmp_path, "QQ7QQ7,CT,NCIC"), tmp_path / "hotlist.key"
    key.write_text("a secret")
    key.chmod(0o600)
    for words, said in (
        (("stamp", path, "--version", "1"), "line 2 has 3 columns"),
        (("compile", path, "--key", key, "-o", tmp_path / "out"), "hotlist key"),
        (("key", key), "File exists"),
    ):
        done = hotlist(*words)
        assert done.returncode == 2
        assert said in done.stderr.splitlines()[-1]
        assert "QQ7QQ7" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    assert not stamp_path(path).exists()
    assert key.read_text() == "a secret"


def test_the_measure_of_a_small_list_has_all_its_parts(tmp_path: Path) -> None:
    """What a big one costs is measured by hand; here only that every part is measured."""
    cost = measure(tmp_path, 50, keyed=False)
    assert (cost.entries, cost.keyed) == (50, False)
    assert len(cost.lookups) == 2
    assert all(0 < each.median_us <= each.p99_us for each in cost.lookups)
