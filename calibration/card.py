"""Finding the calibration card in a picture: where it is to a few hundredths of a pixel, how sharp it is, and what is wrong.

The markers say roughly where the card is; then the whole card as it is printed is laid over the picture and shifted until both
agree best (Evangelidis and Psarakis 2008, ECC), for several blurs.  All of the print takes part, not only ten corners: at
130 px the angles come out within 0.6° where the corners alone leave up to 7° (rendered pictures, lens blur 0.5 to 1 px).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from calibration.picture import grey_plane
from calibration.records import CardView, Finding
from calibration.target import Card, card_picture, charuco_board
from edge.records import Image

Matrix = npt.NDArray[np.float64]

#: OpenCV's type stubs know fewer forms of a call than the library takes.
_cv: Any = cv2

#: The least width in pixels at which the card's markers can be told apart.
SMALLEST_PX = 90
#: Widest overlay in pixels: beyond, nothing is gained.
_WIDEST_PX = 480
#: Blurs (σ, overlay pixels) that are tried, from sharp to hopeless.
_BLURS = (0.35, 0.6, 0.9, 1.25, 1.7, 2.3, 3.0)
#: Agreement (correlation) below which something lies on the card or it is another card.
AGREES = 0.9
#: A card as blurred as this (σ in pixels) is no card to measure with.
BLURRED_PX = 2.0
#: Correlation above which a picture surely holds the card, though no marker of it can be read.
_LOOKS_LIKE = 0.62

NO_CARD = Finding(
    what="there is no calibration card in the picture",
    cure="hold the card where plates will be, whole, its print towards the camera, at least 130 px wide; if it is there, it is "
    "too blurred, too small or turned too far away",
)
EMPTY = Finding(
    what="the picture is one even grey: nothing can be seen in it",
    cure="take the cap off the lens, wait for the first whole picture of the stream, or look at exposure and cable",
)
BLURRED = Finding(
    what="the card is in the picture but too blurred to measure with",
    cure="turn the lens until the card is sharp (plate-edge calibrate focus), hold it still, use a shorter exposure",
)
HALF = Finding(
    what="only a part of the card can be seen",
    cure="hold it by the rim, whole inside the picture, with no hand, shadow or reflection on the print",
)
MIRRORED = Finding(
    what="the picture is mirrored", cure="switch mirroring off in the camera's menu: plates would be read backwards"
)
OTHER = Finding(
    what="markers were seen, but they do not lie as on the card that was named",
    cure="name the JSON file of the card that was printed (--card), and print it without squeezing it",
)
TOO_SMALL = Finding(
    what=f"the card is less than {SMALLEST_PX} px wide: too small to measure with",
    cure="come nearer, zoom in, or print a larger card (plate-edge calibrate target --width-in 24 --height-in 12)",
)


class CardFinder:
    """Finds one kind of card.  Keeps the print and the detector; not thread-safe."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self._board = charuco_board(card)
        self._print = card_picture(card)
        parameters = cv2.aruco.DetectorParameters()
        parameters.minMarkerPerimeterRate = 0.008  # of the longer side: markers of 10 px in a picture of 3840
        charuco = cv2.aruco.CharucoParameters()
        charuco.minMarkers = 1
        self._detector = cv2.aruco.CharucoDetector(self._board, charuco, parameters)
        shift = np.array([card.columns * card.square_mm / 2, card.rows * card.square_mm / 2])
        self.inner_mm: Matrix = np.asarray(self._board.getChessboardCorners(), np.float64)[:, :2] - shift
        self._markers_mm = {
            int(identity): np.asarray(corners, np.float64)[:, :2] - shift
            for identity, corners in zip(np.asarray(self._board.getIds()).ravel(), self._board.getObjPoints(), strict=True)
        }

    def find(self, image: Image) -> CardView | Finding:
        """The card in ``image``, or what is wrong."""
        grey = grey_plane(image)
        if float(grey.std()) < 3:
            return EMPTY
        found = self._find(grey)
        if isinstance(found, CardView):
            return found
        if isinstance(self._find(np.ascontiguousarray(grey[:, ::-1])), CardView):
            return MIRRORED
        if found is None:
            return BLURRED if self._looks_like(grey) else NO_CARD
        return found

    def _find(self, grey: Image) -> CardView | Finding | None:
        """None where no marker, or a single one that may be chance, is seen."""
        wrong: Finding | None = None
        for plane, scale in _enlarged(grey):
            corners, identities, marked, marks = self._detector.detectBoard(plane)
            known = {} if marks is None else self._known(marked, marks, scale)
            if not known:
                continue
            numbers = [] if identities is None else [int(number) for number in np.asarray(identities).ravel()]
            inner = dict(zip(numbers, _native(corners, scale), strict=True)) if numbers else {}
            view = self._view(grey, known, inner)
            if isinstance(view, CardView):
                return view
            wrong = view if len(known) > 1 else wrong
        return wrong

    def _known(self, marked: Sequence[npt.NDArray[Any]], marks: npt.NDArray[Any], scale: int) -> dict[int, Matrix]:
        return {
            int(mark): _native(corners, scale)
            for corners, mark in zip(marked, np.asarray(marks).ravel(), strict=True)
            if int(mark) in self._markers_mm
        }

    def _view(self, grey: Image, markers: dict[int, Matrix], inner: dict[int, Matrix]) -> CardView | Finding:
        """From what was found to the exact place."""
        where_mm = np.concatenate([self._markers_mm[mark] for mark in markers] + [self.inner_mm[list(inner)]])
        where_px = np.concatenate([*markers.values(), np.array(list(inner.values())).reshape(-1, 2)])
        rough, kept = cv2.findHomography(where_mm, where_px, cv2.RANSAC, 4.0)
        if rough is None or kept is None or float(np.mean(kept)) < 0.7:
            return OTHER
        width = float(np.linalg.norm(np.diff(_through(np.asarray(rough, np.float64), self._outline_mm())[:2], axis=0)))
        if width < SMALLEST_PX:
            return TOO_SMALL
        if not _inside(_through(np.asarray(rough, np.float64), self._outline_mm()), grey):
            return HALF
        exact, agreement, blur = self._overlaid(grey, np.asarray(rough, np.float64), width)
        if exact is None or agreement < AGREES:
            return HALF if len(markers) < len(self._markers_mm) else OTHER
        if blur > BLURRED_PX:
            return BLURRED
        outline = _through(exact, self._outline_mm())
        tl, tr, br, bl = ((float(x), float(y)) for x, y in outline)
        return CardView(
            corners=tuple((number, float(point[0]), float(point[1])) for number, point in sorted(inner.items())),
            outline=(tl, tr, br, bl),
            width_px=float(np.linalg.norm(outline[1] - outline[0]) + np.linalg.norm(outline[2] - outline[3])) / 2,
            frame_size=(grey.shape[1], grey.shape[0]),
            homography=tuple(float(v) for v in exact.ravel()),
            blur_px=blur,
            agreement=agreement,
        )

    def _overlaid(self, grey: Image, rough: Matrix, width: float) -> tuple[Matrix | None, float, float]:
        """Millimetres → pixels with the best agreement, that agreement, and the blur (σ, pixels of the picture)."""
        columns = int(max(64, min(_WIDEST_PX, width)))
        rows = max(24, round(columns * self.card.height_mm / self.card.width_mm))
        flat = cv2.resize(self._print, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)
        rim = 2  # the rim mixes with what is behind the card
        per_px = np.array([self.card.width_mm / columns, self.card.height_mm / rows])
        to_mm = np.array(
            [[per_px[0], 0, (rim + 0.5) * per_px[0] - self.card.width_mm / 2],
             [0, per_px[1], (rim + 0.5) * per_px[1] - self.card.height_mm / 2], [0, 0, 1]]
        )  # fmt: skip
        best: tuple[Matrix | None, float, float] = (None, -1.0, 0.0)
        start = rough @ to_mm
        for blur in _BLURS:
            soft = np.ascontiguousarray(cv2.GaussianBlur(flat, (0, 0), blur)[rim:-rim, rim:-rim])
            try:
                agreement, moved = _cv.findTransformECC(
                    soft, grey.astype(np.float32), (start / start[2, 2]).astype(np.float32), cv2.MOTION_HOMOGRAPHY,
                    (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 60, 1e-6), None, 1,
                )  # fmt: skip
            except cv2.error:  # it did not converge
                continue
            if agreement < best[1]:
                break
            start = np.asarray(moved, np.float64)
            best = (start @ np.linalg.inv(to_mm), float(agreement), blur * width / columns)
        return best

    def corners_exactly(self, grey: Image, view: CardView) -> tuple[Matrix, Matrix]:
        """Millimetres and pixels of every inner corner, each laid over the picture for itself: right where the lens bends
        lines, too.  Corners whose surroundings do not fit are left out."""
        rough = np.array(view.homography).reshape(3, 3)
        half = self.card.square_mm * 0.55
        side = int(np.clip(2 * half * view.width_px / self.card.width_mm, 16, 96))
        step = 2 * half / side
        plane = grey.astype(np.float32)
        where_mm, where_px = [], []
        for corner in self.inner_mm:
            patch = cv2.GaussianBlur(self._patch(corner, half, side), (0, 0), max(0.35, view.blur_px * 0.9))
            to_mm = np.array([[step, 0, corner[0] - half + step / 2], [0, step, corner[1] - half + step / 2], [0, 0, 1]])
            start = rough @ to_mm
            middle = np.array([(side - 1) / 2, (side - 1) / 2])
            try:
                agreement, moved = _cv.findTransformECC(
                    patch, plane, _affine_at(start, middle).astype(np.float32), cv2.MOTION_AFFINE,
                    (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 40, 1e-6), None, 1,
                )  # fmt: skip
            except cv2.error:  # it did not converge
                continue
            if agreement >= AGREES:
                where_mm.append(corner)
                where_px.append(np.asarray(moved, np.float64) @ np.array([*middle, 1.0]))
        return np.array(where_mm).reshape(-1, 2), np.array(where_px).reshape(-1, 2)

    def _patch(self, middle: Matrix, half: float, side: int) -> npt.NDArray[np.float32]:
        """A square of the print, ``2 * half`` millimetres a side, ``side`` pixels."""
        scale = self._print.shape[1] / self.card.width_mm
        x, y = (middle + np.array([self.card.width_mm, self.card.height_mm]) / 2 - half) * scale
        many = side * max(1, round(2 * half * scale / side))
        target = np.array([[many / (2 * half * scale), 0, 0], [0, many / (2 * half * scale), 0]], np.float64)
        target[:, 2] = [-x * target[0, 0] + (target[0, 0] - 1) / 2, -y * target[1, 1] + (target[1, 1] - 1) / 2]
        cut = cv2.warpAffine(self._print, target, (many, many), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA), np.float32)

    def _outline_mm(self) -> Matrix:
        w, h = self.card.width_mm / 2, self.card.height_mm / 2
        return np.array([[-w, -h], [w, -h], [w, h], [-w, h]])

    def _looks_like(self, grey: Image) -> bool:
        """Whether something like the card, out of focus, is somewhere in the picture."""
        rows = round(48 * self.card.height_mm / self.card.width_mm)
        for width in (90, 115, 145, 185, 235, 300, 380, 480, 610, 780):
            small = cv2.resize(grey, None, fx=48 / width, fy=48 / width, interpolation=cv2.INTER_AREA)
            if small.shape[0] <= rows or small.shape[1] <= 48:
                break
            for columns in (48, 43):  # head-on, and turned by some 25 degrees
                pattern = cv2.resize(self._print, (columns, rows), interpolation=cv2.INTER_AREA)
                pattern = cv2.GaussianBlur(pattern, (0, 0), 1.2)
                if float(cv2.matchTemplate(small, pattern, cv2.TM_CCOEFF_NORMED).max()) > _LOOKS_LIKE:
                    return True
        return False


