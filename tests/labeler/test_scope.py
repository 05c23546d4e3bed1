"""What a label says, from a read and a pack."""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.labeler.capture import CaptureStamp
from edge.labeler.scope import label
from edge.records import Hit
from tests.policy.situations import HARTFORD, NOW, STOLEN, US_CT, capture, days, edited_pack, instant, labeled, read

UTC_TIMES = st.datetimes(timezones=st.just(timezone.utc))
SOURCES = st.sampled_from(["gps-pps", "gps", "ntp", "rtc", "holdover", "unset"])
ERRORS = st.none() | st.floats(allow_nan=True, allow_infinity=True)


def test_a_label_names_pack_owner_purposes_and_duties() -> None:
    """Whoever holds the read alone can tell under which pack it stands, whose it is and what it may be used for."""
    made = labeled().label
    assert [layer.id for layer in made.layers] == ["us-ct"]
    assert (made.pack_sha256, made.jurisdiction) == (US_CT.sha256, "US-CT")
    assert (made.owner, made.classification) == ("hartford-pd", "confidential")
    assert "immigration-enforcement" in made.purposes_barred
    assert "active-investigation" in made.purposes_permitted
    assert "barred-purposes-bind" in made.onward_duties
    assert "log-search-with-reason" in made.obligations


def test_every_rule_of_a_label_can_be_looked_up_in_the_pack() -> None:
    """A rule id leads to its clause."""
    made = labeled(hit=STOLEN).label
    assert all(US_CT.rule(rule_id) is not None for rule_id in made.rules)
    assert {rule for recipient in made.recipients for rule in recipient.rules} <= set(made.rules)


def test_the_admission_rule_is_named_only_where_there_is_a_hit() -> None:
    """The label of a hit says under which rule its list was matched; that of any other read does not."""
    assert "ct-hotlist-stolen" in labeled(hit=STOLEN).label.rules
    assert not [rule for rule in labeled().label.rules if "hotlist" in rule]


def test_all_rules_obligations_are_collected(tmp_path: Path) -> None:
    """Two rules with the same obligation give it once, and none is lost behind the first."""
    pack = edited_pack(tmp_path, ('obligation = "count-without-plate"', 'obligation = "sign-at-capture"'))
    assert labeled(pack).label.obligations == (
        "sign-at-capture", "seal-to-owner", "confirm-hit-by-person", "delete-by-date", "log-search-with-reason",
    )  # fmt: skip


# name, time source, error in ms, how long the read may be kept
CLOCKS = [
    ("disciplined, error unknown", "ntp", None, days(21)),
    ("disciplined, error known", "gps", 3.0, days(21)),
    ("a minute wrong", "ntp", 60_000.0, days(21)),
    ("more than a minute wrong", "ntp", 60_001.0, days(20)),
    ("an error that is no number", "ntp", float("nan"), days(20)),
    ("never set", "unset", None, days(20)),
    ("never set, whatever it says", "unset", 1.0, days(20)),
    ("a real-time clock alone", "rtc", None, days(20)),
    ("hold-over with a known error", "holdover", 500.0, days(21)),
]


@pytest.mark.parametrize(("name", "source", "error_ms", "kept"), CLOCKS, ids=[row[0] for row in CLOCKS])
def test_a_clock_that_cannot_be_trusted_shortens_the_time(name: str, source: str, error_ms: Any, kept: timedelta) -> None:
    """A wrong clock may cost the agency a day; it never lengthens what the act allows."""
    assert labeled(first=instant(NOW, source, error_ms)).label.delete_after == NOW + kept


def test_one_untrusted_end_of_a_pass_is_enough() -> None:
    """The clock that lost its source during a pass is not trusted for the pass."""
    assert labeled(first=instant(NOW), last=instant(NOW, "unset")).label.delete_after == NOW + days(20)


@given(first=UTC_TIMES, last=UTC_TIMES, source=SOURCES, error_ms=ERRORS, hit=st.none() | st.just(STOLEN))
def test_no_read_is_kept_longer_than_21_days_from_its_earliest_moment(
    first: Any, last: Any, source: str, error_ms: Any, hit: Hit | None
) -> None:
    """Whatever the clock does, even backwards within a pass, the date is never later than capture and 21 days."""
    made = label(read(instant(first, source, error_ms), instant(last, source, error_ms)), capture(), US_CT, hit).label
    earliest = min(first, last)
    assert made.delete_after - earliest <= days(21)


RETENTIONS = [
    ("shorter for non-hits", 'applies_to = "non-hit"\nlongest = { minutes = 3 }', False, timedelta(minutes=3)),
    ("shorter for non-hits, but a hit", 'applies_to = "non-hit"\nlongest = { minutes = 3 }', True, days(21)),
    ("longer for hits does not lengthen", 'applies_to = "hit"\nlongest = { years = 5 }', True, days(21)),
    ("a month is not 21 days", 'applies_to = "any"\nlongest = { months = 1 }', False, days(21)),
]


@pytest.mark.parametrize(("name", "second", "is_hit", "kept"), RETENTIONS, ids=[row[0] for row in RETENTIONS])
def test_the_shortest_of_all_retention_rules_that_bind_wins(
    tmp_path: Path, name: str, second: str, is_hit: bool, kept: timedelta
) -> None:
    """A second rule may shorten, never lengthen."""
    head = '[[retention]]\nid = "second"\nclause = "test"\nevidence = "choice"\nverified = false\nwords = "test"\n'
    pack = edited_pack(
        tmp_path,
        ("[[retention]]", f"{head}{second}\n\n[[retention]]"),
        ('untrusted = "shorten"', 'untrusted = "withhold"'),
        ("margin = { days = 1 }\n", ""),
    )
    assert labeled(pack, hit=STOLEN if is_hit else None).label.delete_after == NOW + kept


def test_the_stamp_writes_the_unit_and_the_position_of_the_moment() -> None:
    """All but the position stays as it was at start."""
    stamp = CaptureStamp(
        device="unit-1", agency="hartford-pd", camera="north", detector_sha256="d", recognizer_sha256="r",
        calibration_id="c1", software="plate-edge 0.1.0",
    )  # fmt: skip
    here, nowhere = stamp.at(HARTFORD), stamp.at(None)
    assert (here.position, nowhere.position) == (HARTFORD, None)
    assert here.device == nowhere.device == "unit-1"
    assert (here.agency, here.camera, here.calibration_id) == ("hartford-pd", "north", "c1")
    assert (here.detector_sha256, here.recognizer_sha256, here.software) == ("d", "r", "plate-edge 0.1.0")
