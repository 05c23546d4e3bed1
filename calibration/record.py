"""The record: everything that was measured, as one signed file, and what changed between two of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from calibration.records import Change, Geometry, Measure, Record, Verdict
from edge.camera_setup import CameraSetup, SceneLook, Verified, load_record, sign_record, verify_record
from edge.errors import ConfigError

#: What the drift of a quantity between two calibrations means: within the first figure nothing, beyond the second a cause to be
#: found.  Shares of the earlier value, degrees for angles.
_TOLERANCE_SHARE = (0.05, 0.15)
_TOLERANCE_DEG = (1.0, 3.0)


def setup_of(
    frame_size: tuple[int, int], geometry: Geometry | None, scenes: Sequence[SceneLook], focal_px: float | None = None
) -> CameraSetup:
    """What the line is told."""
    if geometry is None:
        return CameraSetup(frame_size=frame_size, scenes=tuple(scenes), focal_px=focal_px)
    return CameraSetup(
        frame_size=frame_size,
        lane=geometry.lane,
        masks=geometry.masks,
        plate_px=geometry.plate_px,
        direction=geometry.direction,
        focal_px=geometry.focal_px,
        scenes=tuple(scenes),
    )


def merged(*groups: Sequence[Measure]) -> tuple[Measure, ...]:
    """One line for each name, in the order of first mention; a later group knows better, unless it knows nothing."""
    lines: dict[str, Measure] = {}
    for group in groups:
        for line in group:
            if line.name not in lines or line.verdict != "UNKNOWN":
                lines[line.name] = line
    return tuple(lines.values())


def record_bytes(record: Record) -> bytes:
    """The record's JSON, the bytes that are signed."""
    return msgspec.json.encode(record)


def save_record(record: Record, key: ec.EllipticCurvePrivateKey, path: Path) -> Verified:
    """Sign ``record`` and write its file, whole or not at all.  Raises ConfigError."""
    data = sign_record(record_bytes(record), key)
    verified = verify_record(data, [key.public_key()], f"sign calibration record {path}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + ".new")
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise ConfigError(f"write calibration record {path}: {error.strerror or error}") from error
    return verified


def open_record(path: Path, keys: Sequence[ec.EllipticCurvePublicKey]) -> tuple[str, Record]:
    """The id and the whole of a record, its signature verified.  Raises ConfigError."""
    verified = load_record(path, keys)
    try:
        return verified.id, msgspec.json.decode(verified.record, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"read calibration record {path}: {error}; it is of another version: calibrate again") from error


def compare_records(before: Record, after: Record) -> tuple[Change, ...]:
    """How a camera's set-up has drifted: every measure that both have, the lens, and the lane."""
    if before.camera != after.camera:
        raise ConfigError(f"compare calibration records: one is of camera `{before.camera}`, the other of `{after.camera}`")
    earlier = {line.name: line for line in before.measures}
    changes = [_measure_change(earlier[line.name], line) for line in after.measures if line.name in earlier]
    if before.lens is not None and after.lens is not None:
        changes.append(_change("focal_length", before.lens.fx, after.lens.fx, "px", "the lens was zoomed or changed"))
    if before.geometry is not None and after.geometry is not None:
        for name, of in (("near", before.geometry.near), ("far", before.geometry.far)):
            now = after.geometry.near if name == "near" else after.geometry.far
            changes.append(
                _change(f"{name}_edge", of.distance_m, now.distance_m, "m", "the card was held elsewhere, or the camera moved")
            )
            for axis in ("yaw", "pitch", "roll"):
                old, new = getattr(of.angles, axis).best, getattr(now.angles, axis).best
                changes.append(_change(f"{name}_{axis}", old, new, "°", "the camera was turned, or the card was"))
    return tuple(changes)


def _measure_change(before: Measure, after: Measure) -> Change:
    return _change(after.name, before.value, after.value, after.unit, after.words or "it was better at the last calibration")


def _change(name: str, before: float | None, after: float | None, unit: str, words: str) -> Change:
    verdict: Verdict = "UNKNOWN"
    if before is not None and after is not None:
        off = abs(after - before)
        limits = _TOLERANCE_DEG if unit == "°" else tuple(share * max(abs(before), 1e-9) for share in _TOLERANCE_SHARE)
        verdict = "PASS" if off <= limits[0] else "WARN" if off <= limits[1] else "FAIL"
    return Change(
        name=name, before=before, after=after, unit=unit, verdict=verdict, words="" if verdict == "PASS" else words
    )  # fmt: skip
