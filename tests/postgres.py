"""A real PostgreSQL in a folder of its own, on a Unix socket that nobody else can reach."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

OLDEST = 15
START_TIMEOUT_S = 120.0


def find_programs() -> Path | None:
    """The folder with initdb and postgres: on the path, else the newest that Debian has installed."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted((p for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")), key=lambda p: int(p.parts[-3]))
    return versions[-1].parent if versions and int(versions[-1].parts[-3]) >= OLDEST else None


PROGRAMS = find_programs()
needs_postgres = pytest.mark.skipif(PROGRAMS is None, reason="PostgreSQL is not installed (Debian: postgresql)")


class Cluster:
    """Started, stopped and killed at will.  ``data`` is its folder, ``log`` what it said."""

    def __init__(self) -> None:
        if PROGRAMS is None:
            pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
        self._programs = PROGRAMS
        # Not below pytest's folder, which is root's alone where root runs the tests: PostgreSQL refuses to run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="plate-edge-pg-", dir="/tmp"))
        self.data, self.log = self.folder / "data", self.folder / "server.log"
        self._owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self._owner is not None:
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        self._schemas = 0
        made = [str(PROGRAMS / "initdb"), "-D", str(self.data), "-U", "plates", "--auth=trust", "-E", "UTF8", "--no-sync"]
        made += ["--locale=C.UTF-8"]
        with self.log.open("ab") as log:
            subprocess.run(made, check=True, stdout=log, stderr=log, cwd=self.folder, **self._account())
        self.configure(
            listen_addresses="''", unix_socket_directories=f"'{self.folder}'", shared_buffers="16MB", max_connections="40"
        )
        self.start()

    def configure(self, **settings: str) -> None:
        """Add settings, as they stand in postgresql.conf; heeded at the next start or reload."""
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self.data)], stdout=log, stderr=log, **self._account()
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                psycopg.connect(self.dsn(), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None and time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)

    def reload(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """``SIGINT``: at once, in good order.  ``SIGQUIT``: at once, as after a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_TIMEOUT_S)
            self._process = None

    def schema(self) -> str:
        """The dsn of a new, empty schema."""
        self._schemas += 1
        with psycopg.connect(self.dsn(), autocommit=True) as db:
            db.execute(f"CREATE SCHEMA plates{self._schemas}")  # type: ignore[arg-type]
        return f"{self.dsn()} options='-c search_path=plates{self._schemas}'"

    def dsn(self) -> str:
        return f"host={self.folder} dbname=postgres user=plates"

    def remove(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def _account(self) -> dict[str, object]:
        if self._owner is None:
            return {}
        return {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}
