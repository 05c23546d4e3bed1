"""An agency's models get in only when a unit could run them, and what is in is proved to run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edge import model_registry
from edge.errors import ConfigError, ModelError
from edge.model_files import read_manifest
from edge.model_registry import Offer, add_models, verify_models
from edge.model_trial import try_model
from tests.onnx_files import (
    OCR_CONFIG,
    brightest_finder,
    brightness_reader,
    constant_network,
    external,
    network,
    sha256,
    write_manifest,
)

ROOT = Path(__file__).resolve().parent.parent


def plate_edge(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)


def own(folder: Path, name: str = "grey.onnx") -> Path:
    """A detector of our own format."""
    return constant_network(folder / name, (1, 1, 352, 640), TensorProto.UINT8, np.zeros((1, 4, 9)))


def yolo(folder: Path) -> Path:
    """A detector as open-image-models publishes them."""
    return constant_network(folder / "yolo.onnx", (1, 3, 384, 384), TensorProto.FLOAT, np.zeros((1, 7)))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Where the agency keeps the models it has been given."""
    folder = tmp_path / "given"
    folder.mkdir()
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where its units take them from; not there yet."""
    return tmp_path / "models"


def add(folder: Path, *files: Path, **more: object) -> None:
    add_models(folder, Offer(files=files, **more))  # type: ignore[arg-type]


def test_detectors_of_both_formats_and_a_reader_are_added_in_one_call(source: Path, folder: Path) -> None:
    """The format is found from the input; hash, threshold and licence are recorded; everything then verifies."""
    brightness_reader(source)
    config = source / "ocr.yaml"
    add(folder, own(source), yolo(source), source / "ocr.onnx", config=config, threshold=0.3, licence='own "work"')
    entries = read_manifest(folder)
    assert {name: entry.format for name, entry in entries.items()} == {
        "grey": "plate-edge-detector/1",
        "yolo": "yolov9-end2end",
        "ocr": "fast-plate-ocr",
    }
    assert all(entry.sha256 == sha256(folder / entry.file) for entry in entries.values())
    assert (entries["grey"].threshold, entries["grey"].licence) == (0.3, 'own "work"')
    assert [verdict.wrong for verdict in verify_models(folder)] == [None, None, None]
    assert sorted(path.name for path in folder.iterdir()) == ["grey.onnx", "manifest.toml", "ocr.onnx", "ocr.yaml", "yolo.onnx"]


def test_a_model_is_added_to_those_that_are_there(source: Path, folder: Path) -> None:
    """What the manifest said before, comments too, stays."""
    add(folder, own(source))
    manifest = folder / "manifest.toml"
    manifest.write_text(manifest.read_text() + "# chosen by the shop in May")
    add(folder, yolo(source), name="second")
    assert set(read_manifest(folder)) == {"grey", "second"}
    assert "# chosen by the shop in May" in manifest.read_text()


def other_opset(path: Path) -> Path:
    model = onnx.load(path)
    model.opset_import[0].version = 22
    path.write_bytes(model.SerializeToString())
    return path


def outside_weights(path: Path) -> Path:
    model = onnx.load(path)
    external(model.graph.initializer[0])
    path.write_bytes(model.SerializeToString())
    (path.parent / "weights.bin").write_bytes(bytes(4 * 36))
    return path


def link(path: Path) -> Path:
    path.rename(path.parent / "real.onnx")
    path.symlink_to("real.onnx")
    return path


def pipe(path: Path) -> Path:
    path.unlink()
    os.mkfifo(path)
    return path


def written(data: bytes) -> Callable[[Path], Path]:
    def change(path: Path) -> Path:
        path.write_bytes(data)
        return path

    return change


def truncated(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-40])
    return path


def oversize(path: Path) -> Path:
    os.truncate(path, model_registry.MAX_MODEL_BYTES + 1)
    return path


def shaped(shape: tuple[int, ...], rows: tuple[int, ...] = (1, 4, 9)) -> Callable[[Path], Path]:
    return lambda path: constant_network(path, shape, TensorProto.UINT8, np.zeros(rows))


def unknown_operator(path: Path) -> Path:
    return network([helper.make_node("Steal", ["image"], ["plates"], domain="evil")], {}, (1, 4, 9), path)


REFUSED = {
    "weights in another file": (outside_weights, "in other files"),
    "a symbolic link": (link, "symbolic link"),
    "a pipe": (pipe, "no plain file"),
    "a missing file": (lambda path: path.parent / "none.onnx", "No such file"),
    "a folder": (lambda path: path.parent, "no plain file"),
    "too large": (oversize, "more than the 209715200 allowed"),
    "truncated": (truncated, "no ONNX file"),
    "empty": (written(b""), "no ONNX file"),
    "a picture renamed": (written(b"\x89PNG\r\n\x1a\n" * 99), "no ONNX file"),
    "too new an opset": (other_opset, "opset is 22; 7 to 21"),
    "another input": (shaped((1, 10)), r"it takes uint8\[1, 10\]"),
    "a huge input": (shaped((1, 1, 100_000, 100_000)), "at most 4096"),
    "other rows": (shaped((1, 1, 352, 640), (1, 4, 5)), "rows of 9"),
    "free height and width, made for no size": (lambda path: brightest_finder(path, None), "`input_size`, such as 640x352"),
    "an operator nobody has": (unknown_operator, "load detector"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_unit_could_not_trust_or_run_is_refused_and_leaves_nothing(what: str, source: Path, folder: Path) -> None:
    """The message names the reason; no file and no manifest is left behind."""
    change, words = REFUSED[what]
    with pytest.raises(ModelError, match=words):
        add(folder, change(own(source)), name="new")
    assert list(folder.iterdir()) == []


def test_a_detector_whose_height_and_width_are_free_is_added(source: Path, folder: Path) -> None:
    """It says in its metadata which size it was made for, and runs at that."""
    add(folder, brightest_finder(source / "free.onnx"))
    (verdict,) = verify_models(folder)
    assert (verdict.format, verdict.wrong) == ("plate-edge-detector/1", None)


def test_one_bad_file_keeps_the_good_ones_out_too(source: Path, folder: Path) -> None:
    """All of a call or none of it."""
    bad = shaped((1, 1, 352, 640), (1, 4, 5))(source / "bad.onnx")
    with pytest.raises(ModelError, match="`bad`"):
        add(folder, own(source), bad)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["../evil", "a/b", "/etc/x", ".hidden", "", "a b", "a.b", "-x", "ä", "x" * 65, "a\nb"])
def test_a_name_that_is_a_path_or_worse_is_refused(name: str, source: Path, folder: Path) -> None:
    """Names become file names and keys."""
    with pytest.raises(ConfigError, match="is no name"):
        add(folder, own(source), name=name)
    assert not folder.exists()


def test_a_name_that_is_taken_is_refused(source: Path, folder: Path) -> None:
    """A model in use is not replaced under its name."""
    add(folder, own(source))
    before = (folder / "manifest.toml").read_bytes()
    with pytest.raises(ModelError, match="has one of this name"):
        add(folder, yolo(source), name="grey")
    assert (folder / "manifest.toml").read_bytes() == before


def test_a_file_that_lies_there_unnamed_is_not_overwritten(source: Path, folder: Path) -> None:
    """It may be somebody's."""
    folder.mkdir()
    (folder / "grey.onnx").write_bytes(b"somebody's")
    with pytest.raises(ModelError, match="already"):
        add(folder, own(source))
    assert (folder / "grey.onnx").read_bytes() == b"somebody's"


