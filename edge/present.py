"""What people see: results as tables and plain words.  Machines get the Structs themselves, with ``--json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge.ingest.clocks import CorrectedTime
from edge.ingest.interface import ALARM_WORDS, Alarm, UnitAccount
from edge.keys import KeyDescription
from edge.ledger import Count, reads_account
from edge.outbox.interface import Backlog
from edge.policy.bundle import Bundle
from edge.policy.explain import cited, doors_in_words
from edge.policy.installed import Status
from edge.policy.pack import Pack
from edge.unit import Accounts

if TYPE_CHECKING:  # for those who show nothing of the kind they would be thirty megabytes of libraries
    from edge.bench.failures import Kind
    from edge.demo.run import DemoResult
    from edge.model_files import ManifestEntry


def drawn_words(drawn: Mapping[Kind, int], folder: Path) -> str:
    """What was drawn where, and how to treat it."""
    from edge.bench.failures import Kind

    counts = ", ".join(f"{drawn.get(kind, 0)} {kind}" for kind in get_args(Kind))
    return f"{counts}: drawn in {folder}.  The sheets show plates and texts: keep them where the pictures are kept."


def accounts_table(accounts: Accounts) -> Table:
    """Where every frame and read went, and whether the accounts close."""
    table = Table("accounts", "", show_header=False, title="accounts: " + ("closed" if accounts.closed else "NOT CLOSED"))
    table.add_row("frames received", str(accounts.frames_received))
    table.add_row("  processed", str(accounts.frames_processed))
    for reason, number in accounts.frames_skipped.items():
        if number:
            table.add_row(f"  skipped: {reason}", str(number))
    for reason, number in accounts.frames_dropped.items():
        if number:
            table.add_row(f"  dropped: {reason}", str(number))
    if accounts.stream_gaps:
        table.add_row("stream gaps", f"{accounts.stream_gaps} ({accounts.stream_gap_s:.1f} s)")
    table.add_row("tracks too short / unread", f"{accounts.tracks_noise} / {accounts.tracks_unread}")
    table.add_row("reads", str(accounts.reads))
    table.add_row("  committed", str(accounts.reads_committed))
    for rule, number in accounts.reads_withheld.items():
        table.add_row(f"  withheld: {rule}", str(number))
    if accounts.reads_expired:
        table.add_row("  expired before they could be kept", str(accounts.reads_expired))
    table.add_row("  lost", str(accounts.reads_lost))
    table.add_row("waiting for a receipt", str(accounts.backlog.waiting))
    if accounts.backlog.expired or accounts.backlog.dropped:
        table.add_row("  expired / dropped undelivered", f"{accounts.backlog.expired} / {accounts.backlog.dropped}")
    return table


def report_table(counts: Sequence[Count]) -> Table:
    """Counters by hour or day, name and reason, and whether the account of reads closes."""
    account = reads_account(counts)
    closes = account["captured"] == sum(number for name, number in account.items() if name != "captured")
    shown = " + ".join(f"{number} {name}" for name, number in account.items() if name != "captured")
    title = f"reads: {account['captured']} captured {'=' if closes else '≠'} {shown}"
    table = Table("when (UTC)", "what", "why, which", "how many", title=title)
    for count in counts:
        table.add_row(count.hour, count.name.replace("_", " "), count.reason, str(count.number))
    return table


def backlog_table(backlog: Backlog) -> Table:
    """What waits in an outbox."""
    table = Table("outbox", "", show_header=False)
    table.add_row("waiting", str(backlog.waiting))
    table.add_row("  copies for other agencies", str(backlog.copies))
    table.add_row("bytes", str(backlog.bytes))
    table.add_row("oldest", "–" if backlog.oldest is None else backlog.oldest.isoformat(timespec="seconds"))
    table.add_row("ever committed", str(backlog.committed))
    table.add_row("pruned on receipt", str(backlog.pruned))
    table.add_row("expired by label", str(backlog.expired))
    table.add_row("dropped for want of space", str(backlog.dropped))
    table.add_row("  their copies alone", str(backlog.dropped_copies))
    if backlog.pictures.made:
        has = backlog.pictures
        table.add_row("pictures made", str(has.made))
        table.add_row("  waiting (bytes)", f"{has.waiting} ({has.bytes})")
        table.add_row("  stored at the agency", str(has.stored))
        table.add_row("  dropped / expired / not wanted", f"{has.dropped} / {has.expired} / {has.unwanted}")
    table.add_row("epoch", backlog.epoch)
    return table


def alarm_table(alarms: Sequence[Alarm]) -> Table:
    """What does not fit in the units' chains."""
    table = Table("number", "unit", "alarm", "reads", "seen (UTC)", "what it means", title=None if alarms else "no alarms")
    for each in alarms:
        reads = "" if not each.first else str(each.first) if each.first == each.last else f"{each.first} to {each.last}"
        seen = f"{each.seen:%Y-%m-%d %H:%M:%S}" + (f", {each.times} times" if each.times > 1 else "")
        words = ("settled: " if each.settled else "") + ALARM_WORDS[each.reason]
        table.add_row(str(each.number), each.device, each.reason, reads, seen, words)
    return table


def unit_table(accounts: Sequence[UnitAccount]) -> Table:
    """Where the reads of each unit are."""
    table = Table("unit", "epoch", "committed", "stored", "dropped", "expired", "to come", "missing", "last heard (UTC)")
    for each in accounts:
        numbers = (each.committed, each.stored, each.dropped, each.expired, each.to_come, each.missing)
        table.add_row(each.device, each.epoch, *map(str, numbers), f"{each.heard:%Y-%m-%d %H:%M:%S}")
    return table


