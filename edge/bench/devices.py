"""A town's units, as far as a broker and an agency end can tell: each with its certificate, a TLS connection and a window, all
in one thread, so that the machine's time goes to what is measured.

They send envelopes that were sealed and signed before, and take receipts.  The MQTT 5 that this needs is written out here: paho
costs as much for a message as the agency end does to open it.  Numbers in parentheses are sections of the MQTT 5.0 standard.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from edge import mqtt
from edge.envelope.interface import ReceiptReader
from edge.errors import PublishError

#: As a real unit's (``broker.in_flight``): so many messages without the broker's answer.
WINDOW = 64
_ANSWER_TIMEOUT_S = 20.0
_RESEND_AFTER_S = 20.0
_KEEPALIVE_S = 600
_TURN_S = 0.01
_READ_BYTES = 1 << 16
_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 2, 3, 4, 9


class Address(Struct, frozen=True, kw_only=True):
    """Where the broker listens, and who says so."""

    host: str
    port: int
    ca: Path


class Device:
    """One unit: ``wires`` are its envelopes in order, numbered from 1.  ``sent_s`` and ``stored_s`` are the moments at which
    each was first handed over and at which a receipt named it; 0 until then."""

    def __init__(self, name: str, agency: str, folder: Path, receipts: ReceiptReader, wires: Sequence[bytes]) -> None:
        """``folder`` holds the unit's ``tls.pem`` and ``tls.key``."""
        self.name, self._folder, self._receipts, self.wires = name, folder, receipts, wires
        self.sent_s, self.stored_s = [0.0] * len(wires), [0.0] * len(wires)
        self.due, self.sent, self.stored = 0, 0, 0
        topic = _text(mqtt.topic(mqtt.Address(agency=agency, device=name, kind="reads")))
        # PUBLISH (3.3), at least once, no property; a read's number makes its packet's.
        self._packets = [
            _packet(0x32, topic + struct.pack(">H", at % 0xFFFF + 1) + b"\0" + wire) for at, wire in enumerate(wires)
        ]
        self._receipt_topic = mqtt.topic(mqtt.Address(agency=agency, device=name, kind="receipts"))
        self._open, self._heard_s = 0, 0.0
        self._in, self._out = bytearray(), bytearray()
        self.sock: ssl.SSLSocket | None = None
        self.receipts_taken = 0

    def connect(self, broker: Address) -> None:
        """Connect and subscribe to one's own receipts.  Raises PublishError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(broker.ca)
        context.load_cert_chain(self._folder / "tls.pem", self._folder / "tls.key")
        try:
            plain = socket.create_connection((broker.host, broker.port), timeout=_ANSWER_TIMEOUT_S)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock = context.wrap_socket(plain, server_hostname=broker.host)
            # CONNECT (3.1): clean start, no property.
            hello = _text("MQTT") + bytes((5, 2)) + struct.pack(">H", _KEEPALIVE_S) + b"\0" + _text(self.name)
            self.sock.sendall(_packet(0x10, hello))
            self._expect(_CONNACK)
            # SUBSCRIBE (3.8): packet 1, no property, at least once.
            self.sock.sendall(_packet(0x82, b"\0\1\0" + _text(self._receipt_topic) + b"\1"))
            self._expect(_SUBACK)
            self.sock.setblocking(False)
        except (OSError, ValueError) as error:
            raise PublishError(f"connect device {self.name} to broker {broker.host}:{broker.port}: {error}") from error

    def close(self) -> None:
        """End the connection."""
        if self.sock is not None:
            self.sock.close()

    def send(self, now_s: float, ahead: int) -> None:
        """Hand over what is due and fits: at most a window without the broker's answer, ``ahead`` without a receipt."""
        if self.sent > self.stored and now_s - self._heard_s > _RESEND_AFTER_S:
            self.sent = self.stored  # a broker may lose; what is stored already is a duplicate there
            self._heard_s = now_s
        until = min(self.due, self.sent + WINDOW - self._open, self.stored + ahead)
        if self.sent < until and self.sent == self.stored:
            self._heard_s = now_s
        if until > self.sent:
            self._out += b"".join(self._packets[self.sent : until])
            first = self.sent_s.index(0.0, self.sent, until) if self.sent_s[until - 1] == 0.0 else until
            self.sent_s[first:until] = [now_s] * (until - first)
        self._open += max(0, until - self.sent)
        self.sent = max(self.sent, until)
        self.flush()

    def flush(self) -> bool:
        """Whether everything that was handed over has left."""
        assert self.sock is not None
        try:
            while self._out:
                del self._out[: self.sock.send(self._out)]
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return False
        return True

    def take(self, now_s: float) -> None:
        """Take what came.  Raises PublishError if the broker has ended the connection."""
        assert self.sock is not None
        try:
            while True:
                data = self.sock.recv(_READ_BYTES)
                if not data:
                    raise PublishError(f"the broker ended the connection of device {self.name}")
                self._in += data
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError as error:
            raise PublishError(f"the connection of device {self.name} ended: {error}") from error
        while (found := _next(self._in)) is not None:
            kind, body = found
            if kind == _PUBACK:
                self._open -= 1
            elif kind == _PUBLISH:
                self._take_receipt(body, now_s)

    def _take_receipt(self, body: bytes, now_s: float) -> None:
        (length,) = struct.unpack_from(">H", body)
        number = body[2 + length : 4 + length]
        size, at = _variable(body, 4 + length)
        self._out += b"\x40\x02" + number  # PUBACK (3.4)
        receipt = self._receipts.read(bytes(body[at + size :]))
        self.receipts_taken += 1
        self._heard_s = now_s
        for first, last in receipt.stored:
            if first <= self.stored + 1 <= last:
                for seq in range(self.stored, last):
                    self.stored_s[seq] = now_s
                self.stored = last
        self.sent = max(self.sent, self.stored)

    def _expect(self, kind: int) -> None:
        assert self.sock is not None
        while (found := _next(self._in)) is None:
            data = self.sock.recv(_READ_BYTES)
            if not data:
                raise OSError("the broker closed the connection; does it accept this certificate?")
            self._in += data
        if found[0] != kind or found[1][-1 if kind == _SUBACK else 1] >= 0x80:
            raise OSError(f"the broker refuses: it answered with packet {found[0]}, reason {found[1][-1]}")


