"""What the boards' tools print, in the form in which they print it, and what is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.bench.line import jetson, raspberry
from edge.bench.line.record import NOT_MEASURED
from edge.bench.line.sensors import Heat, Root, Sensors

PMIC = """\
 3V7_WL_SW_A current(0)=0.01950000A
   3V3_SYS_A current(1)=0.10000000A
  VDD_CORE_A current(7)=2.00000000A
 3V7_WL_SW_V volt(8)=3.70000000V
   3V3_SYS_V volt(9)=3.30000000V
  VDD_CORE_V volt(15)=0.80000000V
     EXT5V_V volt(24)=5.11000000V
      BATT_V volt(25)=0.00970000V
"""
NANO = (
    "11-20-2026 14:03:21 RAM 3104/7620MB (lfb 7x4MB) SWAP 12/3810MB (cached 0MB) "
    "CPU [31%@1510,7%@1510,off,off,64%@1420,2%@729] EMC_FREQ 12%@2133 GR3D_FREQ 47%@[610] NVDEC off NVJPG off VIC off OFA off "
    "APE 200 cpu@52.5C soc2@50.437C soc0@51.25C gpu@51.812C tj@52.5C soc1@50.75C cv0@-256C "
    "VDD_IN 6120mW/5890mW VDD_CPU_GPU_CV 1460mW/1302mW VDD_SOC 1510mW/1498mW"
)
XAVIER = (
    "RAM 2450/7765MB (lfb 900x4MB) SWAP 0/3882MB (cached 0MB) CPU [12%@1190,off,off,off,3%@1190,5%@1190] "
    "EMC_FREQ 0% GR3D_FREQ 0% AO@37.5C GPU@37C PMIC@50C AUX@37C CPU@39.5C thermal@37.9C "
    "VDD_IN 3411/3411 VDD_CPU_GPU_CV 405/405 VDD_SOC 1055/1055"
)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("throttled=0x0\n", ()),
        ("throttled=0x50000\n", ("under-voltage since the start", "throttled since the start")),
        ("throttled=0x50005", ("under-voltage", "throttled", "under-voltage since the start", "throttled since the start")),
        ("throttled=0x8", ("soft temperature limit",)),
        ("throttled=0x100000", ("throttle bit 20",)),
    ],
)
def test_throttle_bits_are_words(said: str, words: tuple[str, ...]) -> None:
    """Each bit of the manual has its words, and one that the manual does not know is not passed over."""
    assert raspberry.throttled(said) == words


@pytest.mark.parametrize("said", ["", "error=1", "VCHI initialization failed", "throttled="])
def test_a_tool_that_fails_is_not_taken_for_no_throttling(said: str) -> None:
    """Anything but the expected line is no answer."""
    assert raspberry.throttled(said) is None
    assert raspberry.temperature_c(said) is None


def test_the_pi_tells_its_temperature_and_the_power_of_each_rail() -> None:
    """Rails with a current and a voltage; the 5 V input and the battery have no current and are in none."""
    assert raspberry.temperature_c("temp=48.3'C\n") == 48.3
    assert raspberry.rails_mw(PMIC) == {"3V7_WL_SW": 72.2, "3V3_SYS": 330.0, "VDD_CORE": 1600.0}


def test_an_orin_tells_heat_power_cores_and_gpu() -> None:
    """Power is the figure of now, not the mean since the tool began; cores that are off and sensors of parts that are, are
    left out."""
    told = jetson.tegrastats(NANO)
    assert told is not None
    assert told.rails_mw == {"VDD_IN": 6120, "VDD_CPU_GPU_CV": 1460, "VDD_SOC": 1510}
    assert told.temperatures_c["tj"] == 52.5
    assert "cv0" not in told.temperatures_c
    assert told.cores == ((31, 1510), (7, 1510), (64, 1420), (2, 729))
    assert (told.gpu, told.ram_mb, told.swap_mb) == (47, 3104, 12)


def test_an_older_jetson_writes_power_without_a_unit() -> None:
    """JetPack 4 prints milliwatts as bare numbers."""
    told = jetson.tegrastats(XAVIER)
    assert told is not None
    assert told.rails_mw == {"VDD_IN": 3411, "VDD_CPU_GPU_CV": 405, "VDD_SOC": 1055}


def test_a_line_of_something_else_is_no_reading() -> None:
    """An error message has neither memory nor cores."""
    assert jetson.tegrastats("tegrastats: command failed") is None


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ("NV Power Mode: MAXN_SUPER\n2\n", "MAXN_SUPER (2)"),
        ("NVPM WARN: fan mode is not set!\nNV Power Mode: 15W\n0\n", "15W (0)"),
        ("NV Power Mode: MODE_10W", "MODE_10W"),
        ("nvpmodel: not permitted", None),
    ],
)
def test_the_power_mode_has_name_and_number(said: str, mode: str | None) -> None:
    """Warnings before it are passed over."""
    assert jetson.power_mode(said) == mode


def test_a_machine_without_sensors_says_not_measured(tmp_path: Path) -> None:
    """Neither heat nor clock nor throttling is invented."""
    heat = Heat(Sensors(Root(path=tmp_path), ask=lambda *command: None, ask_tegra=lambda *command: None))
    heat.look()
    account = heat.account(frames=100, seconds=10)
    assert account.temperature_peak_c == NOT_MEASURED
    assert account.throttled_after == NOT_MEASURED
    assert account.joule_per_frame == NOT_MEASURED


def test_a_pis_heat_clock_and_energy_are_accounted_for(tmp_path: Path) -> None:
    """Temperature and clock from Linux, power from the PMIC: 2.002 W for 10 s and 100 frames are 0.2 J each."""
    zone, clock = tmp_path / "sys/class/thermal/thermal_zone0/temp", tmp_path / "sys/devices/system/cpu/cpu0/cpufreq"
    zone.parent.mkdir(parents=True)
    clock.mkdir(parents=True)
    zone.write_text("61850\n")
    (clock / "scaling_cur_freq").write_text("2400000\n")
    said = {"measure_temp": "temp=61.8'C\n", "get_throttled": "throttled=0x4\n", "pmic_read_adc": PMIC}
    heat = Heat(Sensors(Root(path=tmp_path), ask=lambda tool, word: said[word], ask_tegra=lambda *command: None))
    heat.look()
    account = heat.account(frames=100, seconds=10)
    assert (account.temperature_peak_c, account.clock_mean_mhz) == (61.85, 2400)
    assert account.throttled_after == ("throttled",)
    assert account.joule_per_frame == pytest.approx(0.20022)
