"""What a seal and a signature are worth."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.envelope import compact, schema
from edge.envelope import wire as framing
from edge.envelope.interface import Header
from edge.envelope.keyring import EnrolledKey, key_id
from edge.envelope.open import HpkeOpener, open_sealed, verify
from edge.envelope.seal import HpkeSealer
from edge.envelope.signature import _ORDER, sign
from edge.envelope.suite import SUITE
from edge.errors import EnvelopeError
from edge.records import CopyFor, Envelope, Slot
from tests.labeled import AGENCY, DEVICE, labeled_read, release

SIGN = ec.generate_private_key(ec.SECP256R1())
SEAL = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
KEYS = [SIGN.public_key()]
SLOT = Slot(epoch="e1", seq=7, previous=bytes(32))


def sealer(**changed: object) -> HpkeSealer:
    how: dict[str, object] = {"device": DEVICE, "agency": AGENCY, "sign_key": SIGN, "agency_seal": SEAL.public_key()}
    return HpkeSealer(**{**how, **changed})  # type: ignore[arg-type]


def opener(**changed: object) -> HpkeOpener:
    how: dict[str, object] = {"agency": AGENCY, "device_keys": {DEVICE: enrolled(*KEYS)}.get, "seal_keys": [SEAL]}
    known = {**how, **changed}
    lookup = known["device_keys"]
    return HpkeOpener(
        agency=str(known["agency"]),
        device_keys=lambda device: lookup(device) or (),  # type: ignore[operator]
        seal_keys=known["seal_keys"],  # type: ignore[arg-type]
    )


def enrolled(*keys: ec.EllipticCurvePublicKey, owner: str | None = None) -> list[EnrolledKey]:
    return [EnrolledKey(key=key, owner=owner) for key in keys]


def sealed(**changed: object) -> Envelope:
    return sealer(**changed).seal(release(), SLOT)


def reason(wire: bytes, how: HpkeOpener | None = None, device: str = DEVICE) -> str:
    with pytest.raises(EnvelopeError) as caught:
        (how or opener()).open(device, wire)
    return caught.value.reason


def forged(wire: bytes, **changed: object) -> bytes:
    """The same message with fields of the header changed, signed again with the device's own key."""
    parts = framing.split(wire)
    header = msgspec.structs.replace(msgspec.msgpack.decode(parts.signed, type=Header), **changed)
    return signed_anew(msgspec.msgpack.encode(header), parts.sealed)


def signed_anew(header: bytes, sealed: bytes, version: int = framing.ENVELOPE_VERSION) -> bytes:
    """A message with the device's own signature over whatever it holds."""
    signature = sign(SIGN, *framing.envelope_signs(version, header, sealed))
    return framing.join(framing.Parts(version, header, sealed, signature))


def test_the_agency_reads_what_the_unit_sealed() -> None:
    """What comes out is equal to what went in, and the header says from whom and in which place."""
    envelope = sealed()
    opened = opener().open(DEVICE, envelope.wire)
    assert opened.labeled == labeled_read()
    assert (opened.header.device, opened.header.epoch, opened.header.seq) == (DEVICE, "e1", 7)
    assert opened.wire_sha256 == hashlib.sha256(envelope.wire).digest()


def test_numpy_numbers_in_a_read_are_sealed_as_numbers() -> None:
    """Detectors leave numpy scalars behind; they must not stop a read at the last step."""
    labeled = labeled_read()
    best = msgspec.structs.replace(labeled.read.best, confidence=np.float32(0.5))
    labeled = msgspec.structs.replace(labeled, read=msgspec.structs.replace(labeled.read, best=best))
    envelope = sealer().seal(msgspec.structs.replace(release(), labeled=labeled), SLOT)
    assert opener().open(DEVICE, envelope.wire).labeled.read.best.confidence == 0.5


def test_the_envelope_carries_what_the_outbox_needs() -> None:
    """Expiry, read id and slot stand beside the wire bytes and agree with what was sealed."""
    envelope = sealed()
    assert (envelope.slot, envelope.read_id, envelope.hit) == (SLOT, "r-1", False)
    assert envelope.expires == labeled_read().label.delete_after


