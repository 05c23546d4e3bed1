"""The drive-by: what is read while known plates pass, a picture of each pass, and the proof that comes of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from calibration.page.glance import widest
from calibration.page.state import ProofState
from calibration.picture import plate_width_px
from calibration.proof import PassRead, prove
from calibration.records import Corners, Proof
from edge.records import Image
from edge.window import Passed, View

READS_AT_MOST = 2000
_PICTURES_AT_MOST = 200


class DriveBy:
    """One drive-by with these plates, in the order in which they pass; thread-safe.

    Pictures are of misses only: whoever else passes is counted and not kept."""

    def __init__(self, wanted: Sequence[str], now_s: float) -> None:
        self._wanted, self._began_s = tuple(wanted), now_s
        self._lock = threading.Lock()
        self._reads: list[PassRead] = []
        self._pictures: dict[str, Image] = {}
        self._widest: tuple[float, Image] | None = None
        self.running = True

    def see(self, view: View) -> None:
        """Keep the part of the picture with the widest plate since the last pass ended."""
        plate = widest(view.plates)
        if plate is None or not self.running:
            return
        width = plate_width_px(plate.corners)
        with self._lock:
            if self._widest is None or width > self._widest[0]:
                self._widest = (width, _round(view.image, plate.corners))

    def passed(self, passed: Passed, now_s: float) -> None:
        """A vehicle has passed."""
        if not self.running or not passed.text:
            return
        with self._lock:
            if len(self._reads) >= READS_AT_MOST:
                return
            name = None
            if self._widest is not None and len(self._pictures) < _PICTURES_AT_MOST:
                name = f"pass-{len(self._reads) + 1:03}.jpg"
                self._pictures[name] = self._widest[1]
            self._widest = None
            self._reads.append(PassRead(text=passed.text, at_s=round(now_s - self._began_s, 1), picture=name))

    def proof(self) -> Proof:
        """As it stands."""
        with self._lock:
            return prove(self._wanted, self._reads)

    def end(self) -> tuple[Proof, dict[str, Image]]:
        """The proof with the pictures of its misses; the others are forgotten."""
        self.running = False
        proof = self.proof()
        kept = {miss.picture: self._pictures[miss.picture] for miss in proof.misses if miss.picture in self._pictures}
        with self._lock:
            self._pictures = {}
        return proof, {name: image for name, image in kept.items() if name is not None}

    def state(self) -> ProofState:
        """For the page: the misses in words, and how many were read."""
        proof = self.proof()
        words = [
            f"{miss.wanted}: " + ("not read yet" if self.running and miss.read is None else "not read" if miss.read is None
                                  else f"read as {miss.read}")
            for miss in proof.misses
        ]  # fmt: skip
        if proof.extra:
            words.append(f"Others that passed: {proof.extra}")
        return ProofState(running=self.running, share=proof.passes, passes=tuple(words))


NO_PROOF = ProofState(running=False, share=None, passes=())


def _round(image: Image, corners: Corners) -> Image:
    """The plate with as much again on each side."""
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    pad_x, pad_y = max(xs) - min(xs), max(ys) - min(ys)
    height, width = image.shape[:2]
    left, right = max(0, int(min(xs) - pad_x)), min(width, int(max(xs) + pad_x))
    top, bottom = max(0, int(min(ys) - pad_y)), min(height, int(max(ys) + pad_y))
    return image[top:bottom, left:right].copy()
