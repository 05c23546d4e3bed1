"""The connection to the broker and the topics, for both ends.  The only file that imports paho.

paho keeps what it is given in memory without a bound and carries it from one connection to the next.  Here every
connection is a client of its own that forgets with it, it is handed no more than a window's worth, and whoever uses the link
keeps the truth elsewhere: the unit in its outbox, the agency in its store.

Topics, version 1 (``bucket`` spreads devices over 64 workers and is SHA-256 of the device's name, modulo 64)::

    plate-edge/v1/<agency>/<bucket 00-63>/<device>/reads       unit → agency: its own reads, and copies of others'
    plate-edge/v1/<agency>/<bucket 00-63>/<device>/receipts    agency → unit
    plate-edge/v1/<agency>/<bucket 00-63>/<device>/pictures    unit → agency: pictures of its own reads, in pieces
    plate-edge/v1/<agency>/<bucket 00-63>/<device>/requests    agency → unit: which pictures are wanted
"""

from __future__ import annotations

import contextlib
import hashlib
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
import paho.mqtt.client as paho
from msgspec import Meta, Struct
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.config import BrokerConfig
from edge.errors import ConfigError, PublishError
from edge.reach import Patience, knock, silent_for_s

Kind = Literal["reads", "receipts", "pictures", "requests"]

_ROOT = "plate-edge/v1"
_BUCKETS = 64
_NAME = r"[a-z0-9][a-z0-9-]{0,62}"
_TOPIC = re.compile(
    rf"{_ROOT}/(?P<agency>{_NAME})/(?P<bucket>\d\d)/(?P<device>{_NAME})/(?P<kind>reads|receipts|pictures|requests)"
)
_KINDS: dict[str, Kind] = {"reads": "reads", "receipts": "receipts", "pictures": "pictures", "requests": "requests"}

#: So many messages one payload may carry.
MESSAGES_AT_MOST = 64
_ARRAY_OF_TWO = b"\x92"

_QOS = 1
_ANSWER_TIMEOUT_S = 10.0
_FAREWELL_S = 1.0
_WATCH_EVERY_S = 0.25
# How much of the keep-alive a broker has to answer in, and the least of it: a busy broker may be slow for a moment.
_ANSWERS_WITHIN, _ANSWERS_WITHIN_LEAST_S = 1 / 3, 3.0
# paho looks once a second whether a ping is due.
_PING_LATE_S = 1.0
_REFUSED = 0x80  # MQTT 5, 2.4: reason codes from here on are errors


class Address(Struct, frozen=True, kw_only=True):
    """Whose messages a topic carries."""

    agency: str
    device: str
    kind: Kind


def bucket(device: str) -> str:
    """The two digits that spread devices over workers."""
    return f"{int.from_bytes(hashlib.sha256(device.encode()).digest(), 'big') % _BUCKETS:02d}"


def topic(address: Address) -> str:
    """The topic of ``address``.  Raises ConfigError for what cannot be a name, a wildcard above all."""
    for name in (address.agency, address.device):
        if not re.fullmatch(_NAME, name):
            raise ConfigError(f"make topic: `{name}` is not a name; use lower-case letters, digits and hyphens, at most 63")
    return f"{_ROOT}/{address.agency}/{bucket(address.device)}/{address.device}/{address.kind}"


def reads_filter(agency: str) -> str:
    """The subscription that takes the reads of all devices of ``agency``."""
    return f"{_ROOT}/{agency}/+/+/reads"


def pictures_filter(agency: str) -> str:
    """The subscription that takes the pictures of all devices of ``agency``."""
    return f"{_ROOT}/{agency}/+/+/pictures"


def parse_topic(name: str) -> Address | None:
    """Whose messages ``name`` carries; None if it is no topic of ours, or the device is not of that bucket."""
    match = _TOPIC.fullmatch(name)
    if match is None or match["bucket"] != bucket(match["device"]):
        return None
    return Address(agency=match["agency"], device=match["device"], kind=_KINDS[match["kind"]])


