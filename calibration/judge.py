"""From figures to a traffic light: PASS, WARN or FAIL against a threshold with its source, and what to turn and which way.

Everything here is pure.  Names of measures are stable: plate_width, stroke, horizontal_angle, vertical_angle, angle_sum, roll,
focus, mtf, blur, clipped, crushed, contrast, noise, frames_on_plate, shutter, frame_rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median

from calibration import thresholds
from calibration.angles import tells
from calibration.formulas import KMH_PER_MPH, fps_needed, frames_on_plate, motion_px, shutter_s, shutter_words, stroke_px
from calibration.records import Angles, Interval, Measure, PlatePicture, Road, Verdict
from calibration.thresholds import Threshold

HOLD_THE_CARD = "cannot be told from a plate's four corners; hold the calibration card there (plate-edge calibrate place)"
#: A camera is this much faster or slower in its menu steps; an exposure within it is on target.
_STEP = 1.05


def judged(value: float, threshold: Threshold) -> Verdict:
    """Against a threshold whose ``good`` is the smaller (less is better) or the larger figure (more is better)."""
    less = threshold.good <= threshold.limit
    if (value <= threshold.good) if less else (value >= threshold.good):
        return "PASS"
    return "WARN" if ((value <= threshold.limit) if less else (value >= threshold.limit)) else "FAIL"


def measure(name: str, value: float, unit: str, target: str, tested: float, threshold: Threshold, words: str) -> Measure:
    """One line: ``tested`` is what is held against the threshold, ``words`` stand only where it does not pass."""
    verdict = judged(tested, threshold)
    return Measure(
        name=name,
        value=round(value, 3),
        unit=unit,
        target=target,
        verdict=verdict,
        words="" if verdict == "PASS" else words,
        source=threshold.source,
    )


def unknown(name: str, unit: str, target: str, words: str, source: str) -> Measure:
    """A line that could not be measured; ``words`` say how it can."""
    return Measure(name=name, value=None, unit=unit, target=target, verdict="UNKNOWN", words=words, source=source)


def traffic_light(pictures: Sequence[PlatePicture], angles: Angles | None, road: Road) -> tuple[Measure, ...]:
    """Every line for what plates looked like and what is known of the road; medians where there are several pictures."""
    if not pictures:
        nothing = "no plate was seen; let a car with a plate stand where plates will be read"
        return (
            unknown("plate_width", "px", "≥ 130", nothing, thresholds.PLATE_WIDTH_PX.source),
            *road_measures(road, None),
        )
    width = median(picture.width_px for picture in pictures)
    return (
        *width_measures(width),
        *(angle_measures(angles) if angles is not None else ()),
        *picture_measures(pictures, road),
        *road_measures(road, width),
    )


def width_measures(width_px: float, at: str = "") -> tuple[Measure, Measure]:
    """Plate width and pixels a stroke; ``at`` says where in the lane."""
    more = thresholds.PLATE_WIDTH_PX.good / max(width_px, 1)
    words = f"zoom in, take a lens {more:.1f} times as long, or go to {100 / more:.0f} % of the distance"
    words += f" ({at})" if at else ""
    stroke = stroke_px(width_px)
    return (
        measure("plate_width", width_px, "px", "≥ 130", width_px, thresholds.PLATE_WIDTH_PX, words),
        # Rounded, so that the two, which are the same figure, never differ at 130 px.
        measure("stroke", stroke, "px/stroke", "≥ 2.7", round(stroke, 1), thresholds.STROKE_PX, words),
    )


def angle_measures(angles: Angles) -> tuple[Measure, ...]:
    """Horizontal, vertical, roll, and the sum of the first two, each an interval where only corners were seen."""
    yaw, pitch, roll = angles.yaw, angles.pitch, angles.roll
    right = "left" if _middle(yaw) < 0 else "right"
    lower = "lower" if _middle(pitch) > 0 else "higher"
    clockwise = "clockwise" if _middle(roll) > 0 else "anticlockwise"
    size = Interval(low=_least(yaw) + _least(pitch), high=_most(yaw) + _most(pitch), best=_sum(yaw, pitch))
    return (
        _angle(
            "horizontal_angle", yaw, "≤ 20", thresholds.HORIZONTAL_DEG,
            f"mount the camera farther to the {right} (as its picture shows it), or read plates farther down the road",
        ),
        _angle(
            "vertical_angle", pitch, "≤ 25", thresholds.VERTICAL_DEG,
            f"mount the camera {lower}, or read plates farther away",
        ),
        _angle("angle_sum", size, "≤ 40", thresholds.SUM_DEG, "bring the camera nearer to the plate's own line of sight"),
        _angle(
            "roll", roll, "≤ 10", thresholds.ROLL_DEG,
            f"turn the camera {clockwise}, seen from behind it, by {abs(_middle(roll)):.0f}°",
        ),
    )  # fmt: skip


def picture_measures(pictures: Sequence[PlatePicture], road: Road) -> tuple[Measure, ...]:
    """Focus against the best seen, blur, exposure, contrast and noise of the plates' pictures."""

    def mid(of: Callable[[PlatePicture], float]) -> float:
        return float(median(of(picture) for picture in pictures))

    width = mid(lambda p: p.width_px)
    step, noise = mid(lambda p: p.step), mid(lambda p: p.noise)
    return (
        blur_measure(pictures, width, road),
        measure(
            "clipped", mid(lambda p: p.clipped) * 100, "% of the plate", "≤ 12", mid(lambda p: p.clipped),
            thresholds.LOST_AREA, "shorten the exposure, lower the gain, or turn the infra-red lamp down",
        ),
        measure(
            "crushed", mid(lambda p: p.crushed) * 100, "% of the plate", "≤ 12", mid(lambda p: p.crushed),
            thresholds.LOST_AREA, "open the iris, raise the gain, or add light; keep the exposure",
        ),
        measure(
            "contrast", mid(lambda p: p.contrast) * 100, "%", "≥ 20", mid(lambda p: p.contrast),
            thresholds.CONTRAST, "look for glare, fog, dirt on the lens, back-light; switch wide dynamic range off",
        ),
        measure(
            "noise", noise, "grey levels", "≤ step/10", step / max(noise, 0.1),
            thresholds.NOISE_STEP, "lower the gain; add light or open the iris instead",
        ),
    )  # fmt: skip


