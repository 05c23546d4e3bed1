"""The agency's PostgreSQL is killed again and again, takes no connection, is locked, and its disk is full."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from tests.faults.disk import fill
from tests.faults.rows import Bench, Row
from tests.faults.scene import PATIENCE_S, Scene, drained, wait_for
from tests.postgres import PROGRAMS, Cluster

_DEVICES = ("pole-1", "pole-2", "pole-3", "pole-4")
_PAUSE_S = 0.05
_SMALL_BYTES = 24 << 20


def killed(bench: Bench) -> Row:
    """By turns the server as a whole, at once and without a word, and one of its processes with SIGKILL, upon which it throws
    everybody out and recovers by itself; reads flow all the time."""
    if PROGRAMS is None:
        return bench.answer("SKIPPED", "PostgreSQL is not installed (Debian: postgresql)")
    with ExitStack() as stack:
        cluster = stack.enter_context(_cluster())
        scene = stack.enter_context(Scene(bench.folder / "town", *_DEVICES, dsn=cluster.schema()))
        agency = scene.ingest()
        units = [scene.unit(device, pause_s=_PAUSE_S) for device in _DEVICES]
        wait_for(lambda: scene.witness.receipts > 0, "a first receipt")
        servers = backends = 0
        for n in range(bench.scale.database_kills):
            time.sleep(bench.scale.database_kill_every_s)
            if n % 2:
                backends += _kill_a_backend(cluster)
            else:
                cluster.stop(signal.SIGQUIT)
                cluster.start()
                servers += 1
            seen = scene.witness.receipts
            wait_for(lambda: scene.witness.receipts > seen, "a receipt after the database came back")  # noqa: B023
        still_up = agency.running() and all(unit.running() for unit in units)
        codes = sum(unit.end() for unit in units)
        drained(scene)
        agency.end()
        account = scene.account()
        return bench.row(
            account.right and still_up and codes == 0 and scene.witness.early == 0 and account.committed > 0,
            server_killed=servers,
            backend_killed=backends,
            **account.numbers(),
            batches_refused=scene.counted("store_troubles"),
            receipts_seen=scene.witness.receipts,
            receipts_too_early=scene.witness.early,
        )


def in_trouble(bench: Bench) -> Row:
    """It takes no connection; a table is locked by somebody; the disk of its tables is full.  The agency end waits each time,
    acknowledges nothing meanwhile, and goes on by itself."""
    if PROGRAMS is None:
        return bench.answer("SKIPPED", "PostgreSQL is not installed (Debian: postgresql)")
    with ExitStack() as stack:
        cluster = stack.enter_context(_cluster())
        small = stack.enter_context(_small_disk(cluster))
        scene = stack.enter_context(Scene(bench.folder / "town", *_DEVICES, dsn=cluster.schema()))
        agency = scene.ingest()
        units = [scene.unit(device, pause_s=_PAUSE_S) for device in _DEVICES]
        wait_for(lambda: scene.witness.receipts > 0, "a first receipt")
        began = scene.committed()
        for trouble in (_refusing, _locked, *((_full,) if small else ())):
            with trouble(cluster, small):
                if trouble is not _locked:
                    said = scene.counted("store_troubles")
                    wait_for(lambda: scene.counted("store_troubles") > said, "the agency end says it cannot store")  # noqa: B023
                time.sleep(bench.scale.locked_s / 2)
            seen = scene.witness.receipts
            wait_for(lambda: scene.witness.receipts > seen, "a receipt after it was mended")  # noqa: B023
        meanwhile = scene.committed() - began
        still_up = agency.running() and all(unit.running() for unit in units)
        codes = sum(unit.end() for unit in units)
        drained(scene)
        agency.end()
        account = scene.account()
        return bench.row(
            account.right and still_up and codes == 0 and scene.witness.early == 0,
            "" if small else "its disk was not filled: mounting a small one wants root",
            **account.numbers(),
            committed_meanwhile=meanwhile,
            batches_refused=scene.counted("store_troubles"),
            receipts_too_early=scene.witness.early,
        )


@contextmanager
def _cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    try:
        yield cluster
    finally:
        cluster.remove()


def _kill_a_backend(cluster: Cluster) -> int:
    """SIGKILL to the agency end's own process in the server; how many that were."""
    with psycopg.connect(cluster.dsn(), autocommit=True) as db:
        found = db.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'plate-edge'").fetchall()
    for (pid,) in found[:1]:
        os.kill(pid, signal.SIGKILL)
    return len(found[:1])


@contextmanager
def _refusing(cluster: Cluster, _: Path | None) -> Iterator[None]:
    admin = cluster.dsn().replace("dbname=postgres", "dbname=template1")
    with psycopg.connect(admin, autocommit=True) as db:
        db.execute("ALTER DATABASE postgres ALLOW_CONNECTIONS false")
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres'")
        try:
            yield
        finally:
            db.execute("ALTER DATABASE postgres ALLOW_CONNECTIONS true")


@contextmanager
def _locked(cluster: Cluster, _: Path | None) -> Iterator[None]:
    with psycopg.connect(cluster.dsn()) as db:
        (schema,) = db.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'epochs'").fetchone() or ("",)
        db.execute(f"LOCK TABLE {schema}.epochs, {schema}.slots IN ACCESS EXCLUSIVE MODE".encode())
        yield


@contextmanager
def _full(_: Cluster, small: Path | None) -> Iterator[None]:
    assert small is not None
    filled = fill(small / "filler")
    try:
        yield
    finally:
        filled.unlink()


@contextmanager
def _small_disk(cluster: Cluster) -> Iterator[Path | None]:
    """A disk of its own for the tables, not for the server's log; None where this account may not mount one."""
    owner = cluster.data.stat()
    folder = cluster.folder / "small"
    folder.mkdir()
    options = f"size={_SMALL_BYTES},mode=700,uid={owner.st_uid},gid={owner.st_gid}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        yield None
        return
    try:
        with psycopg.connect(cluster.dsn(), autocommit=True) as db:
            db.execute(f"CREATE TABLESPACE small LOCATION '{folder}'".encode())
            db.execute("ALTER ROLE plates SET default_tablespace = 'small'")
        yield folder
    finally:
        cluster.stop(signal.SIGQUIT)
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=PATIENCE_S)
