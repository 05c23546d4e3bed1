"""Every pack as it is shipped: its own cases, its honesty, and that its cases can fail."""

# ruff: noqa: E501  tables read best with one case a line

from __future__ import annotations

from datetime import timedelta
from importlib import resources
from pathlib import Path

import pytest

from edge.labeler.scope import label
from edge.policy.cases import CaseResult, run_cases
from edge.policy.check import findings
from edge.policy.load import bundled_packs, load_pack
from edge.policy.pack import Pack
from tests.policy.situations import NOW

PACKS = {name: load_pack(name) for name in bundled_packs()}
RESULTS = [(name, result) for name, pack in PACKS.items() for result in run_cases(pack, label)]
SHIPPED = (
    "us-al", "us-ct", "us-il", "us-ma", "us-me", "us-mn", "us-mt", "us-nh", "us-nj", "us-ny", "us-ri", "us-va", "us-vt", "us-wa"
)  # fmt: skip


@pytest.mark.parametrize(("name", "result"), RESULTS, ids=[f"{name}: {result.name}" for name, result in RESULTS])
def test_a_case_of_a_pack_comes_out_as_written(name: str, result: CaseResult) -> None:
    """Every situation that a pack names ends as it says, under the real label and decision."""
    assert result.wrong == ()


def test_the_packs_that_are_promised_are_shipped() -> None:
    """Connecticut, the states around it, and those whose laws ask for something else."""
    assert bundled_packs() == SHIPPED


def test_there_are_cases_enough() -> None:
    """Cases by the hundred, each with the clause that a lawyer can hold it against."""
    assert len(RESULTS) >= 170
    assert all(result.clause for _, result in RESULTS)


@pytest.mark.parametrize("name", SHIPPED)
def test_each_pack_carries_cases_of_its_own_for_law_and_for_choice(name: str) -> None:
    """At least eight a pack; what the law does not say is called a choice in the case too."""
    clauses = [case.clause for case in PACKS[name].layers[0].says.cases]
    assert len(clauses) >= 8
    assert any("choice of" in clause for clause in clauses)
    assert any("choice of" not in clause for clause in clauses)


@pytest.mark.parametrize("name", SHIPPED)
def test_no_pack_claims_to_be_verified(name: str) -> None:
    """Nobody has compared any with the enacted text, so no rule may say so, and each says that it is no legal advice."""
    identity = PACKS[name].identity
    assert not [rule.id for rule in PACKS[name].rules() if rule.verified]
    assert identity.verified_by == ""
    assert "Not legal advice; no lawyer has read it." in identity.note


@pytest.mark.parametrize("name", SHIPPED)
def test_a_choice_is_called_a_choice_and_nothing_else_is(name: str) -> None:
    """A clause that begins with `none` is a choice, and a choice cites no law as its own."""
    for rule in PACKS[name].rules():
        assert (rule.evidence == "choice") == rule.clause.startswith("none: choice of"), rule.id


@pytest.mark.parametrize("name", SHIPPED)
def test_checking_finds_no_problem_and_no_dead_rule(name: str) -> None:
    """A unit with the pack works today, and every rule of it can have a say."""
    for finding in findings(PACKS[name], NOW):
        assert finding.weight == "note", finding
        assert not any(words in finding.words for words in ("never decides", "the bar wins", "carries no case")), finding


@pytest.mark.parametrize("name", SHIPPED)
def test_a_pack_goes_by_its_file_name_and_says_its_state_in_its_rule_ids(name: str) -> None:
    """An id in a counter or a log tells which state's rule it is."""
    pack = PACKS[name]
    assert pack.identity.id == name
    assert pack.identity.jurisdiction == name.upper()
    assert all(rule.id.startswith(f"{name[3:]}-") for rule in pack.rules())


@pytest.mark.parametrize("name", SHIPPED)
def test_each_pack_says_what_is_open_and_what_happens_meanwhile(name: str) -> None:
    """No pack pretends that a law was understood to the end."""
    assert len(PACKS[name].layers[0].says.open_questions) >= 2


