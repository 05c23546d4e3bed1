"""Canary plates and canary secrets: in no file, queue, log, core, output, argument or capture of the wire outside the store."""

from __future__ import annotations

import base64
import json
import os
import resource
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from edge.bench.processes import tree
from edge.demo.run import HERE, free_port
from tests.demo.processes import Processes, wait_until
from tests.mosquitto import needs_mosquitto
from tests.security.needles import forms, hits
from tests.security.recorder import Recorder, RefusingCamera

USER, PASSWORD = "canary-user", "p@ss:w/rd%41 c4nary'\"<x>"
SECRETS = [PASSWORD, quote(PASSWORD, safe=""), f"{USER}:{PASSWORD}"]
#: Every plate of the bundled clip, the withheld ones too; all are invented.
PLATES = [each["text"] for each in json.loads((HERE / "truth.json").read_text())["passes"] if len(each["text"] or "") >= 5]
#: Where plates may lie: the agency's store; and what the test itself put on the unit.
MAY_HOLD = ("store/", "hotlist.csv", "camera.credentials")
COMMANDS = {
    "doctor": ["doctor", "-c", "device.toml"],
    "doctor-json": ["doctor", "-c", "device.toml", "--json"],
    "report": ["report", "-c", "device.toml", "--json"],
    "outbox": ["outbox", "status", "-c", "device.toml"],
    "units": ["units", "-c", "agency.toml", "--json"],
    "alarms": ["alarms", "-c", "agency.toml", "--json"],
    "keys": ["keys", "show", "device"],
}


@pytest.fixture
def camera() -> Iterator[RefusingCamera]:
    camera = RefusingCamera()
    yield camera
    camera.close()


@pytest.fixture
def line(tmp_path: Path, camera: RefusingCamera) -> Iterator[Processes]:
    """The demo's line with a second camera that wants a password, a broker that keeps its queue on disk, metrics, and a
    wire-tap between both ends and the broker.  Cores may be written as large as they come."""
    processes = Processes(tmp_path)
    recorder = Recorder(processes.port, tmp_path / "wire.bin")
    credentials = tmp_path / "camera.credentials"
    credentials.write_text(f"{USER}:{PASSWORD}\n")
    credentials.chmod(0o600)
    for name in ("device.toml", "agency.toml"):
        config = tmp_path / name
        config.write_text(config.read_text().replace(f"port = {processes.port}", f"port = {recorder.port}"))
    device = tmp_path / "device.toml"
    second = f'[[cameras]]\nname = "gate"\nsource = "rtsp://127.0.0.1:{camera.port}/live"\ncredentials = "camera.credentials"\n'
    metrics = f"[metrics]\nport = {free_port()}\n"
    device.write_text(device.read_text().replace("[position]", f"{second}{metrics}[position]", 1))
    (tmp_path / "queue").mkdir()
    broker = tmp_path / "broker" / "mosquitto.conf"
    kept = f"persistence true\npersistence_location {tmp_path / 'queue'}/\nautosave_interval 1"
    broker.write_text(broker.read_text().replace("persistence false", kept))
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield processes
    resource.setrlimit(resource.RLIMIT_CORE, before)
    processes.end_all()
    recorder.close()


@needs_mosquitto
@pytest.mark.timeout(600)
def test_no_plate_and_no_secret_is_outside_the_agencys_store(line: Processes, camera: RefusingCamera) -> None:
    """Unit, broker and agency end at work; the agency end is away for a while, so that reads lie in the broker's queue; both
    ends crash in the middle.  Every file of the run, every command's output, the metrics, and what any process shows of itself
    is searched for each plate of the clip and the camera's password, in clear and encoded."""
    line.start("broker")
    line.start("ingest")
    wait_until(lambda: any(entry["event"] == "broker connected" for entry in line.log("ingest")), 30, "the agency end")
    line.kill("ingest")
    line.start("unit")
    wait_until(lambda: len(line.committed()) >= 3, 120, "three committed reads")
    queue = line.folder / "queue" / "mosquitto.db"
    wait_until(lambda: queue.exists() and queue.stat().st_size > 3000, 30, "reads in the broker's queue")
    (line.folder / "queue-with-reads.db").write_bytes(queue.read_bytes())
    line.start("ingest")
    wait_until(lambda: len(line.stored()) >= 3, 60, "three stored reads")
    wait_until(lambda: camera.asked >= 2, 60, "the camera to be asked")
    shown = line.folder / "shown"
    shown.mkdir()
    processes = [pid for child in line.running.values() for pid in tree(child.pid)]
    for pid in processes:
        for what in ("cmdline", "environ", "comm"):
            (shown / f"{pid}-{what}").write_bytes(Path(f"/proc/{pid}/{what}").read_bytes())
    port = next(row.split()[-1] for row in (line.folder / "device.toml").read_text().split("[metrics]\n")[1].splitlines())
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        (shown / "metrics").write_bytes(page.read())
    for name, arguments in COMMANDS.items():
        command = [sys.executable, "-m", "edge", *arguments]
        done = subprocess.run(command, cwd=line.folder, capture_output=True, timeout=120, check=False)
        assert done.returncode in (0, 1), done.stderr
        (shown / name).write_bytes(done.stdout + done.stderr)
    for name in ("unit", "ingest"):
        line.running[name].send_signal(signal.SIGABRT)
        line.running[name].wait(30)
    stored = [row.labeled.read.text for row in line.stored()]
    files = [path for path in line.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if path.name.startswith("core")], "a crash left a core"
    outside = [path for path in files if not str(path.relative_to(line.folder)).startswith(MAY_HOLD)]
    assert (line.folder / "wire.bin").stat().st_size > 10_000, "the wire-tap heard them"
    assert {"wire.bin", "unit.log", "ingest.log", "queue-with-reads.db", "outbox.sqlite"} <= {path.name for path in outside}
    assert list(hits(outside, PLATES)) == []
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    in_store = [path for path in files if path.is_relative_to(line.folder / "store")]
    assert list(hits([*outside, *in_store], [*SECRETS, login])) == []
    assert all(list(hits(in_store, [text])) for text in stored), "the search finds what is there"


def test_the_search_finds_a_word_however_it_is_written() -> None:
    """In the middle of other bytes, at any alignment."""
    for before in range(6):
        for encoded in (base64.b64encode, lambda data: data, lambda data: data.hex().encode()):
            data = encoded(b"x" * before + b"CANARY77" + b"y" * 7)
            assert any(form in data for form in forms("CANARY77").values())


PROGRAM = """
import sys, time
from edge import memory
if sys.argv[1] == "closed":
    memory.be_closed_to_others()
elif sys.argv[1] == "limited":
    memory.write_no_core()
word = "".join(chr(ord(c) - 1) for c in "DBOBSZ88")
print("holds", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["closed", "limited", "open"])
def test_a_crash_writes_no_core(how: str, tmp_path: Path) -> None:
    """The same program writes one where nothing forbids it, or the test could not fail."""
    if Path("/proc/sys/kernel/core_pattern").read_text().startswith(("|", "/")):
        pytest.skip("cores go elsewhere here")
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if hard == 0:
        pytest.skip("cores are forbidden here")
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, how],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        stdout=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)),
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"holds\n"
    child.send_signal(signal.SIGABRT)
    child.wait(30)
    child.stdout.close()
    cores = [path.read_bytes() for path in tmp_path.iterdir()]
    assert any(b"CANARY77" in core for core in cores) if how == "open" else cores == []
