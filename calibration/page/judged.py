"""From what was measured to the page's traffic light: every line, what to turn first, and how each step stands.  Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from calibration.formulas import KMH_PER_MPH
from calibration.judge import judged, mtf_measure, traffic_light, unknown, worst
from calibration.page.glance import Sight
from calibration.page.messages import Settings
from calibration.page.state import Standing, Turn
from calibration.records import Finding, Geometry, Measure, Prediction, Proof, Road
from calibration.thresholds import EXACT_RATE

#: What is put right by turning the camera, and what by turning the lens or its settings.
AIM = ("plate_width", "stroke", "horizontal_angle", "vertical_angle", "angle_sum", "roll")
SHARP = ("focus", "focus_shift", "mtf", "blur", "contrast", "noise", "clipped", "crushed", "shutter")
#: The headless commands' options and names mean nothing to somebody with a tablet.
_OPTIONS = re.compile(r" \((?:--|plate-edge )[^)]*\)")


def road_of(settings: Settings, fps: float | None, sight: Sight | None, geometry: Geometry | None) -> Road:
    """What is known of the place: typed in, counted, or from the cards at the near and the far edge."""
    zone = None
    if geometry is not None and geometry.far.distance_m > 1.15 * geometry.near.distance_m:
        zone = geometry.far.distance_m - geometry.near.distance_m
    angles = geometry.near.seen if geometry is not None else sight.angles if sight is not None else None
    yaw = None if angles is None or angles.source != "card" else angles.yaw.best
    return Road(
        speed_kmh=settings.speed_mph * KMH_PER_MPH,
        zone_m=zone,
        fps=fps,
        exposure_s=settings.exposure_s,
        angle_deg=None if yaw is None else abs(yaw),
    )


def measures_of(sight: Sight | None, road: Road, geometry: Geometry | None, focus: Sequence[Measure]) -> tuple[Measure, ...]:
    """Every line of the traffic light, in words for somebody who stands in front of the camera."""
    angles = sight.angles if sight else None
    if geometry is not None and (angles is None or angles.source != "card"):
        angles = geometry.near.seen
    light = traffic_light(sight.pictures if sight else (), angles, road)
    lines = [*light, *focus]
    if sight is not None and sight.of == "card":
        lines.append(mtf_measure(sight.mtf))
    if sight is not None and sight.pictures and angles is None:
        words = "type how many degrees the camera sees across: without it angles and distance cannot be told"
        lines.insert(2, unknown("horizontal_angle", "°", "≤ 20", words, ""))
    return tuple(for_the_tablet(line) for line in lines)


def for_the_tablet(line: Measure) -> Measure:
    """Without the names of options; frames on a plate follow from the cards here."""
    words = _OPTIONS.sub("", line.words)
    if line.verdict == "UNKNOWN" and line.name in ("frames_on_plate", "frame_rate"):
        words = "take the card at the near and at the far edge: the road between them is where plates are seen"
    if line.verdict == "UNKNOWN" and line.name == "shutter":
        words = words.replace("; slow shutter off", "") + "; then type what it is"
    return msgspec.structs.replace(line, words=words)


def plain(finding: Finding) -> str:
    """What is wrong and what to do, in one sentence."""
    return _OPTIONS.sub("", f"{finding.what[0].upper()}{finding.what[1:]}: {finding.cure}.")


def first_of(measures: Sequence[Measure], names: Sequence[str]) -> str:
    """What to do about the worst line of ``names``; empty where all pass."""
    order = ("FAIL", "WARN", "UNKNOWN")
    lines = [line for line in measures if line.name in names and line.verdict in order]
    if not lines:
        return ""
    worst_line = min(lines, key=lambda line: order.index(line.verdict))
    return f"{worst_line.words[0].upper()}{worst_line.words[1:]}." if worst_line.words else ""


def turns(sight: Sight | None, measures: Sequence[Measure], geometry: Geometry | None, focus: str) -> Turn:
    """What to do next at the steps that are about the camera."""
    nothing = sight is None or not sight.pictures
    card = sight.card if sight is not None else None
    return Turn(
        aim="Hold the card where plates will be, or let a car stand there." if nothing else first_of(measures, AIM),
        focus=focus or first_of(measures, SHARP),
        card=plain(card) if isinstance(card, Finding) else "" if card is None else _next_card(geometry),
    )


def standings(
    measures: Sequence[Measure],
    *,
    lane: bool,
    geometry: Geometry | None,
    prediction: Prediction | None,
    proof: Proof | None,
    saved: bool,
) -> dict[str, Standing]:
    """How each step stands; empty where nothing was done yet."""
    aim = [line for line in measures if line.name in AIM]
    sharp = [line for line in measures if line.name in SHARP]
    return {
        "aim": worst(aim) if len(aim) > 1 else "",
        "focus": worst(sharp) if any(line.name == "blur" for line in sharp) else "",
        "lane": "PASS" if lane else "",
        "card": worst(geometry.measures) if geometry is not None else "",
        "predict": judged(prediction.exact.share, EXACT_RATE) if prediction is not None else "",
        "proof": judged(proof.passes.share, EXACT_RATE) if proof is not None and proof.passes.total else "",
        "save": "PASS" if saved else "",
    }


def _next_card(geometry: Geometry | None) -> str:
    if geometry is None:
        return "The card is seen. Hold it still and take it."
    return "" if not geometry.findings else plain(geometry.findings[0])
