"""Whoever has the unit's card in his hand, and even its key, is noticed by the agency within a minute of the unit's next
contact; what cannot be noticed is claimed here too."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from edge.outbox import inspect
from edge.records import Slot
from tests.clocks import HandClock
from tests.delivery.pipe import Line, UnitSide
from tests.labeled import release


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    one = Line(tmp_path)
    yield one
    one.close()


class Card:
    """The outbox file of a unit that is switched off, in the attacker's hand, with or without the unit's key."""

    def __init__(self, unit: UnitSide) -> None:
        self.unit, self.path = unit, unit.path

    def run(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.path)) as db, db:
            db.execute(statement, values)

    def rows(self) -> dict[int, bytes]:
        with closing(sqlite3.connect(self.path)) as db:
            return dict(db.execute("SELECT seq, wire FROM envelopes"))

    def previous(self, seq: int) -> bytes:
        with closing(sqlite3.connect(self.path)) as db:
            (found,) = db.execute("SELECT previous FROM envelopes WHERE seq = ?", (seq,)).fetchone()
        return bytes(found)

    def set_head(self, seq: int, wire: bytes | None = None) -> None:
        digest = hashlib.sha256(self.rows()[seq] if wire is None else wire).digest()
        self.run("UPDATE chain SET seq = ?, hash = ?", seq, digest)

    def signed_anew(self, seq: int, previous: bytes) -> bytes:
        """Another read under number ``seq``, with the device's own key."""
        slot = Slot(epoch=self.unit.epoch, seq=seq, previous=previous)
        return self.unit.town.sealer(self.unit.device).seal(release(f"forged-{seq}", device=self.unit.device), slot).wire

    def sign_from(self, seq: int) -> None:
        """Another read under ``seq``, and everything after it sealed and chained anew."""
        previous = self.previous(seq)
        for number in sorted(each for each in self.rows() if each >= seq):
            wire = self.signed_anew(number, previous)
            self.run("UPDATE envelopes SET wire = ?, previous = ? WHERE seq = ?", wire, previous, number)
            previous = hashlib.sha256(wire).digest()
        self.set_head(max(self.rows()))


def edit(card: Card) -> None:
    wire = bytearray(card.rows()[13])
    wire[-1] ^= 1
    card.run("UPDATE envelopes SET wire = ? WHERE seq = 13", bytes(wire))


def edit_the_last(card: Card) -> None:
    card.run("UPDATE envelopes SET wire = x'00' WHERE seq = 15")


def delete(card: Card) -> None:
    card.run("DELETE FROM envelopes WHERE seq = 13")


def delete_many(card: Card) -> None:
    card.run("DELETE FROM envelopes WHERE seq IN (11, 13, 14)")


def swap(card: Card) -> None:
    rows = card.rows()
    for here, there in ((12, 14), (14, 12)):
        card.run("UPDATE envelopes SET wire = ? WHERE seq = ?", rows[there], here)


def hide_behind_a_double(card: Card) -> None:
    """Number 13 is gone, and a row that is there says that it is still to come."""
    card.run("UPDATE envelopes SET wire = ? WHERE seq = 13", card.rows()[12])


def insert_a_double(card: Card) -> None:
    card.run("INSERT INTO envelopes SELECT 5, read_id, previous, hit, kept, expires, boot_id, boottime_ns, lives_ns, wire "
             "FROM envelopes WHERE seq = 12")  # fmt: skip


def insert_signed(card: Card) -> None:
    insert_a_double(card)
    card.run("UPDATE envelopes SET wire = ?, previous = ? WHERE seq = 5", card.signed_anew(5, bytes(32)), bytes(32))


def insert_beyond_the_end(card: Card) -> None:
    card.run("INSERT INTO envelopes SELECT 99, read_id, previous, hit, kept, expires, boot_id, boottime_ns, lives_ns, wire "
             "FROM envelopes WHERE seq = 12")  # fmt: skip


