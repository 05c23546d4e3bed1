"""The commands: parse, load, build, run, exit code; nothing else.

Exit codes: 0 done, 1 found something wrong, 2 wrong call or configuration (see the README's table)."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track as progress_bar

from calibration.cli import app as calibrate_app
from edge import build, keys, memory
from edge.bench.decisions import time_decisions
from edge.bench.evaluate import evaluate, read_reviews
from edge.bench.failures import FailureSheets
from edge.bench.hotlist import measure as measure_hotlist
from edge.bench.plots import draw_plots, require_matplotlib
from edge.bench.scorecard import Pair, measure
from edge.bench.store import measure_store
from edge.bench.tables import score_table, show_scorecard, show_slices
from edge.bundling import Order, make_bundle, read_bundle, sign_bundle, unpack
from edge.clock import Clock
from edge.config import CameraConfig, DetectorConfig, RecognizerConfig, StoreConfig, TrackerConfig, load_agency, load_device
from edge.demo.run import run_demo
from edge.detector.interface import Detector
from edge.doctor import examine
from edge.envelope.keyring import load_private_key, load_public_keys
from edge.errors import CameraError, ConfigError
from edge.hotlist.files import replace_file, stamp_path, write_stamp
from edge.hotlist.keyed import compile_list, load_key, make_key
from edge.ingest.witness import read_accounts, read_alarms, settle_alarms
from edge.journal import Journal, serve_metrics
from edge.labeler.scope import label
from edge.ledger import reads_account, totals
from edge.model_files import bundled_folder, default_models, read_manifest
from edge.model_registry import Offer, add_models, verify_models
from edge.outbox import inspect as outbox_inspect
from edge.policy.bundle import read as open_bundle
from edge.policy.cases import run_cases
from edge.policy.check import findings
from edge.policy.compare import answers, markdown
from edge.policy.decide import decide
from edge.policy.difference import difference, in_words
from edge.policy.explain import explain, explain_pack
from edge.policy.load import bundled_packs, load_pack
from edge.present import (
    accounts_table,
    alarm_table,
    backlog_table,
    bundle_table,
    drawn_words,
    key_table,
    model_table,
    report_table,
    show_demo,
    status_lines,
    unit_table,
)
from edge.present_store import book_table, event_words, hold_table, speed_words
from edge.proofs import book_check, read_proofs, write_proofs
from edge.read import PictureText, find_inputs, is_clip, read_clip, read_crop, read_picture, shown
from edge.recognizer.fast_plate_ocr import FastPlateOcr
from edge.records import LabeledRead
from edge.store.book import check_book
from edge.store.interface import HoldOrder
from edge.tracker.interface import Tracker

app = typer.Typer(
    name="plate-edge",
    help="Licence-plate reads that carry their own sharing rules, decided and sealed at the camera.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

T = TypeVar("T")

#: What typer raises for a wrong call (it offers only a subclass by name), and when somebody presses Ctrl-C.
WRONG_CALL: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError")
STOPPED = (KeyboardInterrupt, typer.Abort)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Models = Annotated[Path | None, typer.Option("--models", help="Folder with manifest.toml; the bundled models unless told.")]
DetectorName = Annotated[str | None, typer.Option("--detector", help="Detector, by its name in the manifest.")]
RecognizerName = Annotated[str | None, typer.Option("--recognizer", help="Plate reader, by its name in the manifest.")]


#: Wide enough for the widest table.
WIDTH_IN_FILES = 170


def write_json(value: object) -> None:
    """One JSON object on one line of standard output."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def say() -> Console:
    """The console for people: standard output; wide where it is no terminal, so that a file keeps whole tables."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_IN_FILES)


def tell() -> Console:
    """The console for progress and warnings: standard error."""
    return Console(stderr=True, highlight=False)


@app.command()
def read(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, clips, or folders of them.")],
    crops: Annotated[bool, typer.Option("--crops", help="Each picture is one plate: read it, do not search.")] = False,
    models: Models = None,
    detector: DetectorName = None,
    recognizer: RecognizerName = None,
    json: Json = False,
) -> None:
    """Find and read plates in pictures and clips: no policy, no network, nothing kept."""
    folder = models or bundled_folder()
    clock = Clock()
    ocr = build.recognizer(folder, RecognizerConfig(model=recognizer))
    finder = None if crops else build.detector(folder, DetectorConfig(model=detector))
    undecodable = 0
    for path in find_inputs(paths):
        try:
            if is_clip(path) and finder is not None:
                show_clip(path, finder, build.tracker("clip", TrackerConfig()), ocr, clock, json)
            else:
                show_picture(read_crop(path, ocr, clock) if finder is None else read_picture(path, finder, ocr, clock), json)
        except CameraError as error:
            undecodable += 1
            sys.stderr.write(f"plate-edge: {error}\n")
    if undecodable:
        raise typer.Exit(1)


def show_picture(picture: PictureText, json: bool) -> None:
    """One line a picture."""
    if json:
        write_json(picture)
        return
    found = ", ".join(f"[bold]{p.text or '?'}[/] {p.region} {p.text_confidence:.2f}" for p in picture.plates)
    say().print(f"{escape(picture.image)}  {found or 'no plate'}", soft_wrap=True)


def show_clip(path: Path, finder: Detector, tracker: Tracker, ocr: FastPlateOcr, clock: Clock, json: bool) -> None:
    """One line a Read of the clip, as soon as its pass has ended.  Raises CameraError if the clip cannot be decoded."""
    camera = build.camera(CameraConfig(name=path.name, source=str(path)), clock, Journal())
    reads = 0
    for result in read_clip(path, camera, finder, tracker, ocr):
        reads += 1
        if json:
            write_json(result)
            continue
        say().print(
            f"{escape(result.clip)}  {result.first_s:7.2f}–{result.last_s:.2f} s  [bold]{result.text or '?'}[/]  "
            f"{result.region}  {result.text_confidence:.2f}  ({result.readings} readings)",
            soft_wrap=True,
        )
    if not reads and not json:
        say().print(f"{escape(shown(path))}  no plate", soft_wrap=True)


@app.command(name="eval")
def eval_(
    manifests: Annotated[
        list[Path] | None, typer.Argument(help="Manifests: one JSON object a line, see the README.", show_default=False)
    ] = None,
    everything: Annotated[
        Path | None,
        typer.Option(
            "--all",
            metavar="DIR",
            help="Instead of manifests: all there is to measure, against the targets. Takes manifest.jsonl, crops.jsonl and "
            "video/videos.jsonl of DIR, as far as they are there, the bundled clip, speed and size; the FP32 pair beside the "
            "one that is named or the default.",
        ),
    ] = None,
    models: Models = None,
    detector: DetectorName = None,
    recognizer: RecognizerName = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Detector confidence; the manifest's unless told.")
    ] = None,
    reviewed: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Boxes beside the labels that were looked at, see the README.")
    ] = None,
    slices: Annotated[bool, typer.Option("--slices", help="Also by width, brightness, blur, tilt and state.")] = False,
    failures: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Draw what failed, recall by width and reliability here. The sheets show plates and texts: keep them where "
            "the pictures are kept.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Score the models on labelled pictures: recall, extra boxes, exact text, character errors, by set and width."""
    folder = models or bundled_folder()
    if (everything is None) == (not manifests):
        raise typer.BadParameter("give manifests, or --all with a folder")
    if everything is not None:
        if failures is not None or threshold is not None:
            raise typer.BadParameter("--failures and --threshold go with manifests, not with --all")
        named = default_models(folder)
        pairs = [Pair(name="FP32", detector="detector", recognizer="ocr")]
        chosen = Pair(
            name="default" if detector is None and recognizer is None else "named",
            detector=detector or named.detector,
            recognizer=recognizer or named.recognizer,
        )
        if (chosen.detector, chosen.recognizer) != (pairs[0].detector, pairs[0].recognizer):
            pairs.append(chosen)
        card = measure(folder, pairs, everything, reviewed, Watched())
        if json:
            write_json(card)
        else:
            show_scorecard(card, say(), slices)
        return
    if failures is not None:
        require_matplotlib()
    reviews = None if reviewed is None else read_reviews(reviewed)
    clock = Clock()
    finder = build.detector(folder, DetectorConfig(model=detector, threshold=threshold))
    ocr = build.recognizer(folder, RecognizerConfig(model=recognizer))
    for number, manifest in enumerate(manifests or ()):
        stems = [m.stem for m in manifests or ()]
        name = manifest.stem if stems.count(manifest.stem) == 1 else f"{number + 1}-{manifest.stem}"
        sheets = None if failures is None else FailureSheets(failures, name, ocr.as_read)
        sets = evaluate(
            manifest,
            lambda p: read_picture(p, finder, ocr, clock),
            lambda p: read_crop(p, ocr, clock),
            Watched(),
            (lambda _: None) if sheets is None else sheets.see,
            reviews,
        )
        if json:
            write_json({"manifest": str(manifest), "detector": finder.sha256, "recognizer": ocr.sha256, "sets": sets})
        else:
            say().print(score_table(str(manifest), sets))
            if slices:
                show_slices(sets, say())
        if sheets is not None and failures is not None:
            sheets.close()
            draw_plots(failures, name, sets)
            tell().print(escape(drawn_words(sheets.drawn, failures)), soft_wrap=True)


