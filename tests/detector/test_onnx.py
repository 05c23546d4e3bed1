"""Detector files of both formats, through onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from edge.config import DetectorConfig
from edge.detector.onnx import OnnxDetector
from edge.errors import ModelError
from edge.model_files import find_model
from edge.records import Frame
from tests.onnx_files import constant_network, write_manifest
from tests.readings import instant

FORMATS = ("plate-edge-detector/1", "yolov9-end2end")


def frame(height: int, width: int) -> Frame:
    return Frame(camera="c", number=0, image=np.zeros((height, width, 3), np.uint8), at=instant(), media_s=0.0)


def own(folder: Path, rows: np.ndarray, shape: tuple[int, ...] = (1, 1, 352, 640)) -> None:
    file = constant_network(folder / "d.onnx", shape, TensorProto.UINT8, rows)
    write_manifest(folder, "detector", file, "plate-edge-detector/1", threshold=0.5)


def load(folder: Path) -> OnnxDetector:
    return OnnxDetector(find_model(folder, "detector", FORMATS), DetectorConfig())


def test_our_own_format_is_read(tmp_path: Path) -> None:
    """Corner rows of a 640x352 input come out in pixels of a 1280x704 frame."""
    rows = np.zeros((1, 4, 9), np.float32)
    rows[0, 0] = [0.9, 10, 20, 60, 20, 60, 45, 10, 45]
    own(tmp_path, rows)
    (plate,) = load(tmp_path).detect(frame(704, 1280))
    assert (plate.box.x, plate.box.y, plate.box.w, plate.box.h) == (20, 40, 100, 50)


def test_the_published_yolov9_format_is_read(tmp_path: Path) -> None:
    """An agency's open-image-models detector works as it is published."""
    rows = np.array([[0, 60, 84, 120, 114, 0, 0.8]], np.float32)
    file = constant_network(tmp_path / "y.onnx", (1, 3, 384, 384), TensorProto.FLOAT, rows)
    write_manifest(tmp_path, "detector", file, "yolov9-end2end", threshold=0.4)
    (plate,) = load(tmp_path).detect(frame(360, 640))
    assert plate.box.w == pytest.approx(100)
    assert plate.confidence == pytest.approx(0.8)


def test_no_rows_are_no_plates(tmp_path: Path) -> None:
    """The end-to-end export gives zero rows on an empty road."""
    file = constant_network(tmp_path / "y.onnx", (1, 3, 384, 384), TensorProto.FLOAT, np.zeros((0, 7)))
    write_manifest(tmp_path, "detector", file, "yolov9-end2end")
    assert load(tmp_path).detect(frame(360, 640)) == ()


@pytest.mark.parametrize(
    ("shape", "columns"),
    [((1, 3, 352, 640), 9), ((1, 1, 352, 640), 7), ((1, 1, 100_000, 100_000), 9), ((2, 1, 352, 640), 9)],
    ids=["colour input", "wrong columns", "huge input", "two frames at once"],
)
def test_a_network_of_another_shape_is_refused_at_start(tmp_path: Path, shape: tuple[int, ...], columns: int) -> None:
    """A foreign file is refused when it is loaded, not at the first car."""
    own(tmp_path, np.zeros((1, 4, columns), np.float32), shape)
    with pytest.raises(ModelError, match="detector"):
        load(tmp_path)


def test_a_network_of_other_numbers_is_refused_at_start(tmp_path: Path) -> None:
    """Bytes are not floats: the first frame would fail."""
    file = constant_network(tmp_path / "d.onnx", (1, 1, 352, 640), TensorProto.FLOAT, np.zeros((1, 4, 9)))
    write_manifest(tmp_path, "detector", file, "plate-edge-detector/1")
    with pytest.raises(ModelError, match=r"takes tensor\(uint8\)"):
        load(tmp_path)


def test_a_file_that_is_no_network_is_refused_at_start(tmp_path: Path) -> None:
    """Bytes that hash right but are no model give one clear error."""
    (tmp_path / "d.onnx").write_bytes(b"no network at all")
    write_manifest(tmp_path, "detector", tmp_path / "d.onnx", "plate-edge-detector/1")
    with pytest.raises(ModelError, match=r"`detector`.*no ONNX file"):
        load(tmp_path)


def test_a_candidate_is_handed_on_and_says_that_the_detector_is_not_sure(tmp_path: Path) -> None:
    """Between the manifest's two thresholds a plate depends on its text; below both it is nothing."""
    rows = np.zeros((1, 4, 9), np.float32)
    for i, score in enumerate((0.9, 0.3, 0.1)):
        rows[0, i] = [score, 10, 20 + 100 * i, 60, 20 + 100 * i, 60, 45 + 100 * i, 10, 45 + 100 * i]
    file = constant_network(tmp_path / "d.onnx", (1, 1, 352, 640), TensorProto.UINT8, rows)
    write_manifest(tmp_path, "detector", file, "plate-edge-detector/1", threshold=0.5, candidate=0.25)
    found = load(tmp_path).detect(frame(704, 1280))
    assert [plate.sure for plate in found] == [True, False]
    own(tmp_path, rows)
    assert [plate.sure for plate in load(tmp_path).detect(frame(704, 1280))] == [True], "without `candidate` there are none"
