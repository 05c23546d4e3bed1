"""The publisher over MQTT 5: this unit's reads and pictures out, each addressee's under its own topic, and this unit's receipts
and requests in."""

from __future__ import annotations

from collections.abc import Sequence

from edge import mqtt
from edge.config import BrokerConfig
from edge.publisher.interface import Acknowledged, Connected, Disconnected, Event, ReceiptArrived, RequestArrived


class MqttPublisher:
    """See :class:`edge.publisher.interface.Publisher`."""

    def __init__(self, broker: BrokerConfig, *, device: str, agency: str) -> None:
        """``device`` equals the common name of the certificate.  Raises ConfigError for bad names or key files."""
        self._device, self._agency = device, agency
        self._pictures, receipts, self._requests = (
            mqtt.topic(mqtt.Address(agency=agency, device=device, kind=kind)) for kind in ("pictures", "receipts", "requests")
        )
        self._link = mqtt.Link(broker, device, subscribe=[receipts, self._requests])

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._link.start()

    def send(self, wires: Sequence[bytes], party: str | None = None) -> int | None:
        """Hand over messages for the owner, or copies for ``party``, in one packet; their token, or None if there is no room or
        no connection now."""
        to = mqtt.Address(agency=party or self._agency, device=self._device, kind="reads")
        return self._link.publish(mqtt.topic(to), mqtt.pack(wires))

    def send_picture(self, wire: bytes) -> int | None:
        """Hand over a piece of a picture for the owner; its token, or None if there is no room or no connection now."""
        return self._link.publish(self._pictures, wire)

    def next_event(self, timeout_s: float) -> Event | None:
        """The next thing that happened, or None if nothing did within ``timeout_s``."""
        event = self._link.next_event(timeout_s)
        if isinstance(event, mqtt.Up):
            return Connected(window=event.window)
        if isinstance(event, mqtt.Down):
            return Disconnected(reason=event.reason)
        if isinstance(event, mqtt.Acknowledged):
            return Acknowledged(token=event.token, refused=event.refused)
        if isinstance(event, mqtt.Arrived):
            # A receipt that is lost comes again with the next duplicate, a request in a minute, so they are let go at once.
            self._link.acknowledge(event.token)
            if event.topic == self._requests:
                return RequestArrived(wire=event.payload)
            return ReceiptArrived(wire=event.payload)
        return None

    def close(self) -> None:
        """Disconnect and stop."""
        self._link.close()
