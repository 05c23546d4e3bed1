"""How found plates and read texts are scored against the truth; pure, no I/O.

The rules, in one place, so that every figure this project prints was counted the same way:

* A found box is right when its IoU with a truth box is at least 0.5. Boxes choose in the order of their
  confidence, each truth box is given once (greedy matching, as in PASCAL VOC).
* A plate cut by the frame's edge (`partial`) is neither required nor, when found, an extra box.
* Texts are compared without separators and in capitals. Two figures are always given: the plain one and the one
  with every letter O folded into the digit 0 on both sides, because some labels write 0 for both.
* An extra box is set aside where a review of the picture found a real plate that nobody labelled (IoU at least 0.5 with
  the box of that review, each given once). Both figures are given.
* A plate whose text is unknown (`None`) counts for recall and not for text. A plate with a known text that was not
  found, or found and not read, counts as a wrong text: the reader of a report cares about plates, not about crops.
* CER is (insertions + deletions + substitutions) / characters, over the plates that were found.
* Widths are those of the truth box in pixels of the picture it was labelled in.
* Reliability asks of the texts that were read on plates with a known text how often a confidence came true: right is
  right with O folded. A text read where no plate is labelled has no truth and counts among the extra boxes only.
"""

import math
from collections.abc import Iterable, Sequence

import msgspec

BoxXYWH = tuple[float, float, float, float]
"""x, y of the top left corner, width, height, in pixels of the full frame."""

MATCH_IOU = 0.5
"""PASCAL VOC's threshold, and the one the project's recall figures name."""

DARK_LUMA = 70
"""Mean grey inside the truth box (0..255) under which a plate counts as dark (the data's own rule)."""

NARROW_PX = 60
"""Plates narrower than this are under the promised range."""

WIDE_PX = 100
"""Plates at least this wide are inside every camera manual's recommendation."""

WIDTH_EDGES_PX = (0, 20, 30, 40, 50, 60, 80, 100, 150, 200)
"""Where the bins of recall by width begin; the last has no end."""

SURE = 0.9
"""A text confidence from which a read is called sure: 97 of 100 such reads are to be right."""

CONFIDENCE_BINS = 10
"""Bins of equal width from 0 to 1."""

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


class TruthPlate(msgspec.Struct, frozen=True, kw_only=True):
    """One labelled plate of a frame; `text` is None where nobody could read or transcribe it."""

    box: BoxXYWH
    text: str | None = None
    partial: bool = False
    luma: float | None = None


class FoundPlate(msgspec.Struct, frozen=True, kw_only=True):
    """One plate the line found; `text` is None where it was not read."""

    box: BoxXYWH
    confidence: float
    text: str | None = None
    text_confidence: float = 0.0


class Reviewed(msgspec.Struct, frozen=True, kw_only=True):
    """Boxes beside the labels of one frame that were looked at: real plates nobody labelled; and what is no plate, a loose box
    on a labelled one, or cannot be told."""

    unlabelled: tuple[BoxXYWH, ...] = ()
    others: tuple[BoxXYWH, ...] = ()


class ScoredFrame(msgspec.Struct, frozen=True, kw_only=True):
    """The truth and the findings of one frame, and what is known of boxes beside the labels."""

    truth: tuple[TruthPlate, ...]
    found: tuple[FoundPlate, ...]
    reviewed: Reviewed = Reviewed()


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Who was matched with whom: `found_of[i]` is the index of the box that found truth plate i, or None."""

    found_of: tuple[int | None, ...]
    extra: tuple[int, ...]


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """`hits` of `total`, the share (None when there was nothing to count) and its 95 % Wilson interval."""

    hits: int
    total: int
    share: float | None
    low: float
    high: float


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of one group of plates; `cer` is None where no known text was found."""

    recall: Rate
    exact: Rate
    exact_folded: Rate
    cer: float | None


class WidthBin(msgspec.Struct, frozen=True, kw_only=True):
    """Recall of the plates with `low_px` ≤ width < `high_px`; None is no upper end."""

    low_px: int
    high_px: int | None
    recall: Rate


class ConfidenceBin(msgspec.Struct, frozen=True, kw_only=True):
    """The reads with `low` ≤ text confidence < `high` (the last bin holds 1 too): how sure they were in the mean, how many
    were right."""

    low: float
    high: float
    mean_confidence: float | None
    right: Rate


