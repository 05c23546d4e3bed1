"""The commands on packs as somebody at a desk uses them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.policy.load import bundled_packs, load_pack
from tests.policy.situations import pack_text

ROOT = Path(__file__).resolve().parents[2]

AGENCY = """
[identity]
id = "hartford"
layer = "agency"
version = "1"
title = "Hartford Police Department"
jurisdiction = "US-CT"
statute = "none: a choice of the agency"
effective_from = 2026-10-01T00:00:00-04:00
prepared_on = 2026-11-01
note = "Not legal advice."

[[retention]]
id = "hartford-7-days"
clause = "none: choice of the agency"
evidence = "choice"
verified = false
words = "A read is kept for at most seven days."
applies_to = "any"
longest = { days = 7 }

[[cases]]
name = "Hartford keeps a read seven days"
clause = "choice of the agency"
at = 2026-11-01T12:00:00Z
expect = "release"
delete_after = 2026-11-08T12:00:00Z
"""


def policy(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a policy command as a process of its own."""
    command = [sys.executable, "-m", "edge", "policy", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=ROOT, check=False)


@pytest.fixture
def agency(tmp_path: Path) -> Path:
    """A layer that is stricter than the state."""
    path = tmp_path / "hartford.toml"
    path.write_text(AGENCY)
    return path


def test_testing_without_a_name_runs_every_pack_and_gives_the_total() -> None:
    """One command shows that everything that is shipped says what it should."""
    done = policy("test")
    cases = sum(len(load_pack(name).layers[0].says.cases) for name in bundled_packs())
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{cases} cases of {len(bundled_packs())} packs, 0 wrong"


def test_a_layer_is_tested_on_top_of_its_state(agency: Path) -> None:
    """The agency's case sees its seven days, the state's cases still see the state's 21."""
    done = policy("test", "us-ct", "--layer", agency, "--json")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout
    assert "Hartford keeps a read seven days" in [result["case"] for result in results]
    assert len(results) == len(load_pack("us-ct").layers[0].says.cases) + 1


def test_a_layer_whose_case_does_not_hold_is_told(agency: Path) -> None:
    """An agency that wants more than its state allows does not get it, and its own case says so."""
    agency.write_text(AGENCY.replace("{ days = 7 }", "{ days = 30 }").replace("2026-11-08T12", "2026-12-01T12"))
    done = policy("test", "us-ct", "--layer", agency)
    assert done.returncode == 1
    assert "WRONG us-ct: Hartford keeps a read seven days" in done.stdout
    assert "2026-11-22T12:00:00+00:00" in done.stdout


def test_a_layer_is_checked_with_its_state(agency: Path) -> None:
    """What a layer makes of the state's rules is among the things to know."""
    done = policy("check", "us-ct", "--layer", agency)
    assert done.returncode == 0, done.stderr
    assert "[ct-21-days] never decides: `hartford-7-days`" in done.stdout


def test_the_table_can_be_had_for_some_packs_and_for_machines() -> None:
    """A row a pack as Markdown, or the rules behind each cell as JSON."""
    rows = policy("table", "us-nh", "us-ct").stdout.splitlines()
    assert [row.split(" |")[0] for row in rows[2:]] == ["| us-nh", "| us-ct"]
    told = json.loads(policy("table", "us-nh", "--json").stdout)
    assert {"rule": "nh-hits-only", "clause": "RSA 261:75-b"} in told["answers"][0]["rules"]


def test_a_difference_is_told_for_people_and_machines(tmp_path: Path) -> None:
    """What changes is no fault: the exit code is 0 either way."""
    new = tmp_path / "new.toml"
    new.write_text(pack_text(("{ days = 21 }", "{ days = 14 }")), encoding="utf-8")
    told, for_machines = policy("diff", "us-ct", new), policy("diff", "us-ct", new, "--json")
    assert (told.returncode, for_machines.returncode) == (0, 0), told.stderr
    assert "kept for: 21 days → 14 days" in told.stdout
    assert "21 days" in [change["before"] for change in json.loads(for_machines.stdout)["changes"]]
    assert "are alike" in policy("diff", "us-ct", "us-ct").stdout
