"""How many reads a second the agency end takes, everything on this machine: units with their TLS connections, Debian's
mosquitto, ``plate-edge ingest``, the store.  Nothing is left out: each envelope is verified, opened, stored, committed and
receipted.

Two loads.  *Full*: every unit sends as fast as its window lets it.  *Half*: all units together send half of what was asked for,
evenly, and what counts is how long a read waits for the receipt that lets its unit forget it.

The units are simulated: what they send was sealed and signed before by the real sealer, and their end of MQTT is written for
this, because 64 real ones would want the whole machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from statistics import quantiles
from typing import Literal

import msgspec
from msgspec import Struct

from edge import build, keys
from edge.bench.cluster import cluster
from edge.bench.devices import Address, Device, Fleet
from edge.bench.processes import cpu_s, footprint, last_line, running
from edge.config import load_agency
from edge.demo.run import find_mosquitto, free_port
from edge.envelope.keyring import load_private_key, load_public_key, load_public_keys
from edge.envelope.receipt import ReceiptVerifier
from edge.envelope.seal import HpkeSealer
from edge.errors import ConfigError
from edge.labeler.scope import label
from edge.policy.case import Situation
from edge.policy.load import load_pack
from edge.policy.staging import stage
from edge.records import Release, Slot

AGENCY = "bench-pd"
Kind = Literal["sqlite", "postgres"]
#: What is asked of one machine (promises, line 29).
GOALS: Mapping[Kind, float] = {"sqlite": 1000.0, "postgres": 2000.0}
#: So many reads of one unit may be under way without a receipt while all send as fast as they can.
_AHEAD = 128
_TIMEOUT_S = 300.0
_WARM_UP = 10


class Load(Struct, frozen=True, kw_only=True):
    """One load.  ``offered_per_s`` is None where units sent as fast as they could.  Milliseconds from the moment at which a
    read is handed to the connection to that at which a receipt names it.  ``cpu_s_per_1000``: CPU seconds for a thousand
    reads, by part; ``others`` is what the rest of the machine took meanwhile, in cores."""

    reads: int
    seconds: float
    offered_per_s: float | None
    stored_per_s: float
    p50_ms: float
    p99_ms: float
    receipts: int
    cpu_s_per_1000: Mapping[str, float]
    others: float


class IngestSpeed(Struct, frozen=True, kw_only=True):
    """A run; ``pss_mb`` is the agency end's, all its processes, at the end."""

    host: str
    store: Kind
    devices: int
    workers: int
    wire_bytes: int
    goal_per_s: float
    full: Load
    half: Load
    stored: int
    sent: int
    pss_mb: float
    threads: int
    files: int

    @property
    def passed(self) -> bool:
        """Everything stored once, the rate reached, and 99 of 100 receipts within a second at half of it."""
        return self.stored == self.sent and self.full.stored_per_s >= self.goal_per_s and self.half.p99_ms <= 1000


