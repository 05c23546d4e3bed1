"""``plate-edge ingest``, ``alarms``, ``units`` and ``times``: the agency end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge import build, memory
from edge.clock import Clock
from edge.commands.common import (
    AgencyFile,
    Json,
    say,
    write_json,
)
from edge.config import load_agency
from edge.ingest.witness import read_accounts, read_alarms, read_times, settle_alarms
from edge.journal import Journal
from edge.present import (
    alarm_table,
    time_table,
    unit_table,
)
from edge.stop import stop_on_signals

app = typer.Typer()


@app.command()
def ingest(config: Annotated[Path, typer.Option("-c", "--config", help="The agency end's configuration.")]) -> None:
    """Run the agency end: verify, open, store, commit, receipt, delete what has expired, until told to stop."""
    memory.write_no_core()
    loaded, journal = load_agency(config), Journal()
    worker = build.ingest(loaded, journal)  # before there is any thread, since several workers are forked
    stop = stop_on_signals()
    with build.expiry(loaded, Clock(), journal).beside():
        worker.run(stop)


@app.command()
def alarms(
    config: AgencyFile,
    settle: Annotated[list[int] | None, typer.Option(help="The number of an alarm that somebody has looked at.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show settled ones too.")] = False,
    json: Json = False,
) -> None:
    """What does not fit in the units' chains: rows deleted, changed or signed again, files set back, clones."""
    path = build.witness_path(load_agency(config))
    if settle:
        settle_alarms(path, settle)
    shown = [alarm for alarm in read_alarms(path) if everything or not alarm.settled]
    if json:
        for alarm in shown:
            write_json(alarm)
    else:
        say().print(alarm_table(shown))
    if any(not alarm.settled for alarm in shown):
        raise typer.Exit(1)


@app.command()
def units(config: AgencyFile, json: Json = False) -> None:
    """Where the reads of each unit are: stored, dropped and expired on the unit, still to come, missing; it adds up."""
    loaded = load_agency(config)
    store = build.open_store(loaded.store)
    try:
        accounts = read_accounts(build.witness_path(loaded), store)
    finally:
        store.close()
    if json:
        for account in accounts:
            write_json(account)
    else:
        say().print(unit_table(accounts))
    if any(account.missing for account in accounts):
        raise typer.Exit(1)


@app.command()
def times(config: AgencyFile, json: Json = False) -> None:
    """When reads were captured that bear the time of a clock nobody had set, as far as the unit has said by now."""
    found = read_times(build.witness_path(load_agency(config)))
    if json:
        for each in found:
            write_json(each)
    else:
        say().print(time_table(found))
