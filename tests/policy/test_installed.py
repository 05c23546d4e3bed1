"""What lies on a unit: the newest bundle that was accepted, and never an older one, whatever is offered and whenever the power
goes."""

from __future__ import annotations

import itertools
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from edge.errors import ConfigError, PolicyError
from edge.labeler.scope import label
from edge.policy import installed
from edge.policy.bundle import Rules
from edge.policy.installed import CURRENT, NEXT, Look, PolicyFolder
from tests.policy.bundles import ALICE, BOB, MALLORY, TRUST, bundle, files
from tests.policy.situations import NOW

OLD, NEW, NEWER = bundle(7), bundle(8, of=files("2026.11.2")), bundle(9, of=files("2026.11.3"))
#: Rightly signed, and not the bundle 8 above.
OTHER_8 = bundle(8, of=files("2026.11.9"))
VERSIONS = {7: "2026.11.1", 8: "2026.11.2", 9: "2026.11.3"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A unit's data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def opened(data: Path) -> PolicyFolder:
    return PolicyFolder(data / "policy", TRUST)


def install(data: Path, signed: bytes, at: Any = NOW) -> Rules:
    offered = data.parent / "offered.bundle"
    offered.write_bytes(signed)
    return opened(data).install(offered, at, label)


def counter(look: Look) -> int:
    """Which bundle is obeyed; pack and zones must be that bundle's own."""
    assert look.rules is not None
    assert look.rules.pack.identity.version == VERSIONS[look.rules.manifest.counter]
    assert [zone.name for zone in look.rules.zones] == ["clinic"]
    return look.rules.manifest.counter


def test_a_newer_bundle_replaces_the_older(data: Path) -> None:
    """Counters may skip; what was installed last is in force, also for whoever looks later."""
    for signed, number in ((OLD, 7), (NEWER, 9)):
        install(data, signed)
        assert counter(opened(data).take_up(NOW)) == number
        assert counter(opened(data).look(NOW)) == number
        assert opened(data).look(NOW).refusals == ()


def wrong_case() -> bytes:
    """A pack that says of itself what it does not do."""
    (role, name, text), zones = files("2026.11.2")
    spoilt = text.replace(b'expect = "release"', b'expect = "withhold"', 1)
    assert spoilt != text
    return bundle(8, of=((role, name, spoilt), zones))


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "tampered": (lambda: NEW.replace(b'"counter":8', b'"counter":9'), "0 of the 2 keys"),
    "damaged": (lambda: NEW.replace(b"clinic", b"school", 1), "not the one that was signed"),
    "expired": (lambda: bundle(8, days=0.1, issued=NOW - timedelta(days=1)), "it expired at 2026-10-31"),
    "older": (lambda: bundle(6), r"older \(counter 6\) than one already accepted \(7\)"),
    "another of the same counter": (lambda: bundle(7, of=files("2026.11.9")), "another one with counter 7 was accepted"),
    "signed by one": (lambda: bundle(8, ALICE), "1 of the 2 keys"),
    "signed by a stranger": (lambda: bundle(8, ALICE, MALLORY), "1 of the 2 keys"),
    "half-written": (lambda: NEW[: len(NEW) // 2], "half-written"),
    "empty": (lambda: b"", "half-written"),
    "for another unit": (lambda: bundle(8, devices=("unit-2",)), "for unit-2"),
    "failing its own case": (wrong_case, "expected withhold, got release"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_bundle_is_refused_with_the_reason_and_the_last_good_one_stays(name: str, data: Path) -> None:
    """Nothing of what is in force changes, the counter neither; the running unit is told, until a good one comes in."""
    make, words = REFUSED[name]
    install(data, OLD)
    before = {path.name: path.read_bytes() for path in (data / "policy").iterdir()}
    stamp = opened(data).stamp()
    with pytest.raises(PolicyError, match=words) as caught:
        install(data, make())
    assert "the unit keeps what it had" in str(caught.value)
    look = opened(data).take_up(NOW)
    assert counter(look) == 7
    assert [each.file for each in look.refusals] == ["offered.bundle"]
    assert words.replace("\\", "") in look.refusals[0].why
    assert opened(data).stamp() != stamp
    after = {path.name: path.read_bytes() for path in (data / "policy").iterdir()}
    assert {name: after[name] for name in before} == before
    install(data, NEW)
    assert opened(data).look(NOW).refusals == ()


@pytest.mark.parametrize("name", [name for name in REFUSED if name not in ("older", "another of the same counter")])
def test_a_bad_first_bundle_leaves_a_unit_without_any(name: str, data: Path) -> None:
    """There is no default to fall back to: no rules, and words that say why and what to do."""
    with pytest.raises(PolicyError, match=REFUSED[name][1]):
        install(data, REFUSED[name][0]())
    folder = opened(data)
    look = folder.take_up(NOW)
    assert look.rules is None
    assert "nothing may be captured" in str(folder.nothing(look))
    assert "policy install" in str(folder.nothing(look))


def test_a_unit_that_was_never_given_a_bundle_obeys_none(data: Path) -> None:
    """No folder, no file, no policy; looking makes nothing."""
    assert opened(data).take_up(NOW).rules is None
    assert list(data.iterdir()) == []
    with pytest.raises(ConfigError, match="No such file"):
        opened(data).install(data / "none.bundle", NOW, label)


def test_the_same_bundle_may_be_installed_again(data: Path) -> None:
    """That heals a damaged copy, and is no older one; a further signature makes no other bundle of it."""
    install(data, NEW)
    (data / "policy" / CURRENT).write_bytes(NEW[:-100])
    assert opened(data).look(NOW).rules is None
    install(data, NEW)
    assert counter(opened(data).look(NOW)) == 8
    install(data, bundle(8, BOB, ALICE, of=files("2026.11.2")))
    assert counter(opened(data).look(NOW)) == 8


def put(data: Path, name: str, signed: bytes) -> None:
    (data / "policy" / name).write_bytes(signed)


def test_where_only_older_bundles_are_left_nothing_is_obeyed(data: Path) -> None:
    """Whoever puts an old bundle back in place of the newer gets a unit that captures nothing and says why."""
    install(data, OLD)
    install(data, NEW)
    put(data, CURRENT, OLD)
    folder = opened(data)
    look = folder.take_up(NOW)
    assert look.rules is None
    assert "older (counter 7) than one already accepted (8)" in str(folder.nothing(look))
    assert "counter 8 or higher" in str(folder.nothing(look))
    put(data, CURRENT, OTHER_8)
    assert folder.take_up(NOW).rules is None
    (data / "policy" / CURRENT).unlink()
    assert folder.take_up(NOW).rules is None
    install(data, NEWER)
    assert counter(folder.take_up(NOW)) == 9


def test_a_damaged_bundle_is_replaced_by_a_good_one_of_equal_or_higher_counter(data: Path) -> None:
    """An interrupted installation may have left one; a lower one does not do."""
    install(data, NEW)
    put(data, CURRENT, NEW[:-1])
    put(data, NEXT, OLD)
    assert opened(data).take_up(NOW).rules is None
    put(data, NEXT, NEWER)
    look = opened(data).take_up(NOW)
    assert counter(look) == 9
    assert [each.file for each in look.refusals] == [CURRENT]
    assert opened(data).look(NOW).accepted.counter == 9, "recorded before anybody obeyed it"
    assert not (data / "policy" / NEXT).exists()


def test_a_damaged_record_of_counters_is_no_record_of_zero(data: Path) -> None:
    """Without it nobody knows what was accepted, so nothing is; the message says how to get out."""
    install(data, NEW)
    (data / "policy" / installed.ACCEPTED).write_text("{")
    for attempt in (lambda: opened(data).take_up(NOW), lambda: install(data, NEWER)):
        with pytest.raises(PolicyError, match="delete the file and install"):
            attempt()


def test_a_clock_that_was_set_back_makes_no_bundle_younger(data: Path) -> None:
    """The latest time that a good clock showed counts, whatever it shows later."""
    folder = opened(data)
    install(data, OLD)
    folder.remember(NOW + timedelta(days=40))
    folder.remember(NOW)
    assert folder.latest(NOW) == NOW + timedelta(days=40)
    with pytest.raises(PolicyError, match="expired"):
        install(data, bundle(8, days=30, of=files("2026.11.2")), at=NOW)
    (data / "policy" / installed.LATEST).write_text("{")
    assert folder.latest(NOW) == NOW, "a unit can do without it"


def test_a_bundle_that_expires_once_installed_is_still_the_one_in_force(data: Path) -> None:
    """It is for the unit to capture nothing under it; it is not taken for another."""
    install(data, OLD)
    look = opened(data).take_up(NOW + timedelta(days=1000))
    assert counter(look) == 7
    assert look.rules is not None
    assert look.rules.manifest.expired(NOW + timedelta(days=1000))


def test_a_full_disk_leaves_the_old_bundle_in_force(data: Path) -> None:
    """A medium that takes no more bytes: the installation fails in words, and works once there is room."""
    install(data, OLD)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    offered = data.parent / "offered.bundle"
    offered.write_bytes(NEW)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(NEW) // 2, before[1]))
    try:
        with pytest.raises(PolicyError, match="look at its disk"):
            opened(data).install(offered, NOW, label)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)
    look = opened(data).take_up(NOW)
    assert counter(look) == 7
    assert "half-written" in look.refusals[0].why
    install(data, NEW)
    assert counter(opened(data).take_up(NOW)) == 8


def test_what_root_installs_belongs_to_the_unit(data: Path) -> None:
    """The unit's own account must be able to finish an installation, so it gets every file, closed to others."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(data, 1234, 1235)
    install(data, OLD)
    for path in (data / "policy", *(data / "policy").iterdir()):
        found = path.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o077) == (1234, 1235, 0)


def killed_at(line: int, act: Callable[[], object]) -> bool:
    """Do ``act`` in a child that is killed (SIGKILL) at the ``line``-th line it runs of ``installed.py``; whether it was."""
    child = os.fork()
    if child == 0:
        seen = itertools.count(1)

        def trace(frame: FrameType, event: str, _: object) -> Any:
            if frame.f_code.co_filename != installed.__file__:
                return None
            if event == "line" and next(seen) == line:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        try:
            act()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_process_killed_at_any_line_of_an_installation_leaves_the_old_or_the_new_bundle(data: Path) -> None:
    """And a process killed at any line of the recovery that follows does not spoil it; the counter never falls."""
    install(data, OLD)
    begun = data.parent / "begun"
    shutil.copytree(data, begun)
    offered = data.parent / "offered.bundle"
    offered.write_bytes(NEW)
    seen = set()
    for line in itertools.count(1):
        shutil.rmtree(data)
        shutil.copytree(begun, data)
        if not killed_at(line, lambda: opened(data).install(offered, NOW, label)):
            break
        recorded = opened(data).look(NOW).accepted.counter
        if line % 3 == 0:
            killed_at(1 + line * 7 % 90, lambda: opened(data).take_up(NOW))
        look = opened(data).take_up(NOW)
        seen.add((recorded, counter(look)))
        assert counter(look) >= recorded >= 7
        assert opened(data).look(NOW).accepted.counter == counter(look)
    assert line > 60, "the installation ran under the eyes of the test"
    assert seen == {(7, 7), (7, 8), (8, 8)}


class Disk:
    """What may lie on a disk after a power cut, by what POSIX promises and no more: a file's bytes are safe once it was
    synced, a name once its folder was; of all else any part may be there, the later without the earlier.

    Watches the real calls of ``os`` and keeps for each file (by inode) its safe bytes and those on their way, and for the
    folder its safe names and the changes on their way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.safe = {name.name: name.stat().st_ino for name in folder.iterdir()}
        self.bytes = {path.stat().st_ino: [path.read_bytes()] for path in folder.iterdir()}
        self.names: list[tuple[str, str | None, int]] = []  # (name that appears, name that goes, inode)
        self.states: list[dict[str, bytes]] = []
        self.handles: dict[int, int] = {}

    def opened(self, path: Path, flags: int, handle: int) -> None:
        inode = os.fstat(handle).st_ino
        self.handles[handle] = inode
        if flags & os.O_CREAT and inode not in self.bytes:
            self.bytes[inode] = [b""]
            self.names.append((path.name, None, inode))
        if flags & os.O_TRUNC:
            self.bytes[inode].append(b"")

    def written(self, handle: int, data: bytes) -> None:
        known = self.bytes[self.handles[handle]]
        known += [known[-1] + data[: len(data) // 2], known[-1] + data]

    def synced(self, handle: int) -> None:
        inode = self.handles[handle]
        if inode == self.folder.stat().st_ino:
            for name, gone, target in self.names:
                self.safe.pop(gone or "", None)
                self.safe[name] = target
            self.names.clear()
        elif inode in self.bytes:
            del self.bytes[inode][:-1]

    def after_a_cut(self) -> Iterator[dict[str, bytes]]:
        """Every folder that may be found now."""
        for happened in itertools.product((False, True), repeat=len(self.names)):
            names = dict(self.safe)
            for (name, gone, inode), did in zip(self.names, happened, strict=True):
                if did:
                    names.pop(gone or "", None)
                    names[name] = inode
            for contents in itertools.product(*(self.bytes[inode] for inode in names.values())):
                yield dict(zip(names, contents, strict=True))


def test_a_power_cut_at_any_moment_leaves_the_old_or_the_new_bundle(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder that a disk may hold after any call of an installation, unsynced bytes and names lost in any combination:
    the unit obeys 7 or 8, never less than what is recorded, and once 8 was obeyed or reported it stays 8."""
    install(data, OLD)
    disk = Disk(data / "policy")
    real_open, real_write, real_fsync, real_replace = os.open, os.write, os.fsync, Path.replace
    cuts: list[tuple[bool, dict[str, bytes]]] = []
    done = False

    def note() -> None:
        cuts.extend((done, state) for state in disk.after_a_cut() if (done, state) not in cuts)

    def spy_open(path: Any, flags: int, *more: Any, **named: Any) -> int:
        handle = real_open(path, flags, *more, **named)
        if Path(path).parent == disk.folder or Path(path) == disk.folder:
            disk.opened(Path(path), flags, handle)
            note()
        return handle

    def spy_write(handle: int, content: Any) -> int:
        disk.written(handle, bytes(content))
        note()
        return real_write(handle, content)

    def spy_fsync(handle: int) -> None:
        real_fsync(handle)
        disk.synced(handle)
        note()

    def spy_replace(self: Path, target: Path) -> Path:
        disk.names.append((target.name, self.name, self.stat().st_ino))
        note()
        return real_replace(self, target)

    monkeypatch.setattr(os, "open", spy_open)
    monkeypatch.setattr(os, "write", spy_write)
    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(Path, "replace", spy_replace)
    install(data, NEW)
    done = True
    note()
    monkeypatch.undo()
    assert len(cuts) >= 10, "the installation ran under the eyes of the test"
    seen = set()
    for installed_before, state in cuts:
        shutil.rmtree(data / "policy")
        (data / "policy").mkdir()
        for name, content in state.items():
            put(data, name, content)
        recorded = opened(data).look(NOW).accepted.counter
        found = counter(opened(data).take_up(NOW))
        seen.add((recorded, found))
        assert found >= recorded >= 7
        assert recorded == 8 or state[CURRENT] != NEW, "the counter is recorded before the bundle is in place"
        assert found == 8 or not installed_before, "what was reported as installed is there"
        assert counter(opened(data).take_up(NOW)) == found
        assert opened(data).look(NOW).accepted.counter == found
    assert seen == {(7, 7), (7, 8), (8, 8)}
