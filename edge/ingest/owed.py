"""Which receipts units are owed, and when each may go.  No I/O, no clock.

A receipt names everything that is stored of an epoch, so one that comes a little later says more and costs the same: it is made
at most so often for each epoch of each unit, however small the batches are.  The first goes at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from edge.ranges import Range

# Of what a unit that keeps sending is owed, the numbers last stored are named for sure; the receipt has no room for more.
_NUMBERS_AT_MOST = 512
# Units that do not exist cannot be owed anything, and nobody has more than this.
_UNITS_AT_MOST = 100_000


class Owed(Struct):
    """What the next receipt for one epoch must name."""

    device: str
    epoch: str
    seqs: set[int]
    buried: list[Range]
    pictures: set[bytes]
    unwanted: set[bytes]


class Owing:
    """Receipts that are owed.  Times are seconds of a clock that only goes forward."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._owed: dict[tuple[str, str], Owed] = {}
        self._last_s: dict[tuple[str, str], float] = {}

    def add(
        self,
        device: str,
        epoch: str,
        seqs: Iterable[int] = (),
        buried: Iterable[Range] = (),
        pictures: Iterable[bytes] = (),
        unwanted: Iterable[bytes] = (),
    ) -> None:
        """Owe a receipt that names these numbers, and these pictures' files as stored or as never to be."""
        owed = self._owed.setdefault((device, epoch), Owed(device, epoch, set(), [], set(), set()))
        owed.seqs.update(seqs)
        owed.buried.extend(buried)
        owed.pictures.update(pictures)
        owed.unwanted.update(unwanted)
        if len(owed.seqs) > _NUMBERS_AT_MOST:
            owed.seqs = set(sorted(owed.seqs)[-_NUMBERS_AT_MOST:])
        if len(self._owed) > _UNITS_AT_MOST:
            del self._owed[next(iter(self._owed))]

    def take(self, now_s: float) -> list[Owed]:
        """What may go now; it is owed no longer."""
        self._last_s = {key: at_s for key, at_s in self._last_s.items() if now_s - at_s < self._every_s}
        keys = [key for key in self._owed if key not in self._last_s]
        self._last_s |= dict.fromkeys(keys, now_s)
        return [self._owed.pop(key) for key in keys]

    def take_all(self) -> list[Owed]:
        """Everything: there will be no later."""
        everything = list(self._owed.values())
        self._owed.clear()
        return everything

    def wait_s(self, now_s: float) -> float | None:
        """How long until the next may go; None if none is owed."""
        due = (self._last_s.get(key, now_s - self._every_s) + self._every_s - now_s for key in self._owed)
        return min((max(0.0, each) for each in due), default=None)
