"""The lane: where the card was held, how large plates are at its near and far edge, and which lens would do better."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import msgspec
import numpy as np
import numpy.typing as npt

from calibration.angles import angles_of, camera_matrix, certain, from_line_of_sight
from calibration.formulas import field_of_view_deg, focal_for
from calibration.judge import angle_measures, measure, width_measures
from calibration.lens import lens_matrix
from calibration.records import Angles, CardPose, CardView, Finding, Geometry, Lens, Measure, Verdict
from calibration.target import Card
from calibration.thresholds import PLATE_WIDTH_MM, PLATE_WIDTH_PX, Threshold
from edge.errors import CameraError
from edge.records import Point

Matrix = npt.NDArray[np.float64]

#: Plates that a detector may report, against those between the lane's edges: a motorcycle's (7 in) at the far edge, a European
#: one (52 cm) a little nearer than the near edge; and the detector's own error.
NARROWEST, WIDEST = 0.5, 2.2
#: A printed ruler of 100 mm may be off by this much, in mm, before distances suffer visibly.
RULER = Threshold(good=0.5, limit=1.0, source="arithmetic: 1 mm in 100 is 1 % of every distance")
#: Half of the error of a card's angles at 130 px, degrees (rendered pictures: at most 0.6°), growing as the card gets smaller.
ERROR_AT_130_DEG = 0.6


def pose_of(view: CardView, card: Card, name: str, matrix: Matrix, distortion: Sequence[float] = ()) -> CardPose:
    """Where the card of ``view`` was, for the camera that ``matrix`` and ``distortion`` describe."""
    across = np.linspace(-card.width_mm / 2, card.width_mm / 2, 9)
    down = np.linspace(-card.height_mm / 2, card.height_mm / 2, 5)
    spatial = np.array([[x, y, 0.0] for y in down for x in across])
    seen = cv2.perspectiveTransform(spatial[None, :, :2], np.array(view.homography).reshape(3, 3))[0]
    bend = np.array(distortion, np.float64) if len(distortion) else None
    ideal = np.asarray(cv2.undistortPoints(seen.reshape(-1, 1, 2), matrix, bend, P=matrix), np.float64).reshape(-1, 2)
    count, turns, places, _ = cv2.solvePnPGeneric(spatial, ideal, matrix, None, flags=cv2.SOLVEPNP_IPPE)
    if not count:
        raise CameraError(f"place card in {name}: no pose explains what was seen; hold the card flat and still")
    turn_vector, place = cv2.solvePnPRefineLM(spatial, ideal, matrix, None, turns[0].copy(), places[0].copy())
    turn = np.asarray(cv2.Rodrigues(turn_vector)[0], np.float64)
    where = np.asarray(place, np.float64).ravel()
    again, _ = cv2.projectPoints(spatial, turn_vector, place, matrix, None)
    error = max(0.3, ERROR_AT_130_DEG * PLATE_WIDTH_PX.good / view.width_px)
    yaw, pitch, roll = angles_of(turn)
    seen_yaw, seen_pitch, seen_roll = angles_of(from_line_of_sight(turn, where))
    return CardPose(
        name=name,
        distance_m=float(np.linalg.norm(where)) / 1000,
        angles=certain(yaw, pitch, roll, error),
        seen=certain(seen_yaw, seen_pitch, seen_roll, error),
        width_px=view.width_px,
        outline=view.outline,
        rms_px=float(np.sqrt(np.mean((again.reshape(-1, 2) - ideal) ** 2))),
    )


def place_lane(
    views: Sequence[tuple[str, CardView]],
    card: Card,
    *,
    lens: Lens | None = None,
    focal_px: float | None = None,
    lane: Sequence[Point] = (),
    masks: Sequence[Sequence[Point]] = (),
    direction: Point | None = None,
    ruler_mm: float | None = None,
    tape_m: float | None = None,
) -> Geometry:
    """The lane's geometry from views of the card in it, at best one at the near and one at the far edge.

    Either ``lens`` or ``focal_px`` must be known.  ``ruler_mm`` is what the card's ruler of 100 mm measures, ``tape_m`` the
    measured distance of the first view.  ``lane`` and ``masks`` are polygons in shares of the picture.  Raises CameraError."""
    if not views:
        raise CameraError("place card: no view of the card; hold it in the lane where plates will be read")
    frame_size = views[0][1].frame_size
    if lens is not None and lens.frame_size != frame_size:
        raise CameraError(
            f"place card: the lens was calibrated at {lens.frame_size[0]}x{lens.frame_size[1]}, these pictures have "
            f"{frame_size[0]}x{frame_size[1]}; calibrate it with the stream that the unit reads"
        )
    matrix, bend = _optics(lens, focal_px, frame_size)
    scale = 1.0 if ruler_mm is None else ruler_mm / 100
    poses = [_scaled(pose_of(view, card, name, matrix, bend), scale) for name, view in views]
    near, far = min(poses, key=lambda p: p.distance_m), max(poses, key=lambda p: p.distance_m)
    focal = float(matrix[0, 0] + matrix[1, 1]) / 2
    to_plate = PLATE_WIDTH_MM / (card.width_mm * scale)
    widths = [pose.width_px * to_plate for pose in (near, far)]
    factor = PLATE_WIDTH_PX.good / widths[1]
    return Geometry(
        frame_size=frame_size,
        poses=tuple(poses),
        near=near,
        far=far,
        plate_px=(widths[1] * NARROWEST, widths[0] * WIDEST),
        lane=tuple(lane),
        masks=tuple(tuple(mask) for mask in masks),
        direction=direction if direction is not None else _direction(near, far),
        focal_px=focal,
        focal_known="lens" if lens is not None else "field of view",
        focal_factor=factor,
        measures=(
            *width_measures(widths[1], at="at the far edge"),
            *angle_measures(near.seen if _turned(near.seen) > _turned(far.seen) else far.seen),
            print_measure(ruler_mm),
            *tape_measures(tape_m, poses[0].distance_m),
            lens_measure(focal, far, widths[1], frame_size),
        ),
        findings=(*_rotated(poses), *_one_view(poses)),
    )


def lens_measure(focal: float, far: CardPose, width_px: float, frame_size: tuple[int, int]) -> Measure:
    """Which focal length gives 130 px at the far edge, as a factor of today's and as an angle across the picture."""
    wanted = focal_for(PLATE_WIDTH_PX.good, far.distance_m, far.seen.yaw.best or 0.0)
    factor = PLATE_WIDTH_PX.good / width_px
    words = (
        f"take a lens {factor:.2f} times as long ({field_of_view_deg(frame_size[0], wanted):.0f}° across instead of "
        f"{field_of_view_deg(frame_size[0], focal):.0f}°), zoom in by as much, or go nearer, to {far.distance_m / factor:.1f} m"
    )
    verdict: Verdict = "PASS" if factor <= 1 else "WARN" if width_px >= PLATE_WIDTH_PX.limit else "FAIL"
    return Measure(
        name="lens",
        value=round(factor, 2),
        unit="× focal length",
        target="≤ 1",
        verdict=verdict,
        words="" if verdict == "PASS" else words,
        source="derived: W = f·12 in/Z·cos ψ, " + PLATE_WIDTH_PX.source,
    )


