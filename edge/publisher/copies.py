"""When which copy goes to the broker, and when the read itself may follow.  No I/O.

A read's receipt prunes its copies too, and only its owner sends receipts.  So every copy goes first, and the read follows when
the broker has taken them all: whatever a receipt prunes, the broker had for every party.  A party whose messages the broker
refuses, as when nobody listens for them, holds reads back for ``PATIENCE_S`` at most: the owner's reads do not wait for a
neighbour that is away for the day.  From then on one copy is sent every few seconds to see; the others are given up.
"""

from __future__ import annotations

from collections.abc import Iterable

PATIENCE_S = 30.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 10.0


class Copies:
    """The reads whose copies are on their way, each with the parties whose copy the broker has not taken yet.

    Times are seconds of a clock that only goes forward.
    """

    def __init__(self) -> None:
        # Read → party → whether its copy is handed over and not answered for.
        self._missing: dict[int, dict[str, bool]] = {}
        self._tokens: dict[int, tuple[int, str]] = {}
        self._away: dict[str, _Away] = {}

    def begin(self) -> None:
        """A fresh connection: nothing sent before counts, and who was away may be back."""
        self._missing.clear()
        self._tokens.clear()
        self._away.clear()

    @property
    def held(self) -> int:
        """How many reads wait for their copies."""
        return len(self._missing)

    @property
    def unanswered(self) -> int:
        """How many copies the broker has not answered for."""
        return len(self._tokens)

    def hold(self, seq: int, parties: Iterable[str]) -> None:
        """Read ``seq`` waits for its copies."""
        self._missing[seq] = dict.fromkeys(parties, False)

    def holds(self, seq: int) -> bool:
        """Whether ``seq`` waits for its copies."""
        return seq in self._missing

    def release(self, seq: int) -> tuple[str, ...]:
        """``seq`` goes, or is not in the outbox any more; returns the parties whose copies are given up with that."""
        return tuple(self._missing.pop(seq, ()))

    def due(self, now_s: float) -> list[int]:
        """The reads of which something can be sent now: a copy, or the read itself."""
        return [seq for seq in self._missing if self.to_send(seq, now_s) or self.settled(seq, now_s)]

    def to_send(self, seq: int, now_s: float) -> list[str]:
        """The parties whose copy of ``seq`` may be handed over now."""
        missing = self._missing.get(seq, {})
        return [party for party, sent in missing.items() if not sent and self._may_try(party, now_s)]

    def settled(self, seq: int, now_s: float) -> bool:
        """Whether ``seq`` itself may go: the broker has every copy, or there is no hope for those that it has not."""
        missing = self._missing.get(seq, {})
        return not any(missing.values()) and all(self._hopeless(party, now_s) for party in missing)

    def sent(self, seq: int, party: str, token: int) -> None:
        """The copy of ``seq`` for ``party`` was handed over."""
        self._missing[seq][party] = True
        self._tokens[token] = (seq, party)

    def knows(self, token: int) -> bool:
        """Whether ``token`` is a copy's."""
        return token in self._tokens

    def accepted(self, token: int) -> None:
        """The broker has it."""
        seq, party = self._tokens.pop(token)
        self._away.pop(party, None)
        self._missing.get(seq, {}).pop(party, None)

    def refused(self, token: int, now_s: float) -> str | None:
        """Nobody has it.  Returns the party if it is news that it is away."""
        seq, party = self._tokens.pop(token)
        if party in self._missing.get(seq, {}):
            self._missing[seq][party] = False
        away = self._away.get(party)
        if away is None:
            self._away[party] = _Away(now_s)
            return party
        away.again(now_s)
        return None

    def _may_try(self, party: str, now_s: float) -> bool:
        """To a party that is away goes one copy at a time, after a pause, to see."""
        away = self._away.get(party)
        return away is None or (away.until_s <= now_s and all(other != party for _, other in self._tokens.values()))

    def _hopeless(self, party: str, now_s: float) -> bool:
        away = self._away.get(party)
        return away is not None and away.since_s + PATIENCE_S <= now_s and not self._may_try(party, now_s)


class _Away:
    """A party whose copies the broker refuses: since when, and until when it is not tried again."""

    def __init__(self, now_s: float) -> None:
        self.since_s, self._pause_s = now_s, _FIRST_PAUSE_S
        self.until_s = now_s + self._pause_s

    def again(self, now_s: float) -> None:
        """Refused once more; those that were under way together count once."""
        if self.until_s <= now_s:
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
            self.until_s = now_s + self._pause_s
