"""One process at a time in a store of files: held for the length of one call, not for the life of a process, so that a clerk's
command can work beside the agency end.

SQLite before 3.51.3 can damage a file that two connections write or checkpoint at the same moment; and a file that one process
deletes must not be one that another is about to write.  Behind this lock neither can happen.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

_PAUSE_S = 0.005


class FolderLock:
    """An advisory lock on a file of its own, which holds nothing.  Ends with its process, however that ends."""

    def __init__(self, path: Path) -> None:
        """Raises OSError if the file cannot be made."""
        self._file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)

    @contextlib.contextmanager
    def held(self, timeout_s: float) -> Iterator[None]:
        """Raises TimeoutError if somebody else holds it for longer than ``timeout_s``."""
        until_s = time.monotonic() + timeout_s
        while not self._take():
            if time.monotonic() > until_s:
                raise TimeoutError(f"another process has kept it busy for {timeout_s:.0f} s")
            time.sleep(_PAUSE_S)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)

    def _take(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
