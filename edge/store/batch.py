"""What becomes of each arrival of a batch, whatever keeps the reads.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge.store.interface import Arrival, Outcome

#: An epoch's number in a store, and the sequence number of a read in it.
Slot = tuple[int, int]


def first_of_each(slots: Sequence[Slot]) -> dict[Slot, int]:
    """Where in the batch each slot stands for the first time: whoever comes first is stored."""
    return {slot: at for at, slot in reversed(list(enumerate(slots)))}


def outcomes(slots: Sequence[Slot], arrivals: Sequence[Arrival], before: Mapping[Slot, bytes]) -> list[Outcome]:
    """One outcome each; ``before`` holds the hashes of what was stored before this batch."""
    first = first_of_each(slots)

    def outcome(at: int, slot: Slot) -> Outcome:
        if slot not in before and first[slot] == at:
            return "stored"
        stored = before.get(slot) or arrivals[first[slot]].wire_sha256
        return "duplicate" if stored == arrivals[at].wire_sha256 else "conflict"

    return [outcome(at, slot) for at, slot in enumerate(slots)]