def blur_measure(pictures: Sequence[PlatePicture], width_px: float, road: Road) -> Measure:
    """The wider of the two edge widths in strokes; which is the wider says whether speed or focus is to blame."""
    edges = [(p.blur_x_px, p.blur_y_px) for p in pictures if p.blur_x_px is not None and p.blur_y_px is not None]
    source = thresholds.BLUR_STROKES.source
    if not edges:
        return unknown("blur", "px", "≤ 1/3 stroke", "the plates have too little contrast to measure blur on", source)
    along, across = median(x for x, _ in edges), median(y for _, y in edges)
    stroke = stroke_px(width_px)
    worst = max(along, across)
    # A sharp lens has an edge of about two pixels of its own (sampling and optics); only what goes beyond is blur.
    blur = math.sqrt(max(0.0, worst**2 - SHARP_EDGE_PX**2))
    one_way = max(along, across) > 1.5 * min(along, across) + 0.5
    shutter = "" if road.speed_kmh is None else f", at most {shutter_words(shutter_s(road.speed_kmh, road.angle_deg))}"
    words = f"edges are smeared one way only: shorten the exposure{shutter}" if one_way else "focus the lens, clean it"
    return measure(
        "blur", blur, "px", f"≤ {stroke * thresholds.BLUR_STROKES.good:.1f}", blur / stroke, thresholds.BLUR_STROKES, words
    )


#: 10-90 % width in pixels that :func:`calibration.picture.edge_width` gives for characters through a sharp lens (σ 0.5 px).
SHARP_EDGE_PX = 1.5


def focus_measure(of_best: float) -> Measure:
    """Where focus stands against the best seen while the lens turned."""
    return measure(
        "focus", of_best * 100, "% of best", "≥ 90", of_best, thresholds.FOCUS_SHARE,
        "turn the focus ring back to where the figure was highest, slowly",
    )  # fmt: skip


def mtf_measure(mtf: float | None) -> Measure:
    """Contrast at one stroke of 2.7 px, from the card's edges."""
    if mtf is None:
        words = "hold the calibration card where plates will be: only its edges give an absolute figure"
        return unknown("mtf", "of 1", "≥ 0.3", words, thresholds.MTF.source)
    words = "focus the lens on the card, at the aperture of the night (infra-red); clean the glass"
    return measure("mtf", mtf, "of 1", "≥ 0.3", mtf, thresholds.MTF, words)


def road_measures(road: Road, width_px: float | None) -> tuple[Measure, ...]:
    """Frames on a plate, exposure and frame rate for the expected speed, with the formula's own figures."""
    return (_frames(road), _shutter(road, width_px), _frame_rate(road))


