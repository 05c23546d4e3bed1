"""The mailbox over MQTT 5: a session that the broker keeps while we are away, every message acknowledged by hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from edge import mqtt
from edge.config import BrokerConfig
from edge.errors import ConfigError
from edge.ingest.interface import Delivery, LinkChange

# How long a broker that lives on keeps messages for an agency end that is away.  The units keep them longer.
_KEEP_SESSION_S = 24 * 3600
# Enough for the batch that is being stored and the next one.
_RECEIVE_WINDOW = 1024


class MqttMailbox:
    """See :class:`edge.ingest.interface.Mailbox`.  ``name`` is the common name of the certificate."""

    def __init__(self, broker: BrokerConfig, *, agency: str, name: str | None = None) -> None:
        """Raises ConfigError for key files that cannot be used."""
        self._agency = agency
        self._link = mqtt.Link(
            broker,
            name or f"ingest-{agency}",
            subscribe=[mqtt.reads_filter(agency), mqtt.pictures_filter(agency)],
            keep_session_s=_KEEP_SESSION_S,
            receive_window=_RECEIVE_WINDOW,
        )
        self._first: deque[Delivery | LinkChange] = deque()
        self._later: deque[Delivery] = deque()
        # Bundles of which not every message is safe yet: token → how many are not.
        self._left: dict[int, int] = {}

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._link.start()

    def next_event(self, timeout_s: float) -> Delivery | LinkChange | None:
        """The next message or change of the link, or None if there was none within ``timeout_s``; fresh ones first."""
        event = self._link.next_event(0.0)
        while event is not None:
            self._sort(event)
            event = self._link.next_event(0.0)
        if not self._first and not self._later and (event := self._link.next_event(timeout_s)) is not None:
            self._sort(event)
        if self._first:
            return self._first.popleft()
        return self._later.popleft() if self._later else None

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """These messages are safe, or refused for good: the broker may forget them, a bundle when all of it is."""
        for delivery in deliveries:
            left = self._left.pop(delivery.token, 1) - 1
            if left:
                self._left[delivery.token] = left
            else:
                self._link.acknowledge(delivery.token)

    def post_receipt(self, device: str, wire: bytes) -> bool:
        """Hand over a receipt; False if it cannot go now."""
        return self._post(device, "receipts", wire)

    def post_request(self, device: str, wire: bytes) -> bool:
        """Hand over a request for pictures; False if it cannot go now."""
        return self._post(device, "requests", wire)

    def _post(self, device: str, kind: mqtt.Kind, wire: bytes) -> bool:
        try:
            topic = mqtt.topic(mqtt.Address(agency=self._agency, device=device, kind=kind))
        except ConfigError:
            return False
        return self._link.publish(topic, wire) is not None

    def close(self) -> None:
        """Disconnect and stop."""
        self._link.close()

    def _sort(self, event: mqtt.Event) -> None:
        """What comes alone is fresh, and goes before backlogs and pictures that came before it.  Nobody here knows yet which
        read is a hit, but a hit always comes so; and chains are proved in whatever order reads come."""
        if isinstance(event, mqtt.Up):
            self._left.clear()
            self._first.append(LinkChange(up=True))
        elif isinstance(event, mqtt.Down):
            self._first.append(LinkChange(up=False, reason=event.reason))
        elif isinstance(event, mqtt.Arrived):
            found = self._unpacked(event)
            (self._first if len(found) == 1 and not found[0].picture else self._later).extend(found)

    def _unpacked(self, event: mqtt.Arrived) -> Sequence[Delivery]:
        """The messages in what arrived."""
        address = mqtt.parse_topic(event.topic)
        ours = address is not None and address.agency == self._agency and address.kind in ("reads", "pictures")
        device = address.device if address is not None and ours else None
        picture = address is not None and address.kind == "pictures"
        wires = (event.payload,) if picture else mqtt.unpack(event.payload)
        if len(wires) > 1:
            self._left[event.token] = len(wires)
        return [Delivery(device=device, topic=event.topic, wire=wire, token=event.token, picture=picture) for wire in wires]
