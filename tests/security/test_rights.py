"""Device × topic × verb: what the broker lets through under the lists that we generate."""

from __future__ import annotations

import typing
from collections.abc import Iterator

import pytest

from edge import keys, mqtt
from edge.keys.broker import EMQX_ACL
from tests.delivery.ear import Ear
from tests.delivery.processes import wait_until
from tests.delivery.town import Town
from tests.labeled import AGENCY
from tests.mosquitto import Broker, needs_mosquitto
from tests.security.emqx_rules import allowed, parse

OTHER = "otherville"
UNITS = ("pole-1", "pole-2", "pole-3", "pole-4", "pole-5")
ENDS = {f"ingest-{AGENCY}": AGENCY, f"ingest-{OTHER}": OTHER}
KINDS: tuple[str, ...] = typing.get_args(typing.get_type_hints(mqtt.Address)["kind"])
FROM_UNITS = ("reads", "pictures")
ROOT = "plate-edge/v1"


def topic(agency: str, device: str, kind: str) -> str:
    return mqtt.topic(mqtt.Address(agency=agency, device=device, kind=kind))  # type: ignore[arg-type]


#: Every topic there is, and some that there are not.
TOPICS = {topic(agency, unit, kind): (agency, unit, kind) for agency in ENDS.values() for unit in UNITS for kind in KINDS}
NO_TOPICS = (
    f"{ROOT}/{AGENCY}/00/pole-1",
    f"{ROOT}/{AGENCY}/00/pole-1/reads/more",
    f"{ROOT}/{AGENCY}/00/pole-1/commands",
    f"{ROOT}/reads",
    "plate-edge/v2/milltown/00/pole-1/reads",
    "elsewhere",
    "$SYS/broker/uptime",
)
#: Subscriptions that reach for more than one's own.
GREEDY = ("#", f"{ROOT}/#", *(f"{ROOT}/+/+/+/{kind}" for kind in KINDS), "+/+/+/+/+/+", f"{ROOT}/{AGENCY}/#")


def may_write(name: str, agency: str, unit: str, kind: str) -> bool:
    """The promise, in one line: a unit its own reads and pictures, an agency end receipts and requests of its agency."""
    return (kind in FROM_UNITS and name == unit) or (kind not in FROM_UNITS and ENDS.get(name) == agency)


def may_read(name: str, agency: str, unit: str, kind: str) -> bool:
    return (kind not in FROM_UNITS and name == unit) or (kind in FROM_UNITS and ENDS.get(name) == agency)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Five units, three of one agency and two of another, both agency ends, and a running broker."""
    folder = tmp_path_factory.mktemp("rights")
    town = Town(folder)
    keys.make_ca(town.ca)
    for name, agency in ENDS.items():
        keys.make_agency(folder / "devices" / name, town.ca, agency)
    for n, unit in enumerate(UNITS):
        keys.make_device(town.device(unit), town.ca, unit, AGENCY if n < 3 else OTHER)
    broker = Broker(folder / "broker", town.ca, list(ENDS.values()))
    town.port = broker.port
    broker.start()
    yield town
    broker.kill()


@needs_mosquitto
def test_nobody_writes_or_reads_what_is_anothers(town: Town) -> None:
    """Five units and two agency ends; each publishes to every topic and listens to every topic, alone, by wildcards and in a
    shared subscription.  What comes through is what the promise grants, all of it and nothing else."""
    names = (*UNITS, *ENDS)
    wide = [*TOPICS, *GREEDY, f"$share/all/{ROOT}/#"]
    ears = {name: Ear(town.broker(town.device(name)), name, *wide).wait_up() for name in names}
    try:
        taken = {
            (name, to)
            for name, ear in ears.items()
            for to in (*TOPICS, *NO_TOPICS)
            if not ear.publish(to, f"{name}>{to}".encode())
        }
        assert taken == {(name, to) for name in names for to, parts in TOPICS.items() if may_write(name, *parts)}
        heard = {name: {f"{by}>{to}" for by, to in taken if may_read(name, *TOPICS[to])} for name in names}

        def words(name: str) -> set[str]:
            ears[name].listen(0.1)
            return {arrived.payload.decode() for arrived in ears[name].heard}

        wait_until(lambda: all(heard[name] <= words(name) for name in names), 60)
        assert {name: words(name) for name in names} == heard
        assert {name: ear.downs for name, ear in ears.items()} == {name: [] for name in names}
    finally:
        for ear in ears.values():
            ear.link.close()


def test_emqx_is_told_the_same_rules(town: Town) -> None:
    """The list for EMQX, read as its documentation says, grants what the promise grants: to publish, and to subscribe to one's
    own; a subscription that reaches further is refused whole.  No EMQX runs here."""
    text = (town.folder / "broker" / EMQX_ACL).read_text()
    rules = parse(text)
    assert text.splitlines()[-1] == "{deny, all}."
    for name in (*UNITS, *ENDS):
        for to, parts in TOPICS.items():
            assert allowed(rules, name, "publish", to) == may_write(name, *parts), (name, to)
            assert allowed(rules, name, "subscribe", to) == may_read(name, *parts), (name, to)
        for to in (*NO_TOPICS, *GREEDY):
            assert not allowed(rules, name, "publish", to), (name, to)
            assert not allowed(rules, name, "subscribe", to), (name, to)
        agency = ENDS.get(name)
        for own in (mqtt.reads_filter, mqtt.pictures_filter):
            assert agency is None or allowed(rules, name, "subscribe", own(agency))


def test_emqxs_configuration_asks_for_certificates_and_denies_by_default(town: Town) -> None:
    """The name in the certificate is user name and client id; nothing but TLS listens; what no rule names is denied."""
    lines = [line.strip() for line in (town.folder / "broker" / "emqx.conf").read_text().splitlines()]
    for line in (
        "verify = verify_peer",
        "fail_if_no_peer_cert = true",
        "peer_cert_as_username = cn",
        "peer_cert_as_clientid = cn",
        "listeners.tcp.default.enable = false",
        "listeners.ws.default.enable = false",
        "listeners.wss.default.enable = false",
        "no_match = deny",
        "retain_available = false",
    ):
        assert line in lines
    assert sum(line.count("{") for line in lines) == sum(line.count("}") for line in lines)
