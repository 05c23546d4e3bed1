"""A card that forgets or changes what was written: the outbox's files flipped, zeroed and cut at random places."""

from __future__ import annotations

import hashlib
import random
import shutil
import time
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

from edge.envelope.keyring import load_public_key
from edge.envelope.open import verify
from edge.errors import OutboxError
from edge.outbox import inspect
from tests.delivery.town import Town
from tests.faults.recorder import DEVICE, open_outbox
from tests.faults.rows import Bench, Row
from tests.labeled import release

_READS = 60
_OPENS_WITHIN_S = 10.0


def at_random(bench: Bench) -> Row:
    """Whatever was done to the file: it opens within seconds, damage is said or found, and never is all well called what is
    not: where neither the outbox nor ``plate-edge outbox verify`` says a word, every read is there to the byte."""
    town = Town(bench.folder / "town")
    town.make(DEVICE)
    signer = load_public_key(town.device(DEVICE) / "sign.pem")
    whole = bench.folder / "whole" / "outbox.sqlite"
    wires = _filled(whole, town)
    said = found = harmless = untrue = refused = 0
    slowest_s = 0.0
    for n in range(bench.scale.damages):
        folder = bench.folder / f"card-{n}"
        shutil.copytree(whole.parent, folder)
        path = folder / whole.name
        _damage(path, bench.chance)
        began_s = time.monotonic()
        try:
            with closing(open_outbox(path)) as outbox:
                slowest_s = max(slowest_s, time.monotonic() - began_s)
                loud = outbox.damaged is not None
                there = {each.slot.seq: hashlib.sha256(each.wire).digest() for each in outbox.waiting(0, 1 << 20)}
                findings = inspect.verify(path, lambda wire: _signed(wire, signer)).findings
        except OutboxError:
            refused += 1
        else:
            if loud:
                said += 1
            elif findings:
                found += 1
            else:
                harmless += there == wires
                untrue += there != wires
        shutil.rmtree(folder)
    return bench.row(
        untrue == 0 and slowest_s <= _OPENS_WITHIN_S and said + found > 0,
        damaged_files=bench.scale.damages,
        set_aside_and_said=said,
        refused_with_a_reason=refused,
        found_by_verify=found,
        without_effect=harmless,
        called_whole_and_was_not=untrue,
        slowest_to_open_s=slowest_s,
    )


def _filled(path: Path, town: Town) -> dict[int, bytes]:
    """An outbox with reads, switched off; the hash of each."""
    path.parent.mkdir(parents=True)
    sealer, wires = town.sealer(DEVICE), dict[int, bytes]()
    with closing(open_outbox(path)) as outbox:
        for n in range(1, _READS + 1):
            envelope = sealer.seal(release(f"r-{n}", device=DEVICE, at=datetime.now(timezone.utc)), outbox.next_slot())
            outbox.put(envelope)
            wires[envelope.slot.seq] = hashlib.sha256(envelope.wire).digest()
    return wires


def _damage(path: Path, chance: random.Random) -> None:
    """One to three flipped bits, zeroed blocks, or a cut."""
    data = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data))
        kind = chance.choice(("flip", "flip", "zero", "cut"))
        if kind == "flip":
            data[at] ^= 1 << chance.randrange(8)
        elif kind == "zero":
            length = min(chance.choice((16, 512, 4096)), len(data) - at)
            data[at : at + length] = bytes(length)
        elif at > 0:
            del data[at:]
    path.write_bytes(data)


def _signed(wire: bytes, signer: object) -> None:
    verify(DEVICE, wire, [signer])  # type: ignore[list-item]
