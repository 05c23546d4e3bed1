"""The technician's hour without a page, on rendered clips and pictures; and what bad input gets for an answer."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from calibration.predict import bank
from calibration.scene import Eye, Pose, Sensor, photograph
from edge.__main__ import main
from edge.camera_setup import load_record
from edge.envelope.keyring import load_public_keys
from edge.records import Image
from tests.calibration.scenes import EYE, SIZE_MM, at_width, lens_views, save, seen, street
from tests.calibration.units import device_toml

FPS = 10.0


@functools.cache
def car(number: int, width_px: float, x_m: float, roll: float = 0.0) -> Image:
    """A frame with one plate of the bank, in colour."""
    eye = Eye(frame_size=EYE.frame_size, focal_px=EYE.focal_px)
    ground = np.repeat(street(EYE.frame_size)[:, :, None], 3, axis=2)
    ground[:, :, 0] = ground[:, :, 0] // 2
    pose = Pose(z_m=EYE.focal_px * 0.3048 / width_px, x_m=x_m, y_m=0.2, roll=roll)
    return photograph(bank("us")[number].image, SIZE_MM, pose, eye, Sensor(blur_px=0.6, noise=1.5), number, ground)


def clip(path: Path, frames: list[Image]) -> Path:
    """As MJPEG, which every OpenCV writes."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, EYE.frame_size)
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame if frame.ndim == 3 else np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)))
    writer.release()
    return path


def drive_by(path: Path, numbers: tuple[int, ...]) -> Path:
    """One car after the other, each in eight frames, with an empty road for two seconds between them."""
    empty = np.repeat(street(EYE.frame_size)[:, :, None], 3, axis=2)
    empty[:, :, 0] = empty[:, :, 0] // 2
    frames: list[Image] = []
    for number in numbers:
        frames += [car(number, 120.0 + 5 * step, -0.2 + 0.03 * step) for step in range(8)] + [empty] * 20
    return clip(path, frames)


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line as its process runs it: exit code, standard output and error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["plate-edge", "calibrate", *(str(argument) for argument in arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert "Traceback" not in told.err and "fault of the program" not in told.err
        return int(ended.value.code or 0), told.out, told.err

    return call


def test_the_hour_from_lens_to_signed_record(tmp_path: Path, run: Run) -> None:
    """Lens, lane, check, prediction, proof and report leave one record whose signature holds and which tells the line its
    part."""
    for number, picture in enumerate(lens_views(EYE, 9)):
        save(tmp_path / "lens" / f"{number:02d}.png", picture)
    save(tmp_path / "lane" / "near.png", seen(at_width(230, yaw=12, pitch=10)))
    save(tmp_path / "lane" / "far.png", seen(at_width(140, yaw=9, pitch=7)))
    plates = (3, 8, 14)
    drive = drive_by(tmp_path / "drive.avi", plates)
    (tmp_path / "passes.txt").write_text("\n".join(bank("us")[number].text for number in plates))
    into = tmp_path / "set"
    code, out, _ = run("lens", tmp_path / "lens", "--into", into, "--json")
    assert code == 0 and json.loads(out)["fx"] == pytest.approx(EYE.focal_px, rel=0.01)
    code, out, _ = run("place", tmp_path / "lane", "--into", into, "--ruler-mm", 100, "--mask", "0,0 0.3,0 0.3,0.1", "--json")
    near = json.loads(out)["near"]
    assert near["distance_m"] == pytest.approx(at_width(230).z_m, rel=0.02)
    assert near["angles"]["yaw"]["best"] == pytest.approx(12, abs=1.5)
    code, out, _ = run("check", drive, "--into", into, "--speed", 30, "--zone", 8, "--exposure", "1/1000", "--json")
    checked = json.loads(out)
    lines = {line["name"]: line for line in checked["measures"]}
    assert len(checked["plates"]) == len(plates) and lines["frames_on_plate"]["value"] == pytest.approx(
        8 * FPS / (30 / 3.6), rel=0.01
    )
    assert lines["plate_width"]["value"] == pytest.approx(155, rel=0.05) and lines["shutter"]["verdict"] == "PASS"
    code, out, _ = run("predict", "--into", into, "--plates", 10, "--curve-plates", 0, "--json")
    assert code == 0 and json.loads(out)["exact"]["total"] == 10
    code, out, _ = run("proof", drive, "--passes", tmp_path / "passes.txt", "--into", into, "--json")
    assert json.loads(out)["passes"]["hits"] == len(plates)
    record = tmp_path / "north.calibration.json"
    code, out, _ = run("report", "-c", device_toml(tmp_path), "--camera", "north", "--into", into, "-o", record, "--json")
    told = json.loads(out)
    verified = load_record(record, load_public_keys(tmp_path / "sign.pem"))
    assert (told["id"], verified.head.camera, verified.head.device) == (verified.id, "north", "ct-01")
    assert verified.head.setup.scenes and verified.head.setup.masks and verified.head.setup.focal_px is not None
    page = (tmp_path / "north.calibration.html").read_text()
    assert verified.id in page and "Milestone" in page and page.count("<img") >= 4
    code, out, _ = run("compare", record, record, "--key", tmp_path / "sign.pem", "--json")
    assert code == 0 and {change["verdict"] for change in json.loads(out)} <= {"PASS", "UNKNOWN"}


def test_bad_pictures_get_a_word_and_a_cure(tmp_path: Path, run: Run) -> None:
    """Views that are too few or all alike, a picture without a card, an empty one, a turned one, an unknown focal length."""
    for number in range(5):
        save(tmp_path / "alike" / f"{number}.png", seen(at_width(300), seed=number))
    save(tmp_path / "one" / "0.png", seen(at_width(300)))
    save(tmp_path / "none.png", street(EYE.frame_size, 3))
    save(tmp_path / "grey.png", np.full((540, 960), 100, np.uint8))
    save(tmp_path / "turned.png", np.ascontiguousarray(np.rot90(seen(at_width(200)))))
    optics = ("--field-of-view", 35.5)
    for arguments, words, wanted in (
        (("lens", tmp_path / "one"), "at least 5 are needed", 2),
        (("lens", tmp_path / "alike"), "alike", 2),
        (("place", tmp_path / "none.png", *optics), "no calibration card in the picture; hold the card", 2),
        (("place", tmp_path / "grey.png", *optics), "take the cap off the lens", 2),
        (("place", tmp_path / "one"), "calibrate the lens", 2),
        (("place", tmp_path / "turned.png", *optics), "the picture is turned by 90°", 1),
        (("check", tmp_path / "grey.png"), "take the cap off the lens", 2),
        (("place", tmp_path / "one", *optics, "--lane", "0,0 1,2"), "outside the picture", 2),
        (("check", tmp_path / "none.png", "--exposure", "soon"), "1/1000", 2),
        (("predict", "--into", tmp_path / "nothing"), "--width", 2),
    ):
        code, out, error = run(*arguments)
        assert (code, words in " ".join(error.split())) == (wanted, True), (arguments, out, error)


def test_focus_finds_where_the_lens_was_sharp(tmp_path: Path, run: Run) -> None:
    """A clip of the card while the lens turns past its best and back a little too late."""
    blurs = [abs(number - 10) * 0.3 + 0.6 for number in range(19)]
    path = clip(tmp_path / "turning.avi", [seen(at_width(220), blur_px=blur, seed=n) for n, blur in enumerate(blurs)])
    code, out, _ = run("focus", path, "--json")
    (found,) = json.loads(out)["runs"]
    assert found["best_s"] == pytest.approx(1.0, abs=0.25)
    assert code == 1 and found["last"] < 0.7
