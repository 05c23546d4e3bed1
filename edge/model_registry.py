"""Brings an agency's models into a folder with a manifest, and proves that what a manifest names still works."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.errors import ConfigError, ModelError
from edge.model_files import MAX_MODEL_BYTES, Format, ManifestEntry, read_manifest
from edge.model_trial import try_model
from edge.onnx_file import OnnxFile, read_onnx, refuse_external_data, refuse_foreign_versions

MANIFEST = "manifest.toml"
#: A plate configuration is a page of text.
MAX_CONFIG_BYTES = 64 * 1024
#: Names are keys of the manifest and file names: no dot, no separator, nothing that a shell or a path would read otherwise.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
READER: Format = "fast-plate-ocr"


class Offer(Struct, frozen=True, kw_only=True):
    """What somebody wants to add: files, and what is to be recorded with them.

    ``name`` is for a single file, otherwise each file's own name without its suffix is taken.  ``config`` is the plate
    configuration of the one reader among the files; ``threshold`` the confidence from which its detector's plates count."""

    files: tuple[Path, ...]
    name: str | None = None
    config: Path | None = None
    threshold: float | None = None
    licence: str = "not stated"


class Verdict(Struct, frozen=True, kw_only=True):
    """One model of a manifest: ``wrong`` is None where its bytes are right and it loads and runs."""

    name: str
    file: str
    sha256: str
    format: Format
    wrong: str | None


def add_models(folder: Path, offer: Offer) -> dict[str, ManifestEntry]:
    """Check the files of ``offer``, copy them into ``folder`` (made if its parent is there), name them in its manifest.

    All of them or none: the manifest is replaced in one step at the end.  Returns the new entries by name.  Raises ConfigError
    for a wrong call or a folder that cannot be written, ModelError naming the file and what is wrong with it.
    """
    names = _names(offer)
    with _own(folder):
        taken = read_manifest(folder) if (folder / MANIFEST).exists() else {}
        for name in names:
            if name in taken:
                raise ModelError(f"add model `{name}`: {folder} has one of this name; choose another with --name")
        staging = Path(tempfile.mkdtemp(prefix=".adding-", dir=folder))
        try:
            entries = {name: _stage(staging, name, file, offer) for name, file in zip(names, offer.files, strict=True)}
            if offer.config is not None and sum(entry.format == READER for entry in entries.values()) != 1:
                raise ConfigError("add models: --config goes with exactly one reader; add readers one by one")
            text = "\n".join(_table(name, entry) for name, entry in entries.items())
            (staging / MANIFEST).write_text(text, encoding="utf-8")
            for name in names:
                try_model(staging, name)
            _install(staging, folder, entries, text)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return entries


def verify_models(folder: Path) -> Iterator[Verdict]:
    """Every model of the manifest: is it the file that was registered, does it load, does it run.  Raises ModelError if
    the manifest cannot be read."""
    for name, entry in read_manifest(folder).items():
        wrong: str | None = None
        try:
            try_model(folder, name)
        except ModelError as error:
            wrong = str(error)
        yield Verdict(name=name, file=entry.file, sha256=entry.sha256, format=entry.format, wrong=wrong)


def format_of(file: OnnxFile) -> Format:
    """The format that a model's input belongs to.  Raises ModelError if it is none that the line reads."""
    if len(file.inputs) == 1 and len(file.inputs[0].shape) == 4:
        entry = file.inputs[0]
        if entry.element == "uint8" and entry.shape[3] in (1, 3):
            return READER
        if entry.element == "uint8" and entry.shape[1] == 1:
            return "plate-edge-detector/1"
        if entry.element == "float" and entry.shape[1] == 3:
            return "yolov9-end2end"
    seen = ", ".join(f"{entry.element}{list(entry.shape)}" for entry in file.inputs[:3]) or "nothing"
    raise ModelError(
        f"it takes {seen.replace('None', 'n')}; a detector takes uint8[1, 1, height, width] (plate-edge-detector/1) or "
        f"float[1, 3, height, width] (YOLOv9 end-to-end), a reader uint8[n, height, width, 1 or 3] (fast-plate-ocr)"
    )


def _names(offer: Offer) -> tuple[str, ...]:
    """The name of each file.  Raises ConfigError if one is no name, or two are the same."""
    if offer.name is not None and len(offer.files) != 1:
        raise ConfigError("add models: --name goes with a single file")
    if offer.threshold is not None and not 0 < offer.threshold < 1:
        raise ConfigError(f"add models: a threshold is between 0 and 1, not {offer.threshold}")
    if not offer.licence.isprintable() or not 0 < len(offer.licence) <= 200:
        raise ConfigError("add models: the licence is one line of at most 200 printable characters")
    names = tuple(file.stem if offer.name is None else offer.name for file in offer.files)
    for name in names:
        if not NAME.fullmatch(name):
            raise ConfigError(f"add models: `{name}` is no name: letters, digits, - and _, at most 64; give one with --name")
    if len(set(names)) != len(names):
        raise ConfigError("add models: two of the files have the same name; add them one by one with --name")
    return names


