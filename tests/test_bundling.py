"""A bundle is made of what a unit can use, and names the hot lists that lie there, byte for byte."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edge.bundling import Order, list_digest, make_bundle, sign_bundle, unpack
from edge.config import HotListConfig
from edge.errors import ConfigError, PolicyError
from edge.hotlist.load import load_hotlist
from edge.policy.bundle import ListDigest, load, read
from edge.policy.load import bundled_packs
from tests.hotlist.lists import AGE, keyed, sha256, stamped
from tests.policy.bundles import forged, reframed
from tests.policy.situations import NOW, US_CT, instant, pack_text

ROW = "TEST1,US-CT,NCIC,stolen-vehicle,stolen in Hartford,X,2026-10-31,"
AGENCY = """
[identity]
id = "hartford"
layer = "agency"
version = "1"
title = "Hartford"
jurisdiction = "US-CT"
statute = "none: the agency's choice"
effective_from = 2026-10-01T00:00:00Z
prepared_on = 2026-10-01
note = "for a test"

[[retention]]
id = "hartford-7-days"
clause = "none: the agency's choice"
evidence = "choice"
verified = false
words = "Reads are kept a week."
applies_to = "any"
longest = { days = 7 }
"""
AGREEMENT = f"""
[[agreements]]
party = "albany-pd"
recipient = "out-of-state-law-enforcement"
jurisdiction = "US-NY"
satisfies = ["declaration"]
text_sha256 = "{"a" * 64}"
signed_by = ["A. Chief", "B. Chief"]
starts = 2026-10-01T00:00:00Z
ends = 2027-10-01T00:00:00Z
"""


def order(*packs: str, **more: Any) -> Order:
    plain: dict[str, Any] = {"agreements": None, "zones": None, "lists": (), "list_key": None, "devices": ()}
    return Order(packs=packs, counter=1, expires=NOW.replace(year=2027), **{**plain, **more})


def test_layers_narrow_the_pack_as_they_do_in_plain_files(tmp_path: Path) -> None:
    """The state's pack by name, the agency's layer and its agreements by path; what is unpacked is what went in."""
    layer, papers = tmp_path / "hartford.toml", tmp_path / "agreements.toml"
    layer.write_text(AGENCY)
    papers.write_text(AGREEMENT)
    data = make_bundle(order("us-ct", str(layer), agreements=papers), NOW)
    pack = load(read(data)).pack
    assert [paper.party for paper in pack.agreements] == ["albany-pd"]
    assert [each.says.identity.id for each in pack.layers] == ["us-ct", "hartford"]
    assert "hartford-7-days" in {rule.id for rule in pack.retention}
    unpack(data, tmp_path / "out")
    assert (tmp_path / "out" / "hartford.toml").read_text() == AGENCY
    assert (tmp_path / "out" / "us-ct.toml").read_text() == pack_text()


def test_every_pack_that_comes_with_the_program_can_be_bundled() -> None:
    """Each loads, and passes its own cases, out of a bundle too."""
    for name in bundled_packs():
        assert load(read(make_bundle(order(name), NOW))).pack.identity.id == name


def test_nobody_makes_or_signs_a_bundle_whose_pack_fails_its_own_cases(tmp_path: Path) -> None:
    """Neither the first person nor the second, whatever the first one let through."""
    wrong = tmp_path / "us-ct.toml"
    wrong.write_text(pack_text(('expect = "release"', 'expect = "withhold"')))
    with pytest.raises(PolicyError, match="expected withhold, got release"):
        make_bundle(order(str(wrong)), NOW)
    good = make_bundle(order("us-ct"), NOW)
    text = wrong.read_bytes()
    entry = msgspec.to_builtins(read(good).manifest.files[0])
    entry |= {"size": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    let_through = reframed(forged(good, (), files=[entry]), files=[text])
    with pytest.raises(PolicyError, match="expected withhold, got release"):
        sign_bundle(let_through, ec.generate_private_key(ec.SECP256R1()))


def test_a_bundle_names_plain_and_compiled_lists_as_they_lie_on_the_unit(tmp_path: Path) -> None:
    """With their own name, version and date; the unit then takes exactly these."""
    key = tmp_path / "list.key"
    for path, secret in ((stamped(tmp_path, ROW), None), (keyed(tmp_path, key, ROW, name="secret.csv"), key)):
        named = list_digest(path, secret)
        name = "list" if secret is None else "secret"
        assert named == ListDigest(name=name, version="7", issued=NOW - AGE, sha256=sha256(path))
        config = HotListConfig(files=(path,), key=secret)
        assert load_hotlist(config, US_CT, instant(), (named,)).admitted == 1
        with pytest.raises(PolicyError, match="does not name it"):
            load_hotlist(config, US_CT, instant(), ())
    with pytest.raises(ConfigError, match="--list-key"):
        list_digest(tmp_path / "secret.keyed", None)
