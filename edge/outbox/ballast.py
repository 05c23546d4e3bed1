"""Room on the disk that is ours before it is needed: receipts must prune when somebody else has filled the rest."""

from __future__ import annotations

import os
from pathlib import Path

from edge.errors import OutboxError


def reserve(path: Path, size: int) -> None:
    """Give the file at ``path`` at least ``size`` bytes on the disk.  Raises OutboxError if there is no room for them."""
    try:
        file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            os.posix_fallocate(file, 0, size)
        finally:
            os.close(file)
    except OSError as error:
        raise OutboxError(f"reserve {size} bytes in {path}: {error.strerror}; make room on its disk") from error


class Ballast:
    """A file that holds nothing, to be thrown overboard."""

    def __init__(self, path: Path, size: int) -> None:
        self._path, self._size = path, size
        self._there = False

    def take(self) -> None:
        """Take it in, unless it is there.  Raises OutboxError if there is no room for it."""
        if not self._there:
            reserve(self._path, self._size)
            self._there = True

    def throw(self) -> bool:
        """Make room; whether there was any to make."""
        try:
            self._path.unlink()
        except OSError:
            return False
        self._there = False
        return True
