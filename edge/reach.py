"""Whether the other end of a connection is there, and when to try it again."""

from __future__ import annotations

import contextlib
import random
import socket
import struct

_FIRST_PAUSE_S, _LEAST_PAUSE_S = 4.0, 0.1
_UNHEARD_PAUSE_S = (0.5, 1.5)
_KNOCK_S = 4.0
_STABLE_S = 3.0
# tcp_info of linux/tcp.h: 8 bytes of flags, then 32-bit numbers, of which the 12th is tcpi_last_data_recv, in milliseconds.
_LAST_DATA_RECEIVED = struct.Struct("=8x44xI")


class Patience:
    """How long to wait before the next attempt, after what came of the last one.

    Where somebody answered, be it with a refusal, the wait is anything up to a bound that doubles with every failure: the
    thousand units that a broker lost at one moment come back spread out, and the more so the less it manages.  Where nobody
    answered there is nobody to be spared, and a link that is back shall be used within seconds: a bare knock goes out every few
    seconds, and only where it is heard a connection is tried.
    """

    def __init__(self, most_s: float) -> None:
        """``most_s`` bounds every wait."""
        self._most_s = most_s
        self._failures, self._unheard = 0, True

    @property
    def knocks(self) -> bool:
        """Whether to see first that somebody is there."""
        return self._unheard or self._failures > 0

    def heard(self) -> None:
        """Somebody answered the knock."""
        self._unheard = False

    def unheard(self) -> None:
        """Nobody answered, or has for a while."""
        self._unheard = True

    def failed(self) -> None:
        """Somebody was there, and no connection came about."""
        self._failures += 1

    def lost(self, lasted_s: float) -> None:
        """A connection ended."""
        self._failures = 0 if lasted_s > _STABLE_S else self._failures + 1

    def pause_s(self) -> float:
        """How long to wait now."""
        if self._unheard:
            return min(self._most_s, random.uniform(*_UNHEARD_PAUSE_S))
        return backoff_s(self._failures, self._most_s)


def backoff_s(failures: int, most_s: float) -> float:
    """Anything up to a bound that doubles with each of ``failures``, and is never more than ``most_s``."""
    return random.uniform(_LEAST_PAUSE_S, min(most_s, _FIRST_PAUSE_S * 2.0 ** min(failures, 16)))


def knock(host: str, port: int) -> None:
    """Return if somebody answers at ``host``, be it that nobody listens on ``port``.  Raises OSError if nobody does."""
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection((host, port), timeout=_KNOCK_S).close()


def silent_for_s(sock: socket.socket) -> float:
    """How long ago the last byte came over a TCP connection, as the kernel knows it; 0 where it does not say."""
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA_RECEIVED.size)
    except (OSError, AttributeError):
        return 0.0
    if len(info) < _LAST_DATA_RECEIVED.size:
        return 0.0
    (milliseconds,) = _LAST_DATA_RECEIVED.unpack(info)
    return float(milliseconds) / 1000
