"""The calibration card: true to scale, found by OpenCV whole, and readable by the tool that will measure with it."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner

from calibration.cli import app
from calibration.target import (
    Card,
    Paper,
    Rectangle,
    charuco_board,
    make_card,
    pages,
    pdf_bytes,
    read_card,
    render,
    write_target,
)
from edge.errors import ConfigError
from edge.records import Image

TOLERANCE_MM = 0.2


def corners_in(image: Image, card: Card) -> npt.NDArray[np.float64]:
    """Every inner corner of the board in pixels, in the order of their ids; fails if one is missing."""
    found, ids, _, _ = cv2.aruco.CharucoDetector(charuco_board(card)).detectBoard(image)
    assert ids is not None
    assert sorted(ids.ravel().tolist()) == list(range((card.columns - 1) * (card.rows - 1)))
    return np.asarray(found, np.float64).reshape(-1, 2)[np.argsort(ids.ravel())]


def assert_true_to_scale(found: npt.NDArray[np.float64], card: Card, px_per_mm: float) -> None:
    """All distances between corners are those of the board."""
    wanted = np.asarray(charuco_board(card).getChessboardCorners(), np.float64)[:, :2]
    seen = found / px_per_mm
    for a in range(len(wanted)):
        distances = np.linalg.norm(seen - seen[a], axis=1) - np.linalg.norm(wanted - wanted[a], axis=1)
        assert np.abs(distances).max() < TOLERANCE_MM


def pdf_pictures(pdf: Path, dpi: int) -> list[Image]:
    """The PDF's pages as poppler prints them."""
    if shutil.which("pdftoppm") is None:
        pytest.skip("pdftoppm (poppler-utils), which renders the PDF, is not installed")
    stem = pdf.with_suffix("")
    subprocess.run(["pdftoppm", "-r", str(dpi), "-gray", "-png", str(pdf), str(stem)], check=True, capture_output=True)
    return [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(pdf.parent.glob(f"{stem.name}-*.png"))]


def test_the_board_of_a_us_plate_fills_the_card() -> None:
    """Twelve by six inches are six by three squares of two inches, with nothing left over."""
    card = make_card()
    assert (card.columns, card.rows) == (6, 3)
    assert card.square_mm == pytest.approx(50.8)
    assert card.columns * card.square_mm == pytest.approx(card.width_mm) == pytest.approx(304.8)


def test_the_png_shows_every_corner_at_its_place(tmp_path: Path) -> None:
    """At 300 dpi the detector finds all ten corners, and they lie as far apart as the board says."""
    card = make_card()
    written = write_target(card, tmp_path, dpi=300)
    image = cv2.imread(str(written.pngs[0]), cv2.IMREAD_GRAYSCALE)
    assert_true_to_scale(corners_in(image, card), card, 300 / 25.4)


def test_the_png_states_its_resolution(tmp_path: Path) -> None:
    """The pHYs chunk says 150 dpi, so that a viewer prints the picture in its true size, and the file is still a PNG."""
    data = write_target(make_card(), tmp_path, dpi=150).pngs[0].read_bytes()
    at = data.index(b"pHYs")
    assert at < data.index(b"IDAT")
    assert struct.unpack_from(">IIB", data, at + 4) == (5906, 5906, 1)
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) is not None


def test_the_pdf_prints_in_its_true_size(tmp_path: Path) -> None:
    """Rendered by poppler at ten pixels a millimetre, page and board have their sizes within 0.2 mm."""
    card = make_card()
    (image,) = pdf_pictures(write_target(card, tmp_path).pdf, 254)
    (page,) = pages(card, "card")
    assert image.shape[1] / 10 == pytest.approx(page.width_mm, abs=TOLERANCE_MM)
    assert image.shape[0] / 10 == pytest.approx(page.height_mm, abs=TOLERANCE_MM)
    assert_true_to_scale(corners_in(image, card), card, 10)


@pytest.mark.parametrize("paper", ["letter", "a4"])
def test_two_sheets_joined_at_the_seam_are_the_card(tmp_path: Path, paper: Paper) -> None:
    """Cut the right sheet at its left marks, lay it on the seam: the whole board is found, true to scale."""
    card = make_card()
    left, right = pdf_pictures(write_target(card, tmp_path, paper).pdf, 254)
    cuts = [[box.x + box.width / 2 for box in sheet.rectangles if box.height == 6] for sheet in pages(card, paper)]
    seam, start, end = (round(mm * 10) for mm in (max(cuts[0]), min(cuts[1]), max(cuts[1])))
    rim = np.full((left.shape[0], 100), 255, np.uint8)
    joined = np.concatenate([left[:, :seam], right[:, start:end], rim], axis=1)
    assert_true_to_scale(corners_in(joined, card), card, 10)


