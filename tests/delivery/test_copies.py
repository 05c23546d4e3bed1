"""Sealing follows the label: who is admitted now opens the read, and nobody else, whoever runs the broker."""

from __future__ import annotations

import contextlib
import io
import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge import keys
from edge.envelope import wire as framing
from edge.envelope.interface import Header
from edge.envelope.suite import SUITE
from edge.journal import Journal
from edge.labeler.scope import label
from edge.outbox import inspect
from edge.outbox.sqlite import SqliteOutbox
from edge.policy.agreements import Agreement
from edge.policy.decide import decide
from edge.policy.load import bundled_packs, load_pack
from edge.policy.pack import Pack
from edge.policy.vocabulary import Gate
from edge.records import CopyFor, Envelope, Release
from edge.store.sqlite import SqliteStore
from tests.delivery.ear import Ear
from tests.delivery.processes import Process, committed, wait_until
from tests.delivery.sharing import DEVICE, SharingUnit
from tests.delivery.town import Town
from tests.labeled import AGENCY, pem
from tests.mosquitto import Broker, needs_mosquitto
from tests.policy.situations import NOW, STOLEN, capture, days, instant, pack_text, read

A, B, C = "albany-pd", "boston-pd", "cranston-pd"
LATER = NOW + days(300)
Rows = list[tuple[str, str, int, str]]


class AgencyEnd:
    """An agency's ingest with its own keys, certificate and store, in a thread."""

    def __init__(self, town: Town, neighbour: str | None) -> None:
        self.journal, self.log = Journal(log := io.StringIO()), log
        self._path = (town.neighbour(neighbour) if neighbour else town.agency) / "reads.sqlite"
        self._store = SqliteStore(self._path)
        self._worker = town.worker(self._store, self.journal, neighbour)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._worker.run, args=(self._stop,))
        self._thread.start()
        wait_until(lambda: self.journal.by_reason("link").get("connected", 0) > 0, 60)

    def rows(self) -> Rows:
        return [(row.device, row.epoch, row.seq, row.labeled.read.id) for row in self._store.reads()]

    def end(self) -> None:
        self._stop.set()
        self._thread.join(timeout=30)
        self._store.close()


