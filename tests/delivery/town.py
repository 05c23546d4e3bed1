"""A small town in a folder: keys of every owner, a broker, a unit's outbox, the agency's store and its neighbours' stores."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from edge import keys
from edge.clock import Clock
from edge.config import BrokerConfig
from edge.envelope.enrolled import EnrolledDevices
from edge.envelope.keyring import load_private_key, load_public_key, load_public_keys
from edge.envelope.notice import NoticeSigner
from edge.envelope.open import HpkeOpener
from edge.envelope.picture import HpkePictureOpener, PartSigner
from edge.envelope.receipt import ReceiptSigner, ReceiptVerifier
from edge.envelope.request import RequestSigner, RequestVerifier
from edge.envelope.seal import HpkeSealer
from edge.ingest.mqtt import MqttMailbox
from edge.ingest.pictures import PictureDesk
from edge.ingest.quarantine import QuarantineFile
from edge.ingest.witness import WitnessFile
from edge.ingest.worker import Worker
from edge.journal import Journal
from edge.outbox.sqlite import SqliteOutbox
from edge.publisher.anchors import Anchors
from edge.publisher.drain import Drain
from edge.publisher.mqtt import MqttPublisher
from edge.publisher.pictures import Pictures, Send
from edge.store.sqlite import SqliteStore
from tests.labeled import AGENCY


class Town:
    """Paths and parts.  ``host`` and ``port`` are the broker's; both ends are more impatient with it than at work, unless
    ``patient``."""

    def __init__(self, folder: Path, port: int = 0, host: str = "127.0.0.1", patient: bool = False) -> None:
        self.folder, self.port, self.host, self.patient = folder, port, host, patient
        self.ca, self.agency = folder / "ca", folder / "agency"
        self.store_path = self.agency / "reads.sqlite"

    def make(self, *devices: str) -> None:
        keys.make_ca(self.ca)
        keys.make_agency(self.agency, self.ca, AGENCY)
        for device in devices:
            keys.make_device(self.device(device), self.ca, device, AGENCY)
            keys.enrol(self.agency, self.device(device))

    def device(self, device: str) -> Path:
        return self.folder / "devices" / device

    def outbox_path(self, device: str) -> Path:
        return self.device(device) / "data" / "outbox.sqlite"

    def broker(self, owner: Path) -> BrokerConfig:
        hurry = {} if self.patient else {"keepalive_s": 5, "backoff_max_s": 1.0}
        return BrokerConfig(
            host=self.host,
            port=self.port,
            ca=owner / "ca.pem",
            certificate=owner / "tls.pem",
            key=owner / "tls.key",
            **hurry,  # type: ignore[arg-type]
        )

    def sealer(self, device: str) -> HpkeSealer:
        own = self.device(device)
        return HpkeSealer(
            device=device,
            agency=AGENCY,
            sign_key=load_private_key(own / "sign.key"),
            agency_seal=load_public_key(own / "agency-seal.pem"),
        )

    def outbox(self, device: str, budget_bytes: int = 64 << 20) -> SqliteOutbox:
        return SqliteOutbox(
            self.outbox_path(device),
            clock=Clock(),
            budget_bytes=budget_bytes,
            reserve_bytes=1 << 20,
            bury=self.notices(device).bury,
        )

    def drain(
        self,
        device: str,
        outbox: SqliteOutbox,
        journal: Journal,
        resend_after_s: float = 3.0,
        send: Send = "after-reads",
    ) -> Drain:
        own = self.device(device)
        verifier = ReceiptVerifier(agency=AGENCY, device=device, keys=load_public_keys(own / "agency-receipt.pem"))
        publisher = MqttPublisher(self.broker(own), device=device, agency=AGENCY)
        notices = self.notices(device)
        anchors = Anchors(own / "data" / "anchors", Clock().now, notices.anchor)
        return Drain(
            outbox,
            publisher,
            verifier,
            journal,
            notices=notices,
            anchors=anchors,
            resend_after_s=resend_after_s,
            pictures=self.pictures(device, outbox, journal, send),
        )

    def pictures(
        self, device: str, outbox: SqliteOutbox, journal: Journal, send: Send = "after-reads", resend_after_s: float = 3.0
    ) -> Pictures:
        """The part of lane 2 that sends pictures."""
        own = self.device(device)
        return Pictures(
            outbox.pictures,
            PartSigner(device=device, agency=AGENCY, sign_key=load_private_key(own / "sign.key")),
            RequestVerifier(agency=AGENCY, device=device, keys=load_public_keys(own / "agency-receipt.pem")),
            journal,
            epoch=outbox.head().epoch,
            send=send,
            resend_after_s=resend_after_s,
        )

    def desk(
        self,
        store: SqliteStore,
        journal: Journal,
        neighbour: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> PictureDesk:
        """The part of an agency end that takes pictures."""
        own = self.neighbour(neighbour) if neighbour else self.agency
        opener = HpkePictureOpener(
            agency=neighbour or AGENCY,
            device_keys=EnrolledDevices(own / "devices"),
            seal_keys=[load_private_key(own / "seal.key")],
        )
        requests = RequestSigner(load_private_key(own / "receipt.key"))
        return PictureDesk(opener, store, requests, journal, agency=neighbour or AGENCY, monotonic=monotonic)

    def notices(self, device: str) -> NoticeSigner:
        sign_key = load_private_key(self.device(device) / "sign.key")
        return NoticeSigner(device=device, agency=AGENCY, sign_key=sign_key, now=Clock().now)

    def make_neighbour(self, name: str, *devices: str) -> None:
        """Another agency with keys of its own, which takes the copies that ``devices`` of this town make for it."""
        keys.make_agency(self.neighbour(name), self.ca, name)
        for device in devices:
            keys.admit(self.neighbour(name), self.device(device))

    def neighbour(self, name: str) -> Path:
        return self.folder / "neighbours" / name

    def worker(self, store: SqliteStore, journal: Journal, neighbour: str | None = None) -> Worker:
        """The town's own agency end, or a neighbour's."""
        name = neighbour or AGENCY
        own = self.neighbour(neighbour) if neighbour else self.agency
        return Worker(
            MqttMailbox(self.broker(own), agency=name),
            HpkeOpener(
                agency=name,
                device_keys=EnrolledDevices(own / "devices"),
                seal_keys=[load_private_key(own / "seal.key")],
            ),
            store,
            ReceiptSigner(load_private_key(own / "receipt.key")),
            QuarantineFile(own / "quarantine.jsonl"),
            WitnessFile(own / "chains.sqlite"),
            journal,
            agency=name,
            desk=self.desk(store, journal, neighbour),
        )
