"""``plate-edge outbox``: look into a unit's outbox."""

from __future__ import annotations

import typer

from edge import build
from edge.commands.common import (
    DeviceFile,
    Json,
    say,
    write_json,
)
from edge.config import load_device
from edge.outbox import inspect as outbox_inspect
from edge.present import (
    backlog_table,
)

outbox_commands = typer.Typer(help="Look into a unit's outbox, also while it runs.", no_args_is_help=True)


@outbox_commands.command("status")
def outbox_status(config: DeviceFile, json: Json = False) -> None:
    """How much waits, since when, and how much was ever committed and pruned."""
    backlog = outbox_inspect.status(build.outbox_path(load_device(config)))
    if json:
        write_json(backlog)
    else:
        say().print(backlog_table(backlog))


@outbox_commands.command("verify")
def outbox_verify(config: DeviceFile, json: Json = False) -> None:
    """Follow the chain of everything that waits and check each signature."""
    loaded = load_device(config)
    report = outbox_inspect.verify(build.outbox_path(loaded), build.signature_check(loaded))
    if json:
        write_json(report)
    else:
        say().print(
            f"{report.checked} reads, {report.copies} copies, {report.pictures} pictures checked, {len(report.findings)} wrong"
        )
        for finding in report.findings:
            say().print(f"  number {finding.seq}: {finding.wrong}", style="red")
    if report.findings:
        raise typer.Exit(1)
