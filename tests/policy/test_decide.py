"""What may be captured, and what may leave the unit."""

# ruff: noqa: E501  tables read best with one case a line

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.labeler.scope import label
from edge.policy.decide import decide, may_capture
from edge.records import Hit, LabeledRead, LabelLayer, Position, Recipient, Release, Withhold
from tests.policy.situations import (
    HARTFORD,
    NOW,
    STOLEN,
    US_CT,
    capture,
    days,
    edited_pack,
    instant,
    labeled,
    read,
    relabelled,
)

BEFORE = datetime(2026, 10, 1, 3, 59, 59, 999_999, tzinfo=timezone.utc)
IVF = Hit(source="NCIC", topic="immigration-violator", reason="warrant", entered_by="X", list_sha256="0" * 64, exact=True)


def widened(**changes: Any) -> LabeledRead:
    return relabelled(labeled(), **changes)


def recipient(name: str, gate: str, rule: str, now: bool = False) -> tuple[Recipient, ...]:
    return (Recipient(recipient=name, doors=((gate,),), rules=(rule,), now=now),)


# name, a labelled read, the rule that must withhold it
WITHHELD: list[tuple[str, Callable[[], LabeledRead], str]] = [
    ("captured before the act binds", lambda: labeled(first=instant(BEFORE)), "engine-in-force"),
    ("a pass that began before the act binds", lambda: labeled(first=instant(BEFORE), last=instant(NOW)), "engine-in-force"),
    ("a clock that woke in 1970", lambda: labeled(first=instant(datetime(1970, 1, 1, tzinfo=timezone.utc), "unset")), "engine-in-force"),
    ("a time without a zone", lambda: labeled(first=instant(datetime(2026, 11, 1))), "engine-time"),
    ("another pack's label", lambda: widened(layers=()), "engine-label-of-pack"),
    ("another version's label", lambda: widened(layers=(LabelLayer(id="us-ct", version="0", sha256=US_CT.sha256),)), "engine-label-of-pack"),
    ("a label of a pack with other bytes", lambda: widened(pack_sha256="0" * 64), "engine-label-of-pack"),
    ("another jurisdiction", lambda: widened(jurisdiction="US-TX"), "engine-label-of-pack"),
    ("another owner", lambda: widened(owner="other-pd"), "ct-owner"),
    ("no owner", lambda: label(read(), capture(agency=""), US_CT, None), "ct-owner"),
    ("a public label", lambda: widened(classification="public"), "ct-confidential"),
    ("one purpose too many", lambda: widened(purposes_permitted=("traffic-study",)), "engine-not-wider"),
    ("a barred purpose permitted", lambda: widened(purposes_permitted=("immigration-enforcement",)), "engine-not-wider"),
    ("a barred purpose left out", lambda: widened(purposes_barred=US_CT.purposes_barred[1:]), "engine-not-wider"),
    ("an easier gate", lambda: widened(recipients=recipient("federal-agency", "request", "ct-federal-warrant")), "engine-not-wider"),
    ("another recipient's rule", lambda: widened(recipients=recipient("any-other", "request", "ct-in-state")), "engine-not-wider"),
    ("a recipient of no rule", lambda: widened(recipients=recipient("press", "none", "none")), "engine-not-wider"),
    ("a copy at capture", lambda: widened(recipients=recipient("in-state-law-enforcement", "request", "ct-in-state", True)), "engine-not-wider"),
    ("a duty left out", lambda: widened(onward_duties=()), "engine-not-wider"),
    ("an obligation left out", lambda: widened(obligations=()), "ct-sign"),
    ("an obligation of nobody", lambda: widened(obligations=(*labeled().label.obligations, "sing")), "engine-obligation"),
    ("kept a second too long", lambda: widened(delete_after=NOW + days(21) + timedelta(seconds=1)), "ct-21-days"),
    ("over before it left", lambda: widened(delete_after=NOW), "ct-21-days"),
    ("a hit that should not have been matched", lambda: labeled(hit=IVF), "ct-hotlist-immigration"),
    ("not sure enough", lambda: labeled(confidence=0.4999), "ct-match-confidence"),
    ("a confidence that is no number", lambda: labeled(confidence=float("nan")), "ct-match-confidence"),
    ("a confidence above one", lambda: labeled(confidence=7.0), "ct-match-confidence"),
    ("nothing read", lambda: labeled(text=""), "ct-match-confidence"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "subject", "rule"), WITHHELD, ids=[row[0] for row in WITHHELD])
