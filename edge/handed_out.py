"""A picture for a person at the agency: whether it is there, else that its unit is asked for it; and a file for it."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from edge.errors import ConfigError
from edge.store.interface import PictureOrder, PictureStore


def not_here(store: PictureStore, order: PictureOrder, at: datetime) -> str:
    """Why a picture cannot be handed out now, in plain words, after what can be done about it was done; empty where it can, or
    where the store itself has to refuse.  Raises StoreError."""
    found = store.find(order.read)
    named = [each for each in found if any(ref.kind == order.kind for ref in each.labeled.pictures)]
    if found and not named:
        return f"no {order.kind} was made of read {order.read}: the policy at capture did not let one leave, or none was good"
    missing = [each for each in named if not store.has_picture(each, order.kind)]
    if not missing or len(missing) < len(named):
        return ""
    for each in missing:
        if "/" in each.device:  # a copy
            return f"the {order.kind} of read {order.read} is with the read's owner, {each.labeled.label.owner}: ask there"
        store.ask(each.device, each.epoch, each.seq, at)
    return (
        f"the {order.kind} of read {order.read} is not here yet: its unit is asked for it when it is heard; unless it had "
        "to drop it (`plate-edge units`), run this again in a few minutes"
    )


def write_new(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read and that is not there yet.  Raises ConfigError."""
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(data)
    except OSError as error:
        raise ConfigError(f"write {path}: {error.strerror}; name a new file") from error
