"""A unit without a camera whose reads are labelled and decided for real, under a pack and agreements in files.

Time stands still at ``NOW`` on it, so that a paper's last day does not depend on the day on which this runs.  As a program it
is there to be killed: ``python -m tests.delivery.sharing FOLDER PORT COUNT [WHERE]`` commits COUNT reads, prints ``<epoch>
<seq> <read id>`` after each commit has returned, drains, prints ``drained`` and ends; with WHERE ``before-the-read`` it ends by
SIGKILL when it would hand over the first read, whose copies the broker then has; all COUNT are committed before lane 2 starts.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from edge.envelope.keyring import load_public_keys
from edge.envelope.receipt import ReceiptVerifier
from edge.journal import Journal
from edge.labeler.scope import label
from edge.outbox.sqlite import SqliteOutbox
from edge.policy.decide import decide
from edge.policy.load import load_pack
from edge.policy.pack import Pack
from edge.publisher.drain import Drain
from edge.publisher.mqtt import MqttPublisher
from edge.records import Release
from tests.clocks import HandClock
from tests.delivery.town import Town
from tests.labeled import AGENCY
from tests.policy.situations import NOW, capture, instant, pack_text, read

DEVICE = "pole-7"
DECLARES = ("immigration-enforcement", "reproductive-health-care-investigation", "gender-affirming-care-investigation")


class SharingUnit:
    """The unit of a town whose pack gives neighbours with a declaration their copy at capture."""

    def __init__(self, town: Town) -> None:
        self.town, self.pack_file, self.papers = town, town.folder / "pack.toml", town.folder / "agreements.toml"

    def write_rules(self, **ends: datetime) -> None:
        """A pack that lets neighbours have a copy at capture, and one agreement each that ends then; the party's key comes
        from its ``seal.pem``."""
        self.pack_file.write_text(pack_text(('gates = ["declaration"]', 'gates = ["declaration"]\nnow = true')))
        self.papers.write_text("\n".join(self._paper(name.replace("_", "-"), until) for name, until in ends.items()))

    def _paper(self, party: str, ends: datetime) -> str:
        seal_key = (self.town.neighbour(party) / "seal.pem").read_text()
        return f"""
[[agreements]]
party = "{party}"
recipient = "out-of-state-law-enforcement"
jurisdiction = "US-NY"
satisfies = ["declaration"]
bars = {list(DECLARES)}
text_sha256 = "{"0" * 64}"
signed_by = ["chief of {AGENCY}", "chief of {party}"]
starts = 2026-10-01T00:00:00Z
ends = {ends.isoformat()}
now = true
seal_key = '''
{seal_key}'''
"""

    def pack(self) -> Pack:
        return load_pack(self.pack_file, agreements=self.papers)

    def outbox(self) -> SqliteOutbox:
        return SqliteOutbox(
            self.town.outbox_path(DEVICE), clock=HandClock(utc=NOW), budget_bytes=64 << 20, reserve_bytes=1 << 20
        )

    def release(self, at: datetime = NOW, text: str = "TEST123", read_id: str | None = None) -> Release:
        """What the pack decides about a read captured at ``at``."""
        made = read(instant(at), instant(at + timedelta(seconds=1)), id=read_id or f"r-{uuid.uuid4().hex[:12]}", text=text)
        taken = msgspec.structs.replace(capture(agency=AGENCY), device=DEVICE)
        rules = self.pack()
        decided = decide(label(made, taken, rules, None), rules)
        assert isinstance(decided, Release), decided
        return decided

    def drain(self, outbox: SqliteOutbox, publisher: MqttPublisher, journal: Journal) -> Drain:
        keys = load_public_keys(self.town.device(DEVICE) / "agency-receipt.pem")
        return Drain(outbox, publisher, ReceiptVerifier(agency=AGENCY, device=DEVICE, keys=keys), journal, resend_after_s=3.0)

    def publisher(self, kind: type[MqttPublisher] = MqttPublisher) -> MqttPublisher:
        return kind(self.town.broker(self.town.device(DEVICE)), device=DEVICE, agency=AGENCY)


class KilledBeforeTheRead(MqttPublisher):
    """Ends its process the moment that a read, not a copy, would go."""

    def send(self, wires: Sequence[bytes], party: str | None = None) -> int | None:
        if party is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().send(wires, party)


def main(folder: str, port: str, count: str, where: str = "") -> None:
    town = Town(Path(folder), int(port))
    unit = SharingUnit(town)
    sealer, outbox = town.sealer(DEVICE), unit.outbox()
    publisher = unit.publisher(KilledBeforeTheRead if where == "before-the-read" else MqttPublisher)
    stop = threading.Event()
    lane_2 = threading.Thread(target=unit.drain(outbox, publisher, Journal()).run, args=(stop,))
    if not where:
        lane_2.start()
    for _ in range(int(count)):
        envelope = sealer.seal(unit.release(), outbox.next_slot())
        outbox.put(envelope)
        print(envelope.slot.epoch, envelope.slot.seq, envelope.read_id, flush=True)
    if where:
        lane_2.start()
    try:
        while outbox.backlog().waiting:
            time.sleep(0.05)
        print("drained", flush=True)
    finally:
        stop.set()
        lane_2.join()
        outbox.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
