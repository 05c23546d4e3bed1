"""The agency's memory of its units' chains, and the alarms that came of it, in one SQLite file beside the store.

It holds numbers and hashes, and no plate.  Should it be lost, what is stored stays stored; links are then proved from the next
read on, and tombstones are missed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from edge.envelope.interface import Anchor, Standing, Tombstone
from edge.errors import StoreError
from edge.ingest import chain, clocks
from edge.ingest.chain import Chain, Finding, Life
from edge.ingest.clocks import CorrectedTime, Unset
from edge.ingest.interface import Alarm, AlarmReason, UnitAccount
from edge.ranges import Range, joined
from edge.sqlite import run, transaction
from edge.store.interface import Store

_APPLICATION_ID = 0x504C5749  # "PLWI"
#: 2 came with the tables of clocks.
_SCHEMA_VERSION = 2
# Of one reason, for one epoch of one unit: a clone that goes on for a year must not fill the disk.
_ALARMS_AT_MOST = 1000

_SCHEMA = f"""
CREATE TABLE chains (
  device TEXT NOT NULL, epoch TEXT NOT NULL, heard TEXT NOT NULL, state BLOB NOT NULL, PRIMARY KEY (device, epoch)
);
CREATE TABLE lives (device TEXT PRIMARY KEY, state BLOB NOT NULL);
CREATE TABLE tombstones (
  device TEXT NOT NULL, epoch TEXT NOT NULL, received TEXT NOT NULL, wire BLOB NOT NULL, UNIQUE (device, epoch, wire)
);
CREATE TABLE alarms (
  number INTEGER PRIMARY KEY, device TEXT NOT NULL, epoch TEXT NOT NULL, reason TEXT NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, seen TEXT NOT NULL, seen_last TEXT NOT NULL, times INTEGER NOT NULL,
  settled INTEGER NOT NULL, UNIQUE (device, epoch, reason, first, last)
);
{clocks.TABLES};
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_SCHEMA_VERSION};
"""
_UPGRADE = f"{clocks.TABLES}; PRAGMA user_version = {_SCHEMA_VERSION}"
_ALARM = "SELECT number, device, epoch, reason, first, last, seen, seen_last, times, settled FROM alarms"

_S = TypeVar("_S", Chain, Life)


class Came(Struct, frozen=True, kw_only=True):
    """A read's message was verified and is in the store: new, or as a duplicate.  ``unset``: it bears the time of a clock that
    nobody had set."""

    device: str
    epoch: str
    seq: int
    previous: bytes
    digest: bytes
    is_new: bool
    unset: Unset | None = None


class Clashed(Struct, frozen=True, kw_only=True):
    """A message was verified, and other bytes are in the store under its number."""

    device: str
    epoch: str
    seq: int


class Stood(Struct, frozen=True, kw_only=True):
    """A unit said where its chain stands; ``arrived`` is what the store has of the epoch, numbers in conflict too."""

    standing: Standing
    arrived: tuple[Range, ...]


class Buried(Struct, frozen=True, kw_only=True):
    """A unit said what it dropped; ``wire`` is kept as evidence."""

    tombstone: Tombstone
    wire: bytes


class Anchored(Struct, frozen=True, kw_only=True):
    """A unit said what its clock since boot means; ``wire`` is kept as evidence."""

    anchor: Anchor
    wire: bytes


class NotBelieved(Struct, frozen=True, kw_only=True):
    """A message came under a unit's name that it did not sign."""

    device: str


Word = Came | Clashed | Stood | Buried | Anchored | NotBelieved


class Witness(Protocol):
    """Remembers what units delivered and said, and notices what does not fit."""

    def take(self, words: Sequence[Word], at: datetime) -> Sequence[Alarm]:
        """Take in what was heard, in this order, durably and all or nothing; the alarms that are new.  Taking the same words
        again changes nothing.  Raises StoreError."""
        ...


