"""Which epochs a unit has had: one name a line beside the outbox, oldest first, so that a new file can say what was before it.

It only helps an honest unit to explain itself.  An agency believes none of it that contradicts what it has.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

_KEPT = 64


def remembered(outbox: Path) -> Sequence[str]:
    """The epochs of the outbox at ``outbox``, newest first; none where nothing is known."""
    try:
        return _file(outbox).read_text(encoding="ascii").split()[::-1]
    except (OSError, UnicodeDecodeError):
        return ()


def remember(outbox: Path, epoch: str) -> None:
    """Note ``epoch``, once.  A disk that does not take it costs an alarm later, so it is no reason to stop now."""
    known = remembered(outbox)
    if epoch in known:
        return
    text = "".join(f"{name}\n" for name in [*known[::-1], epoch][-_KEPT:])
    with contextlib.suppress(OSError):
        fresh = _file(outbox).with_suffix(".new")
        handle = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(_file(outbox))


def _file(outbox: Path) -> Path:
    return outbox.with_name(outbox.name + ".epochs")