def _frames(road: Road) -> Measure:
    source = thresholds.FRAMES_ON_PLATE.source
    if road.speed_kmh is None or road.zone_m is None or road.fps is None:
        words = (
            "give the fastest speed, the length of road on which plates are seen, and the frame rate (--speed, --zone, --fps)"
        )
        return unknown("frames_on_plate", "frames", "≥ 3", words, source)
    frames = frames_on_plate(road.zone_m, road.fps, road.speed_kmh)
    words = f"raise the frame rate to {fps_needed(road.zone_m, road.speed_kmh):.0f} a second, or see plates on a longer stretch"
    return measure("frames_on_plate", frames, "frames", "≥ 3", frames, thresholds.FRAMES_ON_PLATE, words)


def _shutter(road: Road, width_px: float | None) -> Measure:
    source = thresholds.SHUTTER_SOURCE
    if road.speed_kmh is None:
        return unknown("shutter", "s", "t = 1/(11·v)", "give the fastest speed (--speed)", source)
    longest = shutter_s(road.speed_kmh, road.angle_deg)
    target = f"≤ {shutter_words(longest)}"
    setting = f"set the exposure to {shutter_words(longest)} or shorter for {speed_words(road.speed_kmh)}; slow shutter off"
    if road.exposure_s is None:
        return unknown("shutter", "s", target, setting + " (--exposure tells what it is)", source)
    blur = ""
    if width_px is not None and road.angle_deg is not None:
        blur = f" (now plates smear by {motion_px(road.speed_kmh, road.exposure_s, width_px, road.angle_deg):.1f} px)"
    good = road.exposure_s <= longest * _STEP
    verdict: Verdict = "PASS" if good else "WARN" if road.exposure_s <= 2 * longest else "FAIL"
    words = "" if good else setting + blur
    return Measure(
        name="shutter", value=road.exposure_s, unit="s", target=target, verdict=verdict, words=words, source=source
    )  # fmt: skip


def _frame_rate(road: Road) -> Measure:
    source = thresholds.FRAMES_ON_PLATE.source
    if road.speed_kmh is None or road.zone_m is None:
        return unknown("frame_rate", "fps", "3·v/L", "give the fastest speed and the length of road (--speed, --zone)", source)
    needed = fps_needed(road.zone_m, road.speed_kmh)
    if road.fps is None:
        return unknown("frame_rate", "fps", f"≥ {needed:.1f}", f"set {math.ceil(needed)} frames a second (--fps)", source)
    limit = Threshold(good=needed, limit=needed * 2 / 3, source=source)
    return measure(
        "frame_rate", road.fps, "fps", f"≥ {needed:.1f}", road.fps, limit, f"set {math.ceil(needed)} frames a second or more"
    )


def worst(measures: Sequence[Measure]) -> Verdict:
    """The worst verdict of several; UNKNOWN counts as less than WARN."""
    order: tuple[Verdict, ...] = ("PASS", "UNKNOWN", "WARN", "FAIL")
    return max((m.verdict for m in measures), key=order.index, default="UNKNOWN")


def speed_words(kmh: float) -> str:
    """``50 km/h (31 mph)``."""
    return f"{kmh:.0f} km/h ({kmh / KMH_PER_MPH:.0f} mph)"


def _angle(name: str, angle: Interval, target: str, threshold: Threshold, words: str) -> Measure:
    """The verdict on an interval is that of both its ends, or UNKNOWN where they differ or the interval tells nothing."""
    smallest, largest = judged(_least(angle), threshold), judged(_most(angle), threshold)
    if angle.best is not None:
        verdict: Verdict = judged(abs(angle.best), threshold)
    elif smallest == largest and (tells(angle) or smallest != "PASS"):
        verdict = smallest
    else:
        verdict, words = "UNKNOWN", HOLD_THE_CARD
    return Measure(
        name=name,
        value=None if angle.best is None else round(angle.best, 1),
        unit="°",
        target=target,
        verdict=verdict,
        words="" if verdict == "PASS" else words,
        source=threshold.source,
        low=round(angle.low, 1),
        high=round(angle.high, 1),
    )


def _least(angle: Interval) -> float:
    """The smallest size that an angle of this interval can have."""
    return 0.0 if angle.low <= 0 <= angle.high else min(abs(angle.low), abs(angle.high))


def _most(angle: Interval) -> float:
    return max(abs(angle.low), abs(angle.high))


def _middle(angle: Interval) -> float:
    return (angle.low + angle.high) / 2 if angle.best is None else angle.best


def _sum(yaw: Interval, pitch: Interval) -> float | None:
    return None if yaw.best is None or pitch.best is None else abs(yaw.best) + abs(pitch.best)
