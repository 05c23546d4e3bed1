"""Training scenes: what they must hold so that the detector learns the right thing."""

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2", reason="scenes are drawn with OpenCV")
pytest.importorskip("PIL", reason="scenes are lettered with Pillow, which only training installs")

from models.train import scenes, scenes_camera  # noqa: E402
from models.train.scenes_distractors import KINDS  # noqa: E402


def real_frame(plate: tuple[float, float, float, float], known: bool = False) -> scenes.TrainFrame:
    """A grey frame of 640x360 with one white plate."""
    picture = np.full((360, 640), 90, np.uint8)
    x0, y0, x1, y1 = (int(value) for value in plate)
    picture[y0:y1, x0:x1] = 250
    levels = (picture, picture[::2, ::2].copy(), picture[::4, ::4].copy())
    none = np.zeros((0, 4), np.float32)
    box = np.array([plate], np.float32)
    return scenes.TrainFrame("made", "made", levels, box, scenes._corners(box[0])[None], np.array([known]), none, none)


def test_a_crop_moves_the_box_with_the_plate() -> None:
    """Whatever the scale, stretch and mirror, the pixels inside the box are the plate's and those around it are not."""
    rng = np.random.default_rng(3)
    frame = real_frame((300.0, 180.0, 380.0, 220.0))
    seen = 0
    for _ in range(40):
        canvas = scenes.crop_frame(rng, frame, np.array([340, 200], np.float32), float(rng.uniform(0.4, 1.5)), (320, 192))
        for quad in canvas.quads:
            x0, y0 = np.maximum(np.ceil(quad.min(0)).astype(int) + 2, 0)
            x1, y1 = np.floor(quad.max(0)).astype(int) - 2
            assert canvas.grey[y0:y1, x0:x1].mean() > 230
            seen += 1
    assert seen > 20


def test_known_corners_stay_on_the_plate_when_the_crop_is_tilted() -> None:
    """Turned, sheared or mirrored, the quadrilateral covers the plate's pixels and TL stays top left."""
    rng = np.random.default_rng(4)
    frame = real_frame((280.0, 170.0, 400.0, 220.0), known=True)
    seen = 0
    for _ in range(40):
        canvas = scenes.crop_frame(rng, frame, np.array([340, 200], np.float32), float(rng.uniform(0.5, 1.2)), (320, 192))
        for quad in canvas.quads:
            inner = quad.mean(0) + 0.85 * (quad - quad.mean(0))
            mask = np.zeros(canvas.grey.shape, np.uint8)
            cv2.fillConvexPoly(mask, np.round(inner).astype(np.int32), 255)
            assert canvas.grey[mask > 0].mean() > 235
            assert quad[0, 0] < quad[1, 0] and quad[0, 1] < quad[3, 1]
            seen += 1
    assert seen > 20


def test_characters_on_a_slope_give_a_plate_its_corners() -> None:
    """Characters rising 10 px over a plate's width shear the box by that much; without characters only the box is known."""
    box = np.array([100, 50, 200, 110], np.float32)
    characters = np.array([[x, 80 - (x - 150) / 10 - 8, x + 8, 80 - (x - 150) / 10 + 8] for x in (110, 130, 150, 170, 185)])
    quad, known = scenes._real_corners(box, characters.astype(np.float32), "darkplate")
    assert known
    np.testing.assert_allclose(quad, [[100, 60], [200, 50], [200, 100], [100, 110]], atol=0.5)
    assert not scenes._real_corners(box, np.zeros((0, 4), np.float32), "darkplate")[1]


def test_rendered_plates_bring_corners_in_reading_order() -> None:
    """Without real frames every plate is rendered: corners known, TL TR BR BL, the text upright."""
    rng = np.random.default_rng(5)
    maker = scenes.SceneMaker(rng, [], stock=6)
    made = [maker.make(rng, (320, 192)) for _ in range(40)]
    quads = [quad for scene in made for quad in scene.quads]
    assert len(quads) > 10
    assert all(scene.exact.all() for scene in made)
    for quad in quads:
        (tl, tr, br, bl) = quad
        assert tl[0] < tr[0] and bl[0] < br[0] and tl[1] < bl[1] and tr[1] < br[1]
        assert (tr - tl)[0] * (bl - tl)[1] - (tr - tl)[1] * (bl - tl)[0] > 0


def test_a_plate_cut_by_the_border_is_ignored_not_taught() -> None:
    """Partial plates are neither required nor wrong, so nothing may be learnt from them."""
    canvas = scenes.Canvas(np.zeros((192, 320), np.float32))
    scenes._add_truth(canvas, np.array([-40, 50, 40, 90], np.float32), exact=False)
    assert not canvas.quads
    assert len(canvas.ignore) == 1


