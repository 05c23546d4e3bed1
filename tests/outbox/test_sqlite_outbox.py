"""The SQLite outbox where it touches the disk: durability as asked for, budget, damage, one writer."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from edge.errors import EnvelopeError, OutboxError
from edge.outbox import inspect
from edge.outbox.sqlite import SqliteOutbox
from edge.records import Dropped, Envelope, SealedCopy, SealedPicture
from tests.clocks import HandClock
from tests.labeled import START

BUDGET = 1 << 20
VERSION_1, VERSION_2, VERSION_3 = (Path(__file__).with_name(f"version-{n}.sql") for n in (1, 2, 3))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "outbox.sqlite"


def opened(path: Path, *, budget_bytes: int = BUDGET, reserve_bytes: int = 1 << 16) -> SqliteOutbox:
    return SqliteOutbox(path, clock=HandClock(), budget_bytes=budget_bytes, reserve_bytes=reserve_bytes)


@pytest.fixture
def outbox(path: Path) -> Iterator[SqliteOutbox]:
    one = opened(path)
    yield one
    one.close()


def put(outbox: SqliteOutbox, size: int = 1000, *parties: str) -> Envelope:
    slot, expires = outbox.next_slot(), START + timedelta(days=1)
    copies = tuple(SealedCopy(party=party, wire=os.urandom(size)) for party in parties)
    envelope = Envelope(slot=slot, read_id=f"r-{slot.seq}", expires=expires, hit=False, wire=os.urandom(size), copies=copies)
    outbox.put(envelope)
    return envelope


def on_disk(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))


def test_the_live_connection_writes_ahead_and_waits_for_the_medium(outbox: SqliteOutbox) -> None:
    """Measured on the connection that writes, not on a promise: WAL and FULL, which no power cut was seen to beat."""
    db = outbox._db
    assert db is not None
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_put_survives_its_process(path: Path) -> None:
    """A process that ends on the spot, without closing anything, leaves the read behind."""
    code = (
        "import os,sys;from pathlib import Path;from tests.outbox.test_sqlite_outbox import opened,put;"
        "o=opened(Path(sys.argv[1]));put(o);os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60).returncode == 9
    again = opened(path)
    assert again.backlog().waiting == 1
    again.close()


def test_the_file_belongs_to_its_owner_alone(path: Path, outbox: SqliteOutbox) -> None:
    """Sealed as they are, envelopes are nobody else's business."""
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_process_is_kept_out(path: Path, outbox: SqliteOutbox) -> None:
    """Two writers can corrupt a write-ahead log; the second one is refused and told why."""
    code = "import sys;from pathlib import Path;from tests.outbox.test_sqlite_outbox import opened;opened(Path(sys.argv[1]))"
    second = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False, timeout=60)
    assert "another process writes it" in second.stderr


@pytest.mark.parametrize("parties", [(), ("otherville", "hamden")], ids=["reads alone", "with copies"])
def test_a_budget_is_never_exceeded_and_pruning_makes_room(path: Path, outbox: SqliteOutbox, parties: tuple[str, ...]) -> None:
    """All files together stay within the budget, the refusal names the cure, and no restart is needed to go on."""
    kept, messages = 0, 1 + len(parties)
    with pytest.raises(OutboxError, match="budget"):
        for _ in range(3 * BUDGET // 1000 // messages):
            put(outbox, 1000, *parties)
            kept += 1
            assert on_disk(path) <= BUDGET
    assert kept > BUDGET // 1000 // 3 // messages, "the log has its share even of the smallest budget"
    assert outbox.backlog().waiting == kept
    outbox.prune(outbox.next_slot().epoch, [(1, 100)])
    put(outbox)
    assert on_disk(path) <= BUDGET


def test_a_full_disk_is_refused_at_start(path: Path) -> None:
    """The message says what is missing and what to do; the command line makes exit code 2 of it."""
    with pytest.raises(OutboxError, match="the disk is full"):
        opened(path, reserve_bytes=1 << 60)


def test_a_disk_that_fills_up_refuses_puts_and_nothing_else(path: Path) -> None:
    """When the medium takes no more bytes, a put fails in words, what is kept stays readable, and later puts work again."""
    outbox = opened(path)
    kept = [put(outbox) for _ in range(5)]
    used = max(file.stat().st_size for file in path.parent.iterdir())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (used, before[1]))
    try:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with pytest.raises(OutboxError, match="keep a read"):
            for _ in range(50):
                put(outbox, 20_000, "otherville")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    committed = outbox.backlog().committed
    assert outbox.backlog().copies == committed - len(kept), "a read and its copy, or neither"
    assert inspect.verify(path).copies == committed - len(kept)
    assert [one.wire for one in outbox.waiting(0, 5)] == [one.wire for one in kept]
    put(outbox)
    assert outbox.backlog().committed == committed + 1
    outbox.close()
    assert inspect.verify(path).findings == ()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk wants root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_receipts_prune_on_a_disk_that_somebody_else_has_filled_to_the_last_byte(small_disk: Path) -> None:
    """Puts are refused in words, what the agency has is forgotten all the same, over and over, and with room puts work again:
    without a restart."""
    path = small_disk / "outbox.sqlite"
    outbox = opened(path, reserve_bytes=1 << 18)
    for _ in range(400):
        put(outbox)
    with (small_disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))
    epoch = outbox.next_slot().epoch
    for first in range(1, 400, 3):
        with pytest.raises(OutboxError, match="the disk is full"):
            put(outbox)
        assert outbox.prune(epoch, [(first, first + 1)]) == 2
    assert outbox.prune(epoch, [(1, 400)]) > 100
    assert outbox.backlog().waiting == 0
    (small_disk / "filler").unlink()
    put(outbox)
    outbox.close()
    assert inspect.verify(path).findings == ()


