"""Lane 2's rules: what is sent when, what is sent again, and that nothing but a good receipt prunes."""

from __future__ import annotations

import io
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge import mqtt
from edge.envelope.interface import Receipt, Tombstone
from edge.envelope.receipt import ReceiptSigner, ReceiptVerifier
from edge.errors import EnvelopeError, OutboxError
from edge.journal import Journal
from edge.outbox.sqlite import SqliteOutbox
from edge.publisher.drain import Drain
from edge.publisher.interface import Acknowledged, Connected, Disconnected, Event, ReceiptArrived
from edge.records import Envelope, Head, Instant, SealedCopy, Slot
from tests.clocks import HandClock
from tests.labeled import AGENCY, DEVICE, START

KEY, OTHER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
WINDOW = 4
#: More than half a packet, so that each read takes one.
WEIGHT = 3000


class Wire:
    """A publisher by hand: ``sent`` is what was handed over, a read's number or a copy's party and number, ``packets`` how many
    at a time; events are what the test says happened."""

    def __init__(self) -> None:
        self.sent: list[int | str] = []
        self.packets: list[int] = []
        self.tokens: deque[tuple[int, int | str]] = deque()
        self.handed_over = 0
        self.events: deque[Event] = deque()
        self.connected = self.started = self.closed = False

    def start(self) -> None:
        self.started = True

    def send(self, wires: Sequence[bytes], party: str | None = None) -> int | None:
        if not self.connected or len(self.tokens) >= WINDOW:
            return None
        numbers = [wire.decode().split()[1] for wire in wires]
        self.sent += [int(number) if party is None else f"{party} {number}" for number in numbers]
        self.packets.append(len(wires))
        self.handed_over += 1
        self.tokens.append((self.handed_over, self.sent[-1]))
        return self.handed_over

    def next_event(self, timeout_s: float) -> Event | None:
        event = self.events.popleft() if self.events else None
        if isinstance(event, Connected):
            self.connected = True
            self.tokens.clear()
        if isinstance(event, Disconnected):
            self.connected = False
        return event

    def close(self) -> None:
        self.closed = True

    def acknowledge_all(self, refused: str = "", *, away: str | None = None) -> None:
        """Answer for everything; copies for ``away`` find nobody."""
        while self.tokens:
            token, what = self.tokens.popleft()
            nobody = "No matching subscribers" if away and str(what).startswith(away) else refused
            self.events.append(Acknowledged(token=token, refused=nobody))

    def take_sent(self) -> list[int | str]:
        taken, self.sent = self.sent, []
        return taken