def _enlarged(grey: Image) -> Iterator[tuple[Image, int]]:
    """The picture as it is, twice as large, and sharpened: small markers and soft ones need it."""
    yield grey, 1
    if max(grey.shape) <= 4000:
        twice = np.asarray(cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)
        yield twice, 2
        yield np.asarray(cv2.addWeighted(twice, 2.5, cv2.GaussianBlur(twice, (0, 0), 3.0), -1.5, 0), np.uint8), 2


def _native(points: npt.NDArray[Any], scale: int) -> Matrix:
    """Points of an enlarged picture in the picture's own pixels."""
    return (np.asarray(points, np.float64).reshape(-1, 2) + 0.5) / scale - 0.5


def _through(homography: Matrix, points: Matrix) -> Matrix:
    return np.asarray(cv2.perspectiveTransform(points[None], homography)[0], np.float64)


def _affine_at(homography: Matrix, point: Matrix) -> Matrix:
    """The affine map that touches a homography at ``point``."""
    x, y, w = homography @ np.array([*point, 1.0])
    slope = (homography[:2, :2] - np.outer([x / w, y / w], homography[2, :2])) / w
    return np.column_stack([slope, np.array([x / w, y / w]) - slope @ point])


def _inside(points: Matrix, grey: Image) -> bool:
    """Whether the outline lies in the picture, but for two pixels."""
    return bool(
        (points >= -2).all() and (points[:, 0] <= grey.shape[1] + 1).all() and (points[:, 1] <= grey.shape[0] + 1).all()
    )