class Watched:
    """A bar on the terminal for long loops; nothing where standard error is no terminal."""

    def __call__(self, items: Iterator[T], total: int) -> Iterator[T]:
        """Hand out ``items`` while the bar grows."""
        yield from progress_bar(
            items, total=total, description="reading", console=tell(), transient=True, disable=not sys.stderr.isatty()
        )


model_commands = typer.Typer(help="List, add and verify models.", no_args_is_help=True)
app.add_typer(model_commands, name="models")


@model_commands.command("list")
def models_list(folder: Models = None, json: Json = False) -> None:
    """List the installed models."""
    entries = read_manifest(folder or bundled_folder())
    if json:
        write_json(entries)
    else:
        say().print(model_table(entries))


@model_commands.command("add")
def models_add(
    files: Annotated[list[Path], typer.Argument(help="ONNX files: detectors, or a fast-plate-ocr reader.")],
    folder: Annotated[Path, typer.Option("--models", help="Folder to add them to; made if it is missing.")],
    name: Annotated[str | None, typer.Option(help="Its name; the file's own unless told.")] = None,
    config: Annotated[Path | None, typer.Option(help="The reader's plate configuration (YAML).")] = None,
    threshold: Annotated[float | None, typer.Option(help="The detector's confidence from which a plate counts.")] = None,
    licence: Annotated[str, typer.Option(help="Under which licence you have it.")] = "not stated",
    json: Json = False,
) -> None:
    """Check models (input, output, opset, one run in a process of its own), copy them in and record their hashes."""
    offer = Offer(files=tuple(files), name=name, config=config, threshold=threshold, licence=licence)
    added = add_models(folder, offer)
    if json:
        write_json(added)
    else:
        say().print(model_table(added))


