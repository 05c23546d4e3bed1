"""``plate-edge demo``: the whole line on the bundled clip, every part a real process.

Makes keys and configuration in a folder of its own, starts Debian's mosquitto on a free loopback port, the agency end and
the unit, lets the clip run through, and compares what the store then holds with the clip's truth.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from edge import keys
from edge.build import open_store
from edge.clock import Clock
from edge.config import load_agency
from edge.errors import ConfigError
from edge.hotlist.files import write_stamp
from edge.records import Label, LabeledRead
from edge.unit import Accounts

HERE = Path(__file__).resolve().parent
AGENCY, DEVICE = "demo-pd", "demo-cruiser-1"
START_TIMEOUT_S = 20.0
RUN_TIMEOUT_S = 600.0
DRAIN_S = 60.0


class TruthPass(Struct, frozen=True, kw_only=True):
    """One pass that the clip shows, as rendered."""

    id: str
    text: str
    region: str
    first_s: float
    last_s: float
    legible: bool
    in_zone: bool
    hot: str | None


class Truth(Struct, frozen=True, kw_only=True):
    """What the clip shows."""

    passes: tuple[TruthPass, ...]


class TruthScore(Struct, frozen=True, kw_only=True):
    """How many legible passes outside the zone the clip has, and how many of them are stored with exactly their text."""

    passes: int
    exact: int


class DemoRead(Struct, frozen=True, kw_only=True):
    """One stored read; times are seconds of the clip."""

    text: str
    region: str
    confidence: float
    first_s: float
    last_s: float
    hit: str | None
    label: Label


class DemoResult(Struct, frozen=True, kw_only=True):
    """What the demo saw.  ``lost`` is reads committed on the unit less reads stored at the agency."""

    frames: int
    frames_processed: int
    frames_skipped: Mapping[str, int]
    frames_dropped: Mapping[str, int]
    passes: int
    stored: int
    withheld: Mapping[str, int]
    lost: int
    accounts_closed: bool
    hotlist_refused: Mapping[str, int]
    truth: TruthScore
    zone_plates_found_anywhere: int
    stored_plates_found_on_unit_or_broker: int
    barred_entries_matched: int
    reads: tuple[DemoRead, ...]

    @property
    def passed(self) -> bool:
        """Nothing lost, nothing leaked, the accounts closed, and at most one pass in twelve not read exactly."""
        clean = self.zone_plates_found_anywhere == 0 and self.stored_plates_found_on_unit_or_broker == 0
        read = self.truth.exact >= self.truth.passes * 11 / 12
        return self.lost == 0 and self.accounts_closed and clean and self.barred_entries_matched == 0 and read


def truth() -> Truth:
    """The bundled clip's truth."""
    return msgspec.json.decode((HERE / "truth.json").read_bytes(), type=Truth)


def run_demo(folder: Path, say: Callable[[str], None]) -> DemoResult:
    """Run the line in ``folder`` (empty or absent) and say each step.  Raises ConfigError if a part is missing or fails."""
    find_mosquitto()
    say("making keys: a certificate authority, one device, one agency, one broker")
    port = free_port()
    make_keys(folder, port)
    write_configuration(folder, port)
    with far_end(folder, port) as ingest:
        say(f"mosquitto listens on 127.0.0.1:{port} (TLS, client certificates); the agency end is up")
        say("the unit reads the clip: detector, recognizer, vote, label, decision, seal, outbox, MQTT")
        accounts = _run_unit(folder)
        if ingest.poll() is not None:
            raise ConfigError(f"run demo: the agency end stopped; see {folder / 'ingest.log'}")
    return _result(folder, accounts)