def test_no_plate_can_be_seen_in_the_wire_bytes() -> None:
    """Neither in clear nor under compression alone; the control shows that the search would find it."""

    envelope = sealer().seal(release(text="CANARY7X"), SLOT)
    known = framing.known_text(msgspec.msgpack.decode(framing.split(envelope.wire).signed, type=Header))

    def visible(data: bytes) -> bool:
        if b"CANARY7X" in data:
            return True
        begins = (begin for begin, byte in enumerate(data) if byte == compact.FORM)
        for at, end in ((begin, end) for begin in begins for end in range(begin + 100, len(data) + 1)):
            with contextlib.suppress(EnvelopeError):
                if b"CANARY7X" in compact.restore(data[at:end], known, 100_000):
                    return True
        return False

    packed = compact.shrink(msgspec.json.encode(labeled_read(text="CANARY7X")), known)
    assert visible(b"before" + packed + b"behind")
    assert not visible(envelope.wire)


def test_equal_reads_make_different_bytes() -> None:
    """Nobody can tell from two messages that the same vehicle passed twice."""
    first, second = framing.split(sealed().wire), framing.split(sealed().wire)
    assert first.sealed != second.sealed
    assert msgspec.msgpack.decode(first.signed, type=Header).commitment != (
        msgspec.msgpack.decode(second.signed, type=Header).commitment
    )


def test_texts_of_any_length_weigh_about_the_same() -> None:
    """The sealed part comes in whole blocks, so its length does not name the plate."""
    lengths = {len(framing.split(sealer().seal(release(text=text), SLOT).wire).sealed) % 32 for text in ("A1", "ABC1234")}
    assert len(lengths) == 1


def test_every_single_bit_change_is_refused() -> None:
    """Whatever bit of a stored or travelling message flips, it is refused with a named reason and opened by nobody."""
    wire = sealed().wire
    reasons = set()
    for at in range(len(wire)):
        for bit in range(8):
            changed = bytearray(wire)
            changed[at] ^= 1 << bit
            reasons.add(reason(bytes(changed)))
    assert reasons <= {"framing", "version", "signature"}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_with_a_reason(data: bytes) -> None:
    """No input makes the verifier fail in a way of its own."""
    assert reason(data) in {"framing", "version", "size", "signature"}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
@example(b"\x9d\x01\xa4read\xa3\xed\xa0\x80")
@example(b"\x91" * 5000)
def test_even_signed_nonsense_is_refused_with_a_reason(data: bytes) -> None:
    """A device's key does not make its bytes believed."""
    assert reason(signed_anew(data, b"sealed")) == "header"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"version": 1}, "header"),
        ({"version": 3}, "header"),
        ({"kind": "image"}, "header"),
        ({"device": "pole-8"}, "device"),
        ({"agency": "otherville"}, "agency"),
        ({"sign_key": bytes(8)}, "sign-key"),
        ({"sealed_sha256": bytes(32)}, "header"),
        ({"seal_key": bytes(8)}, "seal-key"),
        ({"seq": 8}, "seal"),
        ({"epoch": "e2"}, "seal"),
        ({"commitment": bytes(32)}, "commitment"),
        ({"delete_after": labeled_read(lives=timedelta(days=99)).label.delete_after}, "commitment"),
    ],
)
def test_a_header_that_says_otherwise_is_refused(change: dict[str, object], expected: str) -> None:
    """Even the device itself cannot move a sealed read to another place, key, owner or expiry."""
    assert reason(forged(sealed().wire, **change)) == expected


def test_another_key_is_not_the_devices() -> None:
    """A message signed with a key that is not enrolled for the device is refused."""
    assert reason(sealed(sign_key=OTHER).wire) == "signature"


def test_a_device_that_is_not_enrolled_is_refused() -> None:
    """Without a public key nobody is believed."""
    assert reason(sealed().wire, device="stranger") == "unknown-device"


def test_a_read_sealed_to_another_agency_stays_sealed() -> None:
    """A different private key does not open it, under its own name or under the right one."""
    assert reason(sealed(agency_seal=OTHER.public_key()).wire) == "seal-key"
    wire = forged(sealed(agency_seal=OTHER.public_key()).wire, seal_key=key_id(SEAL.public_key()))
    assert reason(wire) == "seal"