def test_a_picture_laid_over_another_takes_its_truth_away() -> None:
    """A hidden plate is forgotten, a plate cut by the new picture's edge is ignored, others stay."""
    canvas = scenes.Canvas(np.zeros((192, 320), np.float32))
    for box in ((110, 60, 150, 80), (80, 60, 120, 80), (10, 10, 50, 30)):
        scenes._add_truth(canvas, np.array(box, np.float32), exact=False)
    scenes._cover(canvas, np.array([100, 50, 200, 100], np.float32))
    assert [tuple(quad[0]) for quad in canvas.quads] == [(10.0, 10.0)]
    assert [tuple(box[:2]) for box in canvas.ignore] == [(80.0, 60.0)]


def test_distractors_are_never_put_on_a_plate() -> None:
    """A sign over a plate would teach that the plate is none."""
    rng = np.random.default_rng(7)
    plate = np.array([60, 40, 260, 150], np.float32)
    for _ in range(60):
        canvas = scenes.Canvas(np.full((192, 320), 100, np.float32))
        canvas.grey[40:150, 60:260] = 222
        scenes._add_truth(canvas, plate, exact=False)
        scenes.put_distractor(rng, canvas, KINDS[int(rng.integers(len(KINDS)))][0](rng))
        assert (canvas.grey[42:148, 62:258] == 222).all()


def test_things_beside_a_plate_are_never_put_on_it() -> None:
    """Badges and lamps close to a plate teach the difference, over it they would teach the opposite."""
    rng = np.random.default_rng(8)
    changed = 0
    for _ in range(60):
        canvas = scenes.Canvas(np.full((192, 320), 100, np.float32))
        canvas.grey[70:110, 120:200] = 222
        scenes._add_truth(canvas, np.array([118, 68, 202, 112], np.float32), exact=False)
        scenes.put_beside(rng, canvas, KINDS[int(rng.integers(len(KINDS)))][0](rng))
        assert (canvas.grey[70:110, 120:200] == 222).all()
        changed += int((canvas.grey != 100).sum() > 40 * 80)
    assert changed > 20


def test_another_material_behind_a_plate_covers_no_other_plate() -> None:
    """A trailer's rust is drawn only where nothing that counts lies under it."""
    rng = np.random.default_rng(9)
    for _ in range(40):
        canvas = scenes.Canvas(np.full((192, 320), 100, np.float32))
        canvas.grey[70:110, 20:100] = 222
        scenes._add_truth(canvas, np.array([18, 68, 102, 112], np.float32), exact=False)
        quad = scenes._corners((150, 80, 200, 105))
        scenes._panel(rng, canvas, quad, scenes.material_patch(rng))
        assert (canvas.grey[70:110, 20:100] == 222).all()


def test_noise_on_an_empty_sheet_is_no_writing() -> None:
    """A plate counts as visible by its contrast, not by the sensor's noise; nothing is taught where nobody could see one."""
    rng = np.random.default_rng(10)
    quad = scenes._corners((40, 40, 120, 80))
    plain = (128 + rng.normal(0, 9, (120, 160))).clip(0, 255).astype(np.uint8)
    written = plain.copy()
    written[50:70, 50:110:8] = 20
    assert not scenes._visible(plain, quad)
    assert scenes._visible(written, quad)


def test_a_reflecting_plate_stays_bright_where_all_else_goes_dark() -> None:
    """The infra-red look: the sheet throws the lamp's light back, the car does not."""
    rng = np.random.default_rng(12)
    grey = np.full((192, 320), 120, np.float32)
    quad = scenes._corners((100, 60, 200, 110))
    for _ in range(20):
        lit = scenes_camera._thrown_back(rng, grey, [quad])
        assert lit[70:100, 110:190].mean() > 1.2 * lit[:40].mean()


def test_every_camera_gives_a_picture_of_grey_levels() -> None:
    """Whatever the light, the weather and the codec: uint8, the scene's shape."""
    rng = np.random.default_rng(13)
    camera = scenes_camera.Camera(rng)
    grey = cv2.resize(rng.uniform(0, 255, (12, 20)).astype(np.float32), (320, 192))
    for _ in range(60):
        picture = camera.take(rng, scenes_camera.light(rng, grey, [], []), 30.0)
        assert picture.shape == (192, 320)
        assert picture.dtype == np.uint8


@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS], ids=lambda kind: kind.__name__)
def test_every_distractor_is_drawn_with_its_own_opacity(kind: object) -> None:
    """Grey levels and opacity have one shape and something is visible."""
    assert callable(kind)
    patch = kind(np.random.default_rng(11))
    assert patch.grey.shape == patch.alpha.shape
    assert patch.grey.dtype == patch.alpha.dtype == np.uint8
    assert patch.alpha.max() > 100


def test_the_same_seed_makes_the_same_scene() -> None:
    """A training run can be repeated."""
    images = []
    for _ in range(2):
        rng = np.random.default_rng(21)
        images.append(scenes.SceneMaker(rng, [], stock=3).make(rng, (320, 192)).image)
    assert np.array_equal(images[0], images[1])
