"""The re-created peer."""

from __future__ import annotations

import sys

import numpy as np
import onnxruntime
import pytest

from edge.bench import peer
from edge.bench.speed import ROUNDS, by_turns
from edge.errors import ConfigError

pytest.importorskip("onnx")


@pytest.mark.parametrize(
    ("network", "parameters", "macs"),
    [
        (peer.detector_network, peer.DETECTOR_PARAMETERS, peer.DETECTOR_MACS),
        (peer.reader_network, peer.READER_PARAMETERS, peer.READER_MACS),
    ],
    ids=["detector", "reader"],
)
def test_the_peer_has_the_published_size(network: object, parameters: float, macs: float) -> None:
    """Weights and multiplications are within a twentieth of what is known of fast-alpr's default pair."""
    assert callable(network)
    drawn = network()
    assert drawn.parameters == pytest.approx(parameters, rel=peer.TOLERANCE)
    assert drawn.macs == pytest.approx(macs, rel=peer.TOLERANCE)


def test_the_peer_gives_what_its_models_give() -> None:
    """Rows of seven from a 384x384 picture, and nine slots of 37 probabilities with a region."""
    detector, reader = (
        onnxruntime.InferenceSession(drawn.onnx, providers=["CPUExecutionProvider"])
        for drawn in (peer.detector_network(), peer.reader_network())
    )
    frame = np.random.default_rng(1).integers(0, 256, (720, 1280, 3)).astype(np.uint8)
    rows = detector.run(None, {"images": peer.letterbox(frame)})[0]
    assert rows.shape[1] == 7
    plate, region = reader.run(None, {"input": np.zeros((1, 64, 128, 3), np.uint8)})
    assert plate.shape == (1, 9, 37)
    assert np.allclose(plate.sum(2), 1, atol=1e-4)
    assert np.allclose(region.sum(), 1, atol=1e-4)


def test_the_frame_is_centred_on_grey() -> None:
    """A 16:9 frame keeps its shape: grey bars above and below, red first, 0 to 1."""
    frame = np.zeros((720, 1280, 3), np.uint8)
    frame[:, :, 2] = 255
    planes = peer.letterbox(frame)
    assert planes.shape == (1, 3, 384, 384)
    assert planes[0, :, 192, 192].tolist() == [1.0, 0.0, 0.0]
    assert planes[0, :, 10, 192] == pytest.approx([114 / 255] * 3)


def test_without_onnx_the_peer_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit does not have it."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"pip install 'plate-edge\[bench\]'"):
        peer.detector_network()


def test_works_take_turns() -> None:
    """One after the other in every round, so that a busy moment meets both."""
    order: list[str] = []
    spent = by_turns([lambda: order.append("ours"), lambda: order.append("peer")])
    assert [len(each) for each in spent] == [ROUNDS, ROUNDS]
    assert order == ["ours", "peer"] * (len(order) // 2)
