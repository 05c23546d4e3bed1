"""How many bytes may be under way at once, found by how long answers take.  No I/O.

A thin link has a deep buffer: what is handed over faster than the link carries it waits in kernel and modem, and a fresh hit
would wait behind all of it.  So no more is kept under way than is answered within a fraction of a second beyond the quickest
answer seen, which is what the way there and back takes by itself.  It is the rule of LEDBAT (RFC 6817), for messages that are
answered one by one; a link that is never full is not held back by it.
"""

from __future__ import annotations

# Before the first late answer the bound doubles in the time of one answer; then it feels its way by an eighth.
_GROWS_THEN = 8
_SHRINKS_AT_MOST = 1 / 8
_UNKNOWN_S = float("-inf")


class Pace:
    """What is under way, by the key that its answer will name.  Sizes in bytes; times are seconds of a clock that only goes
    forward."""

    def __init__(self, *, first: int, least: int, most: int, patience_s: float) -> None:
        """``patience_s``: how much later than the quickest an answer may come.  The bound begins at ``first`` and stays between
        ``least`` and ``most``."""
        self._first, self._least, self._most, self._patience_s = first, least, most, patience_s
        self._sent: dict[int, tuple[int, float, bool]] = {}
        self.begin()

    def begin(self) -> None:
        """A fresh connection, perhaps over another network: nothing is under way and nothing is known."""
        self._sent.clear()
        self.limit, self.under_way = self._first, 0
        self._quickest_s = float("inf")
        self._cut_s, self._before_cut, self._was_cut = float("-inf"), self._first, False

    def __len__(self) -> int:
        """How many messages are under way."""
        return len(self._sent)

    @property
    def room(self) -> int:
        """How many bytes more may go now, 0 or less if none; when nothing is under way one message may always go."""
        return self.limit - self.under_way

    def sent(self, key: int, size: int, now_s: float, *, again: bool = False) -> None:
        """``size`` bytes were handed over.  Had they been before (``again``), the answer may be to that, and says nothing of
        the time that answers take (Karn's rule)."""
        self.forget(key)
        self.under_way += size
        self._sent[key] = (size, _UNKNOWN_S if again else now_s, 2 * self.under_way >= self.limit)

    def forget(self, key: int) -> None:
        """No answer is waited for any more."""
        self.under_way -= self._sent.pop(key, (0, 0.0, False))[0]

    def answered(self, key: int, now_s: float) -> None:
        """The answer to ``key`` came; one that nobody waits for says nothing."""
        if key not in self._sent:
            return
        size, sent_s, filled = self._sent[key]
        self.forget(key)
        if sent_s == _UNKNOWN_S:
            return
        took_s = now_s - sent_s
        self._quickest_s = min(self._quickest_s, took_s)
        allowed_s = self._quickest_s + self._patience_s
        if took_s <= allowed_s:
            # What did not come near the bound says nothing about what lies beyond it.
            self.limit += (size // _GROWS_THEN if self._was_cut else size) if filled else 0
        else:
            # Once for everything that was under way together, by the latest of its answers.
            if sent_s >= self._cut_s:
                self._cut_s, self._before_cut, self._was_cut = now_s, self.limit, True
            self.limit = min(self.limit, int(self._before_cut * max(_SHRINKS_AT_MOST, allowed_s / took_s)))
        self.limit = min(self._most, max(self._least, self.limit))
