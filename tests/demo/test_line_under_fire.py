"""The real unit, broker and agency end, killed while a clip plays: what was committed is stored, once each."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge.demo.run import HERE
from edge.unit import Accounts
from tests.demo.processes import Processes, wait_until


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path)
    yield processes
    processes.end_all()


@pytest.mark.timeout(600)
def test_every_committed_read_is_stored_once_through_kills_of_all_three_parts(line: Processes) -> None:
    """kill -9 of the broker with its data deleted, of the unit, and of the agency end, while the clip plays."""
    for name in ("broker", "ingest", "unit"):
        line.start(name)
    wait_until(lambda: len(line.committed()) >= 2, 90, "two committed reads")
    line.kill("broker")
    line.wipe_broker()
    wait_until(lambda: len(line.committed()) >= 4, 60, "two reads more, without a broker")
    line.start("broker")
    line.kill("unit")
    line.start("unit")
    before = len(line.committed())
    wait_until(lambda: len(line.committed()) >= before + 2, 90, "reads of the restarted unit")
    line.kill("ingest")
    wait_until(lambda: len(line.committed()) >= before + 4, 60, "reads while nobody stores")
    line.start("ingest")
    assert line.running["unit"].wait(240) == 0
    committed = line.committed()
    stored = Counter((row.epoch, row.seq) for row in line.stored())
    assert set(committed) <= set(stored), "a committed read is not in the store"
    assert set(stored.values()) == {1}, "a read is in the store twice"
    # A kill may fall between the commit and its log line: such a read is stored and not in the log, never the reverse.
    assert len(stored) - len(committed) <= 1
    assert sorted(seq for _, seq in stored) == list(range(1, len(stored) + 1)), "the chain has a gap"


def test_without_a_broker_the_unit_says_so_reads_on_and_keeps(line: Processes) -> None:
    """No broker is no reason to stop: everything committed waits in the outbox, and the unit ends in good order."""
    line.start("unit")
    wait_until(lambda: len(line.committed()) >= 2, 90, "two committed reads")
    assert any(entry["event"] == "broker away; reads are kept" for entry in line.log("unit"))
    line.running["unit"].terminate()
    assert line.running["unit"].wait(30) == 0
    line.start("broker")
    line.start("ingest")
    line.start("unit")
    wait_until(lambda: len(line.stored()) >= 2, 60, "the kept reads to be stored")


def test_undecodable_frames_mid_clip_are_counted_and_the_line_goes_on(line: Processes) -> None:
    """A clip with a damaged middle: the rest is read, every frame is in the accounts, and they close."""
    damaged = bytearray((HERE / "clip.mp4").read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 60_000] = b"\xff" * 60_000
    (line.folder / "damaged.mp4").write_bytes(damaged)
    config = line.folder / "device.toml"
    config.write_text(config.read_text().replace(str(HERE / "clip.mp4"), "damaged.mp4"))
    done = subprocess.run(
        [sys.executable, "-m", "edge", "run", "-c", str(config), "--drain-s", "0", "--json"],
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    accounts = msgspec.json.decode(done.stdout, type=Accounts)
    assert accounts.closed
    assert accounts.frames_received == 900
    assert accounts.frames_dropped["undecodable"] > 0
    assert accounts.reads_committed >= 8
    assert accounts.backlog.waiting == accounts.reads_committed, "without a broker everything is kept"