def test_on_a_full_disk_pictures_make_room_for_reads(small_disk: Path) -> None:
    """Somebody else has filled the rest: a read is kept as long as there is a picture to drop for it, the oldest first, and
    refused in words only when there is none."""
    path, told = small_disk / "outbox.sqlite", list[Dropped]()

    def bury(dropped: Dropped, newest: bytes | None) -> tuple[bytes, ...]:
        told.append(dropped)
        return (b"signed",)

    outbox = SqliteOutbox(path, clock=HandClock(), budget_bytes=BUDGET, reserve_bytes=1 << 18, bury=bury)
    for _ in range(8):
        slot, sealed = outbox.next_slot(), os.urandom(20_000)
        picture = SealedPicture(kind="crop", sha256=hashlib.sha256(sealed).digest(), sealed=sealed)
        kept = Envelope(
            slot=slot, read_id="r", expires=START + timedelta(days=1), hit=False, wire=os.urandom(1000), pictures=(picture,)
        )
        outbox.put(kept)
    assert outbox.pictures.account().waiting == 8
    with (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            disk = os.statvfs(small_disk)
            if disk.f_bavail * disk.f_frsize < (1 << 18) - 30_000:
                break
            filler.write(bytes(4096))
    put(outbox)
    has = outbox.pictures.account()
    assert (has.waiting < 8, has.waiting + has.dropped) == (True, 8)
    assert told[0].pictures[0][0] == 1
    with (small_disk / "filler").open("ab", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))
    with pytest.raises(OutboxError, match="the disk is full"):
        put(outbox)
    assert outbox.backlog().committed == 9
    outbox.close()


def test_the_log_has_its_place_before_it_is_needed(path: Path, outbox: SqliteOutbox) -> None:
    """And keeps it: however much is written and written back, it is neither grown nor given up."""
    log = path.with_name(path.name + "-wal")
    sizes = set()
    for n in range(1, 300):
        put(outbox)
        outbox.prune(outbox.next_slot().epoch, [(n, n)])
        sizes.add(log.stat().st_size)
    assert len(sizes) == 1


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """In plain words, before any frame is read."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutboxError, match="open outbox"):
        opened(tmp_path / "file" / "outbox.sqlite")


def test_something_that_is_no_outbox_is_refused_and_left_alone(path: Path) -> None:
    """A wrong path in the configuration must not cost anybody a database."""
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.executescript("PRAGMA user_version = 7; CREATE TABLE precious (x)")
    db.close()
    with pytest.raises(OutboxError, match="not an outbox of this version"):
        opened(path)
    assert sqlite3.connect(path).execute("SELECT count(*) FROM precious").fetchone() == (0,)


@pytest.mark.parametrize("damage", ["header", "middle", "cut"])
def test_a_damaged_file_is_put_aside_and_a_new_epoch_begins(path: Path, damage: str) -> None:
    """Reading goes on at once, the old file is kept for recovery, and ``damaged`` says so to whoever opened it."""
    outbox = opened(path)
    for _ in range(100):
        put(outbox)
    epoch = outbox.next_slot().epoch
    outbox.close()
    content = bytearray(path.read_bytes())
    if damage == "header":
        content[:16] = b"not a database!!"
    elif damage == "middle":
        content[8192:12288] = bytes(4096)
        content[100:108] = bytes(8)
    else:
        del content[len(content) // 2 :]
    path.write_bytes(content)
    again = opened(path)
    assert again.damaged is not None
    assert again.damaged.read_bytes() == bytes(content)
    assert again.next_slot().epoch != epoch
    put(again)
    assert again.backlog().committed == 1
    again.close()


def test_a_whole_file_is_not_put_aside(path: Path, outbox: SqliteOutbox) -> None:
    """No false alarm after a plain restart."""
    put(outbox)
    outbox.close()
    again = opened(path)
    assert again.damaged is None
    again.close()


def test_an_envelope_changed_behind_our_back_is_noticed(path: Path, outbox: SqliteOutbox) -> None:
    """The last envelope must be the head of the chain that was recorded with it."""
    put(outbox)
    outbox.close()
    db = sqlite3.connect(path)
    db.execute("UPDATE envelopes SET wire = x'00'")
    db.commit()
    db.close()
    again = opened(path)
    assert again.damaged is not None
    again.close()


def test_status_and_chain_can_be_looked_at_while_the_unit_runs(path: Path, outbox: SqliteOutbox) -> None:
    """A technician's look writes nothing and disturbs nobody."""
    for _ in range(5):
        put(outbox)
    outbox.prune(outbox.next_slot().epoch, [(2, 3)])
    assert inspect.status(path) == outbox.backlog()
    report = inspect.verify(path)
    assert (report.checked, report.findings) == (3, ())
    put(outbox)


