"""Looking for words in bytes, however they might be written there."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote


def forms(word: str) -> dict[str, bytes]:
    """``word`` as text, as UTF-16, in hexadecimal, percent-encoded, and in Base64 at each of its three alignments."""
    plain = word.encode()
    found = {
        "text": plain,
        "UTF-16": word.encode("utf-16-le"),
        "hex": plain.hex().encode(),
        "HEX": plain.hex().upper().encode(),
        "percent": quote(word, safe="").encode(),
    }
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + plain)
        # The first group holds what stands before, the last one what stands behind.
        found[f"base64+{shift}"] = coded[4 if shift else 0 : len(coded) - 4 if (shift + len(plain)) % 3 else len(coded)]
    return {name: form for name, form in found.items() if len(form) >= 5}


def hits(files: Iterable[Path], words: Iterable[str]) -> Iterator[str]:
    """Each file that holds one of ``words``, and in which form; the word itself is not told."""
    needles = [(n, name, form) for n, word in enumerate(words) for name, form in forms(word).items()]
    for path in files:
        data = path.read_bytes()
        yield from (f"{path}: word {n} as {name}" for n, name, form in needles if form in data)