@model_commands.command("verify")
def models_verify(folder: Models = None, json: Json = False) -> None:
    """Check that every model of the manifest is the file that was registered, loads and runs."""
    faults = 0
    for verdict in verify_models(folder or bundled_folder()):
        faults += verdict.wrong is not None
        if json:
            write_json(verdict)
        else:
            words = "ok" if verdict.wrong is None else f"WRONG: {verdict.wrong}"
            say().print(f"{verdict.name}: {words}", markup=False, soft_wrap=True)
    if faults:
        raise typer.Exit(1)


def stop_on_signals() -> threading.Event:
    """An event that is set when somebody asks this process to end."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@app.command()
def run(
    config: Annotated[Path, typer.Option("-c", "--config", help="The unit's configuration.")],
    drain_s: Annotated[
        float, typer.Option(min=0, help="When all recordings have ended: how long to wait for receipts.")
    ] = 30.0,
    json: Json = False,
) -> None:
    """Run the unit, headless, until its recordings end or it is told to stop; then print the accounts."""
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
        say().print(accounts_table(accounts))
    if not accounts.closed:
        raise typer.Exit(1)


@app.command()
def ingest(config: Annotated[Path, typer.Option("-c", "--config", help="The agency end's configuration.")]) -> None:
    """Run the agency end: verify, open, store, commit, receipt, delete what has expired, until told to stop."""
    stop = stop_on_signals()
    loaded, journal = load_agency(config), Journal()
    worker = build.ingest(loaded, journal)
    with build.expiry(loaded, Clock(), journal).beside():
        worker.run(stop)


AgencyFile = Annotated[Path, typer.Option("-c", "--config", help="The agency end's configuration.")]


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
def demo(
    keep: Annotated[Path | None, typer.Option(help="Keep keys, logs and store in this new folder.")] = None,
    json: Json = False,
) -> None:
    """Run the whole line on the bundled clip: own broker, unit, agency end, store."""
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
        say().print(report_table(counts))


key_commands = typer.Typer(help="Make, enrol and show keys and certificates.", no_args_is_help=True)
app.add_typer(key_commands, name="keys")
Folder = Annotated[Path, typer.Argument(help="Folder to make the keys in; nothing in it is overwritten.")]
CaFolder = Annotated[Path, typer.Option("--ca", help="Folder of the certificate authority.")]


@key_commands.command("ca")
def keys_ca(folder: Folder) -> None:
    """Make a certificate authority for a trial or a town without one."""
    keys.make_ca(folder)
    say().print(key_table(keys.describe(folder)))


@key_commands.command("device")
def keys_device(
    folder: Folder,
    ca: CaFolder,
    device: Annotated[str, typer.Option(help="The unit's name; it becomes the common name of its certificate.")],
    agency: Annotated[str, typer.Option(help="The agency that owns its reads.")],
) -> None:
    """Make a unit's signing key and its TLS certificate."""
    keys.make_device(folder, ca, device, agency)
    say().print(key_table(keys.describe(folder)))


