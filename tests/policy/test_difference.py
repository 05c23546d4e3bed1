"""What changes, and for whom, when one pack takes the place of another."""

# ruff: noqa: E501  tables read best with one case a line

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.labeler.scope import label
from edge.policy.difference import Change, difference, in_words
from edge.policy.load import load_pack
from tests.policy.situations import US_CT, edited_pack

# what was edited, (old, new) in the Connecticut pack; what must be told: what, before, after, a word of where, a rule, of which pack
EDITS = [
    ("a longer retention", [("{ days = 21 }", "{ days = 30 }")], "kept for", "21 days", "30 days", "clock ntp", "ct-21-days", "new"),
    ("a longer retention under a doubtful clock", [("{ days = 21 }", "{ days = 30 }")], "kept for", "20 days", "29 days", "clock unset", "ct-clock", "new"),
    ("a higher threshold", [("min_confidence = 0.5", "min_confidence = 0.7")], "decision", "leaves the unit", "stays on the unit", "confidence 0.5 or 0.69", "ct-match-confidence", "new"),
    ("plates of unknown states", [('unknown_region = "admit"', 'unknown_region = "withhold"')], "decision", "leaves the unit", "stays on the unit", "state of the plate unknown", "ct-match-confidence", "new"),
    ("a clock that must be right", [('untrusted = "shorten"', 'untrusted = "withhold"'), ("margin = { days = 1 }", "")], "decision", "leaves the unit", "stays on the unit", "clock unset", "ct-clock", "new"),
    ("capture without a position", [('"stop-where-zones"', '"capture"')], "decision", "nothing is captured", "leaves the unit", "place lost", "ct-no-capture-zone", "old"),
    ("no capture without a position", [('"stop-where-zones"', '"stop"')], "decision", "leaves the unit", "nothing is captured", "place adrift", "ct-no-capture-zone", "new"),
    ("attended vehicles alone", [('without_position = "stop-where-zones"', 'without_position = "stop-where-zones"\nunits = ["mobile-attended"]')], "decision", "leaves the unit", "nothing is captured", "unit fixed or mobile-unattended", "ct-no-capture-zone", "new"),
    ("an obligation that nobody can carry out", [('obligation = "seal-to-owner"', 'obligation = "train-operators"')], "decision", "leaves the unit", "stays on the unit", "place no-zones or adrift", "ct-seal", "new"),
    ("gangs on the list", [('topics = ["terrorism-watch-list"]', 'topics = ["gang"]')], "hot list", "not matched", "matched", "gang from local", "ct-hotlist-closed", "old"),
    ("no watch list", [('topics = ["terrorism-watch-list"]', 'topics = ["gang"]')], "hot list", "matched", "not matched", "terrorism-watch-list from local", "ct-hotlist-closed", "new"),
    ("a term less", [('"border patrol", ', "")], "hot list", "not matched", "matched", "border patrol", "ct-hotlist-immigration", "old"),
    ("neighbours on request", [('gates = ["declaration"]', 'gates = ["request"]')], "out-of-state-law-enforcement/US-RI", "asks with declaration", "asks with request", "everywhere", "ct-neighbours", "new"),
    ("Vermont as a neighbour", [('"US-RI", ', '"US-RI", "US-VT", ')], "out-of-state-law-enforcement/US-VT", "no", "asks with declaration", "everywhere", "ct-neighbours", "new"),
    ("a declaration of less", [('declares = ["immigration-enforcement", ', "declares = [")], "a party of out-of-state-law-enforcement/US-NY whose paper bars gender-affirming-care-investigation, reproductive-health-care-investigation", "no", "asks with request", "everywhere", "ct-neighbours", "new"),
    ("copies at capture", [('gates = ["declaration"]', 'gates = ["declaration"]\nnow = true')], "a party of out-of-state-law-enforcement/US-MA whose paper bars gender-affirming-care-investigation, immigration-enforcement, reproductive-health-care-investigation", "asks with request", "gets its copy now", "everywhere", "ct-neighbours", "new"),
    ("parking barred", [('purpose = "parking-enforcement"\neffect = "permit"', 'purpose = "parking-enforcement"\neffect = "bar"')], "purpose parking-enforcement", "permitted", "barred", "everywhere", "ct-use-parking", "new"),
    ("speech no longer barred", [('purpose = "first-amendment-activity"', 'purpose = "personal-use"')], "purpose first-amendment-activity", "barred", "not permitted", "everywhere", "ct-bar-speech", "old"),
    ("the place dropped", [('"position", "time"', '"time"')], "field position", "leaves", "dropped", "everywhere", "ct-fields", "old"),
    ("a public record", [('classification = "confidential"', 'classification = "public"')], "classification", "confidential", "public", "everywhere", "ct-confidential", "new"),
    ("searches unlogged", [('obligation = "log-search-with-reason"', 'obligation = "report-yearly"')], "obligation log-search-with-reason", "yes", "no", "everywhere", "ct-log-search", "old"),
    ("passed on", [('duty = "same-deletion-date"', 'duty = "same-security"')], "duty same-deletion-date", "yes", "no", "everywhere", "ct-onward-deletion", "old"),
    ("a lift less", [('lift = "highway-usage-fee"', 'lift = "toll"')], "lift highway-usage-fee", "yes", "no", "everywhere", "ct-lift-usage-fee", "old"),
    ("in force later", [("2026-10-01T00:00:00-04:00", "2026-10-15T00:00:00-04:00")], "decision", "leaves the unit", "nothing is captured", "2026-10-01 04:00:00 UTC", "engine-in-force", "new"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "edits", "what", "before", "after", "where", "rule", "side"), EDITS, ids=[f"{row[0]}" for row in EDITS]
)
def test_an_edit_is_told_with_what_it_changes_where_and_by_which_rule(
    tmp_path: Path,
    name: str,
    edits: list[tuple[str, str]],
    what: str,
    before: str,
    after: str,
    where: str,
    rule: str,
    side: str,
) -> None:
    """Whatever an edit changes in a decision or a label is said, with the rule and its clause."""
    found = difference(US_CT, edited_pack(tmp_path, *edits), label)
    told = [change for change in found.changes if (change.what, change.before, change.after) == (what, before, after)]
    assert told, [(change.what, change.before, change.after) for change in found.changes]
    assert any(where in change.where and rule in _rules(change, side) for change in told), told
    assert all(0 < change.situations <= change.of <= found.situations for change in found.changes)


