"""Frames, detections and readings for tests of what comes after the models."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np

from edge.records import Box, Detection, Frame, Instant, Option, Reading, TimeQuality

START = datetime(2026, 11, 20, 12, 0, tzinfo=timezone.utc)


def instant(at_s: float = 0.0) -> Instant:
    return Instant(
        utc=START + timedelta(seconds=at_s), boottime_ns=int(at_s * 1e9), boot_id="boot", quality=TimeQuality(source="ntp")
    )


def frame(number: int, fps: float = 10.0) -> Frame:
    at_s = number / fps
    return Frame(camera="north", number=number, image=np.zeros((72, 128), np.uint8), at=instant(at_s), media_s=at_s)


def detection(x: float, y: float, w: float = 100.0, confidence: float = 0.9, sure: bool = True) -> Detection:
    h = w / 2
    corners = ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
    return Detection(box=Box(x=x, y=y, w=w, h=h), corners=corners, confidence=confidence, sure=sure)


def reading(
    text: str,
    probability: float = 0.95,
    found: Detection | None = None,
    number: int = 0,
    sharpness: float = 1.0,
    region: tuple[str, float] = ("US-CT", 0.9),
) -> Reading:
    """A reading whose every character has the same probability; ``?`` in a slot's runner-up takes the rest."""
    slots = tuple((Option(character=c, probability=probability),) for c in text)
    slots += tuple((Option(character="", probability=1.0),) for _ in range(10 - len(text)))
    return Reading(
        detection=found or detection(0, 0),
        frame_number=number,
        media_s=number / 10,
        text=text,
        confidence=probability ** len(text),
        slots=slots,
        region=region[0],
        region_confidence=region[1],
        sharpness=sharpness,
    )
