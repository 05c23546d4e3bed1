"""What is killed: a unit's two lanes, together or each alone, and the agency end.

As targets of ``multiprocessing``'s fork server, so that two thousand lives cost little; or as a program of its own, where
``shadow.c`` shall lie under it: ``python -m tests.faults.roles unit FOLDER PORT DEVICE LANES COUNT PAUSE_S``, ``… ingest FOLDER
PORT``.  Both end on SIGTERM; a unit with a COUNT other than 0 ends by itself when so many reads are kept and all of them gone.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
import uuid
from datetime import datetime, timezone
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from edge.clock import Clock
from edge.errors import OutboxError
from edge.journal import Journal
from edge.outbox.sqlite import SqliteOutbox
from edge.records import Release
from edge.stop import stop_on_signals
from tests.delivery.town import Town
from tests.faults import agency_store
from tests.faults.dying import dying
from tests.faults.ledger import Ledger
from tests.labeled import release

Lanes = Literal["both", "capture", "drain"]
_TRY_AGAIN_S = 0.05
#: What a town's outboxes may hold unless told.
BUDGET_BYTES = 64 << 20


def ledger_path(town: Town, device: str) -> Path:
    """Where the ledger of a device lies."""
    return town.device(device) / "ledger"


def unit(
    folder: str,
    port: int,
    device: str,
    lanes: Lanes,
    count: int,
    pause_s: float,
    dies: str = "",
    budget_bytes: int = BUDGET_BYTES,
    burst: int = 0,
) -> None:
    """Lane 1 puts reads, a ``burst`` first and then each after a pause of up to twice ``pause_s``; lane 2 drains.  Goes on for
    ever if ``count`` is 0, or until the point that ``dies`` names."""
    town, stop = Town(Path(folder), port), _begin(Path(folder) / f"{device}.log")
    kept = town.outbox(device) if budget_bytes == BUDGET_BYTES else _small_outbox(town, device, budget_bytes)
    outbox: Any = dying(kept, "outbox", dies)
    drain: Any = town.drain(device, outbox, Journal())
    drain._publisher, drain._receipts = dying(drain._publisher, "publisher", dies), dying(drain._receipts, "receipts", dies)
    lane_2 = threading.Thread(target=drain.run, args=(stop,))
    if lanes != "capture":
        lane_2.start()
    if lanes != "drain":
        capture(town, device, outbox, stop, count, pause_s, burst)
    while not stop.is_set():
        with contextlib.suppress(OutboxError):
            if count and not outbox.backlog().waiting:
                break
        stop.wait(0.05)
    stop.set()
    if lane_2.is_alive():
        lane_2.join()
    outbox.close()


def _small_outbox(town: Town, device: str, budget_bytes: int) -> SqliteOutbox:
    bury = town.notices(device).bury
    path, reserve_bytes = town.outbox_path(device), budget_bytes // 8
    return SqliteOutbox(path, clock=Clock(), budget_bytes=budget_bytes, reserve_bytes=reserve_bytes, bury=bury)


def capture(
    town: Town, device: str, outbox: SqliteOutbox, stop: threading.Event, count: int, pause_s: float, burst: int = 0
) -> None:
    """Keep ``count`` reads, or for ever if 0; like lane 1, a read that cannot be kept waits in memory and is tried again."""
    sealer, ledger, kept, waiting = town.sealer(device), Ledger(ledger_path(town, device)), 0, list[Release]()
    while not stop.is_set() and (kept < count or not count):
        if not waiting:
            waiting.append(release(f"r-{uuid.uuid4().hex[:12]}", "TEST123", device=device, at=datetime.now(timezone.utc)))
        try:
            envelope = sealer.seal(waiting[0], outbox.next_slot())
            ledger.trying(envelope)
            try:
                outbox.put(envelope)
            except OutboxError:
                ledger.refused(envelope)
                raise
            ledger.committed(envelope)
        except OutboxError:
            stop.wait(_TRY_AGAIN_S)
            continue
        waiting.clear()
        kept += 1
        if pause_s and kept > burst:
            time.sleep(random.uniform(0, 2 * pause_s))
    ledger.close()


def ingest(folder: str, port: int, dies: str = "") -> None:
    """The agency end; it lives until the point that ``dies`` names, if any."""
    town, stop = Town(Path(folder), port), _begin(Path(folder) / "ingest.log")
    store, journal = agency_store.opened(town), Journal()
    journal.keep_in(_Tally(tally_path(town)))
    try:
        worker: Any = town.worker(store, journal)
        for part in ("opener", "store", "witness", "mailbox"):
            setattr(worker, f"_{part}", dying(getattr(worker, f"_{part}"), part, dies))
        worker.run(stop)
    finally:
        store.close()


def tally_path(town: Town) -> Path:
    """Where the agency end's counters are noted, one line a count: ``<name> <by> <reason>``."""
    return town.folder / "ingest.counts"


class _Tally:
    """See :class:`edge.journal.Book`.  Outlives the process that is killed."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def add(self, name: str, reason: str, by: int) -> None:
        os.write(self._file, f"{name} {by} {reason}\n".encode())

    def settle(self) -> None:
        pass


def _begin(log: Path) -> threading.Event:
    """Send what is said to ``log``; the event is set by SIGTERM."""
    handle = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)
    stop = stop_on_signals()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(), os.getppid()), daemon=True).start()
    return stop


def _end_with(parent: BaseProcess | None, parent_pid: int) -> None:
    """Nobody is to go on for ever because the bench itself was killed."""
    if parent is not None:
        parent.join()
    while parent is None and os.getppid() == parent_pid:
        time.sleep(1.0)
    os._exit(1)


def main(role: str, folder: str, port: str, *rest: str) -> None:
    if role == "ingest":
        ingest(folder, int(port))
    else:
        device, lanes, count, pause_s, burst = (*rest, "0")[:5]
        assert lanes in ("both", "capture", "drain")
        unit(folder, int(port), device, lanes, int(count), float(pause_s), burst=int(burst))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:])
