"""Logs hold no secret, counters add up, and Prometheus sees the same numbers."""

from __future__ import annotations

import io
import json
import socket
import urllib.request

import pytest

from edge.demo.run import free_port
from edge.errors import ConfigError
from edge.journal import Journal, mask_secrets, serve_metrics
from edge.records import Reason, Withhold

SECRETS = [
    "rtsp://admin:hunter2@10.0.0.20/stream1",
    "rtsp://admin:p%40ss:w@rd@cam/1 did not answer",
    "Did you mean file:rtsp://admin:hunter2@10.0.0.20/stream1",
    "rtsp://admin:p/w@rd@10.0.0.20/stream1",
    "tried 'rtsps://u:hunter2@cam' and \"http://u:w@rd@cam\"",
]


@pytest.mark.parametrize("text", SECRETS)
def test_the_user_and_password_of_an_address_never_reach_the_log(text: str) -> None:
    """Masked at the sink, whoever wrote the line, in the event and in its fields."""
    sink = io.StringIO()
    journal = Journal(sink)
    journal.error(f"camera says {text}", words=text)
    for secret in ("hunter2", "w@rd", "p%40ss", "admin", "u:w"):
        assert secret not in sink.getvalue()
        assert secret not in mask_secrets(text)
    assert "***@" in sink.getvalue()


def test_a_line_is_one_json_object_with_time_and_level() -> None:
    """A machine can read the log."""
    sink = io.StringIO()
    Journal(sink).info("read committed", seq=3)
    line = json.loads(sink.getvalue())
    assert (line["event"], line["seq"], line["level"]) == ("read committed", 3, "info")
    assert line["timestamp"].endswith("Z")


def test_counts_are_kept_by_name_and_reason() -> None:
    """Totals are the sums of their reasons."""
    journal = Journal(io.StringIO())
    journal.count("frames_dropped", "late", 2)
    journal.count("frames_dropped", "undecodable")
    assert journal.total("frames_dropped") == 3
    assert journal.by_reason("frames_dropped") == {"late": 2, "undecodable": 1}


def test_a_withheld_read_is_counted_once_under_the_rule_that_decided_first() -> None:
    """Two reasons are one withheld read, or the accounts would not close."""
    sink = io.StringIO()
    journal = Journal(sink)
    reasons = tuple(Reason(rule=rule, clause="§ 1", words="words") for rule in ("a", "b"))
    journal.withheld(Withhold(subject="0123", reasons=reasons))
    assert journal.by_reason("reads_withheld") == {"a": 1}
    assert json.loads(sink.getvalue())["clause"] == "§ 1"


def test_prometheus_sees_the_journals_numbers() -> None:
    """The metrics page holds the counters, on the loopback address."""
    journal = Journal(io.StringIO())
    journal.count("frames_dropped", "late", 5)
    port = free_port()
    serve_metrics(journal, port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        text = page.read().decode()
    assert 'plate_edge_frames_dropped_total{reason="late"} 5.0' in text


def test_a_metrics_port_that_is_taken_is_a_mistake_of_the_configuration() -> None:
    """Said with the key to change, not as a fault of the program."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match=r"metrics\.port"):
            serve_metrics(Journal(io.StringIO()), taken.getsockname()[1])
