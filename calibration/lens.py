"""The lens: focal length, axis and distortion from pictures of the card (Zhang 2000), with views chosen for variety.

Zoom or focus changed afterwards voids it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from calibration.card import CardFinder
from calibration.picture import grey_plane
from calibration.records import CardView, Finding, Lens
from calibration.thresholds import LENS_RMS_PX
from edge.errors import CameraError
from edge.records import Image

Matrix = npt.NDArray[np.float64]

#: OpenCV's type stubs know fewer forms of a call than the library takes.
_cv: Any = cv2

#: Fewer views than this determine nothing that could be checked; more than this add nothing.
FEWEST_VIEWS, MOST_VIEWS = 5, 24
#: Two views count as two where their outlines differ by this share of the picture's width in the mean.
DIFFERENT = 0.03
#: The focal length's own standard deviation, as a share, from which the views do not determine it …
UNDETERMINED = 0.02
#: … and from which a warning is due: two of them are the 1 % that distances shall be good to.
DOUBTFUL = 0.005
GRID = 4
#: Views have to differ by this angle at least.
TILTED_DEG = 15.0


class LensView(Struct, frozen=True, kw_only=True):
    """One picture for the lens: millimetres on the card and pixels, point by point."""

    name: str
    view: CardView
    where_mm: Matrix
    where_px: Matrix


def lens_view(name: str, image: Image, finder: CardFinder) -> LensView | Finding:
    """What a picture of the card says about the lens, or what is wrong with it.

    Every inner corner is fitted for itself, since a lens that bends lines bends the card, too."""
    found = finder.find(image)
    if isinstance(found, Finding):
        return found
    where_mm, where_px = finder.corners_exactly(grey_plane(image), found)
    return LensView(name=name, view=found, where_mm=where_mm, where_px=where_px)


def calibrate_lens(views: Sequence[LensView], refused: Sequence[tuple[str, Finding]] = ()) -> Lens:
    """The lens that explains the views.  Raises CameraError, saying what is wrong with them and what to do."""
    sizes = {view.view.frame_size for view in views}
    if not views:
        raise _no_views(refused)
    if len(sizes) > 1:
        raise CameraError(
            "calibrate lens: the pictures differ in size: " + ", ".join(f"{w}x{h}" for w, h in sorted(sizes))
            + "; take all of them with the stream that the unit will read"
        )  # fmt: skip
    if len(views) < FEWEST_VIEWS:
        raise CameraError(
            f"calibrate lens: {len(views)} view(s) of the card, at least {FEWEST_VIEWS} are needed"
            f"{_of_refused(refused)}; take 12: in the middle, in every corner, and tilted by 30° left, right, up and down"
        )
    chosen = choose(views)
    if len(chosen) < FEWEST_VIEWS:
        raise CameraError(
            f"calibrate lens: of {len(views)} views only {len(chosen)} differ: they are alike; move the card into every "
            "corner and tilt it by 30° left, right, up and down"
        )
    lens = _fitted(chosen)
    worst = max(lens.view_rms_px)
    while worst > LENS_RMS_PX.limit and len(chosen) > max(FEWEST_VIEWS, len(views) * 2 // 3):
        chosen = [view for view, rms in zip(chosen, lens.view_rms_px, strict=True) if rms < worst]
        lens = _fitted(chosen)
        worst = max(lens.view_rms_px)
    if lens.rms_px > LENS_RMS_PX.limit:
        raise CameraError(
            f"calibrate lens: the card cannot be explained better than {lens.rms_px:.1f} px (at most {LENS_RMS_PX.limit:g}); "
            "glue it flat on a stiff board, hold it still, and keep zoom and focus as they are between the views"
        )
    return lens


def choose(views: Sequence[LensView]) -> list[LensView]:
    """Views that differ most from each other, the largest card first: each next one is farthest from those before it."""
    width = views[0].view.frame_size[0]
    outlines = [np.array(view.view.outline).ravel() / width for view in views]
    picked = [int(np.argmax([view.view.width_px for view in views]))]
    while len(picked) < min(MOST_VIEWS, len(views)):
        away = [min(float(np.abs(outlines[i] - outlines[j]).mean()) for j in picked) for i in range(len(views))]
        farthest = int(np.argmax(away))
        if away[farthest] < DIFFERENT:
            break
        picked.append(farthest)
    return [views[i] for i in sorted(picked)]


def undistorted(points: Iterable[tuple[float, float]], lens: Lens) -> Matrix:
    """Pixels of a picture where an ideal lens of the same focal length and axis would have put them."""
    given = np.array(list(points), np.float64).reshape(-1, 1, 2)
    matrix = lens_matrix(lens)
    return np.asarray(cv2.undistortPoints(given, matrix, np.array(lens.distortion), P=matrix), np.float64).reshape(-1, 2)


def lens_matrix(lens: Lens) -> Matrix:
    """The 3x3 matrix of the intrinsics."""
    return np.array([[lens.fx, 0, lens.cx], [0, lens.fy, lens.cy], [0, 0, 1]], np.float64)


def residual_picture(views: Sequence[LensView], lens: Lens, times: float = 50.0) -> Image:
    """Where corners were seen (dots) and how far off the lens puts them (lines, ``times`` as long), BGR."""
    width, height = lens.frame_size
    scale = min(1.0, 1280 / width)
    picture = np.full((round(height * scale), round(width * scale), 3), 255, np.uint8)
    for number in range(1, GRID):
        x, y = round(width * scale * number / GRID), round(height * scale * number / GRID)
        cv2.line(picture, (x, 0), (x, picture.shape[0]), (225, 225, 225), 1)
        cv2.line(picture, (0, y), (picture.shape[1], y), (225, 225, 225), 1)
    for view in views:
        if view.name not in lens.view_names:
            continue
        for point, off in zip(view.where_px, _residuals(view, lens), strict=True):
            at = (round(float(point[0]) * scale), round(float(point[1]) * scale))
            to = (round(float(point[0] + off[0] * times) * scale), round(float(point[1] + off[1] * times) * scale))
            cv2.line(picture, at, to, (40, 40, 200), 1, cv2.LINE_AA)
            cv2.circle(picture, at, 2, (160, 90, 20), -1, cv2.LINE_AA)
    return picture


def _residuals(view: LensView, lens: Lens) -> Matrix:
    matrix, bend = lens_matrix(lens), np.array(lens.distortion)
    spatial = np.column_stack([view.where_mm, np.zeros(len(view.where_mm))])
    _, turn, place = cv2.solvePnP(spatial, view.where_px, matrix, bend, flags=cv2.SOLVEPNP_IPPE)
    turn, place = cv2.solvePnPRefineLM(spatial, view.where_px, matrix, bend, turn, place)
    seen, _ = cv2.projectPoints(spatial, turn, place, matrix, bend)
    return np.asarray(seen, np.float64).reshape(-1, 2) - view.where_px


def _fitted(views: Sequence[LensView]) -> Lens:
    size = views[0].view.frame_size
    spatial = [np.column_stack([v.where_mm, np.zeros(len(v.where_mm))]).astype(np.float32) for v in views]
    planar = [v.where_px.astype(np.float32).reshape(-1, 1, 2) for v in views]
    # Two radial terms: a third and the tangential ones cannot be told from a few small cards, and do harm where none was seen.
    flags = cv2.CALIB_FIX_K3 | cv2.CALIB_ZERO_TANGENT_DIST
    try:
        rms, matrix, bend, turns, _, spread, _, each = _cv.calibrateCameraExtended(
            spatial, planar, size, None, None, flags=flags
        )
    except cv2.error as error:
        raise CameraError("calibrate lens: these views determine no lens; tilt the card more") from error
    fx, fy = float(matrix[0, 0]), float(matrix[1, 1])
    doubt = float(max(spread[0, 0] / fx, spread[1, 0] / fy))
    if not np.isfinite(doubt) or doubt > UNDETERMINED or _tilt_deg(turns) < TILTED_DEG:
        raise CameraError(
            "calibrate lens: the views are too much alike to tell the focal length; tilt the card by 30° left, right, up and "
            "down, near and far"
        )
    coverage = _coverage(views)
    k1, k2, p1, p2, k3 = (float(v) for v in np.asarray(bend).ravel()[:5])
    return Lens(
        frame_size=size,
        fx=fx,
        fy=fy,
        cx=float(matrix[0, 2]),
        cy=float(matrix[1, 2]),
        distortion=(k1, k2, p1, p2, k3),
        rms_px=float(rms),
        views=len(views),
        view_names=tuple(v.name for v in views),
        view_rms_px=tuple(float(v) for v in np.asarray(each).ravel()),
        coverage=coverage,
        focal_doubt=doubt,
        findings=_findings(float(rms), coverage, doubt),
    )


def _tilt_deg(turns: Sequence[Matrix]) -> float:
    """The largest angle between two views' normals: cards held alike fit every focal length."""
    normals = np.array([cv2.Rodrigues(turn)[0][:, 2] for turn in turns])
    return float(np.degrees(np.arccos(np.clip((normals @ normals.T).min(), -1, 1))))


