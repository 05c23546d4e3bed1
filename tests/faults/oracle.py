"""What the ledgers promised against what the agency's store holds: the same, once each, signed, in an unbroken chain."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.envelope import wire as framing
from edge.envelope.enrolled import EnrolledDevices
from edge.envelope.interface import Header
from edge.envelope.keyring import load_private_key
from edge.envelope.open import HpkeOpener
from edge.errors import EnvelopeError, StoreError
from edge.store.sqlite import SqliteStore
from tests.delivery.town import Town
from tests.faults import agency_store
from tests.faults.ledger import Number, Truth
from tests.faults.rows import Number as Shown
from tests.labeled import AGENCY

_header = msgspec.msgpack.Decoder(Header)


class Stored(Struct, frozen=True, kw_only=True):
    """One read of the agency's store, with the bytes that were kept as evidence; empty if there are none."""

    device: str
    epoch: str
    seq: int
    read_id: str
    wire: bytes


class Account(Struct, frozen=True, kw_only=True):
    """How the two compare.  ``in_doubt``: put was called and a kill came before it was known whether it returned; such a read
    is in the store or not.  ``lost``: committed and not stored.  ``doubled``: one number or one read id twice.  ``foreign``:
    stored, but never put.  ``unsigned``: the device's signature or the seal does not hold.  ``broken``: a read that does not
    follow the one stored before it, or leaves out a number."""

    committed: int
    in_doubt: int
    stored: int
    lost: int
    doubled: int
    foreign: int
    unsigned: int
    broken: int

    @property
    def right(self) -> bool:
        """Every committed read is stored once, and nothing else is."""
        return not (self.lost or self.doubled or self.foreign or self.unsigned or self.broken)

    def numbers(self) -> dict[str, Shown]:
        """For a row of the table: all that is wrong, and what it was out of."""
        wrong = {"doubled": self.doubled, "foreign": self.foreign, "unsigned": self.unsigned, "chain_broken": self.broken}
        some = {name: number for name, number in wrong.items() if number}
        return {"committed": self.committed, "stored": self.stored, "lost": self.lost, **some}


def rows(town: Town) -> list[Stored]:
    """Everything in the agency's store, in order."""
    server, path = agency_store.dsn(town), town.store_path
    if server is not None:
        found = agency_store.in_postgres(server)
        return [Stored(device=k.device, epoch=k.epoch, seq=k.seq, read_id=k.read_id, wire=k.wire) for k in found]
    if not path.exists():
        return []
    kept = wires(path)
    with closing(SqliteStore(path)) as store:
        return [
            Stored(
                device=read.device,
                epoch=read.epoch,
                seq=read.seq,
                read_id=read.labeled.read.id,
                wire=kept.get((read.device, read.epoch, read.seq), b""),
            )
            for read in store.reads()
        ]


def wires(path: Path) -> dict[tuple[str, str, int], bytes]:
    """The messages in the store's files, whichever these are, by what each says of itself."""
    found: dict[tuple[str, str, int], bytes] = {}
    for file in databases(path):
        with closing(sqlite3.connect(file)) as db:
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for (wire,) in db.execute("SELECT wire FROM reads") if "reads" in tables else ():
                header = _header.decode(framing.split(wire).signed)
                found[header.device, header.epoch, header.seq] = wire
    return found


def databases(path: Path) -> list[Path]:
    """The store's file, and those beside it that hold a part of it."""
    return [file for file in (path, *path.parent.glob(path.name + "*/*.sqlite")) if file.is_file()]


def received(town: Town, device: str, epoch: str) -> list[tuple[int, int]] | None:
    """What the store has of an epoch now, as ranges; None while it cannot be asked."""
    try:
        with closing(agency_store.opened(town)) as store:
            return list(store.received(device, epoch))
    except StoreError:
        return None


def settle(town: Town, truths: Mapping[str, Truth]) -> Account:
    """Compare the ledgers of these devices with what the store has of them."""
    found = [row for row in rows(town) if row.device in truths]
    there = {(row.device, row.epoch, row.seq): hashlib.sha256(row.wire).hexdigest() for row in found}
    committed = {(device, *number): kept.sha256 for device, truth in truths.items() for number, kept in truth.committed.items()}
    tried = {
        (device, *number, kept.sha256)
        for device, truth in truths.items()
        for number, every in truth.tried.items()
        for kept in every
    }
    seals = [load_private_key(town.agency / "seal.key")]
    opener = HpkeOpener(agency=AGENCY, device_keys=EnrolledDevices(town.agency / "devices"), seal_keys=seals)
    unsigned, read_ids, broken = 0, set[str](), 0
    before: Stored | None = None
    for row in found:
        try:
            opened = opener.open(row.device, row.wire)
        except EnvelopeError:
            unsigned += 1
            continue
        read_ids.add(opened.labeled.read.id)
        unsigned += opened.labeled.read.id != row.read_id
        broken += not _follows(row, opened.header.previous, before)
        before = row
    return Account(
        committed=len(committed),
        in_doubt=sum(len(_in_doubt(truth)) for truth in truths.values()),
        stored=len(found),
        lost=sum(there.get(number) != sha256 for number, sha256 in committed.items()),
        doubled=len(found) - unsigned - len(read_ids),
        foreign=sum((*number, sha256) not in tried for number, sha256 in there.items()),
        unsigned=unsigned,
        broken=broken,
    )


def holes(stored: Sequence[Stored], device: str) -> int:
    """How many numbers below the highest stored one of each epoch are not stored."""
    numbers: dict[str, set[int]] = {}
    for row in stored:
        if row.device == device:
            numbers.setdefault(row.epoch, set()).add(row.seq)
    return sum(max(seqs) - len(seqs) for seqs in numbers.values())


def breaks(stored: Sequence[Stored], device: str) -> int:
    """How many stored reads name another predecessor than the one that is stored under the number before."""
    mine = {(row.epoch, row.seq): row.wire for row in stored if row.device == device}
    found = 0
    for (epoch, seq), wire in mine.items():
        if not wire:
            continue
        before = mine.get((epoch, seq - 1))
        previous = _header.decode(framing.split(wire).signed).previous
        found += before is not None and previous != hashlib.sha256(before).digest()
    return found


def _follows(row: Stored, previous: bytes, before: Stored | None) -> bool:
    if before is None or (before.device, before.epoch) != (row.device, row.epoch):
        return row.seq == 1
    return row.seq == before.seq + 1 and previous == hashlib.sha256(before.wire).digest()


def _in_doubt(truth: Truth) -> Sequence[Number]:
    return [number for number in truth.tried if number not in truth.committed]
