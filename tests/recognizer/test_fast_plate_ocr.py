"""Plates through fast-plate-ocr's own recognizer, with a network whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.config import RecognizerConfig
from edge.errors import ModelError
from edge.model_files import find_model
from edge.recognizer.fast_plate_ocr import FastPlateOcr
from edge.records import Detection, Frame
from tests.onnx_files import brightness_reader, sha256, write_manifest
from tests.readings import detection, instant


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> FastPlateOcr:
    folder = brightness_reader(tmp_path_factory.mktemp("ocr"))
    return FastPlateOcr(find_model(folder, "ocr", ("fast-plate-ocr",)), RecognizerConfig())


def two_plates(colour: bool) -> tuple[Frame, list[Detection]]:
    """A frame with a dark plate on the left and a bright one on the right."""
    image = np.full((300, 800), 51, np.uint8)
    image[:, 400:] = 204
    picture = np.repeat(image[:, :, None], 3, axis=2) if colour else image
    frame = Frame(camera="c", number=7, image=picture, at=instant(), media_s=0.7)
    return frame, [detection(600, 100), detection(100, 100)]


@pytest.mark.parametrize("colour", [True, False], ids=["colour frame", "grey frame"])
def test_each_detection_gets_its_own_reading_in_order(reader: FastPlateOcr, colour: bool) -> None:
    """Bright plate AA, dark plate BB, whichever way the camera sees."""
    bright, dark = reader.read(*two_plates(colour))
    assert (bright.text, dark.text) == ("AA", "BB")
    assert bright.detection.box.x == 600
    assert (bright.frame_number, bright.media_s) == (7, 0.7)


def test_a_reading_keeps_the_runner_up_of_every_slot(reader: FastPlateOcr) -> None:
    """What was nearly read stays available to the vote and to a search."""
    bright, _ = reader.read(*two_plates(True))
    assert [option.character for option in bright.slots[0]] == ["A", "B"]
    assert bright.slots[0][0].probability == pytest.approx(0.8, abs=0.01)
    assert bright.slots[5][0].character == ""
    assert bright.confidence == pytest.approx(0.64, abs=0.02)


def test_the_region_comes_with_its_confidence(reader: FastPlateOcr) -> None:
    """The region head's best name."""
    bright, _ = reader.read(*two_plates(True))
    assert (bright.region, bright.region_confidence) == ("US-NY", pytest.approx(0.8))


def test_no_detections_are_no_work(reader: FastPlateOcr) -> None:
    """An empty road costs no call of the model."""
    assert reader.read(two_plates(True)[0], []) == ()


def test_a_reader_without_its_plate_configuration_is_refused(tmp_path: Path) -> None:
    """The manifest must name it."""
    brightness_reader(tmp_path)
    write_manifest(tmp_path, "ocr", tmp_path / "ocr.onnx", "fast-plate-ocr")
    with pytest.raises(ModelError, match="plate configuration"):
        FastPlateOcr(find_model(tmp_path, "ocr", ("fast-plate-ocr",)), RecognizerConfig())


@pytest.mark.parametrize("spoilt", ["ocr.onnx", "ocr.yaml"])
def test_a_file_that_hashes_right_and_is_nonsense_is_refused_at_start(tmp_path: Path, spoilt: str) -> None:
    """Damage before registration is found when the model is loaded, with its name."""
    brightness_reader(tmp_path)
    (tmp_path / spoilt).write_bytes(b"max_plate_slots: [")
    config = {"config": "ocr.yaml", "config_sha256": sha256(tmp_path / "ocr.yaml")}
    write_manifest(tmp_path, "ocr", tmp_path / "ocr.onnx", "fast-plate-ocr", **config)
    with pytest.raises(ModelError, match="`ocr`"):
        FastPlateOcr(find_model(tmp_path, "ocr", ("fast-plate-ocr",)), RecognizerConfig())
