"""Hot lists under a policy bundle: the bundle says which may be used, and which they are."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest

from edge.errors import PolicyError
from edge.hotlist.files import stamp_path
from edge.journal import Journal
from edge.policy.bundle import ListDigest
from tests.hotlist.lists import AGE, keyed, load, seen, sha256, stamped
from tests.policy.situations import NOW

STOLEN = "ABC123,CT,NCIC,stolen-vehicle,stolen in Hartford,HPD,2026-10-20,2026-12-01"


def named(path: Path) -> ListDigest:
    return ListDigest(name="ncic", version="2026-11-01.2", issued=NOW - AGE / 2, sha256=sha256(path))


@pytest.mark.parametrize("kind", ["plain", "keyed", "without a stamp"])
def test_a_list_that_the_bundle_names_is_what_the_bundle_says(tmp_path: Path, kind: str) -> None:
    """Its name, version and age are the signed ones, whatever stamp it has."""
    key = tmp_path / "hotlist.key" if kind == "keyed" else None
    path = keyed(tmp_path, key, STOLEN) if key else stamped(tmp_path, STOLEN)
    if kind == "without a stamp":
        stamp_path(path).unlink()
    hit = load(path, key=key, vouched=(named(path),)).match(seen("ABC123"), Journal(io.StringIO()))
    assert hit is not None
    assert (hit.list_name, hit.list_version, hit.list_issued) == ("ncic", "2026-11-01.2", NOW - AGE / 2)
    assert hit.list_sha256 == sha256(path)


def test_a_list_that_the_bundle_does_not_name_is_refused(tmp_path: Path) -> None:
    """Though its stamp be right, and though another version of it be named."""
    path = stamped(tmp_path, STOLEN)
    for vouched in ((), (ListDigest(name="list", version="7", issued=NOW - timedelta(hours=2), sha256="0" * 64),)):
        with pytest.raises(PolicyError, match="bundle does not name it"):
            load(path, vouched=vouched)
