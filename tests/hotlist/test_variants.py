"""What a plate may be if it was not read quite right."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.hotlist.variants import AT_MOST, MIN_SHARE, variants
from tests.hotlist.lists import seen
from tests.policy.situations import read

# name, text, doubts by place, the texts in order
TEXTS = [
    ("a sure read", "AB12", {}, ["AB12"]),
    ("0 and O are one", "A0", {}, ["A0", "AO"]),
    ("signs and small letters are none", "a-0 1", {}, ["A01", "AO1"]),
    ("a doubt of the vote", "AB12", {"_1": {"8": 0.2}}, ["AB12", "A812"]),
    ("a doubt too small", "AB12", {"_1": {"8": MIN_SHARE / 2}}, ["AB12"]),
    ("the likelier first", "AB12", {"_1": {"8": 0.1}, "_2": {"I": 0.3}}, ["AB12", "ABI2", "A812", "A8I2"]),
    ("a doubtful D may be 0, so O as well", "D7", {"_0": {"0": 0.1}}, ["D7", "07", "O7"]),
]


@pytest.mark.parametrize(("name", "text", "doubts", "texts"), TEXTS, ids=[row[0] for row in TEXTS])
def test_a_read_may_be_these_texts(name: str, text: str, doubts: dict[str, dict[str, float]], texts: list[str]) -> None:
    """Its own first, then the others, the likelier before the less likely."""
    assert list(variants(seen(text, **doubts))) == texts


def test_a_read_without_characters_has_its_text_alone() -> None:
    """What nobody voted has no doubts but O and 0."""
    assert variants(read(text="AB0", characters=())) == ("AB0", "ABO")


SHARES = st.dictionaries(st.sampled_from("0O8BDQ1I"), st.floats(0.011, 0.2), max_size=3)


@given(st.lists(st.tuples(st.sampled_from("ABO018"), SHARES), min_size=1, max_size=12))
def test_the_own_text_comes_first_and_none_twice_whatever_the_doubts(places: list[tuple[str, dict[str, float]]]) -> None:
    """There are never more than a look-up has time for, all of one length, and the best are kept."""
    text = "".join(character for character, _ in places)
    texts = variants(seen(text, **{f"_{n}": doubts for n, (_, doubts) in enumerate(places)}))
    assert texts[0] == text
    assert len(set(texts)) == len(texts) <= AT_MOST
    assert {len(each) for each in texts} == {len(text)}


def test_of_too_many_texts_the_likeliest_are_kept() -> None:
    """Twelve doubtful places make 4,096 texts; the read that differs in one place only is among those that are looked up."""
    doubts = {f"_{place}": {"B": 0.01 * (place + 2)} for place in range(12)}
    texts = variants(seen("8" * 12, **doubts))
    assert len(texts) == AT_MOST
    assert "8" * 11 + "B" in texts
    likelihoods = [_likelihood(each) for each in texts]
    assert all(first >= second - 1e-9 for first, second in pairwise(likelihoods))


def _likelihood(text: str) -> float:
    product = 1.0
    for place, character in enumerate(text):
        share = 0.01 * (place + 2)
        product *= share / (1 - share) if character == "B" else 1.0
    return product
