"""The calibration card: a ChArUco board exactly as large as a plate, as PDF, PNG and JSON, true to scale.

Held or fixed where a plate will be, it gives distance and angles to a fraction of what a plate's four corners give.  The
board has three rows of squares: with two-inch squares on a US plate (12 x 6 in) all ten corners were found in simulated
pictures in which the card is 130 px wide, the least that plate readers ask for, when the picture is enlarged threefold;
four rows found half of them, five rows none.  Three rows are odd, so that OpenCV before and after 4.6 draws the same board.

Lengths are millimetres from the page's top left corner, y down.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import cv2
import msgspec
import numpy as np
from msgspec import Struct

from edge.errors import ConfigError
from edge.records import Image

MM_PER_INCH = 25.4
ROWS = 3
DICTIONARY = "DICT_4X4_50"
MARKER_SHARE = 0.8  # of a square: as large as a marker can be and keep a white rim of most of a module around it
_MODULES = 6  # across a 4x4 marker with its black border
_MARGIN_MM = 20.0
_MIN_SIDE_MM, _MAX_SIDE_MM = 60.0, 1200.0
_MAX_MARKERS = 50
_PAPERS_MM = {"letter": (215.9, 279.4), "a4": (210.0, 297.0)}
_GLUE_MM = 12.0  # strip of the left sheet that the right one is glued on

Paper = Literal["card", "letter", "a4"]


class Card(Struct, frozen=True, kw_only=True):
    """The board as a measuring tool needs it: squares across and down, and their size.

    The board is centred on a card of ``width_mm`` x ``height_mm``.
    """

    width_mm: float
    height_mm: float
    columns: int
    rows: int
    square_mm: float
    marker_mm: float
    dictionary: str = DICTIONARY


class Rectangle(Struct, frozen=True):
    """A black rectangle."""

    x: float
    y: float
    width: float
    height: float


class Text(Struct, frozen=True):
    """One line of text; ``y`` is its base line, ``size`` the height of the font."""

    x: float
    y: float
    size: float
    words: str


class Page(Struct, frozen=True, kw_only=True):
    """One page and all that is printed on it."""

    width_mm: float
    height_mm: float
    rectangles: tuple[Rectangle, ...]
    texts: tuple[Text, ...]


class Written(Struct, frozen=True, kw_only=True):
    """The files of one card."""

    pdf: Path
    pngs: tuple[Path, ...]
    json: Path


def make_card(width_in: float = 12.0, height_in: float = 6.0) -> Card:
    """The card of a plate's size, with three rows of the largest squares that fit.  Raises ConfigError if it cannot be."""
    width_mm, height_mm = width_in * MM_PER_INCH, height_in * MM_PER_INCH
    if not all(_MIN_SIDE_MM <= side <= _MAX_SIDE_MM for side in (width_mm, height_mm)):
        raise ConfigError(f"make calibration card: {width_in} x {height_in} in is no plate; give 2.4 to 47 in a side")
    square_mm = height_mm / ROWS
    columns = int(width_mm / square_mm + 1e-9)
    if columns < ROWS or columns * ROWS // 2 > _MAX_MARKERS:
        raise ConfigError("make calibration card: the card must be at least as wide as high, and no more than ten times")
    return Card(
        width_mm=width_mm,
        height_mm=height_mm,
        columns=columns,
        rows=ROWS,
        square_mm=square_mm,
        marker_mm=square_mm * MARKER_SHARE,
    )