class Bench:
    """One drain with its parts; ``turn`` lets it do one round of work."""

    def __init__(self, outbox: SqliteOutbox) -> None:
        self.outbox, self.wire, self.log = outbox, Wire(), io.StringIO()
        self.journal, self.now_s = Journal(self.log), 0.0
        verifier = ReceiptVerifier(agency=AGENCY, device=DEVICE, keys=[KEY.public_key()])
        self.drain = Drain(outbox, self.wire, verifier, self.journal, resend_after_s=20.0, monotonic=lambda: self.now_s)

    def put(self, count: int, *parties: str, hit: bool = False, size: int = WEIGHT) -> None:
        """Keep reads of ``size`` bytes, each with a copy for each of ``parties``."""
        for _ in range(count):
            slot = self.outbox.next_slot()
            expires, wire = START + timedelta(days=1), f"sealed {slot.seq} ".encode().ljust(size, b".")
            copies = tuple(SealedCopy(party=party, wire=wire) for party in parties)
            read_id = f"r-{slot.seq}"
            self.outbox.put(Envelope(slot=slot, read_id=read_id, expires=expires, hit=hit, wire=wire, copies=copies))

    def turn(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            self.drain._turn(threading.Event())

    def connect(self) -> None:
        self.wire.events.append(Connected(window=WINDOW))
        self.turn()

    def receipt(self, *stored: tuple[int, int], key: ec.EllipticCurvePrivateKey = KEY, **changed: object) -> None:
        fields: dict[str, object] = {"agency": AGENCY, "device": DEVICE, "epoch": self.outbox.backlog().epoch}
        receipt = Receipt(stored=stored, issued=datetime.now(timezone.utc), **{**fields, **changed})  # type: ignore[arg-type]
        self.wire.events.append(ReceiptArrived(wire=ReceiptSigner(key).write(receipt)))
        self.turn()

    def waiting(self) -> list[int]:
        return list(self.outbox.waiting_numbers())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    outbox = SqliteOutbox(tmp_path / "outbox.sqlite", clock=HandClock(), budget_bytes=4 << 20, reserve_bytes=1 << 16)
    yield Bench(outbox)
    outbox.close()


def test_without_a_broker_reads_are_kept(bench: Bench) -> None:
    """Nothing is handed over, nothing is pruned, and the reason is said once, not every second."""
    bench.put(3)
    for _ in range(5):
        bench.wire.events.append(Disconnected(reason="connect to broker mq:8883: connection refused"))
        bench.turn()
    assert (bench.wire.sent, bench.waiting()) == ([], [1, 2, 3])
    assert bench.log.getvalue().count("connection refused") == 1


def test_no_more_is_under_way_than_the_window_holds(bench: Bench) -> None:
    """The rest waits until the broker has answered."""
    bench.put(10)
    bench.connect()
    bench.turn(3)
    assert bench.wire.take_sent() == [1, 2, 3, 4]
    bench.wire.acknowledge_all()
    bench.turn(3)
    assert bench.wire.take_sent() == [5, 6, 7, 8]


def test_a_brokers_acknowledgement_prunes_nothing(bench: Bench) -> None:
    """It frees the window; the outbox keeps all."""
    bench.put(4)
    bench.connect()
    bench.turn()
    bench.wire.acknowledge_all()
    bench.turn(3)
    assert bench.waiting() == [1, 2, 3, 4]


def test_a_receipt_prunes_what_it_names(bench: Bench) -> None:
    """Ranges with a hole leave the hole."""
    bench.put(4)
    bench.connect()
    bench.turn()
    bench.receipt((1, 1), (3, 4))
    assert bench.waiting() == [2]
    assert bench.journal.total("envelopes_pruned") == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"key": OTHER_KEY}, "signature"),
        ({"device": "pole-8"}, "device"),
        ({"agency": "otherville"}, "agency"),
        ({"epoch": "another"}, "epoch"),
    ],
)
def test_a_forged_or_foreign_receipt_prunes_nothing(bench: Bench, change: dict[str, object], reason: str) -> None:
    """It is counted by reason and everything stays."""
    bench.put(4)
    bench.connect()
    bench.turn()
    bench.receipt((1, 4), **change)  # type: ignore[arg-type]
    assert bench.waiting() == [1, 2, 3, 4]
    assert bench.journal.by_reason("receipts_refused") == {reason: 1}


@pytest.mark.parametrize("wire", [b"", b"nonsense", b"\x94\x01\xc4\x00\xc4\x00\xc4\x00"])
def test_nonsense_on_the_receipt_topic_is_counted_and_no_more(bench: Bench, wire: bytes) -> None:
    """Lane 2 goes on."""
    bench.put(1)
    bench.connect()
    bench.wire.events.append(ReceiptArrived(wire=wire))
    bench.turn()
    assert bench.waiting() == [1]
    assert bench.journal.total("receipts_refused") == 1


def test_what_has_no_receipt_in_time_is_sent_again(bench: Bench) -> None:
    """A broker that lost its queue after acknowledging loses nothing but time."""
    bench.put(2)
    bench.connect()
    bench.turn()
    bench.wire.acknowledge_all()
    bench.turn()
    assert bench.wire.take_sent() == [1, 2]
    bench.now_s = 19.0
    bench.turn()
    assert bench.wire.take_sent() == []
    bench.receipt((2, 2))
    bench.now_s = 20.0
    bench.turn(2)
    assert bench.wire.take_sent() == [1]
    assert bench.journal.by_reason("envelopes_sent") == {"first": 2, "again": 1}


def test_an_agency_that_stays_away_is_asked_less_and_less(bench: Bench) -> None:
    """Every further attempt waits twice as long, up to a bound: data on a SIM card costs money."""
    bench.put(1)
    bench.connect()
    attempts = []
    for second in range(2000):
        bench.now_s = float(second)
        bench.turn()
        bench.wire.acknowledge_all()
        attempts += [second] * len(bench.wire.take_sent())
    gaps = [b - a for a, b in pairwise(attempts)]
    assert gaps[:4] == [20, 40, 80, 160]
    assert set(gaps[4:]) == {320}


