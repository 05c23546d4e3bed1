"""Rendered plates: what the recognizer, the scenes and the demo clip rely on."""

import numpy as np
import pytest

pytest.importorskip("PIL", reason="plates are lettered with Pillow, which only training installs")

from models.train import fonts
from models.train.degrade import degrade_crop
from models.train.formats import COLOURS, DESIGNS, PLACES
from models.train.plates import ALPHABET, REGIONS, contact_sheet, infrared, render_plate
from models.train.plates_art import ANY_SCENE, scenery

STATES = [
    "AL",
    "AK",
    "AZ",
    "AR",
    "CA",
    "CO",
    "CT",
    "DE",
    "DC",
    "FL",
    "GA",
    "HI",
    "ID",
    "IL",
    "IN",
    "IA",
    "KS",
    "KY",
    "LA",
    "ME",
    "MD",
    "MA",
    "MI",
    "MN",
    "MS",
    "MO",
    "MT",
    "NE",
    "NV",
    "NH",
    "NJ",
    "NM",
    "NY",
    "NC",
    "ND",
    "OH",
    "OK",
    "OR",
    "PA",
    "RI",
    "SC",
    "SD",
    "TN",
    "TX",
    "UT",
    "VT",
    "VA",
    "WA",
    "WV",
    "WI",
    "WY",
]
PROVINCES = ["AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"]


def test_every_state_and_province_can_be_drawn() -> None:
    """Each region renders with its own code and a serial the recognizer's alphabet can spell."""
    rng = np.random.default_rng(1)
    assert set(REGIONS) == {"unknown", *(f"US-{s}" for s in STATES), *(f"CA-{p}" for p in PROVINCES)}
    for region in REGIONS:
        plate = render_plate(rng, region=region)
        assert plate.region == region
        assert plate.image.dtype == np.uint8
        assert plate.image.shape[2] == 3
        assert 1 <= len(plate.text) <= 10
        assert set(plate.text) <= set(ALPHABET)


def test_a_given_serial_is_the_one_drawn() -> None:
    """The text asked for is the text returned, with or without the region's own number of characters."""
    rng = np.random.default_rng(2)
    for text in ("AB12345", "Q", "WWWWWWWWWW", "0O1IQ"):
        assert render_plate(rng, region="US-CT", text=text).text == text
        assert render_plate(rng, style="european", text=text).text == text


def test_characters_stand_in_their_boxes_in_reading_order() -> None:
    """One box per character, left to right, inside the picture, and the ink differs from the ground around it."""
    rng = np.random.default_rng(3)
    for _ in range(250):
        plate = render_plate(rng)
        boxes = plate.char_boxes
        height, width = plate.image.shape[:2]
        assert boxes.shape == (len(plate.text), 4)
        assert (np.diff(boxes[:, 0] + boxes[:, 2] / 2) > 0).all()
        assert (boxes[:, :2] >= -8).all()
        assert (boxes[:, 0] + boxes[:, 2] <= width + 8).all()
        assert (boxes[:, 1] + boxes[:, 3] <= height + 8).all()


def test_the_ink_lies_in_the_boxes() -> None:
    """Drawing the same plate with another serial changes pixels inside the character boxes far more than outside."""
    changed_in, changed_out = [], []
    for seed in range(12):
        one = render_plate(np.random.default_rng(seed), region="US-VT", text="AAA111")
        two = render_plate(np.random.default_rng(seed), region="US-VT", text="BBB888")
        mask = np.zeros(one.image.shape[:2], bool)
        for x, y, w, h in np.concatenate([one.char_boxes, two.char_boxes]).astype(int):
            mask[max(y - 5, 0) : y + h + 5, max(x - 5, 0) : x + w + 5] = True
        difference = np.abs(one.image.astype(int) - two.image.astype(int)).mean(2)
        changed_in.append(difference[mask].mean())
        changed_out.append(difference[~mask].mean())
    assert np.median(changed_in) > 3 * np.median(changed_out)


def test_the_same_seed_draws_the_same_plate() -> None:
    """A dataset is reproduced by its seed."""
    first, second = (render_plate(np.random.default_rng(11)) for _ in range(2))
    assert first.text == second.text
    assert np.array_equal(first.image, second.image)


