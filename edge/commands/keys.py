"""``plate-edge keys``: make, enrol, rotate, revoke and show keys and certificates."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from edge import keys
from edge.commands.common import (
    Json,
    say,
    write_json,
)
from edge.errors import ConfigError
from edge.present import (
    key_table,
)

key_commands = typer.Typer(help="Make, enrol, rotate, revoke and show keys and certificates.", no_args_is_help=True)
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
    """Make a broker's certificate, its configuration and its access list, for mosquitto and for EMQX."""
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


@key_commands.command("rotate")
def keys_rotate(folder: Annotated[Path, typer.Argument(help="An agency's folder, or a unit's.")]) -> None:
    """Make a new key beside the old: an agency's sealing key, in force at once, or a unit's next signing key."""
    if (folder / "seal.key").exists():
        say().print(f"new sealing key {keys.rotate_agency(folder)}; the old one goes on opening", markup=False)
        say().print("next: `plate-edge keys enrol` for each unit, and after a month `plate-edge keys retire`", markup=False)
    else:
        handover = keys.rotate_device(folder)
        say().print(f"next: `plate-edge keys accept AGENCY {handover}`, then `plate-edge keys switch {folder}`", markup=False)


@key_commands.command("accept")
def keys_accept(
    agency_folder: Annotated[Path, typer.Argument(help="The agency's folder.")],
    handover: Annotated[Path, typer.Argument(help="The unit's sign.handover.")],
    window_days: Annotated[float, typer.Option(min=0, help="How long the old key is still believed.")] = keys.WINDOW.days,
) -> None:
    """Believe a unit's next signing key, which its old key vouches for."""
    says = keys.accept(agency_folder, handover, window=timedelta(days=window_days))
    say().print(f"accepted the next key of {says.device}", markup=False)


@key_commands.command("switch")
def keys_switch(folder: Annotated[Path, typer.Argument(help="The unit's folder.")]) -> None:
    """Let a unit sign with its next key from now on, and destroy the old one; every agency must have accepted before."""
    say().print(f"signs with {keys.switch_device(folder)}; the old private key is destroyed", markup=False)


@key_commands.command("retire")
def keys_retire(
    folder: Annotated[Path, typer.Argument(help="The agency's folder.")],
    window_days: Annotated[
        float, typer.Option(min=0, help="How long ago there must have been a newer one: longer than any unit was away.")
    ] = keys.WINDOW.days,
) -> None:
    """Destroy an agency's old sealing keys; what is still sealed to them can be opened by nobody, ever."""
    gone = keys.retire(folder, window=timedelta(days=window_days))
    say().print(f"destroyed: {', '.join(gone)}" if gone else "no sealing key was superseded so long ago", markup=False)


@key_commands.command("renew")
def keys_renew(
    folder: Annotated[Path, typer.Argument(help="The folder of a unit, an agency or a broker.")], ca: CaFolder
) -> None:
    """Make a new TLS key and certificate under the same name, before the old one ends."""
    say().print(f"good until {keys.renew_certificate(folder, ca):%Y-%m-%d}", markup=False)


@key_commands.command("revoke")
def keys_revoke(
    name: Annotated[str, typer.Argument(help="The unit, by the name in its certificate (at a party's: OWNER/UNIT).")],
    ca: Annotated[Path | None, typer.Option(help="Folder of the certificate authority: no broker takes it any more.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Its tls.pem, if the authority keeps no record of it.")] = None,
    broker: Annotated[list[Path] | None, typer.Option(help="A broker's folder on this machine; may be given again.")] = None,
    agency: Annotated[list[Path] | None, typer.Option(help="An agency's folder on this machine; may be given again.")] = None,
) -> None:
    """Shut a lost unit out: authority, broker and agency, those of them that are on this machine."""
    if (ca is None and (broker or certificate)) or not (ca or agency):
        raise ConfigError(
            "revoke: name the authority as --ca (--broker and --certificate need it), or an agency's folder as --agency"
        )
    for folder in agency or ():
        number = keys.refuse_at_agency(folder, name)
        say().print(f"{folder}: {number} key(s) of {name} refused", markup=False)
    if ca is None:
        return
    new = keys.revoke(ca, name, certificate=certificate)
    say().print(f"{ca / 'crl.pem'}: {len(new)} certificate(s) of {name} revoked", markup=False)
    for folder in broker or ():
        keys.hand_to_broker(ca, folder)
        taken = keys.take_up(folder)
        say().print(f"{folder}: taken up by process {taken.broker_pid}", markup=False)
    if not broker:
        say().print("next: copy crl.pem to the broker's folder and run `plate-edge keys take-up` there", markup=False)


@key_commands.command("take-up")
def keys_take_up(broker: Annotated[Path, typer.Argument(help="The folder of the broker that runs here.")]) -> None:
    """Let a running mosquitto read its crl.pem again, and end the connections of those it names; run it after each change."""
    taken = keys.take_up(broker)
    say().print(f"taken up by process {taken.broker_pid}; shut out: {', '.join(taken.ended) or 'nobody'}", markup=False)


@key_commands.command("show")
def keys_show(folder: Annotated[Path, typer.Argument(help="A folder of keys.")], json: Json = False) -> None:
    """Show what is in a folder of keys: ids, fingerprints, ends of validity; never a secret."""
    if json:
        for each in keys.describe(folder):
            write_json(each)
    else:
        say().print(key_table(keys.describe(folder)))