def test_a_new_connection_begins_with_the_oldest(bench: Bench) -> None:
    """Whatever was under way is forgotten with the connection and sent again at once."""
    bench.put(3)
    bench.connect()
    bench.turn()
    assert bench.wire.take_sent() == [1, 2, 3]
    bench.wire.events.append(Disconnected(reason="the connection ended"))
    bench.turn()
    bench.connect()
    bench.turn()
    assert bench.wire.take_sent() == [1, 2, 3]


def test_what_is_put_later_is_sent_too(bench: Bench) -> None:
    """Lane 2 needs no word from lane 1."""
    bench.connect()
    bench.put(1)
    bench.turn()
    bench.put(1)
    bench.turn()
    assert bench.wire.take_sent() == [1, 2]


def test_a_broker_behind_which_nobody_listens_is_probed_with_one(bench: Bench) -> None:
    """After "no matching subscribers" not everything is sent over and over; once it is taken, all goes on."""
    bench.put(10)
    bench.connect()
    bench.turn()
    bench.wire.acknowledge_all(refused="No matching subscribers")
    bench.turn(2)
    assert bench.wire.take_sent() == [1, 2, 3, 4]
    bench.now_s = 1.5
    bench.turn(2)
    assert bench.wire.take_sent() == [1]
    bench.wire.acknowledge_all(refused="No matching subscribers")
    bench.turn()
    bench.now_s = 2.0
    bench.turn(2)
    assert bench.wire.take_sent() == []
    bench.now_s = 20.0
    bench.turn(2)
    bench.wire.acknowledge_all()
    bench.turn(3)
    assert set(bench.wire.take_sent()) >= {1, 2, 3, 4}
    assert bench.log.getvalue().count("does not pass reads on") == 1


def test_only_so_much_is_with_the_broker_without_a_receipt(bench: Bench) -> None:
    """A broker that acknowledges everything while the agency end stands still does not get the whole backlog."""
    bench.put(100)
    bench.connect()
    for _ in range(60):
        bench.turn()
        bench.wire.acknowledge_all()
    sent = bench.wire.take_sent()
    assert sent == list(range(1, len(sent) + 1))
    assert 100 << 10 < len(sent) * WEIGHT < 150 << 10
    for _ in range(60):
        bench.turn()
        bench.wire.acknowledge_all()
    assert bench.wire.take_sent() == []
    bench.receipt((1, len(sent)))
    bench.turn()
    assert bench.wire.take_sent()[0] == len(sent) + 1


def test_a_backlog_of_small_reads_goes_many_in_a_packet(bench: Bench) -> None:
    """In order, none left out, none twice, never more in a packet than the other end unpacks."""
    bench.put(200, size=100)
    bench.connect()
    for _ in range(60):
        bench.turn()
        bench.wire.acknowledge_all()
    assert bench.wire.take_sent() == list(range(1, 201))
    assert max(bench.wire.packets) <= mqtt.MESSAGES_AT_MOST
    assert sum(bench.wire.packets) / len(bench.wire.packets) > 10


def test_a_fresh_hit_goes_before_all_that_waits(bench: Bench) -> None:
    """A backlog of a day lies before it; it goes with the next message, and the backlog goes on where it was."""
    bench.put(60)
    bench.connect()
    bench.turn()
    before = bench.wire.take_sent()
    bench.put(1, hit=True)
    bench.wire.acknowledge_all()
    bench.turn(2)
    after = bench.wire.take_sent()
    assert after[0] == 61
    assert after[1] == before[-1] + 1  # type: ignore[operator]


def test_hits_of_a_backlog_go_first_and_nothing_goes_twice(bench: Bench) -> None:
    """Also where they lie in the middle of it; what went ahead is skipped later."""
    for number in range(1, 31):
        bench.put(1, hit=number % 10 == 0)
    bench.connect()
    for _ in range(40):
        bench.turn()
        bench.wire.acknowledge_all()
    sent = bench.wire.take_sent()
    assert sent[:3] == [10, 20, 30]
    assert sent[3:] == [number for number in range(1, 30) if number % 10]


def test_a_hit_goes_although_the_agency_is_behind_with_a_backlog(bench: Bench) -> None:
    """As much is with the broker as may be without receipts; a hit is let through, and a backlog of hits is not."""
    bench.put(100)
    bench.connect()
    for _ in range(60):
        bench.turn()
        bench.wire.acknowledge_all()
    bench.wire.take_sent()
    bench.put(40, hit=True)
    for _ in range(60):
        bench.turn()
        bench.wire.acknowledge_all()
    sent = bench.wire.take_sent()
    assert sent == list(range(101, 101 + len(sent)))
    assert 1 <= len(sent) < 20


