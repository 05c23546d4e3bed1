"""A car that drives through a no-capture zone with its camera on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from edge.config import PositionConfig
from edge.demo.run import free_port, make_keys, write_configuration
from edge.policy.decide import may_capture
from edge.policy.zones import load_zones
from edge.position import make_position
from edge.unit import Accounts
from tests.camera.clips import write_clip
from tests.policy.situations import NOW, US_CT, edited_pack

FPS, SECONDS, SPEED_M_S, MARGIN_M = 5, 60, 20.0, 50.0
METRE = 1 / 111_057  # degrees of latitude at 41°
BEGINS_M, ENDS_M = 500.0, 700.0  # where on its way the car is in the zone


def true_m(frame: int) -> float:
    """How far the car has come at a frame."""
    return SPEED_M_S * frame / FPS


def write_track(folder: Path, lost: range = range(0)) -> Path:
    """One fix a second, straight north from 41°, none in the seconds of ``lost``."""
    rows = [f"{t},{41 + SPEED_M_S * t * METRE:.8f},-72.0,5" for t in range(SECONDS) if t not in lost]
    path = folder / "track.csv"
    path.write_text("time_s,latitude,longitude,accuracy_m\n" + "\n".join(rows) + "\n")
    return path


def write_zone(folder: Path) -> Path:
    south, north = 41 + BEGINS_M * METRE, 41 + ENDS_M * METRE
    ring = [[-72.001, south], [-71.999, south], [-71.999, north], [-72.001, north], [-72.001, south]]
    known = {"name": "school", "category": "school", "margin_m": MARGIN_M}
    feature = {"type": "Feature", "properties": known, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    path = folder / "zones.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def captured(folder: Path, lost: range = range(0), without_position: str = "stop-where-zones") -> list[int]:
    """The frames at which the car may capture."""
    pack = edited_pack(folder, ('"stop-where-zones"', f'"{without_position}"'))
    source = make_position(PositionConfig(track=write_track(folder, lost)))
    zones = load_zones(write_zone(folder))
    return [n for n in range(FPS * SECONDS) if not may_capture(source.at(n / FPS), NOW, pack, zones, "mobile-attended")]


def test_capture_stops_before_the_margin_and_starts_after_it(tmp_path: Path) -> None:
    """No frame is captured where the car truly is inside the margin; outside it costs a second's drive, not a street."""
    frames = captured(tmp_path)
    inside = [n for n in frames if BEGINS_M - MARGIN_M <= true_m(n) <= ENDS_M + MARGIN_M]
    assert inside == []
    before = max(true_m(n) for n in frames if true_m(n) < BEGINS_M)
    after = min(true_m(n) for n in frames if true_m(n) > ENDS_M)
    assert BEGINS_M - MARGIN_M - 40 < before < BEGINS_M - MARGIN_M
    assert ENDS_M + MARGIN_M < after < ENDS_M + MARGIN_M + 40


# the pack's word for a lost position, whether frames are captured while it is lost for longer than a fix is believed
LOST = [("capture", True), ("stop-where-zones", False), ("stop", False)]


@pytest.mark.parametrize(("word", "goes_on"), LOST, ids=[row[0] for row in LOST])
def test_a_lost_position_does_what_the_pack_says(tmp_path: Path, word: str, goes_on: bool) -> None:
    """In a tunnel of 20 seconds, far from any zone by the last fix, the pack's word counts."""
    frames = captured(tmp_path, lost=range(40, 60), without_position=word)
    in_tunnel = [n for n in frames if 46 * FPS <= n < 60 * FPS]
    assert bool(in_tunnel) == goes_on
    assert [n for n in frames if n < 20 * FPS] == list(range(20 * FPS))


@pytest.mark.timeout(180)
def test_the_unit_drops_the_zone_s_frames_under_the_rule_and_the_accounts_close(tmp_path: Path) -> None:
    """The real unit on a real clip: as many frames are dropped as the decision says, each under the rule that forbade it."""
    port = free_port()
    make_keys(tmp_path, port)
    write_configuration(tmp_path, port)
    write_clip(tmp_path / "way.mp4", FPS * SECONDS, FPS)
    config = tmp_path / "device.toml"
    text = config.read_text()
    for key, value in (("source", tmp_path / "way.mp4"), ("track", write_track(tmp_path)), ("zones", write_zone(tmp_path))):
        lines = [f'{key} = "{value}"' if line.startswith(f"{key} =") else line for line in text.splitlines()]
        text = "\n".join(lines)
    config.write_text(text)
    command = [sys.executable, "-m", "edge", "run", "-c", str(config), "--drain-s", "0", "--json"]
    done = subprocess.run(command, capture_output=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    accounts = msgspec.json.decode(done.stdout, type=Accounts)
    expected = FPS * SECONDS - len(captured(tmp_path))
    assert accounts.closed
    assert accounts.frames_received == FPS * SECONDS
    assert {rule: n for rule, n in accounts.frames_dropped.items() if n} == {US_CT.captures[0].id: expected}