class Scene:
    """A town at one broker with three neighbours, and the broker's operator, who may read everything."""

    def __init__(self, folder: Path) -> None:
        self.town = Town(folder)
        self.town.make(DEVICE)
        for name in (A, B, C):
            self.town.make_neighbour(name, DEVICE)
        keys.make_device(folder / "operator", self.town.ca, "operator", AGENCY)
        self.broker = Broker(folder / "broker", self.town.ca, [AGENCY, A, B, C])
        with (folder / "broker" / "acl").open("a") as acl:
            acl.write("\nuser operator\ntopic read #\n")
        self.town.port = self.broker.port
        self.broker.start()
        self.unit = SharingUnit(self.town)
        self.operator = Ear(self.town.broker(folder / "operator"), "operator", "#").wait_up()
        self.ends: dict[str, AgencyEnd] = {}
        self.units: list[Process] = []

    def start_ends(self, *names: str) -> None:
        for name in names:
            self.ends[name] = AgencyEnd(self.town, None if name == AGENCY else name)

    def stop_ends(self) -> None:
        for one in self.ends.values():
            one.end()
        self.ends.clear()

    def start_unit(self, count: int, where: str = "") -> Process:
        log = self.town.device(DEVICE) / "unit.log"
        arguments = (str(self.town.folder), str(self.town.port), str(count), where)
        self.units.append(Process("tests.delivery.sharing", *arguments, log=log))
        return self.units[-1]

    def committed(self) -> list[tuple[str, int, str]]:
        return committed([line for unit in self.units for line in unit.lines])

    @contextlib.contextmanager
    def lane_2(self) -> Iterator[SqliteOutbox]:
        """The unit's outbox, while lane 2 works on it."""
        outbox, stop = self.unit.outbox(), threading.Event()
        drain = self.unit.drain(outbox, self.unit.publisher(), Journal(io.StringIO()))
        lane_2 = threading.Thread(target=drain.run, args=(stop,))
        lane_2.start()
        try:
            yield outbox
        finally:
            stop.set()
            lane_2.join(timeout=30)
            outbox.close()

    def keep(self, outbox: SqliteOutbox, *releases: Release) -> list[Envelope]:
        sealer, made = self.town.sealer(DEVICE), list[Envelope]()
        for one in releases:
            made.append(sealer.seal(one, outbox.next_slot()))
            outbox.put(made[-1])
        return made

    def deliver(self, *releases: Release) -> list[Envelope]:
        """Seal, keep and drain until the owner has all of them."""
        with self.lane_2() as outbox:
            made = self.keep(outbox, *releases)
            wait_until(lambda: outbox.backlog().waiting == 0, 60)
        return made

    def rows(self, name: str) -> Rows:
        return self.ends[name].rows()

    def overheard(self) -> set[bytes]:
        """Every different envelope that the broker's operator has seen."""
        self.operator.listen()
        return {one.payload for one in self.operator.heard if one.topic.endswith("/reads")}

    def private_keys(self) -> dict[str, ec.EllipticCurvePrivateKey]:
        """Every private key that there is in town, the authority's, the broker's, the operator's and the unit's too."""
        found = {}
        for path in self.town.folder.rglob("*.key"):
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            found[str(path.relative_to(self.town.folder))] = key
        return found

    def openers(self, wire: bytes) -> list[str]:
        """Which private keys open ``wire``, tried as they are, whatever its header says."""
        parts = framing.split(wire)
        header = msgspec.msgpack.decode(parts.signed, type=Header)
        return [name for name, key in self.private_keys().items() if opens(key, parts.sealed, header)]

    def end(self) -> None:
        for unit in self.units:
            if unit.running():
                unit.kill()
        self.stop_ends()
        self.operator.link.close()
        self.broker.kill()


def opens(key: ec.EllipticCurvePrivateKey, sealed: bytes, header: Header) -> bool:
    try:
        SUITE.decrypt(sealed, key, info=framing.header_info(header))
    except (InvalidTag, ValueError):
        return False
    return True


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    one = Scene(tmp_path)
    yield one
    one.end()


@needs_mosquitto
def test_a_read_for_a_and_b_is_opened_by_its_owner_and_by_a_and_b_and_by_nobody_else(scene: Scene) -> None:
    """C gets nothing; of what the operator overhears, each message opens with one key, its addressee's: not with the
    broker's, the operator's, the authority's, C's, nor with any key of the unit that sealed it."""
    scene.unit.write_rules(albany_pd=LATER, boston_pd=LATER)
    scene.start_ends(AGENCY, A, B, C)
    (envelope,) = scene.deliver(scene.unit.release())
    wait_until(lambda: scene.rows(A) != [] and scene.rows(B) != [], 60)
    slot = (envelope.slot.epoch, 1, envelope.read_id)
    assert scene.rows(AGENCY) == [(DEVICE, *slot)]
    assert scene.rows(A) == scene.rows(B) == [(f"{AGENCY}/{DEVICE}", *slot)]
    assert scene.rows(C) == []
    wait_until(lambda: len(scene.overheard()) == 3, 60)
    rightful = {envelope.wire: "agency/seal.key"}
    rightful |= {copy.wire: f"neighbours/{copy.party}/seal.key" for copy in envelope.copies}
    assert scene.overheard() == set(rightful)
    assert {wire: scene.openers(wire) for wire in scene.overheard()} == {wire: [key] for wire, key in rightful.items()}
    for name in (A, B):
        assert scene.ends[name].journal.total("receipts_sent") == 0
        assert scene.ends[name].journal.by_reason("messages_refused") == {}


