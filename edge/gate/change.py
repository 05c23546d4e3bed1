"""Lets a frame through to the detector when something has changed since the detector last looked.

A pole looks at an empty road for most of its life.  Three rules say which frames the detector need not see:

* **Between looks.**  While no plate waits for a reading, ``look_every_s`` passes between two looks.  A plate that has just been
  found is then looked at in every frame until the tracker takes it for a pass (``min_detections``), and from then on every
  ``look_again_every_s`` until it is read.  So at 30 frames a second, with the defaults, five frames of a plate are enough
  wherever they begin: 5 m of road at 110 km/h.
* **Unchanged.**  A frame that is due is compared with the one *at which the detector last looked*, not with its neighbour: what
  moves slowly adds up until it has moved enough.
* **A full look** is due every ``full_look_every_s`` even if nothing seems to have changed: that bounds what the comparison can
  miss.

Compared are means over squares an eightieth of the picture wide or less (16 pixels of 1280, a quarter of the narrowest plate
that the detector is made for), at half a square's step.  One square is enough.  What counts as change is measured against the
noise of the two pictures, taken from the calmest third of the differences, so that a lorry that fills the picture does not
raise it; and above ``ALWAYS`` grey levels everything is change, so that no noise can close the gate for good.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from edge.config import GateConfig
from edge.gate.interface import Verdict
from edge.records import Frame, Image, Wish

#: The comparison is made at a width between this and twice this, in pixels.
WIDTH = 320
#: Side of a square there, and the step from one to the next.
SQUARE, STEP = 4, 2
#: A square has changed when the mean of its differences is more than so many grey levels …
LEVELS = 1.5
#: … and so many times the noise.
TIMES_NOISE = 3.0
#: More than this is change, however noisy the picture seems.
ALWAYS = 8.0
#: The noise (one standard deviation of a difference) is what this share of the differences stays below …
CALM = 0.3
#: … divided by where a normal distribution has that share on both sides of zero.
CALM_DEVIATIONS = 0.385
#: Time stamps are rounded; a frame so little early is due.
SLACK_S = 0.004


class ChangeGate:
    """The gate of one camera; not thread-safe."""

    def __init__(self, config: GateConfig) -> None:
        self._config = config
        self._last: Image | None = None
        self._looked_s = self._judged_s = -math.inf

    def judge(self, frame: Frame, wish: Wish) -> Verdict:
        """What is to become of ``frame``."""
        since_s = frame.media_s - self._looked_s
        if since_s >= 0 and frame.media_s < self.rests_until(wish):
            return "between-looks"
        self._judged_s = frame.media_s
        now = _small(frame.image if frame.grey is None else frame.grey) if self._config.changes_only else None
        if wish == "nothing" and 0 <= since_s < self._config.full_look_every_s and now is not None and self._same(now):
            return "unchanged"
        self._last, self._looked_s = now, frame.media_s
        return "look"

    def rests_until(self, wish: Wish) -> float:
        """When the next look is due."""
        waits_s = {"nothing": self._config.look_every_s, "again": self._config.look_again_every_s, "now": 0.0}
        return self._judged_s - SLACK_S + waits_s[wish]

    def forget(self) -> None:
        """The next frame is looked at."""
        self._last = None
        self._looked_s = self._judged_s = -math.inf

    def _same(self, now: Image) -> bool:
        return self._last is not None and self._last.shape == now.shape and not changed(self._last, now)


def changed(before: Image, now: Image) -> bool:
    """Whether two small grey pictures of one size show something else.  Pure."""
    difference = np.asarray(cv2.absdiff(before, now), np.uint8)
    # Sums of squares, in 16 bits: the mean in 8 would round away what is to be found.
    sums = cv2.boxFilter(difference, cv2.CV_16U, (SQUARE, SQUARE), normalize=False)[::STEP, ::STEP]
    return float(sums.max()) > SQUARE * SQUARE * min(ALWAYS, LEVELS + TIMES_NOISE * noise(difference))


def noise(difference: Image) -> float:
    """One standard deviation of the noise, in grey levels, of the absolute difference of two pictures."""
    counts = np.asarray(cv2.calcHist([difference], [0], None, [256], [0, 256]), np.float32).ravel()
    return _quantile(counts, CALM) / CALM_DEVIATIONS


def _quantile(counts: npt.NDArray[np.float32], share: float) -> float:
    """Below which value ``share`` of the pixels lie; level 0 stands for 0 to ½, level n for n - ½ to n + ½."""
    reached = np.cumsum(counts)
    wanted = share * float(reached[-1])
    level = int(np.searchsorted(reached, wanted))
    before = float(reached[level - 1]) if level else 0.0
    within = (wanted - before) / max(1.0, float(counts[level]))
    return within / 2 if level == 0 else level - 0.5 + within


def _small(image: Image) -> Image:
    """A grey picture of ``WIDTH`` to twice as many pixels, halved from ``image`` by the mean of four pixels."""
    small = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    while small.shape[1] >= 2 * WIDTH:
        small = np.asarray(
            cv2.resize(small, (small.shape[1] // 2, small.shape[0] // 2), interpolation=cv2.INTER_AREA), np.uint8
        )
    return small
