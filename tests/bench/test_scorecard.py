"""`plate-edge eval --all`, reviews and slices, through the real detector and reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.known import evaluate, known_models, write_pictures

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return known_models(tmp_path_factory.mktemp("models"))


def whole(models: Path, data: Path, *more: str | Path) -> dict[str, Any]:
    done = evaluate(models, "--all", data, "--json", *more)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_without_pictures_the_rest_is_measured_and_the_lack_is_said(models: Path, tmp_path: Path) -> None:
    """Speed, size and the bundled clip's passes need none; each missing file is named, and no target is met by silence."""
    report = whole(models, tmp_path / "nowhere")
    missing = [tmp_path / "nowhere" / name for name in ("manifest.jsonl", "crops.jsonl", "video/videos.jsonl")]
    assert report["not_measured"] == [f"{path} is not there" for path in missing]
    (pair,), (verdicts,) = report["pairs"], report["verdicts"]
    assert (pair["detector"], pair["recognizer"], pair["sets"]) == ("detector", "ocr", [])
    assert [clip["clip"] for clip in pair["clips"]] == ["clip.mp4"]
    assert pair["speed"]["ratio"] > 0
    measured = {each["what"] for each in verdicts if each["met"] is not None}
    assert measured == {"passes read exactly", "times as fast as the peer", "both models, MB"}


def test_everything_there_is_scored_and_judged(models: Path, tmp_path: Path) -> None:
    """Pictures and crops by set, with their verdicts, in one JSON object and in one page of tables."""
    write_pictures(tmp_path).rename(tmp_path / "manifest.jsonl")
    report = whole(models, tmp_path)
    assert {each["name"] for each in report["pairs"][0]["sets"]} == {"road", "yard", "all", "crops"}
    verdicts = {each["what"]: each for each in report["verdicts"][0]}
    assert verdicts["plates ≥ 60 px found"]["reached"]["count"]["total"] == 3
    assert verdicts["state, US crops"]["met"] is True
    page = evaluate(models, "--all", tmp_path, "--slices").stdout
    for words in ("targets", "plates ≥ 60 px found", "MISSED", "slices", "passes read exactly", "never looked at"):
        assert words in page
    assert f"not measured: {tmp_path / 'video' / 'videos.jsonl'} is not there" in page


def test_a_pair_that_is_named_stands_beside_the_float_pair(models: Path, tmp_path: Path) -> None:
    """What the manifest runs by default is compared with `detector` and `ocr`; both are in the report."""
    other = tmp_path / "models"
    known_models_with_default(other)
    report = whole(other, tmp_path / "nowhere")
    assert [(each["name"], each["recognizer"]) for each in report["pairs"]] == [("FP32", "ocr"), ("default", "ocr-int8")]


def known_models_with_default(folder: Path) -> None:
    folder.mkdir()
    known_models(folder)
    text = (folder / "manifest.toml").read_text()
    reader = text[text.index("[models.ocr]") :]
    (folder / "manifest.toml").write_text(
        '[default]\nrecognizer = "ocr-int8"\n\n' + text + "\n" + reader.replace("[models.ocr]", "[models.ocr-int8]")
    )


def test_a_reviewed_box_on_a_real_plate_is_no_wrong_box(models: Path, tmp_path: Path) -> None:
    """Set aside where the review has a plate, counted where it has something else or nothing."""
    manifest = write_pictures(tmp_path)
    plate, other = [[20, 40, 50, 25]], [[40, 80, 100, 50]]
    counted = []
    for review in ({"unlabelled": other}, {"others": other}, {"unlabelled": plate}):
        (tmp_path / "reviewed.jsonl").write_text(
            json.dumps({"image": "yard/missed.png", "by": "a", "on": "2026-11-22", **review})
        )
        report = json.loads(evaluate(models, manifest, "--reviewed", tmp_path / "reviewed.jsonl", "--json").stdout)
        extra = next(each for each in report["sets"] if each["name"] == "yard")["frames"]["extra"]
        counted.append((extra["on_unlabelled_plates"], extra["on_others"], extra["unreviewed"], extra["wrong_per_frame"]))
    assert counted == [(1, 0, 0, 0.0), (0, 1, 0, 1.0), (0, 0, 1, 1.0)]


def test_a_review_with_a_plate_text_is_refused(models: Path, tmp_path: Path) -> None:
    """Reviews are kept with the project, where no plate's text belongs."""
    (tmp_path / "reviewed.jsonl").write_text(json.dumps({"image": "a.png", "texts": ["AB123"]}))
    done = evaluate(models, write_pictures(tmp_path), "--reviewed", tmp_path / "reviewed.jsonl")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "line 1" in done.stderr


@pytest.mark.parametrize("wrong", [(), ("--all", "x", "m.jsonl"), ("--all", "x", "--failures", "f")], ids=str)
def test_a_call_without_or_with_two_meanings_is_refused(models: Path, wrong: tuple[str, ...]) -> None:
    """Manifests or a folder, not neither and not both."""
    done = evaluate(models, *wrong)
    assert done.returncode == 2
    assert "--all" in done.stderr
