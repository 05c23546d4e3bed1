"""On which line of a pack's file a key or a rule stands, because the TOML library does not tell."""

from __future__ import annotations

import re
from collections import Counter

_TABLE = re.compile(r"\s*(\[\[|\[)\s*([A-Za-z0-9_.-]+)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_ID = re.compile(r"""\s*(?:id|name)\s*=\s*["']([^"']*)["']""")
_QUOTED = re.compile(r"`([^`]+)`")


def located(message: str, text: str) -> str:
    """``message`` with the line of the first key path (``retention[0].longest``), rule id or case name that it quotes in
    backticks and ``text`` has; as it is where it quotes none."""
    places = _places(text)
    for quoted in _QUOTED.findall(message):
        line = _nearest(places, quoted)
        if line is not None:
            return f"line {line}: {message}"
    return message


def _nearest(places: dict[str, int], path: str) -> int | None:
    """The line of ``path``, or of the nearest table around it that the file has."""
    while path:
        if path in places:
            return places[path]
        path = re.sub(r"(\[\d+\]|\.?[^.\[\]]+)$", "", path)
    return None


def _places(text: str) -> dict[str, int]:
    """The line on which each table and key begins, by its path; ids and names of rules and cases by themselves."""
    places: dict[str, int] = {}
    counts: Counter[str] = Counter()
    table = ""
    for line, words in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(words):
            table = _path(header[2], header[1] == "[[", counts)
            places.setdefault(table, line)
        elif named := _ID.match(words):
            places.setdefault(named[1], line)
        if key := _KEY.match(words):
            places.setdefault(f"{table}.{key[1]}" if table else key[1], line)
    return places


def _path(header: str, is_array: bool, counts: Counter[str]) -> str:
    """``cases.agreements`` → ``cases[3].agreements[0]``: the parts before it are the latest ones."""
    path = ""
    parts = header.split(".")
    for depth, part in enumerate(parts):
        path = f"{path}.{part}" if path else part
        last = depth == len(parts) - 1
        if last and is_array:
            counts[path] += 1
        if counts[path]:
            path = f"{path}[{counts[path] - 1}]"
    return path