@needs_mosquitto
def test_what_unit_and_broker_keep_on_disk_opens_for_nobody_but_the_addressees(scene: Scene) -> None:
    """Reads lie in the outbox, and in the broker's own file for agency ends that are away: no file holds the plate, and each
    message opens with its addressee's key alone."""
    canary = "CANARY7X"
    scene.unit.write_rules(albany_pd=LATER, boston_pd=LATER)
    scene.start_ends(AGENCY, A, B)
    scene.stop_ends()

    def dumped() -> bytes:
        return b"".join(path.read_bytes() for path in scene.broker.data.iterdir())

    with scene.lane_2() as outbox:
        made = scene.keep(outbox, scene.unit.release(text=canary), scene.unit.release(text=canary))
        messages = [wire for envelope in made for wire in (envelope.wire, *(copy.wire for copy in envelope.copies))]
        wait_until(lambda: all(message in dumped() for message in messages), 60)
        assert list(outbox.waiting(0, 10)) == made
        files = [path for path in scene.town.folder.rglob("*") if path.is_file()]
        assert [path for path in files if canary.encode() in path.read_bytes()] == []
    assert len(messages) == 6
    for message in messages:
        header = msgspec.msgpack.decode(framing.split(message).signed, type=Header)
        own = "agency" if header.agency == AGENCY else f"neighbours/{header.agency}"
        assert scene.openers(message) == [f"{own}/seal.key"]


@needs_mosquitto
def test_an_agreement_that_ends_closes_the_next_read(scene: Scene) -> None:
    """B's last read is the one of the last microsecond; of the next, nothing that B could open ever leaves the unit."""
    end = NOW - days(1)
    scene.unit.write_rules(albany_pd=LATER, boston_pd=end)
    scene.start_ends(AGENCY, A, B)
    before, after = scene.unit.release(at=end - timedelta(microseconds=1)), scene.unit.release(at=end)
    made = scene.deliver(before, after)
    wait_until(lambda: len(scene.rows(A)) == 2 and len(scene.rows(B)) == 1, 60)
    assert [read_id for *_, read_id in scene.rows(AGENCY)] == [before.labeled.read.id, after.labeled.read.id]
    assert [read_id for *_, read_id in scene.rows(A)] == [before.labeled.read.id, after.labeled.read.id]
    assert [read_id for *_, read_id in scene.rows(B)] == [before.labeled.read.id]
    assert [[copy.party for copy in envelope.copies] for envelope in made] == [[A, B], [A]]
    wait_until(lambda: len(scene.overheard()) == 5, 60)
    opened_by_b = [wire for wire in scene.overheard() if f"neighbours/{B}/seal.key" in scene.openers(wire)]
    assert opened_by_b == [made[0].copies[1].wire]
    assert all(each.party != B for each in after.labeled.label.recipients), "nor does the label name it"


@needs_mosquitto
def test_a_unit_killed_between_the_copies_and_the_read_loses_neither(scene: Scene) -> None:
    """The broker has the copies and not yet the read: parties have theirs before the owner, and after the next start everybody
    has everything exactly once, although it all went out again."""
    scene.unit.write_rules(albany_pd=LATER, boston_pd=LATER)
    scene.start_ends(AGENCY, A, B)
    unit = scene.start_unit(3, "before-the-read")
    assert unit.wait(60) == -signal.SIGKILL
    wait_until(lambda: len(scene.rows(A)) >= 1 and len(scene.rows(B)) >= 1, 60)
    assert scene.rows(AGENCY) == []
    status = inspect.status(scene.town.outbox_path(DEVICE))
    assert (status.waiting, status.copies) == (3, 6)
    assert scene.start_unit(0).wait(90) == 0
    wait_until(lambda: len(scene.rows(A)) == len(scene.rows(B)) == 3, 60)
    assert [row[1:] for row in scene.rows(A)] == [row[1:] for row in scene.rows(B)] == scene.committed()
    assert [row[1:] for row in scene.rows(AGENCY)] == scene.committed()
    for name in (A, B):
        taken = scene.ends[name].journal.by_reason("copies_taken")
        assert taken["stored"] == 3
        assert taken["duplicate"] >= 1
    status = inspect.status(scene.town.outbox_path(DEVICE))
    assert (status.waiting, status.copies, status.bytes) == (0, 0, 0)