def test_what_the_pack_does_not_allow_is_withheld_by_its_rule(name: str, subject: Callable[[], LabeledRead], rule: str) -> None:
    """Each way of being wrong, or wider than the pack, is withheld and says which rule and clause decided."""
    decision = decide(subject(), US_CT)
    assert isinstance(decision, Withhold)
    assert rule in [reason.rule for reason in decision.reasons]
    assert all(reason.clause and reason.words for reason in decision.reasons)
    assert decision.subject == "read-1"


RELEASED: list[tuple[str, Callable[[], LabeledRead]]] = [
    ("a plain read", labeled),
    ("a hit", lambda: labeled(hit=STOLEN)),
    ("without a position", lambda: label(read(), capture(None), US_CT, None)),
    ("a narrower label", lambda: widened(recipients=(), purposes_permitted=("warrant",), delete_after=NOW + days(1))),
    ("an unset clock", lambda: labeled(first=instant(NOW, "unset"))),
    ("just sure enough", lambda: labeled(confidence=0.5)),
    ("at the first instant in force", lambda: labeled(first=instant(BEFORE + timedelta(microseconds=1)))),
]


@pytest.mark.parametrize(("name", "subject"), RELEASED, ids=[row[0] for row in RELEASED])
def test_what_the_pack_allows_is_released_with_the_rules_it_rests_on(name: str, subject: Callable[[], LabeledRead]) -> None:
    """A release is the read itself, unaltered, and names rules that the pack has."""
    wanted = subject()
    decision = decide(wanted, US_CT)
    assert isinstance(decision, Release), decision
    assert decision.labeled is wanted
    assert decision.rules == ("ct-owner", "ct-match-confidence", "ct-21-days")


# name, edit of the Connecticut pack, the rule that must withhold every read
BEYOND_THE_UNIT = [
    ("an obligation of the agency's", ('obligation = "seal-to-owner"', 'obligation = "train-operators"'), "ct-seal"),
    ("hits only", ('obligation = "sign-at-capture"', 'obligation = "hits-only"'), "ct-sign"),
    ("a field that may not leave", ('keep = ["plate-text", "plate-region", ', 'keep = ["plate-region", '), "ct-fields"),
    ("counters only", ('obligation = "sign-at-capture"', 'obligation = "counters-only"'), "ct-sign"),
    ("a clock that must be right", ('untrusted = "shorten"', 'untrusted = "withhold"'), "ct-clock"),
    ("a region that must be known", ('unknown_region = "admit"', 'unknown_region = "withhold"'), "ct-match-confidence"),
    ("an expired pack", ("prepared_on", "effective_until = 2026-11-01T12:00:00Z\nprepared_on"), "engine-in-force"),
]


@pytest.mark.parametrize(("name", "edit", "rule"), BEYOND_THE_UNIT, ids=[row[0] for row in BEYOND_THE_UNIT])
def test_what_this_unit_cannot_carry_out_withholds(tmp_path: Path, name: str, edit: tuple[str, str], rule: str) -> None:
    """A demand that nothing in this program meets turns every release into a withholding."""
    edits = [edit, ("margin = { days = 1 }\n", "")] if rule == "ct-clock" else [edit]
    pack = edited_pack(tmp_path, *edits)
    decision = decide(labeled(pack, first=instant(NOW, "unset"), region="unknown"), pack)
    assert isinstance(decision, Withhold)
    assert [reason.rule for reason in decision.reasons if reason.rule == rule]


