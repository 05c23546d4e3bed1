"""Whoever has the unit's card, or its key, changes what waits in the outbox: what does the agency end say to that?

PASS: within a minute of the unit's next contact the agency end refuses messages or raises an alarm about that unit, or what was
done has no effect.  GAP: it says nothing, which is known: a tail that nobody outside ever heard of can be cut off, or written
anew with the unit's own key, since nothing outside the card knows better; a moment of contact before ends that.  The other
numbers tell what else there is to see: numbers that never came, reads in the store that do not follow the one before, what the
unit itself or ``plate-edge outbox verify`` on its card noticed.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from msgspec import Struct

from edge.journal import Journal
from edge.store.sqlite import SqliteStore
from tests.faults import oracle
from tests.faults.rows import Bench, Row, Verdict
from tests.faults.scene import Scene, wait_for
from tests.faults.target import Target

_DELIVERED, _WAITING, _AFTER = 8, 12, 5
_LAST = _DELIVERED + _WAITING
_AT = _DELIVERED + 6
_OLD = 4
_QUIET_S = 9.0
_IN_TIME_S = 60.0
_AT_ONCE = 5


def untouched(target: Target) -> None:
    """Nothing is done: nothing must be said."""


def edited(target: Target) -> None:
    """One bit of a read that waits."""
    wire = bytearray(_wire(target, _AT))
    wire[len(wire) // 2] ^= 1
    target.change("UPDATE envelopes SET wire = :wire WHERE seq = :seq", seq=_AT, wire=bytes(wire))


def deleted(target: Target) -> None:
    """A read that waits is gone."""
    target.change("DELETE FROM envelopes WHERE seq = :seq", seq=_AT)


def swapped(target: Target) -> None:
    """Two reads that wait have changed places."""
    one, other = _wire(target, _AT), _wire(target, _AT + 1)
    target.change("UPDATE envelopes SET wire = :wire WHERE seq = :seq", seq=_AT, wire=other)
    target.change("UPDATE envelopes SET wire = :wire WHERE seq = :seq", seq=_AT + 1, wire=one)


def inserted(target: Target) -> None:
    """A read that another key signed, at the end of the chain."""
    stranger = Target(target.town, "stranger")
    _append(target, target.forge(_LAST + 1, key=stranger))


def cut_off(target: Target) -> None:
    """The youngest reads are gone, and the chain's head with them."""
    last = _AT
    target.change(
        "DELETE FROM envelopes WHERE seq > :seq", "UPDATE chain SET seq = :seq, hash = :hash", seq=last, hash=target.hash(last)
    )


def rolled_back(target: Target) -> None:
    """The whole file as it was before most of it was delivered."""
    target.restore("old")


def signed_anew(target: Target) -> None:
    """One read says something else, under the device's own signature."""
    wire = target.forge(_AT)
    target.change("UPDATE envelopes SET wire = :wire WHERE seq = :seq", seq=_AT, wire=wire)


def signed_anew_to_the_end(target: Target) -> None:
    """The same, and everything after it is signed anew too, so that the chain holds."""
    for seq in range(_AT, _LAST + 1):
        previous = target.hash(seq - 1)
        wire = target.forge(seq, previous=previous, text="FORGED1" if seq == _AT else "TEST123")
        change = "UPDATE envelopes SET wire = :wire, previous = :previous WHERE seq = :seq"
        target.change(change, wire=wire, previous=previous, seq=seq)
    target.change("UPDATE chain SET hash = :hash", hash=target.hash(_LAST))


def cloned(target: Target) -> None:
    """A copy of the card goes on in another machine, and delivers first."""
    target.copy("clone")
    _run_apart(target, "clone")


def cloned_key(target: Target) -> None:
    """Another machine with the device's keys and an empty card delivers first."""
    _run_apart(target, None)


def cut_off_what_nobody_knew(target: Target) -> None:
    """As ``cut_off``, of a unit that had not been in contact since it kept those reads."""
    cut_off(target)


