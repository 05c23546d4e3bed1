"""A unit and its agency end in one process, with a wire between them that the test holds: real outbox, drain, worker, store."""

from __future__ import annotations

import io
import threading
import uuid
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from edge.envelope.enrolled import EnrolledDevices
from edge.envelope.keyring import load_private_key, load_public_keys
from edge.envelope.notice import NoticeSigner
from edge.envelope.open import HpkeOpener
from edge.envelope.receipt import ReceiptSigner, ReceiptVerifier
from edge.ingest import witness
from edge.ingest.interface import Alarm, Delivery, LinkChange, UnitAccount
from edge.ingest.pictures import PictureDesk
from edge.ingest.quarantine import QuarantineFile
from edge.ingest.witness import WitnessFile
from edge.ingest.worker import Worker
from edge.journal import Journal
from edge.outbox.sqlite import SqliteOutbox
from edge.publisher.anchors import Anchors
from edge.publisher.drain import Drain
from edge.publisher.interface import Acknowledged, Connected, Disconnected, Event, ReceiptArrived, RequestArrived
from edge.publisher.pictures import Send
from edge.records import Envelope, Slot
from edge.store.sqlite import SqliteStore
from tests.clocks import HandClock
from tests.delivery.town import Town
from tests.labeled import AGENCY, release

WINDOW = 32


class Wire:
    """Both ends' side of the connection.  ``lets_through`` is how many more messages reach the agency,
    ``lets_pictures_through`` how many pieces of pictures, ``loses_receipts`` how many receipts do not reach the unit."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.sent: list[bytes] = []
        self.lets_through, self.lets_pictures_through, self.loses_receipts = 10**9, 10**9, 0
        self._to_unit: deque[Event] = deque([Connected(window=WINDOW)])
        self._connected = False
        # What comes alone is taken first, as by the real mailbox.
        self._to_agency: deque[Delivery | LinkChange] = deque()
        self._packed: deque[Delivery] = deque()

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass

    def again(self) -> None:
        """The connection breaks and comes back; what was under way is gone."""
        self._to_agency.clear()
        self._packed.clear()
        self._connected = False
        self._to_unit = deque([Disconnected(reason="the connection ended"), Connected(window=WINDOW)])

    def send(self, wires: Sequence[bytes], party: str | None = None) -> int | None:
        if not self._connected:
            return None
        for wire in wires:
            self.sent.append(wire)
            if self.lets_through > 0:
                self.lets_through -= 1
                self.deliver(wire, alone=len(wires) == 1)
        self._to_unit.append(Acknowledged(token=len(self.sent)))
        return len(self.sent)

    def send_picture(self, wire: bytes) -> int | None:
        if not self._connected:
            return None
        self.sent.append(wire)
        if self.lets_pictures_through > 0:
            self.lets_pictures_through -= 1
            self.deliver(wire, picture=True)
        self._to_unit.append(Acknowledged(token=len(self.sent)))
        return len(self.sent)

    def deliver(self, wire: bytes, *, alone: bool = True, picture: bool = False) -> None:
        """Hand ``wire`` to the agency, as whoever has the device's certificate could."""
        delivery = Delivery(device=self.device, topic=f"t/{self.device}", wire=wire, token=0, picture=picture)
        (self._to_agency if alone else self._packed).append(delivery)

    def post_request(self, device: str, wire: bytes) -> bool:
        self._to_unit.append(RequestArrived(wire=wire))
        return True

    def post_receipt(self, device: str, wire: bytes) -> bool:
        if self.loses_receipts:
            self.loses_receipts -= 1
        else:
            self._to_unit.append(ReceiptArrived(wire=wire))
        return True

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        pass

    def next_event(self, timeout_s: float) -> Event | None:
        event = self._to_unit.popleft() if self._to_unit else None
        self._connected = (self._connected or isinstance(event, Connected)) and not isinstance(event, Disconnected)
        return event

    def take(self) -> Delivery | LinkChange | None:
        if self._to_agency:
            return self._to_agency.popleft()
        return self._packed.popleft() if self._packed else None


class AgencySide:
    """The wire as the agency end sees it: a mailbox."""

    def __init__(self, wire: Wire) -> None:
        self.start, self.close, self.acknowledge = wire.start, wire.close, wire.acknowledge
        self.post_receipt, self.post_request = wire.post_receipt, wire.post_request
        self._wire = wire

    def next_event(self, timeout_s: float) -> Delivery | LinkChange | None:
        return self._wire.take()


