"""Bundles as people meet them: made, signed by two, installed on a unit that runs, and what the unit then says."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from edge import keys
from edge.demo import run as demo
from edge.doctor import examine
from edge.unit import Accounts
from tests.demo.processes import wait_until

ROOT = Path(__file__).resolve().parents[2]
ORDER = ("policy", "bundle", "us-ct", "--expires", "2099-01-01")


def plate_edge(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own."""
    command = [sys.executable, "-m", "edge", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)


def done(*arguments: str | Path) -> str:
    result = plate_edge(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Alice and Bob, each with a key of their own; bundle 1 is signed by both, bundle 3 by Alice alone."""
    folder = tmp_path_factory.mktemp("people")
    done("keys", "policy", folder / "alice")
    keys.make_policy_signer(folder / "bob")
    for counter in ("1", "3"):
        done(*ORDER, "-o", folder / f"{counter}.bundle", "--counter", counter, "--key", folder / "alice" / "policy.key")
    done("policy", "sign", folder / "1.bundle", "--key", folder / "bob" / "policy.key")
    return folder


@pytest.fixture
def unit(tmp_path: Path, people: Path) -> Path:
    """The demo's unit, told to obey what Alice and Bob sign."""
    demo.make_keys(tmp_path, demo.free_port())
    demo.write_configuration(tmp_path, demo.free_port())
    config = tmp_path / "device.toml"
    text = config.read_text()
    start = text.index("[policy]")
    rest = text[text.index("[", start + 1) :].replace('"hotlist.csv"', "")
    trusted = ", ".join(f'"{people / name / "policy.pem"}"' for name in ("alice", "bob"))
    config.write_text(f"{text[:start]}[policy]\nbundle_keys = [{trusted}]\n{rest}")
    return config


def test_two_people_make_a_bundle_and_a_unit_takes_it(people: Path, unit: Path) -> None:
    """Made, unpacked, signed, installed, looked at; what it holds can be read by whoever signs."""
    assert plate_edge("policy", "status", "-c", unit).returncode == 1
    assert "signatures: 2" in done("policy", "unpack", people / "1.bundle", "-o", unit.parent / "unpacked")
    packed = (unit.parent / "unpacked" / "us-ct.toml").read_bytes()
    assert packed == (ROOT / "edge" / "policy" / "packs" / "us-ct.toml").read_bytes()
    assert "bundle 1 is in force until 2099-01-01" in done("policy", "install", people / "1.bundle", "-c", unit)
    status = json.loads(done("policy", "status", "-c", unit, "--json"))
    assert (status["state"], status["accepted_counter"], status["refusals"]) == ("in force", 1, [])
    assert "us-ct.toml" in done("policy", "status", "-c", unit)


WRONG: dict[str, tuple[Callable[[Path, Path], list[str | Path]], str]] = {
    "a bundle that one person signed": (
        lambda people, unit: ["policy", "install", people / "3.bundle", "-c", unit],
        "1 of the 2 keys needed",
    ),
    "no bundle": (lambda people, unit: ["policy", "install", people / "4.bundle", "-c", unit], "No such file"),
    "a second signature of one person": (
        lambda people, unit: ["policy", "sign", people / "3.bundle", "--key", people / "alice" / "policy.key"],
        "has signed it already",
    ),
    "an expiry that is over": (
        lambda people, unit: [*ORDER[:-1], "2020-01-01", "-o", unit.parent / "b", "--counter", "9"],
        "expires before it was issued",
    ),
    "a list that nobody stamped": (
        lambda people, unit: [*ORDER, "-o", unit.parent / "b", "--counter", "9", "--list", unit.parent / "bare.csv"],
        "does not say which list it is",
    ),
    "a key that is there": (lambda people, unit: ["keys", "policy", people / "alice"], "policy.key, policy.pem is there"),
    "an unpacking over files": (
        lambda people, unit: ["policy", "unpack", people / "1.bundle", "-o", unit.parent],
        "is not empty",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_ends_with_one_line_and_exit_code_2(name: str, people: Path, unit: Path) -> None:
    """The line says what to do; nothing is written."""
    arguments, words = WRONG[name]
    (unit.parent / "bare.csv").write_bytes((unit.parent / "hotlist.csv").read_bytes())
    result = plate_edge(*arguments(people, unit))
    assert result.returncode == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (unit.parent / "b").exists()


def bundle_checks(unit: Path) -> list[tuple[str, str]]:
    return [(check.state, check.words) for check in examine(unit) if check.what in ("policy bundle", "pack")]


def test_the_doctor_says_which_bundle_is_in_force(people: Path, unit: Path) -> None:
    """None: a fault with the cure; one: its counter and expiry; a refused one: a warning; one that ends soon: a warning."""
    ((state, words),) = bundle_checks(unit)
    assert state == "fault"
    assert "policy install" in words
    done("policy", "install", people / "1.bundle", "-c", unit)
    (state, words), (pack, _) = bundle_checks(unit)
    assert (state, pack) == ("ok", "ok")
    assert "counter 1" in words
    assert "expires 2099-01-01" in words
    plate_edge("policy", "install", people / "3.bundle", "-c", unit)
    assert any(state == "warning" and "3.bundle was refused" in words for state, words in bundle_checks(unit))


@pytest.fixture
def running(people: Path, unit: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The unit with bundle 1, at work on a clip that plays in real time, without a broker."""
    done("policy", "install", people / "1.bundle", "-c", unit)
    unit.write_text(unit.read_text().replace('name = "front"', 'name = "front"\nrealtime = true'))
    command = [sys.executable, "-m", "edge", "run", "-c", str(unit), "--drain-s", "0", "--json"]
    with (unit.parent / "log").open("wb") as log, (unit.parent / "accounts").open("wb") as accounts:
        child = subprocess.Popen(command, stdout=accounts, stderr=log, cwd=unit.parent)
    yield child
    child.kill()
    child.wait()


def log(unit: Path, event: str) -> list[dict[str, object]]:
    """The lines that a running unit logged about an event."""
    lines = (unit.parent / "log").read_text().splitlines()
    known = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
    return [line for line in known if line["event"] == event]


def both_keys(people: Path) -> list[str | Path]:
    return [part for name in ("alice", "bob") for part in ("--key", people / name / "policy.key")]


@pytest.mark.timeout(600)
def test_a_running_unit_refuses_a_bad_bundle_and_takes_up_a_good_one(
    people: Path, unit: Path, running: subprocess.Popen[bytes]
) -> None:
    """Without a restart: the alarm with its reason, then no capture inside the new bundle's zone; the accounts close."""
    wait_until(lambda: bool(log(unit, "policy bundle in force")), 300, "the unit to start")
    assert plate_edge("policy", "install", people / "3.bundle", "-c", unit).returncode == 2
    wait_until(lambda: bool(log(unit, "policy bundle refused: what was in force stays so")), 60, "the alarm")
    (refused,) = log(unit, "policy bundle refused: what was in force stays so")
    assert refused["file"] == "3.bundle"
    assert "1 of the 2 keys needed" in str(refused["why"])
    ring = [[-73.9, 40.9], [-71.7, 40.9], [-71.7, 42.1], [-73.9, 42.1], [-73.9, 40.9]]  # all of Connecticut
    known = {"name": "everywhere", "category": "agency-choice", "margin_m": 0}
    feature = {"type": "Feature", "properties": known, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    zones = unit.parent / "all.geojson"
    zones.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    signed = unit.parent / "2.bundle"
    done(*ORDER, "-o", signed, "--counter", "2", "--zones", zones, *both_keys(people))
    done("policy", "install", signed, "-c", unit)
    wait_until(lambda: len(log(unit, "policy bundle in force")) == 2, 60, "the new bundle")
    running.send_signal(signal.SIGTERM)
    assert running.wait(60) == 0
    accounts = msgspec.json.decode((unit.parent / "accounts").read_bytes(), type=Accounts)
    assert accounts.closed
    assert accounts.frames_processed > 0
    assert accounts.frames_dropped["ct-no-capture-zone"] > 0


@pytest.mark.timeout(600)
def test_a_running_unit_starts_itself_again_under_a_pack_that_gives_it_minutes_to_forget(
    people: Path, unit: Path, running: subprocess.Popen[bytes]
) -> None:
    """New Hampshire's wants memory that only a fresh process has: the same process id, at work under the new bundle."""
    wait_until(lambda: bool(log(unit, "policy bundle in force")), 300, "the unit to start")
    signed = unit.parent / "2.bundle"
    done("policy", "bundle", "us-nh", *ORDER[3:], "-o", signed, "--counter", "2", *both_keys(people))
    done("policy", "install", signed, "-c", unit)
    wait_until(lambda: log(unit, "policy bundle in force")[-1]["pack"] == "us-nh", 300, "the unit to be back")
    assert running.poll() is None
    running.send_signal(signal.SIGTERM)
    assert running.wait(60) == 0
