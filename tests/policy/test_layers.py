"""Layers: the state's pack, and what an agency or a device lays over it."""

# ruff: noqa: E501  tables read best with one case a line

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import PolicyError
from edge.labeler.scope import label, strictest
from edge.policy.agreements import Agreement
from edge.policy.decide import decide, may_capture
from edge.policy.layers import combine
from edge.policy.load import load_layer, parse_agreements, parse_layer
from edge.policy.pack import Layer, LoadedLayer, Pack
from edge.policy.vocabulary import (
    Classification,
    Field,
    Gate,
    Lift,
    Obligation,
    OnwardDuty,
    Purpose,
    RecipientClass,
    Topic,
    UnitKind,
)
from edge.records import Hit, LabeledRead, Position, Recipient, Release, Withhold
from tests.policy.situations import HARTFORD, NOW, STOLEN, US_CT, capture, days, instant, labeled, read

STATE = US_CT.layers[0]
IDENTITY = """[identity]
id = "{id}"
layer = "{layer}"
version = "1"
title = "Test"
jurisdiction = "US-CT"
statute = "General order 1"
effective_from = 2026-01-01T00:00:00Z
prepared_on = 2026-01-01
note = "test"
"""
RULE = 'id = "{id}"\nclause = "General order 1"\nevidence = "choice"\nverified = false\nwords = "test"\n'


def layer(text: str, kind: str = "agency", name: str = "town") -> LoadedLayer:
    return parse_layer("`test`", (IDENTITY.format(id=name, layer=kind) + text).encode())


def rule(table: str, text: str, name: str = "town-rule") -> str:
    return f"{table}\n{RULE.format(id=name)}{text}\n"


def under(*layers: LoadedLayer) -> Pack:
    return combine([STATE, *layers])


def released(pack: Pack, hit: Hit | None = None) -> LabeledRead:
    decision = decide(labeled(pack, hit=hit), pack)
    assert isinstance(decision, Release), decision
    return decision.labeled


def test_a_shorter_retention_of_the_agency_wins_and_a_longer_one_does_not() -> None:
    """Seven days of a town beat the state's 21; its thirty do not."""
    for kept, expected in (("7 days", days(7)), ("30 days", days(21))):
        pack = under(layer(rule("[[retention]]", f'applies_to = "any"\nlongest = "{kept}"')))
        assert released(pack).label.delete_after == NOW + expected


def test_an_agency_that_admits_fewer_admits_fewer_and_never_more() -> None:
    """Whom the town does not name gets nothing; whom the state does not name gets nothing either."""
    text = rule("[[recipients]]", 'recipient = "in-state-law-enforcement"\ngates = ["written-request"]')
    text += rule("[[recipients]]", 'recipient = "private-entity"\ngates = ["none"]', "town-2")
    names = {each.recipient: each for each in released(under(layer(text))).label.recipients}
    assert set(names) == {"in-state-law-enforcement"}
    assert names["in-state-law-enforcement"].doors == (("request",), ("written-request",))
    assert names["in-state-law-enforcement"].rules == ("ct-in-state", "town-rule")


def test_a_purpose_that_the_agency_bars_is_permitted_no_more() -> None:
    """Deny over permit, whatever the state permits."""
    made = released(under(layer(rule("[[purposes]]", 'purpose = "parking-enforcement"\neffect = "bar"')))).label
    assert "parking-enforcement" not in made.purposes_permitted
    assert "parking-enforcement" in made.purposes_barred
    assert "warrant" in made.purposes_permitted


def test_an_agency_s_list_of_purposes_narrows_the_state_s() -> None:
    """What both permit remains."""
    made = released(under(layer(rule("[[purposes]]", 'purpose = "warrant"\neffect = "permit"')))).label
    assert made.purposes_permitted == ("warrant",)


def test_a_field_that_a_layer_does_not_keep_is_gone_from_the_read_and_its_label() -> None:
    """The position and the state read are dropped before anything is signed."""
    pack = under(layer(rule("[fields]", 'keep = ["plate-text", "time", "device"]')))
    made = released(pack)
    assert made.capture.position is None
    assert (made.read.region, made.read.region_confidence) == ("", 0.0)
    assert made.label.fields == ("plate-text", "time", "device")


