"""The page of a run, and the table of targets."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from edge.bench.line.record import NOT_MEASURED, Probe, Record, Verdict, decode, encode
from edge.bench.line.report import page, read_measured
from edge.bench.line.targets import CAMERAS, FIRST, PLATES, camera_rows
from edge.errors import ConfigError
from tests.bench.line.records import record


def held(dropped: int = 0, verdict: Verdict | None = None) -> Record:
    one = record(mode="realtime", verdict=verdict)
    return msgspec.structs.replace(
        one,
        run=msgspec.structs.replace(one.run, cameras=9, counted_s=600.0, fps_each=30.0),
        loss=msgspec.structs.replace(one.loss, dropped_counted=dropped),
        probes=(Probe(cameras=8, seconds=20, due=4800, dropped=0), Probe(cameras=10, seconds=20, due=6000, dropped=60)),
    )


def test_the_page_needs_nothing_but_itself() -> None:
    """No script, no address to load from, no font: a buyer keeps one file."""
    shown = page([("before", held())])
    assert not re.search(r"<script|<link|<img|@import|url\(|src=|https?://", shown)
    assert shown.count("<svg") == 5


def test_the_page_has_every_plot() -> None:
    """Stages, drops against cameras, memory, CPU, temperature; a clock that the machine does not tell is said."""
    shown = page([("before", held())])
    for title in ("Latency of each stage", "Frames dropped against cameras", "Memory", "Temperature"):
        assert f'aria-label="{title}"' in shown
    assert f"Clock: {NOT_MEASURED}" in shown
    assert "p95" in shown


def test_an_invalid_run_has_no_headline_on_the_page() -> None:
    """Its reasons stand there instead."""
    shown = page([("hot", held(verdict=Verdict(valid=False, reasons=("throttled (after the run)",))))])
    assert "throttled (after the run)" in shown
    assert "frames dropped</b>" not in shown


def test_names_cannot_break_the_page() -> None:
    """A clip may be called anything."""
    one = record()
    clip = msgspec.structs.replace(one.clips[0], path=Path("<script>x.mp4"))
    assert "<script>" not in page([("<b>", msgspec.structs.replace(one, clips=(clip,)))])


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    """What is read is what was written."""
    path = tmp_path / "a.json"
    path.write_bytes(encode(held()))
    assert decode(path.read_bytes()) == held()
    assert read_measured(path) == held()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"run": 1}', b"\xff\xfe"])
def test_another_file_is_no_record(tmp_path: Path, content: bytes) -> None:
    """One plain word, no traceback."""
    path = tmp_path / "b.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="read record"):
        read_measured(path)


def test_a_target_knows_where_a_figure_stands() -> None:
    """Of some more is better, of others less."""
    assert [CAMERAS.row(n).standing for n in (10, 6, 5)] == ["in the end", "to reach", "short"]
    assert [FIRST.row(s).standing for s in (0.9, 1.5, 2.5)] == ["in the end", "to reach", "short"]
    assert [PLATES.row(r).standing for r in (-0.05, -0.2, -0.42)] == ["in the end", "to reach", "short"]


def test_cameras_count_only_where_the_run_is_valid_and_nothing_was_dropped() -> None:
    """A drop in the ten minutes makes them none; a throttled run makes them no figure."""
    assert camera_rows(held(), None)[0].value == 9
    assert camera_rows(held(dropped=1), None)[0].value == 0
    spoilt = camera_rows(held(verdict=Verdict(valid=False, reasons=("throttled (after the run)",))), None)[0]
    assert (spoilt.value, spoilt.standing) == (NOT_MEASURED, "not measured")
    assert "throttled" in spoilt.note
