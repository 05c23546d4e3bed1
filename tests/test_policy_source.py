"""A running unit takes up a bundle that comes in, as a whole and between two frames; a bad one changes nothing and is loud."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization

from edge import build
from edge.camera.interface import Camera, CameraCounts
from edge.clock import Clock
from edge.config import DeviceConfig, TrackerConfig, load_device
from edge.detector.interface import Detector
from edge.errors import ConfigError, PolicyError
from edge.exit import Exit
from edge.hotlist.files import stamp_path
from edge.journal import Journal
from edge.labeler.capture import CaptureStamp
from edge.labeler.scope import label
from edge.memory import StartAgain
from edge.pipeline import Line
from edge.policy.bundle import ListDigest
from edge.policy.load import read_source
from edge.position import PositionSource
from edge.recognizer.interface import Recognizer
from edge.records import Detection, Frame, Reading, Release
from edge.rules import Policy, PolicySource
from edge.tracker.association import PlateTracker
from tests.clocks import HandClock
from tests.hotlist.lists import stamped
from tests.policy.bundles import ALICE, BOB, CAROL, bundle, files
from tests.policy.situations import HARTFORD, NOW, capture
from tests.readings import detection, reading

STOLEN_ROW = "TEST1,US-CT,NCIC,stolen-vehicle,stolen in Hartford,X,2026-10-31,"
CONFIG = """
[unit]
device = "unit-1"
agency = "hartford-pd"
data = "data"
[[cameras]]
name = "north"
source = "clip.mp4"
[policy]
bundle_keys = ["alice.pem", "bob.pem", "carol.pem"]
[hotlist]
files = []
[keys]
sign_key = "sign.key"
agency_seal = "seal.pem"
agency_receipt = "receipt.pem"
[broker]
host = "localhost"
ca = "ca.pem"
certificate = "tls.pem"
key = "tls.key"
"""


class Town:
    """A unit's configuration and data, its clock, its log, and whoever installs bundles on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.log = folder, HandClock(NOW), io.StringIO()
        self.journal = Journal(self.log)
        for name, key in (("alice", ALICE), ("bob", BOB), ("carol", CAROL)):
            pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            (folder / f"{name}.pem").write_bytes(pem)
        self.configure()

    def configure(self, *edits: tuple[str, str]) -> DeviceConfig:
        text = CONFIG
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        (self.folder / "device.toml").write_text(text)
        self.config = load_device(self.folder / "device.toml")
        return self.config

    def source(self) -> PolicySource:
        return build.policy(self.config, cast(Clock, self.clock), self.journal)

    def install(self, signed: bytes, name: str = "offered.bundle") -> None:
        (self.folder / name).write_bytes(signed)
        build.policy_folder(self.config).install(self.folder / name, self.clock.utc, label)

    def offer(self, signed: bytes, name: str = "offered.bundle") -> None:
        with pytest.raises(PolicyError):
            self.install(signed, name)

    def a_second_later(self, source: PolicySource) -> Policy:
        self.clock.wait(timedelta(seconds=1))
        return source.now()

    def alarms(self) -> dict[str, int]:
        return self.journal.by_reason("alarms")

    def errors(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if line["level"] == "error"]


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def version(policy: Policy) -> str:
    return policy.pack.identity.version


def test_a_running_unit_takes_up_a_bundle_that_comes_in(town: Town) -> None:
    """Pack, zones and all at once, within a second, without a restart; while nothing comes in it is the same object."""
    town.install(bundle(1))
    source = town.source()
    first = source.now()
    assert (version(first), [zone.name for zone in first.zones]) == ("2026.11.1", ["clinic"])
    assert town.a_second_later(source) is first
    town.install(bundle(2, of=(files("2026.11.2")[0],)))
    second = town.a_second_later(source)
    assert (version(second), second.zones, second.barred) == ("2026.11.2", (), ())
    assert town.a_second_later(source) is second
    assert town.alarms() == {}


