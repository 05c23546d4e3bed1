"""The line against its peer and against decoding alone, on the same clips, by turns in one run.

A machine is seldom quiet, and what disturbs it disturbs neighbours in time alike: so each round gives everybody one turn, and
what is told is the median of the rounds' ratios.  CPU time is told beside: it is what a turn cost, whoever else was at work.

The peer is fast-alpr's chain with its default pair re-created (:mod:`edge.bench.peer`): every frame decoded in colour, searched
in a 384x384 letterbox, every plate read in every frame.  Which frames show plates it is told from our detector, since random
weights find none.
"""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import cv2
from msgspec import Struct

from edge import build
from edge.bench.line import host
from edge.bench.line.cameras import LoopedCamera
from edge.bench.line.clips import Clip, each_frame
from edge.bench.line.meter import Meter
from edge.bench.line.record import NOT_MEASURED, Host, Software, Thermal, Verdict
from edge.bench.line.rig import Rig, Setup, rigged
from edge.bench.line.sensors import Heat, Sensors
from edge.bench.line.spans import Band, band
from edge.bench.line.watch import Watch
from edge.bench.peer import Peer
from edge.camera.interface import Camera
from edge.errors import ConfigError
from edge.model_files import bundled_folder
from edge.records import Detection, Image

#: Frames of one turn of the peer, which is slow.
PEER_FRAMES = 30
#: Decoding alone begins a process: it gets so many frames that this does not count.
DECODED_FRAMES = 1000
#: Rounds that are not counted.
WARM_UP = 1


class Turn(Struct, frozen=True, kw_only=True):
    """What one turn took, seconds a frame: by the clock, and of CPU time."""

    wall_s: float
    cpu_s: float


class ClipDuel(Struct, frozen=True, kw_only=True):
    """One clip.  Frames a second of each by the clock (medians), and the rounds' ratios: how many times as fast as the peer,
    what share of decoding alone; ``…_cpu`` by CPU time.  ``share`` is that of frames in which our detector finds a plate,
    ``line`` what each turn of the line took."""

    clip: Clip
    share: float
    line: tuple[Turn, ...]
    line_fps: Band
    decoding_fps: Band
    peer_fps: Band
    to_peer: Band
    to_peer_cpu: Band
    to_decoding: Band
    to_decoding_cpu: Band


class Duel(Struct, frozen=True, kw_only=True):
    """All clips of one run."""

    host: Host
    software: Software
    rounds: int
    seconds: float
    background: float
    clips: tuple[ClipDuel, ...]
    verdict: Verdict


class Turns:
    """Lets a unit's camera play one round of its clip at a time."""

    def __init__(self) -> None:
        self._go, self._idle, self._over = threading.Event(), threading.Event(), False

    def rest(self) -> None:
        """Called by the camera between rounds: wait for the next turn."""
        self._idle.set()
        if not self._over:
            self._go.wait()
        self._go.clear()

    def take(self, running: Callable[[], bool]) -> None:
        """Let one round play and wait until the line is done with it.  Raises ConfigError if the unit has ended."""
        self._wait(running)
        self._idle.clear()
        self._go.set()
        self._wait(running)

    def end(self) -> None:
        """No further turn."""
        self._over = True
        self._go.set()

    def _wait(self, running: Callable[[], bool]) -> None:
        while not self._idle.wait(0.5):
            if not running():
                raise ConfigError("measure by turns: the unit has ended")


class LineSide:
    """The real unit on one clip."""

    def __init__(self, rig: Rig, turns: Turns, clip: Clip) -> None:
        self._rig, self._turns, self._clip = rig, turns, clip

    def __call__(self) -> Turn:
        """One round of the clip, with decoding."""
        return _timed(lambda: self._turns.take(lambda: self._rig.running), self._clip.frames)


