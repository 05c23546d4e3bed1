"""New Hampshire on the demo clip: what is no hit leaves no trace, on disk, on the wire or in memory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from edge.demo.run import truth
from edge.ledger import reads_account, totals
from edge.policy.load import load_pack
from tests.demo.file_watch import FileWatch
from tests.demo.processes import Processes, files_with, wait_until
from tests.test_memory import occurrences

PACKS = Path(__file__).resolve().parents[2] / "edge" / "policy" / "packs"
EVER = (datetime(1970, 1, 1, tzinfo=timezone.utc), datetime(9999, 12, 31, tzinfo=timezone.utc))
# The clip's plates, those of the hot list aside; texts of fewer than five characters would be found by chance.
PLATES = [each.text for each in truth().passes if each.hot is None and len(each.text) >= 5]
HITS = [each.text for each in truth().passes if each.hot not in (None, "immigration")]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path)
    yield processes
    processes.end_all()


def obey(line: Processes, pack: str) -> None:
    """Put the unit under ``pack``, as an attended vehicle, with a second camera that is away, so that it does not end."""
    config = line.folder / "device.toml"
    text = config.read_text().replace('pack = "us-ct"', f'pack = "{pack}"')
    text = text.replace('data = "unit"\n', 'data = "unit"\nkind = "mobile-attended"\n')
    text = text.replace("[position]", '[[cameras]]\nname = "rear"\nsource = "rtsp://127.0.0.1:9/live"\n[position]')
    config.write_text(text)


def with_any_clock(folder: Path) -> str:
    """The New Hampshire pack for a machine whose clock nobody disciplines, as those that run tests are: as shipped it lets
    nothing leave there and believes no list.  All that it says of hits and of forgetting stays."""
    text = (PACKS / "us-nh.toml").read_text(encoding="utf-8")
    for old, new in (
        ('untrusted = "withhold"', 'untrusted = "shorten"\nmargin = "1 minute"'),
        ("max_age = { hours = 24 }\n", ""),
        ("[[cases]]\n", "[[cases]]\n"),
    ):
        assert old in text
        text = text.replace(old, new)
    path = folder / "us-nh-any-clock.toml"
    path.write_text(text[: text.index("[[cases]]")], encoding="utf-8")
    return path.name


@pytest.mark.timeout(300)
def test_what_is_no_hit_is_never_written_nor_sent_nor_remembered(
    line: Processes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every file that anybody writes during the run is watched; the agency gets the hits and nothing else; seconds after the
    last vehicle, long before the three minutes are over, no plate is in the unit's memory; and the counters add up."""
    obey(line, with_any_clock(line.folder))
    scratch = tmp_path_factory.mktemp("scratch")
    os.environ["TMPDIR"] = str(scratch)
    elsewhere = [scratch, Path("/dev/shm"), Path("/var/tmp"), Path.home()]
    watch = FileWatch(line.folder, *(folder for folder in elsewhere if folder.is_dir()))
    try:
        line.start("broker")
        line.start("ingest")
        line.start("unit")
        passes = sum(each.legible and not each.in_zone for each in truth().passes)

        def all_passed() -> bool:
            watch.look()
            return len(withheld(line)) + len(line.committed()) >= passes

        wait_until(all_passed, 200, "every vehicle to have passed")
        wait_until(lambda: len(line.stored()) >= len(HITS), 30, "the hits to be stored")
        time.sleep(5)
        watch.look()
    finally:
        watch.close()
        del os.environ["TMPDIR"]
    texts = [row.labeled.read.text for row in line.stored()]
    assert texts == HITS
    assert [row.seq for row in line.stored()] == list(range(1, len(HITS) + 1)), "more was sealed than the hits"
    assert set(withheld(line)) == {"nh-hits-only"}
    for plate in PLATES:
        assert files_with(line.folder, plate.encode()) == []
        assert files_with(scratch, plate.encode()) == []
    unit_s = {path for path in watch.written if path.is_relative_to(line.folder / "unit")}
    # The window is a socket: nothing stays in it.
    kept = ("outbox.sqlite", "counters.sqlite", "window.sock")
    assert [path.name for path in unit_s if not path.name.startswith(kept)] == []
    outside = {path for path in watch.written if not path.is_relative_to(line.folder)}
    assert not [path for path in outside if path.is_file() and any(p.encode() in path.read_bytes() for p in PLATES)]
    if os.geteuid() == 0:  # a unit's memory is closed to everybody else
        assert remembered(line) == {}, "plates that were no hits are still in the unit's memory"
    line.running["unit"].terminate()
    assert line.running["unit"].wait(30) == 0
    counts = totals(line.folder / "unit" / "counters.sqlite", *EVER, 0)
    account = reads_account(counts)
    assert account["captured"] == account["committed"] + account["withheld"] >= passes
    assert account["committed"] == len(HITS)


def remembered(line: Processes) -> dict[str, int]:
    """How often each plate stands in the unit's memory."""
    unit = line.running["unit"].pid
    return {plate: n for plate in PLATES if (n := occurrences(unit, plate.encode()))}


def withheld(line: Processes) -> list[object]:
    return [entry["rule"] for entry in line.log("unit") if entry.get("event") == "read withheld"]


@pytest.mark.timeout(300)
def test_the_shipped_pack_with_a_clock_that_nobody_disciplines_lets_nothing_leave(line: Processes) -> None:
    """Under the pack as it is shipped, a unit whose clock is not known to be right keeps even hits to itself, and says why."""
    from edge.clock import Clock

    rule = load_pack("us-nh").clocks[0]
    if rule.trusts(Clock().now()):
        pytest.skip("this machine's clock is disciplined")
    obey(line, "us-nh")
    line.start("broker")
    line.start("ingest")
    line.start("unit")
    wait_until(lambda: len(withheld(line)) >= 5, 120, "vehicles to have passed")
    assert line.committed() == []
    assert line.stored() == []
    assert set(withheld(line)) <= {"nh-hits-only", "nh-clock"}