def read_card(path: Path) -> Card:
    """The card that a JSON file of :func:`write_target` describes.  Raises ConfigError."""
    try:
        card = msgspec.json.decode(path.read_bytes(), type=Card)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"read calibration card {path}: {error}; name the JSON that `calibrate target` wrote") from error
    if not (2 <= card.columns <= 99 and 2 <= card.rows <= 99 and 0 < card.marker_mm < card.square_mm):
        raise ConfigError(f"read calibration card {path}: it describes no board; make it again with `calibrate target`")
    try:
        charuco_board(card)
        whole = (
            card.columns * card.square_mm <= card.width_mm + 0.01 and abs(card.rows * card.square_mm - card.height_mm) < 0.01
        )
    except (cv2.error, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(
            f"read calibration card {path}: it describes no board; make it again with `calibrate target`"
        ) from error
    if not whole:
        raise ConfigError(f"read calibration card {path}: its squares do not fill it; make it again with `calibrate target`")
    return card


def charuco_board(card: Card) -> cv2.aruco.CharucoBoard:
    """The board as OpenCV's detector wants it; object points in millimetres from the board's top left corner."""
    dictionary = cv2.aruco.getPredefinedDictionary(int(getattr(cv2.aruco, card.dictionary)))
    return cv2.aruco.CharucoBoard((card.columns, card.rows), card.square_mm, card.marker_mm, dictionary)


def pages(card: Card, paper: Paper) -> tuple[Page, ...]:
    """The pages to print: one page a little larger than the card, or two sheets of office paper to be joined."""
    if paper == "card":
        return (_whole_page(card),)
    return _two_sheets(card, *_PAPERS_MM[paper], paper)


def write_target(card: Card, folder: Path, paper: Paper = "card", dpi: int = 300) -> Written:
    """Write ``calibration-card.pdf``, ``.json`` and one PNG a page into ``folder``.  Raises ConfigError if it cannot."""
    sheets = pages(card, paper)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pdf, about = folder / "calibration-card.pdf", folder / "calibration-card.json"
        pdf.write_bytes(pdf_bytes(sheets))
        about.write_text(json.dumps(msgspec.to_builtins(card), indent=2) + "\n", encoding="utf-8")
        pngs = []
        for number, page in enumerate(sheets, 1):
            suffix = f"-{number}" if len(sheets) > 1 else ""
            pngs.append(folder / f"calibration-card{suffix}.png")
            pngs[-1].write_bytes(png_bytes(page, dpi))
    except OSError as error:
        raise ConfigError(f"write calibration card into {folder}: {error.strerror or error}") from error
    return Written(pdf=pdf, pngs=tuple(pngs), json=about)


def pdf_bytes(sheets: Sequence[Page]) -> bytes:
    """A PDF 1.4 of vectors only, exact to 1/10000 pt, that asks the print dialogue not to scale.

    All rectangles of a page are one path, filled once, so that no viewer shows seams between neighbours.
    """
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(sheets)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(sheets)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(sheets):
        content = _pdf_content(page)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_pt(page.width_mm)} {_pt(page.height_mm)}] "
            f"/Resources << /Font << /F 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content))
    return _pdf_file(objects)


def png_bytes(page: Page, dpi: int) -> bytes:
    """The page as a grey PNG that states its resolution, so that it too prints true to scale."""
    if not 50 <= dpi <= 1200:
        raise ConfigError(f"write calibration card: {dpi} dpi; give 50 to 1200")
    good, coded = cv2.imencode(".png", render(page, dpi / MM_PER_INCH))
    assert good
    data = coded.tobytes()
    per_metre = round(dpi / MM_PER_INCH * 1000)
    body = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    header_end = 8 + 25  # the signature and the IHDR chunk; pHYs has to stand before the image data
    return data[:header_end] + struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body)) + data[header_end:]


def render(page: Page, px_per_mm: float) -> Image:
    """The page as a grey picture; edges lie on the nearest pixel."""
    image = np.full((round(page.height_mm * px_per_mm), round(page.width_mm * px_per_mm)), 255, np.uint8)
    for box in page.rectangles:
        x0, x1 = (round(x * px_per_mm) for x in (box.x, box.x + box.width))
        y0, y1 = (round(y * px_per_mm) for y in (box.y, box.y + box.height))
        image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = 0
    for text in page.texts:
        # Hershey capitals are 21 px high at scale 1; a font's capitals have about 0.72 of its size.
        scale = text.size * 0.72 * px_per_mm / 21
        at = (round(text.x * px_per_mm), round(text.y * px_per_mm))
        width = max(1, round(scale * 2))
        cv2.putText(image, text.words, at, cv2.FONT_HERSHEY_SIMPLEX, scale * 0.9, 0, width, cv2.LINE_AA)
    return image


