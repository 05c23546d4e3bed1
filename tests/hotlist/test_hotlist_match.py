"""Hot lists: what is dropped before matching, what matches, and that plates stay where they belong."""

from __future__ import annotations

import gc
import hashlib
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from edge.errors import PolicyError
from edge.hotlist.match import COLUMNS, HotList
from tests.policy.situations import NOW, US_CT, edited_pack

HEADER = ",".join(COLUMNS)
STOLEN = "ab-c 123,CT,NCIC,stolen-vehicle,stolen in Hartford,HPD,2026-10-20,2026-12-01"
BARRED = "ZZTOP99,CT,NCIC,immigration-violator,administrative warrant,ICE,2026-10-20,2026-12-01"


def write(folder: Path, *rows: str, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def load(folder: Path, *rows: str, at: datetime = NOW) -> HotList:
    return HotList.load([write(folder, *rows)], US_CT, at)


def strings_of(root: object) -> set[str]:
    """Every text that can be reached from an object, as the garbage collector sees it."""
    seen: set[int] = set()
    texts: set[str] = set()
    queue: list[Any] = [root]
    while queue:
        item = queue.pop()
        if id(item) in seen or isinstance(item, type) or callable(item):
            continue
        seen.add(id(item))
        if isinstance(item, str):
            texts.add(item)
        queue.extend(item.keys() if isinstance(item, dict) else ())  # the collector skips keys that are texts
        queue.extend(gc.get_referents(item))
    return texts


# name, source, topic, reason, the rule that refuses it (None: admitted)
ENTRIES = [
    ("a stolen car", "NCIC", "stolen-vehicle", "stolen", None),
    ("a stolen plate, written otherwise", "ncic", "Stolen_Plate", "stolen", None),
    ("an abducted child", "NCMEC", "amber-alert", "abduction", None),
    ("the Immigration Violator File", "NCIC", "immigration-violator", "warrant", "ct-hotlist-immigration"),
    ("the file under a harmless topic", "NCIC IVF", "wanted-person", "warrant", "ct-hotlist-immigration"),
    ("a barred source, written otherwise", "ncic_ivf", "wanted-person", "warrant", "ct-hotlist-immigration"),
    ("a removal order", "local", "wanted-person", "Removal  Order", "ct-hotlist-immigration"),
    ("an administrative warrant", "local", "felony-warrant", "ADMINISTRATIVE-WARRANT", "ct-hotlist-immigration"),
    ("287(g)", "local", "wanted-person", "287(g) task", "ct-hotlist-immigration"),
    ("a word that only begins so", "local", "missing-person", "immigrant family looks for son", "ct-hotlist-immigration"),
    ("a word that only contains the letters", "local", "stolen-vehicle", "police service vehicle", None),
    ("a clinic", "local", "wanted-person", "abortion", "ct-hotlist-health-care"),
    ("a protest", "local", "wanted-person", "No Kings protest", "ct-hotlist-speech"),
    ("a topic of no clause", "NCIC", "gang", "member", "ct-hotlist-closed"),
    ("a topic nobody knows", "local", "watch this car", "hunch", "ct-hotlist-closed"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "source", "topic", "reason", "rule"), ENTRIES, ids=[row[0] for row in ENTRIES])
def test_an_entry_is_dropped_before_matching_and_counted_by_rule(
    tmp_path: Path, name: str, source: str, topic: str, reason: str, rule: str | None
) -> None:
    """What the pack does not admit can never match; the count says by which rule, not which plate."""
    hot_list = load(tmp_path, f"ABC123,CT,{source},{topic},{reason},X,2026-10-20,")
    assert (hot_list.match("ABC123", "US-CT", NOW) is None) == (rule is not None)
    assert dict(hot_list.refused) == ({rule: 1} if rule else {})
    assert hot_list.admitted == (0 if rule else 1)


def test_the_loaded_list_keeps_no_refused_plate_in_memory(tmp_path: Path) -> None:
    """Nothing reachable from the list holds a barred or expired plate; the admitted one is there, so the search works."""
    hot_list = load(tmp_path, STOLEN, BARRED, "OLD111,CT,NCIC,stolen-vehicle,old,X,2026-01-01,2026-10-31")
    texts = strings_of(hot_list)
    assert any("ABC123" in text for text in texts)
    assert not [text for text in texts if "ZZT" in text or "OLD111" in text]
    assert dict(hot_list.refused) == {"ct-hotlist-immigration": 1, "engine-hotlist-expired": 1}


# name, text, region, exact (None: no hit)
MATCHES = [
    ("the list's own text", "ABC123", "US-CT", True),
    ("an unknown region", "ABC123", "unknown", True),
    ("no region", "ABC123", "", True),
    ("another region", "ABC123", "US-NY", False),
    ("another text", "ABC124", "US-CT", None),
    ("part of the text", "ABC12", "US-CT", None),
    ("an O for a 0", "HO0T0", "US-CT", False),
    ("the very O and 0", "H0OT0", "US-CT", True),
    ("an empty read", "", "US-CT", None),
]


@pytest.mark.parametrize(("name", "text", "region", "exact"), MATCHES, ids=[row[0] for row in MATCHES])
def test_a_read_matches_exactly_or_says_that_it_does_not(
    tmp_path: Path, name: str, text: str, region: str, exact: bool | None
) -> None:
    """O and 0 are one character, another state is a doubt; both are marked, and a person always confirms."""
    hot_list = load(tmp_path, STOLEN, "H0OT0,US-CT,NCIC,stolen-plate,stolen,X,2026-10-20,")
    hit = hot_list.match(text, region, NOW)
    assert (hit.exact if hit else None) == exact
    assert hit is None or hit.to_be_confirmed


def test_an_exact_hit_comes_before_a_doubtful_one(tmp_path: Path) -> None:
    """Where two entries fit, the better one is told."""
    hot_list = load(tmp_path, "AB0,NY,A,stolen-plate,other state,X,2026-10-20,", "AB0,CT,B,stolen-plate,own,X,2026-10-20,")
    hit = hot_list.match("AB0", "US-CT", NOW)
    assert hit is not None
    assert (hit.source, hit.exact) == ("B", True)


def test_a_pack_may_demand_that_the_state_agrees(tmp_path: Path) -> None:
    """Then another state is no hit at all."""
    pack = edited_pack(tmp_path, ('region = "mark-inexact"', 'region = "must-agree"'))
    hot_list = HotList.load([write(tmp_path, STOLEN)], pack, NOW)
    assert hot_list.match("ABC123", "US-NY", NOW) is None
    assert hot_list.match("ABC123", "US-CT", NOW) is not None


def test_an_entry_matches_through_its_last_day_and_not_after(tmp_path: Path) -> None:
    """A list that was loaded in time still stops matching when its entry expires."""
    hot_list = load(tmp_path, STOLEN)
    assert hot_list.match("ABC123", "", datetime(2026, 12, 1, 23, 59, tzinfo=timezone.utc)) is not None
    assert hot_list.match("ABC123", "", datetime(2026, 12, 2, tzinfo=timezone.utc)) is None


def test_a_hit_says_where_it_comes_from(tmp_path: Path) -> None:
    """Source, topic, reason, who entered it, and the hash of the very list."""
    path = write(tmp_path, STOLEN)
    hit = HotList.load([path], US_CT, NOW).match("ABC123", "US-CT", NOW)
    assert hit is not None
    assert (hit.source, hit.topic, hit.reason, hit.entered_by) == ("NCIC", "stolen-vehicle", "stolen in Hartford", "HPD")
    assert hit.list_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_several_lists_are_one(tmp_path: Path) -> None:
    """Each list is matched, and a unit without lists matches nothing."""
    files = [write(tmp_path, STOLEN), write(tmp_path, "XYZ9,,L,missing-person,lost,X,2026-10-20,", name="b.csv")]
    hot_list = HotList.load(files, US_CT, NOW)
    assert hot_list.admitted == 2
    assert hot_list.match("XYZ9", "US-VT", NOW) is not None
    assert HotList.load([], US_CT, NOW).match("XYZ9", "US-VT", NOW) is None


# name, the row (its plate is QQ7QQ7), what the message must name
MALFORMED = [
    ("too few columns", "QQ7QQ7,CT", "line 3 has 2 columns"),
    ("too many columns", STOLEN.replace("ab-c 123", "QQ7QQ7") + ",x", "line 3 has 9 columns"),
    ("no plate", ",CT,NCIC,stolen-vehicle,r,X,2026-10-20,", "line 3, column `plate`"),
    ("a plate of signs", "---,CT,NCIC,stolen-vehicle,QQ7QQ7,X,2026-10-20,", "line 3, column `plate`"),
    ("no reason", "QQ7QQ7,CT,NCIC,stolen-vehicle,,X,2026-10-20,", "line 3, column `reason`"),
    ("nobody entered it", "QQ7QQ7,CT,NCIC,stolen-vehicle,r,,2026-10-20,", "line 3, column `entered_by`"),
    ("a region in words", "QQ7QQ7,Connecticut!,NCIC,stolen-vehicle,r,X,2026-10-20,", "line 3, column `region`"),
    ("an American date", "QQ7QQ7,CT,NCIC,stolen-vehicle,r,X,10/20/2026,", "line 3, column `entered_on`"),
    ("a day that is not", "QQ7QQ7,CT,NCIC,stolen-vehicle,r,X,2026-02-30,", "line 3, column `entered_on`"),
    ("columns that slipped", "CT,NCIC,stolen-vehicle,r,X,2026-10-20,QQ7QQ7,", "line 3, column `region`"),
    ("a plate where a date belongs", "X,CT,NCIC,stolen-vehicle,r,X,2026-10-20,QQ7QQ7", "line 3, column `expires_on`"),
    ("expired before it was entered", "QQ7QQ7,CT,N,stolen-vehicle,r,X,2026-10-20,2026-10-01", "line 3, column `expires_on`"),
    ("a lost quotation mark", '"QQ7QQ7"x,CT,NCIC,stolen-vehicle,r,X,2026-10-20,', "line 3 is not valid CSV"),
    ("a reason without end", f"QQ7QQ7,CT,NCIC,stolen-vehicle,{'r' * 1001},X,2026-10-20,", "line 3, column `reason`"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "said"), MALFORMED, ids=[row[0] for row in MALFORMED])
def test_a_malformed_row_is_refused_with_line_and_column_but_no_plate(tmp_path: Path, name: str, row: str, said: str) -> None:
    """The whole list is refused; neither the message nor any error behind it shows the plate."""
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, STOLEN, row)
    assert said in str(caught.value)
    assert "list.csv" in str(caught.value)
    error: BaseException | None = caught.value
    while error is not None:
        assert "QQ7QQ7" not in str(error)
        error = error.__cause__


def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    """Another header, other bytes and a missing file are refused, not skipped."""
    path = tmp_path / "list.csv"
    for content, said in (
        (b"plate,state\n", "line 1 must name"),
        (b"", "line 1 must name"),
        (HEADER.encode() + b"\n\xff\xfe", "UTF-8"),
    ):
        path.write_bytes(content)
        with pytest.raises(PolicyError, match=said):
            HotList.load([path], US_CT, NOW)
    with pytest.raises(PolicyError, match="No such file"):
        HotList.load([tmp_path / "none.csv"], US_CT, NOW)
