"""A model is used only if its bytes are the ones that the manifest names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from edge.errors import ModelError
from edge.model_files import bundled_folder, default_models, find_model, read_manifest
from tests.onnx_files import constant_network, external, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    constant_network(tmp_path / "d.onnx", (1, 1, 352, 640), TensorProto.UINT8, np.zeros((1, 4, 9)))
    write_manifest(tmp_path, "detector", tmp_path / "d.onnx", "plate-edge-detector/1")
    return tmp_path


def test_a_model_with_the_right_hash_is_found(folder: Path) -> None:
    """Name in, path and hash out."""
    assert find_model(folder, "detector", ("plate-edge-detector/1",)).path == folder / "d.onnx"


def test_a_changed_file_is_refused(folder: Path) -> None:
    """One changed byte is another model."""
    data = bytearray((folder / "d.onnx").read_bytes())
    data[-1] ^= 1
    (folder / "d.onnx").write_bytes(data)
    with pytest.raises(ModelError, match="not the file that the manifest names"):
        find_model(folder, "detector", ("plate-edge-detector/1",))


def test_a_truncated_file_is_refused(folder: Path) -> None:
    """Half a copy is no model."""
    data = (folder / "d.onnx").read_bytes()
    (folder / "d.onnx").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="not the file that the manifest names"):
        find_model(folder, "detector", ("plate-edge-detector/1",))


def test_a_foreign_file_is_refused_though_its_hash_is_right(folder: Path) -> None:
    """A picture that somebody registered by hand under a model's name is no model."""
    (folder / "d.onnx").write_bytes(b"\x89PNG\r\n\x1a\n")
    write_manifest(folder, "detector", folder / "d.onnx", "plate-edge-detector/1")
    with pytest.raises(ModelError, match="no ONNX file"):
        find_model(folder, "detector", ("plate-edge-detector/1",))


def test_weights_in_another_file_are_refused_though_the_hash_is_right(folder: Path) -> None:
    """They could be changed without changing the hash."""
    model = onnx.load(folder / "d.onnx")
    external(model.graph.initializer[0])
    (folder / "d.onnx").write_bytes(model.SerializeToString())
    write_manifest(folder, "detector", folder / "d.onnx", "plate-edge-detector/1")
    with pytest.raises(ModelError, match="in other files"):
        find_model(folder, "detector", ("plate-edge-detector/1",))


def test_a_missing_file_is_refused(folder: Path) -> None:
    """A model that is gone is said to be gone."""
    (folder / "d.onnx").unlink()
    with pytest.raises(ModelError, match="No such file"):
        find_model(folder, "detector", ("plate-edge-detector/1",))


def test_a_link_is_refused(folder: Path) -> None:
    """A link could point anywhere tomorrow."""
    (folder / "d.onnx").rename(folder / "real.onnx")
    (folder / "d.onnx").symlink_to(folder / "real.onnx")
    with pytest.raises(ModelError, match="no link"):
        find_model(folder, "detector", ("plate-edge-detector/1",))


def test_an_unknown_name_lists_the_known_ones(folder: Path) -> None:
    """The error says what there is."""
    with pytest.raises(ModelError, match="it names detector"):
        find_model(folder, "detektor", ("plate-edge-detector/1",))


def test_a_reader_is_no_detector(folder: Path) -> None:
    """A model of another format is refused by name."""
    with pytest.raises(ModelError, match="its format is plate-edge-detector/1"):
        find_model(folder, "detector", ("fast-plate-ocr",))


def test_a_broken_manifest_is_refused(folder: Path) -> None:
    """Unknown keys in the manifest are an error."""
    with (folder / "manifest.toml").open("a") as manifest:
        manifest.write('colour = "red"\n')
    with pytest.raises(ModelError, match="colour"):
        read_manifest(folder)


def test_every_bundled_model_is_what_its_manifest_says() -> None:
    """The files in the tree and the manifest in the tree agree."""
    for name, entry in read_manifest(bundled_folder()).items():
        assert find_model(bundled_folder(), name, (entry.format,)).sha256 == entry.sha256


def test_a_manifest_may_name_what_runs_by_default(folder: Path) -> None:
    """Without a table `default` the models named `detector` and `ocr` run; with one, those it names."""
    assert (default_models(folder).detector, default_models(folder).recognizer) == ("detector", "ocr")
    manifest = folder / "manifest.toml"
    manifest.write_text('[default]\nrecognizer = "mine"\n' + manifest.read_text())
    assert (default_models(folder).detector, default_models(folder).recognizer) == ("detector", "mine")


def test_the_bundled_manifest_runs_models_that_it_has() -> None:
    """Its default names a detector and a reader of its own."""
    entries, default = read_manifest(bundled_folder()), default_models(bundled_folder())
    assert entries[default.detector].format == "plate-edge-detector/1"
    assert entries[default.recognizer].format == "fast-plate-ocr"
