"""Detector files of both formats, through onnxruntime."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from edge.config import DetectorConfig
from edge.detector.onnx import OnnxDetector
from edge.errors import ModelError
from edge.model_files import bundled_folder, find_model
from edge.records import Frame
from tests.onnx_files import brightest_finder, constant_network, write_manifest
from tests.readings import instant

FORMATS = ("plate-edge-detector/1", "yolov9-end2end")


def frame(height: int, width: int) -> Frame:
    return Frame(camera="c", number=0, image=np.zeros((height, width, 3), np.uint8), at=instant(), media_s=0.0)


def own(folder: Path, rows: np.ndarray, shape: tuple[int, ...] = (1, 1, 352, 640)) -> None:
    file = constant_network(folder / "d.onnx", shape, TensorProto.UINT8, rows)
    write_manifest(folder, "detector", file, "plate-edge-detector/1", threshold=0.5)


def load(folder: Path, pixels: int | None = None) -> OnnxDetector:
    return OnnxDetector(find_model(folder, "detector", FORMATS), DetectorConfig(pixels=pixels))


def free_size(folder: Path, input_size: str | None = "640x352") -> None:
    write_manifest(folder, "detector", brightest_finder(folder / "d.onnx", input_size), "plate-edge-detector/1")


def lit(height: int, width: int) -> Frame:
    """A dark frame with a light one fortieth of its width across, round (0.3 width, 0.6 height)."""
    image = np.zeros((height, width), np.uint8)
    half = width // 80
    image[round(0.6 * height) - half : round(0.6 * height) + half, round(0.3 * width) - half : round(0.3 * width) + half] = 200
    peak = image[round(0.6 * height) - half // 2 : round(0.6 * height) + half // 2]
    peak[:, round(0.3 * width) - half // 2 : round(0.3 * width) + half // 2] = 255
    return Frame(camera="c", number=0, image=image, at=instant(), media_s=0.0)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


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


ASPECTS = {
    (720, 1280): (640, 352),
    (1080, 1920): (640, 352),
    (960, 1280): (544, 416),
    (1000, 1000): (480, 480),
    (1024, 1280): (512, 416),
    (1280, 960): (416, 544),
    (1920, 1080): (352, 640),
    (640, 960): (576, 384),
    (400, 2400): (800, 288),
}


@pytest.mark.parametrize("shape", ASPECTS)
def test_a_free_input_takes_the_aspect_of_the_frame_and_corners_come_back_right(tmp_path: Path, shape: tuple[int, int]) -> None:
    """A light is found where it stands in the frame, whatever the frame's aspect, by the same work."""
    free_size(tmp_path)
    detector, (height, width) = load(tmp_path), shape
    columns, rows = detector.size_for(width, height)
    assert (columns, rows) == ASPECTS[shape]
    (plate,) = detector.detect(lit(height, width))
    x, y = (sum(point[axis] for point in plate.corners) / 4 for axis in (0, 1))
    slack = width / 80 + 2 * max(width / columns, height / rows)
    assert x == pytest.approx(0.3 * width, abs=slack)
    assert y == pytest.approx(0.6 * height, abs=slack)


def test_more_pixels_can_be_asked_of_a_free_input(tmp_path: Path) -> None:
    """The configuration buys range with time; the aspect still is the frame's."""
    free_size(tmp_path)
    detector = load(tmp_path, pixels=800 * 448)
    assert detector.size_for(1920, 1080) == (800, 448)
    assert detector.size_for(1280, 960) == (672, 512)
    assert detector.input_size == (800, 448)


def test_a_fixed_input_is_padded_as_ever(tmp_path: Path) -> None:
    """A file of the format with one size keeps it for every frame."""
    rows = np.zeros((1, 4, 9), np.float32)
    rows[0, 0] = [0.9, 10, 20, 60, 20, 60, 45, 10, 45]
    own(tmp_path, rows)
    assert load(tmp_path).size_for(1000, 1000) == (640, 352)
    (plate,) = load(tmp_path).detect(frame(704, 704))
    assert (plate.box.x, plate.box.y, plate.box.w, plate.box.h) == (20, 40, 100, 50)


def test_pixels_for_a_fixed_input_are_refused(tmp_path: Path) -> None:
    """A setting that would do nothing is an error."""
    own(tmp_path, np.zeros((1, 4, 9), np.float32))
    with pytest.raises(ModelError, match=r"take `detector\.pixels` out"):
        load(tmp_path, pixels=358_400)


@pytest.mark.parametrize("said", [None, "", "640", "640x360", "8000x8000", "0640x-32", "large"])
def test_a_free_input_without_a_size_of_its_own_is_refused_at_start(tmp_path: Path, said: str | None) -> None:
    """Nobody guesses how large a picture a network was made for."""
    free_size(tmp_path, said)
    with pytest.raises(ModelError, match="`input_size`, such as 640x352"):
        load(tmp_path)


def test_pictures_of_many_shapes_share_one_session_and_its_memory() -> None:
    """After every size of input was seen once, hundreds of other pictures take no more memory."""
    detector = OnnxDetector(find_model(bundled_folder(), "detector", FORMATS), DetectorConfig())
    sides = np.random.default_rng(5).integers(200, 1200, (300, 2)).tolist()
    sizes = {detector.size_for(width, height) for width, height in sides}
    assert len(sizes) < 30
    for width, height in sides[:150]:
        detector.detect(frame(height, width))
    before = resident_bytes()
    for width, height in sides[150:] + sides[:150]:
        detector.detect(frame(height, width))
    assert resident_bytes() - before < 30 << 20
