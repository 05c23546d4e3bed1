"""What a pack's file may say, and how it is refused when it says anything else."""

# ruff: noqa: E501  tables read best with one case a line

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import PolicyError
from edge.policy.load import bundled_packs, load_pack
from edge.policy.rules import Duration
from tests.policy.situations import US_CT, US_CT_FILE, edited_pack, pack_text

IDENTITY = '[identity]\nid = "us-ct"'
RETENTION = "longest = { days = 21 }"
OWNER = 'owner = "capturing-agency"'

# name, (old, new) in the Connecticut pack, what the message must say
MALFORMED = [
    ("an unknown purpose", 'purpose = "parking-enforcement"', 'purpose = "parking-enforcment"', "did you mean `parking-enforcement`?"),
    ("an unknown barred purpose", 'purpose = "immigration-enforcement"', 'purpose = "imigration"', "`purposes[7].purpose`: unknown word `imigration`"),
    ("an unknown effect", 'effect = "permit"', 'effect = "allow"', "`purposes[0].effect`: unknown word `allow`"),
    ("an unknown gate", 'gates = ["declaration"]', 'gates = ["declaraton"]', "`recipients[1].gates[0]`: unknown word `declaraton`; did you mean `declaration`?"),
    ("an unknown recipient", 'recipient = "federal-agency"', 'recipient = "federal"', "did you mean `federal-agency`?"),
    ("an unknown classification", 'classification = "confidential"', 'classification = "secret"', "`classification.classification`"),
    ("an unknown obligation", 'obligation = "seal-to-owner"', 'obligation = "seal-to-owners"', "did you mean `seal-to-owner`?"),
    ("an unknown duty", 'duty = "no-sale"', 'duty = "no-sales"', "did you mean `no-sale`?"),
    ("an unknown topic", 'topics = ["stolen-vehicle", "stolen-plate"]', 'topics = ["stolen-car"]', "`hotlist.admit[0].topics[0]`"),
    ("an unknown field", 'keep = ["plate-text"', 'keep = ["plate-txt"', "did you mean `plate-text`?"),
    ("an unknown lift", 'lift = "court-order"', 'lift = "court order"', "did you mean `court-order`?"),
    ("an unknown evidence", 'evidence = "secondary"', 'evidence = "hearsay"', "`classification.evidence`"),
    ("an unknown table", "[classification]", "[classifications]", "`classifications`: unknown key; did you mean `classification`?"),
    ("an unknown key", RETENTION, RETENTION + "\nshortest = 1", "`retention[0].shortest`: unknown key"),
    ("an unknown place for a lost position", '"stop-where-zones"', '"stop-at-zones"', "did you mean `stop-where-zones`?"),
    ("a hash that the file claims of itself", IDENTITY, 'sha256 = "00"\n' + IDENTITY, "`sha256`: unknown key"),
    ("a duration without its unit", RETENTION, "longest = 21", "`retention[0].longest`: a duration needs one number and one unit"),
    ("a duration that is a bare number in quotes", RETENTION, 'longest = "21"', "`21` is no duration"),
    ("a duration in an unknown unit", RETENTION, "longest = { day = 21 }", "did you mean `days`?"),
    ("a duration with two units", RETENTION, "longest = { days = 21, hours = 1 }", "one number and one unit"),
    ("a duration of nothing", RETENTION, "longest = { days = 0 }", "at least 1"),
    ("a negative duration", RETENTION, "longest = { days = -21 }", "at least 1"),
    ("a broken duration", RETENTION, "longest = { days = 20.5 }", "whole number"),
    ("a duration of truth", RETENTION, "longest = { days = true }", "whole number"),
    ("a duration beyond a century", RETENTION, "longest = { days = 99999999999999999999 }", "longer than a century"),
    ("a negative duration in words", RETENTION, 'longest = "-21 days"', "is no duration"),
    ("a retention that is missing", '[[retention]]\nid = "ct-21-days"', '[[lifts]]\nid = "ct-21-days"', "`lifts[0].applies_to`: unknown key"),
    ("a retention for hits alone", 'applies_to = "any"', 'applies_to = "hit"', "no `retention` rule binds a non-hit read"),
    ("a margin that eats the retention", "margin = { days = 1 }", "margin = { days = 21 }", "leaves nothing of `ct-21-days`"),
    ("a margin that nobody uses", 'untrusted = "shorten"', 'untrusted = "withhold"', "`clock.margin`"),
    ("a hold without its time", 'untrusted = "shorten"\n', 'untrusted = "hold"\n', "`clock.hold`"),
    ("a hold that nobody uses", "margin = { days = 1 }", "margin = { days = 1 }\nhold = { minutes = 1 }", "`clock.hold`"),
    ("a shortening without a margin", "margin = { days = 1 }\n", "", "`clock.margin`"),
    ("dates the wrong way", "prepared_on =", "effective_until = 2026-09-01T00:00:00-04:00\nprepared_on =", "is not after"),
    ("a date without a time", "effective_from = 2026-10-01T00:00:00-04:00", "effective_from = 2026-10-01", "`identity.effective_from`"),
    ("a time without a zone", "effective_from = 2026-10-01T00:00:00-04:00", "effective_from = 2026-10-01T00:00:00", "`identity.effective_from`"),
    ("a rule id used twice", 'id = "ct-owner"', 'id = "ct-confidential"', "rule id `ct-confidential` is used 2 times"),
    ("a rule id of the program", 'id = "ct-owner"\n', 'id = "engine-owner"\n', "not beginning with `engine-`"),
    ("a rule id with blanks", 'id = "ct-confidential"', 'id = "ct confidential"', "must be small letters"),
    ("a purpose both permitted and barred", 'purpose = "sale"', 'purpose = "warrant"', "purpose `warrant` is both permitted and barred"),
    ("a rule without a clause", 'clause = "P.A. 26-14 § 13(e)(1)"\n', "", "missing required field `clause`"),
    ("a rule with an empty clause", 'clause = "P.A. 26-14 § 13(e)(1)"', 'clause = ""', "`classification.clause`"),
    ("a rule that does not say whether it was verified", "verified = false\n", "", "missing required field `verified`"),
    ("a verified rule that nobody verified", "verified = false", "verified = true", "names nobody who verified it"),
    ("a verified word that is no truth value", "verified = false", 'verified = "no"', "`classification.verified`: Expected `bool`"),
    ("a verifier without a date", "prepared_on =", 'verified_by = "A. Person"\nprepared_on =', "belong together"),
    ("a confidence above one", "min_confidence = 0.5", "min_confidence = 50", "`match.min_confidence`"),
    ("a confidence that is no number", "min_confidence = 0.5", "min_confidence = nan", "`match.min_confidence`"),
    ("a recipient without a gate", 'gates = ["request"]', "gates = []", "`recipients[0].gates`"),
    ("a gate none beside another", 'gates = ["request"]', 'gates = ["none", "request"]', "meaningless"),
    ("a warrant that is there at capture", 'gates = ["warrant"]', 'gates = ["warrant"]\nnow = true', "comes after capture"),
    ("another state's police without a state", 'jurisdictions = ["US-NY", "US-RI", "US-MA"]\n', "", "name the `jurisdictions`"),
    ("a jurisdiction in small letters", '"US-RI"', '"us-ri"', "`recipients[1].jurisdictions[1]`"),
    ("a bar that bars nothing", 'topics = ["first-amendment-activity"]\nterms = ["protest*", "demonstrat*", "rally", "no kings"]', "", "bars nothing"),
    ("a term that bars everything", '"protest*"', '"*"', "would bar everything"),
    ("a case about a rule that is not there", 'refused_by = "ct-hotlist-closed"', 'refused_by = "ct-hotlist-close"', "did you mean `ct-hotlist-closed`?"),
    ("two cases of one name", 'name = "immigration enforcement is barred"', 'name = "the named uses are permitted"', "every case needs its own name"),
    ("an owner of another kind", OWNER, 'owner = "vendor"', "`owner.owner`: unknown word `vendor`"),
    ("a table where a word belongs", OWNER, "owner = { agency = 1 }", "`owner.owner`"),
    ("hours of an unknown clock", "[fields]", '[[no_capture_hours]]\nid = "n"\nclause = "x"\nevidence = "choice"\nverified = false\nwords = "x"\nhours = { begin = "22:00", end = "06:00", timezone = "America/Hartfort" }\n[fields]', "is no time zone"),
    ("hours past the end of the day", "[fields]", '[[no_capture_hours]]\nid = "n"\nclause = "x"\nevidence = "choice"\nverified = false\nwords = "x"\nhours = { begin = "25:00", end = "06:00", timezone = "UTC" }\n[fields]', "`no_capture_hours[0].hours.begin`"),
    ("a list that may be old by a bare number", 'region = "mark-inexact"', 'region = "mark-inexact"\nmax_age = 12', "`hotlist.max_age`"),
    ("a layer of an unknown kind", IDENTITY, IDENTITY + '\nlayer = "county"', "`identity.layer`: unknown word `county`"),
    ("a kind of unit that is none", '"stop-where-zones"', '"stop"\nunits = ["drone"]', "`capture.units[0]`: unknown word `drone`"),
    ("a case about an unknown unit", 'name = "immigration enforcement is barred"', 'name = "immigration enforcement is barred"\nunit = "pole"', "unknown word `pole`"),
    ("broken TOML", "[owner]", "[owner", "not valid TOML"),
    ("an id that is a path", 'id = "us-ct"', 'id = "../us-ct"', "`identity.id`"),
]  # fmt: skip


