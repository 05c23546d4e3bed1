"""The files of pictures beside an outbox, each named by the SHA-256 of what is in it.  Everything in them is sealed.

A file is on the medium, and its name in the folder, before a row of the outbox names it; and no file goes before the row that
named it is gone for good.  What a power cut leaves between the two is a file that nobody names, and the next start removes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from edge.errors import OutboxError
from edge.records import SealedPicture

_BLOCK_BYTES = 4096
_UNFINISHED = ".new"


#: What is added to an outbox's name to get that of its pictures' folder.
SUFFIX = ".pictures"


def pictures_folder(outbox: Path) -> Path:
    """Where the pictures of an outbox lie."""
    return outbox.with_name(outbox.name + SUFFIX)


def on_disk(size: int) -> int:
    """How many bytes of the disk a file of ``size`` bytes takes."""
    return -(-size // _BLOCK_BYTES) * _BLOCK_BYTES


class PictureFiles:
    """One folder.  The caller keeps others out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, pictures: Iterable[SealedPicture]) -> None:
        """Put all of ``pictures`` on the medium, or none.  Raises OSError."""
        wanted, written = list(pictures), list[bytes]()
        if not wanted:
            return
        try:
            self._make()
            for picture in wanted:
                written.append(picture.sha256)
                self._write(self._path(picture.sha256), picture.sealed)
            self._sync()
        except OSError:
            self.remove(written)
            raise

    def read(self, sha256: bytes) -> bytes | None:
        """What is in a file; None if it is gone or is not what its name says."""
        try:
            data = self._path(sha256).read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).digest() == sha256 else None

    def remove(self, names: Iterable[bytes]) -> None:
        """Remove files that nobody names any more; one that cannot be removed now is removed at the next start."""
        for name in names:
            for path in (self._path(name), self._path(name).with_suffix(_UNFINISHED)):
                with contextlib.suppress(OSError):
                    path.unlink()

    def keep_only(self, names: Collection[bytes]) -> int:
        """Remove every file that is none of ``names``, what a power cut has left; how many there were.  Raises OutboxError."""
        known, gone = {name.hex() for name in names}, 0
        try:
            for path in self._folder.iterdir() if self._folder.exists() else ():
                if path.name not in known:
                    path.unlink()
                    gone += 1
        except OSError as error:
            raise OutboxError(f"look through pictures in {self._folder}: {error.strerror}; look at its owner") from error
        return gone

    def _path(self, sha256: bytes) -> Path:
        return self._folder / sha256.hex()

    def _make(self) -> None:
        if not self._folder.exists():
            self._folder.mkdir(mode=0o700)
            _sync_folder(self._folder.parent)

    def _write(self, path: Path, data: bytes) -> None:
        fresh = path.with_suffix(_UNFINISHED)
        handle = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)

    def _sync(self) -> None:
        _sync_folder(self._folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
