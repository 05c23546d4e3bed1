"""The clock says what it knows and how well it knows it."""

from __future__ import annotations

import time
from datetime import datetime, timezone

from edge.clock import Clock, boot_id, time_quality


def test_an_instant_has_aware_utc_boot_time_and_boot() -> None:
    """UTC for people, boot time for order within a boot, the boot's id to tell boots apart."""
    now = Clock().now()
    assert now.utc.utcoffset() is not None
    assert abs((now.utc - datetime.now(timezone.utc)).total_seconds()) < 5
    assert now.boottime_ns <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert now.boot_id == boot_id()


def test_a_clock_that_nobody_disciplines_is_called_unset_and_never_given_an_error() -> None:
    """No figure is better than an invented one; a disciplined clock has one."""
    quality = time_quality()
    assert (quality.source == "unset") == (quality.error_ms is None)
