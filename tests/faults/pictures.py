"""Pictures under power cuts and kills: what a put returned for is there, file and row, until a receipt was about to be obeyed.

As a program it is what runs under ``shadow.c``: ``python -m tests.faults.pictures WHAT FOLDER SEED COUNT``.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import datetime, timezone
from pathlib import Path
from statistics import median, quantiles
from typing import Literal

import msgspec
from msgspec import Struct

from edge.clock import Clock
from edge.journal import Journal
from edge.outbox import inspect
from edge.outbox.picture_files import PictureFiles
from edge.outbox.sqlite import SqliteOutbox
from edge.records import Picture
from edge.store.sqlite import SqliteStore
from tests.delivery.processes import ROOT
from tests.delivery.town import Town
from tests.faults import roles, shadow, slow_link
from tests.faults.backlog import HIT_EVERY_S, Arrivals
from tests.faults.cuts import lay_out
from tests.faults.disk_log import Disk, Kind, steps
from tests.faults.ledger import Ledger
from tests.faults.rows import Bench, Row
from tests.faults.scene import Life, Scene, drained, wait_for
from tests.labeled import jpeg, release

DEVICE = "pole-7"
_KINDS: tuple[Kind, ...] = ("synced", "synced", "some", "some", "some", "killed")
_PUTS = 120
# The last hits have time to get through before the unit ends.
LAST_HIT_S = 5.0
_UNIT_LIFE_S, _AGENCY_LIFE_S, _PAUSE_S = (0.1, 2.5), (0.2, 3.0), 0.02


class _Cut(Struct, frozen=True):
    """What was found after one cut: pictures that should be there and are not, other things that are wrong."""

    lost: int
    wrong: int


def cut_at_the_unit(bench: Bench) -> Row:
    """Every picture whose read's put had returned and that no receipt was about to take is there as it was written; no row is
    without its file, no file is left without a row, and the account adds up."""
    return _cuts(bench, "careful", max(30, bench.scale.cuts // 5), must_lose=False)


def control_not_synced(bench: Bench) -> Row:
    """The same bench on files that are not synced before a row names them must find loss; if not, it is blind."""
    return _cuts(bench, "careless", max(20, bench.scale.cuts // 30), must_lose=True)


def killed_at_random(bench: Bench) -> Row:
    """Unit and agency end are killed and started again while reads with two pictures each flow; then all is let run out: each
    stored once, and made = stored."""
    kills = 0
    with Scene(bench.folder / "town", DEVICE) as scene:
        lives = {"unit": _unit(scene), "agency": scene.ingest()}
        ends = {"unit": time.monotonic() + 1.0, "agency": time.monotonic() + 1.5}
        while kills < max(12, bench.scale.kills // 20):
            victim = min(ends, key=lambda name: ends[name])
            time.sleep(max(0.0, ends[victim] - time.monotonic()))
            kills += lives[victim].kill()
            lives[victim] = _unit(scene) if victim == "unit" else scene.ingest()
            lifetime = _UNIT_LIFE_S if victim == "unit" else _AGENCY_LIFE_S
            ends[victim] = time.monotonic() + bench.chance.uniform(*lifetime)
        for life in lives.values():
            life.kill()
        agency = scene.ingest()
        drained(scene)
        lane_2 = scene.unit(DEVICE, "drain")
        until_s = time.monotonic() + 240
        while (has := inspect.status(scene.town.outbox_path(DEVICE)).pictures).waiting and time.monotonic() < until_s:
            time.sleep(0.2)
        lane_2.end()
        agency.end()
        account = scene.account()
        with closing(SqliteStore(scene.town.store_path)) as store:
            named = [(read, ref) for read in store.reads() for ref in read.labeled.pictures]
            there = sum(store.has_picture(read, ref.kind) for read, ref in named)
        good = account.right and has.waiting == has.dropped == has.expired == has.unwanted == 0 and has.made == has.stored
        return bench.row(
            good and there == len(named) == has.made > 0,
            kills=kills,
            **account.numbers(),
            pictures_made=has.made,
            told_as_stored=has.stored,
            in_the_store=there,
        )


def hits_first(bench: Bench) -> Row:
    """Over 64 kbit/s, with frames of 60 kB on their way, fresh hits are stored within 2 s of their commit."""
    if reason := slow_link.missing():
        return bench.answer("SKIPPED", reason)
    for_s = max(20.0, bench.scale.overtaken_s)
    with ExitStack() as stack:
        scene = stack.enter_context(Scene(bench.folder / "town", DEVICE, also=[slow_link.HERE]))
        cable = stack.enter_context(slow_link.Cable(64_000))
        frames = int(for_s / 5)  # each takes seven seconds of such a line
        with closing(scene.town.outbox(DEVICE)) as outbox:
            for number in range(frames):
                _put(scene.town, outbox, f"r-{number}", jpeg(f"{number}", "frame", 60_000))
        agency = scene.ingest()
        wait_for(scene.agency_connected, "the agency end's session")
        arrivals = stack.enter_context(closing(Arrivals(scene.town, DEVICE, above=frames)))
        words = [
            sys.executable,
            "-m",
            "tests.faults.pictures",
            "hits",
            str(scene.town.folder),
            str(scene.town.port),
            str(for_s),
        ]
        with (scene.town.folder / "unit.log").open("ab") as log:
            done = subprocess.run(cable.command(words), cwd=ROOT, stdout=subprocess.PIPE, stderr=log, check=True, timeout=600)
        told: list[tuple[int, float]] = json.loads(done.stdout.splitlines()[-1])
        has = inspect.status(scene.town.outbox_path(DEVICE)).pictures
        agency.end()
        waits_s = [arrivals.at_s.get(seq, math.inf) - put_s for seq, put_s in told]
        p95_s = quantiles(waits_s, n=20)[18]
        return bench.row(
            p95_s <= 2.0 and has.stored > 0 and has.waiting > 0,
            hits=len(waits_s),
            hit_median_s=median(waits_s),
            hit_p95_s=p95_s,
            hit_longest_s=max(waits_s),
            frames_stored_meanwhile=has.stored,
            frames_waiting=has.waiting,
        )


def _send_hits(folder: str, port: str, for_s: str) -> None:
    """The unit: lane 2, and a fresh hit now and then; says of each its number and when its put returned."""
    town, stop, told = (
        Town(Path(folder), int(port), host=slow_link.HERE, patient=True),
        threading.Event(),
        list[tuple[int, float]](),
    )
    outbox = town.outbox(DEVICE)
    lane_2 = threading.Thread(target=town.drain(DEVICE, outbox, Journal(), resend_after_s=20.0).run, args=(stop,))
    lane_2.start()
    until_s = time.monotonic() + float(for_s)
    while time.monotonic() < until_s - LAST_HIT_S:
        time.sleep(HIT_EVERY_S)
        told.append((_put(town, outbox, f"hit-{len(told)}", hit=True), time.monotonic()))
    time.sleep(max(0.0, until_s - time.monotonic()))
    stop.set()
    lane_2.join()
    outbox.close()
    print(json.dumps(told), flush=True)


def _put(town: Town, outbox: SqliteOutbox, name: str, *pictures: Picture, hit: bool = False) -> int:
    slot, at = outbox.next_slot(), datetime.now(timezone.utc)
    envelope = town.sealer(DEVICE).seal(release(name, device=DEVICE, at=at, pictures=pictures), slot)
    outbox.put(msgspec.structs.replace(envelope, hit=hit))
    return slot.seq


def _unit(scene: Scene) -> Life:
    return scene._fork(unit, str(scene.town.folder), scene.town.port)


def unit(folder: str, port: int) -> None:
    """Both lanes of a unit that keeps reads with two pictures each, until it is killed."""
    town, stop = Town(Path(folder), port), roles._begin(Path(folder) / f"{DEVICE}.log")
    outbox = town.outbox(DEVICE)
    lane_2 = threading.Thread(target=town.drain(DEVICE, outbox, Journal()).run, args=(stop,))
    lane_2.start()
    sealer, ledger = town.sealer(DEVICE), Ledger(roles.ledger_path(town, DEVICE))
    while not stop.is_set():
        name = f"r-{uuid.uuid4().hex[:12]}"
        pictures = (jpeg(name), jpeg(name, "frame", 20_000))
        made = release(name, "TEST123", device=DEVICE, at=datetime.now(timezone.utc), pictures=pictures)
        envelope = sealer.seal(made, outbox.next_slot())
        ledger.trying(envelope)
        outbox.put(envelope)
        ledger.committed(envelope)
        time.sleep(random.uniform(0, 2 * _PAUSE_S))
    lane_2.join()
    outbox.close()


def _cuts(bench: Bench, what: Literal["careful", "careless"], cuts: int, *, must_lose: bool) -> Row:
    if reason := shadow.missing():
        return bench.answer("SKIPPED", reason)
    town = Town(bench.folder / "town")
    town.make(DEVICE)
    root, log = town.device(DEVICE), bench.folder / "disk.log"
    given = frozenset(root.rglob("*"))
    arguments = (what, str(town.folder), str(bench.chance.random()), str(_PUTS))
    subprocess.run(
        [sys.executable, "-m", "tests.faults.pictures", *arguments],
        cwd=ROOT,
        env=shadow.environment(shadow.compiled(bench.folder), root, log=log),
        check=True,
        timeout=280,
    )
    found = list(_look(bench, town, log, given, cuts))
    lost, wrong = sum(cut.lost for cut in found), sum(cut.wrong for cut in found)
    numbers = {"cuts": len(found), "cuts_with_loss": sum(cut.lost > 0 for cut in found), "pictures_lost": lost, "wrong": wrong}
    if must_lose:
        return bench.row(lost > 0, "must lose, or the bench is blind", **numbers)
    return bench.row(lost == wrong == 0 and len(found) > 0, **numbers)


def _look(bench: Bench, town: Town, log: Path, given: frozenset[Path], cuts: int) -> Iterator[_Cut]:
    """Cut at so many moments of the log, and look each time."""
    root, total = town.device(DEVICE), sum(1 for _ in steps(log))
    moments = set(bench.chance.sample(range(1, total + 1), min(cuts, total)))
    disk, kept, going = Disk(), set[str](), set[str]()
    for at, step in enumerate(steps(log), 1):
        disk.take(step)
        if step.kind == "W" and step.name.endswith("/diary"):
            word, *names = step.data.decode().split()
            (kept if word == "kept" else going).update(names)
        if at in moments:
            lay_out(disk, bench.chance.choice(_KINDS), root, given, bench.chance)
            yield _look_into(town, kept - going)


def _look_into(town: Town, must: set[str]) -> _Cut:
    with closing(_opened(town)) as outbox:
        assert outbox._db is not None
        rows = {sha256.hex() for (sha256,) in outbox._db.execute("SELECT sha256 FROM pictures")}
        has = outbox.pictures.account()
    folder = town.outbox_path(DEVICE).with_name("outbox.sqlite.pictures")
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()} if folder.exists() else {}
    good = {name for name, sha256 in files.items() if name == sha256}
    adds_up = has.made == has.waiting + has.stored and has.waiting == len(rows)
    return _Cut(lost=len(must - (rows & good)), wrong=len(rows - good) + len(files.keys() - rows) + (not adds_up))


def _opened(town: Town) -> SqliteOutbox:
    return SqliteOutbox(
        town.outbox_path(DEVICE), clock=Clock(), budget_bytes=4 << 20, reserve_bytes=1 << 16, pictures_bytes=2 << 20
    )


class _CarelessFiles(PictureFiles):
    """What trusts the medium to have what was written: the bench must find that it loses pictures."""

    def _write(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)

    def _sync(self) -> None:
        pass


def _record(what: str, folder: str, seed: str, count: int) -> None:
    """Put, prune, obey receipts for pictures and open anew; end without closing anything."""
    town, chance, kept = Town(Path(folder)), random.Random(seed), 0
    sealer, outbox = town.sealer(DEVICE), _opened(town)
    diary = os.open(town.device(DEVICE) / "diary", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    while kept < count:
        if what == "careless":
            outbox.pictures._files = _CarelessFiles(outbox.pictures._files._folder)
        throw, slot, due = chance.random(), outbox.next_slot(), outbox.pictures.due(100)
        if throw < 0.05:
            outbox.close()
            outbox = _opened(town)
        elif throw < 0.2:
            outbox.prune(slot.epoch, [(1, slot.seq)])
        elif due and (throw < 0.35 or len(due) > 60):
            names = [each.sha256 for each in chance.sample(due, min(len(due), chance.randint(1, 20)))]
            os.write(diary, f"going {' '.join(name.hex() for name in names)}\n".encode())
            outbox.pictures.settle(names, [])
        else:
            pictures = [jpeg(f"{kept}", kind, chance.randint(500, 9000)) for kind in _kinds(chance)]
            envelope = sealer.seal(release(f"r-{kept}", device=DEVICE, at=datetime.now(timezone.utc), pictures=pictures), slot)
            outbox.put(envelope)
            os.write(diary, f"kept {' '.join(each.sha256.hex() for each in envelope.pictures)}\n".encode())
            kept += 1
    os._exit(0)


def _kinds(chance: random.Random) -> tuple[Literal["crop", "frame"], ...]:
    return chance.choice(((), ("crop",), ("crop", "frame")))


if __name__ == "__main__":
    if sys.argv[1] == "hits":
        _send_hits(*sys.argv[2:])
    else:
        _record(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
