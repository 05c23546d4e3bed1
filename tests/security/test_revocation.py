"""A lost unit is out within a minute, at the broker and at the agency, and nobody else notices."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner

from edge import keys
from edge.cli import app
from edge.envelope.keyring import load_enrolled
from edge.errors import ConfigError
from edge.keys.authority import read_revoked
from edge.keys.broker import EMQX_ACL
from tests.delivery.ear import Ear
from tests.delivery.pipe import Line
from tests.delivery.processes import wait_until
from tests.delivery.town import Town
from tests.labeled import AGENCY
from tests.mosquitto import Broker, needs_mosquitto
from tests.security.emqx_rules import allowed, parse
from tests.security.test_rights import topic

OUT_WITHIN_S = 60.0


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path)
    town.make("pole-1", "pole-2", "pole-3")
    return town


@pytest.fixture
def broker(town: Town) -> Iterator[Broker]:
    broker = Broker(town.folder / "broker", town.ca, [AGENCY])
    town.port = broker.port
    broker.start()
    yield broker
    broker.kill()


def call(*arguments: object) -> str:
    """A command of ours, as an administrator types it."""
    done = CliRunner().invoke(app, ["keys", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@needs_mosquitto
def test_a_revoked_unit_is_out_within_a_minute_and_the_others_are_undisturbed(town: Town, broker: Broker) -> None:
    """One command; the live connection ends and no new one is taken, while everybody else's stays up and goes on speaking."""
    names = ("pole-1", "pole-2", "pole-3")
    ears = {name: Ear(town.broker(town.device(name)), name, topic(AGENCY, name, "receipts")).wait_up() for name in names}
    agency = Ear(town.broker(town.agency), f"ingest-{AGENCY}", f"plate-edge/v1/{AGENCY}/+/+/reads").wait_up()
    lost = ears["pole-2"]
    try:
        assert lost.publish(topic(AGENCY, "pole-2", "reads"), b"before") == ""
        began = time.monotonic()
        call("revoke", "pole-2", "--ca", town.ca, "--broker", town.folder / "broker")

        def shut_out() -> bool:
            lost.listen(0.1)
            return any("certificate" in reason or "closed" in reason for reason in lost.downs[1:])

        wait_until(shut_out, OUT_WITHIN_S)
        assert time.monotonic() - began < OUT_WITHIN_S
        lost.up = False
        for name in ("pole-1", "pole-3"):
            assert ears[name].publish(topic(AGENCY, name, "reads"), f"after {name}".encode()) == ""
            assert agency.publish(topic(AGENCY, name, "receipts"), b"receipt") == ""
        agency.publish(topic(AGENCY, "pole-2", "receipts"), b"receipt")

        def all_heard() -> bool:
            for ear in (agency, *ears.values()):
                ear.listen(0.1)
            return {b"after pole-1", b"after pole-3"} <= {each.payload for each in agency.heard} and all(
                ears[name].heard for name in ("pole-1", "pole-3")
            )

        wait_until(all_heard, 30)
        assert not lost.up
        assert lost.heard == []
        assert [ears["pole-1"].downs, ears["pole-3"].downs, agency.downs] == [[], [], []]
    finally:
        for ear in (agency, *ears.values()):
            ear.link.close()


@needs_mosquitto
def test_a_broker_that_starts_later_reads_the_list_too(town: Town, broker: Broker) -> None:
    """Killed and started again: whoever was revoked stays out; a new certificate under the old name is welcome."""
    keys.revoke(town.ca, "pole-2")
    keys.hand_to_broker(town.ca, town.folder / "broker")
    broker.kill()
    broker.start()
    Ear(town.broker(town.device("pole-1")), "pole-1").wait_up().link.close()
    lost = Ear(town.broker(town.device("pole-2")), "pole-2")
    try:
        wait_until(lambda: bool(lost.listen(0.1) or lost.downs), 30)
        assert not lost.up
    finally:
        lost.link.close()
    keys.make_device(town.device("again"), town.ca, "pole-2", AGENCY)
    Ear(town.broker(town.device("again")), "pole-2").wait_up().link.close()
    keys.take_up(town.folder / "broker")
    Ear(town.broker(town.device("again")), "pole-2").wait_up().link.close()


def test_what_a_revoked_unit_signed_is_refused_at_once_kept_and_counted(tmp_path: Path) -> None:
    """Also by another way than our broker: the agency end stores nothing more of it, names the reason, and keeps the message
    for a person who may know which reads were made before the theft.  What was stored stays."""
    line = Line(tmp_path)
    try:
        unit = line.unit()
        unit.put(3)
        line.meet(unit, seconds=3)
        assert line.stored() == [1, 2, 3]
        call("revoke", "pole-7", "--agency", line.town.agency)
        unit.put(2)
        line.meet(unit, seconds=12)
        assert line.stored() == [1, 2, 3]
        assert unit.outbox.backlog().waiting == 2, "without a receipt the unit keeps them"
        refused = line.journal.by_reason("messages_refused")
        assert set(refused) == {"revoked"}
        kept = [json.loads(row) for row in (line.town.agency / "quarantine.jsonl").read_text().splitlines()]
        assert {row["reason"] for row in kept} == {"revoked"}
        assert len(kept) == refused["revoked"] >= 3, "reads, and the unit's own word of its chain"
    finally:
        line.close()


