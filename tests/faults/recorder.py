"""What is done under ``shadow.c``: ``python -m tests.faults.recorder WHAT FOLDER SEED COUNT``.

``outbox`` and ``careless`` put, prune, close and open again; the second with PRAGMA synchronous=NORMAL.  ``store`` adds
batches, some of them twice.  All end without closing anything.  The ledger says what was promised.
"""

from __future__ import annotations

import os
import random
import sqlite3
import string
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from edge.clock import Clock
from edge.envelope.enrolled import EnrolledDevices
from edge.envelope.keyring import load_private_key, load_public_key
from edge.envelope.open import HpkeOpener
from edge.outbox.sqlite import SqliteOutbox
from edge.records import Envelope, Slot
from edge.store.interface import Arrival
from edge.store.sqlite import SqliteStore
from tests.delivery.town import Town
from tests.faults.ledger import Ledger
from tests.labeled import AGENCY, release

DEVICE = "pole-7"
NEIGHBOUR = "otherville"
# Small, so that the log is written back into the file every few reads.
BUDGET_BYTES = 1 << 20
# Of texts: no plate is that long, but messages of several pages must be seen too.
_LENGTHS = (*(7,) * 10, 200, 200, 600, 1500)


class CarelessOutbox(SqliteOutbox):
    """What an outbox that trusts ``synchronous=NORMAL`` would be: the bench must find that it loses reads."""

    def _configure(self, db: sqlite3.Connection) -> None:
        super()._configure(db)
        db.execute("PRAGMA synchronous = NORMAL")


def open_outbox(path: Path, kind: type[SqliteOutbox] = SqliteOutbox) -> SqliteOutbox:
    """An outbox with a small budget."""
    return kind(path, clock=Clock(), budget_bytes=BUDGET_BYTES, reserve_bytes=1 << 16)


def sealed(town: Town, chance: random.Random) -> Iterator[Envelope]:
    """Envelopes one after the other, each to be sent the slot it takes; some with a copy, some of several pages."""
    sealer = town.sealer(DEVICE)
    party = load_public_key(town.neighbour(NEIGHBOUR) / "seal.pem")
    n = 0
    slot: Slot = yield  # type: ignore[misc]
    while True:
        n += 1
        copies = {NEIGHBOUR: party} if chance.random() < 0.1 else None
        text = "".join(chance.choices(string.ascii_uppercase, k=chance.choice(_LENGTHS)))
        made = release(f"r-{n}", text, copies=copies, device=DEVICE, at=datetime.now(timezone.utc))
        slot = yield sealer.seal(made, slot)


def keep_reads(town: Town, chance: random.Random, count: int, kind: type[SqliteOutbox]) -> None:
    """Put ``count`` reads, prune some, open anew now and then."""
    ledger, envelopes = Ledger(town.device(DEVICE) / "ledger"), sealed(town, chance)
    next(envelopes)
    outbox, kept = open_outbox(town.outbox_path(DEVICE), kind), 0
    while kept < count:
        throw = chance.random()
        numbers = list(outbox.waiting_numbers())
        if throw < 0.04:
            outbox.close()
            outbox = open_outbox(town.outbox_path(DEVICE), kind)
        elif numbers and (throw < 0.12 or len(numbers) > 150):
            first = chance.choice(numbers)
            last = min(first + chance.randint(0, 60), numbers[-1])
            ledger.pruning(outbox.next_slot().epoch, first, last)
            outbox.prune(outbox.next_slot().epoch, [(first, last)])
        else:
            envelope = envelopes.send(outbox.next_slot())
            ledger.trying(envelope)
            outbox.put(envelope)
            ledger.committed(envelope)
            kept += 1


def add_reads(town: Town, chance: random.Random, count: int) -> None:
    """Store ``count`` reads in batches; of some batches a part comes again."""
    ledger, envelopes = Ledger(town.agency / "ledger"), sealed(town, chance)
    next(envelopes)
    seal_keys = [load_private_key(town.agency / "seal.key")]
    opener = HpkeOpener(agency=AGENCY, device_keys=EnrolledDevices(town.agency / "devices"), seal_keys=seal_keys)
    store, seq, before = SqliteStore(town.store_path), 0, list[Arrival]()
    while seq < count:
        if chance.random() < 0.05:
            store.close()
            store = SqliteStore(town.store_path)
        made, batch = [], chance.sample(before, min(len(before), 2))
        for _ in range(chance.randint(1, 12)):
            seq += 1
            envelope = envelopes.send(Slot(epoch="e", seq=seq, previous=bytes(32)))
            ledger.trying(envelope)
            made.append(envelope)
            batch.append(arrival(opener, envelope))
        store.add(batch)
        for envelope in made:
            ledger.committed(envelope)
        before = batch[-5:]


def arrival(opener: HpkeOpener, envelope: Envelope) -> Arrival:
    """The envelope as the agency end hands it to its store."""
    opened = opener.open(DEVICE, envelope.wire)
    return Arrival(
        device=DEVICE,
        epoch=opened.header.epoch,
        seq=opened.header.seq,
        received=datetime.now(timezone.utc),
        wire=envelope.wire,
        wire_sha256=opened.wire_sha256,
        labeled=opened.labeled,
    )


def main(what: str, folder: str, seed: str, count: str) -> None:
    town, chance = Town(Path(folder)), random.Random(seed)
    if what == "store":
        add_reads(town, chance, int(count))
    else:
        keep_reads(town, chance, int(count), CarelessOutbox if what == "careless" else SqliteOutbox)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
