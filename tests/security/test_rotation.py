"""Keys of both ends are replaced while reads are under way, and nothing becomes unreadable; what is old is destroyed."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge import keys
from edge.envelope import renewed
from edge.envelope.keyring import key_id, load_enrolled, load_private_key, load_private_keys, load_public_key, load_public_keys
from edge.envelope.open import HpkeOpener
from edge.envelope.renewed import Renewed
from edge.envelope.signature import sign
from edge.errors import ConfigError, EnvelopeError
from edge.keys.authority import Revoked, load_authority, load_certificate, write_crl
from edge.keys.rotation import Handover
from edge.records import Slot
from tests.delivery.ear import Ear
from tests.delivery.town import Town
from tests.labeled import AGENCY, release
from tests.mosquitto import Broker, needs_mosquitto
from tests.security.rotating import Rotating

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)
SLOT = Slot(epoch="e", seq=1, previous=bytes(32))


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path)
    town.make("pole-7")
    return town


def opened_at(town: Town, wire: bytes, at: datetime) -> str:
    """What an agency end whose clock says ``at`` makes of a message: "opened", or why not."""
    enrolled = load_enrolled(town.agency / "devices" / "pole-7.pem")
    seal_keys = load_private_keys(town.agency / "seal.key")
    opener = HpkeOpener(agency=AGENCY, device_keys=lambda _: enrolled, seal_keys=seal_keys, now=lambda: at)
    try:
        opener.open("pole-7", wire)
    except EnvelopeError as error:
        return error.reason
    return "opened"


@needs_mosquitto
def test_keys_of_both_ends_rotate_with_reads_in_flight(tmp_path: Path) -> None:
    """Each fifty reads another key, the broker killed in between: every committed read is stored once, nothing is refused, no
    alarm is raised; then the old sealing keys are destroyed, and neither they nor the unit's lie in any file."""
    done = Rotating(tmp_path, every=50).run(300)
    assert (done.committed, done.stored, done.others) == (300, 300, 0)
    assert (done.refused, done.alarms) == ({}, {})
    assert (done.rotations, done.reconnects) == (5, 6)
    assert (done.seal_keys, done.sign_keys, done.destroyed) == (4, 3, 3)
    assert done.left_in_files == 0
    assert 0 < done.opened_after_retiring < 300, "only what was sealed to the key that is left"


def test_the_agency_opens_with_both_keys_and_units_are_given_the_new_one(town: Town) -> None:
    """Two live keys, the newest last; the header says which one a read is sealed to."""
    before = town.sealer("pole-7").seal(release(), SLOT).wire
    new = keys.rotate_agency(town.agency, NOW)
    assert [key_id(key.public_key()).hex() for key in load_private_keys(town.agency / "seal.key")][-1] == new
    assert key_id(load_public_key(town.device("pole-7") / "agency-seal.pem")).hex() != new
    keys.enrol(town.agency, town.device("pole-7"))
    assert key_id(load_public_key(town.device("pole-7") / "agency-seal.pem")).hex() == new
    after = town.sealer("pole-7").seal(release(), SLOT).wire
    assert [opened_at(town, wire, NOW) for wire in (before, after)] == ["opened", "opened"]


def test_an_old_sealing_key_is_destroyed_after_its_window_and_not_before(town: Town) -> None:
    """Its bytes are overwritten where they lay; what was sealed to it stays closed for ever, by name."""
    sealed = town.sealer("pole-7").seal(release(), SLOT).wire
    path = town.agency / "seal.key"
    os.link(path, town.folder / "same-inode")
    keys.rotate_agency(town.agency, NOW)
    assert keys.retire(town.agency, at=NOW + timedelta(days=29)) == []
    assert opened_at(town, sealed, NOW) == "opened"
    os.link(path, town.folder / "both-keys")
    assert len(keys.retire(town.agency, at=NOW + timedelta(days=30))) == 1
    assert opened_at(town, sealed, NOW) == "seal-key"
    assert set((town.folder / "both-keys").read_bytes()) == {0}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.retire(town.agency, at=NOW + timedelta(days=900)) == [], "the key in use is never destroyed"


