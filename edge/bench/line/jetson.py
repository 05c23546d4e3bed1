"""What a Jetson's ``tegrastats`` and ``nvpmodel -q`` say (NVIDIA Jetson Linux Developer Guide, "tegrastats Utility" and "Power
Mode Controls").  Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct


class Tegra(Struct, frozen=True, kw_only=True):
    """One line of ``tegrastats``: °C by sensor, mW now by rail, load (%) and clock (MHz) of each core that is on, load of the
    GPU (%, None where it does not say), memory and swap in use (MB)."""

    temperatures_c: Mapping[str, float]
    rails_mw: Mapping[str, float]
    cores: tuple[tuple[float, float], ...]
    gpu: float | None
    ram_mb: int
    swap_mb: int


def tegrastats(line: str) -> Tegra | None:
    """What a line says; None if it is none of ``tegrastats``.

    A sensor of a part that is switched off says -256 °C, which is left out.  Of a rail the first figure is now, the second the
    mean since ``tegrastats`` began."""
    ram = re.search(r"\bRAM (\d+)/\d+MB", line)
    cores = re.search(r"\bCPU \[([^\]]*)\]", line)
    if ram is None or cores is None:
        return None
    swap = re.search(r"\bSWAP (\d+)/\d+MB", line)
    gpu = re.search(r"\bGR3D_FREQ (\d+)%", line)
    heat = re.findall(r"\b([A-Za-z]\w*)@(-?\d+(?:\.\d+)?)C\b", line)
    rails = re.findall(r"\b((?:VDD|VIN|POM)_?\w*) (\d+)(?:mW)?/\d+(?:mW)?", line)
    return Tegra(
        temperatures_c={name: float(value) for name, value in heat if float(value) > -100},
        rails_mw={name: float(value) for name, value in rails},
        cores=tuple((float(load), float(mhz)) for load, mhz in re.findall(r"(\d+)%@(\d+)", cores[1])),
        gpu=float(gpu[1]) if gpu else None,
        ram_mb=int(ram[1]),
        swap_mb=int(swap[1]) if swap else 0,
    )


def power_mode(said: str) -> str | None:
    """Name and number of ``nvpmodel -q``'s answer, as ``15W (0)``; None if it says none."""
    name = re.search(r"NV Power Mode:\s*(\S+)", said)
    number = re.search(r"^\s*(\d+)\s*$", said, re.MULTILINE)
    if name is None:
        return None
    return f"{name[1]} ({number[1]})" if number else name[1]
