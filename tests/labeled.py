"""Labelled reads as lane 1 would make them, for tests of everything after the decision."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.records import (
    Box,
    Capture,
    Character,
    CopyFor,
    Detection,
    ImageScope,
    Instant,
    Label,
    LabeledRead,
    LabelLayer,
    Picture,
    PictureKind,
    Position,
    Read,
    Recipient,
    Release,
    TimeQuality,
)

DEVICE, AGENCY = "pole-7", "milltown"
START = datetime(2026, 11, 20, 12, 0, tzinfo=timezone.utc)


def instant(at: datetime = START) -> Instant:
    return Instant(utc=at, boottime_ns=10**9, boot_id="boot-a", quality=TimeQuality(source="ntp", error_ms=2.5))


def labeled_read(
    read_id: str = "r-1",
    text: str = "TEST123",
    *,
    device: str = DEVICE,
    agency: str = AGENCY,
    at: datetime = START,
    lives: timedelta = timedelta(days=14),
    parties: Iterable[str] = (),
) -> LabeledRead:
    """A read whose label admits each of ``parties`` at capture."""
    corners = ((10.0, 20.0), (110.0, 21.0), (110.0, 71.0), (10.0, 70.0))
    best = Detection(box=Box(x=10.0, y=20.0, w=100.0, h=51.0), corners=corners, confidence=0.93)
    return LabeledRead(
        read=Read(
            id=read_id,
            camera="north",
            text=text,
            confidence=0.97,
            characters=tuple(Character(character=c, confidence=0.99) for c in text),
            region="Connecticut",
            region_confidence=0.8,
            raw_texts=(text,),
            readings=6,
            frames=14,
            first=instant(at),
            last=instant(at + timedelta(seconds=1)),
            first_s=1.0,
            last_s=2.0,
            plate_width_px=100.0,
            best=best,
        ),
        capture=Capture(
            device=device,
            agency=agency,
            camera="north",
            position=Position(latitude=41.56, longitude=-72.65, accuracy_m=5.0),
            detector_sha256="d" * 64,
            recognizer_sha256="e" * 64,
            calibration_id=None,
            software="0.1.0",
        ),
        label=Label(
            layers=(LabelLayer(id="test", version="1", sha256="f" * 64),),
            fields=("plate-text", "plate-region", "position", "time", "device"),
            pack_sha256="f" * 64,
            jurisdiction="US-CT",
            owner=agency,
            classification="law-enforcement-sensitive",
            recipients=(
                Recipient(recipient="state-police", doors=(("request",),), rules=("share-in-state",)),
                *(
                    Recipient(recipient="state-police", doors=(), rules=("share-in-state",), party=party, now=True)
                    for party in parties
                ),
            ),
            purposes_permitted=("stolen-vehicle",),
            purposes_barred=("immigration-enforcement",),
            delete_after=at + lives,
            obligations=("confirm-before-stop",),
            onward_duties=("same-terms",),
            rules=("keep-14-days",),
        ),
    )


def release(
    read_id: str = "r-1",
    text: str = "TEST123",
    *,
    copies: Mapping[str, ec.EllipticCurvePublicKey] | None = None,
    pictures: Iterable[Picture] = (),
    **how: object,
) -> Release:
    """A release with a copy for each party in ``copies``, whom the label admits, and with ``pictures``, which it permits."""
    labeled = labeled_read(read_id, text, parties=copies or (), **how)  # type: ignore[arg-type]
    papers = tuple(CopyFor(party=party, seal_key=pem(key)) for party, key in (copies or {}).items())
    shown = tuple(pictures)
    images: ImageScope = "crop-and-frame" if shown else "none"
    return Release(labeled=labeled, rules=("keep-14-days",), copies=papers, images=images, pictures=shown)


def jpeg(name: str, kind: PictureKind = "crop", size: int = 6000) -> Picture:
    """Bytes that begin like a JPEG, hold ``name`` in clear and are like no other's; nothing between the camera and a person's
    eyes looks further into a picture."""
    data = random.Random(f"{name} {kind}").randbytes(max(0, size - len(name) - 4))
    return Picture(kind=kind, jpeg=b"\xff\xd8\xff " + name.encode() + data)


def pem(key: ec.EllipticCurvePublicKey) -> str:
    """A public key as an agreement holds it."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
