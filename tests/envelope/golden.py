"""Messages that were sealed once and must open for ever: ``python -m tests.envelope.golden`` writes those of this version.

They are evidence in agencies' stores and lie in outboxes; other languages can try themselves on them.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from edge.envelope import wire
from edge.envelope.precision import rounded
from edge.envelope.seal import HpkeSealer
from edge.records import LabeledRead, Slot
from tests.labeled import AGENCY, DEVICE, pem, release

FOLDER = Path(__file__).parent


class Message(Struct, frozen=True, kw_only=True):
    """One message, and its addressee's private key: the secret number of P-256 in hexadecimal digits."""

    agency: str
    seal_secret: str
    wire: bytes


class Golden(Struct, frozen=True, kw_only=True):
    """Messages of one wire version that all hold ``labeled``.  The keys were made for the file and serve nowhere else."""

    about: str
    device: str
    device_key: str
    messages: tuple[Message, ...]
    labeled: LabeledRead


def load(path: Path) -> Golden:
    return msgspec.json.decode(path.read_bytes(), type=Golden)


def main() -> None:
    sign, *seals = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    made = release("r-2", copies={"otherville": seals[1].public_key()})
    sealer = HpkeSealer(device=DEVICE, agency=AGENCY, sign_key=sign, agency_seal=seals[0].public_key())
    envelope = sealer.seal(made, Slot(epoch="20261120T120000Z-f06786f4", seq=2, previous=bytes(32)))
    wires = ((AGENCY, envelope.wire), *((copy.party, copy.wire) for copy in envelope.copies))
    golden = Golden(
        about=f"Wire version {wire.ENVELOPE_VERSION}: a read and its copy; the keys were made for this file.",
        device=DEVICE,
        device_key=pem(sign.public_key()),
        messages=tuple(
            Message(agency=agency, seal_secret=f"{key.private_numbers().private_value:064x}", wire=sent)
            for key, (agency, sent) in zip(seals, wires, strict=True)
        ),
        labeled=rounded(made.labeled),
    )
    text = json.dumps(msgspec.to_builtins(golden), indent=1) + "\n"
    (FOLDER / f"golden-{wire.ENVELOPE_VERSION}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
