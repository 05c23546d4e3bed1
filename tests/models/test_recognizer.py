"""Training and export of the recognizer, in small."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only installed for training")
pytest.importorskip("PIL", reason="plates are lettered with Pillow, which only training installs")
onnx = pytest.importorskip("onnx", reason="onnx is only installed for training and tests")

from models.train import recognizer  # noqa: E402
from models.train.degrade import degrade_crop  # noqa: E402
from models.train.plates import REGIONS, render_plate  # noqa: E402
from models.train.recognizer import Settings, Trainer, averaged_net, draw_batch, texts_of  # noqa: E402
from models.train.recognizer_data import IGNORE, NO_REGION, RealPlate, Store, make_target  # noqa: E402
from models.train.recognizer_export import fit_temperature, write_config, write_onnx  # noqa: E402
from models.train.recognizer_net import ALPHABET, COLUMNS, PAD, SLOTS, RecognizerNet  # noqa: E402
from models.train.recognizer_nothing import Surroundings, free_quad, nothing  # noqa: E402


def small_store(crops: int) -> Store:
    """A store of rendered crops that are kind to a beginner."""
    rng = np.random.default_rng(1)
    store = Store(crops)
    while store.made.value < crops:
        plate = render_plate(rng, style="us")
        crop = degrade_crop(rng, plate, severity=0.0)
        store.put(crop, make_target(plate.text, crop.centres_x, REGIONS.index(plate.region)))
    return store


def test_targets_count_the_characters_along_the_plate() -> None:
    """Each column says which character it shows, and the running count ends at the number of characters."""
    target = make_target("AB12", np.array([20, 40, 70, 90], np.float32), 3)
    assert texts_of(target.slots[None].astype(np.int64)) == ["AB12"]
    assert target.running[-1] == pytest.approx(4.0)
    assert (np.diff(target.running) >= -1e-6).all()
    middles = [int(x * COLUMNS / 128) for x in (20, 40, 70, 90)]
    assert [ALPHABET[target.columns[m]] for m in middles] == list("AB12")
    assert target.columns[0] == PAD
    assert set(np.unique(target.columns)) <= {PAD, IGNORE, *target.slots[:4]}


def test_a_crop_without_known_positions_gives_only_its_text() -> None:
    """Real crops teach the slots and the total, no column."""
    target = make_target("7X", None, 0)
    assert not target.placed
    assert (target.columns == IGNORE).all()
    assert target.running[-1] == 2


def test_where_there_is_no_plate_no_character_is_asked_for() -> None:
    """Every slot and every column is empty, and the running count stays at nothing."""
    target = make_target("", np.zeros(0, np.float32), NO_REGION)
    assert (target.slots == PAD).all()
    assert (target.columns == PAD).all()
    assert (target.running == 0).all()
    assert target.placed


def test_a_box_without_a_plate_keeps_away_from_every_plate() -> None:
    """Random boxes of a frame touch no place that holds a plate or may hold one."""
    rng = np.random.default_rng(6)
    picture = rng.integers(0, 255, (240, 320, 3)).astype(np.uint8)
    taken = np.array([[100, 60, 220, 180]], np.float32)
    frame = Surroundings(picture, np.zeros((0, 4, 2), np.float32), taken)
    drawn = [free_quad(rng, frame) for _ in range(300)]
    quads = [quad for quad in drawn if quad is not None]
    assert 20 < len(quads) < 300
    for quad in quads:
        left, right, top, bottom = quad[0, 0], quad[1, 0], min(quad[0, 1], quad[1, 1]), max(quad[2, 1], quad[3, 1])
        leaning = abs(quad[1, 1] - quad[0, 1])
        assert right <= 100 or left >= 220 or bottom - leaning <= 60 or top + leaning >= 180


@pytest.mark.parametrize("frames", [0, 1], ids=["drawn only", "with a real frame"])
def test_crops_without_a_plate_are_shaped_like_those_with_one(frames: int) -> None:
    """Cut from a frame, found by a detector or drawn: one reader's input of 64 by 128 pixels, in colour."""
    rng = np.random.default_rng(7)
    picture = rng.integers(0, 255, (240, 320, 3)).astype(np.uint8)
    found = np.array([[[10, 10], [90, 12], [90, 50], [10, 48]]], np.float32)
    around = [Surroundings(picture, found, np.zeros((0, 4), np.float32))] * frames
    for _ in range(40):
        crop = nothing(rng, around, float(rng.random()))
        assert crop.shape == (64, 128, 3)
        assert crop.dtype == np.uint8


def test_another_plate_beside_it_changes_no_target() -> None:
    """The neighbour fills the surroundings; the characters asked for stay where they were."""
    plate, neighbour = render_plate(np.random.default_rng(8), style="us"), render_plate(np.random.default_rng(9), style="us")
    alone = degrade_crop(np.random.default_rng(10), plate, 0.2)
    beside = degrade_crop(np.random.default_rng(10), plate, 0.2, neighbour.image)
    assert alone.centres_x is not None
    assert beside.centres_x is not None
    assert len(beside.centres_x) == len(alone.centres_x) == len(plate.text)
    assert not np.array_equal(alone.image, beside.image)


