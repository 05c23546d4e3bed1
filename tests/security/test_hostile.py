"""Files that were made to hurt: whoever opens them lives, in bounded memory, and says what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.security import hostile_pictures
from tests.security.hostile import MEMORY_MB, ROOT, open_model, open_pictures

LONG = ("PNG, the largest,", "PNG, words", "PNG, a profile", "PNG, 30000", "PNG, two heads", "sixteen megabytes of stuffed")


def test_hostile_pictures_take_bounded_memory_and_the_process_lives(tmp_path: Path) -> None:
    """Through one process, one after the other; it never grows beyond 300 MB, its libraries included.  `python -m
    tests.security` does the larger ones too and measures the work of each: at most 2 s of a core."""
    corpus = [name for name in hostile_pictures.CORPUS if not name.startswith(LONG)]
    found = open_pictures(tmp_path, corpus)
    assert len(found) == len(corpus) > 20
    assert max(each.memory_mb for each in found) <= MEMORY_MB
    refused = {each.name for each in found if each.said == "refused"}
    assert {name for name in corpus if "65535" in name or "gigabytes" in name or "1000 scans" in name} <= refused
    assert {"lossless", "arithmetic coding", "four million empty segments", "BMP, 65500 x 65500"} <= refused


def test_a_folder_of_them_costs_one_line_each_and_the_good_picture_is_read(tmp_path: Path) -> None:
    """`plate-edge read` goes on behind every bad file, and ends with exit code 1."""
    for n, name in enumerate(("258 bytes that ask for gigabytes", "progressive, 1000 scans", "a segment of length nought")):
        (tmp_path / f"{n}.jpg").write_bytes(hostile_pictures.CORPUS[name]())
    cv2.imwrite(str(tmp_path / "9.png"), np.full((60, 90, 3), 128, np.uint8))
    command = [sys.executable, "-m", "edge", "read", str(tmp_path), "--json"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert len([line for line in done.stderr.splitlines() if "read picture" in line]) == 3
    assert done.stdout.count("\n") == 1
    assert "9.png" in done.stdout


#: What the walk over the file finds before anything is loaded; the others are for the trial.
BEFORE_LOADING = ["graphs in graphs, 500 deep", "weights behind a path upwards", "weights in another file, in an operator"]


@pytest.mark.parametrize("name", [*BEFORE_LOADING, "twice itself, forty times"])
def test_a_hostile_model_is_refused_in_bounded_memory(name: str) -> None:
    """By name, with nothing left behind; the long form does all of them."""
    found = open_model(name)
    assert found.said != "taken"
    assert found.memory_mb <= MEMORY_MB
    if name in BEFORE_LOADING:
        assert "add model" in found.said, "refused before anything was loaded"
