"""The disk and the clock under a process of ours: compiles ``shadow.c`` and speaks to it."""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Literal

SOURCE = Path(__file__).with_name("shadow.c")
COMPILER = shutil.which("gcc") or shutil.which("cc")
_NUMBERS = ("clock_s", "write_errno", "write_skip", "write_fails", "sync_errno", "sync_skip", "sync_fails", "writes", "syncs")


def missing() -> str | None:
    """Why there can be no such library here, or None."""
    return None if COMPILER and os.uname().sysname == "Linux" else "no C compiler (gcc or cc) on this machine"


def compiled(folder: Path) -> Path:
    """The library, made in ``folder`` unless it is there."""
    library = folder / "shadow.so"
    if not library.exists():
        assert COMPILER is not None
        made = library.with_suffix(f".{os.getpid()}")
        subprocess.run([COMPILER, "-O1", "-Wall", "-shared", "-fPIC", "-o", made, SOURCE, "-ldl"], check=True, timeout=120)
        made.rename(library)
    return library


class Control:
    """The numbers that ``shadow.c`` shares with us, in force at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            path.write_bytes(bytes(8 * len(_NUMBERS)))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 0)

    def move_clock(self, seconds: float) -> None:
        """From now on the wall clock goes so much before (or after) the true one."""
        self._set("clock_s", int(seconds))

    def fail(self, what: Literal["write", "sync"], *, skip: int = 0, times: int = -1) -> None:
        """After ``skip`` more calls let so many fail, without end if negative: writes with ENOSPC, syncs with EIO."""
        self._set(f"{what}_skip", skip)
        self._set(f"{what}_fails", times)
        self._set(f"{what}_errno", errno.ENOSPC if what == "write" else errno.EIO)

    def mend(self) -> None:
        """Nothing fails any more."""
        self._set("write_errno", 0)
        self._set("sync_errno", 0)

    def seen(self, what: Literal["writes", "syncs"]) -> int:
        """How many such calls there were."""
        (number,) = struct.unpack_from("=q", self._shared, 8 * _NUMBERS.index(what))
        return int(number)

    def close(self) -> None:
        self._shared.close()

    def _set(self, name: str, number: int) -> None:
        struct.pack_into("=q", self._shared, 8 * _NUMBERS.index(name), number)


def environment(library: Path, root: Path, *, log: Path | None = None, control: Control | None = None) -> dict[str, str]:
    """What a child process must be started with; ``root`` is the folder whose files are watched."""
    added = {"LD_PRELOAD": str(library), "SHADOW_ROOT": str(root.resolve())}
    if log is not None:
        added["SHADOW_LOG"] = str(log)
    if control is not None:
        added["SHADOW_CONTROL"] = str(control.path)
    return {**os.environ, **added}
