"""An outbox on a disk that fails: ``python -m tests.faults.failing FOLDER WHAT SEED COUNT CONTROL``, under ``shadow.c``.

COUNT outboxes one after the other, each in a process of its own and in a folder of its own beside the device's keys.  In each
a call fails somewhere, once or for a while; a read that was refused is tried again, as lane 1 does.  The exit code is how many
of the processes did not come to their end.
"""

from __future__ import annotations

import os
import random
import sys
import traceback
from pathlib import Path
from typing import Literal

from edge.errors import OutboxError
from edge.outbox.sqlite import SqliteOutbox
from tests.delivery.town import Town
from tests.faults.ledger import Ledger
from tests.faults.recorder import DEVICE, open_outbox, sealed
from tests.faults.shadow import Control

READS = 30
_TRIES_UNTIL_MENDED = 8
# Calls of each kind that ``READS`` reads make, about.
_CALLS = {"write": 250, "sync": 45}
_CALLS_TO_OPEN = {"write": 24, "sync": 8}


def outbox_path(town: Town, n: int) -> Path:
    """Where the outbox number ``n`` lies."""
    return town.device(DEVICE) / f"run-{n}" / "outbox.sqlite"


def ledger_path(town: Town, n: int) -> Path:
    """Where its ledger lies: not in the outbox's folder, which the outbox makes itself."""
    return town.device(DEVICE) / f"truth-{n}" / "ledger"


def keep_reads(town: Town, n: int, chance: random.Random, what: Literal["write", "sync"], control: Control) -> None:
    """Keep all of ``READS`` reads, however often it takes."""
    ledger, envelopes, kept, tries = Ledger(ledger_path(town, n)), sealed(town, chance), 0, 0
    next(envelopes)
    # Half of the time while it is opened for the first time.
    calls = chance.choice((_CALLS_TO_OPEN[what], _CALLS[what]))
    control.fail(what, skip=chance.randint(0, calls), times=chance.choice((1, 2, 6, -1)))
    outbox: SqliteOutbox | None = None
    while kept < READS:
        try:
            outbox = outbox or open_outbox(outbox_path(town, n))
            if chance.random() < 0.15:
                first = chance.randint(1, kept + 1)
                ledger.pruning(outbox.next_slot().epoch, first, min(first + 5, kept))
                outbox.prune(outbox.next_slot().epoch, [(first, max(first, min(first + 5, kept)))])
            envelope = envelopes.send(outbox.next_slot())
            ledger.trying(envelope)
            try:
                outbox.put(envelope)
            except OutboxError:
                ledger.refused(envelope)
                raise
            ledger.committed(envelope)
            kept += 1
        except OutboxError:
            tries += 1
            if tries >= _TRIES_UNTIL_MENDED:
                control.mend()


def main(folder: str, what: str, seed: str, count: str, control_path: str) -> None:
    town, control, fell = Town(Path(folder)), Control(Path(control_path)), 0
    assert what in ("write", "sync")
    for n in range(int(count)):
        control.mend()
        child = os.fork()
        if child == 0:
            try:
                keep_reads(town, n, random.Random(f"{seed} {n}"), what, control)  # type: ignore[arg-type]
            except BaseException:  # noqa: BLE001
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        fell += os.waitpid(child, 0)[1] != 0
    os._exit(min(fell, 99))


if __name__ == "__main__":
    main(*sys.argv[1:])
