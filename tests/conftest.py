"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL for all tests; each makes a database of its own in it.  Skips where none is installed."""
    running = Cluster()
    try:
        yield running
    finally:
        running.remove()
