"""Passes read at the speed that is measured."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.bench.line.accuracy import Passes, at_fps
from edge.bench.passes import DueClip, DuePass
from edge.policy.case import Situation
from edge.policy.load import load_pack
from edge.policy.staging import stage
from edge.records import Read

CLIP = DueClip(
    path=Path("street.mp4"),
    passes=(DuePass(text="AB123", first_s=1.0, last_s=2.0), DuePass(text="CD456", first_s=5.0, last_s=6.0)),
)
PACK = load_pack("us-ct")


def read(text: str, first_s: float, camera: str = "north") -> Read:
    staged = stage(Situation(at=PACK.identity.effective_from, confidence=0.9))
    return msgspec.structs.replace(staged.read, text=text, camera=camera, first_s=first_s, last_s=first_s + 1)


def test_each_round_of_each_camera_is_scored_by_its_own_reads() -> None:
    """A plate read in the first round does not answer for the second; reads that come after the seam still count for the round
    in which they were seen, and those of a round that did not end for none."""
    passes = Passes({"north": CLIP})
    for one in (read("AB123", 1.0), read("CD456", 5.0)):
        passes.hear(one)
    passes.looped("north", 0.0, 9.0, frames=100)
    passes.hear(read("AB123", 10.0))
    passes.hear(read("XX999", 14.0))
    passes.looped("north", 9.0, 18.0, frames=100)
    passes.hear(read("CD456", 14.0))
    passes.hear(read("AB123", 19.0))
    account = passes.account()
    assert account is not None
    assert (account.passes, account.exact, account.other_reads) == (4, 4, 1)
    assert account.other_reads_per_1000_frames == 5


def test_a_camera_whose_clip_nobody_knows_counts_for_nothing() -> None:
    """Its reads are neither right nor wrong."""
    passes = Passes({"north": CLIP})
    passes.hear(read("ZZ111", 1.0, camera="south"))
    passes.looped("south", 0.0, 9.0, frames=100)
    assert passes.account() is None


def test_a_clip_played_faster_shows_its_passes_sooner() -> None:
    """Twice as fast, half the time."""
    assert [(each.first_s, each.last_s) for each in at_fps(CLIP, 2).passes] == [(0.5, 1.0), (2.5, 3.0)]
