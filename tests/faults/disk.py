"""A disk that is full or fails: no committed read is lost, nothing is claimed that is not there, and it goes on by itself."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from tests.delivery.processes import ROOT
from tests.delivery.town import Town
from tests.faults import shadow
from tests.faults.cuts import lay_out, look_into_outbox
from tests.faults.disk_log import Disk, steps
from tests.faults.failing import ledger_path, outbox_path
from tests.faults.ledger import Truth
from tests.faults.recorder import DEVICE, NEIGHBOUR
from tests.faults.rows import Bench, Row
from tests.faults.scene import Scene, drained, wait_for

_TMPFS_BYTES = 12 << 20


def full_at_any_write(bench: Bench) -> Row:
    """ENOSPC at one write of the outbox or from it on, half of the bytes written: refused in words, kept later."""
    return _failing(bench, "write")


def sync_fails(bench: Bench) -> Row:
    """EIO from fsync, after which Linux forgets what should have been written: refused in words, never claimed."""
    return _failing(bench, "sync")


def _failing(bench: Bench, what: Literal["write", "sync"]) -> Row:
    if reason := shadow.missing():
        return bench.answer("SKIPPED", reason)
    town, count, log = Town(bench.folder / "town"), bench.scale.failing_calls, bench.folder / "disk.log"
    town.make(DEVICE)
    town.make_neighbour(NEIGHBOUR, DEVICE)
    given = frozenset(town.device(DEVICE).rglob("*"))
    control = shadow.Control(bench.folder / "control")
    arguments = (str(town.folder), what, str(bench.chance.random()), str(count), str(control.path))
    library = shadow.compiled(bench.folder)
    fell = subprocess.run(
        [sys.executable, "-m", "tests.faults.failing", *arguments],
        cwd=ROOT,
        env=shadow.environment(library, town.device(DEVICE), log=log, control=control),
        timeout=600,
        check=False,
    ).returncode
    truths = [Truth.of(ledger_path(town, n)) for n in range(count)]
    disk = Disk()
    for step in steps(log):
        disk.take(step)
    # As the process left it, and as a power cut right then would leave it.
    found = [look_into_outbox(outbox_path(town, n), town, truth, "killed") for n, truth in enumerate(truths)]
    lay_out(disk, "some", town.device(DEVICE), given, bench.chance)
    found += [look_into_outbox(outbox_path(town, n), town, truth, "some") for n, truth in enumerate(truths)]
    lost, wrong = sum(cut.lost for cut in found), sum(cut.wrong for cut in found)
    refused = sum(truth.refused for truth in truths)
    return bench.row(
        lost == 0 and wrong == 0 and fell == 0 and refused > 0,
        outboxes=count,
        puts_refused=refused,
        met_by=sum(truth.refused > 0 for truth in truths),
        committed=sum(len(truth.committed) for truth in truths),
        lost=lost,
        damaged_or_wrong=wrong,
        processes_that_fell=fell,
    )


def filled_by_another(bench: Bench) -> Row:
    """Another process fills the outbox's own small disk to the last byte while reads flow; then it is emptied again."""
    with Scene(bench.folder / "town", "pole-7") as scene, contextlib.ExitStack() as stack:
        data = scene.town.outbox_path("pole-7").parent
        data.mkdir()
        if not stack.enter_context(small_disk(data, _TMPFS_BYTES)):
            return bench.answer("SKIPPED", "mounting a small disk wants root; `disk full at any write` needs none")
        agency = scene.ingest()
        unit = scene.unit("pole-7", pause_s=0.005)
        stack.callback(unit.kill)
        rounds, meanwhile = 2, 0
        for _ in range(rounds):
            before = scene.committed()
            wait_for(lambda: scene.committed() > before + 20, "reads are kept")  # noqa: B023
            refused = scene.refused()
            filled = fill(data / "filler")
            wait_for(lambda: scene.refused() > refused, "puts are refused")  # noqa: B023
            time.sleep(bench.scale.full_disk_s)
            meanwhile += scene.refused() - refused
            filled.unlink()
        before = scene.committed()
        wait_for(lambda: scene.committed() > before + 20, "reads are kept again")
        same_process = unit.running()
        code = unit.end()
        drained(scene)
        agency.end()
        account = scene.account()
        return bench.row(
            account.right and same_process and code == 0,
            times_full=rounds,
            puts_refused=meanwhile,
            restarts=0,
            **account.numbers(),
        )


def fill(path: Path) -> Path:
    """Write until not one byte more fits."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 16, 512, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass
    return path


@contextlib.contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[bool]:
    """A small disk of its own at ``folder``, if this account may mount one."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=700", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
