"""Keyed lists: what a unit may keep of a hot list where a pack lets none lie in plain text.

At the agency `plate-edge hotlist compile` makes one file of a list and its stamp::

    plate-edge hot list 1\\n | key id, 8 bytes | nonce, 12 bytes | AES-256-GCM of the rest, its tag at the end
    rest: gzip of one line of JSON, the stamp, and the CSV with each plate replaced by the 16 hex digits of its digest

The digest is the first 64 bits of HMAC-SHA-256: among 100,000 entries a plate that is not listed is taken for one once in
10^14 look-ups.  Both keys are derived (HKDF-SHA-256) from one secret of 32 random bytes, which the agency's units share.  There
is nothing to guess in it, so no slow derivation is needed; and whoever has it can try all plates in hours, slow derivation or
not, so it must not lie where the list lies.  Without it the file tells its size alone.  The seal says that a holder of the
secret made the list, not who: where that matters, name the list in a signed bundle.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import hmac
import io
import os
import re
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from edge.errors import ConfigError, PolicyError
from edge.hotlist.files import (
    COLUMNS,
    MAX_STAMP_BYTES,
    NOT_GZIP,
    check_row,
    is_plate,
    normalise,
    read_bytes,
    read_cells,
    read_stamp,
    stamp_path,
)
from edge.policy.bundle import ListDigest

MAGIC = b"plate-edge hot list 1\n"
_SECRET_BYTES = 32
_ID_BYTES = 8
_NONCE_BYTES = 12
_SECRET = re.compile(rb"[0-9a-f]{64}")
_DIGEST = re.compile(r"[0-9a-f]{16}")
_READABLE_BY_OTHERS = 0o007
_MOUNTS = Path("/proc/self/mountinfo")
_IN_MEMORY = ("tmpfs", "ramfs")


class ListKey:
    """What an agency's lists are keyed and sealed with; ``id`` names it and gives nothing away."""

    def __init__(self, secret: bytes) -> None:
        """``secret``: 32 random bytes."""
        self.id = _derived(secret, b"id")[:_ID_BYTES]
        self._digests = _derived(secret, b"digest")
        self._seal = AESGCM(_derived(secret, b"seal"))

    @staticmethod
    def random() -> ListKey:
        """A key that dies with the process: enough for plain lists, so that no plate stays in memory."""
        return ListKey(os.urandom(_SECRET_BYTES))

    def digest(self, plate: str) -> int:
        """The number, 64 bits, that stands for a normalised plate."""
        return int.from_bytes(hmac.digest(self._digests, plate.encode(), "sha256")[:8], "big")

    def digest_cell(self, cell: str) -> int | None:
        """The digest of a plain list's cell; None where it holds no plate."""
        plate = normalise(cell)
        return self.digest(plate) if is_plate(plate) else None

    def seal(self, content: bytes) -> bytes:
        """A keyed list's file."""
        nonce = os.urandom(_NONCE_BYTES)
        head = MAGIC + self.id
        return head + nonce + self._seal.encrypt(nonce, content, head)

    def open(self, path: Path, data: bytes) -> bytes:
        """The content of the file at ``path``, whose bytes are ``data``.  Raises PolicyError if it was sealed with another key,
        or altered since."""
        start = len(MAGIC) + _ID_BYTES
        head, nonce, sealed = data[:start], data[start : start + _NONCE_BYTES], data[start + _NONCE_BYTES :]
        if head[len(MAGIC) :] != self.id:
            raise PolicyError(
                f"read hot list {path}: it was compiled with key {head[len(MAGIC) :].hex()}, but `hotlist.key` is "
                f"{self.id.hex()}; deliver the list or the key that belongs here"
            )
        try:
            return self._seal.decrypt(nonce, sealed, head)
        except (InvalidTag, ValueError):
            raise PolicyError(f"read hot list {path}: damaged or altered since it was compiled; deliver it again") from None


def compile_list(path: Path, key: ListKey) -> bytes:
    """The keyed file of the list at ``path`` and its stamp.  Raises PolicyError if either is missing or malformed."""
    data = read_bytes(path)
    stamp = read_stamp(path, hashlib.sha256(data).hexdigest())
    if stamp is None:
        cure = "run `plate-edge hotlist stamp` first"
        raise PolicyError(f"compile hot list {path}: {stamp_path(path)} does not say which list it is; {cure}")
    rows = io.StringIO(newline="")
    writer = csv.writer(rows)
    writer.writerow(COLUMNS)
    for line, cells in read_cells(path, io.BytesIO(data)):
        writer.writerow([f"{check_row(path, line, cells, key.digest_cell).digest:016x}", *cells[1:]])
    return key.seal(gzip.compress(msgspec.json.encode(stamp) + b"\n" + rows.getvalue().encode()))


def open_keyed(path: Path, data: bytes, key: ListKey) -> tuple[ListDigest, gzip.GzipFile]:
    """The stamp in a keyed file, whose bytes are ``data``, and its rows, as `read_cells` takes them.  Raises PolicyError."""
    # Unpacked as it is read: the whole text would take more memory than the table that is made of it.
    content = gzip.GzipFile(fileobj=io.BytesIO(key.open(path, data)))
    try:
        return msgspec.json.decode(content.readline(MAX_STAMP_BYTES), type=ListDigest), content
    except (msgspec.DecodeError, *NOT_GZIP):
        raise PolicyError(f"read hot list {path}: it holds no stamp; compile it with this version") from None


def digest_of_keyed(cell: str) -> int | None:
    """The digest that stands in a keyed list's cell."""
    return int(cell, 16) if _DIGEST.fullmatch(cell) else None


def make_key(path: Path) -> ListKey:
    """Write a new secret, readable by its owner alone; nothing is overwritten.  Raises ConfigError."""
    secret = os.urandom(_SECRET_BYTES)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secret.hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigError(f"make key of hot lists {path}: {error.strerror}") from error
    return ListKey(secret)


def load_key(path: Path) -> ListKey:
    """Read a secret.  Raises ConfigError if it is absent, readable by others, or no such key."""
    doing = f"read key of hot lists {path}"
    try:
        data = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(f"{doing}: {error.strerror or error}; has it been handed over since the start?") from error
    if mode & _READABLE_BY_OTHERS:
        raise ConfigError(f"{doing}: everybody on this machine may read it; run `chmod 600` on it")
    if not _SECRET.fullmatch(data.strip()):
        raise ConfigError(f"{doing}: it is no such key; make one with `plate-edge hotlist key`")
    return ListKey(bytes.fromhex(data.strip().decode()))


def lies_in_memory(path: Path) -> bool:
    """Whether ``path`` is on a file system that is gone with the power, as systemd's credentials and ``/run`` are."""
    place = path.resolve()
    best, kind = -1, ""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    for line in lines:
        before, _, after = line.partition(" - ")
        mounted = Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), before.split(" ")[4]))
        if place.is_relative_to(mounted) and len(mounted.parts) >= best:  # of two at one place the later one is seen
            best, kind = len(mounted.parts), after.split(" ")[0]
    return kind in _IN_MEMORY


def _derived(secret: bytes, what: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"plate-edge hot list " + what).derive(secret)
