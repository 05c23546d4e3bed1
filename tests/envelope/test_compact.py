"""A read weighs little on the wire, and what was packed comes out as it was."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.envelope import compact
from edge.envelope.precision import rounded
from edge.envelope.seal import HpkeSealer
from edge.envelope.wire import PLAINTEXT_LIMIT_BYTES
from edge.errors import EnvelopeError
from edge.policy.load import load_pack
from edge.records import LabeledRead, Option, Release, Slot
from tests.envelope.make_dictionary import sample
from tests.labeled import START, labeled_read

KNOWN = compact.known_text(owner="milltown", device="pole-7", created=START, delete_after=START + timedelta(days=14))
HASH, ID = "0123456789abcdef" * 4, "a93f5e4a-fa85-43e0-88bf-66a6ebe9d0d0"

words = st.text() | st.from_regex(r"\A[0-9a-f-]{0,80}\Z") | st.sampled_from([HASH, HASH[:33], ID, ID.replace("-", "")])
values = st.recursive(
    words | st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(words, inner, max_size=8),
    max_leaves=40,
)


def packed(text: bytes) -> bytes:
    return compact.shrink(text, KNOWN)


def restored(data: bytes, limit: int = PLAINTEXT_LIMIT_BYTES) -> bytes:
    return compact.restore(data, KNOWN, limit)


def refusal(data: bytes, limit: int = PLAINTEXT_LIMIT_BYTES) -> str:
    with pytest.raises(EnvelopeError) as caught:
        restored(data, limit)
    return caught.value.reason


@settings(max_examples=300, deadline=None)
@given(values, st.integers(0, 40))
def test_every_json_comes_back_byte_for_byte(value: object, zeros: int) -> None:
    """Whatever stands in it, hashes and ids of any length among it, and with the zeros that fill a block behind it."""
    text = msgspec.json.encode(value)
    assert restored(packed(text) + bytes(zeros)) == text


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_with_a_reason(data: bytes) -> None:
    """Signed and sealed nonsense makes neither a text too long nor an error of another kind."""
    for start in (b"", bytes((compact.FORM,)), bytes((compact.FORM, 0)), b"\x78\x9c"):
        try:
            assert len(restored(start + data, 1000)) <= 1000
        except EnvelopeError as error:
            assert error.reason in {"form", "bundle"}


def test_a_form_that_is_not_known_is_refused_by_name() -> None:
    """A unit that is newer than its agency's end is told apart from damage: the cure is an upgrade."""
    text = packed(b"{}")
    assert refusal(bytes((compact.FORM + 1,)) + text[1:]) == "form"
    assert refusal(b"") == "form"


def test_nothing_inflates_beyond_the_limit() -> None:
    """Neither a stream of zeros nor a text that names a long value again and again, however small it is."""
    long_run = msgspec.json.encode("0" * 10 * PLAINTEXT_LIMIT_BYTES)
    assert len(packed(long_run)) < PLAINTEXT_LIMIT_BYTES
    assert refusal(packed(long_run)) == "bundle"
    repeated = msgspec.json.encode(["89abcdef" * 31] * 2000)
    assert len(packed(repeated)) < 2000
    assert restored(packed(repeated), 1 << 20) == repeated
    assert refusal(packed(repeated)) == "bundle"


def test_a_header_of_another_read_unpacks_to_something_else() -> None:
    """The header's own words are part of the dictionary; the commitment tells the difference."""
    text = msgspec.json.encode(labeled_read())
    other = compact.known_text(owner="hamden", device="pole-7", created=START, delete_after=START)
    try:
        assert compact.restore(packed(text), other, PLAINTEXT_LIMIT_BYTES) != text
    except EnvelopeError as error:
        assert error.reason == "bundle"


def test_what_both_ends_know_depends_on_no_time_zone() -> None:
    """The header brings times back in UTC, whatever zone they were written in."""
    east = START.astimezone(timezone(timedelta(hours=5)))
    assert compact.known_text(owner="a", device="b", created=east, delete_after=east) == (
        compact.known_text(owner="a", device="b", created=START, delete_after=START)
    )


def weight(labeled: LabeledRead) -> int:
    """Bytes on the wire for the owner."""
    capture, key = labeled.capture, ec.generate_private_key(ec.SECP256R1())

    def soon() -> datetime:
        return labeled.read.last.utc + timedelta(milliseconds=300)

    sealer = HpkeSealer(device=capture.device, agency=capture.agency, sign_key=key, agency_seal=key.public_key(), now=soon)
    slot = Slot(epoch="20261120T120000Z-f06786f4", seq=123_456, previous=bytes(32))
    return len(sealer.seal(Release(labeled=labeled, rules=()), slot).wire)


