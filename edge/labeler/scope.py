"""Read + pack → labelled read: what of it may leave, who may have it, for what, until when.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from edge.policy.agreements import Agreement
from edge.policy.pack import Admission, Pack
from edge.records import (
    Capture,
    Hit,
    Label,
    LabeledRead,
    LabelLayer,
    Mark,
    Position,
    Read,
    Recipient,
    SearchWindow,
)

_T = TypeVar("_T")

#: What a party that passed every door by its agreement, but gets no copy at capture, still has to do.
ASK_THE_OWNER = ("request",)
#: A coarse position is rounded to this many decimals of a degree: 1.1 km of latitude, at most as much of longitude …
_COARSE_DECIMALS = 2
#: … so the true place lies within half the diagonal of such a cell, 0.79 km, of the rounded one.
_COARSE_ERROR_M = 790.0


def label(read: Read, capture: Capture, pack: Pack, hit: Hit | None) -> LabeledRead:
    """Drop from ``read`` and ``capture`` what may not leave and label the rest under ``pack``.

    The owner is the capturing agency; ``delete_after`` counts from the pass's earliest moment; obligations of all rules
    are collected.  What a rule id cites stands in the pack (``pack.rule(id).clause``).
    """
    made = _label(read, capture, pack, hit)
    return LabeledRead(read=_kept_of_read(read, pack), capture=_kept_of_capture(capture, pack), label=made, hit=hit)


def strictest(labels: Sequence[Label]) -> Label:
    """The label of what is derived from several reads: everything that any of their labels forbids is forbidden.

    Raises ValueError if there is none, or if they have several owners, because then nobody alone may derive anything.
    """
    if not labels:
        raise ValueError("derive a label: there is no label to derive from")
    if len({each.owner for each in labels}) > 1:
        raise ValueError("derive a label: the reads have several owners; each must release its own")
    order = ("public", "confidential", "restricted")
    permitted = [set(each.purposes_permitted) for each in labels]
    barred = tuple(dict.fromkeys(word for each in labels for word in each.purposes_barred))
    forwards = [each.forward_by for each in labels if each.forward_by is not None]
    return Label(
        layers=tuple(dict.fromkeys(layer for each in labels for layer in each.layers)),
        pack_sha256=labels[0].pack_sha256 if len({each.pack_sha256 for each in labels}) == 1 else "",
        jurisdiction=labels[0].jurisdiction,
        owner=labels[0].owner,
        classification=max((each.classification for each in labels), key=order.index),
        fields=tuple(field for field in labels[0].fields if all(field in each.fields for each in labels)),
        marks=tuple(dict.fromkeys(mark for each in labels for mark in each.marks)),
        recipients=_common_recipients(labels),
        purposes_permitted=tuple(
            word for word in labels[0].purposes_permitted if all(word in words for words in permitted) and word not in barred
        ),
        purposes_barred=barred,
        delete_after=min(each.delete_after for each in labels),
        lifts=tuple(lift for lift in labels[0].lifts if all(lift in each.lifts for each in labels)),
        forward_by=min(forwards, default=None),
        search_windows=_shortest_windows(labels),
        obligations=tuple(dict.fromkeys(word for each in labels for word in each.obligations)),
        onward_duties=tuple(dict.fromkeys(word for each in labels for word in each.onward_duties)),
        rules=tuple(dict.fromkeys(rule for each in labels for rule in each.rules)),
    )


def recipients(pack: Pack, at: datetime) -> tuple[Recipient, ...]:
    """Who may have a read captured at ``at``: the pack's classes, each followed by the parties of it whose agreement is in
    force then."""
    found: list[Recipient] = []
    parties = [paper for paper in pack.agreements if paper.in_force(at)]
    for admission in pack.admissions:
        found.append(Recipient(recipient=admission.name, doors=admission.doors, rules=admission.rules))
        found += [_party(admission, paper) for paper in parties if _falls_under(paper, admission, pack)]
    return tuple(found)


def _falls_under(paper: Agreement, admission: Admission, pack: Pack) -> bool:
    """Whether the party is of this class by its narrowest name that the pack admits, and renounces what the pack wants."""
    admitted = [name for name in paper.names if any(name == other.name for other in pack.admissions)]
    return admitted[:1] == [admission.name] and admission.declares <= set(paper.bars)


def _party(admission: Admission, paper: Agreement) -> Recipient:
    open_to = {"none", *paper.satisfies}
    left = tuple(door for door in admission.doors if not open_to & set(door))
    now = not left and admission.now and paper.now
    doors = left if left or now else (ASK_THE_OWNER,)
    return Recipient(
        recipient=admission.name, doors=doors, rules=admission.rules, party=paper.party, barred=paper.bars, now=now
    )


def _label(read: Read, capture: Capture, pack: Pack, hit: Hit | None) -> Label:
    start = min(read.first.utc, read.last.utc)
    return Label(
        layers=tuple(
            LabelLayer(id=layer.says.identity.id, version=layer.says.identity.version, sha256=layer.sha256)
            for layer in pack.layers
        ),
        pack_sha256=pack.sha256,
        jurisdiction=pack.identity.jurisdiction,
        owner=capture.agency,
        classification=pack.classification.classification,
        fields=pack.fields_kept,
        marks=tuple(
            Mark(field=field, classification=rule.classification, rule=rule.id)
            for rule in pack.marks
            for field in rule.fields
            if field in pack.fields_kept
        ),
        recipients=recipients(pack, start),
        purposes_permitted=pack.purposes_permitted,
        purposes_barred=pack.purposes_barred,
        delete_after=pack.delete_after(read.first, read.last, hit is not None),
        lifts=tuple(dict.fromkeys(rule.lift for rule in pack.lifts)),
        forward_by=pack.must_arrive_by(start, hit is not None),
        search_windows=tuple(
            SearchWindow(who=who, until=until) for who, until in pack.searchable_until(read.first, read.last).items()
        ),
        obligations=tuple(dict.fromkeys(rule.obligation for rule in pack.obligations)),
        onward_duties=tuple(dict.fromkeys(rule.duty for rule in pack.onward_duties)),
        rules=_rules(pack, hit),
    )


def _kept_of_read(read: Read, pack: Pack) -> Read:
    if "plate-region" in pack.fields_kept:
        return read
    return msgspec.structs.replace(read, region="", region_confidence=0.0)


def _kept_of_capture(capture: Capture, pack: Pack) -> Capture:
    if capture.position is None:
        return capture
    if "position" not in pack.fields_kept:
        return msgspec.structs.replace(capture, position=None)
    return msgspec.structs.replace(capture, position=_coarse(capture.position)) if pack.position_coarse else capture


def _coarse(position: Position) -> Position:
    return Position(
        latitude=round(position.latitude, _COARSE_DECIMALS),
        longitude=round(position.longitude, _COARSE_DECIMALS),
        accuracy_m=position.accuracy_m + _COARSE_ERROR_M,
    )


def _rules(pack: Pack, hit: Hit | None) -> tuple[str, ...]:
    """Every rule that shaped the label, in the packs' order; admission to a hot list only where there is a hit."""
    admits = [rule for hotlist in pack.hotlists for rule in hotlist.admit]
    return (
        pack.classification.id,
        pack.owner.id,
        *(rule.id for rule in (*pack.fields, *pack.images, *pack.marks, *pack.matches)),
        *(rule.id for rule in admits if hit is not None and hit.topic in rule.topics),
        *(rule.id for rule in pack.retention_for(hit is not None)),
        *(rule.id for rule in (*pack.lifts, *pack.forward_by, *pack.search_windows)),
        *(rule for admission in pack.admissions for rule in admission.rules),
        *(rule.id for rule in (*pack.purposes, *pack.obligations, *pack.onward_duties)),
    )


def _common_recipients(labels: Sequence[Label]) -> tuple[Recipient, ...]:
    """Those whom every label names, through the doors of all; nobody gets a copy of what was derived later."""

    def by_name(label: Label) -> dict[tuple[str, str], Recipient]:
        return {(each.recipient, each.party): each for each in label.recipients}

    known = [by_name(each) for each in labels]
    common = [name for name in known[0] if all(name in names for names in known)]
    return tuple(
        Recipient(
            recipient=name[0],
            party=name[1],
            doors=_distinct(door for names in known for door in (names[name].doors or (ASK_THE_OWNER,))),
            rules=_distinct(rule for names in known for rule in names[name].rules),
            barred=_distinct(word for names in known for word in names[name].barred),
        )
        for name in common
    )


def _shortest_windows(labels: Sequence[Label]) -> tuple[SearchWindow, ...]:
    found: dict[str, datetime] = {}
    for window in (window for each in labels for window in each.search_windows):
        found[window.who] = min(window.until, found.get(window.who, window.until))
    return tuple(SearchWindow(who=who, until=until) for who, until in found.items())


def _distinct(items: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(items))
