"""``plate-edge calibrate``: camera set-up for technicians.  The unit's command line mounts ``app``."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from calibration.target import make_card, write_target
from edge.errors import PlateEdgeError

app = typer.Typer(help="Set up a camera.", no_args_is_help=True)


class PaperChoice(str, Enum):
    """What the card is printed on."""

    card = "card"
    letter = "letter"
    a4 = "a4"


@app.callback()
def calibrate() -> None:
    """Set up a camera."""


@app.command()
def target(
    out: Annotated[Path, typer.Option(help="Folder to write into.")],
    width_in: Annotated[float, typer.Option(help="Width of a plate, inches.")] = 12.0,
    height_in: Annotated[float, typer.Option(help="Height of a plate, inches.")] = 6.0,
    paper: Annotated[
        PaperChoice, typer.Option(help="card: one page, for tabloid/A3 or a print shop; letter, a4: two sheets to join.")
    ] = PaperChoice.card,
    dpi: Annotated[int, typer.Option(help="Resolution of the PNG.")] = 300,
) -> None:
    """Write a plate-sized calibration card, true to scale, as PDF, PNG and JSON."""
    try:
        card = make_card(width_in, height_in)
        written = write_target(card, out, paper.value, dpi)
    except PlateEdgeError as error:
        typer.echo(f"plate-edge: {error}", err=True)
        raise typer.Exit(2) from error
    for path in (written.pdf, *written.pngs, written.json):
        typer.echo(path)
    typer.echo("Print the PDF at 100 % (actual size); the printed rulers must measure 100 mm and 4 in.", err=True)
