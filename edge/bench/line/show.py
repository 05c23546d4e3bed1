"""A record as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge.bench.line.card import Card
from edge.bench.line.comparing import Comparison
from edge.bench.line.duel import Duel
from edge.bench.line.record import NOT_MEASURED, Figure, Host, Record
from edge.bench.line.spans import Band, Latency
from edge.bench.line.targets import Row


def show_record(record: Record, console: Console) -> None:
    """Host, stages, accounts, and the headline where the run is valid."""
    host = record.host
    console.print(
        f"[bold]{record.run.mode}[/], {record.run.counted_s:.0f} s after {record.run.warm_up_s:.0f} s to warm up, "
        f"{record.run.cameras} camera(s), {escape(', '.join(f'{c.path.name} {c.width}x{c.height}' for c in record.clips))}",
        soft_wrap=True,
    )
    console.print(escape(host_words(host)), soft_wrap=True)
    console.print(stage_table(record))
    console.print(f"  {account_words(record)}", soft_wrap=True, markup=False)
    if record.probes:
        tries = ", ".join(f"{p.cameras}: {p.dropped} of {p.due}" for p in record.probes)
        console.print(f"  cameras tried, frames dropped: {tries}", soft_wrap=True)
    accuracy = record.accuracy
    if not isinstance(accuracy, str):
        console.print(
            f"  at this speed {accuracy.exact} of {accuracy.passes} passes were read exactly, "
            f"{accuracy.other_reads_per_1000_frames:.2f} other reads a thousand frames",
            soft_wrap=True,
        )
    load = record.load
    console.print(
        f"  CPU {load.cpu_cores:.2f} cores, others {load.background:.0%} of the machine; "
        f"memory {load.rss_peak_mb:.0f} MB at most, growth {_figure(load.rss_slope_mb_h, '+.1f', ' MB an hour')}",
        soft_wrap=True,
    )
    console.print(f"  {record.speed.frames_per_cpu_s:.1f} frames a second of CPU time", end="")
    if isinstance(record.speed.frames_per_cpu_s_without_decoding, float):
        console.print(f"; without decoding {record.speed.frames_per_cpu_s_without_decoding:.1f}", end="")
    console.print()
    for remark in record.verdict.remarks:
        console.print(f"  {escape(remark)}", soft_wrap=True)
    if record.verdict.valid:
        console.print(f"[bold green]{headline(record)}[/]", soft_wrap=True)
        return
    console.print("[bold red]invalid, no figure is given:[/]")
    for reason in record.verdict.reasons:
        console.print(f"  {escape(reason)}", soft_wrap=True)


def host_words(host: Host) -> str:
    """The machine in a line."""
    board = "board not known" if host.board == NOT_MEASURED else host.board
    return f"{board} · {host.cpu} · {host.cores_used} of {host.cores} cores · {host.os}"


def headline(record: Record) -> str:
    """The one figure of a valid run."""
    speed, parts = record.speed, record.speed.parts
    if record.run.mode in ("realtime", "soak"):
        words = (
            f"{record.run.cameras} camera(s) of {record.run.fps_each:g} frames a second for {record.run.counted_s / 60:.0f} "
            f"minutes, {record.loss.dropped_counted} frames dropped"
        )
    else:
        words = f"{speed.fps:.1f} frames a second ({parts.low:.1f} to {parts.high:.1f})"
    if isinstance(speed.fps_without_decoding, float):
        words += f"; {speed.fps_without_decoding:.1f} without decoding"
    if not record.host.target:
        words += "; this machine is no unit's board: the figure says nothing about one"
    return words


def stage_table(record: Record) -> Table:
    """Where the time goes, and what a frame and a read wait."""
    table = Table("stage", "share", "times", "mean ms", "p50", "p90", "p95", "p99", "longest", pad_edge=False)
    for each in record.speed.stages:
        table.add_row(each.stage, f"{each.share:.1%}", *_cells(each.latency))
    table.add_section()
    table.add_row("frame waits", "", *_cells(record.speed.wait))
    table.add_row("frame, all stages", "", *_cells(record.speed.frame))
    table.add_row("frame → outbox", "", *_cells(record.speed.to_outbox))
    receipt = record.speed.to_receipt
    table.add_row("frame → receipt", "", *([receipt] if isinstance(receipt, str) else _cells(receipt)))
    return table


def account_words(record: Record) -> str:
    """Frames and reads, adding up."""
    loss = record.loss
    skipped = _sum(loss.skipped, "not looked at")
    frames = f"frames due {loss.due} = {loss.processed} processed + {skipped} + {_sum(loss.dropped, 'dropped')}"
    reads = f"reads {loss.reads} = {loss.committed} committed + {_sum(loss.withheld, 'withheld')} + {loss.lost} lost"
    return f"{frames}; {reads}" + ("" if loss.adds_up else ": does not add up")


def _sum(numbers: Mapping[str, int], what: str) -> str:
    parts = [f"{number} {what} ({reason})" for reason, number in numbers.items() if number]
    return " + ".join(parts) or f"0 {what}"


def _figure(figure: Figure, form: str, unit: str) -> str:
    return figure if isinstance(figure, str) else f"{figure:{form}}{unit}"


def _cells(latency: Latency) -> tuple[str, ...]:
    if not latency.count:
        return ("0", *["–"] * 6)
    times = (latency.mean_ms, latency.p50_ms, latency.p90_ms, latency.p95_ms, latency.p99_ms, latency.max_ms)
    return str(latency.count), *(f"{ms:.3f}" if ms < 1 else f"{ms:.1f}" for ms in times)


def show_duel(result: Duel, console: Console) -> None:
    """Each clip: frames a second, and ratios with their bands."""
    table = Table("clip", "with plates", "line", "decoding alone", "peer", "line ÷ peer", "line ÷ decoding", pad_edge=False)
    for each in result.clips:
        table.add_row(
            escape(each.clip.path.name),
            f"{each.share:.0%}",
            *(f"{fps.median:.0f} fps" for fps in (each.line_fps, each.decoding_fps, each.peer_fps)),
            f"{ratio_words(each.to_peer)}, by CPU time {each.to_peer_cpu.median:.2f}",
            f"{ratio_words(each.to_decoding)}, by CPU time {each.to_decoding_cpu.median:.2f}",
        )
    host = result.host
    console.print(escape(host_words(host)), soft_wrap=True)
    console.print(table)
    console.print(
        f"  {result.rounds} rounds by turns, {result.seconds:.0f} s; others took {result.background:.0%} of the machine",
        soft_wrap=True,
    )
    for reason in result.verdict.reasons:
        console.print(f"[bold red]invalid:[/] {escape(reason)}", soft_wrap=True)


def ratio_words(ratio: Band) -> str:
    """A ratio with its band."""
    return f"{ratio.median:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"


def show_card(card: Card, console: Console) -> None:
    """The table of targets, and what each clip showed."""
    table = Table("", "peer", "to reach", "in the end", "here", "", pad_edge=False)
    colours = {"in the end": "green", "to reach": "yellow", "short": "red", "not measured": "dim"}
    for row in card.rows:
        colour = colours[row.standing]
        table.add_row(row.what, row.peer, row.reach, row.end, f"[{colour}]{row.ours}[/]", escape(standing_words(row)))
    console.print(table)
    show_duel(card.duel, console)
    if not card.held.host.target:
        console.print(
            "  this machine is no unit's board: the figures say nothing about one; ratios carry over in kind", soft_wrap=True
        )


def standing_words(row: Row) -> str:
    """How a row stands, and what stands beside its figure; only why, where there is none."""
    words = {"in the end": "reached, in the end", "to reach": "reached", "short": "short", "not measured": ""}[row.standing]
    return "; ".join(each for each in (words, row.note) if each)


def show_comparison(result: Comparison, console: Console) -> None:
    """The verdict on B, with its band, and the stages."""
    change = f"{result.ratio - 1:+.1%}, noise band {result.low - 1:+.1%} to {result.high - 1:+.1%}, by {result.by}"
    colour = {"faster": "green", "slower": "red"}.get(result.verdict, "bold")
    console.print(f"B is [{colour}]{result.verdict}[/]: {change}", soft_wrap=True)
    table = Table("stage, ms a frame", "A", "B", "B - A", pad_edge=False)
    for each in result.stages:
        table.add_row(each.stage, *(_figure_or_none(v) for v in (each.before_ms, each.after_ms)), f"{each.grown_ms:+.3f}")
    console.print(table)
    console.print(f"  changed most: {escape(result.changed)}")
    for doubt in result.doubts:
        console.print(f"  [yellow]{escape(doubt)}[/]", soft_wrap=True)


def _figure_or_none(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
