"""The doctor finds what is wrong on a unit before a technician has left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.demo import run as demo
from edge.doctor import Check, examine


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The demo's unit, complete and right."""
    demo.make_keys(tmp_path, demo.free_port())
    demo.write_configuration(tmp_path, demo.free_port())
    return tmp_path


def found(folder: Path) -> dict[str, Check]:
    return {check.what: check for check in examine(folder / "device.toml")}


def test_a_right_unit_has_no_fault(unit: Path) -> None:
    """Everything that must be there is; a broker that is away is a warning, for reads are kept."""
    checks = found(unit)
    assert [check for check in checks.values() if check.state == "fault"] == []
    assert checks["broker"].state == "warning"
    assert "reads are kept" in checks["broker"].words
    assert checks["camera front"].state == "ok"


def rewritten(old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = folder / "device.toml"
        config.write_text(config.read_text().replace(old, new))

    return change


def test_places_that_the_pack_names_and_nobody_drew_are_told(unit: Path) -> None:
    """Washington forbids capture at six kinds of place; a unit on which only a clinic is drawn stops at no school."""
    rewritten("us-ct", "us-wa")(unit)
    check = found(unit)["no-capture zones"]
    assert check.state == "warning"
    assert "school" in check.words
    assert "health-care" not in check.words


FAULTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no signing key": (lambda unit: (unit / "device" / "sign.key").unlink(), "signing key", "sign.key"),
    "another's certificate": (rewritten(demo.DEVICE, "demo-other"), "certificate", "names another device"),
    "no camera": (rewritten("clip.mp4", "klip.mp4"), "camera front", "klip.mp4"),
    "unknown pack": (rewritten("us-ct", "us-cc"), "pack", "us-ct"),
    "broken zones": (lambda unit: (unit / "zones.geojson").write_text("{}"), "no-capture zones", "zones.geojson"),
    "another's TLS key": (
        lambda unit: (unit / "device" / "tls.key").write_bytes((unit / "agency" / "tls.key").read_bytes()),
        "broker",
        "belong together",
    ),
    "a data folder that is none": (lambda unit: (unit / "unit").write_text(""), "disk", "unit.data"),
    "damaged outbox": (lambda unit: damaged_outbox(unit), "outbox", "outbox"),
}


def damaged_outbox(unit: Path) -> None:
    (unit / "unit").mkdir()
    (unit / "unit" / "outbox.sqlite").write_bytes(b"no database" * 1000)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_named(name: str, unit: Path) -> None:
    """The line of the part that is wrong says so, and the other parts are still examined."""
    spoil, part, words = FAULTS[name]
    spoil(unit)
    checks = found(unit)
    assert checks[part].state == "fault"
    assert words in checks[part].words
    assert len(checks) > 10


def test_an_unreadable_configuration_is_the_only_finding(unit: Path) -> None:
    """Nothing else can be examined without it."""
    (unit / "device.toml").write_text("[unit")
    (check,) = examine(unit / "device.toml")
    assert (check.what, check.state) == ("configuration", "fault")


def test_a_clip_that_plays_in_real_time_is_there(unit: Path) -> None:
    """A file is looked for, not called an address."""
    config = unit / "device.toml"
    config.write_text(config.read_text().replace('name = "front"', 'name = "front"\nrealtime = true'))
    assert found(unit)["camera front"].words == "is there"
