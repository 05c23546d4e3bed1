"""What a run of the benchmark leaves behind: one JSON object that holds everything needed to believe or to doubt its figures.

What could not be measured says so in words; a missing figure is never a zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from edge.bench.line.clips import Clip
from edge.bench.line.spans import Band, Latency
from edge.bench.line.watch import Round, StageTime

Mode = Literal["model", "single", "offline", "realtime", "soak"]
NotMeasured = Literal["not measured"]
NOT_MEASURED: NotMeasured = "not measured"
Figure = float | NotMeasured
Words = str
FORMAT = 1


class RunFacts(Struct, frozen=True, kw_only=True):
    """Which run this was.  ``counted_s`` is what the figures are of, ``warm_up_s`` what came before; times are UTC.

    ``seed`` is that of the noise that the models are called on; nothing else is drawn."""

    id: str
    mode: Mode
    started: str
    ended: str
    counted_s: float
    warm_up_s: float
    version: str
    commit: Words
    command: str
    setup: Mapping[str, str | int | bool | None]
    setup_sha256: str
    cameras: int
    seed: int
    fps_each: Figure = NOT_MEASURED


class ModelFacts(Struct, frozen=True, kw_only=True):
    """A model that ran: its name in the manifest, its bytes, what it is given, in which numbers it calculates."""

    role: Literal["detector", "recognizer"]
    name: str
    file: str
    sha256: str
    input: Words
    precision: Words
    provider: Words


class Software(Struct, frozen=True, kw_only=True):
    """What it ran on top of.  ``provider_requested`` and each model's ``provider`` differ where one was not to be had."""

    python: str
    numpy: str
    opencv: str
    video_backends: tuple[str, ...]
    onnxruntime: str
    providers_available: tuple[str, ...]
    provider_requested: str
    threads: int
    spinning: bool
    graph_optimization: str


class Host(Struct, frozen=True, kw_only=True):
    """The machine.  ``target`` says whether it is one of the boards that a unit is built on; one that is not makes no claim
    about them."""

    board: Words
    soc: Words
    cpu: Words
    cores: int
    cores_used: int
    memory_mb: int
    os: str
    kernel: str
    machine: str
    bits: int
    governor: Words
    clock_min_mhz: Figure
    clock_max_mhz: Figure
    power_mode: Words
    jetson_clocks: Words
    jetpack: Words
    storage: Words
    serial_sha256: Words
    note: str
    target: bool


class Speed(Struct, frozen=True, kw_only=True):
    """Frames a second over all cameras: of the whole run, of its last minute, and the band of its parts; frames a second of
    CPU time, which is one core's speed whatever else the machine does; stages; and what a frame and a read wait.

    ``wait`` runs from a frame's due time until the line takes it (its spread is the jitter), ``frame`` until it is done with
    it; ``to_outbox`` from the due time of the frame that ended a pass until its read was committed, ``to_receipt`` until the
    agency's receipt."""

    fps: float
    frames_per_cpu_s: float
    fps_last_minute: float
    parts: Band
    stages: tuple[StageTime, ...]
    wait: Latency
    frame: Latency
    to_outbox: Latency
    to_receipt: Latency | NotMeasured = NOT_MEASURED
    fps_without_decoding: Figure = NOT_MEASURED
    frames_per_cpu_s_without_decoding: Figure = NOT_MEASURED


class Loss(Struct, frozen=True, kw_only=True):
    """Of the whole run, warm-up included: frames ``due`` = ``processed`` + ``skipped`` by reason (nobody had to look at them) +
    ``dropped`` by reason; ``reads`` = ``committed`` + ``withheld`` by rule + ``lost``.  After warm-up: ``dropped_counted``, and
    the longest time in which a camera gave the line no frame."""

    due: int
    processed: int
    skipped: Mapping[str, int]
    dropped: Mapping[str, int]
    dropped_counted: int
    longest_gap_s: Figure
    reads: int
    committed: int
    withheld: Mapping[str, int]
    lost: int
    noise_tracks: int
    unread_tracks: int
    receipted: int

    @classmethod
    def of_calls(cls, calls: int) -> Loss:
        """Where models alone were called: nothing can be lost."""
        return cls(
            due=calls,
            processed=calls,
            skipped={},
            dropped={},
            dropped_counted=0,
            longest_gap_s=NOT_MEASURED,
            reads=0,
            committed=0,
            withheld={},
            lost=0,
            noise_tracks=0,
            unread_tracks=0,
            receipted=0,
        )

    @property
    def adds_up(self) -> bool:
        """Whether every frame and every read is accounted for."""
        frames = self.due == self.processed + sum(self.skipped.values()) + sum(self.dropped.values())
        return frames and self.reads == self.committed + sum(self.withheld.values()) + self.lost