def test_old_and_new_keys_work_side_by_side() -> None:
    """Keys of both ends can be replaced while reads are in flight."""
    both = opener(device_keys={DEVICE: enrolled(OTHER.public_key(), SIGN.public_key())}.get, seal_keys=[OTHER, SEAL])
    for wire in (sealed().wire, sealed(sign_key=OTHER, agency_seal=OTHER.public_key()).wire):
        assert both.open(DEVICE, wire).labeled == labeled_read()


def test_a_rewritten_signature_is_refused() -> None:
    """The second valid form of an ECDSA signature would make other bytes under the same number: a false alarm."""
    parts = framing.split(sealed().wire)
    s = _ORDER - int.from_bytes(parts.signature[32:], "big")
    twin = msgspec.structs.replace(parts, signature=parts.signature[:32] + s.to_bytes(32, "big"))
    assert reason(framing.join(twin)) == "signature"


def test_a_receipt_signature_does_not_pass_for_an_envelope() -> None:
    """A signature is good for one kind of message only."""
    parts = framing.split(sealed().wire)
    for message in (parts.signed, parts.signed + hashlib.sha256(parts.sealed).digest()):
        other = msgspec.structs.replace(parts, signature=sign(SIGN, framing.RECEIPT_DOMAIN, message))
        assert reason(framing.join(other)) == "signature"


def test_a_message_cannot_pass_for_one_of_another_version() -> None:
    """What the signature covers differs, and so does its domain."""
    parts = framing.split(sealed().wire)
    assert reason(framing.join(msgspec.structs.replace(parts, version=1))) == "signature"


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param(lambda wire: wire + b"\xc0", id="something after it"),
        pytest.param(lambda wire: wire[:-1], id="cut short"),
        pytest.param(lambda wire: b"\xdc\x00\x04" + wire[1:], id="a longer way to say four"),
        pytest.param(lambda wire: wire[:1] + b"\xcc\x02" + wire[2:], id="a longer way to say two"),
        pytest.param(lambda wire: b"\x95" + wire[1:] + b"\xc0", id="a fifth part"),
    ],
)
def test_a_message_has_one_spelling(spelling: object) -> None:
    """Bytes that mean the same but differ would be two reads under one number."""
    assert reason(spelling(sealed().wire)) == "framing"  # type: ignore[operator]


def test_a_message_that_is_too_large_is_not_looked_at() -> None:
    """The limit holds before anything is parsed."""
    assert reason(b"\x94" + bytes(framing.WIRE_LIMIT_BYTES)) == "size"


def test_a_unit_seals_only_its_own_reads() -> None:
    """A read that names another device is refused before it gets a signature."""
    with pytest.raises(EnvelopeError, match="another device"):
        sealer().seal(release(device="pole-8"), SLOT)


def test_one_read_can_be_proved_without_a_private_key() -> None:
    """Header and signature, with salt and content disclosed, convince a court that has the device's public key only."""
    envelope = sealed()
    verified = verify(DEVICE, envelope.wire, KEYS)
    bundle = SUITE.decrypt(verified.sealed, SEAL, info=framing.header_info(verified.header))
    salt, plaintext = framing.unpack(bundle, framing.known_text(verified.header))
    assert framing.commitment(salt, plaintext) == verified.header.commitment
    assert open_sealed(verified, [SEAL]) == labeled_read()


def test_no_error_quotes_the_content() -> None:
    """A sealed content that is no labelled read is refused in words that hold none of it, causes included."""
    plaintext = b'{"read": "CANARY7X"}'
    salt = bytes(16)
    header = msgspec.msgpack.decode(framing.split(sealed().wire).signed, type=Header)
    bundle = framing.pack(salt, compact.shrink(plaintext, framing.known_text(header)))
    sealed_part = SUITE.encrypt(bundle, SEAL.public_key(), info=framing.header_info(header))
    committed = msgspec.structs.replace(header, commitment=framing.commitment(salt, plaintext))
    wire = signed_anew(msgspec.msgpack.encode(committed), sealed_part)
    with pytest.raises(EnvelopeError) as caught:
        opener().open(DEVICE, wire)
    assert caught.value.reason == "plaintext"
    assert caught.value.__cause__ is None
    assert "CANARY" not in str(caught.value)


