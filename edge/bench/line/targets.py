"""What the line should reach, and whether a run did.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from edge.bench.line.duel import ClipDuel, Duel, by_clock, by_cpu, ratios
from edge.bench.line.record import NOT_MEASURED, Figure, Record
from edge.bench.line.search import with_few_drops
from edge.bench.line.spans import Band
from edge.bench.line.start import Start
from edge.bench.line.verdict import BACKGROUND, MOST_BACKGROUND

Standing = Literal["in the end", "to reach", "short", "not measured"]


class Row(Struct, frozen=True, kw_only=True):
    """One line of the table: what, the peer's figure, the two targets in words, ours with its unit, how it stands, and why not
    where it was not measured."""

    what: str
    peer: str
    reach: str
    end: str
    ours: str
    value: Figure
    standing: Standing
    note: str = ""


class Target(Struct, frozen=True, kw_only=True):
    """Two bounds of one figure; ``least`` says that more is better."""

    what: str
    reach: float
    end: float
    form: str
    least: bool
    peer: str = "–"

    def row(self, value: float, note: str = "") -> Row:
        """The row for a figure."""
        return self._row(self.form.format(value), value, self.standing(value), note)

    def missing(self, why: str) -> Row:
        """The row where there is no figure."""
        return self._row(NOT_MEASURED, NOT_MEASURED, "not measured", why)

    def standing(self, value: float) -> Standing:
        """Which bound it keeps."""
        for bound, standing in ((self.end, "in the end"), (self.reach, "to reach")):
            if (value >= bound) if self.least else (value <= bound):
                return standing  # type: ignore[return-value]
        return "short"

    def _row(self, ours: str, value: Figure, standing: Standing, note: str) -> Row:
        sign = "≥" if self.least else "≤"
        reach, end = (f"{sign} {self.form.format(bound)}" for bound in (self.reach, self.end))
        return Row(what=self.what, peer=self.peer, reach=reach, end=end, ours=ours, value=value, standing=standing, note=note)


PEER = Target(
    what="whole line with decoding, one core, against fast-alpr's shape on the same frames",
    reach=5, end=8, form="{:.1f} ×", least=True, peer="1",
)  # fmt: skip
BUSY = Target(what="busy scene against decoding alone, one core", reach=0.45, end=0.7, form="{:.2f}", least=True)
EMPTY = Target(what="empty scene against decoding alone, one core", reach=0.85, end=0.95, form="{:.2f}", least=True)
#: ultimateALPR's own figure on a Raspberry Pi 4: 12.2 frames a second without a plate, 7.1 with one in every frame.
PLATES = Target(what="every frame with plates against none", reach=-0.25, end=-0.10, form="{:+.0%}", least=True, peer="−42 %")
CAMERAS = Target(what="cameras at 30 fps, 720p, no frame dropped", reach=6, end=10, form="{:.0f}", least=True)
FIRST = Target(what="first frame processed after start", reach=2, end=1, form="{:.2f} s", least=False)
#: Rekor's manual asks for about 500 MB a thread.
PEAK = Target(what="peak memory, one camera", reach=300, end=200, form="{:.0f} MB", least=False, peer="500 MB")
#: What is flat: ten minutes cannot tell less than a megabyte or two an hour.
SLOPE = Target(what="memory growth after warm-up", reach=10, end=2, form="{:+.1f} MB/h", least=False)
OUTBOX = Target(what="frame → outbox, p95, at 80 % load", reach=150, end=60, form="{:.0f} ms", least=False)


def ratio_rows(duel: Duel, empty: str, without: str, busy: str, full: str) -> list[Row]:
    """The rows that are ratios; the clips by their hashes: nothing moves; vehicles, but no frame with a plate; some; all."""
    if not duel.verdict.valid:
        return [target.missing("; ".join(duel.verdict.reasons)) for target in (PEER, BUSY, EMPTY, PLATES)]
    still, calm, hard, most = (_of(duel.clips, sha256) for sha256 in (empty, without, busy, full))
    cost = ratios(calm.line, most.line, by_clock)
    to_peer, to_decoding, alone = hard.to_peer, hard.to_decoding, still.to_decoding
    by_cpu_time = ratios(calm.line, most.line, by_cpu).median - 1
    return [
        PEER.row(to_peer.median, f"{_around(to_peer, hard.to_peer_cpu)}; {hard.share:.0%} of frames with plates"),
        BUSY.row(to_decoding.median, f"{_around(to_decoding, hard.to_decoding_cpu)}; {hard.share:.0%} of frames with plates"),
        EMPTY.row(
            alone.median,
            f"{_around(alone, still.to_decoding_cpu)}; {calm.to_decoding.median:.2f} with vehicles but no plate in sight",
        ),
        PLATES.row(cost.median - 1, f"{_span(cost.low - 1, cost.high - 1)}, by CPU time {by_cpu_time:+.0%}; {most.share:.0%}"),
    ]


def camera_rows(held: Record, loaded: Record | None) -> list[Row]:
    """Cameras and memory from the run that held them, latency from the one at 80 % of them."""
    why = "; ".join(held.verdict.reasons)
    minutes = held.run.counted_s / 60
    cameras = 0 if held.loss.dropped_counted else held.run.cameras
    few = with_few_drops(held.probes)
    note = f"{minutes:.0f} minutes; with one frame in a thousand dropped {few}, for 20 s"
    rows = [CAMERAS.row(cameras, note) if not why else CAMERAS.missing(why)]
    slope = held.load.rss_slope_mb_h
    rows.append(
        SLOPE.missing("too short for a slope") if isinstance(slope, str) else SLOPE.row(slope, f"{minutes:.0f} minutes")
    )
    if loaded is None:
        return [*rows, OUTBOX.missing("no camera can be held")]
    trouble = [reason for reason in loaded.verdict.reasons if not reason.startswith("too short")]
    note = f"{loaded.speed.to_outbox.count} reads, {loaded.run.cameras} cameras"
    missing = "; ".join(trouble) or ("" if loaded.speed.to_outbox.count else "no read was made")
    return [*rows, OUTBOX.missing(missing) if missing else OUTBOX.row(loaded.speed.to_outbox.p95_ms, note)]


def start_rows(start: Start) -> list[Row]:
    """First frame, and memory of the unit's own process."""
    first, busy = start.first_frame_s, start.background > MOST_BACKGROUND
    return [
        FIRST.missing(f"{BACKGROUND}: others took {start.background:.0%} of the machine")
        if busy
        else FIRST.row(first.median, f"{_span(first.low, first.high)}, {first.repeats} starts"),
        PEAK.row(start.peak_rss_mb, f"{start.seconds:.0f} s of `plate-edge run`"),
    ]


def _of(clips: Sequence[ClipDuel], sha256: str) -> ClipDuel:
    return next(each for each in clips if each.clip.sha256 == sha256)


def _around(ratio: Band, by_cpu_time: Band) -> str:
    return f"{_span(ratio.low, ratio.high)}, by CPU time {by_cpu_time.median:.2f}"


def _span(low: float, high: float) -> str:
    return f"{low:.2f} to {high:.2f}"
