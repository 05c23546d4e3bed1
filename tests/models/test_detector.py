"""The detector's network, its loss and its file format."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is installed for training only")
onnx = pytest.importorskip("onnx", reason="onnx is installed for training only")
pytest.importorskip("PIL", reason="scenes are lettered with Pillow, which only training installs")

import onnxruntime  # noqa: E402

from models.train import detector_eval, detector_loss  # noqa: E402
from models.train.detector import Plan, Trainer  # noqa: E402
from models.train.detector_export import FORMAT, TOP, Detector, export  # noqa: E402
from models.train.detector_net import STRIDE, DetectorNet  # noqa: E402
from models.train.detector_quantize import quantize  # noqa: E402
from models.train.scenes import Scene  # noqa: E402

TINY = (4, 8, 8, 8, 8)


def scene_with_plate(x: float, y: float, width: float = 60.0) -> Scene:
    """A grey picture with one bright, lettered rectangle that is leaning a little."""
    image = np.full((96, 160), 80, np.uint8)
    quad = np.array([[x, y], [x + width, y + 4], [x + width, y + 4 + width / 2], [x, y + width / 2]], np.float32)
    image[int(y) + 4 : int(y + width / 2), int(x) : int(x + width)] = 230
    image[int(y) + 10 : int(y + width / 2) - 8, int(x) + 6 : int(x + width) - 6 : 6] = 20
    return Scene(image, quad[None], np.array([True]), np.zeros((0, 4), np.float32))


def trainer(tmp_path: Path) -> Trainer:
    torch.manual_seed(1)
    torch.set_num_threads(1)
    return Trainer(Plan(600.0, 1, 5e-3, 60.0, 60.0, tmp_path), DetectorNet(TINY))


def test_a_few_steps_teach_four_pictures(tmp_path: Path) -> None:
    """The loss falls by a third and more, and the score in the plate's cell rises over all others of its picture."""
    made = trainer(tmp_path)
    scenes = [scene_with_plate(20, 20), scene_with_plate(60, 30), scene_with_plate(80, 50, 40), scene_with_plate(10, 50)]
    made.steps = 300  # past the warm-up
    weights = torch.tensor([1.0, detector_loss.CORNER_WEIGHT, detector_loss.BOX_WEIGHT])
    first = (made.step(scenes) * weights).sum()
    for _ in range(160):
        last = (made.step(scenes) * weights).sum()
    assert last < 0.7 * first, f"{first} → {last}"
    logits, _ = made.net(torch.from_numpy(np.stack([scene.image for scene in scenes]))[:, None].float())
    best = logits[:, 0].flatten(1).argmax(1)
    wanted = detector_loss.targets(scenes).heat.flatten(1)
    assert (wanted[torch.arange(4), best] > 0.4).all()


def test_training_resumes_where_it_stopped(tmp_path: Path) -> None:
    """Weights, averages, optimiser and the spent time come back from the checkpoint."""
    before = trainer(tmp_path)
    before.step([scene_with_plate(20, 20)])
    before.spent_s = 12.5
    before.save(tmp_path / "checkpoint.pt")
    after = trainer(tmp_path)
    after.resume(tmp_path / "checkpoint.pt")
    assert (after.steps, after.spent_s) == (1, 12.5)
    for name, value in before.average.state_dict().items():
        assert torch.equal(after.average.state_dict()[name], value)


def test_export_keeps_the_contract(tmp_path: Path) -> None:
    """uint8 [1,1,H,W] "image" of any size in, float32 [1,32,9] "plates" out, sorted, the format's name and the own size in
    the metadata, opset ≤ 17; the rows are those of the network before it was a file, whatever the picture's size."""
    path = tmp_path / "detector.onnx"
    net = DetectorNet(TINY).eval()
    export(net, path, (640, 352))
    model = onnx.load(path)
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert (said["format"], said["input_size"]) == (FORMAT, "640x352")
    assert max(entry.version for entry in model.opset_import) <= 17
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (given,), (out,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape) == ("image", "tensor(uint8)", [1, 1, "height", "width"])
    assert (out.name, out.type, out.shape) == ("plates", "tensor(float)", [1, TOP, 9])
    for width, height in ((640, 352), (416, 544), (320, 192)):
        image = np.random.default_rng(0).integers(0, 256, (1, 1, height, width), dtype=np.uint8)
        rows = session.run(None, {"image": image})[0][0]
        assert (np.diff(rows[:, 0]) <= 0).all()
        with torch.no_grad():
            wanted = Detector(net)(torch.from_numpy(image))[0].numpy()
        np.testing.assert_allclose(rows[:, 0], wanted[:, 0], atol=1e-4)
        np.testing.assert_allclose(rows[0], wanted[0], rtol=1e-3, atol=1e-2)