PARTY, STRANGER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
TO_BOTH = {"otherville": PARTY.public_key(), "hamden": STRANGER.public_key()}


def copy_for(party: str = "otherville", **changed: object) -> bytes:
    envelope = sealer(**changed).seal(release(copies=TO_BOTH), SLOT)
    return next(copy.wire for copy in envelope.copies if copy.party == party)


def party_opener(**changed: object) -> HpkeOpener:
    keys = {DEVICE: enrolled(*KEYS, owner=AGENCY)}
    return opener(**{"agency": "otherville", "device_keys": keys.get, "seal_keys": [PARTY], **changed})


def test_each_party_reads_its_copy_and_the_owner_the_read() -> None:
    """The same labelled read comes out of each, under the same number and the owner's name."""
    envelope = sealer().seal(release(copies=TO_BOTH), SLOT)
    assert [copy.party for copy in envelope.copies] == ["otherville", "hamden"]
    opened = party_opener().open(DEVICE, envelope.copies[0].wire)
    assert opened.labeled == opener().open(DEVICE, envelope.wire).labeled == labeled_read(parties=TO_BOTH)
    header = opened.header
    assert (header.kind, header.agency, header.owner, header.epoch, header.seq) == ("copy", "otherville", AGENCY, "e1", 7)


def test_nobody_opens_what_is_for_another() -> None:
    """Neither the owner a copy, nor a party the read or another's copy, nor the unit's own key any of them; the label of a
    message that was readdressed by the device itself does not help."""
    envelope = sealer().seal(release(copies=TO_BOTH), SLOT)
    for wire, rightful in ((envelope.wire, SEAL), (envelope.copies[0].wire, PARTY), (envelope.copies[1].wire, STRANGER)):
        verified = verify(DEVICE, wire, KEYS)
        for key in (SEAL, PARTY, STRANGER, SIGN, OTHER):
            if key is rightful:
                assert open_sealed(verified, [key]) == labeled_read(parties=TO_BOTH)
                continue
            renamed = msgspec.structs.replace(verified.header, seal_key=key_id(key.public_key()))
            with pytest.raises(EnvelopeError) as caught:
                open_sealed(msgspec.structs.replace(verified, header=renamed), [key])
            assert caught.value.reason == "seal"


def test_a_release_without_copies_makes_none_and_weighs_the_same() -> None:
    """The owner's message names no owner beside the addressee, and nothing in it grows with the number of parties but the
    label, which names them."""
    assert sealed().copies == ()
    header = msgspec.msgpack.decode(framing.split(sealed().wire).signed, type=Header)
    assert (header.kind, header.owner, header.belongs_to) == ("read", None, AGENCY)


def test_copies_of_one_read_show_no_likeness() -> None:
    """Each has a salt and a commitment of its own, so one party's cannot be held against another's."""
    envelope = sealer().seal(release(copies=TO_BOTH), SLOT)
    wires = (envelope.wire, *(copy.wire for copy in envelope.copies))
    headers = [msgspec.msgpack.decode(framing.split(wire).signed, type=Header) for wire in wires]
    assert len({header.commitment for header in headers}) == len({framing.split(wire).sealed for wire in wires}) == 3
    assert len({header.previous for header in headers}) == 1


def test_a_party_without_a_usable_key_stops_the_seal() -> None:
    """Packs refuse such a paper at load; should one come this far, nothing is sealed to nobody."""
    made = release(copies={"otherville": PARTY.public_key()})
    with pytest.raises(EnvelopeError, match="party `otherville`"):
        sealer().seal(msgspec.structs.replace(made, copies=(CopyFor(party="otherville", seal_key="none"),)), SLOT)


