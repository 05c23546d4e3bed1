"""The record is signed as a whole, its id is in every read, and two of them can be compared."""

from __future__ import annotations

import io
from datetime import datetime, timezone
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from calibration.record import compare_records, merged, open_record, save_record, setup_of
from calibration.records import Measure, Record, Verdict
from calibration.report import report_html
from edge import build
from edge.camera_setup import CameraSetup, load_record, record_id
from edge.config import load_device
from edge.drift import NoDrift
from edge.drift_watch import DriftWatch
from edge.envelope.keyring import load_private_key
from edge.errors import ConfigError
from edge.journal import Journal
from edge.lane import LaneDetector, why_aside
from edge.records import Box, Detection, Frame
from tests.calibration.units import device_toml

KEY = ec.generate_private_key(ec.SECP256R1())


def line(name: str, value: float | None, verdict: Verdict = "PASS", unit: str = "px") -> Measure:
    return Measure(name=name, value=value, unit=unit, target="≥ 130", verdict=verdict, words="", source="<b>a manual</b>")


def record(*measures: Measure, camera: str = "north") -> Record:
    return Record(
        camera=camera,
        device="ct-01",
        made=datetime(2026, 11, 22, 9, 30, tzinfo=timezone.utc),
        technician="<script>A. Example</script>",
        software="plate-edge test",
        light="day",
        setup=CameraSetup(frame_size=(1280, 720), masks=(((0, 0), (0.3, 0), (0.3, 0.1), (0, 0.1)),), plate_px=(60, 400)),
        measures=measures or (line("plate_width", 150.0),),
        pictures={"scene.jpg": "0" * 64},
    )


def test_a_record_is_read_as_it_was_signed(tmp_path: Path) -> None:
    """Everything in it, under an id that is the hash of its bytes."""
    path = tmp_path / "north.calibration.json"
    saved = save_record(record(), KEY, path)
    identity, again = open_record(path, [KEY.public_key()])
    assert again == record()
    assert identity == saved.id == record_id(saved.record)
    assert load_record(path, [KEY.public_key()]).head.setup.plate_px == (60, 400)


