"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.store.interface import RetentionStore
from edge.store.postgres import PostgresStore
from edge.store.sqlite import SqliteStore
from tests.postgres import Cluster
from tests.stores import MakeStore


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL for all tests; each makes a schema of its own in it.  Skips where none is installed."""
    running = Cluster()
    try:
        yield running
    finally:
        running.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeStore]:
    """Opens the same store anew each time, as a restart or a second worker does; the test runs on every kind."""
    opened: list[RetentionStore] = []
    if request.param == "postgres":
        dsn = request.getfixturevalue("cluster").schema()

    def open_one() -> RetentionStore:
        opened.append(SqliteStore(tmp_path / "agency" / "reads.sqlite") if request.param == "sqlite" else PostgresStore(dsn))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()