def test_a_coarse_position_is_rounded_and_says_how_unsure_it_is() -> None:
    """To a hundredth of a degree; the true place lies within the error that is told."""
    pack = under(
        layer(rule("[fields]", 'keep = ["plate-text", "plate-region", "position", "time", "device"]\ncoarsen = ["position"]'))
    )
    position = released(pack).capture.position
    assert position is not None
    assert (position.latitude, position.longitude) == (41.76, -72.69)
    north_m = abs(HARTFORD.latitude - position.latitude) * 111_000
    assert north_m < position.accuracy_m < 1000


def test_a_mark_of_a_layer_stands_in_the_label() -> None:
    """A field may be stricter than the read as a whole."""
    pack = under(layer(rule("[[marks]]", 'fields = ["position", "vehicle-image"]\nclassification = "restricted"')))
    assert [(mark.field, mark.classification) for mark in released(pack).label.marks] == [("position", "restricted")]


def test_hits_only_lets_hits_leave_and_counters_only_lets_nothing_leave() -> None:
    """An agency may ask for less than the state allows."""
    for word, hit, leaves in (("hits-only", None, False), ("hits-only", STOLEN, True), ("counters-only", STOLEN, False)):
        pack = under(layer(rule("[[obligations]]", f'obligation = "{word}"\nby = "unit"')))
        decision = decide(labeled(pack, hit=hit), pack)
        assert isinstance(decision, Release) == leaves
        if isinstance(decision, Withhold):
            assert decision.reasons[0].rule == "town-rule"


def test_a_layer_that_is_not_in_force_stops_capture() -> None:
    """An agency's order that has lapsed is no permission."""
    lapsed = parse_layer(
        "`test`",
        IDENTITY.format(id="town", layer="agency")
        .replace("prepared_on", "effective_until = 2026-02-01T00:00:00Z\nprepared_on")
        .encode(),
    )
    assert [reason.rule for reason in may_capture(HARTFORD, NOW, under(lapsed), (), "fixed")] == ["engine-in-force"]


AT_ODDS = [
    ("forwarded later than deleted", rule("[[forward_by]]", 'applies_to = "any"\nwithin = "48 hours"\nto = "state store"') + rule("[[retention]]", 'applies_to = "non-hit"\nlongest = "3 minutes"', "town-2") + '[clock]\n' + RULE.format(id="town-3") + 'max_error = "1 minute"\nuntrusted = "withhold"\n', "`town-rule` (General order 1) wants a read forwarded within 48 hours, but `town-2` (General order 1) wants it deleted after 3 minutes"),
    ("everything forwarded, hits only", rule("[[forward_by]]", 'applies_to = "any"\nwithin = "24 hours"\nto = "state store"') + rule("[[obligations]]", 'obligation = "hits-only"\nby = "unit"', "town-2"), "`town-2` (General order 1) lets only some leave"),
    ("kept longer than allowed", rule("[[minimum_keeps]]", 'records = "reads"\nshortest = "30 days"'), "wants reads kept for at least 30 days, but `ct-21-days` (P.A. 26-14 § 13(b)(2))"),
    ("a margin that eats the time", rule("[[retention]]", 'applies_to = "any"\nlongest = "12 hours"'), "leaves nothing of `town-rule`"),
    ("held for longer than kept", "[clock]\n" + RULE.format(id="town-rule") + 'max_error = "1 minute"\nuntrusted = "hold"\nhold = "2 hours"\n' + rule("[[retention]]", 'applies_to = "any"\nlongest = "90 minutes"', "town-2"), "holds reads for 2 hours until the clock is right"),
    ("no common purpose", rule("[[purposes]]", 'purpose = "traffic-study"\neffect = "permit"'), "no purpose is permitted by every layer"),
    ("a rule id of the state's", rule("[[retention]]", 'applies_to = "any"\nlongest = "7 days"', "ct-21-days"), "rule id `ct-21-days` is used 2 times"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "said"), AT_ODDS, ids=[row[0] for row in AT_ODDS])
def test_layers_that_cannot_be_obeyed_together_are_refused_with_both_clauses(name: str, text: str, said: str) -> None:
    """A unit that could only break one of two rules does not start."""
    with pytest.raises(PolicyError) as caught:
        under(layer(text))
    assert said in str(caught.value)


WRONG_STACKS = [
    ("no state", lambda: [layer("")], "exactly one pack must have"),
    ("two states", lambda: [STATE, layer("", kind="state", name="us-xx")], "exactly one pack must have"),
    ("the same twice", lambda: [STATE, layer(""), layer("")], "given 2 times"),
    (
        "half a state",
        lambda: [layer(rule("[[retention]]", 'applies_to = "any"\nlongest = "7 days"'), kind="state")],
        "lacks `classification`",
    ),
]


