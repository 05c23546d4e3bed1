"""What every hot list promises, whether it lies on the unit in plain text or keyed."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from edge.hotlist.match import HotList
from edge.journal import Journal
from edge.policy.pack import Pack
from edge.records import Hit, Instant, Read
from tests.hotlist.lists import AGE, keyed, load, seen, sha256, stamped, with_layer
from tests.policy.situations import NOW, US_CT, edited_pack, instant

Load = Callable[..., HotList]

STOLEN = "ab-c 123,CT,NCIC,stolen-vehicle,stolen in Hartford,HPD,2026-10-20,2026-12-01"
WITH_O = "H0OT0,US-CT,NCIC,stolen-plate,stolen,X,2026-10-20,"
WITH_8 = "MK8 114,,local,missing-person,lost,X,2026-10-20,"


@pytest.fixture(params=["plain", "keyed"])
def lists(request: pytest.FixtureRequest, tmp_path: Path) -> Load:
    """Loads one list of the given rows; its file is at ``HotList.lists[0].sha256``."""

    def load_one(*rows: str, pack: Pack = US_CT, at: Instant | None = None, issued: datetime = NOW - AGE) -> HotList:
        if request.param == "plain":
            return load(stamped(tmp_path, *rows, issued=issued), pack=pack, at=at)
        key = tmp_path / "hotlist.key"
        return load(keyed(tmp_path, key, *rows, issued=issued), pack=pack, at=at, key=key)

    return load_one


def match(hot_list: HotList, read: Read, journal: Journal | None = None) -> Hit | None:
    return hot_list.match(read, journal or Journal(io.StringIO()))


# name, the read, exact (None: no hit), what the list has instead
MATCHES: list[tuple[str, Read, bool | None, str]] = [
    ("the list's own text", seen("ABC123"), True, ""),
    ("an unknown region", seen("ABC123", "unknown"), True, ""),
    ("no region", seen("ABC123", ""), True, ""),
    ("another region", seen("ABC123", "US-NY"), False, ""),
    ("an entry of any region", seen("MK8114", "US-NY"), True, ""),
    ("another text", seen("ABC124"), None, ""),
    ("part of the text", seen("ABC12"), None, ""),
    ("an empty read", seen(""), None, ""),
    ("an O for a 0", seen("HO0T0"), False, "H0OT0"),
    ("O and 0 all the other way", seen("HO0TO"), False, "H0OT0"),
    ("the very O and 0", seen("H0OT0"), True, ""),
    ("a sure B is no 8", seen("MKB114"), None, ""),
    ("a B that the vote gave a little to 8", seen("MKB114", _2={"8": 0.02}), False, "MK8114"),
    ("a B that the vote gave next to nothing to 8", seen("MKB114", _2={"8": 0.009}), None, ""),
    ("an I that the vote gave a little to 1", seen("MK8I14", _3={"1": 0.2}), False, "MK8114"),
    ("any two doubts that the vote had", seen("NKB114", _0={"M": 0.3}, _2={"3": 0.3, "8": 0.1}), False, "MK8114"),
    ("one doubt that it had and one that it had not", seen("NKB114", _0={"M": 0.3}), None, ""),
    ("another text in another region", seen("HO0T0", "US-NY"), False, "H0OT0"),
]


@pytest.mark.parametrize(("name", "read", "exact", "listed"), MATCHES, ids=[row[0] for row in MATCHES])
def test_a_read_matches_exactly_or_says_that_it_does_not(
    lists: Load, name: str, read: Read, exact: bool | None, listed: str
) -> None:
    """O and 0 are one, another character only where this read's own vote had it, another state is a doubt; a person
    always confirms, and sees what the list has."""
    hit = match(lists(STOLEN, WITH_O, WITH_8), read)
    assert (hit.exact if hit else None) == exact
    assert hit is None or (hit.to_be_confirmed and hit.listed == listed)


def test_where_any_layer_says_exact_only_the_text_itself_is_a_hit(lists: Load, tmp_path: Path) -> None:
    """Neither O for 0 nor a doubt of the vote makes a hit then; another state still makes an inexact one."""
    hot_list = lists(STOLEN, WITH_O, WITH_8, pack=with_layer(tmp_path, 'text = "exact"'))
    assert match(hot_list, seen("HO0T0")) is None
    assert match(hot_list, seen("MKB114", _2={"8": 0.3})) is None
    assert match(hot_list, seen("H0OT0")) is not None
    assert match(hot_list, seen("ABC123", "US-NY")) is not None


def test_an_exact_hit_comes_before_a_doubtful_one(lists: Load) -> None:
    """Where two entries fit, the better one is told."""
    hot_list = lists("AB0,NY,A,stolen-plate,other state,X,2026-10-20,", "AB0,CT,B,stolen-plate,own,X,2026-10-20,")
    hit = match(hot_list, seen("AB0"))
    assert hit is not None
    assert (hit.source, hit.exact) == ("B", True)


def test_of_equal_entries_the_first_is_told(lists: Load) -> None:
    """However many a list has of one plate."""
    hot_list = lists(*(f"AB{n % 2},CT,source {n},stolen-plate,r,X,2026-10-20," for n in range(300)))
    hits = [match(hot_list, seen(plate)) for plate in ("AB0", "AB1")]
    assert [hit.source for hit in hits if hit] == ["source 0", "source 1"]


def test_of_two_doubtful_hits_the_likelier_text_is_told(lists: Load) -> None:
    """Whatever the order of the list."""
    rows = ("MK3,CT,less,stolen-plate,r,X,2026-10-20,", "MK8,CT,more,stolen-plate,r,X,2026-10-20,")
    hit = match(lists(*rows), seen("MKB", _2={"8": 0.2, "3": 0.1}))
    assert hit is not None
    assert hit.source == "more"


def test_a_pack_may_demand_that_the_state_agrees(lists: Load, tmp_path: Path) -> None:
    """Then another state is no hit at all."""
    pack = edited_pack(tmp_path, ('region = "mark-inexact"', 'region = "must-agree"'))
    hot_list = lists(STOLEN, pack=pack)
    assert match(hot_list, seen("ABC123", "US-NY")) is None
    assert match(hot_list, seen("ABC123")) is not None


# name, expires_on, a moment at which it matches, one at which it does not
ENDS = [
    ("its last day is a whole one", "2026-12-01", datetime(2026, 12, 1, 23, 59), datetime(2026, 12, 2)),
    ("a moment is exact", "2026-12-01T08:00Z", datetime(2026, 12, 1, 7, 59), datetime(2026, 12, 1, 8)),
    ("a moment in Hartford", "2026-12-01T08:00-05:00", datetime(2026, 12, 1, 12, 59), datetime(2026, 12, 1, 13)),
    ("the last day there is", "9999-12-31", datetime(2126, 12, 1), None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "expires_on", "then", "later"), ENDS, ids=[row[0] for row in ENDS])
def test_an_entry_matches_until_it_ends_and_not_after(
    lists: Load, name: str, expires_on: str, then: datetime, later: datetime | None
) -> None:
    """A list that was loaded in time still stops matching when its entry expires."""
    hot_list = lists(f"ABC123,CT,NCIC,stolen-vehicle,r,HPD,2026-10-20,{expires_on}")
    assert match(hot_list, seen("ABC123", at=instant(then.replace(tzinfo=timezone.utc)))) is not None
    assert later is None or match(hot_list, seen("ABC123", at=instant(later.replace(tzinfo=timezone.utc)))) is None


def test_a_hit_says_where_it_comes_from(lists: Load, tmp_path: Path) -> None:
    """Source, topic, reason, who entered it; and the name, version, issue time and hash of the very file."""
    hit = match(lists(STOLEN), seen("ABC123"))
    assert hit is not None
    assert (hit.source, hit.topic, hit.reason, hit.entered_by) == ("NCIC", "stolen-vehicle", "stolen in Hartford", "HPD")
    assert (hit.list_name, hit.list_version, hit.list_issued) == ("list", "7", NOW - AGE)
    assert hit.list_sha256 in {sha256(path) for path in (*tmp_path.glob("*.csv"), *tmp_path.glob("*.keyed"))}


def at(hours: float, source: str = "ntp") -> Instant:
    """So many hours after the list of these tests was issued."""
    return instant(NOW - AGE + timedelta(hours=hours), source)


# name, when the list is looked at, whether it still raises hits, what the alarm says
AGES: list[tuple[str, Instant, bool, str]] = [
    ("young", at(11.9), True, ""),
    ("as old as allowed", at(12), False, "more than 12 hours ago"),
    ("old", at(100), False, "more than 12 hours ago"),
    ("young by a clock that nobody set", at(1, "unset"), False, "the clock cannot be trusted"),
    ("issued a moment ago by a faster clock", at(-0.05), True, ""),
    ("issued tomorrow", at(-24), False, "in the future"),
]


@pytest.mark.parametrize(("name", "now", "fresh", "why"), AGES, ids=[row[0] for row in AGES])
def test_a_stale_list_raises_no_hit_is_counted_and_alarms_once(
    lists: Load, tmp_path: Path, name: str, now: Instant, fresh: bool, why: str
) -> None:
    """One layer's longest age is enough; each read is counted; the alarm comes once and names list, rule and reason."""
    log = io.StringIO()
    journal = Journal(log)
    hot_list = lists(STOLEN, pack=with_layer(tmp_path, 'max_age = "12 hours"'))
    hits = [match(hot_list, seen("ABC123", at=now), journal) for _ in range(3)]
    assert all((hit is not None) == fresh for hit in hits)
    assert journal.by_reason("hotlist_stale") == ({} if fresh else {"list": 3})
    assert journal.by_reason("alarms") == ({} if fresh else {"hotlist-stale": 1})
    assert len(log.getvalue().splitlines()) == (0 if fresh else 1)
    assert fresh or (why in log.getvalue() and "hpd-hotlist" in log.getvalue() and "ABC123" not in log.getvalue())