def passing(number: int, labeled: LabeledRead) -> LabeledRead:
    """A pass as a unit in Connecticut sees it: a plate, place, size and moment of its own, and one doubtful character."""
    chance = np.random.default_rng(number)
    replace = msgspec.structs.replace
    text = "".join(chance.choice(list("ABCDEFGHJKLMNPRSTUVWXYZ0123456789"), 7))
    x, y, w, h = (float(value) for value in chance.uniform((0, 300, 80, 30), (1000, 650, 220, 110)))
    at = datetime(2026, 12, 24, 10, 0, tzinfo=timezone.utc) + timedelta(seconds=float(chance.uniform(0, 30_000)))
    boot = int(chance.integers(10**13, 10**14))
    characters = [
        replace(each, character=character, confidence=float(chance.uniform(0.9999, 1.0)), alternatives=())
        for each, character in zip(labeled.read.characters, text, strict=True)
    ]
    doubtful = int(chance.integers(7))
    other = Option(character="I", probability=float(chance.uniform(0.001, 0.1)))
    characters[doubtful] = replace(characters[doubtful], confidence=1 - other.probability, alternatives=(other,))
    first = replace(labeled.read.first, utc=at, boottime_ns=boot, boot_id=ID)
    corners = [
        (float(px + chance.normal()), float(py + chance.normal()))
        for px, py in ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
    ]
    best = replace(
        labeled.read.best,
        box=replace(labeled.read.best.box, x=x, y=y, w=w, h=h),
        corners=tuple(corners),
        confidence=float(chance.uniform(0.6, 1)),
    )
    read = replace(
        labeled.read,
        id=chance.bytes(16).hex(),
        text=text,
        raw_texts=(text,),
        confidence=float(chance.uniform(0.9, 1)),
        region_confidence=float(chance.uniform(0.8, 1)),
        characters=tuple(characters),
        readings=int(chance.integers(3, 12)),
        frames=int(chance.integers(10, 60)),
        first=first,
        last=replace(first, utc=at + timedelta(seconds=1.3), boottime_ns=boot + 1_300_123_456),
        first_s=float(chance.uniform(0, 5000)),
        last_s=float(chance.uniform(0, 5000)),
        plate_width_px=w,
        best=best,
    )
    capture = replace(labeled.capture, device="ct-cruiser-12", agency="hartford-pd", camera="front-left")
    label = replace(labeled.label, owner="hartford-pd", delete_after=at + timedelta(days=20))
    return replace(labeled, read=read, capture=capture, label=label)


def of_its_own(labeled: LabeledRead) -> LabeledRead:
    """The same under models and a pack whose hashes nobody knew when the dictionary was made."""
    replace = msgspec.structs.replace
    layers = tuple(replace(layer, sha256="ab12" * 16) for layer in labeled.label.layers)
    return replace(
        labeled,
        capture=replace(labeled.capture, detector_sha256="cd34" * 16, recognizer_sha256="ef56" * 16),
        label=replace(labeled.label, layers=layers, pack_sha256="ab12" * 16),
    )


def test_a_plain_read_for_one_owner_weighs_at_most_800_bytes() -> None:
    """With models and a pack that the dictionary does not know, in the median; with those that it does, some 80 bytes less.
    Without it a read under Connecticut's pack was 2,100."""
    base = sample(load_pack("us-ct"), None, "gps", "US-CT")
    own = sorted(weight(of_its_own(passing(number, base))) for number in range(41))
    assert own[20] <= 800
    assert own[-1] <= 840


def test_numbers_are_no_finer_than_what_they_measure() -> None:
    """Shares have 4 decimals, pixels 1, seconds 3, degrees 6; a radius is rounded up, and numpy's numbers become plain."""
    labeled = labeled_read()
    replace = msgspec.structs.replace
    read = replace(labeled.read, confidence=np.float32(0.123456), first_s=1.23456789, plate_width_px=np.float64(99.96))
    assert labeled.capture.position is not None
    position = replace(labeled.capture.position, latitude=41.123456789, accuracy_m=4.92)
    made = rounded(replace(labeled, read=read, capture=replace(labeled.capture, position=position)))
    assert (made.read.confidence, made.read.first_s, made.read.plate_width_px) == (0.1235, 1.235, 100.0)
    assert made.capture.position is not None
    assert (made.capture.position.latitude, made.capture.position.accuracy_m) == (41.123457, 5.0)
    assert type(made.read.confidence) is float
    assert made.label == labeled.label
    assert rounded(made) == made or made.capture.position.accuracy_m >= position.accuracy_m
