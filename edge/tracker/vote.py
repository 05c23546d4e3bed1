"""From all readings of one pass to one Read.  Pure.

Each reading votes with its probabilities, weighted by how good its picture was.  First the length of the text is voted,
then each character among the readings of that length: the weighted mean of log-probabilities (a naive-Bayes product,
tempered because neighbouring frames repeat each other's mistakes: *n* readings count as ``sqrt(n)`` independent ones).
"""

from __future__ import annotations

import math
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence

from edge.records import Character, Option, Read, Reading, Track

#: What an option that a reading did not list may still be worth; the recognizer lists from 0.01.
UNLISTED = 0.003
#: Milestone's manual asks for 130 px on the plate's width; a reading of that width has weight 1.
FULL_WEIGHT_PX = 130.0
ALTERNATIVES = 3
#: A region that is less likely than all others together is not named: a wrong state on a read is worse than none.
REGION_MIN = 0.5
UNKNOWN_REGION = "unknown"


def vote(track: Track) -> Read:
    """The voted result of a pass; ``text`` is empty where nothing was ever read."""
    readings = [reading for reading in track.readings if reading.text]
    weights = [weight(reading, readings) for reading in readings]
    chosen, share = _length(readings, weights)
    characters = _characters([readings[i] for i in chosen], [weights[i] for i in chosen])
    region, region_confidence = _region(readings, weights)
    confidence = share * math.prod(character.confidence for character in characters) if characters else 0.0
    return Read(
        id=uuid.uuid4().hex,
        camera=track.camera,
        text="".join(character.character for character in characters),
        confidence=confidence,
        characters=characters,
        region=region,
        region_confidence=region_confidence,
        raw_texts=tuple(text for text, _ in Counter(reading.text for reading in readings).most_common()),
        readings=len(readings),
        frames=track.frames,
        first=track.first,
        last=track.last,
        first_s=track.first_s,
        last_s=track.last_s,
        plate_width_px=track.best.box.w,
        best=track.best,
    )


def weight(reading: Reading, among: Sequence[Reading]) -> float:
    """How much one reading counts: size of the plate, sharpness against the sharpest of the pass, and its own certainty."""
    size = min(1.0, reading.detection.box.w / FULL_WEIGHT_PX) ** 2
    sharpest = max(other.sharpness for other in among)
    sharp = reading.sharpness / sharpest if sharpest > 0 else 1.0
    return (0.05 + size) * (0.25 + 0.75 * sharp) * (0.05 + reading.confidence)


def _length(readings: Sequence[Reading], weights: Sequence[float]) -> tuple[list[int], float]:
    """The indices of the readings that have the winning length, and that length's share of the vote.

    A reading gives its length no more than it is sure of it: what it is not sure of goes to no length, so that many doubtful
    readings of a covered plate do not make a certain one."""
    votes: defaultdict[int, float] = defaultdict(float)
    for reading, each in zip(readings, weights, strict=True):
        votes[len(reading.text)] += each * _length_probability(reading)
    if not votes:
        return [], 0.0
    winner = max(votes, key=lambda length: votes[length])
    return [i for i, reading in enumerate(readings) if len(reading.text) == winner], votes[winner] / sum(weights)


def _length_probability(reading: Reading) -> float:
    """How sure a reading is of which slots are filled and which are empty."""
    empty = [next((option.probability for option in slot if not option.character), 0.0) for slot in reading.slots]
    return math.prod(p if not slot[0].character else 1 - p for slot, p in zip(reading.slots, empty, strict=True))


def _characters(readings: Sequence[Reading], weights: Sequence[float]) -> tuple[Character, ...]:
    if not readings:
        return ()
    filled = [[slot for slot in reading.slots if slot[0].character] for reading in readings]
    return tuple(_character([slots[place] for slots in filled], weights) for place in range(len(readings[0].text)))


def _character(slots: Sequence[tuple[Option, ...]], weights: Sequence[float]) -> Character:
    names = {option.character for slot in slots for option in slot if option.character}
    total = sum(weights)
    independent = math.sqrt(len(slots))
    scores = {}
    for name in names:
        score = 0.0
        for slot, each in zip(slots, weights, strict=True):
            listed = next((option.probability for option in slot if option.character == name), UNLISTED)
            score += each * math.log(max(listed, UNLISTED))
        scores[name] = score / total * independent
    best = max(scores.values())
    # What no reading listed shares the rest: without it one lone option would be called certain.
    rest = math.exp(math.log(UNLISTED) * independent - best)
    norm = sum(math.exp(score - best) for score in scores.values()) + rest
    ranked = sorted(((math.exp(score - best) / norm, name) for name, score in scores.items()), reverse=True)
    return Character(
        character=ranked[0][1],
        confidence=ranked[0][0],
        alternatives=tuple(Option(character=name, probability=p) for p, name in ranked[1 : 1 + ALTERNATIVES]),
    )


def _region(readings: Sequence[Reading], weights: Sequence[float]) -> tuple[str, float]:
    """The region with most of the vote and its share; ``unknown``, with that share, where it is below ``REGION_MIN``."""
    votes: defaultdict[str, float] = defaultdict(float)
    for reading, each in zip(readings, weights, strict=True):
        votes[reading.region] += each * reading.region_confidence
    if not votes:
        return UNKNOWN_REGION, 0.0
    winner = max(votes, key=lambda name: votes[name])
    share = min(1.0, votes[winner] / sum(weights))
    return (winner if share >= REGION_MIN else UNKNOWN_REGION), share
