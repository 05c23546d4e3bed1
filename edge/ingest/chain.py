"""What can be concluded about a unit's chain from what arrived and from what the unit says.  No I/O, no clock.

Each read names the hash of the one before it, so two neighbours prove each other, in whatever order they come.  What is missing
proves nothing by itself: it may wait on the unit.  So the unit says, signed, which numbers are still to come; a number that
neither came, nor is to come, nor was buried by a tombstone was taken away.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from edge.envelope.interface import Standing, Tombstone
from edge.ingest.interface import AlarmReason, UnitAccount
from edge.ranges import Range, gaps, holds, joined, minus, size

# Bounds on what one epoch may make an agency remember.
_RUNS_AT_MOST = 2048
_PROMISES_AT_MOST = 64
_MISSING_AT_MOST = 2048
_BOOTS_AT_MOST = 32
_EPOCHS_AT_MOST = 256


class Finding(Struct, frozen=True):
    """Something that an honest unit does not bring about, and the numbers that it is about; 0 for the epoch as a whole."""

    reason: AlarmReason
    first: int = 0
    last: int = 0


class Run(Struct, array_like=True):
    """Neighbours that were seen: what the first names as its predecessor, None where that is not known, and the hash of the
    last."""

    first: int
    last: int
    previous: bytes | None
    hash: bytes


class Chain(Struct):
    """One epoch of one device.  ``promised`` are heads that the unit told of and that have not come yet; ``missing`` what was
    reported; ``behind`` the number that the unit's chain should at least have reached when it was found shorter."""

    runs: list[Run] = []
    promised: dict[int, bytes] = {}
    highest: int = 0
    expired: list[Range] = []
    budget: list[Range] = []
    copies: list[Range] = []
    pictures: list[Range] = []
    missing: list[Range] = []
    behind: int = 0
    head: int = 0
    to_come: list[Range] = []


class Life(Struct):
    """One device: its epochs in the order in which they were first heard of, and its boots with the last moment of each."""

    epochs: list[str] = []
    boots: list[tuple[str, int]] = []


def link(chain: Chain, seq: int, previous: bytes, digest: bytes) -> Iterator[Finding]:
    """Take in that ``seq`` arrived: ``previous`` is what it says of its predecessor, ``digest`` the hash of its bytes."""
    at = bisect_left(chain.runs, seq + 1, key=lambda run: run.first) - 1
    before = chain.runs[at] if at >= 0 else None
    after = chain.runs[at + 1] if at + 1 < len(chain.runs) else None
    if before is not None and seq <= before.last:
        return
    promised = chain.promised.pop(seq, None)
    if promised is not None and promised != digest:
        yield Finding("rewritten", seq, seq)
    chain.highest = max(chain.highest, seq)
    run = Run(seq, seq, previous, digest)
    if before is not None and before.last == seq - 1:
        if before.hash != previous:
            yield Finding("link", seq, seq)
        run = Run(before.first, seq, before.previous, digest)
        del chain.runs[at]
        at -= 1
    if after is not None and after.first == seq + 1:
        if after.previous not in (None, digest):
            yield Finding("link", after.first, after.first)
        run = Run(run.first, after.last, run.previous, after.hash)
        del chain.runs[at + 1]
    chain.runs.insert(at + 1, run)
    if len(chain.runs) > _RUNS_AT_MOST:
        # The oldest neighbours are the likeliest never to meet; forgetting them proves less, and nothing wrong.
        del chain.runs[0]


def stand(chain: Chain, standing: Standing, arrived: Sequence[Range]) -> Iterator[Finding]:
    """Take in what the unit says of its chain; ``arrived`` are the numbers that the store has, those in conflict too."""
    chain.head = standing.seq
    chain.to_come = list(standing.to_come)
    if standing.altered:
        yield Finding("altered", standing.altered[0], standing.altered[-1])
    highest = max(chain.highest, arrived[-1][1] if arrived else 0)
    if standing.seq < highest:
        # A word may come late, behind reads that are younger.  The next one cannot make the same mistake.
        if chain.behind and standing.seq < chain.behind:
            yield Finding("behind", standing.seq + 1, chain.behind)
        chain.behind = chain.behind or highest
    else:
        chain.behind = 0
    chain.highest = max(highest, standing.seq)
    yield from _check_head(chain, standing, arrived)
    yield from _missing(chain, standing, arrived)


