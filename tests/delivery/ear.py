"""Somebody at the broker who listens and may speak."""

from __future__ import annotations

from edge import mqtt
from edge.config import BrokerConfig
from tests.delivery.processes import wait_until


class Ear:
    """Listens as the owner of a certificate and notes what arrives."""

    def __init__(self, broker: BrokerConfig, name: str, *subscribe: str) -> None:
        self.link = mqtt.Link(broker, name, subscribe=subscribe)
        self.heard: list[mqtt.Arrived] = []
        self.answers: list[mqtt.Acknowledged] = []
        self.up, self.downs = False, list[str]()
        self.link.start()

    def listen(self, timeout_s: float = 0.3) -> None:
        event = self.link.next_event(timeout_s)
        while event is not None:
            if isinstance(event, mqtt.Up):
                self.up = True
            elif isinstance(event, mqtt.Down):
                self.downs.append(event.reason)
            elif isinstance(event, mqtt.Arrived):
                self.link.acknowledge(event.token)
                self.heard.append(event)
            else:
                self.answers.append(event)
            event = self.link.next_event(0.0)

    def wait_up(self) -> Ear:
        def is_up() -> bool:
            self.listen(0.05)
            return self.up

        wait_until(is_up, 20)
        return self

    def publish(self, topic: str, payload: bytes) -> str:
        """The broker's answer: empty if it took the message."""
        token = self.link.publish(topic, payload)
        assert token is not None

        def answered() -> bool:
            self.listen(0.05)
            return any(answer.token == token for answer in self.answers)

        wait_until(answered, 10)
        return next(answer.refused for answer in self.answers if answer.token == token)
