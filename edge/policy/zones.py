"""No-capture zones: polygons with a margin, and whether a unit might stand in one.

Geometry is GeoJSON (RFC 7946): WGS 84 longitude and latitude, edges straight in those coordinates.  A position is held
against a zone in a metric plane laid at that position::

    x = N(φ) cos φ · (λ' - λ)      N = a / sqrt(1 - e² sin² φ)
    y = M(φ)       · (φ' - φ)      M = a (1 - e²) / (1 - e² sin² φ)^1.5      a, e² of WGS 84

The map is affine, so inside stays inside exactly; only east-west distances err, by Δφ tan φ / 2 for a point that lies Δφ
further north: 0.3 m at 2 km and 0.08 % at 10 km, at 45°.  For the longest reach (margin and error of 10 km each) at 80° that
is 0.9 %, so every reach is taken 1 % longer: a doubt counts as inside.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import shapely
from msgspec import Meta, Struct

from edge.errors import PolicyError
from edge.policy.rules import Hours
from edge.policy.vocabulary import ZoneCategory
from edge.policy.words import nearest
from edge.records import Position

_A_M = 6_378_137.0
_E2 = 6.694_379_990_14e-3
_SAFETY = 1.01
_MAX_BYTES = 16 << 20
# Beyond this the plane's 1 % does not hold; a fix that coarse is no fix either.
MAX_REACH_M = 10_000.0
_MAX_LATITUDE = 80.0
# A zone across the 180th meridian must be cut in two by RFC 7946, and its margin would not be seen from the other side.
_MAX_LONGITUDE = 179.0
_CATEGORIES: tuple[str, ...] = ZoneCategory.__args__  # type: ignore[attr-defined]


class Zone(Struct, frozen=True, kw_only=True):
    """One place where nothing may be captured: ``shape`` in degrees (x longitude, y latitude), ``margin_m`` around it, in its
    ``hours`` only where it has some."""

    name: str
    category: ZoneCategory
    margin_m: float
    shape: Any  # shapely.Polygon; the library has no types
    hours: Hours | None = None

    def binds(self, at: datetime) -> bool:
        """Whether it is a zone at ``at`` (aware)."""
        return self.hours is None or self.hours.cover(at)

    @property
    def words(self) -> str:
        """What to call it in a reason."""
        return f"no-capture zone `{self.name}` ({self.category}, margin {self.margin_m:g} m)"


class _Properties(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1)]
    category: ZoneCategory
    margin_m: Annotated[float, Meta(ge=0.0, le=MAX_REACH_M)]
    hours: Hours | None = None


class _Geometry(Struct, frozen=True, kw_only=True):
    type: Literal["Polygon"]
    coordinates: Annotated[list[list[list[float]]], Meta(min_length=1)]


class _Feature(Struct, frozen=True, kw_only=True):
    type: Literal["Feature"]
    properties: _Properties
    geometry: _Geometry


class _Collection(Struct, frozen=True, kw_only=True):
    type: Literal["FeatureCollection"]
    features: Annotated[list[_Feature], Meta(min_length=1)]


def load_zones(path: Path) -> tuple[Zone, ...]:
    """Read a FeatureCollection of Polygons with the properties ``name``, ``category``, ``margin_m`` and, where the zone binds
    at some hours only, ``hours`` (an object with ``begin``, ``end``, ``timezone`` and perhaps ``days``).

    Raises PolicyError naming the file and the feature if anything is unknown, missing, out of range, empty or crosses
    itself; a file without a zone is refused too, because somebody thought that it had one.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(f"read zones {path}: {error.strerror or error}") from error
    return parse_zones(str(path), data)


def parse_zones(source: str, data: bytes) -> tuple[Zone, ...]:
    """The zones in the bytes of a file; ``source`` names it in errors.  Raises PolicyError as :func:`load_zones` does."""

    def refuse(message: str) -> PolicyError:
        return PolicyError(f"read zones {source}: {message}")

    if len(data) > _MAX_BYTES:
        raise refuse(f"larger than {_MAX_BYTES} bytes; simplify the outlines")
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise refuse(f"not valid JSON: {error}") from error
    _check_words(raw, refuse)
    try:
        collection = msgspec.convert(raw, _Collection)
    except msgspec.ValidationError as error:
        raise refuse(str(error)) from error
    zones = tuple(_zone(index, feature, refuse) for index, feature in enumerate(collection.features))
    names = [zone.name for zone in zones]
    for name in names:
        if names.count(name) > 1:
            raise refuse(f"two zones are named `{name}`; names must differ")
    return zones


