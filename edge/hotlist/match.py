"""Hot lists, filtered by the pack before anything is matched, and looked up by plate.

Plates of a list stand nowhere but in the table of admitted entries: not in an error, not in a log line, and an entry that
the pack refuses is forgotten while the file is read.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from types import MappingProxyType

import msgspec
from msgspec import Struct

from edge.errors import PolicyError
from edge.policy.pack import Pack
from edge.records import Hit

EXPIRED = "engine-hotlist-expired"
_MAX_BYTES = 64 << 20
# A field longer than this is a lost quotation mark.
_MAX_FIELD = 1000
_REGION = re.compile(r"(?:[A-Z]{2}-)?[A-Z]{2,3}")


class _Row(Struct, frozen=True, kw_only=True):
    """The cells of one line, as they stand there; it lives only while the line is read."""

    plate: str
    region: str
    source: str
    topic: str
    reason: str
    entered_by: str
    entered_on: str
    expires_on: str


COLUMNS = _Row.__struct_fields__


class Entry(Struct, frozen=True, kw_only=True):
    """One admitted entry without its plate, which is the key of the table.  It matches up to and with ``expires_on`` (UTC)."""

    region: str
    expires_on: date | None
    hit: Hit


class HotList:
    """Every admitted entry of all lists.  Loading is the only way to fill it."""

    def __init__(self, entries: Mapping[str, tuple[Entry, ...]], refused: Mapping[str, int], regions_must_agree: bool) -> None:
        self._exact = entries
        self._folded: dict[str, tuple[Entry, ...]] = {}
        for plate, known in self._exact.items():
            folded = fold(plate)
            self._folded[folded] = self._folded.get(folded, ()) + known
        self._regions_must_agree = regions_must_agree
        self.admitted: int = sum(map(len, self._exact.values()))
        self.refused: Mapping[str, int] = MappingProxyType(dict(refused))

    @staticmethod
    def load(files: Sequence[Path], pack: Pack, at: datetime) -> HotList:
        """Read CSV files with the columns ``COLUMNS``; an empty region means any, an empty expiry none.

        What ``pack`` does not admit, and what has expired at ``at`` (aware UTC), is dropped and counted under the rule
        that refused it in ``refused``.  Raises PolicyError naming file, line and column, never what stands there.
        """
        today = at.astimezone(timezone.utc).date()
        entries: dict[str, tuple[Entry, ...]] = {}
        refused: Counter[str] = Counter()
        for path in files:
            for plate, entry in _admitted(path, pack, today, refused):
                entries[plate] = (*entries.get(plate, ()), entry)
        return HotList(entries, refused, any(rule.region == "must-agree" for rule in pack.hotlists))

    def match(self, text: str, region: str, at: datetime) -> Hit | None:
        """The hit of a read, or None.  ``exact`` is true where the text is the list's own and the region does not differ;
        O and 0 are one character otherwise.  An unknown region (empty or ``unknown``) differs from none.

        A hit is always to be confirmed by a person.  Exact hits come before others, then the order of the lists.
        """
        plate = normalise(text)
        today = at.astimezone(timezone.utc).date()
        found: Hit | None = None
        for entry, same_text in self._candidates(plate):
            same_region = _regions_agree(entry.region, region)
            if _expired(entry.expires_on, today) or (self._regions_must_agree and not same_region):
                continue
            if same_text and same_region:
                return entry.hit
            found = found or _inexact(entry.hit)
        return found

    def _candidates(self, plate: str) -> Iterator[tuple[Entry, bool]]:
        own = self._exact.get(plate, ())
        yield from ((entry, True) for entry in own)
        yield from ((entry, False) for entry in self._folded.get(fold(plate), ()) if entry not in own)


def normalise(text: str) -> str:
    """Capital letters and digits only."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def fold(plate: str) -> str:
    """O and 0 as one: US plates often draw them alike."""
    return plate.replace("O", "0")


def _inexact(hit: Hit) -> Hit:
    return Hit(
        source=hit.source,
        topic=hit.topic,
        reason=hit.reason,
        entered_by=hit.entered_by,
        list_sha256=hit.list_sha256,
        exact=False,
    )


