"""A unit that was away for days comes back: how fast its backlog is gone, what it costs on the wire, and that a fresh hit does
not wait behind it."""

from __future__ import annotations

import hashlib
import math
import os
import random
import resource
import subprocess
import sys
import threading
import time
import uuid
from contextlib import ExitStack, closing
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from statistics import median, quantiles

import msgspec
from msgspec import Struct

from edge.envelope.seal import HpkeSealer
from edge.journal import Journal
from edge.labeler.scope import label
from edge.outbox.sqlite import SqliteOutbox
from edge.policy.case import CaseEntry, Situation
from edge.policy.load import load_pack
from edge.policy.pack import Pack
from edge.policy.staging import Staged, stage
from edge.records import Character, Envelope, Option, Release
from edge.store.sqlite import SqliteStore
from tests.delivery.processes import ROOT
from tests.delivery.town import Town
from tests.faults import slow_link
from tests.faults.rows import Bench, Row
from tests.faults.scene import Scene, wait_for
from tests.labeled import AGENCY

_DEVICE = "pole-7"
_BUDGET_BYTES = 256 << 20
HIT_EVERY_S = 1.7
# The last hits have time to get through before the link is widened.
_LAST_HIT_S = 5.0
_LETTERS, _DIGITS = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"


class Drained(Struct, frozen=True, kw_only=True):
    """What a unit says at its end.  ``took_s``: from the start of lane 2, with an empty outbox at its end; ``cpu_s`` is its
    processor time meanwhile; ``hits``: the number of each fresh hit and when its put returned (CLOCK_MONOTONIC)."""

    took_s: float
    cpu_s: float
    peak_mb: float
    growth_mb: float
    sent: int
    hits: list[tuple[int, float]]


def unthrottled(bench: Bench) -> Row:
    """As fast as unit, broker, TLS, agency end and SQLite store go on this one machine."""
    return _drain(bench, None, within_s=60.0)


def thin(bench: Bench) -> Row:
    """Over 1 Mbit/s."""
    return _drain(bench, 1_000_000, within_s=420.0)


def _drain(bench: Bench, bits_per_s: int | None, *, within_s: float) -> Row:
    if reason := slow_link.missing():
        return bench.answer("SKIPPED", reason)
    reads = bench.scale.backlog
    with ExitStack() as stack:
        scene = stack.enter_context(Scene(bench.folder / "town", _DEVICE, also=[slow_link.HERE]))
        cable = stack.enter_context(slow_link.Cable(bits_per_s))
        fill(scene.town, _DEVICE, reads)
        agency = scene.ingest()
        wait_for(scene.agency_connected, "the agency end's session")
        before = cpu_s(agency.pid), cpu_s(scene.broker.pid)
        drained = drain(scene, cable, 0.0)
        after = cpu_s(agency.pid), cpu_s(scene.broker.pid)
        up, down = cable.carried
        stored = scene.stored_of(_DEVICE)
        codes = agency.end()
        return bench.row(
            stored == reads and drained.took_s <= within_s * reads / 60_000 + 5 and up / reads <= 850 and codes == 0,
            reads=reads,
            stored=stored,
            seconds=drained.took_s,
            reads_per_s=reads / drained.took_s,
            bytes_up_per_read=up / reads,
            bytes_down_per_read=down / reads,
            unit_cpu_us_per_read=drained.cpu_s / reads * 1e6,
            broker_cpu_us_per_read=(after[1] - before[1]) / reads * 1e6,
            agency_cpu_us_per_read=(after[0] - before[0]) / reads * 1e6,
            unit_peak_mb=drained.peak_mb,
        )


