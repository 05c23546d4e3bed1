"""The demonstration clip is what its truth says, and shows what a demonstration has to show."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import math
from pathlib import Path
from typing import Any

import cv2
import pytest
from shapely.geometry import Point, Polygon

DEMO = Path(__file__).parents[2] / "edge" / "demo"
METRES_PER_DEGREE = 111_195.0  # of latitude on the mean sphere


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DEMO / "truth.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def positions() -> list[dict[str, float]]:
    with (DEMO / "positions.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def hotlist() -> list[dict[str, str]]:
    with (DEMO / "hotlist.csv").open() as file:
        return list(csv.DictReader(file))


def metric_zone(truth: dict[str, Any]) -> tuple[Polygon, float, float]:
    """The zone in metres around its first corner, and that corner."""
    lon0, lat0 = truth["zone"]["polygon"][0]
    return Polygon([to_metres(lon, lat, lon0, lat0) for lon, lat in truth["zone"]["polygon"]]), lon0, lat0


def to_metres(lon: float, lat: float, lon0: float, lat0: float) -> tuple[float, float]:
    return (lon - lon0) * METRES_PER_DEGREE * math.cos(math.radians(lat0)), (lat - lat0) * METRES_PER_DEGREE


def legible(truth: dict[str, Any]) -> list[dict[str, Any]]:
    return [p for p in truth["passes"] if p["legible"]]


def test_the_clip_is_the_file_the_truth_was_written_for(truth: dict[str, Any]) -> None:
    """The SHA-256 and size in the truth are those of the clip."""
    data = (DEMO / "clip.mp4").read_bytes()
    assert hashlib.sha256(data).hexdigest() == truth["clip"]["sha256"]
    assert len(data) == truth["clip"]["bytes"] <= 6_000_000


def test_the_clip_decodes_to_the_frames_the_truth_counts(truth: dict[str, Any]) -> None:
    """Every frame decodes with OpenCV's own decoder, in the stated number, rate and size."""
    video = cv2.VideoCapture(str(DEMO / "clip.mp4"))
    assert video.isOpened()
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(truth["clip"]["fps"])
    frames = 0
    while video.grab():
        frames += 1
        if frames == 1:
            ok, image = video.retrieve()
            assert ok
            assert image.shape == (truth["clip"]["height"], truth["clip"]["width"], 3)
    assert frames == truth["clip"]["frames"]
    assert truth["clip"]["duration_s"] == pytest.approx(frames / truth["clip"]["fps"], abs=0.001)


def test_there_are_plates_enough_to_read(truth: dict[str, Any]) -> None:
    """At least 13 legible passes outside the zone, from six states and more, Connecticut the most frequent."""
    outside = [p for p in legible(truth) if not p["in_zone"]]
    assert len(outside) >= 13
    regions = [p["region"] for p in outside]
    assert len(set(regions)) >= 6
    assert max(set(regions), key=regions.count) == "US-CT"


def test_every_legible_plate_comes_near_enough_to_be_read(truth: dict[str, Any]) -> None:
    """Eight frames and more at 60 px and more each; the near lane reaches 110 px, the far lane 75 px."""
    for item in legible(truth):
        assert item["frames_from_60_px"] >= 8, item["id"]
        assert item["nearest_width_px"] >= (110 if item["lane"] == 0 else 75), item["id"]


def test_there_is_a_night_stretch_with_plates(truth: dict[str, Any]) -> None:
    """Some passes happen at night and the frames there are darker than by day."""
    night = [p for p in legible(truth) if p["night"]]
    assert len(night) >= 3
    video = cv2.VideoCapture(str(DEMO / "clip.mp4"))
    brightness = []
    for index in (0, next(s for s in truth["stretches"] if s["night"])["first_frame"] + 5):
        video.set(cv2.CAP_PROP_POS_FRAMES, index)
        ok, image = video.read()
        assert ok
        brightness.append(float(image.mean()))
    assert brightness[1] < 0.5 * brightness[0]


def test_two_plates_stand_in_one_frame(truth: dict[str, Any]) -> None:
    """Two legible plates are in view together for five frames and more, in different lanes."""
    together = [
        min(a["last_frame"], b["last_frame"]) - max(a["first_frame"], b["first_frame"]) + 1
        for i, a in enumerate(legible(truth))
        for b in legible(truth)[:i]
        if a["lane"] != b["lane"]
    ]
    assert max(together) >= 5


