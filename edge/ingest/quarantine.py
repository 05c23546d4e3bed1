"""Refused messages on disk: JSON lines in two files that take turns, so that a flood of them fills neither disk nor day."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec

from edge.errors import StoreError
from edge.ingest.interface import Refused

_ENCODER = msgspec.json.Encoder()
_KEPT_WIRE_BYTES = 64 * 1024


class QuarantineFile:
    """See :class:`edge.ingest.interface.Quarantine`.  Holds at most twice ``limit_bytes``, the newest."""

    def __init__(self, path: Path, limit_bytes: int = 8 << 20) -> None:
        self._path, self._limit_bytes = path, limit_bytes
        self._lock = threading.Lock()

    def keep(self, refused: Refused) -> None:
        """Keep one; the oldest make room.  Raises StoreError if it cannot be written."""
        cut = msgspec.structs.replace(refused, wire=refused.wire[:_KEPT_WIRE_BYTES], topic=refused.topic[:256])
        line = _ENCODER.encode(cut) + b"\n"
        try:
            with self._lock:
                self._append(line)
        except OSError as error:
            raise StoreError(f"keep refused message in {self._path}: {error.strerror}; look at its disk") from error

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size + len(line) > self._limit_bytes:
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        handle = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write(line)