@pytest.mark.parametrize(("name", "stack", "said"), WRONG_STACKS, ids=[row[0] for row in WRONG_STACKS])
def test_a_stack_without_one_whole_state_is_refused(name: str, stack: object, said: str) -> None:
    """An agency's restrictions alone permit nothing and forbid little."""
    with pytest.raises(PolicyError, match=said):
        combine(stack())  # type: ignore[operator]


def test_the_label_names_every_layer_and_one_layer_keeps_its_own_hash() -> None:
    """Whoever holds the read can tell under which files it was made."""
    town = layer(rule("[[retention]]", 'applies_to = "any"\nlongest = "7 days"'))
    made = released(under(town)).label
    assert [(each.id, each.sha256) for each in made.layers] == [("us-ct", STATE.sha256), ("town", town.sha256)]
    assert made.pack_sha256 not in (STATE.sha256, town.sha256)
    assert US_CT.sha256 == STATE.sha256
    assert under(town) == combine([town, STATE])


# --- agreements --------------------------------------------------------------------------------------------------------

OPEN_TO_NEIGHBOURS = STATE_NOW = parse_layer(
    "`test`",
    Path(__file__).resolve().parents[2].joinpath("edge/policy/packs/us-ct.toml").read_text(encoding="utf-8")
    .replace('gates = ["declaration"]', 'gates = ["declaration"]\nnow = true', 1).encode(),
)  # fmt: skip
KEY = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVZ5eK3cXUG3Yp0o2bLT0Y9nQ5m1l\nGk0kX0yX7cP8m0m0S0b1yq0b0o1T2w==\n-----END PUBLIC KEY-----\n"
ALBANY = Agreement(
    party="albany-pd", recipient="out-of-state-law-enforcement", jurisdiction="US-NY", satisfies=("declaration",),
    text_sha256="a" * 64, signed_by=("A", "B"), starts=NOW - days(30), ends=NOW + days(30), now=True, seal_key=KEY,
    bars=("immigration-enforcement", "reproductive-health-care-investigation", "gender-affirming-care-investigation"),
)  # fmt: skip

# name, the agreement, when the read is captured, whether the party is named, whether it gets its copy
PAPERS = [
    ("in force", ALBANY, NOW, True, True),
    ("not yet in force", ALBANY, NOW - days(30) - timedelta(seconds=1), False, False),
    ("run out", ALBANY, NOW + days(30), False, False),
    ("revoked an hour ago", msgspec.structs.replace(ALBANY, revoked=NOW - timedelta(hours=1)), NOW, False, False),
    ("to be revoked in an hour", msgspec.structs.replace(ALBANY, revoked=NOW + timedelta(hours=1)), NOW, True, True),
    ("on request only", msgspec.structs.replace(ALBANY, now=False), NOW, True, False),
    ("a declaration that leaves immigration out", msgspec.structs.replace(ALBANY, bars=ALBANY.bars[1:]), NOW, False, False),
    ("of a state that the act does not name", msgspec.structs.replace(ALBANY, jurisdiction="US-TX"), NOW, False, False),
    ("a paper that opens another gate", msgspec.structs.replace(ALBANY, satisfies=("request",)), NOW, True, False),
]


@pytest.mark.parametrize(("name", "paper", "at", "named", "now"), PAPERS, ids=[row[0] for row in PAPERS])
def test_a_party_is_real_only_while_its_agreement_is(name: str, paper: Agreement, at: datetime, named: bool, now: bool) -> None:
    """The next read after a lapse names it no more, and nothing is sealed for it."""
    pack = combine([OPEN_TO_NEIGHBOURS], [paper])
    decision = decide(labeled(pack, first=instant(at)), pack)
    if isinstance(decision, Withhold):
        assert at < US_CT.identity.effective_from
        return
    assert ("albany-pd" in [each.party for each in decision.labeled.label.recipients]) == named
    assert [copy.party for copy in decision.copies] == (["albany-pd"] if now else [])


def test_the_shipped_pack_gives_nobody_a_copy() -> None:
    """Even a party with every paper asks the owner."""
    pack = combine([STATE], [ALBANY])
    decision = decide(labeled(pack), pack)
    assert isinstance(decision, Release)
    assert decision.copies == ()
    (party,) = [each for each in decision.labeled.label.recipients if each.party]
    assert (party.now, party.doors) == (False, (("request",),))


