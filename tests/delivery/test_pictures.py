"""Pictures end to end: after the reads or on request, stored before the unit forgets them, and each accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from edge.envelope.keyring import load_private_key
from edge.envelope.picture import PartSigner
from edge.records import Picture
from edge.store.interface import PictureOrder
from tests.delivery.pipe import Line, UnitSide
from tests.labeled import AGENCY, jpeg
from tests.stores import KEEPER, files_with

FRAME_BYTES = 60_000


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    one = Line(tmp_path)
    yield one
    one.close()


def put(unit: UnitSide, count: int = 1, *, frames: bool = False, **how: object) -> list[Picture]:
    """Reads with a picture each, or two; returns the crops."""
    made = []
    for _ in range(count):
        name = f"PICTURE-{unit.outbox.next_slot().seq:04}"
        made.append(jpeg(name))
        unit.put(1, pictures=(made[-1], jpeg(name, "frame", FRAME_BYTES)) if frames else (made[-1],), **how)
    return made


def shown(line: Line) -> dict[int, bytes]:
    """The crops that the agency has, by number."""
    found = {}
    for row in line.store.reads():
        if line.store.has_picture(row, "crop"):
            wish = PictureOrder(read=row.labeled.read.id, kind="crop", by="a test", reason="to look at it")
            found[row.seq] = line.store.hand_out(wish, row.received, KEEPER)
    return found


def adds_up(unit: UnitSide) -> bool:
    has = unit.outbox.pictures.account()
    return has.made == has.waiting + has.stored + has.dropped + has.expired + has.unwanted


def test_pictures_follow_their_reads_and_are_forgotten_once_they_are_stored(line: Line, tmp_path: Path) -> None:
    """As they were taken; the unit keeps none, and nothing of them was ever in clear outside the agency's store."""
    unit = line.unit()
    made = put(unit, 5, frames=True)
    line.meet(unit, 30)
    assert shown(line) == {seq: each.jpeg for seq, each in enumerate(made, 1)}
    account = unit.outbox.pictures.account()
    assert (account.made, account.stored, account.waiting) == (10, 10, 0)
    assert not list((unit.path.parent / "outbox.sqlite.pictures").iterdir())
    assert {name.split("/")[0] for name in files_with(tmp_path, b"PICTURE-")} == {"agency"}
    assert not any(b"PICTURE-" in wire for wire in unit.wire.sent)
    assert line.reasons() == set()


def test_reads_overtake_pictures(line: Line) -> None:
    """What comes while a picture is on its way goes next, between two of its pieces."""
    unit = line.unit()
    put(unit, 3, frames=True)
    line.meet(unit, 1)
    assert 0 < unit.outbox.pictures.account().stored < 6
    unit.put(2)
    line.meet(unit, 1)
    assert line.stored() == [1, 2, 3, 4, 5]
    assert unit.outbox.pictures.account().stored < 6
    line.meet(unit, 20)
    assert len(shown(line)) == 3


def test_hits_pictures_go_before_others(line: Line) -> None:
    """However long the others have waited."""
    unit = line.unit()
    put(unit, 4)
    slot = unit.outbox.next_slot()
    unit.outbox.put(msgspec.structs.replace(unit.seal(slot, pictures=(jpeg("PICTURE-0005"),)), hit=True))
    unit.wire.lets_pictures_through = 0
    line.meet(unit, 2)
    assert line.stored() == [1, 2, 3, 4, 5]
    unit.wire.again()
    unit.wire.lets_pictures_through = 1
    line.meet(unit, 30)
    assert list(shown(line)) == [5]


def test_a_picture_is_sent_again_until_it_is_stored(line: Line) -> None:
    """Pieces that get lost, and receipts that do, cost time and nothing else."""
    unit = line.unit()
    made = put(unit, 2, frames=True)
    unit.wire.lets_pictures_through = 5
    line.meet(unit, 10)
    assert unit.outbox.pictures.account().stored < 2
    unit.wire.lets_pictures_through, unit.wire.loses_receipts = 10**9, 3
    line.meet(unit, 240)
    assert shown(line) == {seq: each.jpeg for seq, each in enumerate(made, 1)}
    assert (unit.outbox.pictures.account().stored, adds_up(unit)) == (4, True)


def test_a_restart_of_the_unit_loses_no_picture(line: Line) -> None:
    """What was on its way begins anew."""
    unit = line.unit()
    made = put(unit, 3, frames=True)
    line.meet(unit, 1)
    unit.stop()
    unit.start()
    line.meet(unit, 40)
    assert shown(line) == {seq: each.jpeg for seq, each in enumerate(made, 1)}
    assert unit.outbox.pictures.account().stored == 6


