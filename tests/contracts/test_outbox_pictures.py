"""What every outbox promises of the pictures that lie beside its reads."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge.envelope.notice import NoticeSigner
from edge.errors import OutboxError
from edge.outbox import inspect
from edge.outbox.sqlite import SqliteOutbox
from edge.ranges import Range, joined
from edge.records import Envelope, PictureKind, SealedPicture, Slot
from tests.clocks import HandClock
from tests.labeled import AGENCY, DEVICE, START
from tests.stores import files

MakeOutbox = Callable[[], SqliteOutbox]
KEY = ec.generate_private_key(ec.SECP256R1())
QUOTA = 256 << 10
KIB_20 = 20 << 10


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def notices(clock: HandClock) -> NoticeSigner:
    return NoticeSigner(device=DEVICE, agency=AGENCY, sign_key=KEY, now=clock.now)


@pytest.fixture(params=["sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock, notices: NoticeSigner) -> Iterator[MakeOutbox]:
    """Opens the same outbox anew each time, as a restart does."""
    opened: list[SqliteOutbox] = []

    def open_one() -> SqliteOutbox:
        assert request.param == "sqlite"
        one = SqliteOutbox(
            tmp_path / "outbox.sqlite",
            clock=clock,
            budget_bytes=4 << 20,
            reserve_bytes=1 << 16,
            bury=notices.bury,
            pictures_bytes=QUOTA,
            pictures_for=timedelta(days=2),
        )
        opened.append(one)
        return one

    yield open_one
    for outbox in opened:
        outbox.close()


def picture(seq: int, kind: PictureKind = "crop", size: int = 6000) -> SealedPicture:
    data = random.Random(f"{seq} {kind}").randbytes(size)
    return SealedPicture(kind=kind, sha256=hashlib.sha256(data).digest(), sealed=data)


def envelope(slot: Slot, *pictures: SealedPicture, hit: bool = False, lives: timedelta = timedelta(days=14)) -> Envelope:
    return Envelope(
        slot=slot,
        read_id=f"r-{slot.seq}",
        expires=START + lives,
        hit=hit,
        wire=f"sealed {slot.seq}".encode(),
        pictures=pictures,
    )


def put(
    outbox: SqliteOutbox, *kinds: PictureKind, hit: bool = False, size: int = 6000, lives: timedelta = timedelta(days=14)
) -> Envelope:
    slot = outbox.next_slot()
    kept = envelope(slot, *(picture(slot.seq, kind, size) for kind in kinds), hit=hit, lives=lives)
    outbox.put(kept)
    return kept


def delivered(outbox: SqliteOutbox) -> None:
    """The agency has every read."""
    outbox.prune(outbox.next_slot().epoch, [(1, 1000)])


def due(outbox: SqliteOutbox) -> list[tuple[int, str]]:
    return [(each.seq, each.kind) for each in outbox.pictures.due(1000)]


def named(outbox: SqliteOutbox, notices: NoticeSigner) -> list[Range]:
    """The reads whose pictures a tombstone names."""
    return joined(each for wire in outbox.tombstones() for each in notices.buried(wire).pictures)


def adds_up(outbox: SqliteOutbox) -> bool:
    has = outbox.pictures.account()
    return has.made == has.waiting + has.stored + has.dropped + has.expired + has.unwanted


def on_disk(folder: Path) -> set[str]:
    return {path.name for path in files(folder / "outbox.sqlite.pictures")}


def names(envelopes: Sequence[Envelope]) -> set[str]:
    return {each.sha256.hex() for one in envelopes for each in one.pictures}


def test_pictures_are_on_the_disk_with_their_read_and_come_back_as_they_were(make: MakeOutbox, tmp_path: Path) -> None:
    """By content, after a restart too."""
    outbox = make()
    kept = [put(outbox, "crop", "frame"), put(outbox), put(outbox, "crop")]
    outbox.close()
    assert on_disk(tmp_path) == names(kept)
    outbox = make()
    delivered(outbox)
    for each in outbox.pictures.due(10):
        assert outbox.pictures.file(each) == picture(each.seq, each.kind).sealed
    assert due(outbox) == [(1, "crop"), (1, "frame"), (3, "crop")]


def test_no_picture_is_due_before_the_agency_has_its_read(make: MakeOutbox) -> None:
    """It could make nothing of it."""
    outbox = make()
    put(outbox, "crop")
    put(outbox, "crop")
    assert due(outbox) == []
    outbox.prune(outbox.next_slot().epoch, [(2, 2)])
    assert due(outbox) == [(2, "crop")]


def test_hits_pictures_go_first_and_then_the_oldest(make: MakeOutbox) -> None:
    """A hit may be about somebody's life."""
    outbox = make()
    for hit in (False, True, False, True):
        put(outbox, "crop", hit=hit)
    delivered(outbox)
    assert due(outbox) == [(2, "crop"), (4, "crop"), (1, "crop"), (3, "crop")]


