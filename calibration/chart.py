"""The focus chart: groups of bars, as wide as strokes of plates far and near, on a sheet of a plate's size.

The finest group whose bars the picture still parts says what the camera resolves there; while the lens turns, all of them
serve as the patch with the most edges (``plate-edge calibrate focus``).
"""

from __future__ import annotations

from pathlib import Path

from calibration.target import MM_PER_INCH, Card, Page, Rectangle, Text, pdf_bytes, png_bytes, rulers
from calibration.thresholds import STROKE_MM
from edge.errors import ConfigError

#: Widths of a bar, mm: a stroke is 6.35 mm; a plate of 130 px has 2.7 px for it, so half a stroke is what 260 px would show.
BARS_MM = (11.0, 8.5, STROKE_MM, 4.2, 3.2, 2.1, 1.6)
_BARS = 4
_MARGIN_MM = 20.0


def focus_chart(card: Card) -> Page:
    """One page with upright bars above and level bars below, coarse to fine, on the size of ``card``."""
    left = top = _MARGIN_MM
    scale = min(1.0, card.width_mm / 304.8, card.height_mm / 152.4)
    rectangles, texts = [], []
    x = left + 4 * scale
    half = card.height_mm / 2
    for bar in (width * scale for width in BARS_MM):
        group = (2 * _BARS - 1) * bar
        high = min(group, half - 16 * scale)
        rectangles += [Rectangle(x + 2 * n * bar, top + 6 * scale, bar, high) for n in range(_BARS)]
        rectangles += [
            Rectangle(x, top + half + 6 * scale + 2 * n * bar, group, bar) for n in range(_BARS) if 2 * n * bar + bar <= half
        ]
        texts.append(Text(x, top + half + 1, 3.5, f"{bar:.1f}"))
        x += group + 5 * scale
    marks, words = rulers(left, top + card.height_mm + 20)
    return Page(
        width_mm=card.width_mm + 2 * _MARGIN_MM,
        height_mm=card.height_mm + 2 * _MARGIN_MM + 32,
        rectangles=(*rectangles, *marks),
        texts=(
            *texts,
            *words,
            Text(left, top + card.height_mm + 14, 3.5, f"plate-edge focus chart  {card.width_mm / MM_PER_INCH:.2f} x "
                 f"{card.height_mm / MM_PER_INCH:.2f} in  bars in mm; a stroke of a US plate has {STROKE_MM:.2f}"),
        ),
    )  # fmt: skip


def write_chart(card: Card, folder: Path, dpi: int = 300) -> tuple[Path, Path]:
    """Write ``focus-chart.pdf`` and ``.png``.  Raises ConfigError."""
    page = focus_chart(card)
    pdf, png = folder / "focus-chart.pdf", folder / "focus-chart.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pdf.write_bytes(pdf_bytes([page]))
        png.write_bytes(png_bytes(page, dpi))
    except OSError as error:
        raise ConfigError(f"write focus chart into {folder}: {error.strerror or error}") from error
    return pdf, png
