"""The agency end's rules: commit, then acknowledge, then receipt; and no message that cannot be believed ever blocks."""

from __future__ import annotations

import io
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge.envelope.interface import Opened, Receipt
from edge.envelope.keyring import EnrolledKey
from edge.envelope.open import HpkeOpener
from edge.envelope.receipt import ReceiptSigner, ReceiptVerifier
from edge.envelope.seal import HpkeSealer
from edge.errors import StoreError
from edge.ingest.interface import Delivery, LinkChange, Refused
from edge.ingest.quarantine import QuarantineFile
from edge.ingest.witness import WitnessFile
from edge.ingest.worker import _RANGES_LIMIT, Worker, _shortened
from edge.journal import Journal
from edge.records import Slot
from edge.store.interface import Arrival, Outcome
from edge.store.sqlite import SqliteStore
from tests.labeled import AGENCY, DEVICE, labeled_read, release

SIGN, SEAL, RECEIPT, FOREIGN = (ec.generate_private_key(ec.SECP256R1()) for _ in range(4))
ENROLLED = [EnrolledKey(key=SIGN.public_key()), EnrolledKey(key=FOREIGN.public_key(), owner="otherville")]
SLOT = Slot(epoch="e1", seq=1, previous=bytes(32))
SEALER = HpkeSealer(device=DEVICE, agency=AGENCY, sign_key=SIGN, agency_seal=SEAL.public_key())


class Post:
    """A mailbox by hand, which notes in which order things happened."""

    def __init__(self, happened: list[str]) -> None:
        self.events: deque[Delivery | LinkChange] = deque()
        self.happened, self.acknowledged = happened, list[int]()
        self.receipts: list[tuple[str, bytes]] = []

    def start(self) -> None:
        pass

    def next_event(self, timeout_s: float) -> Delivery | LinkChange | None:
        return self.events.popleft() if self.events else None

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        self.happened.append("acknowledged")
        self.acknowledged += [delivery.token for delivery in deliveries]

    def post_receipt(self, device: str, wire: bytes) -> bool:
        self.happened.append("receipt")
        self.receipts.append((device, wire))
        return True

    def close(self) -> None:
        pass


class WatchedStore(SqliteStore):
    """The real store; ``troubles`` is how many times it fails first."""

    def __init__(self, path: Path, happened: list[str]) -> None:
        super().__init__(path)
        self.happened, self.troubles = happened, 0

    def add(self, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
        if self.troubles:
            self.troubles -= 1
            self.happened.append("failed")
            raise StoreError("store reads: database or disk is full")
        outcomes = super().add(arrivals)
        self.happened.append("committed")
        return outcomes


class Bench:
    """One worker with its parts; ``run_once`` lets it take what has arrived."""

    def __init__(self, folder: Path) -> None:
        self.happened: list[str] = []
        self.post, self.store = Post(self.happened), WatchedStore(folder / "reads.sqlite", self.happened)
        self.log, self.quarantine = io.StringIO(), folder / "quarantine.jsonl"
        self.journal, self.witness = Journal(self.log), WitnessFile(folder / "chains.sqlite")
        self.opener = HpkeOpener(agency=AGENCY, device_keys=lambda name: ENROLLED if name == DEVICE else [], seal_keys=[SEAL])
        self.worker = Worker(
            self.post,
            self.opener,
            self.store,
            ReceiptSigner(RECEIPT),
            QuarantineFile(self.quarantine),
            self.witness,
            self.journal,
            agency=AGENCY,
            batch=16,
            receipt_every_s=0.0,
        )
        self._token = 0

    def arrive(self, wire: bytes, device: str | None = DEVICE) -> int:
        self._token += 1
        self.post.events.append(Delivery(device=device, topic=f"t/{device}", wire=wire, token=self._token))
        return self._token

    def run_once(self, stop: threading.Event | None = None) -> None:
        self.worker._turn(stop or threading.Event())

    def receipts(self) -> list[Receipt]:
        read = ReceiptVerifier(agency=AGENCY, device=DEVICE, keys=[RECEIPT.public_key()]).read
        return [read(wire) for _, wire in self.post.receipts]

    def stored(self) -> list[int]:
        return [row.seq for row in self.store.reads()]


def altered(message: bytes) -> bytes:
    """``message`` with its last bit the other way round."""
    return message[:-1] + bytes([message[-1] ^ 1])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path)
    yield one
    one.store.close()


