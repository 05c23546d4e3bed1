"""Where the unit is, from its configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import PositionConfig
from edge.errors import ConfigError
from edge.position import make_position
from edge.records import Position

HEADER = "time_s,latitude,longitude,accuracy_m\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "track.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_fixed_unit_is_always_at_its_place() -> None:
    """Coordinates of the configuration hold for the whole stream."""
    source = make_position(PositionConfig(latitude=41.0, longitude=-72.0, accuracy_m=3.0))
    assert source.at(0) == source.at(1e6) == Position(latitude=41.0, longitude=-72.0, accuracy_m=3.0)


def test_without_coordinates_the_position_is_unknown() -> None:
    """An unknown position is None, never 0, 0."""
    assert make_position(PositionConfig()).at(3.0) is None


# seconds into the stream, latitude expected (None: unknown)
MOMENTS = [
    (-1.0, None),
    (0.999, None),
    (1.0, 41.0),
    (2.9, 41.0),
    (3.0, 42.0),
    (8.0, 42.0),
    (8.001, None),
    (20.0, 43.0),
    (26.0, None),
]


@pytest.mark.parametrize(("media_s", "latitude"), MOMENTS)
def test_a_track_gives_the_last_fix_while_it_is_fresh(tmp_path: Path, media_s: float, latitude: float | None) -> None:
    """Before the first fix, and more than five seconds after any, the position is lost."""
    track = write(tmp_path, HEADER + "1,41,-72,5\n3,42,-72,5\n\n20,43,-72,5\n")
    position = make_position(PositionConfig(track=track)).at(media_s)
    assert (position.latitude if position else None) == latitude


def test_a_fix_grows_less_sure_as_it_ages(tmp_path: Path) -> None:
    """A car at 20 m/s is up to 20 m further a second after its fix, and a little more if it pulls away."""
    degrees = 20 / 111_195  # of latitude in 20 m
    rows = "".join(f"{t},{41 + t * degrees},-72,5\n" for t in range(3))
    source = make_position(PositionConfig(track=write(tmp_path, HEADER + rows)))
    fresh, old = source.at(2.0), source.at(3.0)
    assert fresh is not None
    assert old is not None
    assert fresh.accuracy_m == 5.0
    assert 25.0 < old.accuracy_m < 28.0


WRONG_TRACKS = [
    ("no header", "1,41,-72,5\n", "line 1 must name"),
    ("nothing", "", "line 1 must name"),
    ("no fix", HEADER, "no fix"),
    ("a word", HEADER + "1,41,-72,five\n", "line 2 must hold four numbers"),
    ("three numbers", HEADER + "1,41,-72\n", "line 2 must hold four numbers"),
    ("off the globe", HEADER + "1,41,-72,5\n2,91,-72,5\n", "line 3: `latitude`"),
    ("not a number", HEADER + "1,41,nan,5\n", "line 2: `longitude`"),
    ("a negative error", HEADER + "1,41,-72,-5\n", "line 2: `accuracy_m`"),
    ("a time that is no number", HEADER + "nan,41,-72,5\n", "line 2: `time_s`"),
    ("time standing still", HEADER + "1,41,-72,5\n1,41,-72,5\n", "line 3: `time_s` must grow"),
    ("a lost quotation mark", HEADER + '"1,41,-72,5\n', "not CSV"),
]


@pytest.mark.parametrize(("name", "text", "said"), WRONG_TRACKS, ids=[row[0] for row in WRONG_TRACKS])
def test_a_wrong_track_is_refused_with_its_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    """A track that cannot be read stops the unit at start; no fix is skipped."""
    with pytest.raises(ConfigError, match=r"track\.csv") as caught:
        make_position(PositionConfig(track=write(tmp_path, text)))
    assert said in str(caught.value)


WRONG_CONFIGURATIONS = [
    ("half a place", PositionConfig(latitude=41.0), "belong together"),
    ("the other half", PositionConfig(longitude=-72.0), "belong together"),
    ("two sources", PositionConfig(latitude=41.0, longitude=-72.0, track=Path("track.csv")), "keep one of the two"),
    ("off the globe", PositionConfig(latitude=-91.0, longitude=0.0), "`latitude`"),
    ("a negative error", PositionConfig(latitude=41.0, longitude=0.0, accuracy_m=-1.0), "`accuracy_m`"),
    ("a missing track", PositionConfig(track=Path("/nowhere/track.csv")), "No such file"),
]


@pytest.mark.parametrize(("name", "config", "said"), WRONG_CONFIGURATIONS, ids=[row[0] for row in WRONG_CONFIGURATIONS])
def test_a_wrong_position_is_refused(name: str, config: PositionConfig, said: str) -> None:
    """A place that is not one is refused with its key."""
    with pytest.raises(ConfigError) as caught:
        make_position(config)
    assert said in str(caught.value)
