"""What people see of an evaluation; machines get the Structs themselves."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge.bench.evaluate import ALL, SetScores
from edge.bench.passes import ClipScore
from edge.bench.score import SURE, Rate
from edge.bench.scorecard import Scorecard
from edge.bench.targets import PairScores, Reached, Verdict

SCORE_COLUMNS = (
    "set",
    "pictures",
    "found ≥ 60 px",
    "≥ 100 px",
    "all",
    "extra (wrong)/frame",
    "exact",
    "exact, O=0",
    "CER",
    "state",
    f"right from {SURE} on",
)


def score_table(title: str, sets: Sequence[SetScores]) -> Table:
    """One row a set; shares with their counts.  Wrong are the extra boxes but those that a review found on real plates.  The
    last column is of the reads as confident as that, right with O folded."""
    table = Table(title=escape(title))
    for column in SCORE_COLUMNS:
        table.add_column(column, justify="left" if column == "set" else "right")
    for each in sets:
        if each.frames is not None:
            f = each.frames
            table.add_row(
                escape(each.name),
                str(f.frames),
                share(f.at_least_60_px.recall),
                share(f.at_least_100_px.recall),
                share(f.all.recall),
                f"{f.extra_boxes_per_frame:.3f} ({f.extra.wrong_per_frame:.3f})",
                share(f.all.exact),
                share(f.all.exact_folded),
                number(f.all.cer),
                "–",
                share(each.reliability.sure),
            )
        if each.crops is not None:
            c = each.crops
            state = f"{each.state_right}/{each.state_known}" if each.state_known else "–"
            texts = (share(c.exact), share(c.exact_folded), number(c.cer), state, share(each.reliability.sure))
            table.add_row(escape(each.name), str(c.exact.total), *["–"] * 4, *texts)
    return table


def show_slices(sets: Sequence[SetScores], console: Console) -> None:
    """All pictures together and each set of crops: a table of width, brightness, blur and tilt, and the states with faults."""
    table = Table("set", "by", "slice", title="slices")
    for column in ("found", "exact, O=0", "state"):
        table.add_column(column, justify="right")
    shown = [each for each in sets if each.name == ALL or each.crops is not None or len(sets) == 1]
    for each in shown:
        for one in each.slices:
            if one.by != "state":
                found = "–" if each.crops is not None else share(one.recall)
                table.add_row(escape(each.name), one.by, one.name, found, share(one.exact), share(one.named))
    console.print(table)
    for each in shown:
        states = [one for one in each.slices if one.by == "state"]
        for what, rates in (("read", [(s.name, s.exact) for s in states]), ("named", [(s.name, s.named) for s in states])):
            faults = ", ".join(f"{name} {rate.hits}/{rate.total}" for name, rate in rates if rate.hits < rate.total)
            if faults:
                console.print(f"{each.name}: states not always {what}: {faults}", markup=False, soft_wrap=True)


def show_scorecard(card: Scorecard, console: Console, slices: bool) -> None:
    """The targets with every pair's figures, then each pair set by set."""
    console.print(verdict_table(card))
    for pair in card.pairs:
        if pair.sets:
            console.print(score_table(f"{pair.name}: {pair.detector} + {pair.recognizer}", pair.sets))
            unreviewed = sum(s.frames.extra.unreviewed for s in pair.sets if s.frames is not None and s.name != ALL)
            if unreviewed:
                console.print(f"{unreviewed} extra boxes were never looked at; they count as wrong")
            if slices:
                show_slices(pair.sets, console)
        console.print(f"{pair.name}: {clips_in_words(pair.clips)}", markup=False, soft_wrap=True)
        if pair.speed is not None:
            s = pair.speed
            words = f"{s.ours_ms:.1f} ms a frame with one plate, the peer {s.peer_ms:.1f} ms (medians of {s.rounds} turns)"
            console.print(f"{pair.name}: {words}", markup=False, soft_wrap=True)
    for words in card.not_measured:
        console.print(f"not measured: {words}", markup=False, soft_wrap=True)


def verdict_table(card: Scorecard) -> Table:
    """One row a target, one column a pair."""
    table = Table("", title="targets")
    table.add_column("target", justify="right")
    for pair in card.pairs:
        table.add_column(column_title(pair), justify="right")
    for row in zip(*card.verdicts, strict=True):
        sign = "≥" if row[0].sense == "at least" else "≤"
        table.add_row(row[0].what, f"{sign} {row[0].limit:g}", *map(verdict, row))
    return table


def column_title(pair: PairScores) -> str:
    """What a pair is called, and its files."""
    return f"{pair.name}\n{pair.detector}\n{pair.recognizer}"


def verdict(one: Verdict) -> str:
    """The figure, and whether it meets the target."""
    if one.reached is None:
        return "not measured"
    return f"{reached(one.reached)} " + ("[green]met[/]" if one.met else "[red]MISSED[/]")


def reached(one: Reached) -> str:
    """A share with its count, or a plain figure, with the one before the review where there was one."""
    if one.count is not None:
        return share(one.count)
    return f"{one.value:.3f}" if one.before_review is None else f"{one.value:.3f} (unreviewed {one.before_review:.3f})"


def clips_in_words(clips: Sequence[ClipScore]) -> str:
    """Passes read exactly, clip by clip, and where the others begin."""
    return "passes read exactly: " + ", ".join(
        f"{clip.clip} {clip.passes.hits}/{clip.passes.total}"
        + "".join(f" (missed at {second:.1f} s)" for second in clip.missed_at_s)
        for clip in clips
    )


def share(rate: Rate) -> str:
    return "–" if rate.share is None else f"{rate.share:.3f} ({rate.hits}/{rate.total})"


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