def test_those_that_are_asked_for_are_known(make: MakeOutbox) -> None:
    """Once, after a restart too, and not by another epoch's name."""
    outbox = make()
    for _ in range(3):
        put(outbox, "crop", "frame")
    delivered(outbox)
    epoch = outbox.next_slot().epoch
    assert outbox.pictures.ask("another", [1]) == 0
    assert outbox.pictures.ask(epoch, [2, 9]) == 2
    assert outbox.pictures.ask(epoch, [2]) == 0
    outbox.close()
    assert [(each.seq, each.kind) for each in make().pictures.asked_for(10)] == [(2, "crop"), (2, "frame")]


def test_only_a_receipt_lets_a_picture_go(make: MakeOutbox, tmp_path: Path) -> None:
    """What it names is gone from the rows and from the disk; what the agency will not take is accounted for by itself."""
    outbox = make()
    kept = [put(outbox, "crop") for _ in range(3)]
    delivered(outbox)
    first, second, _ = (one.pictures[0].sha256 for one in kept)
    assert outbox.pictures.settle([first, b"?" * 32], [second]) == 2
    assert due(outbox) == [(3, "crop")]
    assert on_disk(tmp_path) == names(kept[2:])
    account = outbox.pictures.account()
    assert (account.made, account.stored, account.unwanted, account.waiting) == (3, 1, 1, 1)
    assert list(outbox.tombstones()) == []


def test_a_full_quota_drops_the_oldest_and_says_so(make: MakeOutbox, notices: NoticeSigner, tmp_path: Path) -> None:
    """Never over quota; what went is named in a tombstone, and made = waiting + dropped."""
    outbox = make()
    for _ in range(60):
        put(outbox, "crop", size=KIB_20)
        assert sum(path.stat().st_size for path in files(tmp_path / "outbox.sqlite.pictures")) <= QUOTA
    delivered(outbox)
    account = outbox.pictures.account()
    assert (account.made, account.dropped > 0, adds_up(outbox)) == (60, True, True)
    left = [seq for seq, _ in due(outbox)]
    assert left == list(range(61 - len(left), 61)), "the youngest are left"
    assert named(outbox, notices) == [(1, 60 - len(left))]
    assert len(on_disk(tmp_path)) == account.waiting == len(left)


def test_a_plain_read_s_picture_does_not_push_out_a_hit_s(make: MakeOutbox, notices: NoticeSigner) -> None:
    """It is dropped itself; another hit's does push out the oldest."""
    outbox = make()
    for _ in range(12):
        put(outbox, "crop", hit=True, size=KIB_20)
    put(outbox, "crop", size=KIB_20)
    assert named(outbox, notices) == [(13, 13)]
    put(outbox, "crop", hit=True, size=KIB_20)
    delivered(outbox)
    assert (14, "crop") in due(outbox) and (1, "crop") not in due(outbox)
    assert adds_up(outbox)


def test_pictures_make_room_for_reads_before_any_read_does(make: MakeOutbox, notices: NoticeSigner, tmp_path: Path) -> None:
    """Within the outbox's budget, which bounds everything: no read is dropped while a picture is there."""
    outbox = make()
    put(outbox, "crop", "frame", hit=True, size=KIB_20)
    while outbox.pictures.account().waiting:
        slot = outbox.next_slot()
        outbox.put(Envelope(slot=slot, read_id="r", expires=START + timedelta(days=1), hit=False, wire=bytes(20_000)))
        assert sum(path.stat().st_size for path in files(tmp_path)) <= 4 << 20
    assert outbox.backlog().dropped == 0
    assert named(outbox, notices) == [(1, 1)]
    assert (outbox.pictures.account().dropped, adds_up(outbox), on_disk(tmp_path)) == (2, True, set())


def test_a_picture_that_fits_nowhere_costs_its_read_nothing(make: MakeOutbox, notices: NoticeSigner, tmp_path: Path) -> None:
    """The read is kept, and the unit signs that its picture will not come."""
    outbox = make()
    put(outbox, "frame", size=QUOTA + 1)
    assert outbox.backlog().waiting == 1
    assert named(outbox, notices) == [(1, 1)]
    assert (outbox.pictures.account().dropped, on_disk(tmp_path)) == (1, set())


def test_a_disk_that_takes_no_picture_still_takes_the_read(make: MakeOutbox, notices: NoticeSigner, tmp_path: Path) -> None:
    """Here the folder cannot be made; the read goes its way and the account adds up."""
    outbox = make()
    (tmp_path / "outbox.sqlite.pictures").write_text("in the way")
    put(outbox, "crop")
    assert (outbox.backlog().waiting, named(outbox, notices), adds_up(outbox)) == (1, [(1, 1)], True)


