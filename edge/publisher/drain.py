"""Lane 2: from the outbox to the agency's store, and nothing forgotten before the agency says that it is there.

A broker's acknowledgement frees a place in the window and lets a read follow its copies, nothing else.  What has no receipt
in time is sent again; what has one is pruned.  Every rule about when is in :class:`Flight` and, for copies, in
:class:`edge.publisher.copies.Copies`; neither does any I/O.  What the agency is told of the chain itself is in
:class:`edge.publisher.chain_watch.ChainWatch`.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable

from edge.envelope.interface import NoticeWriter, Receipt, ReceiptReader
from edge.errors import EnvelopeError, OutboxError
from edge.journal import Journal
from edge.outbox.interface import Outbox
from edge.publisher.chain_watch import ChainWatch
from edge.publisher.copies import Copies
from edge.publisher.interface import Acknowledged, Connected, Disconnected, Event, Publisher, ReceiptArrived
from edge.records import Envelope

_POLL_S = 0.1
_LOOK_EVERY_S = 5.0
_TROUBLE_PAUSE_S = 1.0
_FETCH = 64
# How many envelopes may be with the broker without a receipt, in windows: enough to hide the way to the store and back,
# few enough that a broker that loses its queue loses little time.
_WINDOWS_AHEAD = 8
_SLOWEST_RESEND = 16
_STUCK_TRIES = 3
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 10.0


class Flight:
    """What is under way: which envelopes the broker has not answered for, and which the agency has not.

    Times are seconds of a clock that only goes forward.
    """

    def __init__(self, resend_after_s: float) -> None:
        self._resend_after_s = resend_after_s
        self._due: dict[int, float] = {}
        self._tries: dict[int, int] = {}
        self._parked: set[int] = set()
        self._unanswered: dict[int, int] = {}
        self._pause_s, self._paused_until_s = 0.0, 0.0
        self.window = 0
        self.cursor = 0

    def begin(self, window: int) -> None:
        """A fresh connection: everything kept is to be sent from the start."""
        self.window, self.cursor = window, 0
        self._due.clear()
        self._unanswered.clear()
        self._pause_s = self._paused_until_s = 0.0
        self._tries = dict.fromkeys(self._tries, 1)

    def end(self) -> None:
        """No connection, no window."""
        self.begin(0)

    def room(self, now_s: float, copies: Copies) -> int:
        """How many messages may be handed over now beside ``copies``: after a refusal none for a while, then one to see."""
        if now_s < self._paused_until_s:
            return 0
        window = min(self.window, 1) if self._pause_s else self.window
        return max(0, window - len(self._unanswered) - copies.unanswered)

    def room_ahead(self, now_s: float, copies: Copies) -> int:
        """How many envelopes that were not sent yet may be handed over now."""
        most = self.window * _WINDOWS_AHEAD
        hopeful = sum(1 for seq in self._due if self._tries[seq] < _STUCK_TRIES) + copies.held
        # What the agency never answers for (an envelope damaged on the card) must not stand in the way of the rest.
        return max(0, min(self.room(now_s, copies), most - hopeful, 2 * most - len(self._due)))

    def overdue(self, now_s: float) -> list[int]:
        """Numbers to send again: no receipt came in time."""
        return [seq for seq, due_s in self._due.items() if due_s <= now_s]

    def knows(self, seq: int) -> bool:
        """Whether ``seq`` is under way or parked, so that going through the outbox skips it."""
        return seq in self._due or seq in self._parked

    def sent(self, seq: int, token: int, now_s: float) -> bool:
        """Note that ``seq`` was handed over; returns whether it had been before."""
        tries = self._tries.get(seq, 0)
        self._tries[seq] = tries + 1
        # An agency end that is away for a day is not asked every 20 s for everything.
        self._due[seq] = now_s + self._resend_after_s * min(2**tries, _SLOWEST_RESEND)
        self._unanswered[token] = seq
        return tries > 0

    def accepted(self, token: int) -> None:
        """The broker holds it; a receipt may come."""
        if self._unanswered.pop(token, None) is not None:
            self._pause_s = 0.0

    def refused(self, token: int, now_s: float) -> bool:
        """The broker did not take it, or nobody listens: no receipt can come.  Pause, so that a broker without an agency end
        behind it does not cost the SIM card everything over and over.  Returns whether this is news."""
        seq = self._unanswered.pop(token, None)
        if seq is None:
            return False
        if seq in self._due:
            self._due[seq] = now_s
        news = self._pause_s == 0.0
        if now_s >= self._paused_until_s:
            self._pause_s = min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            self._paused_until_s = now_s + self._pause_s
        return news

    def settled(self, receipt: Receipt) -> None:
        """Forget what the receipt names, and stop sending what can never be stored."""
        firsts = [first for first, _ in receipt.stored]
        for seq in list(self._tries):
            at = bisect_right(firsts, seq) - 1
            if at >= 0 and seq <= receipt.stored[at][1]:
                self.gone(seq)
        for seq in receipt.conflicts:
            if seq in self._tries:
                self._parked.add(seq)
                self._due.pop(seq, None)

    def gone(self, seq: int) -> None:
        """Forget ``seq``: it is not in the outbox any more."""
        self._due.pop(seq, None)
        self._tries.pop(seq, None)
        self._parked.discard(seq)


class Drain:
    """Lane 2.  One thread calls ``run``; it shares nothing with lane 1 but the outbox."""

    def __init__(
        self,
        outbox: Outbox,
        publisher: Publisher,
        receipts: ReceiptReader,
        journal: Journal,
        *,
        notices: NoticeWriter | None = None,
        resend_after_s: float = 20.0,
        tell_every_s: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without ``notices`` the agency hears nothing about this unit's chain and cannot tell a read that waits here from one
        that was taken away.  With them it hears at once, soon again, and then every ``tell_every_s`` what has changed."""
        self._outbox, self._publisher, self._receipts, self._journal = outbox, publisher, receipts, journal
        self._monotonic = monotonic
        self._flight, self._copies = Flight(resend_after_s), Copies()
        self._chain = None if notices is None else ChainWatch(outbox, notices, tell_every_s)
        self._look_at_s = monotonic()
        self._dropped: tuple[int, int] | None = None
        self._last_reason = ""

    def run(self, stop: threading.Event) -> None:
        """Send, take receipts and prune until ``stop`` is set; a broker that is away is waited for, never a reason to end."""
        self._publisher.start()
        try:
            while not stop.is_set():
                self._turn(stop)
        finally:
            self._publisher.close()

    def _turn(self, stop: threading.Event) -> None:
        try:
            self._look_after()
            self._tell()
            sent = self._send_overdue() + self._send_held() + self._send_new()
            self._take_events(0.0 if sent else _POLL_S)
        except OutboxError as error:
            # Lane 1 meets the same trouble and decides about reads; here it only means trying again.
            self._journal.count("drain_troubles", "outbox")
            self._journal.error("outbox could not be used by lane 2", reason=str(error))
            stop.wait(_TROUBLE_PAUSE_S)
        except Exception as error:  # noqa: BLE001
            # The top of lane 2: it must not die while lane 1 goes on filling the outbox.  Its words may hold anything, so
            # only the kind is said.
            self._journal.count("drain_troubles", type(error).__name__)
            self._journal.error("lane 2 met something unexpected and goes on", kind=type(error).__name__)
            stop.wait(_TROUBLE_PAUSE_S)

    def _look_after(self) -> None:
        """Delete what is over, and be loud about what had to make room."""
        if self._monotonic() < self._look_at_s:
            return
        self._look_at_s = self._monotonic() + _LOOK_EVERY_S
        expired = self._outbox.expire()
        if expired:
            self._journal.count("envelopes_expired", by=expired)
            self._journal.warning("reads were deleted undelivered because their label said so", envelopes=expired)
        backlog = self._outbox.backlog()
        before, self._dropped = self._dropped, (backlog.dropped, backlog.dropped_copies)
        if before is None or before == self._dropped:
            return
        self._journal.count("envelopes_dropped", by=backlog.dropped - before[0])
        self._journal.count("copies_dropped", by=backlog.dropped_copies - before[1])
        self._journal.error(
            "the outbox is full: the oldest made room for the newest; bring the agency's end within reach",
            reads=backlog.dropped - before[0],
            copies=backlog.dropped_copies - before[1],
        )

    def _tell(self) -> None:
        """Say what was dropped and where the chain stands, before anything that was not sent yet."""
        now_s = self._monotonic()
        while self._chain is not None and self._room(now_s):
            wire = self._chain.due(now_s)
            token = self._publisher.send(wire) if wire is not None else None
            if token is None:
                return
            self._chain.sent(token, now_s)
            self._journal.count("notices_sent")

    def _send_overdue(self) -> int:
        now_s, sent = self._monotonic(), 0
        for seq in self._flight.overdue(now_s):
            if self._room(now_s) == 0:
                break
            envelope = self._kept(seq)
            if envelope is None:
                self._flight.gone(seq)
                continue
            if not self._send_read(envelope, now_s):
                break
            sent += 1
        return sent

    def _send_held(self) -> int:
        """Go on with reads whose copies were not all taken when they were first looked at."""
        now_s, sent = self._monotonic(), 0
        for seq in self._copies.due(now_s):
            if self._room(now_s) == 0:
                break
            envelope = self._kept(seq)
            if envelope is None:
                self._copies.release(seq)
                continue
            sent += self._send_in_order(envelope, now_s)
        return sent

    def _send_new(self) -> int:
        now_s, sent = self._monotonic(), 0
        room = self._flight.room_ahead(now_s, self._copies)
        if room == 0:
            return 0
        for envelope in self._outbox.waiting(after=self._flight.cursor, limit=min(room, _FETCH)):
            seq = envelope.slot.seq
            if not self._flight.knows(seq) and not self._copies.holds(seq):
                if self._room(now_s) == 0:
                    break
                if envelope.copies:
                    self._copies.hold(seq, [copy.party for copy in envelope.copies])
                    sent += self._send_in_order(envelope, now_s)
                elif self._send_read(envelope, now_s):
                    sent += 1
                else:
                    break
            self._flight.cursor = seq
        return sent

    def _send_in_order(self, envelope: Envelope, now_s: float) -> int:
        """Send the copies that may go now and, once there is none left to wait for, the read; returns how many messages."""
        seq, sent = envelope.slot.seq, 0
        wires = {copy.party: copy.wire for copy in envelope.copies}
        for party in self._copies.to_send(seq, now_s):
            token = self._publisher.send(wires[party], party) if self._room(now_s) else None
            if token is None:
                return sent
            self._copies.sent(seq, party, token)
            self._journal.count("copies_sent")
            sent += 1
        if self._copies.settled(seq, now_s) and self._send_read(envelope, now_s):
            for party in self._copies.release(seq):
                self._journal.count("copies_given_up", party)
            sent += 1
        return sent

    def _send_read(self, envelope: Envelope, now_s: float) -> bool:
        """Hand over the read itself; whether it went."""
        self._look_at(envelope)
        token = self._publisher.send(envelope.wire)
        if token is None:
            return False
        again = self._flight.sent(envelope.slot.seq, token, now_s)
        self._journal.count("envelopes_sent", "again" if again else "first")
        return True

    def _look_at(self, envelope: Envelope) -> None:
        """What is not as it was written goes out all the same: the agency keeps it aside as evidence."""
        if self._chain is not None and self._chain.finds_altered(envelope):
            self._journal.count("alarms", "outbox-altered")
            words = "a row of the outbox is not as it was written; run `plate-edge outbox verify`"
            self._journal.error(words, seq=envelope.slot.seq)

    def _kept(self, seq: int) -> Envelope | None:
        found = self._outbox.waiting(after=seq - 1, limit=1)
        return found[0] if found and found[0].slot.seq == seq else None

    def _room(self, now_s: float) -> int:
        told = 0 if self._chain is None else self._chain.unanswered
        return max(0, self._flight.room(now_s, self._copies) - told)

    def _take_events(self, timeout_s: float) -> None:
        """Take everything that has happened; wait for the first of it at most ``timeout_s``."""
        event = self._publisher.next_event(timeout_s)
        while event is not None:
            self._take(event)
            event = self._publisher.next_event(0.0)

    def _take(self, event: Event) -> None:
        if isinstance(event, Connected):
            self._flight.begin(event.window)
            self._copies.begin()
            if self._chain is not None:
                self._chain.begin()
            self._last_reason = ""
            self._journal.count("link", "connected")
            self._journal.info("broker connected", window=event.window)
        elif isinstance(event, Disconnected):
            self._take_disconnection(event)
        elif isinstance(event, Acknowledged):
            self._take_answer(event)
        elif isinstance(event, ReceiptArrived):
            self._take_receipt(event.wire)

    def _take_disconnection(self, event: Disconnected) -> None:
        self._flight.end()
        self._copies.begin()
        self._journal.count("link", "disconnected")
        if event.reason != self._last_reason:
            waiting = self._outbox.backlog().waiting
            self._journal.warning("broker away; reads are kept", reason=event.reason, waiting=waiting)
        self._last_reason = event.reason

    def _take_answer(self, event: Acknowledged) -> None:
        if self._chain is not None and self._chain.answered(event.token, event.refused == ""):
            return
        if self._copies.knows(event.token):
            self._take_answer_to_copy(event)
            return
        if not event.refused:
            self._flight.accepted(event.token)
            return
        self._journal.count("envelopes_refused", event.refused)
        if self._flight.refused(event.token, self._monotonic()):
            self._journal.warning("broker does not pass reads on; they are kept", reason=event.refused)

    def _take_answer_to_copy(self, event: Acknowledged) -> None:
        if not event.refused:
            self._copies.accepted(event.token)
            return
        self._journal.count("copies_refused", event.refused)
        party = self._copies.refused(event.token, self._monotonic())
        if party is not None:
            self._journal.warning("broker does not pass copies on", party=party, reason=event.refused)

    def _take_receipt(self, wire: bytes) -> None:
        try:
            receipt = self._receipts.read(wire)
        except EnvelopeError as error:
            self._journal.count("receipts_refused", error.reason)
            self._journal.warning("receipt refused", reason=error.reason)
            return
        backlog = self._outbox.backlog()
        if receipt.epoch != backlog.epoch:
            self._journal.count("receipts_refused", "epoch")
            return
        self._journal.count("receipts_taken")
        self._alarm(receipt, backlog.committed)
        self._journal.count("envelopes_pruned", by=self._outbox.prune(receipt.epoch, receipt.stored))
        if self._chain is not None and receipt.buried:
            self._chain.settled(receipt.buried)
        self._flight.settled(receipt)

    def _alarm(self, receipt: Receipt, committed: int) -> None:
        """Say aloud what an honest unit and an honest agency cannot bring about."""
        if receipt.stored and receipt.stored[-1][1] > committed:
            self._journal.count("alarms", "receipt-ahead")
            self._journal.error(
                "the agency holds reads under this unit's name that this outbox never kept: an old copy of the outbox was "
                "restored, or the unit was cloned",
                stored=receipt.stored[-1][1],
                committed=committed,
            )
        if receipt.conflicts:
            self._journal.count("alarms", "conflict")
            self._journal.error(
                "the agency holds other reads under numbers of this unit",
                first=receipt.conflicts[0],
                numbers=len(receipt.conflicts),
            )
