"""Several workers behind one connection: real processes, real stores, a mailbox by hand."""

from __future__ import annotations

import io
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge import mqtt
from edge.envelope.keyring import EnrolledKey
from edge.envelope.open import HpkeOpener
from edge.envelope.receipt import ReceiptSigner, ReceiptVerifier
from edge.envelope.seal import HpkeSealer
from edge.errors import ConfigError, StoreError
from edge.ingest.interface import Delivery, LinkChange, Mailbox
from edge.ingest.quarantine import QuarantineFile
from edge.ingest.switch import Switch
from edge.ingest.witness import WitnessFile
from edge.ingest.worker import Worker
from edge.journal import Journal
from edge.records import Slot
from edge.store.sqlite import SqliteStore
from tests.labeled import AGENCY, release

SIGN, SEAL, RECEIPT = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
DEVICES = [f"pole-{n}" for n in range(1, 9)]
PATIENCE_S = 120.0


class Post:
    """The broker's end, by hand; thread-safe."""

    def __init__(self) -> None:
        self.arrived: queue.SimpleQueue[Delivery | LinkChange] = queue.SimpleQueue()
        self.acknowledged: list[int] = []
        self.receipts: list[tuple[str, bytes]] = []
        self.takes_receipts = True

    def start(self) -> None:
        pass

    def next_event(self, timeout_s: float) -> Delivery | LinkChange | None:
        try:
            return self.arrived.get(timeout=timeout_s) if timeout_s else self.arrived.get_nowait()
        except queue.Empty:
            return None

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        self.acknowledged += [delivery.token for delivery in deliveries]

    def post_receipt(self, device: str, wire: bytes) -> bool:
        if self.takes_receipts:
            self.receipts.append((device, wire))
        return self.takes_receipts

    def close(self) -> None:
        pass


class Office:
    """An agency end of two workers over one SQLite store."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.post, self.stop = folder, Post(), threading.Event()
        self.log = io.StringIO()
        self.switch = Switch(self.post, self._worker, 2, Journal(self.log))
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._tokens = 0

    def _worker(self, mailbox: Mailbox) -> Worker:
        (self.folder / f"worker-{os.getpid()}").touch()
        return Worker(
            mailbox,
            HpkeOpener(agency=AGENCY, device_keys=lambda _: [EnrolledKey(key=SIGN.public_key())], seal_keys=[SEAL]),
            SqliteStore(self.folder / "reads.sqlite"),
            ReceiptSigner(RECEIPT),
            QuarantineFile(self.folder / "quarantine.jsonl"),
            WitnessFile(self.folder / "chains.sqlite"),
            Journal(),
            agency=AGENCY,
        )

    def _run(self) -> None:
        try:
            self.switch.run(self.stop)
        except StoreError as error:
            self.failure = error

    def workers(self) -> list[int]:
        return [int(path.name.removeprefix("worker-")) for path in self.folder.glob("worker-*")]

    def arrive(self, device: str, wire: bytes) -> int:
        self._tokens += 1
        self.post.arrived.put(Delivery(device=device, topic=f"t/{device}", wire=wire, token=self._tokens))
        return self._tokens

    def close(self) -> None:
        self.stop.set()
        self._thread.join(PATIENCE_S)

    def ended(self) -> bool:
        return not self._thread.is_alive()


def wires(device: str, count: int) -> list[bytes]:
    sealer = HpkeSealer(device=device, agency=AGENCY, sign_key=SIGN, agency_seal=SEAL.public_key())
    return [
        sealer.seal(release(f"{device}-{n}", device=device), Slot(epoch="e", seq=n, previous=bytes(32))).wire
        for n in range(1, count + 1)
    ]


def wait_for(true: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until_s, "it did not come about"
        time.sleep(0.02)


@contextmanager
def office(folder: Path) -> Iterator[Office]:
    one = Office(folder)
    try:
        yield one
    finally:
        one.close()


def stored(folder: Path) -> list[tuple[str, int]]:
    store = SqliteStore(folder / "reads.sqlite")
    try:
        return [(read.device, read.seq) for read in store.reads()]
    finally:
        store.close()


def test_two_workers_store_everything_once_and_each_unit_hears_of_its_own(tmp_path: Path) -> None:
    """Whoever took a message, it is acknowledged after it was stored, and its unit gets a receipt that names it."""
    assert len({int(mqtt.bucket(device)) % 2 for device in DEVICES}) == 2, "both workers are to have something to do"
    with office(tmp_path) as one:
        tokens = [one.arrive(device, wire) for device in DEVICES for wire in wires(device, 5)]
        wait_for(lambda: len(one.post.acknowledged) == len(tokens))
        one.close()
        assert len(one.workers()) == 2
    assert one.failure is None
    assert sorted(one.post.acknowledged) == tokens
    assert stored(tmp_path) == [(device, seq) for device in sorted(DEVICES) for seq in range(1, 6)]
    named: dict[str, int] = {}
    for device, wire in one.post.receipts:
        receipt = ReceiptVerifier(agency=AGENCY, device=device, keys=[RECEIPT.public_key()]).read(wire)
        named[device] = max(named.get(device, 0), receipt.stored[-1][1])
    assert named == dict.fromkeys(DEVICES, 5)


def test_a_receipt_that_cannot_go_now_goes_later(tmp_path: Path) -> None:
    """A broker that is away for a moment costs no unit its receipt."""
    with office(tmp_path) as one:
        one.post.takes_receipts = False
        one.arrive("pole-1", wires("pole-1", 1)[0])
        wait_for(lambda: len(one.post.acknowledged) == 1)
        one.post.takes_receipts = True
        wait_for(lambda: [device for device, _ in one.post.receipts] == ["pole-1"])


def test_a_worker_that_dies_ends_all_and_nothing_of_its_share_was_acknowledged(tmp_path: Path) -> None:
    """The service starts again, and the broker delivers again: better than to go on with half of the units."""
    with office(tmp_path) as one:
        for pid in one.workers():
            os.kill(pid, signal.SIGSTOP)
        one.arrive("pole-1", wires("pole-1", 1)[0])
        for pid in one.workers():
            os.kill(pid, signal.SIGKILL)
        wait_for(one.ended)
    assert "ended by itself" in str(one.failure)
    assert one.post.acknowledged == []


def test_what_a_worker_cannot_get_is_said_at_the_start(tmp_path: Path) -> None:
    """As by an agency end of one process: in words, before anything runs."""

    def worker(_: Mailbox) -> Worker:
        raise ConfigError("read private key seal.key: there is no such file")

    with pytest.raises(ConfigError, match=r"seal\.key"):
        Switch(Post(), worker, 2, Journal(io.StringIO()))


def test_workers_end_with_the_process_that_began_them(tmp_path: Path) -> None:
    """Nobody goes on storing for a parent that was killed."""
    parent = os.fork()
    if parent == 0:
        try:
            Office(tmp_path)
            time.sleep(PATIENCE_S)
        finally:
            os._exit(0)
    wait_for(lambda: len(list(tmp_path.glob("worker-*"))) == 2)
    workers = [int(path.name.removeprefix("worker-")) for path in tmp_path.glob("worker-*")]
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    wait_for(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() and _runs(pid) for pid in workers))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
