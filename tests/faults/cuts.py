"""Power cuts: a run is recorded once under ``shadow.c``, then the disk is cut at hundreds of its moments and looked into."""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from edge.envelope.keyring import load_public_key
from edge.envelope.open import verify
from edge.outbox import inspect
from edge.store.sqlite import SqliteStore
from tests.delivery.processes import ROOT
from tests.delivery.town import Town
from tests.faults import oracle, shadow
from tests.faults.disk_log import Disk, Kind, steps
from tests.faults.ledger import Truth
from tests.faults.recorder import DEVICE, NEIGHBOUR, open_outbox
from tests.faults.rows import Bench, Row

# Of what the disk was asked since the last sync, after a cut: nothing, a part, all.
_KINDS: tuple[Kind, ...] = ("synced", "synced", "some", "some", "some", "killed")
_PUTS_A_RUN = 250


class Cut(Struct, frozen=True):
    """What was found after one cut: rows whose commit had returned and that are gone, other things that are wrong."""

    kind: Kind
    lost: int
    wrong: int


def at_the_unit(bench: Bench) -> Row:
    """The outbox: every read whose put had returned and whose pruning had not begun is there, whole and in its chain."""
    return _run(bench, "outbox", bench.scale.cuts, must_lose=False)


def at_the_agency(bench: Bench) -> Row:
    """The store: every read whose add had returned, and which a receipt may therefore have named, is there."""
    return _run(bench, "store", max(30, bench.scale.cuts // 3), must_lose=False)


def control_not_synchronous(bench: Bench) -> Row:
    """The same bench on an outbox with PRAGMA synchronous=NORMAL must find loss; if not, it is blind."""
    return _run(bench, "careless", max(20, bench.scale.cuts // 15), must_lose=True)


def _run(bench: Bench, what: str, cuts: int, *, must_lose: bool) -> Row:
    if reason := shadow.missing():
        return bench.answer("SKIPPED", reason)
    found: list[Cut] = []
    promised = 0
    while len(found) < cuts:
        folder = bench.folder / f"run-{len(found)}"
        recorded = _record(bench, folder, what, min(_PUTS_A_RUN, 2 * cuts))
        promised += recorded.promised
        wanted = min(cuts - len(found), 2 * _PUTS_A_RUN)
        found += _look(bench, Town(folder / "town"), recorded, what, wanted)
        shutil.rmtree(folder)
    lost, wrong = sum(cut.lost for cut in found), sum(cut.wrong for cut in found)
    numbers = {
        "cuts": len(found),
        "of_them_torn_or_in_part": sum(cut.kind == "some" for cut in found),
        "commits_recorded": promised,
        "cuts_with_loss": sum(cut.lost > 0 for cut in found),
        "committed_rows_lost": lost,
        "damaged_or_wrong": wrong,
    }
    if must_lose:
        return bench.row(lost > 0, "must lose, or the bench is blind", **numbers)
    return bench.row(lost == 0 and wrong == 0, **numbers)


class _Recorded(NamedTuple):
    """A run: its log, the watched folder, what was in it before, and how many commits returned."""

    log: Path
    root: Path
    given: frozenset[Path]
    promised: int


def _record(bench: Bench, folder: Path, what: str, puts: int) -> _Recorded:
    """Run the recorder.  Raises AssertionError if the log is not all that happened."""
    town = Town(folder / "town")
    town.make(DEVICE)
    town.make_neighbour(NEIGHBOUR, DEVICE)
    root = town.agency if what == "store" else town.device(DEVICE)
    log = folder / "disk.log"
    given = frozenset(root.rglob("*"))
    arguments = (what, str(town.folder), str(bench.chance.random()), str(puts))
    subprocess.run(
        [sys.executable, "-m", "tests.faults.recorder", *arguments],
        cwd=ROOT,
        env=shadow.environment(shadow.compiled(bench.folder), root, log=log),
        check=True,
        timeout=280,
    )
    disk = Disk()
    for step in steps(log):
        disk.take(step)
    noted = {name: data for name, data in disk.after_cut("killed", bench.chance).items() if not name.endswith("-shm")}
    files = [path for path in set(root.rglob("*")) - given if path.is_file() and not path.name.endswith("-shm")]
    assert noted == {str(path): path.read_bytes() for path in files}, "the log misses writes"
    return _Recorded(log, root, given, len(Truth.of(root / "ledger").committed))


def _look(bench: Bench, town: Town, recorded: _Recorded, what: str, wanted: int) -> Iterator[Cut]:
    """Cut at ``wanted`` moments of the log and look into what is left each time, where the files lay."""
    total = sum(1 for _ in steps(recorded.log))
    moments = set(bench.chance.sample(range(1, total + 1), min(wanted, total)))
    disk, truth = Disk(), Truth()
    for at, step in enumerate(steps(recorded.log), 1):
        disk.take(step)
        if step.kind == "W" and step.name.endswith("/ledger"):
            truth.take(step.data.decode())
        if at in moments:
            kind = bench.chance.choice(_KINDS)
            lay_out(disk, kind, recorded.root, recorded.given, bench.chance)
            if what == "store":
                yield _look_into_store(town, truth, kind)
            else:
                yield look_into_outbox(town.outbox_path(DEVICE), town, truth, kind)


def lay_out(disk: Disk, kind: Kind, root: Path, given: Collection[Path], chance: random.Random) -> None:
    """Put the files of after the cut where they were before, beside the ``given`` ones that were there all the time.  What was
    in shared memory is anything."""
    for path in sorted(set(root.rglob("*")) - set(given), reverse=True):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
    for name, content in disk.after_cut(kind, chance).items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(chance.randbytes(len(content)) if name.endswith("-shm") else content)


def look_into_outbox(path: Path, town: Town, truth: Truth, kind: Kind) -> Cut:
    """Open the outbox at ``path`` and compare it with what it promised."""
    signer = load_public_key(town.device(DEVICE) / "sign.pem")
    must = {number: kept.sha256 for number, kept in truth.committed.items() if number not in truth.pruned}
    with closing(open_outbox(path)) as outbox:
        there = {(e.slot.epoch, e.slot.seq): hashlib.sha256(e.wire).hexdigest() for e in outbox.waiting(0, 1 << 20)}
        slot, backlog = outbox.next_slot(), outbox.backlog()
        # The unit goes on at once, with the next number after everything that it ever promised.
        after_all = all(slot.seq > seq for epoch, seq in truth.committed if epoch == slot.epoch)
        report = inspect.verify(path, lambda wire: _signed(wire, signer))
    lost = sum(there.get(number) != sha256 for number, sha256 in must.items())
    made_up = sum(all(sha256 != kept.sha256 for kept in truth.tried.get(number, ())) for number, sha256 in there.items())
    wrong = made_up + len(report.findings) + (outbox.damaged is not None) + (backlog.waiting != len(there))
    return Cut(kind, lost, wrong + (not after_all and bool(truth.committed)))


def _signed(wire: bytes, signer: ec.EllipticCurvePublicKey) -> None:
    verify(DEVICE, wire, [signer])


def _look_into_store(town: Town, truth: Truth, kind: Kind) -> Cut:
    with closing(SqliteStore(town.store_path)) as store:
        readable = {(read.epoch, read.seq) for read in store.reads()}
        named = {("e", seq) for first, last in store.received(DEVICE, "e") for seq in range(first, last + 1)}
    sound = True
    for file in oracle.databases(town.store_path):
        with closing(sqlite3.connect(file)) as db:
            sound &= db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    # Bytes without a read may be left by a batch that was cut off; a read without its bytes may not.
    kept = {(epoch, seq): hashlib.sha256(wire).hexdigest() for (_, epoch, seq), wire in oracle.wires(town.store_path).items()}
    there = {number: kept.get(number, "") for number in readable}
    lost = sum(there.get(number) != promised.sha256 for number, promised in truth.committed.items())
    made_up = sum(all(sha256 != each.sha256 for each in truth.tried.get(number, ())) for number, sha256 in there.items())
    return Cut(kind, lost, (not sound) + (named != readable) + made_up)
