"""Records as one HTML page that needs nothing but itself: for a buyer to look at, and to keep."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import msgspec

from edge.bench.line.card import Card
from edge.bench.line.duel import Duel
from edge.bench.line.record import NOT_MEASURED, Host, Record, Sample, path_hook
from edge.bench.line.show import account_words, headline, host_words, ratio_words, standing_words
from edge.bench.line.svg import Curve, bars, curves
from edge.errors import ConfigError

Measured = Record | Duel | Card

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1b1b1b;background:#fff}
table{border-collapse:collapse;margin:.6em 0 1.2em}td,th{padding:.2em .7em;border-bottom:1px solid #ddd;text-align:left}
td+td:not(:last-child){white-space:nowrap;font-variant-numeric:tabular-nums}
h2{margin-top:2em;border-top:2px solid #ddd;padding-top:.6em}
.good{color:#00674b}.bad{color:#b3261e}.note{color:#555}
svg{display:block;max-width:100%;height:auto;margin:.6em 0}svg text{font:11px system-ui,sans-serif;fill:#333}
svg .t{font-weight:600;font-size:13px}svg .s{font-size:9px}svg .g{stroke:#e3e3e3}svg .a{stroke:#888}
details{margin:1em 0}pre{white-space:pre-wrap;font-size:12px;background:#f6f6f6;padding:.6em}
"""


def read_measured(path: Path) -> Measured:
    """What `plate-edge bench … --json` wrote.  Raises ConfigError if it is something else."""
    try:
        data = path.read_bytes()
        keys = json.loads(data)
        kind: type[Record] | type[Duel] | type[Card] = Record
        if isinstance(keys, dict) and "run" not in keys:
            kind = Card if "rows" in keys else Duel
        return msgspec.json.decode(data, type=kind, dec_hook=path_hook)
    except OSError as error:
        raise ConfigError(f"read record {path}: {error.strerror or error}") from error
    except (ValueError, msgspec.DecodeError) as error:
        raise ConfigError(f"read record {path}: it is none that `plate-edge bench --json` wrote: {error}") from error


def page(measured: Sequence[tuple[str, Measured]]) -> str:
    """The page for records with their names."""
    sections = "".join(f"<h2>{escape(name)}</h2>{_section(each)}" for name, each in measured)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>plate-edge bench</title>'
        f"<style>{_STYLE}</style></head><body><h1>How fast the line is</h1>{sections}</body></html>\n"
    )


def _section(measured: Measured) -> str:
    if isinstance(measured, Card):
        return _card(measured)
    return _duel(measured) if isinstance(measured, Duel) else _record(measured)


def _card(card: Card) -> str:
    shown = {"in the end": "good", "to reach": "good", "short": "bad", "not measured": "note"}
    rows = [
        (
            *(escape(cell) for cell in (row.what, row.peer, row.reach, row.end)),
            f'<b class="{shown[row.standing]}">{escape(row.ours)}</b>',
            escape(standing_words(row)),
        )
        for row in card.rows
    ]
    table = _table(("", "peer", "to reach", "in the end", "here", ""), rows)
    loaded = "" if card.loaded is None else f"<h3>At 80 % of these cameras</h3>{_record(card.loaded)}"
    return f"{table}{_duel(card.duel)}<h3>Cameras</h3>{_record(card.held)}{loaded}"


def _duel(duel: Duel) -> str:
    rows = [
        (
            escape(each.clip.path.name),
            f"{each.share:.0%}",
            *(f"{fps.median:.0f}" for fps in (each.line_fps, each.decoding_fps, each.peer_fps)),
            *(ratio_words(ratio) for ratio in (each.to_peer, each.to_peer_cpu, each.to_decoding, each.to_decoding_cpu)),
        )
        for each in duel.clips
    ]
    head = ("clip", "with plates", "line, fps", "decoding alone, fps", "peer, fps", "line ÷ peer", "by CPU time")
    plot = bars(
        "Frames a second on the same clip, by turns",
        "frames a second",
        [
            (each.clip.path.stem[:20], [each.line_fps.median, each.decoding_fps.median, each.peer_fps.median])
            for each in duel.clips
        ],
        ("line", "decoding alone", "peer"),
    )
    words = f"{duel.rounds} rounds, {duel.seconds:.0f} s; others took {duel.background:.0%} of the machine meanwhile."
    return (
        f"{_host(duel.host)}{_reasons(duel.verdict.valid, duel.verdict.reasons)}"
        f"{_table((*head, 'line ÷ decoding', 'by CPU time'), rows)}{plot}<p class=note>{escape(words)}</p>"
    )