def test_a_swapped_envelope_breaks_the_chain(path: Path, outbox: SqliteOutbox) -> None:
    """Following the chain names the number where it does not fit."""
    for _ in range(5):
        put(outbox)
    outbox.close()
    db = sqlite3.connect(path)
    db.execute("UPDATE envelopes SET wire = x'00' WHERE seq = 3")
    db.commit()
    db.close()
    assert [finding.seq for finding in inspect.verify(path).findings] == [4]


def test_a_signature_check_can_be_given_along(path: Path, outbox: SqliteOutbox) -> None:
    """What the check refuses is a finding with the check's own words."""

    def check(wire: bytes) -> None:
        raise EnvelopeError("signature", "verify signature: nobody made it")

    put(outbox)
    assert [(f.seq, f.wrong) for f in inspect.verify(path, check).findings] == [(1, "verify signature: nobody made it")]


def test_copies_are_checked_beside_the_chain(path: Path, outbox: SqliteOutbox) -> None:
    """They are counted for themselves, their signatures are checked too, and one whose read is gone is a finding."""
    put(outbox, 1000, "otherville", "hamden")
    (last,) = put(outbox, 1000, "hamden").copies

    def check(wire: bytes) -> None:
        if wire == last.wire:
            raise EnvelopeError("signature", "verify signature: nobody made it")

    report = inspect.verify(path, check)
    assert (report.checked, report.copies) == (2, 3)
    assert [(f.seq, f.wrong) for f in report.findings] == [(2, "the copy for `hamden`: verify signature: nobody made it")]
    outbox.close()
    db = sqlite3.connect(path)
    db.execute("DELETE FROM envelopes WHERE seq = 1")
    db.commit()
    db.close()
    assert [(f.seq, f.wrong) for f in inspect.verify(path).findings] == [
        (1, "the copy for `otherville` is here without its read"),
        (1, "the copy for `hamden` is here without its read"),
    ]


def version_1(path: Path) -> list[bytes]:
    """The outbox file that the version before copies left behind, with three reads waiting; returns their wire bytes."""
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.executescript(VERSION_1.read_text())
    wires = [wire for (wire,) in db.execute("SELECT wire FROM envelopes ORDER BY seq")]
    db.close()
    return wires


def test_an_outbox_of_the_version_before_copies_drains_and_goes_on(path: Path) -> None:
    """Everything that waits is there as it was, the chain goes on from its head, and new reads bring their copies."""
    wires = version_1(path)
    outbox = opened(path)
    assert outbox.damaged is None
    before = outbox.backlog()
    assert (before.committed, before.waiting, before.pruned, before.copies) == (4, 3, 1, 0)
    kept = outbox.waiting(0, 10)
    assert [(one.slot.seq, one.wire, one.copies) for one in kept] == [(n, wires[n - 2], ()) for n in (2, 3, 4)]
    assert outbox.next_slot().previous == hashlib.sha256(wires[-1]).digest()
    added = put(outbox, 1000, "otherville")
    assert outbox.prune(before.epoch, [(1, 4)]) == 3
    outbox.close()
    again = opened(path)
    assert list(again.waiting(0, 10)) == [added]
    again.close()
    assert inspect.verify(path).findings == ()


def test_an_outbox_of_an_older_version_can_be_looked_at_before_its_upgrade(path: Path) -> None:
    """What waits can be seen after a new version was installed and before the unit has run; looking changes nothing."""
    version_1(path)
    content = path.read_bytes()
    assert (inspect.status(path).waiting, inspect.status(path).copies) == (3, 0)
    assert (inspect.verify(path).checked, inspect.verify(path).copies) == (3, 0)
    assert path.read_bytes() == content


