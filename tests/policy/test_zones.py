"""No-capture zones: geometry that is refused, and where capture stops."""

# ruff: noqa: E501  tables read best with one case a line

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import PolicyError
from edge.policy.decide import may_capture
from edge.policy.zones import Zone, inside, load_zones
from edge.records import Position
from tests.policy.situations import NOW, US_CT, edited_pack

SQUARE = [[-72.70, 41.70], [-72.69, 41.70], [-72.69, 41.71], [-72.70, 41.71], [-72.70, 41.70]]


def collection(*rings: Any, kind: str = "Polygon", **properties: Any) -> dict[str, Any]:
    known = {"name": "clinic", "category": "health-care", "margin_m": 50} | properties
    known = {key: value for key, value in known.items() if value is not None}
    geometry = {"type": kind, "coordinates": list(rings or [SQUARE])}
    return {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": known, "geometry": geometry}]}


def write(folder: Path, content: Any) -> Path:
    path = folder / "zones.geojson"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


REFUSED = [
    ("broken JSON", "{", "not valid JSON"),
    ("a list", [], "not a GeoJSON FeatureCollection"),
    ("one feature alone", collection()["features"][0], "type"),
    ("no zone at all", {"type": "FeatureCollection", "features": []}, "features"),
    ("an outline that crosses itself", collection([[-72.7, 41.7], [-72.6, 41.8], [-72.6, 41.7], [-72.7, 41.8], [-72.7, 41.7]]), "crosses itself"),
    ("an outline without an area", collection([[-72.7, 41.7], [-72.6, 41.7], [-72.7, 41.7], [-72.7, 41.7]]), "no area"),
    ("an outline of three points", collection([[-72.7, 41.7], [-72.6, 41.7], [-72.7, 41.7]]), "at least four points"),
    ("an open outline", collection(SQUARE[:-1]), "the last equal to the first"),
    ("latitude before longitude", collection([[y * 2, x * 2] for x, y in SQUARE]), "longitude first"),
    ("a hole outside", collection(SQUARE, [[0, 0], [1, 0], [1, 1], [0, 0]]), "crosses itself"),
    ("a point of one number", collection([[1], [1], [1], [1]]), "a point is not"),
    ("a line", collection([[-72.7, 41.7], [-72.6, 41.7]], kind="LineString"), "LineString"),
    ("many polygons in one", collection([SQUARE], kind="MultiPolygon"), "MultiPolygon"),
    ("an unknown category", collection(category="helth-care"), "did you mean `health-care`?"),
    ("an unknown property", collection(margin=3), "did you mean `margin_m`?"),
    ("no name", collection(name=None), "name"),
    ("no margin", collection(margin_m=None), "margin_m"),
    ("a negative margin", collection(margin_m=-1), "margin_m"),
    ("a margin that is no number", collection(margin_m="50"), "margin_m"),
    ("a margin that is not finite", json.dumps(collection(margin_m=1.5)).replace("1.5", "NaN"), "margin_m"),
    ("hours of an unknown clock", collection(hours={"begin": "07:00", "end": "16:00", "timezone": "America/Hartfort"}), "no time zone"),
    ("hours without an end", collection(hours={"begin": "07:00", "timezone": "America/New_York"}), "end"),
    ("two zones of one name", {"type": "FeatureCollection", "features": collection()["features"] * 2}, "two zones are named"),
    ("projected coordinates", {**collection(), "crs": {"properties": {"name": "EPSG:2234"}}}, "not WGS 84"),
    ("a feature that is no table", {"type": "FeatureCollection", "features": [3]}, "features"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "said"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_wrong_zone_file_is_refused(tmp_path: Path, name: str, content: Any, said: str) -> None:
    """A zone that cannot be trusted stops the unit at start; it is never left out."""
    with pytest.raises(PolicyError) as caught:
        load_zones(write(tmp_path, content))
    assert said in str(caught.value)
    assert "zones.geojson" in str(caught.value)


def test_a_missing_zone_file_is_refused(tmp_path: Path) -> None:
    """A configured file that is not there does not mean that there are no zones."""
    with pytest.raises(PolicyError, match="No such file"):
        load_zones(tmp_path / "zones.geojson")


def metres_north(number: float) -> float:
    return number / 111_070  # of a degree of latitude at 41.7°, GRS 80


# name, metres north of the square's northern edge, accuracy in metres, whether capture stops (the margin is 50 m)
PLACES = [
    ("in the middle", -500.0, 5.0, True),
    ("on the edge", 0.0, 0.0, True),
    ("within the margin", 45.0, 0.0, True),
    ("outside the margin, surely", 60.0, 5.0, False),
    ("outside the margin, perhaps not", 60.0, 12.0, True),
    ("far away with a poor fix", 1000.0, 900.0, False),
    ("far away with a worse fix", 1000.0, 960.0, True),
]


@pytest.mark.parametrize(("name", "north_m", "accuracy_m", "stops"), PLACES, ids=[row[0] for row in PLACES])
def test_margin_and_the_position_s_error_count_in(
    tmp_path: Path, name: str, north_m: float, accuracy_m: float, stops: bool
) -> None:
    """Capture stops where the unit *might* be nearer to the zone than its margin."""
    zones = load_zones(write(tmp_path, collection()))
    position = Position(latitude=41.71 + metres_north(north_m), longitude=-72.695, accuracy_m=accuracy_m)
    reasons = may_capture(position, NOW, US_CT, zones, "fixed")
    assert [reason.rule for reason in reasons] == (["ct-no-capture-zone"] if stops else [])


def test_a_courtyard_is_outside(tmp_path: Path) -> None:
    """A hole in a polygon is not part of the zone, beyond the margin."""
    hole = [[-72.698, 41.702], [-72.692, 41.702], [-72.692, 41.708], [-72.698, 41.708], [-72.698, 41.702]]
    zones = load_zones(write(tmp_path, collection(SQUARE, hole)))
    assert inside(zones, Position(latitude=41.705, longitude=-72.695, accuracy_m=5)) == ()
    assert inside(zones, Position(latitude=41.7015, longitude=-72.695, accuracy_m=5)) == zones


LOST = [
    ("none", None),
    ("not a number", Position(latitude=math.nan, longitude=0, accuracy_m=1)),
    ("no error bound", Position(latitude=41.0, longitude=-72.0, accuracy_m=math.inf)),
    ("an error bound that is no number", Position(latitude=41.0, longitude=-72.0, accuracy_m=math.nan)),
    ("off the globe", Position(latitude=91.0, longitude=-72.0, accuracy_m=1)),
    ("a fix as coarse as a county", Position(latitude=41.0, longitude=-72.0, accuracy_m=10_001)),
]


@pytest.mark.parametrize(("name", "position"), LOST, ids=[row[0] for row in LOST])
def test_a_lost_position_does_what_the_pack_says(tmp_path: Path, name: str, position: Position | None) -> None:
    """Connecticut's pack stops only where zones are configured; another may stop always, or never."""
    zones = load_zones(write(tmp_path, collection()))
    always = edited_pack(tmp_path, ('"stop-where-zones"', '"stop"'))
    never = edited_pack(tmp_path, ('"stop-where-zones"', '"capture"'))
    outcomes = [
        bool(may_capture(position, NOW, pack, held, "fixed")) for pack in (US_CT, always, never) for held in (zones, ())
    ]
    assert outcomes == [True, False, True, True, False, False]


def ecef(latitude: float, longitude: float) -> tuple[float, float, float]:
    """WGS 84 to earth-centred metres; a chord is shorter than its arc by under a centimetre at 20 km."""
    a, e2 = 6_378_137.0, 6.694_379_990_14e-3
    phi, lam = math.radians(latitude), math.radians(longitude)
    n = a / math.sqrt(1 - e2 * math.sin(phi) ** 2)
    return n * math.cos(phi) * math.cos(lam), n * math.cos(phi) * math.sin(lam), n * (1 - e2) * math.sin(phi)


@given(
    latitude=st.floats(-79.5, 79.5),
    bearing=st.floats(0, 2 * math.pi),
    distance_m=st.floats(30, 19_000),
    slack=st.sampled_from([1.0, 1.03]),
)
def test_the_plane_never_lets_a_position_in_reach_through(
    latitude: float, bearing: float, distance_m: float, slack: float
) -> None:
    """Against earth-centred distances: what is in reach always counts as inside, what is 3 % out of reach never does."""
    metre = 1 / 111_000
    there = latitude + distance_m * math.cos(bearing) * metre
    east = distance_m * math.sin(bearing) * metre / math.cos(math.radians(latitude))
    spot = shapely.box(east - 1e-7, there - 1e-7, east + 1e-7, there + 1e-7)
    true_m = math.dist(ecef(latitude, 0.0), ecef(there, east))
    margin_m = max(0.0, true_m / slack - 5.0) if slack == 1.0 else true_m / slack - 5.0
    zone = Zone(name="spot", category="agency-choice", margin_m=margin_m, shape=spot)
    stands_inside = bool(inside([zone], Position(latitude=latitude, longitude=0.0, accuracy_m=5.0)))
    assert stands_inside == (slack == 1.0)


SCHOOL = {
    "begin": "07:00",
    "end": "16:00",
    "timezone": "America/New_York",
    "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
}
# 2026-11-02 is a Monday; New York is five hours behind Greenwich then, four in October.
HOURS = [
    ("before school", "2026-11-02T11:59:59", False),
    ("as it begins", "2026-11-02T12:00:00", True),
    ("its last second", "2026-11-02T20:59:59", True),
    ("as it ends", "2026-11-02T21:00:00", False),
    ("on Sunday", "2026-11-01T15:00:00", False),
    ("in summer time", "2026-10-05T11:00:00", True),
]


@pytest.mark.parametrize(("name", "at", "binds"), HOURS, ids=[row[0] for row in HOURS])
def test_a_zone_with_hours_binds_in_them_by_its_own_clock(tmp_path: Path, name: str, at: str, binds: bool) -> None:
    """A school's zone is one on school days, whatever the unit's time zone and the season."""
    zones = load_zones(write(tmp_path, collection(hours=SCHOOL)))
    within = Position(latitude=41.705, longitude=-72.695, accuracy_m=5.0)
    moment = datetime.fromisoformat(at).replace(tzinfo=timezone.utc)
    assert bool(may_capture(within, moment, US_CT, zones, "fixed")) == binds


NIGHTS = [
    ("the evening before", "2026-11-02T02:59:59", False),
    ("Sunday night begins", "2026-11-02T03:00:00", True),
    ("Sunday night goes on into Monday", "2026-11-02T10:59:59", True),
    ("Monday morning", "2026-11-02T11:00:00", False),
    ("Monday night", "2026-11-03T04:00:00", False),
]


@pytest.mark.parametrize(("name", "at", "forbidden"), NIGHTS, ids=[row[0] for row in NIGHTS])
def test_hours_without_capture_may_run_past_midnight(tmp_path: Path, name: str, at: str, forbidden: bool) -> None:
    """Hours belong to the day on which they begin; the rule is named as the reason."""
    rule = (
        '[[no_capture_hours]]\nid = "nights"\nclause = "test"\nevidence = "choice"\nverified = false\nwords = "test"\n'
        'hours = { begin = "22:00", end = "06:00", timezone = "America/New_York", days = ["sunday"] }\n\n[fields]'
    )
    pack = edited_pack(tmp_path, ("[fields]", rule))
    reasons = may_capture(None, datetime.fromisoformat(at).replace(tzinfo=timezone.utc), pack, (), "fixed")
    assert [reason.rule for reason in reasons] == (["nights"] if forbidden else [])


def test_only_the_kinds_of_unit_that_a_pack_names_capture(tmp_path: Path) -> None:
    """A law for attended vehicles keeps a pole blind."""
    pack = edited_pack(
        tmp_path, ('without_position = "stop-where-zones"', 'without_position = "capture"\nunits = ["mobile-attended"]')
    )
    assert may_capture(None, NOW, pack, (), "mobile-attended") == ()
    assert [reason.rule for reason in may_capture(None, NOW, pack, (), "fixed")] == ["ct-no-capture-zone"]
