"""The gate that is always open."""

from __future__ import annotations

from edge.gate.interface import Verdict
from edge.records import Frame


class OpenGate:
    """Every frame is looked at: for measuring what the others cost in accuracy, and for tests of what lies behind."""

    def judge(self, frame: Frame, asked: bool) -> Verdict:
        """Look."""
        return "look"

    def rests_until(self, asked: bool) -> float:
        """Now."""
        return 0.0

    def forget(self) -> None:
        """Nothing is remembered."""
