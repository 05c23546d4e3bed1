"""The entries of all lists in a few arrays: about 40 bytes each beside their texts, which stand there once, and no plate.

A plate is a digest of 64 bits (``keyed.py``).  A dictionary of objects would take ten times as much.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from edge.hotlist.files import Row

_NEVER = 2**63 - 1
# ends (seconds since 1970), list, and the places of region, source, topic, reason and entered_by among the texts
_ENTRY = struct.Struct("<qHIIIII")
# How many texts are known at a time while a table is built: enough for the words that lists repeat, and memory stays bounded.
_KNOWN_TEXTS = 8192


class Entry(Struct, frozen=True, kw_only=True):
    """One entry as the table gives it: the number of its list, and its row's texts."""

    list: int
    ends_s: int
    region: str
    source: str
    topic: str
    reason: str
    entered_by: str

    def ended(self, at: datetime) -> bool:
        """Whether its time is over at ``at`` (aware)."""
        return at.timestamp() >= self.ends_s


class Table:
    """Finds entries by digest.  Made by :class:`TableBuilder`; never changes."""

    def __init__(self, digests: npt.NDArray[np.uint64], entries: npt.NDArray[np.void], texts: _Texts) -> None:
        """``digests`` (n,) ascending; ``entries`` (n,) in the same order, equal digests in the order of the lists."""
        self._digests, self._entries, self._texts = digests, entries, texts

    def __len__(self) -> int:
        return len(self._digests)

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return self._digests.nbytes + self._entries.nbytes + self._texts.nbytes

    def find(self, digests: Sequence[int]) -> Iterator[tuple[int, Entry]]:
        """Every entry of each digest, with the digest's place in ``digests``."""
        wanted = np.array(digests, np.uint64)
        starts = np.searchsorted(self._digests, wanted, "left")
        ends = np.searchsorted(self._digests, wanted, "right")
        for place in np.flatnonzero(ends > starts):
            for index in range(starts[place], ends[place]):
                yield int(place), self._entry(index)

    def _entry(self, index: int) -> Entry:
        ends_s, number, *texts = _ENTRY.unpack(self._entries[index].tobytes())
        region, source, topic, reason, entered_by = map(self._texts.get, texts)
        return Entry(
            list=number, ends_s=ends_s, region=region, source=source, topic=topic, reason=reason, entered_by=entered_by
        )


class TableBuilder:
    """Takes rows in the order of the lists and makes the table."""

    def __init__(self) -> None:
        self._digests = array("Q")
        self._entries = bytearray()
        self._texts = _Texts()

    def add(self, number: int, row: Row) -> None:
        """Take a row of the list ``number``."""
        ends_s = _NEVER if row.ends is None else int(row.ends.timestamp())
        texts = (self._texts.add(text) for text in (row.region, row.source, row.topic, row.reason, row.entered_by))
        self._digests.append(row.digest)
        self._entries += _ENTRY.pack(ends_s, number, *texts)

    def table(self) -> Table:
        """The table of all rows taken."""
        digests = np.frombuffer(self._digests, np.uint64)
        order = np.argsort(digests, kind="stable")
        self._texts.seal()
        entries = np.frombuffer(self._entries, np.dtype((np.void, _ENTRY.size)))
        return Table(digests[order], entries[order], self._texts)


class _Texts:
    """Texts one after the other as UTF-8, each by its number."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("I", [0])
        self._known: dict[str, int] = {}

    @property
    def nbytes(self) -> int:
        return len(self._bytes) + self._ends.itemsize * len(self._ends)

    def add(self, text: str) -> int:
        known = self._known.get(text)
        if known is not None:
            return known
        if len(self._known) >= _KNOWN_TEXTS:
            self._known.clear()
        number = self._known[text] = len(self._ends) - 1
        self._bytes += text.encode()
        self._ends.append(len(self._bytes))
        return number

    def seal(self) -> None:
        """Forget what only adding needs."""
        self._known = {}

    def get(self, number: int) -> str:
        return self._bytes[self._ends[number] : self._ends[number + 1]].decode()
