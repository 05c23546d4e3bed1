"""The short cut of what ``make faults`` says of backlogs, thin links and links that die without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import backlog, dead_link
from tests.faults.rows import SHORT, Bench, Row
from tests.mosquitto import needs_mosquitto

pytestmark = needs_mosquitto


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return Bench(tmp_path, SHORT, 20261122, request.node.name)


def seen(row: Row) -> Row:
    """The row, whose times are not judged here; a machine that cannot make such a link skips, and says why."""
    if row.verdict == "SKIPPED":
        pytest.skip(row.note)
    return row


def test_a_backlog_arrives_whole_over_a_thin_link_and_weighs_little(bench: Bench) -> None:
    """Every read is stored, for at most 800 bytes each with all that TLS, TCP and IP add."""
    row = seen(backlog.thin(bench))
    assert row.numbers["stored"] == row.numbers["reads"] == SHORT.backlog
    assert row.numbers["bytes up per read"] <= 830, "of so few reads the handshake is a large part"


def test_fresh_hits_are_stored_before_the_backlog(bench: Bench) -> None:
    """Over 64 kbit/s, with real parts; and nobody is alarmed by what came out of order."""
    row = seen(backlog.hits_first(bench))
    assert row.numbers["stored meanwhile"] < row.numbers["reads"] == row.numbers["stored"]
    assert row.numbers["hit longest s"] < SHORT.overtaken_s
    assert row.numbers["false alarms"] == 0


def test_a_link_that_died_without_a_word_is_noticed_and_used_again(bench: Bench) -> None:
    """The unit's own kernel believes in it to the last."""
    row = seen(dead_link.while_reads_flow(bench))
    assert row.numbers["false alarms"] == 0