def test_a_manifest_that_cannot_be_extended_is_left_alone(source: Path, folder: Path) -> None:
    """A broken one is named, not repaired."""
    folder.mkdir()
    (folder / "manifest.toml").write_text("[models.x]\nfile = 3\n")
    with pytest.raises(ModelError, match="read model manifest"):
        add(folder, own(source))
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.toml"]


def test_a_reader_needs_its_plate_configuration(source: Path, folder: Path) -> None:
    """And a detector takes none."""
    brightness_reader(source)
    with pytest.raises(ConfigError, match="--config"):
        add(folder, source / "ocr.onnx")
    with pytest.raises(ConfigError, match="exactly one reader"):
        add(folder, own(source), config=source / "ocr.yaml")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[US-CT, US-NY, unknown]", "[US-CT, US-NY]", "regions"),
        ("max_plate_slots: 10", "max_plate_slots: 9", "load reader"),
        ("img_width: 128", "img_width: 100000", "1 to 1024"),
        ("alphabet:", "alfabet:", "alfabet"),
    ],
)
def test_a_plate_configuration_that_does_not_fit_its_reader_is_refused(
    old: str, new: str, words: str, source: Path, folder: Path
) -> None:
    """Found by reading two plates, not at the first car."""
    brightness_reader(source)
    (source / "ocr.yaml").write_text(OCR_CONFIG.replace(old, new))
    with pytest.raises(ModelError, match=words):
        add(folder, source / "ocr.onnx", config=source / "ocr.yaml")


def test_a_reader_that_gives_no_probabilities_is_refused(source: Path, folder: Path) -> None:
    """Raw scores would pass for certainty."""
    brightness_reader(source)
    model = onnx.load(source / "ocr.onnx")
    next(node for node in model.graph.node if node.op_type == "Sum").output[0] = "sure"
    model.graph.node.append(helper.make_node("Add", ["sure", "sure"], ["plate"]))
    onnx.save(model, str(source / "ocr.onnx"))
    with pytest.raises(ModelError, match="no probabilities"):
        add(folder, source / "ocr.onnx", config=source / "ocr.yaml")


