"""How lane 2 speaks to the broker, whatever the broker is: one call that sends, one that says what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Connected(Struct, frozen=True, kw_only=True):
    """The broker is there; nothing sent before counts as sent.  ``window`` messages may be under way at once."""

    window: int


class Disconnected(Struct, frozen=True, kw_only=True):
    """The broker is not there; ``reason`` is for a person."""

    reason: str


class Acknowledged(Struct, frozen=True, kw_only=True):
    """The broker holds the message sent as ``token``; or nobody does, and ``refused`` says why.  Neither means stored."""

    token: int
    refused: str = ""


class ReceiptArrived(Struct, frozen=True, kw_only=True):
    """A message that claims to be a receipt."""

    wire: bytes


class RequestArrived(Struct, frozen=True, kw_only=True):
    """A message that claims to be the agency's request for pictures."""

    wire: bytes


Event = Connected | Disconnected | Acknowledged | ReceiptArrived | RequestArrived


class Publisher(Protocol):
    """Sends messages and tells what happened.  Remembers nothing: the outbox does."""

    def start(self) -> None:
        """Begin to connect; returns at once."""
        ...

    def send(self, wires: Sequence[bytes], party: str | None = None) -> int | None:
        """Hand over messages for the owner, or copies for ``party``, which go and are answered for together; their token, or
        None if there is no room or no connection now."""
        ...

    def send_picture(self, wire: bytes) -> int | None:
        """Hand over a piece of a picture for the owner; its token, or None if there is no room or no connection now."""
        ...

    def next_event(self, timeout_s: float) -> Event | None:
        """The next thing that happened, or None if nothing did within ``timeout_s``."""
        ...

    def close(self) -> None:
        """Disconnect and stop."""
        ...
