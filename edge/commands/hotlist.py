"""``plate-edge hotlist``: stamp and compile hot lists, at the agency."""

from __future__ import annotations

import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer

from edge.bench.hotlist import measure as measure_hotlist
from edge.clock import Clock
from edge.commands.common import (
    Json,
    say,
    write_json,
)
from edge.hotlist.files import replace_file, stamp_path, write_stamp
from edge.hotlist.keyed import compile_list, load_key, make_key

hotlist_commands = typer.Typer(help="Stamp and compile hot lists, at the agency.", no_args_is_help=True)
ListFile = Annotated[Path, typer.Argument(help="A hot list as CSV.")]


@hotlist_commands.command("stamp")
def hotlist_stamp(
    path: ListFile,
    version: Annotated[str, typer.Option(help="The list's version.")],
    name: Annotated[str | None, typer.Option(help="The list's name; its file's unless told.")] = None,
    issued: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"], help="When it was issued (UTC); now unless told."),
    ] = None,
) -> None:
    """Check a list and write beside it which list it is, so that a unit knows its age."""
    when = Clock().now().utc if issued is None else issued.replace(tzinfo=timezone.utc)
    entries = write_stamp(path, name or path.stem, version, when)
    say().print(f"{stamp_path(path)}: {entries} entries", markup=False, soft_wrap=True)


@hotlist_commands.command("key")
def hotlist_key(path: Annotated[Path, typer.Argument(help="File to make; nothing is overwritten.")]) -> None:
    """Make the secret with which an agency compiles its lists and its units read them."""
    say().print(f"{path}: key {make_key(path).id.hex()}", markup=False, soft_wrap=True)


@hotlist_commands.command("compile")
def hotlist_compile(
    path: ListFile,
    key: Annotated[Path, typer.Option(help="The agency's secret, of `plate-edge hotlist key`.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write.")],
) -> None:
    """Make of a stamped list what a unit may keep where no list may lie in plain text: keyed digests, sealed."""
    replace_file(out, compile_list(path, load_key(key)))
    say().print(f"{out}: put it on the units; no plate can be read in it", markup=False, soft_wrap=True)


@hotlist_commands.command("bench")
def hotlist_bench(
    entries: Annotated[int, typer.Option(min=1, max=1_000_000, help="Entries of the made-up list.")] = 100_000,
    keyed: Annotated[bool, typer.Option("--keyed", help="Compile the list first.")] = False,
    json: Json = False,
) -> None:
    """Measure the memory that a list takes and the time of a look-up."""
    with tempfile.TemporaryDirectory(prefix="plate-edge-bench-") as scratch:
        cost = measure_hotlist(Path(scratch), entries, keyed)
    if json:
        write_json(cost)
        return
    say().print(
        f"{cost.entries} entries, a file of {cost.file_mb} MB: loaded in {cost.load_s} s, {cost.grown_mb} MB of memory "
        f"({cost.peak_mb} MB while loading)",
        soft_wrap=True,
    )
    for each in cost.lookups:
        say().print(f"  {each.kind}: {each.median_us} µs of processor time, one in a hundred {each.p99_us} µs", soft_wrap=True)
