"""The PostgreSQL store where it touches the server."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from edge.build import open_store
from edge.config import StoreConfig
from edge.errors import StoreError
from edge.store.postgres import PostgresStore
from edge.store.postgres_link import check_line
from tests.contracts.test_store import arrival, numbers
from tests.postgres import Cluster, needs_postgres

pytestmark = needs_postgres


@pytest.fixture
def server() -> Iterator[Cluster]:
    """A server that this test may stop and reconfigure."""
    running = Cluster()
    try:
        yield running
    finally:
        running.remove()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["in good order", "as after a crash"])
def test_a_restart_of_the_server_is_one_error_and_then_forgotten(server: Cluster, how: signal.Signals) -> None:
    """While it is away nothing is stored and the error says so; once it is back the same store works, and nothing is lost."""
    store = PostgresStore(server.dsn())
    store.add([arrival(1)])
    server.stop(how)
    for _ in range(2):
        with pytest.raises(StoreError, match="store reads in store"):
            store.add([arrival(2)])
    server.start()
    assert list(store.add([arrival(1), arrival(2)])) == ["duplicate", "stored"]
    assert [seq for *_, seq in numbers(store)] == [1, 2]
    store.close()


def test_a_line_that_was_cut_is_opened_again(cluster: Cluster) -> None:
    """An administrator ends the connection: one error, then all goes on."""
    dsn = cluster.schema()
    store = PostgresStore(dsn)
    with psycopg.connect(dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'plate-edge'")
    with pytest.raises(StoreError):
        store.add([arrival(1)])
    assert list(store.add([arrival(1)])) == ["stored"]
    store.close()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_may_lose_what_it_committed_is_refused(server: Cluster, setting: str) -> None:
    """The store never starts on a server that is weaker than a receipt promises, and says which setting it is."""
    server.stop()
    server.configure(**{setting: "off"})
    server.start()
    with pytest.raises(StoreError, match=f"{setting} is off"):
        PostgresStore(server.dsn())


def test_a_later_change_of_the_default_does_not_weaken_a_running_store(server: Cluster) -> None:
    """What was found at the start stays in force for the connection."""
    store = PostgresStore(server.dsn())
    with psycopg.connect(server.dsn(), autocommit=True) as other:
        other.execute("ALTER SYSTEM SET synchronous_commit = off")
        other.execute("SELECT pg_reload_conf()")
        while other.execute("SHOW synchronous_commit").fetchone() != ("off",):
            pass
    with store._link.using("look at") as db:
        assert db.execute("SHOW synchronous_commit").fetchone() == ("on",)
    store.close()


LINES = [
    ("a socket", "/run/postgresql", "", "prefer", False, True),
    ("this machine", "localhost", "127.0.0.1", "prefer", False, True),
    ("this machine, IPv6", "::1", "::1", "prefer", False, True),
    ("another machine in clear", "db.example.org", "10.0.0.5", "prefer", False, False),
    ("another machine, unchecked", "db.example.org", "10.0.0.5", "require", True, False),
    ("another machine, checked", "db.example.org", "10.0.0.5", "verify-full", True, True),
    ("checked, and yet in clear", "db.example.org", "10.0.0.5", "verify-full", False, False),
]


@pytest.mark.parametrize(("host", "address", "mode", "encrypted", "fine"), [c[1:] for c in LINES], ids=[c[0] for c in LINES])
def test_plates_cross_a_network_only_over_checked_tls(host: str, address: str, mode: str, encrypted: bool, fine: bool) -> None:
    """To another machine a line must be encrypted and the machine must have proved who it is."""
    if fine:
        check_line(host, address, mode, encrypted)
    else:
        with pytest.raises(StoreError, match="sslmode=verify-full"):
            check_line(host, address, mode, encrypted)


def test_a_password_comes_from_a_file_and_is_in_no_error(server: Cluster, tmp_path: Path) -> None:
    """A role with a password gets in by the file alone; a wrong one and a file that all may read are refused."""
    with psycopg.connect(server.dsn(), autocommit=True) as db:
        db.execute("CREATE ROLE keeper LOGIN PASSWORD 'canary-right'")
        db.execute("GRANT ALL ON SCHEMA public TO keeper")
    (server.data / "pg_hba.conf").write_text("local all keeper scram-sha-256\nlocal all all trust\n")
    server.stop()
    server.start()
    secret = tmp_path / "password"
    secret.write_text("canary-right\n")
    secret.chmod(0o600)
    config = StoreConfig(kind="postgres", dsn=server.dsn().replace("user=plates", "user=keeper"), password=secret)
    store = open_store(config)
    store.add([arrival(1)])
    store.close()
    secret.write_text("canary-wrong\n")
    with pytest.raises(StoreError, match="password") as wrong:
        open_store(config)
    secret.chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600") as readable:
        open_store(config)
    assert "canary" not in str(wrong.value) + str(readable.value)


def test_somebody_elses_database_is_refused(cluster: Cluster) -> None:
    """A store of a version that this program does not know is not touched."""
    dsn = cluster.schema()
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("CREATE TABLE plate_edge_store (version integer NOT NULL)")
        db.execute("INSERT INTO plate_edge_store VALUES (99)")
    with pytest.raises(StoreError, match="not a store of this version"):
        PostgresStore(dsn)


def test_the_server_learns_no_plate_by_heart(cluster: Cluster) -> None:
    """What PostgreSQL gathers to plan queries outlives a dropped partition: it holds nothing of texts and contents."""
    dsn = cluster.schema()
    store = PostgresStore(dsn)
    store.add([arrival(n, text=f"CNRY{n % 10}") for n in range(1, 301)])
    store.close()
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("ANALYZE")
        known = db.execute(
            "SELECT attname FROM pg_stats WHERE schemaname = current_schema() AND tablename ~ '^reads'"
        ).fetchall()
        (held,) = db.execute("SELECT count(*) FROM pg_statistic WHERE pg_statistic::text LIKE '%CNRY%'").fetchone() or (None,)
    assert ("seq",) in known
    assert not {("text",), ("labeled",), ("wire",)} & set(known)
    assert held == 0


def test_a_failing_statement_tells_no_plate(cluster: Cluster) -> None:
    """Neither the error nor the server's log holds what was to be stored, whatever the server says about it."""
    dsn = cluster.schema()
    store = PostgresStore(dsn)
    store.add([arrival(1)])
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("ALTER TABLE reads ADD CONSTRAINT short CHECK (length(text) < 5) NOT VALID")
    with pytest.raises(StoreError) as caught:
        store.add([arrival(2, text="CANARY99")])
    store.close()
    assert "CANARY99" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_it_runs_as_a_plain_role(cluster: Cluster) -> None:
    """The owner of an empty schema suffices; no superuser is needed to store and read."""
    dsn = cluster.schema()
    name = f"plain_{os.getpid()}"
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute(f"CREATE ROLE {name} LOGIN")  # type: ignore[arg-type]
        db.execute(f"GRANT ALL ON SCHEMA {dsn.rsplit('=', 1)[1].rstrip(chr(39))} TO {name}")  # type: ignore[arg-type]
    store = PostgresStore(dsn.replace("user=plates", f"user={name}"))
    assert list(store.add([arrival(1)])) == ["stored"]
    assert len(numbers(store)) == 1
    store.close()
