"""Help for whoever mistyped a word."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def nearest(word: str, known: Sequence[str]) -> str:
    """The known word that ``word`` was probably meant to be, or all known words, as half a sentence."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    return f"did you mean `{near[0]}`?" if near else f"known: {', '.join(sorted(known))}"