@needs_mosquitto
def test_units_and_agency_ends_come_and_go_and_everybody_has_everything_once(scene: Scene) -> None:
    """The unit is killed and A's end stops, again and again, while reads flow; at the end the owner, A and B hold the same."""
    scene.unit.write_rules(albany_pd=LATER, boston_pd=LATER)
    scene.start_ends(AGENCY, A, B)
    total = 60
    unit = scene.start_unit(total)
    for goal in (10, 20, 30):
        wait_until(lambda goal=goal: len(scene.committed()) >= goal, 60)  # type: ignore[misc]
        unit.kill()
        scene.ends.pop(A).end()
        unit = scene.start_unit(max(1, total - len(scene.committed())))
        scene.start_ends(A)
    assert unit.wait(120) == 0
    expected = scene.rows(AGENCY)
    assert {row[1:] for row in expected} >= set(scene.committed())
    assert [row[2] for row in expected] == list(range(1, len(expected) + 1))
    wait_until(lambda: len(scene.rows(A)) == len(scene.rows(B)) == len(expected), 90)
    for name in (A, B):
        assert [row[1:] for row in scene.rows(name)] == [row[1:] for row in expected]
        assert scene.ends[name].journal.by_reason("messages_refused") == {}


@pytest.mark.parametrize("name", bundled_packs())
def test_the_shipped_packs_give_nobody_a_copy(name: str) -> None:
    """Whatever agreements an agency adds, that want everything now and satisfy every gate: no law that was read says that
    another agency may have a read at capture, so sharing at capture takes an agency's own pack."""
    pack = load_pack(name)
    pack = msgspec.structs.replace(pack, agreements=tuple(papers(pack)))
    at = max(layer.says.identity.effective_from for layer in pack.layers) + days(30)
    for hit in (None, STOLEN):
        decided = decide(label(read(instant(at)), capture(), pack, hit), pack)
        assert not isinstance(decided, Release) or decided.copies == ()


def papers(pack: Pack) -> Iterator[Agreement]:
    """An agreement for every class of recipient that the pack knows."""
    key = pem(ec.generate_private_key(ec.SECP256R1()).public_key())
    for number, admission in enumerate(pack.admissions):
        recipient, _, jurisdiction = admission.name.partition("/")
        yield Agreement(
            party=f"party-{number}",
            recipient=recipient,  # type: ignore[arg-type]
            jurisdiction=jurisdiction or "US-CT",
            satisfies=Gate.__args__,  # type: ignore[attr-defined]
            bars=tuple(admission.declares),
            text_sha256="0" * 64,
            signed_by=("one", "other"),
            starts=NOW - days(10_000),
            ends=NOW + days(10_000),
            now=True,
            seal_key=key,
        )


def test_a_party_is_sealed_to_the_key_of_the_paper_in_force(tmp_path: Path) -> None:
    """An older paper of the same party, ended and with an older key, has no say, in whatever order the papers stand."""
    path = tmp_path / "pack.toml"
    path.write_text(pack_text(('gates = ["declaration"]', 'gates = ["declaration"]\nnow = true')))
    pack = load_pack(path)
    current = next(paper for paper in papers(pack) if paper.jurisdiction == "US-NY")
    ended = msgspec.structs.replace(current, ends=NOW, seal_key=pem(ec.generate_private_key(ec.SECP256R1()).public_key()))
    for agreements in ((ended, current), (current, ended), (current, current)):
        rules = msgspec.structs.replace(pack, agreements=agreements)
        decided = decide(label(read(instant(NOW)), capture(), rules, None), rules)
        assert isinstance(decided, Release)
        assert decided.copies == (CopyFor(party=current.party, seal_key=current.seal_key),)