def time_table(times: Sequence[CorrectedTime]) -> Table:
    """When reads were captured whose clock was not set."""
    table = Table("unit", "epoch", "number", "signed (UTC)", "captured (UTC)", "within")
    for each in times:
        known = ("not known yet", "–")
        if each.utc is not None and each.error_ms is not None:
            known = (f"{each.utc:%Y-%m-%d %H:%M:%S.%f}"[:-3], f"{each.error_ms / 1000:.3f} s")
        table.add_row(each.device, each.epoch, str(each.seq), f"{each.signed:%Y-%m-%d %H:%M:%S}", *known)
    return table


def key_table(described: list[KeyDescription]) -> Table:
    """Keys and certificates: ids to compare by telephone, ends of validity."""
    table = Table("file", "kind", "subject", "id or fingerprint", "expires")
    for each in described:
        expires = "–" if each.expires is None else each.expires.date().isoformat()
        table.add_row(each.file, each.kind, each.subject, each.fingerprint, expires)
    return table


def model_table(entries: dict[str, ManifestEntry]) -> Table:
    """Models of a manifest."""
    table = Table("name", "format", "file", "SHA-256", "licence", "about")
    for name, entry in entries.items():
        table.add_row(name, entry.format, entry.file, entry.sha256[:12] + "…", escape(entry.licence), escape(entry.about))
    return table


def bundle_table(bundle: Bundle) -> Table:
    """What is in a policy bundle and how many have signed it, to be compared by whoever signs next."""
    says = bundle.manifest
    units = f", for {', '.join(says.devices)}" if says.devices else ""
    table = Table(
        "what",
        "name",
        "SHA-256",
        title=f"bundle {says.counter}{units}: expires {says.expires:%Y-%m-%d %H:%M} UTC, signatures: {bundle.signatures}",
    )
    for file in says.files:
        table.add_row(file.role, file.name, file.sha256)
    for each in says.lists:
        table.add_row("hot list", escape(f"{each.name} {each.version}"), each.sha256)
    return table


def status_lines(status: Status) -> list[str]:
    """The bundle that is in force on a unit, and what was refused."""
    says = status.manifest
    if says is None:
        lines = [status.why]
    else:
        over = ": nothing is captured" if status.state == "expired" else ""
        lines = [
            f"bundle {says.counter}: {status.state}{over}",
            f"  issued {says.issued.isoformat()}, expires {says.expires.isoformat()}",
            *(f"  {file.role} {file.name} {file.sha256}" for file in says.files),
            *(f"  hot list {each.name} {each.version} {each.sha256}" for each in says.lists),
        ]
    return [*lines, *(f"refused: {each.file}: {each.why}" for each in status.refusals)]


def show_demo(result: DemoResult, console: Console, pack: Pack) -> None:
    """Reads with their labels, what was withheld and by which clause, and the accounts."""
    table = Table("seconds", "text", "region", "sure", "hit", "keep until", title="stored at the agency")
    for read in result.reads:
        table.add_row(
            f"{read.first_s:.1f}–{read.last_s:.1f}",
            f"[bold]{read.text}[/]",
            read.region,
            f"{read.confidence:.2f}",
            read.hit or "",
            f"{read.label.delete_after:%Y-%m-%d %H:%M} UTC",
        )
    console.print(table)
    if result.reads:
        _show_label(result, console, pack)
    console.print("[bold]withheld and not captured[/]")
    for rule, number in result.withheld.items():
        console.print(f"  {number} read(s): {cited(rule, pack)}", markup=False, soft_wrap=True)
    for rule, number in result.frames_dropped.items():
        if pack.rule(rule) is not None:
            console.print(f"  {number} frames: {cited(rule, pack)}", markup=False, soft_wrap=True)
        elif number:
            console.print(f"  {number} frames: the camera's: {rule}", markup=False, soft_wrap=True)
    for rule, number in result.hotlist_refused.items():
        console.print(f"  {number} hot-list entries before matching: {cited(rule, pack)}", markup=False, soft_wrap=True)
    dropped = sum(result.frames_dropped.values())
    console.print("[bold]accounts[/]")
    skipped = sum(result.frames_skipped.values())
    console.print(f"  frames in {result.frames} = processed {result.frames_processed} + skipped {skipped} + dropped {dropped}")
    withheld = sum(result.withheld.values())
    console.print(f"  reads {result.passes} = stored {result.stored} + withheld {withheld} + lost {result.lost}")
    console.print(f"  legible passes of the clip {result.truth.passes}, stored with exactly their text {result.truth.exact}")
    console.print(f"  plate of the no-capture zone found in {result.zone_plates_found_anywhere} files")
    console.print(
        f"  stored plates found in clear on unit, broker or in logs: {result.stored_plates_found_on_unit_or_broker} files"
    )
    console.print(f"  entries of a barred topic matched: {result.barred_entries_matched}")
    console.print("[green]all of it holds[/]" if result.passed else "[red]something does not hold: see above[/]")


def _show_label(result: DemoResult, console: Console, pack: Pack) -> None:
    label = result.reads[0].label
    console.print(f"[bold]the label that each carries[/] ({pack.identity.id} {pack.identity.version}, {label.jurisdiction})")
    console.print(
        f"  owner {label.owner}, {label.classification}; never for: {', '.join(label.purposes_barred)}",
        markup=False,
        soft_wrap=True,
    )
    for recipient in label.recipients:
        rules = [pack.rule(rule_id) for rule_id in recipient.rules]
        clauses = ", ".join(f"{rule.id}, {rule.clause}" for rule in rules if rule is not None)
        console.print(f"  {recipient.recipient}: {doors_in_words(recipient)} [{clauses}]", markup=False, soft_wrap=True)
