"""A town under fire: a real broker, units and an agency end as processes to kill, and somebody who watches the receipts."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType

from edge import keys, mqtt
from edge.envelope.keyring import load_public_keys
from edge.envelope.receipt import ReceiptVerifier
from edge.errors import EnvelopeError
from edge.outbox import inspect
from edge.store.sqlite import SqliteStore
from tests.delivery.processes import ROOT
from tests.delivery.town import Town
from tests.faults import agency_store, oracle
from tests.faults.ledger import Truth
from tests.faults.roles import BUDGET_BYTES, Lanes, ingest, ledger_path, tally_path, unit
from tests.labeled import AGENCY
from tests.mosquitto import Broker

#: No deadline here is what is measured; they only end what hangs, also on a slow and busy machine.
PATIENCE_S = 240.0
_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(["tests.faults.roles"])


class Life:
    """One process: forked where many are wanted, a program of its own where something shall lie under it."""

    def __init__(self, made: BaseProcess | subprocess.Popen[bytes]) -> None:
        self._made = made

    @property
    def pid(self) -> int:
        """Its number."""
        pid = self._made.pid
        assert pid is not None
        return pid

    def running(self) -> bool:
        if isinstance(self._made, subprocess.Popen):
            return self._made.poll() is None
        return self._made.is_alive()

    def kill(self) -> bool:
        """SIGKILL; whether it was that which ended it."""
        self._made.kill()
        return self.wait() == -signal.SIGKILL

    def end(self) -> int:
        """SIGTERM and wait; the exit code."""
        self._made.terminate()
        return self.wait()

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """The exit code, negative for a signal.  Raises AssertionError if it does not end."""
        if isinstance(self._made, subprocess.Popen):
            return self._made.wait(timeout_s)
        self._made.join(timeout_s)
        code = self._made.exitcode
        assert code is not None, "it does not end"
        return code


class Scene:
    """Everything in one folder; whatever was started is ended at the end."""

    def __init__(
        self, folder: Path, *devices: str, persistent: bool = True, also: Sequence[str] = (), dsn: str | None = None
    ) -> None:
        """``dsn``: the PostgreSQL that is the agency's store; SQLite unless told.
        ``also``: addresses beside the loopback under which the broker is reached.
        ``persistent``: whether the broker writes to disk what it holds (a demo broker does not)."""
        self.devices = devices
        self.town = Town(folder.resolve())
        self.town.make(*devices)
        if dsn is not None:
            agency_store.name(self.town, dsn)
        keys.make_device(self.operator, self.town.ca, "operator", AGENCY)
        self.broker = Broker(folder / "broker", self.town.ca, [AGENCY], also)
        with (folder / "broker" / "acl").open("a") as acl:
            acl.write("\nuser operator\ntopic read #\n")
        if not persistent:
            configuration = folder / "broker" / "mosquitto.conf"
            configuration.write_text(configuration.read_text().replace("persistence true", "persistence false"))
        self.town.port = self.broker.port
        self.lives: list[Life] = []
        self.broker.start()
        self.witness = Witness(self)

    @property
    def operator(self) -> Path:
        """The keys of whoever runs the broker and may read everything on it."""
        return self.town.folder / "operator"

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for life in self.lives:
            if life.running():
                life.kill()
        self.witness.close()
        self.broker.kill()

    def unit(
        self,
        device: str,
        lanes: Lanes = "both",
        count: int = 0,
        pause_s: float = 0.0,
        port: int | None = None,
        dies: str = "",
        budget_bytes: int = BUDGET_BYTES,
    ) -> Life:
        """A unit as a forked process; ``port`` is another one than the broker's where something lies in between, ``dies`` a
        point at which it kills itself."""
        folder, port = str(self.town.folder), port or self.town.port
        return self._fork(unit, folder, port, device, lanes, count, pause_s, dies, budget_bytes)

    def ingest(self, port: int | None = None, dies: str = "") -> Life:
        """The agency end as a forked process."""
        return self._fork(ingest, str(self.town.folder), port or self.town.port, dies)

    def spawn(self, environment: Mapping[str, str], role: str, *arguments: object, port: int | None = None) -> Life:
        """A role as a program of its own."""
        words = [role, str(self.town.folder), str(port or self.town.port), *map(str, arguments)]
        command = [sys.executable, "-m", "tests.faults.roles", *words]
        return self._add(Life(subprocess.Popen(command, cwd=ROOT, env=dict(environment))))

    def truths(self) -> dict[str, Truth]:
        """What each unit was promised so far."""
        return {device: Truth.of(ledger_path(self.town, device)) for device in self.devices}

    def committed(self, *devices: str) -> int:
        """How many puts of these devices, or of all, have returned so far."""
        truths = self.truths()
        return sum(len(truths[device].committed) for device in devices or self.devices)

    def refused(self) -> int:
        """How many puts have raised so far."""
        return sum(truth.refused for truth in self.truths().values())

    def waiting(self) -> int:
        """How many reads lie in the outboxes."""
        paths = [self.town.outbox_path(device) for device in self.devices]
        return sum(inspect.status(path).waiting for path in paths if path.exists())

    def agency_connected(self) -> bool:
        """Whether the agency end has ever reached the broker."""
        return self.counted("link", "connected") > 0

    def counted(self, name: str, reason: str | None = None) -> int:
        """What the agency end has counted under ``name``, and under ``reason`` alone if one is given, over all its lives."""
        tally = tally_path(self.town)
        lines = (line.split(" ", 2) for line in (tally.read_text().splitlines() if tally.exists() else ()))
        return sum(int(by) for counter, by, why in lines if counter == name and reason in (None, why))

    def stored(self) -> int:
        """How many numbers the store has of what was committed so far; 0 while it cannot be asked."""
        epochs = {(device, epoch) for device, truth in self.truths().items() for epoch, _ in truth.committed}
        found = [oracle.received(self.town, *one) or [] for one in epochs]
        return sum(last - first + 1 for ranges in found for first, last in ranges)

    def stored_of(self, device: str) -> int:
        """How many numbers of this device the store has, whether a ledger knows of them or not."""
        with closing(SqliteStore(self.town.store_path)) as store:
            return sum(1 for read in store.reads() if read.device == device)

    def account(self, *devices: str) -> oracle.Account:
        """Settle for these devices, or for all; to be called when all is still."""
        truths = self.truths()
        return oracle.settle(self.town, {device: truths[device] for device in devices or self.devices})

    def _fork(self, role: Callable[..., None], *arguments: object) -> Life:
        made = _FORK.Process(target=role, args=arguments)
        made.start()
        return self._add(Life(made))

    def _add(self, life: Life) -> Life:
        self.lives = [one for one in self.lives if one.running()]
        self.lives.append(life)
        return life


class Witness:
    """Listens to everything on the broker.  A receipt must not name a read that is not in the store at that moment: ``early``
    counts those that did; ``of`` counts receipts by device."""

    def __init__(self, scene: Scene) -> None:
        self.receipts, self.early = 0, 0
        self.of: Counter[str] = Counter()
        self._town = scene.town
        self._verifiers = {device: self._verifier(device) for device in scene.devices}
        self._link = mqtt.Link(scene.town.broker(scene.operator), "operator", subscribe=["#"])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._link.start()
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._link.close()

    def _verifier(self, device: str) -> ReceiptVerifier:
        receipt_keys = load_public_keys(self._town.device(device) / "agency-receipt.pem")
        return ReceiptVerifier(agency=AGENCY, device=device, keys=receipt_keys)

    def _listen(self) -> None:
        while not self._stop.is_set():
            event = self._link.next_event(0.2)
            if isinstance(event, mqtt.Arrived):
                self._link.acknowledge(event.token)
                address = mqtt.parse_topic(event.topic)
                if address is not None and address.kind == "receipts":
                    self._weigh(address.device, event.payload)

    def _weigh(self, device: str, wire: bytes) -> None:
        try:
            receipt = self._verifiers[device].read(wire)
        except EnvelopeError:
            return
        there = oracle.received(self._town, device, receipt.epoch)
        if there is None:
            return
        self.receipts += 1
        self.of[device] += 1
        self.early += any(not any(a <= first and last <= b for a, b in there) for first, last in receipt.stored)


def wait_for(true: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Return when it is so.  Raises AssertionError if it does not come about."""
    until = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until, f"it did not come about: {what}"
        time.sleep(0.1)


def drained(scene: Scene, timeout_s: float = PATIENCE_S) -> None:
    """Let lane 2 of every device run alone until all that is kept has gone, with the agency end that runs."""
    lives = {device: scene.unit(device, "drain") for device in scene.devices}
    wait_for(lambda: scene.waiting() == 0, "the outboxes are drained", timeout_s)
    for life in lives.values():
        assert life.end() == 0