def test_the_rulers_measure_what_they_say() -> None:
    """First and last tick of the rulers are 100 mm and 4 in apart."""
    (page,) = pages(make_card(), "card")
    ticks: dict[float, list[Rectangle]] = {}
    for box in page.rectangles:
        if box.width < 0.3 and box.y > 170 and box.height == 5:
            ticks.setdefault(round(box.y, 3), []).append(box)
    lengths = [max(b.x for b in row) - min(b.x for b in row) for _, row in sorted(ticks.items())]
    assert lengths == pytest.approx([100.0, 101.6])


def test_the_card_says_what_it_is() -> None:
    """Dictionary, squares and square size are printed on every page, in the PDF as text."""
    for paper in ("card", "letter", "a4"):
        sheets = pages(make_card(), paper)
        for sheet in sheets:
            words = " ".join(text.words for text in sheet.texts)
            for expected in ("ChArUco 6 x 3", "DICT_4X4_50", "square 50.80 mm", "100 %"):
                assert expected in words
        assert pdf_bytes(sheets).count(b"DICT_4X4_50") == len(sheets)


def test_nothing_is_drawn_off_the_page() -> None:
    """Rectangles stay on the paper with room for a printer's margin."""
    for card in (make_card(), make_card(20.47, 4.33), make_card(7, 4)):
        for sheet in pages(card, "card"):
            assert min(min(box.x, box.y) for box in sheet.rectangles) >= 5
            assert max(box.x + box.width for box in sheet.rectangles) <= sheet.width_mm - 5
            assert max(box.y + box.height for box in sheet.rectangles) <= sheet.height_mm - 3


@pytest.mark.parametrize(("width_in", "height_in"), [(20.47, 4.33), (7, 4), (13, 6.5)])
def test_other_plate_sizes_have_a_whole_board_too(width_in: float, height_in: float) -> None:
    """A European, a motorcycle and an Australian plate: all corners are found."""
    card = make_card(width_in, height_in)
    (page,) = pages(card, "card")
    assert_true_to_scale(corners_in(render(page, 5.0), card), card, 5.0)


def test_the_board_is_found_where_a_plate_is_as_small_as_readers_allow() -> None:
    """At 130 px across twelve inches, the picture enlarged threefold, all corners are found."""
    card = make_card()
    (page,) = pages(card, "card")
    small = cv2.resize(render(page, 8.0), None, fx=130 / 304.8 / 8, fy=130 / 304.8 / 8, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 0.6)
    corners_in(cv2.resize(small, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), card)


def test_the_measuring_tool_can_read_the_card_back(tmp_path: Path) -> None:
    """The JSON file holds the very card."""
    card = make_card()
    assert read_card(write_target(card, tmp_path).json) == card


@pytest.mark.parametrize(("width_in", "height_in"), [(0, 6), (12, 0.5), (3, 6), (60, 6), (float("nan"), 6)])
def test_a_size_that_is_no_plate_is_refused(width_in: float, height_in: float) -> None:
    """The call ends with words, not with a strange card."""
    with pytest.raises(ConfigError, match="make calibration card"):
        make_card(width_in, height_in)


def test_a_card_too_large_for_two_sheets_is_refused() -> None:
    """A European plate is longer than two letter sheets are wide."""
    with pytest.raises(ConfigError, match="does not fit"):
        pages(make_card(20.47, 4.33), "letter")


def test_the_command_writes_the_card_and_names_the_files(tmp_path: Path) -> None:
    """`calibrate target --out DIR` ends with 0 and prints the paths of what it wrote."""
    result = CliRunner().invoke(app, ["target", "--out", str(tmp_path / "card"), "--dpi", "100"])
    assert result.exit_code == 0
    for name in ("calibration-card.pdf", "calibration-card.png", "calibration-card.json"):
        assert (tmp_path / "card" / name).is_file()
        assert name in result.output


@pytest.mark.parametrize("arguments", [["--width-in", "1"], ["--dpi", "7"], ["--out", "/dev/null/card"]])
def test_a_wrong_call_ends_with_two_and_words(tmp_path: Path, arguments: list[str]) -> None:
    """No traceback for a technician."""
    result = CliRunner().invoke(app, ["target", "--out", str(tmp_path), *arguments])
    assert result.exit_code == 2
    assert "calibration card" in result.output