FORGED = [
    ("a party without a paper", lambda r: msgspec.structs.replace(r, party="dallas-pd")),
    ("a copy that the pack does not allow", lambda r: msgspec.structs.replace(r, now=True)),
    ("no door at all", lambda r: msgspec.structs.replace(r, doors=())),
    ("an empty door", lambda r: msgspec.structs.replace(r, doors=((),))),
    ("another gate", lambda r: msgspec.structs.replace(r, doors=(("none",),), party="")),
    ("no rule", lambda r: msgspec.structs.replace(r, rules=())),
]


@pytest.mark.parametrize(("name", "forge"), FORGED, ids=[row[0] for row in FORGED])
def test_a_label_that_admits_more_than_pack_and_papers_is_withheld(name: str, forge: object) -> None:
    """Whoever tampers between label and decision gains nothing."""
    pack = combine([STATE], [ALBANY])
    made = labeled(pack)
    (party,) = [each for each in made.label.recipients if each.party]
    forged: Recipient = forge(party)  # type: ignore[operator]
    bad = msgspec.structs.replace(made, label=msgspec.structs.replace(made.label, recipients=(forged,)))
    decision = decide(bad, pack)
    assert isinstance(decision, Withhold)
    assert {reason.rule for reason in decision.reasons} == {"engine-not-wider"}


def test_agreements_are_refused_with_party_and_key() -> None:
    """A file of agreements fails closed like a pack."""
    whole = f"""[[agreements]]
party = "albany-pd"
recipient = "out-of-state-law-enforcement"
jurisdiction = "US-NY"
satisfies = ["declaration"]
text_sha256 = "{"a" * 64}"
signed_by = ["A. Chief", "B. Chief"]
starts = 2026-10-01T00:00:00Z
ends = 2027-10-01T00:00:00Z
now = true
seal_key = '''{KEY}'''
"""
    for old, new, said in (
        ('party = "albany-pd"', 'party = "Albany PD"', "`agreements[0].party`"),
        ('"declaration"', '"declaraton"', "did you mean `declaration`?"),
        ("now = true", "now = true\nextra = 1", "unknown key"),
        ("BEGIN PUBLIC", "BEGIN PRIVATE", "needs a `seal_key`"),
        ("ends = 2027", "ends = 2025", "`ends` is not after `starts`"),
        ('["A. Chief", "B. Chief"]', '["A. Chief"]', "`agreements[0].signed_by`"),
        ('"' + "a" * 64, '"' + "a" * 63, "`agreements[0].text_sha256`"),
    ):
        assert old in whole
        with pytest.raises(PolicyError) as caught:
            parse_agreements("`papers`", whole.replace(old, new).encode())
        assert said in str(caught.value)


# --- what no layer can do ------------------------------------------------------------------------------------------------


def words(kind: object, most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(kind.__args__), min_size=1, max_size=most, unique=True).map(tuple)  # type: ignore[attr-defined]


@st.composite
def layers(draw: st.DrawFn) -> LoadedLayer:
    """Any agency's layer: permissions, restrictions, whatever the language can say."""
    head = {"clause": "x", "evidence": "choice", "verified": False, "words": "x"}
    count = iter(range(100))

    def ruled(**values: object) -> dict[str, object]:
        return {"id": f"town-{next(count)}", **head, **values}

    text: dict[str, object] = {}
    if draw(st.booleans()):
        text["retention"] = [
            ruled(
                applies_to=draw(st.sampled_from(["any", "hit", "non-hit"])),
                longest={"amount": draw(st.integers(2, 400)), "unit": "days"},
            )
        ]
    if draw(st.booleans()):
        barred = set(draw(words(Purpose, 6)))
        permits = set(draw(words(Purpose, 12))) - barred
        text["purposes"] = [ruled(purpose=p, effect="bar") for p in sorted(barred)] + [
            ruled(purpose=p, effect="permit") for p in sorted(permits)
        ]
    if draw(st.booleans()):
        text["recipients"] = [
            ruled(
                recipient=name,
                gates=list(draw(words(Gate))),
                jurisdictions=["US-NY"] if name == "out-of-state-law-enforcement" else [],
            )
            for name in draw(words(RecipientClass, 5))
        ]
    if draw(st.booleans()):
        text["lifts"] = [ruled(lift=lift) for lift in draw(words(Lift))]
    if draw(st.booleans()):
        text["fields"] = ruled(keep=list({"plate-text", "time", "device", *draw(words(Field, 6))}))
    if draw(st.booleans()):
        text["classification"] = ruled(classification=draw(st.sampled_from(Classification.__args__)))  # type: ignore[attr-defined]
    if draw(st.booleans()):
        text["match"] = ruled(min_confidence=draw(st.floats(0, 1)), unknown_region=draw(st.sampled_from(["admit", "withhold"])))
    if draw(st.booleans()):
        text["hotlist"] = ruled(region="must-agree", admit=[ruled(topics=list(draw(words(Topic, 8))))])
    if draw(st.booleans()):
        text["obligations"] = [ruled(obligation=o, by="owner") for o in draw(words(Obligation))]
    if draw(st.booleans()):
        text["onward_duties"] = [ruled(duty=d) for d in draw(words(OnwardDuty))]
    if draw(st.booleans()):
        text["capture"] = ruled(without_position=draw(st.sampled_from(["capture", "stop"])), units=list(draw(words(UnitKind))))
    says = msgspec.convert({**msgspec.to_builtins(layer("").says), **text}, Layer)
    return LoadedLayer(says=says, sha256="f" * 64)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(town=layers(), hit=st.none() | st.just(STOLEN), confidence=st.floats(0, 1), place=st.none() | st.just(HARTFORD))
