"""What each pack makes of the same eleven situations, and that the README tells it."""

# ruff: noqa: E501  tables read best with one case a line

from __future__ import annotations

from pathlib import Path

import pytest

from edge.labeler.scope import label
from edge.policy.compare import answers, markdown
from edge.policy.load import bundled_packs, load_pack
from tests.policy.situations import edited_pack

README = Path(__file__).resolve().parents[2] / "README.md"
ANSWERS = {name: answers(load_pack(name), label) for name in bundled_packs()}


def test_the_readme_shows_what_the_command_prints() -> None:
    """Whoever changes a pack changes what the README says of it: run `plate-edge policy table` and paste."""
    told = README.read_text(encoding="utf-8").split("<!-- packs:begin -->\n")[1].split("\n<!-- packs:end -->")[0]
    assert told == markdown(list(ANSWERS.values()))


def test_each_pack_answers_the_same_eleven_situations() -> None:
    """A row for every pack, the same eleven columns in each, and no empty cell."""
    columns = {tuple(answer.situation for answer in each.answers) for each in ANSWERS.values()}
    assert len(columns) == 1
    assert len(next(iter(columns))) == 11
    assert all(answer.words for each in ANSWERS.values() for answer in each.answers)


def test_an_answer_names_the_rules_and_clauses_behind_it() -> None:
    """Only where nobody is admitted is there no rule to name."""
    for each in ANSWERS.values():
        for answer in each.answers:
            assert answer.rules or answer.words == "no", (each.pack, answer.situation)
            assert all(cited.clause for cited in answer.rules)


TOLD = [
    ("us-nh", "plain read", "stays, gone in 3 minutes (mobile-attended units only)", "nh-forget"),
    ("us-nh", "clock unset", "nothing leaves", "nh-clock"),
    ("us-nh", "plain read, 30 days later", "never was there", "nh-hits-only"),
    ("us-ct", "Immigration Violator File", "no hit: barred", "ct-hotlist-immigration"),
    ("us-me", "Immigration Violator File", "no hit: not listed", "me-hotlist-closed"),
    ("us-mn", "stolen vehicle", "leaves, 60 days", "mn-60-days"),
    ("us-wa", "position lost", "stops", "wa-no-capture-places"),
    ("us-wa", "at a school", "nothing in its zone: by law", "wa-no-capture-places"),
    ("us-va", "at a school", "nothing in its zone: perhaps by law", "va-no-capture-zone"),
    ("us-vt", "plain read, 30 days later", "there, search closed", "vt-search-own"),
    ("us-nj", "police of another state ask", "NY, PA, DE, CT: certification; others: court order or warrant", "nj-out-of-state"),
    ("us-ct", "a federal agency asks", "warrant or watchlist match", "ct-federal-warrant"),
]  # fmt: skip


@pytest.mark.parametrize(("pack", "situation", "words", "rule"), TOLD, ids=[f"{row[0]}: {row[1]}" for row in TOLD])
def test_an_answer_says_what_the_pack_does(pack: str, situation: str, words: str, rule: str) -> None:
    """The words of a cell, and a rule that is behind them."""
    answer = next(answer for answer in ANSWERS[pack].answers if answer.situation == situation)
    assert answer.words == words
    assert rule in [cited.rule for cited in answer.rules]


EDITED = [
    ("counters only", ("[[onward_duties]]", '[[obligations]]\nid = "ct-none"\nclause = "x"\nevidence = "choice"\nverified = false\nwords = "x"\nobligation = "counters-only"\nby = "unit"\n\n[[onward_duties]]'), "plain read", "stays"),
    ("capture without a position", ('"stop-where-zones"', '"capture"'), "position lost", "captures"),
    ("half a day for a doubtful clock", ("margin = { days = 1 }", "margin = { hours = 12 }"), "clock unset", "deleted 0.5 days earlier"),
    ("an open immigration file", ('topics = ["immigration", "immigration-violator"]\nsources = ["NCIC-IVF", "IVF", "ICE", "ICE-ERO", "USBP"]\nterms = [\n  "immigra*", "deport*", "ivf",', 'terms = [\n  "deport*",'), "Immigration Violator File", "no hit: not listed"),
    ("in-state police by a door for all", ('recipient = "in-state-law-enforcement"', 'recipient = "prosecutor"'), "police of the state ask", "warrant or watchlist match"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "edit", "situation", "words"), EDITED, ids=[row[0] for row in EDITED])
def test_an_edited_pack_answers_otherwise(tmp_path: Path, name: str, edit: tuple[str, str], situation: str, words: str) -> None:
    """Answers come from playing the situation, not from the pack's name."""
    found = answers(edited_pack(tmp_path, edit), label)
    assert next(answer.words for answer in found.answers if answer.situation == situation) == words