def cut_below_the_receipts(card: Card) -> None:
    card.run("DELETE FROM envelopes")
    card.run("UPDATE chain SET seq = 8, hash = ?", card.unit.hashes[8])


def cut_all(card: Card) -> None:
    card.run("DELETE FROM envelopes")


def set_back(card: Card) -> None:
    shutil.copy(card.path.with_name("copy-at-8"), card.path)


def sign_one_anew(card: Card) -> None:
    wire = card.signed_anew(13, card.previous(13))
    card.run("UPDATE envelopes SET wire = ? WHERE seq = 13", wire)


def sign_a_delivered_one_anew(card: Card) -> None:
    insert_signed(card)


def remove_the_file(card: Card) -> None:
    card.path.unlink()


def remove_every_trace(card: Card) -> None:
    for path in card.path.parent.glob("outbox.sqlite*"):
        path.unlink()


def prepared(line: Line) -> UnitSide:
    """A unit that delivered 1 to 10 and committed 11 to 15 since; copies of its file as it was at 8 lie about."""
    unit = line.unit(clock=HandClock())
    kept = unit.put(8)
    unit.stop()
    shutil.copy(unit.path, unit.path.with_name("copy-at-8"))
    unit.start()
    kept += unit.put(2)
    line.meet(unit, 15)
    assert line.stored() == list(range(1, 11))
    unit.hashes = {one.slot.seq: hashlib.sha256(one.wire).digest() for one in kept}
    unit.put(5)
    unit.epoch = unit.outbox.next_slot().epoch
    return unit


ATTACKS = [
    pytest.param(edit, {"refused"}, id="edit"),
    pytest.param(edit_the_last, {"outbox-damaged"}, id="edit the last"),
    pytest.param(delete, {"missing"}, id="delete"),
    pytest.param(delete_many, {"missing"}, id="delete several"),
    pytest.param(swap, {"altered"}, id="swap"),
    pytest.param(hide_behind_a_double, {"altered"}, id="delete and put a double in its place"),
    pytest.param(insert_a_double, {"altered"}, id="insert a double"),
    pytest.param(insert_beyond_the_end, {"outbox-damaged"}, id="insert beyond the end"),
    pytest.param(insert_signed, {"conflict"}, id="insert with the device's key"),
    pytest.param(cut_all, {"missing"}, id="cut the tail, head untouched"),
    pytest.param(cut_below_the_receipts, {"rewritten", "conflict"}, id="cut the tail below the receipts"),
    pytest.param(set_back, {"rewritten", "conflict"}, id="roll back the file"),
    pytest.param(sign_one_anew, {"link"}, id="re-sign one"),
    pytest.param(sign_a_delivered_one_anew, {"conflict"}, id="re-sign a delivered one"),
    pytest.param(remove_the_file, {"outbox-missing"}, id="remove the file"),
    pytest.param(remove_every_trace, {"epoch-unannounced"}, id="remove every trace"),
]


@pytest.mark.parametrize(("attack", "expected"), ATTACKS)
def test_an_attack_on_the_card_is_an_alarm_within_a_minute_of_contact(
    line: Line, attack: Callable[[Card], None], expected: set[str]
) -> None:
    """The unit is switched off, its file changed by hand, and it goes on as if nothing were: within 60 s at the agency there is
    the alarm that says what it was, and no other."""
    unit = prepared(line)
    unit.stop()
    attack(Card(unit))
    unit.start()
    unit.put(2)
    line.meet(unit, 60)
    assert line.reasons() == expected


@pytest.mark.parametrize("attack", [cut_below_the_receipts, set_back], ids=["cut the tail", "roll back the file"])
def test_a_chain_that_became_shorter_is_noticed_before_it_grows(line: Line, attack: Callable[[Card], None]) -> None:
    """Nothing passes the camera, so no number is used twice: the unit's own word is held against what the agency has."""
    unit = prepared(line)
    unit.stop()
    attack(Card(unit))
    unit.start()
    line.meet(unit, 60)
    assert line.reasons() == {"behind"}


