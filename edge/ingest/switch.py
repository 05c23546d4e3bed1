"""One connection to the broker, several workers behind it, each a process: for an agency that one core is too slow for.

A device belongs to a bucket, by its topic, and a bucket to one worker, so that nobody else touches a device's chain at the same
time and its reads are stored in the order in which they came.  What a worker has committed it says so, and only then is the
broker told.  If a worker ends, all end: the service starts again, and the broker delivers again what was not acknowledged.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Protocol

import msgspec
from msgspec import Struct

from edge import mqtt
from edge.errors import ConfigError, PlateEdgeError, StoreError
from edge.ingest.interface import Delivery, LinkChange, Mailbox
from edge.ingest.worker import note_link
from edge.journal import Journal

_FORK = multiprocessing.get_context("fork")
_WAIT_S = 0.5
_AT_ONCE = 256
_END_S = 30.0
# A receipt that could not be posted; more than the units of a state, and each costs a duplicate at most.
_RECEIPTS_AT_MOST = 10_000

_deliveries = msgspec.msgpack.Decoder(list[Delivery])
_encoder = msgspec.msgpack.Encoder()


class Ready(Struct, frozen=True, tag=True):
    """A worker's first word: it is ready, or ``why`` it cannot be."""

    why: str = ""


class Done(Struct, frozen=True, tag=True):
    """These messages are safe, or refused for good."""

    tokens: list[int]


class Post(Struct, frozen=True, tag=True):
    """A receipt that is to be posted, or a request for pictures."""

    device: str
    wire: bytes
    request: bool = False


_said: msgspec.msgpack.Decoder[Ready | Done | Post] = msgspec.msgpack.Decoder(Ready | Done | Post)


class Running(Protocol):
    """A worker, as far as this file goes."""

    def run(self, stop: threading.Event) -> None:
        """Take and store until ``stop`` is set."""
        ...


class PipeMailbox:
    """A worker's end of the pipe; see :class:`edge.ingest.interface.Mailbox`.  ``ended`` is set when the other end is gone."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._sending = pipe, threading.Lock()
        self._arrived: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self.ended = threading.Event()

    def start(self) -> None:
        """Begin to take; returns at once.  What comes is taken also while the store is in trouble: there is never more of it
        than the broker hands out unacknowledged."""
        threading.Thread(target=self._take, name="pipe", daemon=True).start()

    def next_event(self, timeout_s: float) -> Delivery | LinkChange | None:
        """The next message, or None if there was none within ``timeout_s``."""
        try:
            return self._arrived.get(timeout=timeout_s) if timeout_s > 0 else self._arrived.get_nowait()
        except queue.Empty:
            return None

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Say that these are safe."""
        self.say(Done([delivery.token for delivery in deliveries]))

    def post_receipt(self, device: str, wire: bytes) -> bool:
        """Hand over a receipt; the other end keeps it until it can go."""
        self.say(Post(device, wire))
        return True

    def post_request(self, device: str, wire: bytes) -> bool:
        """Hand over a request for pictures; the other end posts it if it can go."""
        self.say(Post(device, wire, request=True))
        return True

    def say(self, word: Ready | Done | Post) -> None:
        """Tell the other end; if there is none any more, everything is said in vain."""
        with self._sending, contextlib.suppress(OSError):
            self._pipe.send_bytes(_encoder.encode(word))

    def close(self) -> None:
        """Nothing: the process ends."""

    def _take(self) -> None:
        with contextlib.suppress(OSError, EOFError):
            while words := self._pipe.recv_bytes():
                for delivery in _deliveries.decode(words):
                    self._arrived.put(delivery)
        self.ended.set()


