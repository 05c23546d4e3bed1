"""``plate-edge bench ingest``: how many reads a second the agency end takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from edge.bench.ingest import IngestSpeed, Kind, measure_ingest
from edge.commands.common import Json, say, tell, write_json


def ingest(
    store: Annotated[Kind, typer.Option(help="Where the reads go; for PostgreSQL one is made and thrown away.")] = "postgres",
    devices: Annotated[int, typer.Option(min=1, max=500, help="Units, each with its certificate and connection.")] = 64,
    reads: Annotated[int, typer.Option(min=100, max=1_000_000, help="How many to send as fast as goes.")] = 20_000,
    half_s: Annotated[float, typer.Option(min=1, help="How long then to send at half of what is asked for.")] = 20.0,
    workers: Annotated[int, typer.Option(min=1, max=64, help="The agency end's `workers`.")] = 2,
    folder: Annotated[Path | None, typer.Option(help="Where SQLite's files are to lie: the disk that is measured.")] = None,
    json: Json = False,
) -> None:
    """Measure units, broker, TLS, agency end and store together on this machine; exit code 1 if it is less than asked for."""
    tell().print(f"sealing and signing the reads of {devices} units; broker, agency end and store start after that")
    speed = measure_ingest(store, devices, reads, half_s, workers, folder)
    if json:
        write_json(speed)
    else:
        say().print(_table(speed))
        say().print(_words(speed), soft_wrap=True)
    if not speed.passed:
        raise typer.Exit(1)


def _table(speed: IngestSpeed) -> Table:
    table = Table(
        "load", "reads", "stored a second", "to receipt p50", "p99", "receipts", "CPU s for 1,000 reads", "others' cores"
    )
    for name, load in (("as fast as goes", speed.full), (f"{speed.half.offered_per_s:.0f} a second", speed.half)):
        cpu = ", ".join(f"{part} {seconds:.2f}" for part, seconds in load.cpu_s_per_1000.items())
        table.add_row(
            name,
            f"{load.reads:,}",
            f"{load.stored_per_s:,.0f}",
            f"{load.p50_ms:,.0f} ms",
            f"{load.p99_ms:,.0f} ms",
            f"{load.receipts:,}",
            f"{sum(load.cpu_s_per_1000.values()):.2f} ({cpu})",
            f"{load.others:.1f}",
        )
    return table


def _words(speed: IngestSpeed) -> str:
    held = f"the agency end holds {speed.pss_mb:.0f} MB, {speed.threads} threads, {speed.files} open files"
    asked = f"asked for are {speed.goal_per_s:,.0f} a second and, at half of that, 99 of 100 receipts within a second"
    verdict = "reached" if speed.passed else "not reached"
    return (
        f"{speed.store}, {speed.devices} units, {speed.workers} worker(s), {speed.wire_bytes} bytes a read, {speed.host}; "
        f"stored {speed.stored:,} of {speed.sent:,} sent; {held}; {asked}: {verdict}"
    )