@contextmanager
def far_end(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Debian's mosquitto and the agency end, from the keys and the configuration in ``folder``; gives the agency end.

    Raises ConfigError if the broker is missing or does not come up."""
    with (
        _process("broker", [find_mosquitto(), "-c", str(folder / "broker" / "mosquitto.conf")], folder) as broker,
        _process("ingest", [sys.executable, "-m", "edge", "ingest", "-c", str(folder / "agency.toml")], folder) as ingest,
    ):
        _wait_for_port(port, broker, folder)
        yield ingest


def _result(folder: Path, accounts: Accounts) -> DemoResult:
    store = open_store(load_agency(folder / "agency.toml").store)
    labeled = [row.labeled for row in store.reads()]
    store.close()
    shown = truth()
    return DemoResult(
        frames=accounts.frames_received,
        frames_processed=accounts.frames_processed,
        frames_skipped=accounts.frames_skipped,
        frames_dropped=accounts.frames_dropped,
        passes=accounts.reads,
        stored=len(labeled),
        withheld=accounts.reads_withheld,
        lost=accounts.reads_committed - len(labeled) + accounts.reads_lost,
        accounts_closed=accounts.closed,
        hotlist_refused=accounts.hotlist_refused,
        truth=score(shown, labeled),
        zone_plates_found_anywhere=_files_with(folder, [p.text for p in shown.passes if p.in_zone]),
        stored_plates_found_on_unit_or_broker=_files_with(
            folder, [each.read.text for each in labeled], outside=("store", "hotlist.csv")
        ),
        barred_entries_matched=sum(each.hit is not None and each.hit.topic == "immigration-violator" for each in labeled),
        reads=tuple(sorted(map(_demo_read, labeled), key=lambda read: read.first_s)),
    )


def score(shown: Truth, labeled: list[LabeledRead]) -> TruthScore:
    """Exact texts among the legible passes outside the zone; each stored read answers for one pass at most."""
    due = [each for each in shown.passes if each.legible and not each.in_zone]
    unused = list(labeled)
    exact = 0
    for each in due:
        for one in unused:
            read = one.read
            if read.text == each.text and read.first_s <= each.last_s + 1 and read.last_s >= each.first_s - 1:
                unused.remove(one)
                exact += 1
                break
    return TruthScore(passes=len(due), exact=exact)


def _demo_read(labeled: LabeledRead) -> DemoRead:
    read = labeled.read
    return DemoRead(
        text=read.text,
        region=read.region,
        confidence=round(read.confidence, 4),
        first_s=round(read.first_s, 2),
        last_s=round(read.last_s, 2),
        hit=None if labeled.hit is None else labeled.hit.topic,
        label=labeled.label,
    )


def find_mosquitto() -> str:
    """The broker's program.  Raises ConfigError if it is not installed."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise ConfigError("run demo: the broker mosquitto is not installed; on Debian: apt-get install mosquitto")
    return found


def make_keys(folder: Path, port: int) -> None:
    """A certificate authority, one agency, one enrolled device, one broker on the loopback address."""
    ca = folder / "ca"
    keys.make_ca(ca)
    keys.make_agency(folder / "agency", ca, AGENCY)
    keys.make_device(folder / "device", ca, DEVICE, AGENCY)
    keys.enrol(folder / "agency", folder / "device")
    keys.make_demo_broker(folder / "broker", ca, [AGENCY], port)


def write_configuration(folder: Path, port: int) -> None:
    """``device.toml`` and ``agency.toml`` for the keys of :func:`make_keys`, with the clip's zone and hot list."""
    shutil.copyfile(HERE / "zones.geojson", folder / "zones.geojson")
    shutil.copyfile(HERE / "hotlist.csv", folder / "hotlist.csv")
    write_stamp(folder / "hotlist.csv", name="demo", version="1", issued=Clock().now().utc)
    broker = f'[broker]\nhost = "127.0.0.1"\nport = {port}\nbackoff_max_s = 2.0\n'
    tls = 'ca = "{0}/ca.pem"\ncertificate = "{0}/tls.pem"\nkey = "{0}/tls.key"\n'
    (folder / "device.toml").write_text(
        f'[unit]\ndevice = "{DEVICE}"\nagency = "{AGENCY}"\ndata = "unit"\n'
        f'[[cameras]]\nname = "front"\nsource = "{HERE / "clip.mp4"}"\n'
        f'[position]\ntrack = "{HERE / "positions.csv"}"\n'
        '[policy]\npack = "us-ct"\nzones = "zones.geojson"\n'
        '[hotlist]\nfiles = ["hotlist.csv"]\n'
        '[keys]\nsign_key = "device/sign.key"\nagency_seal = "device/agency-seal.pem"\n'
        'agency_receipt = "device/agency-receipt.pem"\n' + broker + tls.format("device")
    )
    (folder / "agency.toml").write_text(
        f'[ingest]\nagency = "{AGENCY}"\ndevices = "agency/devices"\nseal_key = "agency/seal.key"\n'
        'receipt_key = "agency/receipt.key"\n[store]\npath = "store/reads.sqlite"\n' + broker + tls.format("agency")
    )


def _run_unit(folder: Path) -> Accounts:
    command = [sys.executable, "-m", "edge", "run", "-c", str(folder / "device.toml"), "--drain-s", str(DRAIN_S), "--json"]
    with (folder / "unit.log").open("wb") as log, _child(command, stdout=subprocess.PIPE, stderr=log) as unit:
        try:
            said, _ = unit.communicate(timeout=RUN_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise ConfigError(f"run demo: the unit did not end within {RUN_TIMEOUT_S:.0f} s; is the machine busy?") from error
    if unit.returncode != 0:
        raise ConfigError(f"run demo: the unit failed: {_last_line(folder / 'unit.log')}")
    return msgspec.json.decode(said, type=Accounts)


@contextmanager
def _process(name: str, command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child that writes a log of its own."""
    with (folder / f"{name}.log").open("wb") as log, _child(command, stdout=log, stderr=log, cwd=folder) as child:
        yield child


@contextmanager
def _child(
    command: list[str], stdout: int | BinaryIO, stderr: BinaryIO, cwd: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A child that is asked to end, and made to, when the block ends.

    A signal that comes while the child starts is heard once the child is ours to end: heard in between, it would leave
    a process that nobody knows."""
    with ExitStack() as stack:
        with _deaf_to_the_end():
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=cwd)
            stack.callback(_end, child)
        yield child


@contextmanager
def _deaf_to_the_end() -> Iterator[None]:
    """Holds SIGTERM and SIGINT back; those that came are raised again at the block's end."""
    came: list[int] = []
    ends = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda number, _: came.append(number)) for number in ends]
    try:
        yield
    finally:
        for number, handler in zip(ends, before, strict=True):
            signal.signal(number, handler)
        for heard in came:
            signal.raise_signal(heard)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _wait_for_port(port: int, broker: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and broker.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise ConfigError(f"run demo: mosquitto does not come up: {_last_line(folder / 'broker.log')}")


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _files_with(folder: Path, plates: list[str], outside: tuple[str, ...] = ()) -> int:
    """How many files under ``folder``, ``outside`` ones left out, hold one of ``plates`` in clear.

    Texts of fewer than five characters would be found by chance in any ciphertext."""
    wanted = [plate.encode() for plate in plates if len(plate) >= 5]
    files = [p for p in folder.rglob("*") if p.is_file() and p.relative_to(folder).parts[0] not in outside]
    return sum(any(plate in data for plate in wanted) for data in (p.read_bytes() for p in files))
