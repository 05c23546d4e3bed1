"""What a pass says, from what its frames say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.records import Option, Reading, Track
from edge.tracker.vote import vote
from tests.readings import detection, instant, reading


def track(*readings: Reading) -> Track:
    return Track(
        camera="north", number=1, first=instant(0), last=instant(1), first_s=0.0, last_s=1.0, frames=len(readings),
        best=detection(0, 0), readings=readings,
    )  # fmt: skip


def with_doubt(text: str, place: int, options: tuple[tuple[str, float], ...]) -> Reading:
    base = reading(text)
    slots = list(base.slots)
    slots[place] = tuple(Option(character=c, probability=p) for c, p in options)
    return Reading(**{f: getattr(base, f) for f in base.__struct_fields__ if f != "slots"}, slots=tuple(slots))


CASES = [
    ("all agree", ["AB123", "AB123", "AB123"], "AB123"),
    ("one is wrong", ["AB123", "A8123", "AB123"], "AB123"),
    ("one is too long", ["AB123", "AB1123", "AB123"], "AB123"),
    ("one is cut", ["AB123", "B123", "AB123"], "AB123"),
    ("empty ones say nothing", ["", "", "AB123"], "AB123"),
]


@pytest.mark.parametrize(("texts", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_the_majority_decides(texts: list[str], expected: str) -> None:
    """Length is voted first, then each character."""
    assert vote(track(*(reading(text) for text in texts))).text == expected


def test_a_near_sharp_reading_outvotes_two_far_ones() -> None:
    """Votes are weighted by the size of the plate in the picture."""
    far = detection(0, 0, w=35)
    near = detection(0, 0, w=160)
    result = vote(track(reading("AB128", 0.8, far), reading("AB128", 0.8, far), reading("AB123", 0.8, near)))
    assert result.text == "AB123"


def test_a_blurred_reading_counts_less_than_a_sharp_one() -> None:
    """Votes are weighted by sharpness within the pass."""
    result = vote(track(reading("AB128", 0.9, sharpness=0.1), reading("AB123", 0.9, sharpness=1.0)))
    assert result.text == "AB123"


def test_the_runner_up_of_a_doubtful_character_is_kept() -> None:
    """A search must be able to find what was nearly read."""
    doubtful = with_doubt("AB120", 4, (("0", 0.55), ("8", 0.44)))
    last = vote(track(doubtful, doubtful)).characters[4]
    assert (last.character, [o.character for o in last.alternatives]) == ("0", ["8"])
    assert last.confidence < 0.75


def test_raw_texts_are_kept_as_they_were_read_most_frequent_first() -> None:
    """The vote never rewrites what the camera saw."""
    result = vote(track(reading("AB123"), reading("A8123"), reading("AB123")))
    assert result.raw_texts == ("AB123", "A8123")


def test_agreeing_readings_raise_the_confidence() -> None:
    """Five frames that agree are surer than one."""
    one, five = vote(track(reading("AB123", 0.8))), vote(track(*[reading("AB123", 0.8)] * 5))
    assert five.confidence > one.confidence


def test_disagreeing_lengths_lower_the_confidence() -> None:
    """A pass that was read with five and with six characters is not certain."""
    assert vote(track(reading("AB123"), reading("AB1234"))).confidence < 0.7 * vote(track(reading("AB123"))).confidence


def test_many_readings_that_doubt_their_length_do_not_make_a_certain_read() -> None:
    """A covered plate that every frame takes for one letter, perhaps, stays doubtful however often it is seen."""
    unsure = with_doubt("R", 1, (("", 0.5), ("K", 0.3)))
    assert vote(track(*[unsure] * 20)).confidence < 0.55


def test_a_region_is_named_only_when_it_is_likelier_than_all_others_together() -> None:
    """A header nobody could read gives `unknown`, whatever the frames guess."""
    sure = reading("AB123", region=("US-CT", 0.9))
    guess = reading("AB123", region=("US-AL", 0.2))
    assert vote(track(sure, sure, guess)).region == "US-CT"
    assert vote(track(guess, guess, guess)).region == "unknown"


def test_a_pass_without_text_has_an_empty_read() -> None:
    """Nothing read is said as such, with no confidence."""
    result = vote(track(reading("")))
    assert (result.text, result.confidence, result.characters) == ("", 0.0, ())


texts = st.text("ABC0128", min_size=0, max_size=9)


@given(st.lists(st.tuples(texts, st.floats(0.05, 1.0), st.floats(20, 300), st.floats(0, 5)), min_size=1, max_size=12))
def test_any_readings_give_a_read_with_probabilities(raw: list[tuple[str, float, float, float]]) -> None:
    """Whatever the frames say, confidences are probabilities and the text is one of the voted characters."""
    result = vote(track(*(reading(t, p, detection(0, 0, w), sharpness=s) for t, p, w, s in raw)))
    assert 0 <= result.confidence <= 1
    assert result.text == "".join(c.character for c in result.characters)
    assert all(0 < c.confidence <= 1 for c in result.characters)
    assert set(result.raw_texts) == {t for t, *_ in raw if t}
