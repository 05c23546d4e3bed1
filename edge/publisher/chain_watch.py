"""What a unit tells the agency about its own chain, and when: at each connection before anything else, soon after, and then
as long as something changes.

A receipt prunes, a label's end and a full outbox drop, and somebody with the card in his hand may delete.  Seen from the agency
all of them are a number that does not come.  So the unit says, signed, which numbers are still to come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from edge.envelope.interface import NoticeWriter
from edge.errors import EnvelopeError
from edge.outbox.interface import Outbox
from edge.publisher.anchors import Anchors
from edge.ranges import Range, joined, minus, runs
from edge.records import Envelope

# One word that the chain is shorter than it was is a suspicion, the next one proves it: so the second comes soon.
_SECOND_AFTER_S = 10.0
# Although nothing changed: that the unit is there and its outbox as it was.
_AT_LEAST_EVERY_S = 600.0
_ALTERED_AT_MOST = 64
# A broker may lose what it took, and nobody answers for an anchor: so it is said twice on every connection.
_ANCHORS_TIMES = 2


class ChainWatch:
    """The notices of one outbox.  Times are seconds of a clock that only goes forward."""

    def __init__(self, outbox: Outbox, notices: NoticeWriter, every_s: float, anchors: Anchors | None = None) -> None:
        """With ``anchors`` the agency also hears what the clock since boot means."""
        self._outbox, self._notices, self._every_s, self._anchors = outbox, notices, every_s, anchors
        self._altered: set[int] = set()
        self._tokens: set[int] = set()
        self._to_say: deque[bytes] = deque()
        self._told: tuple[object, ...] = ()
        self._times, self._look_at_s, self._told_at_s = 0, 0.0, 0.0

    def begin(self) -> None:
        """A fresh connection: the agency is told at once."""
        self._tokens.clear()
        self._to_say.clear()
        self._times = 0

    @property
    def unanswered(self) -> int:
        """How many notices the broker has not answered for."""
        return len(self._tokens)

    def due(self, now_s: float) -> bytes | None:
        """The wire bytes of what is to be said next, or None: every tombstone that waits, and then where the chain stands, so
        that nothing is missed that was dropped."""
        if not self._to_say and (self._times == 0 or now_s >= self._look_at_s):
            self._look(now_s)
        return self._to_say[0] if self._to_say else None

    def sent(self, token: int, now_s: float) -> None:
        """What was due is handed over."""
        self._tokens.add(token)
        self._to_say.popleft()
        if not self._to_say:
            self._times += 1
            self._told_at_s = now_s
            self._look_at_s = now_s + (min(_SECOND_AFTER_S, self._every_s) if self._times == 1 else self._every_s)

    def settled(self, buried: Sequence[Range]) -> None:
        """The agency keeps tombstones that name ``buried``: those that name nothing else may go."""
        for wire in self._outbox.tombstones():
            if not minus(self._numbers(wire), buried):
                self._outbox.let_go(wire)

    def _look(self, now_s: float) -> None:
        """Find out what there is to say."""
        self._look_at_s = now_s + self._every_s
        head, tombstones = self._outbox.head(), self._outbox.tombstones()
        # What is buried and not acknowledged is still to come too: as a tombstone.
        waiting = [*runs(self._outbox.waiting_numbers()), *(each for wire in tombstones for each in self._numbers(wire))]
        to_come = joined(waiting)
        says = (head, to_come, tombstones, len(self._altered))
        news = says != self._told or tombstones or now_s >= self._told_at_s + _AT_LEAST_EVERY_S
        fresh = self._anchors is not None and self._anchors.look()
        if self._times > 1 and not news and not fresh:
            return
        self._told = says
        self._to_say.extend((*tombstones, self._notices.standing(head, to_come, self._altered)))
        if self._anchors is not None and (fresh or self._times < _ANCHORS_TIMES):
            self._to_say.extend(self._anchors.wires)

    def _numbers(self, tombstone: bytes) -> list[Range]:
        """Every number that a tombstone of ours names; none for another's."""
        try:
            says = self._notices.buried(tombstone)
        except EnvelopeError:
            return []
        return joined([*says.budget, *says.expired, *says.copies, *says.pictures])

    def answered(self, token: int, taken: bool) -> bool:
        """Whether ``token`` was a notice's; one that nobody took is said again."""
        if token not in self._tokens:
            return False
        self._tokens.discard(token)
        if not taken:
            self._told = ()
        return True

    def finds_altered(self, envelope: Envelope) -> bool:
        """Whether it is news that ``envelope`` does not lie where it was put: what it says of itself is signed, what stands
        beside it is not."""
        seq = envelope.slot.seq
        if seq in self._altered or len(self._altered) >= _ALTERED_AT_MOST:
            return False
        try:
            says = self._notices.slot(envelope.wire)
        except EnvelopeError:
            says = None
        if says == envelope.slot:
            return False
        self._altered.add(seq)
        return True