def test_the_agency_forgets_no_revocation(town: Town) -> None:
    """Enrolling the same folder again does not bring the key back; a new key under the same name counts."""
    enrolled = town.agency / "devices" / "pole-2.pem"
    assert keys.refuse_at_agency(town.agency, "pole-2") == 1
    keys.enrol(town.agency, town.device("pole-2"))
    assert [each.revoked for each in load_enrolled(enrolled)] == [True]
    keys.make_device(town.device("again"), town.ca, "pole-2", AGENCY)
    keys.enrol(town.agency, town.device("again"))
    assert [each.revoked for each in load_enrolled(enrolled)] == [True, False]


def test_a_partys_admitted_unit_is_revoked_by_its_owner_and_name(town: Town) -> None:
    """`OWNER/UNIT`; nothing that leads out of the folder is a name."""
    keys.make_agency(town.folder / "other", town.ca, "otherville")
    keys.admit(town.folder / "other", town.device("pole-2"))
    call("revoke", f"{AGENCY}/pole-2", "--agency", town.folder / "other")
    path = town.folder / "other" / "devices" / AGENCY / "pole-2.pem"
    assert [each.revoked for each in load_enrolled(path)] == [True]
    for name in ("../../agency/seal", "pole-2/../x", "nobody"):
        with pytest.raises(ConfigError):
            keys.refuse_at_agency(town.folder / "other", name)


def test_the_list_is_signed_grows_and_names_whom_it_shuts_out(town: Town) -> None:
    """Every certificate that the name ever had; calling again adds nothing; the list is good as long as the authority."""
    keys.make_device(town.device("again"), town.ca, "pole-2", AGENCY)
    assert len(keys.revoke(town.ca, "pole-2")) == 2
    assert keys.revoke(town.ca, "pole-2") == []
    assert len(keys.revoke(town.ca, "pole-3")) == 1
    path = town.ca / "crl.pem"
    crl, ca = x509.load_pem_x509_crl(path.read_bytes()), x509.load_pem_x509_certificate((town.ca / "ca.pem").read_bytes())
    assert crl.is_signature_valid(ca.public_key())  # type: ignore[arg-type]
    assert crl.next_update_utc == ca.not_valid_after_utc
    assert [each.name for each in read_revoked(path)] == ["pole-2", "pole-2", "pole-3"]
    assert {each.serial for each in read_revoked(path)} == {each.serial_number for each in crl}


def test_a_name_that_nobody_has_is_not_revoked_in_silence(town: Town) -> None:
    """A misspelt name is said; a certificate of before there was a record is named as a file."""
    with pytest.raises(ConfigError, match="knows no certificate"):
        keys.revoke(town.ca, "pole-22")
    for path in (town.ca / "issued").iterdir():
        path.unlink()
    assert len(keys.revoke(town.ca, "pole-2", certificate=town.device("pole-2") / "tls.pem")) == 1


@needs_mosquitto
def test_emqx_is_told_whom_to_deny(town: Town, broker: Broker) -> None:
    """By name, before every other rule; once each."""
    for _ in range(2):
        keys.revoke(town.ca, "pole-2")
        keys.hand_to_broker(town.ca, town.folder / "broker")
    text = (town.folder / "broker" / EMQX_ACL).read_text()
    assert text.count("deny, {username") == 1
    rules = parse(text)
    assert not allowed(rules, "pole-2", "publish", topic(AGENCY, "pole-2", "reads"))
    assert allowed(rules, "pole-1", "publish", topic(AGENCY, "pole-1", "reads"))


def test_without_a_running_broker_the_command_says_what_to_do(town: Town) -> None:
    """The list lies there; whoever starts reads it."""
    keys.make_demo_broker(town.folder / "silent", town.ca, [AGENCY], 18831)
    keys.revoke(town.ca, "pole-2")
    keys.hand_to_broker(town.ca, town.folder / "silent")
    with pytest.raises(ConfigError, match="reads the list when it starts"):
        keys.take_up(town.folder / "silent")
    with pytest.raises(ConfigError, match="no folder of"):
        keys.hand_to_broker(town.ca, town.folder / "nowhere")


@needs_mosquitto
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_the_door_is_closed_to_other_accounts(town: Town, broker: Broker) -> None:
    """Whoever gets there could end connections, and nothing else: its list grants no topic."""
    folder = town.folder / "broker"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "acl-door").read_text().splitlines()[-1] == "topic deny #"