class _Bundle(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    version: Literal[1]
    messages: Annotated[tuple[bytes, ...], Meta(min_length=2, max_length=MESSAGES_AT_MOST)]


_bundle = msgspec.msgpack.Decoder(_Bundle)


def pack(messages: Sequence[bytes]) -> bytes:
    """The payload that carries ``messages`` (at most ``MESSAGES_AT_MOST``) of one sender to one addressee: one as it is,
    several as the msgpack array ``[1, [message, …]]``, so that a backlog goes in a tenth of the packets."""
    return messages[0] if len(messages) == 1 else msgspec.msgpack.encode(_Bundle(1, tuple(messages)))


def unpack(payload: bytes) -> Sequence[bytes]:
    """The messages in ``payload``; what is no bundle is one message, whatever it is.  No message of ours is an array of two."""
    if payload[:1] != _ARRAY_OF_TWO:
        return (payload,)
    try:
        return _bundle.decode(payload).messages
    except msgspec.DecodeError:
        return (payload,)


class Up(Struct, frozen=True, kw_only=True):
    """The broker took us and our subscriptions.  ``window`` is how many messages it takes before it acknowledges one."""

    window: int


class Down(Struct, frozen=True, kw_only=True):
    """There is no connection; everything not acknowledged is forgotten.  ``reason`` is for a person."""

    reason: str


class Acknowledged(Struct, frozen=True, kw_only=True):
    """The broker answered for message ``token``; ``refused`` says why nobody has it now, empty if it was taken."""

    token: int
    refused: str = ""


class Arrived(Struct, frozen=True, kw_only=True):
    """A message came in; ``token`` is what ``acknowledge`` wants."""

    topic: str
    payload: bytes
    token: int


Event = Up | Down | Acknowledged | Arrived


class Link:
    """One end's connection: connects, watches, tells, and connects again with jittered exponential back-off.

    ``name`` is the certificate's common name and the client id.  With ``keep_session_s`` the broker keeps messages for us
    that long while we are away; without, a session ends with its connection.  What arrives is acknowledged by this end when
    it is safe, never by the library on arrival.
    """

    def __init__(
        self, broker: BrokerConfig, name: str, *, subscribe: Sequence[str], keep_session_s: int = 0, receive_window: int = 20
    ) -> None:
        """Raises ConfigError if a certificate or key file cannot be used."""
        self._broker, self._name, self._subscribe = broker, name, tuple(subscribe)
        self._keep_session_s, self._receive_window = keep_session_s, receive_window
        self._tls = _tls_context(broker)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._session: _Session | None = None
        self._generation = 0
        self._patience = Patience(broker.backoff_max_s)
        self._thread = threading.Thread(target=self._run, name="mqtt-link", daemon=True)

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    def close(self) -> None:
        """Disconnect and stop; safe to call twice and before ``start``."""
        self._stopping.set()
        session = self._session
        if session is not None:
            session.lost.set()
        if self._thread.is_alive():
            # In the middle of a handshake with a broker that fell silent it ends by itself a little later.
            self._thread.join(timeout=3 * _FAREWELL_S)

    def next_event(self, timeout_s: float) -> Event | None:
        """The next thing that happened, or None if nothing did within ``timeout_s``."""
        try:
            return self._events.get(timeout=timeout_s) if timeout_s > 0 else self._events.get_nowait()
        except queue.Empty:
            return None

    def publish(self, name: str, payload: bytes) -> int | None:
        """Hand over one message; its token, or None if there is no connection or the window is full."""
        session = self._session
        return session.publish(name, payload) if session is not None else None

    def acknowledge(self, token: int) -> None:
        """Tell the broker that the message is safe.  After a new connection this does nothing: it will come again."""
        session = self._session
        if session is not None:
            session.acknowledge(token)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                reason = self._connect_once()
            except Exception as error:  # noqa: BLE001
                # The top of this thread: whatever goes wrong with one connection, the next one is tried.
                self._patience.failed()
                reason = f"connect to broker {self._broker.host}:{self._broker.port}: unexpected {type(error).__name__}"
            if self._stopping.is_set():
                return
            self._events.put(Down(reason=reason))
            self._stopping.wait(self._patience.pause_s())

    def _see_somebody(self) -> None:
        """Where it is in doubt that somebody is there, knock.  Raises OSError if nobody answers."""
        if self._patience.knocks:
            self._patience.unheard()
            knock(self._broker.host, self._broker.port)
            self._patience.heard()

    def _connect_once(self) -> str:
        """Live through one connection; returns why it ended, or why it did not come about."""
        try:
            self._see_somebody()
        except OSError as error:
            return f"connect to broker {self._broker.host}:{self._broker.port}: nobody answers: {error.strerror or error}"
        with contextlib.suppress(ConfigError):  # a certificate may have been renewed; one half there waits for the next time
            self._tls = _tls_context(self._broker)
        self._generation += 1
        session = _Session(self._broker, self._name, self._tls, self._generation, self._events)
        try:
            session.open(self._subscribe, self._keep_session_s, self._receive_window)
            self._session = session
            self._events.put(Up(window=session.window))
            began = time.monotonic()
            session.wait_until_lost()
            self._patience.lost(time.monotonic() - began)
            if session.silent:
                self._patience.unheard()
            return session.reason
        except PublishError as error:
            self._patience.failed()
            return str(error)
        finally:
            self._session = None
            session.close()


class _Session:
    """One connection from CONNECT to its end, over a paho client of its own.  paho's thread calls the ``_on`` methods,
    which only note and pass on."""

    def __init__(
        self,
        broker: BrokerConfig,
        name: str,
        tls: ssl.SSLContext,
        generation: int,
        events: queue.SimpleQueue[Event],
    ) -> None:
        self._broker, self._generation, self._events = broker, generation, events
        self._answered, self.lost = threading.Event(), threading.Event()
        self._outstanding: list[tuple[paho.MQTTMessageInfo, float]] = []
        self._publishing, self._gone = threading.Lock(), threading.Event()
        self.silent = False
        self.reason = "the broker closed the connection; does it accept this certificate?"
        self.window = broker.in_flight
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5, reconnect_on_failure=False, manual_ack=True
        )
        client.tls_set_context(tls)
        client.connect_timeout = _ANSWER_TIMEOUT_S
        client.max_inflight_messages_set(broker.in_flight)
        client.on_connect, client.on_subscribe, client.on_disconnect = self._on_connect, self._on_subscribe, self._on_disconnect
        client.on_publish, client.on_message = self._on_publish, self._on_message
        self._client = client
        self._subscriptions: list[tuple[str, int]] = []

    def open(self, subscribe: Sequence[str], keep_session_s: int, receive_window: int) -> None:
        """Connect, subscribe and wait for both answers.  Raises PublishError with the reason."""
        self._subscriptions = [(name, _QOS) for name in subscribe]
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.ReceiveMaximum = receive_window
        properties.SessionExpiryInterval = keep_session_s
        where = f"connect to broker {self._broker.host}:{self._broker.port}"
        try:
            self._client.connect(
                self._broker.host,
                self._broker.port,
                keepalive=self._broker.keepalive_s,
                clean_start=keep_session_s == 0,
                properties=properties,
            )
        except ssl.SSLCertVerificationError as error:
            raise PublishError(f"{where}: its certificate is not to be trusted: {error.verify_message}") from error
        except (OSError, ValueError) as error:
            raise PublishError(f"{where}: {getattr(error, 'strerror', None) or error}") from error
        self._client.loop_start()
        if not self._answered.wait(_ANSWER_TIMEOUT_S):
            raise PublishError(f"{where}: it did not answer within {_ANSWER_TIMEOUT_S:g} s")
        if self.lost.is_set():
            raise PublishError(f"{where}: {self.reason}")

    def wait_until_lost(self) -> None:
        """Return when the connection has ended, also if it ended without a word: paho's thread ends on a packet that it
        cannot read, and then nobody calls back, while paho itself goes on believing that it is connected.

        A broker that does not answer for a third of the keep-alive is gone, whether it was handed a message or, after a
        keep-alive's quiet, a ping (paho itself would wait for two).  That is within 1.5 keep-alives of the last byte, where
        these are of nine seconds or more."""
        while not self.lost.wait(_WATCH_EVERY_S):
            if not self._client.is_connected() or getattr(self._client, "_thread", self) is None:
                self._lose("the connection to the broker ended: it sent something unreadable")
            elif self._is_silent():
                self.silent = True
                self._lose("the connection to the broker ended without a word: what was sent is not answered")

    def _is_silent(self) -> bool:
        sock = self._client.socket()
        silent_s = silent_for_s(sock) if isinstance(sock, socket.socket) else 0.0
        keepalive_s = self._broker.keepalive_s
        within_s = max(_ANSWERS_WITHIN_LEAST_S, _ANSWERS_WITHIN * keepalive_s)
        if silent_s <= within_s:
            return False
        if silent_s > keepalive_s + _PING_LATE_S + within_s:
            return True
        with self._publishing:
            self._outstanding = [(info, sent_s) for info, sent_s in self._outstanding if not info.is_published()]
            return bool(self._outstanding) and time.monotonic() - self._outstanding[0][1] > within_s

    def publish(self, name: str, payload: bytes) -> int | None:
        """See :meth:`Link.publish`."""
        with self._publishing:
            if len(self._outstanding) >= self.window:
                self._outstanding = [(info, sent_s) for info, sent_s in self._outstanding if not info.is_published()]
            if self.lost.is_set() or len(self._outstanding) >= self.window:
                return None
            info = self._client.publish(name, payload, qos=_QOS)
            if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return None
            self._outstanding.append((info, time.monotonic()))
        return self._token(info.mid)

    def acknowledge(self, token: int) -> None:
        """See :meth:`Link.acknowledge`; message numbers of an older connection mean other messages now."""
        generation, mid = divmod(token, 1 << 16)
        if generation == self._generation and not self.lost.is_set():
            self._client.ack(mid, _QOS)

    def close(self) -> None:
        """End the connection and its thread, within seconds even where the network swallows everything."""
        self.lost.set()
        self._client.disconnect()
        sock = self._client.socket()
        if sock is not None and not self._gone.wait(_FAREWELL_S) and isinstance(sock, socket.socket):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._client.loop_stop()
        # Client and session hold each other: left to the collector, each lost connection would keep two files open for a while.
        client = self._client
        client.on_connect = client.on_subscribe = client.on_disconnect = client.on_publish = client.on_message = None

    def _token(self, mid: int) -> int:
        return (self._generation << 16) | mid

    def _lose(self, reason: str) -> None:
        if not self.lost.is_set():
            self.reason = reason
        self.lost.set()
        self._answered.set()

    def _on_connect(self, client: paho.Client, _: Any, __: Any, code: ReasonCode, properties: Properties | None) -> None:
        if code.value >= _REFUSED:
            self._lose(f"the broker refuses this unit: {code}")
            return
        # A broker that takes fewer at a time says so here (MQTT 5, 3.2.2.3.3); one more than that ends the connection.
        self.window = min(self.window, getattr(properties, "ReceiveMaximum", 65535))
        if self._subscriptions:
            client.subscribe(self._subscriptions)
        else:
            self._answered.set()

    def _on_subscribe(self, _: paho.Client, __: Any, ___: int, codes: list[ReasonCode], ____: Any) -> None:
        refused = [str(code) for code in codes if code.value >= _REFUSED]
        if refused:
            self._lose(f"the broker refuses the subscription: {', '.join(refused)}")
        self._answered.set()

    def _on_disconnect(self, _: paho.Client, __: Any, ___: Any, code: ReasonCode, ____: Any) -> None:
        self._gone.set()
        if self._answered.is_set():
            self._lose(f"the connection to the broker ended: {code}")
        else:
            self._lose(self.reason)

    def _on_publish(self, _: paho.Client, __: Any, mid: int, code: ReasonCode, ___: Any) -> None:
        # 0x10 "no matching subscribers" is no error to MQTT; here it means that the message is gone.
        refused = str(code) if code.value else ""
        self._events.put(Acknowledged(token=self._token(mid), refused=refused))

    def _on_message(self, _: paho.Client, __: Any, message: paho.MQTTMessage) -> None:
        self._events.put(Arrived(topic=message.topic, payload=bytes(message.payload), token=self._token(message.mid)))


def _tls_context(broker: BrokerConfig) -> ssl.SSLContext:
    """TLS 1.2 or later, the broker's certificate checked against our CA alone and against the name we call it by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for what, path in (("CA", broker.ca), ("certificate", broker.certificate), ("private key", broker.key)):
        if not path.is_file():
            raise ConfigError(f"read the {what} for the broker {path}: there is no such file; make it with `plate-edge keys`")
    try:
        context.load_verify_locations(cafile=broker.ca)
        context.load_cert_chain(broker.certificate, broker.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"read the certificates for the broker in {broker.certificate.parent}: {error}; do key and certificate belong "
            "together, and may this account read them?"
        ) from error
    return context