def wire(seq: int, epoch: str = "e1", text: str = "TEST123") -> bytes:
    return SEALER.seal(release(f"r-{seq}", text), Slot(epoch=epoch, seq=seq, previous=bytes(32))).wire


def test_commit_comes_first_then_the_broker_then_the_unit(bench: Bench) -> None:
    """Nobody hears that a read is safe before it is."""
    token = bench.arrive(wire(1))
    bench.run_once()
    assert bench.happened == ["committed", "acknowledged", "receipt"]
    assert (bench.post.acknowledged, bench.stored()) == ([token], [1])
    assert bench.receipts()[0].stored == ((1, 1),)


def test_a_store_in_trouble_is_tried_again_and_nothing_is_acknowledged_before(bench: Bench) -> None:
    """A full or restarted database costs time and no read."""
    bench.store.troubles = 2
    bench.arrive(wire(1))
    bench.run_once()
    assert bench.happened == ["failed", "failed", "committed", "acknowledged", "receipt"]
    assert bench.journal.total("store_troubles") == 2


def test_stopping_while_the_store_is_in_trouble_leaves_the_messages_at_the_broker(bench: Bench) -> None:
    """Neither acknowledged nor receipted: they come again to the next process."""
    bench.store.troubles = 10**6
    bench.arrive(wire(1))
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    bench.run_once(stop)
    assert set(bench.happened) == {"failed"}


def test_one_receipt_a_device_and_epoch_names_all_that_is_stored(bench: Bench) -> None:
    """A batch of many costs one message back, and ranges show the holes."""
    for seq in (1, 2, 5):
        bench.arrive(wire(seq))
    bench.arrive(wire(1, epoch="e2"))
    bench.run_once()
    assert [(r.epoch, r.stored) for r in bench.receipts()] == [("e1", ((1, 2), (5, 5))), ("e2", ((1, 1),))]


def test_a_duplicate_is_stored_once_and_receipted_again(bench: Bench) -> None:
    """A unit whose receipt was lost asks by sending again, and gets its answer."""
    again = wire(1)
    bench.arrive(again)
    bench.run_once()
    bench.arrive(again)
    bench.run_once()
    assert bench.stored() == [1]
    assert [r.stored for r in bench.receipts()] == [((1, 1),), ((1, 1),)]
    assert bench.journal.by_reason("reads_taken") == {"stored": 1, "duplicate": 1}


def test_a_clone_raises_an_alarm_and_nobody_is_told_that_it_is_stored(bench: Bench) -> None:
    """Two different reads under one number: the first stays, the receipt names the number as disputed."""
    for seq in (1, 2, 3):
        bench.arrive(wire(seq))
    bench.arrive(wire(2))
    bench.run_once()
    receipt = bench.receipts()[0]
    assert (receipt.stored, receipt.conflicts) == (((1, 1), (3, 3)), (2,))
    assert bench.stored() == [1, 2, 3]
    assert bench.journal.by_reason("alarms")["conflict"] == 1
    assert len(bench.post.acknowledged) == 4


