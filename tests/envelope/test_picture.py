"""Pictures on their way: sealed to the read's owner, named by the signed read, and nobody else's."""

from __future__ import annotations

import hashlib
import random

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge.envelope import wire as framing
from edge.envelope.interface import Opened
from edge.envelope.keyring import EnrolledKey, public_key_from
from edge.envelope.open import HpkeOpener
from edge.envelope.picture import PIECE_BYTES, HpkePictureOpener, PartSigner
from edge.envelope.request import RequestVerifier
from edge.envelope.seal import HpkeSealer
from edge.errors import EnvelopeError
from edge.records import Envelope, ImageScope, LabeledRead, Picture, SealedPicture, Slot
from tests.envelope import golden_pictures
from tests.labeled import AGENCY, DEVICE, release

SIGN, SEAL, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
JPEG = b"\xff\xd8\xff" + random.Random(7).randbytes(20_000)
SLOT = Slot(epoch="e1", seq=1, previous=bytes(32))
PARTS = PartSigner(device=DEVICE, agency=AGENCY, sign_key=SIGN)


def sealed(images: ImageScope = "crop", *pictures: Picture, read_id: str = "r-1") -> Envelope:
    sealer = HpkeSealer(device=DEVICE, agency=AGENCY, sign_key=SIGN, agency_seal=SEAL.public_key())
    made = msgspec.structs.replace(release(read_id), images=images, pictures=pictures or (Picture(kind="crop", jpeg=JPEG),))
    return sealer.seal(made, SLOT)


def keys(device: str) -> list[EnrolledKey]:
    return [EnrolledKey(key=SIGN.public_key())] if device == DEVICE else []


def opener(*seals: ec.EllipticCurvePrivateKey, agency: str = AGENCY) -> HpkePictureOpener:
    return HpkePictureOpener(agency=agency, device_keys=keys, seal_keys=seals or (SEAL,))


def opened(envelope: Envelope) -> LabeledRead:
    read = HpkeOpener(agency=AGENCY, device_keys=keys, seal_keys=[SEAL]).open(DEVICE, envelope.wire)
    assert isinstance(read, Opened)
    return read.labeled


def only(envelope: Envelope) -> SealedPicture:
    (picture,) = envelope.pictures
    return picture


def test_the_signed_read_names_its_picture_and_the_owner_opens_it() -> None:
    """By the hash of the sealed file, which anybody can check who has it, and of the JPEG, which needs no key ever after."""
    envelope = sealed()
    read, picture = opened(envelope), only(envelope)
    (ref,) = read.pictures
    assert bytes.fromhex(ref.sealed_sha256) == picture.sha256 == hashlib.sha256(picture.sealed).digest()
    assert (bytes.fromhex(ref.jpeg_sha256), ref.bytes) == (hashlib.sha256(JPEG).digest(), len(JPEG))
    assert opener().open(picture.sealed, read, ref) == JPEG
    assert JPEG[3:50] not in picture.sealed


def test_a_read_without_pictures_costs_nothing_more() -> None:
    """Nothing is said of them on the wire."""
    sealer = HpkeSealer(device=DEVICE, agency=AGENCY, sign_key=SIGN, agency_seal=SEAL.public_key())
    assert b"pictures" not in msgspec.json.encode(opened(sealer.seal(release(), SLOT)))


@pytest.mark.parametrize("images", ["none", "crop"])
def test_what_the_decision_does_not_let_leave_is_not_sealed(images: ImageScope) -> None:
    """Whoever attached it."""
    with pytest.raises(EnvelopeError, match="does not let it leave"):
        sealed(images, Picture(kind="frame", jpeg=JPEG))


def test_a_picture_opens_for_its_own_read_only() -> None:
    """One read's picture put in another's place yields nothing, although the same device sealed both to the same agency."""
    one, other = sealed(read_id="r-1"), sealed(read_id="r-2")
    read = opened(other)
    (ref,) = read.pictures
    with pytest.raises(EnvelopeError, match="not the one that the signed read names"):
        opener().open(only(one).sealed, read, ref)
    forged = msgspec.structs.replace(ref, sealed_sha256=only(one).sha256.hex())
    with pytest.raises(EnvelopeError, match="made for another read"):
        opener().open(only(one).sealed, read, forged)


