"""The book of holds and deletions as it is handed to an auditor: one JSON object a line, the signed text and its signature."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from edge.envelope.signature import verified_by
from edge.errors import ConfigError, EnvelopeError
from edge.store.book import DOMAIN
from edge.store.interface import Signed


class ProofLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``body`` is the JSON text that was signed, byte for byte; ``signature`` ECDSA P-256 with SHA-256 over ``plate-edge book
    v1``, a zero byte and the body: 64 bytes ``r || s`` in hexadecimal."""

    body: str
    signature: str


_line = msgspec.json.Decoder(ProofLine)


def write_proofs(book: Iterable[Signed], path: Path) -> None:
    """Write a book to a file that is not there yet.  Raises ConfigError."""
    lines = (ProofLine(body=each.body.decode(), signature=each.signature.hex()) for each in book)
    try:
        with path.open("xb") as file:
            file.writelines(msgspec.json.encode(line) + b"\n" for line in lines)
    except OSError as error:
        raise ConfigError(f"write proofs {path}: {error.strerror}; name a new file") from error


def read_proofs(path: Path) -> Iterator[Signed]:
    """The book in a file.  Raises ConfigError if it is none."""
    try:
        for line in path.read_bytes().splitlines():
            proof = _line.decode(line)
            yield Signed(body=proof.body.encode(), signature=bytes.fromhex(proof.signature))
    except (OSError, ValueError) as error:
        raise ConfigError(f"read proofs {path}: {error}; it is no file of `plate-edge store proofs --out`") from error


def book_check(keys: Sequence[ec.EllipticCurvePublicKey]) -> Callable[[bytes, bytes], None]:
    """A check that raises EnvelopeError unless one of ``keys`` signed the body that it is given."""

    def check(body: bytes, signature: bytes) -> None:
        try:
            verified_by(keys, DOMAIN, body, signature)
        except EnvelopeError as error:
            raise EnvelopeError("signature", "no key of the agency signed it, or it was changed afterwards") from error

    return check
