"""The line to PostgreSQL: opened again when it broke, and never weaker than a store may be.

What the server says may quote a row, so only its short message and its code go on, never its details.
"""

from __future__ import annotations

import contextlib
import ipaddress
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from edge.errors import StoreError
from edge.masking import hide

Db = psycopg.Connection[tuple[Any, ...]]

_OLDEST_SERVER = 150_000
_READABLE_BY_OTHERS = 0o007
#: A database that is away must be noticed, whatever the network does with packets (milliseconds, seconds).
_LINE = {
    "application_name": "plate-edge",
    "connect_timeout": "10",
    "tcp_user_timeout": "15000",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "target_session_attrs": "read-write",
}
_STATEMENT_TIMEOUT = "60s"
_UNSAFE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


class PostgresLink:
    """One connection behind a lock.  Thread-safe."""

    def __init__(self, dsn: str, password: Path | None = None) -> None:
        """``dsn`` holds no password: that stands in the file ``password`` or where libpq looks (PGPASSFILE).

        Raises StoreError naming the cure if the server cannot be reached or is not as durable as a store must be."""
        self._password = password
        try:
            told = conninfo_to_dict(dsn)
            self._dsn = make_conninfo(dsn, **{key: value for key, value in _LINE.items() if key not in told})
        except psycopg.Error:
            raise StoreError("open store: its dsn is not one; write `host=… dbname=… user=…`") from None
        self.name = f"{told.get('dbname', 'default')} on {told.get('host', 'this machine')}"
        self._lock = threading.RLock()
        self._closed = False
        self._db: Db | None = None
        with self.using("open"):
            pass

    @contextlib.contextmanager
    def using(self, verb: str) -> Iterator[Db]:
        """The connection, for one thread at a time; opened anew if the last one broke.

        Whatever psycopg raises inside becomes a StoreError that begins with ``verb``."""
        with self._lock:
            if self._closed:
                raise StoreError(f"{verb} store {self.name}: it is closed")
            try:
                if self._db is None or self._db.closed:
                    self._db = self._connect()
                yield self._db
            except (psycopg.Error, UnicodeError, OverflowError) as error:
                self._forget_broken()
                raise StoreError(f"{verb} store {self.name}: {_words(error)}") from None
            except BaseException:
                self._forget_broken()
                raise

    def close(self) -> None:
        """Close; further use raises StoreError."""
        with self._lock:
            self._closed = True
            if self._db is not None:
                self._db.close()
                self._db = None

    def _forget_broken(self) -> None:
        """Keep the connection only if it is idle and whole."""
        db = self._db
        if db is not None and (db.broken or db.info.transaction_status != psycopg.pq.TransactionStatus.IDLE):
            db.close()
            self._db = None

    def _connect(self) -> Db:
        dsn = self._dsn if self._password is None else make_conninfo(self._dsn, password=_read_password(self._password))
        db = psycopg.connect(dsn, autocommit=True)
        try:
            info = db.info
            check_line(info.host, info.hostaddr, info.get_parameters().get("sslmode", "prefer"), db.pgconn.ssl_in_use)
            self._check_server(db)
        except BaseException:
            db.close()
            raise
        return db

    def _check_server(self, db: Db) -> None:
        """Refuse a server that may lose what it said it had; then nail the setting down for this connection."""
        if db.info.server_version < _OLDEST_SERVER:
            raise StoreError(f"open store {self.name}: PostgreSQL 15 or newer is needed; upgrade the server")
        for setting, unsafe in _UNSAFE.items():
            (found,) = _one(db, "SELECT current_setting(%s)", setting)
            if found == unsafe:
                raise StoreError(
                    f"open store {self.name}: {setting} is {unsafe}, so a power cut would lose reads that units were told to "
                    f"forget; set {setting} = on for this server, database and role"
                )
        db.execute("SELECT set_config('synchronous_commit', current_setting('synchronous_commit'), false)")
        keep_quick(db)


def keep_quick(db: Db) -> None:
    """What storing needs of a connection: nothing takes for ever, and no table is walked."""
    db.execute("SELECT set_config('statement_timeout', %s, false)", (_STATEMENT_TIMEOUT,))
    # Every query has an index to go by; a plan made while a table was small must not walk it when it is large.
    db.execute("SET enable_seqscan = off")
    # The few rows that just came in are walked, which now seems to cost a fortune: PostgreSQL would compile machine code for
    # it, for every partition, a second at each picture.
    db.execute("SET jit = off")


def check_line(host: str, address: str, sslmode: str, encrypted: bool) -> None:
    """Plates go over this line: to another machine only encrypted, and only to one that proved who it is.

    Raises StoreError."""
    if host.startswith(("/", "@")) or _loopback(address or host):
        return
    if not encrypted or sslmode not in ("verify-ca", "verify-full"):
        raise StoreError(
            f"open store on {host}: the line to it is not encrypted and checked; add `sslmode=verify-full` and `sslrootcert=…` "
            "to the dsn"
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_password(path: Path) -> str:
    try:
        if stat.S_IMODE(path.stat().st_mode) & _READABLE_BY_OTHERS:
            raise StoreError(f"read password {path}: everybody on this machine may read it; run `chmod 600` on it")
        password = path.read_text(encoding="utf-8").rstrip("\r\n")
        hide(password)
        return password
    except (OSError, UnicodeError) as error:
        raise StoreError(f"read password {path}: {error}") from error


def _words(error: Exception) -> str:
    """What went wrong, without what the server quotes."""
    if not isinstance(error, psycopg.Error):
        return str(error)
    primary = error.diag.message_primary
    if primary is not None:
        return f"{primary} ({error.sqlstate}); look at the server"
    first = str(error).strip().splitlines()
    return f"{first[0] if first else type(error).__name__}; is the server up and reachable?"


def _one(db: Db, query: str, *parameters: object) -> tuple[Any, ...]:
    row = db.execute(query.encode(), parameters).fetchone()
    assert row is not None
    return row