class Load(Struct, frozen=True, kw_only=True):
    """What it took.  CPU in cores (1.0 is one core busy); ``background`` is the share of all cores that others took, and what
    the hypervisor gave away.  Memory in MB of 10^6 bytes; the slope is Theil and Sen's, over
    the last six tenths of the run."""

    cpu_cores: float
    per_core_busy: tuple[float, ...]
    background: float
    rss_start_mb: float
    rss_peak_mb: float
    rss_end_mb: float
    rss_slope_mb_h: Figure
    swap_mb: float
    swapped_pages: int
    disk_written_mb: Figure
    network_mb: Figure
    accelerator: Words = NOT_MEASURED


class Thermal(Struct, frozen=True, kw_only=True):
    """Heat, clock and power.  Throttle bits are those of ``vcgencmd get_throttled``, in words."""

    temperature_start_c: Figure = NOT_MEASURED
    temperature_peak_c: Figure = NOT_MEASURED
    temperature_end_c: Figure = NOT_MEASURED
    clock_min_mhz: Figure = NOT_MEASURED
    clock_mean_mhz: Figure = NOT_MEASURED
    throttled_before: tuple[str, ...] | NotMeasured = NOT_MEASURED
    throttled_after: tuple[str, ...] | NotMeasured = NOT_MEASURED
    rails_mw: Mapping[str, float] | NotMeasured = NOT_MEASURED
    joule_per_frame: Figure = NOT_MEASURED


class Accuracy(Struct, frozen=True, kw_only=True):
    """At this very speed: passes whose read left the unit with exactly their text, and reads that are no pass's."""

    passes: int
    exact: int
    other_reads: int
    other_reads_per_1000_frames: float


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether the figures stand.  ``reasons`` say why not; ``remarks`` what a reader should know all the same."""

    valid: bool
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class Sample(Struct, frozen=True, kw_only=True, array_like=True):
    """One look at the machine, ``at_s`` seconds after counting began (negative: warm-up)."""

    at_s: float
    frames: int
    dropped: int
    rss_mb: float
    cpu_cores: float
    temperature_c: float | None = None
    clock_mhz: float | None = None


class Probe(Struct, frozen=True, kw_only=True):
    """One try of so many cameras: frames due and dropped."""

    cameras: int
    seconds: float
    due: int
    dropped: int


class Record(Struct, frozen=True, kw_only=True):
    """One run.  ``rounds`` are told where one camera ran as fast as it could: of several, CPU time could not be told apart."""

    format: int = FORMAT
    run: RunFacts
    host: Host
    software: Software
    models: tuple[ModelFacts, ...]
    clips: tuple[Clip, ...]
    speed: Speed
    loss: Loss
    load: Load
    thermal: Thermal
    accuracy: Accuracy | NotMeasured
    verdict: Verdict
    probes: tuple[Probe, ...] = ()
    rounds: tuple[Round, ...] = ()
    samples: tuple[Sample, ...] = ()


def encode(record: Struct) -> bytes:
    """JSON, for people and machines."""
    return msgspec.json.format(msgspec.json.encode(record, enc_hook=_plain), indent=1)


def decode(data: bytes) -> Record:
    """What :func:`encode` made.  Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=Record, dec_hook=path_hook)


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"cannot write {type(value).__name__}")


def path_hook(wanted: type, value: object) -> object:
    """Read paths from JSON, for msgspec."""
    if wanted is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"cannot read {wanted}")