def test_another_layer_never_widens_anything(
    town: LoadedLayer, hit: Hit | None, confidence: float, place: Position | None
) -> None:
    """Whatever an agency writes, no more is captured, released, shared, permitted or kept than under the state's pack alone."""
    try:
        pack = under(town)
    except PolicyError:
        return  # at odds with the state's: the unit does not start
    if not may_capture(place, NOW, pack, (), "fixed"):
        assert not may_capture(place, NOW, US_CT, (), "fixed")
    subject = read(confidence=confidence)
    wide, narrow = (label(subject, capture(place), each, hit) for each in (US_CT, pack))
    if isinstance(decide(narrow, pack), Release):
        assert isinstance(decide(wide, US_CT), Release)
    a, b = wide.label, narrow.label
    assert b.delete_after <= a.delete_after
    assert set(b.purposes_permitted) <= set(a.purposes_permitted)
    assert set(b.purposes_barred) >= set(a.purposes_barred)
    assert not set(b.purposes_barred) & set(b.purposes_permitted)
    assert set(b.lifts) <= set(a.lifts)
    assert set(b.fields) <= set(a.fields)
    assert set(b.obligations) >= set(a.obligations)
    assert set(b.onward_duties) >= set(a.onward_duties)
    order = ("public", "confidential", "restricted")
    assert order.index(b.classification) >= order.index(a.classification)
    doors = {each.recipient: each.doors for each in a.recipients}
    for each in b.recipients:
        assert set(doors[each.recipient]) <= set(each.doors)
        assert not each.now
    for topic in Topic.__args__:  # type: ignore[attr-defined]
        if pack.refusal("NCIC", topic, "x") is None:
            assert US_CT.refusal("NCIC", topic, "x") is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(towns=st.lists(layers(), min_size=1, max_size=3))
def test_what_is_derived_from_several_reads_inherits_the_strictest(towns: list[LoadedLayer]) -> None:
    """A label of derived data permits nothing that any of its sources forbids."""
    sources = []
    for town in towns:
        try:
            sources.append(labeled(under(town)).label)
        except PolicyError:
            continue
    sources.append(labeled(US_CT).label)
    made = strictest(sources)
    for each in sources:
        assert made.delete_after <= each.delete_after
        assert set(made.purposes_permitted) <= set(each.purposes_permitted)
        assert set(made.purposes_barred) >= set(each.purposes_barred)
        assert set(made.fields) <= set(each.fields)
        assert set(made.lifts) <= set(each.lifts)
        assert {r.recipient for r in made.recipients} <= {r.recipient for r in each.recipients}
    assert not any(recipient.now for recipient in made.recipients)


def test_reads_of_several_owners_derive_nothing() -> None:
    """Nobody alone may decide about what several own."""
    mine, theirs = labeled().label, msgspec.structs.replace(labeled().label, owner="other-pd")
    with pytest.raises(ValueError, match="several owners"):
        strictest([mine, theirs])
    with pytest.raises(ValueError, match="no label"):
        strictest([])


def test_layers_of_the_bundled_file_and_its_bytes_are_the_same() -> None:
    """What was loaded by name is what an auditor hashes."""
    assert load_layer("us-ct") == STATE
    assert datetime(2026, 11, 1, 12, tzinfo=timezone.utc) == NOW
