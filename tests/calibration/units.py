"""A unit's configuration, as far as a calibration needs one."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


def device_toml(folder: Path) -> Path:
    """A unit's configuration with a real key; nothing else of it is needed to sign a record."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip
    (folder / "sign.key").write_bytes(pem)
    (folder / "sign.key").chmod(0o600)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "sign.pem").write_bytes(public)
    path = folder / "device.toml"
    path.write_text(
        '[unit]\ndevice = "ct-01"\nagency = "hartford-pd"\ndata = "data"\n[[cameras]]\nname = "north"\nsource = "drive.avi"\n'
        '[policy]\npack = "us-ct"\n[keys]\nsign_key = "sign.key"\nagency_seal = "a.pem"\nagency_receipt = "b.pem"\n'
        '[broker]\nhost = "localhost"\nca = "c"\ncertificate = "d"\nkey = "e"\n'
    )
    return path
