"""What the broker lets through, with the configuration and the access list that we generate."""

from __future__ import annotations

import io
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import msgspec
import pytest

from edge import keys, mqtt
from edge.journal import Journal
from tests.delivery.ear import Ear
from tests.delivery.processes import wait_until
from tests.delivery.town import Town
from tests.labeled import AGENCY, release
from tests.mosquitto import Broker, free_port, needs_mosquitto

pytestmark = needs_mosquitto


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Two devices of one agency, a device of another agency at the same broker, and a running broker."""
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder)
    town.make("pole-7", "pole-8")
    keys.make_agency(folder / "otherville", town.ca, "otherville")
    broker = Broker(folder / "broker", town.ca, [AGENCY, "otherville"])
    town.port = broker.port
    broker.start()
    yield town
    broker.kill()


def topic(device: str, kind: str, agency: str = AGENCY) -> str:
    return mqtt.topic(mqtt.Address(agency=agency, device=device, kind=kind))  # type: ignore[arg-type]


@pytest.fixture
def ears() -> Iterator[list[Ear]]:
    opened: list[Ear] = []
    yield opened
    for ear in opened:
        ear.link.close()


def test_a_broker_that_falls_silent_is_noticed_and_met_again(tmp_path: Path) -> None:
    """Neither an error nor a goodbye: only the missing answer to a ping tells.  Closing meanwhile takes no longer."""
    own = Town(tmp_path)
    own.make("pole-7")
    broker = Broker(tmp_path / "broker", own.ca, [AGENCY])
    own.port = broker.port
    broker.start()
    quick = msgspec.structs.replace(own.broker(own.device("pole-7")), keepalive_s=1)
    ear, other = Ear(quick, "pole-7").wait_up(), Ear(own.broker(own.agency), f"ingest-{AGENCY}").wait_up()
    try:
        broker.signal(signal.SIGSTOP)

        def noticed() -> bool:
            ear.listen(0.1)
            return bool(ear.downs)

        wait_until(noticed, 10)
        began = time.monotonic()
        other.link.close()
        assert time.monotonic() - began < 10, "closing hangs on a dead link"
        broker.signal(signal.SIGCONT)
        ear.up = False
        ear.wait_up()
    finally:
        ear.link.close()
        broker.kill()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_network_thread_that_died_is_noticed(town: Town, ears: list[Ear]) -> None:
    """The library's thread ends on what it cannot digest, and tells nobody; the link looks for itself and begins anew."""
    ears.append(Ear(town.broker(town.device("pole-7")), "pole-7", topic("pole-7", "receipts")).wait_up())
    ears.append(Ear(town.broker(town.agency), f"ingest-{AGENCY}").wait_up())
    session = ears[0].link._session
    assert session is not None

    def choke(*_: object) -> None:
        raise ValueError("indigestible")

    session._client.on_message = choke
    ears[1].publish(topic("pole-7", "receipts"), b"any")
    ears[0].up = False
    ears[0].wait_up()
    assert "unreadable" in ears[0].downs[0]


def test_without_a_certificate_nobody_gets_to_say_a_word(town: Town) -> None:
    """The handshake fails; with a certificate the same words are answered."""
    packet = bytes([0x10, 16, 0, 4]) + b"MQTT" + bytes([5, 2, 0, 30, 0, 0, 3]) + b"abc"

    def answer(certificate: Path | None) -> bytes:
        context = ssl.create_default_context(cafile=town.ca / "ca.pem")
        if certificate is not None:
            context.load_cert_chain(certificate / "tls.pem", certificate / "tls.key")
        try:
            with (
                socket.create_connection(("127.0.0.1", town.port), timeout=5) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as tls,
            ):
                tls.sendall(packet)
                return tls.recv(4)
        except (ssl.SSLError, ConnectionError):
            return b""

    assert answer(town.device("pole-7"))[:1] == b"\x20", "CONNACK"
    assert answer(None) == b""


def test_a_certificate_of_another_authority_is_refused_and_reads_are_kept(town: Town, tmp_path: Path) -> None:
    """Lane 2 says so, goes on trying and keeps everything; lane 1 does not notice; stopping works at once."""
    stranger = Town(tmp_path, town.port)
    stranger.make("pole-7")
    (stranger.device("pole-7") / "ca.pem").write_bytes((town.ca / "ca.pem").read_bytes())
    assert kept_while_refused(stranger) == 5


def test_a_broker_of_another_authority_is_not_trusted(town: Town, tmp_path: Path) -> None:
    """A false broker gets neither a read nor a unit's certificate accepted as an introduction."""
    stranger = Town(tmp_path, town.port)
    stranger.make("pole-7")
    assert kept_while_refused(stranger, "not to be trusted") == 5


def test_no_broker_at_all_is_no_reason_to_stop(tmp_path: Path) -> None:
    """The unit says that nothing listens there, and keeps."""
    nowhere = Town(tmp_path, free_port())
    nowhere.make("pole-7")
    assert kept_while_refused(nowhere, "refused") == 5


def kept_while_refused(town: Town, words: str = "broker") -> int:
    """Let lane 2 run against a broker that does not take it while lane 1 puts; how many reads wait afterwards."""
    log = io.StringIO()
    outbox = town.outbox("pole-7")
    stop = threading.Event()
    lane_2 = threading.Thread(target=town.drain("pole-7", outbox, Journal(log)).run, args=(stop,))
    lane_2.start()
    try:
        sealer = town.sealer("pole-7")
        for n in range(5):
            made = release(f"r-{n}", at=datetime.now(timezone.utc))
            outbox.put(sealer.seal(made, outbox.next_slot()))
        wait_until(lambda: "broker away" in log.getvalue(), 15)
        assert words in log.getvalue()
        assert lane_2.is_alive()
        return outbox.backlog().waiting
    finally:
        stop.set()
        lane_2.join(timeout=15)
        assert not lane_2.is_alive()
        outbox.close()


def test_anothers_name_cannot_be_taken_to_throw_it_out(town: Town, ears: list[Ear]) -> None:
    """The client id is the certificate's name, whatever the client claims: pole-8 calling itself pole-7 disturbs nobody."""
    ears.append(Ear(town.broker(town.device("pole-7")), "pole-7").wait_up())
    ears.append(Ear(town.broker(town.device("pole-8")), "pole-7").wait_up())
    ears[0].listen(1.0)
    assert ears[0].downs == []
