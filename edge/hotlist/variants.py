"""What a plate may be if it was not read quite right.  Pure.

Two things make a character doubtful.  O and 0 are one: many dies draw them alike.  Anything else counts only where the vote on
this very plate gave it ``MIN_SHARE`` or more: 1 and I, 8 and B are told apart where they can be.

Measured with the bundled reader (in brackets: in INT8) on 8,600 (5,700) rendered US passes of three to six pictures, voted: of
the reads that were wrong in characters alone and sure enough to leave a unit (confidence 0.5), this finds 89 % (85 %) and looks
up 0.9 (1.0) other texts a read on average, 11 for one read in a hundred.  Of the wrong characters 54 % were O and 0, 18 % 1
and I, 2 % 8 and B.  To take the last two pairs as one always would find 92 % with 2.6 other texts a read, each a chance to
stop the wrong car.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge.hotlist.files import normalise
from edge.records import Character, Read

#: The least share of the vote with which another character is looked up.
MIN_SHARE = 0.01
#: More texts than this come only of reads that are too doubtful to leave the unit.
AT_MOST = 32
_ALIKE = {"O": "0", "0": "O"}


def variants(read: Read) -> tuple[str, ...]:
    """The texts that the plate may carry, at most ``AT_MOST``: the read's own first, then the likelier before the others."""
    found = [(1.0, "")]
    for options in _options(read):
        longer = [(share * other, text + character) for share, text in found for character, other in options.items()]
        # The likeliest texts begin with the likeliest beginnings, so the others need not be kept.  Sorting keeps the order
        # of equals, so the read's own text stays first.
        found = sorted(longer, key=lambda each: -each[0])[:AT_MOST]
    return tuple(text for _, text in found)


def _options(read: Read) -> list[dict[str, float]]:
    """For each character of the normalised text, what it may be and how likely that is against the character itself."""
    characters: Sequence[Character] = read.characters
    if "".join(each.character for each in characters) != read.text:
        characters = [Character(character=character, confidence=1.0) for character in read.text]
    return [_of(each) for each in characters if normalise(each.character)]


def _of(voted: Character) -> dict[str, float]:
    options = {normalise(voted.character): 1.0}
    for other in voted.alternatives:
        if other.probability >= MIN_SHARE and normalise(other.character):
            options.setdefault(normalise(other.character), other.probability / max(voted.confidence, other.probability))
    for character in tuple(options):
        if character in _ALIKE:
            options.setdefault(_ALIKE[character], options[character] * MIN_SHARE)
    return options
