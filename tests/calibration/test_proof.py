"""N passes of known plates: which were read, which were not."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibration.proof import PassRead, proof_measure, prove, read_passes
from edge.errors import ConfigError


def reads(*texts: str) -> list[PassRead]:
    return [PassRead(text=text, at_s=float(n), picture=f"{n}.jpg") for n, text in enumerate(texts)]


def test_every_pass_is_held_against_its_own_read() -> None:
    """A wrong text, a pass that nobody saw, and a car that was not of the test."""
    proof = prove(["KLT4827"] * 4 + ["BK 27-419"], reads("KLT4827", "KLT4827", "KLT4B27", "ZZZ999", "BK27419"))
    assert (proof.passes.hits, proof.passes.total) == (3, 5)
    assert [(miss.read, miss.at_s) for miss in proof.misses] == [("KLT4B27", 2.0), (None, None)]
    assert proof.extra == 1


def test_the_interval_is_wilsons() -> None:
    """18 of 20: 70 to 97 %."""
    proof = prove(["ABC123"] * 20, reads(*["ABC123"] * 18, "ABC128", "A8C123"))
    assert (proof.passes.low, proof.passes.high) == pytest.approx((0.699, 0.972), abs=0.001)


def test_letters_o_and_zeros_are_one() -> None:
    """Many plates do not tell them apart."""
    assert prove(["AO0123"], reads("A0O123")).passes.hits == 1


def test_few_passes_prove_little() -> None:
    """Five of five leave it open and say how many more are wanted; twenty of twenty pass."""
    few, many = (proof_measure(prove(["ABC123"] * n, reads(*["ABC123"] * n))) for n in (5, 20))
    assert few.verdict == "UNKNOWN" and "at least 20" in few.words
    assert many.verdict == "PASS" and many.low == pytest.approx(83.9, abs=0.1)


def test_nothing_read_is_a_failure() -> None:
    """Every pass is a miss."""
    proof = prove(["ABC123", "XYZ789"], [])
    assert len(proof.misses) == 2
    assert proof_measure(proof).verdict == "FAIL"


def test_the_list_of_passes_is_read(tmp_path: Path) -> None:
    """One a line, separators and comments allowed, times for many."""
    path = tmp_path / "passes.txt"
    path.write_text("# Tuesday\nKLT 4827 x3\n\nbk-27419  # own car\n")
    assert read_passes(path) == ("KLT4827",) * 3 + ("BK27419",)


@pytest.mark.parametrize("text", ["KLT4827 x0", "no plate at all here", "É1234", "", "ABC$12"])
def test_a_bad_list_is_refused(tmp_path: Path, text: str) -> None:
    """With the line, where there is one."""
    path = tmp_path / "passes.txt"
    path.write_text(text)
    with pytest.raises(ConfigError, match="write one"):
        read_passes(path)


def test_a_missing_list_is_refused(tmp_path: Path) -> None:
    """In plain words."""
    with pytest.raises(ConfigError, match="No such file"):
        read_passes(tmp_path / "none.txt")