def card_picture(card: Card) -> Image:
    """The card alone, cut out, grey: about 1500 px wide."""
    px_per_mm = 5.0 if card.width_mm <= 400 else 2000 / card.width_mm
    page = Page(
        width_mm=card.width_mm,
        height_mm=card.height_mm,
        rectangles=tuple(_board(card, (card.width_mm - card.columns * card.square_mm) / 2, 0.0)),
        texts=(),
    )
    return render(page, px_per_mm)


def _board(card: Card, left: float, top: float) -> list[Rectangle]:
    """Black squares and the black modules of the markers, the board's top left corner at (left, top)."""
    board = charuco_board(card)
    dictionary = board.getDictionary()
    result, white = [], set()
    for corners, identity in zip(board.getObjPoints(), np.asarray(board.getIds()).ravel(), strict=True):
        x, y = float(corners[0][0]), float(corners[0][1])
        white.add((int(x // card.square_mm), int(y // card.square_mm)))
        result += _marker(dictionary, int(identity), left + x, top + y, card.marker_mm / _MODULES)
    side = card.square_mm
    result += [
        Rectangle(left + column * side, top + row * side, side, side)
        for row in range(card.rows)
        for column in range(card.columns)
        if (column, row) not in white
    ]
    return result


def _marker(dictionary: cv2.aruco.Dictionary, identity: int, left: float, top: float, module: float) -> list[Rectangle]:
    """One rectangle for each run of black modules in a row."""
    bits = cv2.aruco.generateImageMarker(dictionary, identity, _MODULES)
    result = []
    for row, line in enumerate(bits):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], line == 0, [0])).astype(np.int8)))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            result.append(Rectangle(left + int(start) * module, top + row * module, int(end - start) * module, module))
    return result


def rulers(x: float, y: float) -> tuple[list[Rectangle], list[Text]]:
    """100 mm and, below it, 4 in; every tick's left edge is its mark."""
    line = 0.2
    marks = [Rectangle(x, y, 100.0 + line, line), Rectangle(x, y + 12, 4 * MM_PER_INCH + line, line)]
    marks += [Rectangle(x + n, y, line, 5 if n % 10 == 0 else 3.5 if n % 5 == 0 else 2) for n in range(101)]
    marks += [
        Rectangle(x + n * MM_PER_INCH / 8, y + 12, line, 5 if n % 8 == 0 else 3.5 if n % 4 == 0 else 2) for n in range(33)
    ]
    texts = [Text(x + 104, y + 4, 3.5, "must measure 100 mm"), Text(x + 104, y + 16, 3.5, "must measure 4 in")]
    return marks, texts


def _about(card: Card) -> tuple[str, str]:
    return (
        f"plate-edge calibration card  {card.width_mm / MM_PER_INCH:.2f} x {card.height_mm / MM_PER_INCH:.2f} in"
        f"  ({card.width_mm:.1f} x {card.height_mm:.1f} mm)",
        f"ChArUco {card.columns} x {card.rows}  {card.dictionary}  square {card.square_mm:.2f} mm"
        f"  marker {card.marker_mm:.2f} mm",
    )


def _cut_marks(left: float, top: float, right: float, bottom: float) -> list[Rectangle]:
    """Short lines outside the four corners, in the line of the edges."""
    line, length, away = 0.2, 6.0, 2.0
    marks = []
    for x in (left, right):
        marks += [Rectangle(x - line / 2, y, line, length) for y in (top - away - length, bottom + away)]
    for y in (top, bottom):
        marks += [Rectangle(x, y - line / 2, length, line) for x in (left - away - length, right + away)]
    return marks


