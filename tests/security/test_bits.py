"""No bit of a stored envelope can be changed without the agency end saying so, by name."""

from __future__ import annotations

from pathlib import Path

from tests.security.bits import flip

SEED = 20261122


def test_every_single_bit_change_of_stored_envelopes_is_refused(tmp_path: Path) -> None:
    """Two of them here; `python -m tests.security` does two hundred."""
    done = flip(tmp_path, 2, SEED)
    assert done.taken == 0
    assert done.changed == sum(done.reasons.values()) == 8 * done.bytes > 8000
    assert set(done.reasons) <= {"framing", "version", "size", "signature"}, "refused before anything is believed"