def test_a_full_outbox_of_an_older_version_is_upgraded_too(path: Path) -> None:
    """Where the budget was made smaller than the file is by now: nothing is lost, and puts wait for receipts."""
    version_1(path)
    db = sqlite3.connect(path)
    row = db.execute("SELECT * FROM envelopes WHERE seq = 2").fetchone()
    db.executemany("INSERT INTO envelopes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [(-n, *row[1:]) for n in range(1500)])
    db.commit()
    db.close()
    assert path.stat().st_size > BUDGET
    outbox = opened(path)
    assert len(outbox.waiting(0, 10)) == 3
    with pytest.raises(OutboxError, match="budget"):
        put(outbox)
    outbox.close()


def test_an_upgrade_that_is_cut_short_is_none(path: Path) -> None:
    """Killed in the middle of it, the file is of one version or the other, and opens."""
    wires = version_1(path)
    code = (
        "import os,sys;from pathlib import Path;from edge.outbox import tables;"
        "last=max(tables.UPGRADES);"
        "tables.UPGRADES[last]=tables.UPGRADES[last].replace('PRAGMA user_version','SELECT die(); PRAGMA user_version');"
        "old=tables.run;"
        "tables.run=lambda db,script:(db.create_function('die',0,lambda:os._exit(9)),old(db,script));"
        "from tests.outbox.test_sqlite_outbox import opened;opened(Path(sys.argv[1]))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60).returncode == 9
    outbox = opened(path)
    assert outbox.damaged is None
    assert [one.wire for one in outbox.waiting(0, 10)] == wires
    outbox.close()


def test_an_outbox_of_the_version_before_tombstones_drains_and_goes_on(path: Path) -> None:
    """Everything that waits is there as it was, copies and hits too, and the chain goes on."""
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.executescript(VERSION_2.read_text())
    wires = [wire for (wire,) in db.execute("SELECT wire FROM envelopes ORDER BY seq")]
    db.close()
    outbox = opened(path)
    assert outbox.damaged is None
    before = outbox.backlog()
    assert (before.committed, before.waiting, before.pruned, before.copies, before.dropped) == (5, 4, 1, 2, 0)
    kept = outbox.waiting(0, 10)
    assert [(one.wire, one.hit, len(one.copies)) for one in kept] == [
        (wires[0], False, 0),
        (wires[1], False, 1),
        (wires[2], True, 0),
        (wires[3], False, 1),
    ]
    assert (outbox.head().began, outbox.head().before) == ("first", ())
    put(outbox, 1000, "otherville")
    assert outbox.prune(before.epoch, [(1, 5)]) == 4
    outbox.close()
    assert inspect.verify(path).findings == ()


def test_an_outbox_of_the_version_before_pictures_drains_and_goes_on(path: Path) -> None:
    """Reads, a copy, a tombstone and the account are there as they were; looked at before the upgrade it has no pictures."""
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.executescript(VERSION_3.read_text())
    wires = [wire for (wire,) in db.execute("SELECT wire FROM envelopes ORDER BY seq")]
    db.close()
    assert inspect.status(path).pictures.made == 0
    outbox = opened(path)
    assert outbox.damaged is None
    before = outbox.backlog()
    assert (before.committed, before.waiting, before.pruned, before.expired, before.copies) == (5, 3, 1, 1, 1)
    assert [one.wire for one in outbox.waiting(0, 10)] == wires
    assert len(outbox.tombstones()) == 1
    put(outbox)
    assert outbox.prune(before.epoch, [(1, 6)]) == 4
    assert list(outbox.pictures.due(10)) == []
    outbox.close()


def test_a_new_outbox_knows_the_ones_before_it(path: Path) -> None:
    """Damaged or gone: the new epoch says which, and names what was before, newest first."""
    epochs = []
    for began in ("first", "damaged", "missing"):
        outbox = opened(path)
        put(outbox)
        assert (outbox.head().began, list(outbox.head().before)) == (began, epochs[::-1])
        epochs.append(outbox.head().epoch)
        outbox.close()
        again = opened(path)
        assert again.head().epoch == epochs[-1], "a plain restart begins nothing"
        again.close()
        if began == "first":
            path.write_bytes(b"not a database!!" * 1000)
        else:
            path.unlink()


def test_what_cannot_be_remembered_costs_no_start(path: Path) -> None:
    """An epoch that the unit could not note is an alarm at the agency one day, no reason to stop reading plates."""
    path.parent.mkdir()
    path.with_name(path.name + ".epochs").mkdir()
    outbox = opened(path)
    put(outbox)
    outbox.close()


def test_looking_at_nothing_says_so(path: Path) -> None:
    """No outbox is created by looking for one."""
    with pytest.raises(OutboxError, match="there is none"):
        inspect.status(path)
    assert not path.exists()
