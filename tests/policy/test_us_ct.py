"""The Connecticut pack as it is shipped: its own cases, its honesty, and that its cases can fail."""

# ruff: noqa: E501  tables read best with one case a line

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from edge.labeler.scope import label
from edge.policy.cases import run_cases
from edge.policy.check import findings
from edge.policy.decide import decide
from edge.policy.explain import explain, explain_pack
from tests.policy.situations import NOW, STOLEN, US_CT, edited_pack, labeled

RESULTS = run_cases(US_CT, label)


@pytest.mark.parametrize("result", RESULTS, ids=[result.name for result in RESULTS])
def test_a_case_of_the_pack_comes_out_as_written(result: object) -> None:
    """Every situation that the pack names ends as it says, under the real label and decision."""
    assert result.wrong == ()  # type: ignore[attr-defined]


def test_the_pack_carries_enough_cases_and_each_names_its_clause() -> None:
    """A lawyer can hold each case against the act."""
    assert len(RESULTS) >= 12
    assert all(result.clause for result in RESULTS)


# name, edit that breaks the pack's meaning, a case that must notice
BROKEN = [
    ("a longer retention", ("{ days = 21 }", "{ days = 30 }"), "a plain read is confidential and kept 21 days"),
    ("a public record", ('classification = "confidential"', 'classification = "public"'), "a plain read is confidential and kept 21 days"),
    ("immigration lists admitted", ('topics = ["immigration", "immigration-violator"]\nsources = ["NCIC-IVF", "IVF", "ICE", "ICE-ERO", "USBP"]', 'topics = ["gang"]'), "a topic that the act does not name is not matched"),
    ("no term screen", ('"immigra*", "deport*", "ivf", "ice", "ero", "usbp", "border patrol", "removal order"', '"usbp"'), "an immigration entry under a permitted topic is not matched"),
    ("neighbours on request", ('gates = ["declaration"]', 'gates = ["request"]'), "New York, Rhode Island and Massachusetts need a written declaration"),
    ("Texas as a neighbour", ('["US-NY", "US-RI", "US-MA"]', '["US-NY", "US-RI", "US-MA", "US-TX"]'), "no other state has a door of its own"),
    ("federal agencies on request", ('recipient = "federal-agency"\ngates = ["warrant"]', 'recipient = "federal-agency"\ngates = ["request"]'), "a federal agency needs a warrant or a watch-list match"),
    ("capture without a position", ('"stop-where-zones"', '"capture"'), "with zones and no position nothing is captured"),
    ("a lower confidence", ("min_confidence = 0.5", "min_confidence = 0.4"), "an unsure read stays on the unit"),
    ("in force from the start of the day in Greenwich", ("2026-10-01T00:00:00-04:00", "2026-10-01T00:00:00Z"), "the day before the act binds nothing is captured"),
    ("somebody gets it now", ('gates = ["declaration"]', 'gates = ["declaration"]\nnow = true'), "a neighbour with a declaration still asks the owner"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "edit", "noticed_by"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_pack_that_says_something_else_fails_its_cases(
    tmp_path: Path, name: str, edit: tuple[str, str], noticed_by: str
) -> None:
    """The cases are no decoration: a pack edited to mean something else fails the one that is about it."""
    failed = {result.name for result in run_cases(edited_pack(tmp_path, edit), label) if not result.passed}
    assert noticed_by in failed


def test_the_pack_never_claims_to_be_verified() -> None:
    """Nobody has compared it with the enacted text, so no rule may say so, and it says that it is no legal advice."""
    assert not [rule.id for rule in US_CT.rules() if rule.verified]
    assert US_CT.identity.verified_by == ""
    assert "Not legal advice" in US_CT.identity.note


def test_checking_lists_every_unverified_rule_and_open_question() -> None:
    """Whoever checks the pack sees what remains to be verified, and no problem that would stop the unit today."""
    found = findings(US_CT, NOW)
    assert {rule.id for rule in US_CT.rules()} <= {finding.rule for finding in found}
    assert sum(finding.rule == "open-question" for finding in found) == len(US_CT.layers[0].says.open_questions)
    assert not [finding for finding in found if finding.weight == "problem"]


PROBLEMS = [
    ("not yet in force", ("2026-10-01T00", "2027-10-01T00"), "us-ct"),
    ("expired", ("prepared_on", "effective_until = 2026-10-02T00:00:00Z\nprepared_on"), "us-ct"),
    ("an obligation beyond the unit", ('obligation = "seal-to-owner"', 'obligation = "train-operators"'), "ct-seal"),
    ("a field beyond the unit", ('"time", "device"', '"device"'), "ct-fields"),
]


@pytest.mark.parametrize(("name", "edit", "rule"), PROBLEMS, ids=[row[0] for row in PROBLEMS])
def test_checking_finds_what_would_withhold_everything(tmp_path: Path, name: str, edit: tuple[str, str], rule: str) -> None:
    """What would silence a unit is found before the pack is on it."""
    found = findings(edited_pack(tmp_path, edit), NOW)
    assert rule in [finding.rule for finding in found if finding.weight == "problem"]


def test_checking_finds_dead_and_lapsing_rules(tmp_path: Path) -> None:
    """An admission that a bar has taken, and a pack that ends within the month, are said."""
    pack = edited_pack(
        tmp_path,
        ("prepared_on", "effective_until = 2026-11-20T00:00:00Z\nprepared_on"),
        ('topics = ["first-amendment-activity"]', 'topics = ["amber-alert"]'),
    )
    words = [finding.words for finding in findings(pack, NOW)]
    assert any("`ct-hotlist-speech` bars" in line for line in words)
    assert any("prepare its successor" in line for line in words)
    assert any("still to come" in line for line in findings_words(pack, datetime(2026, 10, 5, tzinfo=timezone.utc)))


def findings_words(pack: object, at: datetime) -> list[str]:
    return [finding.words for finding in findings(pack, at)]  # type: ignore[arg-type]


def test_an_explanation_names_rule_clause_and_evidence_but_no_plate() -> None:
    """Why a read left or stayed can be read aloud to a council without showing the plate."""
    released = explain(decide(labeled(hit=STOLEN, text="SECRET9"), US_CT), US_CT)
    withheld = explain(decide(labeled(confidence=0.2, text="SECRET9"), US_CT), US_CT)
    assert any("ct-21-days; P.A. 26-14 § 13(b)(2); unverified, secondary evidence" in line for line in released)
    assert any("US-NY asks the owner (declaration)" in line for line in released)
    assert any("ct-match-confidence" in line and "a choice, not the law" in line for line in withheld)
    assert "SECRET9" not in str((released, withheld))


def test_the_whole_pack_can_be_printed_with_every_clause() -> None:
    """The printed pack holds each rule's clause, the note, and that nobody has verified it."""
    printed = "\n".join(explain_pack(US_CT))
    assert all(rule.clause in printed and rule.words in printed for rule in US_CT.rules())
    assert "compared with the enacted text by: nobody yet" in printed
    assert US_CT.identity.note in printed