def _whole_page(card: Card) -> Page:
    """The card with margins for the knife, the rulers and what it is."""
    left = top = _MARGIN_MM
    bottom = top + card.height_mm
    marks, texts = rulers(left, bottom + 12)
    inset_x = (card.width_mm - card.columns * card.square_mm) / 2
    lines = (*_about(card), "Print at 100 % (actual size), measure both rulers, fix it flat on a stiff matt board.")
    narrow = card.width_mm < 260
    words_x, words_y = (left, bottom + 37) if narrow else (left + 150, bottom + 14)
    texts += [Text(words_x, words_y + 6 * n, 3.5, words) for n, words in enumerate(lines)]
    return Page(
        width_mm=max(card.width_mm, 160.0) + 2 * _MARGIN_MM,
        height_mm=bottom + (55 if narrow else 37),
        rectangles=(
            *_board(card, left + inset_x, top),
            *_cut_marks(left, top, left + card.width_mm, bottom),
            *marks,
        ),
        texts=tuple(texts),
    )


def _two_sheets(card: Card, paper_width: float, paper_height: float, paper: str) -> tuple[Page, ...]:
    """The card in two halves, parted between two columns of squares.

    The left sheet keeps an empty strip beside the seam, on which the right one, cut along its left edge, is glued; the
    marks above and below the seam then form one line on both.
    """
    if paper_height < paper_width:
        paper_width, paper_height = paper_height, paper_width
    left_columns = (card.columns + 1) // 2
    inset = (card.width_mm - card.columns * card.square_mm) / 2
    widths = (inset + left_columns * card.square_mm, inset + (card.columns - left_columns) * card.square_mm)
    if max(widths) + _GLUE_MM + _MARGIN_MM > paper_width or card.height_mm + 110 > paper_height:
        raise ConfigError(
            f"make calibration card: {card.width_mm:.0f} x {card.height_mm:.0f} mm does not fit on two {paper} sheets; "
            "use --paper card and a larger printer"
        )
    seam_mm = inset + left_columns * card.square_mm
    sheets = []
    for number, width in enumerate(widths):
        left = (paper_width - max(widths) - _GLUE_MM) / 2
        sheets.append(_sheet(card, number, (paper_width, paper_height), left, width, inset, seam_mm))
    return tuple(sheets)


def _sheet(
    card: Card, number: int, paper: tuple[float, float], left: float, width: float, inset: float, seam_mm: float
) -> Page:
    """Half ``number`` (0 left, 1 right) of the card; ``left`` is where the half begins on the paper."""
    top = _MARGIN_MM
    bottom = top + card.height_mm
    board_left = left + inset if number == 0 else left - seam_mm + inset
    low, high = (left, left + width)
    board = [box for box in _board(card, board_left, top) if low - 1e-6 <= box.x and box.x + box.width <= high + 1e-6]
    marks, texts = rulers(left, bottom + 14)
    advice = (
        "Sheet 1 of 2, left. Do not cut at the seam: glue sheet 2 on the strip beside it.",
        "Sheet 2 of 2, right. Cut along the left marks and lay the edge on the seam of sheet 1.",
    )[number]
    lines = (*_about(card), "Print at 100 % (actual size) and measure both rulers.", advice)
    texts += [Text(left, bottom + 42 + 6 * n, 3.3, words) for n, words in enumerate(lines)]
    return Page(
        width_mm=paper[0],
        height_mm=paper[1],
        rectangles=(*board, *_cut_marks(low, top, high, bottom), *marks),
        texts=tuple(texts),
    )


def _pt(mm: float) -> str:
    return f"{mm / MM_PER_INCH * 72:.4f}"


def _pdf_content(page: Page) -> bytes:
    """Drawing operators; PDF's y axis points up."""
    lines = [
        f"{_pt(box.x)} {_pt(page.height_mm - box.y - box.height)} {_pt(box.width)} {_pt(box.height)} re"
        for box in page.rectangles
    ]
    lines.append("f")
    for text in page.texts:
        words = text.words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        lines.append(f"BT /F {_pt(text.size)} Tf {_pt(text.x)} {_pt(page.height_mm - text.y)} Td ({words}) Tj ET")
    return "\n".join(lines).encode("cp1252")


def _pdf_file(objects: Sequence[bytes]) -> bytes:
    """Number the objects and write the table of their places."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)