class Switch:
    """See the module's words.  The processes are started at once; :meth:`run` is called by one thread."""

    def __init__(self, mailbox: Mailbox, worker: Callable[[Mailbox], Running], workers: int, journal: Journal) -> None:
        """``worker`` is called in each of the ``workers`` new processes.  Raises ConfigError with what one of them could not
        get.  To be called before this process starts any thread."""
        self._mailbox, self._journal = mailbox, journal
        self._unposted: deque[Post] = deque(maxlen=_RECEIPTS_AT_MOST)
        self._acknowledging, self._posting = threading.Lock(), threading.Lock()
        self._failed = threading.Event()
        ours: list[Connection] = []
        self._processes = []
        for _ in range(workers):
            here, there = _FORK.Pipe()
            ours.append(here)
            process = _FORK.Process(target=_work, args=(there, tuple(ours), worker), daemon=True)
            process.start()
            there.close()
            self._processes.append(process)
        self._pipes = ours
        for pipe in ours:
            first = _hear(pipe)
            if not isinstance(first, Ready) or first.why:
                self._end()
                raise ConfigError(first.why if isinstance(first, Ready) else "start a worker: it ended at once; see the log")

    def run(self, stop: threading.Event) -> None:
        """Pass on until ``stop`` is set.  Raises StoreError if a worker ended by itself."""
        listeners = [threading.Thread(target=self._listen, args=(pipe,), name="worker", daemon=True) for pipe in self._pipes]
        for thread in listeners:
            thread.start()
        self._mailbox.start()
        try:
            while not stop.is_set() and not self._failed.is_set():
                self._turn()
        finally:
            failed = self._failed.is_set()
            self._end()
            for thread in listeners:
                thread.join(_END_S)
            self._mailbox.close()
        if failed:
            raise StoreError("run the agency end: one of its workers ended by itself; see the log")

    def _turn(self) -> None:
        """Pass on what has arrived by now."""
        shares: dict[int, list[Delivery]] = {}
        for event in self._arrived():
            if isinstance(event, LinkChange):
                note_link(self._journal, event)
            else:
                shares.setdefault(self._whose(event), []).append(event)
        for at, deliveries in shares.items():
            with contextlib.suppress(OSError):  # its listener notices that it has ended
                self._pipes[at].send_bytes(_encoder.encode(deliveries))
        self._post()

    def _arrived(self) -> Iterator[Delivery | LinkChange]:
        wait_s = _WAIT_S
        for _ in range(_AT_ONCE):
            event = self._mailbox.next_event(wait_s)
            if event is None:
                return
            yield event
            wait_s = 0.0

    def _whose(self, delivery: Delivery) -> int:
        return 0 if delivery.device is None else int(mqtt.bucket(delivery.device)) % len(self._pipes)

    def _listen(self, pipe: Connection) -> None:
        while (said := _hear(pipe)) is not None:
            if isinstance(said, Done):
                safe = [Delivery(device=None, topic="", wire=b"", token=token) for token in said.tokens]
                with self._acknowledging:
                    self._mailbox.acknowledge(safe)
            elif isinstance(said, Post) and said.request:
                self._mailbox.post_request(said.device, said.wire)
            elif isinstance(said, Post):
                self._unposted.append(said)
                self._post()
        self._failed.set()

    def _post(self) -> None:
        """Post receipts until one cannot go now."""
        with self._posting:
            while self._unposted and self._mailbox.post_receipt(self._unposted[0].device, self._unposted[0].wire):
                self._unposted.popleft()

    def _end(self) -> None:
        """Let the workers finish what they are at, and wait for them; their last words are still heard."""
        for pipe in self._pipes:
            with contextlib.suppress(OSError):
                pipe.send_bytes(b"")
        for process in self._processes:
            process.join(_END_S)
            if process.is_alive():
                process.kill()


def _hear(pipe: Connection) -> Ready | Done | Post | None:
    """The next word of a worker, None if it has ended."""
    try:
        return _said.decode(pipe.recv_bytes())
    except (OSError, EOFError, msgspec.DecodeError):
        return None


def _work(pipe: Connection, others: Sequence[Connection], worker: Callable[[Mailbox], Running]) -> None:
    """The whole life of a worker's process: it ends when the other end says so, or is gone."""
    for other in others:
        other.close()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    mailbox = PipeMailbox(pipe)
    try:
        running = worker(mailbox)
    except PlateEdgeError as error:
        mailbox.say(Ready(str(error)))
        return
    mailbox.say(Ready())
    running.run(mailbox.ended)
