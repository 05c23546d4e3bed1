"""Recall by plate width and the reliability diagram, as PNG; the only file of the line that draws with matplotlib."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge.bench.evaluate import SetScores
from edge.bench.score import SURE, Rate, Scores, WidthBin
from edge.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def require_matplotlib() -> None:
    """Raises ConfigError, saying what to install, where matplotlib is missing; it is no part of a unit."""
    try:
        importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise ConfigError(
            "draw plots: matplotlib is not installed; it comes with the extra `bench`: pip install 'plate-edge[bench]'"
        ) from error


def draw_plots(folder: Path, name: str, sets: Sequence[SetScores]) -> tuple[Path, ...]:
    """Write ``folder``/``name``-recall-by-width.png, where there are pictures to search, and ``name``-reliability.png.

    Raises ConfigError if matplotlib is missing or a file cannot be written."""
    require_matplotlib()
    written = []
    if any(each.frames is not None for each in sets):
        written.append(_save(recall_by_width(sets), folder / f"{name}-recall-by-width.png"))
    written.append(_save(reliability_diagram(sets), folder / f"{name}-reliability.png"))
    return tuple(written)


def recall_by_width(sets: Sequence[SetScores]) -> Figure:
    """A bar for each bin of width over all pictures, with its 95 % interval and its plates; a point for each set."""
    from matplotlib.figure import Figure

    framed = [(each.name, each.frames) for each in sets if each.frames is not None]
    total = next((scores for name, scores in framed if name == "all"), framed[0][1])
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    places = range(len(total.by_width))
    shares = [each.recall.share or 0.0 for each in total.by_width]
    axes.bar(places, shares, color="#c9d6e2", width=0.8, yerr=_intervals([b.recall for b in total.by_width]), ecolor="#5f7285")
    if len(framed) > 1:
        for name, scores in framed:
            if name != "all":
                axes.plot(*_points(scores), marker="o", linestyle="none", markersize=4, label=name)
        axes.legend(loc="lower right")
    axes.set_xticks(places, [f"{_span(each)}\n{each.recall.total}" for each in total.by_width])
    axes.set(xlabel="width of the plate, px of the picture; number of plates", ylabel="recall, IoU ≥ 0.5", ylim=(0, 1.02))
    axes.grid(axis="y", alpha=0.3)
    return figure


def reliability_diagram(sets: Sequence[SetScores]) -> Figure:
    """Share right against text confidence with 95 % intervals and the number of reads; what is believed lies on the diagonal.

    One curve for all pictures together and one for each set of crops: single sets of pictures are small."""
    from matplotlib.figure import Figure

    whole = [each for each in sets if each.name == "all" and each.frames is not None]
    curves = [each for each in sets if each.crops is not None or each in whole or not whole]
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1)
    axes.axvline(SURE, color="#999999", linewidth=0.8, linestyle=":")
    for curve in curves:
        _draw_curve(axes, curve)
    axes.legend(loc="lower right")
    axes.set(xlabel="text confidence", ylabel="share right, O folded", xlim=(0, 1.02), ylim=(0, 1.04))
    axes.grid(alpha=0.3)
    return figure


def _draw_curve(axes: Axes, curve: SetScores) -> None:
    bins = [each for each in curve.reliability.bins if each.right.total]
    rights, sure = [each.right for each in bins], curve.reliability.sure
    places = [each.mean_confidence or 0.0 for each in bins]
    shares = [right.share or 0.0 for right in rights]
    label = f"{curve.name}: {sure.hits} of {sure.total} right from {SURE} on"
    axes.errorbar(places, shares, yerr=_intervals(rights), marker="o", markersize=4, linewidth=1, capsize=2, label=label)
    for place, share, right in zip(places, shares, rights, strict=True):
        axes.annotate(str(right.total), (place, share), xytext=(5, 4), textcoords="offset points", fontsize=8)


def _points(scores: Scores) -> tuple[list[int], list[float]]:
    known = [(place, each.recall.share) for place, each in enumerate(scores.by_width) if each.recall.share is not None]
    return [place for place, _ in known], [share for _, share in known]


def _intervals(rates: Sequence[Rate]) -> tuple[list[float], list[float]]:
    """Lengths under and over each share; none where nothing was counted."""
    under = [0.0 if rate.share is None else rate.share - rate.low for rate in rates]
    over = [0.0 if rate.share is None else rate.high - rate.share for rate in rates]
    return [max(0.0, length) for length in under], [max(0.0, length) for length in over]


def _span(each: WidthBin) -> str:
    return f"≥ {each.low_px}" if each.high_px is None else f"{each.low_px}–{each.high_px}"


def _save(figure: Figure, path: Path) -> Path:
    try:
        figure.savefig(path, dpi=130)
    except OSError as error:
        raise ConfigError(f"draw plot {path}: {error.strerror or error}") from error
    return path
