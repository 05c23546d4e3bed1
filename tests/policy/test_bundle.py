"""A bundle is what enough of the right people signed, byte for byte, or it is refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.envelope.signature import sign as sign_bytes
from edge.errors import PolicyError
from edge.policy import bundle as bundles
from edge.policy.bundle import ListDigest, Trust, bundle_file, load, make, read, sign, verify
from tests.policy.bundles import ALICE, BOB, CAROL, MALLORY, TRUST, bundle, files, forged, manifest, reframed
from tests.policy.situations import NOW, US_CT

GOOD = bundle(7)
ONE_TO_SPARE = bundle(7, ALICE, BOB, CAROL)


def parts(data: bytes = GOOD) -> list[object]:
    decoded: list[object] = msgspec.msgpack.decode(data)
    return decoded


def test_what_two_people_signed_says_what_its_files_say() -> None:
    """Pack, zones, hot lists' digests, counter and dates come out as they went in."""
    daily = ListDigest(name="ncic", version="2026-11-01", issued=NOW, sha256="a" * 64)
    taken = verify(bundle(7, ALICE, CAROL, lists=(daily,)), TRUST)
    rules = load(taken)
    assert (taken.manifest.counter, taken.signatures, taken.manifest.lists) == (7, 2, (daily,))
    assert rules.manifest.expires == NOW + timedelta(days=90)
    assert [zone.name for zone in rules.zones] == ["clinic"]
    assert [rule.id for rule in rules.pack.rules()] == [rule.id for rule in US_CT.rules()]


def test_a_second_person_adds_a_signature_and_changes_nothing_else() -> None:
    """The same manifest and files, with one signature more."""
    first = bundle(7, ALICE)
    second = sign(first, BOB)
    assert read(first).sha256 == read(second).sha256
    assert (read(first).signatures, read(second).signatures) == (1, 2)
    with pytest.raises(PolicyError, match="1 of the 2 keys"):
        verify(first, TRUST)
    verify(second, TRUST)


def test_one_person_cannot_sign_twice() -> None:
    """Neither by asking for it, nor by putting two signatures of one key into the file, nor by being trusted twice."""
    first = bundle(7, ALICE)
    with pytest.raises(PolicyError, match="has signed it already"):
        sign(first, ALICE)
    twice = reframed(first, signatures=[sign_bytes(ALICE, bundles._DOMAIN, parts(first)[1]) for _ in range(2)])  # type: ignore[arg-type]
    trusted_twice = Trust(keys=(ALICE.public_key(), ALICE.public_key(), BOB.public_key()), threshold=2, device="unit-1")
    for trust in (TRUST, trusted_twice):
        with pytest.raises(PolicyError, match="1 of the 2 keys"):
            verify(twice, trust)


def of_another_kind(data: bytes) -> bytes:
    """The manifest signed as if it were an envelope."""
    written = msgspec.msgpack.decode(data)[1]
    return reframed(data, signatures=[sign_bytes(key, b"plate-edge envelope v1\0", written) for key in (ALICE, BOB)])


def other_content(data: bytes) -> bytes:
    mine = [files("2026.11.2")[0][2], files()[1][2]]
    return reframed(data, files=mine)


