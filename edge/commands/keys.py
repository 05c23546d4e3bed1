"""``plate-edge keys``: make, enrol and show keys and certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge import keys
from edge.commands.common import (
    Json,
    say,
    write_json,
)
from edge.present import (
    key_table,
)

key_commands = typer.Typer(help="Make, enrol and show keys and certificates.", no_args_is_help=True)
Folder = Annotated[Path, typer.Argument(help="Folder to make the keys in; nothing in it is overwritten.")]
CaFolder = Annotated[Path, typer.Option("--ca", help="Folder of the certificate authority.")]


@key_commands.command("ca")
def keys_ca(folder: Folder) -> None:
    """Make a certificate authority for a trial or a town without one."""
    keys.make_ca(folder)
    say().print(key_table(keys.describe(folder)))


@key_commands.command("device")
def keys_device(
    folder: Folder,
    ca: CaFolder,
    device: Annotated[str, typer.Option(help="The unit's name; it becomes the common name of its certificate.")],
    agency: Annotated[str, typer.Option(help="The agency that owns its reads.")],
) -> None:
    """Make a unit's signing key and its TLS certificate."""
    keys.make_device(folder, ca, device, agency)
    say().print(key_table(keys.describe(folder)))


@key_commands.command("agency")
def keys_agency(folder: Folder, ca: CaFolder, agency: Annotated[str, typer.Option(help="The agency's name.")]) -> None:
    """Make an agency's sealing and receipt keys and the TLS certificate of its ingest."""
    keys.make_agency(folder, ca, agency)
    say().print(key_table(keys.describe(folder)))


@key_commands.command("broker")
def keys_broker(
    folder: Folder,
    ca: CaFolder,
    agency: Annotated[list[str], typer.Option(help="An agency that this broker serves; may be given again.")],
    host: Annotated[list[str] | None, typer.Option(help="Name or address of the broker; may be given again.")] = None,
    port: Annotated[int, typer.Option(help="TLS port.")] = 8883,
) -> None:
    """Make a broker's certificate, its mosquitto.conf and its access list."""
    written = keys.make_broker(folder, ca, agency, hosts=host or ("localhost", "127.0.0.1"), port=port)
    say().print(key_table(keys.describe(folder)))
    say().print(f"configuration: {written}")


@key_commands.command("policy")
def keys_policy(folder: Folder) -> None:
    """Make the key with which one person signs policy bundles; units are told its policy.pem."""
    keys.make_policy_signer(folder)
    say().print(key_table(keys.describe(folder)))


@key_commands.command("enrol")
def keys_enrol(
    agency_folder: Annotated[Path, typer.Argument(help="The agency's folder.")],
    device_folder: Annotated[Path, typer.Argument(help="The device's folder.")],
) -> None:
    """Let an agency take a device's reads, and give the device the agency's public keys."""
    say().print(f"enrolled {keys.enrol(agency_folder, device_folder)}")


@key_commands.command("admit")
def keys_admit(
    agency_folder: Annotated[Path, typer.Argument(help="The agency's folder.")],
    device_folder: Annotated[Path, typer.Argument(help="Another agency's device: its sign.pem and tls.pem are enough.")],
) -> None:
    """Let an agency take the copies that another agency's device makes for it under an agreement."""
    say().print(f"admitted {keys.admit(agency_folder, device_folder)}")


@key_commands.command("show")
def keys_show(folder: Annotated[Path, typer.Argument(help="A folder of keys.")], json: Json = False) -> None:
    """Show what is in a folder of keys: ids, fingerprints, ends of validity; never a secret."""
    if json:
        for each in keys.describe(folder):
            write_json(each)
    else:
        say().print(key_table(keys.describe(folder)))