def test_a_handover_is_believed_from_the_old_key_to_one_that_agrees(town: Town) -> None:
    """Both keys count until the old one's date; then what it signed is refused by name."""
    own = town.device("pole-7")
    by_old = town.sealer("pole-7").seal(release(), SLOT).wire
    handover = keys.rotate_device(own, NOW)
    assert town.sealer("pole-7").seal(release(), SLOT).wire != by_old
    assert opened_at(town, by_old, NOW) == "opened", "the unit signs with the old one until it switches"
    says = keys.accept(town.agency, handover, at=NOW)
    assert (says.agency, says.device) == (AGENCY, "pole-7")
    keys.accept(town.agency, handover, at=NOW + timedelta(days=5))
    keys.switch_device(own)
    by_new = town.sealer("pole-7").seal(release(), SLOT).wire
    assert [opened_at(town, wire, NOW + timedelta(days=29)) for wire in (by_old, by_new)] == ["opened", "opened"]
    assert [opened_at(town, wire, NOW + timedelta(days=30)) for wire in (by_old, by_new)] == ["ended", "opened"]


def test_switching_destroys_the_old_signing_key_and_keeps_its_public_half(town: Town) -> None:
    """Rows of the outbox that it signed still hold when the unit checks itself."""
    own = town.device("pole-7")
    old = load_private_key(own / "sign.key").public_key()
    os.link(own / "sign.key", town.folder / "same-inode")
    keys.rotate_device(own)
    with pytest.raises(ConfigError, match="under way already"):
        keys.rotate_device(own)
    keys.switch_device(own)
    assert set((town.folder / "same-inode").read_bytes()) == {0}
    assert load_public_keys(own / "sign.pem") == (old, load_private_key(own / "sign.key").public_key())
    assert not (own / "next-sign.key").exists()
    with pytest.raises(ConfigError, match="there is no next one"):
        keys.switch_device(own)


def altered(handover: Path, change: str) -> None:
    text = handover.read_text()
    body = text.splitlines()[1]
    handover.write_text({
        "a bit": text.replace(body, ("B" if body[0] == "A" else "A") + body[1:]),
        "cut": text[: len(text) // 2],
        "nothing in it": "-----BEGIN PLATE-EDGE HANDOVER-----\n\n-----END PLATE-EDGE HANDOVER-----\n",
        "no text": "\x00\x01",
    }[change])  # fmt: skip


@pytest.mark.parametrize("change", ["a bit", "cut", "nothing in it", "no text"])
def test_a_damaged_handover_is_refused(town: Town, change: str) -> None:
    """Nothing of it is believed, and nothing changes."""
    enrolled = (town.agency / "devices" / "pole-7.pem").read_bytes()
    handover = keys.rotate_device(town.device("pole-7"))
    altered(handover, change)
    with pytest.raises(ConfigError, match="accept handover"):
        keys.accept(town.agency, handover)
    assert (town.agency / "devices" / "pole-7.pem").read_bytes() == enrolled


def test_nobody_hands_over_anothers_name_or_a_revoked_key(town: Town) -> None:
    """The device is named under the signature; a key that was revoked or is over hands nothing on."""
    keys.make_device(town.device("pole-8"), town.ca, "pole-8", AGENCY)
    keys.enrol(town.agency, town.device("pole-8"))
    mine, other = town.device("pole-7"), town.device("pole-8")
    for name in ("tls.pem",):
        (other / name).write_bytes((mine / name).read_bytes())
    with pytest.raises(ConfigError, match="no key that is believed here signed it"):
        keys.accept(town.agency, keys.rotate_device(other))
    handover = keys.rotate_device(mine)
    keys.refuse_at_agency(town.agency, "pole-7")
    with pytest.raises(ConfigError, match="no key that is believed here signed it"):
        keys.accept(town.agency, handover)


@pytest.mark.parametrize("name", ["../pole-7", "pole-7/../pole-7", "", "+"])
def test_a_handover_of_a_name_that_leads_elsewhere_is_refused(town: Town, name: str) -> None:
    """Signed by both keys, and still no path is made of what is no name."""
    old, new = load_private_key(town.device("pole-7") / "sign.key"), ec.generate_private_key(ec.SECP256R1())
    spki = new.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = msgspec.msgpack.encode(Handover(agency=AGENCY, device=name, key=spki, created=NOW))
    both = [body, sign(old, b"plate-edge handover v1\0", body), sign(new, b"plate-edge handover taken v1\0", body)]
    path = town.folder / "sign.handover"
    armour = base64.encodebytes(msgspec.msgpack.encode(both)).decode()
    path.write_text(f"-----BEGIN PLATE-EDGE HANDOVER-----\n{armour}-----END PLATE-EDGE HANDOVER-----\n")
    with pytest.raises(ConfigError, match="is not a name"):
        keys.accept(town.agency, path)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400))
