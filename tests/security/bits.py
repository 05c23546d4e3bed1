"""Every single-bit change of envelopes as they lie in the agency's store."""

from __future__ import annotations

import random
import string
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from edge.envelope.enrolled import EnrolledDevices
from edge.envelope.keyring import load_private_keys
from edge.envelope.open import HpkeOpener
from edge.errors import EnvelopeError
from tests.delivery.pipe import Line
from tests.faults.oracle import rows
from tests.labeled import AGENCY


class Flipped(Struct, frozen=True, kw_only=True):
    """How many envelopes, how many changed ones, how many of those were taken, and why the others were refused."""

    envelopes: int
    bytes: int
    changed: int
    taken: int
    reasons: dict[str, int]
    seconds: float


def stored_envelopes(folder: Path, number: int, seed: int) -> tuple[HpkeOpener, list[bytes]]:
    """Deliver ``number`` different reads from a unit's outbox into an agency's store; the store's bytes, and who opens them."""
    line, chance = Line(folder), random.Random(seed)
    try:
        unit = line.unit()
        for _ in range(number):
            text = "".join(chance.choices(string.ascii_uppercase + string.digits, k=chance.randint(2, 8)))
            unit.put(1, text=text)
        while len(line.stored()) < number:
            line.meet(unit, seconds=1)
    finally:
        line.close()
    own = line.town.agency
    opener = HpkeOpener(
        agency=AGENCY, device_keys=EnrolledDevices(own / "devices"), seal_keys=load_private_keys(own / "seal.key")
    )
    wires = [row.wire for row in rows(line.town.store_path)]
    assert len(wires) == number
    for wire in wires:
        opener.open("pole-7", wire)
    return opener, wires


def flip(folder: Path, number: int, seed: int) -> Flipped:
    """Change each bit of each of ``number`` stored envelopes, one at a time, and let the agency end look at it."""
    opener, wires = stored_envelopes(folder, number, seed)
    reasons, taken, began_s = Counter[str](), 0, time.monotonic()
    for wire in wires:
        for changed in _changes(wire):
            try:
                opener.open("pole-7", changed)
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
