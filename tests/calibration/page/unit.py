"""The configuration of a unit with keys of its own and no broker, whose one camera is a clip."""

from __future__ import annotations

from pathlib import Path

from edge.demo.run import AGENCY, DEVICE


def write_unit(folder: Path, clip: Path, *, realtime: bool) -> Path:
    """Write ``device.toml`` beside the keys that ``make_keys`` made in ``folder``."""
    config = folder / "device.toml"
    config.write_text(
        f'[unit]\ndevice = "{DEVICE}"\nagency = "{AGENCY}"\ndata = "data"\n'
        f'[[cameras]]\nname = "north"\nsource = "{clip}"\nrealtime = {str(realtime).lower()}\n'
        '[policy]\npack = "us-ct"\n'
        '[keys]\nsign_key = "device/sign.key"\nagency_seal = "device/agency-seal.pem"\n'
        'agency_receipt = "device/agency-receipt.pem"\n'
        '[broker]\nhost = "127.0.0.1"\nport = 9\nca = "device/ca.pem"\n'
        'certificate = "device/tls.pem"\nkey = "device/tls.key"\n'
    )
    return config
