"""What every store promises of pictures: they lie with their read, are held with it, and go with it."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from edge.errors import StoreError
from edge.records import PictureKind, SearchWindow
from edge.store.interface import Deletion, PictureArrival, PictureHandedOut, PictureOrder, RetentionStore
from tests.contracts.test_retention import DAY, run_until
from tests.labeled import START
from tests.stores import KEEPER, MakeStore, arrival, checked_book, files_with, order, seqs

WANTED = PictureOrder(read="r-pole-7-1", kind="crop", by="Det. Example", reason="compare with the stop", case="HPD-2026-0117")


def jpeg(seq: int, kind: PictureKind = "crop", size: int = 4000) -> bytes:
    return f"PICTURE-{kind}-{seq:04}".encode() + random.Random(f"{seq} {kind}").randbytes(size)


def picture(seq: int, kind: PictureKind = "crop", epoch: str = "e1") -> PictureArrival:
    return PictureArrival(device="pole-7", epoch=epoch, seq=seq, kind=kind, jpeg=jpeg(seq, kind))


def wish(seq: int, kind: PictureKind = "crop") -> PictureOrder:
    return msgspec.structs.replace(WANTED, read=f"r-pole-7-{seq}", kind=kind)


def test_a_picture_comes_back_as_it_was(make_store: MakeStore) -> None:
    """Each kind by itself, after a restart too."""
    store = make_store()
    store.add([arrival(1), arrival(2)])
    assert [store.add_picture(picture(1)), store.add_picture(picture(1, "frame"))] == ["stored", "stored"]
    store.close()
    store = make_store()
    assert store.hand_out(wish(1), START, KEEPER) == jpeg(1)
    assert store.hand_out(wish(1, "frame"), START, KEEPER) == jpeg(1, "frame")
    read = store.read("pole-7", "e1", 2)
    assert read is not None and not store.has_picture(read, "crop")


def test_one_read_is_found_by_its_number_and_by_its_id(make_store: MakeStore) -> None:
    """As it was stored; none where there is none."""
    store = make_store()
    store.add([arrival(1), arrival(2), arrival(2, epoch="e2")])
    found = store.read("pole-7", "e1", 2)
    assert found is not None and found.labeled == arrival(2).labeled
    assert sorted((each.epoch, each.seq) for each in store.find("r-pole-7-2")) == [("e1", 2), ("e2", 2)]
    assert store.read("pole-7", "e1", 3) is None
    assert store.read("pole-8", "e1", 1) is None
    assert list(store.find("r-nobody")) == []


def test_the_first_picture_of_a_kind_is_kept(make_store: MakeStore) -> None:
    """The same again is no news, and another does not take its place."""
    store = make_store()
    store.add([arrival(1)])
    store.add_picture(picture(1))
    assert store.add_picture(picture(1)) == "duplicate"
    assert store.add_picture(msgspec.structs.replace(picture(1), jpeg=b"another")) == "duplicate"
    assert store.hand_out(wish(1), START, KEEPER) == jpeg(1)


def test_a_picture_of_no_read_is_not_kept(make_store: MakeStore) -> None:
    """Neither of one that never came, nor of one that is deleted by now."""
    store = make_store()
    assert store.add_picture(picture(1)) == "gone"
    store.add([arrival(1)])
    run_until(store, START + 15 * DAY)
    assert store.add_picture(picture(1)) == "gone"


def test_a_duplicate_of_its_read_leaves_a_picture_alone(make_store: MakeStore) -> None:
    """A read that comes again, or in conflict, takes nothing away."""
    store = make_store()
    store.add([arrival(1)])
    store.add_picture(picture(1))
    store.add([arrival(1), arrival(1, content="forged"), arrival(2)])
    assert store.hand_out(wish(1), START, KEEPER) == jpeg(1)


def shown(store: RetentionStore) -> set[int]:
    return {row.seq for row in store.reads() if store.has_picture(row, "crop")}


def test_pictures_go_with_their_reads_and_the_book_counts_them(make_store: MakeStore) -> None:
    """Over day shelves, half hours and the turn of the day; what is left keeps its own."""
    store = make_store()
    lives = {1: timedelta(hours=3), 2: timedelta(hours=13), 3: timedelta(hours=30), 4: 9 * DAY}
    store.add([arrival(seq, lives=each) for seq, each in lives.items()])
    for seq in lives:
        store.add_picture(picture(seq))
    store.add_picture(picture(2, "frame"))
    at, left = START, set(lives)
    while at < START + 2 * DAY:
        at += timedelta(minutes=45)
        store.expire(at, KEEPER)
        left = {seq for seq in left if START + lives[seq] + timedelta(minutes=30) > at}
        assert left <= shown(store) == set(seqs(store))
    run_until(store, START + 10 * DAY, start=at)
    events = [entry.event for entry in checked_book(store).entries]
    assert sum(event.pictures for event in events if isinstance(event, Deletion)) == 5
    assert sum(event.reads for event in events if isinstance(event, Deletion)) == 4


def test_a_hold_keeps_pictures_too(make_store: MakeStore) -> None:
    """As long as their read; one that comes later is still taken; then all go."""
    store = make_store()
    store.add([arrival(1), arrival(2)])
    store.add_picture(picture(1))
    store.hold(order(1, days=30), START, KEEPER)
    run_until(store, START + 20 * DAY)
    assert store.add_picture(picture(1, "frame")) == "stored"
    assert store.hand_out(wish(1), START + 20 * DAY, KEEPER) == jpeg(1)
    run_until(store, START + 31 * DAY, start=START + 20 * DAY)
    assert seqs(store) == []
    events = [entry.event for entry in checked_book(store).entries]
    assert sum(event.pictures for event in events if isinstance(event, Deletion)) == 2


def test_whoever_is_given_a_picture_stands_in_the_book(make_store: MakeStore) -> None:
    """Who, why, in which case, of which number; signed, and without the picture or the plate."""
    store = make_store()
    store.add([arrival(1, text="CANARY7")])
    store.add_picture(picture(1))
    store.hand_out(WANTED, START, KEEPER)
    (entry,) = checked_book(store).entries
    assert isinstance(entry.event, PictureHandedOut)
    assert (entry.event.order, entry.event.numbers[0].ranges) == (WANTED, ((1, 1),))
    assert not any(b"CANARY7" in each.body or b"PICTURE" in each.body for each in store.book())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"by": " "}, "no name"),
        ({"reason": ""}, "no reason"),
        ({"read": "r-nobody"}, "not in this store"),
        ({"kind": "frame"}, "its frame is not in this store"),
    ],
)
def test_nobody_gets_a_picture_without_a_name_and_a_reason(make_store: MakeStore, change: dict[str, str], why: str) -> None:
    """Nor one that is not there; and nothing is written down of it."""
    store = make_store()
    store.add([arrival(1)])
    store.add_picture(picture(1))
    with pytest.raises(StoreError, match=why):
        store.hand_out(msgspec.structs.replace(WANTED, **change), START, KEEPER)
    assert list(store.book()) == []


def test_nobody_gets_a_picture_of_a_read_that_may_not_be_searched_any_more(make_store: MakeStore) -> None:
    """Where the law closes the search before the read is deleted, it closes it for the picture."""
    store, sent = make_store(), arrival(1)
    window = SearchWindow(who="owner", until=START + DAY)
    label = msgspec.structs.replace(sent.labeled.label, search_windows=(window,))
    store.add([msgspec.structs.replace(sent, labeled=msgspec.structs.replace(sent.labeled, label=label))])
    store.add_picture(picture(1))
    assert store.hand_out(WANTED, START, KEEPER) == jpeg(1)
    with pytest.raises(StoreError, match="it may not be searched"):
        store.hand_out(WANTED, START + DAY, KEEPER)


def test_what_is_asked_for_is_remembered_until_it_is_there_or_never_will_be(make_store: MakeStore) -> None:
    """By whichever worker, after a restart too; a deleted read is waited for by nobody."""
    store = make_store()
    store.add([arrival(1), arrival(2, lives=DAY), arrival(3)])
    for seq in (1, 2, 3, 3):
        store.ask("pole-7", "e1", seq, START)
    store.close()
    store = make_store()
    assert list(store.asked()) == [("pole-7", "e1", 1), ("pole-7", "e1", 2), ("pole-7", "e1", 3)]
    store.no_longer_asked("pole-7", "e1", 3)
    run_until(store, START + 3 * DAY, DAY)
    assert list(store.asked()) == [("pole-7", "e1", 1)]


def test_nothing_of_an_expired_picture_stays_in_the_store_s_files(make_store: MakeStore, tmp_path: Path) -> None:
    """Files as grep finds them: the store's own, its logs, and for a server its heap after the checkpoint that retention does;
    what lives on is still there."""
    store = make_store()
    store.add([arrival(1, lives=DAY), arrival(2)])
    store.add_picture(picture(1))
    store.add_picture(picture(1, "frame"))
    store.add_picture(picture(2))
    run_until(store, START + 3 * DAY, DAY)
    assert store.hand_out(wish(2), START + 3 * DAY, KEEPER) == jpeg(2)
    store.close()
    if list(tmp_path.rglob("*.sqlite")):
        assert files_with(tmp_path, b"PICTURE-crop-0001") == files_with(tmp_path, b"PICTURE-frame-0001") == []
        assert files_with(tmp_path, b"PICTURE-crop-0002") != []
