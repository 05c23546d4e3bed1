"""The agency's store under fire: SQLite in the town's folder, or the PostgreSQL that a file beside it names."""

from __future__ import annotations

from pathlib import Path

import psycopg
from msgspec import Struct

from edge.errors import StoreError
from edge.store.interface import Store
from edge.store.postgres import PostgresStore
from edge.store.sqlite import SqliteStore
from tests.delivery.town import Town


class Kept(Struct, frozen=True, kw_only=True):
    """One read as PostgreSQL holds it."""

    device: str
    epoch: str
    seq: int
    read_id: str
    wire: bytes


def _dsn_file(town: Town) -> Path:
    return town.agency / "store.dsn"


def name(town: Town, dsn: str) -> None:
    """From now on the town's reads go to the server that ``dsn`` names."""
    _dsn_file(town).write_text(dsn)


def dsn(town: Town) -> str | None:
    """The server, if one was named."""
    path = _dsn_file(town)
    return path.read_text() if path.exists() else None


def opened(town: Town) -> Store:
    """The store.  Raises StoreError."""
    server = dsn(town)
    return SqliteStore(town.store_path) if server is None else PostgresStore(server)


def in_postgres(server: str) -> list[Kept]:
    """Every read, in order.  Raises StoreError."""
    query = "SELECT device, epoch, seq, read_id, wire FROM reads JOIN epochs ON id = epoch_id ORDER BY device, epoch, seq"
    try:
        with psycopg.connect(server) as db:
            found = db.execute(query, binary=True).fetchall()
    except psycopg.Error as error:
        raise StoreError(f"read store: {error}") from None
    return [Kept(device=d, epoch=e, seq=s, read_id=r, wire=w) for d, e, s, r, w in found]