# What is missing as a whole, or wrong between two rules that are each well formed, is on no one line.
LINELESS = {"a retention for hits alone", "a margin that eats the retention"}


@pytest.mark.parametrize(("name", "old", "new", "said"), MALFORMED, ids=[row[0] for row in MALFORMED])
def test_a_malformed_pack_is_refused_with_its_key(tmp_path: Path, name: str, old: str, new: str, said: str) -> None:
    """Nothing unknown, missing or contradictory gets past loading, and the message names the file and what to mend."""
    with pytest.raises(PolicyError) as caught:
        edited_pack(tmp_path, (old, new))
    message = str(caught.value)
    assert said in message
    assert "edited.toml" in message
    assert re.search(r"\bline \d+", message) or name in LINELESS, message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"x = " + b"[" * 100_000,
        b"#" * (1 << 20) + b"\n\n",
        b"x = " + b"9" * 10_000,
        b'[[lifts]]\nid = "a"\n' * 1_000_000,
    ],
    ids=["empty", "no text", "nested", "huge", "a number of ten thousand digits", "a million rules"],
)
def test_a_file_that_is_no_pack_is_refused(tmp_path: Path, data: bytes) -> None:
    """An empty file is no empty policy; bytes, depth and size cannot crash the unit."""
    path = tmp_path / "edited.toml"
    path.write_bytes(data)
    with pytest.raises(PolicyError, match=r"edited\.toml"):
        load_pack(path)