# pack, what was broken, (old, new), a case that must notice
BROKEN = [
    ("us-al", "ten years", "{ years = 5 }", "{ years = 10 }", "a read may be kept five years"),
    ("us-al", "two days to the agency", "{ hours = 24 }", "{ hours = 48 }", "a read is due at the agency within 24 hours"),
    ("us-al", "somebody buys reads", 'purpose = "sale"', 'purpose = "personal-use"', "a read is never sold"),
    ("us-al", "a warrant lifts", "lifts = []", '[[lifts]]\nid = "al-lift"\nclause = "x"\nevidence = "weak"\nverified = false\nwords = "x"\nlift = "warrant"\n', "nothing lifts five years"),
    ("us-ct", "a longer retention", "{ days = 21 }", "{ days = 30 }", "a plain read is confidential and kept 21 days"),
    ("us-ct", "Texas as a neighbour", '["US-NY", "US-RI", "US-MA"]', '["US-NY", "US-RI", "US-MA", "US-TX"]', "no other state has a door of its own"),
    ("us-il", "other states on request", 'gates = ["declaration"]', 'gates = ["request"]', "police of another state need a written declaration first"),
    ("us-il", "a declaration without immigration", 'declares = ["immigration-enforcement", ', "declares = [", "a declaration that leaves immigration out admits nobody"),
    ("us-il", "Texas as a neighbour", '"US-KY", "US-IN"', '"US-KY", "US-TX"', "Texas has no door"),
    ("us-ma", "Connecticut's time", "{ days = 14 }", "{ days = 21 }", "a read is kept 14 days"),
    ("us-ma", "passed on", 'duty = "no-onward-sharing"', 'duty = "no-sale"', "nobody passes a read on, and all delete it by the same date"),
    ("us-me", "any list", 'topics = ["wanted-person", "felony-warrant"]\nsources = ["NCIC", "official-bulletin"]', 'topics = ["wanted-person", "felony-warrant"]', "a list that somebody made is not matched"),
    ("us-me", "companies too", 'recipient = "court"', 'recipient = "vendor"', "only the police: no other state, no federal agency, no company"),
    ("us-me", "a search without facts", 'obligation = "search-on-specific-facts"', 'obligation = "report-yearly"', "a search needs specific and articulable facts"),
    ("us-mn", "the plate's state leaves", 'keep = ["plate-text", ', 'keep = ["plate-text", "plate-region", ', "plate, place and time leave, and nothing else of the vehicle"),
    ("us-mn", "any list", 'sources = ["Minnesota license plate data file"]', "sources = []", "NCIC itself is not matched"),
    ("us-mn", "agencies on request", 'gates = ["agreement"]', 'gates = ["request"]', "another agency must show that it meets the rules"),
    ("us-mn", "tracking", 'purpose = "tracking-without-warrant"', 'purpose = "personal-use"', "nobody is tracked without a warrant"),
    ("us-mt", "planning from reads", 'purpose = "traffic-study"\neffect = "bar"', 'purpose = "traffic-study"\neffect = "permit"', "planning never gets a read"),
    ("us-mt", "police on request", 'recipient = "registered-owner"', 'recipient = "in-state-law-enforcement"', "the registered owner alone has a door"),
    ("us-nh", "an hour", "{ minutes = 3 }", "{ hours = 1 }", "what is no hit is gone within three minutes"),
    ("us-nh", "cameras on poles", 'units = ["mobile-attended"]', 'units = ["mobile-attended", "fixed"]', "a camera on a pole captures nothing"),
    ("us-nh", "everything leaves", 'obligation = "hits-only"', 'obligation = "blur-image"', "a read that is no hit never leaves the unit"),
    ("us-nh", "nothing is forgotten", 'obligation = "forget-in-minutes"', 'obligation = "blur-image"', "what is no hit is gone within three minutes"),
    ("us-nh", "immigration lists", 'topics = ["commercial-vehicle"]', 'topics = ["immigration-violator"]', "the Immigration Violator File is for none of the nine purposes"),
    ("us-nh", "any clock", 'untrusted = "withhold"', 'untrusted = "shorten"\nmargin = { minutes = 1 }', "under a clock that nobody has set not even a hit leaves"),
    ("us-nj", "five years", "{ years = 3 }", "{ years = 5 }", "a read is kept three years"),
    ("us-nj", "a certificate of nothing", 'declares = ["immigration-enforcement"]', "declares = []", "a certificate that leaves immigration out admits nobody"),
    ("us-nj", "a declaration will do", 'gates = ["certification"]', 'gates = ["certification", "declaration"]', "police of another state need a certificate"),
    ("us-ny", "a shorter declaration", '"gender-affirming-care-investigation"]', "]", "a declaration that leaves gender-affirming care out admits nobody"),
    ("us-ny", "federal agencies on request", 'gates = ["warrant"]', 'gates = ["request"]', "a federal agency needs a warrant"),
    ("us-ri", "immigration enforcement", 'purpose = "immigration-enforcement"\neffect = "bar"', 'purpose = "immigration-enforcement"\neffect = "permit"', "the declared purposes are barred"),
    ("us-ri", "a longer retention", "{ days = 21 }", "{ days = 22 }", "a read is kept 21 days"),
    ("us-va", "federal agencies", 'recipient = "court"', 'recipient = "federal-agency"', "no other state and no federal agency has a door"),
    ("us-va", "the public on request", 'gates = ["emergency"]', 'gates = ["request"]', "the public is alerted in an emergency alone"),
    ("us-va", "no civil action", 'lift = "civil-action"', 'lift = "toll"', "an investigation, a prosecution or a civil action lifts the limit"),
    ("us-vt", "weeks of searching", "within = { days = 7 }", "within = { days = 14 }", "the own agency searches for seven days"),
    ("us-vt", "requests for a year", "within = { months = 6 }", "within = { months = 12 }", "a written request finds it for six months"),
    ("us-vt", "kept in days", "longest = { months = 18 }", "longest = { days = 540 }", "a read is kept 18 months by the calendar"),
    ("us-wa", "wherever it is", 'without_position = "stop"', 'without_position = "stop-where-zones"', "a unit that does not know where it is captures nothing"),
    ("us-wa", "in force by Greenwich", "2026-03-30T00:00:00-07:00", "2026-03-30T00:00:00Z", "the last moment before March 30 in Olympia nothing is captured"),
    ("us-wa", "lesser crimes", 'purpose = "traffic-study"', 'purpose = "traffic-infraction-enforcement"', "felonies, gross misdemeanors, the stolen and the missing, parking and traffic are the uses"),
]  # fmt: skip


