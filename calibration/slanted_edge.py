"""The contrast that lens and sensor leave at one stroke of 2.7 px: the slanted-edge method (ISO 12233) on the card's squares.

Where each edge of the print lies is known to hundredths of a pixel, so pixels of all edges of one direction are sorted by their
distance from the edge into one finely sampled edge profile.  The white side of an edge is only a rim wide before a marker
begins; the dark side is a whole square.  So the dark half is measured and taken as symmetric.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from calibration.picture import grey_plane
from calibration.records import CardView
from calibration.target import Card
from calibration.thresholds import MTF_CYCLES_PER_PX
from edge.records import Image

Matrix = npt.NDArray[np.float64]

#: Samples a pixel of the edge profile, and how far into the dark it reaches, pixels.
_BINS = 4
_REACH_PX = 7.0
#: Fewer pixels than this near edges of one direction give no profile.
_FEWEST = 200


class EdgeMtf(Struct, frozen=True, kw_only=True):
    """Modulation at 0.185 cycles a pixel, of upright edges (``across``) and of level ones (``along``); None: none was seen."""

    across: float | None
    along: float | None

    @property
    def least(self) -> float | None:
        """The worse of both directions."""
        return min((v for v in (self.across, self.along) if v is not None), default=None)


def edge_mtf(image: Image, view: CardView, card: Card, cycles_per_px: float = MTF_CYCLES_PER_PX) -> EdgeMtf:
    """The modulation at ``cycles_per_px`` in the picture in which ``view`` was found."""
    grey = grey_plane(image).astype(np.float64)
    upright: list[tuple[Matrix, Matrix]] = []
    level: list[tuple[Matrix, Matrix]] = []
    for start, end, dark in _edges(card):
        found = _near(grey, view, start, end, dark)
        if found is None:
            continue
        normal, distances, levels = found
        (upright if abs(normal[0]) > abs(normal[1]) else level).append((distances, levels))
    return EdgeMtf(across=_modulation(upright, cycles_per_px), along=_modulation(level, cycles_per_px))


def _edges(card: Card) -> Iterator[tuple[Matrix, Matrix, Matrix]]:
    """Both ends of each inner edge between a black and a white square, and the middle of the black one, in mm from the card's
    middle.  Black squares are those without a marker: the first row begins with one (OpenCV's boards with odd rows)."""
    side = card.square_mm
    origin = -np.array([card.columns * side / 2, card.rows * side / 2])
    for row in range(card.rows):
        for column in range(card.columns):
            if (row + column) % 2:  # white, with a marker
                continue
            corner = origin + np.array([column * side, row * side])
            middle = corner + side / 2
            for dx, dy, x0, y0, x1, y1 in ((-1, 0, 0, 0, 0, 1), (1, 0, 1, 0, 1, 1), (0, -1, 0, 0, 1, 0), (0, 1, 0, 1, 1, 1)):
                if 0 <= column + dx < card.columns and 0 <= row + dy < card.rows:
                    yield corner + np.array([x0, y0]) * side, corner + np.array([x1, y1]) * side, middle


def _near(
    grey: npt.NDArray[np.float64], view: CardView, start: Matrix, end: Matrix, dark: Matrix
) -> tuple[Matrix, Matrix, Matrix] | None:
    """The edge's normal towards its bright side, and distances and levels of the pixels near it, on the dark side."""
    homography = np.array(view.homography).reshape(3, 3)
    a, b, middle = cv2.perspectiveTransform(np.array([start, end, dark])[None], homography)[0]
    along = (b - a) / np.linalg.norm(b - a)
    normal = np.array([along[1], -along[0]])
    if (middle - a) @ normal > 0:
        normal = -normal
    length = float(np.linalg.norm(b - a))
    reach = min(_REACH_PX, 0.45 * length)
    low = np.floor(np.minimum(a, b) - reach - 1).astype(int)
    high = np.ceil(np.maximum(a, b) + reach + 2).astype(int)
    if (low < 0).any() or high[0] > grey.shape[1] or high[1] > grey.shape[0]:
        return None
    ys, xs = np.mgrid[low[1] : high[1], low[0] : high[0]]
    away = np.stack([xs - a[0], ys - a[1]], axis=-1)
    position, distance = away @ along / length, away @ normal
    # Away from the corners, where other squares begin.
    room = min(0.35, (reach + 1) / length)
    kept = (position > room) & (position < 1 - room) & (distance > -reach) & (distance < 0.6)
    return normal, distance[kept], grey[low[1] : high[1], low[0] : high[0]][kept]


def _modulation(edges: list[tuple[Matrix, Matrix]], cycles_per_px: float) -> float | None:
    """From the dark half of the edge profile to the spread of a line, mirrored, and its Fourier transform at one frequency."""
    if not edges or sum(len(d) for d, _ in edges) < _FEWEST:
        return None
    distances = np.concatenate([d for d, _ in edges])
    levels = np.concatenate([v for _, v in edges])
    places = np.round(distances * _BINS).astype(int)
    least = int(places.min())
    count = np.bincount(places - least)
    mean = np.bincount(places - least, levels) / np.maximum(count, 1)
    zero = -least
    if zero >= len(mean) or (count[: zero + 1] == 0).any():
        return None
    profile = mean[: zero + 1]
    dark = float(np.mean(profile[: max(2, len(profile) // 4)]))
    half = profile - dark
    if half[-1] < 4:  # no contrast
        return None
    spread = np.diff(half)  # the line's spread at -(n - 1/2)/BINS
    spread *= np.hanning(2 * len(spread))[: len(spread)] ** 0.25
    at = (np.arange(len(spread)) - len(spread) + 0.5) / _BINS
    response = float(np.sum(spread * np.cos(2 * np.pi * cycles_per_px * at)) / np.sum(spread))
    # The bins average, and the differences do: sinc of a quarter pixel, twice.
    return float(np.clip(response / np.sinc(cycles_per_px / _BINS) ** 2, 0.0, 1.0))