def test_measured_figures_count_what_was_read() -> None:
    """O read as 0 is right when folded and wrong as written; a missing character counts as one edit."""
    measuring = pytest.importorskip("models.train.recognizer_eval", reason="fast-plate-ocr is not installed")
    picture = np.zeros((60, 120, 3), np.uint8)

    def result(truth: str, read: str, sure: float) -> Any:
        plate = RealPlate(picture, (0.0, 0.0, 120.0, 60.0), truth, None, "made", REGIONS.index("US-CT"))
        return measuring.Result(plate, read, sure, "US-CT", 0.9)

    figures = measuring.figures_of([result("AO1", "A01", 0.9), result("BB22", "BB2", 0.5), result("C3", "C3", 0.99)])
    assert (figures.n, figures.exact_folded, figures.exact) == (
        3,
        pytest.approx(2 / 3, abs=1e-4),
        pytest.approx(1 / 3, abs=1e-4),
    )
    assert figures.cer == pytest.approx(1 / 9, abs=1e-4)
    assert (figures.sure, figures.right_when_sure, figures.region) == (pytest.approx(2 / 3, abs=1e-4), 1.0, 1.0)
    assert set(measuring.groups_of([result("A", "A", 0.9)])) == {"made", "width >= 100", "dark (mean < 70)", "all"}


def test_a_few_steps_lower_the_loss() -> None:
    """Forty steps on the same small store make the net better at it."""
    torch.set_num_threads(1)
    store = small_store(160)
    trainer = Trainer(Settings(hours=1.0, batch=32, peak_rate=2e-3))
    trainer.spent_s = 0.1 * 3600  # past the warm-up
    rng = np.random.default_rng(2)
    losses = [trainer.step(draw_batch(store, rng, 32)) for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:5])


def test_a_saved_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Restored weights, clock and step count equal the saved ones."""
    store = small_store(80)
    rng = np.random.default_rng(2)
    trainer = Trainer(Settings(hours=1.0, batch=16))
    trainer.step(draw_batch(store, rng, 16))
    trainer.spent_s = 77.0
    trainer.save(tmp_path / "checkpoint.pt")
    other = Trainer(Settings(hours=1.0, batch=16, seed=9))
    other.restore(tmp_path / "checkpoint.pt")
    assert (other.steps, other.spent_s) == (1, 77.0)
    for name, value in trainer.net.state_dict().items():
        assert torch.equal(other.net.state_dict()[name], value)
    for name, value in trainer.averaged.state.items():
        assert torch.equal(other.averaged.state[name], value)


def test_the_mean_of_two_checkpoints_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every weight of the net is the mean of the last checkpoint's and the earlier one's."""
    monkeypatch.setattr(recognizer, "CACHE", tmp_path)
    last, earlier = Trainer(Settings(hours=1.0, seed=1)), Trainer(Settings(hours=1.0, seed=2))
    last.save(tmp_path / "checkpoint.pt")
    earlier.save(tmp_path / "earlier.pt")
    net = averaged_net(tmp_path / "earlier.pt")
    for name, value in net.state_dict().items():
        expected = (last.averaged.state[name].double() + earlier.averaged.state[name].double()) / 2
        assert torch.allclose(value.double(), expected, atol=1e-6)


def test_temperature_cools_an_overconfident_head() -> None:
    """Scores three times too sharp are given back a temperature near three."""
    rng = np.random.default_rng(3)
    scores = rng.normal(0, 1, (20_000, 10)).astype(np.float32)
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    classes = (shares.cumsum(1) > rng.random((len(scores), 1))).argmax(1)
    assert fit_temperature(scores * 3, classes) == pytest.approx(3.0, rel=0.1)


def test_the_export_runs_in_the_library_that_units_use(tmp_path: Path) -> None:
    """fast-plate-ocr loads file and config by path, reads one crop or several, and knows the regions."""
    library = pytest.importorskip("fast_plate_ocr")
    torch.manual_seed(4)
    net = RecognizerNet(len(REGIONS)).eval()
    write_onnx(net, tmp_path / "ocr.onnx", 1.3, 1.1)
    write_config(tmp_path / "ocr.yaml")
    reader = library.LicensePlateRecognizer(
        onnx_model_path=tmp_path / "ocr.onnx", plate_config_path=tmp_path / "ocr.yaml", device="cpu"
    )
    rng = np.random.default_rng(5)
    crops = rng.integers(0, 255, (5, 64, 128, 3)).astype(np.uint8)
    slots, regions = reader.model.run(["plate", "region"], {"input": crops})
    assert slots.shape == (5, SLOTS, len(ALPHABET))
    assert regions.shape == (5, len(REGIONS))
    assert np.allclose(slots.sum(2), 1, atol=1e-4)
    assert np.allclose(regions.sum(1), 1, atol=1e-4)
    with torch.no_grad():
        expected = torch.softmax(net(torch.from_numpy(crops)).slots / 1.3, 2).numpy()
    assert np.allclose(slots, expected, atol=1e-3)
    readings = reader.run([crops[0], render_plate(rng).image], return_confidence=True)
    assert len(readings) == 2
    assert all(reading.region in REGIONS for reading in readings)


def test_the_export_is_one_file_that_older_runtimes_read(tmp_path: Path) -> None:
    """Opset at most 17, IR version at most 10, weights inside the file."""
    write_onnx(RecognizerNet(len(REGIONS)).eval(), tmp_path / "ocr.onnx", 1.0, 1.0)
    model = onnx.load(str(tmp_path / "ocr.onnx"), load_external_data=False)
    assert max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")) <= 17
    assert model.ir_version <= 10
    assert not any(onnx.external_data_helper.uses_external_data(tensor) for tensor in model.graph.initializer)
    assert [path.name for path in tmp_path.iterdir()] == ["ocr.onnx"]
