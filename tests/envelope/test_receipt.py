"""A receipt is what lets a unit forget: it is believed only from the right agency, for the right device."""

from __future__ import annotations

from datetime import datetime, timezone

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge.envelope import wire as framing
from edge.envelope.interface import Receipt
from edge.envelope.receipt import ReceiptSigner, ReceiptVerifier
from edge.envelope.signature import sign
from edge.errors import EnvelopeError
from tests.labeled import AGENCY, DEVICE

KEY, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
RECEIPT = Receipt(
    agency=AGENCY,
    device=DEVICE,
    epoch="e1",
    stored=((1, 5), (7, 7)),
    conflicts=(6,),
    issued=datetime(2026, 11, 20, tzinfo=timezone.utc),
)
VERIFIER = ReceiptVerifier(agency=AGENCY, device=DEVICE, keys=[KEY.public_key()])


def reason(wire: bytes) -> str:
    with pytest.raises(EnvelopeError) as caught:
        VERIFIER.read(wire)
    return caught.value.reason


def test_a_receipt_comes_back_as_it_was_written() -> None:
    """Ranges, conflicts and names survive the wire."""
    assert VERIFIER.read(ReceiptSigner(KEY).write(RECEIPT)) == RECEIPT


def test_another_key_cannot_write_receipts() -> None:
    """Whoever can publish on the topic still cannot make a unit forget."""
    assert reason(ReceiptSigner(OTHER).write(RECEIPT)) == "signature"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"device": "pole-8"}, "device"),
        ({"agency": "otherville"}, "agency"),
        ({"version": 2}, "receipt"),
        ({"stored": ((0, 5),)}, "receipt"),
        ({"stored": ((5, 4),)}, "receipt"),
        ({"stored": ((1, 5), (5, 6))}, "receipt"),
        ({"stored": ((7, 8), (1, 2))}, "receipt"),
        ({"stored": tuple((n, n) for n in range(1, 4000, 2))}, "receipt"),
    ],
)
def test_a_receipt_for_somebody_else_or_out_of_form_is_refused(change: dict[str, object], expected: str) -> None:
    """Although the agency signed it."""
    assert reason(ReceiptSigner(KEY).write(msgspec.structs.replace(RECEIPT, **change))) == expected


def test_every_single_bit_change_is_refused() -> None:
    """A receipt that was touched on its way prunes nothing."""
    wire = ReceiptSigner(KEY).write(RECEIPT)
    for at in range(len(wire)):
        for bit in range(8):
            changed = bytearray(wire)
            changed[at] ^= 1 << bit
            assert reason(bytes(changed)) in {"framing", "version", "signature"}


def test_an_envelope_signature_does_not_pass_for_a_receipt() -> None:
    """A signature is good for one kind of message only, even from the same key."""
    body = msgspec.msgpack.encode(RECEIPT)
    for version in (1, 2):
        domain, message = framing.envelope_signs(version, body, b"")
        parts = framing.Parts(framing.RECEIPT_VERSION, body, b"", sign(KEY, domain, message))
        assert reason(framing.join(parts)) == "signature"


def test_a_receipt_has_no_sealed_part() -> None:
    """What is not signed is not carried along."""
    body = msgspec.msgpack.encode(RECEIPT)
    parts = framing.Parts(framing.RECEIPT_VERSION, body, b"x", sign(KEY, framing.RECEIPT_DOMAIN, body))
    assert reason(framing.join(parts)) == "framing"
    assert reason(framing.join(msgspec.structs.replace(parts, version=2, sealed=b""))) == "version"
