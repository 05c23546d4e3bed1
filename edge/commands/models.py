"""``plate-edge models``: list, add and verify models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.commands.common import (
    Json,
    Models,
    say,
    write_json,
)
from edge.model_files import bundled_folder, read_manifest
from edge.model_registry import Offer, add_models, verify_models
from edge.present import (
    model_table,
)

model_commands = typer.Typer(help="List, add and verify models.", no_args_is_help=True)


@model_commands.command("list")
def models_list(folder: Models = None, json: Json = False) -> None:
    """List the installed models."""
    entries = read_manifest(folder or bundled_folder())
    if json:
        write_json(entries)
    else:
        say().print(model_table(entries))


@model_commands.command("add")
def models_add(
    files: Annotated[list[Path], typer.Argument(help="ONNX files: detectors, or a fast-plate-ocr reader.")],
    folder: Annotated[Path, typer.Option("--models", help="Folder to add them to; made if it is missing.")],
    name: Annotated[str | None, typer.Option(help="Its name; the file's own unless told.")] = None,
    config: Annotated[Path | None, typer.Option(help="The reader's plate configuration (YAML).")] = None,
    threshold: Annotated[float | None, typer.Option(help="The detector's confidence from which a plate counts.")] = None,
    licence: Annotated[str, typer.Option(help="Under which licence you have it.")] = "not stated",
    json: Json = False,
) -> None:
    """Check models (input, output, opset, one run in a process of its own), copy them in and record their hashes."""
    offer = Offer(files=tuple(files), name=name, config=config, threshold=threshold, licence=licence)
    added = add_models(folder, offer)
    if json:
        write_json(added)
    else:
        say().print(model_table(added))


@model_commands.command("verify")
def models_verify(folder: Models = None, json: Json = False) -> None:
    """Check that every model of the manifest is the file that was registered, loads and runs."""
    faults = 0
    for verdict in verify_models(folder or bundled_folder()):
        faults += verdict.wrong is not None
        if json:
            write_json(verdict)
        else:
            words = "ok" if verdict.wrong is None else f"WRONG: {verdict.wrong}"
            say().print(f"{verdict.name}: {words}", markup=False, soft_wrap=True)
    if faults:
        raise typer.Exit(1)
