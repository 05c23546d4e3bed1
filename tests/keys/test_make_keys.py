"""Keys: made once, private ones kept private, enrolment of the right device at the right agency."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from cryptography import x509

from edge import keys
from edge.config import BrokerConfig
from edge.demo.run import free_port
from edge.envelope.keyring import load_public_keys
from edge.errors import ConfigError
from edge.mqtt import Link
from tests.labeled import AGENCY


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    keys.make_ca(tmp_path / "ca")
    return tmp_path / "ca"


@pytest.fixture
def device(tmp_path: Path, ca: Path) -> Path:
    keys.make_device(tmp_path / "pole-7", ca, "pole-7", AGENCY)
    return tmp_path / "pole-7"


@pytest.fixture
def agency(tmp_path: Path, ca: Path) -> Path:
    keys.make_agency(tmp_path / "agency", ca, AGENCY)
    return tmp_path / "agency"


def test_private_files_belong_to_their_owner_alone(tmp_path: Path, device: Path, agency: Path) -> None:
    """Every private key has mode 0600 from the moment it exists."""
    private = list(tmp_path.rglob("*.key"))
    assert len(private) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_nothing_is_ever_overwritten(tmp_path: Path, ca: Path, device: Path, agency: Path) -> None:
    """A second making is refused and leaves every byte as it was."""
    keys.make_broker(tmp_path / "broker", ca, [AGENCY])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for again in (
        lambda: keys.make_ca(ca),
        lambda: keys.make_device(device, ca, "pole-7", AGENCY),
        lambda: keys.make_agency(agency, ca, AGENCY),
        lambda: keys.make_broker(tmp_path / "broker", ca, [AGENCY]),
    ):
        with pytest.raises(ConfigError, match="not overwritten"):
            again()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["", "Pole 7", "pole/7", "+", "#", "pole-7/../x", "ingest-milltown", "x" * 64])
def test_a_name_that_could_reach_further_than_itself_is_refused(tmp_path: Path, ca: Path, name: str) -> None:
    """Names become topics, files and rights: no wildcard, no path, not an agency end's."""
    with pytest.raises(ConfigError):
        keys.make_device(tmp_path / "device", ca, name, AGENCY)
    assert not (tmp_path / "device" / "sign.key").exists()


def test_enrolling_hands_public_keys_over_and_nothing_else(device: Path, agency: Path) -> None:
    """The agency gets the device's signing key, the device the agency's two; no private byte crosses."""
    assert keys.enrol(agency, device) == "pole-7"
    assert load_public_keys(agency / "devices" / "pole-7.pem") == load_public_keys(device / "sign.pem")
    for name in ("seal", "receipt"):
        assert load_public_keys(device / f"agency-{name}.pem") == load_public_keys(agency / f"{name}.pem")
    crossed = [agency / "devices" / "pole-7.pem", device / "agency-seal.pem", device / "agency-receipt.pem"]
    assert not any(b"PRIVATE" in path.read_bytes() for path in crossed)


def test_a_new_signing_key_is_enrolled_beside_the_old(tmp_path: Path, ca: Path, device: Path, agency: Path) -> None:
    """Reads signed with the old key are still in flight; enrolling twice adds nothing."""
    keys.enrol(agency, device)
    keys.make_device(tmp_path / "pole-7-again", ca, "pole-7", AGENCY)
    keys.enrol(agency, tmp_path / "pole-7-again")
    keys.enrol(agency, tmp_path / "pole-7-again")
    enrolled = load_public_keys(agency / "devices" / "pole-7.pem")
    assert enrolled == load_public_keys(device / "sign.pem") + load_public_keys(tmp_path / "pole-7-again" / "sign.pem")


def test_a_device_of_another_agency_is_not_enrolled(tmp_path: Path, ca: Path, agency: Path) -> None:
    """The certificate says for whom it was made."""
    keys.make_device(tmp_path / "theirs", ca, "pole-9", "otherville")
    with pytest.raises(ConfigError, match="otherville"):
        keys.enrol(agency, tmp_path / "theirs")
    assert list((agency / "devices").iterdir()) == []


def test_admitting_another_agencys_device_takes_its_public_halves_alone(tmp_path: Path, ca: Path, agency: Path) -> None:
    """Two public files from its owner are enough; it lies under the owner's name, beside a device of ours called the same."""
    keys.make_device(tmp_path / "theirs", ca, "pole-7", "otherville")
    for private in (tmp_path / "theirs").glob("*.key"):
        private.unlink()
    assert keys.admit(agency, tmp_path / "theirs") == "otherville/pole-7"
    enrolled = agency / "devices" / "otherville" / "pole-7.pem"
    assert load_public_keys(enrolled) == load_public_keys(tmp_path / "theirs" / "sign.pem")
    assert "devices/otherville/pole-7.pem" in {entry.file for entry in keys.describe(agency)}


def test_an_agency_does_not_admit_its_own_device(device: Path, agency: Path) -> None:
    """It enrols it; the message says so."""
    with pytest.raises(ConfigError, match="keys enrol"):
        keys.admit(agency, device)
    assert list((agency / "devices").iterdir()) == []