@key_commands.command("agency")
def keys_agency(folder: Folder, ca: CaFolder, agency: Annotated[str, typer.Option(help="The agency's name.")]) -> None:
    """Make an agency's sealing and receipt keys and the TLS certificate of its ingest."""
    keys.make_agency(folder, ca, agency)
    say().print(key_table(keys.describe(folder)))


@key_commands.command("broker")
def keys_broker(
    folder: Folder,
    ca: CaFolder,
    agency: Annotated[list[str], typer.Option(help="An agency that this broker serves; may be given again.")],
    host: Annotated[list[str] | None, typer.Option(help="Name or address of the broker; may be given again.")] = None,
    port: Annotated[int, typer.Option(help="TLS port.")] = 8883,
) -> None:
    """Make a broker's certificate, its mosquitto.conf and its access list."""
    written = keys.make_broker(folder, ca, agency, hosts=host or ("localhost", "127.0.0.1"), port=port)
    say().print(key_table(keys.describe(folder)))
    say().print(f"configuration: {written}")


@key_commands.command("policy")
def keys_policy(folder: Folder) -> None:
    """Make the key with which one person signs policy bundles; units are told its policy.pem."""
    keys.make_policy_signer(folder)
    say().print(key_table(keys.describe(folder)))


@key_commands.command("enrol")
def keys_enrol(
    agency_folder: Annotated[Path, typer.Argument(help="The agency's folder.")],
    device_folder: Annotated[Path, typer.Argument(help="The device's folder.")],
) -> None:
    """Let an agency take a device's reads, and give the device the agency's public keys."""
    say().print(f"enrolled {keys.enrol(agency_folder, device_folder)}")


@key_commands.command("admit")
def keys_admit(
    agency_folder: Annotated[Path, typer.Argument(help="The agency's folder.")],
    device_folder: Annotated[Path, typer.Argument(help="Another agency's device: its sign.pem and tls.pem are enough.")],
) -> None:
    """Let an agency take the copies that another agency's device makes for it under an agreement."""
    say().print(f"admitted {keys.admit(agency_folder, device_folder)}")


@key_commands.command("show")
def keys_show(folder: Annotated[Path, typer.Argument(help="A folder of keys.")], json: Json = False) -> None:
    """Show what is in a folder of keys: ids, fingerprints, ends of validity; never a secret."""
    if json:
        for each in keys.describe(folder):
            write_json(each)
    else:
        say().print(key_table(keys.describe(folder)))


outbox_commands = typer.Typer(help="Look into a unit's outbox, also while it runs.", no_args_is_help=True)
app.add_typer(outbox_commands, name="outbox")
DeviceFile = Annotated[Path, typer.Option("-c", "--config", help="The unit's configuration.")]


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
        say().print(f"{report.checked} reads and {report.copies} copies checked, {len(report.findings)} wrong")
        for finding in report.findings:
            say().print(f"  number {finding.seq}: {finding.wrong}", style="red")
    if report.findings:
        raise typer.Exit(1)


store_commands = typer.Typer(help="Delete, hold and prove, at the agency; also while `ingest` runs.", no_args_is_help=True)
app.add_typer(store_commands, name="store")
Moment = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]


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


def end_of(moment: datetime) -> datetime:
    """UTC; a day without a time is meant whole."""
    whole_day = timedelta(days=1) if (moment.hour, moment.minute) == (0, 0) else timedelta()
    return moment.replace(tzinfo=timezone.utc) + whole_day


hotlist_commands = typer.Typer(help="Stamp and compile hot lists, at the agency.", no_args_is_help=True)
app.add_typer(hotlist_commands, name="hotlist")
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


policy_commands = typer.Typer(help="Check, try out and explain policy packs.", no_args_is_help=True)
app.add_typer(policy_commands, name="policy")
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
    """What packs make of the same ten situations, as a Markdown table; with --json also which rules and clauses decided."""
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


app.add_typer(calibrate_app, name="calibrate")
