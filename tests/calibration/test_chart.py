"""The focus chart: bars of strokes' width, true to scale."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibration.chart import BARS_MM, focus_chart, write_chart
from calibration.target import make_card
from calibration.thresholds import STROKE_MM


def test_bars_are_as_wide_as_they_say_and_lie_on_the_sheet() -> None:
    """Four upright and up to four level bars of each width, one of them a stroke's, none beyond a plate's size."""
    card = make_card()
    page = focus_chart(card)
    sheet = [bar for bar in page.rectangles if bar.y < 20 + card.height_mm]
    for width in BARS_MM:
        assert sum(bar.width == pytest.approx(width) and bar.height > bar.width for bar in sheet) == 4
    assert STROKE_MM in BARS_MM
    assert max(bar.x + bar.width for bar in sheet) <= 20 + card.width_mm
    assert max(bar.y + bar.height for bar in sheet) <= 20 + card.height_mm
    assert any("100 mm" in text.words for text in page.texts)


def test_the_chart_of_a_small_plate_fits_it(tmp_path: Path) -> None:
    """A motorcycle's plate, 7 by 4 in; both files are written."""
    card = make_card(7, 4)
    sheet = [bar for bar in focus_chart(card).rectangles if bar.y < 20 + card.height_mm]
    assert max(bar.x + bar.width for bar in sheet) <= 20 + card.width_mm
    pdf, png = write_chart(card, tmp_path)
    assert pdf.read_bytes().startswith(b"%PDF") and png.read_bytes().startswith(b"\x89PNG")
