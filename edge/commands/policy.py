"""``plate-edge policy``: check, try out, explain, bundle and install packs."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from edge import build
from edge.bench.decisions import time_decisions
from edge.bundling import Order, make_bundle, read_bundle, sign_bundle, unpack
from edge.clock import Clock
from edge.commands.common import (
    DeviceFile,
    Json,
    say,
    write_json,
)
from edge.config import load_device
from edge.envelope.keyring import load_private_key
from edge.errors import ConfigError
from edge.hotlist.files import replace_file
from edge.labeler.scope import label
from edge.policy.bundle import read as open_bundle
from edge.policy.cases import run_cases
from edge.policy.check import findings
from edge.policy.compare import answers, markdown
from edge.policy.decide import decide
from edge.policy.difference import difference, in_words
from edge.policy.explain import explain, explain_pack
from edge.policy.load import bundled_packs, load_pack
from edge.present import (
    bundle_table,
    status_lines,
)
from edge.records import LabeledRead

policy_commands = typer.Typer(help="Check, try out and explain policy packs.", no_args_is_help=True)
PackNames = Annotated[list[str], typer.Argument(help="Names of bundled packs, or paths of pack files.")]


SomePacks = Annotated[list[str] | None, typer.Argument(help="Bundled packs or paths; every bundled pack unless told.")]
Layers = Annotated[list[Path] | None, typer.Option("--layer", help="An agency's or device's file on top; may be given again.")]


@policy_commands.command("check")
def policy_check(packs: SomePacks = None, layer: Layers = None, json: Json = False) -> None:
    """Read packs strictly and say what to know about them: dates, dead rules, unverified clauses."""
    problems = 0
    for name in packs or bundled_packs():
        found = findings(load_pack(name, *(layer or ())), Clock().now().utc)
        problems += sum(each.weight == "problem" for each in found)
        if json:
            write_json({"pack": name, "findings": found})
            continue
        say().print(f"[bold]{name}[/]: the pack is well formed; {len(found)} things to know")
        for each in found:
            say().print(f"  {each.weight} [{each.rule}] {each.words}", markup=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)


@policy_commands.command("test")
def policy_test(packs: SomePacks = None, layer: Layers = None, json: Json = False) -> None:
    """Run the cases that packs carry; a layer's cases are held against it and what lies under it."""
    run, failed = 0, 0
    names = packs or bundled_packs()
    for name in names:
        for result in run_cases(load_pack(name, *(layer or ())), label):
            run += 1
            failed += not result.passed
            if json:
                write_json({"pack": name, "case": result.name, "clause": result.clause, "wrong": result.wrong})
            else:
                mark = "ok   " if result.passed else "WRONG"
                say().print(
                    f"{mark} {name}: {result.name} ({result.clause}) {' '.join(result.wrong)}", markup=False, soft_wrap=True
                )
    if not json:
        say().print(f"{run} cases of {len(names)} {'pack' if len(names) == 1 else 'packs'}, {failed} wrong")
    if failed:
        raise typer.Exit(1)


@policy_commands.command("table")
def policy_table(packs: SomePacks = None, json: Json = False) -> None:
    """What packs make of the same eleven situations, as a Markdown table; with --json also which rules and clauses decided."""
    rows = [answers(load_pack(name), label) for name in packs or bundled_packs()]
    if not json:
        sys.stdout.write(markdown(rows) + "\n")
        return
    for row in rows:
        write_json(row)


@policy_commands.command("diff")
def policy_diff(
    old: Annotated[str, typer.Argument(help="Name of a bundled pack, or path of a pack file.")],
    new: Annotated[str, typer.Argument(help="The pack that is to take its place.")],
    json: Json = False,
) -> None:
    """What changes for whom when one pack takes the place of another, over many generated situations."""
    found = difference(load_pack(old), load_pack(new), label)
    if json:
        write_json(found)
        return
    for line in in_words(found):
        say().print(line, markup=False, soft_wrap=True)


@policy_commands.command("explain")
def policy_explain(
    pack: Annotated[str, typer.Argument(help="Name of a bundled pack, or path of a pack file.")],
    read: Annotated[
        Path | None, typer.Argument(help="A labelled read as JSON; without it the whole pack is explained.")
    ] = None,
) -> None:
    """Say in plain words what a pack rules, or which rules and clauses decided about a read."""
    loaded = load_pack(pack)
    lines = explain_pack(loaded) if read is None else explain(decide(read_labeled(read), loaded), loaded)
    for line in lines:
        say().print(line, markup=False, soft_wrap=True)