def _record(record: Record) -> str:
    parts = [_host(record.host), _reasons(record.verdict.valid, record.verdict.reasons)]
    if record.verdict.valid:
        parts.append(f'<p class="good"><b>{escape(headline(record))}</b></p>')
    clips = ", ".join(f"{c.path.name} ({c.width}x{c.height}, {c.codec}, {c.fps:g} fps)" for c in record.clips)
    run = record.run
    parts.append(
        f"<p>{run.mode}, {run.cameras} camera(s), {run.counted_s:.0f} s after {run.warm_up_s:.0f} s to warm up, ended "
        f"{escape(run.ended)}; {escape(clips)}</p><p>{escape(account_words(record))}</p>"
    )
    if not isinstance(record.accuracy, str):
        seen = record.accuracy
        parts.append(
            f"<p>At this speed {seen.exact} of {seen.passes} passes were read exactly, "
            f"{seen.other_reads_per_1000_frames:.2f} other reads a thousand frames.</p>"
        )
    parts.append(_stages(record))
    parts.append(_probes(record))
    parts += _over_time(record.samples)
    facts = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(record, samples=()), enc_hook=str), indent=1)
    parts.append(f"<details><summary>The whole record</summary><pre>{escape(facts.decode())}</pre></details>")
    return "".join(parts)


def _stages(record: Record) -> str:
    """Percentiles of every stage, as a table and as bars."""
    named = [(each.stage, f"{each.share:.1%}", each.latency) for each in record.speed.stages]
    speed = record.speed
    named += [("frame waits", "", speed.wait), ("frame, all stages", "", speed.frame), ("frame → outbox", "", speed.to_outbox)]
    if not isinstance(record.speed.to_receipt, str):
        named.append(("frame → receipt", "", record.speed.to_receipt))
    rows = [
        (
            escape(name),
            share,
            str(one.count),
            *(f"{ms:.2f}" for ms in (one.mean_ms, one.p50_ms, one.p90_ms, one.p95_ms, one.p99_ms, one.max_ms)),
        )
        for name, share, one in named
    ]
    plot = bars(
        "Latency of each stage",
        "ms",
        [(name, [one.p50_ms, one.p90_ms, one.p95_ms, one.p99_ms]) for name, _, one in named if one.count],
        ("p50", "p90", "p95", "p99"),
    )
    return _table(("stage", "share", "times", "mean ms", "p50", "p90", "p95", "p99", "longest"), rows) + plot


def _probes(record: Record) -> str:
    """Drops against cameras."""
    tried = sorted((probe.cameras, 100 * probe.dropped / max(1, probe.due)) for probe in record.probes)
    if not tried:
        return ""
    line = Curve(name="dropped", xs=tuple(float(n) for n, _ in tried), ys=tuple(share for _, share in tried))
    return curves("Frames dropped against cameras", "cameras", "% of the frames that were due", [line], dots=True)


def _over_time(samples: Sequence[Sample]) -> list[str]:
    """Memory, CPU, temperature and clock; what the machine does not tell is said."""
    minutes = tuple(s.at_s / 60 for s in samples)
    plots = [
        curves("Memory", "minutes", "MB resident", [Curve(name="memory", xs=minutes, ys=tuple(s.rss_mb for s in samples))]),
        curves("CPU", "minutes", "cores busy", [Curve(name="cpu", xs=minutes, ys=tuple(s.cpu_cores for s in samples))]),
    ]
    for title, unit, values in (
        ("Temperature", "°C", [(s.at_s / 60, s.temperature_c) for s in samples if s.temperature_c is not None]),
        ("Clock", "MHz", [(s.at_s / 60, s.clock_mhz) for s in samples if s.clock_mhz is not None]),
    ):
        if values:
            line = Curve(name=title, xs=tuple(x for x, _ in values), ys=tuple(y for _, y in values))
            plots.append(curves(title, "minutes", unit, [line]))
        else:
            plots.append(f"<p class=note>{title}: {NOT_MEASURED}; this machine does not tell.</p>")
    return plots


def _host(host: Host) -> str:
    words = f"{host_words(host)}, {host.machine} · {host.storage}"
    target = "" if host.target else "<br>This machine is no unit's board: the figures say nothing about one."
    return f"<p class=note>{escape(words)} · governor {escape(host.governor)}{target}</p>"


def _reasons(valid: bool, reasons: Iterable[str]) -> str:
    if valid:
        return ""
    return f'<p class="bad">Invalid, no figure is given: {escape("; ".join(reasons))}</p>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    first = "".join(f"<th>{escape(word)}</th>" for word in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{first}</tr>{body}</table>"