def test_on_request_nothing_goes_before_the_agency_asks(line: Line) -> None:
    """And then what it asks for, and nothing else."""
    unit = line.unit(send="on-request")
    made = put(unit, 4)
    line.meet(unit, 90)
    assert shown(line) == {}
    wanted = list(line.store.reads())[2]
    line.store.ask(wanted.device, wanted.epoch, wanted.seq, wanted.received)
    line.meet(unit, 90)
    assert shown(line) == {3: made[2].jpeg}
    assert list(line.store.asked()) == []
    account = unit.outbox.pictures.account()
    assert (account.stored, account.waiting) == (1, 3)


def test_what_is_asked_for_goes_before_the_rest(line: Line) -> None:
    """Where all are sent, a person who waits is served first."""
    unit = line.unit()
    put(unit, 3)
    unit.wire.lets_pictures_through = 0
    line.meet(unit, 2)
    epoch = unit.outbox.head().epoch
    assert unit.outbox.pictures.ask(epoch, [3]) == 1
    unit.wire.again()
    unit.wire.lets_pictures_through = 1
    line.meet(unit, 30)
    assert list(shown(line)) == [3]


def test_a_picture_whose_read_is_deleted_at_the_agency_is_not_wanted(line: Line) -> None:
    """The unit is told, forgets it, and counts it so; nothing of it is stored."""
    unit = line.unit()
    put(unit, 1)
    unit.wire.lets_pictures_through = 0
    line.meet(unit, 2)
    (read,) = line.store.reads()
    line.store.trust_clock(read.labeled.label.delete_after)
    line.store.expire(read.labeled.label.delete_after + timedelta(days=2), KEEPER)
    unit.wire.lets_pictures_through = 10**9
    line.meet(unit, 60)
    account = unit.outbox.pictures.account()
    assert (account.unwanted, account.waiting, adds_up(unit)) == (1, 0, True)


def test_a_picture_that_the_signed_read_does_not_name_is_not_taken(line: Line) -> None:
    """Not even from whoever has the device's key: the read was signed before, and is stored."""
    unit = line.unit()
    put(unit, 2)
    line.meet(unit, 20)
    signer = PartSigner(
        device=unit.device, agency=AGENCY, sign_key=load_private_key(line.town.device(unit.device) / "sign.key")
    )
    before = shown(line)
    for wire in signer.parts(unit.outbox.head().epoch, 1, b"another file" * 900):
        unit.wire.deliver(wire, picture=True)
    line.meet(unit, 5)
    assert shown(line) == before
    assert line.journal.by_reason("pictures_taken") == {"stored": 2, "unnamed": 1}


def test_a_piece_that_the_unit_did_not_sign_is_refused_and_kept_aside(line: Line) -> None:
    """As with reads."""
    unit = line.unit()
    put(unit, 1)
    unit.wire.deliver(b"nonsense", picture=True)
    line.meet(unit, 10)
    assert len(shown(line)) == 1
    assert line.journal.by_reason("messages_refused") == {"framing": 1}
    assert (line.town.agency / "quarantine.jsonl").exists()


def test_what_the_quota_dropped_is_known_to_the_agency_by_a_signed_word(line: Line) -> None:
    """Made = stored + dropped; the reads are all there, and nothing is missing."""
    unit = line.unit(pictures_bytes=100_000)
    put(unit, 40)
    line.meet(unit, 60)
    account = unit.outbox.pictures.account()
    assert (account.made, account.waiting, account.dropped > 20) == (40, 0, True)
    assert account.stored + account.dropped == 40
    assert line.account().pictures_dropped == account.dropped
    assert len(shown(line)) == account.stored
    assert "pictures had to go undelivered" not in unit.log.getvalue(), "what went before this run was told by that one"
    put(unit, 40)
    line.meet(unit, 10)
    assert unit.journal.by_reason("pictures_dropped") == {"": unit.outbox.pictures.account().dropped - account.dropped}
    assert "pictures had to go undelivered" in unit.log.getvalue()
    line.meet(unit, 60)
    assert (line.account().stored, line.reasons(), list(unit.outbox.tombstones())) == (80, set(), [])


def test_a_picture_that_somebody_destroyed_is_told_and_costs_nothing_else(line: Line) -> None:
    """An alarm on the unit, a signed word to the agency, and the others go on."""
    unit = line.unit()
    put(unit, 3)
    path = sorted((unit.path.parent / "outbox.sqlite.pictures").iterdir())[0]
    path.write_bytes(b"something else")
    line.meet(unit, 60)
    assert len(shown(line)) == 2
    assert unit.journal.by_reason("alarms") == {"picture-altered": 1}
    assert (line.account().pictures_dropped, adds_up(unit)) == (1, True)


def test_a_picture_expires_on_the_unit_with_its_label(line: Line, tmp_path: Path) -> None:
    """Undelivered, as its read; nothing of it is left on the card."""
    unit = line.unit()
    put(unit, 2, lives=timedelta(minutes=3))
    unit.wire.lets_through = 0
    line.meet(unit, 240)
    account = unit.outbox.pictures.account()
    assert (account.expired, account.waiting, adds_up(unit)) == (2, 0, True)
    assert not list((unit.path.parent / "outbox.sqlite.pictures").iterdir())
