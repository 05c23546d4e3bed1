"""From a name in ``models/manifest.toml`` to a file whose SHA-256 was checked, and how it is run.  Never downloads."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from edge.errors import ModelError
from edge.onnx_file import read_onnx, refuse_external_data

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    import onnxruntime

Format = Literal["plate-edge-detector/1", "yolov9-end2end", "fast-plate-ocr"]

#: A model for this work is a few megabytes; anything near this is not one, and would not fit beside the line on a unit.
MAX_MODEL_BYTES = 200 * 1024 * 1024


class ManifestEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model in the manifest.  ``config`` is the plate configuration that fast-plate-ocr wants beside its model;
    ``threshold`` the detector's confidence from which a plate counts by itself, ``candidate`` (if given, a lower one) that from
    which it counts if its text vouches for it; both as chosen when the model was measured."""

    file: str
    sha256: str
    format: Format
    licence: str
    about: str
    config: str | None = None
    config_sha256: str | None = None
    threshold: float = 0.5
    candidate: float | None = None


class DefaultModels(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The names of the detector and the plate reader that run where nobody names another: the manifest's table ``default``."""

    detector: str = "detector"
    recognizer: str = "ocr"


class _Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    models: dict[str, ManifestEntry]
    default: DefaultModels = DefaultModels()


class ModelFile(Struct, frozen=True, kw_only=True):
    """A model file that was found and whose bytes are what the manifest says."""

    name: str
    path: Path
    sha256: str
    format: Format
    threshold: float
    candidate: float
    config: Path | None


def bundled_folder() -> Path:
    """The folder of the models that come with the project."""
    return Path(__file__).resolve().parent.parent / "models"


def read_manifest(folder: Path) -> dict[str, ManifestEntry]:
    """All entries of ``folder``/manifest.toml by name.  Raises ModelError."""
    return _read(folder).models


def default_models(folder: Path) -> DefaultModels:
    """What ``folder``/manifest.toml runs unless told otherwise.  Raises ModelError."""
    return _read(folder).default


def _read(folder: Path) -> _Manifest:
    path = folder / "manifest.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(raw, _Manifest)
    except OSError as error:
        raise ModelError(f"read model manifest {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ModelError(f"read model manifest {path}: {error}") from error


def find_model(folder: Path, name: str, formats: tuple[Format, ...]) -> ModelFile:
    """The model ``name`` of ``folder``, hash checked.

    Raises ModelError if the manifest has no such name, the model is of another format than one of ``formats``, or the
    file (or its plate configuration) is missing, a link, too large, not the bytes that the manifest names, no ONNX model, or
    one whose weights lie in other files.
    """
    entries = read_manifest(folder)
    if name not in entries:
        raise ModelError(f"find model `{name}`: not in {folder / 'manifest.toml'}; it names {', '.join(sorted(entries))}")
    entry = entries[name]
    if entry.format not in formats:
        raise ModelError(f"find model `{name}`: its format is {entry.format}; here {' or '.join(formats)} is needed")
    path, data = _checked(folder, name, entry.file, entry.sha256)
    try:
        refuse_external_data(read_onnx(data))
    except ModelError as error:
        raise ModelError(f"find model `{name}`: {path}: {error}") from error
    config = None
    if entry.config is not None:
        if entry.config_sha256 is None:
            raise ModelError(f"find model `{name}`: the manifest gives no config_sha256 for {entry.config}")
        config, _ = _checked(folder, name, entry.config, entry.config_sha256)
    return ModelFile(
        name=name,
        path=path,
        sha256=entry.sha256,
        format=entry.format,
        threshold=entry.threshold,
        candidate=entry.threshold if entry.candidate is None else entry.candidate,
        config=config,
    )


def _checked(folder: Path, name: str, file: str, expected: str) -> tuple[Path, bytes]:
    """Path and bytes of a file whose hash is ``expected``."""
    path = folder / file
    if Path(file).name != file or path.is_symlink():
        raise ModelError(f"find model `{name}`: {file} must be a plain file beside the manifest, no path and no link")
    try:
        size = path.stat().st_size
        if size > MAX_MODEL_BYTES:
            raise ModelError(f"find model `{name}`: {path} has {size} bytes, more than the {MAX_MODEL_BYTES} allowed")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"find model `{name}`: {path}: {error.strerror or error}; restore the file") from error
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise ModelError(
            f"find model `{name}`: {path} is not the file that the manifest names (SHA-256 {found[:12]}…, expected "
            f"{expected[:12]}…); restore it, or register the new one"
        )
    return path, data


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """How every onnxruntime session of this project runs: ``threads`` threads that do not spin, quiet, in one memory.

    Two pools that spin on few cores fight: 44 ms a frame against 34 ms on one core (two sessions, x86-64, two cores).

    The memory for what lies between layers is one arena for all sessions, which takes what is asked for and not the next power
    of two, and no block is planned for each size of input beside it: 25 MB instead of 36 for the bundled pair, none of it
    growing, at the same speed."""
    import onnxruntime  # here: who only looks for a file needs none of its tens of megabytes

    _one_arena()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


@cache
def _one_arena() -> None:
    """Make the arena that sessions share; there can be one in a process."""
    import onnxruntime

    as_requested = {"arena_extend_strategy": 1, "max_mem": 0, "initial_chunk_size_bytes": -1, "max_dead_bytes_per_chunk": -1}
    where = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(where, onnxruntime.OrtArenaCfg(as_requested))