class UnitSide:
    """A unit without a camera: its outbox and lane 2.  ``clock`` says which machine it is."""

    def __init__(self, town: Town, device: str, clock: HandClock, outbox: Path, send: Send = "after-reads", **how: int) -> None:
        self.town, self.device, self.path, self.clock, self.how, self.send = town, device, outbox, clock, how, send
        self.journal, self.log, self.now_s = Journal(log := io.StringIO()), log, 0.0
        self.wire, self._sealer = Wire(device), town.sealer(device)
        self.epoch, self.hashes = "", dict[int, bytes]()
        self.start()

    def start(self) -> None:
        """As after a restart: everything in memory is gone."""
        limits = {"budget_bytes": 64 << 20, "reserve_bytes": 1 << 16, **self.how}
        keys = load_public_keys(self.town.device(self.device) / "agency-receipt.pem")
        sign_key = load_private_key(self.town.device(self.device) / "sign.key")
        notices = NoticeSigner(device=self.device, agency=AGENCY, sign_key=sign_key, now=self.clock.now)
        self.outbox = SqliteOutbox(self.path, clock=self.clock, bury=notices.bury, **limits)
        verifier = ReceiptVerifier(agency=AGENCY, device=self.device, keys=keys)
        self.wire.again()
        self.drain = Drain(
            self.outbox,
            self.wire,
            verifier,
            self.journal,
            notices=notices,
            anchors=Anchors(self.path.with_name("anchors"), self.clock.now, notices.anchor),
            monotonic=lambda: self.now_s,
            resend_after_s=20.0,
            pictures=self.town.pictures(self.device, self.outbox, self.journal, self.send, 20.0),
        )

    def put(self, count: int = 1, **how: object) -> list[Envelope]:
        made = list[Envelope]()
        for _ in range(count):
            made.append(self.seal(self.outbox.next_slot(), **how))
            self.outbox.put(made[-1])
        return made

    def seal(self, slot: Slot, **how: object) -> Envelope:
        """A read that is not kept yet."""
        one = release(f"r-{uuid.uuid4().hex[:12]}", device=self.device, at=self.clock.utc, **how)  # type: ignore[arg-type]
        now = self.clock.now()
        read = replace(one.labeled.read, first=now, last=now)
        return self._sealer.seal(replace(one, labeled=replace(one.labeled, read=read)), slot)

    def stop(self) -> None:
        self.outbox.close()


class Line:
    """The whole: one agency end, and units that speak to it in turn."""

    def __init__(self, folder: Path, device: str = "pole-7") -> None:
        self.town, self.device = Town(folder), device
        self.town.make(device)
        self.journal, self.log = Journal(log := io.StringIO()), log
        self.store = SqliteStore(self.town.store_path)
        self.witness_path = self.town.agency / "chains.sqlite"
        self.witness = WitnessFile(self.witness_path)
        self.units: list[UnitSide] = []
        self.desks: dict[int, PictureDesk] = {}

    def unit(
        self, clock: HandClock | None = None, outbox: Path | None = None, send: Send = "after-reads", **how: int
    ) -> UnitSide:
        path = outbox or self.town.outbox_path(self.device)
        self.units.append(UnitSide(self.town, self.device, clock or HandClock(), path, send, **how))
        return self.units[-1]

    def meet(self, unit: UnitSide, seconds: int = 60) -> None:
        """Unit and agency end are in contact for so long, by the unit's own count of seconds."""
        worker = self._worker(unit.wire)
        for _ in range(seconds):
            for _ in range(8):
                unit.drain._turn(threading.Event())
                worker._turn(threading.Event())
            unit.now_s += 1.0
            unit.clock.wait(timedelta(seconds=1))

    def alarms(self) -> list[Alarm]:
        return list(witness.read_alarms(self.witness_path))

    def reasons(self) -> set[str]:
        return {alarm.reason for alarm in self.alarms()}

    def account(self) -> UnitAccount:
        """That of the newest epoch."""
        return witness.read_accounts(self.witness_path, self.store)[-1]

    def stored(self) -> list[int]:
        return [row.seq for row in self.store.reads()]

    def close(self) -> None:
        for unit in self.units:
            unit.stop()
        self.witness.close()
        self.store.close()

    def _worker(self, wire: Wire) -> Worker:
        own = self.town.agency
        opener = HpkeOpener(
            agency=AGENCY, device_keys=EnrolledDevices(own / "devices"), seal_keys=[load_private_key(own / "seal.key")]
        )
        signer, quarantine = ReceiptSigner(load_private_key(own / "receipt.key")), QuarantineFile(own / "quarantine.jsonl")
        return Worker(
            AgencySide(wire),
            opener,
            self.store,
            signer,
            quarantine,
            self.witness,
            self.journal,
            agency=AGENCY,
            receipt_every_s=0.0,
            desk=self.desk(wire),
        )

    def desk(self, wire: Wire) -> PictureDesk:
        """It lives as long as the wire, and counts the unit's seconds."""
        unit = next(unit for unit in self.units if unit.wire is wire)
        return self.desks.setdefault(id(wire), self.town.desk(self.store, self.journal, monotonic=lambda: unit.now_s))
