"""The PostgreSQL store where it touches the server."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from edge.build import open_store
from edge.config import StoreConfig
from edge.errors import StoreError
from edge.store.postgres import PostgresStore
from edge.store.postgres_link import check_line
from edge.store.postgres_retention import RETENTION_LOCK
from tests.labeled import START
from tests.postgres import Cluster, needs_postgres
from tests.stores import KEEPER, PICTURES, arrival, canaries, canary, numbers, order, picture, seqs

pytestmark = needs_postgres
DAY = timedelta(days=1)


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
    """The error holds nothing of what was to be stored, although the server quotes the row that it refuses."""
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


def test_nothing_of_a_deleted_read_is_left_in_any_file_of_the_server(server: Cluster) -> None:
    """`grep -a` over heap, indexes, catalogue and write-ahead log, after statistics were gathered and pages were frozen: each
    canary is there before its time, those in pictures too, and none afterwards; a held read is there as long as it is held."""
    server.stop()
    server.configure(wal_recycle="off", full_page_writes="on", autovacuum_naptime="1")
    server.start()
    store = PostgresStore(server.dsn())
    due = {n: START + timedelta(minutes=n * 7 % 3000) for n in range(1, 1201)}
    for at in range(1, 1201, 60):
        store.add([arrival(n, text=canary(n), lives=due[n] - START) for n in range(at, at + 60)])
        for n in range(at + 9, at + 60, 10):
            store.add_picture(picture(n))
            due[PICTURES + n] = due[n]
    with psycopg.connect(server.dsn(), autocommit=True) as db:
        db.execute("CHECKPOINT")
        db.execute("VACUUM (FREEZE, ANALYZE)")
        db.execute("CHECKPOINT")
    assert canaries(server.data) == due.keys()
    store.hold(order(1000, days=5), START, KEEPER)
    held = {1000, PICTURES + 1000}
    for hours in range(0, 61, 12):
        now = START + timedelta(hours=hours)
        event = store.expire(now, KEEPER)
        assert event is None or event.beyond == ()
        found = canaries(server.data)
        assert not [n for n in found if due[n] <= now - timedelta(minutes=30) and n not in held]
        assert not [n for n in due.keys() - found if due[n] > now]
    assert seqs(store) == [1000]
    assert canaries(server.data) == held
    event = store.expire(START + 6 * DAY, KEEPER)
    assert event is not None
    assert event.cleared == ("partitions dropped", "write-ahead log switched, checkpoint done")
    assert canaries(server.data) == set()
    assert canaries(server.folder) == set()
    store.close()


def test_what_a_store_cannot_reach_stands_in_the_statement(server: Cluster) -> None:
    """A server that recycles or archives its log, and a role that may not call CHECKPOINT: deleted, and said what is left."""
    server.stop()
    server.configure(archive_mode="on", archive_command="'true'", wal_keep_size="64MB")
    server.start()
    with psycopg.connect(server.dsn(), autocommit=True) as db:
        db.execute("CREATE ROLE plain LOGIN")
        db.execute("GRANT ALL ON SCHEMA public TO plain")
        db.execute("SELECT pg_create_physical_replication_slot('standby')")
    store = PostgresStore(server.dsn().replace("user=plates", "user=plain"))
    store.add([arrival(1, lives=DAY)])
    event = store.expire(START + 2 * DAY, KEEPER)
    assert event is not None
    assert event.cleared == ("partitions dropped",)
    told = " / ".join(event.beyond)
    for words in ("may not call pg_switch_wal", "wal_recycle is on", "wal_keep_size", "archive", "replication slots"):
        assert words in told
    store.close()


def test_a_busy_table_puts_deletion_off_and_loses_nothing(cluster: Cluster) -> None:
    """Somebody reads the table for hours, such as a backup: the run says so, writers go on, and the next run deletes."""
    dsn = cluster.schema()
    store = PostgresStore(dsn)
    store.add([arrival(1, lives=DAY), arrival(2)])
    with psycopg.connect(dsn) as reader:
        reader.execute("SELECT count(*) FROM reads")
        with pytest.raises(StoreError, match="lock"):
            store.expire(START + 2 * DAY, KEEPER)
        assert list(store.add([arrival(3)])) == ["stored"]
        assert seqs(store) == [1, 2, 3]
    event = store.expire(START + 2 * DAY, KEEPER)
    assert event is not None and event.reads == 1
    assert seqs(store) == [2, 3]
    store.close()


def test_a_store_of_the_version_before_pictures_goes_on(cluster: Cluster) -> None:
    """Tables and partitions are upgraded where they stand: what is stored is there, takes pictures, and is deleted."""
    dsn = cluster.schema()
    store = PostgresStore(dsn)
    store.add([arrival(1), arrival(2)])
    store.close()
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("ALTER TABLE reads DROP crop, DROP frame")
        db.execute("DROP TABLE asked")
        db.execute("UPDATE plate_edge_store SET version = 1")
    store = PostgresStore(dsn)
    assert store.add_picture(picture(1)) == "stored"
    store.ask("pole-7", "e1", 2, START)
    assert seqs(store) == [1, 2]
    store.trust_clock(START + 20 * DAY)
    event = store.expire(START + 20 * DAY, KEEPER)
    assert event is not None and (event.reads, event.pictures) == (2, 1)
    store.close()


def test_while_retention_is_at_work_a_picture_comes_later(cluster: Cluster) -> None:
    """It copies rows, and what was put to one of them meanwhile would be lost; the unit sends it again."""
    dsn = cluster.schema()
    store = PostgresStore(dsn)
    store.add([arrival(1)])
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("SELECT pg_advisory_lock(%s)", (RETENTION_LOCK,))
        assert store.add_picture(picture(1)) == "later"
    while store.add_picture(picture(1)) == "later":  # the server may take a moment to see that the other is gone
        time.sleep(0.01)
    assert store.add_picture(picture(1)) == "duplicate"
    store.close()
