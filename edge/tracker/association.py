"""Follows plates of one camera from frame to frame; a pass ends when its plate has not been seen for a while.

Plates move several of their own widths between frames at 5 fps, so boxes need not overlap: a detection belongs to the
track whose predicted place (constant velocity) is nearest, in plate widths, if it is about the same size.  A parked car is
reported once, after ``REPORT_AFTER_S``, and then followed in silence until it leaves; its next visit is a new pass.  No text
is remembered for longer than that, whatever stands in the picture: some laws give a unit three minutes to forget.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from edge.config import TrackerConfig
from edge.records import Detection, Frame, Instant, Reading, Track, Wish

#: How far from its predicted place a plate may be, in plate widths: a new track has no velocity yet.
REACH_WIDTHS = 2.0
REACH_WIDTHS_NEW = 4.0
#: Between two frames a plate grows or shrinks by at most this factor (50 km/h towards the camera at 5 m, 5 fps: 1.4).
SIZE_FACTOR = 1.6
REPORT_AFTER_S = 30.0
#: A settled track is read again when its plate has grown by this factor: nearer pictures may still correct it.
GROWN = 1.5
#: What so many readings could not prove to be a plate is read again only when it has grown, or now and then, after so many
#: seconds, where the detector is sure of it.
DOUBTFUL_READINGS = 3
DOUBTFUL_AGAIN_S = 1.0
#: So many readings in a row are taken of a plate as fast as its frames come; those after them as often as there is a look: a
#: neighbouring frame repeats its neighbour's mistakes.
READINGS_AT_ONCE = 12
#: A plate that waits to be read and was not found for so long is not waited for: it has left, or hides.
ASKS_S = 0.3
#: A sign or a lamp must not take a passing plate into its track, where nobody would read it: to what was read as no plate all
#: is so many times as far, so that only what stands where it stood is it again.
DOUBTFUL_FARTHER = 8.0
MAX_READINGS = 40


class _Open:
    """A track that has not ended."""

    def __init__(self, number: int, frame: Frame, detection: Detection) -> None:
        self.number = number
        self.first: Instant = frame.at
        self.first_s = frame.media_s
        self._sure_of_first = detection.sure
        self.frames = 0
        self.readings: list[Reading] = []
        self.proofs = 0  # frames with a plate: read as one, or taken for one by a sure detector once the text had settled
        self.best = detection
        self.velocity: tuple[float, float] | None = None
        self.reported = False
        self.read_width = 0.0
        self.read_s = -math.inf
        self._place(frame, detection)

    def _place(self, frame: Frame, detection: Detection) -> None:
        self.last: Instant = frame.at
        self.last_s = frame.media_s
        self.detection = detection
        self.frames += 1
        if detection.box.w * detection.confidence > self.best.box.w * self.best.confidence:
            self.best = detection

    def move(self, frame: Frame, detection: Detection) -> None:
        elapsed = frame.media_s - self.last_s
        if elapsed > 0:
            (x0, y0), (x1, y1) = _centre(self.detection), _centre(detection)
            step = ((x1 - x0) / elapsed, (y1 - y0) / elapsed)
            old = self.velocity
            self.velocity = step if old is None else (0.5 * old[0] + 0.5 * step[0], 0.5 * old[1] + 0.5 * step[1])
        self._place(frame, detection)
        if detection.sure:
            self.begins()

    def begins(self) -> None:
        """Now it is surely a plate: what was seen before may have been something that stood there, a lamp or a badge."""
        if not self._sure_of_first:
            self.first, self.first_s, self._sure_of_first = self.last, self.last_s, True

    def distance(self, frame: Frame, detection: Detection) -> float:
        """How far ``detection`` is from the predicted place, in plate widths, infinite where it cannot be this plate."""
        before, now = self.detection.box, detection.box
        growth = max(before.w, now.w) / max(1.0, min(before.w, now.w))
        if growth > SIZE_FACTOR:
            return math.inf
        vx, vy = self.velocity or (0.0, 0.0)
        elapsed = frame.media_s - self.last_s
        x0, y0 = _centre(self.detection)
        x1, y1 = _centre(detection)
        widths = math.hypot(x0 + vx * elapsed - x1, y0 + vy * elapsed - y1) / max(1.0, (before.w + now.w) / 2)
        if self.doubtful:
            widths *= DOUBTFUL_FARTHER
        reach = REACH_WIDTHS_NEW if self.velocity is None else REACH_WIDTHS
        return widths if widths <= reach else math.inf

    @property
    def doubtful(self) -> bool:
        """Whether several readings found no plate here."""
        return self.proofs == 0 and len(self.readings) >= DOUBTFUL_READINGS

    def settled(self, config: TrackerConfig) -> bool:
        """Whether enough readings of a plate agree, with confidence."""
        plates = (reading for reading in self.readings if reading.is_plate)
        sure = Counter(reading.text for reading in plates if reading.confidence >= config.settled_confidence)
        return bool(sure) and sure.most_common(1)[0][1] >= config.enough_readings

    def wants_reading(self, config: TrackerConfig) -> bool:
        if self.reported or len(self.readings) >= MAX_READINGS:
            return False
        if self.frames == 1 and not self.detection.sure:
            return False  # most of what the detector doubts is gone in the next picture
        if self.detection.box.w > GROWN * self.read_width:
            return True
        if self.doubtful:
            return self.detection.sure and self.last_s - self.read_s >= DOUBTFUL_AGAIN_S
        return not self.settled(config)

    def asks(self, config: TrackerConfig) -> bool:
        """Whether another picture of it is wanted as soon as there is one: it may be a plate, and is not read yet.  A candidate
        whose first reading found no plate waits until the next look."""
        if len(self.readings) >= READINGS_AT_ONCE:
            return False
        return (self.proofs > 0 or (self.detection.sure and not self.doubtful)) and self.wants_reading(config)

    def stands(self, frame: Frame) -> None:
        """It is where it was."""
        self.last, self.last_s = frame.at, frame.media_s

    def track(self, camera: str) -> Track:
        return Track(
            camera=camera,
            number=self.number,
            first=self.first,
            last=self.last,
            first_s=self.first_s,
            last_s=self.last_s,
            frames=self.frames,
            best=self.best,
            readings=tuple(self.readings),
        )


class PlateTracker:
    """The tracker of one camera; not thread-safe."""

    def __init__(self, camera: str, config: TrackerConfig) -> None:
        self._camera = camera
        self._config = config
        self._open: list[_Open] = []
        self._ended: list[Track] = []
        self._numbers = 0
        self._wanting: dict[int, _Open] = {}
        self._noise = 0
        self._seen_s = 0.0  # the stream's time of the last frame that was looked at, or showed the same

    @property
    def noise(self) -> int:
        """How many tracks ended with too few proofs to be a vehicle."""
        return self._noise

    @property
    def asks(self) -> Wish:
        """What plates that were just there wait for: the next frame, those that are no pass yet and may be gone in a moment;
        another look soon, those that are to be read again."""
        asking = [each for each in self._open if self._seen_s - each.last_s <= ASKS_S and each.asks(self._config)]
        if not asking:
            return "nothing"
        return "again" if all(map(self._is_vehicle, asking)) else "now"

    def follow(self, frame: Frame, detections: Sequence[Detection]) -> tuple[Detection, ...]:
        """Assign the frame's detections to tracks; return those whose text is still worth reading."""
        self._end_stale(frame.media_s)
        self._seen_s = frame.media_s
        pairs = sorted(
            (distance, i, j)
            for i, each in enumerate(self._open)
            for j, detection in enumerate(detections)
            if (distance := each.distance(frame, detection)) < math.inf
        )
        taken: dict[int, _Open] = {}
        moved: set[int] = set()
        for _, i, j in pairs:
            if i not in moved and j not in taken:
                moved.add(i)
                taken[j] = self._open[i]
                self._open[i].move(frame, detections[j])
        for j, detection in enumerate(detections):
            if j not in taken:
                self._numbers += 1
                taken[j] = _Open(self._numbers, frame, detection)
                self._open.append(taken[j])
        self._wanting = {}
        wanted = []
        for j, detection in enumerate(detections):
            if taken[j].wants_reading(self._config):
                self._wanting[id(detection)] = taken[j]
                wanted.append(detection)
            else:
                taken[j].proofs += detection.sure and taken[j].settled(self._config)
        return tuple(wanted)

    def add(self, readings: Sequence[Reading]) -> tuple[int, ...]:
        """Keep readings of detections that the last :meth:`follow` returned; the numbers of the tracks that they belong to."""
        tracks = tuple(self._wanting[id(reading.detection)] for reading in readings)
        for track, reading in zip(tracks, readings, strict=True):
            track.readings.append(reading)
            if reading.is_plate:
                track.proofs += 1
                track.begins()
            track.read_width = max(track.read_width, reading.detection.box.w)
            track.read_s = reading.media_s
        return tuple(track.number for track in tracks)

    def still(self, frame: Frame) -> None:
        """A plate that was there at the last look is there yet; what was not is gone a little longer.  What only may be a plate
        is not held on to: it comes again with the next look, and a car that comes to that place is another one."""
        for each in self._open:
            if each.proofs and each.last_s == self._seen_s:
                each.stands(frame)
        self._end_stale(frame.media_s)
        self._seen_s = frame.media_s

    def finished(self) -> tuple[Track, ...]:
        """The passes that have ended, or have been followed for ``REPORT_AFTER_S``, since the last call."""
        for each in self._open:
            if self._is_vehicle(each) and not each.reported and each.last_s - each.first_s >= REPORT_AFTER_S:
                self._ended.append(each.track(self._camera))
                each.reported = True
                each.readings = []
            elif not each.reported:
                each.readings = [one for one in each.readings if each.last_s - one.media_s <= REPORT_AFTER_S]
        ended, self._ended = tuple(self._ended), []
        return ended

    def flush(self) -> tuple[Track, ...]:
        """End every pass now and hand it out."""
        for each in self._open:
            self._end(each)
        self._open = []
        return self.finished()

    def _is_vehicle(self, each: _Open) -> bool:
        return each.proofs >= self._config.min_detections

    def _end_stale(self, now_s: float) -> None:
        going = []
        for each in self._open:
            if now_s - each.last_s > self._config.max_gap_s or now_s < each.last_s:
                self._end(each)
            else:
                going.append(each)
        self._open = going

    def _end(self, each: _Open) -> None:
        if each.reported:
            return
        if not self._is_vehicle(each):
            self._noise += 1
            return
        self._ended.append(each.track(self._camera))


def _centre(detection: Detection) -> tuple[float, float]:
    box = detection.box
    return box.x + box.w / 2, box.y + box.h / 2
