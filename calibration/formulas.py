"""The formulas of a camera set-up, pure: pixels, distances, focal lengths, shutter, frames on a plate.

Sources: the plate's width in pixels is a pinhole camera's; the shutter table is Milestone's and Axxon's, which is 25 mm of
travel in an exposure; frames on a plate L·fps/v with three reads wanted reproduces Rekor's bands of speed.
"""

from __future__ import annotations

import math

from calibration.thresholds import PLATE_WIDTH_MM, READS_WANTED, STROKE_MM, TRAVEL_MM

KMH_PER_MPH = 1.609344


def focal_px(frame_width: int, field_of_view_deg: float) -> float:
    """Focal length in pixels of a camera that sees ``field_of_view_deg`` across its width: (w/2)/tan(HFOV/2)."""
    return frame_width / 2 / math.tan(math.radians(field_of_view_deg) / 2)


def field_of_view_deg(frame_width: int, focal: float) -> float:
    """The inverse of :func:`focal_px`."""
    return 2 * math.degrees(math.atan(frame_width / 2 / focal))


def plate_px(focal: float, distance_m: float, yaw_deg: float = 0.0, plate_mm: float = PLATE_WIDTH_MM) -> float:
    """Width of a plate in pixels: f·W/Z·cos ψ."""
    return focal * plate_mm / 1000 / distance_m * math.cos(math.radians(yaw_deg))


def farthest_m(focal: float, wanted_px: float, yaw_deg: float = 0.0, plate_mm: float = PLATE_WIDTH_MM) -> float:
    """The distance at which a plate is ``wanted_px`` wide."""
    return focal * plate_mm / 1000 / wanted_px * math.cos(math.radians(yaw_deg))


def focal_for(wanted_px: float, distance_m: float, yaw_deg: float = 0.0, plate_mm: float = PLATE_WIDTH_MM) -> float:
    """The focal length in pixels that gives ``wanted_px`` at ``distance_m``."""
    return wanted_px * distance_m / (plate_mm / 1000) / math.cos(math.radians(yaw_deg))


def stroke_px(width_px: float, plate_mm: float = PLATE_WIDTH_MM) -> float:
    """Pixels across one stroke of a character (a quarter of an inch) of a plate ``width_px`` wide."""
    return width_px * STROKE_MM / plate_mm


def shutter_s(speed_kmh: float, angle_deg: float | None = None) -> float:
    """The longest exposure for a speed: t = 1/(11·v), 25 mm of travel.

    With the ``angle_deg`` between the road and the optical axis only the travel across the picture counts, t/sin θ; never more
    than four times the plain figure, since plates that come straight on still grow and the car still pitches (chosen here).
    """
    plain = TRAVEL_MM / 1000 / (speed_kmh / 3.6)
    if angle_deg is None:
        return plain
    return plain / max(0.25, math.sin(math.radians(abs(angle_deg))))


def motion_px(
    speed_kmh: float, exposure_s: float, width_px: float, angle_deg: float = 90.0, plate_mm: float = PLATE_WIDTH_MM
) -> float:
    """Blur in pixels: (v·t·sin θ)·(W_px/W)."""
    travel_m = speed_kmh / 3.6 * exposure_s * math.sin(math.radians(abs(angle_deg)))
    return travel_m * width_px / (plate_mm / 1000)


def frames_on_plate(zone_m: float, fps: float, speed_kmh: float) -> float:
    """How many frames show a plate while it crosses ``zone_m`` of road: L·fps/v."""
    return zone_m * fps / (speed_kmh / 3.6)


def fps_needed(zone_m: float, speed_kmh: float, reads: float = READS_WANTED) -> float:
    """The frame rate that gives ``reads`` frames on a plate: reads·v/L."""
    return reads * speed_kmh / 3.6 / zone_m


def shutter_words(seconds: float) -> str:
    """An exposure as it stands on a camera's menu: ``1/1000 s``."""
    return f"1/{round(1 / seconds)} s" if seconds < 0.5 else f"{seconds:.1f} s"
