"""The agency end: take messages, open them, store them in one transaction, and only then say so to broker and unit.

A message is acknowledged when it is committed or refused for good.  A store that fails keeps the batch waiting here and the
messages at the broker; a message that cannot be believed is counted by reason, kept in quarantine and never blocks.

A copy of another agency's read is stored like one's own, under ``<owner>/<device>``, and gets no receipt: what lets a unit
forget a read is its owner's word alone.

What a unit says of its own chain is held against what came of it; what does not fit is an alarm.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from typing import TypeVar

from msgspec import Struct

from edge.envelope.interface import Anchor, Notice, Opened, Opener, Receipt, ReceiptWriter, Tombstone
from edge.errors import EnvelopeError, StoreError
from edge.ingest.clocks import Unset
from edge.ingest.interface import ALARM_WORDS, Alarm, Delivery, LinkChange, Mailbox, Quarantine, Refused
from edge.ingest.owed import Owed, Owing
from edge.ingest.pictures import PictureDesk
from edge.ingest.witness import Anchored, Buried, Came, Clashed, NotBelieved, Stood, Witness, Word
from edge.journal import Journal
from edge.ranges import joined
from edge.store.interface import Arrival, Outcome, Store

_IDLE_WAIT_S = 0.5
_FIRST_RETRY_S = 0.2
_SLOWEST_RETRY_S = 10.0
# A receipt is signed, sent and paid for by the unit's SIM card; and a unit waits for it with at most a few windows under way.
_RECEIPT_EVERY_S = 0.5
_RANGES_LIMIT = 512
_BURIED_LIMIT = 2048
_PICTURES_LIMIT = 512
# Refusals that only a changed or failing outbox brings about: the broker lets nobody else speak under a unit's name.
_NOT_SIGNED = frozenset({"size", "framing", "signature", "device", "sign-key"})

_T = TypeVar("_T")


class Worker:
    """One agency's ingest.  One thread calls ``run``."""

    def __init__(
        self,
        mailbox: Mailbox,
        opener: Opener,
        store: Store,
        receipts: ReceiptWriter,
        quarantine: Quarantine,
        witness: Witness,
        journal: Journal,
        *,
        agency: str,
        batch: int = 256,
        batch_wait_s: float = 0.1,
        receipt_every_s: float = _RECEIPT_EVERY_S,
        desk: PictureDesk | None = None,
    ) -> None:
        """``batch`` messages go into one transaction; the first of them waits at most ``batch_wait_s`` for the others.  Each
        epoch of a unit gets a receipt at once, and then one each ``receipt_every_s`` at most."""
        self._mailbox, self._opener, self._store, self._receipts = mailbox, opener, store, receipts
        self._quarantine, self._witness, self._journal = quarantine, witness, journal
        self._agency, self._batch, self._batch_wait_s = agency, batch, batch_wait_s
        self._owing, self._desk = Owing(receipt_every_s), desk

    def run(self, stop: threading.Event) -> None:
        """Take and store until ``stop`` is set."""
        self._mailbox.start()
        try:
            while not stop.is_set():
                self._turn(stop)
        finally:
            self._post(self._owing.take_all())
            self._mailbox.close()

    def _turn(self, stop: threading.Event) -> None:
        """Take what has arrived, and post the receipts that may go."""
        deliveries = self._collect()
        if deliveries:
            self._handle(deliveries, stop)
        self._post(self._owing.take(time.monotonic()))
        self._ask()

    def _collect(self) -> list[Delivery]:
        """What arrives until the batch is full or its time is up; empty if nothing does."""
        deliveries: list[Delivery] = []
        now_s = time.monotonic()
        wait_s = self._owing.wait_s(now_s)
        until_s = now_s + (_IDLE_WAIT_S if wait_s is None else min(_IDLE_WAIT_S, wait_s))
        while len(deliveries) < self._batch:
            event = self._mailbox.next_event(max(0.0, until_s - time.monotonic()))
            if event is None:
                break
            if isinstance(event, LinkChange):
                note_link(self._journal, event)
                continue
            if not deliveries:
                until_s = time.monotonic() + self._batch_wait_s
            deliveries.append(event)
        return deliveries

    def _handle(self, deliveries: Sequence[Delivery], stop: threading.Event) -> None:
        """One batch: open, store, commit, witness, acknowledge, receipt, in this order."""
        self._journal.count("messages_in", by=len(deliveries))
        received = datetime.now(timezone.utc)
        taken = [self._open(delivery) for delivery in deliveries if not delivery.picture]
        arrivals = [_arrival(one, received) for one in taken if isinstance(one, _Read)]
        outcomes = self._until_done(lambda: self._store.add(arrivals), len(arrivals), stop) if arrivals else ()
        if outcomes is None:
            return
        self._count(arrivals, outcomes)
        alarms = self._until_done(lambda: self._witness.take(self._words(taken, outcomes), received), len(taken), stop)
        if alarms is None:
            return
        self._tell(alarms)
        for delivery in deliveries:
            if not self._take_picture(delivery, stop):
                return
        self._mailbox.acknowledge(deliveries)
        self._owe(arrivals, [one.notice for one in taken if isinstance(one, _Notice)])

    def _open(self, delivery: Delivery) -> _Read | _Notice | _Refusal:
        """What is in a message, or that it was refused."""
        try:
            if delivery.device is None:
                raise EnvelopeError("topic", "take message: its topic is not one under which devices send to this agency")
            opened = self._opener.open(delivery.device, delivery.wire)
        except EnvelopeError as error:
            self._refuse(delivery, error)
            return _Refusal(delivery.device, error.reason)
        except Exception as error:  # noqa: BLE001
            # Whatever a hostile message manages to bring about: if it ended this process, the broker would deliver it again
            # to the next one, for ever.  Only the kind of error is named, since its words may quote the message.
            kind = type(error).__name__
            self._refuse(delivery, EnvelopeError("unexpected", f"open message: unexpected {kind}"))
            return _Refusal(delivery.device, "unexpected")
        if isinstance(opened, Opened):
            return _Read(opened, delivery.wire)
        self._journal.count("notices_taken", type(opened).__name__.lower())
        return _Notice(opened, delivery.wire)

    def _take_picture(self, delivery: Delivery, stop: threading.Event) -> bool:
        """Take a piece of a picture, if it is one; false if ``stop`` came before that was done."""
        desk, device = self._desk, delivery.device
        if desk is None or device is None:
            if delivery.picture:
                self._refuse(delivery, EnvelopeError("topic", "take picture: this end takes none under this topic"))
            return True
        desk.heard(device)
        if not delivery.picture:
            return True
        try:
            settled = self._until_done(lambda: (desk.take(device, delivery.wire),), 1, stop)
        except EnvelopeError as error:
            self._refuse(delivery, error)
            return True
        except Exception as error:  # noqa: BLE001
            # As with reads: whatever a hostile message brings about, and without its words.
            self._refuse(delivery, EnvelopeError("unexpected", f"take picture: unexpected {type(error).__name__}"))
            return True
        if settled is None:
            return False
        for told in filter(None, settled):
            desk.done(device)
            self._owing.add(device, told.epoch, pictures=told.stored, unwanted=told.unwanted)
        return True

    def _ask(self) -> None:
        """Post the requests for pictures that are due."""
        try:
            for device, wire in self._desk.due() if self._desk is not None else ():
                posted = self._mailbox.post_request(device, wire)
                self._journal.count("requests_sent" if posted else "requests_unsent")
        except StoreError as error:
            self._journal.count("store_troubles")
            self._journal.error("pictures could not be asked for", reason=str(error))

    def _refuse(self, delivery: Delivery, error: EnvelopeError) -> None:
        self._journal.count("messages_refused", error.reason)
        self._journal.warning("message refused", reason=error.reason, device=delivery.device, why=str(error))
        try:
            received = datetime.now(timezone.utc)
            self._quarantine.keep(Refused(received=received, reason=error.reason, topic=delivery.topic, wire=delivery.wire))
        except StoreError as trouble:
            self._journal.count("quarantine_troubles")
            self._journal.error("refused message could not be kept", reason=str(trouble))

    def _until_done(self, do: Callable[[], _T], messages: int, stop: threading.Event) -> _T | None:
        """What ``do`` returns, trying again for as long as the store is in trouble; None if ``stop`` came first."""
        pause_s = _FIRST_RETRY_S
        while not stop.is_set():
            try:
                return do()
            except StoreError as error:
                self._journal.count("store_troubles")
                self._journal.error("messages could not be stored yet", reason=str(error), messages=messages)
            stop.wait(pause_s)
            pause_s = min(2 * pause_s, _SLOWEST_RETRY_S)
        return None

    def _count(self, arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]) -> None:
        for arrival, outcome in zip(arrivals, outcomes, strict=True):
            self._journal.count("reads_taken" if self._owns(arrival) else "copies_taken", outcome)

    def _words(self, taken: Iterable[_Read | _Notice | _Refusal], outcomes: Iterable[Outcome]) -> list[Word]:
        """What the witness is to hear, in the order of arrival.  Raises StoreError."""
        words, left = list[Word](), iter(outcomes)
        for one in taken:
            if isinstance(one, _Read):
                words += self._word_of(one.opened, next(left))
            elif isinstance(one, _Notice):
                words.append(self._word_about_itself(one.notice, one.wire))
            elif one.device is not None and one.reason in _NOT_SIGNED:
                words.append(NotBelieved(device=one.device))
        return words

    def _word_of(self, opened: Opened, outcome: Outcome) -> Iterator[Word]:
        header, device = opened.header, _stored_as(opened)
        if outcome == "conflict":
            yield Clashed(device=device, epoch=header.epoch, seq=header.seq)
        elif header.owner is None:  # another agency's chain is its own concern, and copies are no part of it
            yield Came(
                device=device,
                epoch=header.epoch,
                seq=header.seq,
                previous=header.previous,
                digest=opened.wire_sha256,
                is_new=outcome == "stored",
                unset=_unset(opened),
            )

    def _word_about_itself(self, notice: Notice, wire: bytes) -> Word:
        if isinstance(notice, Tombstone):
            return Buried(tombstone=notice, wire=wire)
        if isinstance(notice, Anchor):
            return Anchored(anchor=notice, wire=wire)
        return Stood(standing=notice, arrived=self._arrived(notice.device, notice.epoch))

    def _arrived(self, device: str, epoch: str) -> tuple[tuple[int, int], ...]:
        disputed = [(seq, seq) for seq in self._store.conflicts(device, epoch)]
        return tuple(joined([*self._store.received(device, epoch), *disputed]))

    def _tell(self, alarms: Iterable[Alarm]) -> None:
        for alarm in alarms:
            self._journal.count("alarms", alarm.reason)
            self._journal.error(
                ALARM_WORDS[alarm.reason],
                alarm=alarm.reason,
                device=alarm.device,
                epoch=alarm.epoch,
                first=alarm.first,
                last=alarm.last,
            )

    def _owe(self, arrivals: Iterable[Arrival], notices: Iterable[Notice]) -> None:
        """Each device and epoch in the batch is owed a receipt, for duplicates too: they ask for one.  None for copies."""
        numbers: dict[tuple[str, str], set[int]] = {}
        for arrival in filter(self._owns, arrivals):
            numbers.setdefault((arrival.device, arrival.epoch), set()).add(arrival.seq)
        for (device, epoch), seqs in numbers.items():
            self._owing.add(device, epoch, seqs)
        for notice in notices:
            if isinstance(notice, Tombstone):
                self._owing.add(notice.device, notice.epoch, buried=_buried(notice))

    def _post(self, owed: Iterable[Owed]) -> None:
        """Make and post receipts; one that cannot go now is owed still."""
        for each in owed:
            try:
                receipt = self._receipt(each)
            except StoreError as error:
                self._journal.error("receipt could not be made", reason=str(error), device=each.device)
                self._owe_still(each)
                continue
            posted = self._mailbox.post_receipt(each.device, self._receipts.write(receipt))
            self._journal.count("receipts_sent" if posted else "receipts_unsent")
            if not posted:
                self._owe_still(each)

    def _owe_still(self, owed: Owed) -> None:
        self._owing.add(owed.device, owed.epoch, owed.seqs, owed.buried, owed.pictures, owed.unwanted)

    def _owns(self, arrival: Arrival) -> bool:
        return arrival.labeled.capture.agency == self._agency

    def _receipt(self, owed: Owed) -> Receipt:
        stored = self._store.received(owed.device, owed.epoch)
        conflicts = self._store.conflicts(owed.device, owed.epoch)
        return Receipt(
            agency=self._agency,
            device=owed.device,
            epoch=owed.epoch,
            stored=_shortened(stored, owed.seqs),
            conflicts=tuple(conflicts[-_RANGES_LIMIT:]),
            buried=tuple(joined(owed.buried)[:_BURIED_LIMIT]),
            # What finds no place here is sent again, and named then.
            pictures=tuple(sorted(owed.pictures)[:_PICTURES_LIMIT]),
            unwanted=tuple(sorted(owed.unwanted)[:_PICTURES_LIMIT]),
            issued=datetime.now(timezone.utc),
        )


