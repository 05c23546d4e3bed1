"""``plate-edge store``: delete, hold and prove, at the agency."""

from __future__ import annotations

import tempfile
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer

from edge import build
from edge.bench.store import measure_store
from edge.clock import Clock
from edge.commands.common import (
    AgencyFile,
    Json,
    Moment,
    end_of,
    say,
    write_json,
)
from edge.config import StoreConfig, load_agency
from edge.envelope.keyring import load_private_key, load_public_keys
from edge.errors import ConfigError
from edge.handed_out import not_here, write_new
from edge.present_store import book_table, event_words, hold_table, speed_words
from edge.proofs import book_check, read_proofs, write_proofs
from edge.store.book import check_book
from edge.store.interface import HoldOrder, PictureOrder

store_commands = typer.Typer(help="Delete, hold and prove, at the agency; also while `ingest` runs.", no_args_is_help=True)


@store_commands.command("expire")
def store_expire(
    config: AgencyFile,
    clock_is_right: Annotated[
        bool, typer.Option("--clock-is-right", help="You have looked: the last run really was so long ago.")
    ] = False,
    json: Json = False,
) -> None:
    """Delete the reads whose time has passed and that no hold keeps; `ingest` does so by itself every quarter of an hour."""
    loaded, now = load_agency(config), Clock().now().utc
    with closing(build.open_store(loaded.store)) as store:
        if clock_is_right:
            store.trust_clock(now)
        event = store.expire(now, build.book_keeper(loaded))
    if json:
        write_json(event)
    else:
        say().print("nothing to delete" if event is None else event_words(event), markup=False, soft_wrap=True)


@store_commands.command("hold")
def store_hold(
    reads: Annotated[list[str], typer.Argument(help="Ids of the reads to keep.")],
    config: AgencyFile,
    authority: Annotated[str, typer.Option(help="What lets you, in the words of the reads' labels: warrant, court-order, …")],
    case: Annotated[str, typer.Option(help="Case number.")],
    approver: Annotated[str, typer.Option(help="Who approved it.")],
    until: Annotated[
        datetime, typer.Option(formats=Moment, help="Last day, or the minute (UTC), after which it ends by itself.")
    ],
    since: Annotated[
        datetime | None, typer.Option("--from", formats=Moment, help="In force since (UTC); now unless told.")
    ] = None,
    json: Json = False,
) -> None:
    """Keep reads beyond their time, under an authority that their labels name."""
    loaded, now = load_agency(config), Clock().now().utc
    order = HoldOrder(
        authority=authority,
        case=case,
        approver=approver,
        reads=tuple(reads),
        begins=now if since is None else since.replace(tzinfo=timezone.utc),
        ends=end_of(until),
    )
    with closing(build.open_store(loaded.store)) as store:
        placed = store.hold(order, now, build.book_keeper(loaded))
    if json:
        write_json(placed)
    else:
        say().print(hold_table([placed]))


@store_commands.command("release")
def store_release(
    hold: Annotated[str, typer.Argument(help="Id of the hold.")],
    config: AgencyFile,
    by: Annotated[str, typer.Option(help="Who releases it.")],
    reason: Annotated[str, typer.Option(help="Why.")],
) -> None:
    """End a hold before its time; its reads are deleted with the next run if theirs has passed."""
    loaded = load_agency(config)
    with closing(build.open_store(loaded.store)) as store:
        say().print(hold_table([store.release(hold, by, reason, Clock().now().utc, build.book_keeper(loaded))]))


@store_commands.command("holds")
def store_holds(
    config: AgencyFile,
    everything: Annotated[bool, typer.Option("--all", help="Show those that are over too.")] = False,
    json: Json = False,
) -> None:
    """What is held, under which authority, until when."""
    with closing(build.open_store(load_agency(config).store)) as store:
        shown = [hold for hold in store.holds() if everything or hold.over is None]
    if json:
        for hold in shown:
            write_json(hold)
    else:
        say().print(hold_table(shown))


@store_commands.command("picture")
def store_picture(
    read: Annotated[str, typer.Argument(help="Id of the read.")],
    config: AgencyFile,
    out: Annotated[Path, typer.Option("-o", "--out", help="A new file for the JPEG.")],
    by: Annotated[str, typer.Option(help="Who wants to see it.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    case: Annotated[str, typer.Option(help="Case number, if there is one.")] = "",
    frame: Annotated[bool, typer.Option("--frame", help="The street around the plate, not the plate alone.")] = False,
) -> None:
    """Write out the picture of a read; the signed book says who got it and why.  One that is still on its unit is asked for."""
    loaded, now = load_agency(config), Clock().now().utc
    order = PictureOrder(read=read, kind="frame" if frame else "crop", by=by, reason=reason, case=case)
    if out.exists():
        raise ConfigError(f"write picture {out}: the file is there already; name a new one")
    with closing(build.open_store(loaded.store)) as store:
        missing = not_here(store, order, now)
        if missing:
            say().print(missing, markup=False, soft_wrap=True)
            raise typer.Exit(1)
        jpeg = store.hand_out(order, now, build.book_keeper(loaded))
    write_new(out, jpeg)


@store_commands.command("proofs")
def store_proofs(
    file: Annotated[Path | None, typer.Argument(help="A file that `--out` wrote; without it the agency's own store.")] = None,
    config: Annotated[Path | None, typer.Option("-c", "--config", help="The agency end's configuration.")] = None,
    key: Annotated[
        list[Path] | None, typer.Option("--key", help="The agency's receipt.pem, also old ones; may be given again.")
    ] = None,
    agency: Annotated[str | None, typer.Option(help="With a file: whose book it is to be.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Also write it to this new file, for an auditor.")] = None,
    json: Json = False,
) -> None:
    """Follow the signed chain of holds and deletions from its beginning, and show it."""
    keys_given = [each for path in key or () for each in load_public_keys(path)]
    if file is not None:
        if config is not None or not keys_given or agency is None:
            raise typer.BadParameter("with a file, give --key and --agency and no configuration")
        report = check_book(read_proofs(file), agency, book_check(keys_given))
    elif config is not None:
        loaded = load_agency(config)
        own = load_private_key(loaded.ingest.receipt_key).public_key()
        with closing(build.open_store(loaded.store)) as store:
            report = check_book(store.book(), loaded.ingest.agency, book_check([own, *keys_given]))
            if out is not None:
                write_proofs(store.book(), out)
    else:
        raise typer.BadParameter("give -c with the agency's configuration, or a file of proofs")
    if json:
        write_json(report)
    else:
        say().print(book_table(report))
    if report.findings:
        raise typer.Exit(1)


@store_commands.command("bench")
def store_bench(
    dsn: Annotated[
        str | None,
        typer.Option(help="An empty PostgreSQL database, which is filled; SQLite in a temporary folder unless told."),
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Where to make SQLite's folder: the disk that is to be measured.")] = None,
    reads: Annotated[int, typer.Option(min=100, max=1_000_000)] = 20_000,
    batch: Annotated[int, typer.Option(min=1, max=10_000)] = 64,
    json: Json = False,
) -> None:
    """Measure how many reads a second a store takes, each batch safely on its disk."""
    with tempfile.TemporaryDirectory(prefix="plate-edge-bench-", dir=folder) as scratch:
        files, server = StoreConfig(path=Path(scratch) / "reads.sqlite"), StoreConfig(kind="postgres", dsn=dsn)
        with closing(build.open_store(files if dsn is None else server)) as store:
            speed = measure_store(store, reads, batch)
    if json:
        write_json(speed)
    else:
        say().print(speed_words(speed), soft_wrap=True)