class PeerSide:
    """fast-alpr's chain on the same clip, some frames a turn, the next ones each time."""

    def __init__(self, clip: Clip, plates: Sequence[Sequence[Detection]]) -> None:
        """``plates`` are the plates of every frame."""
        self._clip, self._plates = clip, plates
        self._peer = Peer()
        self._capture = cv2.VideoCapture()
        self._number = 0

    def __call__(self) -> Turn:
        """Some frames: decode, search, read every plate."""
        self._skip_to_a_fresh_place()
        return _timed(self._work, PEER_FRAMES)

    def _work(self) -> None:
        for _ in range(PEER_FRAMES):
            image = self._next()
            plates = self._plates[self._number % len(self._plates)]
            self._peer.search(image)
            for plate in plates:
                self._peer.read(_cut(image, plate))
            self._number += 1

    def _next(self) -> Image:
        good, image = self._capture.read()
        if not good:
            self._capture = cv2.VideoCapture(str(self._clip.path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
            self._number = 0
            good, image = self._capture.read()
        if not good:
            raise ConfigError(f"measure on {self._clip.path}: it cannot be decoded any more")
        return image  # type: ignore[return-value]

    def _skip_to_a_fresh_place(self) -> None:
        """So that all turns together see all of the clip."""
        for _ in range(self._clip.frames // 7):
            if not self._capture.grab():
                break
            self._number += 1


def decode_alone(clip: Clip) -> Turn:
    """``ffmpeg`` decodes the clip, on one thread, and throws the pictures away.  Raises ConfigError."""
    times = max(1, -(-DECODED_FRAMES // clip.frames))
    command = ["ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-stream_loop", str(times - 1), "-i", str(clip.path)]
    command += ["-map", "0:v:0", "-f", "null", "-"]

    def work() -> None:
        try:
            subprocess.run(command, capture_output=True, check=True)
        except FileNotFoundError as error:
            raise ConfigError("decode alone: ffmpeg is not installed; on Debian: apt-get install ffmpeg") from error
        except subprocess.CalledProcessError as error:
            raise ConfigError(f"decode {clip.path} alone: ffmpeg cannot") from error

    return _timed(work, clip.frames * times)


def duel(clips: Sequence[Clip], setup: Setup, rounds: int, note: str, tell: Callable[[str], None]) -> Duel:
    """All clips by turns.  Raises ConfigError if `onnx` or ffmpeg is missing, and what makes a unit fail."""
    heat = Heat(Sensors())
    with ExitStack() as stack:
        sides = []
        for clip in clips:
            tell(f"{clip.path.name}: which frames show plates")
            plates = find_plates(clip, setup)
            sides.append((clip, plates, LineSide(*_unit(stack, clip, setup), clip), PeerSide(clip, plates)))
        meter = Meter()
        took: list[dict[str, list[Turn]]] = [{"line": [], "decoding": [], "peer": []} for _ in clips]
        for number in range(WARM_UP + rounds):
            if number == WARM_UP:
                meter = Meter()
            for (clip, _, line, peer), turns in zip(sides, took, strict=True):
                tell(f"round {number + 1} of {WARM_UP + rounds}: {clip.path.name}")
                heat.look()
                for name, turn in (("line", line()), ("decoding", decode_alone(clip)), ("peer", peer())):
                    if number >= WARM_UP:
                        turns[name].append(turn)
        meter.stop()
    load = meter.load()
    results = tuple(
        of_turns(clip, sum(map(bool, plates)) / len(plates), turns["line"], turns["decoding"], turns["peer"])
        for (clip, plates, _, _), turns in zip(sides, took, strict=True)
    )
    thermal = heat.account(0, meter.seconds)
    return Duel(
        host=host.describe(Path.cwd(), note),
        software=host.software(setup.providers, setup.threads),
        rounds=rounds,
        seconds=meter.seconds,
        background=load.background,
        clips=results,
        verdict=_verdict(rounds, thermal, load.swapped_pages),
    )


def find_plates(clip: Clip, setup: Setup) -> list[tuple[Detection, ...]]:
    """The plates of which our detector is sure, frame by frame."""
    finder = build.detector(setup.models or bundled_folder(), setup.for_detector)
    return [tuple(one for one in finder.detect(frame) if one.sure) for frame in each_frame(clip.path)]


def _unit(stack: ExitStack, clip: Clip, setup: Setup) -> tuple[Rig, Turns]:
    turns, watch = Turns(), Watch()

    def camera(inner: Camera, over: threading.Event) -> Camera:
        return LoopedCamera(inner, over, watch, before_round=turns.rest)

    rig = stack.enter_context(rigged(setup, [clip], watch, camera))
    stack.callback(turns.end)
    rig.start()
    return rig, turns


def _timed(work: Callable[[], None], frames: int) -> Turn:
    begun_s, cpu_s = time.perf_counter(), _cpu_s()
    work()
    return Turn(wall_s=(time.perf_counter() - begun_s) / frames, cpu_s=(_cpu_s() - cpu_s) / frames)


def _cpu_s() -> float:
    """Of this process and the children that it waited for."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = os.times()
    return own.user + own.system + ended.ru_utime + ended.ru_stime


def of_turns(clip: Clip, share: float, line: Sequence[Turn], decoding: Sequence[Turn], peer: Sequence[Turn]) -> ClipDuel:
    """What the turns on one clip come to, of which ``share`` of the frames show plates.  Pure."""
    return ClipDuel(
        clip=clip,
        share=share,
        line=tuple(line),
        line_fps=band([1 / turn.wall_s for turn in line]),
        decoding_fps=band([1 / turn.wall_s for turn in decoding]),
        peer_fps=band([1 / turn.wall_s for turn in peer]),
        to_peer=ratios(peer, line, by_clock),
        to_peer_cpu=ratios(peer, line, by_cpu),
        to_decoding=ratios(decoding, line, by_clock),
        to_decoding_cpu=ratios(decoding, line, by_cpu),
    )


def by_clock(turn: Turn) -> float:
    """Seconds a frame by the clock."""
    return turn.wall_s


def by_cpu(turn: Turn) -> float:
    """Seconds a frame of CPU time."""
    return turn.cpu_s


def ratios(over: Sequence[Turn], under: Sequence[Turn], of: Callable[[Turn], float]) -> Band:
    """Median and band of the rounds' ratios.  Pure."""
    return band([of(a) / of(b) for a, b in zip(over, under, strict=True)])


def _verdict(rounds: int, thermal: Thermal, swapped: int) -> Verdict:
    """Ratios of neighbours in time stand on a busy machine; not on one that throttles or swaps, and not from few rounds."""
    reasons = [f"too short: {rounds} rounds, 5 are needed"] if rounds < 5 else []
    for when, bits in (("before", thermal.throttled_before), ("after", thermal.throttled_after)):
        if bits != NOT_MEASURED:
            reasons += [f"{bit} ({when} the run)" for bit in bits]
    if swapped:
        reasons.append(f"swapping: {swapped} pages moved")
    return Verdict(valid=not reasons, reasons=tuple(reasons))


def _cut(image: Image, plate: Detection) -> Image:
    box = plate.box
    top, left = max(0, int(box.y)), max(0, int(box.x))
    return image[top : int(box.y + box.h) + 1, left : int(box.x + box.w) + 1]