class WitnessFile:
    """See :class:`Witness`.  Several processes may use one file, one at a time: SQLite before 3.51.3 can damage a file that two
    connections write at the same moment."""

    def __init__(self, path: Path) -> None:
        """Open or create ``path``.  Raises StoreError naming the cure."""
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._turn = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreError(f"open {path}: {error.strerror}; look at its folder and its owner") from error
        with self._mine("open"):
            self._db = _open(path)

    def take(self, words: Sequence[Word], at: datetime) -> Sequence[Alarm]:
        """Take in what was heard, in this order; the alarms that are new."""
        with self._mine("keep alarms in"), transaction(self._db):
            page = _Page(self._db, at)
            news = [alarm for word in words for alarm in page.take(word)]
            page.write()
        return news

    def settle(self, number: int) -> None:
        """Somebody has looked at alarm ``number``.  Raises StoreError if there is none."""
        with self._mine("settle an alarm in"), transaction(self._db):
            if not self._db.execute("UPDATE alarms SET settled = 1 WHERE number = ?", (number,)).rowcount:
                raise StoreError(f"settle alarm {number} in {self._path}: there is none of that number")

    def close(self) -> None:
        """Close; further calls raise StoreError."""
        if self._turn >= 0:
            with contextlib.suppress(StoreError), self._mine("close"):
                self._db.close()
            os.close(self._turn)
            self._turn = -1

    @contextlib.contextmanager
    def _mine(self, verb: str) -> Iterator[None]:
        """Nobody else writes meanwhile; SQLite's errors translated."""
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._turn, fcntl.LOCK_UN)
        except (OSError, sqlite3.Error, msgspec.DecodeError) as error:
            raise StoreError(f"{verb} {self._path}: {error}; look at its disk") from error


def read_alarms(path: Path) -> Sequence[Alarm]:
    """Every alarm, oldest first.  Raises StoreError if there is no such file or it cannot be read."""
    with _reading(path) as db:
        return [_alarm(row) for row in db.execute(f"{_ALARM} ORDER BY number")]


def settle_alarms(path: Path, numbers: Iterable[int]) -> None:
    """Somebody has looked at the alarms of these ``numbers``.  Raises StoreError if there is one too few."""
    with _reading(path):
        witness = WitnessFile(path)
    try:
        for number in numbers:
            witness.settle(number)
    finally:
        witness.close()


def read_accounts(path: Path, store: Store) -> Sequence[UnitAccount]:
    """Where the reads of each unit and epoch are, newest epoch last.  Raises StoreError."""
    with _reading(path) as db:
        rows = db.execute("SELECT device, epoch, heard, state FROM chains ORDER BY device, epoch").fetchall()
    return [
        chain.account(
            msgspec.msgpack.decode(state, type=Chain),
            joined([*store.received(device, epoch), *((seq, seq) for seq in store.conflicts(device, epoch))]),
            device=device,
            epoch=epoch,
            heard=datetime.fromisoformat(heard),
        )
        for device, epoch, heard, state in rows
    ]


def read_times(path: Path) -> Sequence[CorrectedTime]:
    """Every read that bears the time of a clock nobody had set, with the time that is known by now.  Raises StoreError."""
    with _reading(path) as db:
        (there,) = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'times'").fetchone()
        return clocks.read_times(db) if there else []


