"""The wall clock jumps under a running unit and agency end, TLS and certificates and all; clocks that count from the start of
the machine do not."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, timezone

from edge.outbox import inspect
from edge.outbox.sqlite import SqliteOutbox
from tests.clocks import HandClock
from tests.delivery.town import Town
from tests.faults import shadow
from tests.faults.rows import Bench, Row
from tests.faults.scene import Scene, drained, wait_for
from tests.labeled import release

_DEVICE = "pole-7"
_HOUR_S = 3600.0
_TEN_YEARS_S = 10 * 365.25 * 24 * _HOUR_S
# Longer than the pause after which lane 2 looks for what has expired.
_EXPIRY_S = 6.0


def jumps(bench: Bench) -> Row:
    """To 1970, ten years on, an hour back and right again, while reads are kept and sent; after each jump the broker starts
    anew, so that certificates are judged by that clock.  All reads arrive, none expires."""
    if reason := shadow.missing():
        return bench.answer("SKIPPED", reason)
    if sys.version_info < (3, 11):
        return bench.answer("SKIPPED", "this Python times its locks by the wall clock, which cannot be moved under it alone")
    to_1970_s = -datetime.now(timezone.utc).timestamp() + 60
    steps = (to_1970_s, 0.0, _TEN_YEARS_S, -_HOUR_S, 0.0)
    control = shadow.Control(bench.folder / "control")
    library = shadow.compiled(bench.folder)
    with Scene(bench.folder / "town", _DEVICE) as scene:
        environment = shadow.environment(library, scene.town.device(_DEVICE), control=control)
        agency = scene.spawn(environment, "ingest")
        unit = scene.spawn(environment, "unit", _DEVICE, "both", 0, 0.02)
        wait_for(lambda: scene.witness.receipts > 0, "a first receipt")
        for step in steps:
            control.move_clock(step)
            scene.broker.kill(wipe=True)
            scene.broker.start()
            before = scene.committed()
            time.sleep(bench.scale.clock_step_s)
            wait_for(lambda: scene.committed() > before + 10, "reads are kept under a clock that jumped")  # noqa: B023
        time.sleep(_EXPIRY_S)
        still_up = unit.running() and agency.running()
        codes = unit.end() + agency.end()
        agency = scene.ingest()
        drained(scene)
        agency.end()
        expired = inspect.status(scene.town.outbox_path(_DEVICE)).expired
        account = scene.account()
        return bench.row(
            account.right and expired == 0 and still_up and codes == 0,
            jumps=len(steps),
            **account.numbers(),
            expired=expired,
        )


def set_right_too_late(bench: Bench) -> Row:
    """Reads that were stamped in 1970 by a clock that nobody had set, then the clock is set: before the put of some, before the
    restart of the machine for others.  Their labels count from 1970, so the outbox takes their time to be over."""
    town, reads, born = Town(bench.folder / "town"), 10, datetime(1970, 1, 1, 0, 5, tzinfo=timezone.utc)
    town.make(_DEVICE)
    sealer, clock = town.sealer(_DEVICE), HandClock(born, source="unset")
    outbox = SqliteOutbox(town.outbox_path(_DEVICE), clock=clock, budget_bytes=1 << 20, reserve_bytes=1 << 16)

    def put(n: int) -> None:
        outbox.put(sealer.seal(release(f"r-{n}", device=_DEVICE, at=born), outbox.next_slot()))

    for n in range(reads):
        put(n)
    clock.utc, clock.source = datetime.now(timezone.utc), "ntp"
    running = outbox.expire()
    for n in range(reads, 2 * reads):
        put(n)
    clock.wait(timedelta(seconds=1))
    between = outbox.expire()
    outbox.close()
    clock.reboot()
    outbox = SqliteOutbox(town.outbox_path(_DEVICE), clock=clock, budget_bytes=1 << 20, reserve_bytes=1 << 16)
    restarted = outbox.expire()
    outbox.close()
    return bench.answer(
        "FAIL" if running else "GAP" if between or restarted else "PASS",
        "counted and said aloud, but gone" if between or restarted else "",
        committed=2 * reads,
        expired_in_the_same_run=running,
        expired_as_set_between_capture_and_put=between,
        expired_as_set_before_a_restart=restarted,
    )