def test_whatever_a_handover_holds_it_is_refused_in_words(town: Town, data: bytes) -> None:
    """No bytes bring the command down."""
    path = town.folder / "sign.handover"
    armour = base64.encodebytes(data).decode() or "\n"
    path.write_text(f"-----BEGIN PLATE-EDGE HANDOVER-----\n{armour}-----END PLATE-EDGE HANDOVER-----\n")
    with pytest.raises(ConfigError, match="accept handover"):
        keys.accept(town.agency, path)


def test_a_party_accepts_the_same_handover(town: Town) -> None:
    """It knows the device under its owner's name."""
    town.make_neighbour("otherville", "pole-7")
    handover = keys.rotate_device(town.device("pole-7"))
    assert isinstance(keys.accept(town.neighbour("otherville"), handover), Handover)
    assert len(load_enrolled(town.neighbour("otherville") / "devices" / AGENCY / "pole-7.pem")) == 2


@pytest.mark.parametrize("line", ["Until: tomorrow", "until: 2026-12-01T00:00:00+00:00", "Until: 2026-12-01T00:00:00", "Valid"])
def test_a_line_above_a_key_that_is_not_understood_is_refused(town: Town, line: str) -> None:
    """A misspelt end must not leave a key in force for ever."""
    path = town.agency / "devices" / "pole-7.pem"
    path.write_text(f"{line}\n{path.read_text()}")
    with pytest.raises(ConfigError, match="is not known here"):
        load_enrolled(path)


@needs_mosquitto
def test_a_certificate_is_renewed_under_the_same_name_and_taken_up(town: Town) -> None:
    """A unit takes its own up with the next connection, the broker with `take-up`; the old one can then be revoked alone."""
    broker = Broker(town.folder / "broker", town.ca, [AGENCY])
    town.port = broker.port
    broker.start()
    own = town.device("pole-7")
    ear = Ear(town.broker(own), "pole-7").wait_up()
    try:
        before = load_certificate(own / "tls.pem")
        keys.renew_certificate(own, town.ca)
        keys.renew_certificate(town.folder / "broker", town.ca)
        after = load_certificate(own / "tls.pem")
        assert (after.subject, len(after.extensions)) == (before.subject, len(before.extensions))
        assert after.public_key() != before.public_key()
        write_crl(load_authority(town.ca), [Revoked("pole-7", before.serial_number, NOW)])
        keys.hand_to_broker(town.ca, town.folder / "broker")
        ear.up = False
        keys.take_up(town.folder / "broker")
        ear.wait_up()
        assert served(town) == load_certificate(town.folder / "broker" / "tls.pem")
    finally:
        ear.link.close()
        broker.kill()


def served(town: Town) -> x509.Certificate:
    """The certificate that the broker shows."""
    context = ssl.create_default_context(cafile=town.ca / "ca.pem")
    own = town.device("pole-7")
    context.load_cert_chain(own / "tls.pem", own / "tls.key")
    with (
        socket.create_connection(("127.0.0.1", town.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        der = tls.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der)


def test_a_certificate_of_another_authority_is_not_renewed(town: Town) -> None:
    """Nothing changes."""
    keys.make_ca(town.folder / "other-ca", "somebody else's")
    before = (town.device("pole-7") / "tls.key").read_bytes()
    with pytest.raises(ConfigError, match="another authority"):
        keys.renew_certificate(town.device("pole-7"), town.folder / "other-ca")
    assert (town.device("pole-7") / "tls.key").read_bytes() == before


def test_a_changed_key_file_is_taken_up_and_a_damaged_one_leaves_the_former(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at every few seconds; what cannot be read is said once, and reads go on."""
    path, now, said = town.device("pole-7") / "agency-seal.pem", [0.0], list[str]()
    part = Renewed[ec.EllipticCurvePublicKey](lambda: load_public_key(path), (path,), said.append, lambda: now[0])
    first = part.now()
    keys.rotate_agency(town.agency)
    keys.enrol(town.agency, town.device("pole-7"))
    assert part.now() is first, "not looked yet"
    now[0] += renewed.LOOK_EVERY_S
    second = part.now()
    assert second != first
    path.write_text("damaged")
    for _ in range(3):
        now[0] += renewed.LOOK_EVERY_S
        assert part.now() is second
    assert len(said) == 1
