"""The SQLite store where it touches the disk."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from edge.errors import StoreError
from edge.store.sqlite import SqliteStore
from tests.labeled import START
from tests.stores import KEEPER, PICTURES, arrival, canaries, canary, checked_book, files_with, numbers, order, picture, seqs

DAY = timedelta(days=1)


def shelf_files(folder: Path) -> list[Path]:
    return sorted((folder / "reads.sqlite.shelves").glob("*.sqlite"))


def test_it_waits_for_the_medium(tmp_path: Path) -> None:
    """Measured on the live connections of index and shelf: WAL, FULL; and all files are their owner's alone."""
    store = SqliteStore(tmp_path / "reads.sqlite")
    store.add([arrival(1)])
    with store._files.using("look at") as db:
        shelf = store._files.shelf(db, "2026-12-04")
        assert shelf is not None
        for each in (db, shelf._db):
            assert [each.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")] == ["wal", 2]
    for path in (*tmp_path.glob("*.sqlite*"), *shelf_files(tmp_path)):
        assert path.stat().st_mode & 0o077 == 0, path
    store.close()


def test_the_signed_bytes_are_kept_as_evidence(tmp_path: Path) -> None:
    """What the device signed lies beside what was in it, byte for byte."""
    store = SqliteStore(tmp_path / "reads.sqlite")
    one = arrival(1)
    store.add([one])
    store.close()
    with closing(sqlite3.connect(shelf_files(tmp_path)[0])) as db:
        row = db.execute("SELECT wire, text, delete_after FROM reads").fetchone()
    assert row == (one.wire, "TEST123", "2026-12-04T12:00:00.000000+00:00")


def test_the_index_holds_no_plate(tmp_path: Path) -> None:
    """What stays for ever tells who sent how many reads, and nothing of what was read; plates lie on shelves only."""
    store = SqliteStore(tmp_path / "reads.sqlite")
    store.add([arrival(n, text=f"CANARY{n}") for n in range(1, 50)])
    store.hold(order(1, 2), START, KEEPER)
    with pytest.raises(StoreError):
        store.hold(order(99), START, KEEPER)
    found = files_with(tmp_path, b"CANARY")
    assert found and all(name.startswith("reads.sqlite.shelves/2026-12-04.") for name in found)
    store.close()


def test_nothing_of_a_deleted_read_is_left_in_any_file(tmp_path: Path) -> None:
    """`grep -a` over everything: before expiry each canary is there, those in pictures too, afterwards none, whatever the log
    files held; a held read is there as long as it is held."""
    store = SqliteStore(tmp_path / "reads.sqlite")
    due = {n: START + timedelta(minutes=n * 7 % 3000) for n in range(1, 1201)}
    for at in range(1, 1201, 60):
        store.add([arrival(n, text=canary(n), lives=due[n] - START) for n in range(at, at + 60)])
        for n in range(at + 9, at + 60, 10):
            store.add_picture(picture(n))
            due[PICTURES + n] = due[n]
    assert canaries(tmp_path) == due.keys()
    store.hold(order(1000, days=5), START, KEEPER)
    held = {1000, PICTURES + 1000}
    for hours in range(0, 60, 6):
        now = START + timedelta(hours=hours)
        store.expire(now, KEEPER)
        found = canaries(tmp_path)
        assert not [n for n in found if due[n] <= now - timedelta(minutes=30) and n not in held]
        assert not [n for n in due.keys() - found if due[n] > now]
    assert seqs(store) == [1000]
    assert canaries(tmp_path) == held
    store.expire(START + 6 * DAY, KEEPER)
    assert canaries(tmp_path) == set()
    assert shelf_files(tmp_path) == []
    store.close()
    assert canaries(tmp_path) == set()


def test_a_locked_store_takes_nothing_and_says_so(tmp_path: Path) -> None:
    """While another program holds the index, nothing is stored; afterwards everything can be."""
    store = SqliteStore(tmp_path / "reads.sqlite")
    with store._files.using("look at") as db:
        db.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(tmp_path / "reads.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            store.add([arrival(1)])
        other.execute("COMMIT")
    assert list(store.add([arrival(1)])) == ["stored"]
    store.close()


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to look", None])
def test_what_is_no_store_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """Neither a damaged file nor somebody else's database is touched."""
    path = tmp_path / "reads.sqlite"
    if content is None:
        with closing(sqlite3.connect(path)) as db:
            db.executescript("PRAGMA user_version = 9; CREATE TABLE precious (x)")
        content = path.read_bytes()
    else:
        path.write_bytes(content)
    with pytest.raises(StoreError, match="open store"):
        SqliteStore(path)
    assert path.read_bytes()[100:] == content[100:]


def test_a_shelf_that_is_missing_is_said_and_not_made_anew(tmp_path: Path) -> None:
    """Somebody deleted a file by hand: the store does not pretend that nothing was in it."""
    store = SqliteStore(tmp_path / "reads.sqlite")
    store.add([arrival(1)])
    store.close()
    (lost,) = shelf_files(tmp_path)
    lost.unlink()
    store = SqliteStore(tmp_path / "reads.sqlite")
    for call in (lambda: list(store.reads()), lambda: store.add([arrival(2)])):
        with pytest.raises(StoreError, match=f"{lost.name}: it is not there; restore it"):
            call()
    assert list(store.add([arrival(3, lives=DAY)])) == ["stored"]
    store.close()


def test_content_of_a_batch_that_was_cut_off_is_nobodys(tmp_path: Path) -> None:
    """The power went after the content and before its slots: no listing shows it, it may come again with other bytes, and it
    goes in its time without being counted."""
    store = SqliteStore(tmp_path / "reads.sqlite")
    store.add([arrival(1, text="KEEPS")])
    store.close()
    before = (tmp_path / "reads.sqlite").read_bytes()
    store = SqliteStore(tmp_path / "reads.sqlite")
    store.add([arrival(2, text="CUTOFF"), arrival(3, text="CUTOFF")])
    store.close()
    (tmp_path / "reads.sqlite").write_bytes(before)  # as if the index had not been written
    store = SqliteStore(tmp_path / "reads.sqlite")
    assert seqs(store) == [1]
    assert list(store.received("pole-7", "e1")) == [(1, 1)]
    assert list(store.add([arrival(2, text="OTHER", content="other", lives=15 * DAY)])) == ["stored"]
    assert [row.labeled.read.text for row in store.reads()] == ["KEEPS", "OTHER"]
    store.trust_clock(START + 14 * DAY)
    event = store.expire(START + 15 * DAY - timedelta(hours=1), KEEPER)
    assert event is not None and event.reads == 1
    assert files_with(tmp_path, b"CUTOFF") == []
    assert [row.labeled.read.text for row in store.reads()] == ["OTHER"]
    store.close()


def test_a_full_disk_is_an_error_and_then_forgotten(tmp_path: Path) -> None:
    """At a limit for the size of files nothing is stored and nothing is lost; with room again, the same store goes on."""
    store = SqliteStore(tmp_path / "reads.sqlite")
    store.add([arrival(1)])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (128 << 10, before[1]))
        with pytest.raises(StoreError, match=r"full|disk"):
            for at in range(2, 2000, 20):
                store.add([arrival(n) for n in range(at, at + 20)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)
    stored = seqs(store)
    assert stored == list(range(1, len(stored) + 1))
    assert list(store.received("pole-7", "e1")) == [(1, len(stored))]
    assert set(store.add([arrival(n) for n in range(1, len(stored) + 20)])) == {"duplicate", "stored"}
    store.close()


KILLED = """
import sys
from datetime import timedelta
from pathlib import Path
from edge.store.sqlite import SqliteStore
from tests.labeled import START
from tests.stores import KEEPER, arrival
store = SqliteStore(Path(sys.argv[1]))
print("up", flush=True)
for n in range(int(sys.argv[2]), 10**6, 4):
    store.add([arrival(m, lives=timedelta(minutes=m % 2880)) for m in range(n, n + 4)])
    print(n + 3, flush=True)
    store.expire(START + timedelta(minutes=n % 2880), KEEPER)
"""


def test_a_process_that_is_killed_leaves_a_store_that_goes_on(tmp_path: Path) -> None:
    """`kill -9` at random moments of storing and deleting, ten times: every committed read is there or was stated as deleted,
    and no file is left that nobody knows."""
    path, said = tmp_path / "reads.sqlite", 0
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    for kill in range(10):
        command = [sys.executable, "-c", KILLED, str(path), str(said + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "up\n"
            for _ in range(3 * kill + 2):
                said = int(child.stdout.readline())
            child.kill()
            rest = child.stdout.read().split()
            said = int(rest[-1]) if rest else said
        store = SqliteStore(path)
        committed = {n for first, last in store.received("pole-7", "e1") for n in range(first, last + 1)}
        assert set(range(1, said + 1)) <= committed
        said = max(committed)
        store.close()
    store = SqliteStore(path)
    store.expire(START + timedelta(minutes=said % 2880), KEEPER)
    report = checked_book(store)
    assert report.findings == ()
    assert report.reads_deleted + len(numbers(store)) == said
    with store._files.using("look at") as db:
        known = {file for (file,) in db.execute("SELECT file FROM shelves")}
    store.close()
    assert {file.name for file in shelf_files(tmp_path)} == known


ONE_FILE = """
CREATE TABLE reads (
  device TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, received TEXT NOT NULL, text TEXT NOT NULL,
  region TEXT NOT NULL, first_utc TEXT NOT NULL, delete_after TEXT NOT NULL, hit INTEGER NOT NULL, labeled BLOB NOT NULL,
  wire BLOB NOT NULL, wire_sha256 BLOB NOT NULL,
  PRIMARY KEY (device, epoch, seq)
);
CREATE INDEX reads_by_text ON reads (text, first_utc);
CREATE INDEX reads_by_delete_after ON reads (delete_after);
CREATE TABLE received (
  device TEXT NOT NULL, epoch TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (device, epoch, first)
) WITHOUT ROWID;
CREATE UNIQUE INDEX received_by_last ON received (device, epoch, last);
CREATE TABLE conflicts (
  device TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, wire_sha256 BLOB NOT NULL, seen TEXT NOT NULL,
  PRIMARY KEY (device, epoch, seq, wire_sha256)
) WITHOUT ROWID;
PRAGMA application_id = 1347179348;
PRAGMA user_version = 1;
"""


def make_one_file(path: Path, count: int) -> None:
    """A store as this program made it before there were shelves."""
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = wal")
        db.executescript(ONE_FILE)
        for n in range(1, count + 1):
            one = arrival(n, device=f"pole-{n % 2}", text=canary(n), lives=timedelta(hours=n))
            read, label = one.labeled.read, one.labeled.label
            row: tuple[object, ...] = (one.device, one.epoch, n, one.received.isoformat(), read.text, read.region)
            row += (read.first.utc.isoformat(), label.delete_after.isoformat(), 0)
            row += (msgspec.json.encode(one.labeled), one.wire, one.wire_sha256)
            db.execute("INSERT INTO reads VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", row)
        db.execute("INSERT INTO conflicts VALUES ('pole-1', 'e1', 5, x'00', '2026-11-20T12:00:00+00:00')")
        db.commit()


def test_a_store_of_one_file_is_taken_over_without_loss(tmp_path: Path) -> None:
    """Every read, range and conflict of the last version is there afterwards, and nothing is left where it lay."""
    path = tmp_path / "agency" / "reads.sqlite"
    make_one_file(path, 1200)
    store = SqliteStore(path)
    sent = [arrival(n, device=f"pole-{n % 2}", text=canary(n), lives=timedelta(hours=n)) for n in range(1, 1201)]
    assert sorted(numbers(store)) == sorted((each.device, "e1", each.seq) for each in sent)
    assert {row.seq: row.labeled for row in store.reads()} == {each.seq: each.labeled for each in sent}
    assert list(store.conflicts("pole-1", "e1")) == [5]
    assert set(store.add(sent)) == {"duplicate"}
    assert [first for first, _ in store.received("pole-1", "e1")] == [n for n in range(1, 1200, 2) if n != 5]
    assert all(".shelves/" in name for name in files_with(tmp_path, b"CNRY"))
    store.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["reads.sqlite", "reads.sqlite.lock", "reads.sqlite.shelves"]
    store = SqliteStore(path)
    assert len(numbers(store)) == 1200
    store.trust_clock(START + 60 * DAY)
    store.expire(START + 60 * DAY, KEEPER)
    assert canaries(tmp_path) == set()
    store.close()


def test_a_take_over_that_was_cut_off_begins_anew(tmp_path: Path) -> None:
    """What a first try left behind is no hindrance; the old file is whole until the new index has its name."""
    path = tmp_path / "agency" / "reads.sqlite"
    make_one_file(path, 30)
    (path.parent / "reads.sqlite.shelves").mkdir()
    (path.parent / "reads.sqlite.shelves" / "2026-11-21.abc.sqlite").write_bytes(b"half a file")
    (path.parent / "reads.sqlite.new").write_bytes(b"half an index")
    store = SqliteStore(path)
    assert len(numbers(store)) == 30
    store.close()
    assert not (path.parent / "reads.sqlite.shelves" / "2026-11-21.abc.sqlite").exists()


def test_a_store_of_the_version_before_pictures_goes_on(tmp_path: Path) -> None:
    """Index and shelves are upgraded where they stand: what is stored is there, takes pictures, and is held and deleted."""
    path = tmp_path / "reads.sqlite"
    store = SqliteStore(path)
    store.add([arrival(1), arrival(2)])
    store.close()
    before = "ALTER TABLE reads DROP crop; ALTER TABLE reads DROP frame; PRAGMA user_version = 1"
    changes = {path: "DROP TABLE asked; PRAGMA user_version = 2", **dict.fromkeys(shelf_files(tmp_path), before)}
    for file, change in changes.items():
        with closing(sqlite3.connect(file)) as db:
            db.executescript(change)
    store = SqliteStore(path)
    assert store.add_picture(picture(1)) == "stored"
    store.ask("pole-7", "e1", 2, START)
    assert seqs(store) == [1, 2]
    store.trust_clock(START + 20 * DAY)
    event = store.expire(START + 20 * DAY, KEEPER)
    assert event is not None and (event.reads, event.pictures) == (2, 1)
    assert canaries(tmp_path) == set()
    store.close()