def signed_anew_what_nobody_knew(target: Target) -> None:
    """As ``signed_anew_to_the_end``, of a unit that had not been in contact since it kept those reads."""
    signed_anew_to_the_end(target)


ATTACKS: tuple[Callable[[Target], None], ...] = (
    untouched,
    edited,
    deleted,
    swapped,
    inserted,
    cut_off,
    rolled_back,
    signed_anew,
    signed_anew_to_the_end,
    cloned,
    cloned_key,
    cut_off_what_nobody_knew,
    signed_anew_what_nobody_knew,
)
_UNHEARD_OF = (cut_off_what_nobody_knew, signed_anew_what_nobody_knew)


def rows(bench: Bench) -> list[Row]:
    """Every attack, each on units of its own, all at one agency end; one row each.  A few trials at once, then the next few."""
    rounds = [range(at, min(at + _AT_ONCE, bench.scale.tamper_trials)) for at in range(0, bench.scale.tamper_trials, _AT_ONCE)]
    found = [_trials(bench, bench.folder / f"town-{few[0]}", len(few)) for few in rounds]
    return [_row(bench, attack, [part[attack] for part in found]) for attack in ATTACKS]


class _Found(Struct, frozen=True, kw_only=True):
    """What came of some trials of one attack; ``slowest_s`` from contact to the agency's first word."""

    trials: int
    noticed: int
    slowest_s: float
    lost: int
    untrue: int
    never_came: int
    breaks: int
    alarms_at_the_unit: int
    findings_on_the_card: int
    words: frozenset[str]


def _trials(bench: Bench, folder: Path, trials: int) -> Mapping[Callable[[Target], None], _Found]:
    names = {f"{attack.__name__.replace('_', '-')}-{n}": attack for attack in ATTACKS for n in range(trials)}
    with Scene(folder, *names, "stranger") as scene:
        agency = _Agency(scene)
        targets = {name: Target(scene.town, name) for name in names}
        for target in targets.values():
            target.open()
            target.put(_OLD)
            target.close()
            target.copy("old")
            target.open()
            target.put(_DELIVERED - _OLD)
            target.drain()
        _settle(targets.values())
        for name, target in targets.items():
            target.close()
            target.open()
            target.put(_WAITING)
            if names[name] not in _UNHEARD_OF:
                target.tell()
            target.close()
        damaged, findings, contact = dict[str, int](), dict[str, int](), dict[str, datetime]()
        for name, attack in names.items():
            contact[name] = datetime.now(timezone.utc)
            attack(targets[name])
            findings[name] = targets[name].findings()
            damaged[name] = targets[name].open()
            targets[name].put(_AFTER)
            if attack not in (cloned, cloned_key):  # there contact begins with the other machine
                contact[name] = datetime.now(timezone.utc)
            targets[name].drain()
        _settle(targets.values())
        for target in targets.values():
            target.close()
        agency.end()
        stored = oracle.rows(scene.town)
    said = {name: agency.said_about(name) for name in names}
    there = {name: {hashlib.sha256(row.wire).digest() for row in stored if row.device == name} for name in names}

    def found(mine: Sequence[str]) -> _Found:
        first = [(min(at for at, _ in said[name]) - contact[name]).total_seconds() for name in mine if said[name]]
        return _Found(
            trials=len(mine),
            noticed=len(first),
            slowest_s=max(first, default=0.0),
            lost=sum(len(targets[name].honest - there[name]) for name in mine),
            untrue=sum(len(there[name] - targets[name].honest) for name in mine),
            never_came=sum(oracle.holes(stored, name) for name in mine),
            breaks=sum(oracle.breaks(stored, name) for name in mine),
            alarms_at_the_unit=sum(targets[name].journal.total("alarms") + damaged[name] for name in mine),
            findings_on_the_card=sum(findings[name] > 0 for name in mine),
            words=frozenset(word for name in mine for _, word in said[name]),
        )

    return {attack: found([name for name in names if names[name] is attack]) for attack in ATTACKS}


