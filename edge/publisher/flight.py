"""What is under way: which messages the broker has not answered for, and which reads the agency has not.  No I/O."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from edge.publisher.pace import Pace
from edge.ranges import Range

# So many reads may be under way to the store; more of them than bytes allow only where reads are tiny.
_READS_AT_MOST = 4096
# What a hit may take although a backlog fills everything.
_HITS, _HITS_BYTES = 16, 16 << 10
_PACKET_BYTES = 12 << 10
_SLOWEST_RESEND = 16
_STUCK_TRIES = 3
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 10.0


class Flight:
    """See the module.  Times are seconds of a clock that only goes forward.

    ``cursor`` and ``hits_cursor``: up to which number all reads, or all hits among them, have been looked at on this
    connection."""

    def __init__(self, resend_after_s: float) -> None:
        self._resend_after_s = resend_after_s
        # Half a second of a thin link, however thin; a megabyte fills any.
        self._unanswered = Pace(first=16 << 10, least=4 << 10, most=1 << 20, patience_s=0.5)
        # An agency end sends receipts every half second, and takes fresh reads before backlogs.  One that is slow is not handed
        # more than it stores in a moment: a broker that loses its queue then loses little time, and nobody's memory fills.
        self._unstored = Pace(first=128 << 10, least=64 << 10, most=4 << 20, patience_s=2.0)
        self._due: dict[int, float] = {}
        self._tries: dict[int, int] = {}
        self._parked: set[int] = set()
        self._reads: dict[int, tuple[int, ...]] = {}
        self._pause_s, self._paused_until_s = 0.0, 0.0
        self.window = 0
        self.cursor = self.hits_cursor = 0

    def begin(self, window: int) -> None:
        """A fresh connection that takes ``window`` messages at a time: everything kept is to be sent from the start."""
        self.window, self.cursor, self.hits_cursor = window, 0, 0
        self._due.clear()
        self._reads.clear()
        self._unanswered.begin()
        self._unstored.begin()
        self._pause_s = self._paused_until_s = 0.0
        self._tries = dict.fromkeys(self._tries, 1)

    def end(self) -> None:
        """No connection, no window."""
        self.begin(0)

    def room(self, now_s: float, *, hit: bool = False) -> bool:
        """Whether one more message may be handed over now: after a refusal none for a while, then one to see."""
        if now_s < self._paused_until_s:
            return False
        window = min(self.window, 1) if self._pause_s else self.window
        spare = 0 if hit else window // _HITS
        return len(self._unanswered) < window - spare and self._unanswered.room + (_HITS_BYTES if hit else 0) > 0

    @property
    def packet_bytes(self) -> int:
        """How much may go in one message, if it consists of several reads: on a thin link little, so that a hit need not wait
        until a long one is through; to see whether somebody listens, one read."""
        return 0 if self._pause_s else min(_PACKET_BYTES, self._unanswered.limit // 4)

    def reads_ahead(self, held: int, *, hit: bool = False) -> int:
        """How many reads that were not sent yet may be handed over now, while ``held`` wait for their copies."""
        hopeful = sum(1 for seq in self._due if self._tries[seq] < _STUCK_TRIES) + held
        if self._unstored.room + (_HITS_BYTES if hit else 0) <= 0:
            return 0
        most = _READS_AT_MOST + (_HITS if hit else 0)
        # What the agency never answers for (an envelope damaged on the card) must not stand in the way of the rest.
        return max(0, min(most - hopeful, 2 * most - len(self._due)))

    def overdue(self, now_s: float) -> list[int]:
        """Numbers to send again: no receipt came in time."""
        return [seq for seq, due_s in self._due.items() if due_s <= now_s]

    def knows(self, seq: int) -> bool:
        """Whether ``seq`` is under way or parked, so that going through the outbox skips it."""
        return seq in self._due or seq in self._parked

    def handed_over(self, token: int, size: int, now_s: float) -> None:
        """Note that a message of ``size`` bytes was handed over."""
        self._unanswered.sent(token, size, now_s)

    def carries(self, token: int, seq: int, size: int, now_s: float) -> bool:
        """Note that read ``seq`` of ``size`` bytes is in the message ``token``; returns whether it was sent before."""
        tries = self._tries.get(seq, 0)
        self._tries[seq] = tries + 1
        # An agency end that is away for a day is not asked every 20 s for everything.
        self._due[seq] = now_s + self._resend_after_s * min(2**tries, _SLOWEST_RESEND)
        self._reads[token] = (*self._reads.get(token, ()), seq)
        self._unstored.sent(seq, size, now_s, again=tries > 0)
        if tries + 1 >= _STUCK_TRIES:
            self._unstored.forget(seq)
        return tries > 0

    def answered(self, token: int, now_s: float) -> None:
        """The broker has answered for a message, whatever it says."""
        self._unanswered.answered(token, now_s)

    def accepted(self, token: int) -> None:
        """The broker holds these reads; a receipt may come."""
        if self._reads.pop(token, None) is not None:
            self._pause_s = 0.0

    def refused(self, token: int, now_s: float) -> bool:
        """The broker did not take them, or nobody listens: no receipt can come.  Pause, so that a broker without an agency end
        behind it does not cost the SIM card everything over and over.  Returns whether this is news."""
        seqs = self._reads.pop(token, None)
        if seqs is None:
            return False
        for seq in seqs:
            if seq in self._due:
                self._due[seq] = now_s
        news = self._pause_s == 0.0
        if now_s >= self._paused_until_s:
            self._pause_s = min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            self._paused_until_s = now_s + self._pause_s
        return news

    def settled(self, stored: Sequence[Range], conflicts: Sequence[int], now_s: float) -> None:
        """Forget what a receipt says is stored, and stop sending what can never be."""
        firsts = [first for first, _ in stored]
        for seq in list(self._tries):
            at = bisect_right(firsts, seq) - 1
            if at >= 0 and seq <= stored[at][1]:
                self._unstored.answered(seq, now_s)
                self.gone(seq)
        for seq in conflicts:
            if seq in self._tries:
                self._parked.add(seq)
                self._due.pop(seq, None)
                self._unstored.forget(seq)

    def gone(self, seq: int) -> None:
        """Forget ``seq``: it is not in the outbox any more."""
        self._due.pop(seq, None)
        self._tries.pop(seq, None)
        self._parked.discard(seq)
        self._unstored.forget(seq)
