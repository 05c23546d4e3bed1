"""What watches the stages of a running unit: a wrapper each, around the real one, that passes everything on and notes how
long it took.

A stage's time is its own: what it waits for another stage inside it is that stage's.  What no wrapper sees (voting, the hot
list, the loop itself) is the rest of the frame.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TextIO, TypeVar, cast

from msgspec import Struct

from edge.bench.line.spans import Latency, Spans
from edge.journal import Journal
from edge.records import Envelope, Read, Release, Withhold

#: The stages in order, as the report shows them.
STAGES = ("camera", "gate", "detector", "tracker", "recognizer", "policy", "envelope", "outbox", "exit", "rest")
#: The parts of which every call is a call of lane 1, and is timed.
TIMED = ("gate", "detector", "tracker", "recognizer", "envelope")
_Part = TypeVar("_Part")


class StageTime(Struct, frozen=True, kw_only=True):
    """One stage: its time a frame (over the frames that it had to do with), and its share of all lanes' time."""

    stage: str
    share: float
    latency: Latency


class Round(Struct, frozen=True, kw_only=True, array_like=True):
    """One whole round of a clip while it was counted: always the same work, so that rounds differ by noise alone.  CPU time is
    the whole process's."""

    frames: int
    wall_s: float
    cpu_s: float


class _Lane:
    """What one thread does now, and what it has done since counting began."""

    def __init__(self) -> None:
        self.due_s: float | None = None
        self.begun_s = self.last_s = self.longest_gap_s = 0.0
        self.spent: dict[str, float] = {}
        self.nested: list[float] = []
        self.label_s: float | None = None
        self.round_began: tuple[float, float] | None = None
        self.stages: dict[str, Spans] = {}
        self.wait, self.frame, self.to_outbox = Spans(), Spans(), Spans()

    def note(self, stage: str, seconds: float) -> None:
        if stage not in self.stages:
            self.stages[stage] = Spans()
        self.stages[stage].add(seconds)