def test_a_picture_goes_with_its_label(make: MakeOutbox, clock: HandClock, notices: NoticeSigner, tmp_path: Path) -> None:
    """Three minutes are three minutes for the picture too, whether its read was delivered or not."""
    outbox = make()
    put(outbox, "crop", lives=timedelta(minutes=3))
    outbox.prune(outbox.next_slot().epoch, [(1, 1)])
    put(outbox, "crop", lives=timedelta(minutes=3))
    put(outbox, "crop")
    clock.wait(timedelta(seconds=179))
    outbox.expire()
    assert outbox.pictures.account().expired == 0
    clock.wait(timedelta(seconds=1))
    outbox.expire()
    account = outbox.pictures.account()
    assert (account.expired, account.waiting, adds_up(outbox)) == (2, 1, True)
    assert len(on_disk(tmp_path)) == 1
    assert named(outbox, notices) == [(1, 1)], "the other went with its read, which a tombstone names"


def test_a_picture_that_nobody_wants_goes_by_age(make: MakeOutbox, clock: HandClock, notices: NoticeSigner) -> None:
    """The unit's own limit is shorter than the label's; the read is older and stays."""
    outbox = make()
    put(outbox, "crop")
    clock.wait(timedelta(days=2))
    assert outbox.expire() == 0
    account = outbox.pictures.account()
    assert (account.dropped, account.expired, account.waiting) == (1, 0, 0)
    assert named(outbox, notices) == [(1, 1)]


@pytest.mark.parametrize("years", [-50, 10])
def test_a_jump_of_the_clock_deletes_no_picture(make: MakeOutbox, clock: HandClock, years: int) -> None:
    """Nor does a clock that nobody has set, after a reboot."""
    outbox = make()
    put(outbox, "crop")
    clock.jump(timedelta(days=365 * years))
    outbox.expire()
    assert outbox.pictures.account().waiting == 1
    outbox.close()
    clock.reboot()
    clock.jump(timedelta(days=365 * 100))
    clock.source = "unset"
    outbox = make()
    outbox.expire()
    assert outbox.pictures.account().waiting == 1
    clock.source = "ntp"
    outbox.expire()
    assert outbox.pictures.account().waiting == 0


def test_a_read_that_is_not_taken_leaves_no_file_behind(make: MakeOutbox, tmp_path: Path) -> None:
    """All or none."""
    outbox = make()
    slot = outbox.next_slot()
    with pytest.raises(OutboxError):
        outbox.put(envelope(Slot(epoch=slot.epoch, seq=7, previous=slot.previous), picture(7)))
    assert (on_disk(tmp_path), outbox.pictures.account().made) == (set(), 0)


def test_what_a_power_cut_has_left_is_removed_at_the_start(make: MakeOutbox, tmp_path: Path) -> None:
    """Files that no row names: of a read that was not committed, or whose row went just before."""
    outbox = make()
    kept = put(outbox, "crop")
    outbox.close()
    folder = tmp_path / "outbox.sqlite.pictures"
    for name in ("0" * 64, "1" * 64 + ".new"):
        (folder / name).write_bytes(b"left")
    make()
    assert on_disk(tmp_path) == names([kept])


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_a_file_that_is_not_as_it_was_written_is_not_sent_and_is_accounted_for(
    make: MakeOutbox, notices: NoticeSigner, tmp_path: Path, harm: str
) -> None:
    """Somebody with the card in his hand can destroy a picture, and not put another in its place."""
    outbox = make()
    (path,) = (tmp_path / "outbox.sqlite.pictures" / each.sha256.hex() for each in put(outbox, "crop").pictures)
    delivered(outbox)
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(b"another picture")
    report = inspect.verify(tmp_path / "outbox.sqlite")
    assert (report.pictures, [(each.seq, each.wrong) for each in report.findings]) == (
        1,
        [(1, "its crop is not there as it was written")],
    )
    (waiting,) = outbox.pictures.due(10)
    assert outbox.pictures.file(waiting) is None
    assert (due(outbox), named(outbox, notices), adds_up(outbox)) == ([], [(1, 1)], True)


def test_a_damaged_outbox_is_set_aside_with_its_pictures(make: MakeOutbox, tmp_path: Path) -> None:
    """For recovery by hand; the new epoch begins with none."""
    outbox = make()
    put(outbox, "crop")
    outbox.close()
    (tmp_path / "outbox.sqlite").write_bytes(b"SQLite format 3\0" + bytes(4096))
    outbox = make()
    assert outbox.damaged is not None
    assert (outbox.pictures.account().made, on_disk(tmp_path)) == (0, set())
    assert len(list(files(outbox.damaged.with_name(outbox.damaged.name + ".pictures")))) == 1
