"""Which runs count, and that those that do not give no figure."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from edge.bench.line.record import Load, Loss, Thermal, Verdict
from edge.bench.line.show import show_record
from edge.bench.line.verdict import judge
from tests.bench.line.records import load, loss, record


def verdict(
    seconds: float = 700,
    load_: Load | None = None,
    loss_: Loss | None = None,
    thermal: Thermal | None = None,
    step_s: float = 0,
) -> Verdict:
    return judge("realtime", seconds, load_ or load(), loss_ or loss(), thermal or Thermal(), step_s)


def test_a_long_quiet_cool_run_is_valid() -> None:
    """Also one on a machine that does not tell whether it throttles."""
    assert verdict() == Verdict(valid=True)
    assert verdict(thermal=Thermal(throttled_before=(), throttled_after=())).valid


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (verdict(thermal=Thermal(throttled_before=(), throttled_after=("throttled",))), "throttled (after the run)"),
        (verdict(thermal=Thermal(throttled_before=("under-voltage",), throttled_after=())), "under-voltage (before the run)"),
        (verdict(load_=load(swapped=3)), "swapping"),
        (verdict(load_=load(background=0.2)), "background load: others took 20%"),
        (verdict(step_s=-30), "clock step"),
        (verdict(seconds=59), "too short: 59 s"),
        (verdict(loss_=loss(due=1001)), "do not add up"),
    ],
)
def test_what_spoils_a_run_is_said(case: Verdict, reason: str) -> None:
    """Each reason alone is enough, and names itself."""
    assert not case.valid
    assert reason in case.reasons[0]


def test_ntp_pulling_the_clock_slowly_is_no_step() -> None:
    """An hour at the 500 ppm that the kernel allows."""
    assert judge("soak", 3600, load(), loss(), Thermal(), 1.8).valid


def test_an_invalid_run_prints_no_figure_but_its_reasons() -> None:
    """The headline is missing; what a person needs to find the cause is there."""
    bad = record(fps=123.4, verdict=Verdict(valid=False, reasons=("throttled (after the run)",)))
    good, spoilt = (told(each) for each in (record(fps=123.4), bad))
    assert "123.4 frames a second (" in good
    assert "123.4 frames a second (" not in spoilt
    assert "invalid, no figure is given" in spoilt
    assert "throttled (after the run)" in spoilt


def test_frames_and_reads_must_add_up() -> None:
    """Due is processed, not looked at and dropped by reason; a missing read spoils the account as a missing frame does."""
    whole = loss()
    assert whole.adds_up
    assert not msgspec.structs.replace(whole, processed=899).adds_up
    assert not msgspec.structs.replace(whole, dropped={"late": 9}).adds_up
    assert not msgspec.structs.replace(whole, committed=1).adds_up


def test_a_machine_that_is_no_units_board_makes_no_claim_about_one() -> None:
    """The same figure on a server says so; on a Pi it does not."""
    pi = record()
    server = msgspec.structs.replace(pi, host=msgspec.structs.replace(pi.host, target=False))
    assert "says nothing about one" in told(server)
    assert "says nothing about one" not in told(pi)


def told(each: object) -> str:
    out = io.StringIO()
    show_record(each, Console(file=out, width=200))  # type: ignore[arg-type]
    return out.getvalue()