class Reliability(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a text confidence can be believed."""

    bins: tuple[ConfidenceBin, ...]
    sure: Rate


class TextRead(msgspec.Struct, frozen=True, kw_only=True):
    """One text that was read on a plate whose text is known."""

    truth: str
    read: str
    confidence: float


class ExtraBoxes(msgspec.Struct, frozen=True, kw_only=True):
    """The extra boxes by what a review says of them; ``wrong_per_frame`` leaves out those on real plates."""

    on_unlabelled_plates: int
    on_others: int
    unreviewed: int
    wrong_per_frame: float


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one evaluation says; turns to JSON as it is."""

    frames: int
    extra_boxes: int
    extra_boxes_per_frame: float
    extra: ExtraBoxes
    all: Tally
    at_least_60_px: Tally
    under_60_px: Tally
    from_60_to_100_px: Tally
    at_least_100_px: Tally
    dark: Tally
    light: Tally
    by_width: tuple[WidthBin, ...]


class TextScores(msgspec.Struct, frozen=True, kw_only=True):
    """The recognizer alone, on crops that each hold one plate."""

    exact: Rate
    exact_folded: Rate
    cer: float | None


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One required plate with what became of it."""

    truth: TruthPlate
    found: FoundPlate | None


def wilson(hits: int, total: int, z: float = Z_95) -> tuple[float, float]:
    """Confidence interval of a share (Wilson 1927); (0, 1) when nothing was counted."""
    if total == 0:
        return 0.0, 1.0
    share = hits / total
    scale = 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


def rate(hits: int, total: int) -> Rate:
    """A count as a share with its interval."""
    low, high = wilson(hits, total)
    return Rate(hits=hits, total=total, share=hits / total if total else None, low=low, high=high)


def iou(a: BoxXYWH, b: BoxXYWH) -> float:
    """Intersection over union of two boxes; 0 where either is empty."""
    shared = overlap(a, b)
    union = a[2] * a[3] + b[2] * b[3] - shared
    return shared / union if union > 0 else 0.0


def overlap(a: BoxXYWH, b: BoxXYWH) -> float:
    """Area in px² that two boxes share."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0


def match_boxes(truth: Sequence[TruthPlate], found: Sequence[FoundPlate]) -> Match:
    """Give every truth plate at most one found box, the most confident box choosing first.

    A box that found nothing is extra, unless it lies on a partial plate (IoU ≥ 0.5 with it, or more than half of
    the box inside it: what remains of a cut plate has no box two people would draw alike).
    """
    found_of: list[int | None] = [None] * len(truth)
    extra: list[int] = []
    for index in sorted(range(len(found)), key=lambda i: -found[i].confidence):
        free = [i for i in range(len(truth)) if found_of[i] is None]
        best = max(free, key=lambda i: iou(truth[i].box, found[index].box), default=None)
        if best is not None and iou(truth[best].box, found[index].box) >= MATCH_IOU:
            found_of[best] = index
        elif not _on_partial(truth, found[index]):
            extra.append(index)
    return Match(found_of=tuple(found_of), extra=tuple(extra))


def _on_partial(truth: Sequence[TruthPlate], found: FoundPlate) -> bool:
    area = found.box[2] * found.box[3]
    return any(plate.partial and overlap(plate.box, found.box) > 0.5 * area for plate in truth)


def plain(text: str) -> str:
    """Capitals, letters and digits only: separators are not part of a label."""
    return "".join(character for character in text.upper() if character.isalnum())


def folded(text: str) -> str:
    """`plain` with every letter O written as the digit 0."""
    return plain(text).replace("O", "0")


def levenshtein(a: str, b: str) -> int:
    """Fewest insertions, deletions and substitutions that turn `a` into `b`."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        before, row = row, [i]
        for j, right in enumerate(b, start=1):
            row.append(min(row[-1] + 1, before[j] + 1, before[j - 1] + (left != right)))
    return row[-1]


def score_texts(pairs: Iterable[tuple[str | None, str | None]]) -> TextScores:
    """Score (truth, read) texts; pairs without a truth are skipped, a read of None is an empty read."""
    known = [(truth, read or "") for truth, read in pairs if truth is not None]
    edits = sum(levenshtein(plain(truth), plain(read)) for truth, read in known)
    characters = sum(len(plain(truth)) for truth, _ in known)
    return TextScores(
        exact=rate(sum(plain(truth) == plain(read) for truth, read in known), len(known)),
        exact_folded=rate(sum(folded(truth) == folded(read) for truth, read in known), len(known)),
        cer=edits / characters if characters else None,
    )


def score_frames(frames: Iterable[ScoredFrame]) -> Scores:
    """Score whole frames: recall, extra boxes, texts, and the same by plate width and brightness.

    Plates whose luma is unknown are in neither `dark` nor `light`.
    """
    outcomes: list[_Outcome] = []
    extra: list[str] = []
    count = 0
    for frame in frames:
        match = match_boxes(frame.truth, frame.found)
        outcomes += _outcomes(frame, match)
        extra += _kinds_of_extra(frame, match)
        count += 1
    plates = extra.count("unlabelled")
    return Scores(
        frames=count,
        extra_boxes=len(extra),
        extra_boxes_per_frame=len(extra) / count if count else 0.0,
        extra=ExtraBoxes(
            on_unlabelled_plates=plates,
            on_others=extra.count("other"),
            unreviewed=extra.count("unreviewed"),
            wrong_per_frame=(len(extra) - plates) / count if count else 0.0,
        ),
        all=_tally(outcomes),
        at_least_60_px=_tally(o for o in outcomes if o.truth.box[2] >= NARROW_PX),
        under_60_px=_tally(o for o in outcomes if o.truth.box[2] < NARROW_PX),
        from_60_to_100_px=_tally(o for o in outcomes if NARROW_PX <= o.truth.box[2] < WIDE_PX),
        at_least_100_px=_tally(o for o in outcomes if o.truth.box[2] >= WIDE_PX),
        dark=_tally(o for o in outcomes if o.truth.luma is not None and o.truth.luma < DARK_LUMA),
        light=_tally(o for o in outcomes if o.truth.luma is not None and o.truth.luma >= DARK_LUMA),
        by_width=_by_width(outcomes),
    )


def _kinds_of_extra(frame: ScoredFrame, match: Match) -> list[str]:
    """What a review says of each extra box: "unlabelled" plate, "other" or "unreviewed"."""
    plates = list(frame.reviewed.unlabelled)
    kinds = []
    for index in match.extra:
        box = frame.found[index].box
        plate = next((each for each in plates if iou(each, box) >= MATCH_IOU), None)
        if plate is not None:
            plates.remove(plate)
            kinds.append("unlabelled")
        else:
            kinds.append("other" if any(iou(each, box) >= MATCH_IOU for each in frame.reviewed.others) else "unreviewed")
    return kinds


def _by_width(outcomes: Sequence[_Outcome]) -> tuple[WidthBin, ...]:
    bins = []
    for low, high in zip(WIDTH_EDGES_PX, (*WIDTH_EDGES_PX[1:], None), strict=True):
        inside = [o for o in outcomes if low <= o.truth.box[2] and (high is None or o.truth.box[2] < high)]
        recall = rate(sum(o.found is not None for o in inside), len(inside))
        bins.append(WidthBin(low_px=low, high_px=high, recall=recall))
    return tuple(bins)


def texts_read(frame: ScoredFrame) -> tuple[TextRead, ...]:
    """The texts read on the required plates of a frame whose text is known."""
    return tuple(
        TextRead(truth=outcome.truth.text, read=outcome.found.text, confidence=outcome.found.text_confidence)
        for outcome in _outcomes(frame, match_boxes(frame.truth, frame.found))
        if outcome.truth.text is not None and outcome.found is not None and outcome.found.text
    )


def reliability(reads: Iterable[TextRead]) -> Reliability:
    """How often each confidence came true, in ten bins, and from `SURE` on (reliability diagram, DeGroot and Fienberg 1983)."""
    judged = [(read.confidence, folded(read.truth) == folded(read.read)) for read in reads]
    bins = []
    for number in range(CONFIDENCE_BINS):
        inside = [each for each in judged if min(int(each[0] * CONFIDENCE_BINS), CONFIDENCE_BINS - 1) == number]
        mean = sum(confidence for confidence, _ in inside) / len(inside) if inside else None
        low, high = number / CONFIDENCE_BINS, (number + 1) / CONFIDENCE_BINS
        right = rate(sum(right for _, right in inside), len(inside))
        bins.append(ConfidenceBin(low=low, high=high, mean_confidence=mean, right=right))
    sure = [right for confidence, right in judged if confidence >= SURE]
    return Reliability(bins=tuple(bins), sure=rate(sum(sure), len(sure)))


def _outcomes(frame: ScoredFrame, match: Match) -> list[_Outcome]:
    """What became of the required plates of one frame."""
    return [
        _Outcome(truth=plate, found=None if index is None else frame.found[index])
        for plate, index in zip(frame.truth, match.found_of, strict=True)
        if not plate.partial
    ]


def _tally(outcomes: Iterable[_Outcome]) -> Tally:
    plates = list(outcomes)
    found = [outcome for outcome in plates if outcome.found is not None]
    end_to_end = score_texts((o.truth.text, o.found.text if o.found is not None else None) for o in plates)
    of_found = score_texts((o.truth.text, o.found.text if o.found is not None else None) for o in found)
    return Tally(
        recall=rate(len(found), len(plates)),
        exact=end_to_end.exact,
        exact_folded=end_to_end.exact_folded,
        cer=of_found.cer,
    )