def test_every_single_bit_change_of_a_copy_is_refused() -> None:
    """A copy is as well guarded as the read."""
    wire = copy_for()
    for at in range(len(wire)):
        changed = bytearray(wire)
        changed[at] ^= 1 << at % 8
        assert reason(bytes(changed), party_opener()) in {"framing", "version", "signature"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"agency": "hamden"}, "agency"),
        ({"agency": AGENCY}, "header"),
        ({"owner": "hamden"}, "owner"),
        ({"owner": "otherville"}, "header"),
        ({"owner": None}, "header"),
        ({"kind": "read"}, "header"),
        ({"kind": "read", "owner": None}, "owner"),
        ({"seq": 8}, "seal"),
        ({"delete_after": labeled_read(lives=timedelta(days=99)).label.delete_after}, "commitment"),
    ],
)
def test_a_copy_whose_header_says_otherwise_is_refused(change: dict[str, object], expected: str) -> None:
    """Even its own device cannot make it another owner's, another party's, or the party's own read."""
    assert reason(forged(copy_for(), **change), party_opener()) == expected


def test_another_owners_device_of_the_same_name_is_another_device() -> None:
    """Each key speaks for its owner's reads: neither can send the party's own reads, nor copies in the other's name."""
    keys = {DEVICE: [*enrolled(OTHER.public_key()), *enrolled(*KEYS, owner=AGENCY)]}
    both = party_opener(device_keys=keys.get)
    assert both.open(DEVICE, copy_for()).header.owner == AGENCY
    assert reason(copy_for(sign_key=OTHER), both) == "owner"
    swapped = {DEVICE: [*enrolled(*KEYS), *enrolled(OTHER.public_key(), owner=AGENCY)]}
    assert reason(copy_for(), party_opener(device_keys=swapped.get)) == "owner"


def test_a_copy_is_refused_unless_its_label_admits_the_party_now() -> None:
    """A unit that seals to somebody whom its own label does not admit is not believed."""
    made = release(copies={"otherville": PARTY.public_key()})
    for parties in ((), ("hamden",)):
        wrong = msgspec.structs.replace(made, labeled=labeled_read(parties=parties))
        assert reason(sealer().seal(wrong, SLOT).copies[0].wire, party_opener()) == "recipient"
    later = made.labeled.label.recipients[-1]
    asks = msgspec.structs.replace(later, now=False, doors=(("request",),))
    label = msgspec.structs.replace(made.labeled.label, recipients=(asks,))
    wrong = msgspec.structs.replace(made, labeled=msgspec.structs.replace(made.labeled, label=label))
    assert reason(sealer().seal(wrong, SLOT).copies[0].wire, party_opener()) == "recipient"


def test_a_read_labelled_for_another_owner_is_refused() -> None:
    """Who captured it and whose the label says it is must be one."""
    labeled = labeled_read()
    made = msgspec.structs.replace(labeled, label=msgspec.structs.replace(labeled.label, owner="otherville"))
    assert reason(sealer().seal(msgspec.structs.replace(release(), labeled=made), SLOT).wire) == "content"


def test_a_header_of_one_version_in_a_frame_of_another_is_refused() -> None:
    """Signed or not: version 1 holds the hash of the sealed part, version 2 signs it unsent."""
    parts = framing.split(sealed().wire)
    header = msgspec.msgpack.decode(parts.signed, type=Header)
    digest = hashlib.sha256(parts.sealed).digest()
    for says, holds, frame in ((2, None, 1), (1, digest, 2), (1, None, 1), (2, digest, 2)):
        changed = msgspec.structs.replace(header, version=says, sealed_sha256=holds)
        assert reason(signed_anew(msgspec.msgpack.encode(changed), parts.sealed, frame)) == "header"
    old = msgspec.structs.replace(header, version=1, sealed_sha256=bytes(32))
    assert reason(signed_anew(msgspec.msgpack.encode(old), parts.sealed, 1)) == "sealed"


def test_the_schema_files_are_those_of_the_structs() -> None:
    """What other languages build from is never older than the code."""
    written = {path.name: path.read_text(encoding="utf-8") for path in Path(schema.FOLDER).glob("*.json")}
    assert written == schema.documents()


def test_every_reference_in_the_schema_files_leads_somewhere() -> None:
    """The documents are whole: no name points at nothing."""
    for text in schema.documents().values():
        document = json.loads(text)
        references = re.findall(r'"\$ref": "#/([^"]+)"', text)
        assert references
        for reference in references:
            found = document
            for step in reference.split("/"):
                found = found[step]
