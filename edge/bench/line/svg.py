"""Small plots as inline SVG: no script, no font and no library from anywhere.  Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from msgspec import Struct

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 30, 44
#: Okabe and Ito's colours, told apart by the colour-blind too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_TICKS = 5


class Curve(Struct, frozen=True, kw_only=True):
    """One line of a plot."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]


def curves(title: str, x_words: str, y_words: str, lines: Sequence[Curve], dots: bool = False) -> str:
    """Lines over a common axis; the y axis begins at zero where no value is below it.  ``dots`` marks each point."""
    xs = [x for line in lines for x in line.xs]
    ys = [y for line in lines for y in line.ys]
    if not xs:
        return ""
    x_ticks, y_ticks = _ticks(min(xs), max(xs)), _ticks(min(0.0, min(ys)), max(ys))
    place = _Place(x_ticks[0], x_ticks[-1], y_ticks[0], y_ticks[-1])
    parts = [_frame(title, x_words, y_words, place, x_ticks, y_ticks)]
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        points = [(place.x(x), place.y(y)) for x, y in zip(line.xs, line.ys, strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        if dots:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        if len(lines) > 1:
            parts.append(_name(line.name, colour, number))
    return _svg(title, HEIGHT, parts)


def bars(title: str, unit: str, rows: Sequence[tuple[str, Sequence[float]]], names: Sequence[str]) -> str:
    """Groups of horizontal bars, one group a row, one bar for each of ``names``; its value stands at its end."""
    if not rows:
        return ""
    each, gap, left = 9, 8, 130
    group = each * len(names) + gap
    height = TOP + group * len(rows) + 30
    most = max((value for _, values in rows for value in values), default=0.0) or 1.0
    room = WIDTH - left - 80
    parts = [f'<text x="{left}" y="16" class="t">{escape(title)}</text>']
    for number, (label, values) in enumerate(rows):
        top = TOP + number * group
        parts.append(f'<text x="{left - 8}" y="{top + group / 2:.0f}" text-anchor="end">{escape(label)}</text>')
        for place, value in enumerate(values):
            y, length = top + place * each, room * value / most
            parts.append(
                f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{each - 2}" fill="{COLOURS[place % len(COLOURS)]}"/>'
                f'<text x="{left + length + 4:.1f}" y="{y + each - 2}" class="s">{_short(value)}</text>'
            )
    legend = "".join(
        f'<tspan fill="{COLOURS[place % len(COLOURS)]}">■ </tspan><tspan>{escape(name)}  </tspan>'
        for place, name in enumerate(names)
    )
    parts.append(f'<text x="{left}" y="{height - 8}">{legend}<tspan>{escape(unit)}</tspan></text>')
    return _svg(title, height, parts)


class _Place:
    """From values to the plot's points."""

    def __init__(self, x0: float, x1: float, y0: float, y1: float) -> None:
        self._x0, self._y0 = x0, y0
        self._sx = (WIDTH - LEFT - RIGHT) / ((x1 - x0) or 1.0)
        self._sy = (HEIGHT - TOP - BOTTOM) / ((y1 - y0) or 1.0)

    def x(self, value: float) -> float:
        return LEFT + (value - self._x0) * self._sx

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (value - self._y0) * self._sy


def _frame(title: str, x_words: str, y_words: str, place: _Place, x_ticks: Sequence[float], y_ticks: Sequence[float]) -> str:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<text x="{LEFT}" y="16" class="t">{escape(title)}</text>']
    for tick in y_ticks:
        y = place.y(tick)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" class="g"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(tick)}</text>')
    for tick in x_ticks:
        x = place.x(tick)
        parts.append(f'<line x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 4}" class="a"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{_short(tick)}</text>')
    parts.append(f'<line x1="{LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}" class="a"/>')
    parts.append(f'<text x="{right}" y="{HEIGHT - 8}" text-anchor="end">{escape(x_words)}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 8}">{escape(y_words)}</text>')
    return "".join(parts)


def _name(name: str, colour: str, number: int) -> str:
    return f'<text x="{WIDTH - RIGHT}" y="{16 + 14 * number}" text-anchor="end" fill="{colour}">{escape(name)}</text>'


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return f'<svg {size} role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers that reach from below ``low`` to above ``high``, about ``_TICKS`` steps."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= raw)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [number * step for number in range(first, last + 1)]


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
