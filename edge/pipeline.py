"""Lane 1, the order of things: frames come in at the top, sealed reads go into the outbox at the bottom.

Whatever goes nowhere is counted with its reason.  The accounts:

* frames received = processed + skipped (nobody had to look at them: between two looks, or unchanged) + dropped (by the camera's
  reason, or by the rule that forbade capture);
* tracks = reads + noise (too few detections) + unread (no text in any picture);
* reads = committed + withheld (by rule) + expired (over before the outbox could keep them) + lost (the outbox could not keep
  them; loud, and the exit code says so).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from edge.camera.interface import Camera, GapBegan
from edge.detector.interface import Detector
from edge.drift import Drift, NoDrift
from edge.exit import Exit
from edge.gate.interface import Gate
from edge.gate.open import OpenGate
from edge.images.evidence import illustrated
from edge.images.shots import Shot, Shots
from edge.journal import Journal
from edge.labeler.capture import CaptureStamp
from edge.labeler.held import Held, HeldReads
from edge.labeler.scope import label
from edge.policy.decide import decide, may_capture
from edge.position import PositionSource
from edge.recognizer.interface import Recognizer
from edge.records import Detection, Position, Reading, Release, Track, Withhold
from edge.rules import PolicySource
from edge.tracker.interface import Tracker
from edge.tracker.vote import vote
from edge.window import NoWindow, Window


class Line:
    """One camera's lane."""

    def __init__(
        self,
        *,
        camera: Camera,
        position: PositionSource,
        detector: Detector,
        tracker: Tracker,
        recognizer: Recognizer,
        policy: PolicySource,
        stamp: CaptureStamp,
        exit: Exit,
        journal: Journal,
        gate: Gate | None = None,
        window: Window | None = None,
        drift: Drift | None = None,
    ) -> None:
        self.camera = camera
        self._gate = gate or OpenGate()
        self._position = position
        self._detector = detector
        self._tracker = tracker
        self._recognizer = recognizer
        self._policies, self._policy = policy, policy.now()
        self._stamp = stamp
        self._exit = exit
        self._journal = journal
        self._window = window or NoWindow()
        self._drift = drift or NoDrift()
        self._held, self._shots = HeldReads(), Shots()

    @property
    def noise(self) -> int:
        """How many tracks were too short to be a vehicle."""
        return self._tracker.noise

    def run(self, stop: threading.Event) -> None:
        """Read the camera until it ends or ``stop`` is set; every pass that is open then is finished."""
        place: Position | None = None  # of the last frame that was captured
        detections: Sequence[Detection] = ()  # of the last look
        for frame in self.camera.frames(stop):
            if isinstance(frame, GapBegan):
                self._window.blind(self.camera.name, "lost", "the camera sends nothing; the unit tries again by itself")
                self._end(place)
                continue
            rules = self._policies.now()
            if rules is not self._policy:  # a pass is captured, labelled and decided under one policy, so those before end here
                self._end(place)
                self._policy = rules
            self._label_and_decide(self._held.due(frame.at, rules.pack))
            here = self._position.at(frame.media_s)
            forbidden = rules.barred or may_capture(here, frame.at.utc, rules.pack, rules.zones, rules.unit)
            if forbidden:
                self._journal.count("frames_dropped", forbidden[0].rule)
                self._window.blind(self.camera.name, "barred", forbidden[0].rule)
                self._finish(self._tracker.flush(), place)
                self._shots.forget()
                self._gate.forget()
                continue
            place = here
            verdict = self._gate.judge(frame, self._tracker.asks)
            readings: Sequence[Reading] = ()
            if verdict == "look":
                self._journal.count("frames_processed")
                detections = self._detector.detect(frame)
                wanted = self._tracker.follow(frame, detections)
                readings = self._recognizer.read(frame, wanted)
                tracks = self._tracker.add(readings)
                self._shots.see(frame, detections, readings, tracks, rules.pack.images_for(hit=True))
            else:
                self._journal.count("frames_skipped", verdict)
                if verdict == "unchanged":
                    self._tracker.still(frame)
            if verdict != "between-looks":  # what was found on an earlier picture is not where it was
                self._window.show(frame, detections, readings)
            self._drift.see(frame, detections if verdict == "look" else ())
            self._finish(self._tracker.finished(), place)
            self.camera.rest(self._gate.rests_until(self._tracker.asks))
        self._end(place)

    def _end(self, place: Position | None) -> None:
        """Nothing that was seen before is followed, held on to or compared with."""
        self._gate.forget()
        self._finish(self._tracker.flush(), place)
        self._shots.forget()
        self._label_and_decide(self._held.flush())

    def _finish(self, tracks: Iterable[Track], place: Position | None) -> None:
        for track in tracks:
            read = vote(track)
            self._window.passed(read)
            self._drift.passed(track)
            held, shot = Held(read=read, place=place), self._shots.take(track.number)
            if not read.text:
                self._journal.count("tracks_unread")
            elif not self._held.take(held, self._policy.pack):  # one that has to wait for the clock keeps no picture
                self._label_and_decide([held], shot)

    def _label_and_decide(self, reads: Iterable[Held], shot: Shot | None = None) -> None:
        """``shot`` is the best moment of the read, if there is one alone; it is forgotten with a read that is withheld."""
        pack = self._policy.pack
        for held in reads:
            self._journal.count("reads")
            hit = self._policy.hotlist.match(held.read, self._journal)
            if hit is not None:
                self._journal.count("hits", hit.topic)
                self._journal.count("hits_by_list", hit.source)
            match decide(label(held.read, self._stamp.at(held.place), pack, hit), pack):
                case Release() as release:
                    self._exit.keep(illustrated(release, shot))
                case Withhold() as withheld:
                    self._journal.withheld(withheld)
            self._journal.settle()