def _check_words(raw: Any, refuse: Callable[[str], PolicyError]) -> None:
    """Name the nearest known word, which msgspec does not; shapes other than expected are left to msgspec."""
    if not isinstance(raw, dict):
        raise refuse("not a GeoJSON FeatureCollection")
    system = json.dumps(raw.get("crs", "CRS84"))
    if "CRS84" not in system and "4326" not in system:
        raise refuse("`crs` is not WGS 84; export longitude and latitude (EPSG:4326)")
    features = raw.get("features")
    for index, feature in enumerate(features if isinstance(features, list) else ()):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            continue
        for key in properties:
            if key not in _Properties.__struct_fields__:
                raise refuse(
                    f"`features[{index}].properties.{key}`: unknown key; {nearest(key, _Properties.__struct_fields__)}"
                )
        category = properties.get("category")
        if isinstance(category, str) and category not in _CATEGORIES:
            raise refuse(
                f"`features[{index}].properties.category`: unknown word `{category}`; {nearest(category, _CATEGORIES)}"
            )


def _zone(index: int, feature: _Feature, refuse: Callable[[str], PolicyError]) -> Zone:
    properties = feature.properties
    where = f"features[{index}] `{properties.name}`"
    for ring in feature.geometry.coordinates:
        for point in ring:
            if len(point) not in (2, 3) or not all(math.isfinite(value) for value in point):
                raise refuse(f"{where}: a point is not [longitude, latitude]")
            if abs(point[0]) > _MAX_LONGITUDE or abs(point[1]) > _MAX_LATITUDE:
                raise refuse(
                    f"{where}: a point is out of range (longitude ±{_MAX_LONGITUDE:g}, latitude ±{_MAX_LATITUDE:g}); "
                    "GeoJSON writes longitude first"
                )
        if len(ring) < 4 or ring[0] != ring[-1]:
            raise refuse(f"{where}: a ring needs at least four points, the last equal to the first")
    rings = [[(point[0], point[1]) for point in ring] for ring in feature.geometry.coordinates]
    shape = shapely.Polygon(rings[0], rings[1:])
    if not shape.is_valid or shape.area == 0:
        raise refuse(f"{where}: the outline crosses itself or holds no area: {shapely.is_valid_reason(shape)}")
    shapely.prepare(shape)
    if properties.hours is not None and not properties.hours.has_timezone():
        raise refuse(
            f"{where}: `{properties.hours.timezone}` is no time zone of this machine; write it like `America/New_York`"
        )
    return Zone(
        name=properties.name, category=properties.category, margin_m=properties.margin_m, shape=shape, hours=properties.hours
    )


def undrawn(wanted: Iterable[ZoneCategory], zones: Iterable[Zone]) -> tuple[ZoneCategory, ...]:
    """The categories that a pack names and of which no zone is drawn: there the unit stops nowhere."""
    drawn = {zone.category for zone in zones}
    return tuple(category for category in wanted if category not in drawn)


def usable(position: Position | None) -> bool:
    """Whether a position says where the unit is: finite, on the globe, and surer than 10 km."""
    return (
        position is not None
        and abs(position.latitude) <= 90
        and abs(position.longitude) <= 180
        and 0 <= position.accuracy_m <= MAX_REACH_M
    )


def inside(zones: Iterable[Zone], position: Position) -> tuple[Zone, ...]:
    """The zones in which a unit at ``position`` might stand: nearer to the polygon than its margin plus the position's
    own error (see the module for the formula).  The position must be :func:`usable`."""
    return tuple(zone for zone in zones if _within(zone, position))


def _within(zone: Zone, position: Position) -> bool:
    latitude = math.radians(max(-_MAX_LATITUDE, min(_MAX_LATITUDE, position.latitude)))
    sine2 = _E2 * math.sin(latitude) ** 2
    east_m = math.radians(1) * _A_M / math.sqrt(1 - sine2) * math.cos(latitude)
    north_m = math.radians(1) * _A_M * (1 - _E2) / (1 - sine2) ** 1.5
    reach_m = (zone.margin_m + position.accuracy_m) * _SAFETY
    west, south, east, north = zone.shape.bounds
    if not (
        west - reach_m / east_m <= position.longitude <= east + reach_m / east_m
        and south - reach_m / north_m <= position.latitude <= north + reach_m / north_m
    ):
        return False
    scale = (east_m, north_m)
    here = (position.longitude, position.latitude)
    plane = shapely.transform(zone.shape, lambda points: (points - here) * scale)
    return bool(plane.distance(shapely.Point(0, 0)) <= reach_m)
