"""What a unit and its doctor say about the hot lists that they find."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from edge import build
from edge.clock import Clock
from edge.config import load_device
from edge.demo import run as demo
from edge.doctor import Check, examine
from edge.hotlist.files import stamp_path
from edge.journal import Journal
from tests.hotlist.lists import layer

BARRED = "ct-hotlist-immigration"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The demo's unit under an agency's layer that wants lists of at most a day."""
    demo.make_keys(tmp_path, demo.free_port())
    demo.write_configuration(tmp_path, demo.free_port())
    (tmp_path / "layer.toml").write_text(layer('max_age = "1 day"'), encoding="utf-8")
    config = tmp_path / "device.toml"
    config.write_text(config.read_text().replace('pack = "us-ct"', 'pack = "us-ct"\nlayers = ["layer.toml"]'))
    return tmp_path


def doctor_of(folder: Path) -> Check:
    return next(check for check in examine(folder / "device.toml") if check.what == "hot lists")


def test_a_stale_list_is_an_alarm_when_the_unit_starts_and_a_warning_of_the_doctor(unit: Path) -> None:
    """The unit starts all the same; both say which list, which rule, and what to do."""
    stamp_path(unit / "hotlist.csv").unlink()
    log = io.StringIO()
    journal = Journal(log)
    build.policy(load_device(unit / "device.toml"), Clock(), journal)
    assert journal.by_reason("alarms") == {"hotlist-stale": 1}
    check = doctor_of(unit)
    assert check.state == "warning"
    for said in (log.getvalue(), check.words):
        assert "hpd-hotlist" in said
        assert "plate-edge hotlist stamp" in said


def test_the_doctor_counts_what_was_refused_by_rule(unit: Path) -> None:
    """Five entries of the demo's list serve immigration enforcement."""
    assert f"5 by {BARRED}" in doctor_of(unit).words


def test_a_list_that_cannot_be_read_is_a_fault_of_the_doctor(unit: Path) -> None:
    """With the line at which it is wrong."""
    stamp_path(unit / "hotlist.csv").unlink()
    (unit / "hotlist.csv").write_text("plate,region\n")
    check = doctor_of(unit)
    assert (check.state, "line 1" in check.words) == ("fault", True)
