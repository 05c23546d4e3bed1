"""Requests for pictures: the agency's word, for one device, and nobody else's."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge.envelope.interface import PictureRequest, Receipt
from edge.envelope.receipt import ReceiptSigner
from edge.envelope.request import RequestSigner, RequestVerifier
from edge.errors import EnvelopeError
from tests.labeled import AGENCY, DEVICE, START

KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
WANTED = PictureRequest(agency=AGENCY, device=DEVICE, epoch="e1", reads=(3, 9), issued=START)


def verifier(device: str = DEVICE, agency: str = AGENCY) -> RequestVerifier:
    return RequestVerifier(agency=agency, device=device, keys=[KEY.public_key()])


def test_a_request_is_read_as_it_was_written() -> None:
    """By the device that it is for."""
    assert verifier().request(RequestSigner(KEY).request(WANTED)) == WANTED


def test_every_changed_bit_is_refused() -> None:
    """It is short enough to try them all."""
    wire = RequestSigner(KEY).request(WANTED)
    for at in range(8 * len(wire)):
        changed = bytearray(wire)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(EnvelopeError):
            verifier().request(bytes(changed))


@pytest.mark.parametrize(
    ("wire", "asked", "reason"),
    [
        (RequestSigner(OTHER).request(WANTED), verifier(), "signature"),
        (RequestSigner(KEY).request(WANTED), verifier(device="pole-8"), "device"),
        (RequestSigner(KEY).request(WANTED), verifier(agency="otherville"), "agency"),
        (
            ReceiptSigner(KEY).write(Receipt(agency=AGENCY, device=DEVICE, epoch="e1", stored=(), issued=START)),
            verifier(),
            "signature",
        ),
    ],
    ids=["another key", "another device", "another agency", "a receipt"],
)
def test_what_is_no_request_to_this_device_is_refused(wire: bytes, asked: RequestVerifier, reason: str) -> None:
    """By name."""
    with pytest.raises(EnvelopeError) as caught:
        asked.request(wire)
    assert caught.value.reason == reason
