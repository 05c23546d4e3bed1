"""Files of several keys, one PEM block after the other, each with what must be known of it on lines above it.

    Until: 2026-12-22T07:00:00+00:00         from then on nothing that this key signed is taken
    Revoked: 2026-11-22T07:00:00+00:00       nothing is
    Superseded: 2026-11-22T07:00:00+00:00    there is a newer one since then
    # words for people
    -----BEGIN PUBLIC KEY-----

RFC 7468, section 2, lets text stand before a block.  A line of any other kind is refused: it might be a misspelt end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from msgspec import Struct

from edge.errors import ConfigError

Kind = Literal["PUBLIC", "PRIVATE"]
_BLOCK = r"-----BEGIN (?:EC )?{kind} KEY-----.*?-----END (?:EC )?{kind} KEY-----\n?"
_MARK = re.compile(r"(Until|Revoked|Superseded): (\S+)")


class MarkedKey(Struct, frozen=True, kw_only=True):
    """One block and the dates above it, UTC; None where there is no such line."""

    pem: bytes
    until: datetime | None = None
    revoked: datetime | None = None
    superseded: datetime | None = None


def read_marked(path: Path, data: bytes, kind: Kind) -> tuple[MarkedKey, ...]:
    """The blocks of ``kind`` in ``data``, which ``path`` names in errors; none if there is none.  Raises ConfigError."""
    block = re.compile(_BLOCK.format(kind=kind).encode(), re.DOTALL)
    found, at = list[MarkedKey](), 0
    for each in block.finditer(data):
        found.append(_marked(path, data[at : each.start()], each.group()))
        at = each.end()
    if found and data[at:].strip():
        raise ConfigError(f"read key {path}: there is something behind the last key that is none")
    return tuple(found)


def marked_text(keys: Iterable[MarkedKey]) -> bytes:
    """The file that ``read_marked`` reads."""
    return b"".join(line for each in keys for line in (*_lines(each), each.pem.rstrip() + b"\n"))


def _lines(key: MarkedKey) -> Iterable[bytes]:
    for name, at in (("Until", key.until), ("Revoked", key.revoked), ("Superseded", key.superseded)):
        if at is not None:
            yield f"{name}: {at.astimezone(timezone.utc).isoformat(timespec='seconds')}\n".encode()


def _marked(path: Path, above: bytes, pem: bytes) -> MarkedKey:
    marks = dict[str, datetime]()
    for line in above.decode("utf-8", "replace").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        mark = _MARK.fullmatch(line)
        at = _moment(mark[2]) if mark else None
        if mark is None or at is None:
            raise ConfigError(
                f"read key {path}: the line `{line[:60]}` is not known here; delete it, or write a date after its name"
            )
        marks[mark[1].lower()] = at
    return MarkedKey(pem=pem, until=marks.get("until"), revoked=marks.get("revoked"), superseded=marks.get("superseded"))


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
