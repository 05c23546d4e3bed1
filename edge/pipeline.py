"""Lane 1, the order of things: frames come in at the top, sealed reads go into the outbox at the bottom.

Whatever goes nowhere is counted with its reason.  The accounts:

* frames received = processed + dropped (by the camera's reason, or by the rule that forbade capture);
* tracks = reads + noise (too few detections) + unread (no text in any picture);
* reads = committed + withheld (by rule) + expired (over before the outbox could keep them) + lost (the outbox could not keep
  them; loud, and the exit code says so).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from edge.camera.interface import Camera, GapBegan
from edge.clock import Clock
from edge.detector.interface import Detector
from edge.envelope.interface import Sealer
from edge.errors import OutboxError
from edge.hotlist.match import HotList
from edge.journal import Journal
from edge.labeler.capture import CaptureStamp
from edge.labeler.held import Held, HeldReads
from edge.labeler.scope import label
from edge.outbox.interface import Outbox
from edge.policy.decide import decide, may_capture
from edge.policy.pack import Pack
from edge.policy.vocabulary import UnitKind
from edge.policy.zones import Zone
from edge.position import PositionSource
from edge.recognizer.interface import Recognizer
from edge.records import Position, Reason, Release, Track, Withhold
from edge.tracker.interface import Tracker
from edge.tracker.vote import vote


class Policy(Struct, frozen=True, kw_only=True):
    """What the rules are: the pack, what kind of unit it binds here, the configured no-capture zones, and the hot list as far
    as the pack admits it; ``barred`` is why nothing at all may be captured, empty where something may."""

    pack: Pack
    unit: UnitKind
    zones: tuple[Zone, ...]
    hotlist: HotList
    barred: tuple[Reason, ...] = ()


class PolicySource(Protocol):
    """Where the rules come from; it may give other ones while the unit runs.  Thread-safe."""

    def now(self) -> Policy:
        """The rules at this moment: the same object while they are the same."""
        ...


class Exit:
    """The one door out of lane 1: seals each release for the next slot of the chain and commits it, one at a time.

    While the outbox cannot keep a read (its disk is full), releases wait in memory, bounded, and go in first once it can; those
    whose time is over meanwhile are forgotten and counted.
    """

    WAITING_AT_MOST = 1000

    def __init__(self, sealer: Sealer, outbox: Outbox, clock: Clock, journal: Journal) -> None:
        self._sealer, self._outbox, self._clock, self._journal = sealer, outbox, clock, journal
        self._lock = threading.Lock()
        self._waiting: deque[Release] = deque()
        self._in_trouble = False

    def keep(self, release: Release) -> None:
        """Commit a release; what is committed is in the outbox for good."""
        with self._lock:
            self._waiting.append(release)
            if len(self._waiting) > self.WAITING_AT_MOST:
                self._waiting.popleft()
                self._journal.count("reads_lost", "outbox-full")
            self._commit_waiting()

    def close(self) -> None:
        """Try once more; what still cannot be kept is lost, counted and said."""
        with self._lock:
            self._commit_waiting()
            if self._waiting:
                self._journal.count("reads_lost", "outbox-full", len(self._waiting))
                self._journal.error("reads were lost: the outbox could not keep them", reads=len(self._waiting))
                self._waiting.clear()

    def _commit_waiting(self) -> None:
        while self._waiting:
            if self._waiting[0].labeled.label.delete_after <= self._clock.now().utc:
                self._waiting.popleft()
                self._journal.count("reads_expired", "waiting-for-the-outbox")
                continue
            try:
                envelope = self._sealer.seal(self._waiting[0], self._outbox.next_slot())
                self._outbox.put(envelope)
            except OutboxError as error:
                if not self._in_trouble:
                    self._journal.error("outbox cannot keep reads; they wait in memory", reason=str(error))
                self._in_trouble = True
                return
            self._in_trouble = False
            self._waiting.popleft()
            self._journal.count("reads_committed", envelope.slot.epoch)
            self._journal.info(
                "read committed",
                read=envelope.read_id,
                epoch=envelope.slot.epoch,
                seq=envelope.slot.seq,
                hit=envelope.hit,
            )


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
    ) -> None:
        self.camera = camera
        self._position = position
        self._detector = detector
        self._tracker = tracker
        self._recognizer = recognizer
        self._policies, self._policy = policy, policy.now()
        self._stamp = stamp
        self._exit = exit
        self._journal = journal
        self._held = HeldReads()

    @property
    def noise(self) -> int:
        """How many tracks were too short to be a vehicle."""
        return self._tracker.noise

    def run(self, stop: threading.Event) -> None:
        """Read the camera until it ends or ``stop`` is set; every pass that is open then is finished."""
        place: Position | None = None  # of the last frame that was captured
        for frame in self.camera.frames(stop):
            if isinstance(frame, GapBegan):
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
                self._finish(self._tracker.flush(), place)
                continue
            place = here
            self._journal.count("frames_processed")
            detections = self._detector.detect(frame)
            wanted = self._tracker.follow(frame, detections)
            self._tracker.add(self._recognizer.read(frame, wanted))
            self._finish(self._tracker.finished(), place)
        self._end(place)

    def _end(self, place: Position | None) -> None:
        """Nothing that was seen before is followed or held on to."""
        self._finish(self._tracker.flush(), place)
        self._label_and_decide(self._held.flush())

    def _finish(self, tracks: Iterable[Track], place: Position | None) -> None:
        for track in tracks:
            read = vote(track)
            held = Held(read=read, place=place)
            if not read.text:
                self._journal.count("tracks_unread")
            elif not self._held.take(held, self._policy.pack):
                self._label_and_decide([held])

    def _label_and_decide(self, reads: Iterable[Held]) -> None:
        pack = self._policy.pack
        for held in reads:
            self._journal.count("reads")
            hit = self._policy.hotlist.match(held.read, self._journal)
            if hit is not None:
                self._journal.count("hits", hit.topic)
                self._journal.count("hits_by_list", hit.source)
            match decide(label(held.read, self._stamp.at(held.place), pack, hit), pack):
                case Release() as release:
                    self._exit.keep(release)
                case Withhold() as withheld:
                    self._journal.withheld(withheld)
            self._journal.settle()