@pytest.mark.parametrize(
    "change", [(b"150.0", b"151.0"), (b'"id":"', b'"id":"f'), (b'"signature":"', b'"signature":"0'), (b"{", b"[")]
)
def test_an_altered_record_is_refused(tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    """A figure, the id, the signature, or the form: each says that it must be made again."""
    path = tmp_path / "record.json"
    save_record(record(), KEY, path)
    path.write_bytes(path.read_bytes().replace(*change, 1))
    with pytest.raises(ConfigError, match="calibrat"):
        load_record(path, [KEY.public_key()])


def test_another_units_record_is_refused(tmp_path: Path) -> None:
    """Only this unit's key may have signed it."""
    path = tmp_path / "record.json"
    save_record(record(), ec.generate_private_key(ec.SECP256R1()), path)
    with pytest.raises(ConfigError, match="made on another unit"):
        load_record(path, [KEY.public_key()])


def test_a_later_program_may_know_more(tmp_path: Path) -> None:
    """Fields that are not known to this one are passed over, under the same signature."""
    from edge.camera_setup import sign_record

    path = tmp_path / "record.json"
    more = msgspec.to_builtins(record()) | {"weather": "rain"}
    path.write_bytes(sign_record(msgspec.json.encode(more), KEY))
    assert load_record(path, [KEY.public_key()]).head.camera == "north"


def test_the_page_shows_every_line_and_runs_nothing() -> None:
    """Names and words are text; pictures that the record does not know stay out."""
    page = report_html(record(), "0123456789abcdef", {"scene.jpg": b"x", "other.png": b"y"})
    assert "<script>A." not in page and "&lt;script&gt;" in page and "&lt;b&gt;a manual" in page
    assert "0123456789abcdef" in page and page.count("<img") == 1
    assert "http" not in page


def test_a_better_line_takes_the_place_of_a_worse_known_one() -> None:
    """The card's angle that of the corners; but what is unknown takes no line's place."""
    angles = merged([line("horizontal_angle", None, "UNKNOWN"), line("roll", 1.0)], [line("horizontal_angle", 12.0)])
    assert [(each.name, each.value) for each in angles] == [("horizontal_angle", 12.0), ("roll", 1.0)]
    assert merged([line("mtf", 0.5)], [line("mtf", None, "UNKNOWN")])[0].value == 0.5


def test_drift_between_two_records_is_named() -> None:
    """Within 5 % nothing, to 15 % a warning, beyond a failure; degrees by one and three."""
    before = record(line("plate_width", 150.0), line("contrast", 50.0), line("roll", 0.0, unit="°"), line("noise", 2.0))
    after = record(
        line("plate_width", 152.0), line("contrast", 45.0), line("roll", 4.0, unit="°"), line("noise", None, "UNKNOWN")
    )
    found = {change.name: change.verdict for change in compare_records(before, after)}
    assert found == {"plate_width": "PASS", "contrast": "WARN", "roll": "FAIL", "noise": "UNKNOWN"}
    with pytest.raises(ConfigError, match="of camera `north`, the other of `south`"):
        compare_records(before, record(camera="south"))


@pytest.mark.parametrize(("camera", "words"), [("north", ""), ("south", "of camera `south` of `ct-01`, not of `north`")])
def test_the_unit_takes_its_own_cameras_record(tmp_path: Path, camera: str, words: str) -> None:
    """Signed by its key and of this camera; without one there is no lane and no watch."""
    config = load_device(device_toml(tmp_path))
    (each,) = config.cameras
    assert build.calibration(config, each) is None
    path = tmp_path / "record.json"
    saved = save_record(record(camera=camera), load_private_key(tmp_path / "sign.key"), path)
    named = msgspec.structs.replace(each, calibration=path)
    if words:
        with pytest.raises(ConfigError, match=words):
            build.calibration(config, named)
        return
    found = build.calibration(config, named)
    assert found is not None and found.id == saved.id
    journal = Journal(io.StringIO())
    assert isinstance(build.drift(config, named, found, journal), DriftWatch)
    assert isinstance(build.drift(config, each, None, journal), NoDrift)


def detection(x: float, y: float, w: float = 120.0) -> Detection:
    corners = ((x, y), (x + w, y), (x + w, y + w / 2), (x, y + w / 2))
    return Detection(box=Box(x=x, y=y, w=w, h=w / 2), corners=corners, confidence=0.9)


LANE = CameraSetup(
    frame_size=(1280, 720),
    lane=((0.2, 0.2), (0.9, 0.2), (1.0, 1.0), (0.0, 1.0)),
    masks=(((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)),),
    plate_px=(60.0, 400.0),
)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (detection(300, 500), None),
        (detection(580, 330), "mask"),
        (detection(20, 160), "lane"),
        (detection(300, 500, 50), "size"),
        (detection(200, 400, 450), "size"),
    ],
)
def test_what_cannot_be_a_plate_here_is_set_aside(found: Detection, reason: str | None) -> None:
    """In a mask, outside of the lane, too small or too large for the place."""
    assert why_aside(found, LANE, 1280, 720) == reason


def test_the_lane_holds_for_every_stream_of_the_camera() -> None:
    """Half the size, the same shares: polygons and widths scale."""
    assert why_aside(detection(150, 250, 45), LANE, 640, 360) is None
    assert why_aside(detection(150, 250, 25), LANE, 640, 360) == "size"


def test_what_is_set_aside_is_counted() -> None:
    """By its reason, and nothing else is lost."""

    class Both:
        sha256 = "d"

        def detect(self, frame: Frame) -> tuple[Detection, ...]:
            return detection(300, 500), detection(580, 330)

    import numpy as np

    from tests.test_drift_watch import AT

    journal = Journal(io.StringIO())
    frame = Frame(camera="north", number=0, image=np.zeros((720, 1280), np.uint8), at=AT, media_s=0.0)
    assert LaneDetector(Both(), LANE, journal).detect(frame) == (detection(300, 500),)
    assert journal.by_reason("plates_set_aside") == {"mask": 1}


def test_a_set_up_without_a_lane_still_watches_for_drift() -> None:
    """Scenes and size of the picture are told in any case."""
    assert setup_of((1280, 720), None, (), 2000.0) == CameraSetup(frame_size=(1280, 720), focal_px=2000.0)
