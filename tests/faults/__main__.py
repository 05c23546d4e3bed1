"""The fault bench, ``make faults``: everything that is done to it, and what came of it.

``python -m tests.faults [--seed N] [--minutes M] [--only NAME] [--json]``; exit code 1 if a row says FAIL.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from tests.faults import (
    backlog,
    brokers,
    budget,
    clocks,
    cuts,
    damage,
    databases,
    dead_link,
    disk,
    growth,
    kills,
    links,
    memory,
    named,
    pictures,
    slow_end,
    stores,
    tamper,
)
from tests.faults.rows import Bench, Row, scale
from tests.mosquitto import BINARY

FAULTS: dict[str, Callable[[Bench], Row] | Callable[[Bench], list[Row]]] = {
    "killed at random": kills.at_random,
    "killed at named points": named.at_named_points,
    "power cut at the unit": cuts.at_the_unit,
    "power cut at the agency": cuts.at_the_agency,
    "control: synchronous=NORMAL": cuts.control_not_synchronous,
    "pictures: killed at random": pictures.killed_at_random,
    "pictures: power cut at the unit": pictures.cut_at_the_unit,
    "control: pictures not synced": pictures.control_not_synced,
    "hits before pictures": pictures.hits_first,
    "link": links.rows,
    "random partitions": links.random_partitions,
    "broker wiped": brokers.wiped,
    "broker without persistence": brokers.without_persistence,
    "control: pruned on PUBACK": brokers.control_pruned_on_the_brokers_word,
    "disk full at any write": disk.full_at_any_write,
    "sync fails": disk.sync_fails,
    "disk filled by another": disk.filled_by_another,
    "file damaged": damage.at_random,
    "three times the budget offline": budget.three_times_offline,
    "clock jumps": clocks.jumps,
    "clock set right too late": clocks.set_right_too_late,
    "store locked": stores.locked,
    "store full": stores.full,
    "database killed": databases.killed,
    "database in trouble": databases.in_trouble,
    "replayed, doubled, shuffled": stores.replayed,
    "tamper": tamper.rows,
    "growth": growth.at_fifty_times_the_rate,
    "memory": memory.of_the_line,
    "backlog": backlog.unthrottled,
    "backlog at 1 Mbit/s": backlog.thin,
    "hits before a backlog": backlog.hits_first,
    "link dies silently": dead_link.while_reads_flow,
    "quiet link dies silently": dead_link.while_nothing_happens,
    "store is slow": slow_end.slow_store,
}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the bench."""

    host: str
    seed: int
    minutes: float
    rows: list[Row]
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="what is done when; the moment of a kill still depends on the host")
    parser.add_argument("--minutes", type=float, default=10.0, help="about how long on two quiet cores; less does less")
    parser.add_argument("--only", choices=FAULTS, action="append", metavar="NAME", help=f"one of: {', '.join(FAULTS)}")
    parser.add_argument("--at-once", type=int, default=3, help="how many faults side by side: most of their time they wait")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    asked = parser.parse_args()
    if BINARY is None:
        print("the broker is missing; on Debian: apt-get install mosquitto", file=sys.stderr)
        return 2
    began_s, rows = time.monotonic(), list[Row]()
    with tempfile.TemporaryDirectory(prefix="plate-edge-faults-") as scratch:
        faults = asked.only or list(FAULTS)
        if len(faults) == 1:
            found: Iterable[list[Row]] = (
                _run(Bench(Path(scratch), scale(asked.minutes), asked.seed, faults[0])) for _ in faults
            )
        else:
            found = ThreadPoolExecutor(asked.at_once).map(lambda fault: _apart(fault, asked), faults)
        for row in (row for each in found for row in each):
            rows.append(row)
            print(row.line(), flush=True, file=sys.stderr if asked.json else sys.stdout)
    seconds = time.monotonic() - began_s
    report = Report(host=_host(), seed=asked.seed, minutes=asked.minutes, rows=rows, seconds=seconds)
    if asked.json:
        print(json.dumps(msgspec.to_builtins(report)))
    else:
        counts = {word: sum(row.verdict == word for row in rows) for word in ("PASS", "FAIL", "GAP", "SKIPPED")}
        print(", ".join(f"{number} {word}" for word, number in counts.items()), f"in {seconds:.0f} s on {report.host}")
    return 1 if any(row.verdict == "FAIL" for row in rows) else 0


def _apart(fault: str, asked: argparse.Namespace) -> list[Row]:
    """One fault in a process of its own."""
    words = ["--only", fault, "--seed", str(asked.seed), "--minutes", str(asked.minutes), "--json"]
    found = subprocess.run([sys.executable, "-m", "tests.faults", *words], capture_output=True, text=True, check=False)
    try:
        return msgspec.json.decode(found.stdout, type=Report).rows
    except msgspec.DecodeError:
        return [Row(fault=fault, verdict="FAIL", note=f"its process ended with {found.returncode}: {found.stderr[-300:]}")]


def _run(bench: Bench) -> list[Row]:
    try:
        found = FAULTS[bench.fault](bench)
    except Exception as error:  # noqa: BLE001
        # A fault that ends the bench itself is a failure with a name; the others are still to be seen.
        found = bench.answer("FAIL", f"{type(error).__name__}: {str(error)[:300]}")
    return [found] if isinstance(found, Row) else found


def _host() -> str:
    system = f"{platform.system()} {platform.release()}"
    return f"{platform.machine()}, {os.cpu_count()} cores, {system}, Python {platform.python_version()}"


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a fault that failed may have left threads behind that nobody ends