class _Page:
    """What one transaction reads and writes: each state once."""

    def __init__(self, db: sqlite3.Connection, at: datetime) -> None:
        self._db, self._now, self._at = db, at, at.astimezone(timezone.utc).isoformat(timespec="microseconds")
        self._chains: dict[tuple[str, str], Chain] = {}
        self._lives: dict[str, Life] = {}

    def take(self, word: Word) -> Iterator[Alarm]:
        """The alarms that are new."""
        if isinstance(word, Came):
            if word.is_new:
                yield from self._raise(word.device, word.epoch, chain.meet(self._life(word.device), word.epoch))
            found = chain.link(self._chain(word.device, word.epoch), word.seq, word.previous, word.digest)
            yield from self._raise(word.device, word.epoch, found)
            if word.unset is not None:
                clocks.note(self._db, word.device, word.epoch, word.seq, word.unset, self._now)
        elif isinstance(word, Stood):
            yield from self._stand(word)
        elif isinstance(word, Buried):
            self._bury(word)
        elif isinstance(word, Anchored):
            clocks.take(self._db, word.anchor, word.wire, self._now)
        elif isinstance(word, Clashed):
            yield from self._raise(word.device, word.epoch, [Finding("conflict", word.seq, word.seq)])
        else:
            yield from self._raise(word.device, "", [Finding("refused")])

    def write(self) -> None:
        """Write back what was changed."""
        for (device, epoch), state in self._chains.items():
            row = (device, epoch, self._at, msgspec.msgpack.encode(state))
            self._db.execute("INSERT OR REPLACE INTO chains VALUES (?, ?, ?, ?)", row)
        for device, life in self._lives.items():
            self._db.execute("INSERT OR REPLACE INTO lives VALUES (?, ?)", (device, msgspec.msgpack.encode(life)))

    def _stand(self, word: Stood) -> Iterator[Alarm]:
        standing = word.standing
        device, epoch = standing.device, standing.epoch
        if chain.is_news(self._life(device), standing):
            yield from self._raise(device, epoch, chain.meet(self._life(device), epoch, standing))
            yield from self._raise(device, epoch, chain.stand(self._chain(device, epoch), standing, word.arrived))

    def _bury(self, word: Buried) -> None:
        of = word.tombstone
        chain.bury(self._chain(of.device, of.epoch), of)
        row = (of.device, of.epoch, self._at, word.wire)
        self._db.execute("INSERT INTO tombstones VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row)

    def _raise(self, device: str, epoch: str, findings: Iterable[Finding]) -> Iterator[Alarm]:
        for found in findings:
            key = (device, epoch, found.reason)
            again = self._db.execute(
                "UPDATE alarms SET times = times + 1, seen_last = ? "
                "WHERE device = ? AND epoch = ? AND reason = ? AND first = ? AND last = ?",
                (self._at, *key, found.first, found.last),
            ).rowcount
            (many,) = self._db.execute(
                "SELECT count(*) FROM alarms WHERE device = ? AND epoch = ? AND reason = ?", key
            ).fetchone()
            if not again and many < _ALARMS_AT_MOST:
                number = self._db.execute(
                    "INSERT INTO alarms (device, epoch, reason, first, last, seen, seen_last, times, settled) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, 1, 0)",
                    (*key, found.first, found.last, self._at, self._at),
                ).lastrowid
                yield _alarm(self._db.execute(f"{_ALARM} WHERE number = ?", (number,)).fetchone())

    def _chain(self, device: str, epoch: str) -> Chain:
        if (device, epoch) not in self._chains:
            row = self._db.execute("SELECT state FROM chains WHERE device = ? AND epoch = ?", (device, epoch)).fetchone()
            self._chains[device, epoch] = _decoded(row, Chain)
        return self._chains[device, epoch]

    def _life(self, device: str) -> Life:
        if device not in self._lives:
            row = self._db.execute("SELECT state FROM lives WHERE device = ?", (device,)).fetchone()
            self._lives[device] = _decoded(row, Life)
        return self._lives[device]


def _decoded(row: tuple[bytes] | None, kind: type[_S]) -> _S:
    return kind() if row is None else msgspec.msgpack.decode(row[0], type=kind)


def _alarm(row: tuple[int, str, str, AlarmReason, int, int, str, str, int, int]) -> Alarm:
    number, device, epoch, reason, first, last, seen, seen_last, times, settled = row
    return Alarm(
        number=number,
        device=device,
        epoch=epoch,
        reason=reason,
        first=first,
        last=last,
        seen=datetime.fromisoformat(seen),
        seen_last=datetime.fromisoformat(seen_last),
        times=times,
        settled=bool(settled),
    )


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    try:
        for name, value in (("journal_mode", "wal"), ("synchronous", 2)):
            db.execute(f"PRAGMA {name} = {value}").fetchall()
            (granted,) = db.execute(f"PRAGMA {name}").fetchone()
            if granted != value:
                raise StoreError(f"open {path}: asked SQLite for {name} = {value}, got {granted}")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version < _SCHEMA_VERSION:
            with transaction(db):
                run(db, _UPGRADE if version else _SCHEMA)
        found = (*db.execute("PRAGMA application_id").fetchone(), *db.execute("PRAGMA user_version").fetchone())
        if found != (_APPLICATION_ID, _SCHEMA_VERSION):
            raise StoreError(f"open {path}: it is not a file of this kind and version; move it away or upgrade")
    except BaseException:
        db.close()
        raise
    return db


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can neither write nor checkpoint."""
    if not path.exists():
        raise StoreError(f"read {path}: there is none; has the agency end run yet?")
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5.0)
        ) as db:
            yield db
    except (sqlite3.Error, msgspec.DecodeError) as error:
        raise StoreError(f"read {path}: {error}; look at its disk") from error