def test_the_folder_is_looked_at_once_a_second_at_most(town: Town) -> None:
    """A frame costs no more than a look at the clock."""
    town.install(bundle(1))
    source = town.source()
    town.install(bundle(2, of=files("2026.11.2")))
    town.clock.wait(timedelta(milliseconds=999))
    assert version(source.now()) == "2026.11.1"
    town.clock.wait(timedelta(milliseconds=1))
    assert version(source.now()) == "2026.11.2"


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "tampered": (lambda: bundle(2).replace(b'"counter":2', b'"counter":3'), "0 of the 2 keys"),
    "expired": (lambda: bundle(2, issued=NOW - timedelta(days=9), days=8), "it expired"),
    "older": (lambda: bundle(1, of=files("2026.11.2")), "another one with counter 1"),
    "wrongly signed": (lambda: bundle(2, ALICE), "1 of the 2 keys"),
    "half-written": (lambda: bundle(2)[:1000], "half-written"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_bundle_leaves_the_last_good_one_and_raises_one_alarm(name: str, town: Town) -> None:
    """One count and one line with the reason, however often the unit looks; the next good one comes in."""
    make, why = BAD[name]
    town.install(bundle(1))
    source = town.source()
    first = source.now()
    town.offer(make(), "bad.bundle")
    for _ in range(3):
        assert town.a_second_later(source) is first
    assert town.alarms() == {"bundle-refused": 1}
    (error,) = town.errors()
    assert error["file"] == "bad.bundle"
    assert why in error["why"]
    town.install(bundle(2, of=files("2026.11.2")))
    assert version(town.a_second_later(source)) == "2026.11.2"
    assert town.alarms() == {"bundle-refused": 1}


def test_a_bundle_that_is_spoilt_on_the_disk_of_a_running_unit_raises_one_alarm(town: Town) -> None:
    """What is in memory stays in force; after a restart there is nothing to obey, and the unit does not start."""
    town.install(bundle(1))
    source = town.source()
    first = source.now()
    current = town.folder / "data" / "policy" / "current.bundle"
    town.offer(bundle(1, ALICE))
    assert town.a_second_later(source) is first
    current.write_bytes(current.read_bytes()[:-1])
    assert town.a_second_later(source) is first
    current.unlink()
    assert town.a_second_later(source) is first
    assert town.a_second_later(source) is first
    assert town.alarms() == {"bundle-refused": 3}, "one refused, one damaged, one gone"
    with pytest.raises(PolicyError, match="nothing may be captured; install a bundle with counter 1 or higher"):
        town.source()


def test_an_installation_that_a_power_cut_ended_is_finished_at_the_next_start(town: Town) -> None:
    """Its counter was recorded and its bytes were there; a half-written one is told of, and the old one stays."""
    town.install(bundle(1))
    folder = town.folder / "data" / "policy"
    (folder / "next.bundle").write_bytes(bundle(2, of=files("2026.11.2")))
    assert version(town.source().now()) == "2026.11.2"
    (folder / "next.bundle").write_bytes(bundle(3, of=files("2026.11.3"))[:5000])
    assert version(town.source().now()) == "2026.11.2"
    assert town.alarms() == {"bundle-refused": 1}


def test_a_unit_without_a_bundle_does_not_start(town: Town) -> None:
    """There is no pack to fall back to."""
    with pytest.raises(PolicyError, match="there is none; nothing may be captured"):
        town.source()


def test_an_expired_bundle_forbids_all_capture_and_is_loud_once(town: Town) -> None:
    """At the moment itself, with one alarm; a new bundle ends it without a restart, a clock that is set back does not."""
    town.install(bundle(1, days=1))
    source = town.source()
    first = source.now()
    town.clock.wait(timedelta(days=1) - timedelta(microseconds=1))
    assert source.now() is first
    town.clock.wait(timedelta(microseconds=1))
    over = source.now()
    assert [reason.rule for reason in over.barred] == ["engine-bundle-expired"]
    assert "bundle 1 expired" in over.barred[0].words
    assert town.a_second_later(source) is over
    town.clock.jump(timedelta(days=-20))
    assert town.a_second_later(source) is over
    assert town.source().now().barred, "nor does a restart"
    assert town.alarms() == {"bundle-expired": 2}, "one for each start"
    town.clock.jump(timedelta(days=20))
    town.install(bundle(2, of=files("2026.11.2"), days=30))
    assert town.a_second_later(source).barred == ()


def test_a_clock_that_nobody_disciplines_is_not_remembered(town: Town) -> None:
    """It may be wrong by years: it can end capture while it runs so, not for good."""
    town.install(bundle(1, days=1))
    source = town.source()
    town.clock.source = "unset"
    town.clock.jump(timedelta(days=4000))
    assert town.a_second_later(source).barred
    town.clock.jump(timedelta(days=-4000))
    assert not town.a_second_later(source).barred


def test_a_bundle_that_gives_the_unit_minutes_to_forget_starts_it_again(town: Town) -> None:
    """Such a pack binds from the moment it is in force, and a process can forget from its start on only: it ends."""
    town.install(bundle(1))
    source = town.source()
    source.now()
    town.install(bundle(2, of=(("layer", "us-nh.toml", read_source("us-nh")[1]),)))
    with pytest.raises(StartAgain):
        town.a_second_later(source)
    with pytest.raises(StartAgain):
        town.source()


def digest_of(path: Path) -> ListDigest:
    return ListDigest(name="daily", version="7", issued=NOW, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def test_only_the_hot_lists_that_the_bundle_names_are_used(town: Town) -> None:
    """Another list keeps a new bundle out, loudly, until the right one is there; one that is swapped later is not read."""
    path = stamped(town.folder, STOLEN_ROW.replace("TEST1", "OLD1"))
    town.configure(("files = []", f'files = ["{path.name}"]'))
    town.install(bundle(1, lists=(digest_of(path),)))
    source = town.source()
    first = source.now()
    new = stamped(town.folder, STOLEN_ROW, name="new.csv")
    town.install(bundle(2, of=files("2026.11.2"), lists=(digest_of(new),)))
    assert town.a_second_later(source) is first
    assert town.alarms() == {"bundle-refused": 1}
    assert "the policy bundle does not name it" in town.errors()[0]["why"]
    shutil.copy(new, path)
    assert town.a_second_later(source) is first, "its stamp is another's still"
    shutil.copy(stamp_path(new), stamp_path(path))
    second = town.a_second_later(source)
    assert (version(second), second.hotlist.admitted) == ("2026.11.2", 1)
    stamped(town.folder, STOLEN_ROW.replace("TEST1", "OLD1"), name=path.name)
    assert town.a_second_later(source) is second
    town.configure(("files = []", f'files = ["{path.name}"]'))
    with pytest.raises(PolicyError, match="does not name it"):
        town.source()


def test_fewer_keys_than_must_sign_is_a_mistake_of_the_configuration(town: Town) -> None:
    """No bundle could ever come in; the same key twice is one key."""
    twice = town.configure(('["alice.pem", "bob.pem", "carol.pem"]', '["alice.pem", "alice.pem"]'))
    with pytest.raises(ConfigError, match=r"2 people must sign one, but `policy\.bundle_keys` holds 1"):
        build.policy_folder(twice)
    build.policy_folder(town.configure(('["alice.pem", "bob.pem", "carol.pem"]', '["alice.pem"]\nthreshold = 1')))


FPS = 10


class HandCamera:
    """Ten frames a second without a picture; something may happen before one of them."""

    name = "north"

    def __init__(self, clock: HandClock, frames: int, events: dict[int, Callable[[], None]]) -> None:
        self._clock, self._frames, self._events = clock, frames, events

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        for number in range(self._frames):
            self._clock.wait(timedelta(seconds=1 / FPS))
            self._events.get(number, lambda: None)()
            yield Frame(
                camera="north", number=number, image=np.zeros((72, 128), np.uint8), at=self._clock.now(), media_s=number / FPS
            )

    def rest(self, until_s: float) -> None:
        pass

    def counts(self) -> CameraCounts:
        return CameraCounts(received=self._frames, dropped={})


class OneCar:
    """A detector and a reader that see one parked car in every frame."""

    def detect(self, frame: Frame) -> list[Detection]:
        return [detection(10, 10)]

    def read(self, frame: Frame, wanted: Sequence[Detection]) -> list[Reading]:
        return [reading("AB12345", found=each, number=frame.number) for each in wanted]


class HandExit:
    """Keeps what would be sealed."""

    def __init__(self) -> None:
        self.kept: list[Release] = []

    def keep(self, release: Release) -> None:
        self.kept.append(release)


class Here:
    def at(self, media_s: float) -> Any:
        return HARTFORD


class Stamp:
    def at(self, position: Any) -> Any:
        return capture()


def test_every_pass_falls_under_one_policy_and_nothing_under_an_expired_one(town: Town) -> None:
    """What was seen under the old bundle is labelled under it, the next frame under the new one; from its expiry on frames are
    dropped and counted under that rule."""
    town.install(bundle(1))
    events: dict[int, Callable[[], None]] = {
        10: lambda: town.install(bundle(2, of=files("2026.11.2"), days=10)),
        40: lambda: town.clock.wait(timedelta(days=10)),
    }
    door, car = HandExit(), OneCar()
    line = Line(
        camera=cast(Camera, HandCamera(town.clock, 60, events)),
        position=cast(PositionSource, Here()),
        detector=cast(Detector, car),
        tracker=PlateTracker("north", TrackerConfig()),
        recognizer=cast(Recognizer, car),
        policy=town.source(),
        stamp=cast(CaptureStamp, Stamp()),
        exit=cast(Exit, door),
        journal=town.journal,
    )
    line.run(threading.Event())
    labels = [each.labeled.label for each in door.kept]
    assert [each.layers[0].version for each in labels] == ["2026.11.1", "2026.11.2"]
    assert {each.pack_sha256 for each in labels} == {each.layers[0].sha256 for each in labels}
    before, after = (each.labeled.read.frames for each in door.kept)
    assert 10 <= before <= 10 + FPS, "within a second of the installation"
    assert before + after == 40
    assert town.journal.total("frames_processed") == 40
    assert town.journal.by_reason("frames_dropped") == {"engine-bundle-expired": 20}
