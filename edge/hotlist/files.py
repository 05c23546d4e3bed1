"""A hot list as a file: CSV with the columns ``COLUMNS`` and, beside ``list.csv``, its stamp ``list.csv.toml``, which says
which list it is, in the words in which a policy bundle names it.  A stamp holds for the file whose SHA-256 it gives, so that
an old list never passes for a fresh one because only its stamp was renewed.

Errors name file, line and column, never what stands there: in a list whose columns have slipped, any cell may be the plate.
"""

from __future__ import annotations

import csv
import functools
import gzip
import hashlib
import io
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.errors import PolicyError
from edge.policy.bundle import ListDigest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

COLUMNS = ("plate", "region", "source", "topic", "reason", "entered_by", "entered_on", "expires_on")
END_OF_TIME = datetime.max.replace(tzinfo=timezone.utc)
MAX_BYTES = 64 << 20
MAX_STAMP_BYTES = 64 << 10
# A field longer than this is a lost quotation mark.
_MAX_FIELD = 1000
_REGION = re.compile(r"(?:[A-Z]{2}-)?[A-Z]{2,3}")
_NOT_OF_A_PLATE = re.compile(r"[^A-Z0-9]")
#: What reading a keyed list's content raises where it is no gzip after all.
NOT_GZIP = (OSError, EOFError, zlib.error)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(_DATE.pattern + r"[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})")


class Row(Struct, frozen=True, kw_only=True):
    """One checked line, its plate as a digest; it matches from ``entered`` up to, not including, ``ends`` (aware UTC)."""

    digest: int
    region: str
    source: str
    topic: str
    reason: str
    entered_by: str
    entered: datetime
    ends: datetime | None


def normalise(plate: str) -> str:
    """Capital letters and digits only."""
    return _NOT_OF_A_PLATE.sub("", plate.upper())


def is_plate(plate: str) -> bool:
    """Whether a normalised text may be a plate."""
    return 1 <= len(plate) <= 12


