"""Focus while the lens turns: peak-hold on one patch, day and infra-red kept apart, and the shift between them named.

No figure of focus means anything in another scene, so only the share of the best so far is shown (Stanford psych221, 1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from calibration.judge import focus_measure, measure
from calibration.picture import focus_of, grey_plane, noise_of
from calibration.records import Corners, FocusPoint, FocusRun, Measure
from calibration.thresholds import FOCUS_SHARE
from edge.camera_setup import Light
from edge.errors import CameraError
from edge.records import Image
from edge.scene_look import light_of

#: A patch with less between dark and bright than this, in grey levels, shows no focus.
LEAST_STEP = 12.0
#: Scores over so many pictures (median): a single noisy one is no peak.
_SMOOTHED = 3

#: x, y, width, height of a patch in pixels.
Patch = tuple[int, int, int, int]


class PeakHold:
    """The best focus so far, day and infra-red apart, and every point on the way."""

    def __init__(self) -> None:
        self._points: dict[Light, list[FocusPoint]] = {}
        self._recent: dict[Light, list[float]] = {}
        self._best: dict[Light, float] = {}

    def see(self, at_s: float, image: Image, patch: Patch) -> FocusPoint:
        """Measure ``patch`` of a picture taken at ``at_s`` seconds.  Raises CameraError where it shows no contrast."""
        score, laplacian = focus_scores(image, patch)
        light = light_of(image)
        recent = [*self._recent.get(light, []), score][-_SMOOTHED:]
        smooth = float(median(recent))
        self._recent[light] = recent
        self._best[light] = max(self._best.get(light, 0.0), smooth)
        best = self._best[light]
        point = FocusPoint(
            at_s=at_s, light=light, score=smooth, laplacian=laplacian, of_best=smooth / best if best > 0 else 0.0
        )  # fmt: skip
        self._points.setdefault(light, []).append(point)
        return point

    def runs(self) -> tuple[FocusRun, ...]:
        """What was seen, day first.  Each point's share is of the best of the whole run."""
        result = []
        for light, points in sorted(self._points.items()):
            best = max(points, key=lambda point: point.score)
            whole = best.score or 1.0
            again = tuple(
                FocusPoint(at_s=p.at_s, light=light, score=p.score, laplacian=p.laplacian, of_best=p.score / whole)
                for p in points
            )  # fmt: skip
            result.append(
                FocusRun(light=light, points=again, best_s=best.at_s, best=best.score, last=again[-1].of_best)
            )  # fmt: skip
        return tuple(result)


def focus_scores(image: Image, patch: Patch) -> tuple[float, float]:
    """Tenengrad and Laplacian of a patch over its contrast².  Raises CameraError where it shows no contrast."""
    x, y, w, h = patch
    part = grey_plane(image)[max(0, y) : y + h, max(0, x) : x + w]
    if min(part.shape) < 8:
        raise CameraError("measure focus: the patch is outside the picture or too small; choose one on the card or a plate")
    noise = noise_of(part)
    step = float(np.subtract(*np.percentile(part, (95, 5))))
    if step < LEAST_STEP + 4 * noise:
        raise CameraError("measure focus: the patch shows no edges; choose one on the card or a plate (--patch)")
    laplacian, tenengrad = focus_of(part, step, noise)
    return tenengrad, laplacian


def patch_of(corners: Corners, image: Image) -> Patch:
    """The patch round a card's or a plate's corners, with some room: it grows as it blurs."""
    points = np.array(corners)
    low, high = points.min(axis=0), points.max(axis=0)
    room = (high - low) * 0.08
    x0, y0 = np.maximum(0, np.floor(low - room)).astype(int)
    x1, y1 = np.minimum((image.shape[1], image.shape[0]), np.ceil(high + room)).astype(int)
    return int(x0), int(y0), int(x1 - x0), int(y1 - y0)


def focus_measures(runs: Sequence[FocusRun]) -> tuple[Measure, ...]:
    """Where focus stands in the light of each run, and how far it shifts where both were seen.

    The shift is told from the run that came second: where the lens stood when the light changed against that run's best."""
    lines: list[Measure] = [focus_measure(run.last) for run in runs[-1:]]
    if len(runs) == 2:
        second = max(runs, key=lambda run: run.points[0].at_s)
        start = second.points[0].of_best
        words = (
            f"the focus shifts between day and infra-red: set for the one, the other has {start:.0%} of its best; focus at "
            "night, under infra-red and with the iris open (by day: behind a dark filter), and look again by day"
        )
        lines.append(measure("focus_shift", start * 100, "% of best", "≥ 90", start, FOCUS_SHARE, words))
    return tuple(lines)