def bury(chain: Chain, tombstone: Tombstone) -> None:
    """Take in what the unit says it dropped."""
    chain.budget = joined([*chain.budget, *tombstone.budget])
    chain.expired = joined([*chain.expired, *tombstone.expired])
    chain.copies = joined([*chain.copies, *tombstone.copies])
    chain.pictures = joined([*chain.pictures, *tombstone.pictures])


def buried(chain: Chain) -> list[Range]:
    """Every number that a tombstone names."""
    return joined([*chain.budget, *chain.expired])


def account(chain: Chain, arrived: Sequence[Range], *, device: str, epoch: str, heard: datetime) -> UnitAccount:
    """Where every number of ``chain`` is; ``arrived`` are those that the store has."""
    committed = max(chain.head, arrived[-1][1] if arrived else 0)
    dropped = minus(chain.budget, arrived)
    expired = minus(minus(chain.expired, arrived), chain.budget)
    rest = list(gaps(joined([*arrived, *dropped, *expired]), committed))
    # Of numbers beyond what the unit has told of nothing is known yet.
    missing = minus(rest, joined([*chain.to_come, (chain.head + 1, max(chain.head + 1, committed))]))
    return UnitAccount(
        device=device,
        epoch=epoch,
        committed=committed,
        stored=size(arrived),
        dropped=size(dropped),
        expired=size(expired),
        to_come=size(rest) - size(missing),
        missing=size(missing),
        copies_dropped=size(chain.copies),
        pictures_dropped=size(chain.pictures),
        heard=heard,
    )


def is_news(life: Life, standing: Standing) -> bool:
    """Whether ``standing`` is younger than what was heard before in the same boot: a broker may deliver twice, and whoever
    listens to it may send again what he heard."""
    return dict(life.boots).get(standing.boot_id, -1) < standing.boottime_ns


def meet(life: Life, epoch: str, standing: Standing | None = None) -> Iterator[Finding]:
    """Take in that something of ``epoch`` was heard of: a read that is new, or the unit's word ``standing``."""
    if standing is not None:
        yield from _boot(life, standing.boot_id, standing.boottime_ns)
    if life.epochs and life.epochs[-1] == epoch:
        return
    if epoch in life.epochs:
        life.epochs.remove(epoch)
        yield Finding("epoch-back")
    elif life.epochs:
        yield Finding(_how_it_began(life.epochs[-1], standing))
    life.epochs = [*life.epochs, epoch][-_EPOCHS_AT_MOST:]


def _how_it_began(last: str, standing: Standing | None) -> AlarmReason:
    """Why ``last`` was left: the unit may say so."""
    if standing is not None and standing.began == "damaged" and (last in standing.before or not standing.before):
        return "outbox-damaged"
    if standing is not None and standing.began == "missing" and last in standing.before:
        return "outbox-missing"
    return "epoch-unannounced"


def _boot(life: Life, boot: str, moment_ns: int) -> Iterator[Finding]:
    """A machine that started anew does not come back to the life before."""
    known = dict(life.boots)
    if boot in known and life.boots[-1][0] != boot:
        yield Finding("two-at-once")
    known.pop(boot, None)
    known[boot] = moment_ns
    life.boots = list(known.items())[-_BOOTS_AT_MOST:]


def _check_head(chain: Chain, standing: Standing, arrived: Sequence[Range]) -> Iterator[Finding]:
    """The head that the unit tells of is the read that came, or binds the one that will."""
    if standing.seq == 0:
        return
    ends = {run.last: run.hash for run in chain.runs}
    known = ends.get(standing.seq) or chain.promised.get(standing.seq)
    if known is not None and known != standing.hash:
        yield Finding("rewritten", standing.seq, standing.seq)
    elif known is None and not holds(arrived, standing.seq):
        chain.promised[standing.seq] = standing.hash
        if len(chain.promised) > _PROMISES_AT_MOST:
            del chain.promised[next(iter(chain.promised))]


def _missing(chain: Chain, standing: Standing, arrived: Sequence[Range]) -> Iterator[Finding]:
    """What should have arrived and was not reported yet."""
    accounted = joined([*arrived, *standing.to_come, *buried(chain), *chain.missing])
    for first, last in gaps(accounted, standing.seq):
        chain.missing = joined([*chain.missing, (first, last)])
        yield Finding("missing", first, last)
    if len(chain.missing) > _MISSING_AT_MOST:
        chain.missing = [(1, chain.missing[-1][1])]
