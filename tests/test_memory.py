"""Memory of units that must forget."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge import memory

SAYS = "WORDTHATISFORGOTTEN"
PROGRAM = f"""
import sys
words = ["".join(chr(ord(c) - 1) for c in "{"".join(chr(ord(c) + 1) for c in SAYS)}") + str(n) for n in range(2000)]
print("held", flush=True); sys.stdin.readline()
del words
print("freed", flush=True); sys.stdin.readline()
"""


def occurrences(pid: int, word: bytes) -> int:
    """How often ``word`` stands in the writable memory of a process."""
    found = 0
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as everything:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if match and "[v" not in line:
                everything.seek(int(match[1], 16))
                try:
                    found += everything.read(int(match[2], 16) - int(match[1], 16)).count(word)
                except OSError:
                    continue
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_is_freed_is_overwritten() -> None:
    """2,000 texts are in memory while they are held and not one of them once they are forgotten."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **memory.SETTINGS},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        try:
            held = occurrences(process.pid, SAYS.encode())
        except PermissionError:
            pytest.skip("this user may not read another process's memory")
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "freed\n"
        assert held >= 2000
        assert occurrences(process.pid, SAYS.encode()) == 0
    finally:
        process.kill()
        process.wait()
