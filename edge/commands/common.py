"""What all command groups share: options, consoles, JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
import typer

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

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
    from rich.console import Console  # here, since what never says anything to people need not hold it

    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_IN_FILES)


def tell() -> Console:
    """The console for progress and warnings: standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


class Watched:
    """A bar on the terminal for long loops; nothing where standard error is no terminal."""

    def __call__(self, items: Iterator[T], total: int) -> Iterator[T]:
        """Hand out ``items`` while the bar grows."""
        from rich.progress import track as progress_bar

        yield from progress_bar(
            items, total=total, description="reading", console=tell(), transient=True, disable=not sys.stderr.isatty()
        )


AgencyFile = Annotated[Path, typer.Option("-c", "--config", help="The agency end's configuration.")]
DeviceFile = Annotated[Path, typer.Option("-c", "--config", help="The unit's configuration.")]
Moment = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]


def end_of(moment: datetime) -> datetime:
    """UTC; a day without a time is meant whole."""
    whole_day = timedelta(days=1) if (moment.hour, moment.minute) == (0, 0) else timedelta()
    return moment.replace(tzinfo=timezone.utc) + whole_day