def test_a_list_that_turns_stale_for_another_reason_alarms_again(lists: Load, tmp_path: Path) -> None:
    """A clock that was not set after a start must not hide that the list grows old."""
    journal = Journal(io.StringIO())
    hot_list = lists(STOLEN, pack=with_layer(tmp_path, 'max_age = "12 hours"'))
    outcomes = [match(hot_list, seen("ABC123", at=when), journal) for when in (at(1, "unset"), at(2), at(13), at(14))]
    assert [hit is not None for hit in outcomes] == [False, True, False, False]
    assert journal.total("alarms") == 2


# name, entered_on, expires_on, the rule that refuses it at NOW (2026-11-01 12:00 UTC; None: admitted) under the state's 30 days
# and the agency's manual_max = "2 days"
MANUAL = [
    ("ends tomorrow", "2026-11-01", "2026-11-02", None),
    ("ends the day after", "2026-11-01", "2026-11-03", "hpd-hotlist"),
    ("never ends", "2026-11-01", "", "ct-hotlist-closed"),
    ("by the hour", "2026-10-31T18:00Z", "2026-11-02T18:00Z", None),
    ("a minute too long", "2026-10-31T18:00Z", "2026-11-02T18:01Z", "hpd-hotlist"),
    ("entered in the future, so that it lasts longer", "2026-11-20", "2026-11-21", "hpd-hotlist"),
]


