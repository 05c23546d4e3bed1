"""What an agency's people do with policy bundles on their own machine: make one of files, sign it, look into it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from edge.errors import ConfigError, PolicyError
from edge.hotlist.files import read_bytes, read_stamp, replace_file, stamp_path
from edge.hotlist.keyed import MAGIC, load_key, open_keyed
from edge.labeler.scope import label
from edge.policy.bundle import LIMIT_BYTES, ListDigest, Manifest, Role, bundle_file, load, make, prove, read, sign
from edge.policy.load import read_source


class Order(Struct, frozen=True, kw_only=True):
    """What is to be bundled: the state's pack and the layers that narrow it, by name or path, the other files, and the hot
    lists as they lie on the units; ``list_key`` opens compiled ones.  ``devices`` as in the manifest."""

    packs: tuple[str, ...]
    agreements: Path | None
    zones: Path | None
    lists: tuple[Path, ...]
    list_key: Path | None
    counter: int
    expires: datetime
    devices: tuple[str, ...]


def make_bundle(order: Order, issued: datetime) -> bytes:
    """A bundle that nobody has signed yet.

    Raises PolicyError if a unit could not use it, a case of its packs fails, or it expires before ``issued``."""
    sources: list[tuple[Role, str, bytes]] = []
    for name in order.packs:
        data = read_source(name)[1]
        sources.append(("layer", Path(name).name if name.endswith(".toml") else f"{name}.toml", data))
    if order.agreements is not None:
        sources.append(("agreements", order.agreements.name, read_source(order.agreements)[1]))
    if order.zones is not None:
        sources.append(("zones", order.zones.name, read_bundle(order.zones)))
    manifest = Manifest(
        counter=order.counter,
        issued=issued,
        expires=order.expires,
        files=tuple(bundle_file(*each) for each in sources),
        lists=tuple(list_digest(path, order.list_key) for path in order.lists),
        devices=order.devices,
    )
    data = make(manifest, [each[2] for each in sources])
    prove(load(read(data)).pack, label)
    return data


def list_digest(path: Path, key: Path | None) -> ListDigest:
    """What a bundle says of the hot list at ``path``, plain or compiled.  Raises PolicyError if nothing says which it is."""
    data = read_bytes(path)
    sha256 = hashlib.sha256(data).hexdigest()
    stamp: ListDigest | None
    if data.startswith(MAGIC):
        if key is None:
            raise ConfigError(f"read hot list {path}: it is compiled; name the key that it was compiled with as `--list-key`")
        stamp = open_keyed(path, data, load_key(key))[0]
    else:
        stamp = read_stamp(path, sha256)
    if stamp is None:
        cure = "run `plate-edge hotlist stamp` first"
        raise PolicyError(f"read hot list {path}: {stamp_path(path)} does not say which list it is; {cure}")
    return msgspec.structs.replace(stamp, sha256=sha256)


def sign_bundle(data: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The bundle with a signature more, if its packs do what their own cases say.  Raises PolicyError."""
    signed = sign(data, key)
    prove(load(read(data)).pack, label)
    return signed


def read_bundle(path: Path) -> bytes:
    """The bytes of a file that is no larger than a bundle may be.  Raises ConfigError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"read {path}: {error.strerror or error}") from error


def unpack(data: bytes, folder: Path) -> None:
    """Write a bundle's files into a new or empty ``folder``, for whoever wants to read them before signing.

    Raises PolicyError if the bundle is damaged, ConfigError if the folder holds something."""
    bundle = read(data)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ConfigError(f"unpack bundle: {folder} is not empty; name a new folder")
    except OSError as error:
        raise ConfigError(f"unpack bundle: {folder}: {error.strerror or error}") from error
    for file, content in zip(bundle.manifest.files, bundle.contents, strict=True):
        replace_file(folder / file.name, content)
