"""``plate-edge run``, ``demo``, ``doctor`` and ``report``: the unit.

What looks after a unit, or shows things, is imported when it is wanted: a unit at work does not hold it.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Literal

import typer

from edge import build, memory
from edge.clock import Clock
from edge.commands.common import (
    Json,
    say,
    tell,
    write_json,
)
from edge.config import load_device
from edge.errors import ConfigError
from edge.journal import Journal, serve_metrics
from edge.ledger import reads_account, totals
from edge.policy.load import load_pack
from edge.stop import stop_on_signals

app = typer.Typer()


@app.command()
def run(
    config: Annotated[Path, typer.Option("-c", "--config", help="The unit's configuration.")],
    drain_s: Annotated[
        float, typer.Option(min=0, help="When all recordings have ended: how long to wait for receipts.")
    ] = 30.0,
    json: Json = False,
) -> None:
    """Run the unit, headless, until its recordings end or it is told to stop; then print the accounts."""
    memory.be_closed_to_others()
    clock, journal = Clock(), Journal()
    stop = stop_on_signals()
    loaded = load_device(config)
    try:
        unit = build.unit(loaded, clock, journal)
        if loaded.metrics.port is not None:
            serve_metrics(journal, loaded.metrics.port)
        accounts = unit.run(stop, drain_s)
    except memory.StartAgain:  # at the start, or because a bundle came in that wants it; the unit has ended in good order then
        memory.overwrite_what_is_freed()
        raise
    if json:
        write_json(accounts)
    else:
        from edge.present import accounts_table

        say().print(accounts_table(accounts))
    if not accounts.closed:
        raise typer.Exit(1)


@app.command()
def demo(
    keep: Annotated[Path | None, typer.Option(help="Keep keys, logs and store in this new folder.")] = None,
    json: Json = False,
) -> None:
    """Run the whole line on the bundled clip: own broker, unit, agency end, store."""
    from edge.demo.run import run_demo
    from edge.present import show_demo

    if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise ConfigError(f"run demo: {keep} is not empty; name a new folder")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an end in good order: broker and agency end end too
    with tempfile.TemporaryDirectory(prefix="plate-edge-demo-") as scratch:
        folder = (keep or Path(scratch) / "demo").absolute()
        folder.mkdir(parents=True, exist_ok=True)
        console = tell()
        with console.status("") as status:
            result = run_demo(folder, lambda words: status.update(words))
    if json:
        write_json(result)
    else:
        show_demo(result, say(), load_pack("us-ct"))
    if not result.passed:
        raise typer.Exit(1)


@app.command()
def doctor(
    config: Annotated[Path, typer.Option("-c", "--config", help="The unit's configuration.")],
    json: Json = False,
) -> None:
    """Look at everything that can be wrong on a unit, one line each, with the cure; changes nothing."""
    from rich.markup import escape

    from edge.doctor import examine

    faults = 0
    for check in examine(config):
        faults += check.state == "fault"
        if json:
            write_json(check)
        else:
            colour = {"ok": "green", "warning": "yellow", "fault": "red"}[check.state]
            say().print(f"[{colour}]{check.state:8}[/]{check.what}: {escape(check.words)}", soft_wrap=True)
    if faults:
        raise typer.Exit(1)


@app.command()
def report(
    config: Annotated[Path, typer.Option("-c", "--config", help="The unit's configuration.")],
    since: Annotated[datetime, typer.Option(help="From this hour on (UTC).")] = datetime(1970, 1, 1),
    until: Annotated[datetime, typer.Option(help="Up to, not including, this hour (UTC).")] = datetime(9999, 12, 31),
    by: Annotated[Literal["hour", "day", "total"], typer.Option(help="How finely to count.")] = "total",
    json: Json = False,
) -> None:
    """Print the unit's counters by rule, hot list, category and hour; they hold no plate, and the reads add up."""
    path = load_device(config).unit.data / build.LEDGER_FILE
    bounds = [each.replace(tzinfo=timezone.utc) for each in (since, until)]
    counts = totals(path, bounds[0], bounds[1], {"hour": 13, "day": 10, "total": 0}[by])
    if json:
        write_json({"reads": reads_account(counts), "counts": counts})
    else:
        from edge.present import report_table

        say().print(report_table(counts))
