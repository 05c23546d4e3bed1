"""Wrong configurations are refused with the key and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import load_agency, load_device
from edge.errors import ConfigError

DEVICE = """
[unit]
device = "ct-01"
agency = "hartford-pd"
data = "data"
[[cameras]]
name = "north"
source = "clip.mp4"
[policy]
pack = "us-ct"
[keys]
sign_key = "keys/sign.key"
agency_seal = "keys/agency-seal.pem"
agency_receipt = "keys/agency-receipt.pem"
[broker]
host = "localhost"
ca = "keys/ca.pem"
certificate = "keys/tls.pem"
key = "keys/tls.key"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "device.toml"
    path.write_text(text)
    return path


def ruled(policy: str) -> str:
    """The configuration with other rules."""
    return DEVICE.replace('pack = "us-ct"', policy)


def test_paths_count_from_the_file(tmp_path: Path) -> None:
    """A configuration can be moved together with what it names."""
    config = load_device(write(tmp_path, DEVICE))
    assert config.keys.sign_key == tmp_path / "keys" / "sign.key"
    assert config.unit.data == tmp_path / "data"


CASES = [
    ("keep-alive beyond MQTT", DEVICE + "keepalive_s = 99999999\n", r"`broker.keepalive_s` must be between 1 and 65535"),
    ("no pause at all", DEVICE + "backoff_max_s = -1\n", r"`broker.backoff_max_s` must be above 0"),
    ("metrics on no port", DEVICE + "[metrics]\nport = 70000\n", r"`metrics.port` must be between 1 and 65535"),
    ("unknown key", DEVICE.replace("host =", "hots ="), r"unknown key `broker.hots`; did you mean `host`"),
    ("unknown key in a camera", DEVICE + '[[cameras]]\nname="b"\nsauce="x"\n', r"unknown key `cameras.sauce`.*source"),
    ("unknown table", DEVICE + "[polcy]\npack='x'\n", r"unknown key `polcy`; did you mean `policy`"),
    ("missing table", DEVICE.replace("[policy]\npack", "#"), "policy"),
    ("wrong type", DEVICE.replace('"us-ct"', "7"), "Expected `str"),
    ("no camera", DEVICE.replace('[[cameras]]\nname = "north"\nsource = "clip.mp4"', "cameras = []", 1), "camera"),
    ("bad name", DEVICE.replace('"ct-01"', '"CT 01"'), "`CT 01` is not a name"),
    ("name with a wildcard", DEVICE.replace('"hartford-pd"', '"hartford/#"'), "is not a name"),
    ("two cameras of one name", DEVICE + '[[cameras]]\nname="north"\nsource="x"\n', "same name"),
    ("pixels out of range", DEVICE + "[detector]\npixels = 640\n", "`detector.pixels` must be between 100000 and 2000000"),
    ("threshold out of range", DEVICE + "[detector]\nthreshold = 1.5\n", "`detector.threshold` must be between 0 and 1"),
    ("time-out of zero", DEVICE.replace('"clip.mp4"', '"clip.mp4"\nread_timeout_s = 0.0'), "read_timeout_s` must be above 0"),
    ("password in the address", DEVICE.replace("clip.mp4", "rtsp://u:secret@cam/1"), "credentials"),
    ("rules from two places", ruled('pack = "us-ct"\nbundle_keys = ["a.pem"]'), "names both `pack` and `bundle_keys`"),
    ("zones beside a bundle", ruled('zones = "z.json"\nbundle_keys = ["a.pem"]'), "names both `zones` and `bundle_keys`"),
    ("a threshold for plain files", ruled('pack = "us-ct"\nthreshold = 1'), "names both `pack` and `threshold`"),
    ("rules from nowhere", ruled(""), "needs `bundle_keys`, or `pack`"),
    ("a threshold without keys", ruled("threshold = 2"), "needs `bundle_keys`, or `pack`"),
    ("nobody has to sign", ruled('bundle_keys = ["a.pem"]\nthreshold = 0'), "`policy.threshold` must be at least 1"),
    ("not TOML", "unit = [", "not valid TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_wrong_configuration_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """Every mistake names itself, and no secret is repeated."""
    text = text if "cameras = []" not in text else "cameras = []\n" + text.replace("cameras = []", "")
    with pytest.raises(ConfigError, match=message) as caught:
        load_device(write(tmp_path, text))
    assert "secret" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """No configuration, no default."""
    with pytest.raises(ConfigError, match="No such file"):
        load_device(tmp_path / "none.toml")


def test_an_agency_file_is_no_device_file(tmp_path: Path) -> None:
    """The two ends do not take each other's file."""
    with pytest.raises(ConfigError, match="unknown key"):
        load_agency(write(tmp_path, DEVICE))


@pytest.mark.parametrize("wrong", ["batch = 0", "batch_wait_s = -1", "batch_wait_s = nan"])
def test_an_agency_file_is_held_to_its_bounds_too(tmp_path: Path, wrong: str) -> None:
    """The agency end refuses what could never work."""
    broker = DEVICE[DEVICE.index("[broker]") :]
    ingest = f'[ingest]\nagency = "a"\ndevices = "d"\nseal_key = "s"\nreceipt_key = "r"\n{wrong}\n'
    with pytest.raises(ConfigError, match=r"`ingest\.batch"):
        load_agency(write(tmp_path, ingest + '[store]\npath = "x"\n' + broker))


BROKER = DEVICE[DEVICE.index("[broker]") :]
INGEST = '[ingest]\nagency = "a"\ndevices = "d"\nseal_key = "s"\nreceipt_key = "r"\n'
STORES = [
    ("no file", 'kind = "sqlite"', "needs `path`"),
    ("no server", 'kind = "postgres"', "needs `dsn`"),
    ("a file for PostgreSQL", 'kind = "postgres"\ndsn = "host=/run"\npath = "x"', "has no `path`"),
    ("a server for SQLite", 'path = "x"\ndsn = "host=/run"', "has no `dsn`"),
    ("a password among words", 'kind = "postgres"\ndsn = "host=db password = secret"', "holds a password"),
    ("a password in an address", 'kind = "postgres"\ndsn = "postgresql://u:secret@db/plates"', "holds a password"),
    ("nowhere to keep what is refused", 'kind = "postgres"\ndsn = "host=/run"', "`ingest.data` must name a folder"),
]


@pytest.mark.parametrize(("store", "message"), [c[1:] for c in STORES], ids=[c[0] for c in STORES])
def test_a_store_that_cannot_be_meant_is_refused(tmp_path: Path, store: str, message: str) -> None:
    """Each kind of store is told what it needs and nothing else, and never a password."""
    with pytest.raises(ConfigError, match=message) as caught:
        load_agency(write(tmp_path, INGEST + f"[store]\n{store}\n" + BROKER))
    assert "secret" not in str(caught.value)


def test_a_server_is_named_with_its_password_in_a_file(tmp_path: Path) -> None:
    """The password's file counts from the configuration's folder like every other path."""
    store = '[store]\nkind = "postgres"\ndsn = "host=/run/postgresql dbname=plates"\npassword = "pg.password"\n'
    config = load_agency(write(tmp_path, INGEST + 'data = "ingest"\n' + store + BROKER))
    assert (config.store.password, config.ingest.data) == (tmp_path / "pg.password", tmp_path / "ingest")
