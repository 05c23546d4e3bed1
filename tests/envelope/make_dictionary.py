"""How ``edge/envelope/dictionary-1.txt`` was made: ``python -m tests.envelope.make_dictionary`` writes it anew.

Once units use a dictionary it is never changed: what was sealed with it could not be opened any more.  A better one becomes
``dictionary-2.txt`` with form 2 in ``edge/envelope/compact.py``, beside this one.

It holds reads as they would be under each bundled pack, with the installed models; whatever a part before it has already is
left out.  What is likeliest stands last, where a reference to it is shortest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timezone
from importlib import resources
from pathlib import Path

import msgspec

from edge.envelope import compact
from edge.envelope.precision import rounded
from edge.labeler.scope import label
from edge.model_files import bundled_folder, default_models, read_manifest
from edge.policy.load import bundled_packs, load_pack
from edge.policy.pack import Pack
from edge.records import (
    Box,
    Capture,
    Character,
    Detection,
    Hit,
    Instant,
    LabeledRead,
    Option,
    Position,
    Read,
    TimeQuality,
    TimeSource,
)
from tests.policy.situations import days

FILE = Path(str(resources.files("edge.envelope"))) / f"dictionary-{compact.FORM}.txt"
LIKELIEST = "us-ct"
STOLEN = Hit(source="NCIC", topic="stolen-vehicle", reason="stolen vehicle", entered_by="", list_sha256="0" * 64, exact=True)
# A reference to fewer bytes than this, so far back, saves nothing.
_WORTH_A_REFERENCE = 24


def sample(pack: Pack, hit: Hit | None, source: TimeSource, region: str) -> LabeledRead:
    """A read of an invented plate under ``pack``."""
    folder = bundled_folder()
    models, chosen = read_manifest(folder), default_models(folder)
    at = max(layer.says.identity.effective_from for layer in pack.layers).astimezone(timezone.utc) + days(30)
    instant = Instant(
        utc=at.replace(microsecond=123456),
        boottime_ns=12345678901234,
        boot_id="",
        quality=TimeQuality(source=source, error_ms=None),
    )
    alternatives = (
        (),
        (),
        (Option(character="0", probability=0.0001),),
        (),
        (Option(character="", probability=0.002),),
        (),
        (),
    )
    made = Read(
        id="",
        camera="north",
        text="AB12345",
        confidence=0.9987,
        characters=tuple(
            Character(character=character, confidence=1.0 if not others else 0.999, alternatives=others)
            for character, others in zip("AB12345", alternatives, strict=True)
        ),
        region=region,
        region_confidence=0.9876,
        raw_texts=("AB12345",),
        readings=7,
        frames=23,
        first=instant,
        last=instant,
        first_s=1.234,
        last_s=2.567,
        plate_width_px=190.1,
        best=Detection(
            box=Box(x=123.4, y=567.8, w=190.1, h=98.7),
            corners=((123.4, 567.8), (313.5, 570.1), (310.2, 667.1), (120.3, 665.3)),
            confidence=0.9123,
        ),
    )
    capture = Capture(
        device="unit-1",
        agency="agency-pd",
        camera="north",
        position=Position(latitude=41.766179, longitude=-72.677116, accuracy_m=5.0),
        detector_sha256=models[chosen.detector].sha256,
        recognizer_sha256=models[chosen.recognizer].sha256,
        calibration_id=None,
        software="plate-edge 0.1.0",
    )
    return rounded(label(made, capture, pack, hit))


def texts() -> Iterator[bytes]:
    """Reads in the order in which their likelihood grows."""
    others = [name for name in bundled_packs() if name != LIKELIEST]
    for name in (*others, LIKELIEST):
        for hit in (STOLEN, None):
            for source in ("gps", "ntp"):
                text = msgspec.json.encode(sample(load_pack(name), hit, source, name.upper()))
                yield compact.lift(text, dictionary=text).text  # numbers go, the hashes of what is shipped stay


def without_repetition(parts: Iterable[bytes]) -> bytes:
    """All of ``parts`` but the stretches that stand before already."""
    whole = b""
    for part in parts:
        fresh, at = bytearray(), 0
        while at < len(part):
            length = _WORTH_A_REFERENCE
            if part[at : at + length] not in whole:
                fresh.append(part[at])
                at += 1
                continue
            while at + length < len(part) and part[at : at + length + 1] in whole:
                length += 1
            at += length
        whole += bytes(fresh)
    return whole


def main() -> None:
    *before, last = texts()
    FILE.write_bytes(without_repetition(before) + last)


if __name__ == "__main__":
    main()