def test_a_hit_with_copies_goes_first_too_and_follows_its_copies(bench: Bench) -> None:
    """What goes ahead keeps the order of copy and read."""
    bench.put(20)
    bench.connect()
    bench.turn()
    bench.wire.take_sent()
    bench.put(1, "otherville", hit=True)
    bench.wire.acknowledge_all()
    bench.turn(2)
    assert bench.wire.take_sent()[0] == "otherville 21"
    bench.wire.acknowledge_all()
    bench.turn(2)
    assert 21 in bench.wire.take_sent()


def test_what_the_agency_never_takes_does_not_hold_up_the_rest(bench: Bench) -> None:
    """Envelopes damaged on the card, however often they are sent, leave room for good ones."""
    bench.put(60)
    bench.connect()
    for second in range(400):
        bench.now_s = float(second)
        bench.turn()
        bench.wire.acknowledge_all()
        bench.turn()
    assert 33 in bench.wire.sent


def test_a_read_in_conflict_is_kept_and_not_sent_again(bench: Bench) -> None:
    """The agency holds other bytes under that number: an alarm for people, no reason to forget or to insist."""
    bench.put(3)
    bench.connect()
    bench.turn()
    bench.receipt((1, 1), (3, 3), conflicts=(2,))
    assert bench.waiting() == [2]
    bench.wire.take_sent()
    bench.now_s = 1000.0
    bench.wire.acknowledge_all()
    bench.turn(3)
    assert bench.wire.take_sent() == []
    assert bench.journal.by_reason("alarms") == {"conflict": 1}


def test_a_receipt_for_reads_that_were_never_kept_is_an_alarm(bench: Bench) -> None:
    """Only a clone or a restored old copy can bring it about."""
    bench.put(2)
    bench.connect()
    bench.receipt((1, 500))
    assert bench.journal.by_reason("alarms") == {"receipt-ahead": 1}


def test_reads_whose_time_is_over_are_deleted_and_counted(tmp_path: Path) -> None:
    """The law does not wait for a network."""
    clock = HandClock()
    outbox = SqliteOutbox(tmp_path / "outbox.sqlite", clock=clock, budget_bytes=4 << 20, reserve_bytes=1 << 16)
    bench = Bench(outbox)
    bench.put(2)
    clock.wait(timedelta(days=2))
    bench.now_s = 10.0
    bench.turn()
    assert bench.waiting() == []
    assert bench.journal.total("envelopes_expired") == 2
    outbox.close()


def test_a_read_follows_its_copies(bench: Bench) -> None:
    """It goes when the broker has taken the copy of every party, not before: whatever a receipt prunes, they were sent."""
    bench.put(1, "otherville", "hamden")
    bench.connect()
    bench.turn(3)
    assert bench.wire.take_sent() == ["otherville 1", "hamden 1"]
    bench.wire.events.append(Acknowledged(token=bench.wire.tokens.popleft()[0]))
    bench.turn(3)
    assert bench.wire.take_sent() == [], "one is still on its way"
    bench.wire.acknowledge_all()
    bench.turn(2)
    assert bench.wire.take_sent() == [1]
    bench.receipt((1, 1))
    assert bench.waiting() == []
    assert bench.journal.total("copies_sent") == 2


def test_reads_without_copies_overtake_one_that_waits_for_its_own(bench: Bench) -> None:
    """What only the owner gets is not slower for it."""
    bench.put(1, "otherville")
    bench.put(2)
    bench.connect()
    bench.turn()
    assert bench.wire.take_sent() == ["otherville 1", 2, 3]


def test_more_copies_than_the_window_holds_go_one_after_another(bench: Bench) -> None:
    """No more is under way than the broker takes, and none is left out or sent twice."""
    parties = [f"town-{n}" for n in range(6)]
    bench.put(2, *parties)
    bench.connect()
    sent: list[int | str] = []
    for _ in range(20):
        bench.turn()
        assert len(bench.wire.tokens) <= WINDOW
        bench.wire.acknowledge_all()
        sent += bench.wire.take_sent()
    assert sorted(map(str, sent)) == sorted([*(f"{party} {n}" for party in parties for n in (1, 2)), "1", "2"])
    assert all(sent.index(n) > sent.index(f"{party} {n}") for party in parties for n in (1, 2))


