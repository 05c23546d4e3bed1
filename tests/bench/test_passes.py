"""Scoring of whole passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.bench.passes import DueClip, DuePass, demo_clip, read_clips, score_passes
from edge.errors import ConfigError
from edge.read import ClipText


def read(text: str, first_s: float, last_s: float) -> ClipText:
    return ClipText(
        clip="c.mp4", text=text, text_confidence=0.9, char_confidence=(), region="unknown", first_s=first_s, last_s=last_s,
        readings=5, box=(0, 0, 100, 50), raw_texts=(text,),
    )  # fmt: skip


def due(*passes: tuple[str, float, float]) -> DueClip:
    return DueClip(path=Path("c.mp4"), passes=tuple(DuePass(text=t, first_s=a, last_s=b) for t, a, b in passes))


def test_a_pass_counts_when_a_read_says_exactly_its_text() -> None:
    """One wrong letter is a miss, and O is not 0; a separator is no letter."""
    clip = due(("AB123", 0, 2), ("CD456", 3, 5), ("EO789", 6, 8))
    score = score_passes(clip, [read("AB-123", 0.2, 1.9), read("CD455", 3, 5), read("E0789", 6, 8)])
    assert (score.passes.hits, score.passes.total, score.missed_at_s, score.other_reads) == (1, 3, (3, 6), 2)


def test_a_read_at_another_time_is_another_pass() -> None:
    """The same plate ten seconds later does not answer for this one; a second of slack does."""
    clip = due(("AB123", 0, 2))
    assert score_passes(clip, [read("AB123", 12, 14)]).passes.hits == 0
    assert score_passes(clip, [read("AB123", 2.9, 4)]).passes.hits == 1


def test_a_read_answers_for_one_pass_only() -> None:
    """A car that passes twice must be read twice."""
    clip = due(("AB123", 0, 2), ("AB123", 2.5, 4))
    assert score_passes(clip, [read("AB123", 0, 4)]).passes.hits == 1
    assert score_passes(clip, [read("AB123", 0, 2), read("AB123", 2.5, 4)]).passes.hits == 2


def test_the_score_holds_no_text() -> None:
    """It goes into reports."""
    assert "AB123" not in repr(score_passes(due(("AB123", 0, 2)), [read("AB123", 0, 2)]))


def test_a_list_of_clips_gives_each_pass_its_seconds(tmp_path: Path) -> None:
    """From first and last frame, or from one box a frame; paths count from the list's folder."""
    lines = [
        {"video": "a.mp4", "fps": 30, "plates": [{"text": "AB123", "frames": [30, 89]}], "size": [1280, 720]},
        {"video": "b.mp4", "fps": 15, "plates": [{"text": "CD456", "boxes": [[1, 2, 3, 4]] * 46}]},
    ]
    (tmp_path / "videos.jsonl").write_text("\n".join(map(json.dumps, lines)))
    first, second = read_clips(tmp_path / "videos.jsonl")
    assert (first.path, first.passes[0].first_s) == (tmp_path / "a.mp4", 1.0)
    assert first.passes[0].last_s == pytest.approx(89 / 30)
    assert (second.passes[0].first_s, second.passes[0].last_s) == (0.0, 3.0)


def test_a_broken_list_is_named_with_its_line(tmp_path: Path) -> None:
    """Where to look."""
    (tmp_path / "videos.jsonl").write_text('{"video": "a.mp4"}')
    with pytest.raises(ConfigError, match="line 1"):
        read_clips(tmp_path / "videos.jsonl")


def test_the_bundled_clip_has_its_legible_passes() -> None:
    """Every one that a person could read, those in the no-capture zone too: here nothing is kept."""
    clip = demo_clip()
    assert clip.path.is_file()
    assert len(clip.passes) >= 12