def _rules(change: Change, side: str) -> list[str]:
    cited = change.old_rules if side == "old" else change.new_rules
    assert all(each.clause for each in cited)
    return [each.rule for each in cited]


def test_equal_packs_say_so() -> None:
    """Nothing is made up where nothing differs."""
    found = difference(US_CT, load_pack("us-ct"), label)
    assert found.alike
    assert "are alike" in "\n".join(in_words(found))


def test_other_words_alone_change_nothing_but_the_rule(tmp_path: Path) -> None:
    """A better sentence is no other policy, and is still told."""
    found = difference(US_CT, edited_pack(tmp_path, ("Plate data is confidential and", "Plate data is secret and")), label)
    assert found.changes == ()
    assert [(rule.rule, rule.change) for rule in found.rules] == [("ct-confidential", "changed")]
    assert "nothing is decided or labelled otherwise" in "\n".join(in_words(found))


def test_what_no_situation_shows_is_told_rule_by_rule(tmp_path: Path) -> None:
    """Counters, minimum keeps and the age of a list decide about no read, and their change is not lost."""
    keep = '[[minimum_keeps]]\nid = "ct-keep"\nclause = "x"\nevidence = "choice"\nverified = false\nwords = "A year."\nrecords = "audit-log"\nshortest = { years = 1 }\n\n'
    new = edited_pack(
        tmp_path,
        ("[[onward_duties]]", keep + "[[onward_duties]]"),
        ('region = "mark-inexact"', 'region = "mark-inexact"\nmax_age = { hours = 24 }'),
    )
    told = {rule.rule: rule for rule in difference(US_CT, new, label).rules}
    assert told["ct-keep"].change == "added"
    assert told["ct-hotlist-closed"].words == ("max_age: nothing → 24 hours",)
    back = {rule.rule: rule for rule in difference(new, US_CT, label).rules}
    assert back["ct-keep"].change == "removed"


def test_the_difference_is_the_same_each_time_and_the_other_way_round(tmp_path: Path) -> None:
    """No order of a set gets through, and what one way gives the other takes."""
    new = edited_pack(tmp_path, ("{ days = 21 }", "{ days = 14 }"), ('gates = ["declaration"]', 'gates = ["request"]'))
    once, again = difference(US_CT, new, label), difference(US_CT, new, label)
    assert msgspec.json.encode(once) == msgspec.json.encode(again)
    there = {(change.what, change.before, change.after) for change in once.changes}
    back = {(change.what, change.after, change.before) for change in difference(new, US_CT, label).changes}
    assert there == back


def test_two_states_can_be_held_against_each_other() -> None:
    """Packs that share no rule differ in words that a council can read."""
    lines = list(in_words(difference(US_CT, load_pack("us-nh"), label)))
    assert any("leaves the unit → nothing is captured" in line and "unit fixed" in line for line in lines)
    assert any("kept for: 21 days → 3 minutes" in line for line in lines)
    assert any("nh-attended (RSA 261:75-b)" in line for line in lines)
