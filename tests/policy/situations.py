"""Reads, labels and zones for tests of the pack, and a small pack written for them alone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from edge.labeler.scope import label
from edge.policy.load import load_pack
from edge.policy.pack import Pack
from edge.records import Box, Capture, Detection, Hit, Instant, Label, LabeledRead, Position, Read, TimeQuality

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=timezone.utc)
HARTFORD = Position(latitude=41.7637, longitude=-72.6851, accuracy_m=5.0)
STOLEN = Hit(source="NCIC", topic="stolen-vehicle", reason="stolen", entered_by="X", list_sha256="0" * 64, exact=True)
US_CT = load_pack("us-ct")
US_CT_FILE = Path(__file__).resolve().parents[2] / "edge" / "policy" / "packs" / "us-ct.toml"


def instant(utc: datetime = NOW, source: str = "ntp", error_ms: float | None = None) -> Instant:
    return Instant(utc=utc, boottime_ns=0, boot_id="boot", quality=TimeQuality(source=source, error_ms=error_ms))  # type: ignore[arg-type]


def read(first: Instant | None = None, last: Instant | None = None, **changes: Any) -> Read:
    first = first or instant()
    best = Detection(box=Box(x=0, y=0, w=90, h=45), corners=((0, 0), (90, 0), (90, 45), (0, 45)), confidence=0.9)
    base = Read(
        id="read-1", camera="north", text="TEST1", confidence=0.9, characters=(), region="US-CT", region_confidence=0.9,
        raw_texts=("TEST1",), readings=3, frames=9, first=first, last=last or first, first_s=0.0, last_s=1.0,
        plate_width_px=90.0, best=best,
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


def capture(position: Position | None = HARTFORD, agency: str = "hartford-pd") -> Capture:
    return Capture(
        device="unit-1", agency=agency, camera="north", position=position, detector_sha256="d" * 64,
        recognizer_sha256="r" * 64, calibration_id=None, software="plate-edge test",
    )  # fmt: skip


def labeled(pack: Pack = US_CT, hit: Hit | None = None, **changes: Any) -> LabeledRead:
    return label(read(**changes), capture(), pack, hit)


def relabelled(subject: LabeledRead, **changes: Any) -> LabeledRead:
    """The same read with a label that somebody altered."""
    altered: Label = msgspec.structs.replace(subject.label, **changes)
    return msgspec.structs.replace(subject, label=altered)


def days(number: float) -> timedelta:
    return timedelta(days=number)


def pack_text(*edits: tuple[str, str]) -> str:
    """The Connecticut pack's text with each ``old`` replaced once by ``new``; an ``old`` that is not there is a test's slip."""
    text = US_CT_FILE.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text, f"`{old}` does not stand in the pack"
        text = text.replace(old, new, 1)
    return text


def edited_pack(folder: Path, *edits: tuple[str, str]) -> Pack:
    """The Connecticut pack with edits, loaded from a file."""
    path = folder / "edited.toml"
    path.write_text(pack_text(*edits), encoding="utf-8")
    return load_pack(path)