def test_a_pack_that_wants_a_position_withholds_a_read_without_one(tmp_path: Path) -> None:
    """The read itself is looked at again, not only the frames."""
    pack = edited_pack(tmp_path, ('"stop-where-zones"', '"stop"'))
    decision = decide(label(read(), capture(None), pack, None), pack)
    assert isinstance(decision, Withhold)
    assert [reason.rule for reason in decision.reasons] == ["ct-no-capture-zone"]


def test_all_reasons_are_given_not_the_first_one() -> None:
    """Somebody who mends one thing is not surprised by the next."""
    decision = decide(relabelled(labeled(confidence=0.1), owner="other", classification="public"), US_CT)
    assert isinstance(decision, Withhold)
    assert {reason.rule for reason in decision.reasons} == {"ct-owner", "ct-confidential", "ct-match-confidence"}


def test_no_reason_holds_the_plate() -> None:
    """Reasons go into log lines and reports."""
    decision = decide(relabelled(labeled(text="SECRET9", confidence=0.1), owner="other"), US_CT)
    assert isinstance(decision, Withhold)
    assert "SECRET9" not in str(decision)


TIMES = st.datetimes(timezones=st.one_of(st.none(), st.just(timezone.utc), st.just(timezone(timedelta(hours=-14)))))
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
SOURCES = st.sampled_from(["gps-pps", "gps", "ntp", "rtc", "holdover", "unset"])
INSTANTS = st.builds(instant, TIMES, SOURCES, st.none() | NUMBERS)
POSITIONS = st.none() | st.builds(Position, latitude=NUMBERS, longitude=NUMBERS, accuracy_m=NUMBERS)
WORDS = st.tuples(st.sampled_from(["warrant", "sale", "immigration-enforcement", "?", ""]))


@given(
    first=INSTANTS,
    last=INSTANTS,
    delete_after=TIMES,
    confidence=NUMBERS,
    text=st.text(max_size=8),
    position=POSITIONS,
    permitted=WORDS,
    barred=WORDS,
    hit=st.none() | st.sampled_from([STOLEN, IVF]),
    altered=st.booleans(),
)
def test_no_input_makes_deciding_raise_and_a_release_is_never_wider(
    first: Any, last: Any, delete_after: Any, confidence: float, text: str, position: Any, permitted: Any, barred: Any,
    hit: Any, altered: bool,
) -> None:  # fmt: skip
    """Whatever a read and a label hold, there is a decision; if it is a release, it keeps to every limit of the pack."""
    subject = read(first, last, confidence=confidence, text=text)
    if (first.utc.tzinfo is None) != (last.utc.tzinfo is None):
        return  # two clocks in one unit: the clock module gives aware instants only
    made = label(subject, capture(position), US_CT, hit)
    if altered:
        made = relabelled(made, delete_after=delete_after, purposes_permitted=permitted, purposes_barred=barred)
    decision = decide(made, US_CT)
    assert decision == decide(made, US_CT)
    if isinstance(decision, Withhold):
        assert decision.reasons
        return
    released = decision.labeled
    assert released.label.delete_after <= min(first.utc, last.utc) + days(21)
    assert not set(released.label.purposes_permitted) & set(US_CT.purposes_barred)
    assert set(released.label.purposes_barred) >= set(US_CT.purposes_barred)
    assert 0.5 <= released.read.confidence <= 1
    assert hit is not IVF


@given(position=POSITIONS, at=TIMES)
def test_no_position_makes_the_capture_decision_raise(position: Any, at: datetime) -> None:
    """Receivers deliver nonsense; nonsense is a lost position."""
    assert isinstance(may_capture(position, at, US_CT, (), "fixed"), tuple)


def test_the_same_inputs_give_the_same_bytes() -> None:
    """A decision depends on nothing but its inputs."""
    once, again = (msgspec.json.encode(decide(labeled(), US_CT)) for _ in range(2))
    assert once == again


def test_capture_is_forbidden_outside_the_dates_in_force() -> None:
    """Before its date a pack permits nothing, not even looking."""
    assert [reason.rule for reason in may_capture(HARTFORD, BEFORE, US_CT, (), "fixed")] == ["engine-in-force"]
    assert may_capture(HARTFORD, BEFORE + timedelta(microseconds=1), US_CT, (), "fixed") == ()
