"""The file in which an agency keeps what it knows of its units' chains."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from edge import build
from edge.config import load_agency
from edge.demo import run as demo
from edge.errors import StoreError
from edge.ingest.clocks import Unset
from edge.ingest.interface import ALARM_WORDS, AlarmReason
from edge.ingest.witness import Buried, Came, Clashed, NotBelieved, Stood, WitnessFile, read_alarms
from tests.ingest.test_chain import digest, standing, tombstone
from tests.labeled import DEVICE, START
from tests.test_cli import ROOT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agency" / "chains.sqlite"


@pytest.fixture
def witness(path: Path) -> Iterator[WitnessFile]:
    one = WitnessFile(path)
    yield one
    one.close()


def came(seq: int, epoch: str = "e1", previous: bytes | None = None) -> Came:
    before = digest(seq - 1) if previous is None else previous
    return Came(device=DEVICE, epoch=epoch, seq=seq, previous=before, digest=digest(seq), is_new=True)


def test_what_was_heard_outlives_the_process(path: Path, witness: WitnessFile) -> None:
    """A link between a read of yesterday and one of today is proved all the same."""
    witness.take([came(1), came(2)], START)
    witness.close()
    again = WitnessFile(path)
    (alarm,) = again.take([came(3, previous=digest(77))], START)
    assert (alarm.reason, alarm.first, alarm.device) == ("link", 3, DEVICE)
    again.close()


def test_two_processes_may_use_one_file_in_turn(path: Path, witness: WitnessFile) -> None:
    """As while one agency end takes over from another."""
    other = WitnessFile(path)
    witness.take([came(1)], START)
    other.take([came(2)], START)
    (alarm,) = witness.take([came(3, previous=digest(77))], START)
    assert alarm.reason == "link"
    other.close()


def test_the_same_words_again_are_no_new_alarm(path: Path, witness: WitnessFile) -> None:
    """A batch that was taken before a crash comes again from the broker."""
    words = [
        came(1),
        Clashed(device=DEVICE, epoch="e1", seq=1),
        NotBelieved(device=DEVICE),
        Stood(standing=standing(4), arrived=((1, 1),)),
    ]
    assert [alarm.reason for alarm in witness.take(words, START)] == ["conflict", "refused", "missing"]
    assert witness.take(words, START + timedelta(hours=1)) == []
    first = read_alarms(path)[0]
    assert (first.times, first.seen, first.seen_last) == (2, START, START + timedelta(hours=1))


def test_a_tombstone_covers_a_hole(path: Path, witness: WitnessFile) -> None:
    """What a unit says it dropped is not missing; its word is kept as evidence, once."""
    buried = Buried(tombstone=tombstone({2, 3}, {4}), wire=b"as signed")
    witness.take([buried, buried, Stood(standing=standing(5), arrived=((1, 1), (5, 5)))], START)
    assert read_alarms(path) == []
    assert witness._db.execute("SELECT wire FROM tombstones").fetchall() == [(b"as signed",)]


def test_a_flood_of_alarms_is_bounded(path: Path, witness: WitnessFile) -> None:
    """A clone that goes on for a year fills no disk."""
    witness.take([Clashed(device=DEVICE, epoch="e1", seq=seq) for seq in range(1, 3000)], START)
    assert len(read_alarms(path)) == 1000


def test_every_reason_has_words() -> None:
    """Nobody is shown a code without its meaning."""
    assert set(ALARM_WORDS) == set(AlarmReason.__args__)  # type: ignore[attr-defined]


def test_looking_at_nothing_says_so(path: Path) -> None:
    """No file is created by looking for one."""
    with pytest.raises(StoreError, match="there is none"):
        read_alarms(path)
    assert not path.exists()


def test_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A wrong path costs nobody a database."""
    (tmp_path / "file").write_text("precious" * 1000)
    with pytest.raises(StoreError, match="not a database"):
        WitnessFile(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "precious" * 1000


def test_alarms_are_shown_and_settled_on_the_command_line(tmp_path: Path) -> None:
    """Exit code 1 while there is one that nobody has looked at; the account of the units stands beside."""
    demo.make_keys(tmp_path, port := demo.free_port())
    demo.write_configuration(tmp_path, port)

    def plate_edge(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "edge", *arguments, "-c", str(tmp_path / "agency.toml"), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
        return done.returncode, done.stdout

    assert plate_edge("alarms")[0] == 2, "nothing has run yet"
    found = load_agency(tmp_path / "agency.toml")
    witness = WitnessFile(build.witness_path(found))
    witness.take([Stood(standing=standing(4, {4}), arrived=())], START)
    unset = Unset(signed=START, boottime_ns=1, boot_id="boot-a", delete_after=START + timedelta(days=1))
    witness.take([replace(came(1), unset=unset)], START)
    witness.close()
    code, out = plate_edge("alarms")
    assert (code, json.loads(out)["reason"], json.loads(out)["last"]) == (1, "missing", 3)
    code, out = plate_edge("units")
    assert (code, json.loads(out)["committed"], json.loads(out)["missing"], json.loads(out)["to_come"]) == (1, 4, 3, 1)
    code, out = plate_edge("times")
    assert (code, json.loads(out)["seq"], json.loads(out)["utc"]) == (0, 1, None)
    assert plate_edge("alarms", "--settle", "1") == (0, "")
    assert plate_edge("alarms", "--settle", "7")[0] == 2
    assert json.loads(plate_edge("alarms", "--all")[1])["settled"]