def hits_first(bench: Bench) -> Row:
    """Over 64 kbit/s, with a backlog of hours before them, fresh hits are stored within 2 s of their commit; nobody is alarmed
    by what overtakes, neither meanwhile nor when the rest has come."""
    if reason := slow_link.missing():
        return bench.answer("SKIPPED", reason)
    with ExitStack() as stack:
        scene = stack.enter_context(Scene(bench.folder / "town", _DEVICE, also=[slow_link.HERE]))
        cable = stack.enter_context(slow_link.Cable(64_000))
        reads = int(bench.scale.overtaken_s * 12)
        fill(scene.town, _DEVICE, reads)
        agency = scene.ingest()
        wait_for(scene.agency_connected, "the agency end's session")
        arrivals = stack.enter_context(closing(Arrivals(scene.town, _DEVICE, above=reads)))
        drained = drain(scene, cable, HIT_EVERY_S, for_s=bench.scale.overtaken_s)
        meanwhile = arrivals.stored
        cable.widen()
        drain(scene, cable, 0.0)
        waits_s = [arrivals.at_s[seq] - put_s for seq, put_s in drained.hits]
        codes, alarms = agency.end(), scene.counted("alarms")
        stored, kept = scene.stored_of(_DEVICE), reads + len(drained.hits)
        p95_s = quantiles(waits_s, n=20)[18]
        return bench.row(
            p95_s <= 2.0 and meanwhile < kept and stored == kept and alarms == 0 and codes == 0,
            hits=len(waits_s),
            hit_median_s=median(waits_s),
            hit_p95_s=p95_s,
            hit_longest_s=max(waits_s),
            stored_meanwhile=meanwhile,
            reads=kept,
            stored=stored,
            false_alarms=alarms,
        )


class Arrivals:
    """Watches the store: when each number of a device above ``above`` was first there (CLOCK_MONOTONIC, within 20 ms)."""

    def __init__(self, town: Town, device: str, above: int) -> None:
        self.at_s: dict[int, float] = {}
        self.stored = 0
        with closing(open_outbox(town, device)) as outbox:
            self._epoch = outbox.next_slot().epoch
        self._town, self._device, self._above, self._stop = town, device, above, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        with closing(SqliteStore(self._town.store_path)) as store:
            while not self._stop.wait(0.02):
                found, now_s = store.received(self._device, self._epoch), time.monotonic()
                self.stored = sum(last - first + 1 for first, last in found)
                for first, last in found:
                    for seq in range(max(first, self._above + 1), last + 1):
                        self.at_s.setdefault(seq, now_s)


def drain(scene: Scene, cable: slow_link.Cable, hits_every_s: float, for_s: float = 0.0) -> Drained:
    words = [str(scene.town.folder), str(scene.town.port), _DEVICE, str(hits_every_s), str(for_s)]
    command = cable.command([sys.executable, "-m", "tests.faults.backlog", *words])
    with (scene.town.folder / "unit.log").open("ab") as log:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, check=True, timeout=7200)
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Drained)


def fill(town: Town, device: str, reads: int) -> None:
    """Let a unit have kept so many reads, all of them different, over the last 72 hours."""
    outbox, sealer, chance = open_outbox(town, device), town.sealer(device), random.Random(device)
    begin = datetime.now(timezone.utc) - timedelta(hours=72)
    slot, batch = outbox.next_slot(), list[Envelope]()
    for number in range(reads):
        made = sealer.seal(passing(device, begin + timedelta(hours=72) * number / reads, chance), slot)
        batch.append(made)
        slot = made.following
        if len(batch) == 100 or number == reads - 1:
            outbox.put_all(batch)
            batch.clear()
    outbox.close()


def open_outbox(town: Town, device: str) -> SqliteOutbox:
    """That of a unit with room for a week."""
    return town.outbox(device, budget_bytes=_BUDGET_BYTES)