REFUSED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda _: b"", "half-written, damaged or no bundle"),
    "half of it": (lambda b: b[: len(b) // 2], "half-written"),
    "all but its last byte": (lambda b: b[:-1], "half-written"),
    "something after its end": (lambda b: b + b"\0", "half-written"),
    "a pack instead of a bundle": (lambda _: files()[0][2], "no bundle"),
    "more than a unit reads": (lambda b: b + bytes(bundles.LIMIT_BYTES), "are more than"),
    "another format": (lambda b: reframed(b, format="plate-edge bundle 2"), "not of the format"),
    "another framing of the same parts": (lambda b: b.replace(b"\xc4\x40", b"\xc5\x00\x40"), "framed in one way only"),
    "no signature": (lambda b: reframed(b, signatures=[]), "0 of the 2 keys"),
    "one signature": (lambda b: bundle(7, ALICE), "1 of the 2 keys"),
    "a stranger's second signature": (lambda b: bundle(7, ALICE, MALLORY), "1 of the 2 keys"),
    "signatures of something else": (lambda b: reframed(bundle(8), signatures=parts(b)[2]), "0 of the 2 keys"),
    "signatures of another kind of message": (of_another_kind, "0 of the 2 keys"),
    "a signature that is none": (lambda b: reframed(b, signatures=[b"", b"x" * 64, bytes(64)]), "0 of the 2 keys"),
    "a thousand signatures": (lambda b: reframed(b, signatures=[bytes(64)] * 1000), "absurdly large"),
    "an altered manifest": (lambda b: reframed(b, manifest=parts(b)[1].replace(b'"counter":7', b'"counter":9')), "0 of the 2"),  # type: ignore[attr-defined]
    "another file in its place": (other_content, "`us-ct.toml` is not the one that was signed"),
    "its files exchanged": (lambda b: reframed(b, files=parts(b)[3][::-1]), "is not the one that was signed"),  # type: ignore[index]
    "a file too few": (lambda b: reframed(b, files=parts(b)[3][:1]), "names 2 files and it holds 1"),  # type: ignore[index]
    "a file too many": (lambda b: reframed(b, files=[*parts(b)[3], b""]), "names 2 files and it holds 3"),  # type: ignore[misc]
    "one for other units": (lambda b: bundle(7, devices=("unit-2", "unit-3")), "it is for unit-2, unit-3, not for `unit-1`"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_as_it_was_signed_is_refused_with_the_reason(name: str) -> None:
    """Each way of not being right has its own words."""
    spoil, words = REFUSED[name]
    spoilt = spoil(GOOD)
    assert spoilt != GOOD
    with pytest.raises(PolicyError, match=words):
        verify(spoilt, TRUST)


SIGNED_BY_MISTAKE: dict[str, tuple[dict[str, object], str]] = {
    "a counter of nothing": ({"counter": 0}, "counter"),
    "a counter that is text": ({"counter": "8"}, "counter"),
    "an unknown word": ({"threshold": 1}, "threshold"),
    "no expiry": ({"expires": None}, "expires"),
    "an expiry without a time zone": ({"expires": "2027-01-01T00:00:00"}, "expires"),
    "an expiry before its issue": ({"expires": "2020-01-01T00:00:00Z"}, "expires before it was issued"),
    "no files": ({"files": []}, "files"),
    "a path as a file's name": ({"files": [{"role": "layer", "name": "../x", "size": 0, "sha256": "0" * 64}]}, "name"),
    "a role that is none": ({"files": [{"role": "model", "name": "x", "size": 0, "sha256": "0" * 64}]}, "role"),
    "two hot lists of one name": (
        {"lists": [{"name": "a", "version": "1", "issued": "2026-11-01T00:00:00Z", "sha256": "0" * 64}] * 2},
        "2 hot lists `a`",
    ),
}


@pytest.mark.parametrize("name", SIGNED_BY_MISTAKE)
def test_right_signatures_do_not_make_nonsense_right(name: str) -> None:
    """What enough people signed by mistake is refused all the same, and the message names the key."""
    changes, words = SIGNED_BY_MISTAKE[name]
    with pytest.raises(PolicyError, match=words):
        verify(forged(GOOD, (ALICE, BOB), **changes), TRUST)


def test_nobody_signs_what_a_unit_could_not_use() -> None:
    """A pack with an unknown word, zones that cross themselves, two files of zones, no state's layer: not made, not signed."""
    layer, zones = files()
    wrong = {
        "did you mean": (("layer", "us-ct.toml", layer[2].replace(b'"stolen-vehicle"', b'"stolen-vehicel"', 1)), zones),
        "not valid JSON": (layer, ("zones", "zones.geojson", b"{")),
        "2 files of zones": (layer, zones, ("zones", "more.geojson", zones[2])),
        "2 of its files are named": (layer, ("agreements", "us-ct.toml", b"")),
        "exactly one pack must have": (zones,),
    }
    for words, of in wrong.items():
        with pytest.raises(PolicyError, match=words):
            make(manifest(of=of), [each[2] for each in of])  # type: ignore[arg-type]
    with pytest.raises(PolicyError, match="rename the file"):
        bundle_file("layer", "my pack.toml", b"")


@settings(max_examples=300, deadline=None)
@given(st.data())
@example(None)
def test_random_damage_yields_the_same_policy_or_a_refusal(data: st.DataObject | None) -> None:
    """Bytes changed, cut out, put in: never another policy, never another error; a spare signature may be spoilt."""
    spoilt = bytearray(ONE_TO_SPARE)
    if data is not None:
        for _ in range(data.draw(st.integers(1, 4))):
            # Half of the damage falls on the frame and the manifest, which are small beside the files.
            at = data.draw(st.one_of(st.integers(0, len(spoilt)), st.integers(0, min(1200, len(spoilt)))))
            span = data.draw(st.integers(0, 8))
            spoilt[at : at + span] = data.draw(st.binary(max_size=8))
    try:
        rules = load(verify(bytes(spoilt), TRUST))
    except PolicyError:
        assert bytes(spoilt) != ONE_TO_SPARE, "nothing was changed"
        return
    known = load(verify(ONE_TO_SPARE, TRUST))
    assert (rules.manifest, rules.sha256, rules.pack) == (known.manifest, known.sha256, known.pack)
    assert [zone.name for zone in rules.zones] == [zone.name for zone in known.zones]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_a_rightly_signed_manifest_of_any_bytes_never_raises_anything_else(written: bytes, framed: bool) -> None:
    """The parsers behind the signatures hold too: a PolicyError, or a manifest."""
    if framed:
        written = b'{"counter":1,"issued":"2026-11-01T00:00:00Z","expires":' + written
    signatures = [sign_bytes(key, bundles._DOMAIN, written) for key in (ALICE, BOB)]
    with pytest.raises(PolicyError):
        load(verify(reframed(GOOD, manifest=written, signatures=signatures), TRUST))


def test_expiry_is_an_instant() -> None:
    """In force up to it, not at it."""
    says = manifest(days=1)
    end: datetime = says.expires
    assert not says.expired(end - timedelta(microseconds=1))
    assert says.expired(end)
