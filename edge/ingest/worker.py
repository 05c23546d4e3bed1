"""The agency end: take messages, open them, store them in one transaction, and only then say so to broker and unit.

A message is acknowledged when it is committed or refused for good.  A store that fails keeps the batch waiting here and the
messages at the broker; a message that cannot be believed is counted by reason, kept in quarantine and never blocks.

A copy of another agency's read is stored like one's own, under ``<owner>/<device>``, and gets no receipt: what lets a unit
forget a read is its owner's word alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

from edge.envelope.interface import Opener, Receipt, ReceiptWriter
from edge.errors import EnvelopeError, StoreError
from edge.ingest.interface import Delivery, LinkChange, Mailbox, Quarantine, Refused
from edge.journal import Journal
from edge.store.interface import Arrival, Outcome, Store

_IDLE_WAIT_S = 0.5
_FIRST_RETRY_S = 0.2
_SLOWEST_RETRY_S = 10.0
_RANGES_LIMIT = 512


class Worker:
    """One agency's ingest.  One thread calls ``run``."""

    def __init__(
        self,
        mailbox: Mailbox,
        opener: Opener,
        store: Store,
        receipts: ReceiptWriter,
        quarantine: Quarantine,
        journal: Journal,
        *,
        agency: str,
        batch: int = 64,
        batch_wait_s: float = 0.1,
    ) -> None:
        """``batch`` messages go into one transaction; the first of them waits at most ``batch_wait_s`` for the others."""
        self._mailbox, self._opener, self._store, self._receipts = mailbox, opener, store, receipts
        self._quarantine, self._journal = quarantine, journal
        self._agency, self._batch, self._batch_wait_s = agency, batch, batch_wait_s

    def run(self, stop: threading.Event) -> None:
        """Take and store until ``stop`` is set."""
        self._mailbox.start()
        try:
            while not stop.is_set():
                deliveries = self._collect()
                if deliveries:
                    self._handle(deliveries, stop)
        finally:
            self._mailbox.close()

    def _collect(self) -> list[Delivery]:
        """What arrives until the batch is full or its time is up; empty if nothing does."""
        deliveries: list[Delivery] = []
        until_s = time.monotonic() + _IDLE_WAIT_S
        while len(deliveries) < self._batch:
            event = self._mailbox.next_event(max(0.0, until_s - time.monotonic()))
            if event is None:
                break
            if isinstance(event, LinkChange):
                self._note(event)
                continue
            if not deliveries:
                until_s = time.monotonic() + self._batch_wait_s
            deliveries.append(event)
        return deliveries

    def _handle(self, deliveries: Sequence[Delivery], stop: threading.Event) -> None:
        """One batch: open, store, commit, acknowledge, receipt, in this order."""
        self._journal.count("messages_in", by=len(deliveries))
        received = datetime.now(timezone.utc)
        arrivals = [arrival for arrival in (self._open(delivery, received) for delivery in deliveries) if arrival]
        if arrivals:
            outcomes = self._store_until_done(arrivals, stop)
            if outcomes is None:
                return
            self._count(arrivals, outcomes)
        self._mailbox.acknowledge(deliveries)
        self._post_receipts(arrivals)

    def _open(self, delivery: Delivery, received: datetime) -> Arrival | None:
        """The arrival in a message, or None after refusing it."""
        try:
            if delivery.device is None:
                raise EnvelopeError("topic", "take message: its topic is not one under which devices send to this agency")
            opened = self._opener.open(delivery.device, delivery.wire)
        except EnvelopeError as error:
            self._refuse(delivery, error, received)
            return None
        except Exception as error:  # noqa: BLE001
            # Whatever a hostile message manages to bring about: if it ended this process, the broker would deliver it again
            # to the next one, for ever.  Only the kind of error is named, since its words may quote the message.
            kind = type(error).__name__
            self._refuse(delivery, EnvelopeError("unexpected", f"open message: unexpected {kind}"), received)
            return None
        header = opened.header
        return Arrival(
            # No name holds a slash, so another owner's device cannot take the place of one of ours that has the same name.
            device=header.device if header.owner is None else f"{header.owner}/{header.device}",
            epoch=header.epoch,
            seq=header.seq,
            received=received,
            wire=delivery.wire,
            wire_sha256=opened.wire_sha256,
            labeled=opened.labeled,
        )

    def _refuse(self, delivery: Delivery, error: EnvelopeError, received: datetime) -> None:
        self._journal.count("messages_refused", error.reason)
        self._journal.warning("message refused", reason=error.reason, device=delivery.device, why=str(error))
        try:
            self._quarantine.keep(Refused(received=received, reason=error.reason, topic=delivery.topic, wire=delivery.wire))
        except StoreError as trouble:
            self._journal.count("quarantine_troubles")
            self._journal.error("refused message could not be kept", reason=str(trouble))

    def _store_until_done(self, arrivals: Sequence[Arrival], stop: threading.Event) -> Sequence[Outcome] | None:
        """Commit the batch, trying again for as long as the store is in trouble; None if ``stop`` came first."""
        pause_s = _FIRST_RETRY_S
        while not stop.is_set():
            try:
                return self._store.add(arrivals)
            except StoreError as error:
                self._journal.count("store_troubles")
                self._journal.error("reads could not be stored yet", reason=str(error), reads=len(arrivals))
            stop.wait(pause_s)
            pause_s = min(2 * pause_s, _SLOWEST_RETRY_S)
        return None

    def _count(self, arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]) -> None:
        for arrival, outcome in zip(arrivals, outcomes, strict=True):
            self._journal.count("reads_taken" if self._owns(arrival) else "copies_taken", outcome)
            if outcome == "conflict":
                self._journal.count("alarms", "conflict")
                self._journal.error(
                    "two different reads under one number: a cloned unit or a restored outbox",
                    device=arrival.device,
                    epoch=arrival.epoch,
                    seq=arrival.seq,
                )

    def _post_receipts(self, arrivals: Iterable[Arrival]) -> None:
        """One receipt for each device and epoch in the batch, duplicates included: they ask for one.  None for copies."""
        numbers: dict[tuple[str, str], set[int]] = {}
        for arrival in filter(self._owns, arrivals):
            numbers.setdefault((arrival.device, arrival.epoch), set()).add(arrival.seq)
        for (device, epoch), seqs in numbers.items():
            try:
                receipt = self._receipt(device, epoch, seqs)
            except StoreError as error:
                self._journal.error("receipt could not be made", reason=str(error), device=device)
                continue
            posted = self._mailbox.post_receipt(device, self._receipts.write(receipt))
            self._journal.count("receipts_sent" if posted else "receipts_unsent")

    def _owns(self, arrival: Arrival) -> bool:
        return arrival.labeled.capture.agency == self._agency

    def _receipt(self, device: str, epoch: str, seqs: set[int]) -> Receipt:
        stored, conflicts = self._store.received(device, epoch), self._store.conflicts(device, epoch)
        return Receipt(
            agency=self._agency,
            device=device,
            epoch=epoch,
            stored=_shortened(stored, seqs),
            conflicts=tuple(conflicts[-_RANGES_LIMIT:]),
            issued=datetime.now(timezone.utc),
        )

    def _note(self, change: LinkChange) -> None:
        self._journal.count("link", "connected" if change.up else "disconnected")
        if change.up:
            self._journal.info("broker connected")
        else:
            self._journal.warning("broker away; units keep their reads", reason=change.reason)


def _shortened(ranges: Sequence[tuple[int, int]], seqs: set[int]) -> tuple[tuple[int, int], ...]:
    """At most as many ranges as a receipt takes: the first, those that hold ``seqs``, then the newest.

    A batch is smaller than the limit, so what was just stored is always named.
    """
    if len(ranges) <= _RANGES_LIMIT:
        return tuple(ranges)
    wanted = {0} | {at for at, (first, last) in enumerate(ranges) if any(first <= seq <= last for seq in seqs)}
    newest = (at for at in range(len(ranges) - 1, -1, -1) if at not in wanted)
    room = max(0, _RANGES_LIMIT - len(wanted))
    return tuple(ranges[at] for at in sorted(wanted | {at for at, _ in zip(newest, range(room), strict=False)}))