def test_a_units_certificate_cannot_play_the_broker(device: Path) -> None:
    """It is made for clients only, so a stolen one does not serve."""
    certificate = x509.load_pem_x509_certificate((device / "tls.pem").read_bytes())
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_describing_shows_every_file_and_no_secret(tmp_path: Path, device: Path, agency: Path) -> None:
    """Ids and fingerprints to compare by telephone, and when certificates end."""
    keys.enrol(agency, device)
    shown = {entry.file: entry for entry in keys.describe(device)}
    assert set(shown) == {
        "agency-receipt.pem", "agency-seal.pem", "ca.pem", "sign.key", "sign.pem", "tls.key", "tls.pem",
    }  # fmt: skip
    assert shown["sign.key"].fingerprint == shown["sign.pem"].fingerprint
    assert shown["tls.pem"].subject == f"CN=pole-7,O={AGENCY}"
    assert shown["tls.pem"].expires is not None
    assert "devices/pole-7.pem" in {entry.file for entry in keys.describe(agency)}
    with pytest.raises(ConfigError, match="there are none"):
        keys.describe(tmp_path / "ca" / "nothing")


def test_the_brokers_configuration_asks_for_certificates_and_names_rights(tmp_path: Path, ca: Path) -> None:
    """What the delivery tests prove with a real broker stands in the files in plain words."""
    configuration = keys.make_broker(tmp_path / "broker", ca, [AGENCY], hosts=["mq.example", "192.0.2.7"], port=8884)
    lines = configuration.read_text().splitlines()
    for line in ("require_certificate true", "use_identity_as_username true", "allow_anonymous false", "listener 8884"):
        assert line in lines
    certificate = x509.load_pem_x509_certificate((tmp_path / "broker" / "tls.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mq.example"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]


def test_key_files_that_do_not_belong_together_are_refused_at_start(device: Path, agency: Path) -> None:
    """A certificate with another's key, or a missing file, is said before anything connects."""
    broker = BrokerConfig(host="localhost", ca=device / "ca.pem", certificate=device / "tls.pem", key=agency / "tls.key")
    with pytest.raises(ConfigError, match="belong together"):
        Link(broker, "pole-7", subscribe=[])
    absent = BrokerConfig(host="localhost", ca=device / "no.pem", certificate=device / "tls.pem", key=device / "tls.key")
    with pytest.raises(ConfigError, match="there is no such file"):
        Link(absent, "pole-7", subscribe=[])


def test_a_mistake_leaves_no_half_made_folder(tmp_path: Path, ca: Path) -> None:
    """Whoever mistypes the authority or a host may simply call again."""
    wrong = {
        "no authority": lambda: keys.make_device(tmp_path / "d", tmp_path / "none", "pole-7", AGENCY),
        "no authority for the agency": lambda: keys.make_agency(tmp_path / "a", tmp_path / "none", AGENCY),
        "an agency too long for a certificate": lambda: keys.make_agency(tmp_path / "a", ca, "x" * 60),
        "a host beyond ASCII": lambda: keys.make_broker(tmp_path / "b", ca, [AGENCY], hosts=["bücher.example"]),
        "no host": lambda: keys.make_broker(tmp_path / "b", ca, [AGENCY], hosts=["a b"]),
        "no port": lambda: keys.make_broker(tmp_path / "b", ca, [AGENCY], port=99999),
    }
    for name, call in wrong.items():
        with pytest.raises(ConfigError):
            call()
        assert not any((tmp_path / folder).exists() for folder in "dab"), name


def test_a_long_host_name_stands_in_the_alternative_names(tmp_path: Path, ca: Path) -> None:
    """A common name ends at 64 letters; TLS looks at the alternative names."""
    host = "broker." + "x" * 60 + ".example.org"
    keys.make_broker(tmp_path / "b", ca, [AGENCY], hosts=[host, "::1"])
    certificate = x509.load_pem_x509_certificate((tmp_path / "b" / "tls.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [host]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_broker_folder_made_by_root_starts_mosquitto(tmp_path: Path, ca: Path) -> None:
    """mosquitto gives up root before it reads its key and its access list: they belong to the account it changes to."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:" + os.environ["PATH"])
    if program is None:
        pytest.skip("mosquitto is not installed")
    with tempfile.TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o755)
        port = free_port()
        configuration = keys.make_broker(Path(open_to_all) / "broker", ca, [AGENCY], port=port, bind="127.0.0.1")
        broker = subprocess.Popen([program, "-c", str(configuration)], stderr=subprocess.DEVNULL)
        try:
            assert listens(port, broker), "mosquitto ended or does not listen"
        finally:
            broker.kill()
            broker.wait()


def listens(port: int, broker: subprocess.Popen[bytes]) -> bool:
    """Whether somebody answers on the loopback port before the broker ends or ten seconds are over."""
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        if broker.poll() is not None:
            return False
        time.sleep(0.1)
    return False