def note_link(journal: Journal, change: LinkChange) -> None:
    """Count and say that the broker came or went."""
    journal.count("link", "connected" if change.up else "disconnected")
    if change.up:
        journal.info("broker connected")
    else:
        journal.warning("broker away; units keep their reads", reason=change.reason)


class _Read(Struct, frozen=True):
    """A read or a copy that was opened."""

    opened: Opened
    wire: bytes


class _Notice(Struct, frozen=True):
    """A unit's word about its chain."""

    notice: Notice
    wire: bytes


class _Refusal(Struct, frozen=True):
    """What could not be believed."""

    device: str | None
    reason: str


def _buried(tombstone: Tombstone) -> tuple[tuple[int, int], ...]:
    """Every number that a tombstone names."""
    return (*tombstone.budget, *tombstone.expired, *tombstone.copies, *tombstone.pictures)


def _stored_as(opened: Opened) -> str:
    # No name holds a slash, so another owner's device cannot take the place of one of ours that has the same name.
    header = opened.header
    return header.device if header.owner is None else f"{header.owner}/{header.device}"


def _unset(opened: Opened) -> Unset | None:
    first = opened.labeled.read.first
    if first.quality.synchronised:
        return None
    return Unset(
        signed=first.utc, boottime_ns=first.boottime_ns, boot_id=first.boot_id, delete_after=opened.header.delete_after
    )


def _arrival(read: _Read, received: datetime) -> Arrival:
    header = read.opened.header
    return Arrival(
        device=_stored_as(read.opened),
        epoch=header.epoch,
        seq=header.seq,
        received=received,
        wire=read.wire,
        wire_sha256=read.opened.wire_sha256,
        labeled=read.opened.labeled,
    )


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
