"""What technicians write behind options: exposures, polygons, directions, patches, sizes."""

from __future__ import annotations

import re

from calibration.records import PlateStyle
from edge.errors import ConfigError
from edge.records import Point

_EXPOSURE = re.compile(r"1/(\d+(?:\.\d+)?)|(\d*\.?\d+)")


def exposure_of(text: str) -> float:
    """``1/1000`` or ``0.001`` in seconds.  Raises ConfigError."""
    found = _EXPOSURE.fullmatch(text.strip().removesuffix("s").strip())
    value = 0.0 if found is None else (1 / float(found[1]) if found[1] and float(found[1]) else float(found[2] or 0))
    if not 1e-6 <= value <= 10:
        raise ConfigError(f"read exposure `{text}`: give it as on the camera's menu, 1/1000, or in seconds")
    return value


def polygon_of(text: str, option: str) -> tuple[Point, ...]:
    """``0.1,0.5 0.9,0.5 0.5,1`` as points in shares of the picture.  Raises ConfigError."""
    points = points_of(text, option)
    if len(points) < 3:
        raise ConfigError(f"read {option} `{text}`: a polygon has three corners or more, `x,y x,y x,y`")
    return points


def direction_of(text: str) -> Point:
    """From two points, a direction of length 1.  Raises ConfigError."""
    points = points_of(text, "--travel")
    if len(points) != 2 or points[0] == points[1]:
        raise ConfigError(f"read --travel `{text}`: give two places, from and to, `x,y x,y`")
    x, y = points[1][0] - points[0][0], points[1][1] - points[0][1]
    length = (x * x + y * y) ** 0.5
    return x / length, y / length


def points_of(text: str, option: str) -> tuple[Point, ...]:
    """Places in shares of the picture.  Raises ConfigError."""
    points = []
    for word in text.split():
        try:
            x, y = (float(part) for part in word.split(","))
        except ValueError as error:
            raise ConfigError(
                f"read {option} `{text}`: `{word}` is no place; write `x,y` in shares of the picture, 0 to 1"
            ) from error
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ConfigError(
                f"read {option} `{text}`: `{word}` lies outside the picture; give shares of width and height, 0 to 1"
            )
        points.append((x, y))
    return tuple(points)


def patch_of(text: str) -> tuple[int, int, int, int]:
    """``x,y,w,h`` in pixels.  Raises ConfigError."""
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(f"read --patch `{text}`: write `x,y,w,h` in pixels") from error
    return x, y, w, h


def size_of(text: str) -> tuple[int, int]:
    """``1280x720``.  Raises ConfigError."""
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if found is None:
        raise ConfigError(f"read --size `{text}`: write width and height in pixels, 1280x720")
    return int(found[1]), int(found[2])


def style_of(text: str) -> PlateStyle:
    """``us`` or ``european``.  Raises ConfigError."""
    styles: dict[str, PlateStyle] = {"us": "us", "european": "european"}
    if text not in styles:
        raise ConfigError(f"read --style `{text}`: us or european")
    return styles[text]
