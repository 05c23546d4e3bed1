"""The scoring rules, as claims."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bench.score import (
    FoundPlate,
    ScoredFrame,
    TextRead,
    TruthPlate,
    folded,
    iou,
    levenshtein,
    match_boxes,
    plain,
    reliability,
    score_frames,
    score_texts,
    texts_read,
    wilson,
)

PLATE = (100.0, 100.0, 80.0, 40.0)


def truth(box: tuple[float, float, float, float] = PLATE, **fields: object) -> TruthPlate:
    return msgspec.convert({"box": box, **fields}, TruthPlate)


def found(
    box: tuple[float, float, float, float] = PLATE,
    confidence: float = 0.9,
    text: str | None = None,
    text_confidence: float = 0.0,
) -> FoundPlate:
    return FoundPlate(box=box, confidence=confidence, text=text, text_confidence=text_confidence)


def frame(plates: list[TruthPlate], boxes: list[FoundPlate]) -> ScoredFrame:
    return ScoredFrame(truth=tuple(plates), found=tuple(boxes))


def test_iou_of_half_shifted_box_is_one_third() -> None:
    """Two equal boxes shifted by half their width share a third of their union."""
    assert iou((0, 0, 10, 10), (5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert iou((0, 0, 10, 10), (10, 0, 10, 10)) == 0.0


def test_the_more_confident_of_two_boxes_takes_the_plate_and_the_other_is_extra() -> None:
    """A double detection counts as one hit and one extra box, whatever the order it came in."""
    match = match_boxes([truth()], [found(confidence=0.4), found(confidence=0.8)])
    assert match.found_of == (1,)
    assert match.extra == (0,)


def test_a_box_under_half_iou_is_a_miss_and_an_extra() -> None:
    """A loose box finds nothing."""
    scores = score_frames([frame([truth()], [found((60.0, 80.0, 160.0, 80.0))])])
    assert (scores.all.recall.hits, scores.extra_boxes) == (0, 1)


def test_a_partial_plate_is_not_required() -> None:
    """Missing a plate cut by the frame edge costs nothing."""
    scores = score_frames([frame([truth(partial=True, text="AB1")], [])])
    assert (scores.all.recall.total, scores.all.exact.total) == (0, 0)
    assert scores.all.recall.share is None


def test_a_box_on_a_partial_plate_is_not_extra() -> None:
    """Finding a cut plate, well or only in part, is no error."""
    plates = [truth((0.0, 0.0, 60.0, 40.0), partial=True)]
    for box in ((0.0, 0.0, 60.0, 40.0), (0.0, 10.0, 20.0, 15.0)):
        assert score_frames([frame(plates, [found(box)])]).extra_boxes == 0


def test_extra_boxes_are_given_per_frame() -> None:
    """One extra box over four frames is 0.25 a frame."""
    scores = score_frames([frame([], [found()])] + [frame([], [])] * 3)
    assert scores.extra_boxes_per_frame == 0.25


def test_a_plate_with_unknown_text_counts_for_recall_only() -> None:
    """Null texts leave the text figures alone."""
    scores = score_frames([frame([truth()], [found(text="XYZ")])])
    assert scores.all.recall.hits == 1
    assert scores.all.exact.total == 0
    assert scores.all.cer is None


def test_a_missed_plate_counts_as_a_wrong_text_but_not_in_the_character_error() -> None:
    """Exact text is end to end; CER speaks of the plates that were found."""
    plates = [truth(text="AB12"), truth((400.0, 100.0, 80.0, 40.0), text="CD34")]
    scores = score_frames([frame(plates, [found(text="AB12")])])
    assert (scores.all.exact.hits, scores.all.exact.total) == (1, 2)
    assert scores.all.cer == 0.0


def test_letter_o_equals_digit_0_only_in_the_folded_figure() -> None:
    """Both figures are reported because some labels write 0 for both."""
    scores = score_texts([("0B0", "OBO")])
    assert (scores.exact.hits, scores.exact_folded.hits) == (0, 1)


def test_separators_and_case_do_not_matter() -> None:
    """A label holds letters and digits only."""
    assert plain("ab-1 2·c") == "AB12C"
    assert folded("o-0") == "00"


def test_cer_is_edits_over_truth_characters() -> None:
    """One wrong and one missing character of seven."""
    assert score_texts([("ABC", "ABD"), ("1234", "123")]).cer == pytest.approx(2 / 7)


def test_width_groups_meet_at_60_and_100_px() -> None:
    """59 is narrow, 60 and 99 are in the middle, 100 is wide."""
    plates = [truth((i * 300.0, 0.0, width, 50.0)) for i, width in enumerate((59.0, 60.0, 99.0, 100.0))]
    scores = score_frames([frame(plates, [])])
    groups = (scores.under_60_px, scores.from_60_to_100_px, scores.at_least_100_px, scores.at_least_60_px)
    assert [group.recall.total for group in groups] == [1, 2, 1, 3]


def test_recall_is_given_for_bins_of_width_without_a_gap() -> None:
    """Every plate is in exactly one bin; an edge belongs to the bin above it."""
    plates = [truth((i * 900.0, 0.0, width, 50.0)) for i, width in enumerate((5.0, 59.9, 60.0, 200.0, 800.0))]
    bins = score_frames([frame(plates, [found(plates[2].box)])]).by_width
    assert {each.low_px: (each.recall.hits, each.recall.total) for each in bins if each.recall.total} == {
        0: (0, 1),
        50: (0, 1),
        60: (1, 1),
        200: (0, 2),
    }
    assert [each.high_px for each in bins[:-1]] == [each.low_px for each in bins[1:]]
    assert bins[-1].high_px is None


def test_reliability_says_how_often_a_confidence_came_true() -> None:
    """Right is right with O folded; 0.9 and 1.0 are both sure."""
    said = [("AB1", 0.9), ("AB1", 1.0), ("A81", 0.95), ("AB1", 0.31), ("XXX", 0.39)]
    judged = reliability(TextRead(truth="AB1", read=read, confidence=confidence) for read, confidence in said)
    assert (judged.sure.hits, judged.sure.total) == (2, 3)
    filled = {each.low: (each.right.hits, each.right.total) for each in judged.bins if each.right.total}
    assert filled == {0.3: (1, 2), 0.9: (2, 3)}
    assert judged.bins[3].mean_confidence == pytest.approx(0.35)
    assert reliability([TextRead(truth="O", read="0", confidence=1.0)]).sure.hits == 1


def test_only_texts_read_on_plates_of_known_text_speak_of_reliability() -> None:
    """Not a missed plate, not one of unknown text, not an empty read, not a text read on nothing."""
    far = [(i * 300.0, 0.0, 80.0, 40.0) for i in range(4)]
    plates = [truth(far[0], text="AB1"), truth(far[1]), truth(far[2], text="CD2"), truth(far[3], text="EF3")]
    boxes = [found(far[0], text="AB7", text_confidence=0.7), found(far[1], text="X"), found(far[2], text="")]
    boxes.append(found((2000.0, 0.0, 80.0, 40.0), text="SIGN"))
    assert texts_read(frame(plates, boxes)) == (TextRead(truth="AB1", read="AB7", confidence=0.7),)


def test_dark_is_under_70_and_unknown_luma_is_in_neither_group() -> None:
    """69 is dark, 70 is light."""
    plates = [truth((i * 300.0, 0.0, 80.0, 40.0), luma=luma) for i, luma in enumerate((69, 70, None))]
    scores = score_frames([frame(plates, [])])
    assert (scores.dark.recall.total, scores.light.recall.total) == (1, 1)


def test_wilson_gives_the_published_values() -> None:
    """1 of 10 at 95 % is 1.79 % to 40.4 % (any table of the Wilson interval); nothing counted says nothing."""
    low, high = wilson(1, 10)
    assert (round(low, 4), round(high, 4)) == (0.0179, 0.4042)
    assert wilson(0, 0) == (0.0, 1.0)


def test_scores_turn_to_json_and_back() -> None:
    """The report file holds everything that was counted."""
    scores = score_frames([frame([truth(text="AB1", luma=20)], [found(text="AB1")])])
    assert msgspec.json.decode(msgspec.json.encode(scores), type=type(scores)) == scores


@given(st.text(alphabet="AB0O", max_size=8), st.text(alphabet="AB0O", max_size=8))
def test_levenshtein_is_a_distance(a: str, b: str) -> None:
    """Zero only for equal texts, the same both ways, never under the difference of the lengths."""
    assert levenshtein(a, b) == levenshtein(b, a)
    assert (levenshtein(a, b) == 0) == (a == b)
    assert abs(len(a) - len(b)) <= levenshtein(a, b) <= max(len(a), len(b))


@given(st.integers(1, 500), st.data())
def test_wilson_holds_the_share(total: int, data: st.DataObject) -> None:
    """The interval always contains the share it is about, inside 0..1."""
    hits = data.draw(st.integers(0, total))
    low, high = wilson(hits, total)
    share = hits / total
    assert 0.0 <= low <= high <= 1.0
    assert low < share or math.isclose(low, share, abs_tol=1e-9)
    assert high > share or math.isclose(high, share, abs_tol=1e-9)
