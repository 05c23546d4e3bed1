"""The SQLite store where it touches the disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from edge.errors import StoreError
from edge.store.sqlite import SqliteStore
from tests.contracts.test_store import arrival


def test_it_waits_for_the_medium_and_wipes_what_it_deletes(tmp_path: Path) -> None:
    """Measured on the live connection: WAL, FULL, secure_delete; and the file is its owner's alone."""
    store = SqliteStore(tmp_path / "reads.sqlite")
    db = store._db
    assert db is not None
    pragmas = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "secure_delete")]
    assert pragmas == ["wal", 2, 1]
    assert (tmp_path / "reads.sqlite").stat().st_mode & 0o777 == 0o600
    store.close()


def test_the_signed_bytes_are_kept_as_evidence(tmp_path: Path) -> None:
    """What the device signed lies beside what was in it, byte for byte."""
    store = SqliteStore(tmp_path / "reads.sqlite")
    one = arrival(1)
    store.add([one])
    store.close()
    row = sqlite3.connect(tmp_path / "reads.sqlite").execute("SELECT wire, text, delete_after FROM reads").fetchone()
    assert row == (one.wire, "TEST123", "2026-12-04T12:00:00.000000+00:00")


def test_a_locked_store_takes_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another program holds the file, nothing is stored; afterwards everything can be."""
    store = SqliteStore(tmp_path / "reads.sqlite")
    assert store._db is not None
    store._db.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(tmp_path / "reads.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        store.add([arrival(1)])
    other.execute("COMMIT")
    assert list(store.add([arrival(1)])) == ["stored"]
    store.close()


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to look", None])
def test_what_is_no_store_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """Neither a damaged file nor somebody else's database is touched."""
    path = tmp_path / "reads.sqlite"
    if content is None:
        db = sqlite3.connect(path)
        db.executescript("PRAGMA user_version = 9; CREATE TABLE precious (x)")
        db.close()
        content = path.read_bytes()
    else:
        path.write_bytes(content)
    with pytest.raises(StoreError, match="open store"):
        SqliteStore(path)
    db = path.read_bytes()
    assert db[100:] == content[100:]
