"""How the agency end takes messages, whatever carries them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct


class Delivery(Struct, frozen=True, kw_only=True):
    """One message as it came, nothing in it believed.  ``device`` is who the broker let publish it, by the topic's name;
    None if it came under a topic that is not addressed to this agency.  ``picture``: it came as a piece of a picture.
    ``token`` is what ``acknowledge`` wants."""

    device: str | None
    topic: str
    wire: bytes
    token: int
    picture: bool = False


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

    def post_request(self, device: str, wire: bytes) -> bool:
        """Hand over a request for pictures; False if it cannot go now, which costs a minute."""
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


AlarmReason = Literal[
    "conflict",
    "link",
    "rewritten",
    "missing",
    "behind",
    "epoch-back",
    "epoch-unannounced",
    "outbox-damaged",
    "outbox-missing",
    "two-at-once",
    "altered",
    "refused",
]
#: What each reason means, for a person.
ALARM_WORDS: dict[AlarmReason, str] = {
    "conflict": "two different reads under one number: a cloned unit, or an outbox that was set back or signed again",
    "link": "a read does not name the one before it: the outbox was changed and signed again",
    "rewritten": "the unit had told of another read under this number: the outbox was changed and signed again",
    "missing": "reads that the unit committed did not come and are not to come: they were deleted on the unit, or here",
    "behind": "the outbox ends before what the unit delivered or told of: it was set back, or its end was cut off",
    "epoch-back": "the unit went back to an outbox that it had left: an old file was put in place, or the unit was cloned",
    "epoch-unannounced": "a new outbox that does not know of the one before: replaced, cloned, or the unit was set up anew",
    "outbox-damaged": "the unit found its outbox damaged and began a new one: what waited in it is lost unless recovered",
    "outbox-missing": "the unit's outbox was gone and it began a new one: what waited in it is lost",
    "two-at-once": "two machines speak in this unit's name at the same time: one of them is a clone",
    "altered": "the unit found rows of its outbox that are not as it wrote them",
    "refused": "messages came from this unit that it did not sign: its outbox was changed, or its card is failing",
}


class Alarm(Struct, frozen=True, kw_only=True):
    """Something about a unit that a person must look at.  ``first`` and ``last`` are the numbers that it is about, 0 for the
    unit or the epoch as a whole; ``times`` is how often it was seen.  ``settled``: somebody has looked at it."""

    number: int
    device: str
    epoch: str
    reason: AlarmReason
    first: int
    last: int
    seen: datetime
    seen_last: datetime
    times: int
    settled: bool


class UnitAccount(Struct, frozen=True, kw_only=True):
    """Where the reads of one epoch of a unit are, as far as the agency knows: ``committed`` = ``stored`` + ``dropped`` +
    ``expired`` + ``to_come`` + ``missing``, by numbers.  ``committed`` is what the unit told of or delivered last; ``to_come``
    is what it said is still to come; ``copies_dropped`` counts reads whose copies for parties it dropped, ``pictures_dropped``
    those whose pictures."""

    device: str
    epoch: str
    committed: int
    stored: int
    dropped: int
    expired: int
    to_come: int
    missing: int
    copies_dropped: int
    pictures_dropped: int = 0
    heard: datetime
