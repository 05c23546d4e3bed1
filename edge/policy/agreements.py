"""Agreements: who, by which paper, may have what, and for how long.

A recipient in a label is real only while its agreement is in force; one that lapses takes effect on the next read.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from edge.policy.vocabulary import Gate, Purpose, RecipientClass


class Agreement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One party's paper.  ``party`` is its name as its own keys and topics have it; ``satisfies`` the gates that the paper
    opens; ``bars`` the purposes it renounces; ``text_sha256`` the hash of the signed text, ``signed_by`` who signed it for the
    two sides.  It holds from ``starts`` up to, not including, ``ends`` or ``revoked``.

    ``now``: the party gets its copy at capture, sealed to ``seal_key`` (PEM, P-256), where the pack allows that for its class.
    """

    party: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    recipient: RecipientClass
    jurisdiction: Annotated[str, Meta(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
    satisfies: Annotated[tuple[Gate, ...], Meta(min_length=1)]
    text_sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    signed_by: Annotated[tuple[str, ...], Meta(min_length=2)]
    starts: Annotated[datetime, Meta(tz=True)]
    ends: Annotated[datetime, Meta(tz=True)]
    revoked: Annotated[datetime, Meta(tz=True)] | None = None
    bars: tuple[Purpose, ...] = ()
    now: bool = False
    seal_key: str = ""

    def in_force(self, at: datetime) -> bool:
        """Whether the paper binds at ``at`` (aware)."""
        return self.starts <= at < self.ends and (self.revoked is None or at < self.revoked)

    @property
    def names(self) -> tuple[str, str]:
        """Under which names of a pack's recipients the party falls: its class in its jurisdiction, and its class."""
        return (f"{self.recipient}/{self.jurisdiction}", self.recipient)


class AgreementsText(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a file of agreements says."""

    agreements: tuple[Agreement, ...] = ()
