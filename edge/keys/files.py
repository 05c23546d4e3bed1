"""Files of keys: made once with the right mode, changed whole or not at all."""

from __future__ import annotations

import os
import re
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.errors import ConfigError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def require_name(name: str) -> None:
    """Raises ConfigError for what is no name: names become topics, files and rights."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"make keys: `{name}` is not a name; use lower-case letters, digits and hyphens, at most 63")


def refuse_existing(folder: Path, *names: str) -> None:
    """Make ``folder`` if it is not there.  Raises ConfigError if one of ``names`` is in it already."""
    present = [name for name in names if (folder / name).exists()]
    if present:
        raise ConfigError(f"make keys in {folder}: {', '.join(present)} is there already and is not overwritten")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"make keys in {folder}: {error.strerror}") from error


def write(path: Path, data: bytes, *, private: bool) -> None:
    """Create ``path`` with ``data``; the mode is right from the first moment on.  Raises ConfigError if it is there."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o644)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigError(f"write {path}: {error.strerror}") from error


def put(path: Path, data: bytes, *, private: bool) -> None:
    """Put ``data`` in the place of ``path``, whole or not at all; owner and mode stay those of the file that was there."""
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        write(fresh, data, private=private)
        if path.exists():
            before = path.stat()
            fresh.chmod(before.st_mode & 0o7777)
            if os.geteuid() == 0:
                os.chown(fresh, before.st_uid, before.st_gid)
        fresh.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise ConfigError(f"write {path}: {error.strerror}") from error


def destroy(path: Path) -> None:
    """Overwrite a private file and take it away.  A card that spreads its writes may still hold the old blocks: whoever must
    be sure destroys the medium.  Raises ConfigError."""
    try:
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        _sync(path.parent)
    except OSError as error:
        raise ConfigError(f"destroy {path}: {error.strerror}") from error


def replace_secret(path: Path, data: bytes) -> None:
    """``put``, and destroy what was there: at every moment there is a whole file under the name.  Raises ConfigError."""
    aside = path.with_name(path.name + ".old")
    try:
        aside.unlink(missing_ok=True)
        os.link(path, aside)
    except OSError as error:
        raise ConfigError(f"replace {path}: {error.strerror}") from error
    put(path, data, private=True)
    destroy(aside)


def new_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Make a private key in a file of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    write(path, private_pem(key), private=True)
    return key


def new_pair(folder: Path, name: str) -> None:
    """``name.key`` and ``name.pem`` in ``folder``."""
    write(folder / f"{name}.pem", public_pem(new_key(folder / f"{name}.key").public_key()), private=False)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as unencrypted PKCS #8."""
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def public_pem(key: ec.EllipticCurvePublicKey) -> bytes:
    """The key as SubjectPublicKeyInfo."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
