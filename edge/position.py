"""Where the unit is: fixed on a pole, moving along a recorded track, or unknown."""

from __future__ import annotations

import bisect
import csv
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from edge.config import PositionConfig
from edge.errors import ConfigError
from edge.records import Position

TRACK_COLUMNS = ("time_s", "latitude", "longitude", "accuracy_m")
# A receiver fixes once a second; a car at 30 m/s has gone 150 m in five, more than most margins.
_STALE_S = 5.0
# 160 km/h, and a car that brakes or pulls away hard: what lies beyond is not driving by.
_FASTEST_M_S = 45.0
_HARDEST_M_S2 = 5.0


class PositionSource(Protocol):
    """Says where the unit was at a moment of a stream."""

    def at(self, media_s: float) -> Position | None:
        """The position ``media_s`` seconds into the stream, or None where it is not known."""
        ...


class FixedPosition:
    """A unit that does not move."""

    def __init__(self, position: Position) -> None:
        self._position = position

    def at(self, media_s: float) -> Position | None:
        """The same everywhere in the stream."""
        return self._position


class NoPosition:
    """A unit that does not know where it is."""

    def at(self, media_s: float) -> Position | None:
        """Never known."""
        return None


class PositionTrack:
    """Fixes along a recorded clip, in seconds of its own time.

    A fix is a moment old when it is used, and the vehicle has moved on: its error grows with its age t by v·t + a·t²/2, v
    being the speed between the last two fixes (``_FASTEST_M_S`` after the first) and a ``_HARDEST_M_S2``.
    """

    def __init__(self, fixes: Sequence[tuple[float, Position]]) -> None:
        """``fixes`` ascend in time."""
        self._times = [time_s for time_s, _ in fixes]
        self._positions = [position for _, position in fixes]
        self._speeds = [_FASTEST_M_S]
        for (time_0, from_), (time_1, to) in pairwise(fixes):
            self._speeds.append(min(_FASTEST_M_S, _metres(from_, to) / (time_1 - time_0)))

    def at(self, media_s: float) -> Position | None:
        """The last fix at or before ``media_s``, as unsure as its age makes it; None before the first and 5 s after any."""
        index = bisect.bisect_right(self._times, media_s) - 1
        if index < 0 or media_s - self._times[index] > _STALE_S:
            return None
        age_s, position = media_s - self._times[index], self._positions[index]
        moved_m = self._speeds[index] * age_s + _HARDEST_M_S2 * age_s**2 / 2
        return Position(latitude=position.latitude, longitude=position.longitude, accuracy_m=position.accuracy_m + moved_m)


def _metres(from_: Position, to: Position) -> float:
    """The distance of two near places, metres: on a sphere of 6371 km, the meridians taken as parallel."""
    north = math.radians(to.latitude - from_.latitude) * 6_371_000
    east = math.radians(to.longitude - from_.longitude) * 6_371_000 * math.cos(math.radians(to.latitude))
    return math.hypot(north, east)


def make_position(config: PositionConfig) -> PositionSource:
    """The source that a configuration names.  Raises ConfigError if it names half of one, or two."""
    given = (config.latitude is not None, config.longitude is not None)
    if config.track is not None:
        if any(given):
            raise ConfigError("read `position`: it has both coordinates and a `track`; keep one of the two")
        return PositionTrack(_load_track(config.track))
    if config.latitude is None or config.longitude is None:
        if any(given):
            raise ConfigError("read `position`: `latitude` and `longitude` belong together; give both or neither")
        return NoPosition()
    position = Position(latitude=config.latitude, longitude=config.longitude, accuracy_m=config.accuracy_m)
    wrong = _wrong(position)
    if wrong:
        raise ConfigError(f"read `position`: {wrong}")
    return FixedPosition(position)


def _wrong(position: Position) -> str | None:
    """What is out of range, or None."""
    for column, value, lowest, highest in (
        ("latitude", position.latitude, -90.0, 90.0),
        ("longitude", position.longitude, -180.0, 180.0),
        ("accuracy_m", position.accuracy_m, 0.0, math.inf),
    ):
        if not (math.isfinite(value) and lowest <= value <= highest):
            return f"`{column}` must be a number from {lowest:g} to {highest:g}"
    return None


def _load_track(path: Path) -> list[tuple[float, Position]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _fixes(path, list(csv.reader(file, strict=True)))
    except OSError as error:
        raise ConfigError(f"read position track {path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"read position track {path}: not CSV in UTF-8: {error}") from error


def _fixes(path: Path, lines: Sequence[Sequence[str]]) -> list[tuple[float, Position]]:
    if not lines or tuple(lines[0]) != TRACK_COLUMNS:
        raise ConfigError(f"read position track {path}: line 1 must name the columns {','.join(TRACK_COLUMNS)}")
    fixes: list[tuple[float, Position]] = []
    for line, cells in enumerate(lines[1:], start=2):
        if not cells:
            continue
        try:
            time_s, latitude, longitude, accuracy_m = map(float, cells)
        except ValueError as error:
            raise ConfigError(f"read position track {path}: line {line} must hold four numbers") from error
        position = Position(latitude=latitude, longitude=longitude, accuracy_m=accuracy_m)
        wrong = _wrong(position)
        if wrong or not math.isfinite(time_s):
            raise ConfigError(f"read position track {path}: line {line}: {wrong or '`time_s` must be a number'}")
        if fixes and time_s <= fixes[-1][0]:
            raise ConfigError(f"read position track {path}: line {line}: `time_s` must grow from line to line")
        fixes.append((time_s, position))
    if not fixes:
        raise ConfigError(f"read position track {path}: it has no fix; remove `track` where the position is unknown")
    return fixes
