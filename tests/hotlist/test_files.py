"""Hot lists as files: what is refused, and that no message shows a plate."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge.errors import PolicyError
from edge.hotlist.files import read_stamp, stamp_path, write_stamp
from edge.journal import Journal
from tests.hotlist.lists import HEADER, load, seen, sha256, stamped, with_layer, write
from tests.policy.situations import NOW, instant

STOLEN = "ab-c 123,CT,NCIC,stolen-vehicle,stolen in Hartford,HPD,2026-10-20,2026-12-01"

# name, the row (its plate is QQ7QQ7), what the message must name
MALFORMED = [
    ("too few columns", "QQ7QQ7,CT", "line 3 has 2 columns"),
    ("too many columns", STOLEN.replace("ab-c 123", "QQ7QQ7") + ",x", "line 3 has 9 columns"),
    ("no plate", ",CT,NCIC,stolen-vehicle,r,X,2026-10-20,", "line 3, column `plate`"),
    ("a plate of signs", "---,CT,NCIC,stolen-vehicle,QQ7QQ7,X,2026-10-20,", "line 3, column `plate`"),
    ("a plate too long", "QQ7QQ7QQ7QQ7Q,CT,NCIC,stolen-vehicle,r,X,2026-10-20,", "line 3, column `plate`"),
    ("no reason", "QQ7QQ7,CT,NCIC,stolen-vehicle,,X,2026-10-20,", "line 3, column `reason`"),
    ("nobody entered it", "QQ7QQ7,CT,NCIC,stolen-vehicle,r,,2026-10-20,", "line 3, column `entered_by`"),
    ("a region in words", "QQ7QQ7,Connecticut!,NCIC,stolen-vehicle,r,X,2026-10-20,", "line 3, column `region`"),
    ("an American date", "QQ7QQ7,CT,NCIC,stolen-vehicle,r,X,10/20/2026,", "line 3, column `entered_on`"),
    ("a day that is not", "QQ7QQ7,CT,NCIC,stolen-vehicle,r,X,2026-02-30,", "line 3, column `entered_on`"),
    ("a moment of no zone", "QQ7QQ7,CT,NCIC,stolen-vehicle,r,X,2026-10-20T08:00,", "line 3, column `entered_on`"),
    ("a moment before time", "QQ7QQ7,CT,NCIC,stolen-vehicle,r,X,0001-01-01T00:00+12:00,", "line 3, column `entered_on`"),
    ("columns that slipped", "CT,NCIC,stolen-vehicle,r,X,2026-10-20,QQ7QQ7,", "line 3, column `region`"),
    ("a plate where a date belongs", "X,CT,NCIC,stolen-vehicle,r,X,2026-10-20,QQ7QQ7", "line 3, column `expires_on`"),
    ("expired before it was entered", "QQ7QQ7,CT,N,stolen-vehicle,r,X,2026-10-20,2026-10-01", "line 3, column `expires_on`"),
    ("a lost quotation mark", '"QQ7QQ7"x,CT,NCIC,stolen-vehicle,r,X,2026-10-20,', "line 3 is not valid CSV"),
    ("a reason without end", f"QQ7QQ7,CT,NCIC,stolen-vehicle,{'r' * 1001},X,2026-10-20,", "line 3, column `reason`"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "said"), MALFORMED, ids=[row[0] for row in MALFORMED])
def test_a_malformed_row_is_refused_with_line_and_column_but_no_plate(tmp_path: Path, name: str, row: str, said: str) -> None:
    """The whole list is refused, on the unit and by whoever stamps it; no message, nor any error behind it, shows the plate."""
    path = write(tmp_path, STOLEN, row)
    for refuse in (lambda: load(path), lambda: write_stamp(path, "list", "7", NOW)):
        with pytest.raises(PolicyError) as caught:
            refuse()
        assert said in str(caught.value)
        assert "list.csv" in str(caught.value)
        error: BaseException | None = caught.value
        while error is not None:
            assert "QQ7QQ7" not in str(error)
            error = error.__cause__
    assert not stamp_path(path).exists()


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
            load(path)
    with pytest.raises(PolicyError, match="No such file"):
        load(tmp_path / "none.csv")


def test_several_lists_are_one_and_each_keeps_its_name(tmp_path: Path) -> None:
    """Each list is matched, and a unit without lists matches nothing."""
    files = (stamped(tmp_path, STOLEN), write(tmp_path, "XYZ9,,L,missing-person,lost,X,2026-10-20,", name="town.csv"))
    hot_list = load(*files)
    assert hot_list.admitted == 2
    assert [(each.name, each.version) for each in hot_list.lists] == [("list", "7"), ("town", "")]
    assert load().admitted == 0


def test_only_the_stale_ones_of_several_lists_are_silent(tmp_path: Path) -> None:
    """A plate that stands on both is found on the fresh one; what only the old one has, or one of unknown age, is not."""
    old = stamped(tmp_path, STOLEN, "OLD111,CT,NCIC,stolen-vehicle,r,X,2026-10-20,", issued=NOW - timedelta(days=2))
    new = stamped(tmp_path, STOLEN, name="new.csv")
    unknown = write(tmp_path, "XYZ9,,L,missing-person,lost,X,2026-10-20,", name="town.csv")
    hot_list, journal = load(old, new, unknown, pack=with_layer(tmp_path, 'max_age = "1 day"')), Journal(io.StringIO())
    hit = hot_list.match(seen("ABC123"), journal)
    assert hit is not None
    assert hit.list_name == "new"
    assert hot_list.match(seen("OLD111"), journal) is None
    assert hot_list.match(seen("XYZ9"), journal) is None
    assert journal.by_reason("hotlist_stale") == {"list": 3, "town": 3}
    assert journal.total("alarms") == 2


def test_a_stamp_says_what_it_was_told(tmp_path: Path) -> None:
    """Name, version, moment and the file's hash come back, whatever signs are in them."""
    path, issued = write(tmp_path, STOLEN), datetime(2026, 11, 1, 6, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert write_stamp(path, 'day "1"\x7f\n', "7\\8", issued) == 1
    stamp = read_stamp(path, sha256(path))
    assert stamp is not None
    assert (stamp.name, stamp.version, stamp.issued, stamp.sha256) == ('day "1"\x7f\n', "7\\8", issued, sha256(path))


# name, what happens to the stamp, what is said
SPOILT = [
    ("another list's", lambda text: text.replace('sha256 = "', 'sha256 = "0')[:-3] + '"\n', "made for another file"),
    ("an unknown key", lambda text: text + "owner = 1\n", "no stamp"),
    ("no version", lambda text: text.replace("version", "revision"), "no stamp"),
    ("a moment without a zone", lambda text: text.replace("+00:00", ""), "no stamp"),
    ("no TOML", lambda text: text + "[", "no stamp"),
    ("no text", lambda text: "\udcff", "no stamp"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spoil", "said"), SPOILT, ids=[row[0] for row in SPOILT])
def test_a_stamp_that_is_not_this_lists_is_refused(tmp_path: Path, name: str, spoil: Callable[[str], str], said: str) -> None:
    """A list whose stamp is wrong is not used as if it had none: somebody meant something by it."""
    path = stamped(tmp_path, STOLEN)
    text = spoil(stamp_path(path).read_text(encoding="utf-8"))
    stamp_path(path).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(PolicyError, match=said):
        load(path)


def test_a_new_list_under_an_old_stamp_is_refused(tmp_path: Path) -> None:
    """And the other way round: an old list never looks fresh because a new stamp came alone."""
    path = stamped(tmp_path, STOLEN)
    write(tmp_path, STOLEN, "XYZ9,,L,missing-person,lost,X,2026-10-20,")
    with pytest.raises(PolicyError, match="deliver both together"):
        load(path)


def test_a_list_that_nobody_stamped_is_of_unknown_age(tmp_path: Path) -> None:
    """It is matched where no pack asks for its age (the contract of hot lists says what happens where one does)."""
    hot_list = load(write(tmp_path, STOLEN))
    assert hot_list.lists[0].issued is None
    assert hot_list.stale(instant()) == ()
    assert hot_list.match(seen("ABC123"), Journal(io.StringIO())) is not None
