"""What the outbox, the store and the agency end's notes ask of SQLite alike."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; on the medium when it ends, as far as the connection's ``synchronous`` says."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def run(db: sqlite3.Connection, script: str) -> None:
    """Run statements inside the transaction that is open, which ``executescript`` would end."""
    for statement in filter(None, map(str.strip, script.split(";"))):
        db.execute(statement)
