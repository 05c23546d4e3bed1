"""Memory that leaves no trace: no core of it, and what is freed is overwritten, for packs that give a unit minutes to forget.

A text that nobody refers to any more still stands in the process's memory until something else is written there.  glibc can
overwrite every block the moment it is freed (tunable ``glibc.malloc.perturb``, manual section 39.2); blocks that the thread
cache keeps are not reached, so the cache is switched off, and Python is told to leave its own pools (``PYTHONMALLOC``).
Both must be set before the program starts, so the program starts itself again with them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import sys

from edge.errors import PolicyError

_M_ARENA_MAX = -8  # malloc.h
_TUNABLES = "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0"
#: The environment that asks for it.
SETTINGS = {"GLIBC_TUNABLES": _TUNABLES, "PYTHONMALLOC": "malloc"}


_PR_SET_DUMPABLE = 4  # prctl(2)


def write_no_core() -> None:
    """Let a crash leave no file of this process's memory, where plates and pictures stand in clear; its children inherit it."""
    with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it, and forbids cores itself
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def be_closed_to_others() -> None:
    """``write_no_core``, also where cores go to a program, which core(5) lets ignore the limit; and no other process of this
    account may look into this one's memory or files under /proc."""
    write_no_core()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


class StartAgain(PolicyError):
    """A pack gives this unit minutes to forget, which it can do from its start on only."""


def check_forgets() -> None:
    """Raises StartAgain if this process was not started so that freed memory is overwritten."""
    if not _overwrites_what_it_frees():
        raise StartAgain("obey pack: it gives this unit minutes to forget, which it can from its start on only: start it again")


def _overwrites_what_it_frees() -> bool:
    return all(os.environ.get(name) == value for name, value in SETTINGS.items())


def few_heaps() -> None:
    """Let all threads share two heaps of glibc instead of having one each, of which none gives back what another could use
    (``mallopt``, ``M_ARENA_MAX``): a thread a camera made memory grow with their number.  Before threads are started."""
    with contextlib.suppress(AttributeError):  # another C library has no such thing, and no such habit
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def overwrite_what_is_freed() -> None:
    """Start this very command again with such memory, in the same process; does nothing where it was started so already.

    Call it before threads are started and files are opened.
    """
    if not _overwrites_what_it_frees():
        command = [sys.executable, "-m", "edge", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **SETTINGS})  # noqa: S606  this very program again
