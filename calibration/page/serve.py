"""The server's life: bound to the address given, shown on the terminal, off by itself when the hour is over."""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
import time
from collections.abc import Callable

import uvicorn
from msgspec import Struct

from calibration.page.app import Page
from calibration.page.certificate import Tls
from calibration.page.door import Door
from calibration.page.feed import Feed
from calibration.page.hour import Hour
from calibration.page.sources import Source
from edge.errors import ConfigError

_FAREWELL_S = 20.0  # after the hour the page still says that it is over
_LOOK_S = 0.2
_NICER = 15  # the line goes first


class Offer(Struct, frozen=True, kw_only=True):
    """What somebody is told who starts the page: its address, its certificate's SHA-256, and for how long."""

    address: str
    fingerprint: str
    minutes: float


def check_address(host: str) -> None:
    """Raises ConfigError unless ``host`` is one address of this machine: the page is not for every network that it is in."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise ConfigError(f"serve calibration page: `{host}` is no address; write one as 192.168.1.20") from error
    if address.is_unspecified:
        raise ConfigError(
            f"serve calibration page: {host} means every network that this unit is in, the modem's too; name the one address "
            "that the tablet comes by"
        )


def serve(
    source: Source,
    hour: Hour,
    *,
    host: str,
    port: int,
    tls: Tls,
    lasts_s: float,
    gives_way: bool,
    offer: Callable[[Offer], None],
    show_code: Callable[[str], None],
) -> None:
    """Serve the page until the hour is over or somebody ends it; ``gives_way``: a line runs beside it, which goes first.

    Raises ConfigError if the address cannot be had."""
    check_address(host)
    listener = _listen(host, port)
    if gives_way:
        os.nice(_NICER)
    bound = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    offer(Offer(address=f"https://{shown}:{bound}/", fingerprint=tls.fingerprint, minutes=lasts_s / 60))
    door = Door(time.monotonic, show_code, lasts_s)
    feed = Feed(source, hour.see, hour.passed)
    hour.attach(feed)
    server = _server(Page(door, feed, hour), tls)
    ended = threading.Event()
    threading.Thread(target=_close_in_time, args=(door, feed, server, ended), name="hour", daemon=True).start()
    feed.start()
    try:
        server.run(sockets=[listener])
    finally:
        ended.set()
        feed.stop()


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(32)
    except OSError as error:
        listener.close()
        raise ConfigError(f"serve calibration page on {host} port {port}: {error.strerror}; name another") from error
    return listener


def _server(page: Page, tls: Tls) -> uvicorn.Server:
    """No access log, no banner, no WebSocket; a handful of connections is all that one tablet needs."""
    return uvicorn.Server(
        uvicorn.Config(
            page.app(),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=32,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=2,
            h11_max_incomplete_event_size=16 << 10,
            ssl_context_factory=lambda *_: tls.context,
        )
    )


def _close_in_time(door: Door, feed: Feed, server: uvicorn.Server, ended: threading.Event) -> None:
    """The camera is let go when the hour is over; the server says so a little longer, then goes too."""
    while door.left_s > 0:
        if ended.wait(_LOOK_S):
            return
    feed.stop()
    ended.wait(_FAREWELL_S)
    server.should_exit = True
