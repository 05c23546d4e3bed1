"""A TCP proxy that misbehaves as told: one for every link that is to be disturbed, all in one thread."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable
from typing import Literal

from tests.mosquitto import free_port

Direction = Literal["up", "down"]
"""``up``: from the client to the broker."""

_CHUNK = 4096


class Proxies:
    """The thread and its loop.  Everything that is asked of a proxy is done there."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def proxy(self, target: int) -> Proxy:
        """A new proxy in front of the broker's port ``target``."""
        return self.call(lambda: Proxy(target))

    def call(self, make: Callable[[], Proxy]) -> Proxy:
        async def begin() -> Proxy:
            proxy = make()
            await proxy.listen()
            return proxy

        return asyncio.run_coroutine_threadsafe(begin(), self.loop).result(30)

    def close(self) -> None:
        """End the thread and with it every connection."""

        async def end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Proxy:
    """One link.  ``port`` is where the client connects.  May be told things from any thread."""

    def __init__(self, target: int) -> None:
        self.port, self._target = free_port(), target
        self.carried = 0
        self._open: dict[Direction, asyncio.Event] = {"up": asyncio.Event(), "down": asyncio.Event()}
        for gate in self._open.values():
            gate.set()
        self._bytes_per_s = 0.0
        self._until_reset: int | None = None
        self._pairs: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self._loop = asyncio.get_running_loop()

    async def listen(self) -> None:
        """Begin to take connections."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    def hold(self, *directions: Direction) -> None:
        """Nothing comes through any more, new connections are taken and hear nothing; nobody is told."""
        self._tell(lambda: [self._open[each].clear() for each in directions])

    def pass_on(self) -> None:
        """Everything comes through again, what was held back first."""

        def pass_on() -> None:
            self._bytes_per_s = 0.0
            for gate in self._open.values():
                gate.set()

        self._tell(pass_on)

    def slow(self, bytes_per_s: float) -> None:
        """No more than so much in each direction."""
        self._tell(lambda: setattr(self, "_bytes_per_s", bytes_per_s))

    def reset(self, after_bytes: int = 0) -> None:
        """Break every connection with a TCP reset, after so many more bytes: in the middle of a packet."""

        def reset() -> None:
            self._until_reset = after_bytes
            if not after_bytes:
                self._break()

        self._tell(reset)

    def half_close(self, towards: Literal["client", "broker"]) -> None:
        """Tell one side that nothing more will come, and go on carrying in the other direction."""

        def half_close() -> None:
            for client, broker in self._pairs:
                with contextlib.suppress(OSError, RuntimeError):
                    (client if towards == "client" else broker).write_eof()

        self._tell(half_close)

    def _tell(self, what: Callable[[], object]) -> None:
        done = threading.Event()

        def do() -> None:
            what()
            done.set()

        self._loop.call_soon_threadsafe(do)
        assert done.wait(30)

    async def _connected(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            # In a partition not even the connection to the broker comes about.
            await self._open["up"].wait()
            back, broker = await asyncio.open_connection("127.0.0.1", self._target)
        except (OSError, asyncio.CancelledError):
            client.close()
            return
        pair = (client, broker)
        self._pairs.append(pair)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(self._carry(reader, broker, "up"), self._carry(back, client, "down"))
        finally:
            if pair in self._pairs:
                self._pairs.remove(pair)
            for writer in pair:
                writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            while data := await reader.read(1 if self._bytes_per_s else _CHUNK):
                await self._open[direction].wait()
                if self._bytes_per_s:
                    await asyncio.sleep(len(data) / self._bytes_per_s)
                if self._until_reset is not None and len(data) >= self._until_reset:
                    writer.write(data[: self._until_reset])
                    await writer.drain()
                    self._break()
                    return
                if self._until_reset is not None:
                    self._until_reset -= len(data)
                writer.write(data)
                self.carried += len(data)
                await writer.drain()
            await self._open[direction].wait()
            writer.write_eof()

    def _break(self) -> None:
        self._until_reset = None
        for writer in (writer for pair in self._pairs for writer in pair):
            sock = writer.get_extra_info("socket")
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        self._pairs.clear()


def misbehave(proxy: Proxy, chance: random.Random, pause: Callable[[float], object], longest_s: float) -> str:
    """One random partition of 0.1 s up to ``longest_s``, long ones as rare as short ones; returns its kind."""
    kind = chance.choice(("black hole", "one way", "reset", "half-close", "cut off"))
    length_s = min(longest_s, 0.1 * (longest_s / 0.1) ** chance.random())
    if kind == "black hole":
        proxy.hold("up", "down")
        pause(length_s)
        proxy.pass_on()
    elif kind == "one way":
        proxy.hold("down")
        pause(length_s)
        proxy.pass_on()
    elif kind == "reset":
        proxy.reset(after_bytes=chance.randint(1, 3000))
        pause(length_s)
    elif kind == "half-close":
        proxy.half_close(chance.choice(("client", "broker")))
        pause(length_s)
    else:  # a partition after which nobody remembers the connections
        proxy.hold("up", "down")
        pause(length_s)
        proxy.reset()
        proxy.pass_on()
    return kind
