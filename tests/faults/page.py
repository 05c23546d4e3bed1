"""The table of the README: ``python -m tests.faults.page REPORT…``, each as ``python -m tests.faults --json`` wrote it.

Runs that were cut into several, one fault each, make one table; a fault that stands in two is shown as it was the last time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tests.faults.rows import Number, Row

_LOST = ("lost", "committed rows lost")
_NOTICED = ("noticed by the agency", "false alarms")
#: Of what else a row counts, what is worth a reader's time; all of it stands in the report.
_TOLD = (
    "kills",
    "backend killed",
    "cuts with loss",
    "puts refused",
    "batches refused",
    "buried",
    "neither",
    "most bytes",
    "committed meanwhile",
    "first receipt after s",
    "slowest after s",
    "receipts too early",
    "found by verify",
    "without effect",
    "called whole and was not",
    "without models MB",
    "agency end MB",
    "unit kB a day",
    "agency kB a day",
    "expired as set between capture and put",
)
_ELSEWHERE = (*_LOST, *_NOTICED, "doubled", "committed", "stored")


def table(rows: list[Row]) -> str:
    """Markdown; what a row does not count is left empty."""
    head = "| what was done | how often | committed | stored | lost | doubled | alarms raised | and | |"
    lines = [head, "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        numbers = row.numbers
        names = [name for name in numbers if name not in _ELSEWHERE]
        often, others = names[:1], [name for name in names[1:] if name in _TOLD]
        doubled = numbers.get("doubled", 0) if "stored" in numbers else ""
        cells = (
            row.fault,
            _told(numbers, often),
            _number(numbers, ("committed",)),
            _number(numbers, ("stored",)),
            _number(numbers, _LOST),
            str(doubled),
            _number(numbers, _NOTICED),
            "; ".join(filter(None, (_told(numbers, others), row.note))),
            row.verdict,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(*paths: str) -> None:
    """Print the table, and on how many seconds of which host it rests."""
    rows, hosts, seconds = dict[str, Row](), set[str](), 0.0
    for path in paths:
        report = json.loads(Path(path).read_text())
        hosts.add(report["host"])
        seconds += report["seconds"]
        rows |= {row["fault"]: msgspec.convert(row, Row) for row in report["rows"]}
    print(table(list(rows.values())))
    print(f"\n{len(rows)} rows, {seconds:.0f} s in all, {'; '.join(sorted(hosts))}")


def _number(numbers: Mapping[str, Number], names: tuple[str, ...]) -> str:
    return next((_shown(numbers[name]) for name in names if name in numbers), "")


def _told(numbers: Mapping[str, Number], names: list[str]) -> str:
    return ", ".join(f"{name} {_shown(numbers[name])}" for name in names)


def _shown(value: Number) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


if __name__ == "__main__":
    main(*sys.argv[1:])