def _row(bench: Bench, attack: Callable[[Target], None], found: Sequence[_Found]) -> Row:
    trials, noticed = sum(each.trials for each in found), sum(each.noticed for each in found)
    harm, slowest_s = sum(each.lost + each.untrue for each in found), max(each.slowest_s for each in found)
    if attack is untouched:
        verdict: Verdict = "FAIL" if noticed or harm else "PASS"
    elif attack in _UNHEARD_OF:
        verdict = "PASS" if noticed == trials else "GAP"
    else:
        verdict = "PASS" if (noticed == trials and slowest_s <= _IN_TIME_S) or not harm else "FAIL"
    row = bench.answer(
        verdict,
        "; ".join(sorted({word for each in found for word in each.words})) or "the agency end says nothing",
        trials=trials,
        noticed_by_the_agency=noticed,
        slowest_after_s=slowest_s,
        reads_lost=sum(each.lost for each in found),
        untrue_reads_stored=sum(each.untrue for each in found),
        numbers_that_never_came=sum(each.never_came for each in found),
        chain_breaks_in_the_store=sum(each.breaks for each in found),
        alarms_at_the_unit=sum(each.alarms_at_the_unit for each in found),
        findings_on_the_card=sum(each.findings_on_the_card for each in found),
    )
    return Row(fault=f"tamper: {attack.__name__.replace('_', ' ')}", verdict=row.verdict, numbers=row.numbers, note=row.note)


class _Agency:
    """The agency end in a thread, and its log."""

    def __init__(self, scene: Scene) -> None:
        self._log = io.StringIO()
        self._store = SqliteStore(scene.town.store_path)
        journal = Journal(self._log)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=scene.town.worker(self._store, journal).run, args=(self._stop,))
        self._thread.start()
        wait_for(lambda: journal.by_reason("link").get("connected", 0) > 0, "the agency end's session")

    def said_about(self, device: str) -> list[tuple[datetime, str]]:
        """When and what of every warning and error that names the device, in a word where it has one."""
        lines = [json.loads(line) for line in self._log.getvalue().splitlines()]
        loud = [line for line in lines if line["level"] in ("warning", "error") and line.get("device") == device]
        return [
            (datetime.fromisoformat(line["timestamp"]), str(line.get("reason") or line.get("alarm") or line["event"]))
            for line in loud
        ]

    def end(self) -> None:
        self._stop.set()
        self._thread.join()
        self._store.close()


def _settle(targets: Collection[Target]) -> None:
    """Until nothing waits any more, or nothing has changed for as long as it takes to send everything again."""
    before, since_s = -1, time.monotonic()
    while (now := sum(target.waiting() for target in targets)) and time.monotonic() - since_s < _QUIET_S:
        if now != before:
            before, since_s = now, time.monotonic()
        time.sleep(0.1)


def _run_apart(target: Target, name: str | None) -> None:
    """The other machine: takes the copy (or nothing) for its card, keeps reads of its own, delivers, and is gone."""
    target.copy("mine")
    if name is None:
        target.path.unlink()
    else:
        target.restore(name)
    honest = set(target.honest)
    target.open()
    target.put(_AFTER, "CLONE11")
    target.drain()
    _settle([target])
    target.close()
    target.honest = honest
    target.restore("mine")


def _append(target: Target, wire: bytes) -> None:
    columns = "read_id, hit, kept, expires, boot_id, boottime_ns, lives_ns"
    target.change(
        f"INSERT INTO envelopes (seq, previous, wire, {columns}) "
        f"SELECT :seq, :previous, :wire, {columns} FROM envelopes WHERE seq = :last",
        "UPDATE chain SET seq = :seq, hash = :hash",
        seq=_LAST + 1,
        last=_LAST,
        previous=target.hash(_LAST),
        wire=wire,
        hash=hashlib.sha256(wire).digest(),
    )


def _wire(target: Target, seq: int) -> bytes:
    wire = target.ask("SELECT wire FROM envelopes WHERE seq = :seq", seq=seq)
    assert isinstance(wire, bytes)
    return wire