@given(line=st.integers(0, 700), junk=st.sampled_from(["", "]", "x = 1", "[owner]", "id = 3", '"', "[[purposes]]", "= 1"]))
def test_a_line_lost_or_replaced_never_ends_in_anything_but_a_pack_or_a_refusal(line: int, junk: str) -> None:
    """Whatever happens to one line of the file, the outcome is a full pack or one PolicyError."""
    import tempfile

    lines = pack_text().splitlines()
    lines[line % len(lines)] = junk
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "edited.toml")
        path.write_text("\n".join(lines), encoding="utf-8")
        try:
            pack = load_pack(path)
        except PolicyError:
            return
    assert pack.purposes_permitted and pack.retention


def test_a_pack_is_known_by_the_hash_of_its_bytes() -> None:
    """The hash in every label is that of the file an auditor holds."""
    assert US_CT.sha256 == hashlib.sha256(US_CT_FILE.read_bytes()).hexdigest()


def test_a_bundled_name_and_its_file_give_the_same_pack() -> None:
    """A pack is the same wherever it is read from."""
    assert load_pack("us-ct") == load_pack(US_CT_FILE) == load_pack(str(US_CT_FILE))


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    """A typing error in the configuration does not end in another pack."""
    assert "us-ct" in bundled_packs()
    with pytest.raises(PolicyError, match="did you mean `us-ct`"):
        load_pack("us-c")


def test_a_missing_file_is_refused() -> None:
    """A path that leads nowhere says so."""
    with pytest.raises(PolicyError, match=r"read pack nowhere\.toml: No such file"):
        load_pack("nowhere.toml")


def test_durations_may_be_written_in_words(tmp_path: Path) -> None:
    """`"21 days"` and `{ days = 21 }` are the same."""
    assert edited_pack(tmp_path, (RETENTION, 'longest = "21 days"')).retention == US_CT.retention


LENGTHS = [
    ("minutes", 3, "2026-11-01T12:00:00", "2026-11-01T12:03:00"),
    ("hours", 24, "2026-03-08T05:00:00", "2026-03-09T05:00:00"),
    ("days", 21, "2026-02-10T00:00:00", "2026-03-03T00:00:00"),
    ("weeks", 1, "2026-12-31T23:59:59", "2027-01-07T23:59:59"),
    ("months", 1, "2027-01-31T10:00:00", "2027-02-28T10:00:00"),
    ("months", 1, "2028-01-31T10:00:00", "2028-02-29T10:00:00"),
    ("months", 18, "2026-08-31T10:00:00", "2028-02-29T10:00:00"),
    ("months", 12, "2026-12-05T10:00:00", "2027-12-05T10:00:00"),
    ("years", 1, "2028-02-29T10:00:00", "2029-02-28T10:00:00"),
    ("years", 5, "2026-12-31T10:00:00", "2031-12-31T10:00:00"),
]


@pytest.mark.parametrize(("unit", "amount", "start", "end"), LENGTHS)
def test_a_length_of_time_ends_where_the_calendar_says(unit: str, amount: int, start: str, end: str) -> None:
    """Months and years go by the calendar and never past it."""
    begin = datetime.fromisoformat(start).replace(tzinfo=timezone.utc)
    assert Duration(amount=amount, unit=unit).after(begin) == datetime.fromisoformat(end).replace(tzinfo=timezone.utc)  # type: ignore[arg-type]


@given(
    amount=st.integers(1, 40_000),
    unit=st.sampled_from(["seconds", "minutes", "hours", "days", "weeks", "months", "years"]),
    start=st.datetimes(timezones=st.just(timezone.utc)),
)
def test_a_length_of_time_never_overflows(amount: int, unit: str, start: datetime) -> None:
    """A clock at the end of time ends in a clamped date, not in an exception."""
    duration = Duration(amount=amount, unit=unit)  # type: ignore[arg-type]
    assert duration.before(start) <= start <= duration.after(start)
