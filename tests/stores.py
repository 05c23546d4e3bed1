"""Arrivals for stores, stores of every kind, and an agency that signs its book."""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from edge.envelope.signature import sign, verified_by
from edge.records import PictureKind
from edge.store.book import DOMAIN, BookKeeper, BookReport, check_book
from edge.store.interface import Arrival, HoldOrder, PictureArrival, RetentionStore
from tests.labeled import AGENCY, START, labeled_read

#: What is added to a read's number to get the canary's of its picture.
PICTURES = 5000

MakeStore = Callable[[], RetentionStore]
_KEY = ec.derive_private_key(0x504C5354, ec.SECP256R1())  # the same in every process
KEEPER = BookKeeper(AGENCY, lambda body: sign(_KEY, DOMAIN, body))


def arrival(
    seq: int,
    device: str = "pole-7",
    epoch: str = "e1",
    content: str = "",
    *,
    text: str = "TEST123",
    at: datetime = START,
    lives: timedelta = timedelta(days=14),
    lifts: tuple[str, ...] = ("warrant", "court-order"),
) -> Arrival:
    """A read as the opener hands it on; other ``content``, other bytes.  Its id is ``r-<device>-<seq>``."""
    wire = f"{device} {epoch} {seq} {content}".encode()
    labeled = labeled_read(f"r-{device}-{seq}", text, device=device, at=at, lives=lives)
    return Arrival(
        device=device,
        epoch=epoch,
        seq=seq,
        received=START,
        wire=wire,
        wire_sha256=hashlib.sha256(wire).digest(),
        labeled=msgspec.structs.replace(labeled, label=msgspec.structs.replace(labeled.label, lifts=lifts)),
    )


def picture(seq: int, device: str = "pole-7", epoch: str = "e1", kind: PictureKind = "crop") -> PictureArrival:
    """A picture of :func:`arrival`'s read that :func:`canaries` finds as number ``PICTURES + seq``."""
    jpeg = canary(PICTURES + seq).encode() + random.Random(f"{seq} {kind}").randbytes(3000)
    return PictureArrival(device=device, epoch=epoch, seq=seq, kind=kind, jpeg=jpeg)


def order(*seqs: int, days: float = 30, authority: str = "warrant") -> HoldOrder:
    """An order to keep reads of pole-7, in force from the beginning for ``days``."""
    return HoldOrder(
        authority=authority,
        case="HPD-2026-0117",
        approver="Sgt. Example",
        reads=tuple(f"r-pole-7-{seq}" for seq in seqs),
        begins=START,
        ends=START + timedelta(days=days),
    )


def numbers(store: RetentionStore) -> list[tuple[str, str, int]]:
    return [(row.device, row.epoch, row.seq) for row in store.reads()]


def seqs(store: RetentionStore) -> list[int]:
    return [row.seq for row in store.reads()]


def checked_book(store: RetentionStore) -> BookReport:
    """The book, held against the agency's key."""

    def verify(body: bytes, signature: bytes) -> None:
        verified_by([_KEY.public_key()], DOMAIN, body, signature)

    return check_book(store.book(), AGENCY, verify)


def files_with(folder: Path, words: bytes) -> list[str]:
    """Files under ``folder`` that hold ``words``, as ``grep -a`` finds them."""
    return sorted(str(path.relative_to(folder)) for path in files(folder) if words in path.read_bytes())


def canaries(folder: Path) -> set[int]:
    """The numbers of all texts ``CNRY0001`` and so on that any file under ``folder`` holds, anywhere in it."""
    return {int(found) for path in files(folder) for found in re.findall(rb"CNRY(\d{4})", path.read_bytes())}


def canary(number: int) -> str:
    """A text that :func:`canaries` finds."""
    return f"CNRY{number:04}"


def files(folder: Path) -> Iterator[Path]:
    """Every file under ``folder``; one that goes while we look is none."""
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                yield path
