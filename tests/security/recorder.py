"""A wire-tap: a plain TCP relay that keeps every byte of both directions in a file, as whoever owns the network could."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path


class Recorder:
    """Relays ``port`` (free, loopback) to ``target``; a connection that cannot be made is closed again."""

    def __init__(self, target: int, file: Path) -> None:
        self._target, self._file, self._lock = target, file.open("ab"), threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.recorded = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more."""
        self._listener.close()
        with self._lock:
            self._file.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                try:
                    there = socket.create_connection(("127.0.0.1", self._target), timeout=5)
                except OSError:
                    here.close()
                    continue
                there.settimeout(None)
                for source, sink in ((here, there), (there, here)):
                    threading.Thread(target=self._relay, args=(source, sink), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := source.recv(1 << 16):
                with self._lock:
                    self._file.write(data)
                    self.recorded += len(data)
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class RefusingCamera:
    """A network camera that asks everybody for a password and believes nobody, on a free ``port``."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.asked = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, client.makefile("rb") as lines:
            number = b"0"
            for line in lines:
                if line.lower().startswith(b"cseq:"):
                    number = line.split(b":")[1].strip()
                if line == b"\r\n":
                    self.asked += 1
                    realm = b'WWW-Authenticate: Basic realm="camera"\r\n\r\n'
                    client.sendall(b"RTSP/1.0 401 Unauthorized\r\nCSeq: " + number + b"\r\n" + realm)
