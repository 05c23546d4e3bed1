"""A unit whose card, or key, is in somebody's hands; for ``tamper``."""

from __future__ import annotations

import hashlib
import io
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from datetime import datetime, timezone

from edge import mqtt
from edge.envelope.keyring import load_public_key
from edge.envelope.open import verify
from edge.errors import OutboxError
from edge.journal import Journal
from edge.outbox import inspect
from edge.outbox.sqlite import SqliteOutbox
from edge.ranges import runs
from edge.records import Release, Slot
from tests.delivery.town import Town
from tests.labeled import AGENCY, release

_PATIENCE_S = 120.0


class Target:
    """Its outbox, its lane 2 and what lane 2 says."""

    def __init__(self, town: Town, device: str) -> None:
        self.town, self.device, self.path = town, device, town.outbox_path(device)
        self.journal, self._stop = Journal(io.StringIO()), threading.Event()
        self._lane_2: threading.Thread | None = None
        self._outbox: SqliteOutbox | None = None
        self.honest: set[bytes] = set()
        """The SHA-256 of every read that the unit itself put."""

    def open(self) -> bool:
        """Start lane 1; whether the outbox found itself damaged, or refused to open."""
        try:
            self._outbox = self.town.outbox(self.device)
        except OutboxError:
            return True
        return self._outbox.damaged is not None

    def put(self, count: int, text: str = "TEST123") -> None:
        """Keep so many more reads."""
        sealer = self.town.sealer(self.device)
        for _ in range(count if self._outbox is not None else 0):
            assert self._outbox is not None
            slot = self._outbox.next_slot()
            envelope = sealer.seal(self.read(slot.seq, text), slot)
            self._outbox.put(envelope)
            self.honest.add(hashlib.sha256(envelope.wire).digest())

    def read(self, seq: int, text: str) -> Release:
        """A read of this unit."""
        return release(f"{text}-{seq}", text, device=self.device, at=datetime.now(timezone.utc))

    def tell(self) -> None:
        """A moment of contact, in which the unit says where its chain stands, and no more."""
        assert self._outbox is not None
        to_come = runs(self._outbox.waiting_numbers())
        wire = self.town.notices(self.device).standing(self._outbox.head(), to_come, ())
        link = mqtt.Link(self.town.broker(self.town.device(self.device)), self.device, subscribe=[])
        topic = mqtt.topic(mqtt.Address(agency=AGENCY, device=self.device, kind="reads"))
        token: int | None = None
        until_s = time.monotonic() + _PATIENCE_S
        link.start()
        try:
            while True:
                assert time.monotonic() < until_s, "the broker did not take the unit's word"
                token = link.publish(topic, wire) if token is None else token
                event = link.next_event(0.1)
                if isinstance(event, mqtt.Acknowledged) and event.token == token:
                    return
        finally:
            link.close()

    def drain(self) -> None:
        """Start lane 2."""
        if self._outbox is not None:
            self._stop.clear()
            drain = self.town.drain(self.device, self._outbox, self.journal, resend_after_s=2.0)
            self._lane_2 = threading.Thread(target=drain.run, args=(self._stop,))
            self._lane_2.start()

    def waiting(self) -> int:
        """How many reads wait."""
        return self._outbox.backlog().waiting if self._outbox is not None else 0

    def close(self) -> None:
        """Stop both lanes."""
        self._stop.set()
        if self._lane_2 is not None:
            self._lane_2.join()
            self._lane_2 = None
        if self._outbox is not None:
            self._outbox.close()
            self._outbox = None

    def findings(self) -> int:
        """What ``plate-edge outbox verify`` finds on the card now."""
        signer = load_public_key(self.town.device(self.device) / "sign.pem")

        def check(wire: bytes) -> None:
            verify(self.device, wire, [signer])

        try:
            return len(inspect.verify(self.path, check).findings)
        except OutboxError:
            return 1

    def copy(self, name: str) -> None:
        """Put a copy of the card aside; nothing may have it open."""
        for suffix in ("", "-wal"):
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                shutil.copy(part, part.with_name(name + suffix))

    def restore(self, name: str) -> None:
        """Put the copy in the place of what is there."""
        for path in self.path.parent.glob(self.path.name + "-*"):
            path.unlink()
        self.path.with_name(name).replace(self.path)

    def change(self, *statements: str, **values: object) -> None:
        """Write into the file behind the unit's back."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            for statement in statements:
                db.execute(statement, values)

    def ask(self, question: str, **values: object) -> object:
        """One value out of the file."""
        with closing(sqlite3.connect(self.path)) as db:
            return db.execute(question, values).fetchone()[0]

    def forge(self, seq: int, *, key: Target | None = None, previous: bytes | None = None, text: str = "FORGED1") -> bytes:
        """Another read for the place ``seq``, signed with the device's key or with another's."""
        epoch = str(self.ask("SELECT epoch FROM chain"))
        if previous is None:
            previous = self.hash(seq - 1)
        sealer = (key or self).town.sealer((key or self).device)
        made = (key or self).read(seq, text)
        return sealer.seal(made, Slot(epoch=epoch, seq=seq, previous=previous)).wire

    def hash(self, seq: int) -> bytes:
        """Of what lies at ``seq``."""
        wire = self.ask("SELECT wire FROM envelopes WHERE seq = :seq", seq=seq)
        assert isinstance(wire, bytes)
        return hashlib.sha256(wire).digest()
