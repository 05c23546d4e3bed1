"""Read + pack → label: who may have the read, for what, until when.  Pure."""

from __future__ import annotations

from edge.policy.pack import Pack
from edge.records import Capture, Hit, Label, LabeledRead, Read, Recipient


def label(read: Read, capture: Capture, pack: Pack, hit: Hit | None) -> LabeledRead:
    """Give ``read`` its label under ``pack``.

    The owner is the capturing agency; ``delete_after`` counts from the pass's earliest moment; obligations of all rules
    are collected.  What a rule id cites stands in the pack (``pack.rule(id).clause``).
    """
    return LabeledRead(read=read, capture=capture, label=_label(read, capture, pack, hit), hit=hit)


def _label(read: Read, capture: Capture, pack: Pack, hit: Hit | None) -> Label:
    identity = pack.identity
    return Label(
        pack=identity.id,
        pack_version=identity.version,
        pack_sha256=pack.sha256,
        jurisdiction=identity.jurisdiction,
        owner=capture.agency,
        classification=pack.classification.classification,
        recipients=recipients(pack),
        purposes_permitted=pack.purposes_permitted,
        purposes_barred=pack.purposes_barred,
        delete_after=pack.delete_after(read.first, read.last, hit is not None),
        obligations=tuple(dict.fromkeys(rule.obligation for rule in pack.obligations)),
        onward_duties=tuple(dict.fromkeys(rule.duty for rule in pack.onward_duties)),
        rules=_rules(pack, hit),
    )


def recipients(pack: Pack) -> tuple[Recipient, ...]:
    """Who may have a read beside its owner: one entry per rule, or per rule and jurisdiction where the rule names some
    (``out-of-state-law-enforcement/US-NY``)."""
    return tuple(
        Recipient(recipient=name, gates=rule.gates, rule=rule.id, now=rule.now)
        for rule in pack.recipients
        for name in rule.names
    )


def _rules(pack: Pack, hit: Hit | None) -> tuple[str, ...]:
    """Every rule that shaped the label, in the pack's order; admission to a hot list only where there is a hit."""
    admission = (rule.id for rule in pack.hotlist.admit if hit is not None and hit.topic in rule.topics)
    return (
        pack.classification.id,
        pack.owner.id,
        pack.fields.id,
        pack.match.id,
        *admission,
        *(rule.id for rule in pack.retention_for(hit is not None)),
        *(rule.id for rule in pack.lifts),
        *(rule.id for rule in pack.recipients),
        *(rule.id for rule in pack.purposes),
        *(rule.id for rule in pack.obligations),
        *(rule.id for rule in pack.onward_duties),
    )
