"""What machine this is, as far as Linux and the boards' own tools say."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from edge.bench.line import jetson
from edge.bench.line.record import NOT_MEASURED, Figure, Host, Software, Words
from edge.bench.line.sensors import Root, tool

#: Boards that units are built on, by words of their device tree's model.
TARGETS = ("raspberry pi 4", "raspberry pi 5", "compute module 4", "compute module 5", "revpi", "orin")


def describe(data: Path, note: str, root: Root | None = None) -> Host:
    """This machine.  ``data`` is where the outbox lies, ``note`` what a person says about cooling, supply and surroundings."""
    root = root or Root()
    board = root.text("proc/device-tree/model") or _desktop(root) or NOT_MEASURED
    serial = root.text("proc/device-tree/serial-number")
    return Host(
        board=board,
        soc=_soc(root),
        cpu=_cpu(root),
        cores=os.cpu_count() or 1,
        cores_used=len(os.sched_getaffinity(0)),
        memory_mb=round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6),
        os=_os_name(root),
        kernel=platform.release(),
        machine=platform.machine(),
        bits=64 if platform.architecture()[0] == "64bit" else 32,
        governor=root.text("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or NOT_MEASURED,
        clock_min_mhz=_mhz(root, "cpuinfo_min_freq"),
        clock_max_mhz=_mhz(root, "cpuinfo_max_freq"),
        power_mode=_power_mode(tool("nvpmodel", "-q")),
        jetson_clocks=tool("jetson_clocks", "--show") or NOT_MEASURED,
        jetpack=root.text("etc/nv_tegra_release") or NOT_MEASURED,
        storage=storage(data, root),
        serial_sha256=NOT_MEASURED if serial is None else hashlib.sha256(serial.encode()).hexdigest(),
        note=note,
        target=any(word in board.lower() for word in TARGETS),
    )


def software(providers: Sequence[str], threads: int) -> Software:
    """What the line runs on top of."""
    return Software(
        python=platform.python_version(),
        numpy=np.__version__,
        opencv=cv2.__version__,
        video_backends=tuple(cv2.videoio_registry.getBackendName(each) for each in cv2.videoio_registry.getBackends()),
        onnxruntime=onnxruntime.__version__,
        providers_available=tuple(onnxruntime.get_available_providers()),
        provider_requested=", ".join(providers),
        threads=threads,
        spinning=False,
        graph_optimization="all",
    )


def storage(data: Path, root: Root) -> Words:
    """The file system that ``data`` lies on and the device under it."""
    mounts = root.text("proc/self/mounts") or ""
    best: Sequence[str] = ()
    for line in mounts.splitlines():
        fields = line.split()
        if data.resolve().is_relative_to(fields[1]) and (not best or len(fields[1]) >= len(best[1])):
            best = fields
    return f"{best[2]} on {best[0]}" if best else NOT_MEASURED


def swapped_pages(root: Root | None = None) -> int:
    """Pages swapped in and out since the machine started, from /proc/vmstat."""
    text = (root or Root()).text("proc/vmstat") or ""
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(("pswpin ", "pswpout ")))


def free_bytes() -> int:
    """Memory that programs may still take, from /proc/meminfo."""
    line = next((x for x in (Root().text("proc/meminfo") or "").splitlines() if x.startswith("MemAvailable:")), "x: 0 kB")
    return int(line.split()[1]) * 1024


def swap_mb() -> float:
    """Of this process in swap."""
    line = next((x for x in (Root().text("proc/self/status") or "").splitlines() if x.startswith("VmSwap:")), "VmSwap: 0")
    return int(line.split()[1]) * 1024 / 1e6


def disk_written_mb() -> float | None:
    """What this process had written to disks so far."""
    text = Root().text("proc/self/io") or ""
    return next((int(x.split()[1]) / 1e6 for x in text.splitlines() if x.startswith("write_bytes:")), None)


def _desktop(root: Root) -> str | None:
    names = [root.text(f"sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name")]
    return " ".join(name for name in names if name) or None


def _soc(root: Root) -> Words:
    compatible = root.text("proc/device-tree/compatible")
    return compatible.split("\0")[-1] if compatible else NOT_MEASURED


def _cpu(root: Root) -> Words:
    for line in (root.text("proc/cpuinfo") or "").splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.processor() or NOT_MEASURED


def _os_name(root: Root) -> str:
    for line in (root.text("etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()


def _mhz(root: Root, name: str) -> Figure:
    khz = root.number(f"sys/devices/system/cpu/cpu0/cpufreq/{name}")
    return NOT_MEASURED if khz is None else khz / 1000


def _power_mode(said: str | None) -> Words:
    return (jetson.power_mode(said) if said is not None else None) or NOT_MEASURED