def test_nobody_else_opens_it() -> None:
    """Without the owner's key there is no picture; with an old and a new key of the owner there is."""
    envelope = sealed()
    read = opened(envelope)
    with pytest.raises(EnvelopeError) as caught:
        opener(OTHER).open(only(envelope).sealed, read, read.pictures[0])
    assert caught.value.reason == "seal-key"
    assert opener(OTHER, SEAL).open(only(envelope).sealed, read, read.pictures[0]) == JPEG


def test_no_changed_bit_of_a_picture_is_taken() -> None:
    """Each of 400 single bits of the file is noticed, by its hash, before anything is opened."""
    envelope, chance = sealed(), random.Random(3)
    read, file = opened(envelope), only(envelope).sealed
    for at in chance.sample(range(8 * len(file)), 400):
        changed = bytearray(file)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(EnvelopeError) as caught:
            opener().open(bytes(changed), read, read.pictures[0])
        assert caught.value.reason == "picture"


def test_pieces_put_together_are_the_file() -> None:
    """None longer than a second on a slow line, each naming read, file and place."""
    file = only(sealed()).sealed
    wires = PARTS.parts("e1", 9, file)
    found = [opener().part(DEVICE, wire) for wire in wires]
    assert b"".join(each.piece for each in found) == file
    assert all(len(each.piece) <= PIECE_BYTES for each in found)
    assert [(each.header.part, each.header.parts) for each in found] == [(at, len(wires)) for at in range(len(wires))]
    assert {(each.header.seq, each.header.sha256) for each in found} == {(9, hashlib.sha256(file).digest())}


def test_no_changed_bit_of_a_piece_is_taken() -> None:
    """The signature covers the header and the piece."""
    wire, chance = PARTS.parts("e1", 9, JPEG)[0], random.Random(5)
    for at in chance.sample(range(8 * len(wire)), 300):
        changed = bytearray(wire)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(EnvelopeError):
            opener().part(DEVICE, bytes(changed))


STRANGE = {
    "unknown-device": ("pole-8", PARTS, AGENCY),
    "signature": (DEVICE, PartSigner(device=DEVICE, agency=AGENCY, sign_key=OTHER), AGENCY),
    "device": (DEVICE, PartSigner(device="pole-8", agency=AGENCY, sign_key=SIGN), AGENCY),
    "agency": (DEVICE, PARTS, "otherville"),
}


@pytest.mark.parametrize(("reason", "who"), STRANGE.items(), ids=STRANGE)
def test_a_piece_that_is_not_this_device_s_for_this_agency_is_refused(reason: str, who: tuple[str, PartSigner, str]) -> None:
    """By name."""
    device, signer, agency = who
    with pytest.raises(EnvelopeError) as caught:
        opener(agency=agency).part(device, signer.parts("e1", 1, b"file")[0])
    assert caught.value.reason == reason


def test_a_read_is_no_piece_and_a_piece_is_no_read() -> None:
    """Each is signed under a name of its own."""
    with pytest.raises(EnvelopeError):
        opener().part(DEVICE, sealed().wire)
    with pytest.raises(EnvelopeError):
        HpkeOpener(agency=AGENCY, device_keys=keys, seal_keys=[SEAL]).open(DEVICE, PARTS.parts("e1", 1, b"file")[0])
    assert framing.PICTURE_DOMAIN != framing.NOTICE_DOMAIN


def test_a_picture_of_this_version_opens_for_ever() -> None:
    """The pieces, the file and the request that lie in the repository, with the keys that lie beside them."""
    golden = golden_pictures.load()
    signer, receipts = (public_key_from("golden", key.encode()) for key in (golden.device_key, golden.receipt_key))
    secret = ec.derive_private_key(int(golden.seal_secret, 16), ec.SECP256R1())
    end = HpkePictureOpener(agency=golden.agency, device_keys=lambda _: [EnrolledKey(key=signer)], seal_keys=[secret])
    pieces = [end.part(golden.device, wire) for wire in golden.pieces]
    assert {(each.header.epoch, each.header.seq) for each in pieces} == {(golden.epoch, golden.seq)}
    file = b"".join(each.piece for each in pieces)
    assert end.open(file, golden.labeled, golden.labeled.pictures[0]) == golden.jpeg
    verifier = RequestVerifier(agency=golden.agency, device=golden.device, keys=[receipts])
    assert verifier.request(golden.request) == golden.wanted
