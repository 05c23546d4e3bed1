"""`plate-edge store` as an administrator, a clerk and an auditor meet it, and the agency end that deletes by itself."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from edge.build import open_store
from edge.config import load_agency
from edge.demo import run as demo
from edge.store.interface import RetentionStore
from tests.postgres import Cluster
from tests.stores import arrival, canaries, canary, seqs

ROOT = Path(__file__).resolve().parents[2]
DAY = timedelta(days=1)
PAPER = ("--authority", "warrant", "--case", "HPD-2026-0117", "--approver", "Sgt. Example", "--until", "2099-12-31")


def store_command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge", "store", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=240, check=False)


@pytest.fixture(params=["sqlite", "postgres"])
def agency(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An agency's configuration with keys and a store: three reads of three weeks ago and more, two of today."""
    port = demo.free_port()
    demo.make_keys(tmp_path, port)
    demo.write_configuration(tmp_path, port)
    config = tmp_path / "agency.toml"
    if request.param == "postgres":
        cluster: Cluster = request.getfixturevalue("cluster")
        text = config.read_text().replace('path = "store/reads.sqlite"', f'kind = "postgres"\ndsn = "{cluster.schema()}"')
        config.write_text(text.replace("[store]", 'data = "store"\n[store]'))
    now = datetime.now(timezone.utc)
    with closing(opened(config)) as store:
        for number, age in ((1, 30), (2, 25), (3, 22), (4, 0), (5, 0)):
            one = arrival(number, text=canary(number), at=now - age * DAY, lives=21 * DAY)
            store.add([msgspec.structs.replace(one, received=now - age * DAY)])
    return config


def opened(config: Path) -> RetentionStore:
    return open_store(load_agency(config).store)


def left(config: Path) -> list[int]:
    with closing(opened(config)) as store:
        return seqs(store)


def test_a_year_of_the_clerk_and_the_auditor(agency: Path, tmp_path: Path) -> None:
    """Hold, delete, release, prove, export, check elsewhere: each command does it and says it, and none prints a plate."""
    said = [store_command("hold", "r-pole-7-4", "-c", agency, *PAPER, "--json")]
    hold = json.loads(said[0].stdout)
    assert (hold["order"]["case"], hold["order"]["ends"][:16], hold["over"]) == ("HPD-2026-0117", "2100-01-01T00:00", None)
    said.append(store_command("expire", "-c", agency, "--json"))
    assert json.loads(said[-1].stdout)["reads"] == 3
    assert left(agency) == [4, 5]
    said.append(store_command("expire", "-c", agency))
    assert said[-1].stdout == "nothing to delete\n"
    said.append(store_command("holds", "-c", agency))
    assert hold["id"] in said[-1].stdout
    said.append(store_command("release", hold["id"], "-c", agency, "--by", "Lt. Example", "--reason", "case closed"))
    said.append(store_command("holds", "-c", agency, "--json"))
    assert said[-1].stdout == ""
    out, public = tmp_path / "proofs.jsonl", tmp_path / "agency" / "receipt.pem"
    said.append(store_command("proofs", "-c", agency, "--out", out))
    assert "3 entries, 3 reads deleted, 0 wrong" in said[-1].stdout
    said.append(store_command("proofs", out, "--key", public, "--agency", "demo-pd", "--json"))
    assert [each["event"]["what"] for each in json.loads(said[-1].stdout)["entries"]] == [
        "hold-placed",
        "deletion",
        "hold-over",
    ]
    assert [each.returncode for each in said] == [0] * len(said), [each.stderr for each in said]
    assert not any("CNRY" in each.stdout + each.stderr for each in said)
    assert "CNRY" not in out.read_text()


def test_a_changed_proof_is_exit_code_1_and_no_proof_is_2(agency: Path, tmp_path: Path) -> None:
    """What does not fit is a finding; what cannot be looked at is a wrong call."""
    store_command("expire", "-c", agency)
    out, public = tmp_path / "proofs.jsonl", tmp_path / "agency" / "receipt.pem"
    assert store_command("proofs", "-c", agency, "-o", out).returncode == 0
    out.write_text(out.read_text().replace('\\"reads\\":3', '\\"reads\\":2'))
    changed = store_command("proofs", out, "--key", public, "--agency", "demo-pd")
    assert (changed.returncode, "1 wrong" in changed.stdout) == (1, True)
    for words in ((), (out,), (out, "--key", public), ("-c", agency, "-o", out), (public, "--key", public, "--agency", "a")):
        done = store_command("proofs", *words)
        assert done.returncode == 2, words
        assert len(done.stderr.splitlines()) == 1


MISTAKES: dict[str, Callable[[Path], list[str | Path]]] = {
    "a read that is gone": lambda config: ["hold", "r-pole-7-9", "-c", config, *PAPER],
    "a read whose time has passed": lambda config: ["hold", "r-pole-7-1", "-c", config, *PAPER],
    "an authority that lifts nothing": lambda config: ["hold", "r-pole-7-4", "-c", config, *PAPER, "--authority", "toll"],
    "an end in the past": lambda config: ["hold", "r-pole-7-4", "-c", config, *PAPER, "--until", "2020-01-01"],
    "a hold that is not there": lambda config: ["release", "abc", "-c", config, "--by", "x", "--reason", "y"],
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_line_and_exit_code_2(agency: Path, mistake: Callable[[Path], list[str | Path]]) -> None:
    """Nothing is held, nothing released, and the line says what to do."""
    done = store_command(*mistake(agency))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "Traceback" not in done.stderr
    with closing(opened(agency)) as store:
        assert list(store.holds()) == []


def test_the_agency_end_deletes_by_itself(agency: Path, tmp_path: Path) -> None:
    """`plate-edge ingest` runs, its broker away: what has expired goes, its log says how many and no plate, and a clerk's
    command works beside it."""
    command = [sys.executable, "-m", "edge", "ingest", "-c", str(agency)]
    with (tmp_path / "ingest.log").open("wb") as log:
        ingest = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
    try:
        deadline = time.monotonic() + 120
        while "expired reads deleted" not in (tmp_path / "ingest.log").read_text():
            assert ingest.poll() is None and time.monotonic() < deadline, (tmp_path / "ingest.log").read_text()
            time.sleep(0.1)
        assert store_command("hold", "r-pole-7-5", "-c", agency, *PAPER).returncode == 0
        assert left(agency) == [4, 5]
    finally:
        ingest.terminate()
        ingest.wait(60)
    lines = [json.loads(line) for line in (tmp_path / "ingest.log").read_text().splitlines()]
    assert [line["reads"] for line in lines if line["event"] == "expired reads deleted"] == [3]
    assert "CNRY" not in (tmp_path / "ingest.log").read_text()
    if (tmp_path / "store" / "reads.sqlite").exists():
        assert canaries(tmp_path) == {4, 5}


def test_the_measure_of_a_few_reads_has_all_its_parts(tmp_path: Path, cluster: Cluster) -> None:
    """What a store can take is measured by hand; here only that both kinds can be measured and leave nothing behind."""
    for words in (("--folder", tmp_path), ("--dsn", cluster.schema())):
        done = store_command("bench", "--reads", "200", "--batch", "50", "--json", *words)
        assert done.returncode == 0, done.stderr
        speed = json.loads(done.stdout)
        assert (speed["reads"], speed["batch"]) == (200, 50)
        assert min(speed["stored_per_s"], speed["duplicates_per_s"], speed["batch_median_ms"]) > 0
    assert list(tmp_path.iterdir()) == []
