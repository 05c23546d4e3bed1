"""What a loaded list takes, and what it does not keep."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

from edge.hotlist.files import COLUMNS
from tests.hotlist.lists import load, write

STOLEN = "ab-c 123,CT,NCIC,stolen-vehicle,stolen in Hartford,HPD,2026-10-20,2026-12-01"
BARRED = "ZZTOP99,CT,NCIC,immigration-violator,administrative warrant,ICE,2026-10-20,2026-12-01"


def texts_of(root: object) -> set[str]:
    """Every text and all bytes that can be reached from an object, as the garbage collector sees it."""
    seen: set[int] = set()
    texts: set[str] = set()
    queue: list[Any] = [root]
    while queue:
        item = queue.pop()
        if id(item) in seen or isinstance(item, type) or callable(item):
            continue
        seen.add(id(item))
        if isinstance(item, str):
            texts.add(item)
        if isinstance(item, (bytes, bytearray)):
            texts.add(item.decode("latin-1"))
        queue.extend(item.keys() if isinstance(item, dict) else ())  # the collector skips keys that are texts
        queue.extend(gc.get_referents(item))
        queue.extend(vars(item).values() if hasattr(item, "__dict__") else ())
    return texts


def test_a_loaded_list_keeps_no_plate_in_memory(tmp_path: Path) -> None:
    """Neither an admitted nor a refused one; the reason of the admitted is there, so the search works."""
    rows = (STOLEN, BARRED, "OLD111,CT,NCIC,stolen-vehicle,of old,X,2026-01-01,2026-10-31")
    texts = texts_of(load(write(tmp_path, *rows)))
    assert [text for text in texts if "stolen in Hartford" in text]
    for never in ("ABC123", "ab-c", "ZZT", "OLD111", "of old", "administrative warrant,"):
        assert not [text for text in texts if never in text], never


def test_a_hundred_thousand_entries_take_less_than_ten_megabytes(tmp_path: Path) -> None:
    """Each with a reason of its own, the most that a list can ask for; beside the table only the file passes through memory."""
    path = tmp_path / "list.csv"
    with path.open("w", encoding="ascii") as file:
        file.write(",".join(COLUMNS) + "\n")
        for n in range(100_000):
            file.write(f"{n:07d},CT,NCIC,stolen-vehicle,case 26-{n} stolen in Hartford,ORI{n % 900},2026-10-20,2027-12-01\n")
    hot_list = load(path)
    assert hot_list.admitted == 100_000
    assert hot_list.nbytes < 10e6