def test_one_vehicle_passes_twice(truth: dict[str, Any]) -> None:
    """The same plate comes back ten seconds and more after it left: a new pass."""
    times: dict[str, list[dict[str, Any]]] = {}
    for item in legible(truth):
        times.setdefault(item["text"], []).append(item)
    gaps = [b["first_s"] - a["last_s"] for visits in times.values() for a, b in itertools.pairwise(visits)]
    assert gaps
    assert max(gaps) >= 10


def test_one_pass_cannot_be_read(truth: dict[str, Any]) -> None:
    """A plate under mud comes by; its truth says that nobody could read it."""
    assert [p["legible"] for p in truth["passes"]].count(False) == 1


def test_signs_with_letters_stand_in_the_scene(truth: dict[str, Any]) -> None:
    """A speed limit and shop names are in view, and none of them is a plate."""
    assert "SPEED LIMIT 35" in truth["signs"]
    assert any("BAKERY" in sign for sign in truth["signs"])
    assert not {p["text"] for p in truth["passes"]} & {sign.replace(" ", "") for sign in truth["signs"]}


def test_the_hot_list_holds_the_stolen_car_and_the_barred_entry(truth: dict[str, Any], hotlist: list[dict[str, str]]) -> None:
    """One pass matches a stolen-vehicle entry, one an immigration entry, and no other pass matches anything."""
    assert list(hotlist[0]) == ["plate", "region", "source", "topic", "reason", "entered_by", "entered_on", "expires_on"]
    assert len(hotlist) >= 24
    entries = {(row["plate"], row["region"]): row for row in hotlist}
    topics = {p["id"]: entries[p["text"], p["region"]]["topic"] for p in truth["passes"] if (p["text"], p["region"]) in entries}
    expected = {
        p["id"]: {"stolen": "stolen-vehicle", "immigration": "immigration-violator"}[p["hot"]]
        for p in truth["passes"]
        if p["hot"]
    }
    assert topics == expected
    assert set(expected.values()) == {"stolen-vehicle", "immigration-violator"}


def test_positions_cover_the_clip(truth: dict[str, Any], positions: list[dict[str, float]]) -> None:
    """There is a row for every second from the first frame to after the last."""
    assert [row["time_s"] for row in positions] == list(range(len(positions)))
    assert positions[-1]["time_s"] >= truth["clip"]["duration_s"]
    assert all(0 < row["accuracy_m"] < 20 for row in positions)


def test_the_zone_stretch_lies_inside_the_zone_and_the_rest_far_outside(
    truth: dict[str, Any], positions: list[dict[str, float]]
) -> None:
    """Positions during the zone stretch are 50 m and more inside the polygon, all others 200 m and more outside."""
    zone, lon0, lat0 = metric_zone(truth)
    fps = truth["clip"]["fps"]
    for row in positions:
        point = Point(to_metres(row["longitude"], row["latitude"], lon0, lat0))
        inside = truth["zone"]["first_frame"] <= row["time_s"] * fps <= truth["zone"]["last_frame"]
        if inside:
            assert zone.contains(point)
            assert zone.exterior.distance(point) >= 50 + row["accuracy_m"]
        else:
            assert zone.distance(point) >= 200 + truth["zone"]["margin_m"]


def test_passes_in_the_zone_are_marked_and_no_pass_crosses_a_cut(truth: dict[str, Any]) -> None:
    """Each pass lies within one stretch with a second of empty road at both of its cuts."""
    fps = truth["clip"]["fps"]
    assert sum(p["in_zone"] for p in truth["passes"]) == 1
    for item in truth["passes"]:
        stretch = next(s for s in truth["stretches"] if s["first_frame"] <= item["first_frame"] <= s["last_frame"])
        assert item["in_zone"] == stretch["in_zone"]
        assert item["first_frame"] - stretch["first_frame"] >= (fps if stretch["first_frame"] else 0)
        assert stretch["last_frame"] - item["last_frame"] >= fps


def test_the_zone_file_says_what_the_truth_says(truth: dict[str, Any]) -> None:
    """zones.geojson holds the same polygon, name, category and margin."""
    (feature,) = json.loads((DEMO / "zones.geojson").read_text())["features"]
    assert feature["geometry"]["coordinates"] == [truth["zone"]["polygon"]]
    assert feature["properties"] == {key: truth["zone"][key] for key in ("name", "category", "margin_m")}