class Watch:
    """Everything that is noted of one run.  Nothing is counted before :meth:`begin`: what comes before is warm-up."""

    def __init__(self, hear: Callable[[Read], None] = lambda read: None, receipts: bool = False) -> None:
        """``hear`` is told each read that leaves the unit; ``receipts`` says that an agency end answers."""
        self._hear, self._receipts = hear, receipts
        self._local = threading.local()
        self._lanes: list[_Lane] = []
        self._lock = threading.Lock()
        self._due_of_read: dict[str, float] = {}
        self._due_of_slot: dict[int, float] = {}
        self._to_receipt = Spans()
        self._rounds: list[Round] = []
        self.counting = False
        self.frames = self.dropped = 0

    def begin(self) -> None:
        """Count from now on."""
        with self._lock:
            self.counting = True
            self.frames = self.dropped = 0

    def end(self) -> None:
        """Count no more."""
        self.counting = False

    def __call__(self, stage: str, part: _Part) -> _Part:
        """The part with a wrapper around it, for :func:`edge.build.unit`."""
        watched: Any = part
        if stage in TIMED:
            names = [name for name in dir(type(part)) if not name.startswith("_") and callable(getattr(type(part), name))]
            watched = Observed(part, {name: self._timed(stage, getattr(part, name)) for name in names})
        elif stage == "labeler":
            watched = Observed(part, {"at": self._labelling(watched.at)})
        elif stage == "exit":
            watched = Observed(part, {"keep": self._keeping(watched.keep)})
        elif stage == "outbox":
            watched = Observed(part, {"put_all": self._putting(watched.put_all), "prune": self._pruning(watched.prune)})
        return cast(_Part, watched)

    def took(self, stage: str, seconds: float) -> None:
        """Note time of a stage that a camera of the benchmark measured itself."""
        lane = self._lane()
        lane.spent[stage] = lane.spent.get(stage, 0.0) + seconds

    def handed(self, camera: str, due_s: float) -> None:
        """The line gets a frame of ``camera`` now that was due at ``due_s`` (monotonic)."""
        lane = self._lane()
        lane.due_s, lane.begun_s = due_s, time.monotonic()
        if self.counting:
            lane.wait.add(max(0.0, lane.begun_s - due_s))
        if self.counting and lane.last_s:
            lane.longest_gap_s = max(lane.longest_gap_s, lane.begun_s - lane.last_s)
        lane.last_s = lane.begun_s

    def passed_by(self, rested: int, dropped: int) -> None:
        """Frames that went by without being handed to the line, because nobody wanted them or because it was too late."""
        if self.counting:
            with self._lock:
                self.frames += rested
                self.dropped += dropped

    def done(self) -> None:
        """The line wants its next frame: it is done with the one before."""
        lane = self._lane()
        if lane.due_s is None:
            return
        now_s = time.monotonic()
        whole_s = now_s - lane.begun_s
        if self.counting:
            lane.frame.add(now_s - lane.due_s)
            inside_s = sum(seconds for stage, seconds in lane.spent.items() if stage != "camera")
            lane.spent["rest"] = max(0.0, whole_s - inside_s)
            for stage, seconds in lane.spent.items():
                lane.note(stage, seconds)
            with self._lock:
                self.frames += 1
        lane.spent = {}
        lane.due_s = None

    def round_over(self, frames: int) -> None:
        """The camera of this lane has shown its clip once more."""
        lane, now = self._lane(), (time.monotonic(), time.process_time())
        began, lane.round_began = lane.round_began, now if self.counting else None
        if began is not None and self.counting:
            with self._lock:
                self._rounds.append(Round(frames=frames, wall_s=now[0] - began[0], cpu_s=now[1] - began[1]))

    @property
    def rounds(self) -> tuple[Round, ...]:
        """The whole rounds of all cameras."""
        return tuple(self._rounds)

    @property
    def longest_gap_s(self) -> float:
        """The longest time in which a camera gave the line no frame."""
        return max((lane.longest_gap_s for lane in self._lanes), default=0.0)

    def withheld(self) -> None:
        """A read was decided not to leave."""
        self._decided()

    def wait(self) -> Latency:
        """From a frame's due time until the line took it."""
        return self._merged(lambda lane: lane.wait).latency()

    def frame(self) -> Latency:
        """From a frame's due time until the line was done with it."""
        return self._merged(lambda lane: lane.frame).latency()

    def to_outbox(self) -> Latency:
        """From the due time of the frame with which a pass ended until its read was in the outbox."""
        return self._merged(lambda lane: lane.to_outbox).latency()

    def to_receipt(self) -> Latency:
        """From the same moment until the agency's receipt let the outbox forget the read."""
        return self._to_receipt.latency()

    def stages(self) -> tuple[StageTime, ...]:
        """Every stage that took time, in order."""
        names = [s for s in STAGES if any(s in lane.stages for lane in self._lanes)]
        spans = {name: self._merged(lambda lane, name=name: lane.stages.get(name)) for name in names}  # type: ignore[misc]
        total_s = sum(each.total_s for each in spans.values())
        return tuple(
            StageTime(stage=name, share=spans[name].total_s / total_s if total_s else 0.0, latency=spans[name].latency())
            for name in names
        )

    def _merged(self, pick: Callable[[_Lane], Spans | None]) -> Spans:
        merged = Spans()
        for lane in self._lanes:
            one = pick(lane)
            if one is not None:
                merged.take_in(one)
        return merged

    def _lane(self) -> _Lane:
        lane = getattr(self._local, "lane", None)
        if lane is None:
            lane = self._local.lane = _Lane()
            with self._lock:
                self._lanes.append(lane)
        return cast(_Lane, lane)

    def _timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            lane = self._lane()
            lane.nested.append(0.0)
            begun_s = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                took_s = time.perf_counter() - begun_s
                inner_s = lane.nested.pop()
                if lane.nested:
                    lane.nested[-1] += took_s
                lane.spent[stage] = lane.spent.get(stage, 0.0) + took_s - inner_s

        return timed

    def _labelling(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The label is made of what this stage returns, and decided on at once: that is the policy's time."""

        def at(*args: Any) -> Any:
            self._lane().label_s = time.perf_counter()
            return call(*args)

        return at

    def _decided(self) -> None:
        lane = self._lane()
        if lane.label_s is not None:
            self.took("policy", time.perf_counter() - lane.label_s)
            lane.label_s = None

    def _keeping(self, call: Callable[[Release], None]) -> Callable[[Release], None]:
        timed = self._timed("exit", call)

        def keep(release: Release) -> None:
            self._decided()
            lane, read = self._lane(), release.labeled.read
            self._hear(read)
            if self._receipts and lane.due_s is not None and self.counting:
                self._due_of_read[read.id] = lane.due_s
            timed(release)
            if lane.due_s is not None and self.counting:
                lane.to_outbox.add(time.monotonic() - lane.due_s)

        return keep

    def _putting(self, call: Callable[..., Any]) -> Callable[..., Any]:
        timed = self._timed("outbox", call)

        def put_all(envelopes: Sequence[Envelope]) -> None:
            for envelope in envelopes:
                due_s = self._due_of_read.pop(envelope.read_id, None)
                if due_s is not None:
                    self._due_of_slot[envelope.slot.seq] = due_s
            timed(envelopes)

        return put_all

    def _pruning(self, call: Callable[..., int]) -> Callable[..., int]:
        def prune(epoch: str, stored: Sequence[tuple[int, int]]) -> int:
            number = call(epoch, stored)
            now_s = time.monotonic()
            for seq in list(self._due_of_slot):
                if any(first <= seq <= last for first, last in stored):
                    self._to_receipt.add(now_s - self._due_of_slot.pop(seq))
            return number

        return prune


class Observed:
    """A part with some of its methods replaced; everything else is the part's own."""

    def __init__(self, part: object, instead: dict[str, Callable[..., Any]]) -> None:
        self._part = part
        for name, call in instead.items():
            setattr(self, name, call)

    def __getattr__(self, name: str) -> Any:
        """Whatever else the part has."""
        return getattr(self._part, name)


class WatchedJournal(Journal):
    """The unit's journal, which also tells the watch when a read was withheld."""

    def __init__(self, stream: TextIO, watch: Watch) -> None:
        super().__init__(stream)
        self._watch = watch

    def withheld(self, decision: Withhold) -> None:
        """As the journal does."""
        self._watch.withheld()
        super().withheld(decision)