def _findings(rms: float, coverage: float, doubt: float) -> tuple[Finding, ...]:
    found = []
    if rms > LENS_RMS_PX.good:
        found.append(Finding(what=f"the fit is off by {rms:.2f} px", cure="hold the card still and flat; 0.5 px is usual"))
    if coverage < 0.5:
        found.append(
            Finding(
                what=f"the card was seen in {coverage:.0%} of the picture only",
                cure="take views in the corners of the picture too: the distortion there is a guess",
            )
        )
    if doubt > DOUBTFUL:
        found.append(
            Finding(
                what=f"the focal length is good to {2 * doubt:.1%} only", cure="take more views with the card tilted by 30°"
            )
        )
    return tuple(found)


def _coverage(views: Sequence[LensView]) -> float:
    width, height = views[0].view.frame_size
    cells = {
        (min(GRID - 1, int(x * GRID / width)), min(GRID - 1, int(y * GRID / height)))
        for v in views
        for x, y in v.where_px.tolist()
    }
    return len(cells) / GRID**2


def _no_views(refused: Sequence[tuple[str, Finding]]) -> CameraError:
    if not refused:
        return CameraError("calibrate lens: no picture was given; give pictures of the card, a folder of them, or a clip")
    first = refused[0][1]
    return CameraError(f"calibrate lens: in none of {len(refused)} pictures: {first.what}; {first.cure}")


def _of_refused(refused: Sequence[tuple[str, Finding]]) -> str:
    return f" ({len(refused)} more refused: {refused[0][1].what})" if refused else ""