def test_plates_are_drawn_without_any_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an empty font cache the renderer's own strokes letter the whole plate."""
    for module in ("plates_ink", "plates_serial"):
        monkeypatch.setattr(f"models.train.{module}.families", lambda kind: ())
    rng = np.random.default_rng(4)
    for _ in range(10):
        plate = render_plate(rng, style="us")
        assert plate.image.std() > 5
    assert fonts.CACHE.name == "fonts"


@pytest.mark.parametrize("wrong", [{"region": "US-ZZ"}, {"text": "ab-1"}, {"text": ""}, {"text": "A" * 11}, {"style": "round"}])
def test_what_cannot_be_drawn_is_refused(wrong: dict[str, str]) -> None:
    """An unknown region or style, or a serial outside the alphabet, is an error and never a wrong picture."""
    with pytest.raises(ValueError, match="draw plate"):
        render_plate(np.random.default_rng(5), **wrong)


def test_infra_red_shows_dark_letters_on_a_bright_sheet() -> None:
    """Three equal channels; a white sheet with dark ink keeps a contrast of at least a third of the range."""
    rng = np.random.default_rng(6)
    for _ in range(8):
        plate = render_plate(rng, region="US-VA", text="HHH8888")
        seen = infrared(plate.image, rng)
        assert (seen[:, :, 0] == seen[:, :, 1]).all()
        assert (seen[:, :, 0] == seen[:, :, 2]).all()
        x, y, w, h = plate.char_boxes[0].astype(int)
        # A bold die fills nearly all of its box: the sheet is what lies round it.
        ink, around = seen[y : y + h, x : x + w, 0], seen[y : y + h, x - 5 : x + w + 5, 0]
        assert np.percentile(around, 95) - np.percentile(ink, 10) > 80


def test_patterns_only_hold_what_can_be_read() -> None:
    """No format of the table is longer than the recognizer's ten slots."""
    for design in DESIGNS:
        rng = np.random.default_rng(7)
        for _ in range(3):
            assert len(render_plate(rng, region=design.region).text) <= 10


def test_a_degraded_crop_keeps_its_characters_in_order() -> None:
    """The crop has the recognizer's size, and the characters' middles run from left to right whatever the tilt."""
    rng = np.random.default_rng(8)
    for _ in range(40):
        crop = degrade_crop(rng, render_plate(rng))
        assert crop.image.shape == (64, 128, 3)
        assert crop.image.dtype == np.uint8
        assert crop.centres_x is not None
        assert (np.diff(crop.centres_x) > 0).all()


def test_every_picture_and_colour_of_the_table_can_be_drawn() -> None:
    """No design names a picture or a colour that the renderer does not have, and an unknown picture is refused."""
    rng = np.random.default_rng(9)
    for kinds in sorted({*ANY_SCENE, *(design.scenery for design in DESIGNS if design.scenery)}):
        sheet = np.full((160, 320, 3), 230, np.uint8)
        scenery(rng, sheet, kinds)
        assert sheet.std() > 0, kinds
    for design in DESIGNS:
        for name in (design.header_colour, design.serial_colour, design.emblem_colour, *design.ground):
            assert name in COLOURS, (design.region, name)
        for name in (design.slogan_colour, design.slogan_box, design.top_band, design.bottom_band, design.rules):
            assert not name or name in COLOURS, (design.region, name)
    with pytest.raises(ValueError, match="no picture"):
        scenery(rng, np.full((160, 320, 3), 230, np.uint8), "wombat")


def test_every_region_has_its_names_on_plates() -> None:
    """A specialty plate of each region can carry the region's own name."""
    assert set(PLACES) == set(REGIONS) - {"unknown"}
    assert all(place.names and all(place.names) and all(place.sayings) for place in PLACES.values())


def test_a_name_that_a_frame_covers_is_said_to_be_hidden() -> None:
    """A few plates in a hundred to a third have a frame over the name; the others show it, be it on top or below."""
    rng = np.random.default_rng(10)
    for region in ("US-VA", "US-DE"):  # name on top, name below
        hidden = [not render_plate(rng, region=region).header_visible for _ in range(150)]
        assert 0.03 < np.mean(hidden) < 0.35


def test_a_contact_sheet_shows_the_region_asked_for() -> None:
    """56 tiles in eight rows of seven."""
    sheet = contact_sheet("US-WI", 1)
    assert sheet.shape == (8 * 118, 7 * 204, 3)
    assert sheet.dtype == np.uint8
