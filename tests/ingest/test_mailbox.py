"""How the agency end takes packets of several reads: fresh reads first, and a packet is safe when all of it is."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest

from edge import mqtt
from edge.ingest.interface import Delivery, LinkChange
from edge.ingest.mqtt import MqttMailbox
from tests.delivery.town import Town
from tests.labeled import AGENCY, DEVICE

_TOPIC = mqtt.topic(mqtt.Address(agency=AGENCY, device=DEVICE, kind="reads"))
_PICTURES = mqtt.topic(mqtt.Address(agency=AGENCY, device=DEVICE, kind="pictures"))


class Link:
    """What the broker would bring, by hand."""

    def __init__(self) -> None:
        self.events: deque[mqtt.Event] = deque()
        self.acknowledged: list[int] = []

    def bring(self, token: int, *wires: bytes, topic: str = _TOPIC) -> None:
        self.events.append(mqtt.Arrived(topic=topic, payload=mqtt.pack(wires), token=token))

    def next_event(self, timeout_s: float) -> mqtt.Event | None:
        return self.events.popleft() if self.events else None

    def acknowledge(self, token: int) -> None:
        self.acknowledged.append(token)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    one = Town(tmp_path, 1)
    one.make(DEVICE)
    return one


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
def mailbox(town: Town, link: Link) -> MqttMailbox:
    one = MqttMailbox(town.broker(town.agency), agency=AGENCY)
    one._link = link  # type: ignore[assignment]
    return one


def taken(mailbox: MqttMailbox) -> list[Delivery]:
    found = list[Delivery]()
    while (event := mailbox.next_event(0.0)) is not None:
        assert isinstance(event, Delivery)
        found.append(event)
    return found


def test_a_packet_is_acknowledged_when_all_of_it_is_safe(mailbox: MqttMailbox, link: Link) -> None:
    """Its messages may be stored in two batches; before the second is committed the broker must keep it."""
    link.bring(1, b"\x94a", b"\x94b", b"\x94c")
    link.bring(2, b"\x94d", b"\x94e")
    found = taken(mailbox)
    assert [each.wire[1:] for each in found] == [b"a", b"b", b"c", b"d", b"e"]
    mailbox.acknowledge(found[:2])
    assert link.acknowledged == []
    mailbox.acknowledge(found[2:4])
    assert link.acknowledged == [1]
    mailbox.acknowledge(found[4:])
    assert link.acknowledged == [1, 2]


def test_what_comes_alone_goes_before_backlogs_and_pictures(mailbox: MqttMailbox, link: Link) -> None:
    """Also while a packet is half taken; what was sent first of its kind is taken first."""
    link.bring(1, b"\x94a", b"\x94b", b"\x94c")
    link.bring(2, b"\x94picture", topic=_PICTURES)
    first = mailbox.next_event(0.0)
    assert isinstance(first, Delivery)
    link.bring(3, b"\x94hit")
    link.bring(4, b"\x94word")
    assert [each.wire[1:] for each in (first, *taken(mailbox))] == [b"a", b"hit", b"word", b"b", b"c", b"picture"]


def test_of_a_connection_that_is_gone_nothing_is_counted(mailbox: MqttMailbox, link: Link) -> None:
    """The broker delivers its packets again, under other tokens; what was half safe begins anew."""
    link.bring(1, b"\x94a", b"\x94b")
    old = taken(mailbox)
    mailbox.acknowledge(old[:1])
    link.events.append(mqtt.Down(reason="the connection ended"))
    link.events.append(mqtt.Up(window=20))
    changes = [mailbox.next_event(0.0) for _ in range(2)]
    assert changes == [LinkChange(up=False, reason="the connection ended"), LinkChange(up=True)]
    link.bring(7, b"\x94a", b"\x94b")
    again = taken(mailbox)
    mailbox.acknowledge([*old[1:], *again])
    assert link.acknowledged[-1] == 7
    assert 7 not in link.acknowledged[:-1]
    assert len(mailbox._left) == 0
