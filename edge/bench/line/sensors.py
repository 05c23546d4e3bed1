"""Heat, clock, power and throttling while something runs: of Linux where it tells, of the boards' own tools where they are."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from edge.bench.line import jetson, raspberry
from edge.bench.line.record import NOT_MEASURED, Figure, NotMeasured, Thermal

_TOOL_S = 5.0
#: Asking a tool costs a process, so it is asked this often.
_ASK_EVERY_S = 5.0
Tool = Callable[..., str | None]


class Root(Struct, frozen=True, kw_only=True):
    """Where the system's files are looked up; another folder in tests."""

    path: Path = Path("/")

    def text(self, name: str) -> str | None:
        """The words of a file, None where it is missing or cannot be read."""
        try:
            data = (self.path / name).read_bytes()
        except OSError:
            return None
        return data.decode("utf-8", "replace").strip("\0 \n") or None

    def number(self, name: str) -> float | None:
        """The number in a file."""
        text = self.text(name)
        try:
            return None if text is None else float(text)
        except ValueError:
            return None

    def numbers(self, pattern: str) -> list[float]:
        """The numbers in all files of a pattern."""
        found = (self.number(str(path.relative_to(self.path))) for path in self.path.glob(pattern))
        return [each for each in found if each is not None]


def tool(*command: str) -> str | None:
    """What a tool prints; None where it is not there, fails or does not answer."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TOOL_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def tegra_line(*command: str) -> str | None:
    """The first line of a tool that prints for ever; None where it is not there or says nothing."""
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            assert child.stdout is not None
            line = child.stdout.readline()
            child.kill()
    except OSError:
        return None
    return line.decode("utf-8", "replace") or None


class Look(Struct, frozen=True, kw_only=True):
    """One look; None for what the machine does not tell."""

    temperature_c: float | None
    clock_mhz: float | None
    rails_mw: Mapping[str, float]


class Sensors:
    """The machine's sensors.  ``ask`` runs a tool, ``ask_tegra`` reads a line of ``tegrastats``; others in tests."""

    def __init__(self, root: Root | None = None, ask: Tool = tool, ask_tegra: Tool = tegra_line) -> None:
        self._root, self._ask, self._ask_tegra = root or Root(), ask, ask_tegra
        self._asked_s = -_ASK_EVERY_S
        self._rails: Mapping[str, float] = {}
        self._has_vcgencmd = ask("vcgencmd", "measure_temp") is not None
        self._has_tegrastats = not self._has_vcgencmd and ask_tegra("tegrastats", "--interval", "500") is not None

    def look(self) -> Look:
        """Now."""
        hottest = max((each / 1000 for each in self._root.numbers("sys/class/thermal/thermal_zone*/temp")), default=None)
        clocks = [each / 1000 for each in self._root.numbers("sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq")]
        if time.monotonic() - self._asked_s >= _ASK_EVERY_S:
            self._asked_s = time.monotonic()
            self._rails = self._ask_rails()
        return Look(
            temperature_c=hottest if hottest is not None else self._told_temperature(),
            clock_mhz=sum(clocks) / len(clocks) if clocks else None,
            rails_mw=self._rails,
        )

    def throttled(self) -> tuple[str, ...] | NotMeasured:
        """The throttle bits that are set now, in words."""
        said = self._ask("vcgencmd", "get_throttled") if self._has_vcgencmd else None
        bits = None if said is None else raspberry.throttled(said)
        return NOT_MEASURED if bits is None else bits

    def _told_temperature(self) -> float | None:
        said = self._ask("vcgencmd", "measure_temp") if self._has_vcgencmd else None
        return None if said is None else raspberry.temperature_c(said)

    def _ask_rails(self) -> Mapping[str, float]:
        if self._has_vcgencmd:
            return raspberry.rails_mw(self._ask("vcgencmd", "pmic_read_adc") or "")
        if self._has_tegrastats:
            told = jetson.tegrastats(self._ask_tegra("tegrastats", "--interval", "500") or "")
            return {} if told is None else told.rails_mw
        return {}


class Heat:
    """Gathers looks into the record's account of heat and power."""

    def __init__(self, sensors: Sensors) -> None:
        self._sensors = sensors
        self._before = sensors.throttled()
        self._looks: list[Look] = []
        self._hottest, self._slowest = float("-inf"), float("inf")
        self._clock, self._clocks = 0.0, 0
        self._power_mw: dict[str, float] = {}
        self._powers = 0

    def look(self) -> Look:
        """Look once more."""
        now = self._sensors.look()
        self._looks = [self._looks[0], now] if self._looks else [now]
        if now.temperature_c is not None:
            self._hottest = max(self._hottest, now.temperature_c)
        if now.clock_mhz is not None:
            self._slowest = min(self._slowest, now.clock_mhz)
            self._clock, self._clocks = self._clock + now.clock_mhz, self._clocks + 1
        if now.rails_mw:
            self._powers += 1
            for rail, power in now.rails_mw.items():
                self._power_mw[rail] = self._power_mw.get(rail, 0.0) + power
        return now

    def account(self, frames: int, seconds: float) -> Thermal:
        """The account over all looks; ``frames`` were taken in ``seconds``."""
        rails = {rail: round(total / self._powers, 1) for rail, total in self._power_mw.items()}
        whole_mw = rails.get("VDD_IN", rails.get("VIN_SYS_5V0", sum(rails.values())))
        return Thermal(
            temperature_start_c=_told(self._looks[0].temperature_c if self._looks else None),
            temperature_peak_c=_told(self._hottest if self._hottest > float("-inf") else None),
            temperature_end_c=_told(self._looks[-1].temperature_c if self._looks else None),
            clock_min_mhz=_told(self._slowest if self._clocks else None),
            clock_mean_mhz=_told(self._clock / self._clocks if self._clocks else None),
            throttled_before=self._before,
            throttled_after=self._sensors.throttled(),
            rails_mw=rails or NOT_MEASURED,
            joule_per_frame=whole_mw / 1000 * seconds / frames if rails and frames else NOT_MEASURED,
        )


def _told(value: float | None) -> Figure:
    return NOT_MEASURED if value is None else round(value, 2)
