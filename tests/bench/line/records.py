"""Records of runs that never were, for tests of what is made of them."""

from __future__ import annotations

from pathlib import Path

from edge.bench.line.clips import Clip
from edge.bench.line.record import (
    NOT_MEASURED,
    Accuracy,
    Host,
    Load,
    Loss,
    Mode,
    Record,
    RunFacts,
    Sample,
    Software,
    Speed,
    Thermal,
    Verdict,
)
from edge.bench.line.spans import Latency, band
from edge.bench.line.watch import Round, StageTime

CLIP = Clip(path=Path("street.mp4"), sha256="ab" * 32, width=1280, height=720, fps=30.0, codec="h264", frames=900)
HOST = Host(
    board="Raspberry Pi 5 Model B Rev 1.0",
    soc="bcm2712",
    cpu="Cortex-A76",
    cores=4,
    cores_used=4,
    memory_mb=8000,
    os="Debian GNU/Linux 12",
    kernel="6.6",
    machine="aarch64",
    bits=64,
    governor="ondemand",
    clock_min_mhz=1500.0,
    clock_max_mhz=2400.0,
    power_mode=NOT_MEASURED,
    jetson_clocks=NOT_MEASURED,
    jetpack=NOT_MEASURED,
    storage="ext4 on /dev/mmcblk0p2",
    serial_sha256=NOT_MEASURED,
    note="fan",
    target=True,
)


def latency(ms: float, count: int = 100) -> Latency:
    return Latency(count=count, mean_ms=ms, p50_ms=ms, p90_ms=ms, p95_ms=ms, p99_ms=ms, max_ms=ms)


def load(background: float = 0.0, swapped: int = 0) -> Load:
    return Load(
        cpu_cores=1.0,
        per_core_busy=(1.0, 0.0),
        background=background,
        rss_start_mb=150.0,
        rss_peak_mb=160.0,
        rss_end_mb=155.0,
        rss_slope_mb_h=0.0,
        swap_mb=0.0,
        swapped_pages=swapped,
        disk_written_mb=1.0,
        network_mb=NOT_MEASURED,
    )


def loss(due: int = 1000, processed: int = 900, skipped: int = 90, dropped: int = 10) -> Loss:
    return Loss(
        due=due,
        processed=processed,
        skipped={"unchanged": skipped},
        dropped={"late": dropped},
        dropped_counted=dropped,
        longest_gap_s=0.1,
        reads=3,
        committed=2,
        withheld={"a-rule": 1},
        lost=0,
        noise_tracks=0,
        unread_tracks=0,
        receipted=0,
    )


def record(
    fps: float = 100.0,
    spread: float = 0.01,
    mode: Mode = "single",
    verdict: Verdict | None = None,
    detector_ms: float = 5.0,
    thermal: Thermal | None = None,
) -> Record:
    """A run of ten rounds whose speeds lie evenly within ``spread`` of ``fps``."""
    speeds = [fps * (1 + spread * (n - 4.5) / 4.5) for n in range(10)]
    return Record(
        run=RunFacts(
            id="run",
            mode=mode,
            started="2026-11-22T07:58:27+00:00",
            ended="2026-11-22T08:00:00+00:00",
            counted_s=90.0,
            warm_up_s=3.0,
            version="0.1.0",
            commit="c0ffee",
            command="plate-edge bench street.mp4",
            setup={"threads": 1},
            setup_sha256="cd" * 32,
            cameras=1,
            seed=1,
        ),
        host=HOST,
        software=Software(
            python="3.11",
            numpy="2",
            opencv="4.12",
            video_backends=("FFMPEG",),
            onnxruntime="1.27",
            providers_available=("CPUExecutionProvider",),
            provider_requested="CPUExecutionProvider",
            threads=1,
            spinning=False,
            graph_optimization="all",
        ),
        models=(),
        clips=(CLIP,),
        speed=Speed(
            fps=fps,
            frames_per_cpu_s=fps,
            fps_last_minute=fps,
            parts=band(speeds),
            stages=(
                StageTime(stage="camera", share=0.3, latency=latency(3.0)),
                StageTime(stage="detector", share=0.6, latency=latency(detector_ms)),
            ),
            wait=latency(0.5),
            frame=latency(9.0),
            to_outbox=latency(20.0, count=7),
        ),
        loss=loss(),
        load=load(),
        thermal=thermal or Thermal(),
        accuracy=Accuracy(passes=10, exact=9, other_reads=1, other_reads_per_1000_frames=0.5),
        verdict=verdict or Verdict(valid=True),
        rounds=tuple(Round(frames=900, wall_s=900 / each, cpu_s=900 / each) for each in speeds),
        samples=tuple(
            Sample(at_s=float(n), frames=int(fps * n), dropped=0, rss_mb=150 + n / 100, cpu_cores=1.0, temperature_c=50 + n / 9)
            for n in range(90)
        ),
    )