def measure_ingest(kind: Kind, devices: int, reads: int, half_s: float, workers: int, folder: Path | None) -> IngestSpeed:
    """Make a town of ``devices`` in ``folder`` (a temporary one unless told), let it send ``reads`` as fast as it can and then
    half of the goal for ``half_s`` seconds.  Raises ConfigError, PublishError, StoreError."""
    goal = GOALS[kind]
    each = max(1, reads // devices)
    evenly = max(1, round(goal / 2 * half_s / devices))
    with tempfile.TemporaryDirectory(prefix="plate-edge-bench-", dir=folder) as scratch, contextlib.ExitStack() as stack:
        dsn, server = stack.enter_context(cluster()) if kind == "postgres" else (None, None)
        town = _Town(Path(scratch), devices, _WARM_UP + each + evenly)
        town.configure(dsn, workers)
        agency, broker = stack.enter_context(town.running())
        parts = {"agency end": agency, "broker": broker} | ({"PostgreSQL": server} if server else {})
        fleet = Fleet(town.devices, _AHEAD)
        stack.callback(fleet.close)
        fleet.connect(Address(host="127.0.0.1", port=town.port, ca=town.ca / "ca.pem"))
        fleet.run(lambda _: _WARM_UP, _TIMEOUT_S)
        full = _load(town, fleet, parts, _WARM_UP, each, None)
        half = _load(town, fleet, parts, _WARM_UP + each, evenly, goal / 2)
        held = footprint(agency)
        return IngestSpeed(
            host=_host(),
            store=kind,
            devices=devices,
            workers=workers,
            wire_bytes=len(town.devices[0].wires[-1]),
            goal_per_s=goal,
            full=full,
            half=half,
            stored=town.stored(),
            sent=sum(len(device.wires) for device in town.devices),
            pss_mb=round(held.pss_bytes / 1e6, 1),
            threads=held.threads,
            files=held.files,
        )


def _load(town: _Town, fleet: Fleet, parts: Mapping[str, int], done: int, each: int, per_s: float | None) -> Load:
    """Let every device send ``each`` more than the ``done`` that it has sent, all of them together ``per_s`` a second."""
    pace = float("inf") if per_s is None else per_s / len(town.devices)
    before, own, machine = {name: cpu_s(pid) for name, pid in parts.items()}, time.process_time(), _machine_s()
    receipts = sum(device.receipts_taken for device in town.devices)
    seconds = fleet.run(lambda at_s: done + min(each, int(at_s * pace) if at_s * pace < each else each), _TIMEOUT_S)
    spent = {name: cpu_s(pid) - before[name] for name, pid in parts.items()} | {"units": time.process_time() - own}
    # Ended processes of others count for nobody, so this is no less than it was.
    others = max(0.0, _machine_s() - machine - sum(spent.values()))
    waits = [(device.stored_s[at] - device.sent_s[at]) * 1000 for device in town.devices for at in range(done, done + each)]
    cuts = quantiles(waits, n=100)
    number = each * len(town.devices)
    return Load(
        reads=number,
        seconds=round(seconds, 2),
        offered_per_s=per_s,
        stored_per_s=round(number / seconds, 1),
        p50_ms=round(cuts[49], 1),
        p99_ms=round(cuts[98], 1),
        receipts=sum(device.receipts_taken for device in town.devices) - receipts,
        cpu_s_per_1000={name: round(1000 * each / number, 3) for name, each in spent.items()},
        others=round(others / seconds, 2),
    )


class _Town:
    """Keys, configuration and what the units will send."""

    def __init__(self, folder: Path, devices: int, each: int) -> None:
        self._folder, self.port = folder, free_port()
        self.ca, self._agency = folder / "ca", folder / "agency"
        keys.make_ca(self.ca)
        keys.make_agency(self._agency, self.ca, AGENCY)
        keys.make_demo_broker(folder / "broker", self.ca, [AGENCY], self.port)
        self.devices = [self._device(f"bench-{number}", each) for number in range(1, devices + 1)]

    def configure(self, dsn: str | None, workers: int) -> None:
        """Write ``agency.toml``."""
        store = 'path = "store/reads.sqlite"' if dsn is None else f'kind = "postgres"\ndsn = "{dsn}"'
        (self._folder / "agency.toml").write_text(
            f'[ingest]\nagency = "{AGENCY}"\ndevices = "agency/devices"\nseal_key = "agency/seal.key"\n'
            f'receipt_key = "agency/receipt.key"\ndata = "store"\nworkers = {workers}\n[store]\n{store}\n'
            f'[broker]\nhost = "127.0.0.1"\nport = {self.port}\n'
            'ca = "agency/ca.pem"\ncertificate = "agency/tls.pem"\nkey = "agency/tls.key"\n'
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[tuple[int, int]]:
        """The process ids of agency end and broker.  Raises ConfigError if one of them does not come up."""
        log = self._folder / "ingest.log"
        with running(
            [find_mosquitto(), "-c", str(self._folder / "broker" / "mosquitto.conf")], self._folder / "broker.log"
        ) as broker:
            command = [sys.executable, "-m", "edge", "ingest", "-c", str(self._folder / "agency.toml")]
            with running(command, log) as agency:
                until_s = time.monotonic() + 60
                while "broker connected" not in log.read_text():
                    if agency.poll() is not None or broker.poll() is not None or time.monotonic() > until_s:
                        raise ConfigError(f"start the agency end: {last_line(log)}")
                    time.sleep(0.05)
                yield agency.pid, broker.pid

    def stored(self) -> int:
        """How many reads the store has, each once, of what was sent."""
        store = build.open_store(load_agency(self._folder / "agency.toml").store)
        try:
            ranges = [each for device in self.devices for each in store.received(device.name, "bench")]
        finally:
            store.close()
        return sum(last - first + 1 for first, last in ranges)

    def _device(self, name: str, each: int) -> Device:
        folder = self._folder / "devices" / name
        keys.make_device(folder, self.ca, name, AGENCY)
        keys.enrol(self._agency, folder)
        receipt_keys = load_public_keys(folder / "agency-receipt.pem")
        verifier = ReceiptVerifier(agency=AGENCY, device=name, keys=receipt_keys)
        return Device(name, AGENCY, folder, verifier, list(_envelopes(name, folder, each)))


def _envelopes(device: str, keys_folder: Path, number: int) -> Iterator[bytes]:
    """The wire bytes of a chain of reads of this minute, labelled under a shipped pack."""
    sealer = HpkeSealer(
        device=device,
        agency=AGENCY,
        sign_key=load_private_key(keys_folder / "sign.key"),
        agency_seal=load_public_key(keys_folder / "agency-seal.pem"),
    )
    pack, staged = load_pack("us-ct"), stage(Situation(at=datetime.now(timezone.utc), confidence=0.95))
    capture = msgspec.structs.replace(staged.capture, device=device, agency=AGENCY)
    previous = bytes(32)
    for seq in range(1, number + 1):
        text = f"BN{seq % 10**6:06}"
        read = msgspec.structs.replace(staged.read, id=f"{device}-{seq}", text=text, raw_texts=(text,))
        release = Release(labeled=label(read, capture, pack, None), rules=())
        wire = sealer.seal(release, Slot(epoch="bench", seq=seq, previous=previous)).wire
        previous = hashlib.sha256(wire).digest()
        yield wire


def _machine_s() -> float:
    """CPU seconds of everything on this machine since it started, waiting left out."""
    fields = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / os.sysconf("SC_CLK_TCK")


def _host() -> str:
    system = f"{platform.system()} {platform.release()}"
    return f"{platform.machine()}, {os.cpu_count()} cores, {system}, Python {platform.python_version()}"