class Fleet:
    """All devices in one loop."""

    def __init__(self, devices: Sequence[Device], ahead: int) -> None:
        """``ahead`` is how many reads of one device may be under way without a receipt."""
        self.devices, self._ahead = devices, ahead

    def connect(self, broker: Address) -> None:
        """Connect all.  Raises PublishError."""
        for device in self.devices:
            device.connect(broker)

    def run(self, due: Callable[[float], int], timeout_s: float) -> float:
        """Send and take until all that is due has a receipt; ``due`` says, for the seconds since the beginning, how many reads
        of each device may have been sent by then.  Returns the seconds that it took.

        Raises PublishError if it takes longer than ``timeout_s`` or a connection ends."""
        began_s = time.monotonic()
        goal = due(float("inf"))
        while True:
            now_s = time.monotonic()
            may = due(now_s - began_s)
            for device in self.devices:
                device.take(now_s)
                device.due = may
                device.send(now_s, self._ahead)
            if all(device.stored >= goal for device in self.devices):
                return time.monotonic() - began_s
            if now_s - began_s > timeout_s:
                missing = sum(goal - device.stored for device in self.devices)
                raise PublishError(f"no receipt came for {missing} reads within {timeout_s:.0f} s")
            # Not a poll for each answer: sixty connections looked at a hundred times a second cost least.
            time.sleep(_TURN_S)

    def close(self) -> None:
        """End all connections."""
        for device in self.devices:
            with contextlib.suppress(OSError):
                device.close()


def _text(words: str) -> bytes:
    data = words.encode()
    return struct.pack(">H", len(data)) + data


def _packet(first: int, body: bytes) -> bytes:
    """Fixed header (2.1) and body."""
    left, length = len(body), bytearray()
    while True:
        left, digit = left >> 7, left & 0x7F
        length.append(digit | 0x80 if left else digit)
        if not left:
            return bytes((first,)) + bytes(length) + body


def _variable(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """A variable byte integer (1.5.5) at ``at``, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _next(data: bytearray) -> tuple[int, bytes] | None:
    """The next whole packet, taken out of ``data``: its kind and its body; None if it is not all there."""
    if len(data) < 2:
        return None
    try:
        size, at = _variable(data, 1)
    except IndexError:
        return None
    if len(data) < at + size:
        return None
    found = data[0] >> 4, bytes(data[at : at + size])
    del data[: at + size]
    return found