@contextmanager
def _own(folder: Path) -> Iterator[None]:
    """Make the folder if it is missing, and let nobody else add to it meanwhile.  Raises ConfigError."""
    try:
        folder.mkdir(exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if not os.access(folder, os.W_OK):
                raise ConfigError(f"add models to {folder}: it cannot be written by this user")
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
    except OSError as error:
        raise ConfigError(f"add models to {folder}: {error.strerror or error}") from error


def _stage(staging: Path, name: str, file: Path, offer: Offer) -> ManifestEntry:
    """Copy one model (and its plate configuration) beside the others, looked into but not yet loaded."""
    data = _read(file, MAX_MODEL_BYTES)
    try:
        onnx = read_onnx(data)
        refuse_external_data(onnx)
        refuse_foreign_versions(onnx)
        format = format_of(onnx)
    except ModelError as error:
        raise ModelError(f"add model {file}: {error}") from error
    (staging / f"{name}.onnx").write_bytes(data)
    entry = ManifestEntry(
        file=f"{name}.onnx",
        sha256=hashlib.sha256(data).hexdigest(),
        format=format,
        licence=offer.licence,
        about=f"Added {datetime.now(timezone.utc):%Y-%m-%d}, opset {onnx.opset}, not measured here",
    )
    if format != READER:
        return entry if offer.threshold is None else msgspec.structs.replace(entry, threshold=offer.threshold)
    if offer.config is None:
        raise ConfigError(f"add model {file}: it is a reader; give its plate configuration with --config")
    if offer.threshold is not None and len(offer.files) == 1:
        raise ConfigError(f"add model {file}: it is a reader; a threshold is for detectors")
    config = _read(offer.config, MAX_CONFIG_BYTES)
    (staging / f"{name}.yaml").write_bytes(config)
    return msgspec.structs.replace(entry, config=f"{name}.yaml", config_sha256=hashlib.sha256(config).hexdigest())


def _read(path: Path, most: int) -> bytes:
    """The bytes of a plain file of at most ``most``; no link, no pipe, no device.  Raises ModelError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "it is a symbolic link; name the file itself" if path.is_symlink() else error.strerror or str(error)
        raise ModelError(f"add model {path}: {reason}") from error
    try:
        kind = os.fstat(handle)
        if not stat.S_ISREG(kind.st_mode):
            raise ModelError(f"add model {path}: it is no plain file")
        if kind.st_size > most:
            raise ModelError(f"add model {path}: it has {kind.st_size} bytes, more than the {most} allowed")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(most + 1)
    finally:
        os.close(handle)
    if len(data) > most:
        raise ModelError(f"add model {path}: it has more than the {most} bytes allowed")
    return data


def _table(name: str, entry: ManifestEntry) -> str:
    """A model as a table of the manifest.  TOML's basic strings are JSON's, for printable text."""
    fields = {"file": entry.file, "sha256": entry.sha256, "config": entry.config, "config_sha256": entry.config_sha256}
    fields |= {"format": entry.format, "licence": entry.licence, "about": entry.about}
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items() if value is not None]
    if entry.format != READER:
        lines.insert(-2, f"threshold = {entry.threshold}")
    return "\n".join([f"[models.{name}]", *lines]) + "\n"


def _install(staging: Path, folder: Path, entries: dict[str, ManifestEntry], text: str) -> None:
    """Move the staged files into place and then, in one step, the manifest that names them."""
    manifest = folder / MANIFEST
    old = manifest.read_text(encoding="utf-8") if manifest.exists() else "# The installed models: file, SHA-256, format.\n"
    (staging / MANIFEST).write_text(f"{old.rstrip()}\n\n{text}", encoding="utf-8")
    if not entries.items() <= read_manifest(staging).items():  # also raises where the old one cannot be added to
        raise ModelError(f"add models to {manifest}: it cannot be extended; write the entries by hand")
    files = [file for entry in entries.values() for file in (entry.file, entry.config) if file is not None]
    for file in files:
        if (folder / file).exists():
            raise ModelError(f"add models to {folder}: there is a {file} already that its manifest does not name; remove it")
    moved: list[Path] = []
    try:
        for file in files:
            _sync(staging / file)
            (staging / file).rename(folder / file)
            moved.append(folder / file)
        _sync(staging / MANIFEST)
        (staging / MANIFEST).replace(manifest)
    except OSError:
        for path in moved:
            path.unlink(missing_ok=True)
        raise
    _sync(folder)


def _sync(path: Path) -> None:
    """On the disk before it is named."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