def read_bytes(path: Path) -> bytes:
    """All of a list's file.  Raises PolicyError if it cannot be read or is absurdly large."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(f"read hot list {path}: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        raise PolicyError(f"read hot list {path}: larger than {MAX_BYTES} bytes; split it")
    return data


def stamp_path(path: Path) -> Path:
    """Where the stamp of the list at ``path`` lies."""
    return path.with_name(path.name + ".toml")


def read_stamp(path: Path, sha256: str) -> ListDigest | None:
    """The stamp of the list at ``path``, whose bytes have ``sha256``; None where there is none.

    Raises PolicyError if it is no stamp, or another file's."""
    beside = stamp_path(path)
    try:
        with beside.open("rb") as file:
            text = file.read(MAX_STAMP_BYTES).decode("utf-8")
        stamp = msgspec.convert(tomllib.loads(text), ListDigest)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PolicyError(f"read stamp {beside}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:  # UTF-8, TOML and msgspec alike
        cure = "make it anew with `plate-edge hotlist stamp`"
        raise PolicyError(f"read stamp {beside}: it is no stamp of a hot list ({error}); {cure}") from error
    if stamp.sha256 != sha256:
        raise PolicyError(
            f"read stamp {beside}: it was made for another file than {path.name} is now; deliver both together, or run "
            "`plate-edge hotlist stamp` again"
        )
    return stamp


def write_stamp(path: Path, name: str, version: str, issued: datetime) -> int:
    """Check the list at ``path`` and write its stamp beside it; returns how many entries it has.

    Raises PolicyError if the list is malformed or the stamp would be."""
    data = read_bytes(path)
    entries = sum(1 for _ in read_rows(path, io.BytesIO(data), lambda cell: 0 if is_plate(normalise(cell)) else None))
    stamp = {"name": name, "version": version, "issued": issued, "sha256": hashlib.sha256(data).hexdigest()}
    try:
        checked = msgspec.convert(stamp, ListDigest)
        lines = [
            f"name = {_toml(checked.name)}",
            f"version = {_toml(checked.version)}",
            f"issued = {checked.issued.astimezone(timezone.utc).isoformat(timespec='seconds')}",
            f"sha256 = {_toml(checked.sha256)}",
        ]
    except msgspec.ValidationError as error:
        raise PolicyError(f"stamp hot list {path}: {error}") from error
    replace_file(stamp_path(path), "\n".join([*lines, ""]).encode())
    return entries


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path``, whole or not at all.  Raises PolicyError."""
    fresh = path.with_name(path.name + ".new")
    try:
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise PolicyError(f"write {path}: {error.strerror or error}") from error


def read_rows(path: Path, data: io.BytesIO | gzip.GzipFile, digest: Callable[[str], int | None]) -> Iterator[Row]:
    """The checked rows of a list; ``digest`` makes a number of a plate's cell, None of one that holds no plate.

    Raises PolicyError at the first line that is wrong."""
    return (check_row(path, line, cells, digest) for line, cells in read_cells(path, data))


def read_cells(path: Path, data: io.BytesIO | gzip.GzipFile) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row.  Errors are raised `from None`: the library's own hold what stood in the file."""
    reader = csv.reader(io.TextIOWrapper(data, encoding="utf-8-sig", newline=""), strict=True)
    try:
        header = next(reader, [])
        if tuple(header) != COLUMNS:
            raise PolicyError(f"read hot list {path}: line 1 must name the columns {','.join(COLUMNS)}, in this order")
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(COLUMNS):
                raise PolicyError(
                    f"read hot list {path}: line {reader.line_num} has {len(cells)} columns instead of {len(COLUMNS)}"
                )
            yield reader.line_num, [cell.strip() for cell in cells]
    except UnicodeDecodeError:
        raise PolicyError(f"read hot list {path}: it is not UTF-8 text after line {reader.line_num}") from None
    except NOT_GZIP:
        raise PolicyError(f"read hot list {path}: damaged after line {reader.line_num}; compile it again") from None
    except csv.Error:
        raise PolicyError(
            f"read hot list {path}: line {reader.line_num} is not valid CSV; look for a lost quotation mark"
        ) from None


def check_row(path: Path, line: int, cells: list[str], digest: Callable[[str], int | None]) -> Row:
    """One line of :func:`read_cells` as :func:`read_rows` gives it.  Raises PolicyError."""

    def refuse(column: str, cure: str) -> PolicyError:
        return PolicyError(f"read hot list {path}: line {line}, column `{column}`: {cure}")

    plate, region, source, topic, reason, entered_by, entered_on, expires_on = cells
    number = digest(plate)
    if number is None:
        raise refuse("plate", "must hold 1 to 12 letters and digits")
    for column, cell in zip(COLUMNS, cells, strict=True):
        if not cell and column not in ("region", "expires_on"):
            raise refuse(column, "must not be empty")
        if len(cell) > _MAX_FIELD:
            raise refuse(column, f"longer than {_MAX_FIELD} characters; look for a lost quotation mark")
    if region and not _REGION.fullmatch(region.upper()):
        raise refuse("region", "write it like `CT` or `US-CT`, or leave it empty")
    entered, ends = _span(entered_on), _span(expires_on) if expires_on else None
    how = "write the date as YYYY-MM-DD, or the moment as YYYY-MM-DDThh:mmZ"
    if entered is None:
        raise refuse("entered_on", how)
    if expires_on and ends is None:
        raise refuse("expires_on", f"{how}, or leave it empty")
    if ends is not None and ends[1] <= entered[0]:
        raise refuse("expires_on", "lies before `entered_on`")
    return Row(
        digest=number,
        region=region.upper(),
        source=source,
        topic=_one_word(topic),
        reason=reason,
        entered_by=entered_by,
        entered=entered[0],
        ends=ends[1] if ends is not None else None,
    )


@functools.lru_cache(maxsize=4096)
def _span(text: str) -> tuple[datetime, datetime] | None:
    """First moment of what ``text`` means, and the first after it: a date is the whole day (UTC), a moment itself."""
    try:
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text)
            begin = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
            return begin, begin + timedelta(days=1) if day < date.max else END_OF_TIME
        if _MOMENT.fullmatch(text):
            moment = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
            return moment, moment
    except (ValueError, OverflowError):
        return None
    return None


@functools.lru_cache(maxsize=1024)
def _one_word(topic: str) -> str:
    """The form in which packs name topics."""
    return "-".join(re.findall(r"[a-z0-9]+", topic.lower()))


def _toml(text: str) -> str:
    """A TOML basic string: JSON's escapes are among TOML's."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