def edited(name: str, old: str, new: str, folder: Path) -> Pack:
    """A shipped pack with ``old`` replaced by ``new`` once, loaded from a file."""
    text = (resources.files("edge.policy") / "packs" / f"{name}.toml").read_text(encoding="utf-8")
    assert old in text, f"`{old}` does not stand in {name}"
    path = folder / f"{name}.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return load_pack(path)


@pytest.mark.parametrize(("name", "what", "old", "new", "noticed_by"), BROKEN, ids=[f"{row[0]}: {row[1]}" for row in BROKEN])
def test_a_pack_that_says_something_else_fails_its_cases(
    tmp_path: Path, name: str, what: str, old: str, new: str, noticed_by: str
) -> None:
    """The cases are no decoration: a pack edited to mean something else fails the one that is about it."""
    failed = {result.name for result in run_cases(edited(name, old, new, tmp_path), label) if not result.passed}
    assert noticed_by in failed


def test_every_pack_was_broken_at_least_twice() -> None:
    """The table above leaves no pack out."""
    assert all(sum(row[0] == name for row in BROKEN) >= 2 for name in SHIPPED)


def test_what_no_label_shows_is_in_the_packs_too() -> None:
    """Virginia's audit trail of two years, New Hampshire's list of the day and yearly counters, Minnesota's public log."""
    virginia, hampshire, minnesota = PACKS["us-va"], PACKS["us-nh"], PACKS["us-mn"]
    assert [(rule.records, str(rule.shortest)) for rule in virginia.minimum_keeps] == [("audit-log", "2 years")]
    assert [str(rule.max_age) for rule in hampshire.hotlists] == ["24 hours"]
    assert hampshire.forget_within == timedelta(minutes=3)
    assert {(rule.counts, rule.by) for rule in hampshire.counters} == {
        ("hits", ("camera", "list")),
        ("outcomes", ("category",)),
    }
    assert {rule.records: rule.publicity for rule in minnesota.public_records} == {
        "usage-counts": "public",
        "camera-locations": "public",
    }


@pytest.mark.parametrize("name", ["us-ny", "us-ri", "us-ma"])
def test_a_recipient_of_connecticut_is_never_laxer_than_what_it_declared(name: str) -> None:
    """Whoever gave the declaration bars what Connecticut wants barred, deletes as early, and passes nothing on."""
    connecticut = PACKS["us-ct"]
    wanted = next(rule for rule in connecticut.layers[0].says.recipients or () if rule.gates == ("declaration",)).declares
    pack = PACKS[name]
    assert set(wanted) <= set(pack.purposes_barred)
    assert set(connecticut.purposes_barred) <= set(pack.purposes_barred)
    assert {"same-deletion-date", "barred-purposes-bind", "no-onward-sharing"} <= {rule.duty for rule in pack.onward_duties}
    assert set(pack.purposes_permitted) <= set(connecticut.purposes_permitted)
    assert all(rule.longest.after(NOW) <= connecticut.retention[0].longest.after(NOW) for rule in pack.retention)
