"""Every single-bit change of envelopes as they lie in the agency's store."""

from __future__ import annotations

import random
import string
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

from msgspec import Struct

from edge.envelope.enrolled import EnrolledDevices
from edge.envelope.interface import Opened
from edge.envelope.keyring import load_private_keys
from edge.envelope.open import HpkeOpener
from edge.errors import EnvelopeError
from edge.store.interface import Arrival
from edge.store.sqlite import SqliteStore
from tests.delivery.town import Town
from tests.faults.oracle import rows
from tests.labeled import AGENCY, DEVICE, release


class Flipped(Struct, frozen=True, kw_only=True):
    """How many envelopes, how many changed ones, how many of those were taken, and why the others were refused."""

    envelopes: int
    bytes: int
    changed: int
    taken: int
    reasons: dict[str, int]
    seconds: float


def stored_envelopes(folder: Path, number: int, seed: int) -> tuple[HpkeOpener, list[bytes]]:
    """Commit ``number`` different reads to an outbox and store them at the agency; the store's bytes, and who opens them."""
    town, chance = Town(folder), random.Random(seed)
    town.make(DEVICE)
    own = town.agency
    opener = HpkeOpener(
        agency=AGENCY, device_keys=EnrolledDevices(own / "devices"), seal_keys=load_private_keys(own / "seal.key")
    )
    now, sealer = datetime.now(timezone.utc), town.sealer(DEVICE)
    with closing(town.outbox(DEVICE)) as outbox, closing(SqliteStore(town.store_path)) as store:
        for n in range(number):
            text = "".join(chance.choices(string.ascii_uppercase + string.digits, k=chance.randint(2, 8)))
            outbox.put(sealer.seal(release(f"r-{n}", text, at=now), outbox.next_slot()))
        arrivals = [_arrival(opener, envelope.wire, now) for envelope in outbox.waiting(0, number)]
        assert set(store.add(arrivals)) == {"stored"}
    wires = [row.wire for row in rows(town)]
    assert len(wires) == number
    return opener, wires


def _arrival(opener: HpkeOpener, wire: bytes, received: datetime) -> Arrival:
    opened = opener.open(DEVICE, wire)
    assert isinstance(opened, Opened)
    header = opened.header
    return Arrival(
        device=header.device,
        epoch=header.epoch,
        seq=header.seq,
        received=received,
        wire=wire,
        wire_sha256=opened.wire_sha256,
        labeled=opened.labeled,
    )


def flip(folder: Path, number: int, seed: int) -> Flipped:
    """Change each bit of each of ``number`` stored envelopes, one at a time, and let the agency end look at it."""
    opener, wires = stored_envelopes(folder, number, seed)
    reasons, taken, began_s = Counter[str](), 0, time.monotonic()
    for wire in wires:
        for changed in _changes(wire):
            try:
                opener.open(DEVICE, changed)
            except EnvelopeError as error:
                reasons[error.reason] += 1
            else:
                taken += 1
    return Flipped(
        envelopes=len(wires),
        bytes=sum(map(len, wires)),
        changed=taken + sum(reasons.values()),
        taken=taken,
        reasons=dict(reasons.most_common()),
        seconds=round(time.monotonic() - began_s, 1),
    )


def _changes(wire: bytes) -> Iterator[bytes]:
    for at in range(len(wire)):
        for bit in range(8):
            changed = bytearray(wire)
            changed[at] ^= 1 << bit
            yield bytes(changed)
