"""Which files were written under some folders, told by the kernel (inotify(7))."""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

IN_MODIFY, IN_CLOSE_WRITE, IN_MOVED_TO, IN_CREATE, IN_ISDIR = 0x2, 0x8, 0x80, 0x100, 0x40000000
_EVENT = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


class FileWatch:
    """Watches folders, and those that are made in them, from now on."""

    def __init__(self, *folders: Path) -> None:
        self._fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self._fd >= 0, os.strerror(ctypes.get_errno())
        self._watched: dict[int, Path] = {}
        self.written: set[Path] = set()
        for folder in folders:
            self._add(folder)

    def look(self) -> None:
        """Take in what happened since the last look; look often enough, the kernel keeps 16,384 events."""
        while True:
            try:
                data = os.read(self._fd, 1 << 20)
            except BlockingIOError:
                return
            offset = 0
            while offset < len(data):
                watch, mask, _, size = _EVENT.unpack_from(data, offset)
                name = data[offset + _EVENT.size : offset + _EVENT.size + size].rstrip(b"\0").decode()
                offset += _EVENT.size + size
                assert watch != -1, "events were lost: look more often"
                path = self._watched[watch] / name
                if mask & IN_ISDIR:
                    self._add(path)
                else:
                    self.written.add(path)

    def close(self) -> None:
        """Watch no more."""
        os.close(self._fd)

    def _add(self, folder: Path) -> None:
        mask = IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE
        watch = _libc.inotify_add_watch(self._fd, os.fsencode(folder), mask)
        if watch >= 0:
            self._watched[watch] = folder
            for inner in folder.iterdir():
                if inner.is_dir() and not inner.is_symlink():
                    self._add(inner)
                else:
                    self.written.discard(inner)
