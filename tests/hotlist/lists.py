"""Hot lists written for tests; every plate is invented."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from edge.config import HotListConfig
from edge.hotlist.files import COLUMNS, write_stamp
from edge.hotlist.keyed import compile_list, load_key, make_key
from edge.hotlist.load import load_hotlist
from edge.hotlist.match import HotList
from edge.policy.bundle import ListDigest
from edge.policy.load import load_pack
from edge.policy.pack import Pack
from edge.records import Character, Instant, Option, Read
from tests.policy.situations import NOW, US_CT, instant, read

HEADER = ",".join(COLUMNS)
_LAYER = """
[identity]
id = "hartford-pd"
layer = "agency"
version = "1"
title = "Hartford"
jurisdiction = "US-CT"
statute = "order 1"
effective_from = 2026-10-01T00:00:00Z
prepared_on = 2026-10-01
note = "For tests."

[hotlist]
id = "hpd-hotlist"
clause = "order 1"
evidence = "choice"
verified = false
words = "For tests."
region = "mark-inexact"
"""

_ADMIT = """
[[hotlist.admit]]
id = "hpd-admit"
clause = "order 1"
evidence = "choice"
verified = false
words = "For tests."
topics = ["stolen-vehicle", "stolen-plate", "missing-person"]
"""
#: How long before NOW the lists of these tests were issued.
AGE = timedelta(hours=2)


def write(folder: Path, *rows: str, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def stamped(folder: Path, *rows: str, name: str = "list.csv", issued: datetime = NOW - AGE) -> Path:
    path = write(folder, *rows, name=name)
    write_stamp(path, name=path.stem, version="7", issued=issued)
    return path


def keyed(folder: Path, key: Path, *rows: str, name: str = "list.csv", issued: datetime = NOW - AGE) -> Path:
    """What an agency compiled of a list, which is gone; the key is made where there is none."""
    if not key.exists():
        make_key(key)
    plain = stamped(folder, *rows, name=name, issued=issued)
    path = plain.with_suffix(".keyed")
    path.write_bytes(compile_list(plain, load_key(key)))
    plain.unlink()
    plain.with_name(f"{name}.toml").unlink()
    return path


def load(
    *files: Path,
    pack: Pack = US_CT,
    key: Path | None = None,
    at: Instant | None = None,
    vouched: Sequence[ListDigest] | None = None,
) -> HotList:
    return load_hotlist(HotListConfig(files=files, key=key), pack, at or instant(), vouched)


def seen(text: str, region: str = "US-CT", at: Instant | None = None, **doubts: Any) -> Read:
    """A read, sure of all its characters but those that ``doubts`` names by place: ``_3={"B": 0.2}``."""
    characters = []
    for place, character in enumerate(text):
        options = doubts.get(f"_{place}", {})
        alternatives = tuple(Option(character=other, probability=share) for other, share in options.items())
        characters.append(Character(character=character, confidence=1 - sum(options.values()), alternatives=alternatives))
    return read(first=at, text=text, region=region, characters=tuple(characters))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def layer(hotlist: str) -> str:
    """An agency's layer of rules with ``hotlist`` in what it says of hot lists."""
    return f"{_LAYER}{hotlist}\n{_ADMIT}"


def with_layer(folder: Path, hotlist: str) -> Pack:
    """Connecticut's pack under :func:`layer`."""
    path = folder / "layer.toml"
    path.write_text(layer(hotlist), encoding="utf-8")
    return load_pack("us-ct", path)
