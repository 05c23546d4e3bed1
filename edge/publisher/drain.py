"""Lane 2: from the outbox to the agency's store, and nothing forgotten before the agency says that it is there.

A broker's acknowledgement frees a place in the window and lets a read follow its copies, nothing else.  What has no receipt
in time is sent again; what has one is pruned.  A hit goes before all that waits, and no more is under way than a thin link
carries in a moment, so that it need not wait behind what has left already.  Reads of a backlog go several in one packet.

Every rule about when is in :class:`edge.publisher.flight.Flight` and, for copies, in :class:`edge.publisher.copies.Copies`;
neither does any I/O.  What the agency is told of the chain itself is in :class:`edge.publisher.chain_watch.ChainWatch`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from edge.envelope.interface import NoticeWriter, Receipt, ReceiptReader
from edge.errors import EnvelopeError, OutboxError
from edge.journal import Journal
from edge.outbox.interface import Outbox
from edge.publisher.anchors import Anchors
from edge.publisher.chain_watch import ChainWatch
from edge.publisher.copies import Copies
from edge.publisher.flight import Flight
from edge.publisher.interface import (
    Acknowledged,
    Connected,
    Disconnected,
    Event,
    Publisher,
    ReceiptArrived,
    RequestArrived,
)
from edge.publisher.pictures import Pictures
from edge.records import Envelope

_POLL_S = 0.1
_LOOK_EVERY_S = 5.0
_TROUBLE_PAUSE_S = 1.0
_FETCH = 64
# No more than the other end unpacks (edge.mqtt).
_READS_IN_A_PACKET = 32


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
        anchors: Anchors | None = None,
        resend_after_s: float = 20.0,
        tell_every_s: float = 60.0,
        pictures: Pictures | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without ``notices`` the agency hears nothing about this unit's chain and cannot tell a read that waits here from one
        that was taken away.  With them it hears at once, soon again, and then every ``tell_every_s`` what has changed."""
        self._outbox, self._publisher, self._receipts, self._journal = outbox, publisher, receipts, journal
        self._monotonic = monotonic
        self._flight, self._copies = Flight(resend_after_s), Copies()
        self._chain = None if notices is None else ChainWatch(outbox, notices, tell_every_s, anchors)
        self._pictures = pictures
        self._look_at_s = monotonic()
        self._dropped: tuple[int, int] | None = None
        self._last_reason = ""

    @property
    def pictures_left(self) -> int:
        """How many pictures are still to be sent, up to a few."""
        return 0 if self._pictures is None else self._pictures.left

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
            sent = self._send_new(hits=True) + self._send_overdue() + self._send_held() + self._send_new(hits=False)
            if not sent:
                self._send_picture()
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
        if self._pictures is not None:
            self._pictures.look()
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
        while self._chain is not None and self._flight.room(now_s):
            wire = self._chain.due(now_s)
            token = self._hand_over([wire], None, now_s) if wire is not None else None
            if token is None:
                return
            self._chain.sent(token, now_s)
            self._journal.count("notices_sent")

    def _send_overdue(self) -> int:
        """Send again what has no receipt in time."""
        now_s, sent = self._monotonic(), 0
        overdue = self._flight.overdue(now_s)[:_FETCH] if self._flight.room(now_s) else []
        for packet in self._packets(self._those_kept(overdue)):
            if not self._send_reads(packet, now_s):
                break
            sent += len(packet)
        return sent

    def _send_held(self) -> int:
        """Go on with reads whose copies were not all taken when they were first looked at."""
        now_s, sent = self._monotonic(), 0
        for seq in self._copies.due(now_s):
            if not self._flight.room(now_s):
                break
            envelope = self._kept(seq)
            if envelope is None:
                self._copies.release(seq)
                continue
            sent += self._send_in_order(envelope, now_s)
        return sent

    def _send_new(self, *, hits: bool) -> int:
        """Send what was not sent on this connection: the hits among it, or all of it."""
        now_s, sent = self._monotonic(), 0
        most = min(self._flight.reads_ahead(self._copies.held, hit=hits), _FETCH)
        if not most or not self._flight.room(now_s, hit=hits):
            return 0
        waiting = self._look_further(most, hits)
        for packet in self._packets(each for each in waiting if not self._under_way(each)):
            if not self._flight.room(now_s, hit=hits):
                return sent
            if packet[0].copies:
                self._copies.hold(packet[0].slot.seq, [copy.party for copy in packet[0].copies])
                sent += self._send_in_order(packet[0], now_s, hit=hits)
            elif self._send_reads(packet, now_s, hit=hits):
                sent += len(packet)
            else:
                return sent
            self._looked_at(packet[-1].slot.seq, hits)
        if waiting:
            self._looked_at(waiting[-1].slot.seq, hits)
        return sent

    def _look_further(self, most: int, hits: bool) -> Sequence[Envelope]:
        if hits:
            return self._outbox.waiting_hits(after=self._flight.hits_cursor, limit=most)
        return self._outbox.waiting(after=self._flight.cursor, limit=most)

    def _looked_at(self, seq: int, hits: bool) -> None:
        if hits:
            self._flight.hits_cursor = seq
        else:
            self._flight.cursor = seq

    def _under_way(self, envelope: Envelope) -> bool:
        return self._flight.knows(envelope.slot.seq) or self._copies.holds(envelope.slot.seq)

    def _packets(self, envelopes: Iterable[Envelope]) -> Iterator[list[Envelope]]:
        """``envelopes`` in order, as many together as may go in one message; one with copies alone."""
        packet, size = list[Envelope](), 0
        for envelope in envelopes:
            size += len(envelope.wire)
            full = size > self._flight.packet_bytes or len(packet) == _READS_IN_A_PACKET
            if packet and (full or envelope.copies or packet[0].copies):
                yield packet
                packet, size = [], len(envelope.wire)
            packet.append(envelope)
        if packet:
            yield packet

    def _send_in_order(self, envelope: Envelope, now_s: float, *, hit: bool = False) -> int:
        """Send the copies that may go now and, once there is none left to wait for, the read; returns how many messages."""
        seq, sent = envelope.slot.seq, 0
        wires = {copy.party: copy.wire for copy in envelope.copies}
        for party in self._copies.to_send(seq, now_s):
            token = self._hand_over([wires[party]], party, now_s, hit=hit)
            if token is None:
                return sent
            self._copies.sent(seq, party, token)
            self._journal.count("copies_sent")
            sent += 1
        if self._copies.settled(seq, now_s) and self._send_reads([envelope], now_s, hit=hit):
            for party in self._copies.release(seq):
                self._journal.count("copies_given_up", party)
            sent += 1
        return sent

    def _send_reads(self, packet: Sequence[Envelope], now_s: float, *, hit: bool = False) -> bool:
        """Hand over the reads themselves in one message; whether they went."""
        for envelope in packet:
            self._look_at(envelope)
        token = self._hand_over([envelope.wire for envelope in packet], None, now_s, hit=hit)
        if token is None:
            return False
        for envelope in packet:
            again = self._flight.carries(token, envelope.slot.seq, len(envelope.wire), now_s)
            self._journal.count("envelopes_sent", "again" if again else "first")
        return True

    def _hand_over(self, wires: Sequence[bytes], party: str | None, now_s: float, *, hit: bool = False) -> int | None:
        """Give one message to the publisher; its token, or None if there is no room."""
        token = self._publisher.send(wires, party) if self._flight.room(now_s, hit=hit) else None
        if token is not None:
            self._flight.handed_over(token, sum(map(len, wires)), now_s)
        return token

    def _send_picture(self) -> None:
        """Hand over a piece of a picture, if there is no read that has not been handed over yet."""
        now_s = self._monotonic()
        if self._pictures is None or not self._flight.room(now_s):
            return
        wire = self._pictures.next_piece(now_s)
        if wire is None or self._outbox.waiting(after=self._flight.cursor, limit=1):
            return
        token = self._publisher.send_picture(wire)
        if token is not None:
            self._flight.handed_over(token, len(wire), now_s)
            self._pictures.sent(token)

    def _look_at(self, envelope: Envelope) -> None:
        """What is not as it was written goes out all the same: the agency keeps it aside as evidence."""
        if self._chain is not None and self._chain.finds_altered(envelope):
            self._journal.count("alarms", "outbox-altered")
            words = "a row of the outbox is not as it was written; run `plate-edge outbox verify`"
            self._journal.error(words, seq=envelope.slot.seq)

    def _kept(self, seq: int) -> Envelope | None:
        found = self._outbox.waiting(after=seq - 1, limit=1)
        return found[0] if found and found[0].slot.seq == seq else None

    def _those_kept(self, seqs: Iterable[int]) -> Iterator[Envelope]:
        """Those of ``seqs`` that are in the outbox still."""
        for seq in seqs:
            envelope = self._kept(seq)
            if envelope is None:
                self._flight.gone(seq)
            else:
                yield envelope

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
            if self._pictures is not None:
                self._pictures.begin()
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
        elif isinstance(event, RequestArrived) and self._pictures is not None:
            self._pictures.take_request(event.wire)

    def _take_disconnection(self, event: Disconnected) -> None:
        self._flight.end()
        self._copies.begin()
        if self._pictures is not None:
            self._pictures.begin()
        self._journal.count("link", "disconnected")
        if event.reason != self._last_reason:
            waiting = self._outbox.backlog().waiting
            self._journal.warning("broker away; reads are kept", reason=event.reason, waiting=waiting)
        self._last_reason = event.reason

    def _take_answer(self, event: Acknowledged) -> None:
        self._flight.answered(event.token, self._monotonic())
        if self._chain is not None and self._chain.answered(event.token, event.refused == ""):
            return
        if self._pictures is not None and self._pictures.answered(event.token, event.refused, self._monotonic()):
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
        if self._pictures is not None:
            self._pictures.settled(receipt)
        if self._chain is not None and receipt.buried:
            self._chain.settled(receipt.buried)
        self._flight.settled(receipt.stored, receipt.conflicts, self._monotonic())

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