@policy_commands.command("bench")
def policy_bench(packs: PackNames, json: Json = False) -> None:
    """Measure how long a label and a decision take on this machine, in µs a read."""
    for name in packs:
        times = time_decisions(load_pack(name))
        if json:
            write_json(times)
        else:
            words = f"median {times.median_us:.0f} µs, 99 % within {times.p99_us:.0f} µs, first {times.first_us:.0f} µs"
            say().print(f"{times.pack}: {words} a read (label and decision, {times.reads} reads)", soft_wrap=True)


BundleFile = Annotated[Path, typer.Argument(help="A policy bundle.")]
SignKeys = Annotated[list[Path] | None, typer.Option("--key", help="policy.key of a signer; may be given again.")]


@policy_commands.command("bundle")
def policy_bundle(
    packs: Annotated[list[str], typer.Argument(help="The state's pack, by name or path, then layers that narrow it.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write.")],
    counter: Annotated[int, typer.Option(min=1, help="Higher than that of any bundle before; units take no lower one.")],
    expires: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="From this day on (UTC) nothing is captured.")],
    key: SignKeys = None,
    zones: Annotated[Path | None, typer.Option(help="GeoJSON file of no-capture zones.")] = None,
    agreements: Annotated[Path | None, typer.Option(help="File of agreements.")] = None,
    lists: Annotated[
        list[Path] | None,
        typer.Option("--list", help="A hot list, as it lies on the units; may be given again. No other one is used."),
    ] = None,
    list_key: Annotated[Path | None, typer.Option(help="The secret of compiled lists.")] = None,
    device: Annotated[list[str] | None, typer.Option(help="A unit that it is for, again for more; any unless told.")] = None,
) -> None:
    """Make one file of pack, layers, zones, agreements and hot lists' digests, and sign it."""
    order = Order(
        packs=tuple(packs),
        agreements=agreements,
        zones=zones,
        lists=tuple(lists or ()),
        list_key=list_key,
        counter=counter,
        expires=expires.replace(tzinfo=timezone.utc),
        devices=tuple(device or ()),
    )
    data = make_bundle(order, Clock().now().utc)
    for path in key or ():
        data = sign_bundle(data, load_private_key(path))
    replace_file(out, data)
    say().print(bundle_table(open_bundle(data)))


@policy_commands.command("unpack")
def policy_unpack(
    bundle: BundleFile, out: Annotated[Path, typer.Option("-o", "--out", help="New folder for the bundle's files.")]
) -> None:
    """Write a bundle's files into a folder, to be read before one signs."""
    data = read_bundle(bundle)
    unpack(data, out)
    say().print(bundle_table(open_bundle(data)))


@policy_commands.command("sign")
def policy_sign(bundle: BundleFile, key: Annotated[Path, typer.Option(help="policy.key of one more signer.")]) -> None:
    """Add a person's signature to a bundle; look into it first with `policy unpack`."""
    data = sign_bundle(read_bundle(bundle), load_private_key(key))
    replace_file(bundle, data)
    say().print(bundle_table(open_bundle(data)))


@policy_commands.command("install")
def policy_install(bundle: BundleFile, config: DeviceFile) -> None:
    """Check a bundle and put it in force on this unit, also while the unit runs; what is refused changes nothing."""
    rules = build.policy_folder(load_device(config)).install(bundle, Clock().now().utc, label)
    says = rules.manifest
    say().print(f"bundle {says.counter} is in force until {says.expires.isoformat()}", soft_wrap=True)


@policy_commands.command("status")
def policy_status(config: DeviceFile, json: Json = False) -> None:
    """Which bundle is in force on this unit, until when, and what was refused."""
    status = build.policy_folder(load_device(config)).status(Clock().now().utc)
    if json:
        write_json(status)
    else:
        for line in status_lines(status):
            say().print(line, markup=False, soft_wrap=True)
    if status.state != "in force":
        raise typer.Exit(1)


def read_labeled(path: Path) -> LabeledRead:
    """A labelled read from a JSON file.  Raises ConfigError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=LabeledRead)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"read labelled read {path}: {error}") from error