def _expired(expires_on: date | None, today: date) -> bool:
    return expires_on is not None and today > expires_on


def _regions_agree(listed: str, read: str) -> bool:
    """``CT`` and ``US-CT`` are the same; an unknown one agrees with any."""
    return not listed or read in ("", "unknown") or listed.split("-")[-1] == read.upper().split("-")[-1]


def _admitted(path: Path, pack: Pack, today: date, refused: Counter[str]) -> Iterator[tuple[str, Entry]]:
    """The plates of one list that may be matched, with their entries; rows that differ in the plate alone share one."""
    data = _read_bytes(path)
    sha256 = hashlib.sha256(data).hexdigest()
    known: dict[_Row, tuple[Entry, str | None]] = {}
    for line, row in _rows(path, data):
        plate = normalise(row.plate)
        if not 1 <= len(plate) <= 12:
            raise _refusal(path, line, "plate", "must hold 1 to 12 letters and digits")
        rest = msgspec.structs.replace(row, plate="")
        if rest not in known:
            entry = _entry(path, line, rest, sha256)
            known[rest] = (entry, _refused_by(rest, entry, pack, today))
        entry, refused_by = known[rest]
        if refused_by is None:
            yield plate, entry
        else:
            refused[refused_by] += 1


def _refused_by(row: _Row, entry: Entry, pack: Pack, today: date) -> str | None:
    rule = pack.refusal(row.source, row.topic, row.reason)
    if rule is not None:
        return rule.id
    return EXPIRED if _expired(entry.expires_on, today) else None


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(f"read hot list {path}: {error.strerror or error}") from error
    if len(data) > _MAX_BYTES:
        raise PolicyError(f"read hot list {path}: larger than {_MAX_BYTES} bytes; split it")
    return data


def _rows(path: Path, data: bytes) -> Iterator[tuple[int, _Row]]:
    """Line number and cells of each row.  Errors are raised `from None`: the library's own hold what stood in the file."""
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    reader = csv.reader(lines, strict=True)
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
            yield reader.line_num, _Row(**{name: cell.strip() for name, cell in zip(COLUMNS, cells, strict=True)})
    except UnicodeDecodeError:
        raise PolicyError(f"read hot list {path}: it is not UTF-8 text after line {reader.line_num}") from None
    except csv.Error:
        raise PolicyError(
            f"read hot list {path}: line {reader.line_num} is not valid CSV; look for a lost quotation mark"
        ) from None


def _refusal(path: Path, line: int, column: str, cure: str) -> PolicyError:
    """Names the place, never what stands there: in a list whose columns have slipped, any cell may be the plate."""
    return PolicyError(f"read hot list {path}: line {line}, column `{column}`: {cure}")


def _entry(path: Path, line: int, row: _Row, sha256: str) -> Entry:
    """One row without its plate, checked."""
    for column in ("source", "topic", "reason", "entered_by", "entered_on"):
        if not getattr(row, column):
            raise _refusal(path, line, column, "must not be empty")
    for column in COLUMNS:
        if len(getattr(row, column)) > _MAX_FIELD:
            raise _refusal(path, line, column, f"longer than {_MAX_FIELD} characters; look for a lost quotation mark")
    region = row.region.upper()
    if region and not _REGION.fullmatch(region):
        raise _refusal(path, line, "region", "write it like `CT` or `US-CT`, or leave it empty")
    entered_on = _date(row.entered_on)
    expires_on = _date(row.expires_on)
    if entered_on is None:
        raise _refusal(path, line, "entered_on", "write the date as YYYY-MM-DD")
    if row.expires_on and expires_on is None:
        raise _refusal(path, line, "expires_on", "write the date as YYYY-MM-DD, or leave it empty")
    if expires_on is not None and expires_on < entered_on:
        raise _refusal(path, line, "expires_on", "lies before `entered_on`")
    hit = Hit(
        source=row.source,
        topic="-".join(re.findall(r"[a-z0-9]+", row.topic.lower())),
        reason=row.reason,
        entered_by=row.entered_by,
        list_sha256=sha256,
        exact=True,
    )
    return Entry(region=region, expires_on=expires_on, hit=hit)


def _date(text: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