@pytest.mark.parametrize(("attack", "expected"), ATTACKS)
def test_an_alarm_is_raised_once(line: Line, attack: Callable[[Card], None], expected: set[str]) -> None:
    """What was done does not become news again with every restart and every read; only a chain that forked goes on to clash
    with what the agency has, number by number."""
    unit = prepared(line)
    unit.stop()
    attack(Card(unit))
    unit.start()
    unit.put(2)
    line.meet(unit, 60)
    before = {alarm.number for alarm in line.alarms()}
    for _ in range(3):
        unit.put(1)
        line.meet(unit, 30)
        unit.stop()
        unit.start()
    assert {alarm.reason for alarm in line.alarms() if alarm.number not in before} <= (
        {"conflict", "link"} if attack in (cut_below_the_receipts, set_back) else set()
    )


def test_a_swap_and_a_double_cost_nothing(line: Line) -> None:
    """What is signed says its own number, so every read arrives as it was, wherever its row lies."""
    unit = prepared(line)
    unit.stop()
    swap(Card(unit))
    assert inspect.verify(unit.path).findings != ()
    unit.start()
    line.meet(unit, 60)
    assert line.stored() == list(range(1, 16))


def test_the_missing_are_named_and_counted(line: Line) -> None:
    """The alarm names the numbers, and the unit's account at the agency says how many, to the unit."""
    unit = prepared(line)
    unit.stop()
    delete_many(Card(unit))
    unit.start()
    line.meet(unit, 60)
    assert [(alarm.first, alarm.last) for alarm in line.alarms()] == [(11, 11), (13, 14)]
    account = line.account()
    assert (account.committed, account.stored, account.missing, account.to_come) == (15, 12, 3, 0)


def told_but_not_delivered(line: Line) -> UnitSide:
    """The unit has told of 15 when the link breaks; 11 to 15 have not been delivered."""
    unit = prepared(line)
    unit.wire.again()
    unit.wire.lets_through = 1
    line.meet(unit, 3)
    unit.wire.lets_through = 10**9
    assert line.account().committed == 15
    assert line.stored() == list(range(1, 11))
    unit.stop()
    return unit


def cut_the_tail(card: Card) -> None:
    card.run("DELETE FROM envelopes WHERE seq > 13")
    card.set_head(13)


@pytest.mark.parametrize(
    ("attack", "more", "expected"),
    [
        pytest.param(cut_the_tail, 0, {"behind"}, id="cut the tail"),
        pytest.param(cut_the_tail, 2, {"rewritten"}, id="cut the tail and go on"),
        pytest.param(lambda card: card.sign_from(12), 0, {"rewritten"}, id="re-sign all of it"),
        pytest.param(lambda card: card.sign_from(12), 2, {"rewritten"}, id="re-sign all of it and go on"),
    ],
)
def test_what_the_unit_told_of_binds_it(line: Line, attack: Callable[[Card], None], more: int, expected: set[str]) -> None:
    """The head that was told is a witness for reads that no receipt has reached yet, against the owner of the key too."""
    unit = told_but_not_delivered(line)
    attack(Card(unit))
    unit.start()
    unit.put(more)
    line.meet(unit, 60)
    assert line.reasons() == expected


@pytest.mark.parametrize("attack", [cut_the_tail, lambda card: card.sign_from(12)], ids=["cut the tail", "re-sign all of it"])
def test_what_nobody_was_told_of_can_be_undone_unseen(line: Line, attack: Callable[[Card], None]) -> None:
    """The limit: reads committed since the last contact, changed by somebody who makes the chain fit.  The first needs no key,
    the second the device's.  What is promised is the time online, when a minute at most is not told of."""
    unit = prepared(line)
    unit.stop()
    attack(Card(unit))
    unit.start()
    unit.put(2)
    line.meet(unit, 60)
    assert line.reasons() == set()


