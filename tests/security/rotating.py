"""A unit, a broker and an agency end at work while both ends' keys are changed again and again."""

from __future__ import annotations

import io
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest import mock

import msgspec
from msgspec import Struct

from edge import build, keys
from edge.clock import Clock
from edge.config import (
    AgencyConfig,
    DeviceConfig,
    IngestConfig,
    KeysConfig,
    PolicyConfig,
    StoreConfig,
    UnitConfig,
)
from edge.envelope import enrolled, renewed
from edge.envelope import wire as framing
from edge.envelope.interface import Header
from edge.envelope.keyring import load_private_keys
from edge.errors import EnvelopeError
from edge.ingest.worker import Worker
from edge.journal import Journal
from edge.outbox.sqlite import SqliteOutbox
from edge.publisher.drain import Drain
from edge.publisher.mqtt import MqttPublisher
from tests.delivery.town import Town
from tests.faults.oracle import rows
from tests.labeled import AGENCY, release
from tests.mosquitto import Broker

DEVICE = "pole-7"
#: How soon both ends look at their files here; five seconds else.
LOOK_S = 0.05

_header = msgspec.msgpack.Decoder(Header)


class Rotated(Struct, frozen=True, kw_only=True):
    """What a run did and what came of it."""

    committed: int
    stored: int
    others: int
    refused: dict[str, int]
    alarms: dict[str, int]
    rotations: int
    reconnects: int
    seal_keys: int
    sign_keys: int
    destroyed: int
    left_in_files: int
    opened_after_retiring: int


class Rotating:
    """One town.  ``every`` reads a key is changed, the agency's and the unit's by turns, and the broker dies half way."""

    def __init__(self, folder: Path, every: int) -> None:
        self.folder, self.every, self.town = folder, every, Town(folder)
        self.town.make(DEVICE)
        self.broker = Broker(folder / "broker", self.town.ca, [AGENCY])
        self.town.port = self.broker.port
        self.unit_journal, self.agency_journal = Journal(io.StringIO()), Journal(io.StringIO())
        self.rotations = self.reconnects = 0
        self._secrets = list[bytes]()

    def run(self, reads: int) -> Rotated:
        self.broker.start()
        stop = threading.Event()
        with mock.patch.object(renewed, "LOOK_EVERY_S", LOOK_S), mock.patch.object(enrolled, "LOOK_EVERY_S", LOOK_S):
            worker = build.ingest(self._agency_config(), self.agency_journal)
            assert isinstance(worker, Worker)
            outbox = self.town.outbox(DEVICE)
            lanes = [threading.Thread(target=worker.run, args=(stop,))]
            try:
                lanes.append(threading.Thread(target=self._drain(outbox).run, args=(stop,)))
                for lane in lanes:
                    lane.start()
                committed = self._put(reads, outbox)
                until = time.monotonic() + 120
                while outbox.backlog().waiting and time.monotonic() < until:
                    time.sleep(0.05)
            finally:
                stop.set()
                for lane in lanes:
                    lane.join(30)
                outbox.close()
                self.broker.kill()
        return self._result(committed)

    def _put(self, reads: int, outbox: SqliteOutbox) -> set[tuple[str, int]]:
        sealer = build.unit_sealer(self._unit_config(), self.unit_journal)
        committed = set[tuple[str, int]]()
        for n in range(reads):
            if n and n % self.every == 0:
                self._rotate()
            if n % self.every == self.every // 2:
                self.broker.kill(wipe=True)
                self.broker.start()
                self.reconnects += 1
            made = release(f"r-{uuid.uuid4().hex[:12]}", device=DEVICE, at=datetime.now(timezone.utc))
            envelope = sealer.seal(made, outbox.next_slot())
            outbox.put(envelope)
            committed.add((envelope.slot.epoch, envelope.slot.seq))
        return committed

    def _rotate(self) -> None:
        """By the commands' own functions, in the order of the guide."""
        own = self.town.device(DEVICE)
        if self.rotations % 2 == 0:
            self._secrets.append(_secret_line(self.town.agency / "seal.key"))
            keys.rotate_agency(self.town.agency)
            keys.enrol(self.town.agency, own)
        else:
            self._secrets.append(_secret_line(own / "sign.key"))
            keys.accept(self.town.agency, keys.rotate_device(own))
            time.sleep(2 * LOOK_S)  # a person waits longer than the agency end takes to look
            keys.switch_device(own)
        self.rotations += 1
        time.sleep(2 * LOOK_S)

    def _result(self, committed: set[tuple[str, int]]) -> Rotated:
        found = rows(self.town)
        headers = [_header.decode(framing.split(row.wire).signed) for row in found]
        refused = self.agency_journal.by_reason("messages_refused")
        stored = {(row.epoch, row.seq) for row in found}
        destroyed = keys.retire(self.town.agency, window=timedelta(0))
        return Rotated(
            committed=len(committed),
            stored=len(stored & committed),
            others=len(found) - len(stored & committed),
            refused=refused,
            alarms=self.agency_journal.by_reason("alarms"),
            rotations=self.rotations,
            reconnects=self.reconnects,
            seal_keys=len({header.seal_key for header in headers}),
            sign_keys=len({header.sign_key for header in headers}),
            destroyed=len(destroyed),
            left_in_files=sum(
                secret in path.read_bytes() for secret in self._secrets for path in self.folder.rglob("*") if path.is_file()
            ),
            opened_after_retiring=sum(self._opens(row.wire) for row in found),
        )

    def _opens(self, wire: bytes) -> bool:
        opener = build.agency_opener(self._agency_config(), self.agency_journal)
        try:
            opener.open(DEVICE, wire)
        except EnvelopeError as error:
            assert error.reason == "seal-key", error.reason
            return False
        return True

    def _drain(self, outbox: SqliteOutbox) -> Drain:
        config = self._unit_config()
        publisher = MqttPublisher(config.broker, device=DEVICE, agency=AGENCY)
        return Drain(
            outbox,
            publisher,
            build.unit_receipts(config, self.unit_journal),
            self.unit_journal,
            notices=build.unit_notices(config, Clock(), self.unit_journal),
            resend_after_s=3.0,
        )

    def _unit_config(self) -> DeviceConfig:
        own = self.town.device(DEVICE)
        return DeviceConfig(
            unit=UnitConfig(device=DEVICE, agency=AGENCY, data=own),
            cameras=(),
            policy=PolicyConfig(),
            keys=KeysConfig(
                sign_key=own / "sign.key", agency_seal=own / "agency-seal.pem", agency_receipt=own / "agency-receipt.pem"
            ),
            broker=self.town.broker(own),
        )

    def _agency_config(self) -> AgencyConfig:
        own = self.town.agency
        return AgencyConfig(
            ingest=IngestConfig(
                agency=AGENCY, devices=own / "devices", seal_key=own / "seal.key", receipt_key=own / "receipt.key"
            ),
            broker=self.town.broker(own),
            store=StoreConfig(path=self.town.store_path),
        )


def _secret_line(path: Path) -> bytes:
    """A line of the newest private key that is in no other file."""
    load_private_keys(path)
    return path.read_bytes().splitlines()[-3]
