"""The gate that is always open."""

from __future__ import annotations

from edge.gate.interface import Verdict
from edge.records import Frame, Wish


class OpenGate:
    """Every frame is looked at: for measuring what the others cost in accuracy, and for tests of what lies behind."""

    def judge(self, frame: Frame, wish: Wish) -> Verdict:
        """Look."""
        return "look"

    def rests_until(self, wish: Wish) -> float:
        """Now."""
        return 0.0

    def forget(self) -> None:
        """Nothing is remembered."""