def passing(device: str, at: datetime, chance: random.Random, *, hit: bool = False) -> Release:
    """A read as a unit in Connecticut makes it, labelled under the shipped pack: its plate, picture, moment and doubt are its
    own."""
    staged, replace = _staged(hit), msgspec.structs.replace
    text = "".join(chance.choices(_LETTERS, k=2) + chance.choices(_DIGITS, k=5))
    x, y, w, h = chance.uniform(0, 1000), chance.uniform(300, 650), chance.uniform(80, 220), chance.uniform(30, 110)
    boot_ns = chance.randrange(10**13, 10**14)
    doubtful, other = chance.randrange(7), Option(character="I", probability=chance.uniform(0.001, 0.1))
    first = replace(staged.read.first, utc=at, boottime_ns=boot_ns, boot_id=str(uuid.UUID(int=chance.getrandbits(128))))
    best = staged.read.best
    read = replace(
        staged.read,
        id=f"{chance.getrandbits(128):032x}",
        camera="north",
        text=text,
        raw_texts=(text,),
        confidence=chance.uniform(0.9, 1),
        characters=tuple(
            Character(character=each, confidence=1 - other.probability, alternatives=(other,))
            if place == doubtful
            else Character(character=each, confidence=chance.uniform(0.9999, 1))
            for place, each in enumerate(text)
        ),
        region_confidence=chance.uniform(0.8, 1),
        readings=chance.randrange(3, 12),
        frames=chance.randrange(10, 60),
        first=first,
        last=replace(first, utc=at + timedelta(seconds=1.3), boottime_ns=boot_ns + 1_300_123_456),
        first_s=chance.uniform(0, 5000),
        last_s=chance.uniform(0, 5000),
        plate_width_px=w,
        best=replace(
            best,
            box=replace(best.box, x=x, y=y, w=w, h=h),
            corners=((x, y), (x + w, y + 2), (x + w - 3, y + h + 2), (x - 3, y + h)),
            confidence=chance.uniform(0.6, 1),
        ),
    )
    capture = replace(
        staged.capture,
        device=device,
        agency=AGENCY,
        camera="north",
        # Models of the agency's own, which the dictionary of the wire format does not know.
        detector_sha256=hashlib.sha256(b"detector").hexdigest(),
        recognizer_sha256=hashlib.sha256(b"recognizer").hexdigest(),
        software="plate-edge 0.1.0",
    )
    return Release(labeled=label(read, capture, _pack(), staged.hit), rules=())


@cache
def _pack() -> Pack:
    return load_pack("us-ct")


@cache
def _staged(hit: bool) -> Staged:
    entry = CaseEntry(source="ncic", topic="stolen-vehicle", reason="stolen vehicle") if hit else None
    return stage(Situation(at=datetime.now(timezone.utc), confidence=0.95, region="US-CT", entry=entry))


def cpu_s(pid: int) -> float:
    """Processor time of a process up to now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(folder: str, port: str, device: str, hits_every_s: str, for_s: str) -> None:
    """The unit: lane 2 until the outbox is empty, or for ``for_s`` if that is not 0; a fresh hit now and then if asked for."""
    town = Town(Path(folder), int(port), host=slow_link.HERE, patient=True)
    outbox, sealer, chance, stop = open_outbox(town, device), town.sealer(device), random.Random(7), threading.Event()
    journal, hits, every_s = Journal(), list[tuple[int, float]](), float(hits_every_s)
    lane_2 = threading.Thread(target=town.drain(device, outbox, journal, resend_after_s=20.0).run, args=(stop,))
    began_s, began_cpu_s, began_kb = time.monotonic(), time.process_time(), _peak_kb()
    lane_2.start()
    next_s = began_s + 2.0
    until_s = began_s + float(for_s) if float(for_s) else math.inf
    while outbox.backlog().waiting and time.monotonic() < until_s:
        if every_s and next_s <= time.monotonic() < until_s - _LAST_HIT_S:
            hits.append(_put_hit(outbox, sealer, device, chance))
            next_s += every_s
        time.sleep(0.02)
    took_s, used_s = time.monotonic() - began_s, time.process_time() - began_cpu_s
    stop.set()
    lane_2.join()
    outbox.close()
    says = Drained(
        took_s=took_s,
        cpu_s=used_s,
        peak_mb=_peak_kb() / 1024,
        growth_mb=(_peak_kb() - began_kb) / 1024,
        sent=journal.total("envelopes_sent"),
        hits=hits,
    )
    print(msgspec.json.encode(says).decode(), flush=True)


def _put_hit(outbox: SqliteOutbox, sealer: HpkeSealer, device: str, chance: random.Random) -> tuple[int, float]:
    slot = outbox.next_slot()
    outbox.put(sealer.seal(passing(device, datetime.now(timezone.utc), chance, hit=True), slot))
    return slot.seq, time.monotonic()


def _peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(*sys.argv[1:])