@pytest.mark.parametrize(("name", "entered", "expires", "refused_by"), MANUAL, ids=[row[0] for row in MANUAL])
def test_a_manual_entry_must_end_soon(
    lists: Load, tmp_path: Path, name: str, entered: str, expires: str, refused_by: str | None
) -> None:
    """What a person typed in counts from when it was entered; what lasts longer is refused under the rule and counted."""
    pack = with_layer(tmp_path, 'manual_max = "2 days"')
    hot_list = lists(f"ABC123,CT,Manual,stolen-vehicle,seen by patrol,HPD,{entered},{expires}", WITH_O, pack=pack)
    assert (match(hot_list, seen("ABC123")) is None) == (refused_by is not None)
    assert dict(hot_list.refused) == ({} if refused_by is None else {refused_by: 1})
    assert match(hot_list, seen("H0OT0")) is not None, "entries of other sources are not bound by it"


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
    lists: Load, name: str, source: str, topic: str, reason: str, rule: str | None
) -> None:
    """What the pack does not admit can never match; the count says by which rule, not which plate."""
    hot_list = lists(f"ABC123,CT,{source},{topic},{reason},X,2026-10-20,")
    assert (match(hot_list, seen("ABC123")) is None) == (rule is not None)
    assert dict(hot_list.refused) == ({rule: 1} if rule else {})
    assert hot_list.admitted == (0 if rule else 1)


def test_an_entry_that_has_ended_is_not_even_loaded(lists: Load) -> None:
    """It is counted under the program's own rule."""
    hot_list = lists(STOLEN, "OLD111,CT,NCIC,stolen-vehicle,old,X,2026-01-01,2026-10-31")
    assert (hot_list.admitted, dict(hot_list.refused)) == (1, {"engine-hotlist-expired": 1})


def test_each_of_many_entries_is_found_and_nothing_else(lists: Load) -> None:
    """The table gives every plate its own words, in whatever order the plates came."""
    rows: dict[str, Any] = {f"{n * 7919 % 1000:03d}XK{n % 10}": f"case {n}" for n in range(500)}
    hot_list = lists(*(f"{plate},CT,NCIC,stolen-vehicle,{reason},X,2026-10-20," for plate, reason in rows.items()))
    assert hot_list.admitted == len(rows) == 500
    for plate, reason in rows.items():
        hit = match(hot_list, seen(plate))
        assert hit is not None
        assert hit.reason == reason
        assert match(hot_list, seen(f"{plate[:-1]}Z")) is None