def registered(folder: Path, file: Path) -> Path:
    """A model that somebody wrote into a manifest by hand."""
    write_manifest(folder, "d", file, "plate-edge-detector/1")
    return folder


def test_a_model_that_wants_all_memory_takes_down_only_its_trial(tmp_path: Path) -> None:
    """Sixteen gigabytes of zeros, asked for by a file of two hundred bytes."""
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        helper.make_node("Expand", ["sum", "rows"], ["plates"]),
    ]
    weights = {"size": np.array([4 << 30], np.int64), "rows": np.array([1, 4, 9], np.int64)}
    with pytest.raises(ModelError, match="more than 192 MiB"):
        try_model(registered(tmp_path, network(nodes, weights, (1, 4, 9), tmp_path / "d.onnx")), "d")


def test_a_model_that_never_ends_is_stopped(tmp_path: Path) -> None:
    """A loop of 2^62 rounds is given up."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["before", "before"], ["after"])],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, [1, 4, 9]),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, [1, 4, 9]),
        ],
    )
    nodes = [helper.make_node("Loop", ["rounds", "yes", "start"], ["plates"], body=body)]
    weights = {
        "rounds": np.array(1 << 62, np.int64),
        "yes": np.array(True),
        "start": np.zeros((1, 4, 9), np.float32),
    }
    endless = network(nodes, weights, (1, 4, 9), tmp_path / "d.onnx")
    with pytest.raises(ModelError, match="takes more time than a model of its size may"):
        try_model(registered(tmp_path, endless), "d")


def test_words_from_a_file_are_shown_on_one_plain_line(tmp_path: Path) -> None:
    """A name with escape codes in a model does not reach the terminal."""
    file = network([helper.make_node("Steal\x1b[2J\n", ["image"], ["plates"])], {}, (1, 4, 9), tmp_path / "d.onnx")
    with pytest.raises(ModelError) as refusal:
        try_model(registered(tmp_path, file), "d")
    assert "Steal" in str(refusal.value)
    assert str(refusal.value).isprintable()


def test_verify_says_which_model_is_damaged_and_ends_with_1(source: Path, folder: Path) -> None:
    """One changed byte in one of two models: that one is named, the other is not."""
    add(folder, own(source), yolo(source))
    data = bytearray((folder / "yolo.onnx").read_bytes())
    data[-1] ^= 1
    (folder / "yolo.onnx").write_bytes(data)
    done = plate_edge("models", "verify", "--models", folder, "--json")
    wrong = {line["name"]: line["wrong"] for line in map(json.loads, done.stdout.splitlines())}
    assert (done.returncode, wrong["grey"]) == (1, None)
    assert "not the file that the manifest names" in wrong["yolo"]


def test_verify_loads_and_runs_each_model(tmp_path: Path) -> None:
    """A right hash is not enough."""
    registered(tmp_path, shaped((1, 1, 352, 640), (1, 4, 5))(tmp_path / "d.onnx"))
    assert "rows of 9" in str(next(verify_models(tmp_path)).wrong)


def test_the_commands_add_list_and_verify(source: Path, folder: Path) -> None:
    """As in the README; `add` names its folder or is a wrong call."""
    assert plate_edge("models", "add", own(source)).returncode == 2
    added = plate_edge("models", "add", source / "grey.onnx", "--models", folder, "--name", "detector", "--threshold", "0.4")
    assert added.returncode == 0, added.stderr
    listed = json.loads(plate_edge("models", "list", "--models", folder, "--json").stdout)
    assert listed["detector"]["sha256"] == sha256(source / "grey.onnx")
    assert "detector: ok" in plate_edge("models", "verify", "--models", folder).stdout
    refused = plate_edge("models", "add", own(source), "--models", folder, "--name", "detector")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_a_folder_that_cannot_be_written_is_a_wrong_call(source: Path, tmp_path: Path) -> None:
    """And so is one whose parent is missing."""
    with pytest.raises(ConfigError, match="add models to"):
        add(tmp_path / "none" / "models", own(source))
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="add models to"):
        add(tmp_path / "file", own(source))


def test_two_at_once_do_not_lose_an_entry(source: Path, folder: Path) -> None:
    """Adding waits for the one who adds."""
    for number in range(3):
        shutil.copy(own(source), source / f"m{number}.onnx")
    command = [sys.executable, "-m", "edge", "models", "add", "--models", str(folder)]
    running = [subprocess.Popen([*command, str(source / f"m{n}.onnx")], cwd=ROOT, stdout=subprocess.DEVNULL) for n in range(3)]
    assert [process.wait(timeout=120) for process in running] == [0, 0, 0]
    assert set(read_manifest(folder)) == {"m0", "m1", "m2"}