@pytest.mark.parametrize(
    ("poison", "device", "reason"),
    [
        (b"", DEVICE, "framing"),
        (b"nonsense", DEVICE, "framing"),
        (bytes(100_000), DEVICE, "size"),
        (altered(wire(1)), DEVICE, "signature"),
        (wire(1), "stranger", "unknown-device"),
        (wire(1), None, "topic"),
    ],
)
def test_poison_is_counted_kept_aside_and_blocks_nothing(bench: Bench, poison: bytes, device: str | None, reason: str) -> None:
    """It is acknowledged so that it does not come again, and the good read beside it is stored."""
    tokens = [bench.arrive(poison, device), bench.arrive(wire(7))]
    bench.run_once()
    assert bench.journal.by_reason("messages_refused") == {reason: 1}
    assert (bench.post.acknowledged, bench.stored()) == (tokens, [7])
    kept = [json.loads(line) for line in bench.quarantine.read_text().splitlines()]
    assert [entry["reason"] for entry in kept] == [reason]


def test_a_device_cannot_speak_under_anothers_topic(bench: Bench, tmp_path: Path) -> None:
    """The topic that the broker allowed and the header that was signed must name the same device."""
    opener = HpkeOpener(agency=AGENCY, device_keys=lambda _: ENROLLED, seal_keys=[SEAL])
    bench.worker._opener = opener
    bench.arrive(wire(1), "pole-8")
    bench.run_once()
    assert bench.journal.by_reason("messages_refused") == {"device": 1}
    assert bench.stored() == []


def test_a_message_that_breaks_the_opener_itself_does_not_break_the_worker(bench: Bench) -> None:
    """A fault of ours, brought about by a message, must not come back with it for ever; its words are not logged."""

    class Broken:
        def open(self, device: str, wire: bytes) -> Opened:
            raise KeyError("CANARY7X")

    bench.worker._opener = Broken()
    token = bench.arrive(wire(1))
    bench.run_once()
    assert bench.post.acknowledged == [token]
    assert bench.journal.by_reason("messages_refused") == {"unexpected": 1}
    assert "CANARY7X" not in bench.log.getvalue()


PARTY_SEALER = HpkeSealer(device=DEVICE, agency="otherville", sign_key=FOREIGN, agency_seal=SIGN.public_key())


def copied(seq: int, epoch: str = "e1", text: str = "TEST123") -> bytes:
    """The copy of another agency's read, by a device that is named like ours."""
    made = release(f"c-{seq}", text, agency="otherville", copies={AGENCY: SEAL.public_key()})
    return PARTY_SEALER.seal(made, Slot(epoch=epoch, seq=seq, previous=bytes(32))).copies[0].wire


def test_a_copy_is_stored_once_and_nobody_is_told(bench: Bench) -> None:
    """Committed, then acknowledged to the broker; a receipt would let a unit forget what its owner does not have yet."""
    tokens = [bench.arrive(copied(1)), bench.arrive(copied(2))]
    bench.run_once()
    assert bench.happened == ["committed", "acknowledged"]
    assert (bench.post.acknowledged, bench.stored()) == (tokens, [1, 2])
    assert bench.journal.by_reason("copies_taken") == {"stored": 2}
    assert bench.journal.by_reason("reads_taken") == {}


def test_a_copy_that_comes_twice_is_stored_once(bench: Bench) -> None:
    """A unit that was killed before it heard of the broker's answer sends it again."""
    again = copied(1)
    for _ in range(2):
        bench.arrive(again)
        bench.run_once()
    assert bench.stored() == [1]
    assert bench.journal.by_reason("copies_taken") == {"stored": 1, "duplicate": 1}


