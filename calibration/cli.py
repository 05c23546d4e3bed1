"""``plate-edge calibrate``: camera set-up for technicians.  The unit's command line mounts ``app``."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from calibration import headless
from calibration.chart import write_chart
from calibration.target import make_card, write_target
from edge.errors import ConfigError, PlateEdgeError

app = typer.Typer(help="Set up a camera.", no_args_is_help=True)
app.registered_commands.extend(headless.app.registered_commands)


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
    """Write a plate-sized calibration card and a focus chart, true to scale, as PDF and PNG."""
    try:
        card = make_card(width_in, height_in)
        written = write_target(card, out, paper.value, dpi)
        chart = write_chart(card, out, dpi)
    except PlateEdgeError as error:
        typer.echo(f"plate-edge: {error}", err=True)
        raise typer.Exit(2) from error
    for path in (written.pdf, *written.pngs, written.json, *chart):
        typer.echo(path)
    typer.echo("Print the PDF at 100 % (actual size); the printed rulers must measure 100 mm and 4 in.", err=True)


@app.command()
def serve(
    config: Annotated[Path | None, typer.Option("-c", "--config", help="The unit's configuration.")] = None,
    camera: Annotated[str | None, typer.Option(help="Which camera; may be left out where there is one.")] = None,
    clip: Annotated[Path | None, typer.Option(help="Play this clip over and over in place of the camera.")] = None,
    card: Annotated[Path | None, typer.Option(help="The card's JSON; a US plate's card unless told.")] = None,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="DIR", help="The set-up's folder; one in the unit's data unless told.")
    ] = None,
    night: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder of the set-up at night, for the record.")
    ] = None,
    bind: Annotated[str, typer.Option(help="The unit's address that the tablet comes by.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: one that is free.")] = 8443,
    minutes: Annotated[float, typer.Option(min=0.05, max=60, help="When the page goes off by itself.")] = 60,
    plates: Annotated[int, typer.Option(min=10, max=1000, help="How many rendered plates a prediction reads.")] = 120,
    certificate: Annotated[Path | None, typer.Option(help="A certificate for the page; made on the spot unless told.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key.")] = None,
) -> None:
    """Serve the technician's page: live picture, traffic light, the whole set-up from a tablet."""
    try:
        from calibration.page.command import Call, run_page
    except ImportError as error:
        raise ConfigError(f"serve calibration page: {error}; install it: pip install 'plate-edge[calibrate]'") from error
    call = Call(
        config=config,
        camera=camera,
        clip=clip,
        card=card,
        into=into,
        night=night,
        host=bind,
        port=port,
        minutes=minutes,
        plates=plates,
        certificate=certificate,
        key=key,
    )
    run_page(call, lambda words: typer.echo(words))


@app.command()
def cost(
    clip: Annotated[Path, typer.Argument(help="A clip of the road; edge/demo/clip.mp4 will do.")],
    pairs: Annotated[int, typer.Option(min=1, max=100, help="How many turns with a tablet and as many without.")] = 5,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Measure what the page costs the running line: the unit over a clip, by turns with and without a tablet looking on."""
    try:
        from calibration.page.cost import measure_cost
    except ImportError as error:
        raise ConfigError(f"measure the page's cost: {error}; install it: pip install 'plate-edge[calibrate]'") from error
    found = measure_cost(clip, pairs, lambda words: typer.echo(words, err=True))
    if json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        typer.echo(
            f"the page takes {found.cost:.1%} of the line's frame rate (median of {pairs} pairs; {found.best_cost:.1%} between "
            f"the best turns; the line's processor time for a frame {found.alone_cpu_ms:.2f} ms alone, "
            f"{found.watched_cpu_ms:.2f} ms watched; {found.cores} cores, {found.pictures_per_s} pictures a second fetched)"
        )
