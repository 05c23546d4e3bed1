"""Retention that runs beside the agency end."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from edge.errors import StoreError
from edge.expiry import Expiry
from edge.journal import Journal
from edge.store.interface import RetentionStore
from tests.clocks import HandClock
from tests.labeled import START
from tests.stores import KEEPER, MakeStore, arrival, seqs

DAY = timedelta(days=1)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_trouble_is_an_alarm_and_the_next_run_does_it(make_store: MakeStore) -> None:
    """The store cannot be had for a while, and something unforeseen happens: both are logged, then the reads go."""
    store, log, clock = make_store(), io.StringIO(), HandClock()
    store.add([arrival(1, lives=DAY), arrival(2)])
    troubles: list[Exception] = [StoreError("open store: away"), RuntimeError("CANARY7")]

    def open_store() -> RetentionStore:
        if troubles:
            raise troubles.pop(0)
        return make_store()

    clock.utc = START + 2 * DAY
    journal = Journal(log)
    with Expiry(open_store, KEEPER, clock, journal, every_s=0.01).beside():
        wait_until(lambda: journal.total("reads_deleted") == 1)
    assert seqs(store) == [2]
    assert journal.by_reason("alarms") == {"retention": 2}
    reasons = [line["reason"] for line in map(json.loads, log.getvalue().splitlines()) if line["level"] == "error"]
    assert reasons == ["open store: away", "unexpected RuntimeError"]


def test_it_ends_with_what_it_runs_beside(make_store: MakeStore) -> None:
    """The end of the agency end does not wait for the next quarter of an hour."""
    before = threading.active_count()
    with Expiry(make_store, KEEPER, HandClock(), Journal(io.StringIO())).beside():
        wait_until(lambda: threading.active_count() == before + 1)
    assert threading.active_count() == before
