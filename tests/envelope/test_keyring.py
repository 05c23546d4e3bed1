"""Key files are looked at before they are used, and enrolment counts without a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from edge import keys
from edge.envelope.enrolled import LOOK_EVERY_S, EnrolledDevices
from edge.envelope.keyring import EnrolledKey, key_id, load_private_key, load_public_key, load_public_keys
from edge.errors import ConfigError
from tests.labeled import AGENCY


@pytest.fixture
def device(tmp_path: Path) -> Path:
    keys.make_ca(tmp_path / "ca")
    keys.make_device(tmp_path / "pole-7", tmp_path / "ca", "pole-7", AGENCY)
    return tmp_path / "pole-7"


def pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_the_two_halves_of_a_pair_have_one_id(device: Path) -> None:
    """A message names a key by an id that both ends compute alike."""
    assert key_id(load_private_key(device / "sign.key").public_key()) == key_id(load_public_key(device / "sign.pem"))


def test_a_private_key_that_everybody_may_read_is_refused(device: Path) -> None:
    """The message names the cure."""
    (device / "sign.key").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_private_key(device / "sign.key")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    """Neither half is read from anything else."""
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "key").chmod(0o600)
    for load in (load_private_key, load_public_keys):
        with pytest.raises(ConfigError, match=r"read (private|public) key"):
            load(tmp_path / "key")


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    """Only P-256 is taken; the message says what to make instead."""
    key = ed25519.Ed25519PrivateKey.generate()
    path = tmp_path / "key"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="not a P-256 key"):
        load_private_key(path)


def test_enrolling_and_revoking_count_while_the_agency_end_runs(tmp_path: Path) -> None:
    """A key that is put into the folder, added to or taken away is in force after the next look, not after a restart."""
    now = [0.0]
    devices = EnrolledDevices(tmp_path, monotonic=lambda: now[0])
    first, second = (ec.generate_private_key(ec.SECP256R1()).public_key() for _ in range(2))
    path = tmp_path / "pole-7.pem"
    assert devices("pole-7") == ()
    path.write_bytes(pem(first))
    assert list(devices("pole-7")) == [EnrolledKey(key=first)]
    path.write_bytes(pem(first) + pem(second))
    assert list(devices("pole-7")) == [EnrolledKey(key=first)], "not looked at again yet"
    now[0] += LOOK_EVERY_S
    assert list(devices("pole-7")) == [EnrolledKey(key=first), EnrolledKey(key=second)]
    path.unlink()
    now[0] += LOOK_EVERY_S
    assert devices("pole-7") == ()


def test_two_agencies_may_have_a_device_of_the_same_name(tmp_path: Path) -> None:
    """Each owner's file lies in the owner's folder; every key says whose it is, and one owner's can be taken away alone."""
    now = [0.0]
    devices = EnrolledDevices(tmp_path, monotonic=lambda: now[0])
    ours, theirs = (ec.generate_private_key(ec.SECP256R1()).public_key() for _ in range(2))
    (tmp_path / "otherville").mkdir()
    (tmp_path / "otherville" / "pole-7.pem").write_bytes(pem(theirs))
    assert list(devices("pole-7")) == [EnrolledKey(key=theirs, owner="otherville")]
    (tmp_path / "pole-7.pem").write_bytes(pem(ours))
    now[0] += LOOK_EVERY_S
    assert list(devices("pole-7")) == [EnrolledKey(key=ours), EnrolledKey(key=theirs, owner="otherville")]
    (tmp_path / "otherville" / "pole-7.pem").unlink()
    now[0] += LOOK_EVERY_S
    assert list(devices("pole-7")) == [EnrolledKey(key=ours)]


@pytest.mark.parametrize("name", ["pole-7.pem", "otherville/pole-7.pem"])
def test_a_damaged_enrolment_is_refused_at_start_and_enrols_nobody_later(tmp_path: Path, name: str) -> None:
    """Better a refusal in the morning than a silent hole in the night."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match=r"pole-7\.pem"):
        EnrolledDevices(tmp_path)
    (tmp_path / name).unlink()
    devices = EnrolledDevices(tmp_path)
    (tmp_path / name).write_bytes(b"nonsense")
    assert devices("pole-7") == ()