def test_another_owners_device_of_the_same_name_takes_no_number_of_ours(bench: Bench) -> None:
    """Same device name, same epoch, same number: two owners, two reads, no conflict, and a receipt for ours alone."""
    bench.arrive(copied(1))
    bench.arrive(wire(1))
    bench.run_once()
    assert [(row.device, row.seq) for row in bench.store.reads()] == [(f"otherville/{DEVICE}", 1), (DEVICE, 1)]
    assert [r.stored for r in bench.receipts()] == [((1, 1),)]
    assert bench.journal.by_reason("alarms") == {}


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        pytest.param(lambda: wire(1).replace(b"\xa4read", b"\xa4copy"), "signature", id="a read made a copy"),
        pytest.param(lambda: PARTY_SEALER.seal(release(agency="otherville"), SLOT).wire, "agency", id="another's own read"),
        pytest.param(lambda: unadmitted(), "recipient", id="a label that does not admit us"),
    ],
)
def test_a_copy_that_does_not_fit_is_kept_aside(bench: Bench, poison: Callable[[], bytes], reason: str) -> None:
    """Counted by reason, acknowledged, in quarantine; not stored."""
    token = bench.arrive(poison())
    bench.run_once()
    assert bench.journal.by_reason("messages_refused") == {reason: 1}
    assert (bench.post.acknowledged, bench.stored()) == ([token], [])
    assert json.loads(bench.quarantine.read_text())["reason"] == reason


def unadmitted() -> bytes:
    made = release(agency="otherville", copies={AGENCY: SEAL.public_key()})
    bare = msgspec.structs.replace(made, labeled=labeled_read(agency="otherville"))
    return PARTY_SEALER.seal(bare, SLOT).copies[0].wire


def test_a_quarantine_that_cannot_be_written_is_said_and_blocks_nothing(bench: Bench) -> None:
    """Good reads go on."""

    class Full:
        def keep(self, refused: Refused) -> None:
            raise StoreError("keep refused message: no space left on device")

    bench.worker._quarantine = Full()
    bench.arrive(b"nonsense")
    bench.arrive(wire(1))
    bench.run_once()
    assert bench.stored() == [1]
    assert bench.journal.total("quarantine_troubles") == 1


def test_no_plate_is_logged_or_kept_aside(bench: Bench) -> None:
    """Neither for a stored read nor for a refused one."""
    bench.arrive(wire(1, text="CANARY7X"))
    bench.arrive(altered(wire(2, text="CANARY7X")))
    bench.run_once()
    assert "CANARY7X" not in bench.log.getvalue() + bench.quarantine.read_text()


def test_a_quarantine_stays_within_its_bounds(tmp_path: Path) -> None:
    """A flood of refused messages fills neither disk nor memory; the newest are kept."""
    bench = Bench(tmp_path)
    quarantine = QuarantineFile(tmp_path / "q.jsonl", limit_bytes=20_000)
    bench.worker._quarantine = quarantine
    for n in range(200):
        bench.arrive(b"x" * 500 + str(n).encode())
        bench.run_once()
    files = list(tmp_path.glob("q.jsonl*"))
    assert len(files) == 2
    assert sum(path.stat().st_size for path in files) <= 40_000
    bench.store.close()


def test_a_batch_is_no_larger_than_asked_for(bench: Bench) -> None:
    """What does not fit waits for the next transaction."""
    for seq in range(1, 21):
        bench.arrive(wire(seq))
    bench.run_once()
    assert len(bench.stored()) == 16
    bench.run_once()
    assert len(bench.stored()) == 20


def test_a_change_of_the_link_is_no_message(bench: Bench) -> None:
    """It is counted, and what comes after it is taken."""
    bench.post.events.append(LinkChange(up=False, reason="gone"))
    bench.post.events.append(LinkChange(up=True))
    bench.arrive(wire(1))
    bench.run_once()
    assert bench.stored() == [1]
    assert bench.journal.by_reason("link") == {"connected": 1, "disconnected": 1}


def test_a_receipt_with_very_many_holes_still_names_what_was_just_stored() -> None:
    """It is cut to a bound, keeps the first range and the newest, and stays ascending."""
    ranges = [(n, n) for n in range(1, 10_001, 2)]
    short = _shortened(ranges, {777, 5001})
    assert len(short) == _RANGES_LIMIT
    assert {(1, 1), (777, 777), (5001, 5001), (9999, 9999)} <= set(short)
    assert list(short) == sorted(short)
