"""The book of an agency's holds and deletions: each entry is signed and names the SHA-256 of the one before, so that none can
be changed, left out or put in afterwards by anybody without the key.

Whoever holds the key can still begin a new book or cut the end off: an auditor who notes number and hash of the last entry
(`plate-edge store proofs`) finds that out.  Entries hold ids, numbers and names of rules, never a plate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec
from msgspec import Struct

from edge.errors import EnvelopeError, StoreError
from edge.store.interface import Deletion, Event, Signed

DOMAIN = b"plate-edge book v1\0"
_BEFORE_THE_FIRST = "0" * 64


class Entry(Struct, frozen=True, kw_only=True):
    """What is signed, as JSON.  ``previous`` is the SHA-256 of the body of entry ``number - 1``, zeros for the first (1)."""

    version: int = 1
    agency: str
    number: int
    previous: str
    at: datetime
    event: Event


class Finding(Struct, frozen=True, kw_only=True):
    """What is wrong with an entry, counted from 1 in the order in which they came."""

    entry: int
    wrong: str


class BookReport(Struct, frozen=True, kw_only=True):
    """A whole book: its entries as far as they can be read, hash of the last, what is wrong, and what it says in sum."""

    entries: tuple[Entry, ...]
    last_sha256: str
    reads_deleted: int
    findings: tuple[Finding, ...]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


class BookKeeper:
    """See :class:`edge.store.interface.Notary`."""

    def __init__(self, agency: str, sign: Callable[[bytes], bytes]) -> None:
        """``sign`` signs bytes, under ``DOMAIN``, with the agency's key."""
        self._agency, self._sign = agency, sign

    def write(self, before: Signed | None, at: datetime, event: Event) -> Signed:
        """The entry that follows ``before``.  Raises StoreError if that one cannot be read: a book is not continued blindly."""
        number, previous = 1, _BEFORE_THE_FIRST
        if before is not None:
            number, previous = _decoded(before).number + 1, _digest(before)
        body = _encoder.encode(Entry(agency=self._agency, number=number, previous=previous, at=at, event=event))
        return Signed(body=body, signature=self._sign(body))


def check_book(book: Iterable[Signed], agency: str, verify: Callable[[bytes, bytes], None]) -> BookReport:
    """Follow the chain from its beginning.  ``verify`` takes body and signature; it raises EnvelopeError unless the agency
    signed."""
    entries: list[Entry] = []
    findings: list[Finding] = []
    previous = _BEFORE_THE_FIRST
    for at, signed in enumerate(book, 1):
        try:
            verify(signed.body, signed.signature)
            entry = _decoded(signed)
        except (EnvelopeError, StoreError) as error:
            findings.append(Finding(entry=at, wrong=str(error)))
        else:
            if (entry.number, entry.previous) != (at, previous):
                findings.append(Finding(entry=at, wrong="it does not follow the entry before it"))
            if entry.agency != agency:
                findings.append(Finding(entry=at, wrong="it is another agency's"))
            entries.append(entry)
        previous = _digest(signed)
    return BookReport(
        entries=tuple(entries),
        last_sha256=previous,
        reads_deleted=sum(each.event.reads for each in entries if isinstance(each.event, Deletion)),
        findings=tuple(findings),
    )


def _decoded(signed: Signed) -> Entry:
    try:
        return _decoder.decode(signed.body)
    except msgspec.DecodeError:
        raise StoreError("read book of deletions: an entry is damaged; restore the store from a backup") from None


def _digest(signed: Signed) -> str:
    return hashlib.sha256(signed.body).hexdigest()
