"""What `plate-edge eval` draws and says, through the real detector and reader on rendered pictures."""

from __future__ import annotations

import json
import re
import stat
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.bench import plots
from edge.bench.failures import COLUMNS, ROWS, TILE_W, around, sheet, tile
from edge.errors import ConfigError
from tests.bench.known import PLATE, evaluate, known_models, picture, write_pictures


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that always finds PLATE, and a reader that says AA of a white plate and BB of a black one."""
    return known_models(tmp_path_factory.mktemp("models"))


def test_every_failure_is_drawn_by_set_and_kind(models: Path, tmp_path: Path) -> None:
    """Missed, extra and misread have a sheet each; what was right has none; the folder is its owner's alone."""
    pytest.importorskip("matplotlib")
    out = tmp_path / "failures"
    done = evaluate(models, write_pictures(tmp_path), "--failures", out, "--json")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "pictures-crops-misread-01.png",
        "pictures-recall-by-width.png",
        "pictures-reliability.png",
        "pictures-road-misread-01.png",
        "pictures-yard-extra-01.png",
        "pictures-yard-missed-01.png",
    ]
    assert "1 missed, 1 extra, 2 misread" in done.stderr
    assert "keep them where the pictures are kept" in done.stderr
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    drawn = cv2.imread(str(out / "pictures-road-misread-01.png"))
    assert drawn.shape[1] == TILE_W


def test_the_report_says_how_reliable_a_confidence_is_and_the_recall_by_width(models: Path, tmp_path: Path) -> None:
    """In JSON: the sure reads of each set, and of all pictures together."""
    report = json.loads(evaluate(models, write_pictures(tmp_path), "--json").stdout)
    sets = {each["name"]: each for each in report["sets"]}
    sure = {name: (each["reliability"]["sure"]["hits"], each["reliability"]["sure"]["total"]) for name, each in sets.items()}
    assert sure == {"road": (1, 2), "yard": (0, 0), "all": (1, 2), "crops": (0, 1)}
    assert (sets["crops"]["state_right"], sets["crops"]["state_known"]) == (1, 1)
    by_width = {each["low_px"]: each["recall"]["total"] for each in sets["all"]["frames"]["by_width"]}
    assert (by_width[100], by_width[80]) == (2, 1)


def test_the_table_has_the_share_of_sure_reads_that_is_right(models: Path, tmp_path: Path) -> None:
    """With its count."""
    table = evaluate(models, write_pictures(tmp_path)).stdout
    assert re.search(r"right from 0\.9 on", table)
    assert re.search(r"road .* 0\.500 \(1/2\) │$", table, re.MULTILINE)


def test_pictures_beside_the_manifest_are_one_set(models: Path, tmp_path: Path) -> None:
    """Named like the manifest, not a set for each picture."""
    for name in ("a.png", "b.png"):
        picture(tmp_path / name, 255)
    line = {"size": [1280, 704], "boxes": [PLATE], "texts": ["AA"]}
    (tmp_path / "mine.jsonl").write_text("\n".join(json.dumps({"image": f"{name}.png", **line}) for name in "ab"))
    (only,) = json.loads(evaluate(models, tmp_path / "mine.jsonl", "--json").stdout)["sets"]
    assert (only["name"], only["frames"]["frames"]) == ("mine", 2)


def test_failures_without_matplotlib_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is read."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"pip install 'plate-edge\[bench\]'"):
        plots.require_matplotlib()


def test_a_folder_that_cannot_be_made_is_a_wrong_call(models: Path, tmp_path: Path) -> None:
    """Said before anything is read."""
    pytest.importorskip("matplotlib")
    done = evaluate(models, write_pictures(tmp_path), "--failures", tmp_path / "none" / "deep")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "draw failures" in done.stderr


@pytest.mark.parametrize(
    "box", [(0, 0, 100, 50), (-40, -20, 100, 50), (600, 440, 100, 50), (5000, 5000, 10, 5), (10, 10, 0, 0), (0, 0, 640, 480)]
)
def test_a_box_anywhere_can_be_shown(box: tuple[float, float, float, float]) -> None:
    """At the edge, outside, empty, or the whole picture."""
    shown = tile([around(np.zeros((480, 640, 3), np.uint8), box)], "picture.jpg", "words")
    assert shown.shape == tile([np.zeros((9, 9, 3), np.uint8)], "", "").shape


def test_a_sheet_holds_its_tiles_in_rows() -> None:
    """Full rows, the last filled up."""
    one = tile([np.full((9, 9, 3), 200, np.uint8)], "naïve.jpg", "x" * 200)
    assert sheet([one] * 2).shape[1] == 2 * TILE_W
    assert sheet([one] * (COLUMNS * ROWS)).shape[:2] == (ROWS * one.shape[0], COLUMNS * TILE_W)
