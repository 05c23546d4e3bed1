"""The end of lane 1: releases are sealed and committed to the outbox."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from edge.clock import Clock
from edge.envelope.interface import Sealer
from edge.errors import OutboxError
from edge.journal import Journal
from edge.outbox.interface import Outbox
from edge.records import Envelope, Release


class Exit:
    """The one door out of lane 1: seals each release for the next slot of the chain and commits it.

    What comes to the door while another commit waits for the medium is committed next, all of it at once: each waits for two
    flushes, however many cameras there are, and one that comes alone waits for nobody.

    While the outbox cannot keep a read (its disk is full), releases wait in memory, bounded, and go in first once it can; those
    whose time is over meanwhile are forgotten and counted.
    """

    WAITING_AT_MOST = 1000
    AT_ONCE = 20

    def __init__(self, sealer: Sealer, outbox: Outbox, clock: Clock, journal: Journal) -> None:
        self._sealer, self._outbox, self._clock, self._journal = sealer, outbox, clock, journal
        self._door = threading.Condition()
        self._open = True  # nobody is committing
        self._waiting: deque[Release] = deque()
        self._came, self._went = 0, 0
        self._in_trouble = False

    def keep(self, release: Release) -> None:
        """Commit a release; when this returns it is in the outbox for good, or the outbox is in trouble and it waits."""
        with self._door:
            self._waiting.append(release)
            self._came += 1
            ticket = self._came
            if len(self._waiting) > self.WAITING_AT_MOST:
                self._waiting.popleft()
                self._went += 1
                self._journal.count("reads_lost", "outbox-full")
        self._commit(ticket)

    def close(self) -> None:
        """Try once more; what still cannot be kept is lost, counted and said."""
        self._commit(self._came)
        with self._door:
            if self._waiting:
                self._journal.count("reads_lost", "outbox-full", len(self._waiting))
                self._journal.error("reads were lost: the outbox could not keep them", reads=len(self._waiting))
                self._waiting.clear()

    def _commit(self, ticket: int) -> None:
        """See that everything up to ``ticket`` goes through, by whoever is at it or by us; one attempt in times of trouble."""
        with self._door:
            self._door.wait_for(lambda: self._open or self._went >= ticket)
            if self._went >= ticket:
                return
            self._open = False
        try:
            at_once = self.AT_ONCE
            while self._went < ticket and at_once:
                at_once = self._commit_some(at_once)
        finally:
            with self._door:
                self._open = True
                self._door.notify_all()

    def _commit_some(self, at_once: int) -> int:
        """Commit the first that wait; how many to take at once next time, 0 if the outbox keeps none."""
        group = self._next(at_once)
        try:
            envelopes = list(self._sealed(group))
            if envelopes:
                self._outbox.put_all(envelopes)
        except OutboxError as error:
            self._put_back(group)
            if len(group) > 1:
                return 1  # where there is no room for all of them there may be for the first
            if not self._in_trouble:
                self._journal.error("outbox cannot keep reads; they wait in memory", reason=str(error))
            self._in_trouble = True
            self._give_up_pictures()
            return 0
        except Exception:
            self._put_back(group)
            raise
        self._in_trouble = False
        for envelope in envelopes:
            self._note(envelope)
        with self._door:
            self._went += len(group)
            self._door.notify_all()
        return at_once

    def _next(self, at_most: int) -> list[Release]:
        """The first that wait, without those whose time is over."""
        group: list[Release] = []
        with self._door:
            while self._waiting and len(group) < at_most:
                release = self._waiting.popleft()
                if release.labeled.label.delete_after <= self._clock.now().utc:
                    self._journal.count("reads_expired", "waiting-for-the-outbox")
                    self._went += 1
                else:
                    group.append(release)
        return group

    def _put_back(self, group: Sequence[Release]) -> None:
        with self._door:
            self._waiting.extendleft(reversed(group))

    def _give_up_pictures(self) -> None:
        """While reads have to wait in memory, their pictures are the first to go."""
        with self._door:
            given_up = sum(len(each.pictures) for each in self._waiting)
            if given_up:
                bare = [msgspec.structs.replace(each, pictures=()) for each in self._waiting]
                self._waiting.clear()
                self._waiting.extend(bare)
                self._journal.count("pictures_given_up", "outbox-full", given_up)

    def _sealed(self, group: Iterable[Release]) -> Iterator[Envelope]:
        """Each for the slot after the one before it."""
        slot = self._outbox.next_slot()
        for release in group:
            envelope = self._sealer.seal(release, slot)
            slot = envelope.following
            yield envelope

    def _note(self, envelope: Envelope) -> None:
        slot = envelope.slot
        self._journal.count("reads_committed", slot.epoch)
        for picture in envelope.pictures:
            self._journal.count("pictures_made", picture.kind)
        self._journal.info("read committed", read=envelope.read_id, epoch=slot.epoch, seq=slot.seq, hit=envelope.hit)