def test_a_clone_with_the_file_is_noticed_at_the_first_number_that_both_use(line: Line) -> None:
    """Both go on from the same place."""
    unit = prepared(line)
    unit.stop()
    other = unit.path.with_name("elsewhere") / "outbox.sqlite"
    other.parent.mkdir()
    shutil.copy(unit.path, other)
    unit.start()
    clone = line.unit(clock=HandClock(), outbox=other)
    unit.put(1)
    clone.put(1)
    line.meet(unit, 30)
    line.meet(clone, 30)
    assert "conflict" in line.reasons()


def test_a_clone_without_the_file_is_noticed_at_its_first_read(line: Line) -> None:
    """A new epoch that does not know of the one before, and then the old one again."""
    unit = prepared(line)
    clone = line.unit(clock=HandClock(), outbox=unit.path.with_name("elsewhere") / "outbox.sqlite")
    clone.put(1)
    line.meet(clone, 30)
    assert line.reasons() == {"epoch-unannounced"}
    unit.put(1)
    line.meet(unit, 30)
    assert line.reasons() == {"epoch-unannounced", "epoch-back"}


def test_two_machines_at_once_are_noticed_although_neither_reads_anything(line: Line) -> None:
    """A machine that was started anew never speaks from its earlier life again; two that speak in turn do."""
    one, two = HandClock(), HandClock()
    two.reboot()
    unit = line.unit(clock=one)
    unit.put(2)
    line.meet(unit, 15)
    unit.stop()
    other = unit.path.with_name("elsewhere") / "outbox.sqlite"
    other.parent.mkdir()
    for path in unit.path.parent.glob("outbox.sqlite*"):
        shutil.copy(path, other.parent)
    clone = line.unit(clock=two, outbox=other)
    line.meet(clone, 15)
    assert line.reasons() == set(), "so far it may have been moved to another machine"
    one.wait(timedelta(minutes=1))
    unit.start()
    line.meet(unit, 15)
    assert line.reasons() == {"two-at-once"}


def test_a_captured_session_played_again_changes_nothing(line: Line) -> None:
    """Whoever recorded the broker and has the certificate can send it all again: no row, no alarm."""
    unit = prepared(line)
    line.meet(unit, 60)
    stored = line.stored()
    for wire in list(unit.wire.sent):
        unit.wire.deliver(wire)
    line.meet(unit, 2)
    assert line.stored() == stored
    assert line.reasons() == set()


def test_an_honest_unit_raises_no_alarm(line: Line) -> None:
    """Restarts, broken links, lost receipts, reboots and messages sent twice are daily life."""
    clock = HandClock()
    unit = line.unit(clock=clock)
    for day in range(6):
        unit.put(7)
        unit.wire.loses_receipts = day % 3
        line.meet(unit, 25)
        unit.put(3)
        unit.wire.again()
        unit.wire.lets_through = day * 2
        line.meet(unit, 4)
        unit.wire.lets_through = 10**9
        clock.wait(timedelta(minutes=1))
        unit.stop()
        if day % 2:
            clock.reboot()
        unit.start()
    line.meet(unit, 60)
    assert line.stored() == list(range(1, 61))
    assert line.reasons() == set()
    account = line.account()
    assert (account.committed, account.stored, account.missing, account.to_come) == (60, 60, 0, 0)


def test_a_damaged_outbox_is_one_alarm_and_the_new_epoch_is_believed(line: Line) -> None:
    """The unit says, signed, that its outbox was damaged and which one it was: one alarm, whatever comes after it."""
    unit = prepared(line)
    unit.stop()
    content = bytearray(unit.path.read_bytes())
    content[:16] = b"not a database!!"
    unit.path.write_bytes(content)
    unit.start()
    assert unit.outbox.damaged is not None
    for _ in range(3):
        unit.put(3)
        line.meet(unit, 60)
        unit.stop()
        unit.start()
    assert [alarm.reason for alarm in line.alarms()] == ["outbox-damaged"]
    assert line.account().stored == 9