def print_measure(ruler_mm: float | None) -> Measure:
    """Whether the card was printed true to scale: no picture can tell, the ruler beside the card can."""
    if ruler_mm is None:
        return Measure(
            name="print_scale",
            value=None,
            unit="mm",
            target="100 ± 0.5",
            verdict="UNKNOWN",
            words="measure the card's printed ruler of 100 mm and give it (--ruler-mm): no picture tells a wrong print scale",
            source=RULER.source,
        )
    off = abs(ruler_mm - 100)
    return Measure(
        name="print_scale",
        value=ruler_mm,
        unit="mm",
        target="100 ± 0.5",
        verdict="PASS" if off <= RULER.good else "WARN",
        words=""
        if off <= RULER.good
        else f"the card was printed at {ruler_mm:.1f} %: distances were corrected; print it again at 100 % (actual size)",
        source=RULER.source,
    )


def tape_measures(tape_m: float | None, distance_m: float) -> tuple[Measure, ...]:
    """The tape against the card: they differ where the print scale or the focal length is wrong."""
    if tape_m is None:
        return ()
    off = distance_m / tape_m - 1
    words = (
        f"the card says {distance_m:.2f} m, the tape {tape_m:.2f} m: the card is printed at {tape_m / distance_m:.0%} of its "
        "size, or the focal length is wrong; measure the card's ruler, calibrate the lens"
    )
    return (
        measure(
            "tape", off * 100, "%", "within ± 2", abs(off) * 100, Threshold(good=2.0, limit=5.0, source=RULER.source), words
        ),
    )


def _optics(lens: Lens | None, focal_px: float | None, frame_size: tuple[int, int]) -> tuple[Matrix, Sequence[float]]:
    if lens is not None:
        return lens_matrix(lens), lens.distortion
    if focal_px is None:
        raise CameraError(
            "place card: the focal length is not known; calibrate the lens (plate-edge calibrate lens) or give the camera's "
            "field of view (--field-of-view)"
        )
    return camera_matrix(focal_px, frame_size), ()


def _scaled(pose: CardPose, scale: float) -> CardPose:
    """A card printed at another size is nearer or farther by as much; its angles and pixels stay."""

    return msgspec.structs.replace(pose, distance_m=pose.distance_m * scale)


def _turned(angles: Angles) -> float:
    return abs(angles.yaw.best or 0.0) + abs(angles.pitch.best or 0.0)


def _direction(near: CardPose, far: CardPose) -> Point | None:
    """Towards the camera, in the picture, where two edges were shown."""
    if near is far:
        return None
    away = np.array(near.outline).mean(axis=0) - np.array(far.outline).mean(axis=0)
    length = float(np.linalg.norm(away))
    return (float(away[0]) / length, float(away[1]) / length) if length > 1 else None


def _rotated(poses: Sequence[CardPose]) -> tuple[Finding, ...]:
    """A card on its side or upside down: the camera is, not the card."""
    rolls = [pose.seen.roll.best or 0.0 for pose in poses]
    if not rolls or min(abs(roll) for roll in rolls) <= 45:
        return ()
    quarter = round(rolls[0] / 90) * 90
    words = "upside down" if abs(quarter) == 180 else f"turned by {abs(quarter)}°"
    return (
        Finding(what=f"the picture is {words}", cure="turn it in the camera's menu (rotation), or the card, if it was held so"),
    )


def _one_view(poses: Sequence[CardPose]) -> tuple[Finding, ...]:
    if max(p.distance_m for p in poses) > 1.15 * min(p.distance_m for p in poses):
        return ()
    return (
        Finding(
            what="the card was seen at one distance only",
            cure="hold it at the near and at the far edge of the lane: plates there were not measured",
        ),
    )
