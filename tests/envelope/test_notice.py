"""A unit's word about its chain: signed, about itself, and nobody else's."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.envelope import wire as framing
from edge.envelope.interface import Standing
from edge.envelope.keyring import EnrolledKey
from edge.envelope.notice import NoticeSigner
from edge.envelope.open import HpkeOpener
from edge.envelope.receipt import ReceiptSigner
from edge.envelope.signature import sign
from edge.errors import EnvelopeError
from edge.records import Head
from tests.clocks import HandClock
from tests.labeled import AGENCY, DEVICE

SIGN, SEAL, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
HEAD = Head(epoch="e2", seq=9, hash=b"h" * 32, began="damaged", before=("e1", "e0"))


def signer(device: str = DEVICE, agency: str = AGENCY, key: ec.EllipticCurvePrivateKey = SIGN) -> NoticeSigner:
    return NoticeSigner(device=device, agency=agency, sign_key=key, now=HandClock().now)


def opener(owner: str | None = None) -> HpkeOpener:
    enrolled = {DEVICE: [EnrolledKey(key=SIGN.public_key(), owner=owner)]}
    return HpkeOpener(agency=AGENCY, device_keys=lambda device: enrolled.get(device, []), seal_keys=[SEAL])


def standing() -> bytes:
    return signer().standing(HEAD, [(3, 4), (9, 9)], {7, 5})


def signed(body: bytes, key: ec.EllipticCurvePrivateKey = SIGN, domain: bytes = framing.NOTICE_DOMAIN) -> bytes:
    return framing.join(framing.Parts(framing.NOTICE_VERSION, body, b"", sign(key, domain, body)))


def reason(wire: bytes, device: str = DEVICE, how: HpkeOpener | None = None) -> str:
    with pytest.raises(EnvelopeError) as caught:
        (how or opener()).open(device, wire)
    return caught.value.reason


def test_the_agency_hears_what_the_unit_said() -> None:
    """Head, what is to come, what was found altered, and how the epoch came to be."""
    heard = opener().open(DEVICE, standing())
    assert isinstance(heard, Standing)
    assert (heard.epoch, heard.seq, heard.hash, heard.began, heard.before) == ("e2", 9, b"h" * 32, "damaged", ("e1", "e0"))
    assert (heard.to_come, heard.altered) == (((3, 4), (9, 9)), (5, 7))


def test_it_weighs_little() -> None:
    """Said once a minute while reads pass, it is a few per cent of what they weigh."""
    assert len(standing()) < 450


def test_every_single_bit_change_is_refused() -> None:
    """Nobody can make a unit say something else."""
    wire = standing()
    for at in range(8 * len(wire)):
        changed = bytearray(wire)
        changed[at // 8] ^= 1 << at % 8
        assert reason(bytes(changed)) in {"framing", "version", "signature"}


@pytest.mark.parametrize(
    ("wire", "device", "expected"),
    [
        pytest.param(signer(key=OTHER).standing(HEAD, [], []), DEVICE, "signature", id="another key"),
        pytest.param(signer("pole-8").standing(HEAD, [], []), DEVICE, "device", id="another device"),
        pytest.param(signer(agency="otherville").standing(HEAD, [], []), DEVICE, "agency", id="to another agency"),
        pytest.param(standing(), "stranger", "unknown-device", id="nobody"),
        pytest.param(signer().standing(HEAD, [(4, 4), (2, 3)], []), DEVICE, "notice", id="ranges out of order"),
        pytest.param(signed(msgspec.msgpack.encode({"kind": "farewell"})), DEVICE, "notice", id="another kind"),
        pytest.param(signed(framing.split(standing()).signed, domain=framing.RECEIPT_DOMAIN), DEVICE, "signature", id="domain"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(wire: bytes, device: str, expected: str) -> None:
    """Another's word is no word."""
    assert reason(wire, device) == expected


def test_another_agencys_unit_says_nothing_about_its_chain_here() -> None:
    """Its copies are believed, its chain is its owner's concern."""
    assert reason(standing(), how=opener(owner="otherville")) == "unknown-device"


def test_a_receipt_is_no_notice() -> None:
    """Although both are a body and a signature, and even of the same key."""
    body = framing.split(standing()).signed
    wire = ReceiptSigner(SIGN)
    assert reason(framing.join(framing.Parts(1, body, b"", sign(wire._key, framing.RECEIPT_DOMAIN, body)))) == "signature"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
@example(b"\x91" * 5000)
def test_signed_nonsense_is_refused_with_a_reason(data: bytes) -> None:
    """A device's key does not make its bytes believed."""
    assert reason(signed(data)) == "notice"