def test_what_has_no_receipt_is_sent_again_without_its_copies(bench: Bench) -> None:
    """The broker that took them is still there; only with a new connection does everything begin anew."""
    bench.put(1, "otherville")
    bench.connect()
    for _ in range(3):
        bench.turn()
        bench.wire.acknowledge_all()
    assert bench.wire.take_sent() == ["otherville 1", 1]
    bench.now_s = 20.0
    bench.turn(2)
    assert bench.wire.take_sent() == [1]
    bench.wire.events.append(Disconnected(reason="the connection ended"))
    bench.turn()
    bench.connect()
    bench.turn()
    assert bench.wire.take_sent() == ["otherville 1"]
    bench.wire.acknowledge_all()
    bench.turn(2)
    assert bench.wire.take_sent() == [1]


def test_a_party_that_is_away_holds_the_owner_up_for_half_a_minute_once(bench: Bench) -> None:
    """Its copies are tried again one at a time; then reads go without them, at once, and each copy given up is counted."""
    bench.put(1, "otherville", "hamden")
    bench.connect()
    sent: dict[int | str, list[int]] = {}
    for second in range(30):
        bench.now_s = float(second)
        for _ in range(3):
            bench.turn()
            bench.wire.acknowledge_all(away="otherville")
        for what in bench.wire.take_sent():
            sent.setdefault(what, []).append(second)
    assert 1 not in sent, "it may be back in a moment"
    assert sent["hamden 1"] == [0]
    assert 3 <= len(sent["otherville 1"]) <= 6
    bench.now_s = 41.0
    for _ in range(4):
        bench.turn()
        bench.wire.acknowledge_all(away="otherville")
    assert bench.wire.take_sent() == ["otherville 1", 1]
    bench.put(2, "otherville", "hamden")
    for _ in range(4):
        bench.turn()
        bench.wire.acknowledge_all(away="otherville")
    assert bench.wire.take_sent() == ["hamden 2", "hamden 3", 2, 3]
    assert bench.journal.by_reason("copies_given_up") == {"otherville": 3}
    assert bench.log.getvalue().count("does not pass copies on") == 1


def test_a_party_that_is_back_gets_its_copies_again(bench: Bench) -> None:
    """The next try that is taken ends its absence; what waits goes at once."""
    bench.put(3, "otherville")
    bench.connect()
    bench.turn()
    bench.wire.acknowledge_all(away="otherville")
    bench.turn(2)
    assert bench.wire.take_sent() == ["otherville 1", "otherville 2", "otherville 3"]
    bench.now_s = 2.0
    bench.turn()
    assert bench.wire.take_sent() == ["otherville 1"]
    for _ in range(4):
        bench.wire.acknowledge_all()
        bench.turn()
    assert set(bench.wire.take_sent()) == {"otherville 2", "otherville 3", 1, 2, 3}
    assert bench.journal.by_reason("copies_given_up") == {}


def test_copies_of_a_read_that_is_gone_are_not_sent(bench: Bench) -> None:
    """A receipt for an earlier sending prunes a read that waits for its copies; nothing hangs."""
    bench.put(2, "otherville")
    bench.connect()
    bench.turn()
    bench.wire.acknowledge_all(away="otherville")
    bench.turn()
    bench.wire.take_sent()
    bench.receipt((1, 2))
    for second in range(60):
        bench.now_s = float(second)
        bench.turn()
        bench.wire.acknowledge_all()
    assert bench.wire.take_sent() == []
    bench.put(1, "otherville")
    for _ in range(4):
        bench.turn()
        bench.wire.acknowledge_all()
    assert bench.wire.take_sent() == ["otherville 3", 3]