def test_the_rows_of_the_file_are_the_corners_that_were_taught(tmp_path: Path) -> None:
    """The file decodes only the best cells; they say what the whole map of the training says there."""
    net = DetectorNet(TINY).eval()
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 1, 96, 160), dtype=np.uint8))
    with torch.no_grad():
        logits, corners = net(image.float())
        (rows,) = Detector(net)(image)
    at = int(logits.flatten().argmax())
    np.testing.assert_allclose(rows[0, 1:].numpy(), corners.flatten(2)[0, :, at].numpy(), atol=1e-3)


def test_the_int8_file_keeps_the_contract_and_nearly_the_scores(tmp_path: Path) -> None:
    """Same input, output and metadata; the best score moves by less than 0.05."""
    made = trainer(tmp_path)
    scenes = [scene_with_plate(20, 20), scene_with_plate(60, 30), scene_with_plate(80, 50, 40), scene_with_plate(10, 50)]
    for _ in range(30):
        made.step(scenes)
    exact, small = tmp_path / "exact.onnx", tmp_path / "small.onnx"
    export(made.average, exact, (160, 96))
    quantize(exact, small, [scene.image for scene in scenes])
    assert FORMAT in {entry.value for entry in onnx.load(small).metadata_props}
    assert any(node.op_type == "QuantizeLinear" for node in onnx.load(small).graph.node)
    best = [detector_eval.onnx_find(path, 0.0)(scenes[1].image)[0].confidence for path in (exact, small)]
    assert abs(best[0] - best[1]) < 0.05


def test_export_refuses_sizes_the_strides_do_not_divide(tmp_path: Path) -> None:
    """640x360 is refused, saying why."""
    with pytest.raises(ValueError, match="multiples of 32"):
        export(DetectorNet(TINY), tmp_path / "detector.onnx", (640, 360))


def test_the_heat_is_one_in_the_cell_of_the_plates_centre() -> None:
    """Even the smallest plate has a cell that must say "plate"."""
    scene = scene_with_plate(40, 40, 16)
    truth = detector_loss.targets([scene])
    centre = (scene.quads[0].min(0) + scene.quads[0].max(0)) / 2
    x, y = (int(value // STRIDE) for value in centre)
    assert truth.heat[0, y, x] == 1.0
    assert truth.share.sum() == pytest.approx(1.0)


def test_nothing_is_learnt_where_a_scene_says_ignore() -> None:
    """The score loss has no weight inside an ignored box."""
    scene = scene_with_plate(10, 10, 40)
    blind = Scene(scene.image, scene.quads, scene.exact, np.array([[100, 40, 160, 96]], np.float32))
    weight = detector_loss.targets([blind]).weight[0]
    assert (weight[5:, 13:] == 0).all()
    assert (weight[:5] > 0).all()


def test_perfect_corners_cost_nothing() -> None:
    """Corner and box loss vanish where the corners are the truth's."""
    truth = detector_loss.targets([scene_with_plate(40, 40)])
    corners = torch.zeros(1, 8, *truth.heat.shape[1:]) + truth.quad[0][None, :, None, None]
    _, parts = detector_loss.loss(torch.zeros(1, 1, *truth.heat.shape[1:]), corners, truth)
    assert parts[1] == pytest.approx(0.0, abs=1e-6)
    assert parts[2] == pytest.approx(0.0, abs=1e-5)
