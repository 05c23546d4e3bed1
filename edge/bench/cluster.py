"""A PostgreSQL of one's own for a benchmark: Debian's programs, their defaults, on a Unix socket that nobody else can reach."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from edge.bench.processes import last_line, running
from edge.errors import ConfigError

_START_TIMEOUT_S = 120.0


@contextlib.contextmanager
def cluster() -> Iterator[tuple[str, int]]:
    """Its dsn and the process id of its first process.  Raises ConfigError naming the cure."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="plate-edge-pg-"))
    try:
        account = _account(folder)
        data, log = folder / "data", folder / "server.log"
        made = [str(programs / "initdb"), "-D", str(data), "-U", "plates", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"]
        found = subprocess.run(made, capture_output=True, check=False, cwd=folder, **account)  # type: ignore[call-overload]
        if found.returncode != 0:
            raise ConfigError(f"make a PostgreSQL for the benchmark: {found.stderr.decode(errors='replace').strip()[-300:]}")
        with (data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"listen_addresses = ''\nunix_socket_directories = '{folder}'\n")
        with running([str(programs / "postgres"), "-D", str(data)], log, **account) as server:
            until_s = time.monotonic() + _START_TIMEOUT_S
            while not (folder / ".s.PGSQL.5432").exists() or "ready to accept" not in log.read_text():
                if server.poll() is not None or time.monotonic() > until_s:
                    raise ConfigError(f"start a PostgreSQL for the benchmark: {last_line(log)}")
                time.sleep(0.05)
            yield f"host={folder} dbname=postgres user=plates", server.pid
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """The folder with initdb and postgres: on the path, else the newest that Debian has installed."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise ConfigError("make a PostgreSQL for the benchmark: it is not installed; on Debian: apt-get install postgresql")
    return versions[-1].parent


def _account(folder: Path) -> Mapping[str, int | list[int]]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