@pytest.mark.parametrize("trouble", [OutboxError("read outbox: disk I/O error"), KeyError("a fault of ours")])
def test_trouble_does_not_end_lane_2(bench: Bench, monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> None:
    """It is said, and the next turn tries again."""

    def fails(after: int, limit: int) -> list[Envelope]:
        raise trouble

    bench.put(1)
    bench.connect()
    stopped = threading.Event()
    stopped.set()
    with monkeypatch.context() as broken:
        broken.setattr(bench.outbox, "waiting", fails)
        bench.drain._turn(stopped)
    assert bench.journal.total("drain_troubles") == 1
    bench.turn()
    assert bench.wire.take_sent() == [1]


def test_it_runs_until_told_to_stop_and_leaves_nothing_open(bench: Bench) -> None:
    """``run`` starts the publisher and closes it again."""
    stop = threading.Event()
    lane = threading.Thread(target=bench.drain.run, args=(stop,))
    lane.start()
    stop.set()
    lane.join(timeout=10)
    assert (bench.wire.started, bench.wire.closed, lane.is_alive()) == (True, True, False)


class Words:
    """Notices in words that the test can read."""

    def standing(self, head: Head, to_come: Iterable[tuple[int, int]], altered: Iterable[int]) -> bytes:
        return f"head {head.seq}, to come {list(to_come)}, altered {sorted(altered)}".encode()

    def anchor(self, at: Instant, error_ms: float) -> bytes:
        return f"head's clock, {at.boot_id}, {at.utc:%H:%M}, {error_ms:g} ms".encode()

    def buried(self, wire: bytes) -> Tombstone:
        raise EnvelopeError("signature", "verify signature: nobody made it")

    def slot(self, wire: bytes) -> Slot:
        raise EnvelopeError("header", "read envelope: its header cannot be read")


class TellingBench(Bench):
    """With a unit that says where its chain stands; ``said`` is what it said, by the second."""

    def __init__(self, outbox: SqliteOutbox) -> None:
        super().__init__(outbox)
        self.wire = HearingWire(self)
        verifier = ReceiptVerifier(agency=AGENCY, device=DEVICE, keys=[KEY.public_key()])
        self.drain = Drain(
            outbox,
            self.wire,
            verifier,
            self.journal,
            notices=Words(),
            resend_after_s=20.0,
            monotonic=lambda: self.now_s,
        )

    def until(self, second: int, refused: str = "") -> None:
        while self.now_s < second:
            self.turn(2)
            self.wire.acknowledge_all(refused)
            self.now_s += 1.0


class HearingWire(Wire):
    def __init__(self, bench: TellingBench) -> None:
        super().__init__()
        self.bench, self.said = bench, list[tuple[int, str]]()

    def send(self, wires: Sequence[bytes], party: str | None = None) -> int | None:
        if not wires[0].startswith(b"head"):
            return super().send(wires, party)
        self.said.append((int(self.bench.now_s), wires[0].decode()))
        self.handed_over += 1
        self.tokens.append((self.handed_over, "notice"))
        return self.handed_over


@pytest.fixture
def telling(bench: Bench) -> TellingBench:
    return TellingBench(bench.outbox)


def test_the_first_word_on_a_connection_is_where_the_chain_stands(telling: TellingBench) -> None:
    """Before any read; and again soon, because one word alone proves nothing."""
    telling.put(6)
    telling.connect()
    assert telling.wire.said == [], "not before there is a connection"
    telling.turn()
    assert [words.split(", altered")[0] for _, words in telling.wire.said] == ["head 6, to come [(1, 6)]"]
    assert telling.wire.take_sent() == [1, 2, 3], "it takes its place in the window"
    telling.until(30)
    assert [second for second, _ in telling.wire.said] == [0, 10]


def test_later_words_are_said_while_something_changes(telling: TellingBench) -> None:
    """Once a minute at most; while nothing changes every ten minutes, as a sign of life."""
    telling.connect()
    for _ in range(4):
        telling.put(1)
        telling.until(int(telling.now_s) + 60)
        telling.receipt((1, telling.outbox.backlog().committed))
    telling.until(2000)
    seconds = [second for second, _ in telling.wire.said]
    assert all(later - earlier >= 60 for earlier, later in pairwise(seconds[1:]))
    assert 4 <= len([second for second in seconds if second < 400]) <= 8
    assert len([second for second in seconds if second >= 600]) <= 3


def test_a_word_that_nobody_took_is_said_again(telling: TellingBench) -> None:
    """As when the agency end was away at that moment."""
    telling.connect()
    telling.until(150, refused="No matching subscribers")
    before = len(telling.wire.said)
    telling.until(400)
    assert before >= 3
    assert len(telling.wire.said) == before + 1


def test_rows_that_are_not_as_they_were_written_are_said_and_sent(telling: TellingBench) -> None:
    """The unit itself is loud, tells the agency, and lets it have the evidence."""
    telling.put(2)
    telling.connect()
    telling.until(12)
    assert telling.wire.said[-1][1].endswith("altered [1, 2]")
    assert telling.wire.take_sent() == [1, 2]
    assert telling.journal.by_reason("alarms") == {"outbox-altered": 2}
