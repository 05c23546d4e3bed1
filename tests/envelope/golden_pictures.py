"""A picture that was sealed once and must open for ever: ``python -m tests.envelope.golden_pictures`` writes one anew.

Other languages can try themselves on it; see ``golden.py``.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from edge.envelope import picture
from edge.envelope.interface import PictureRequest
from edge.envelope.request import RequestSigner
from edge.records import LabeledRead
from tests.labeled import AGENCY, DEVICE, START, jpeg, labeled_read, pem

FILE = Path(__file__).with_name(f"pictures-golden-{picture.VERSION}.json")


class GoldenPicture(Struct, frozen=True, kw_only=True):
    """The keys were made for the file and serve nowhere else; ``pieces`` are of the read ``epoch``, ``seq``."""

    about: str
    agency: str
    device: str
    device_key: str
    receipt_key: str
    seal_secret: str
    epoch: str
    seq: int
    labeled: LabeledRead
    jpeg: bytes
    pieces: tuple[bytes, ...]
    request: bytes
    wanted: PictureRequest


def load() -> GoldenPicture:
    return msgspec.json.decode(FILE.read_bytes(), type=GoldenPicture)


def main() -> None:
    sign, seal, receipt = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    made, read = jpeg("golden", size=9000), labeled_read("r-2")
    sealed = picture.seal(made, "r-2", agency=AGENCY, device=DEVICE, key=seal.public_key())
    wanted = PictureRequest(agency=AGENCY, device=DEVICE, epoch="20261120T120000Z-f06786f4", reads=(2, 7), issued=START)
    golden = GoldenPicture(
        about=f"Pictures, version {picture.VERSION}: a sealed file in pieces, and a request; the keys were made for this file.",
        agency=AGENCY,
        device=DEVICE,
        device_key=pem(sign.public_key()),
        receipt_key=pem(receipt.public_key()),
        seal_secret=f"{seal.private_numbers().private_value:064x}",
        epoch=wanted.epoch,
        seq=2,
        labeled=msgspec.structs.replace(read, pictures=(picture.ref(made, sealed),)),
        jpeg=made.jpeg,
        pieces=picture.PartSigner(device=DEVICE, agency=AGENCY, sign_key=sign).parts(wanted.epoch, 2, sealed.sealed),
        request=RequestSigner(receipt).request(wanted),
        wanted=wanted,
    )
    FILE.write_text(json.dumps(msgspec.to_builtins(golden), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
