"""Numbers on the wire are no finer than what they measure: sixteen digits of a pixel cost money and say nothing.

Shares and probabilities have 4 decimals, pixels and the radius of a position (m) 1, degrees 6 (0.1 m), seconds 3.
"""

from __future__ import annotations

from msgspec.structs import replace

from edge.records import Box, Character, Detection, LabeledRead, Option, Point, Position


def rounded(labeled: LabeledRead) -> LabeledRead:
    """``labeled`` as it is sealed; texts, times and the label are untouched."""
    read, capture = labeled.read, labeled.capture
    position = None if capture.position is None else _position(capture.position)
    return replace(
        labeled,
        read=replace(
            read,
            confidence=_share(read.confidence),
            characters=tuple(map(_character, read.characters)),
            region_confidence=_share(read.region_confidence),
            first_s=_seconds(read.first_s),
            last_s=_seconds(read.last_s),
            plate_width_px=_pixels(read.plate_width_px),
            best=_detection(read.best),
        ),
        capture=replace(capture, position=position),
    )


def _character(of: Character) -> Character:
    return replace(of, confidence=_share(of.confidence), alternatives=tuple(map(_option, of.alternatives)))


def _option(of: Option) -> Option:
    return replace(of, probability=_share(of.probability))


def _detection(of: Detection) -> Detection:
    box = Box(x=_pixels(of.box.x), y=_pixels(of.box.y), w=_pixels(of.box.w), h=_pixels(of.box.h))
    top_left, top_right, bottom_right, bottom_left = map(_point, of.corners)
    return replace(of, box=box, corners=(top_left, top_right, bottom_right, bottom_left), confidence=_share(of.confidence))


def _position(of: Position) -> Position:
    # The radius is rounded up: inside it the unit surely is.
    radius = round(float(of.accuracy_m) + 0.05, 1)
    return Position(latitude=round(float(of.latitude), 6), longitude=round(float(of.longitude), 6), accuracy_m=radius)


def _point(of: Point) -> Point:
    return _pixels(of[0]), _pixels(of[1])


# Detectors leave numpy's numbers behind, which would be rounded to the nearest single and print all its digits.
def _share(value: float) -> float:
    return round(float(value), 4)


def _pixels(value: float) -> float:
    return round(float(value), 1)


def _seconds(value: float) -> float:
    return round(float(value), 3)
