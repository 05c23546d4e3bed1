"""What a whole unit holds while it reads a clip, with its models and without, and what the agency end holds beside it.

Without: first the models find and read the plates of the clip, and what they said is written down; then the same unit, with the
clip decoded, tracked, voted on, labelled, sealed, kept and delivered as ever, is told by that record what they would have said,
and never loads them or what runs them.  Both units deliver to a real broker and a real agency end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edge.bench.processes import Footprint, footprint, running
from edge.demo import run as demo
from edge.errors import ConfigError
from tests.delivery.processes import ROOT
from tests.faults.rows import Bench, Row
from tests.faults.scene import PATIENCE_S, wait_for

_UNIT_BYTES, _AGENCY_BYTES = 80e6, 150e6
_LOOK_EVERY_S = 0.2
_ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def of_the_line(bench: Bench) -> Row:
    """The most that each held, all of its pages that it shares with others in parts."""
    record = bench.folder / "record"
    subprocess.run([sys.executable, "-m", "tests.faults.replay", "record", record], cwd=ROOT, env=_ENVIRONMENT, check=True)
    whole, agency = _run(bench.folder / "with", ["-m", "edge", "run"])
    without, _ = _run(bench.folder / "without", ["-m", "tests.faults.replay", "unit", str(record)])
    most = max(whole, key=lambda each: each.pss_bytes)
    bare = max(without, key=lambda each: each.pss_bytes)
    end = max(agency, key=lambda each: each.pss_bytes)
    return bench.row(
        bare.pss_bytes <= _UNIT_BYTES and end.pss_bytes <= _AGENCY_BYTES,
        unit_MB=most.pss_bytes / 1e6,
        without_models_MB=bare.pss_bytes / 1e6,
        threads=bare.threads,
        agency_end_MB=end.pss_bytes / 1e6,
    )


def _run(folder: Path, unit: Sequence[str]) -> tuple[list[Footprint], list[Footprint]]:
    """Let a unit go through the clip; what it and the agency end held, look by look."""
    folder.mkdir()
    port = demo.free_port()
    demo.make_keys(folder, port)
    demo.write_configuration(folder, port)
    broker = [demo.find_mosquitto(), "-c", str(folder / "broker" / "mosquitto.conf")]
    ingest = [sys.executable, "-m", "edge", "ingest", "-c", str(folder / "agency.toml")]
    command = [sys.executable, *unit, "-c", str(folder / "device.toml")]
    unit_held, agency_held = list[Footprint](), list[Footprint]()
    with running(broker, folder / "broker.log"), running(ingest, folder / "ingest.log") as agency:
        wait_for(lambda: "broker connected" in (folder / "ingest.log").read_text(), "the agency end's session")
        with (folder / "unit.log").open("wb") as log:
            one = subprocess.Popen(command, cwd=ROOT, env=_ENVIRONMENT, stdout=log, stderr=log)
            until_s = time.monotonic() + 3 * PATIENCE_S
            while one.poll() is None:
                assert time.monotonic() < until_s, "the unit does not end"
                try:
                    unit_held.append(footprint(one.pid))
                except (ConfigError, KeyError):
                    continue  # it has just ended
                agency_held.append(footprint(agency.pid))
                time.sleep(_LOOK_EVERY_S)
        assert one.returncode == 0, (folder / "unit.log").read_text()[-500:]
    return unit_held, agency_held
