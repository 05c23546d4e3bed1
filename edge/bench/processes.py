"""Programs that a benchmark starts, and what Linux says of them: CPU time, memory, threads, open files."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from edge.errors import ConfigError

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_END_S = 30.0


class Footprint(Struct, frozen=True, kw_only=True):
    """What a process and its children hold.  ``pss_bytes`` counts a page that several processes share in parts, so it also
    changes when others start or end; ``own_bytes`` is what they themselves wrote to and share with nobody."""

    pss_bytes: int
    own_bytes: int
    threads: int
    files: int


@contextlib.contextmanager
def running(command: Sequence[str], log: Path, **account: int | Sequence[int]) -> Iterator[subprocess.Popen[bytes]]:
    """A program that writes to ``log`` and is asked to end, and made to, when the block ends."""
    with log.open("ab") as out:
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **account)  # type: ignore[call-overload]
    try:
        yield program
    finally:
        program.terminate()
        try:
            program.wait(_END_S)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def last_line(log: Path) -> str:
    """What a program said last."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def tree(pid: int) -> list[int]:
    """``pid`` and everything that it started, as far as it still runs."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += tree(int(child))
    return found


def cpu_s(pid: int) -> float:
    """CPU seconds, user and system, of ``pid`` and of everything that it started, ended children that it waited for included.

    Raises ConfigError if there is no such process."""
    total = 0
    for each in tree(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError as error:
            if each == pid:
                raise ConfigError("measure a process: it has ended; see its log") from error
            continue
        total += sum(int(fields[at]) for at in (11, 12, 13, 14))
    return total / _TICKS_PER_S


def footprint(pid: int) -> Footprint:
    """What ``pid`` and everything that it started hold now.  Raises ConfigError if there is no such process."""
    pss = own = threads = files = 0
    for each in tree(pid):
        try:
            rollup = _table(Path(f"/proc/{each}/smaps_rollup").read_text())
            threads += int(_table(Path(f"/proc/{each}/status").read_text())["Threads"])
            files += sum(1 for _ in Path(f"/proc/{each}/fd").iterdir())
        except OSError as error:
            if each == pid:
                raise ConfigError("measure a process: it has ended; see its log") from error
            continue
        pss += int(rollup["Pss"].split()[0]) * 1024
        own += int(rollup["Private_Dirty"].split()[0]) * 1024
    return Footprint(pss_bytes=pss, own_bytes=own, threads=threads, files=files)


def _table(text: str) -> Mapping[str, str]:
    lines = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in lines}
