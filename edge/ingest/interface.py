"""How the agency end takes messages, whatever carries them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Delivery(Struct, frozen=True, kw_only=True):
    """One message as it came, nothing in it believed.  ``device`` is who the broker let publish it, by the topic's name;
    None if it came under a topic that is not addressed to this agency.  ``token`` is what ``acknowledge`` wants."""

    device: str | None
    topic: str
    wire: bytes
    token: int


class LinkChange(Struct, frozen=True, kw_only=True):
    """The broker came or went; ``reason`` is empty when it came."""

    up: bool
    reason: str = ""


class Mailbox(Protocol):
    """Where messages to an agency arrive, and where its receipts are posted."""

    def start(self) -> None:
        """Begin to connect; returns at once."""
        ...

    def next_event(self, timeout_s: float) -> Delivery | LinkChange | None:
        """The next message or change of the link, or None if there was none within ``timeout_s``."""
        ...

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """These messages are safe, or refused for good: the broker may forget them."""
        ...

    def post_receipt(self, device: str, wire: bytes) -> bool:
        """Hand over a receipt; False if it cannot go now, which costs no more than a duplicate later."""
        ...

    def close(self) -> None:
        """Disconnect and stop."""
        ...


class Refused(Struct, frozen=True, kw_only=True):
    """A message that will never be stored, and why, for a person to look at."""

    received: datetime
    reason: str
    topic: str
    wire: bytes


class Quarantine(Protocol):
    """Keeps refused messages, within bounds."""

    def keep(self, refused: Refused) -> None:
        """Keep one; the oldest make room.  Raises StoreError if it cannot be written."""
        ...
